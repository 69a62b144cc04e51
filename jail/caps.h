/* SPDX-License-Identifier: MIT */
/*
 * jail/caps.h - capabilities: none that are held, and no way to get one again.
 *
 * Call order: caps_close_ways() while CAP_SETPCAP is still there, ids in between,
 * caps_keep_only() when nothing needs a capability any more.  Both ask the kernel
 * afterwards and return -EPERM if something is left.
 *
 * These are the system calls themselves and not libcap-ng: a static program would grow by 320 KiB
 * with it, each start would read /proc, and it looks the bounding set up under a pid that is
 * another process's outside a new pid namespace.  The tests take libcap-ng for a second opinion.
 *
 * Threads: a capability set is a thread's; the process has one.
 * ABI: capabilities(7), prctl(2), capset(2).
 */
#ifndef JAIL_CAPS_H
#define JAIL_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#define CAPS_NONE UINT64_C(0)

/* The numbers are in linux/capability.h. */
#define CAPS_BIT(number) (UINT64_C(1) << (number))

/* Whether all of these are effective. */
bool caps_hold(uint64_t wanted);

/*
 * Empty the bounding set, so that no program that is executed brings a capability along,
 * and lock the secure bits, so that uid 0 is a uid like any other for good.
 */
int caps_close_ways(void);

/* Effective and permitted become what is in `kept`; inheritable and ambient become empty. */
int caps_keep_only(uint64_t kept);

#endif
