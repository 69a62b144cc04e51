/* SPDX-License-Identifier: MIT */
/* tests/unit/test_vsock_table.c - slots, ports, tags and lists of a connection table. */
#include "virtio/vsock_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct vsock_table table;
static uint8_t *buffers;

static int set_up(void **state)
{
	(void)state;
	/* Nothing of them may be touched here. */
	buffers = mmap(NULL, VSOCK_BUFFERS_BYTES, PROT_NONE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(buffers != MAP_FAILED);
	memset(&table, 0, sizeof(table));
	table.buffers = buffers;
	table.seed = 7;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	munmap(buffers, VSOCK_BUFFERS_BYTES);
	return 0;
}

static struct vsock_connection *allocate(void)
{
	return vsock_table_allocate(&table, VSOCK_CONNECTING, VSOCK_FROM_GUEST);
}

static struct vsock_connection *enter(uint32_t guest_port, uint32_t host_port)
{
	struct vsock_connection *connection = allocate();

	assert_non_null(connection);
	connection->guest_port = guest_port;
	connection->host_port = host_port;
	vsock_table_enter(&table, connection);
	return connection;
}

static void test_every_slot_has_its_own_buffer(void **state)
{
	size_t used_bytes = 0;

	(void)state;
	for (unsigned int i = 0; i < VSOCK_CONNECTIONS_MAX; i++) {
		struct vsock_connection *connection = allocate();

		assert_non_null(connection);
		assert_ptr_equal(connection->buffer, buffers + used_bytes);
		assert_int_equal(connection->credit_bytes, i < VSOCK_WIDE_CONNECTIONS
								   ? VSOCK_WIDE_CREDIT_BYTES
								   : VSOCK_CREDIT_BYTES);
		used_bytes += connection->credit_bytes;
		assert_int_equal(table.count, i + 1);
	}
	assert_null(allocate());
	assert_int_equal(used_bytes, VSOCK_BUFFERS_BYTES);
}

/* The one that was used last comes first, and a new one only if there is none. */
static void test_slots_are_used_again(void **state)
{
	struct vsock_connection *one;
	struct vsock_connection *other;

	(void)state;
	one = allocate();
	other = allocate();
	vsock_table_release(&table, one);
	vsock_table_release(&table, other);
	assert_ptr_equal(allocate(), other);
	assert_ptr_equal(allocate(), one);
	assert_int_equal(table.touched, 2);
	for (unsigned int i = 2; i < VSOCK_CONNECTIONS_MAX; i++)
		assert_non_null(allocate());
	assert_null(allocate());
	vsock_table_release(&table, one);
	assert_ptr_equal(allocate(), one);
	assert_null(allocate());
}

/* Whichever was used last: whoever comes gets a wide one. */
static void test_wide_slots_come_first(void **state)
{
	struct vsock_connection *wide = allocate();
	struct vsock_connection *other;

	(void)state;
	do
		other = allocate();
	while (other->credit_bytes == VSOCK_WIDE_CREDIT_BYTES);
	vsock_table_release(&table, wide);
	vsock_table_release(&table, other);
	assert_ptr_equal(allocate(), wide);
	assert_ptr_equal(allocate(), other);
	assert_int_equal(table.touched, VSOCK_WIDE_CONNECTIONS + 1);
}

static void test_found_by_both_ports(void **state)
{
	(void)state;
	/* Some in the same bucket, with any hash: there are more than half as many as buckets. */
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++)
		enter(i % 32, i / 32);
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++)
		assert_ptr_equal(vsock_table_find(&table, i % 32, i / 32), &table.slots[i]);
	assert_null(vsock_table_find(&table, 32, 0));
	assert_null(vsock_table_find(&table, 31, 31));
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i += 2)
		vsock_table_leave(&table, &table.slots[i]);
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++)
		assert_ptr_equal(vsock_table_find(&table, i % 32, i / 32),
				 i % 2 ? &table.slots[i] : NULL);
}

static void test_not_found_once_released(void **state)
{
	struct vsock_connection *connection;

	(void)state;
	connection = enter(1, 2);
	vsock_table_release(&table, connection);
	assert_null(vsock_table_find(&table, 1, 2));
	vsock_table_leave(&table, connection); /* does nothing */
}

