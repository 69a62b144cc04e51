/* SPDX-License-Identifier: MIT */
/* tests/unit/test_prepared.c - what of a prepared directory is taken, and what is not. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "monitor/cpuid_file.h"
#include "monitor/prepared.h"
#include "tests/unit/jail_child.h"

enum {
	ENTRIES = 3,
	PATH_BYTES = 128,
};

/* The file with room for more than may be taken. */
struct answer {
	struct cpuid_source source;
	struct kvm_cpuid_entry2 entries[CPUID_ENTRIES_MAX + 2];
};

static char directory[] = "/tmp/mote-prepared-XXXXXX";
static char path[PATH_BYTES];
static int kvm_fd; /* any device will do, as nothing is asked of it */
static struct prepared prepared;
static struct answer answer;

static const char *path_of(const char *name)
{
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int make_directory(void **state)
{
	(void)state;
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	memset(&prepared, 0x5a, sizeof(prepared));
	kvm_fd = open("/dev/null", O_RDONLY);
	if (kvm_fd < 0 || !mkdtemp(directory) || cpuid_file_identify(&answer.source, kvm_fd))
		return -1;
	answer.source.entry_count = ENTRIES;
	for (uint32_t i = 0; i < CPUID_ENTRIES_MAX + 2; i++)
		answer.entries[i] = (struct kvm_cpuid_entry2){.function = i, .eax = ~i};
	return chmod(directory, 0755);
}

static int remove_directory(void **state)
{
	static const char *const names[] = {CPUID_FILE_NAME, PREPARED_MOUNTS, PREPARED_NETWORK};

	(void)state;
	prepared_close(&prepared);
	close(kvm_fd);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		remove(path_of(names[i]));
	return rmdir(directory);
}

static void put(const char *name, const void *content, size_t bytes)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, bytes), bytes);
	close(fd);
}

static size_t bytes_with(uint32_t entry_count)
{
	return sizeof(answer.source) + entry_count * sizeof(answer.entries[0]);
}

static void expect_nothing(void)
{
	assert_int_equal(prepared.mounts_fd, PREPARED_NONE);
	assert_int_equal(prepared.network_fd, PREPARED_NONE);
	assert_int_equal(prepared.cpuid.nent, 0);
}

static void look(uint32_t entry_count)
{
	assert_int_equal(prepared_open(&prepared, directory, kvm_fd), 0);
	assert_int_equal(prepared.cpuid.nent, entry_count);
	assert_memory_equal(prepared.cpuid.entries, answer.entries,
			    entry_count * sizeof(answer.entries[0]));
	prepared_close(&prepared);
}

/* Only what is root's is taken. */
static void need_to_be_root(void)
{
	if (geteuid() != 0) {
		print_message("only root can make what is taken\n");
		skip();
	}
}

static void nothing_is_taken_from_nowhere(void **state)
{
	(void)state;
	assert_int_equal(prepared_open(&prepared, NULL, kvm_fd), 0);
	expect_nothing();
	assert_int_equal(prepared_open(&prepared, path_of("no"), kvm_fd), -ENOENT);
	expect_nothing();
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	assert_int_equal(prepared_open(&prepared, path_of(CPUID_FILE_NAME), kvm_fd), -ENOTDIR);
	expect_nothing();
}

static void an_empty_directory_is_fine(void **state)
{
	(void)state;
	need_to_be_root();
	look(0);
	expect_nothing();
}

static void the_answer_is_taken(void **state)
{
	(void)state;
	need_to_be_root();
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	look(ENTRIES);
}

static void as_many_entries_as_there_is_room_for(void **state)
{
	(void)state;
	need_to_be_root();
	for (uint32_t count = CPUID_ENTRIES_MAX; count <= CPUID_ENTRIES_MAX + 2; count++) {
		answer.source.entry_count = count;
		put(CPUID_FILE_NAME, &answer, bytes_with(count));
		look(count == CPUID_ENTRIES_MAX ? count : 0);
	}
	/* Such that the product does not fit 32 bits. */
	answer.source.entry_count = UINT32_MAX / sizeof(answer.entries[0]) + 2;
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	look(0);
}

