/* SPDX-License-Identifier: MIT */
/*
 * jail/cgroup.c - see cgroup.h.
 *
 * All is opened relative to a directory that is open already, so that a group that vanishes
 * under our hands is an error and never another group.
 */
#include "jail/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum controller {
	CPU,
	MEMORY,
	IO,
	PIDS,
	CONTROLLERS,
};

enum {
	NONE = -1,
	LIST_MAX_BYTES = 512,  /* of the files that list controllers: a few words */
	VALUE_MAX_BYTES = 192, /* the longest is a line of io.max */
	GROUP_MODE = 0755,
	ENTRIES_BYTES = 4096,
	FIRST_PAUSE_NS = 50000,
	V1_SHARES_DEFAULT = 1024, /* stands for the same as... */
	V2_WEIGHT_DEFAULT = 100,  /* ...this one */
	V1_SHARES_MIN = 2,
	DECIMAL = 10,
	HEXADECIMAL = 16,
};

#define NAME_PREFIX   "mote-"
#define NS_PER_MS     INT64_C(1000000)
#define BIT(position) (1U << (unsigned int)(position))

/* By convention the hierarchy of a v1 controller is mounted on a directory of its name. */
static const char *const v1_names[CONTROLLERS] = {"cpu", "memory", "blkio", "pids"};
static const char *const v2_names[CONTROLLERS] = {"cpu", "memory", "io", "pids"};

/* One call of cgroup_create(). */
struct creation {
	struct cgroup *cgroup;
	struct cgroup_error *error;
	const struct cgroup_limits *limits;
	const char *parent;
	int root_fd;
	int v2_root_fd;      /* NONE where v2 is not mounted */
	bool v2_is_root;     /* and there is no v1 */
	unsigned int on_v2;  /* controllers, as bits */
	unsigned int needed; /* the same, by the limits */

	/* Where each controller's files are, as an index of the hierarchies. */
	unsigned int place[CONTROLLERS];

	/* The roots of v1 hierarchies seen so far. */
	dev_t devices[CONTROLLERS];
	ino_t inodes[CONTROLLERS];
};

static int fail(const struct creation *creation, int error, const char *controller,
		const char *file, const char *text)
{
	*creation->error =
		(struct cgroup_error){.controller = controller, .file = file, .text = text};
	return error;
}

static void close_one(int *fd)
{
	if (*fd != NONE)
		close(*fd);
	*fd = NONE;
}

static void close_all(struct cgroup *cgroup)
{
	for (unsigned int i = 0; i < cgroup->hierarchy_count; i++) {
		close_one(&cgroup->hierarchies[i].tasks_fd);
		close_one(&cgroup->hierarchies[i].group_fd);
		close_one(&cgroup->hierarchies[i].parent_fd);
	}
	cgroup->hierarchy_count = 0;
}

