/* SPDX-License-Identifier: MIT */
/* monitor/serial.c - see serial.h.  Names follow the data sheet PC16550D, section 8. */
#include "monitor/serial.h"

enum { /* offsets; RBR, THR and IER give way to the divisor latch while DLAB is set */
	REGISTER_DATA,
	REGISTER_IER,
	REGISTER_IIR_FCR,
	REGISTER_LCR,
	REGISTER_MCR,
	REGISTER_LSR,
	REGISTER_MSR,
	REGISTER_SCR,
};

enum {
	IER_RECEIVE = 0x01,
	IER_TRANSMIT = 0x02,
	IER_LINE = 0x04,
	IER_MODEM = 0x08,
	IER_WRITABLE = 0x0f,

	IIR_NONE = 0x01,
	IIR_FIFO_ENABLED = 0xc0,

	FCR_ENABLE = 0x01,
	FCR_CLEAR_RECEIVE = 0x02,
	FCR_TRIGGER_SHIFT = 6,
	FCR_KEPT = 0xc1,

	LCR_DLAB = 0x80,

	LSR_DATA_READY = 0x01,
	LSR_OVERRUN = 0x02,
	LSR_TRANSMIT_EMPTY = 0x60, /* THRE and TEMT */

	MCR_DTR = 0x01,
	MCR_RTS = 0x02,
	MCR_OUT1 = 0x04,
	MCR_OUT2 = 0x08,
	MCR_LOOP = 0x10,
	MCR_WRITABLE = 0x1f,

	MSR_DELTA_CTS = 0x01,
	MSR_DELTA_DSR = 0x02,
	MSR_TRAILING_RI = 0x04,
	MSR_DELTA_DCD = 0x08,
	MSR_DELTAS = 0x0f,
	MSR_CTS = 0x10,
	MSR_DSR = 0x20,
	MSR_RI = 0x40,
	MSR_DCD = 0x80,
	MSR_PEER_READY = MSR_CTS | MSR_DSR | MSR_DCD,
};

/* Reasons to interrupt, as bits; the lowest has the highest priority. */
enum {
	SOURCE_LINE = 0x01,
	SOURCE_DATA = 0x02,
	SOURCE_TIMEOUT = 0x04, /* data below the trigger level */
	SOURCE_TRANSMIT = 0x08,
	SOURCE_MODEM = 0x10,
};

static const uint8_t identifications[] = {0x06, 0x04, 0x0c, 0x02, 0x00}; /* IIR, by source bit */
static const uint8_t trigger_levels[] = {1, 4, 8, 14};

void serial_init(struct serial *serial, const struct serial_ops *ops, void *owner)
{
	*serial = (struct serial){
		.state.divisor_low = 12, /* 9600 baud; only ever read back */
		.state.modem_status = MSR_PEER_READY,
		.ops = ops,
		.owner = owner,
	};
}

static bool fifo_enabled(const struct serial_state *state)
{
	return state->fifo_control & FCR_ENABLE;
}

static uint8_t data_source(const struct serial_state *state)
{
	unsigned int level = state->fifo_control >> FCR_TRIGGER_SHIFT;

	if (state->fifo_count == 0)
		return 0;
	if (!fifo_enabled(state) || state->fifo_count >= trigger_levels[level])
		return SOURCE_DATA;
	return SOURCE_TIMEOUT;
}

static uint8_t pending_sources(const struct serial_state *state)
{
	unsigned int sources = 0;

	if ((state->interrupt_enable & IER_LINE) && state->line_errors)
		sources |= SOURCE_LINE;
	if (state->interrupt_enable & IER_RECEIVE)
		sources |= data_source(state);
	if ((state->interrupt_enable & IER_TRANSMIT) && state->transmit_empty)
		sources |= SOURCE_TRANSMIT;
	if ((state->interrupt_enable & IER_MODEM) && (state->modem_status & MSR_DELTAS))
		sources |= SOURCE_MODEM;
	return (uint8_t)sources;
}

/*
 * After anything that may have changed what is pending.  A source that went away
 * will be news when it comes back.  `raised` are sources for which the line of a
 * real chip fell and rose, although they are pending before and after.
 */
static void update_interrupt(struct serial *serial, uint8_t before, uint8_t raised)
{
	struct serial_state *state = &serial->state;
	uint8_t now = pending_sources(state);

	state->told = (uint8_t)(state->told & now & ~raised);
	if ((now & ~state->told) && (now != before || (now & raised)))
		serial->ops->interrupt(serial->owner);
}

