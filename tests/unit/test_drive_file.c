/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_drive_file.c - what a drive may be, what is learnt about it, and who holds it.
 *
 * Locks are taken by a second process, as in life; a loop device is used where there is one.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/drive_file.h"

enum {
	FDS_LOOKED_AT = 256,
	HANG_SECONDS = 20,
	DISK_BYTES = 1 << 20,
	COMM_BYTES = 16,
	PATH_BYTES = 64,
	NOBODY = 65534,
	MOMENT_US = 40000,
};

static char folder[] = "/tmp/test_drive_file.XXXXXX";
static struct config_drive drives[CONFIG_DRIVES_MAX];
static struct drive_file files[CONFIG_DRIVES_MAX];
static const struct drive_file untouched = {.fd = DRIVE_FILE_NONE, .size_bytes = 9};
static struct reason reason;

static int open_fds(void)
{
	int count = 0;

	for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int make_file(const char *path, off_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	int error = fd < 0 || fchmod(fd, 0666) || ftruncate(fd, bytes);

	close(fd);
	return error;
}

static int bind_socket(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int error;

	strncpy(address.sun_path, path, sizeof(address.sun_path) - 1);
	error = bind(fd, (const struct sockaddr *)&address, sizeof(address));
	close(fd);
	return error;
}

/* The test's own folder is the working directory, so that names are short and the same. */
static int make_folder(void **state)
{
	(void)state;
	return !mkdtemp(folder) || chdir(folder) || chmod(folder, 0755) ||
	       make_file("disk", DISK_BYTES) || make_file("odd", DISK_BYTES + 100) ||
	       make_file("sector", 512) || make_file("short", 511) || make_file("empty", 0) ||
	       make_file("read-only", DISK_BYTES) || chmod("read-only", 0444) ||
	       mkdir("folder", 0755) || mkfifo("fifo", 0666) || symlink("loop", "loop") ||
	       symlink("disk", "symlink") || link("disk", "hard-link") || bind_socket("socket");
}

static int remove_folder(void **state)
{
	static const char *const names[] = {"disk",      "odd",    "sector",   "short",
					    "empty",     "fifo",   "loop",     "symlink",
					    "hard-link", "socket", "read-only"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(names[i]);
	rmdir("folder");
	return chdir("/") || rmdir(folder);
}

static int set_up(void **state)
{
	(void)state;
	alarm(HANG_SECONDS);
	for (int i = 0; i < CONFIG_DRIVES_MAX; i++) {
		drives[i] = (struct config_drive){.path_on_host = "disk"};
		files[i] = untouched;
	}
	reason.text[0] = '\0';
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < CONFIG_DRIVES_MAX; i++)
		drive_file_close(&files[i]);
	return 0;
}

static void assert_opens(unsigned int index)
{
	if (drive_file_open(files, drives, index, &reason))
		fail_msg("%s", reason.text);
}

static void expect_refusal(unsigned int index, int error, const char *text)
{
	int before = open_fds();

	assert_int_equal(drive_file_open(files, drives, index, &reason), error);
	assert_string_equal(reason.text, text);
	assert_int_equal(open_fds(), before);
	assert_memory_equal(&files[index], &untouched, sizeof(untouched));
}

/* A second process that does `hold` and stays until it is ended. */
static pid_t start_holder(void (*hold)(void))
{
	int ends[2];
	char ready;
	pid_t child;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		/* No lock outlives a test that failed. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		hold();
		if (write(ends[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &ready, 1), 1);
	close(ends[0]);
	return child;
}

static void end_holder(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void hold_for_writing(void)
{
	drives[0].is_read_only = false;
	if (drive_file_open(files, drives, 0, &reason))
		_exit(1);
}

static void hold_for_reading(void)
{
	drives[0].is_read_only = true;
	if (drive_file_open(files, drives, 0, &reason))
		_exit(1);
}

/* A lock that belongs to the process, as other monitors take it. */
static void hold_classically(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(open("disk", O_RDWR | O_CLOEXEC), F_SETLK, &lock))
		_exit(1);
}

static void hold_by_flock(void)
{
	if (flock(open("disk", O_RDWR | O_CLOEXEC), LOCK_EX))
		_exit(1);
}

static void hold_what_was_inherited(void)
{
}

/* A locked file on its way through a socket is open, and no process has it. */
static void hide_in_a_socket(void)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	char nothing = 0;
	struct iovec byte = {&nothing, 1};
	struct msghdr message = {
		.msg_iov = &byte,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int ends[2];

	hold_for_writing();
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &files[0].fd, sizeof(int));
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) || sendmsg(ends[0], &message, 0) != 1)
		_exit(1);
	drive_file_close(&files[0]);
}

