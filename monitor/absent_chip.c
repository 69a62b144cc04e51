/* SPDX-License-Identifier: MIT */
/* monitor/absent_chip.c - see absent_chip.h. */
#include "monitor/absent_chip.h"

enum {
	PORT_PIC_PRIMARY = 0x20,
	PORT_PIC_SECONDARY = 0xa0,
	PORT_PIT = 0x40,
	PIC_PORTS = 2,
	PIT_PORTS = 4,

	PIC_COMMAND = 0, /* offsets */
	PIT_CONTROL = 3,

	ICW1 = 0x10,
	ICW1_SINGLE = 0x02, /* no ICW3 */
	ICW1_NEEDS_ICW4 = 0x01,

	PRIMARY_LINES = 0xfb, /* without the cascade, which never interrupts by itself */
	SECONDARY_LINES = 0xff,

	CONTROL_CHANNEL_SHIFT = 6, /* 3 is the read-back command */
	CONTROL_ACCESS = 0x30,     /* zero: the counter latch command */
	CONTROL_PERIODIC = 0x04,   /* modes 2 and 3, and their aliases 6 and 7 */
};

void absent_chip_init(struct absent_chip *chip, enum absent_chip_kind kind,
		      const struct absent_chip_ops *ops, void *owner)
{
	*chip = (struct absent_chip){.kind = kind, .ops = ops, .owner = owner};
}

static void notice(struct absent_chip *chip)
{
	if (chip->state.noticed)
		return;
	chip->state.noticed = true;
	chip->ops->noticed(chip->owner, chip->kind);
}

/* Returns whether the guest now waits for an interrupt on one of the lines. */
static bool write_pic(struct absent_pic_state *pic, unsigned int lines, uint64_t offset,
		      uint8_t value)
{
	if (offset == PIC_COMMAND) {
		if (!(value & ICW1))
			return false; /* an end of interrupt, or a choice of what to read */
		pic->initialized = true;
		pic->words_left = (uint8_t)(1 + !(value & ICW1_SINGLE) + (value & ICW1_NEEDS_ICW4));
		return false;
	}
	if (pic->words_left) {
		pic->words_left--;
		return false;
	}
	return pic->initialized && (lines & ~(unsigned int)value);
}

static void access_pic(struct absent_chip *chip, struct absent_pic_state *pic, unsigned int lines,
		       const struct bus_access *access)
{
	if (!access->is_write)
		return;
	for (uint32_t i = 0; i < access->size_bytes; i++)
		if (write_pic(pic, lines, access->offset + i, access->data[i]))
			notice(chip);
}

static void access_primary(void *owner, const struct bus_access *access)
{
	struct absent_chip *chip = owner;

	access_pic(chip, &chip->state.primary, PRIMARY_LINES, access);
}

static void access_secondary(void *owner, const struct bus_access *access)
{
	struct absent_chip *chip = owner;

	access_pic(chip, &chip->state.secondary, SECONDARY_LINES, access);
}

static bool write_pit(struct absent_chip_state *state, uint64_t offset, uint8_t value)
{
	if (offset == PIT_CONTROL) {
		unsigned int channel = value >> CONTROL_CHANNEL_SHIFT;

		if (channel < ABSENT_PIT_CHANNELS && (value & CONTROL_ACCESS))
			state->channel_modes[channel] = value;
		return false;
	}
	/* Zero is the longest period there is, but in a one-shot mode nothing to wait for. */
	return state->channel_modes[offset] &&
	       (value != 0 || (state->channel_modes[offset] & CONTROL_PERIODIC));
}

static void access_pit(void *owner, const struct bus_access *access)
{
	struct absent_chip *chip = owner;

	if (!access->is_write)
		return;
	for (uint32_t i = 0; i < access->size_bytes; i++)
		if (write_pit(&chip->state, access->offset + i, access->data[i]))
			notice(chip);
}

int absent_chip_add(struct absent_chip *chip, struct bus *bus, pthread_mutex_t *lock)
{
	const struct bus_region primary = {PORT_PIC_PRIMARY, PIC_PORTS, "no-pic", lock, chip,
					   access_primary};
	const struct bus_region secondary = {PORT_PIC_SECONDARY, PIC_PORTS, "no-pic2", lock, chip,
					     access_secondary};
	const struct bus_region pit = {PORT_PIT, PIT_PORTS, "no-pit", lock, chip, access_pit};
	int error;

	if (chip->kind == ABSENT_PIT)
		return bus_add(bus, &pit);
	error = bus_add(bus, &primary);
	return error ? error : bus_add(bus, &secondary);
}
