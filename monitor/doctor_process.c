/* SPDX-License-Identifier: MIT */
/* monitor/doctor_process.c - see doctor_process.h. */
#include "monitor/doctor_process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>

#include "monitor/doctor_child.h"

enum {
	NAMESPACES_SLOW_US = 5000,
};

void doctor_process_tun(const struct doctor_files *files, struct doctor_report *report)
{
	int tun = doctor_files_open(files, "/dev/net/tun", O_RDWR);
	unsigned int features;

	if (tun < 0) {
		doctor_add(
			report, "tun", DOCTOR_WARN,
			tun == -EACCES || tun == -EPERM
				? "allow this user to open it, pass mote an open tap, or use a "
				  "socket (passt): a network interface needs one of them"
				: "modprobe tun, and in a container pass /dev/net/tun in; or use a "
				  "socket (passt): a network interface needs one of them",
			"/dev/net/tun: %s", strerror(-tun));
		return;
	}
	if (ioctl(tun, TUNGETFEATURES, &features) != 0)
		doctor_add(report, "tun", DOCTOR_WARN,
			   "something else lies in its place; it is character device 10:200",
			   "/dev/net/tun is no tun");
	else
		doctor_add(report, "tun", DOCTOR_OK, "", "/dev/net/tun");
	close(tun);
}

void doctor_process_io_uring(const struct doctor_files *files, struct doctor_report *report)
{
	struct io_uring_params parameters = {0};
	int ring = (int)syscall(SYS_io_uring_setup, 1, &parameters);
	int error = errno;
	char disabled[16] = "";

	if (ring >= 0) {
		close(ring);
		doctor_add(report, "io-uring", DOCTOR_OK, "", "features %#x", parameters.features);
		return;
	}
	doctor_files_read(files, "/proc/sys/kernel/io_uring_disabled", disabled, sizeof(disabled));
	if (disabled[0] == '1' || disabled[0] == '2')
		doctor_add(
			report, "io-uring", DOCTOR_WARN,
			"sysctl kernel.io_uring_disabled=0, or 1 and this user in "
			"kernel.io_uring_group: without it, disk requests that miss the page cache "
			"block a thread",
			"kernel.io_uring_disabled=%s", disabled);
	else
		doctor_add(report, "io-uring", DOCTOR_WARN,
			   "allow io_uring_setup (a container's seccomp profile often refuses it): "
			   "without it, disk requests that miss the page cache block a thread",
			   "%s", strerror(error));
}

void doctor_process_seccomp(const struct doctor_files *files, struct doctor_report *report)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;

	(void)files;
	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		doctor_add(report, "seccomp", DOCTOR_OK, "", "filters that kill the process");
	else
		doctor_add(report, "seccomp", DOCTOR_FAIL,
			   "use Linux 4.14 or newer with CONFIG_SECCOMP_FILTER: the jail's last "
			   "wall is "
			   "a list of system calls",
			   "%s", strerror(errno));
}

void doctor_process_landlock(const struct doctor_files *files, struct doctor_report *report)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	(void)files;
	if (abi > 0)
		doctor_add(report, "landlock", DOCTOR_OK, "", "ABI %ld", abi);
	else
		doctor_add(
			report, "landlock", DOCTOR_FAIL,
			"use Linux 5.13 or newer with landlock in CONFIG_LSM or lsm=, or put "
			"\"landlock\" into mote.jail.allow_missing: it is a second wall behind the "
			"empty root",
			"%s", strerror(errno));
}

/* How long each of the jail's namespaces took to make, or why one could not be made. */
struct namespaces {
	int user_error;
	int error; /* of the others */
	uint64_t user_us;
	uint64_t mount_us;
	uint64_t net_us;
	uint64_t rest_us;
};

static int timed_unshare(int flags, uint64_t *time_us)
{
	uint64_t start_us = doctor_clock_us();
	int error = unshare(flags) != 0 ? -errno : 0;

	*time_us = doctor_clock_us() - start_us;
	return error;
}

/*
 * A user namespace is tried together with one that needs its capabilities, because
 * AppArmor can allow the first and refuse what it is good for.
 */
