/* SPDX-License-Identifier: MIT */
/*
 * monitor/absent_chip.h - the PIC or the PIT of a machine that has none.
 *
 * With the split irqchip there is no 8259A pair and no 8254, and with the
 * kernel's the 8254 may be left out.  A guest that needs one would wait for an
 * interrupt that never comes, without a word; so its ports are watched, and the
 * first write that only makes sense to a guest that counts on the chip calls
 * `noticed`, once.  Reads give 0.
 *
 * What does not count, because guests do it that need no such chip: masking (Linux
 * probes with 0xFB to 0x21 and reads it back), the initialization words followed
 * by masks that leave at most the cascade open (move the vectors away and forget
 * the chip), a PIT count of zero in a one-shot mode (Linux stops the timer so).
 * What counts: after the initialization words, a mask that opens a line; and a
 * PIT count, once the channel was given a mode.  Words and modes follow the
 * Intel 8259A and 8254 data sheets.
 *
 * Call order: absent_chip_init(), absent_chip_add().
 * Threads: the regions have the lock that is given; `noticed` runs under it.
 * Memory: none is allocated.  `state` is all there is to save.
 */
#ifndef MONITOR_ABSENT_CHIP_H
#define MONITOR_ABSENT_CHIP_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "monitor/bus.h"

enum {
	ABSENT_PIT_CHANNELS = 3,
};

enum absent_chip_kind {
	ABSENT_PIC,
	ABSENT_PIT,
};

struct absent_chip_ops {
	void (*noticed)(void *owner, enum absent_chip_kind kind);
};

/* One 8259A: how far its initialization has come. */
struct absent_pic_state {
	bool initialized;
	uint8_t words_left; /* ICW2 to ICW4 still to come */
};

struct absent_chip_state {
	bool noticed;
	struct absent_pic_state primary; /* of ABSENT_PIC */
	struct absent_pic_state secondary;
	uint8_t channel_modes[ABSENT_PIT_CHANNELS]; /* the last control word; 0: none yet */
};

struct absent_chip {
	struct absent_chip_state state;
	enum absent_chip_kind kind;
	const struct absent_chip_ops *ops;
	void *owner;
};

void absent_chip_init(struct absent_chip *chip, enum absent_chip_kind kind,
		      const struct absent_chip_ops *ops, void *owner);

/*
 * Watch the ports 0x20, 0x21, 0xA0 and 0xA1 (PIC) or 0x40 to 0x43 (PIT).  Returns 0 or
 * what bus_add() said; on failure the bus may hold some of them and is of no more use.
 */
int absent_chip_add(struct absent_chip *chip, struct bus *bus, pthread_mutex_t *lock);

#endif
