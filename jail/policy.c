/* SPDX-License-Identifier: MIT */
/* jail/policy.c - see policy.h. */
#include "jail/policy.h"

#include <asm/ioctls.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/futex.h>
#include <linux/if_tun.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define BROKER   POLICY_ROLE(JAIL_ROLE_BROKER)
#define LAUNCHER (POLICY_ROLE(JAIL_ROLE_LAUNCHER) | BROKER)
#define IO       POLICY_ROLE(JAIL_ROLE_IO)
#define VCPU     POLICY_ROLE(JAIL_ROLE_VCPU)
#define VM       (IO | VCPU)
#define ALL      (LAUNCHER | IO | VCPU)

#define CALL(name)             #name, SYS_##name
#define ANY                    POLICY_ANY, 0, NULL
#define ONLY(argument, value_) argument, value_, #value_

#define USED POLICY_USED
#define RARE POLICY_RARE

/*
 * An argument is checked where some of its values would do more than the role needs.  Where all are
 * about as harmless, checking is not free: the kernel remembers which calls a filter allows
 * whatever their arguments are, and does not run it for them.
 */
/* clang-format off */
const struct policy_row policy_rows[] = {
	/* KVM */
	{VCPU, USED, CALL(ioctl), ONLY(1, KVM_RUN),
	 "run the guest"},
	{VM, USED, CALL(ioctl), ONLY(1, KVM_IRQ_LINE),
	 "interrupt the guest"},
	{VCPU, USED, CALL(ioctl), ONLY(1, KVM_SET_GSI_ROUTING),
	 "the guest wrote a redirection entry of the IOAPIC"},
	{VCPU, USED, CALL(ioctl), ONLY(1, KVM_GET_MP_STATE),
	 "tell the halt watch whether this vCPU is in hlt"},
	{VCPU, RARE, CALL(ioctl), ONLY(1, KVM_GET_REGS),
	 "when KVM cannot go on: the report says where the guest stood"},
	{VCPU, RARE, CALL(ioctl), ONLY(1, KVM_GET_SREGS),
	 "when KVM cannot go on: the report says in which mode the guest was"},

	/* locks: of the futex's many operations only those of a plain mutex */
	{VM, USED, CALL(futex), ONLY(1, FUTEX_WAKE_PRIVATE),
	 "unlock a device, a chip or the console"},
	{VM, USED, CALL(futex), ONLY(1, FUTEX_WAIT_PRIVATE),
	 "wait for the lock of a device, a chip or the console"},

	/* the console, the log, the way to the I/O thread */
	{ALL, USED, CALL(write), ANY,
	 "console, log and reports; wake the I/O thread, from the launcher too"},
	{VM, USED, CALL(pwritev2), ANY,
	 "console without waiting for its reader; disks"},
	{VM, USED, CALL(poll), ANY,
	 "whether an output that knows no RWF_NOWAIT has room, or the log"},
	{VM, USED, CALL(ioctl), ONLY(1, TCGETS),
	 "whether an output without RWF_NOWAIT is a terminal, of which one byte at a time is sure"},
	{VCPU, USED, CALL(clock_nanosleep), ANY,
	 "a guest that prints faster than the output takes it is slowed down"},

	/* disks */
	{VM, USED, CALL(preadv2), ANY,
	 "disks; input without taking it from who shares it"},
	{VM, USED, CALL(io_uring_enter), ANY,
	 "submit to the rings that the I/O thread made before it was sealed, wait at a reset"},
	{VM, USED, CALL(fdatasync), ANY,
	 "flush, at once on a vCPU or where there is no ring"},
	{VM, USED, CALL(fallocate), ONLY(1, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE),
	 "discard"},
	{VM, USED, CALL(fallocate), ONLY(1, FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE),
	 "write zeroes"},

	/* networks: taps and streams; what has to wait is sent by the I/O thread */
	{VM, USED, CALL(writev), ANY,
	 "send a frame, from where it lies in guest memory"},
	{VM, USED, CALL(readv), ANY,
	 "receive a frame into guest memory, or what a stream brings; for vsock also when the guest"
	 " offers buffers"},
	{VCPU, USED, CALL(ioctl), ONLY(1, TUNSETOFFLOAD),
	 "tell a tap which offloads the driver has negotiated"},

	/* sockets of a vsock device */
	{VM, USED, CALL(epoll_ctl), ANY,
	 "wait for the host's end of a connection, or no longer"},
	{IO, USED, CALL(epoll_pwait), ANY,
	 "which of the ends are ready; never waits, the loop's ppoll does"},
	{IO, USED, CALL(accept4), ANY,
	 "a client of the listening socket"},
	{VCPU, USED, CALL(shutdown), ANY,
	 "one way of a connection is over, the other goes on"},
	{IO, RARE, CALL(shutdown), ANY,
	 "the same, once a host that read slowly has taken what was buffered"},
	{VM, USED, CALL(close), ANY,
	 "the host's end of a connection that is over"},
	{IO, USED, CALL(recvmsg), ANY,
	 "connections that the broker has made for the guest"},

	/* the I/O thread */
	{IO, USED, CALL(ppoll), ANY,
	 "wait for anything that the loop watches, or for the next thing that is due"},
	{IO, USED, CALL(read), ANY,
	 "the loop's eventfd; input from a terminal or a file"},
	{IO, USED, CALL(getpid), ANY,
	 "tgkill() wants it"},
	/* That it is a vCPU of this process is not checked: its pid namespace holds no other. */
	{IO, USED, CALL(tgkill), ONLY(2, SIGUSR1),
	 "take vCPUs out of the guest, to see whether all have halted"},

	/* signals */
	{VCPU, USED, CALL(rt_sigreturn), ANY,
	 "the handler of the signal that took this vCPU out of the guest returns"},
	{IO, RARE, CALL(rt_sigreturn), ANY,
	 "the same signal, sent by somebody else, may arrive at this thread"},
	{VM, RARE, CALL(restart_syscall), ANY,
	 "the kernel's own, when a stopped process is continued while it sleeps or polls"},

	/* the launcher waits */
	{LAUNCHER, USED, CALL(rt_sigtimedwait), ANY,
	 "wait for signals, the VM's end among them, or the time limit"},
	{LAUNCHER, USED, CALL(wait4), ONLY(2, WNOHANG),
	 "reap the VM process"},
	/*
	 * Once jail_shed() has run, CAP_KILL is all that it has.  Descriptors of processes are its own
	 * and the VM process's; without flags no other of a group is meant.
	 */
	{LAUNCHER, USED, CALL(pidfd_send_signal), ONLY(3, 0),
	 "a VM process that does not end in time"},
	{LAUNCHER, USED, CALL(fcntl), ONLY(1, F_OFD_SETLK),
	 "unlock the drives, which a ring of the dead process may hold for some milliseconds"},

	/* the launcher's terminal */
	{LAUNCHER, USED, CALL(ioctl), ONLY(1, TCGETS),
	 "whether standard input is a terminal, and its settings"},
	{LAUNCHER, USED, CALL(ioctl), ONLY(1, TIOCGPGRP),
	 "whether mote is in the terminal's foreground"},
	{LAUNCHER, USED, CALL(getpgid), ONLY(0, 0),
	 "the other half of that comparison"},
	{LAUNCHER, USED, CALL(ioctl), ONLY(1, TCSETS),
	 "raw mode, and back"},
	{LAUNCHER, USED, CALL(rt_sigprocmask), ANY,
	 "leave raw mode without being stopped for it in the background"},

	/* the launcher gives standard input and output back as they were */
	{LAUNCHER, RARE, CALL(fcntl), ONLY(1, F_SETFL),
	 "a socket that was --stdio's waits again, as it did before"},

	/* the launcher removes the VM's cgroup, by descriptors of its parents: it has no root */
	{LAUNCHER, USED, CALL(unlinkat), ONLY(2, AT_REMOVEDIR),
	 "remove the group of a VM process that is gone"},
	{LAUNCHER, RARE, CALL(clock_nanosleep), ANY,
	 "the last of that process is still on its way out of the group"},
	{LAUNCHER, USED, CALL(close), ANY,
	 "the descriptors of the group"},

	/* the launcher reports */
	{LAUNCHER, USED, CALL(writev), ANY,
	 "the trace as a table, which the C library writes so"},
	{LAUNCHER, USED, CALL(poll), ANY,
	 "whether there is room for a report or a message"},

	/* the broker: a launcher of a VM with a vsock socket, which looks at the directory of that one */
	{BROKER, USED, CALL(recvfrom), ANY,
	 "the VM process asks for a connection to a port"},
	{BROKER, USED, CALL(socket), ONLY(0, AF_UNIX),
	 "the guest's end of that connection, for the VM process"},
	{BROKER, USED, CALL(openat), ONLY(2, O_PATH | O_NOFOLLOW | O_CLOEXEC),
	 "find the socket of that port, which a link is not; what is opened so cannot be read"},
	{BROKER, USED, CALL(connect), ANY,
	 "connect to that socket"},
	{BROKER, USED, CALL(sendmsg), ANY,
	 "pass it on"},
	{BROKER, USED, CALL(newfstatat), ANY,
	 "whether the file of the vsock's own socket is still the one that mote made"},
	{BROKER, USED, CALL(unlinkat), ONLY(2, 0),
	 "remove that file"},

	/* the end, and hosts that are different */
	{ALL, USED, CALL(exit_group), ANY,
	 "the end, for all threads at once; of SIGSYS too"},
	{VM, RARE, CALL(pause), ANY,
	 "a thread that wants to end the run while another does"},
	{ALL, RARE, CALL(clock_gettime), ANY,
	 "hosts whose clock the vDSO cannot read"},
};
/* clang-format on */

