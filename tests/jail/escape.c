/* SPDX-License-Identifier: MIT */
/*
 * tests/jail/escape.c - what an intruder would try, from each role: a test by name for each try.
 *
 * Every try is one system call, made by a child that has sealed itself for the role.  It passes if
 * that was the child's end, by the call that was tried: the kernel's SIGSYS for the calls that
 * no mistake leads to, and a note of role and number for the others.  Arguments are such that a
 * filter that fails to end the child does the host no harm.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/filter.h"

#define BROKER   (1U << JAIL_ROLE_BROKER)
#define LAUNCHER (1U << JAIL_ROLE_LAUNCHER | BROKER)
#define IO       (1U << JAIL_ROLE_IO)
#define VCPU     (1U << JAIL_ROLE_VCPU)
#define VM       (IO | VCPU)
#define ALL      (LAUNCHER | IO | VCPU)

#define X32             0x40000000
#define ANYTHING        (unsigned long)-1 /* no descriptor, no key, no process */
#define ADDRESS(object) (uintptr_t)(object)

enum {
	SURVIVED = 1,
	UNPREPARED = 2,
	PATIENCE_SECONDS = 30,
	HOST_INIT = 1,
	NO_PROCESS = INT32_MAX,
	TO_PROCESS_GROUP = 1 << 2, /* PIDFD_SIGNAL_PROCESS_GROUP of Linux 6.9 */
};

/* By whom the child is ended. */
enum end {
	NOTED,  /* by the handler, which notes role and call */
	KILLED, /* by the kernel */
};

struct attempt {
	const char *what;
	unsigned int roles;
	enum end end;
	long call;
	unsigned long arguments[6];
};

static char page[4096] __attribute__((aligned(4096)));
static char *const no_strings[] = {NULL};
static struct open_how how = {.flags = O_RDONLY};
static struct clone_args new_process = {.exit_signal = SIGCHLD};
static struct sockaddr_un host_socket = {.sun_family = AF_UNIX, .sun_path = "\0host"};
static struct sock_filter allow_all[] = {{.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW}};
static struct sock_fprog allowing = {.len = 1, .filter = allow_all};
static int descriptors[2];