/* The alarm ends it, and with it the socket. */
static void hide_for_a_moment(void)
{
	const struct itimerval moment = {.it_value.tv_usec = MOMENT_US};

	hide_in_a_socket();
	if (setitimer(ITIMER_REAL, &moment, NULL))
		_exit(1);
}

static void expect_in_use_by(pid_t holder)
{
	char name[COMM_BYTES] = "";
	char text[REASON_MAX_BYTES];
	int fd = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);

	assert_true(read(fd, name, sizeof(name) - 1) > 0);
	close(fd);
	name[strcspn(name, "\n")] = '\0';
	snprintf(text, sizeof(text),
		 "drives[0].path_on_host: disk is in use by another process (pid %d, %s)", holder,
		 name);
	expect_refusal(0, -EBUSY, text);
}

static void a_file_is_opened_and_measured(void **state)
{
	struct stat status;
	int flags;

	(void)state;
	assert_opens(0);
	flags = fcntl(files[0].fd, F_GETFL);
	assert_int_equal(flags & O_ACCMODE, O_RDWR);
	assert_int_equal(flags & (O_NONBLOCK | O_DIRECT), 0);
	assert_int_equal(fcntl(files[0].fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fstat(files[0].fd, &status), 0);
	assert_int_equal(files[0].size_bytes, DISK_BYTES);
	assert_int_equal(files[0].left_out_bytes, 0);
	assert_int_equal(files[0].block_bytes, 512);
	assert_int_equal(files[0].physical_block_bytes,
			 status.st_blksize < 4096 ? status.st_blksize : 4096);
	assert_int_equal(files[0].buffer_alignment_bytes, 1);
	assert_false(files[0].is_direct);
}

static void read_only_is_read_only(void **state)
{
	(void)state;
	drives[0].path_on_host = "read-only";
	drives[0].is_read_only = true;
	assert_opens(0);
	assert_int_equal(fcntl(files[0].fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	assert_int_equal(write(files[0].fd, "", 1), -1);
}

static void only_whole_blocks_count(void **state)
{
	(void)state;
	drives[0].path_on_host = "odd";
	drives[1].path_on_host = "sector";
	drives[2].path_on_host = "short";
	drives[3].path_on_host = "empty";
	assert_opens(0);
	assert_int_equal(files[0].size_bytes, DISK_BYTES);
	assert_int_equal(files[0].left_out_bytes, 100);
	assert_opens(1);
	assert_int_equal(files[1].size_bytes, 512);
	expect_refusal(2, -EINVAL,
		       "drives[2].path_on_host: short holds no whole block of 512 bytes");
	expect_refusal(3, -EINVAL,
		       "drives[3].path_on_host: empty holds no whole block of 512 bytes");
}

struct wrong {
	const char *path;
	int error;
	const char *text; /* with %s for the way of opening where that is told */
};

static void what_is_no_disk_is_named(void **state)
{
	static const struct wrong wrongs[] = {
		{"folder", -EINVAL, "folder is a directory, not a regular file or a block device"},
		{"fifo", -EINVAL, "fifo is a FIFO, not a regular file or a block device"},
		{"socket", -EINVAL, "socket is a socket, not a regular file or a block device"},
		{"/dev/null", -EINVAL,
		 "/dev/null is a character device, not a regular file or a block device"},
		{"absent", -ENOENT,
		 "absent cannot be opened for reading%s: No such file or directory"},
		{"loop", -ELOOP,
		 "loop cannot be opened for reading%s: Too many levels of symbolic links"},
		{"disk/below", -ENOTDIR,
		 "disk/below cannot be opened for reading%s: Not a directory"},
	};
	char text[REASON_MAX_BYTES];
	char wanted[REASON_MAX_BYTES];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(wrongs) / sizeof(*wrongs); i++) {
		const struct wrong *wrong = &wrongs[i / 2];
		const char *how = i % 2 ? " and writing" : "";
		const char *hole = strstr(wrong->text, "%s");
		int head = hole ? (int)(hole - wrong->text) : (int)strlen(wrong->text);

		drives[7].path_on_host = wrong->path;
		drives[7].is_read_only = i % 2 == 0;
		snprintf(text, sizeof(text), "%.*s%s%s", head, wrong->text, hole ? how : "",
			 hole ? hole + 2 : "");
		snprintf(wanted, sizeof(wanted), "drives[7].path_on_host: %.200s", text);
		expect_refusal(7, wrong->error, wanted);
	}
}

static void a_long_path_leaves_room_for_the_reason(void **state)
{
	char path[300];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	memcpy(path + sizeof(path) - 6, "/disk", 5);
	drives[0].path_on_host = path;
	assert_int_equal(drive_file_open(files, drives, 0, &reason), -ENAMETOOLONG);
	assert_non_null(strstr(reason.text, "path_on_host: ...xxx"));
	assert_non_null(strstr(reason.text,
			       "xxx/disk cannot be opened for reading and writing: File name too "
			       "long"));
}

static void skip_unless_root(void)
{
	if (geteuid() == 0)
		return;
	print_message("skipped: only root can become another user\n");
	skip();
}

/* Run as a user who is not root. */
static void as_nobody(void (*body)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (setgid(NOBODY) || setuid(NOBODY))
			_exit(2);
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* As expect_refusal(), in a child, where cmocka's own way of failing is not to be had. */
static void claim_refusal(int error, const char *text)
{
	if (drive_file_open(files, drives, 0, &reason) == error && strcmp(reason.text, text) == 0)
		return;
	fprintf(stderr, "got: %s\n", reason.text);
	_exit(1);
}

static void open_without_permission(void)
{
	drives[0].path_on_host = "read-only";
	claim_refusal(-EACCES, "drives[0].path_on_host: read-only cannot be opened for reading and "
			       "writing: Permission denied (is_read_only is false)");
}

static void permission_is_told_with_the_key_that_would_do(void **state)
{
	(void)state;
	skip_unless_root();
	as_nobody(open_without_permission);
}

static void a_writer_keeps_all_others_out(void **state)
{
	pid_t holder = start_holder(hold_for_writing);

	(void)state;
	expect_in_use_by(holder);
	drives[0].is_read_only = true;
	expect_in_use_by(holder);
	end_holder(holder);
	assert_opens(0);
}

static void a_reader_keeps_writers_out(void **state)
{
	pid_t holder = start_holder(hold_for_reading);

	(void)state;
	expect_in_use_by(holder);
	drives[0].is_read_only = true;
	assert_opens(0);
	end_holder(holder);
}

static void a_lock_of_a_process_counts(void **state)
{
	pid_t holder = start_holder(hold_classically);

	(void)state;
	expect_in_use_by(holder);
	end_holder(holder);
	assert_opens(0);
}

/* flock(2) is another kind of lock, and util-linux' flock runs monitors under it. */
static void a_flock_does_not_count(void **state)
{
	pid_t holder = start_holder(hold_by_flock);

	(void)state;
	assert_opens(0);
	end_holder(holder);
}

/* The child inherits the description, so the lock outlives the process that took it. */
static void an_inherited_descriptor_holds_the_lock(void **state)
{
	pid_t holder;

	(void)state;
	assert_opens(0);
	holder = start_holder(hold_what_was_inherited);
	drive_file_close(&files[0]);
	files[0] = untouched;
	expect_in_use_by(holder);
	end_holder(holder);
	assert_opens(0);
}

static void meet_a_hidden_holder(void)
{
	claim_refusal(-EBUSY, "drives[0].path_on_host: disk is in use by another process");
}

static void a_holder_that_cannot_be_seen_has_no_pid(void **state)
{
	pid_t holder;

	(void)state;
	skip_unless_root();
	holder = start_holder(hold_for_writing);
	as_nobody(meet_a_hidden_holder);
	end_holder(holder);
}

static void a_lock_that_nobody_holds_is_waited_for(void **state)
{
	pid_t holder = start_holder(hide_in_a_socket);

	(void)state;
	expect_refusal(0, -EBUSY, "drives[0].path_on_host: disk is in use by another process");
	end_holder(holder);
	holder = start_holder(hide_for_a_moment);
	assert_opens(0);
	assert_int_equal(waitpid(holder, NULL, 0), holder);
}

static void unlocking_lets_others_in(void **state)
{
	(void)state;
	assert_opens(0);
	drive_file_unlock(&files[0]);
	assert_opens(1);
}

static void expect_twin(const char *name, bool first_is_read_only, bool second_is_read_only)
{
	char text[REASON_MAX_BYTES];

	drives[1].is_read_only = first_is_read_only;
	drives[2].is_read_only = second_is_read_only;
	drives[2].path_on_host = name;
	assert_opens(1);
	snprintf(text, sizeof(text),
		 "drives[2].path_on_host: %s is the file of drives[1].path_on_host, for which this "
		 "process has locked it; both would have to be is_read_only",
		 name);
	expect_refusal(2, -EBUSY, text);
	drive_file_close(&files[1]);
}

static void one_file_twice_is_for_reading_only(void **state)
{
	(void)state;
	drives[0].path_on_host = "odd";
	assert_opens(0);
	expect_twin("disk", false, false);
	expect_twin("disk", true, false);
	expect_twin("disk", false, true);
	expect_twin("symlink", false, false);
	expect_twin("hard-link", false, false);
	drives[1].is_read_only = true;
	drives[2].is_read_only = true;
	assert_opens(1);
	assert_opens(2);
}

/* A path that is a descriptor, as a process that runs mote leaves it open. */
static const char *hand_over(char path[PATH_BYTES], const char *folder_of_it, int fd)
{
	assert_int_equal(fcntl(fd, F_SETFD, 0), 0);
	snprintf(path, PATH_BYTES, "%s/%d", folder_of_it, fd);
	return path;
}

static void a_descriptor_can_be_named(void **state)
{
	char path[PATH_BYTES];
	int fd = open("disk", O_RDWR | O_APPEND | O_CLOEXEC);

	(void)state;
	drives[0].path_on_host = hand_over(path, "/dev/fd", fd);
	assert_opens(0);
	assert_int_not_equal(files[0].fd, fd);
	assert_int_equal(files[0].size_bytes, DISK_BYTES);
	assert_int_equal(fcntl(files[0].fd, F_GETFL) & O_APPEND, 0);
	drive_file_unlock(&files[0]);
	drive_file_close(&files[0]);
	drives[0].path_on_host = hand_over(path, "/proc/self/fd", fd);
	assert_opens(0);
	close(fd);
}

static void a_descriptor_must_fit(void **state)
{
	char path[PATH_BYTES];
	char text[REASON_MAX_BYTES];
	int fd = open("disk", O_RDONLY | O_CLOEXEC);

	(void)state;
	drives[0].path_on_host = hand_over(path, "/dev/fd", fd);
	snprintf(text, sizeof(text),
		 "drives[0].path_on_host: %s is open for reading only, and is_read_only is false",
		 path);
	expect_refusal(0, -EACCES, text);
	drives[0].is_read_only = true;
	assert_opens(0);
	drive_file_close(&files[0]);
	files[0] = untouched;
	close(fd);
	snprintf(text, sizeof(text), "drives[0].path_on_host: %s is not open", path);
	expect_refusal(0, -EBADF, text);
}

/* One description is one holder to the kernel: its lock keeps none of its sharers out. */
static void one_descriptor_is_one_drive(void **state)
{
	char path[PATH_BYTES];
	int fd = open("disk", O_RDWR | O_CLOEXEC);

	(void)state;
	drives[1].path_on_host = hand_over(path, "/dev/fd", fd);
	expect_twin(path, false, false);
	close(fd);
	fd = open("disk", O_RDWR | O_CLOEXEC);
	hand_over(path, "/dev/fd", fd);
	expect_twin(path, true, false);
	drives[2].is_read_only = true;
	assert_opens(1);
	assert_opens(2);
	close(fd);
}

static void hold_what_was_handed_over(void)
{
	prctl(PR_SET_NAME, "holder");
	hold_for_writing();
}

static void one_descriptor_is_one_process(void **state)
{
	char path[PATH_BYTES];
	char text[REASON_MAX_BYTES];
	int fd = open("disk", O_RDWR | O_CLOEXEC);
	pid_t holder;

	(void)state;
	drives[0].path_on_host = hand_over(path, "/dev/fd", fd);
	holder = start_holder(hold_what_was_handed_over);
	snprintf(text, sizeof(text),
		 "drives[0].path_on_host: %s is in use by another process (pid %d, holder)", path,
		 holder);
	expect_refusal(0, -EBUSY, text);
	end_holder(holder);
	close(fd);
}

static int handed_over_fd;

static void open_without_asking(void)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "/dev/fd/%d", handed_over_fd);
	drives[0].path_on_host = path;
	if (drive_file_open(files, drives, 0, &reason) == 0)
		return;
	fprintf(stderr, "got: %s\n", reason.text);
	_exit(1);
}

static void permission_comes_with_the_descriptor(void **state)
{
	(void)state;
	skip_unless_root();
	handed_over_fd = open("read-only", O_RDWR);
	assert_int_equal(fchmod(handed_over_fd, 0), 0);
	as_nobody(open_without_asking);
	assert_int_equal(fchmod(handed_over_fd, 0444), 0);
	close(handed_over_fd);
}

static void memory_is_told_from_a_disk(void **state)
{
	struct statfs system;
	char path[PATH_BYTES];
	int fd = memfd_create("drive", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(fd, DISK_BYTES), 0);
	drives[0].path_on_host = hand_over(path, "/proc/self/fd", fd);
	assert_opens(0);
	assert_true(files[0].in_memory);
	close(fd);
	drives[1].path_on_host = "/proc/self/exe";
	drives[1].is_read_only = true;
	assert_opens(1);
	assert_int_equal(fstatfs(files[1].fd, &system), 0);
	assert_int_equal(files[1].in_memory, system.f_type == TMPFS_MAGIC);
}

/* Whatever alignment was learnt must do for a transfer. */
static void direct_files_can_be_read_as_told(void **state)
{
	void *buffer = NULL;

	(void)state;
	drives[0].direct = true;
	if (drive_file_open(files, drives, 0, &reason)) {
		print_message("skipped: no direct I/O under /tmp: %s\n", reason.text);
		skip();
	}
	assert_true(files[0].is_direct);
	assert_int_equal(fcntl(files[0].fd, F_GETFL) & (O_DIRECT | O_NONBLOCK), O_DIRECT);
	assert_in_range(files[0].block_bytes, 512, 4096);
	assert_in_range(files[0].physical_block_bytes, files[0].block_bytes, 4096);
	assert_int_equal(posix_memalign(&buffer, 4096, (size_t)8192), 0);
	assert_int_equal(pread(files[0].fd, (char *)buffer + files[0].buffer_alignment_bytes,
			       files[0].block_bytes, files[0].block_bytes),
			 files[0].block_bytes);
	free(buffer);
}

static void a_file_system_without_direct_io_is_named(void **state)
{
	(void)state;
	drives[0].path_on_host = "/proc/version";
	drives[0].is_read_only = true;
	drives[0].direct = true;
	expect_refusal(0, -EINVAL,
		       "drives[0].path_on_host: /proc/version is in mote.direct_io, and its file "
		       "system has no direct I/O");
}

/* A loop device over "odd", or -1 where there is none to be had. */
static int attach_loop(char *path, size_t path_bytes, uint32_t block_bytes)
{
	struct loop_config config = {.block_size = block_bytes};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int number = ioctl(control, LOOP_CTL_GET_FREE);
	int backing = open("odd", O_RDWR | O_CLOEXEC);
	int loop;

	snprintf(path, path_bytes, "/dev/loop%d", number);
	loop = number < 0 ? -1 : open(path, O_RDWR | O_CLOEXEC);
	config.fd = (uint32_t)backing;
	if (loop >= 0 && ioctl(loop, LOOP_CONFIGURE, &config)) {
		close(loop);
		loop = -1;
	}
	close(backing);
	close(control);
	return loop;
}

static void block_devices_are_claimed_and_measured(void **state)
{
	char path[64];
	char text[REASON_MAX_BYTES];
	int loop = attach_loop(path, sizeof(path), 4096);
	int claim;

	(void)state;
	if (loop < 0) {
		print_message("skipped: no loop device here: %s\n", strerror(errno));
		skip();
	}
	drives[0].path_on_host = path;
	assert_opens(0);
	assert_int_equal(files[0].size_bytes, DISK_BYTES);
	assert_int_equal(files[0].block_bytes, 4096);
	assert_int_equal(files[0].physical_block_bytes, 4096);
	assert_false(files[0].in_memory);
	assert_int_equal(open(path, O_RDWR | O_EXCL | O_CLOEXEC), -1);
	drives[1].path_on_host = path;
	snprintf(text, sizeof(text),
		 "drives[1].path_on_host: %s is the file of drives[0].path_on_host, for which this "
		 "process has locked it; both would have to be is_read_only",
		 path);
	expect_refusal(1, -EBUSY, text);
	drive_file_close(&files[0]);
	files[0] = untouched;

	claim = open(path, O_RDWR | O_EXCL | O_CLOEXEC);
	snprintf(text, sizeof(text),
		 "drives[0].path_on_host: %s is in use: mounted here, part of another device, or "
		 "held by another process",
		 path);
	expect_refusal(0, -EBUSY, text);
	close(claim);
	assert_int_equal(ioctl(loop, LOOP_CLR_FD), 0);
	close(loop);
}

static void closing_takes_what_is_not_open(void **state)
{
	struct drive_file file = untouched;
	int before = open_fds();

	(void)state;
	drive_file_close(&file);
	assert_int_equal(open_fds(), before);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_is_opened_and_measured),
		TEST(read_only_is_read_only),
		TEST(only_whole_blocks_count),
		TEST(what_is_no_disk_is_named),
		TEST(a_long_path_leaves_room_for_the_reason),
		TEST(permission_is_told_with_the_key_that_would_do),
		TEST(a_writer_keeps_all_others_out),
		TEST(a_reader_keeps_writers_out),
		TEST(a_lock_of_a_process_counts),
		TEST(a_flock_does_not_count),
		TEST(an_inherited_descriptor_holds_the_lock),
		TEST(a_holder_that_cannot_be_seen_has_no_pid),
		TEST(a_lock_that_nobody_holds_is_waited_for),
		TEST(unlocking_lets_others_in),
		TEST(one_file_twice_is_for_reading_only),
		TEST(a_descriptor_can_be_named),
		TEST(a_descriptor_must_fit),
		TEST(one_descriptor_is_one_drive),
		TEST(one_descriptor_is_one_process),
		TEST(permission_comes_with_the_descriptor),
		TEST(memory_is_told_from_a_disk),
		TEST(direct_files_can_be_read_as_told),
		TEST(a_file_system_without_direct_io_is_named),
		TEST(block_devices_are_claimed_and_measured),
		TEST(closing_takes_what_is_not_open),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
