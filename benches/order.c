/* SPDX-License-Identifier: MIT */
/* benches/order.c - see order.h. */
#include "benches/order.h"

#include <stdlib.h>

/* Fisher and Yates. */
static void shuffle(size_t *order, size_t count)
{
	for (size_t left = count; left > 1; left--) {
		size_t with = (size_t)random() % left;
		size_t kept = order[left - 1];

		order[left - 1] = order[with];
		order[with] = kept;
	}
}

void order_draw(size_t *order, size_t count)
{
	for (size_t at = 0; at < count; at++)
		order[at] = at;
	shuffle(order, count);
}
