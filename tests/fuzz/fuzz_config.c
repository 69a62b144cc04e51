/* SPDX-License-Identifier: MIT */
/*
 * tests/fuzz/fuzz_config.c - any bytes as a configuration.
 *
 * Besides what the sanitizers see: a text is either accepted without a line of
 * error, and then within the limits that the rest of mote relies on, or refused
 * with at least one printable line and nothing left behind.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/config.h"
#include "monitor/config_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vm_config config;
static struct config_errors errors;

static void require(int condition)
{
	if (!condition)
		abort();
}

static void check_accepted(void)
{
	const struct config_boot_source *boot = &config.boot_source;
	const struct config_machine *machine = &config.machine;

	require(errors.count == 0);
	require(boot->kernel_image_path && boot->kernel_image_path[0]);
	require(!boot->initrd_path || boot->initrd_path[0]);
	require(strlen(boot->boot_args) < LAYOUT_CMDLINE_MAX_BYTES);
	for (const char *byte = boot->boot_args; *byte; byte++)
		require((unsigned char)*byte >= 0x20 && *byte != 0x7f);
	require(machine->vcpu_count >= 1 && machine->vcpu_count <= LAYOUT_VCPUS_MAX);
	require(machine->ram_bytes >= LAYOUT_MIB && machine->ram_bytes % LAYOUT_MIB == 0);
	require(config.drive_count <= CONFIG_DRIVES_MAX);
	require(config.interface_count <= CONFIG_INTERFACES_MAX);
}

static void check_refused(void)
{
	static const struct vm_config zero;

	require(errors.count > 0);
	require(memcmp(&config, &zero, sizeof(config)) == 0);
	for (unsigned int i = 0; i < errors.count && i < CONFIG_ERRORS_MAX; i++) {
		require(errors.lines[i][0] != '\0');
		for (const uint8_t *byte = (const uint8_t *)errors.lines[i]; *byte; byte++) {
			require(*byte >= 0x20 && *byte != 0x7f);
			/* C1 in UTF-8. */
			require(*byte != 0xc2 || byte[1] >= 0xa0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int error = config_parse(&config, (const char *)data, size, &errors);

	if (error) {
		require(error == -EINVAL);
		check_refused();
		return 0;
	}
	check_accepted();
	config_release(&config);
	return 0;
}
