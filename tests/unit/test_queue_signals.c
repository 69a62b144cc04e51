/* SPDX-License-Identifier: MIT */
/* tests/unit/test_queue_signals.c - who wants to hear of what: interrupts and notifications. */
#include <pthread.h>

#include "tests/unit/queue_pair.h"

/* -- Interrupts wanted -- */

static void push_many(unsigned int count)
{
	while (count-- > 0)
		queue_push(&pair.queue, 0, 0);
}

static void nothing_pushed_is_no_interrupt(void **state)
{
	(void)state;
	for (int has_event_index = 0; has_event_index < 2; has_event_index++) {
		pair.queue.has_event_index = has_event_index;
		assert_int_equal(start_again(), 0);
		assert_false(queue_interrupt_due(&pair.queue));
		push_many(1);
		assert_true(queue_interrupt_due(&pair.queue));
		assert_false(queue_interrupt_due(&pair.queue));
	}
}

static void interrupts_by_flag(void **state)
{
	(void)state;
	push_many(3);
	assert_true(queue_interrupt_due(&pair.queue));
	fake_driver_set_no_interrupt(&pair.driver, true);
	push_many(1);
	assert_false(queue_interrupt_due(&pair.queue));
	fake_driver_set_no_interrupt(&pair.driver, false);
	/* What was decided once is not decided again. */
	assert_false(queue_interrupt_due(&pair.queue));
	push_many(1);
	/* Other bits, and the event index that was not negotiated, mean nothing. */
	pair.driver.avail[0] = 0xfffe;
	fake_driver_set_used_event(&pair.driver, 1000);
	assert_true(queue_interrupt_due(&pair.queue));
}

static void interrupts_by_event_index(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	/* The flag means nothing now. */
	fake_driver_set_no_interrupt(&pair.driver, true);
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
	fake_driver_set_used_event(&pair.driver, 3);
	push_many(2);
	assert_false(queue_interrupt_due(&pair.queue)); /* now at 3: entry 3 is still to come */
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
	push_many(1);
	assert_false(queue_interrupt_due(&pair.queue)); /* passed before */
	fake_driver_set_used_event(&pair.driver, 7);
	push_many(5);
	assert_true(queue_interrupt_due(&pair.queue)); /* passed in the middle of a batch */
}

/* A driver that starts over may have left anything there. */
static void the_first_batch_interrupts_wherever_the_event_is(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	fake_driver_set_used_event(&pair.driver, 500);
	push_many(2);
	assert_true(queue_interrupt_due(&pair.queue));
	push_many(2);
	assert_false(queue_interrupt_due(&pair.queue));
}

static void event_index_across_the_wrap(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	pair.queue.next_used = pair.queue.signalled_used = 0xfffd;
	pair.queue.was_signalled = true;
	fake_driver_set_used_event(&pair.driver, 0xffff);
	push_many(2);
	assert_false(queue_interrupt_due(&pair.queue));
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
	fake_driver_set_used_event(&pair.driver, 1);
	push_many(1);
	assert_false(queue_interrupt_due(&pair.queue));
	push_many(1);
	assert_true(queue_interrupt_due(&pair.queue));
}

/* A batch so long that the index comes around to where it was. */
static void a_batch_of_65536_interrupts(void **state)
{
	static const unsigned int batches[] = {65535, 65536, 65537, 2 * 65536};

	(void)state;
	for (int has_event_index = 0; has_event_index < 2; has_event_index++) {
		pair.queue.has_event_index = has_event_index;
		for (size_t i = 0; i < 4; i++) {
			assert_int_equal(start_again(), 0);
			push_many(5);
			assert_true(queue_interrupt_due(&pair.queue));
			fake_driver_set_used_event(&pair.driver, 5);
			push_many(batches[i]);
			assert_true(queue_interrupt_due(&pair.queue));
			assert_false(queue_interrupt_due(&pair.queue));
		}
	}
}

/* -- Notifications wanted -- */

static void hush_and_listen_by_flag(void **state)
{
	(void)state;
	queue_hush(&pair.queue);
	assert_int_equal(pair.driver.used[0], QUEUE_USED_NO_NOTIFY);
	add_one();
	assert_false(fake_driver_must_kick(&pair.driver, false));
	assert_true(queue_listen(&pair.queue));
	assert_int_equal(pair.driver.used[0], 0);
	assert_int_equal(pop(), 1);
	assert_false(queue_listen(&pair.queue));
	add_one();
	assert_true(fake_driver_must_kick(&pair.driver, false));
	/* No event index was negotiated, so none is written. */
	assert_int_equal(pair.driver.used[2 + 4 * SIZE], 0);
}

