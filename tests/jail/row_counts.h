/* SPDX-License-Identifier: MIT */
/* tests/jail/row_counts.h - how often each role came by each row of the policy, in a shared file.
 */
#ifndef TESTS_JAIL_ROW_COUNTS_H
#define TESTS_JAIL_ROW_COUNTS_H

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "jail/filter.h"

enum {
	ROW_COUNTS_ROWS_MAX = 256, /* policy_compile packs role and row into 16 bits */
	ROW_COUNTS_ROLES_MAX = 256,
};

struct row_counts {
	_Atomic uint64_t seen[ROW_COUNTS_ROLES_MAX][ROW_COUNTS_ROWS_MAX];
};

/* The counts in `path`, made if need be; NULL with errno if that cannot be. */
static inline struct row_counts *row_counts_open(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	struct row_counts *counts = NULL;

	if (fd >= 0 && ftruncate(fd, sizeof(*counts)) == 0)
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return counts == MAP_FAILED ? NULL : counts;
}

#endif
