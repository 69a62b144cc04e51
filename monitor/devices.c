/* SPDX-License-Identifier: MIT */
/* monitor/devices.c - see devices.h. */
#include "monitor/devices.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "monitor/log.h"
#include "monitor/trace.h"

#define NS_PER_MS UINT64_C(1000000)

static_assert((int)CONFIG_IO_ENGINE_AUTO == (int)DISK_ENGINE_AUTO &&
		      (int)CONFIG_IO_ENGINE_SYNC == (int)DISK_ENGINE_SYNC &&
		      (int)CONFIG_IO_ENGINE_ASYNC == (int)DISK_ENGINE_ASYNC,
	      "the configuration's engines are the disk's");

static int add_device(struct devices *devices, struct virtio_device *device, const char *name,
		      struct bus *bus, struct reason *reason)
{
	struct device_slot *slot = &devices->slots[devices->count];
	int error;

	if (devices->count == LAYOUT_DEVICES_MAX)
		return reason_set(reason, -ENOSPC, "%s: a machine has room for %d devices", name,
				  LAYOUT_DEVICES_MAX);
	device->memory = devices->memory;
	device_slot_init(slot, devices->count, device, name, devices->kvm, devices->loop);
	error = device_slot_add(slot, bus);
	if (error)
		return reason_set(reason, error, "%s: no place on the bus: %s", name,
				  strerror(-error));
	devices->windows[devices->count++] = slot->window;
	return 0;
}

static void set_limit(struct token_bucket *bucket, const struct config_bucket *config,
		      uint64_t now_ns)
{
	if (config->size && config->refill_time_ms)
		token_bucket_init(bucket, config->size, config->one_time_burst,
				  config->refill_time_ms * NS_PER_MS, now_ns);
}

static void set_limiter(struct rate_limiter *limiter, const struct config_rate_limiter *config)
{
	uint64_t now_ns = trace_now_ns();

	set_limit(&limiter->bytes, &config->bandwidth, now_ns);
	set_limit(&limiter->operations, &config->ops, now_ns);
}

/* Memory for as long as the process lives; NULL, with a reason, if there is none. */
static void *map_pages(size_t bytes, struct reason *reason)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (pages != MAP_FAILED)
		return pages;
	reason_set(reason, 0, "mmap: %s", strerror(errno));
	return NULL;
}

static int build_drive(struct devices *devices, unsigned int number, struct bus *bus,
		       struct reason *reason)
{
	const struct config_drive *config = &devices->config->drives[number];
	const struct drive_file *file = &devices->resources->drives[number];
	struct block *block = &devices->blocks[number];
	char name[DEVICE_SLOT_NAME_MAX_BYTES];
	size_t id_bytes = strnlen(config->drive_id, BLOCK_ID_BYTES);

	/* Field by field: the rest is zero, and writing it would touch all of its pages. */
	memcpy(block->settings.id, config->drive_id, id_bytes);
	block->settings.size_bytes = file->size_bytes;
	block->settings.block_bytes = file->block_bytes;
	block->settings.physical_block_bytes = file->physical_block_bytes;
	block->settings.is_read_only = config->is_read_only;
	block->settings.has_flush = config->cache == CONFIG_CACHE_WRITEBACK;
	block->disk.fd = file->fd;
	block->disk.engine = (enum disk_engine)config->io_engine;
	block->disk.in_memory = file->in_memory;
	block->disk.is_direct = file->is_direct;
	block->disk.alignment_bytes = file->buffer_alignment_bytes;
	block->disk.block_bytes = file->block_bytes;
	set_limiter(&block->limiter, &config->rate_limiter);
	/* O_DIRECT needs aligned memory for what a driver did not align. */
	if (file->is_direct && !(block->disk.bounce = map_pages(DISK_BOUNCE_BYTES, reason)))
		return -ENOMEM;
	block_init(block);
	snprintf(name, sizeof(name), "drive %s", config->drive_id);
	return add_device(devices, &block->device, name, bus, reason);
}

