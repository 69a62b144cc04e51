/* SPDX-License-Identifier: MIT */
/* monitor/boot_timer.c - see boot_timer.h. */
#include "monitor/boot_timer.h"

enum {
	BOOTED_BYTE = 123,
};

void boot_timer_access(void *owner, const struct bus_access *access)
{
	const struct boot_timer *timer = owner;
	unsigned int value = access->data[0];

	if (!access->is_write)
		return;
	if (value == BOOTED_BYTE && access->offset == 0)
		timer->stamp(timer->owner, BOOT_TIMER_BOOTED);
	/* A guest that clears the page has not come anywhere. */
	else if (value != 0)
		timer->stamp(timer->owner, value);
}
