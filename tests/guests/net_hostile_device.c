/* SPDX-License-Identifier: MIT */
/* tests/guests/net_hostile_device.c - registers, queues and resets, where a NIC differs from a
 * disk.
 */
#include "tests/guests/net_hostile.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/string.h"

enum {
	POISON = 0xa5,
	IN_FLIGHT = 128,
	STORM_ROUNDS = 50,
	STORM_NOTIFIES = 100,
	RESETS = 50,
	QUIET_US = 20000,
	ANSWERS_US = 2000,
	CONFIG_BYTES = 12,
	STATUS_DRIVER = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER,
	STATUS_UP = STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK,
};

static uint32_t get(uint32_t offset)
{
	return virtio_read(&hostile.nic.device, offset);
}

static void set(uint32_t offset, uint32_t value)
{
	virtio_write(&hostile.nic.device, offset, value);
}

static enum verdict ignored_if(bool condition)
{
	return condition ? hostile_still_works() : VERDICT_WRONG;
}

static enum verdict run_notify_no_such_queue(void)
{
	static const uint32_t numbers[] = {2, 3, 255, 65536, 65537, UINT32_MAX};

	for (uint32_t at = 0; at < sizeof(numbers) / sizeof(numbers[0]); at++)
		set(VIRTIO_QUEUE_NOTIFY, numbers[at]);
	return hostile_still_works();
}

static enum verdict storm(uint32_t value_step)
{
	struct mmio_store stores[STORM_NOTIFIES];

	for (uint32_t at = 0; at < STORM_NOTIFIES; at++) {
		stores[at].address = hostile.nic.device.base + VIRTIO_QUEUE_NOTIFY;
		stores[at].value = at * value_step;
	}
	for (uint32_t round = 0; round < STORM_ROUNDS; round++)
		mmio_write_list(stores, STORM_NOTIFIES);
	return hostile_still_works();
}

static enum verdict run_notify_storm_of_receive(void)
{
	return storm(0);
}

static enum verdict run_notify_storm_of_garbage(void)
{
	return storm(0x01234567);
}

/* Up with one queue only; the other is notified and made later. */
static enum verdict run_up_with(uint16_t first, uint16_t second)
{
	struct net_nic *nic = &hostile.nic;
	struct virtqueue *queues[] = {&nic->receive, &nic->transmit};

	virtio_begin(&nic->device, NET_FEATURES);
	virtqueue_create(queues[first], &nic->device, first, HOSTILE_QUEUE_SIZE);
	virtio_driver_ok(&nic->device);
	set(VIRTIO_QUEUE_NOTIFY, first);
	set(VIRTIO_QUEUE_NOTIFY, second);
	hostile_pause(QUIET_US);
	virtqueue_create(queues[second], &nic->device, second, HOSTILE_QUEUE_SIZE);
	return hostile_still_works();
}

static enum verdict run_transmit_queue_late(void)
{
	return run_up_with(NET_RECEIVE, NET_TRANSMIT);
}

static enum verdict run_receive_queue_late(void)
{
	return run_up_with(NET_TRANSMIT, NET_RECEIVE);
}

static enum verdict run_no_queues(void)
{
	virtio_begin(&hostile.nic.device, NET_FEATURES);
	virtio_driver_ok(&hostile.nic.device);
	set(VIRTIO_QUEUE_NOTIFY, NET_RECEIVE);
	set(VIRTIO_QUEUE_NOTIFY, NET_TRANSMIT);
	hostile_pause(QUIET_US);
	return ignored_if(get(VIRTIO_STATUS) == STATUS_UP && hostile_start(NET_FEATURES));
}

/* The same rings for both: each answers what the other was offered. */
static enum verdict run_queues_share_rings(void)
{
	struct virtqueue crossed = hostile.nic.transmit;

	crossed.index = NET_RECEIVE;
	set(VIRTIO_QUEUE_SELECT, NET_RECEIVE);
	set(VIRTIO_QUEUE_READY, 0);
	virtqueue_announce(&crossed);
	for (uint32_t at = 0; at < IN_FLIGHT; at++)
		hostile_provoke();
	hostile_pause(QUIET_US);
	return VERDICT_ANY;
}

