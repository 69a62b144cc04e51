/* SPDX-License-Identifier: MIT */
/* monitor/doctor_host.c - see doctor_host.h. */
#include "monitor/doctor_host.h"

#include <cpuid.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HYPERVISOR_PRESENT (UINT32_C(1) << 31) /* CPUID leaf 1, ECX */
#define HYPERVISOR_LEAF    UINT32_C(0x40000000)

enum {
	MOUNTS_MANY = 500,
	HZ_LOW = 250, /* below, a grace period of two or three ticks is felt */
};

void doctor_host_kernel(const struct doctor_files *files, struct doctor_report *report)
{
	unsigned long version = doctor_files_kernel(files);
	char release[64] = "unknown";

	doctor_files_read(files, "/proc/sys/kernel/osrelease", release, sizeof(release));
	if (version == 0)
		doctor_add(report, "kernel", DOCTOR_INFO, "/proc does not tell the version", "%s",
			   release);
	else if (version < DOCTOR_KERNEL(5, 9))
		doctor_add(
			report, "kernel", DOCTOR_FAIL,
			"use Linux 5.9 or newer: the jail needs clone3 into a cgroup (5.7), setns "
			"by a pidfd (5.8) and close_range (5.9)",
			"%s", release);
	else
		doctor_add(report, "kernel", DOCTOR_OK, "", "%s", release);
}

void doctor_host_machine(const struct doctor_files *files, struct doctor_report *report)
{
	uint32_t eax;
	uint32_t signature[3];
	uint32_t features;
	char name[sizeof(signature) + 1] = {0};

	(void)files;
	if (__get_cpuid(1, &eax, &signature[0], &features, &signature[1]) == 0)
		return;
	if ((features & HYPERVISOR_PRESENT) == 0) {
		doctor_add(report, "machine", DOCTOR_OK, "", "bare metal");
		return;
	}
	__cpuid(HYPERVISOR_LEAF, eax, signature[0], signature[1], signature[2]);
	memcpy(name, signature, sizeof(signature));
	doctor_add(report, "machine", DOCTOR_INFO,
		   "guests are nested here: each of their exits passes through another hypervisor",
		   "virtual (%s)", name);
}

/* The coarse clocks move once a tick, so their resolution is the tick: no kconfig needed. */
void doctor_host_hz(const struct doctor_files *files, struct doctor_report *report)
{
	struct timespec tick;
	long hz;

	(void)files;
	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) != 0 || tick.tv_sec != 0 ||
	    tick.tv_nsec <= 0) {
		doctor_add(report, "hz", DOCTOR_INFO, "", "unknown");
		return;
	}
	hz = (1000000000L + tick.tv_nsec / 2) / tick.tv_nsec;
	if (hz < HZ_LOW)
		doctor_add(report, "hz", DOCTOR_WARN,
			   "use a kernel with CONFIG_HZ=250 or 1000: KVM waits for SRCU grace "
			   "periods, "
			   "and their length goes by the tick (20 ms at 100 Hz)",
			   "%ld", hz);
	else
		doctor_add(report, "hz", DOCTOR_OK, "", "%ld", hz);
}

struct mounts {
	unsigned int count;
	unsigned int cgroup_v1;
	unsigned int cgroup_v2;
	bool favordynmods;
};

/*
 * One line of mountinfo (proc_pid_mountinfo(5)): six fields and optional ones, " - ",
 * then type, source and the options of the superblock.
 */
static void count_mount(struct mounts *mounts, char *line)
{
	char *rest = strstr(line, " - ");
	char *type = rest == NULL ? NULL : strtok_r(rest + 3, " \n", &rest);
	char *source = type == NULL ? NULL : strtok_r(NULL, " \n", &rest);
	char *options = source == NULL ? NULL : strtok_r(NULL, " \n", &rest);

	mounts->count++;
	if (options == NULL || strncmp(type, "cgroup", strlen("cgroup")) != 0)
		return;
	if (strcmp(type, "cgroup2") == 0)
		mounts->cgroup_v2++;
	else
		mounts->cgroup_v1++;
	for (char *option = strtok_r(options, ",", &rest); option != NULL;
	     option = strtok_r(NULL, ",", &rest))
		if (strcmp(option, "favordynmods") == 0)
			mounts->favordynmods = true;
}

/* 0 or a negative errno. */
static int read_mounts(const struct doctor_files *files, struct mounts *mounts)
{
	FILE *stream = doctor_files_stream(files, "/proc/self/mountinfo");
	char *line = NULL;
	size_t size = 0;

	if (stream == NULL)
		return -errno;
	while (getline(&line, &size, stream) > 0)
		count_mount(mounts, line);
	free(line);
	fclose(stream);
	return 0;
}

