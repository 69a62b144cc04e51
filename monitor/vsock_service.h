/* SPDX-License-Identifier: MIT */
/*
 * monitor/vsock_service.h - the vsock device of a VM, with what it needs of the host.
 *
 * Its listening socket is there already (vsock_socket.h), the guest's own connections come from the
 * launcher (vsock_client.h), and --stdio is one stream more.  Without a uds_path it is the only
 * one: nothing listens, and what the guest asks for is refused.
 *
 * Call order: vsock_service_prepare(), then the device gets its place (device_slot.h), then
 * vsock_service_init(); on the I/O thread vsock_service_start() once.
 * Memory: the buffers are mapped here, all of them, and touched only where hosts read slowly.
 * Threads: the slot's lock is taken here where it is needed.
 */
#ifndef MONITOR_VSOCK_SERVICE_H
#define MONITOR_VSOCK_SERVICE_H

#include <stdint.h>

#include "monitor/config.h"
#include "monitor/loop.h"
#include "monitor/reason.h"
#include "monitor/resources.h"
#include "monitor/run_state.h"
#include "monitor/vsock_client.h"
#include "virtio/vsock.h"

struct vsock_service {
	struct vsock vsock;
	struct vsock_owner owner;
	struct vsock_client client;
	struct loop *loop; /* once it has been started */
	int watch;
};

/*
 * Into zeroed memory.  The process may have as many descriptors open afterwards as its user allows.
 */
int vsock_service_prepare(struct vsock_service *service, const struct vm_config *config,
			  const struct resources *resources, struct reason *reason);

void vsock_service_init(struct vsock_service *service);

int vsock_service_start(struct vsock_service *service, const struct vm_config *config,
			const struct resources *resources, struct loop *loop,
			struct reason *reason);

/* The run is over: what the guest has sent until now is taken, and nothing that comes later. */
void vsock_service_take_no_more(struct vsock_service *service);

/* How much of what the guest sent the hosts have not got yet; 0 if they have all. */
uint64_t vsock_service_owed_bytes(struct vsock_service *service);

/* Add what it did; without the lock, for when nobody else looks any more. */
void vsock_service_count(const struct vsock_service *service, struct run_counters *counters);

#endif
