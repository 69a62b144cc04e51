/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/disturber.h - a second processor that does one thing over and over, beside what
 * the first one does.
 *
 * Call order: disturber_start() once or again, then disturber_begin() and disturber_end() around
 * what is to be disturbed.  From the first processor only.
 */
#ifndef TESTS_GUESTS_LIB_DISTURBER_H
#define TESTS_GUESTS_LIB_DISTURBER_H

#include <stdbool.h>

#include "tests/guests/lib/random.h"

/* Whether there is a second processor, started now or before. */
bool disturber_start(void);

void disturber_begin(void (*what)(struct random *random));

/* Returns once it does nothing any more. */
void disturber_end(void);

#endif