/* Room for answers, at known places, with nothing in it. */
static void offer_buffers(void)
{
	struct virtqueue *queue = &hostile.nic.receive;

	memset(hostile.data, POISON, IN_FLIGHT * HOSTILE_BUFFER_BYTES);
	for (uint32_t at = 0; at < IN_FLIGHT; at++) {
		const struct virtqueue_segment segment = {hostile.data + at * HOSTILE_BUFFER_BYTES,
							  HOSTILE_BUFFER_BYTES, VIRTQUEUE_WRITE};

		virtqueue_add(queue, &segment, 1, false);
	}
	virtqueue_publish(queue);
}

/* Many questions, offered but not told of. */
static void offer_questions(void)
{
	struct virtqueue *queue = &hostile.nic.transmit;

	hostile_prepare(NET_TRANSMIT);
	memcpy(hostile.question + sizeof(struct net_header), hostile.data, HOSTILE_FRAME_BYTES);
	for (uint16_t at = 0; at < IN_FLIGHT; at++) {
		hostile_put(hostile.ring, at, (uint64_t)hostile.question,
			    sizeof(struct net_header) + HOSTILE_FRAME_BYTES, 0);
		virtqueue_offer(queue, at);
	}
	__atomic_store_n(&queue->avail[1], queue->next_avail, __ATOMIC_RELEASE);
}

/* Whether the device keeps its hands off the driver's memory from now on. */
static bool is_quiet(const struct virtqueue *queue)
{
	uint16_t answered = queue->used[1];
	bool is_touched = false;

	memset(hostile.data, POISON, IN_FLIGHT * HOSTILE_BUFFER_BYTES);
	hostile_pause(QUIET_US);
	for (uint32_t at = 0; at < IN_FLIGHT * HOSTILE_BUFFER_BYTES; at++)
		is_touched |= hostile.data[at] != POISON;
	return queue->used[1] == answered && !is_touched;
}

/* Notify and make an end of it in one go from level 0, with as little time in between as can be. */
static void notify_and_write(uint32_t offset, uint32_t value)
{
	const uint32_t base = hostile.nic.device.base;
	const struct mmio_store stores[] = {
		{base + VIRTIO_QUEUE_NOTIFY, NET_TRANSMIT},
		{base + offset, value},
	};

	mmio_write_list(stores, 2);
}

static enum verdict run_reset_in_traffic(void)
{
	offer_questions();
	offer_buffers();
	notify_and_write(VIRTIO_STATUS, 0);
	return get(VIRTIO_STATUS) == 0 && is_quiet(&hostile.nic.receive) ? VERDICT_QUIET
									 : VERDICT_WRONG;
}

static enum verdict run_reset_between_answers(void)
{
	offer_questions();
	offer_buffers();
	virtqueue_notify(&hostile.nic.transmit);
	hostile_pause(ANSWERS_US);
	set(VIRTIO_STATUS, 0);
	return is_quiet(&hostile.nic.receive) ? VERDICT_QUIET : VERDICT_WRONG;
}

static enum verdict run_receive_off_in_traffic(void)
{
	offer_questions();
	offer_buffers();
	set(VIRTIO_QUEUE_SELECT, NET_RECEIVE);
	notify_and_write(VIRTIO_QUEUE_READY, 0);
	if (get(VIRTIO_QUEUE_READY) != 0 || !is_quiet(&hostile.nic.receive))
		return VERDICT_WRONG;
	set(VIRTIO_QUEUE_SELECT, NET_TRANSMIT);
	set(VIRTIO_QUEUE_READY, 0);
	virtqueue_create(&hostile.nic.transmit, &hostile.nic.device, NET_TRANSMIT,
			 HOSTILE_QUEUE_SIZE);
	virtqueue_create(&hostile.nic.receive, &hostile.nic.device, NET_RECEIVE,
			 HOSTILE_QUEUE_SIZE);
	hostile_prepare(NET_RECEIVE);
	return hostile_offer() == VERDICT_RECEIVED ? VERDICT_QUIET : VERDICT_WRONG;
}

static enum verdict run_transmit_off_in_traffic(void)
{
	offer_questions();
	set(VIRTIO_QUEUE_SELECT, NET_TRANSMIT);
	notify_and_write(VIRTIO_QUEUE_READY, 0);
	if (get(VIRTIO_QUEUE_READY) != 0 || !is_quiet(&hostile.nic.transmit))
		return VERDICT_WRONG;
	virtqueue_create(&hostile.nic.transmit, &hostile.nic.device, NET_TRANSMIT,
			 HOSTILE_QUEUE_SIZE);
	return hostile_still_works() == VERDICT_IGNORED ? VERDICT_QUIET : VERDICT_WRONG;
}

