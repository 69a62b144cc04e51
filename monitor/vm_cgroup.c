/* SPDX-License-Identifier: MIT */
/* monitor/vm_cgroup.c - see vm_cgroup.h. */
#include "monitor/vm_cgroup.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

static_assert((int)CGROUP_IO_MAX >= (int)CONFIG_CGROUP_IO_MAX, "each device has its limits");

static int find_device(struct cgroup_io *io, const struct config_cgroup_io *config,
		       unsigned int index, struct reason *reason)
{
	struct stat status;

	io->major = config->major;
	io->minor = config->minor;
	if (!config->device_path)
		return 0;
	if (stat(config->device_path, &status))
		return reason_set(reason, -errno, "mote.cgroup.io[%u].device: %.96s: %s", index,
				  config->device_path, strerror(errno));
	if (!S_ISBLK(status.st_mode))
		return reason_set(reason, -ENOTBLK,
				  "mote.cgroup.io[%u].device: %.96s is not a block device", index,
				  config->device_path);
	io->major = major(status.st_rdev);
	io->minor = minor(status.st_rdev);
	return 0;
}

static int collect_limits(struct cgroup_limits *limits, const struct config_cgroup *config,
			  struct reason *reason)
{
	int error = 0;

	*limits = (struct cgroup_limits){
		.cpu_weight = config->cpu.weight,
		.cpu_quota_us = config->cpu.quota_us,
		.cpu_period_us = config->cpu.period_us,
		.memory_max_bytes = config->memory.max_bytes,
		.has_swap_max = config->memory.has_swap_max,
		.swap_max_bytes = config->memory.swap_max_bytes,
		.pids_max = config->pids,
		.io_count = config->io_count,
	};
	for (unsigned int i = 0; i < config->io_count && !error; i++) {
		limits->io[i] = (struct cgroup_io){
			.read_bytes_per_s = config->io[i].read_bytes_per_s,
			.write_bytes_per_s = config->io[i].write_bytes_per_s,
			.read_ops_per_s = config->io[i].read_ops_per_s,
			.write_ops_per_s = config->io[i].write_ops_per_s,
		};
		error = find_device(&limits->io[i], &config->io[i], i, reason);
	}
	return error;
}

/* Whoever may not is mostly an ordinary user who was given nothing. */
static const char *hint(int error)
{
	if (error == -EACCES || error == -EPERM)
		return "; an ordinary user needs a parent on cgroup v2 that is delegated";
	if (error == -EROFS)
		return "; the host shows its cgroups for reading only";
	return "";
}

static int explain(const struct config_cgroup *config, const struct cgroup_error *why, int error,
		   struct reason *reason)
{
	if (why->file)
		return reason_set(reason, error, "mote.cgroup: %s %s: %s%s", why->file, why->text,
				  strerror(-error), hint(error));
	return reason_set(reason, error, "mote.cgroup.parent: %.80s: %s: %s: %s%s", config->parent,
			  why->controller, why->text, strerror(-error), hint(error));
}

/* Differs each time that this pid is somebody's. */
static uint64_t clock_number(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int vm_cgroup_create(struct cgroup *cgroup, const struct config_cgroup *config, const char *root,
		     struct reason *reason)
{
	struct cgroup_limits limits;
	struct cgroup_error why;
	int root_fd;
	int error;

	*cgroup = (struct cgroup){.hierarchy_count = 0};
	if (!config->parent)
		return 0;
	error = collect_limits(&limits, config, reason);
	if (error)
		return error;
	root_fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return reason_set(reason, -errno, "mote.cgroup: cannot open %.96s: %s", root,
				  strerror(errno));
	error = cgroup_create(cgroup, root_fd, config->parent, getpid(), clock_number(), &limits,
			      &why);
	close(root_fd);
	return error ? explain(config, &why, error, reason) : 0;
}

/* clone3() asks for the right to move a process from where the launcher is to the group. */
int vm_cgroup_explain_clone(const struct config_cgroup *config, int error, struct reason *reason)
{
	const char *why = strerror(-error);

	if (error == -EACCES)
		why = "this user may not move processes there from the cgroup that mote was "
		      "started in";
	else if (error == -EBUSY || error == -EOPNOTSUPP)
		why = "the group, or the parent, is of a kind that takes no processes";
	return reason_set(reason, error, "mote.cgroup.parent: %.80s: %s", config->parent, why);
}
