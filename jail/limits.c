/* SPDX-License-Identifier: MIT */
/* jail/limits.c - see limits.h. */
#include "jail/limits.h"

#include <errno.h>
#include <stddef.h>
#include <sys/resource.h>

static rlim_t lower_of(rlim_t one, rlim_t other)
{
	return one < other ? one : other;
}

/* RLIM_INFINITY is the highest number, so it is a limit like any other here. */
static int lower(unsigned int resource, rlim_t most)
{
	struct rlimit limit;

	if (prlimit(0, resource, NULL, &limit) < 0)
		return -errno;
	if (limit.rlim_cur == limit.rlim_max && limit.rlim_max <= most)
		return 0;
	limit.rlim_max = lower_of(limit.rlim_max, most);
	limit.rlim_cur = lower_of(limit.rlim_cur, most);
	if (prlimit(0, resource, &limit, NULL) < 0 || prlimit(0, resource, NULL, &limit) < 0)
		return -errno;
	return limit.rlim_cur <= most && limit.rlim_max <= most ? 0 : -EPERM;
}

int limits_lower(const struct limits *limits)
{
	const struct {
		unsigned int resource;
		rlim_t most;
	} rows[] = {
		{RLIMIT_CORE, 0},
		{RLIMIT_FSIZE, limits->file_bytes},
		{RLIMIT_MEMLOCK, LIMITS_LOCKED_BYTES},
		{RLIMIT_MSGQUEUE, 0},
		{RLIMIT_NICE, 0},
		{RLIMIT_NOFILE, limits->descriptors},
		{RLIMIT_NPROC, limits->threads},
		{RLIMIT_RTPRIO, 0},
	};
	int error = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !error; i++)
		error = lower(rows[i].resource, rows[i].most);
	return error;
}
