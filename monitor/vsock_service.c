/* SPDX-License-Identifier: MIT */
/* monitor/vsock_service.c - see vsock_service.h. */
#include "monitor/vsock_service.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>

#include "monitor/device_slot.h"
#include "monitor/log.h"

static struct device_slot *slot_of(const struct vsock_service *service)
{
	return service->vsock.device.links->owner;
}

/* --- What the device asks for --- */

static int connect_host(void *context, uint64_t token, uint32_t port)
{
	struct vsock_service *service = context;

	return vsock_client_ask(&service->client, token, port);
}

static void stream_ended(void *context, uint32_t guest_port, int error)
{
	(void)context;
	if (error)
		log_warning("--stdio vsock:%" PRIu32 ": the connection broke off: %s", guest_port,
			    strerror(error < 0 ? -error : error));
}

/* --- Building --- */

/* A connection is a descriptor each. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int map_buffers(struct vsock_table *table)
{
	void *buffers = mmap(NULL, VSOCK_BUFFERS_BYTES, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (buffers == MAP_FAILED)
		return -errno;
	table->buffers = buffers;
	return 0;
}

int vsock_service_prepare(struct vsock_service *service, const struct vm_config *config,
			  const struct resources *resources, struct reason *reason)
{
	struct vsock_muxer *muxer = &service->vsock.muxer;
	int error = map_buffers(&muxer->table);

	if (error)
		return reason_set(reason, error, "vsock: mmap: %s", strerror(-error));
	muxer->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (muxer->epoll_fd < 0)
		return reason_set(reason, -errno, "vsock: epoll: %s", strerror(errno));
	if (getrandom(&muxer->table.seed, sizeof(muxer->table.seed), GRND_NONBLOCK) !=
	    sizeof(muxer->table.seed))
		return reason_set(reason, -EAGAIN, "vsock: the host has no random numbers yet");
	allow_descriptors();
	service->owner = (struct vsock_owner){
		.connect = connect_host,
		.stream_ended = stream_ended,
		.context = service,
	};
	vsock_client_init(&service->client, resources->broker.vm_fd);
	muxer->guest_cid = config->vsock.guest_cid;
	muxer->owner = &service->owner;
	service->vsock.listener.fd = resources->vsock.fd;
	return 0;
}

void vsock_service_init(struct vsock_service *service)
{
	vsock_init(&service->vsock);
}

/* --- The I/O thread --- */

/* Take all answers: they are few, for only so many requests are on their way. */
static void on_answer(void *owner, short events)
{
	struct vsock_service *service = owner;
	struct device_slot *slot = slot_of(service);
	uint64_t token;
	int connected;
	int error;

	(void)events;
	pthread_mutex_lock(&slot->lock);
	while ((error = vsock_client_take(&service->client, &token, &connected)) == 0)
		vsock_connected(&service->vsock, token, connected);
	/* Without its launcher this process is about to end. */
	if (error != -EAGAIN) {
		service->client.fd = VSOCK_BROKER_NONE;
		loop_expect(service->loop, service->watch, 0);
	}
	pthread_mutex_unlock(&slot->lock);
}

static int start_stream(struct vsock_service *service, const struct vm_config *config,
			const struct resources *resources)
{
	struct device_slot *slot = slot_of(service);
	int error;

	if (!config->stdio.present)
		return 0;
	pthread_mutex_lock(&slot->lock);
	error = vsock_connect_stream(&service->vsock, config->stdio.guest_port,
				     resources->stdio.read_fd, resources->stdio.write_fd);
	pthread_mutex_unlock(&slot->lock);
	return error;
}

int vsock_service_start(struct vsock_service *service, const struct vm_config *config,
			const struct resources *resources, struct loop *loop, struct reason *reason)
{
	int error = start_stream(service, config, resources);

	if (error)
		return reason_set(reason, error, "--stdio: %s", strerror(-error));
	service->loop = loop;
	if (service->client.fd < 0)
		return 0;
	service->watch = loop_watch(loop, service->client.fd, POLLIN, on_answer, service);
	if (service->watch < 0)
		return reason_set(reason, service->watch, "vsock: too much to watch");
	return 0;
}

void vsock_service_take_no_more(struct vsock_service *service)
{
	struct device_slot *slot = slot_of(service);

	pthread_mutex_lock(&slot->lock);
	vsock_take_no_more(&service->vsock);
	pthread_mutex_unlock(&slot->lock);
}

uint64_t vsock_service_owed_bytes(struct vsock_service *service)
{
	struct device_slot *slot = slot_of(service);
	uint64_t owed_bytes;

	pthread_mutex_lock(&slot->lock);
	owed_bytes = vsock_buffered_bytes(&service->vsock);
	pthread_mutex_unlock(&slot->lock);
	return owed_bytes;
}

void vsock_service_count(const struct vsock_service *service, struct run_counters *counters)
{
	const struct vsock_counters *vsock = &service->vsock.muxer.counters;

	counters->vsock_guest_connections += vsock->guest_connections;
	counters->vsock_host_connections += vsock->host_connections;
	counters->vsock_refused += vsock->refused;
	counters->vsock_resets += vsock->resets;
	counters->vsock_to_guest_bytes += vsock->to_guest_bytes;
	counters->vsock_from_guest_bytes += vsock->from_guest_bytes;
}