static void hush_and_listen_by_event_index(void **state)
{
	(void)state;
	pair.queue.has_event_index = true;
	queue_hush(&pair.queue);
	assert_int_equal(pair.driver.used[0], 0);
	add_one();
	assert_true(fake_driver_must_kick(&pair.driver, true));
	assert_int_equal(pop(), 1);
	add_one();
	/* Avail event still at 0: passed before, so the device is not told. */
	assert_false(fake_driver_must_kick(&pair.driver, true));
	assert_true(queue_listen(&pair.queue));
	assert_int_equal(pop(), 1);
	assert_false(queue_listen(&pair.queue));
	assert_int_equal(pair.driver.used[2 + 4 * SIZE], 2);
	add_one();
	assert_true(fake_driver_must_kick(&pair.driver, true));
	assert_int_equal(pair.driver.used[0], 0);
}

static void a_bad_index_is_something_to_look_at(void **state)
{
	(void)state;
	pair.driver.avail[1] = 0x7777;
	assert_true(queue_listen(&pair.queue));
	expect_fault(VIRTIO_FAULT_AVAIL_INDEX);
}

/* -- Both at once -- */

enum {
	RACE_CHAINS = 50000,
};

struct bell {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool rung;
};

static struct bell kicks = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
static struct bell interrupts = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};

static void bell_ring(struct bell *bell)
{
	pthread_mutex_lock(&bell->lock);
	bell->rung = true;
	pthread_cond_signal(&bell->changed);
	pthread_mutex_unlock(&bell->lock);
}

/* Waits as long as it takes: a lost notification is a test that never ends. */
static void bell_wait(struct bell *bell)
{
	pthread_mutex_lock(&bell->lock);
	while (!bell->rung)
		pthread_cond_wait(&bell->changed, &bell->lock);
	bell->rung = false;
	pthread_mutex_unlock(&bell->lock);
}

static void *serve(void *unused)
{
	unsigned int served = 0;

	(void)unused;
	while (served < RACE_CHAINS) {
		bell_wait(&kicks);
		do {
			queue_hush(&pair.queue);
			while (pop() > 0) {
				/* The answer is the question: written before it is pushed. */
				memcpy(pair.chain.segments[1].iov_base,
				       pair.chain.segments[0].iov_base, sizeof(uint32_t));
				queue_push(&pair.queue, pair.chain.head, sizeof(uint32_t));
				served++;
			}
			if (queue_interrupt_due(&pair.queue))
				bell_ring(&interrupts);
		} while (queue_listen(&pair.queue));
	}
	return NULL;
}

/* 2.7.14: ask for the interrupt, look again, and only then sleep. */
static void wait_for_used(void)
{
	if (pair.queue.has_event_index)
		fake_driver_set_used_event(&pair.driver, pair.driver.taken);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	while (__atomic_load_n(&pair.driver.used[1], __ATOMIC_RELAXED) == pair.driver.taken)
		bell_wait(&interrupts);
}

static uint32_t *question_of(uint16_t head)
{
	return fake_at(&pair.driver, FAKE_DATA_GPA + head * UINT64_C(8));
}

static void add_question(uint16_t head, uint32_t question)
{
	uint64_t gpa = FAKE_DATA_GPA + head * UINT64_C(8);
	const struct fake_buffer buffers[] = {{gpa, 4, false}, {gpa + 4, 4, true}};

	*question_of(head) = question;
	pair.driver.next_descriptor = head;
	fake_driver_add(&pair.driver, buffers, 2);
}

static void race(bool has_event_index)
{
	pthread_t device;
	struct fake_used entry;
	unsigned int done = 0;

	assert_int_equal(start_again(), 0);
	fake_driver_begin_at(&pair.driver, 0);
	fake_driver_set_used_event(&pair.driver, 0);
	pair.queue.has_event_index = has_event_index;
	kicks.rung = interrupts.rung = false;
	assert_int_equal(pthread_create(&device, NULL, serve, NULL), 0);
	while (done < RACE_CHAINS) {
		unsigned int batch = done % 3 + 1; /* heads 0, 2 and 4 */

		for (unsigned int i = 0; i < batch && done + i < RACE_CHAINS; i++)
			add_question((uint16_t)(2 * i), done + i);
		if (fake_driver_must_kick(&pair.driver, has_event_index))
			bell_ring(&kicks);
		while (pair.driver.taken != pair.driver.added) {
			wait_for_used();
			while (fake_driver_take_used(&pair.driver, &entry)) {
				const uint32_t *question = question_of((uint16_t)entry.head);

				assert_int_equal(question[0], done++);
				assert_int_equal(question[1], question[0]);
			}
		}
	}
	assert_int_equal(pthread_join(device, NULL), 0);
}

static void nothing_is_lost_between_two_threads(void **state)
{
	(void)state;
	race(false);
	race(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_QUEUE(nothing_pushed_is_no_interrupt),
		WITH_QUEUE(interrupts_by_flag),
		WITH_QUEUE(interrupts_by_event_index),
		WITH_QUEUE(the_first_batch_interrupts_wherever_the_event_is),
		WITH_QUEUE(event_index_across_the_wrap),
		WITH_QUEUE(a_batch_of_65536_interrupts),
		WITH_QUEUE(hush_and_listen_by_flag),
		WITH_QUEUE(hush_and_listen_by_event_index),
		WITH_QUEUE(a_bad_index_is_something_to_look_at),
		WITH_QUEUE(nothing_is_lost_between_two_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
