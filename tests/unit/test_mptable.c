/* SPDX-License-Identifier: MIT */
/* tests/unit/test_mptable.c - the MPTable, read back the way a guest reads it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/layout.h"
#include "monitor/mptable.h"
#include "tests/unit/guard.h"

enum {
	FILL = 0xcc, /* what memory holds before */
};

static uint8_t ram[LAYOUT_MIB];

static struct guest_memory fresh_memory(void)
{
	struct guest_memory memory = {0};

	memset(ram, FILL, sizeof(ram));
	assert_int_equal(guest_memory_add(&memory, 0, sizeof(ram), ram), 0);
	return memory;
}

static uint32_t load(const uint8_t *at, unsigned int bytes)
{
	uint32_t value = 0;

	memcpy(&value, at, bytes);
	return value;
}

static uint8_t sum(const uint8_t *bytes, size_t length)
{
	uint8_t total = 0;

	for (size_t i = 0; i < length; i++)
		total = (uint8_t)(total + bytes[i]);
	return total;
}

/* What a walk over the entries found. */
struct found {
	unsigned int processors;
	unsigned int boot_processors;
	unsigned int buses;
	unsigned int ioapics;
	unsigned int interrupts;
	unsigned int local_interrupts;
	uint32_t interrupts_seen; /* a bit per pin */
};

static void check_processor(const uint8_t *entry, struct found *found)
{
	assert_int_equal(entry[1], found->processors);
	assert_int_equal(entry[3] & 1, 1);
	found->boot_processors += entry[3] >> 1 & 1;
	found->processors++;
}

static void check_interrupt(const uint8_t *entry, unsigned int ioapic_id, struct found *found)
{
	assert_int_equal(entry[1], 0);
	assert_int_equal(load(entry + 2, 2), 0);
	assert_int_equal(entry[4], 0);
	assert_int_equal(entry[5], entry[7]);
	assert_int_equal(entry[6], ioapic_id);
	found->interrupts_seen |= 1U << entry[7];
	found->interrupts++;
}

static void check_local_interrupt(const uint8_t *entry, struct found *found)
{
	static const uint8_t extint[8] = {4, 3, 0, 0, 0, 0, 0, 0};
	static const uint8_t nmi[8] = {4, 1, 0, 0, 0, 0, 0xff, 1};

	assert_memory_equal(entry, found->local_interrupts == 0 ? extint : nmi, 8);
	found->local_interrupts++;
}

static size_t check_entry(const uint8_t *entry, unsigned int ioapic_id, struct found *found)
{
	switch (entry[0]) {
	case 0: check_processor(entry, found); return 20;
	case 1:
		assert_memory_equal(entry + 1, "\0ISA   ", 7);
		found->buses++;
		return 8;
	case 2:
		assert_int_equal(entry[1], ioapic_id);
		assert_int_equal(entry[3], 1);
		assert_int_equal(load(entry + 4, 4), 0xfec00000);
		found->ioapics++;
		return 8;
	case 3: check_interrupt(entry, ioapic_id, found); return 8;
	case 4: check_local_interrupt(entry, found); return 8;
	default: fail_msg("entry of type %u", entry[0]);
	}
	return 0;
}

static void describes(unsigned int vcpu_count)
{
	struct guest_memory memory = fresh_memory();
	const uint8_t *pointer = ram + 0x9fc00;
	const uint8_t *table = pointer + 16;
	struct found found = {0};
	size_t length;
	size_t at = 44;

	assert_int_equal(mptable_write(&memory, vcpu_count), 0);
	assert_memory_equal(pointer, "_MP_", 4);
	assert_int_equal(load(pointer + 4, 4), 0x9fc10);
	assert_int_equal(pointer[8], 1);
	assert_int_equal(pointer[9], 4);
	assert_int_equal(sum(pointer, 16), 0);
	assert_int_equal(pointer[11], 0);
	assert_int_equal(pointer[12], 0);

	length = load(table + 4, 2);
	assert_memory_equal(table, "PCMP", 4);
	assert_int_equal(table[6], 4);
	assert_int_equal(sum(table, length), 0);
	assert_int_equal(load(table + 36, 4), 0xfee00000);
	assert_true(16 + length <= LAYOUT_MPTABLE_BYTES);

	for (unsigned int i = 0; i < load(table + 34, 2); i++)
		at += check_entry(table + at, vcpu_count, &found);
	assert_int_equal(at, length);
	assert_int_equal(table[length], FILL);
	assert_int_equal(pointer[-1], FILL);
	assert_int_equal(found.processors, vcpu_count);
	assert_int_equal(found.boot_processors, 1);
	assert_int_equal(table[44 + 3], 3); /* the first is it */
	assert_int_equal(found.buses, 1);
	assert_int_equal(found.ioapics, 1);
	assert_int_equal(found.interrupts, 16);
	assert_int_equal(found.interrupts_seen, 0xffff);
	assert_int_equal(found.local_interrupts, 2);
}

static void describes_any_number_of_processors(void **state)
{
	(void)state;
	for (unsigned int vcpu_count = 1; vcpu_count <= LAYOUT_VCPUS_MAX; vcpu_count++)
		describes(vcpu_count);
}

static void refuses_other_counts(void **state)
{
	struct guest_memory memory = fresh_memory();

	(void)state;
	assert_int_equal(mptable_write(&memory, 0), -EINVAL);
	assert_int_equal(mptable_write(&memory, LAYOUT_VCPUS_MAX + 1), -EINVAL);
	assert_int_equal(ram[0x9fc00], FILL);
}

static void refuses_memory_that_ends_below(void **state)
{
	/* Pointer, header, processor, bus, IOAPIC, 16 interrupts and 2 local ones: one processor.
	 */
	const size_t enough = 0x9fc00 + 16 + 44 + 20 + 8 + 8 + 16 * 8 + 2 * 8;
	struct guest_memory memory = {0};
	struct guard guard = guard_copy(ram, enough);

	(void)state;
	assert_int_equal(guest_memory_add(&memory, 0, enough, guard.bytes), 0);
	assert_int_equal(mptable_write(&memory, 2), -EFAULT);
	assert_int_equal(mptable_write(&memory, 1), 0);
	guard_release(&guard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_any_number_of_processors),
		cmocka_unit_test(refuses_other_counts),
		cmocka_unit_test(refuses_memory_that_ends_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
