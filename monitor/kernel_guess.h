/* SPDX-License-Identifier: MIT */
/*
 * monitor/kernel_guess.h - what a file that is no kernel seems to be.
 *
 * Only for messages: people hand over a compressed kernel, a disk image or the
 * initrd in place of the kernel, and a hint saves them a search.
 */
#ifndef MONITOR_KERNEL_GUESS_H
#define MONITOR_KERNEL_GUESS_H

#include "monitor/file_view.h"

/* A noun phrase ("a gzip file; decompress it first"), or NULL if it could be anything. */
const char *kernel_guess(const struct file_view *file);

#endif
