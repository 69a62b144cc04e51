/* SPDX-License-Identifier: MIT */
/* virtio/vsock.c - see vsock.h. */
#include "virtio/vsock.h"

#include <assert.h>
#include <poll.h>

#include "virtio/segments.h"
#include "virtio/vsock_guest.h"

enum {
	/* After that many packets in one go the other thread gets its turn at the lock. */
	SERVE_MAX = 4 * QUEUE_SIZE_MAX,
};

static struct vsock *vsock_of(struct virtio_device *device)
{
	return (struct vsock *)((uint8_t *)device - offsetof(struct vsock, device));
}

static struct queue *queue_of(struct vsock *vsock, unsigned int queue)
{
	return &vsock->device.queues[queue];
}

static bool can_serve(const struct vsock *vsock, unsigned int queue)
{
	return virtio_device_is_live(&vsock->device) && vsock->device.queues[queue].ready;
}

/* Whether the guest's next packet may be taken, if there is one. */
static bool can_take(const struct vsock *vsock)
{
	return !vsock->takes_no_more && vsock_muxer_can_take(&vsock->muxer);
}

/* The guest's fault: hosts need not wait until its driver resets the device. */
static void fail(struct vsock *vsock, unsigned int queue, enum virtio_fault fault)
{
	virtio_device_fail(&vsock->device, queue, fault);
	vsock_host_close(&vsock->muxer, &vsock->listener);
	vsock_muxer_forget(&vsock->muxer);
}

/* Take the next chain of a queue.  Returns false if there is none, or the device has failed. */
static bool pop(struct vsock *vsock, unsigned int queue)
{
	enum virtio_fault fault;
	int popped;

	if (!can_serve(vsock, queue))
		return false;
	popped = queue_pop(queue_of(vsock, queue), &vsock->chain, &fault);
	if (popped < 0)
		fail(vsock, queue, fault);
	return popped > 0;
}

/* -- From the guest -- */

/* Shorten a list to its first `bytes`.  Returns its new length. */
static unsigned int cut(struct iovec *segments, unsigned int count, size_t bytes)
{
	for (unsigned int i = 0; i < count; i++) {
		if (segments[i].iov_len >= bytes) {
			segments[i].iov_len = bytes;
			return bytes ? i + 1 : i;
		}
		bytes -= segments[i].iov_len;
	}
	return count;
}

static void take_packet(struct vsock *vsock)
{
	const struct queue_chain *chain = &vsock->chain;
	struct iovec *payload = vsock->payload;
	struct vsock_header header;
	unsigned int count;
	bool is_whole;

	segments_read(chain->segments, chain->readable_count, 0, &header, sizeof(header));
	is_whole = header.len <= chain->readable_bytes - sizeof(header);
	count = segments_skip(chain->segments, chain->readable_count, sizeof(header), payload);
	count = cut(payload, count, header.len);
	vsock_guest_packet(&vsock->muxer, &header, payload, count, is_whole);
}

/* Returns how many packets were taken: fewer than `max` if there are no more, or none may be. */
static unsigned int serve_transmit(struct vsock *vsock, unsigned int max)
{
	unsigned int taken = 0;

	while (taken < max && can_take(vsock) && pop(vsock, VSOCK_QUEUE_TRANSMIT)) {
		const struct queue_chain *chain = &vsock->chain;

		if (chain->writable_count > 0 ||
		    chain->readable_bytes < sizeof(struct vsock_header)) {
			fail(vsock, VSOCK_QUEUE_TRANSMIT, VIRTIO_FAULT_REQUEST);
			break;
		}
		take_packet(vsock);
		queue_push(queue_of(vsock, VSOCK_QUEUE_TRANSMIT), chain->head, 0);
		taken++;
	}
	return taken;
}

/* -- To the guest -- */

static bool give_packet(struct vsock *vsock)
{
	const struct queue_chain *chain = &vsock->chain;
	struct iovec *payload = vsock->payload;
	struct vsock_header header;
	unsigned int count =
		segments_skip(chain->segments, chain->writable_count, sizeof(header), payload);

	if (!vsock_muxer_give(&vsock->muxer, payload, count, &header))
		return false;
	segments_write(chain->segments, chain->writable_count, 0, &header, sizeof(header));
	queue_push(queue_of(vsock, VSOCK_QUEUE_RECEIVE), chain->head,
		   (uint32_t)sizeof(header) + header.len);
	return true;
}

/* Returns how many packets were given: fewer than `max` if there are no more, or no buffers. */
static unsigned int serve_receive(struct vsock *vsock, unsigned int max)
{
	unsigned int given = 0;

	while (given < max && vsock_muxer_has_packet(&vsock->muxer) &&
	       pop(vsock, VSOCK_QUEUE_RECEIVE)) {
		if (vsock->chain.readable_count > 0 ||
		    vsock->chain.writable_bytes <= sizeof(struct vsock_header)) {
			fail(vsock, VSOCK_QUEUE_RECEIVE, VIRTIO_FAULT_REQUEST);
			break;
		}
		if (!give_packet(vsock)) {
			queue_unpop(queue_of(vsock, VSOCK_QUEUE_RECEIVE));
			break;
		}
		given++;
	}
	return given;
}

/* -- Both -- */

static void hush(struct vsock *vsock, unsigned int queue)
{
	if (can_serve(vsock, queue))
		queue_hush(queue_of(vsock, queue));
}