static enum verdict run_resets_in_traffic(void)
{
	for (uint32_t at = 0; at < RESETS; at++) {
		if (!hostile_start(NET_FEATURES))
			return VERDICT_WRONG;
		offer_questions();
		offer_buffers();
		notify_and_write(VIRTIO_STATUS, 0);
	}
	return is_quiet(&hostile.nic.receive) ? VERDICT_QUIET : VERDICT_WRONG;
}

static void read_config(uint8_t *bytes)
{
	for (uint32_t at = 0; at < CONFIG_BYTES; at++)
		bytes[at] = mmio_read8((uint64_t)hostile.nic.device.base + VIRTIO_CONFIG + at);
}

static enum verdict run_config_writes(void)
{
	uint64_t config = (uint64_t)hostile.nic.device.base + VIRTIO_CONFIG;
	uint8_t before[CONFIG_BYTES];
	uint8_t now[CONFIG_BYTES];

	read_config(before);
	for (uint32_t at = 0; at < CONFIG_BYTES; at++) {
		mmio_write8(config + at, 0xff);
		mmio_write16(config + at, 0);
		mmio_write32(config + at, UINT32_MAX);
		mmio_write64(config + at, 0);
	}
	read_config(now);
	return ignored_if(memcmp(before, now, CONFIG_BYTES) == 0);
}

/* Behind the structure there is nothing, up to the end of the window. */
static enum verdict run_config_beyond_the_end(void)
{
	uint64_t config = (uint64_t)hostile.nic.device.base + VIRTIO_CONFIG;
	uint64_t seen = 0;

	for (uint32_t at = 16; at < 0x1000 - VIRTIO_CONFIG; at += 128)
		seen |= mmio_read64(config + at);
	mmio_write64(config + 0xef8, UINT64_MAX);
	return ignored_if(seen == 0);
}

/* A queue that other NICs have, for commands. */
static enum verdict run_control_queue(void)
{
	set(VIRTIO_QUEUE_SELECT, 2);
	if (get(VIRTIO_QUEUE_SIZE_MAX) != 0)
		return VERDICT_WRONG;
	set(VIRTIO_QUEUE_SIZE, 8);
	set(VIRTIO_QUEUE_READY, 1);
	return ignored_if(get(VIRTIO_QUEUE_READY) == 0);
}

/* Whether the device takes exactly these features. */
static bool takes(uint64_t features)
{
	virtio_reset(&hostile.nic.device);
	set(VIRTIO_STATUS, STATUS_DRIVER);
	virtio_write_features(&hostile.nic.device, features);
	set(VIRTIO_STATUS, STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
	return get(VIRTIO_STATUS) != STATUS_DRIVER;
}

static enum verdict run_features_not_offered(void)
{
	uint64_t offered = virtio_offered(&hostile.nic.device);

	for (uint32_t bit = 0; bit < 64; bit++)
		if ((offered >> bit & 1) == 0 && takes(offered | UINT64_C(1) << bit))
			return VERDICT_WRONG;
	return takes(offered) ? VERDICT_REFUSED : VERDICT_WRONG;
}

#define CASE(name, verdict, function)                   \
	{                                               \
		name, VERDICT_##verdict, NULL, function \
	}

const struct hostile_case hostile_device_cases[] = {
	CASE("notify-no-such-queue", IGNORED, run_notify_no_such_queue),
	CASE("notify-storm-of-receive", IGNORED, run_notify_storm_of_receive),
	CASE("notify-storm-of-garbage", IGNORED, run_notify_storm_of_garbage),
	CASE("transmit-queue-late", IGNORED, run_transmit_queue_late),
	CASE("receive-queue-late", IGNORED, run_receive_queue_late),
	CASE("no-queues", IGNORED, run_no_queues),
	CASE("queues-share-rings", ANY, run_queues_share_rings),
	CASE("reset-in-traffic", QUIET, run_reset_in_traffic),
	CASE("reset-between-answers", QUIET, run_reset_between_answers),
	CASE("receive-off-in-traffic", QUIET, run_receive_off_in_traffic),
	CASE("transmit-off-in-traffic", QUIET, run_transmit_off_in_traffic),
	CASE("resets-in-traffic", QUIET, run_resets_in_traffic),
	CASE("config-writes", IGNORED, run_config_writes),
	CASE("config-beyond-the-end", IGNORED, run_config_beyond_the_end),
	CASE("control-queue", IGNORED, run_control_queue),
	CASE("features-not-offered", REFUSED, run_features_not_offered),
	{NULL, VERDICT_ANY, NULL, NULL},
};
