/* SPDX-License-Identifier: MIT */
/* monitor/stop_ports.c - see stop_ports.h. */
#include "monitor/stop_ports.h"

#include <stddef.h>

#include "monitor/layout.h"

enum {
	WIDEST_ACCESS_BYTES = 4,

	PVPANIC_PANICKED = 0x01,
	PVPANIC_CRASH_LOADED = 0x02,

	SLEEP_ENABLE = 0x20, /* of sleep control, and of PM1 control's high byte */
	PM1_CONTROL_HIGH = 1,
};

static void access_exit(void *owner, const struct bus_access *access)
{
	const struct stop_ports *ports = owner;

	if (access->is_write && access->offset == 0)
		ports->stop(ports->owner, OUTCOME_EXIT, access->data[0]);
}

static void access_qemu_exit(void *owner, const struct bus_access *access)
{
	const struct stop_ports *ports = owner;

	if (access->is_write && access->offset == 0)
		ports->stop(ports->owner, OUTCOME_EXIT, (access->data[0] << 1 | 1) & 0xff);
}

static void access_pvpanic(void *owner, const struct bus_access *access)
{
	const struct stop_ports *ports = owner;

	if (access->offset != 0)
		return;
	if (!access->is_write)
		access->data[0] = PVPANIC_PANICKED | PVPANIC_CRASH_LOADED;
	else if (access->data[0] & PVPANIC_PANICKED)
		ports->stop(ports->owner, OUTCOME_PANIC, 0);
}

/* Whether a write carries the bit that starts the sleep. */
static bool enters_sleep(const struct bus_access *access)
{
	if (access->offset == 0 && access->size_bytes == 1)
		return access->data[0] & SLEEP_ENABLE;
	if (access->offset > PM1_CONTROL_HIGH)
		return false;
	return access->data[PM1_CONTROL_HIGH - access->offset] & SLEEP_ENABLE;
}

static void access_power(void *owner, const struct bus_access *access)
{
	const struct stop_ports *ports = owner;

	if (access->is_write && enters_sleep(access))
		ports->stop(ports->owner, OUTCOME_POWER_OFF, 0);
}

int stop_ports_add(struct stop_ports *ports, struct bus *bus)
{
	const struct bus_region regions[] = {
		{.base = LAYOUT_PORT_EXIT, .name = "exit", .access = access_exit},
		{.base = LAYOUT_PORT_QEMU_EXIT, .name = "debug-exit", .access = access_qemu_exit},
		{.base = LAYOUT_PORT_PVPANIC, .name = "pvpanic", .access = access_pvpanic},
		{.base = LAYOUT_PORT_POWER, .name = "power", .access = access_power},
	};

	for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
		struct bus_region region = regions[i];
		int error;

		region.size = WIDEST_ACCESS_BYTES;
		region.owner = ports;
		error = bus_add(bus, &region);
		if (error)
			return error;
	}
	return 0;
}
