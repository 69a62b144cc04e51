/* SPDX-License-Identifier: MIT */
/*
 * monitor/delivery.h - how long the end of a run waits for hosts to take what is owed to them.
 *
 * The guest's last output may still lie in mote: on its way to a console or to a socket whose
 * reader is slow.  As long as readers take some of it the run lasts.  Without progress it waits
 * DELIVERY_MS.  Who wants the run to stop, when it is over or before, waits DELIVERY_STOP_MS in
 * all; who says so twice does not wait.
 *
 * Call order: from DELIVERY_NOT_BEGUN, delivery_goes_on() at each turn once the run is over, and
 * no later than `give_up_ns`; delivery_hurry() at any time.
 * Thread: the I/O thread.
 */
#ifndef MONITOR_DELIVERY_H
#define MONITOR_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

enum {
	DELIVERY_MS = 10000,     /* without progress */
	DELIVERY_STOP_MS = 1000, /* below the launcher's patience (launcher.h) */
};

struct delivery {
	uint64_t owed_bytes; /* the least there was so far */
	uint64_t give_up_ns; /* UINT64_MAX for never */
	bool is_hurried;
};

#define DELIVERY_NOT_BEGUN                                         \
	{                                                          \
		.owed_bytes = UINT64_MAX, .give_up_ns = UINT64_MAX \
	}

/* Somebody wants the run to stop. */
void delivery_hurry(struct delivery *delivery, uint64_t now_ns);

/* Whether what is owed now is worth another turn. */
bool delivery_goes_on(struct delivery *delivery, uint64_t owed_bytes, uint64_t now_ns);

#endif
