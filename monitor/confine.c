/* SPDX-License-Identifier: MIT */
/* monitor/confine.c - see confine.h. */
#include "monitor/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "monitor/log.h"
#include "monitor/vm_cgroup.h"
#include "virtio/vsock_table.h"

enum {
	/* Threads that the kernel adds: workers of the rings, KVM's own. */
	KERNEL_THREADS = 64,
	LIST_MAX_BYTES = 160,
	BEGIN_ROOM_NS = 5000000,
};

/* Settings of the host that make the kernel's word for it hard to understand. */
static const char *hint(enum jail_piece piece, int error)
{
	static const char *const limits[JAIL_PIECES] = {
		[JAIL_MOUNTS] = "; is user.max_mnt_namespaces reached?",
		[JAIL_PIDS] = "; is user.max_pid_namespaces reached?",
		[JAIL_NETWORK] = "; is user.max_net_namespaces reached?",
		[JAIL_IPC] = "; is user.max_ipc_namespaces reached?",
		[JAIL_HOSTNAME] = "; is user.max_uts_namespaces reached?",
		[JAIL_CGROUPS] = "; is user.max_cgroup_namespaces reached?",
		[JAIL_USERS] = "; is user.max_user_namespaces reached?",
	};

	if (error == -ENOSPC && limits[piece])
		return limits[piece];
	if (piece == JAIL_USERS && (error == -EPERM || error == -EACCES))
		return "; does this host keep user namespaces from ordinary users?";
	return "";
}

/* What doing without a piece would not mend. */
static bool is_shortage(int error)
{
	return error == -EMFILE || error == -ENFILE || error == -ENOMEM;
}

static int jail_failed(const struct confinement *confinement, int error, struct reason *reason)
{
	const char *piece = jail_piece_name(confinement->jail.failed);

	if (is_shortage(error))
		return reason_set(reason, error, "jail: %s: %s", piece, strerror(-error));
	return reason_set(reason, error,
			  "jail: %s: %s%s (mote.jail.allow_missing: [\"%s\"] does without)", piece,
			  strerror(-error), hint(confinement->jail.failed, error), piece);
}

/* --- The launcher --- */

static int choose_ids(struct jail *jail, const struct config_jail *wanted, struct reason *reason)
{
	if (!wanted->uid)
		return 0;
	if (!jail->is_root && (wanted->uid != jail->uid || wanted->gid != jail->gid))
		return reason_set(reason, -EPERM,
				  "mote.jail.uid: only root can give the VM process other ids than "
				  "its user's own (%u and %u)",
				  jail->uid, jail->gid);
	jail->uid = wanted->uid;
	jail->gid = wanted->gid;
	return 0;
}

/*
 * Only root may enter it.  VMs that live together must not be able to make sockets: with no filter
 * each has a room of its own.
 */
static void share_room(struct confinement *confinement, struct prepared *prepared)
{
	struct jail *jail = &confinement->jail;
	bool is_sealed = confinement->mode == FILTER_KILL &&
			 !(jail->missing & JAIL_PIECE_BIT(JAIL_SECCOMP));

	if (!jail->is_root || !is_sealed) {
		prepared_close(prepared);
		return;
	}
	if (prepared->mounts_fd == PREPARED_NONE)
		return;
	jail_share_room(jail, prepared->mounts_fd, prepared->network_fd);
	prepared->mounts_fd = PREPARED_NONE;
	prepared->network_fd = PREPARED_NONE;
}

int confine_prepare(struct confinement *confinement, const struct vm_config *config,
		    struct prepared *prepared, struct run_state *state, struct reason *reason)
{
	const struct config_jail *wanted = &config->mote.jail;
	int error = jail_init(&confinement->jail);

