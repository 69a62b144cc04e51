/* SPDX-License-Identifier: MIT */
/*
 * benches/proc_file.h - a small file of the kernel's, read whole into a string.
 */
#ifndef BENCHES_PROC_FILE_H
#define BENCHES_PROC_FILE_H

#include <stddef.h>

enum {
	PROC_FILE_MAX_BYTES = 64 * 1024,
};

/*
 * Read the file of that name into `text`, which ends with a zero then.  Returns 0, -EFBIG if it
 * does not fit, or negative errno.
 */
__attribute__((format(printf, 3, 4))) int proc_file_read(char *text, size_t size_bytes,
							 const char *path_format, ...);

#endif
