/* SPDX-License-Identifier: MIT */
/*
 * benches/order.h - who comes when in a round.
 *
 * What a subject leaves behind, such as namespaces that the kernel takes apart in its own time or a
 * warm cache, is met by the next one.  So it has to be another one each time: in a rotation it is
 * always the same.
 */
#ifndef BENCHES_ORDER_H
#define BENCHES_ORDER_H

#include <stddef.h>

/* Fill `order` with 0 to count - 1, each once, shuffled by random(). */
void order_draw(size_t *order, size_t count);

#endif