/* A descriptor or a negative errno. */
static int open_directory(int at_fd, const char *path)
{
	int fd = openat(at_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* One write(2) for the whole value, as these files want it. */
static int write_file(int directory_fd, const char *file, const char *value)
{
	int fd = openat(directory_fd, file, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, value, strlen(value)) < 0)
		error = -errno;
	close(fd);
	return error;
}

static int read_file(int directory_fd, const char *file, char text[LIST_MAX_BYTES])
{
	int fd = openat(directory_fd, file, O_RDONLY | O_CLOEXEC);
	ssize_t count;
	int error = 0;

	if (fd < 0)
		return -errno;
	count = read(fd, text, LIST_MAX_BYTES - 1);
	if (count < 0)
		error = -errno;
	else
		text[count] = '\0';
	close(fd);
	return error;
}

/* The controllers that a file of v2 lists, as bits. */
static int read_controllers(int directory_fd, const char *file, unsigned int *controllers)
{
	char list[LIST_MAX_BYTES];
	char *rest = list;
	int error = read_file(directory_fd, file, list);

	if (error)
		return error;
	*controllers = 0;
	for (char *word = strsep(&rest, " \n"); word; word = strsep(&rest, " \n"))
		for (unsigned int i = 0; i < CONTROLLERS; i++)
			if (strcmp(word, v2_names[i]) == 0)
				*controllers |= BIT(i);
	return 0;
}

static unsigned int needed_controllers(const struct cgroup_limits *limits)
{
	unsigned int needed = 0;

	if (limits->cpu_weight || limits->cpu_quota_us)
		needed |= BIT(CPU);
	if (limits->memory_max_bytes)
		needed |= BIT(MEMORY);
	if (limits->io_count)
		needed |= BIT(IO);
	if (limits->pids_max)
		needed |= BIT(PIDS);
	return needed;
}

/* v2 is mounted on the root itself, or beside v1 on "unified". */
static void find_v2(struct creation *creation)
{
	static const char *const places[] = {".", "unified"};

	for (unsigned int i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = open_directory(creation->root_fd, places[i]);

		if (fd < 0)
			continue;
		if (read_controllers(fd, "cgroup.controllers", &creation->on_v2) == 0) {
			creation->v2_root_fd = fd;
			creation->v2_is_root = i == 0;
			return;
		}
		close(fd);
	}
}

/* Lets the groups below this directory have what the limits need. */
static int enable_controllers(const struct creation *creation, int directory_fd)
{
	static const char *const words[CONTROLLERS] = {"+cpu", "+memory", "+io", "+pids"};
	unsigned int wanted = creation->needed & creation->on_v2;
	unsigned int enabled;
	int error = read_controllers(directory_fd, "cgroup.subtree_control", &enabled);

	if (error)
		return fail(creation, error, "cgroup2", "cgroup.subtree_control", "cannot be read");
	for (unsigned int i = 0; i < CONTROLLERS; i++) {
		if (!(wanted & ~enabled & BIT(i)))
			continue;
		error = write_file(directory_fd, "cgroup.subtree_control", words[i]);
		if (error == -EBUSY)
			return fail(creation, error, v2_names[i], "cgroup.subtree_control",
				    "the parent, or a group above it, has processes of its own");
		if (error == -EOPNOTSUPP)
			return fail(creation, error, v2_names[i], "cgroup.subtree_control",
				    "the parent has processes of its own, or is threaded");
		if (error)
			return fail(creation, error, v2_names[i], "cgroup.subtree_control",
				    "cannot be enabled for the parent");
	}
	return 0;
}

/* Into the first of the names in the path, which is made if need be: a descriptor or errno. */
static int step_down(int directory_fd, const char *path)
{
	size_t bytes = strcspn(path, "/");
	char name[NAME_MAX + 1];

	if (bytes > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, path, bytes);
	name[bytes] = '\0';
	/* One that somebody else has just made is as good. */
	if (mkdirat(directory_fd, name, GROUP_MODE) && errno != EEXIST)
		return -errno;
	return open_directory(directory_fd, name);
}

/*
 * Go to the parent, making what is missing; `enable` asks for the controllers on the way.
 * Returns a descriptor or a negative errno.
 */
static int walk_to_parent(const struct creation *creation, int hierarchy_fd, const char *controller,
			  bool enable)
{
	const char *path = creation->parent;
	int fd = open_directory(hierarchy_fd, ".");

	while (fd >= 0 && *path) {
		int error = enable ? enable_controllers(creation, fd) : 0;
		int next = error ? error : step_down(fd, path);

		close(fd);
		if (error)
			return error;
		fd = next;
		path += strcspn(path, "/");
		path += strspn(path, "/");
	}
	if (fd < 0)
		return fail(creation, fd, controller, NULL, "there is no way to the parent");
	return fd;
}

/* The parent gives its groups what it has itself, so mostly nothing is to be done. */
static int enable_in_parent(const struct creation *creation, int parent_fd)
{
	unsigned int wanted = creation->needed & creation->on_v2;
	unsigned int enabled = 0;
	int error = read_controllers(parent_fd, "cgroup.subtree_control", &enabled);
	int fd;

	if (error)
		return fail(creation, error, "cgroup2", "cgroup.subtree_control", "cannot be read");
	if (!(wanted & ~enabled))
		return 0;
	fd = walk_to_parent(creation, creation->v2_root_fd, "cgroup2", true);
	if (fd < 0)
		return fd;
	close(fd);
	return enable_controllers(creation, parent_fd);
}

static int make_group(const struct creation *creation, struct cgroup_hierarchy *hierarchy,
		      const char *controller)
{
	const char *name = creation->cgroup->name;
	int error = 0;

	if (mkdirat(hierarchy->parent_fd, name, GROUP_MODE))
		return fail(creation, -errno, controller, NULL,
			    "a group cannot be made in the parent");
	hierarchy->group_fd = open_directory(hierarchy->parent_fd, name);
	if (hierarchy->group_fd < 0) {
		error = hierarchy->group_fd;
		hierarchy->group_fd = NONE;
		(void)unlinkat(hierarchy->parent_fd, name, AT_REMOVEDIR);
		return fail(creation, error, controller, NULL, "the new group cannot be opened");
	}
	if (hierarchy->is_v2)
		return 0;
	hierarchy->tasks_fd = openat(hierarchy->group_fd, "tasks", O_WRONLY | O_CLOEXEC);
	if (hierarchy->tasks_fd < 0) {
		error = -errno;
		hierarchy->tasks_fd = NONE;
		return fail(creation, error, controller, "tasks", "cannot be opened");
	}
	return 0;
}

/*
 * The launcher will have given up the power over what is not root's own by the time that the group
 * is to be removed.
 */
static int check_owner(const struct creation *creation, int parent_fd, const char *controller)
{
	struct stat status;

	if (geteuid() == 0 && fstat(parent_fd, &status) == 0 && status.st_uid != 0)
		return fail(creation, -ENOTSUP, controller, NULL,
			    "the parent is not root's own, as mote is");
	return 0;
}

/* One more hierarchy with a group in it.  It counts from the start, so that a failure tidies up. */
static int add_hierarchy(struct creation *creation, int hierarchy_fd, const char *controller)
{
	struct cgroup *cgroup = creation->cgroup;
	struct cgroup_hierarchy *hierarchy = &cgroup->hierarchies[cgroup->hierarchy_count++];
	int parent_fd = open_directory(hierarchy_fd, creation->parent);
	int error = 0;

	if (parent_fd < 0)
		parent_fd = walk_to_parent(creation, hierarchy_fd, controller, false);
	*hierarchy = (struct cgroup_hierarchy){
		.parent_fd = parent_fd < 0 ? NONE : parent_fd,
		.group_fd = NONE,
		.tasks_fd = NONE,
		.is_v2 = hierarchy_fd == creation->v2_root_fd,
	};
	if (parent_fd < 0)
		return parent_fd;
	error = check_owner(creation, parent_fd, controller);
	if (!error && hierarchy->is_v2)
		error = enable_in_parent(creation, parent_fd);
	return error ? error : make_group(creation, hierarchy, controller);
}

/* The root of the v1 hierarchy of a controller: a descriptor, NONE where there is none, or errno.
 */
static int open_v1_root(const struct creation *creation, unsigned int controller)
{
	int fd = creation->v2_is_root ? -ENOENT
				      : open_directory(creation->root_fd, v1_names[controller]);

	if (fd == -ENOENT)
		return creation->needed & BIT(controller)
			       ? fail(creation, -ENOENT, v1_names[controller], NULL,
				      "this host has no such controller for cgroups")
			       : -ENOENT;
	if (fd < 0)
		return fail(creation, fd, v1_names[controller], NULL, "cannot be opened");
	return fd;
}

/* Controllers that are mounted together share a group. */
static bool shares_place(struct creation *creation, int fd, unsigned int controller)
{
	struct stat status;

	if (fstat(fd, &status))
		return false;
	creation->devices[controller] = status.st_dev;
	creation->inodes[controller] = status.st_ino;
	for (unsigned int i = 0; i < controller; i++)
		if (creation->inodes[i] == status.st_ino && creation->devices[i] == status.st_dev) {
			creation->place[controller] = creation->place[i];
			return true;
		}
	return false;
}

static int join_v1(struct creation *creation, unsigned int controller)
{
	int fd = open_v1_root(creation, controller);
	int error = 0;

	if (fd < 0)
		return fd == -ENOENT && !(creation->needed & BIT(controller)) ? 0 : fd;
	if (!shares_place(creation, fd, controller)) {
		creation->place[controller] = creation->cgroup->hierarchy_count;
		error = add_hierarchy(creation, fd, v1_names[controller]);
	}
	close(fd);
	return error;
}

/* A v2 without controllers stands beside v1 on some hosts; alone, it still groups. */
static int join_hierarchies(struct creation *creation)
{
	int error = 0;

	find_v2(creation);
	if (creation->v2_is_root || creation->on_v2)
		error = add_hierarchy(creation, creation->v2_root_fd, "cgroup2");
	for (unsigned int i = 0; i < CONTROLLERS && !error; i++)
		if (!(creation->on_v2 & BIT(i)))
			error = join_v1(creation, i);
	if (!error && creation->cgroup->hierarchy_count == 0)
		error = fail(creation, -ENOENT, "cgroup", NULL, "no hierarchy is mounted");
	return error;
}

/* Write one limit.  `file` is by its name a file of v1 or v2, and so is the text. */
__attribute__((format(printf, 4, 5))) static int set_limit(const struct creation *creation,
							   enum controller controller,
							   const char *file, const char *format,
							   ...)
{
	unsigned int place = creation->place[controller];
	const struct cgroup_hierarchy *hierarchy = &creation->cgroup->hierarchies[place];
	const char *text = "cannot be written";
	char value[VALUE_MAX_BYTES];
	va_list arguments;
	int error;

	va_start(arguments, format);
	vsnprintf(value, sizeof(value), format, arguments);
	va_end(arguments);
	error = write_file(hierarchy->group_fd, file, value);
	if (error == -ENOENT)
		text = "this host's kernel does not have it";
	else if (error == -EINVAL || error == -ERANGE)
		text = "does not take the value; the parent may have a lower limit";
	else if (error == -ENODEV)
		text = "takes no such device; it must be a whole disk";
	if (error)
		return fail(creation, error,
			    hierarchy->is_v2 ? v2_names[controller] : v1_names[controller], file,
			    text);
	return 0;
}

static bool on_v2(const struct creation *creation, enum controller controller)
{
	return creation->on_v2 & BIT(controller);
}

/* v1 counts in shares, with the same proportions. */
static uint32_t shares(uint32_t weight)
{
	uint32_t result = weight * V1_SHARES_DEFAULT / V2_WEIGHT_DEFAULT;

	return result < V1_SHARES_MIN ? V1_SHARES_MIN : result;
}

static int limit_cpu(const struct creation *creation)
{
	const struct cgroup_limits *limits = creation->limits;
	int error = 0;

	if (limits->cpu_weight)
		error = on_v2(creation, CPU) ? set_limit(creation, CPU, "cpu.weight", "%" PRIu32,
							 limits->cpu_weight)
					     : set_limit(creation, CPU, "cpu.shares", "%" PRIu32,
							 shares(limits->cpu_weight));
	if (error || !limits->cpu_quota_us)
		return error;
	if (on_v2(creation, CPU))
		return set_limit(creation, CPU, "cpu.max", "%" PRIu64 " %" PRIu64,
				 limits->cpu_quota_us, limits->cpu_period_us);
	error = set_limit(creation, CPU, "cpu.cfs_period_us", "%" PRIu64, limits->cpu_period_us);
	if (error)
		return error;
	return set_limit(creation, CPU, "cpu.cfs_quota_us", "%" PRIu64, limits->cpu_quota_us);
}

/* v1 limits memory and swap together, so the sum goes in; it cannot overflow 64 bits. */
static int limit_memory(const struct creation *creation)
{
	const struct cgroup_limits *limits = creation->limits;
	bool v2 = on_v2(creation, MEMORY);
	int error;

	if (!limits->memory_max_bytes)
		return 0;
	error = set_limit(creation, MEMORY, v2 ? "memory.max" : "memory.limit_in_bytes", "%" PRIu64,
			  limits->memory_max_bytes);
	if (error || !limits->has_swap_max)
		return error;
	if (v2)
		return set_limit(creation, MEMORY, "memory.swap.max", "%" PRIu64,
				 limits->swap_max_bytes);
	return set_limit(creation, MEMORY, "memory.memsw.limit_in_bytes", "%" PRIu64,
			 limits->memory_max_bytes + limits->swap_max_bytes);
}

/* The four limits of a device, as each version calls them. */
static const struct {
	const char *v1_file;
	const char *v2_key;
	size_t offset;
} io_limits[] = {
	{"blkio.throttle.read_bps_device", "rbps", offsetof(struct cgroup_io, read_bytes_per_s)},
	{"blkio.throttle.write_bps_device", "wbps", offsetof(struct cgroup_io, write_bytes_per_s)},
	{"blkio.throttle.read_iops_device", "riops", offsetof(struct cgroup_io, read_ops_per_s)},
	{"blkio.throttle.write_iops_device", "wiops", offsetof(struct cgroup_io, write_ops_per_s)},
};

#define IO_LIMITS (sizeof(io_limits) / sizeof(io_limits[0]))

static uint64_t io_limit(const struct cgroup_io *io, size_t which)
{
	uint64_t limit;

	memcpy(&limit, (const char *)io + io_limits[which].offset, sizeof(limit));
	return limit;
}

/* v2 takes all of a device in one line. */
static int limit_device_v2(const struct creation *creation, const struct cgroup_io *io)
{
	char limits[VALUE_MAX_BYTES] = "";
	size_t used = 0;

	for (size_t i = 0; i < IO_LIMITS; i++) {
		uint64_t limit = io_limit(io, i);

		if (limit)
			used += (size_t)snprintf(limits + used, sizeof(limits) - used,
						 " %s=%" PRIu64, io_limits[i].v2_key, limit);
	}
	return set_limit(creation, IO, "io.max", "%" PRIu32 ":%" PRIu32 "%s", io->major, io->minor,
			 limits);
}

static int limit_device_v1(const struct creation *creation, const struct cgroup_io *io)
{
	int error = 0;

	for (size_t i = 0; i < IO_LIMITS && !error; i++) {
		uint64_t limit = io_limit(io, i);

		if (limit)
			error = set_limit(creation, IO, io_limits[i].v1_file,
					  "%" PRIu32 ":%" PRIu32 " %" PRIu64, io->major, io->minor,
					  limit);
	}
	return error;
}

static int limit_device(const struct creation *creation, const struct cgroup_io *io)
{
	return on_v2(creation, IO) ? limit_device_v2(creation, io) : limit_device_v1(creation, io);
}

static int set_limits(const struct creation *creation)
{
	const struct cgroup_limits *limits = creation->limits;
	int error = limit_cpu(creation);

	if (!error)
		error = limit_memory(creation);
	for (unsigned int i = 0; i < limits->io_count && !error; i++)
		error = limit_device(creation, &limits->io[i]);
	if (!error && limits->pids_max)
		error = set_limit(creation, PIDS, "pids.max", "%" PRIu64, limits->pids_max);
	return error;
}

int cgroup_create(struct cgroup *cgroup, int root_fd, const char *parent, pid_t pid,
		  uint64_t number, const struct cgroup_limits *limits, struct cgroup_error *error)
{
	struct cgroup made = {.hierarchy_count = 0};
	struct creation creation = {
		.cgroup = &made,
		.error = error,
		.limits = limits,
		.parent = parent,
		.root_fd = root_fd,
		.v2_root_fd = NONE,
		.needed = needed_controllers(limits),
	};
	int result;

	snprintf(made.name, sizeof(made.name), NAME_PREFIX "%d-%" PRIx64, (int)pid, number);
	result = join_hierarchies(&creation);
	close_one(&creation.v2_root_fd);
	if (!result)
		result = set_limits(&creation);
	if (result)
		(void)cgroup_remove(&made);
	else
		*cgroup = made;
	return result;
}

int cgroup_clone_fd(const struct cgroup *cgroup)
{
	for (unsigned int i = 0; i < cgroup->hierarchy_count; i++)
		if (cgroup->hierarchies[i].is_v2)
			return cgroup->hierarchies[i].group_fd;
	return NONE;
}

/*
 * "0" is the writer.  Through `tasks` it moves one thread, which is all there is, and so the
 * kernel does not hold up the forks and exits of the whole host, as it does for cgroup.procs.
 */
int cgroup_enter(struct cgroup *cgroup)
{
	int error = 0;

	for (unsigned int i = 0; i < cgroup->hierarchy_count && !error; i++) {
		const struct cgroup_hierarchy *hierarchy = &cgroup->hierarchies[i];

		if (!hierarchy->is_v2)
			error = write(hierarchy->tasks_fd, "0", 1) < 0 ? -errno : 0;
	}
	close_all(cgroup);
	return error;
}

/* Whether it is the name of a group whose launcher is gone. */
static bool is_orphan(const char *name)
{
	char *end;
	long pid;

	if (strncmp(name, NAME_PREFIX, strlen(NAME_PREFIX)) != 0)
		return false;
	name += strlen(NAME_PREFIX);
	errno = 0;
	pid = strtol(name, &end, DECIMAL);
	if (errno || end == name || *end != '-' || pid <= 0 || pid > INT_MAX)
		return false;
	name = end + 1;
	(void)strtoull(name, &end, HEXADECIMAL);
	return end != name && *end == '\0' && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* The kernel refuses to remove a group that has processes. */
static unsigned int sweep_directory(int directory_fd)
{
	_Alignas(struct dirent64) char entries[ENTRIES_BYTES];
	unsigned int removed = 0;
	ssize_t bytes;

	if (lseek(directory_fd, 0, SEEK_SET) < 0)
		return 0;
	while ((bytes = getdents64(directory_fd, (void *)entries, sizeof(entries))) > 0) {
		for (ssize_t at = 0; at < bytes;) {
			const struct dirent64 *entry = (const void *)&entries[at];

			if (entry->d_type == DT_DIR && is_orphan(entry->d_name) &&
			    unlinkat(directory_fd, entry->d_name, AT_REMOVEDIR) == 0)
				removed++;
			at += entry->d_reclen;
		}
	}
	return removed;
}

unsigned int cgroup_sweep(const struct cgroup *cgroup)
{
	unsigned int removed = 0;

	for (unsigned int i = 0; i < cgroup->hierarchy_count; i++)
		removed += sweep_directory(cgroup->hierarchies[i].parent_fd);
	return removed;
}

/* A process that was reaped may still be on its way out of the group, as may kernel threads. */
static int remove_group(const struct cgroup_hierarchy *hierarchy, const char *name,
			int64_t *patience_ns)
{
	struct timespec pause = {.tv_nsec = FIRST_PAUSE_NS};

	while (unlinkat(hierarchy->parent_fd, name, AT_REMOVEDIR)) {
		if (errno == ENOENT)
			return 0;
		if (errno != EBUSY || *patience_ns <= 0)
			return -errno;
		clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
		*patience_ns -= pause.tv_nsec;
		pause.tv_nsec *= 2;
	}
	return 0;
}

int cgroup_remove(struct cgroup *cgroup)
{
	int64_t patience_ns = CGROUP_REMOVE_TIMEOUT_MS * NS_PER_MS;
	int result = 0;

	for (unsigned int i = 0; i < cgroup->hierarchy_count; i++) {
		const struct cgroup_hierarchy *hierarchy = &cgroup->hierarchies[i];
		int error = 0;

		if (hierarchy->group_fd != NONE)
			error = remove_group(hierarchy, cgroup->name, &patience_ns);
		if (error)
			result = error;
	}
	close_all(cgroup);
	return result;
}