/* clang-format off */
static const struct attempt attempts[] = {
	/* files */
	{"open", ALL, NOTED, SYS_open, {ADDRESS("/etc/passwd"), O_RDONLY}},
	{"openat", ALL, NOTED, SYS_openat, {(unsigned long)AT_FDCWD, ADDRESS("/"), O_RDONLY}},
	{"reading /proc/1/environ", ALL, NOTED, SYS_openat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/proc/1/environ"), O_RDONLY}},
	{"reading /proc/self/maps", ALL, NOTED, SYS_open, {ADDRESS("/proc/self/maps"), O_RDONLY}},
	{"openat of /proc/self/mem", ALL, NOTED, SYS_openat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/proc/self/mem"), O_RDWR}},
	{"openat with O_PATH", ALL & ~BROKER, NOTED, SYS_openat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/"), O_PATH | O_NOFOLLOW | O_CLOEXEC}},
	{"openat with O_PATH, links followed", ALL, NOTED, SYS_openat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/"), O_PATH | O_CLOEXEC}},
	{"openat2", ALL, NOTED, SYS_openat2,
	 {(unsigned long)AT_FDCWD, ADDRESS("/"), ADDRESS(&how), sizeof(how)}},
	{"creat", ALL, NOTED, SYS_creat, {ADDRESS("/tmp/escaped"), 0600}},
	{"name_to_handle_at", ALL, KILLED, SYS_name_to_handle_at, {0}},
	{"open_by_handle_at", ALL, KILLED, SYS_open_by_handle_at, {0}},
	{"stat", ALL, NOTED, SYS_stat, {ADDRESS("/"), ADDRESS(page)}},
	{"newfstatat", ALL & ~BROKER, NOTED, SYS_newfstatat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/"), ADDRESS(page), 0}},
	{"readlink of /proc/self/exe", ALL, NOTED, SYS_readlink,
	 {ADDRESS("/proc/self/exe"), ADDRESS(page), sizeof(page)}},
	{"getdents64", ALL, NOTED, SYS_getdents64, {0, ADDRESS(page), sizeof(page)}},
	{"unlinkat of a file", ALL & ~BROKER, NOTED, SYS_unlinkat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/tmp/escaped"), 0}},
	{"unlink", ALL, NOTED, SYS_unlink, {ADDRESS("/tmp/escaped")}},
	{"chmod", ALL, NOTED, SYS_chmod, {ADDRESS("/tmp/escaped"), 04755}},
	{"chdir", ALL, NOTED, SYS_chdir, {ADDRESS("/")}},
	{"fchdir", ALL, NOTED, SYS_fchdir, {0}},
	{"memfd_create", ALL, NOTED, SYS_memfd_create, {ADDRESS("escaped"), 0}},
	{"dup", ALL, NOTED, SYS_dup, {0}},
	{"close_range", ALL, NOTED, SYS_close_range, {3, UINT32_MAX, 0}},
	{"pipe2", ALL, NOTED, SYS_pipe2, {ADDRESS(descriptors), 0}},
	{"ftruncate", ALL, NOTED, SYS_ftruncate, {ANYTHING, 0}},
	{"sendfile", ALL, NOTED, SYS_sendfile, {ANYTHING, 0, 0, 1}},
	{"splice", ALL, NOTED, SYS_splice, {ANYTHING, 0, 1, 0, 1, 0}},
	{"inotify_init1", ALL, NOTED, SYS_inotify_init1, {0}},
	{"fanotify_init", ALL, NOTED, SYS_fanotify_init, {0, 0}},

	/* the network */
	{"socket", ALL, NOTED, SYS_socket, {AF_INET, SOCK_STREAM, 0}},
	{"socket of Unix", ALL & ~BROKER, NOTED, SYS_socket, {AF_UNIX, SOCK_STREAM, 0}},
	{"socketpair", ALL, NOTED, SYS_socketpair, {AF_UNIX, SOCK_STREAM, 0, ADDRESS(descriptors)}},
	{"connect to an abstract socket", ALL & ~BROKER, NOTED, SYS_connect,
	 {0, ADDRESS(&host_socket), sizeof(host_socket)}},
	{"bind", ALL, NOTED, SYS_bind, {0, ADDRESS(&host_socket), sizeof(host_socket)}},
	{"accept4", ALL & ~IO, NOTED, SYS_accept4, {0}},
	{"epoll_create1", ALL, NOTED, SYS_epoll_create1, {0}},
	{"epoll_ctl", LAUNCHER, NOTED, SYS_epoll_ctl, {0}},
	{"epoll_pwait", ALL & ~IO, NOTED, SYS_epoll_pwait, {0}},
	{"shutdown", LAUNCHER, NOTED, SYS_shutdown, {ANYTHING, 0}},
	{"sendmsg", ALL & ~BROKER, NOTED, SYS_sendmsg, {1, ADDRESS(page), 0}},
	{"recvfrom", ALL & ~BROKER, NOTED, SYS_recvfrom, {0, ADDRESS(page), 0}},
	{"recvmsg", ALL & ~IO, NOTED, SYS_recvmsg, {0, ADDRESS(page), 0}},

	/* other processes */
	{"ptrace", ALL, KILLED, SYS_ptrace, {PTRACE_TRACEME}},
	{"process_vm_readv", ALL, KILLED, SYS_process_vm_readv, {HOST_INIT}},
	{"process_vm_writev", ALL, KILLED, SYS_process_vm_writev, {HOST_INIT}},
	{"pidfd_open", ALL, NOTED, SYS_pidfd_open, {HOST_INIT, 0}},
	{"pidfd_getfd", ALL, KILLED, SYS_pidfd_getfd, {0}},
	{"pidfd_send_signal", IO | VCPU, NOTED, SYS_pidfd_send_signal, {0}},
	{"pidfd_send_signal to a process group", ALL, NOTED, SYS_pidfd_send_signal,
	 {0, SIGKILL, 0, TO_PROCESS_GROUP}},
	{"kill of a process of the host", ALL, NOTED, SYS_kill, {HOST_INIT, 0}},
	{"kill with SIGKILL", ALL, NOTED, SYS_kill, {NO_PROCESS, SIGKILL}},
	{"tgkill", LAUNCHER | VCPU, NOTED, SYS_tgkill, {HOST_INIT, HOST_INIT, 0}},
	{"tgkill with another signal", IO, NOTED, SYS_tgkill, {HOST_INIT, HOST_INIT, 0}},
	{"tkill", ALL, NOTED, SYS_tkill, {HOST_INIT, 0}},
	{"rt_sigqueueinfo", ALL, NOTED, SYS_rt_sigqueueinfo, {HOST_INIT, 0, 0}},
	{"prlimit64 of another process", ALL, NOTED, SYS_prlimit64, {HOST_INIT}},
	{"sched_setaffinity", ALL, NOTED, SYS_sched_setaffinity, {HOST_INIT}},
	{"setpriority", ALL, NOTED, SYS_setpriority, {0, HOST_INIT, 0}},
	{"kcmp", ALL, KILLED, SYS_kcmp, {HOST_INIT}},
	{"wait4 that waits", LAUNCHER, NOTED, SYS_wait4, {ANYTHING, 0, 0, 0}},

	/* new processes and programs */
	{"fork", ALL, NOTED, SYS_fork, {0}},
	{"vfork", ALL, NOTED, SYS_vfork, {0}},
	{"clone", ALL, NOTED, SYS_clone, {SIGCHLD}},
	{"clone with a user namespace", ALL, NOTED, SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
	{"clone3", ALL, NOTED, SYS_clone3, {ADDRESS(&new_process), sizeof(new_process)}},
	{"execve", ALL, KILLED, SYS_execve, {ADDRESS("/bin/sh"), ADDRESS(no_strings), 0}},
	{"execveat", ALL, KILLED, SYS_execveat,
	 {(unsigned long)AT_FDCWD, ADDRESS("/bin/sh"), ADDRESS(no_strings), 0, 0}},

	/* memory that is code */
	{"mmap PROT_EXEC", ALL, NOTED, SYS_mmap,
	 {0, sizeof(page), PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, ANYTHING}},
	{"mmap", ALL, NOTED, SYS_mmap,
	 {0, sizeof(page), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ANYTHING}},
	{"mprotect PROT_EXEC", ALL, NOTED, SYS_mprotect,
	 {ADDRESS(page), sizeof(page), PROT_READ | PROT_EXEC}},
	{"pkey_mprotect PROT_EXEC", ALL, NOTED, SYS_pkey_mprotect,
	 {ADDRESS(page), sizeof(page), PROT_READ | PROT_EXEC, ANYTHING}},
	{"mremap", ALL, NOTED, SYS_mremap, {ADDRESS(page), sizeof(page), sizeof(page), 0}},
	{"munmap", ALL, NOTED, SYS_munmap, {0, sizeof(page)}},
	{"remap_file_pages", ALL, NOTED, SYS_remap_file_pages, {0}},
	{"shmget", ALL, NOTED, SYS_shmget, {0, sizeof(page), 01600}},
	{"modify_ldt", ALL, KILLED, SYS_modify_ldt, {0, ADDRESS(page), sizeof(page)}},
	{"userfaultfd", ALL, KILLED, SYS_userfaultfd, {0}},

	/* namespaces and mounts */
	{"unshare", ALL, KILLED, SYS_unshare, {CLONE_NEWUSER}},
	{"setns", ALL, KILLED, SYS_setns, {0, 0}},
	{"mount", ALL, KILLED, SYS_mount,
	 {ADDRESS("none"), ADDRESS("/nonexistent"), ADDRESS("tmpfs"), MS_RDONLY, 0}},
	{"umount2", ALL, KILLED, SYS_umount2, {ADDRESS("/nonexistent"), MNT_DETACH}},
	{"pivot_root", ALL, KILLED, SYS_pivot_root, {ADDRESS("/nonexistent"), ADDRESS("/nonexistent")}},
	{"chroot", ALL, KILLED, SYS_chroot, {ADDRESS("/")}},
	{"open_tree", ALL, KILLED, SYS_open_tree, {(unsigned long)AT_FDCWD, ADDRESS("/"), 0}},
	{"move_mount", ALL, KILLED, SYS_move_mount, {0}},
	{"fsopen", ALL, KILLED, SYS_fsopen, {ADDRESS("tmpfs"), 0}},
	{"mount_setattr", ALL, KILLED, SYS_mount_setattr, {0}},

	/* privileges */
	{"setuid", ALL, NOTED, SYS_setuid, {0}},
	{"setresuid", ALL, NOTED, SYS_setresuid, {0, 0, 0}},
	{"setgid", ALL, NOTED, SYS_setgid, {0}},
	{"setgroups", ALL, NOTED, SYS_setgroups, {0, 0}},
	{"capset", ALL, NOTED, SYS_capset, {ADDRESS(page), ADDRESS(page)}},
	{"prctl PR_SET_DUMPABLE", ALL, NOTED, SYS_prctl, {PR_SET_DUMPABLE, 1}},
	{"prctl PR_SET_NAME", ALL, NOTED, SYS_prctl, {PR_SET_NAME, ADDRESS("sh")}},
	{"arch_prctl", ALL, NOTED, SYS_arch_prctl, {0x1001, 0}},
	{"seccomp", ALL, NOTED, SYS_seccomp, {SECCOMP_SET_MODE_FILTER, 0, ADDRESS(&allowing)}},
	{"landlock_create_ruleset", ALL, NOTED, SYS_landlock_create_ruleset, {0, 0, 1}},
	{"rt_sigaction of SIGSYS", ALL, NOTED, SYS_rt_sigaction, {SIGSYS, 0, 0, 8}},
	{"rt_sigprocmask", VM, NOTED, SYS_rt_sigprocmask, {SIG_BLOCK, 0, 0, 8}},
	{"sigaltstack", ALL, NOTED, SYS_sigaltstack, {0, 0}},
	{"add_key", ALL, KILLED, SYS_add_key, {0}},
	{"keyctl", ALL, KILLED, SYS_keyctl, {0}},

	/* parts of the kernel with a history */
	{"io_uring_setup", ALL, KILLED, SYS_io_uring_setup, {1, ADDRESS(page)}},
	{"io_uring_register", ALL, KILLED, SYS_io_uring_register, {0}},
	{"io_uring_enter", LAUNCHER, NOTED, SYS_io_uring_enter, {0}},
	{"io_setup", ALL, NOTED, SYS_io_setup, {1, ADDRESS(page)}},
	{"bpf", ALL, KILLED, SYS_bpf, {0}},
	{"perf_event_open", ALL, KILLED, SYS_perf_event_open, {0}},
	{"init_module", ALL, KILLED, SYS_init_module, {0}},
	{"finit_module", ALL, KILLED, SYS_finit_module, {0}},
	{"kexec_load", ALL, KILLED, SYS_kexec_load, {0, 0, 0, ANYTHING}},
	{"futex FUTEX_LOCK_PI", ALL, NOTED, SYS_futex, {ADDRESS(page), FUTEX_LOCK_PI}},
	{"futex FUTEX_CMP_REQUEUE_PI", ALL, NOTED, SYS_futex,
	 {ADDRESS(page), FUTEX_CMP_REQUEUE_PI | FUTEX_PRIVATE_FLAG}},
	{"futex between processes", ALL, NOTED, SYS_futex, {ADDRESS(page), FUTEX_WAKE, 1}},
	{"vmsplice", ALL, NOTED, SYS_vmsplice, {ANYTHING, ADDRESS(page), 0, 0}},
	{"personality", ALL, NOTED, SYS_personality, {0x0400000}},
	{"quotactl", ALL, NOTED, SYS_quotactl, {0}},
	{"reboot", ALL, NOTED, SYS_reboot, {0}},
	{"settimeofday", ALL, NOTED, SYS_settimeofday, {0}},
	{"syslog", ALL, NOTED, SYS_syslog, {10, 0, 0}},
	{"iopl", ALL, NOTED, SYS_iopl, {3}},

	/* calls of the list, used for something else */
	{"readv", LAUNCHER, NOTED, SYS_readv, {0, 0, 0}},
	{"ioctl TUNSETIFF", ALL, NOTED, SYS_ioctl, {ANYTHING, TUNSETIFF, ADDRESS(page)}},
	{"ioctl TUNSETPERSIST", ALL, NOTED, SYS_ioctl, {ANYTHING, TUNSETPERSIST, 1}},
	{"ioctl TUNSETOFFLOAD", LAUNCHER | IO, NOTED, SYS_ioctl, {ANYTHING, TUNSETOFFLOAD, 0}},
	{"ioctl SIOCSIFFLAGS", ALL, NOTED, SYS_ioctl, {ANYTHING, SIOCSIFFLAGS, ADDRESS(page)}},
	{"ioctl KVM_CREATE_VM", ALL, NOTED, SYS_ioctl, {0, KVM_CREATE_VM, 0}},
	{"ioctl KVM_SET_USER_MEMORY_REGION", ALL, NOTED, SYS_ioctl,
	 {0, KVM_SET_USER_MEMORY_REGION, ADDRESS(page)}},
	{"ioctl KVM_SET_REGS", ALL, NOTED, SYS_ioctl, {0, KVM_SET_REGS, ADDRESS(page)}},
	{"ioctl KVM_RUN", LAUNCHER | IO, NOTED, SYS_ioctl, {0, KVM_RUN, 0}},
	{"ioctl TIOCSTI", ALL, NOTED, SYS_ioctl, {ANYTHING, TIOCSTI, ADDRESS("\n")}},
	{"ioctl TIOCLINUX", ALL, NOTED, SYS_ioctl, {ANYTHING, TIOCLINUX, ADDRESS("\3")}},
	{"ioctl FIONBIO", ALL, NOTED, SYS_ioctl, {ANYTHING, FIONBIO, ADDRESS(page)}},
	{"ioctl TCSETS", VM, NOTED, SYS_ioctl, {ANYTHING, TCSETS, ADDRESS(page)}},
	{"fcntl F_DUPFD", ALL, NOTED, SYS_fcntl, {0, F_DUPFD, 0}},
	{"fcntl F_SETFL", IO | VCPU, NOTED, SYS_fcntl, {ANYTHING, F_SETFL, O_APPEND}},
	{"fcntl F_SETSIG", ALL, NOTED, SYS_fcntl, {ANYTHING, F_SETSIG, SIGKILL}},
	{"fcntl F_SETOWN", ALL, NOTED, SYS_fcntl, {ANYTHING, F_SETOWN, HOST_INIT}},
	{"fallocate that grows", ALL, NOTED, SYS_fallocate,
	 {ANYTHING, 0, 0, sizeof(page)}},
	{"fallocate that moves data", ALL, NOTED, SYS_fallocate,
	 {ANYTHING, FALLOC_FL_COLLAPSE_RANGE, 0, sizeof(page)}},
	{"read", LAUNCHER | VCPU, NOTED, SYS_read, {0, ADDRESS(page), 0}},
	{"pwritev2", LAUNCHER, NOTED, SYS_pwritev2, {1, 0, 0, 0, 0, 0}},
	{"write by the x32 table", ALL, KILLED, X32 | SYS_write, {1, 0, 0}},
	{"a call of the future", ALL, NOTED, 500, {0}},
};
/* clang-format on */

static struct filter_miss *miss;

static void attempt_in_role(const struct attempt *attempt, enum jail_role role)
{
	const unsigned long *arguments = attempt->arguments;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || filter_prepare(miss) ||
	    filter_seal(role, FILTER_KILL))
		syscall(SYS_exit_group, UNPREPARED);
	syscall(attempt->call, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4],
		arguments[5]);
	syscall(SYS_exit_group, SURVIVED);
}

static bool ended_as_it_should(const struct attempt *attempt, enum jail_role role, int status)
{
	uint32_t role_plus_one = atomic_load(&miss->role_plus_one);

	if (attempt->end == KILLED)
		return WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS && role_plus_one == 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == FILTER_MISS_STATUS &&
	       role_plus_one == (uint32_t)role + 1 && atomic_load(&miss->call) == attempt->call;
}

/* Returns whether the child ended as it should. */
static bool try_one(const struct attempt *attempt, enum jail_role role, unsigned int number)
{
	bool passed;
	int status = 0;
	pid_t child;

	memset(miss, 0, sizeof(*miss));
	fflush(stdout);
	child = fork();
	if (child == 0) {
		alarm(PATIENCE_SECONDS);
		attempt_in_role(attempt, role);
	}
	if (child < 0 || waitpid(child, &status, 0) != child) {
		perror("escape");
		exit(EXIT_FAILURE);
	}
	passed = ended_as_it_should(attempt, role, status);
	printf("%sok %u - %s: %s ends the process\n", passed ? "" : "not ", number,
	       jail_role_name(role), attempt->what);
	if (!passed)
		printf("#   wait status %#x, noted: role %u, call %u\n", (unsigned int)status,
		       atomic_load(&miss->role_plus_one), atomic_load(&miss->call));
	return passed;
}

int main(void)
{
	unsigned int count = 0;
	bool passed = true;

	miss = mmap(NULL, sizeof(*miss), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (miss == MAP_FAILED) {
		perror("escape");
		return EXIT_FAILURE;
	}
	for (int role = 0; role < JAIL_ROLES; role++)
		for (size_t i = 0; i < sizeof(attempts) / sizeof(*attempts); i++)
			if (attempts[i].roles & 1U << role)
				passed &= try_one(&attempts[i], (enum jail_role)role, ++count);
	printf("1..%u\n", count);
	return passed ? EXIT_SUCCESS : EXIT_FAILURE;
}
