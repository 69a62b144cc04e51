/* SPDX-License-Identifier: MIT */
/* tests/guests/block_hostile_registers.c - the transport's rules: states, features, queues, widths.
 */
#include "tests/guests/block_hostile.h"

#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/heap.h"
#include "tests/guests/lib/memory.h"
#include "tests/guests/lib/string.h"

enum {
	IN_FLIGHT = 64,
	IN_FLIGHT_BYTES = 65536,
	POISON = 0xa5,
	STORM_ROUNDS = 50,
	STORM_NOTIFIES = 100,
	RESETS = 100,
	QUIET_US = 20000,
	CONFIG_BYTES = 60,
	STATUS_DRIVER = VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER,
	STATUS_UP = STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_DRIVER_OK,
};

static uint8_t *in_flight_data;
static struct block_request in_flight[IN_FLIGHT];

static uint32_t get(uint32_t offset)
{
	return virtio_read(&hostile.disk.device, offset);
}

static void set(uint32_t offset, uint32_t value)
{
	virtio_write(&hostile.disk.device, offset, value);
}

static void notify(void)
{
	virtqueue_notify(&hostile.disk.queue);
}

/* As far as an agreement on features, with no queue yet. */
static void begin(void)
{
	virtio_begin(&hostile.disk.device, BLOCK_FEATURES);
}

static void create_queue(void)
{
	virtqueue_create(&hostile.disk.queue, &hostile.disk.device, 0, HOSTILE_QUEUE_SIZE);
}

/* Go on from begin() in the ordinary way. */
static enum verdict go_on(void)
{
	create_queue();
	virtio_driver_ok(&hostile.disk.device);
	return hostile_still_works();
}

static enum verdict ignored_if(bool condition)
{
	return condition ? hostile_still_works() : VERDICT_WRONG;
}

/* Without any effort to be consistent. */
static void set_queue(uint64_t descriptors, uint64_t avail, uint64_t used, uint32_t size)
{
	const uint64_t addresses[] = {descriptors, avail, used};

	set(VIRTIO_QUEUE_SELECT, 0);
	set(VIRTIO_QUEUE_SIZE, size);
	for (uint32_t ring = 0; ring < 3; ring++) {
		set(VIRTIO_QUEUE_DESCRIPTORS + ring * 0x10, (uint32_t)addresses[ring]);
		set(VIRTIO_QUEUE_DESCRIPTORS + ring * 0x10 + 4, (uint32_t)(addresses[ring] >> 32));
	}
	set(VIRTIO_QUEUE_READY, 1);
}

/* Bring the device up with such a queue. */
static enum verdict up_with(uint64_t descriptors, uint64_t avail, uint64_t used, uint32_t size)
{
	begin();
	set_queue(descriptors, avail, used, size);
	virtio_driver_ok(&hostile.disk.device);
	notify();
	return (get(VIRTIO_STATUS) & VIRTIO_STATUS_NEEDS_RESET) != 0 ? VERDICT_NEEDS_RESET
								     : VERDICT_IGNORED;
}

static uint64_t descriptors(void)
{
	return (uint64_t)hostile.disk.queue.descriptors;
}

static uint64_t avail(void)
{
	return (uint64_t)hostile.disk.queue.avail;
}

static uint64_t used(void)
{
	return (uint64_t)hostile.disk.queue.used;
}