static void no_more_and_no_less_than_is_told(void **state)
{
	(void)state;
	need_to_be_root();
	for (size_t bytes = 0; bytes <= bytes_with(ENTRIES + 1); bytes++) {
		put(CPUID_FILE_NAME, &answer, bytes);
		look(bytes == bytes_with(ENTRIES) ? ENTRIES : 0);
	}
}

/* Magic, size of an entry, count, device, each module. */
static void the_answer_of_another_kvm_is_not(void **state)
{
	unsigned char *source = (unsigned char *)&answer.source;

	(void)state;
	need_to_be_root();
	for (size_t i = 0; i < sizeof(answer.source); i++) {
		source[i] ^= 0x80;
		put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
		look(0);
		source[i] ^= 0x80;
	}
}

static void the_answer_of_another_device_is_not(void **state)
{
	int other_fd = open("/dev/zero", O_RDONLY);

	(void)state;
	need_to_be_root();
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	assert_int_equal(prepared_open(&prepared, directory, other_fd), 0);
	expect_nothing();
	assert_int_equal(prepared_open(&prepared, directory, -1), 0);
	expect_nothing();
	close(other_fd);
}

static void a_new_mode_of_the_device_changes_nothing(void **state)
{
	struct stat before;

	(void)state;
	need_to_be_root();
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	assert_int_equal(fstat(kvm_fd, &before), 0);
	assert_int_equal(fchmod(kvm_fd, before.st_mode & 07777), 0);
	look(ENTRIES);
}

static void a_directory_that_others_can_change_is_not_used(void **state)
{
	static const mode_t modes[] = {0775, 0757, 0777, 01777};

	(void)state;
	need_to_be_root();
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		assert_int_equal(chmod(directory, modes[i]), 0);
		assert_int_equal(prepared_open(&prepared, directory, kvm_fd), -EPERM);
		expect_nothing();
	}
	assert_int_equal(chmod(directory, 0755), 0);
	assert_int_equal(chown(directory, NOBODY, NOBODY), 0);
	assert_int_equal(prepared_open(&prepared, directory, kvm_fd), -EPERM);
	expect_nothing();
	assert_int_equal(chown(directory, 0, NOBODY), 0);
	look(ENTRIES);
}

static void an_ordinary_users_own_is_not_used(void **state)
{
	(void)state;
	if (geteuid() == 0)
		assert_int_equal(chown(directory, NOBODY, NOBODY), 0);
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	assert_int_equal(prepared_open(&prepared, directory, kvm_fd), -EPERM);
	expect_nothing();
}

