/* SPDX-License-Identifier: MIT */
/* monitor/loop.c - see loop.h. */
#include "monitor/loop.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S INT64_C(1000000000)

void loop_init(struct loop *loop, int wake_fd, void (*woken)(void *owner, short events),
	       void *owner)
{
	loop->wake_fd = wake_fd;
	loop->count = 0;
	loop_watch(loop, wake_fd, POLLIN, woken, owner);
}

int loop_watch(struct loop *loop, int fd, short events, void (*ready)(void *owner, short events),
	       void *owner)
{
	unsigned int watch = loop->count;

	if (watch == LOOP_WATCHES_MAX)
		return -ENOSPC;
	loop->descriptors[watch] = (struct pollfd){.fd = fd};
	loop->watches[watch] = (struct loop_watch){.ready = ready, .owner = owner};
	loop->count++;
	loop_expect(loop, (int)watch, events);
	return (int)watch;
}

void loop_expect(struct loop *loop, int watch, short events)
{
	struct pollfd *descriptor = &loop->descriptors[watch];

	/* A descriptor that is only masked would still report its hang-up at every turn. */
	if ((events == 0) != (descriptor->fd < 0))
		descriptor->fd = ~descriptor->fd;
	descriptor->events = events;
}

bool loop_turn(struct loop *loop, int64_t timeout_ns)
{
	const struct timespec timeout = {
		.tv_sec = timeout_ns / NS_PER_S,
		.tv_nsec = timeout_ns % NS_PER_S,
	};
	int ready = ppoll(loop->descriptors, loop->count, timeout_ns < 0 ? NULL : &timeout, NULL);

	for (unsigned int i = 0; ready > 0 && i < loop->count; i++) {
		short events = loop->descriptors[i].revents;
		uint64_t count;

		if (!events || loop->descriptors[i].fd < 0)
			continue;
		if (i == 0 && read(loop->wake_fd, &count, sizeof(count)) < 0)
			continue;
		loop->watches[i].ready(loop->watches[i].owner, events);
	}
	return ready > 0;
}

void loop_wake(const struct loop *loop)
{
	uint64_t one = 1;

	/* The counter cannot overflow in practice, and a full one wakes the loop just as well. */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0)
		return;
}