/* Ports that differ in few bits, as a guest would choose them, are spread all the same. */
static void test_no_bucket_is_long(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < VSOCK_CONNECTIONS_MAX; i++)
		enter(i << 22, 80);
	for (unsigned int i = 0; i < VSOCK_BUCKETS; i++) {
		unsigned int length = 0;

		for (uint16_t place = table.buckets[i]; place;
		     place = table.slots[place - 1].next_in_bucket)
			length++;
		assert_in_range(length, 0, 12);
	}
}

static void test_tags_name_one_use_of_a_slot(void **state)
{
	struct vsock_connection *connection;
	uint64_t tag;

	(void)state;
	connection = allocate();
	tag = vsock_table_tag(&table, connection);
	assert_ptr_equal(vsock_table_by_tag(&table, tag), connection);
	vsock_table_release(&table, connection);
	assert_null(vsock_table_by_tag(&table, tag));
	assert_ptr_equal(allocate(), connection);
	assert_null(vsock_table_by_tag(&table, tag));
	assert_true(vsock_table_tag(&table, connection) != tag);
	assert_null(vsock_table_by_tag(&table, 1));
	assert_null(vsock_table_by_tag(&table, VSOCK_CONNECTIONS_MAX));
	assert_null(vsock_table_by_tag(&table, UINT64_MAX));
}

static void test_ready_is_first_in_first_out(void **state)
{
	struct vsock_connection *connection[4];

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		connection[i] = allocate();
		vsock_table_make_ready(&table, connection[i]);
	}
	vsock_table_make_ready(&table, connection[0]); /* is in it already */
	assert_ptr_equal(vsock_table_first_ready(&table), connection[0]);
	vsock_table_make_unready(&table, connection[0]);
	vsock_table_make_ready(&table, connection[0]); /* behind the others now */
	vsock_table_make_unready(&table, connection[2]);
	vsock_table_make_unready(&table, connection[2]);
	assert_ptr_equal(vsock_table_first_ready(&table), connection[1]);
	vsock_table_release(&table, connection[1]);
	assert_ptr_equal(vsock_table_first_ready(&table), connection[3]);
	vsock_table_make_unready(&table, connection[3]);
	assert_ptr_equal(vsock_table_first_ready(&table), connection[0]);
	vsock_table_make_unready(&table, connection[0]);
	assert_null(vsock_table_first_ready(&table));
}

static void test_deadlines_are_a_list(void **state)
{
	struct vsock_connection *one;
	struct vsock_connection *other;

	(void)state;
	one = allocate();
	other = allocate();
	vsock_table_set_deadline(&table, one, 100);
	vsock_table_set_deadline(&table, other, 50);
	vsock_table_set_deadline(&table, one, 200);
	assert_int_equal(one->deadline_ns, 200);
	assert_ptr_equal(vsock_table_first_timed(&table), one);
	assert_ptr_equal(vsock_table_next_timed(&table, one), other);
	assert_null(vsock_table_next_timed(&table, other));
	vsock_table_set_deadline(&table, one, VSOCK_NEVER);
	assert_ptr_equal(vsock_table_first_timed(&table), other);
	vsock_table_release(&table, other);
	assert_null(vsock_table_first_timed(&table));
}

static void test_walk_over_those_in_use(void **state)
{
	struct vsock_connection *connection = NULL;
	unsigned int seen = 0;

	(void)state;
	assert_null(vsock_table_next(&table, NULL));
	for (unsigned int i = 0; i < 8; i++)
		allocate();
	vsock_table_release(&table, &table.slots[0]);
	vsock_table_release(&table, &table.slots[5]);
	while ((connection = vsock_table_next(&table, connection))) {
		vsock_table_release(&table, connection);
		seen++;
	}
	assert_int_equal(seen, 6);
	assert_int_equal(table.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_every_slot_has_its_own_buffer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_slots_are_used_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wide_slots_come_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_found_by_both_ports, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_found_once_released, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_bucket_is_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tags_name_one_use_of_a_slot, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ready_is_first_in_first_out, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_deadlines_are_a_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_walk_over_those_in_use, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
