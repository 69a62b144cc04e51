/* SPDX-License-Identifier: MIT */
/* monitor/check.c - see check.h. */
#include "monitor/check.h"

#include <stdio.h>

#include "monitor/config_load.h"
#include "monitor/log.h"
#include "monitor/outcome.h"

void check_report(const char *path, const struct config_errors *errors)
{
	for (unsigned int i = 0; i < errors->count && i < CONFIG_ERRORS_MAX; i++)
		log_error("%s: %s", path, errors->lines[i]);
	if (errors->count > CONFIG_ERRORS_MAX)
		log_error("%s: %u more errors", path, errors->count - CONFIG_ERRORS_MAX);
}

int check_command(const char *path)
{
	static struct vm_config config;
	static struct config_errors errors;

	if (config_load(&config, path, &errors)) {
		check_report(path, &errors);
		return OUTCOME_STATUS_CONFIG;
	}
	config_release(&config);
	puts("OK");
	return 0;
}
