/* SPDX-License-Identifier: MIT */
/* jail/descriptors.c - see descriptors.h. */
#include "jail/descriptors.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

/* By insertion: there are a handful, and most callers have them in order. */
static void sort(int *numbers, unsigned int count)
{
	for (unsigned int i = 1; i < count; i++) {
		int number = numbers[i];
		unsigned int place = i;

		for (; place > 0 && numbers[place - 1] > number; place--)
			numbers[place] = numbers[place - 1];
		numbers[place] = number;
	}
}

int descriptors_keep_only(const int *kept, unsigned int count)
{
	int sorted[DESCRIPTORS_KEPT_MAX];
	unsigned int next = 0;

	if (count > DESCRIPTORS_KEPT_MAX)
		return -E2BIG;
	memcpy(sorted, kept, count * sizeof(*kept));
	sort(sorted, count);
	for (unsigned int i = 0; i < count; i++) {
		if (sorted[i] < 0)
			continue;
		if ((unsigned int)sorted[i] > next &&
		    close_range(next, (unsigned int)sorted[i] - 1, 0) < 0)
			return -errno;
		next = (unsigned int)sorted[i] + 1;
	}
	return close_range(next, UINT_MAX, 0) < 0 ? -errno : 0;
}

int descriptors_highest(const int *kept, unsigned int count)
{
	int highest = -1;

	for (unsigned int i = 0; i < count; i++)
		highest = kept[i] > highest ? kept[i] : highest;
	return highest;
}