/*
 * Whether there is something to be done after all, once the driver was asked to notify of what is
 * wanted: packets unless they must not be taken, buffers only if there is something to put in.
 */
static bool has_more(struct vsock *vsock)
{
	bool has_packets = can_serve(vsock, VSOCK_QUEUE_TRANSMIT) && can_take(vsock) &&
			   queue_listen(queue_of(vsock, VSOCK_QUEUE_TRANSMIT));
	bool has_buffers = can_serve(vsock, VSOCK_QUEUE_RECEIVE) &&
			   vsock_muxer_has_packet(&vsock->muxer) &&
			   queue_listen(queue_of(vsock, VSOCK_QUEUE_RECEIVE));

	return has_packets || has_buffers;
}

static void update_due(struct vsock *vsock, bool has_backlog)
{
	uint64_t due_ns = vsock->muxer.due_ns;

	if (vsock->listener.due_ns < due_ns)
		due_ns = vsock->listener.due_ns;
	if (has_backlog)
		due_ns = 0;
	virtio_device_set_due(&vsock->device, due_ns);
}

static void serve(struct vsock *vsock)
{
	unsigned int served = 0;

	do {
		hush(vsock, VSOCK_QUEUE_TRANSMIT);
		hush(vsock, VSOCK_QUEUE_RECEIVE);
		served += serve_transmit(vsock, SERVE_MAX - served);
		served += serve_receive(vsock, SERVE_MAX - served);
	} while (served < SERVE_MAX && has_more(vsock));
	update_due(vsock, served >= SERVE_MAX);
	virtio_device_signal(&vsock->device, VSOCK_QUEUE_RECEIVE);
	virtio_device_signal(&vsock->device, VSOCK_QUEUE_TRANSMIT);
}

/* -- The device -- */

static void vsock_config_read(struct virtio_device *device, uint32_t offset, uint8_t *data,
			      uint32_t size_bytes)
{
	const struct vsock_config config = {.guest_cid = vsock_of(device)->muxer.guest_cid};

	virtio_device_copy_config(&config, sizeof(config), offset, data, size_bytes);
}

static void vsock_activate(struct virtio_device *device)
{
	struct vsock *vsock = vsock_of(device);

	vsock_host_open(&vsock->muxer, &vsock->listener);
	vsock_host_start_streams(&vsock->muxer);
	serve(vsock);
}

static void vsock_notify(struct virtio_device *device, unsigned int queue)
{
	(void)queue;
	serve(vsock_of(device));
}

static void vsock_service(struct virtio_device *device, uint64_t now_ns)
{
	struct vsock *vsock = vsock_of(device);

	if (device->due_ns <= now_ns)
		vsock_host_expire(&vsock->muxer, &vsock->listener, now_ns);
	vsock_host_serve(&vsock->muxer, &vsock->listener);
	serve(vsock);
	vsock_host_rest(&vsock->muxer);
}

static void vsock_queue_stopped(struct virtio_device *device, unsigned int queue)
{
	if (queue != VSOCK_QUEUE_EVENT)
		vsock_muxer_forget(&vsock_of(device)->muxer);
}

static void vsock_reset(struct virtio_device *device)
{
	struct vsock *vsock = vsock_of(device);

	vsock_host_close(&vsock->muxer, &vsock->listener);
	vsock_muxer_forget(&vsock->muxer);
	device->due_ns = VIRTIO_NEVER;
}

static const struct virtio_device_ops vsock_ops = {
	.config_read = vsock_config_read,
	.activate = vsock_activate,
	.notify = vsock_notify,
	.queue_stopped = vsock_queue_stopped,
	.reset = vsock_reset,
	.service = vsock_service,
};

void vsock_init(struct vsock *vsock)
{
	struct virtio_device *device = &vsock->device;

	device->ops = &vsock_ops;
	device->type = VIRTIO_TYPE_VSOCK;
	device->queue_count = VSOCK_QUEUES;
	device->queue_size_max = QUEUE_SIZE_MAX;
	device->features = VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
			   VIRTIO_VSOCK_F_STREAM;
	device->service_fd = vsock->muxer.epoll_fd;
	device->service_events = POLLIN;
	device->due_ns = VIRTIO_NEVER;
	vsock->muxer.links = device->links;
	vsock->listener.due_ns = VSOCK_NEVER;
	vsock_muxer_init(&vsock->muxer);
}

void vsock_connected(struct vsock *vsock, uint64_t token, int fd)
{
	vsock_host_connected(&vsock->muxer, token, fd);
	serve(vsock);
}

int vsock_connect_stream(struct vsock *vsock, uint32_t guest_port, int read_fd, int write_fd)
{
	int error = vsock_host_connect_stream(&vsock->muxer, guest_port, read_fd, write_fd);

	if (!error && virtio_device_is_live(&vsock->device)) {
		vsock_host_start_streams(&vsock->muxer);
		serve(vsock);
	}
	return error;
}

void vsock_take_no_more(struct vsock *vsock)
{
	static_assert((int)SERVE_MAX >= (int)QUEUE_SIZE_MAX, "takes all there is in one go");
	serve(vsock);
	vsock->takes_no_more = true;
}

uint64_t vsock_buffered_bytes(struct vsock *vsock)
{
	struct vsock_connection *connection = NULL;
	uint64_t bytes = 0;

	while ((connection = vsock_table_next(&vsock->muxer.table, connection)))
		bytes += vsock_connection_buffered(connection);
	return bytes;
}