static void a_file_that_others_can_change_is_not_used(void **state)
{
	(void)state;
	need_to_be_root();
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	assert_int_equal(chmod(path_of(CPUID_FILE_NAME), 0664), 0);
	look(0);
	assert_int_equal(chmod(path, 0646), 0);
	look(0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	look(0);
}

/* Nor is anybody waited for. */
static void what_is_no_file_is_not_used(void **state)
{
	(void)state;
	need_to_be_root();
	assert_int_equal(mkfifo(path_of(CPUID_FILE_NAME), 0644), 0);
	assert_int_equal(mkfifo(path_of(PREPARED_MOUNTS), 0644), 0);
	look(0);
	expect_nothing();
	assert_int_equal(unlink(path_of(CPUID_FILE_NAME)), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	look(0);
	assert_int_equal(rmdir(path), 0);
	put(PREPARED_NETWORK, &answer, bytes_with(ENTRIES));
	assert_int_equal(symlink(PREPARED_NETWORK, path_of(CPUID_FILE_NAME)), 0);
	look(0);
	expect_nothing();
}

/* --- The room; namespaces of this process stand for empty ones --- */

static void bind_namespace(const char *kind, const char *name)
{
	char from[PATH_BYTES];

	snprintf(from, sizeof(from), "/proc/self/ns/%s", kind);
	close(open(path_of(name), O_WRONLY | O_CREAT, 0644));
	expect(mount(from, path, NULL, MS_BIND, NULL) == 0);
}

/* A mount namespace can only be bound in an older one, so its child's is what is bound. */
static void bind_mounts(const char *name)
{
	char from[PATH_BYTES];
	char to_tell;
	int ends[2];
	pid_t pid;

	expect(pipe(ends) == 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		expect(unshare(CLONE_NEWNS) == 0 && write(ends[1], "!", 1) == 1);
		pause();
	}
	expect(read(ends[0], &to_tell, 1) == 1);
	snprintf(from, sizeof(from), "/proc/%d/ns/mnt", pid);
	close(open(path_of(name), O_WRONLY | O_CREAT, 0644));
	expect(mount(from, path, NULL, MS_BIND, NULL) == 0);
	kill(pid, SIGKILL);
	wait_for(pid);
}

/* On one CPU, as the numbers of namespaces that are made on others may be lower. */
static void have_own_mounts(void)
{
	cpu_set_t first = {0};

	need_root();
	CPU_SET((size_t)sched_getcpu(), &first);
	expect(sched_setaffinity(0, sizeof(first), &first) == 0);
	expect(unshare(CLONE_NEWNS) == 0);
	expect(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	expect(mount("none", directory, "tmpfs", 0, "mode=0755") == 0);
}

static bool has_room(void)
{
	expect(prepared_open(&prepared, directory, kvm_fd) == 0);
	expect((prepared.mounts_fd < 0) == (prepared.network_fd < 0));
	return prepared.mounts_fd >= 0;
}

static void take_room(void)
{
	have_own_mounts();
	expect(!has_room());
	bind_mounts(PREPARED_MOUNTS);
	expect(!has_room());
	bind_namespace("net", PREPARED_NETWORK);
	expect(has_room());
	expect(fcntl(prepared.mounts_fd, F_GETFD) == FD_CLOEXEC);
	expect(fcntl(prepared.network_fd, F_GETFD) == FD_CLOEXEC);
	prepared_close(&prepared);
	expect(prepared.mounts_fd == PREPARED_NONE && prepared.network_fd == PREPARED_NONE);
	prepared_close(&prepared);
	/* Unmounted while it is looked at, it is a plain file. */
	expect(umount2(path_of(PREPARED_MOUNTS), MNT_DETACH) == 0);
	expect(!has_room());
}

static void a_room_is_both_or_nothing(void **state)
{
	(void)state;
	in_child(take_room);
}

static void take_others(void)
{
	have_own_mounts();
	bind_mounts(PREPARED_NETWORK);
	bind_namespace("net", PREPARED_MOUNTS);
	expect(!has_room());
	expect(umount2(path_of(PREPARED_NETWORK), 0) == 0);
	expect(umount2(path_of(PREPARED_MOUNTS), 0) == 0);
	bind_mounts(PREPARED_MOUNTS);
	bind_namespace("uts", PREPARED_NETWORK);
	expect(!has_room());
}

static void namespaces_of_other_kinds_are_no_room(void **state)
{
	(void)state;
	in_child(take_others);
}

/* Root there as well, and the directory is root's, but the room is one of the namespace above. */
static void take_from_below(void)
{
	int map_fd;

	have_own_mounts();
	bind_mounts(PREPARED_MOUNTS);
	bind_namespace("net", PREPARED_NETWORK);
	put(CPUID_FILE_NAME, &answer, bytes_with(ENTRIES));
	if (unshare(CLONE_NEWUSER))
		skip_child("no user namespaces here");
	map_fd = open("/proc/self/uid_map", O_WRONLY);
	expect(write(map_fd, "0 0 1", 5) == 5);
	expect(geteuid() == 0);
	expect(!has_room());
	expect(prepared.cpuid.nent == ENTRIES);
}

static void a_room_that_cannot_be_entered_is_none(void **state)
{
	(void)state;
	in_child(take_from_below);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_taken_from_nowhere),
		TEST(an_empty_directory_is_fine),
		TEST(the_answer_is_taken),
		TEST(as_many_entries_as_there_is_room_for),
		TEST(no_more_and_no_less_than_is_told),
		TEST(the_answer_of_another_kvm_is_not),
		TEST(the_answer_of_another_device_is_not),
		TEST(a_new_mode_of_the_device_changes_nothing),
		TEST(a_directory_that_others_can_change_is_not_used),
		TEST(an_ordinary_users_own_is_not_used),
		TEST(a_file_that_others_can_change_is_not_used),
		TEST(what_is_no_file_is_not_used),
		TEST(a_room_is_both_or_nothing),
		TEST(namespaces_of_other_kinds_are_no_room),
		TEST(a_room_that_cannot_be_entered_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
