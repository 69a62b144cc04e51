/* SPDX-License-Identifier: MIT */
/*
 * monitor/cmdline.h - the guest's command line, put together with care.
 *
 * A command line has two parts: the kernel's, and after a word that is just
 * "--" the one that Linux hands to init and unikernels to their application.
 * What the monitor adds (devices, the root disk) goes to the end of the kernel's
 * part, never behind the "--".  As in Linux, a "--" inside double quotes is an
 * ordinary word.
 *
 * The limit holds for the whole text with its NUL.  Control characters are refused:
 * no guest expects them, and a newline would end the line in some.
 */
#ifndef MONITOR_CMDLINE_H
#define MONITOR_CMDLINE_H

#include <stddef.h>

#include "monitor/layout.h"
#include "monitor/reason.h"

struct cmdline {
	char text[LAYOUT_CMDLINE_MAX_BYTES]; /* NUL-terminated */
	size_t length;                       /* without the NUL */
};

/* Start from the user's boot_args.  Returns 0, -EINVAL or -E2BIG. */
int cmdline_init(struct cmdline *cmdline, const char *boot_args, struct reason *reason);

/*
 * Add `part` to the end of the kernel's part, with one space on each side.
 * Returns 0, -EINVAL for an empty part or one with control characters, or -E2BIG;
 * on failure the text is untouched.
 */
int cmdline_append(struct cmdline *cmdline, const char *part, struct reason *reason);

/*
 * Announce a virtio-mmio device: "virtio_mmio.device=4K@0xc0001000:5".  Some
 * unikernels take only this spelling: size 4K, base in hex, line in decimal.
 */
int cmdline_append_device(struct cmdline *cmdline, const struct layout_window *window,
			  struct reason *reason);

#endif
