/* SPDX-License-Identifier: MIT */
/*
 * monitor/aml.h - ACPI machine language, as much of it as describes devices.
 *
 * A builder appends terms to a buffer that the caller provides.  What does not fit is left out and
 * remembered: look at `overflow` once, at the end.  A block (scope, device, package) is opened by
 * one call, which returns a mark, and closed by aml_end() with that mark, which is where its length
 * is put in.  Names are four characters of A-Z, 0-9 and _.
 *
 * Source: ACPI specification 6.4, chapter 20 (AML) and section 6.4 (resource descriptors).
 */
#ifndef MONITOR_AML_H
#define MONITOR_AML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AML_NAME_BYTES = 4,
	AML_RESOURCES_MAX_BYTES = 48, /* of one template */
};

struct aml {
	uint8_t *bytes; /* borrowed */
	size_t capacity;
	size_t length;
	bool overflow;
};

/* Terms and the value after a name. */
void aml_name(struct aml *aml, const char name[AML_NAME_BYTES]);
void aml_integer(struct aml *aml, uint64_t value);
void aml_string(struct aml *aml, const char *text);

/* Blocks.  The scope is one below the root, like \_SB. */
size_t aml_scope(struct aml *aml, const char name[AML_NAME_BYTES]);
size_t aml_device(struct aml *aml, const char name[AML_NAME_BYTES]);
size_t aml_package(struct aml *aml, uint8_t element_count);
void aml_end(struct aml *aml, size_t mark);

/* A resource template: what a device's _CRS holds.  Zero it, add to it, and aml_resources() it. */
struct aml_resources {
	uint8_t bytes[AML_RESOURCES_MAX_BYTES];
	size_t length;
};

void aml_add_memory(struct aml_resources *resources, uint32_t base_gpa, uint32_t size_bytes);
void aml_add_ports(struct aml_resources *resources, uint16_t base, uint8_t count);
/* Edge-triggered, active high, not shared. */
void aml_add_interrupt(struct aml_resources *resources, uint32_t gsi);
void aml_resources(struct aml *aml, const struct aml_resources *resources);

#endif