/* Guests call the first disk /dev/vda, and root= names that one. */
static int build_drives(struct devices *devices, bool root, struct bus *bus, struct reason *reason)
{
	int error = 0;

	for (unsigned int i = 0; i < devices->config->drive_count && !error; i++)
		if (devices->config->drives[i].is_root_device == root)
			error = build_drive(devices, i, bus, reason);
	return error;
}

static int build_interface(struct devices *devices, unsigned int number, struct bus *bus,
			   struct reason *reason)
{
	const struct config_interface *config = &devices->config->interfaces[number];
	const struct uplink *uplink = &devices->resources->uplinks[number];
	struct net *net = &devices->nets[number];
	char name[DEVICE_SLOT_NAME_MAX_BYTES];

	/* Field by field, as for a drive. */
	memcpy(net->settings.address, uplink->address, sizeof(net->settings.address));
	net->settings.mtu_bytes = (uint16_t)config->mtu;
	net->settings.anti_spoof = config->uplink.anti_spoof;
	net->port.kind = uplink->kind;
	net->port.fd = uplink->fd;
	set_limiter(&net->receive_limiter, &config->rx_rate_limiter);
	set_limiter(&net->transmit_limiter, &config->tx_rate_limiter);
	/* A stream is cut into frames here, so parts of them have to lie somewhere. */
	if (uplink->kind == NET_PORT_STREAM &&
	    !(net->port.buffers = map_pages(sizeof(*net->port.buffers), reason)))
		return -ENOMEM;
	net_init(net);
	snprintf(name, sizeof(name), "network %s", config->iface_id);
	return add_device(devices, &net->device, name, bus, reason);
}

static int build_interfaces(struct devices *devices, struct bus *bus, struct reason *reason)
{
	int error = 0;

	for (unsigned int i = 0; i < devices->config->interface_count && !error; i++)
		error = build_interface(devices, i, bus, reason);
	return error;
}

static int build_vsock(struct devices *devices, struct bus *bus, struct reason *reason)
{
	int error;

	if (!devices->config->vsock.present)
		return 0;
	error = vsock_service_prepare(&devices->vsock, devices->config, devices->resources, reason);
	if (!error)
		error = add_device(devices, &devices->vsock.vsock.device, "vsock", bus, reason);
	if (!error)
		vsock_service_init(&devices->vsock);
	return error;
}

int devices_build(struct devices *devices, struct bus *bus, struct reason *reason)
{
	int error = build_drives(devices, true, bus, reason);

	if (!error)
		error = build_drives(devices, false, bus, reason);
	if (!error)
		error = build_interfaces(devices, bus, reason);
	return error ? error : build_vsock(devices, bus, reason);
}

static int announce_root(const struct config_drive *drive, struct cmdline *cmdline,
			 struct reason *reason)
{
	char root[128];
	int length = drive->partuuid ? snprintf(root, sizeof(root), "root=PARTUUID=%s %s",
						drive->partuuid, drive->is_read_only ? "ro" : "rw")
				     : snprintf(root, sizeof(root), "root=/dev/vda %s",
						drive->is_read_only ? "ro" : "rw");

	if (length >= (int)sizeof(root))
		return reason_set(reason, -E2BIG, "the partuuid is too long");
	return cmdline_append(cmdline, root, reason);
}

int devices_announce(const struct devices *devices, struct cmdline *cmdline, struct reason *reason)
{
	int error = 0;

	for (unsigned int i = 0; i < devices->config->drive_count && !error; i++)
		if (devices->config->drives[i].is_root_device)
			error = announce_root(&devices->config->drives[i], cmdline, reason);
	for (unsigned int i = 0; i < devices->count && !error; i++)
		error = cmdline_append_device(cmdline, &devices->windows[i], reason);
	return error;
}

/* A ring costs more than it is worth the first instruction to wait for; so it is made here. */
static int start_drive(struct devices *devices, unsigned int number, struct reason *reason)
{
	const struct config_drive *config = &devices->config->drives[number];
	struct block *block = &devices->blocks[number];
	struct device_slot *slot = block->device.links->owner;
	int error;

	if (config->io_engine == CONFIG_IO_ENGINE_SYNC)
		return 0;
	pthread_mutex_lock(&slot->lock);
	error = block_open_ring(block);
	pthread_mutex_unlock(&slot->lock);
	if (error && config->io_engine == CONFIG_IO_ENGINE_ASYNC)
		return reason_set(reason, error, "drives[%u].io_engine: no io_uring here: %s",
				  number, strerror(-error));
	if (error)
		log_warning("%s: no io_uring here (%s): a vCPU waits when the disk does",
			    slot->name, strerror(-error));
	return 0;
}