	confinement->config = config;
	confinement->state = state;
	if (error)
		return jail_failed(confinement, error, reason);
	confinement->jail.allow_missing = wanted->allow_missing;
	error = choose_ids(&confinement->jail, wanted, reason);
	if (error)
		return error;
	confinement->mode = wanted->seccomp == CONFIG_SECCOMP_LOG ? FILTER_LOG : FILTER_KILL;
	error = jail_note(&confinement->jail, JAIL_SECCOMP, filter_prepare(&state->miss));
	if (error)
		return jail_failed(confinement, error, reason);
	share_room(confinement, prepared);
	error = jail_close_ways(&confinement->jail);
	if (error)
		return jail_failed(confinement, error, reason);
	return vm_cgroup_create(&confinement->cgroup, &config->mote.cgroup, VM_CGROUP_ROOT, reason);
}

/* clone3 itself and not fork(): namespaces and a cgroup can only be asked for here. */
static pid_t clone_once(const struct confinement *confinement, int cgroup_fd)
{
	struct clone_args arguments = {
		.flags = jail_clone_flags(&confinement->jail),
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (cgroup_fd >= 0) {
		arguments.flags = arguments.flags | CLONE_INTO_CGROUP;
		arguments.cgroup = (unsigned int)cgroup_fd;
	}
	pid = syscall(SYS_clone3, &arguments, sizeof(arguments));
	return pid < 0 ? -errno : (pid_t)pid;
}

pid_t confine_clone(struct confinement *confinement, struct reason *reason)
{
	const struct config_cgroup *cgroup = &confinement->config->mote.cgroup;
	int cgroup_fd = cgroup_clone_fd(&confinement->cgroup);
	pid_t pid;

	pid = clone_once(confinement, cgroup_fd);
	/* Not what a namespace is refused with. */
	if (cgroup_fd >= 0 && (pid == -EACCES || pid == -EBUSY || pid == -EOPNOTSUPP))
		return vm_cgroup_explain_clone(cgroup, pid, reason);
	if (pid < 0) {
		int error = jail_clone_refused(&confinement->jail, pid);

		if (error)
			return jail_failed(confinement, error, reason);
		pid = clone_once(confinement, cgroup_fd);
	}
	if (pid < 0)
		return reason_set(reason, pid, "cannot start the VM process: %s", strerror(-pid));
	return pid;
}

/* A VM process that fails early never says so: the limit is all that ends this wait then. */
static void wait_for_begin(_Atomic uint32_t *begin)
{
	const struct timespec limit = {.tv_nsec = BEGIN_ROOM_NS};

	if (atomic_load(begin) == 0)
		syscall(SYS_futex, begin, FUTEX_WAIT, 0, &limit, NULL, 0);
}

int confine_launcher(struct confinement *confinement, pid_t vm_process, struct reason *reason)
{
	int error;

	wait_for_begin(&confinement->state->begin_room);
	error = jail_make_room(&confinement->jail, vm_process);
	if (!error)
		error = jail_shed(&confinement->jail);
	if (error)
		return jail_failed(confinement, error, reason);
	memcpy(confinement->state->costs.launcher_ns, confinement->jail.took_ns,
	       sizeof(confinement->jail.took_ns));
	cgroup_sweep(&confinement->cgroup);
	return 0;
}

void confine_release(struct confinement *confinement)
{
	int error = cgroup_remove(&confinement->cgroup);

	if (error)
		log_warning("mote.cgroup: the group %s stays: %s", confinement->cgroup.name,
			    strerror(-error));
}

/* --- The VM process --- */

int confine_arrive(struct confinement *confinement, struct reason *reason)
{
	int error = jail_arrive(&confinement->jail);

	if (error)
		return jail_failed(confinement, error, reason);
	error = cgroup_enter(&confinement->cgroup);
	if (error)
		return reason_set(reason, error, "mote.cgroup: cannot enter the group: %s",
				  strerror(-error));
	return 0;
}

void confine_begin_room(const struct confinement *confinement)
{
	atomic_store(&confinement->state->begin_room, 1);
	syscall(SYS_futex, &confinement->state->begin_room, FUTEX_WAKE, 1, NULL, NULL, 0);
}

int confine_keep(struct confinement *confinement, int fd)
{
	struct jail *jail = &confinement->jail;

	if (jail->kept_fd_count == JAIL_KEPT_FDS_MAX)
		return -ENOSPC;
	jail->kept_fds[jail->kept_fd_count++] = fd;
	return 0;
}

int confine_keep_output(struct confinement *confinement, int fd)
{
	confinement->output_fd = fd;
	return confine_keep(confinement, fd);
}

/* No file may outgrow the largest disk, unless the console, the log or a stream goes to one. */
static uint64_t file_bytes_max(const struct confinement *confinement)
{
	uint64_t most = 0;

	for (unsigned int i = 0; i < confinement->jail.kept_fd_count; i++) {
		int fd = confinement->jail.kept_fds[i];
		int flags = fcntl(fd, F_GETFL);
		struct stat status;

		if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &status) ||
		    !S_ISREG(status.st_mode))
			continue;
		if (fd <= STDERR_FILENO || fd == confinement->output_fd || flags & O_APPEND)
			return RLIM_INFINITY;
		if ((uint64_t)status.st_size > most)
			most = (uint64_t)status.st_size;
	}
	return most;
}

