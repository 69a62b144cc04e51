/* SPDX-License-Identifier: MIT */
/* benches/environment.c - see environment.h. */
#include "benches/environment.h"

#include <glob.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum {
	LINE_BYTES = 8192,
	DECIMAL = 10,
	KIB_PER_MIB = 1024,
};

/* Look for a line that starts with `prefix`; its rest goes to `value`, without the newline. */
static bool find_line(const char *path, const char *prefix, char *value, size_t size_bytes)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	bool found = false;

	if (file == NULL)
		return false;
	while (!found && fgets(line, sizeof(line), file) != NULL)
		found = strncmp(line, prefix, strlen(prefix)) == 0;
	fclose(file);
	if (found) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(value, size_bytes, "%s", line + strlen(prefix));
	}
	return found;
}

static json_t *describe_cpu(void)
{
	char model[256];

	if (!find_line("/proc/cpuinfo", "model name", model, sizeof(model)))
		return json_null();
	return json_string(model + strspn(model, "\t :"));
}

static json_t *describe_hz(const char *release)
{
	char path[512];
	char value[32];

	snprintf(path, sizeof(path), "/boot/config-%s", release);
	if (!find_line(path, "CONFIG_HZ=", value, sizeof(value)))
		return json_null();
	return json_integer(strtol(value, NULL, DECIMAL));
}

static json_t *describe_kvm(void)
{
	json_t *modules = json_array();
	glob_t found;

	if (glob("/sys/module/kvm*", 0, NULL, &found) != 0)
		return modules;
	for (size_t at = 0; at < found.gl_pathc; at++)
		json_array_append_new(modules, json_string(strrchr(found.gl_pathv[at], '/') + 1));
	globfree(&found);
	return modules;
}

static json_t *describe_date(void)
{
	time_t now = time(NULL);
	char text[32];
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc);
	return json_string(text);
}

static json_t *describe_memory(void)
{
	char value[64];

	if (!find_line("/proc/meminfo", "MemTotal:", value, sizeof(value)))
		return json_null();
	return json_integer(strtol(value, NULL, DECIMAL) / KIB_PER_MIB);
}

/* The processor says so to those that it does not run on alone. */
static json_t *describe_hypervisor(void)
{
	char flags[4096];

	if (!find_line("/proc/cpuinfo", "flags", flags, sizeof(flags)))
		return json_null();
	return json_boolean(strstr(flags, " hypervisor") != NULL);
}

static json_t *describe_cgroup(void)
{
	if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0)
		return json_string("v2");
	return json_string(access("/sys/fs/cgroup/unified", F_OK) == 0 ? "hybrid" : "v1");
}

json_t *environment_describe(void)
{
	struct utsname name;
	double load = 0;

	uname(&name);
	getloadavg(&load, 1);
	return json_pack("{so ss so so si so so so sf so}", "date", describe_date(), "kernel",
			 name.release, "hz", describe_hz(name.release), "cpu", describe_cpu(),
			 "cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "memory_mib",
			 describe_memory(), "hypervisor", describe_hypervisor(), "cgroup",
			 describe_cgroup(), "load", load, "kvm", describe_kvm());
}
