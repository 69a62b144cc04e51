/* SPDX-License-Identifier: MIT */
/* benches/guest_clock.c - see guest_clock.h. */
#include "benches/guest_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "benches/clock.h"

enum {
	LINE_BYTES = 128,
	MEASURED_NS = 50000000,
	NS_PER_US = 1000,
};

int guest_clock_parse(struct guest_clock *clock, const char *output, size_t length)
{
	static const char word[] = "\nclock ";
	const char *at = memmem(output, length, word, strlen(word));
	struct guest_clock seen;
	char line[LINE_BYTES];
	size_t left;

	if (at == NULL)
		return -EPROTO;
	left = length - (size_t)(at - output);
	snprintf(line, sizeof(line), "%.*s", (int)left, at);
	if (sscanf(line, "\nclock %" SCNu64 " %" SCNu64 " %" SCNu64, &seen.entry, &seen.main,
		   &seen.greeted) != 3)
		return -EPROTO;
	if (seen.entry > seen.main || seen.main > seen.greeted)
		return -EPROTO;
	*clock = seen;
	return 0;
}

double guest_clock_measure_ticks_per_us(void)
{
	const struct timespec wait = {.tv_nsec = MEASURED_NS};
	uint64_t begun_ns = clock_now_ns();
	uint64_t begun = __rdtsc();

	nanosleep(&wait, NULL);
	return (double)(__rdtsc() - begun) * NS_PER_US / (double)(clock_now_ns() - begun_ns);
}