static void attempt_user_namespace(const void *argument, void *result)
{
	struct namespaces *namespaces = result;

	(void)argument;
	namespaces->user_error = timed_unshare(CLONE_NEWUSER, &namespaces->user_us);
	if (namespaces->user_error == 0)
		namespaces->user_error = timed_unshare(CLONE_NEWUTS, &namespaces->rest_us);
}

/* The others are made as mote makes them: directly with privilege, else in a user namespace. */
static void attempt_namespaces(const void *argument, void *result)
{
	struct namespaces *namespaces = result;

	(void)argument;
	namespaces->error = timed_unshare(CLONE_NEWNS, &namespaces->mount_us);
	if (namespaces->error == -EPERM && unshare(CLONE_NEWUSER) == 0)
		namespaces->error = timed_unshare(CLONE_NEWNS, &namespaces->mount_us);
	if (namespaces->error == 0)
		namespaces->error = timed_unshare(CLONE_NEWNET, &namespaces->net_us);
	if (namespaces->error == 0)
		namespaces->error =
			timed_unshare(CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP,
				      &namespaces->rest_us);
}

/* The switch that forbids user namespaces, if one of the known ones does. */
static const char *user_namespace_remedy(const struct doctor_files *files)
{
	static const struct {
		const char *path;
		char forbids;
		const char *remedy;
	} switches[] = {
		{"/proc/sys/user/max_user_namespaces", '0',
		 "sysctl user.max_user_namespaces=15000: without root the jail rests on them"},
		{"/proc/sys/kernel/unprivileged_userns_clone", '0',
		 "sysctl kernel.unprivileged_userns_clone=1: without root the jail rests on them"},
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1',
		 "sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an AppArmor profile "
		 "for "
		 "mote with userns: without root the jail rests on them"},
	};
	char value[16];

	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (doctor_files_read(files, switches[i].path, value, sizeof(value)) == 0 &&
		    value[0] == switches[i].forbids && value[1] == '\0')
			return switches[i].remedy;
	return "allow unshare (a container's seccomp profile often refuses it): without root the "
	       "jail rests on user namespaces";
}

void doctor_process_user_namespaces(const struct doctor_files *files, struct doctor_report *report)
{
	struct namespaces namespaces = {0};
	int error = doctor_child_run(attempt_user_namespace, NULL, &namespaces, sizeof(namespaces));

	if (error == 0)
		error = namespaces.user_error;
	if (error == 0)
		doctor_add(report, "user-namespaces", DOCTOR_OK, "", "%llu us",
			   (unsigned long long)namespaces.user_us);
	else
		doctor_add(report, "user-namespaces", geteuid() == 0 ? DOCTOR_INFO : DOCTOR_WARN,
			   user_namespace_remedy(files), "%s", strerror(-error));
}

void doctor_process_namespaces(const struct doctor_files *files, struct doctor_report *report)
{
	struct namespaces made = {0};
	int error = doctor_child_run(attempt_namespaces, NULL, &made, sizeof(made));

	(void)files;
	if (error == 0)
		error = made.error;
	if (error == -EPERM)
		doctor_add(report, "namespaces", DOCTOR_INFO,
			   "needs root or user namespaces; the jail makes one of each kind",
			   "not tried: %s", strerror(EPERM));
	else if (error != 0)
		doctor_add(report, "namespaces", DOCTOR_WARN,
			   "raise the limits in /proc/sys/user: the jail makes one of each kind",
			   "%s", strerror(-error));
	else if (made.mount_us + made.net_us + made.rest_us > NAMESPACES_SLOW_US)
		doctor_add(
			report, "namespaces", DOCTOR_WARN,
			"each jailed start pays this: unmount what is not needed (mount), and look "
			"for many network namespaces being made or ended at once (net)",
			"mount %llu us, net %llu us, others %llu us",
			(unsigned long long)made.mount_us, (unsigned long long)made.net_us,
			(unsigned long long)made.rest_us);
	else
		doctor_add(report, "namespaces", DOCTOR_OK, "",
			   "mount %llu us, net %llu us, others %llu us",
			   (unsigned long long)made.mount_us, (unsigned long long)made.net_us,
			   (unsigned long long)made.rest_us);
}