int devices_start(struct devices *devices, struct loop *loop, struct reason *reason)
{
	int error = 0;

	for (unsigned int i = 0; i < devices->config->drive_count && !error; i++)
		error = start_drive(devices, i, reason);
	if (devices->config->vsock.present && !error)
		error = vsock_service_start(&devices->vsock, devices->config, devices->resources,
					    loop, reason);
	for (unsigned int i = 0; i < devices->count && !error; i++) {
		error = device_slot_attach(&devices->slots[i], loop);
		if (error)
			return reason_set(reason, error, "%s: too much to watch",
					  devices->slots[i].name);
	}
	return error;
}

void devices_take_no_more(struct devices *devices)
{
	/* The run may have ended before anything was built. */
	if (devices->vsock.vsock.device.links)
		vsock_service_take_no_more(&devices->vsock);
}

uint64_t devices_owed_bytes(struct devices *devices)
{
	if (!devices->vsock.vsock.device.links)
		return 0;
	return vsock_service_owed_bytes(&devices->vsock);
}

void devices_expect(const struct devices *devices, struct loop *loop)
{
	for (unsigned int i = 0; i < devices->count; i++)
		device_slot_expect(&devices->slots[i], loop);
}

uint64_t devices_due_ns(const struct devices *devices)
{
	uint64_t first_ns = VIRTIO_NEVER;

	for (unsigned int i = 0; i < devices->count; i++) {
		uint64_t due_ns = device_slot_due_ns(&devices->slots[i]);

		if (due_ns < first_ns)
			first_ns = due_ns;
	}
	return first_ns;
}

void devices_tick(struct devices *devices, uint64_t now_ns)
{
	for (unsigned int i = 0; i < devices->count; i++)
		device_slot_tick(&devices->slots[i], now_ns);
}

void devices_unmasked(struct devices *devices, uint32_t gsi)
{
	if (gsi >= LAYOUT_FIRST_DEVICE_GSI && gsi < LAYOUT_FIRST_DEVICE_GSI + devices->count)
		device_slot_unmasked(&devices->slots[gsi - LAYOUT_FIRST_DEVICE_GSI]);
}

static void count_drive(const struct block_counters *block, struct run_counters *counters)
{
	counters->disk_reads += block->reads;
	counters->disk_writes += block->writes;
	counters->disk_flushes += block->flushes;
	counters->disk_read_bytes += block->read_bytes;
	counters->disk_written_bytes += block->written_bytes;
	counters->disk_throttled += block->throttled;
}

static void count_interface(const struct net_counters *net, struct run_counters *counters)
{
	counters->net_received_frames += net->received_frames;
	counters->net_received_bytes += net->received_bytes;
	counters->net_received_dropped += net->received_dropped;
	counters->net_sent_frames += net->sent_frames;
	counters->net_sent_bytes += net->sent_bytes;
	counters->net_sent_dropped += net->sent_dropped;
	counters->net_throttled += net->throttled;
}

void devices_count(const struct devices *devices, struct run_counters *counters)
{
	if (!devices->config)
		return; /* the run ended before anything was built */
	for (unsigned int i = 0; i < devices->count; i++) {
		counters->device_faults += devices->slots[i].faults;
		counters->device_refused += devices->slots[i].refused;
		counters->device_host_errors += devices->slots[i].host_errors;
		counters->device_interrupts += devices->slots[i].interrupts;
	}
	for (unsigned int i = 0; i < devices->config->drive_count; i++)
		count_drive(&devices->blocks[i].counters, counters);
	for (unsigned int i = 0; i < devices->config->interface_count; i++)
		count_interface(&devices->nets[i].counters, counters);
	vsock_service_count(&devices->vsock, counters);
}
