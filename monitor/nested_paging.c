/* SPDX-License-Identifier: MIT */
/* monitor/nested_paging.c - see nested_paging.h. */
#include "monitor/nested_paging.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

static bool is_on(const char *parameter)
{
	int fd = open(parameter, O_RDONLY | O_CLOEXEC);
	char value = 'N';

	if (fd < 0)
		return false;
	if (read(fd, &value, 1) != 1)
		value = 'N';
	close(fd);
	return value == 'Y' || value == '1';
}

const char *nested_paging_kind(void)
{
	if (is_on("/sys/module/kvm_intel/parameters/ept"))
		return "EPT";
	if (is_on("/sys/module/kvm_amd/parameters/npt"))
		return "NPT";
	return NULL;
}
