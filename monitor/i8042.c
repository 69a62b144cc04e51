/* SPDX-License-Identifier: MIT */
/* monitor/i8042.c - see i8042.h. */
#include "monitor/i8042.h"

#include <stdbool.h>
#include <string.h>

enum {
	PORT_DATA = 0,
	PORT_COMMAND = 4,
};

enum {
	STATUS_OUTPUT_FULL = 0x01, /* input full, 0x02, is never seen: commands take no time */
	STATUS_SYSTEM = 0x04,      /* the self test has passed */
	STATUS_COMMAND = 0x08,     /* the last write went to the command port */
	STATUS_UNLOCKED = 0x10,    /* no key lock */

	BYTE_INTERRUPT = 0x01, /* the command byte */
	BYTE_SYSTEM = 0x04,
	BYTE_KEYBOARD_OFF = 0x10,
	BYTE_AUX_OFF = 0x20,
	BYTE_TRANSLATE = 0x40,

	OUTPUT_NOT_RESET = 0x01, /* the output port; low means reset */
	OUTPUT_A20 = 0x02,
};

enum {
	COMMAND_READ_BYTE = 0x20,
	COMMAND_WRITE_BYTE = 0x60,
	COMMAND_AUX_TEST = 0xa9,
	COMMAND_SELF_TEST = 0xaa,
	COMMAND_KEYBOARD_TEST = 0xab,
	COMMAND_KEYBOARD_OFF = 0xad,
	COMMAND_KEYBOARD_ON = 0xae,
	COMMAND_READ_INPUT = 0xc0,
	COMMAND_READ_OUTPUT = 0xd0,
	COMMAND_WRITE_OUTPUT = 0xd1,
	COMMAND_ECHO_KEYBOARD = 0xd2,
	COMMAND_ECHO_AUX = 0xd3,
	COMMAND_WRITE_AUX = 0xd4,
	COMMAND_PULSE = 0xf0, /* low nibble: lines not to pulse; bit 0 is reset */

	SELF_TEST_PASSED = 0x55,
	KEYBOARD_TEST_PASSED = 0x00,
	AUX_CLOCK_STUCK = 0x01,
	INPUT_UNLOCKED = 0x80,
};

enum {
	KEYBOARD_SET_LEDS = 0xed,
	KEYBOARD_ECHO = 0xee,
	KEYBOARD_SCAN_CODES = 0xf0,
	KEYBOARD_IDENTIFY = 0xf2,
	KEYBOARD_SET_RATE = 0xf3,
	KEYBOARD_RESET = 0xff,

	KEYBOARD_ACKNOWLEDGE = 0xfa,
	KEYBOARD_TEST_OK = 0xaa,
	KEYBOARD_ID_0 = 0xab,
	KEYBOARD_ID_1 = 0x83,
	KEYBOARD_ID_1_TRANSLATED = 0x41,
	KEYBOARD_SCAN_CODE_SET = 0x02,
};

void i8042_init(struct i8042 *i8042, const struct i8042_ops *ops, void *owner)
{
	*i8042 = (struct i8042){
		.state.command_byte = BYTE_INTERRUPT | BYTE_SYSTEM | BYTE_AUX_OFF | BYTE_TRANSLATE,
		.state.output_port = OUTPUT_NOT_RESET | OUTPUT_A20,
		.state.flags = STATUS_SYSTEM,
		.ops = ops,
		.owner = owner,
	};
}

/* The output buffer holds a byte that was not there before. */
static void announce(struct i8042 *i8042)
{
	if ((i8042->state.command_byte & BYTE_INTERRUPT) && i8042->ops->interrupt)
		i8042->ops->interrupt(i8042->owner);
}

static void keyboard_says(struct i8042 *i8042, uint8_t byte)
{
	struct i8042_state *state = &i8042->state;

	/* A guest that never reads loses the rest, as a keyboard with a full buffer would. */
	if (state->reply_count == I8042_REPLY_BYTES)
		return;
	state->reply[state->reply_count++] = byte;
	if (state->reply_count == 1)
		announce(i8042);
}

static void controller_says(struct i8042 *i8042, uint8_t byte)
{
	i8042->state.reply_count = 0;
	keyboard_says(i8042, byte);
}

static uint8_t read_data(struct i8042 *i8042)
{
	struct i8042_state *state = &i8042->state;
	uint8_t byte = state->reply[0];

	if (state->reply_count == 0)
		return 0;
	state->reply_count--;
	memmove(state->reply, state->reply + 1, state->reply_count);
	if (state->reply_count)
		announce(i8042);
	return byte;
}

static uint8_t read_status(const struct i8042_state *state)
{
	uint8_t status = state->flags | STATUS_UNLOCKED;

	return state->reply_count ? status | STATUS_OUTPUT_FULL : status;
}

static void write_command_byte(struct i8042_state *state, uint8_t value)
{
	/* The disable bit of a port that is not there cannot be cleared: that is how it is seen. */
	state->command_byte = value | BYTE_AUX_OFF;
	if (value & BYTE_SYSTEM)
		state->flags |= STATUS_SYSTEM;
	else
		state->flags &= (uint8_t)~STATUS_SYSTEM;
}

