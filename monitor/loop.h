/* SPDX-License-Identifier: MIT */
/*
 * monitor/loop.h - the I/O thread's loop: wait for descriptors, call who asked.
 *
 * A fixed table of watches over ppoll(2), and one eventfd by which any other
 * thread gets the loop's attention.  Whoever adds a watch decides at each turn,
 * by `events`, what it waits for; 0 switches it off.
 *
 * Call order: loop_init(); every loop_watch() before the first loop_turn(), which is on the I/O
 * thread. Threads: loop_wake() from any thread; everything else on the loop's own, once it runs.
 */
#ifndef MONITOR_LOOP_H
#define MONITOR_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	LOOP_WATCHES_MAX = 32,
	LOOP_FOREVER = -1,
};

struct loop_watch {
	void (*ready)(void *owner, short events);
	void *owner;
};

struct loop {
	int wake_fd;
	unsigned int count;
	struct pollfd descriptors[LOOP_WATCHES_MAX]; /* [0] is the wake-up */
	struct loop_watch watches[LOOP_WATCHES_MAX];
};

/* `wake_fd` is an eventfd, borrowed; `woken` is called after each loop_wake(). */
void loop_init(struct loop *loop, int wake_fd, void (*woken)(void *owner, short events),
	       void *owner);

/* Returns the watch's number, or -ENOSPC. */
int loop_watch(struct loop *loop, int fd, short events, void (*ready)(void *owner, short events),
	       void *owner);

/* Change what a watch waits for. */
void loop_expect(struct loop *loop, int watch, short events);

/*
 * Wait for one turn, at most timeout_ns or LOOP_FOREVER, and call who is ready.
 * Returns whether anything was.
 */
bool loop_turn(struct loop *loop, int64_t timeout_ns);

void loop_wake(const struct loop *loop);

#endif