static enum verdict run_descriptors_outside(void)
{
	return up_with(heap_end(), avail(), used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_descriptors_across_end(void)
{
	return up_with(heap_end() - 2048, avail(), used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_descriptors_overflow(void)
{
	return up_with(UINT64_MAX - 15, avail(), used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_descriptors_misaligned(void)
{
	return up_with(descriptors() + 8, avail(), used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_avail_outside(void)
{
	return up_with(descriptors(), UINT64_C(1) << 40, used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_avail_across_end(void)
{
	return up_with(descriptors(), heap_end() - 512, used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_avail_misaligned(void)
{
	return up_with(descriptors(), avail() + 1, used(), HOSTILE_QUEUE_SIZE);
}

static enum verdict run_used_in_a_device(void)
{
	return up_with(descriptors(), avail(), hostile.disk.device.base, HOSTILE_QUEUE_SIZE);
}

static enum verdict run_used_across_end(void)
{
	return up_with(descriptors(), avail(), heap_end() - 2048, HOSTILE_QUEUE_SIZE);
}

static enum verdict run_used_misaligned(void)
{
	return up_with(descriptors(), avail(), used() + 2, HOSTILE_QUEUE_SIZE);
}

static enum verdict run_size_not_a_power(void)
{
	return up_with(descriptors(), avail(), used(), 100);
}

static enum verdict run_size_zero(void)
{
	return up_with(descriptors(), avail(), used(), 0);
}

static enum verdict run_size_too_large(void)
{
	return up_with(descriptors(), avail(), used(), get(VIRTIO_QUEUE_SIZE_MAX) * 2);
}

/* Its low 16 bits are a good size. */
static enum verdict run_size_65792(void)
{
	return up_with(descriptors(), avail(), used(), 65536 + HOSTILE_QUEUE_SIZE);
}

static enum verdict run_notify_no_such_queue(void)
{
	static const uint32_t numbers[] = {1, 2, 255, 65536, UINT32_MAX};

	for (uint32_t at = 0; at < sizeof(numbers) / sizeof(numbers[0]); at++)
		set(VIRTIO_QUEUE_NOTIFY, numbers[at]);
	return hostile_still_works();
}

static enum verdict run_notify_before_driver_ok(void)
{
	begin();
	create_queue();
	hostile_prepare(BLOCK_IN);
	hostile.disk.queue.avail[1] = 1;
	notify();
	hostile_pause(QUIET_US);
	if (hostile.disk.queue.used[1] != 0)
		return VERDICT_WRONG;
	virtio_driver_ok(&hostile.disk.device);
	return hostile_still_works();
}

static enum verdict run_notify_before_queue(void)
{
	begin();
	virtio_driver_ok(&hostile.disk.device);
	notify();
	return go_on();
}

static enum verdict storm(uint32_t value_step)
{
	struct mmio_store stores[STORM_NOTIFIES];

	for (uint32_t at = 0; at < STORM_NOTIFIES; at++) {
		stores[at].address = hostile.disk.device.base + VIRTIO_QUEUE_NOTIFY;
		stores[at].value = at * value_step;
	}
	for (uint32_t round = 0; round < STORM_ROUNDS; round++)
		mmio_write_list(stores, STORM_NOTIFIES);
	return hostile_still_works();
}

static enum verdict run_notify_storm(void)
{
	return storm(0);
}

static enum verdict run_notify_storm_of_garbage(void)
{
	return storm(0x01234567);
}

static enum verdict run_queue_select_garbage(void)
{
	bool is_nothing;

	set(VIRTIO_QUEUE_SELECT, UINT32_MAX);
	is_nothing = get(VIRTIO_QUEUE_SIZE_MAX) == 0 && get(VIRTIO_QUEUE_READY) == 0;
	set(VIRTIO_QUEUE_SIZE, 8);
	set(VIRTIO_QUEUE_READY, 1);
	set(VIRTIO_QUEUE_READY, 0);
	return ignored_if(is_nothing && get(VIRTIO_QUEUE_READY) == 0);
}

static enum verdict run_queue_changed_while_ready(void)
{
	set_queue(heap_end(), UINT64_MAX, 1, 3);
	return ignored_if(get(VIRTIO_QUEUE_READY) == 1);
}

static enum verdict run_queue_before_features(void)
{
	virtio_reset(&hostile.disk.device);
	set(VIRTIO_STATUS, STATUS_DRIVER);
	set_queue(descriptors(), avail(), used(), HOSTILE_QUEUE_SIZE);
	if (get(VIRTIO_QUEUE_READY) != 0)
		return VERDICT_WRONG;
	begin();
	return go_on();
}

static enum verdict run_queue_ready_2(void)
{
	begin();
	set(VIRTIO_QUEUE_SELECT, 0);
	set(VIRTIO_QUEUE_READY, 2);
	return get(VIRTIO_QUEUE_READY) == 0 ? go_on() : VERDICT_WRONG;
}

/* Offer many reads at once, but do not notify. */
static void offer_much(void)
{
	if (in_flight_data == NULL)
		in_flight_data = heap_take(IN_FLIGHT * IN_FLIGHT_BYTES, MEMORY_PAGE_BYTES);
	for (uint32_t at = 0; at < IN_FLIGHT; at++) {
		const uint64_t places = hostile.disk.config.sectors * BLOCK_SECTOR_BYTES /
					IN_FLIGHT_BYTES;
		const struct virtqueue_segment data = {in_flight_data + at * IN_FLIGHT_BYTES,
						       IN_FLIGHT_BYTES, VIRTQUEUE_WRITE};

		block_prepare(&in_flight[at], BLOCK_IN,
			      at * 7 % places * (IN_FLIGHT_BYTES / BLOCK_SECTOR_BYTES));
		block_submit(&hostile.disk, &in_flight[at], &data, 1, true);
	}
	__atomic_store_n(&hostile.disk.queue.avail[1], IN_FLIGHT, __ATOMIC_RELEASE);
}

/*
 * Whether the device keeps its hands off the driver's memory from now on.  Little is written, and
 * the last request's first, so that hardly anything that is still under way can end before.
 */
static bool is_quiet(void)
{
	uint16_t answered = hostile.disk.queue.used[1];
	bool is_touched = false;

	for (uint32_t at = IN_FLIGHT; at-- > 0;) {
		in_flight[at].status = POISON;
		for (uint32_t place = 0; place < IN_FLIGHT_BYTES; place += MEMORY_PAGE_BYTES)
			in_flight_data[at * IN_FLIGHT_BYTES + place] = POISON;
	}
	hostile_pause(QUIET_US);
	for (uint32_t at = 0; at < IN_FLIGHT * IN_FLIGHT_BYTES; at += MEMORY_PAGE_BYTES)
		is_touched |= in_flight_data[at] != POISON;
	for (uint32_t at = 0; at < IN_FLIGHT; at++)
		is_touched |= in_flight[at].status != POISON;
	return !is_touched && hostile.disk.queue.used[1] == answered;
}

/* Notify and make an end of it in one go from level 0, with as little time in between as can be. */
static void notify_and_write(uint32_t offset, uint32_t value)
{
	const uint32_t base = hostile.disk.device.base;
	const struct mmio_store stores[] = {
		{base + VIRTIO_QUEUE_NOTIFY, 0},
		{base + offset, value},
	};

	mmio_write_list(stores, 2);
}

static enum verdict run_reset_in_flight(void)
{
	offer_much();
	notify_and_write(VIRTIO_STATUS, 0);
	return get(VIRTIO_STATUS) == 0 && is_quiet() ? VERDICT_QUIET : VERDICT_WRONG;
}

static enum verdict run_queue_off_in_flight(void)
{
	offer_much();
	set(VIRTIO_QUEUE_SELECT, 0);
	notify_and_write(VIRTIO_QUEUE_READY, 0);
	if (get(VIRTIO_QUEUE_READY) != 0 || !is_quiet())
		return VERDICT_WRONG;
	create_queue();
	return hostile_still_works() == VERDICT_IGNORED ? VERDICT_QUIET : VERDICT_WRONG;
}

static enum verdict run_reset_storm(void)
{
	for (uint32_t at = 0; at < RESETS; at++)
		set(VIRTIO_STATUS, 0);
	begin();
	return go_on();
}

static enum verdict run_driver_ok_before_features_ok(void)
{
	virtio_reset(&hostile.disk.device);
	set(VIRTIO_STATUS, STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK);
	if (get(VIRTIO_STATUS) != STATUS_DRIVER)
		return VERDICT_WRONG;
	begin();
	return go_on();
}

static enum verdict run_features_ok_without_driver(void)
{
	virtio_reset(&hostile.disk.device);
	set(VIRTIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
	if (get(VIRTIO_STATUS) != 0)
		return VERDICT_WRONG;
	begin();
	return go_on();
}

/* FEATURES_OK cannot hold, as no feature was taken; nor can DRIVER_OK. */
static enum verdict run_status_all_at_once(void)
{
	virtio_reset(&hostile.disk.device);
	set(VIRTIO_STATUS, STATUS_UP);
	if (get(VIRTIO_STATUS) != STATUS_DRIVER)
		return VERDICT_WRONG;
	begin();
	return go_on();
}

static enum verdict run_status_bit_cleared(void)
{
	set(VIRTIO_STATUS, STATUS_DRIVER);
	return ignored_if(get(VIRTIO_STATUS) == STATUS_UP);
}

static enum verdict run_status_needs_reset(void)
{
	set(VIRTIO_STATUS, STATUS_UP | VIRTIO_STATUS_NEEDS_RESET);
	return ignored_if(get(VIRTIO_STATUS) == STATUS_UP);
}

/* A driver that has given up is not served. */
static enum verdict run_status_failed(void)
{
	hostile_prepare(BLOCK_IN);
	set(VIRTIO_STATUS, STATUS_UP | VIRTIO_STATUS_FAILED);
	hostile.disk.queue.avail[1] = 1;
	notify();
	hostile_pause(QUIET_US);
	return hostile.disk.queue.used[1] == 0 ? VERDICT_IGNORED : VERDICT_WRONG;
}

/* Whether the device takes exactly these features. */
static bool takes(uint64_t features)
{
	virtio_reset(&hostile.disk.device);
	set(VIRTIO_STATUS, STATUS_DRIVER);
	virtio_write_features(&hostile.disk.device, features);
	set(VIRTIO_STATUS, STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
	return get(VIRTIO_STATUS) != STATUS_DRIVER;
}

static enum verdict run_features_not_offered(void)
{
	uint64_t offered = virtio_offered(&hostile.disk.device);

	for (uint32_t bit = 0; bit < 64; bit++)
		if ((offered >> bit & 1) == 0 && takes(offered | UINT64_C(1) << bit))
			return VERDICT_WRONG;
	return takes(offered) ? VERDICT_REFUSED : VERDICT_WRONG;
}

static enum verdict run_features_without_version_1(void)
{
	uint64_t offered = virtio_offered(&hostile.disk.device);

	return takes(offered & ~VIRTIO_F_VERSION_1) || takes(0) ? VERDICT_WRONG : VERDICT_REFUSED;
}

static enum verdict run_features_beyond_64_bits(void)
{
	virtio_reset(&hostile.disk.device);
	set(VIRTIO_STATUS, STATUS_DRIVER);
	virtio_write_features(&hostile.disk.device, VIRTIO_F_VERSION_1);
	set(VIRTIO_DRIVER_FEATURES_SELECT, 2);
	set(VIRTIO_DRIVER_FEATURES, UINT32_MAX);
	set(VIRTIO_DRIVER_FEATURES_SELECT, UINT32_MAX);
	set(VIRTIO_DRIVER_FEATURES, UINT32_MAX);
	set(VIRTIO_STATUS, STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
	if (get(VIRTIO_STATUS) != (STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK))
		return VERDICT_WRONG;
	hostile.disk.device.features = VIRTIO_F_VERSION_1;
	return go_on();
}

static enum verdict run_features_too_late(void)
{
	virtio_write_features(&hostile.disk.device, UINT64_MAX);
	return ignored_if(get(VIRTIO_STATUS) == STATUS_UP);
}

static void read_config(uint8_t *bytes)
{
	for (uint32_t at = 0; at < CONFIG_BYTES; at++)
		bytes[at] = mmio_read8((uint64_t)hostile.disk.device.base + VIRTIO_CONFIG + at);
}

static enum verdict run_config_writes(void)
{
	uint64_t config = (uint64_t)hostile.disk.device.base + VIRTIO_CONFIG;
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
	uint64_t config = (uint64_t)hostile.disk.device.base + VIRTIO_CONFIG;
	uint64_t seen = 0;

	for (uint32_t at = 64; at < 0x1000 - VIRTIO_CONFIG; at += 128)
		seen |= mmio_read64(config + at);
	mmio_write64(config + 0xef8, UINT64_MAX);
	return ignored_if(seen == 0);
}

static enum verdict run_odd_widths(void)
{
	uint64_t base = hostile.disk.device.base;
	uint64_t seen = mmio_read8(base + VIRTIO_STATUS) | mmio_read16(base + VIRTIO_STATUS) |
			mmio_read32(base + VIRTIO_STATUS - 2) | mmio_read8(base + 1) |
			mmio_read16(base + 2) | mmio_read64(base + VIRTIO_STATUS);

	mmio_write8(base + VIRTIO_STATUS, 0);
	mmio_write16(base + VIRTIO_STATUS, 0);
	mmio_write64(base + VIRTIO_STATUS, 0);
	mmio_write32(base + VIRTIO_STATUS - 2, 0);
	mmio_write32(base + VIRTIO_STATUS + 1, 0);
	mmio_write16(base + VIRTIO_QUEUE_NOTIFY, 0);
	mmio_write8(base + VIRTIO_QUEUE_READY, 0);
	return ignored_if(seen == 0 && get(VIRTIO_STATUS) == STATUS_UP);
}

static enum verdict run_read_only_registers(void)
{
	static const uint16_t offsets[] = {
		VIRTIO_MAGIC,
		VIRTIO_VERSION,
		VIRTIO_DEVICE_ID,
		VIRTIO_VENDOR_ID,
		VIRTIO_FEATURES,
		VIRTIO_QUEUE_SIZE_MAX,
		VIRTIO_INTERRUPT_STATUS,
		0x1c,
		0x3c,
		0x54,
		0x74,
		0xa8,
		0xb0,
		0xbc,
		0xc0,
		VIRTIO_CONFIG_GENERATION,
	};
	uint32_t device_id = get(VIRTIO_DEVICE_ID);

	for (uint32_t at = 0; at < sizeof(offsets) / sizeof(offsets[0]); at++)
		set(offsets[at], UINT32_MAX);
	return ignored_if(get(VIRTIO_MAGIC) == VIRTIO_MAGIC_VALUE && get(VIRTIO_VERSION) == 2 &&
			  get(VIRTIO_DEVICE_ID) == device_id && get(VIRTIO_STATUS) == STATUS_UP);
}

static enum verdict run_acknowledge_garbage(void)
{
	set(VIRTIO_INTERRUPT_ACK, UINT32_MAX);
	set(VIRTIO_INTERRUPT_ACK, 0);
	return ignored_if(get(VIRTIO_INTERRUPT_STATUS) == 0);
}

#define CASE(name, verdict, function)                      \
	{                                                  \
		name, VERDICT_##verdict, 0, NULL, function \
	}

const struct hostile_case hostile_register_cases[] = {
	CASE("descriptors-outside", NEEDS_RESET, run_descriptors_outside),
	CASE("descriptors-across-end", NEEDS_RESET, run_descriptors_across_end),
	CASE("descriptors-overflow", NEEDS_RESET, run_descriptors_overflow),
	CASE("descriptors-misaligned", NEEDS_RESET, run_descriptors_misaligned),
	CASE("avail-outside", NEEDS_RESET, run_avail_outside),
	CASE("avail-across-end", NEEDS_RESET, run_avail_across_end),
	CASE("avail-misaligned", NEEDS_RESET, run_avail_misaligned),
	CASE("used-in-a-device", NEEDS_RESET, run_used_in_a_device),
	CASE("used-across-end", NEEDS_RESET, run_used_across_end),
	CASE("used-misaligned", NEEDS_RESET, run_used_misaligned),
	CASE("size-not-a-power", NEEDS_RESET, run_size_not_a_power),
	CASE("size-zero", NEEDS_RESET, run_size_zero),
	CASE("size-too-large", NEEDS_RESET, run_size_too_large),
	CASE("size-65792", NEEDS_RESET, run_size_65792),
	CASE("notify-no-such-queue", IGNORED, run_notify_no_such_queue),
	CASE("notify-before-driver-ok", IGNORED, run_notify_before_driver_ok),
	CASE("notify-before-queue", IGNORED, run_notify_before_queue),
	CASE("notify-storm", IGNORED, run_notify_storm),
	CASE("notify-storm-of-garbage", IGNORED, run_notify_storm_of_garbage),
	CASE("queue-select-garbage", IGNORED, run_queue_select_garbage),
	CASE("queue-changed-while-ready", IGNORED, run_queue_changed_while_ready),
	CASE("queue-before-features", IGNORED, run_queue_before_features),
	CASE("queue-ready-2", IGNORED, run_queue_ready_2),
	CASE("reset-in-flight", QUIET, run_reset_in_flight),
	CASE("queue-off-in-flight", QUIET, run_queue_off_in_flight),
	CASE("reset-storm", IGNORED, run_reset_storm),
	CASE("driver-ok-before-features-ok", IGNORED, run_driver_ok_before_features_ok),
	CASE("features-ok-without-driver", IGNORED, run_features_ok_without_driver),
	CASE("status-all-at-once", IGNORED, run_status_all_at_once),
	CASE("status-bit-cleared", IGNORED, run_status_bit_cleared),
	CASE("status-needs-reset", IGNORED, run_status_needs_reset),
	CASE("status-failed", IGNORED, run_status_failed),
	CASE("features-not-offered", REFUSED, run_features_not_offered),
	CASE("features-without-version-1", REFUSED, run_features_without_version_1),
	CASE("features-beyond-64-bits", IGNORED, run_features_beyond_64_bits),
	CASE("features-too-late", IGNORED, run_features_too_late),
	CASE("config-writes", IGNORED, run_config_writes),
	CASE("config-beyond-the-end", IGNORED, run_config_beyond_the_end),
	CASE("odd-widths", IGNORED, run_odd_widths),
	CASE("read-only-registers", IGNORED, run_read_only_registers),
	CASE("acknowledge-garbage", IGNORED, run_acknowledge_garbage),
	{NULL, VERDICT_ANY, 0, NULL, NULL},
};