/* A drive whose engine is left to mote may get one as well. */
static unsigned int rings_max(const struct vm_config *config)
{
	unsigned int rings = 0;

	for (unsigned int i = 0; i < config->drive_count; i++)
		rings += config->drives[i].io_engine != CONFIG_IO_ENGINE_SYNC;
	return rings;
}

/*
 * One for each, and one to hang up on who comes when there are as many.  Without a socket there is
 * at most the stream of --stdio, which is open already.
 */
static unsigned int connections_max(const struct vm_config *config)
{
	return config->vsock.uds_path ? VSOCK_CONNECTIONS_MAX + 1 : 0;
}

int confine_vm(struct confinement *confinement, unsigned int threads, struct reason *reason)
{
	struct jail *jail = &confinement->jail;
	int error;

	jail->new_fds_max = rings_max(confinement->config) + connections_max(confinement->config);
	jail->file_bytes_max = file_bytes_max(confinement);
	/* The limit counts all processes of the uid, so it is for one that nobody else has. */
	if (jail->is_root && !confinement->config->mote.jail.uid)
		jail->threads_max = 1 + threads + KERNEL_THREADS;
	error = jail_enter(jail);
	/* The launcher has something to say, and then ends this process. */
	if (error == -ECANCELED)
		for (;;)
			pause();
	memcpy(confinement->state->costs.vm_process_ns, jail->took_ns, sizeof(jail->took_ns));
	return error ? jail_failed(confinement, error, reason) : 0;
}

void confine_warn(const struct confinement *confinement)
{
	char list[LIST_MAX_BYTES] = "";
	size_t length = 0;

	if (confinement->mode == FILTER_LOG)
		log_warning("mote.jail.seccomp is \"log\": system calls that nothing needs are "
			    "only logged; this is for debugging");
	for (unsigned int piece = 0; piece < JAIL_PIECES && length < sizeof(list); piece++)
		if (confinement->jail.missing & JAIL_PIECE_BIT(piece))
			length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s",
						   length ? ", " : "",
						   jail_piece_name((enum jail_piece)piece));
	if (length)
		log_warning("jail: this host lacks %s, which mote.jail.allow_missing allows", list);
}

int confine_thread(struct confinement *confinement, enum jail_role role, struct reason *reason)
{
	int error;

	if (confinement->jail.missing & JAIL_PIECE_BIT(JAIL_SECCOMP))
		return 0;
	error = filter_seal(role, confinement->mode);
	if (!error)
		return 0;
	/* Other threads read this struct too, so only the reason names what failed. */
	return reason_set(reason, error, "jail: %s: %s thread: %s", jail_piece_name(JAIL_SECCOMP),
			  jail_role_name(role), strerror(-error));
}