static void tell_of_room(struct serial *serial)
{
	struct serial_state *state = &serial->state;

	if (!state->refused || serial_receive_room(serial) < SERIAL_FIFO_BYTES)
		return;
	state->refused = false;
	if (serial->ops->drained)
		serial->ops->drained(serial->owner);
}

/* Before the access itself: a reader is one that goes on while its interrupt is enabled. */
static void watch_reader(struct serial *serial, uint64_t offset, bool is_write)
{
	struct serial_state *state = &serial->state;
	bool interrupts = state->interrupt_enable & IER_RECEIVE;

	if (state->wanted)
		return;
	if (offset == REGISTER_DATA && is_write)
		state->polls = 0;
	if (offset == REGISTER_LSR && !is_write)
		state->polls++;
	if (!(interrupts && offset != REGISTER_IER) && state->polls < SERIAL_POLLS_WANTED)
		return;
	state->wanted = true;
	if (serial->ops->wanted)
		serial->ops->wanted(serial->owner);
}

static void push_byte(struct serial_state *state, uint8_t byte)
{
	state->fifo[(state->fifo_head + state->fifo_count) % SERIAL_FIFO_BYTES] = byte;
	state->fifo_count++;
}

static void clear_fifo(struct serial_state *state)
{
	state->fifo_head = 0;
	state->fifo_count = 0;
}

/*
 * What is left when a byte is taken counts as having just arrived, so that a
 * driver that takes one byte for each interrupt gets them all.
 */
static uint8_t read_data(struct serial_state *state, uint8_t *raised)
{
	uint8_t byte;

	if (state->fifo_count == 0)
		return 0;
	byte = state->fifo[state->fifo_head];
	state->fifo_head = (uint8_t)((state->fifo_head + 1) % SERIAL_FIFO_BYTES);
	state->fifo_count--;
	*raised = SOURCE_DATA | SOURCE_TIMEOUT;
	return byte;
}

static uint8_t read_identification(struct serial_state *state)
{
	uint8_t pending = pending_sources(state);
	uint8_t fifo = fifo_enabled(state) ? IIR_FIFO_ENABLED : 0;
	unsigned int source;

	if (!pending)
		return fifo | IIR_NONE;
	source = (unsigned int)__builtin_ctz(pending);
	state->told = (uint8_t)(state->told | 1U << source);
	if (1U << source == SOURCE_TRANSMIT)
		state->transmit_empty = false;
	return fifo | identifications[source];
}

static uint8_t read_line_status(struct serial_state *state)
{
	uint8_t status = LSR_TRANSMIT_EMPTY | state->line_errors;

	if (state->fifo_count)
		status |= LSR_DATA_READY;
	state->line_errors = 0;
	return status;
}

static uint8_t read_modem_status(struct serial_state *state)
{
	uint8_t status = state->modem_status;

	state->modem_status = (uint8_t)(status & ~MSR_DELTAS);
	return status;
}

static uint8_t read_register(struct serial *serial, uint64_t offset)
{
	struct serial_state *state = &serial->state;
	bool latch = state->line_control & LCR_DLAB;
	uint8_t before = pending_sources(state);
	uint8_t raised = 0;
	uint8_t value = 0;

	switch (offset) {
	case REGISTER_DATA: value = latch ? state->divisor_low : read_data(state, &raised); break;
	case REGISTER_IER: value = latch ? state->divisor_high : state->interrupt_enable; break;
	case REGISTER_IIR_FCR: value = read_identification(state); break;
	case REGISTER_LCR: value = state->line_control; break;
	case REGISTER_MCR: value = state->modem_control; break;
	case REGISTER_LSR: value = read_line_status(state); break;
	case REGISTER_MSR: value = read_modem_status(state); break;
	case REGISTER_SCR: value = state->scratch; break;
	default: break;
	}
	update_interrupt(serial, before, raised);
	tell_of_room(serial);
	return value;
}

/* Returns the sources that this byte raises anew. */
static uint8_t write_data(struct serial *serial, uint8_t byte)
{
	struct serial_state *state = &serial->state;

	state->transmit_empty = true;
	if (!(state->modem_control & MCR_LOOP))
		serial->ops->output(serial->owner, byte);
	else if (state->fifo_count < SERIAL_FIFO_BYTES)
		push_byte(state, byte);
	else
		state->line_errors |= LSR_OVERRUN;
	return SOURCE_TRANSMIT;
}