static void judge_cgroups(const struct mounts *mounts, struct doctor_report *report)
{
	const char *advice = "boot with cgroup v2 alone (systemd.unified_cgroup_hierarchy=1): a "
			     "process enters a v1 "
			     "group only by a write to cgroup.procs, behind a lock that all forks "
			     "and exits hold";

	if (mounts->cgroup_v1 == 0 && mounts->cgroup_v2 == 0)
		doctor_add(report, "cgroup", DOCTOR_WARN,
			   "mount -t cgroup2 none /sys/fs/cgroup: a VM's shares of CPU, memory and "
			   "I/O "
			   "come from its cgroup",
			   "not mounted");
	else if (mounts->cgroup_v1 == 0)
		doctor_add(report, "cgroup", DOCTOR_OK, "", "v2");
	else
		doctor_add(report, "cgroup", DOCTOR_WARN, advice, "%s",
			   mounts->cgroup_v2 != 0 ? "hybrid (v1 and v2)" : "v1");
}

/* One mount with the option is enough: it switches the one lock of the whole host. */
static void judge_favordynmods(const struct doctor_files *files, const struct mounts *mounts,
			       struct doctor_report *report)
{
	unsigned long version = doctor_files_kernel(files);

	if (mounts->cgroup_v1 == 0 && mounts->cgroup_v2 == 0)
		return;
	if (mounts->favordynmods)
		doctor_add(report, "favordynmods", DOCTOR_OK, "", "on");
	else if (version != 0 && version < DOCTOR_KERNEL(6, 0))
		doctor_add(report, "favordynmods", DOCTOR_OK, "", "always so before Linux 6.0");
	else
		doctor_add(report, "favordynmods", DOCTOR_WARN,
			   mounts->cgroup_v2 != 0
				   ? "mount -o remount,favordynmods on the cgroup2 mount: else a "
				     "change of "
				     "cgroup, KVM's own threads included, waits 20-70 ms for an "
				     "RCU grace "
				     "period"
				   : "boot with cgroup_favordynmods=true: else a change of cgroup, "
				     "KVM's "
				     "own threads included, waits 20-70 ms for an RCU grace period",
			   "off");
}

void doctor_host_mounts(const struct doctor_files *files, struct doctor_report *report)
{
	struct mounts mounts = {0};
	int error = read_mounts(files, &mounts);
	bool many = mounts.count > MOUNTS_MANY;

	if (error != 0) {
		doctor_add(report, "mounts", DOCTOR_INFO,
			   "mount /proc to learn about mounts and cgroups", "%s", strerror(-error));
		return;
	}
	doctor_add(
		report, "mounts", many ? DOCTOR_WARN : DOCTOR_OK,
		many ? "start mote from a mount namespace with few mounts: its jail copies them all"
		     : "",
		"%u", mounts.count);
	judge_cgroups(&mounts, report);
	judge_favordynmods(files, &mounts, report);
}

/* "always [madvise] never": the word in brackets. */
static void selected_word(const char *text, char *word, size_t size)
{
	const char *open = strchr(text, '[');
	const char *close = open == NULL ? NULL : strchr(open, ']');

	if (close == NULL)
		snprintf(word, size, "%s", text);
	else
		snprintf(word, size, "%.*s", (int)(close - open - 1), open + 1);
}

void doctor_host_huge_pages(const struct doctor_files *files, struct doctor_report *report)
{
	char text[64];
	int error = doctor_files_read(files, "/sys/kernel/mm/transparent_hugepage/enabled", text,
				      sizeof(text));

	if (error != 0) {
		doctor_add(report, "transparent-huge-pages", DOCTOR_INFO,
			   "huge_pages: Transparent has no effect", "%s", strerror(-error));
	} else {
		char mode[sizeof(text)];
		bool never;

		selected_word(text, mode, sizeof(mode));
		never = strcmp(mode, "never") == 0;
		doctor_add(
			report, "transparent-huge-pages", never ? DOCTOR_INFO : DOCTOR_OK,
			never ? "echo madvise >/sys/kernel/mm/transparent_hugepage/enabled: else "
				"huge_pages: Transparent has no effect, and a guest's first touch "
				"of "
				"2 MiB takes 512 faults instead of one"
			      : "",
			"%s", mode);
	}
	error = doctor_files_read(files, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages",
				  text, sizeof(text));
	if (error != 0)
		doctor_add(report, "huge-pages-2m", DOCTOR_INFO, "huge_pages: 2M cannot be used",
			   "%s", strerror(-error));
	else if (strcmp(text, "0") == 0)
		doctor_add(report, "huge-pages-2m", DOCTOR_INFO,
			   "huge_pages: 2M needs some: sysctl vm.nr_hugepages=N", "0");
	else
		doctor_add(report, "huge-pages-2m", DOCTOR_OK, "", "%s", text);
}
