/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/guest.h - what a guest is: one function.
 *
 * The library enters guest_main() at privilege level 3 on the first processor,
 * with memory below 4 GiB mapped one to one; what it returns is the exit code.
 * Link with link.ld; see tests/guests/meson.build.
 */
#ifndef GUEST_GUEST_H
#define GUEST_GUEST_H

#include "tests/guests/lib/boot.h"
#include "tests/guests/lib/console.h"

int guest_main(void);

#endif
