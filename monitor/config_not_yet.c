/* SPDX-License-Identifier: MIT */
/*
 * monitor/config_not_yet.c - what the schema knows and this version does not serve.
 *
 * The change that serves one of these deletes its row, and nothing else here.
 */
#include <string.h>

#include "monitor/config_sections.h"

#define NOT_YET "not offered by this version of mote yet"

/* Devices whose keys have been checked in full. */
static const struct {
	const char *section;
	const char *devices;
} devices_not_yet[] = {
	{"vsock", "vsock devices"},
};

void config_complain_of_device(struct json_reader *reader, const char *section)
{
	for (size_t row = 0; row < JSON_COUNT(devices_not_yet); row++)
		if (strcmp(devices_not_yet[row].section, section) == 0)
			json_complain(reader, "%s are " NOT_YET, devices_not_yet[row].devices);
}