const size_t policy_row_count = sizeof(policy_rows) / sizeof(*policy_rows);

static const char other_program[] = "become another program";
static const char other_process[] = "reach into another process";
static const char namespaces[] = "make or enter namespaces, to have their capabilities";
static const char mounts[] = "get a file system to see";
static const char paths[] = "get at a file without a path";
static const char modules[] = "put code into the kernel";
static const char keys[] = "use the keys of the user";
static const char rings[] = "a new ring would be unrestricted; those that exist are enough";
static const char surface[] = "large parts of the kernel that only exploits need here";

const struct policy_never policy_never[] = {
	{CALL(execve), other_program},
	{CALL(execveat), other_program},
	{CALL(ptrace), other_process},
	{CALL(process_vm_readv), other_process},
	{CALL(process_vm_writev), other_process},
	{CALL(process_madvise), other_process},
	{CALL(pidfd_getfd), other_process},
	{CALL(kcmp), other_process},
	{CALL(unshare), namespaces},
	{CALL(setns), namespaces},
	{CALL(mount), mounts},
	{CALL(umount2), mounts},
	{CALL(pivot_root), mounts},
	{CALL(chroot), mounts},
	{CALL(open_tree), mounts},
	{CALL(move_mount), mounts},
	{CALL(fsopen), mounts},
	{CALL(fsconfig), mounts},
	{CALL(fsmount), mounts},
	{CALL(fspick), mounts},
	{CALL(mount_setattr), mounts},
	{CALL(name_to_handle_at), paths},
	{CALL(open_by_handle_at), paths},
	{CALL(init_module), modules},
	{CALL(finit_module), modules},
	{CALL(delete_module), modules},
	{CALL(kexec_load), modules},
	{CALL(kexec_file_load), modules},
	{CALL(add_key), keys},
	{CALL(request_key), keys},
	{CALL(keyctl), keys},
	{CALL(io_uring_setup), rings},
	{CALL(io_uring_register), rings},
	{CALL(bpf), surface},
	{CALL(perf_event_open), surface},
	{CALL(userfaultfd), surface},
	{CALL(modify_ldt), surface},
};

const size_t policy_never_count = sizeof(policy_never) / sizeof(*policy_never);

bool policy_row_allows(const struct policy_row *row, enum jail_role role, uint32_t call,
		       const uint64_t *arguments)
{
	if (!(row->roles & POLICY_ROLE(role)) || row->call != call)
		return false;
	return row->argument == POLICY_ANY || (uint32_t)arguments[row->argument] == row->value;
}
