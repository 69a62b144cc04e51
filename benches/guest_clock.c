/* SPDX-License-Identifier: MIT */
/* benches/guest_clock.c - see guest_clock.h. */
#include "benches/guest_clock.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "benches/clock.h"

enum {
	DECIMAL = 10,
	LINE_BYTES = 128,
	MEASURED_NS = 50000000,
	NS_PER_US = 1000,
};

/* Returns what follows the number, or NULL if there is none. */
static const char *parse_number(uint64_t *number, const char *text)
{
	char *end;

	*number = strtoull(text, &end, DECIMAL);
	return end == text ? NULL : end;
}

static bool parse_line(struct guest_clock *clock, const char *text)
{
	text = parse_number(&clock->entry, text);
	if (text != NULL)
		text = parse_number(&clock->main, text);
	if (text != NULL)
		text = parse_number(&clock->greeted, text);
	return text != NULL && clock->entry <= clock->main && clock->main <= clock->greeted;
}

int guest_clock_parse(struct guest_clock *clock, const char *output, size_t length)
{
	static const char word[] = "\nclock ";
	const char *at = memmem(output, length, word, strlen(word));
	struct guest_clock seen;
	char line[LINE_BYTES];

	if (at == NULL)
		return -EPROTO;
	snprintf(line, sizeof(line), "%.*s", (int)(length - (size_t)(at - output)), at);
	if (!parse_line(&seen, line + strlen(word)))
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
