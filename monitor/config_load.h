/* SPDX-License-Identifier: MIT */
/*
 * monitor/config_load.h - from JSON text to a checked description of one VM.
 *
 * The text is untrusted: every key, type and range is checked, unknown and
 * duplicate keys are errors at every level, and all errors are collected so that
 * the user sees them in one go.  Nothing that the text names is opened here.
 *
 * Call order: config_load() or config_parse(), then use, then config_release().
 */
#ifndef MONITOR_CONFIG_LOAD_H
#define MONITOR_CONFIG_LOAD_H

#include <stddef.h>

#include "monitor/config.h"

/*
 * Check a text.  Returns 0, or -EINVAL with at least one error.  On failure the config is
 * zeroed and there is nothing to release.
 */
int config_parse(struct vm_config *config, const char *text, size_t length_bytes,
		 struct config_errors *errors);

/*
 * Read a file, or standard input for "-", and check it.  Returns as
 * config_parse() does, or the negative errno of a file that cannot be read or
 * -EFBIG for one above CONFIG_FILE_MAX_BYTES, with one error that says so.
 */
int config_load(struct vm_config *config, const char *path, struct config_errors *errors);

/* Let the strings go.  Accepts a zeroed config. */
void config_release(struct vm_config *config);

#endif
