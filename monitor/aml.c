/* SPDX-License-Identifier: MIT */
/* monitor/aml.c - see aml.h. */
#include "monitor/aml.h"

#include <assert.h>
#include <string.h>

enum {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_STRING = 0x0d,
	AML_QWORD = 0x0e,
	AML_SCOPE = 0x10,
	AML_BUFFER = 0x11,
	AML_PACKAGE = 0x12,
	AML_ROOT = 0x5c,
	AML_EXTENDED = 0x5b,
	AML_EXTENDED_DEVICE = 0x82,
};

/* PkgLength (20.2.4): bits 7:6 of the first byte say how many follow. */
enum {
	LENGTH_IN_1_MAX = 0x3f,
	LENGTH_IN_2_MAX = 0xfff,
	LENGTH_BYTES_MAX = 3, /* lengths up to 0xfffff, more than the tables' whole area */
};

enum {
	RESOURCE_PORTS = 0x47, /* small item 8, 7 bytes */
	RESOURCE_END = 0x79,   /* small item 15, 1 byte */
	RESOURCE_MEMORY = 0x86,
	RESOURCE_INTERRUPT = 0x89,

	MEMORY_WRITABLE = 1 << 0,
	PORTS_DECODE_16 = 1 << 0,
	INTERRUPT_CONSUMER = 1 << 0,
	INTERRUPT_EDGE = 1 << 1,
};

static void append(struct aml *aml, const void *bytes, size_t length)
{
	if (aml->overflow || length > aml->capacity - aml->length) {
		aml->overflow = true;
		return;
	}
	memcpy(aml->bytes + aml->length, bytes, length);
	aml->length += length;
}

static void append_byte(struct aml *aml, uint8_t byte)
{
	append(aml, &byte, 1);
}

/* The lowest bytes of a number: x86 and AML both have them first. */
static void append_number(struct aml *aml, uint8_t prefix, uint64_t value, size_t size)
{
	append_byte(aml, prefix);
	append(aml, &value, size);
}

void aml_name(struct aml *aml, const char name[AML_NAME_BYTES])
{
	append_byte(aml, AML_NAME);
	append(aml, name, AML_NAME_BYTES);
}

void aml_integer(struct aml *aml, uint64_t value)
{
	if (value <= 1)
		append_byte(aml, value ? AML_ONE : AML_ZERO);
	else if (value <= UINT8_MAX)
		append_number(aml, AML_BYTE, value, 1);
	else if (value <= UINT16_MAX)
		append_number(aml, AML_WORD, value, 2);
	else if (value <= UINT32_MAX)
		append_number(aml, AML_DWORD, value, 4);
	else
		append_number(aml, AML_QWORD, value, 8);
}

void aml_string(struct aml *aml, const char *text)
{
	append_byte(aml, AML_STRING);
	append(aml, text, strlen(text) + 1);
}

size_t aml_scope(struct aml *aml, const char name[AML_NAME_BYTES])
{
	size_t mark;

	append_byte(aml, AML_SCOPE);
	mark = aml->length;
	append_byte(aml, AML_ROOT);
	append(aml, name, AML_NAME_BYTES);
	return mark;
}

size_t aml_device(struct aml *aml, const char name[AML_NAME_BYTES])
{
	size_t mark;

	append_byte(aml, AML_EXTENDED);
	append_byte(aml, AML_EXTENDED_DEVICE);
	mark = aml->length;
	append(aml, name, AML_NAME_BYTES);
	return mark;
}

size_t aml_package(struct aml *aml, uint8_t element_count)
{
	size_t mark;

	append_byte(aml, AML_PACKAGE);
	mark = aml->length;
	append_byte(aml, element_count);
	return mark;
}

/* The length counts itself, in its shortest form.  Returns how many bytes it takes. */
static size_t encode_length(uint8_t out[LENGTH_BYTES_MAX], size_t body)
{
	size_t more = body + 1 <= LENGTH_IN_1_MAX ? 0 : body + 2 <= LENGTH_IN_2_MAX ? 1 : 2;
	size_t length = body + more + 1;

	if (more == 0) {
		out[0] = (uint8_t)length;
		return 1;
	}
	out[0] = (uint8_t)(more << 6 | (length & 0xf));
	for (size_t i = 1; i <= more; i++)
		out[i] = (uint8_t)(length >> (8 * i - 4));
	return more + 1;
}

void aml_end(struct aml *aml, size_t mark)
{
	uint8_t length[LENGTH_BYTES_MAX];
	size_t body = aml->length - mark;
	size_t size = encode_length(length, body);

	append(aml, length, size); /* makes room, or does not */
	if (aml->overflow)
		return;
	memmove(aml->bytes + mark + size, aml->bytes + mark, body);
	memcpy(aml->bytes + mark, length, size);
}

/* Templates are put together from constants, so one that is too large is a mistake in here. */
static void add_resource(struct aml_resources *resources, const void *bytes, size_t length)
{
	assert(length <= sizeof(resources->bytes) - resources->length);
	memcpy(resources->bytes + resources->length, bytes, length);
	resources->length += length;
}

void aml_add_memory(struct aml_resources *resources, uint32_t base_gpa, uint32_t size_bytes)
{
	struct __attribute__((packed)) {
		uint8_t tag;
		uint16_t length;
		uint8_t flags;
		uint32_t base;
		uint32_t size;
	} descriptor = {RESOURCE_MEMORY, 9, MEMORY_WRITABLE, base_gpa, size_bytes};

	static_assert(sizeof(descriptor) == 12, "32-bit fixed memory range descriptor");
	add_resource(resources, &descriptor, sizeof(descriptor));
}

void aml_add_ports(struct aml_resources *resources, uint16_t base, uint8_t count)
{
	struct __attribute__((packed)) {
		uint8_t tag;
		uint8_t flags;
		uint16_t minimum;
		uint16_t maximum;
		uint8_t alignment;
		uint8_t count;
	} descriptor = {RESOURCE_PORTS, PORTS_DECODE_16, base, base, 1, count};

	static_assert(sizeof(descriptor) == 8, "I/O port descriptor");
	add_resource(resources, &descriptor, sizeof(descriptor));
}

void aml_add_interrupt(struct aml_resources *resources, uint32_t gsi)
{
	struct __attribute__((packed)) {
		uint8_t tag;
		uint16_t length;
		uint8_t flags;
		uint8_t count;
		uint32_t gsi;
	} descriptor = {RESOURCE_INTERRUPT, 6, INTERRUPT_CONSUMER | INTERRUPT_EDGE, 1, gsi};

	static_assert(sizeof(descriptor) == 9, "extended interrupt descriptor");
	add_resource(resources, &descriptor, sizeof(descriptor));
}

void aml_resources(struct aml *aml, const struct aml_resources *resources)
{
	struct aml_resources complete = *resources;
	const uint8_t end[2] = {RESOURCE_END, 0}; /* 0 for a checksum is none */
	size_t mark;

	add_resource(&complete, end, sizeof(end));
	append_byte(aml, AML_BUFFER);
	mark = aml->length;
	aml_integer(aml, complete.length);
	append(aml, complete.bytes, complete.length);
	aml_end(aml, mark);
}
