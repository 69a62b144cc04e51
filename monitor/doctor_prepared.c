/* SPDX-License-Identifier: MIT */
/* monitor/doctor_prepared.c - see doctor_prepared.h. */
#include "monitor/doctor_prepared.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "monitor/prepared.h"

#define NAME "prepared"

static void judge_directory(int error, struct doctor_report *report)
{
	if (error == -EPERM)
		doctor_add(report, NAME, DOCTOR_WARN,
			   "mote prepare, as root, makes it anew: starts do not use what others "
			   "could change",
			   PREPARED_DIRECTORY " is not root's alone");
	else
		doctor_add(report, NAME, DOCTOR_WARN,
			   "mote prepare, as root after each boot: a start then spares the "
			   "namespaces, and asking KVM for its CPUID; the latter after a first "
			   "mote run as root, too",
			   "no");
}

/* An ordinary user's VMs have rooms of their own in any case. */
static void judge_room(bool has_answer, struct doctor_report *report)
{
	if (!has_answer)
		judge_directory(-ENOENT, report);
	else if (geteuid() == 0)
		doctor_add(report, NAME, DOCTOR_WARN,
			   "mote prepare, as root after each boot: a start then spares the "
			   "namespaces; in a service or container with a mount namespace of its "
			   "own, mote prepare --prepared DIR there and mote run --prepared DIR",
			   "KVM's CPUID only");
	else
		doctor_add(report, NAME, DOCTOR_OK, "", "KVM's CPUID");
}

static void judge(const struct prepared *prepared, struct doctor_report *report)
{
	bool has_answer = prepared->cpuid.nent != 0;

	if (prepared->mounts_fd == PREPARED_NONE)
		judge_room(has_answer, report);
	else if (has_answer)
		doctor_add(report, NAME, DOCTOR_OK, "", "KVM's CPUID and an empty room");
	else
		doctor_add(
			report, NAME, DOCTOR_WARN,
			"the next mote run as root, or mote prepare, asks KVM again: /dev/kvm or "
			"KVM's modules are not those that were asked",
			"an empty room only");
}

void doctor_prepared(const struct doctor_files *files, struct doctor_report *report)
{
	static struct prepared prepared;
	int kvm_fd = doctor_files_open(files, "/dev/kvm", O_PATH);
	char directory[4096];
	int error;

	if (kvm_fd < 0)
		return;
	snprintf(directory, sizeof(directory), "%s" PREPARED_DIRECTORY, files->root);
	error = prepared_open(&prepared, directory, kvm_fd);
	if (error)
		judge_directory(error, report);
	else
		judge(&prepared, report);
	prepared_close(&prepared);
	close(kvm_fd);
}