static void write_output_port(struct i8042 *i8042, uint8_t value)
{
	i8042->state.output_port = value | OUTPUT_NOT_RESET;
	if (!(value & OUTPUT_NOT_RESET))
		i8042->ops->reset(i8042->owner);
}

static void write_parameter(struct i8042 *i8042, uint8_t command, uint8_t value)
{
	switch (command) {
	case COMMAND_WRITE_BYTE: write_command_byte(&i8042->state, value); break;
	case COMMAND_WRITE_OUTPUT: write_output_port(i8042, value); break;
	case COMMAND_ECHO_KEYBOARD: controller_says(i8042, value); break;
	/*
	 * A mouse port would return the byte marked as the mouse's.  Linux gives up the port at
	 * once when the mark is missing, but waits half a second when no byte comes.
	 */
	case COMMAND_ECHO_AUX: controller_says(i8042, value); break;
	default: break; /* COMMAND_WRITE_AUX: nobody is there */
	}
}

static void write_command(struct i8042 *i8042, uint8_t command)
{
	struct i8042_state *state = &i8042->state;

	state->awaiting = 0;
	state->flags |= STATUS_COMMAND;
	switch (command) {
	case COMMAND_READ_BYTE: controller_says(i8042, state->command_byte); break;
	case COMMAND_AUX_TEST: controller_says(i8042, AUX_CLOCK_STUCK); break;
	case COMMAND_SELF_TEST:
		state->flags |= STATUS_SYSTEM;
		controller_says(i8042, SELF_TEST_PASSED);
		break;
	case COMMAND_KEYBOARD_TEST: controller_says(i8042, KEYBOARD_TEST_PASSED); break;
	case COMMAND_KEYBOARD_OFF: state->command_byte |= BYTE_KEYBOARD_OFF; break;
	case COMMAND_KEYBOARD_ON: state->command_byte &= (uint8_t)~BYTE_KEYBOARD_OFF; break;
	case COMMAND_READ_INPUT: controller_says(i8042, INPUT_UNLOCKED); break;
	case COMMAND_READ_OUTPUT: controller_says(i8042, state->output_port); break;
	case COMMAND_WRITE_BYTE:
	case COMMAND_WRITE_OUTPUT:
	case COMMAND_ECHO_KEYBOARD:
	case COMMAND_ECHO_AUX:
	case COMMAND_WRITE_AUX: state->awaiting = command; break;
	default:
		if (command >= COMMAND_PULSE && !(command & OUTPUT_NOT_RESET))
			i8042->ops->reset(i8042->owner);
		break;
	}
}

static void keyboard_identifies(struct i8042 *i8042)
{
	bool translated = i8042->state.command_byte & BYTE_TRANSLATE;

	keyboard_says(i8042, KEYBOARD_ID_0);
	keyboard_says(i8042, translated ? KEYBOARD_ID_1_TRANSLATED : KEYBOARD_ID_1);
}

static void write_keyboard(struct i8042 *i8042, uint8_t value)
{
	struct i8042_state *state = &i8042->state;
	uint8_t command = state->keyboard;

	if (command) {
		state->keyboard = 0;
		keyboard_says(i8042, KEYBOARD_ACKNOWLEDGE);
		if (command == KEYBOARD_SCAN_CODES && value == 0)
			keyboard_says(i8042, KEYBOARD_SCAN_CODE_SET);
		return;
	}
	keyboard_says(i8042, value == KEYBOARD_ECHO ? KEYBOARD_ECHO : KEYBOARD_ACKNOWLEDGE);
	switch (value) {
	case KEYBOARD_SET_LEDS:
	case KEYBOARD_SCAN_CODES:
	case KEYBOARD_SET_RATE: state->keyboard = value; break;
	case KEYBOARD_IDENTIFY: keyboard_identifies(i8042); break;
	case KEYBOARD_RESET: keyboard_says(i8042, KEYBOARD_TEST_OK); break;
	default: break;
	}
}

static void write_data(struct i8042 *i8042, uint8_t value)
{
	uint8_t command = i8042->state.awaiting;

	i8042->state.awaiting = 0;
	i8042->state.flags &= (uint8_t)~STATUS_COMMAND;
	if (command)
		write_parameter(i8042, command, value);
	else
		write_keyboard(i8042, value);
}

static void access_byte(struct i8042 *i8042, uint64_t port, uint8_t *data, bool is_write)
{
	if (port == PORT_DATA && is_write)
		write_data(i8042, *data);
	else if (port == PORT_DATA)
		*data = read_data(i8042);
	else if (port == PORT_COMMAND && is_write)
		write_command(i8042, *data);
	else if (port == PORT_COMMAND)
		*data = read_status(&i8042->state);
}

void i8042_access(void *owner, const struct bus_access *access)
{
	for (uint32_t i = 0; i < access->size_bytes; i++)
		access_byte(owner, access->offset + i, &access->data[i], access->is_write);
}
