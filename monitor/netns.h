/* SPDX-License-Identifier: MIT */
/*
 * monitor/netns.h - into a network namespace that has a name, and back.
 *
 * Thread: the process has only one; what it opens in between belongs to that namespace.
 */
#ifndef MONITOR_NETNS_H
#define MONITOR_NETNS_H

#include "monitor/reason.h"

/*
 * `netns` is a name in /run/netns, as of ip-netns(8), or a path.  Returns a descriptor of the
 * namespace that was left, for netns_leave(), or negative errno with the reason.
 */
int netns_enter(const char *netns, struct reason *reason);

/* Go back and close `home`.  Returns 0, or negative errno where nothing may go on. */
int netns_leave(int home, struct reason *reason);

#endif
