/* SPDX-License-Identifier: MIT */
/* monitor/ioapic.c - see ioapic.h. */
#include "monitor/ioapic.h"

enum {
	WINDOW_SELECT = 0x00, /* IOREGSEL */
	WINDOW_DATA = 0x10,   /* IOWIN */
	WINDOW_BYTES = 4,

	INDEX_ID = 0x00,
	INDEX_VERSION = 0x01,
	INDEX_ARBITRATION = 0x02,
	INDEX_ENTRIES = 0x10, /* two for each pin, low half first */
	INDEX_ENTRIES_END = INDEX_ENTRIES + 2 * LAYOUT_IOAPIC_PINS,

	ID_SHIFT = 24,
	VERSION = 0x11 | (LAYOUT_IOAPIC_PINS - 1) << 16,
};

/* A redirection entry. */
#define ENTRY_VECTOR     UINT64_C(0xff)
#define ENTRY_MODE_SHIFT 8
#define ENTRY_MODE       UINT64_C(7)
#define ENTRY_LOGICAL    (UINT64_C(1) << 11)
#define ENTRY_MASKED     (UINT64_C(1) << 16)
#define ENTRY_DEST_SHIFT 56
/* Delivery status (bit 12, always idle here) and remote IRR (bit 14) are read-only. */
#define ENTRY_WRITABLE (UINT64_C(0xff) << ENTRY_DEST_SHIFT | UINT64_C(0x1afff))

enum {
	MODE_FIXED = 0,
	MODE_LOWEST_PRIORITY = 1,
	MODE_SMI = 2,
	MODE_NMI = 4,
	MODE_INIT = 5,

	VECTOR_FIRST_LEGAL = 0x10,
};

#define MSI_ADDRESS            UINT32_C(0xfee00000)
#define MSI_ADDRESS_DEST_SHIFT 12
#define MSI_ADDRESS_LOGICAL    (UINT32_C(1) << 2)
#define MSI_DATA_MODE_SHIFT    8

void ioapic_init(struct ioapic *ioapic, uint8_t id, const struct ioapic_ops *ops, void *owner)
{
	*ioapic = (struct ioapic){
		.state.id = id,
		.ops = ops,
		.owner = owner,
	};
	for (unsigned int pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		ioapic->state.entries[pin] = ENTRY_MASKED;
}

/*
 * ExtINT needs an 8259A, which a machine with this chip does not have; the
 * reserved modes and the vectors of exceptions are the guest's mistakes, and are
 * kept from KVM so that they cannot reach the host's log.
 */
static bool is_deliverable(uint64_t entry)
{
	uint64_t vector = entry & ENTRY_VECTOR;

	if (entry & ENTRY_MASKED)
		return false;
	switch (entry >> ENTRY_MODE_SHIFT & ENTRY_MODE) {
	case MODE_FIXED:
	case MODE_LOWEST_PRIORITY: return vector >= VECTOR_FIRST_LEGAL;
	case MODE_SMI:
	case MODE_NMI:
	case MODE_INIT: return true;
	default: return false;
	}
}

static struct ioapic_message entry_message(uint64_t entry)
{
	uint32_t mode = (uint32_t)(entry >> ENTRY_MODE_SHIFT & ENTRY_MODE);
	uint32_t destination = (uint32_t)(entry >> ENTRY_DEST_SHIFT);
	struct ioapic_message message = {0};

	if (!is_deliverable(entry))
		return message;
	message.enabled = true;
	message.address_lo = MSI_ADDRESS | destination << MSI_ADDRESS_DEST_SHIFT;
	if (entry & ENTRY_LOGICAL)
		message.address_lo |= MSI_ADDRESS_LOGICAL;
	/* The trigger bit stays clear: an edge, whatever the entry says. */
	message.data = (uint32_t)(entry & ENTRY_VECTOR) | mode << MSI_DATA_MODE_SHIFT;
	return message;
}

static bool messages_equal(const struct ioapic_message *a, const struct ioapic_message *b)
{
	return a->enabled == b->enabled && a->address_lo == b->address_lo &&
	       a->address_hi == b->address_hi && a->data == b->data;
}

static void write_entry(struct ioapic *ioapic, unsigned int index, uint32_t value)
{
	unsigned int pin = (index - INDEX_ENTRIES) / 2;
	unsigned int shift = index & 1 ? 32 : 0;
	uint64_t half = UINT64_C(0xffffffff) << shift & ENTRY_WRITABLE;
	uint64_t old = ioapic->state.entries[pin];
	uint64_t entry = (old & ~half) | ((uint64_t)value << shift & half);
	struct ioapic_message before = entry_message(old);
	struct ioapic_message after;

	ioapic->state.entries[pin] = entry;
	after = entry_message(entry);
	if (!messages_equal(&before, &after))
		ioapic->ops->route_changed(ioapic->owner, pin, &after);
}

static uint32_t read_indexed(const struct ioapic_state *state)
{
	unsigned int index = state->select;

	if (index == INDEX_ID || index == INDEX_ARBITRATION)
		return (uint32_t)state->id << ID_SHIFT;
	if (index == INDEX_VERSION)
		return VERSION;
	if (index >= INDEX_ENTRIES && index < INDEX_ENTRIES_END)
		return (uint32_t)(state->entries[(index - INDEX_ENTRIES) / 2] >>
				  (index & 1 ? 32 : 0));
	return 0;
}

static void write_indexed(struct ioapic *ioapic, uint32_t value)
{
	unsigned int index = ioapic->state.select;

	if (index == INDEX_ID)
		ioapic->state.id = (uint8_t)(value >> ID_SHIFT);
	else if (index >= INDEX_ENTRIES && index < INDEX_ENTRIES_END)
		write_entry(ioapic, index, value);
}

/* The bytes of an access that lie in one window: put into *value, or taken from it. */
static bool exchange(const struct bus_access *access, uint64_t window, uint32_t *value)
{
	bool touched = false;

	for (uint32_t i = 0; i < access->size_bytes; i++) {
		uint64_t byte = access->offset + i - window;
		unsigned int shift;

		if (byte >= WINDOW_BYTES)
			continue;
		touched = true;
		shift = (unsigned int)byte * 8;
		if (access->is_write)
			*value = (*value & ~(UINT32_C(0xff) << shift)) | (uint32_t)access->data[i]
										 << shift;
		else
			access->data[i] = (uint8_t)(*value >> shift);
	}
	return touched;
}

void ioapic_access(void *owner, const struct bus_access *access)
{
	struct ioapic *ioapic = owner;
	uint32_t select = ioapic->state.select;
	uint32_t value = read_indexed(&ioapic->state);

	if (exchange(access, WINDOW_SELECT, &select) && access->is_write)
		ioapic->state.select = (uint8_t)select;
	if (exchange(access, WINDOW_DATA, &value) && access->is_write)
		write_indexed(ioapic, value);
}
