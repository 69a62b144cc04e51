/* SPDX-License-Identifier: MIT */
/*
 * monitor/boot_timer.h - a page that the guest writes to when it has come somewhere.
 *
 * Firecracker's boot timer: the byte 123 at the start of the page says that the
 * guest has booted.  Any other byte but 0, and 123 elsewhere in the page, is a
 * stage of the guest's own numbering, so that its start-up can be seen in the launch
 * trace.  The low byte of a wider write counts.  Reads give 0.
 *
 * Call order: boot_timer_access() as a bus region of one page.
 * Threads: the callback runs on the vCPU's thread, under the region's lock if it
 * has one.  There is no state.
 */
#ifndef MONITOR_BOOT_TIMER_H
#define MONITOR_BOOT_TIMER_H

#include <stdint.h>

#include "monitor/bus.h"

enum {
	BOOT_TIMER_BOOTED = 0, /* the stage of "the guest has booted" */
};

struct boot_timer {
	/* stage: BOOT_TIMER_BOOTED, or 1 to 255. */
	void (*stamp)(void *owner, unsigned int stage);
	void *owner;
};

/* struct bus_region's access. */
void boot_timer_access(void *boot_timer, const struct bus_access *access);

#endif