static void write_interrupt_enable(struct serial_state *state, uint8_t value)
{
	/* The transmitter is empty, so enabling its interrupt is a reason to raise it. */
	if (value & ~state->interrupt_enable & IER_TRANSMIT)
		state->transmit_empty = true;
	state->interrupt_enable = value & IER_WRITABLE;
}

static void write_fifo_control(struct serial_state *state, uint8_t value)
{
	/* Without the enable bit the other bits are not programmed. */
	uint8_t kept = value & FCR_ENABLE ? value & FCR_KEPT : 0;

	if (kept && (value & FCR_CLEAR_RECEIVE))
		clear_fifo(state);
	state->fifo_control = kept;
}

/* In loopback the modem outputs are wired to the inputs, and the peer is cut off. */
static uint8_t modem_lines(uint8_t control)
{
	unsigned int lines = 0;

	if (!(control & MCR_LOOP))
		return MSR_PEER_READY;
	if (control & MCR_RTS)
		lines |= MSR_CTS;
	if (control & MCR_DTR)
		lines |= MSR_DSR;
	if (control & MCR_OUT1)
		lines |= MSR_RI;
	if (control & MCR_OUT2)
		lines |= MSR_DCD;
	return (uint8_t)lines;
}

static void write_modem_control(struct serial_state *state, uint8_t value)
{
	uint8_t old = state->modem_status;
	uint8_t lines = modem_lines(value);
	unsigned int deltas = old & MSR_DELTAS;

	if ((old ^ lines) & MSR_CTS)
		deltas |= MSR_DELTA_CTS;
	if ((old ^ lines) & MSR_DSR)
		deltas |= MSR_DELTA_DSR;
	if (old & ~lines & MSR_RI)
		deltas |= MSR_TRAILING_RI;
	if ((old ^ lines) & MSR_DCD)
		deltas |= MSR_DELTA_DCD;
	state->modem_status = (uint8_t)(lines | deltas);
	state->modem_control = value & MCR_WRITABLE;
}

static void write_register(struct serial *serial, uint64_t offset, uint8_t value)
{
	struct serial_state *state = &serial->state;
	bool latch = state->line_control & LCR_DLAB;
	uint8_t before = pending_sources(state);
	uint8_t raised = 0;

	switch (offset) {
	case REGISTER_DATA:
		if (latch)
			state->divisor_low = value;
		else
			raised = write_data(serial, value);
		break;
	case REGISTER_IER:
		if (latch)
			state->divisor_high = value;
		else
			write_interrupt_enable(state, value);
		break;
	case REGISTER_IIR_FCR: write_fifo_control(state, value); break;
	case REGISTER_LCR: state->line_control = value; break;
	case REGISTER_MCR: write_modem_control(state, value); break;
	case REGISTER_SCR: state->scratch = value; break;
	default: break; /* LSR and MSR are read-only */
	}
	update_interrupt(serial, before, raised);
	tell_of_room(serial);
}

void serial_access(void *owner, const struct bus_access *access)
{
	for (uint32_t i = 0; i < access->size_bytes; i++) {
		watch_reader(owner, access->offset + i, access->is_write);
		if (access->is_write)
			write_register(owner, access->offset + i, access->data[i]);
		else
			access->data[i] = read_register(owner, access->offset + i);
	}
}

size_t serial_receive_room(const struct serial *serial)
{
	if (serial->state.modem_control & MCR_LOOP)
		return 0;
	return SERIAL_FIFO_BYTES - serial->state.fifo_count;
}

size_t serial_receive(struct serial *serial, const uint8_t *bytes, size_t count)
{
	struct serial_state *state = &serial->state;
	uint8_t before = pending_sources(state);
	size_t room = serial_receive_room(serial);
	size_t accepted = count < room ? count : room;

	for (size_t i = 0; i < accepted; i++)
		push_byte(state, bytes[i]);
	if (accepted < count)
		state->refused = true;
	if (accepted)
		update_interrupt(serial, before, SOURCE_DATA | SOURCE_TIMEOUT);
	return accepted;
}

bool serial_interrupt_pending(const struct serial *serial)
{
	return pending_sources(&serial->state) != 0;
}
