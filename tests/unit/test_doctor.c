/* SPDX-License-Identifier: MIT */
/* tests/unit/test_doctor.c - doctor's judgement of made-up hosts, and what it prints. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>

#include "monitor/cpuid_file.h"
#include "monitor/doctor_child.h"
#include "monitor/doctor_files.h"
#include "monitor/doctor_host.h"
#include "monitor/doctor_kvm.h"
#include "monitor/doctor_prepared.h"
#include "monitor/doctor_process.h"
#include "monitor/doctor_report.h"
#include "monitor/doctor_trial.h"
#include "monitor/prepared.h"

#define PARAMETERS "/sys/module/kvm/parameters/"
#define ITLB       "/sys/devices/system/cpu/vulnerabilities/itlb_multihit"
#define RELEASE    "/proc/sys/kernel/osrelease"
#define MOUNTINFO  "/proc/self/mountinfo"

/* A host of its own for each test: an empty folder, removed afterwards. */
struct host {
	char root[64];
	struct doctor_files files;
	struct doctor_report report;
};

static int make_host(void **state)
{
	struct host *host = calloc(1, sizeof(*host));

	assert_non_null(host);
	strcpy(host->root, "/tmp/mote-doctor-XXXXXX");
	assert_non_null(mkdtemp(host->root));
	host->files.root = host->root;
	*state = host;
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static int remove_host(void **state)
{
	struct host *host = *state;
	int result = nftw(host->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);

	free(host);
	return result;
}

/* The full path of `path` on that host, with all folders above it there. */
static void make_path(const struct host *host, const char *path, char *full, size_t size)
{
	assert_true((size_t)snprintf(full, size, "%s%s", host->root, path) < size);
	for (char *slash = full + strlen(host->root) + 1; (slash = strchr(slash, '/')) != NULL;
	     slash++) {
		*slash = '\0';
		assert_true(mkdir(full, 0700) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

static void put(const struct host *host, const char *path, const char *text)
{
	char full[256];
	FILE *file;

	make_path(host, path, full, sizeof(full));
	file = fopen(full, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* The finding of that name is there, has that level, and a remedy if it should have one. */
static const struct doctor_finding *expect(const struct host *host, const char *name,
					   enum doctor_level level)
{
	const struct doctor_finding *finding = doctor_report_find(&host->report, name);

	assert_non_null(finding);
	assert_int_equal(finding->level, level);
	if (level == DOCTOR_OK)
		assert_string_equal(finding->remedy, "");
	if (level >= DOCTOR_WARN)
		assert_string_not_equal(finding->remedy, "");
	return finding;
}

static void clear(struct host *host)
{
	memset(&host->report, 0, sizeof(host->report));
}

static void missing_kvm_fails(void **state)
{
	struct host *host = *state;

	doctor_kvm_device(&host->files, &host->report);
	assert_non_null(strstr(expect(host, "kvm-device", DOCTOR_FAIL)->remedy, "modprobe"));
	doctor_trial_vms(&host->files, &host->report);
	assert_int_equal(host->report.count, 1);
	assert_int_equal(doctor_report_level(&host->report), DOCTOR_FAIL);
}

static void something_else_for_kvm_fails(void **state)
{
	struct host *host = *state;
	char full[256];

	put(host, "/dev/kvm", "");
	doctor_kvm_device(&host->files, &host->report);
	assert_string_equal(expect(host, "kvm-device", DOCTOR_FAIL)->value, "/dev/kvm is not KVM");

	/* Nobody is at the other end, which must not make doctor wait. */
	clear(host);
	make_path(host, "/dev/kvm", full, sizeof(full));
	assert_int_equal(unlink(full), 0);
	assert_int_equal(mkfifo(full, 0600), 0);
	doctor_kvm_device(&host->files, &host->report);
	expect(host, "kvm-device", DOCTOR_FAIL);
}

static void unreadable_kvm_names_the_group(void **state)
{
	enum {
		NOBODY = 65534
	};
	const uid_t user = geteuid();
	struct host *host = *state;
	char full[256];

	put(host, "/dev/kvm", "");
	make_path(host, "/dev/kvm", full, sizeof(full));
	assert_int_equal(chmod(full, 0), 0);
	assert_int_equal(chmod(host->root, 0755), 0);
	/* Root may open anything, so it steps down for the question. */
	if (user == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	doctor_kvm_device(&host->files, &host->report);
	if (user == 0)
		assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(expect(host, "kvm-device", DOCTOR_FAIL)->remedy, "usermod"));
}

static void provider_is_told_by_modules(void **state)
{
	static const struct {
		const char *path;
		const char *value;
		const char *provider;
		const char *paging;
		enum doctor_level provider_level;
		enum doctor_level paging_level;
	} cases[] = {
		{"/sys/module/kvm_intel/parameters/ept", "Y\n", "kvm_intel (VT-x)", "EPT",
		 DOCTOR_OK, DOCTOR_OK},
		{"/sys/module/kvm_intel/parameters/ept", "N\n", "kvm_intel (VT-x)",
		 "none (shadow paging)", DOCTOR_OK, DOCTOR_WARN},
		{"/sys/module/kvm_intel/parameters/vpid", "Y\n", "kvm_intel (VT-x)",
		 "EPT: No such file or directory", DOCTOR_OK, DOCTOR_INFO},
		{"/sys/module/kvm_amd/parameters/npt", "1\n", "kvm_amd (AMD-V)", "NPT", DOCTOR_OK,
		 DOCTOR_OK},
		{"/sys/module/kvm_soft/parameters/x", "1\n", "kvm_soft (software KVM)",
		 "none (shadow paging)", DOCTOR_WARN, DOCTOR_WARN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct host *host;

		make_host((void **)&host);
		put(host, PARAMETERS "tdp_mmu", "Y\n");
		put(host, cases[i].path, cases[i].value);
		doctor_kvm_provider(&host->files, &host->report);
		assert_string_equal(expect(host, "kvm-provider", cases[i].provider_level)->value,
				    cases[i].provider);
		assert_string_equal(expect(host, "nested-paging", cases[i].paging_level)->value,
				    cases[i].paging);
		remove_host((void **)&host);
	}
}

static void provider_may_be_unknown(void **state)
{
	struct host *host = *state;

	doctor_kvm_provider(&host->files, &host->report);
	expect(host, "kvm-provider", DOCTOR_INFO);
	assert_null(doctor_report_find(&host->report, "nested-paging"));
}

static void nx_huge_pages_follow_the_cpu(void **state)
{
	static const struct {
		const char *bug;
		const char *value;
		enum doctor_level level;
	} cases[] = {
		{"Not affected\n", "never\n", DOCTOR_OK},
		{"Not affected\n", "N\n", DOCTOR_WARN},
		{"Not affected\n", "Y\n", DOCTOR_WARN},
		{"KVM: Mitigation: Split huge pages\n", "Y\n", DOCTOR_INFO},
		{"KVM: Vulnerable\n", "N\n", DOCTOR_WARN},
		{"KVM: Vulnerable\n", "never\n", DOCTOR_WARN},
	};
	struct host *host = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clear(host);
		put(host, ITLB, cases[i].bug);
		put(host, PARAMETERS "nx_huge_pages", cases[i].value);
		doctor_kvm_nx_huge_pages(&host->files, &host->report);
		expect(host, "nx-huge-pages", cases[i].level);
	}
	/* Turning a mitigation off is never advised where the CPU may need it. */
	assert_null(strstr(expect(host, "nx-huge-pages", DOCTOR_WARN)->remedy, "never"));
}

static void kvm_parameters_may_be_absent(void **state)
{
	struct host *host = *state;

	doctor_kvm_nx_huge_pages(&host->files, &host->report);
	doctor_kvm_enable_virt_at_load(&host->files, &host->report);
	doctor_kvm_tdp_mmu(&host->files, &host->report);
	expect(host, "nx-huge-pages", DOCTOR_INFO);
	expect(host, "enable-virt-at-load", DOCTOR_INFO);
	expect(host, "tdp-mmu", DOCTOR_INFO);
	assert_int_equal(doctor_report_level(&host->report), DOCTOR_OK);
}

static void kvm_parameters_that_slow_a_start(void **state)
{
	struct host *host = *state;

	put(host, PARAMETERS "enable_virt_at_load", "Y\n");
	doctor_kvm_enable_virt_at_load(&host->files, &host->report);
	expect(host, "enable-virt-at-load", DOCTOR_OK);

	clear(host);
	put(host, PARAMETERS "enable_virt_at_load", "N\n");
	doctor_kvm_enable_virt_at_load(&host->files, &host->report);
	expect(host, "enable-virt-at-load", DOCTOR_WARN);

	/* Without nested paging there is nothing that the TDP MMU could do. */
	put(host, PARAMETERS "tdp_mmu", "N\n");
	doctor_kvm_tdp_mmu(&host->files, &host->report);
	expect(host, "tdp-mmu", DOCTOR_INFO);
	clear(host);
	put(host, "/sys/module/kvm_amd/parameters/npt", "Y\n");
	doctor_kvm_provider(&host->files, &host->report);
	doctor_kvm_tdp_mmu(&host->files, &host->report);
	expect(host, "tdp-mmu", DOCTOR_WARN);
}

static void kernel_versions(void **state)
{
	static const struct {
		const char *release;
		unsigned long version;
		enum doctor_level level;
	} cases[] = {
		{"6.12.9-cloud-amd64\n", DOCTOR_KERNEL(6, 12), DOCTOR_OK},
		{"5.9.0\n", DOCTOR_KERNEL(5, 9), DOCTOR_OK},
		{"5.8.18\n", DOCTOR_KERNEL(5, 8), DOCTOR_FAIL},
		{"4.19.0-27\n", DOCTOR_KERNEL(4, 19), DOCTOR_FAIL},
		{"10.0\n", DOCTOR_KERNEL(10, 0), DOCTOR_OK},
		{"", 0, DOCTOR_INFO},
		{"six.1", 0, DOCTOR_INFO},
		{"6", 0, DOCTOR_INFO},
		{"99999999999999999999.1", 0, DOCTOR_INFO},
	};
	struct host *host = *state;

	assert_int_equal(doctor_files_kernel(&host->files), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clear(host);
		put(host, RELEASE, cases[i].release);
		assert_int_equal(doctor_files_kernel(&host->files), cases[i].version);
		doctor_host_kernel(&host->files, &host->report);
		expect(host, "kernel", cases[i].level);
	}
}

#define ROOT_MOUNT "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard\n"
#define V1_MOUNT   "32 31 0:29 / /sys/fs/cgroup/cpu rw master:3 - cgroup cgroup rw,cpu\n"
#define V2_MOUNT   "33 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
#define V2_DYNAMIC "33 31 0:38 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate,favordynmods\n"

static void cgroups_by_mounts(void **state)
{
	static const struct {
		const char *mounts;
		const char *release;
		const char *version;
		enum doctor_level cgroup;
		enum doctor_level favordynmods;
	} cases[] = {
		{ROOT_MOUNT V2_DYNAMIC, "6.1.0", "v2", DOCTOR_OK, DOCTOR_OK},
		{ROOT_MOUNT V2_MOUNT, "6.1.0", "v2", DOCTOR_OK, DOCTOR_WARN},
		{ROOT_MOUNT V2_MOUNT, "5.15.0", "v2", DOCTOR_OK, DOCTOR_OK},
		{V1_MOUNT, "6.1.0", "v1", DOCTOR_WARN, DOCTOR_WARN},
		{V1_MOUNT V2_DYNAMIC, "6.1.0", "hybrid (v1 and v2)", DOCTOR_WARN, DOCTOR_OK},
	};
	struct host *host = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		clear(host);
		put(host, MOUNTINFO, cases[i].mounts);
		put(host, RELEASE, cases[i].release);
		doctor_host_mounts(&host->files, &host->report);
		assert_string_equal(expect(host, "cgroup", cases[i].cgroup)->value,
				    cases[i].version);
		expect(host, "favordynmods", cases[i].favordynmods);
	}
	assert_string_equal(expect(host, "mounts", DOCTOR_OK)->value, "2");
}

static void cgroups_without_mounts(void **state)
{
	struct host *host = *state;

	doctor_host_mounts(&host->files, &host->report);
	expect(host, "mounts", DOCTOR_INFO);
	assert_int_equal(host->report.count, 1);

	/* Neither an option of another file system nor a line cut short counts. */
	clear(host);
	put(host, MOUNTINFO,
	    "1 2 0:3 / / rw - ext4 cgroup2 rw,favordynmods\n"
	    "1 2 0:3 / / rw - cgroup2\n"
	    "1 2 0:3 / / rw -");
	doctor_host_mounts(&host->files, &host->report);
	assert_string_equal(expect(host, "mounts", DOCTOR_OK)->value, "3");
	expect(host, "cgroup", DOCTOR_WARN);
	assert_null(doctor_report_find(&host->report, "favordynmods"));
}

static void many_mounts_are_a_warning(void **state)
{
	struct host *host = *state;
	char *text = calloc(1001, sizeof(ROOT_MOUNT));

	assert_non_null(text);
	for (size_t i = 0; i < 1000; i++)
		memcpy(text + i * (sizeof(ROOT_MOUNT) - 1), ROOT_MOUNT, sizeof(ROOT_MOUNT));
	put(host, MOUNTINFO, text);
	free(text);
	doctor_host_mounts(&host->files, &host->report);
	assert_string_equal(expect(host, "mounts", DOCTOR_WARN)->value, "1000");
}

static void huge_pages(void **state)
{
	struct host *host = *state;

	doctor_host_huge_pages(&host->files, &host->report);
	expect(host, "transparent-huge-pages", DOCTOR_INFO);
	expect(host, "huge-pages-2m", DOCTOR_INFO);

	clear(host);
	put(host, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	put(host, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n");
	doctor_host_huge_pages(&host->files, &host->report);
	assert_string_equal(expect(host, "transparent-huge-pages", DOCTOR_OK)->value, "madvise");
	expect(host, "huge-pages-2m", DOCTOR_INFO);

	clear(host);
	put(host, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	put(host, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "64\n");
	doctor_host_huge_pages(&host->files, &host->report);
	expect(host, "transparent-huge-pages", DOCTOR_INFO);
	assert_string_equal(expect(host, "huge-pages-2m", DOCTOR_OK)->value, "64");
}

static void hz_is_one_that_linux_knows(void **state)
{
	struct host *host = *state;
	long hz;

	doctor_host_hz(&host->files, &host->report);
	hz = strtol(doctor_report_find(&host->report, "hz")->value, NULL, 10);
	assert_true(hz == 100 || hz == 250 || hz == 300 || hz == 1000);
}

static void missing_tun_is_a_warning(void **state)
{
	struct host *host = *state;

	doctor_process_tun(&host->files, &host->report);
	expect(host, "tun", DOCTOR_WARN);
	clear(host);
	put(host, "/dev/net/tun", "");
	doctor_process_tun(&host->files, &host->report);
	assert_string_equal(expect(host, "tun", DOCTOR_WARN)->value, "/dev/net/tun is no tun");
}

/* All steps of all rounds took 100 us, but one step in one or more rounds. */
static struct doctor_trial timed_trial(enum doctor_trial_step step, unsigned int slow_rounds)
{
	struct doctor_trial trial = {0};

	for (unsigned int i = 0; i < DOCTOR_TRIAL_STEPS; i++)
		for (unsigned int round = 0; round < DOCTOR_TRIAL_ROUNDS; round++)
			trial.step_us[i][round] = 100;
	for (unsigned int round = 0; round < slow_rounds; round++)
		trial.step_us[step][round] = DOCTOR_TRIAL_SLOW_US + 1;
	return trial;
}

/* An answer with one entry, from what lies at that host's /dev/kvm. */
static void put_answer(const struct host *host)
{
	static const struct kvm_cpuid_entry2 entry;
	struct cpuid_source source;
	char full[256];
	int kvm_fd;
	int fd;

	make_path(host, "/dev/kvm", full, sizeof(full));
	kvm_fd = open(full, O_RDONLY);
	assert_int_equal(cpuid_file_identify(&source, kvm_fd), 0);
	close(kvm_fd);
	source.entry_count = 1;
	make_path(host, PREPARED_DIRECTORY "/" CPUID_FILE_NAME, full, sizeof(full));
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_int_equal(write(fd, &source, sizeof(source)), sizeof(source));
	assert_int_equal(write(fd, &entry, sizeof(entry)), sizeof(entry));
	close(fd);
}

static const struct doctor_finding *look_for_prepared(struct host *host, enum doctor_level level)
{
	clear(host);
	doctor_prepared(&host->files, &host->report);
	return expect(host, "prepared", level);
}

static void an_unprepared_host_is_a_warning(void **state)
{
	struct host *host = *state;
	char full[256];

	doctor_prepared(&host->files, &host->report);
	assert_int_equal(host->report.count, 0);
	put(host, "/dev/kvm", "");
	assert_string_equal(look_for_prepared(host, DOCTOR_WARN)->value, "no");
	make_path(host, PREPARED_DIRECTORY "/x", full, sizeof(full));
	make_path(host, PREPARED_DIRECTORY, full, sizeof(full));
	assert_int_equal(chmod(full, 0777), 0);
	assert_string_equal(look_for_prepared(host, DOCTOR_WARN)->value,
			    PREPARED_DIRECTORY " is not root's alone");
}

/* Of a room a made-up host has none. */
static void a_prepared_host_is_told(void **state)
{
	struct host *host = *state;

	if (geteuid() != 0)
		skip();
	put(host, "/dev/kvm", "");
	put_answer(host);
	assert_string_equal(look_for_prepared(host, DOCTOR_WARN)->value, "KVM's CPUID only");
	put(host, PREPARED_DIRECTORY "/" CPUID_FILE_NAME, "not an answer");
	assert_string_equal(look_for_prepared(host, DOCTOR_WARN)->value, "no");
}

static void a_slow_step_is_a_warning(void **state)
{
	struct host *host = *state;
	struct doctor_trial trial = timed_trial(DOCTOR_TRIAL_CREATE_VM, 3);

	doctor_trial_judge_split(&trial, &host->report);
	assert_string_equal(expect(host, "trial-create-vm", DOCTOR_WARN)->value,
			    "5001 us, worst 5001 us");
	assert_string_equal(expect(host, "trial-create-vcpu", DOCTOR_OK)->value,
			    "100 us, worst 100 us");
	assert_int_equal(host->report.count, DOCTOR_TRIAL_STEPS);

	/* The minority does not make the median. */
	clear(host);
	trial = timed_trial(DOCTOR_TRIAL_CREATE_VM, 2);
	doctor_trial_judge_split(&trial, &host->report);
	assert_string_equal(expect(host, "trial-create-vm", DOCTOR_OK)->value,
			    "100 us, worst 5001 us");
}

static void a_failed_trial_fails(void **state)
{
	struct host *host = *state;
	struct doctor_trial trial = {.error = -EPERM, .failed = DOCTOR_TRIAL_VCPU};

	doctor_trial_judge_split(&trial, &host->report);
	assert_string_equal(expect(host, "trial", DOCTOR_FAIL)->value,
			    "KVM_CREATE_VCPU: Operation not permitted");
	doctor_trial_judge_kernel(&trial, &host->report);
	expect(host, "trial-irqchip-kernel", DOCTOR_WARN);

	clear(host);
	trial = timed_trial(DOCTOR_TRIAL_CLOSE, DOCTOR_TRIAL_ROUNDS);
	doctor_trial_judge_kernel(&trial, &host->report);
	assert_string_equal(expect(host, "trial-irqchip-kernel", DOCTOR_INFO)->value,
			    "500 us, close 5001 us");
}

static void a_cgroup_is_told_apart(void **state)
{
	struct host *host = *state;
	struct doctor_trial outside = timed_trial(DOCTOR_TRIAL_CREATE_VM, 0);
	struct doctor_trial inside = timed_trial(DOCTOR_TRIAL_CREATE_VM, 2);

	doctor_trial_judge_cgroup(&inside, &outside, &host->report);
	assert_string_equal(expect(host, "trial-create-vm-cgroup", DOCTOR_OK)->value,
			    "100 us in a group, 100 us without");
	clear(host);
	inside = timed_trial(DOCTOR_TRIAL_CREATE_VM, 3);
	doctor_trial_judge_cgroup(&inside, &outside, &host->report);
	assert_string_equal(expect(host, "trial-create-vm-cgroup", DOCTOR_WARN)->value,
			    "5001 us in a group, 100 us without");
	clear(host);
	inside.error = -EBUSY;
	doctor_trial_judge_cgroup(&inside, &outside, &host->report);
	assert_string_equal(expect(host, "trial-create-vm-cgroup", DOCTOR_WARN)->value,
			    "Device or resource busy");
}

static void attempt_answer(const void *argument, void *result)
{
	*(int *)result = *(const int *)argument + 1;
}

static void attempt_to_die(const void *argument, void *result)
{
	(void)argument;
	(void)result;
	raise(SIGKILL);
}

static void attempt_to_hang(const void *argument, void *result)
{
	(void)argument;
	(void)result;
	for (;;)
		pause();
}

static void children_report_die_or_are_ended(void **state)
{
	int argument = 41;
	int result = 7;

	(void)state;
	assert_int_equal(doctor_child_run(attempt_to_die, NULL, &result, sizeof(result)), -ECHILD);
	assert_int_equal(doctor_child_run(attempt_to_hang, NULL, &result, sizeof(result)),
			 -ETIMEDOUT);
	assert_int_equal(result, 7);
	assert_int_equal(doctor_child_run(attempt_answer, &argument, &result, sizeof(result)), 0);
	assert_int_equal(result, 42);
}

/* What a report prints; the caller frees it. */
static char *printed(const struct doctor_report *report, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(doctor_report_print(report, out, json), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void prints_aligned_lines(void **state)
{
	struct host *host = *state;
	char *text;

	doctor_add(&host->report, "a", DOCTOR_OK, "", "yes");
	doctor_add(&host->report, "longer", DOCTOR_FAIL, "do this", "%d", 1);
	doctor_add(&host->report, "b", DOCTOR_WARN, "do that", "%s",
		   "a value much too long to line all the others up with");
	text = printed(&host->report, false);
	assert_string_equal(
		text,
		"ok    a       yes\n"
		"fail  longer  1    - do this\n"
		"warn  b       a value much too long to line all the others up with  - do that\n");
	free(text);
}

static void prints_json(void **state)
{
	struct host *host = *state;
	char *text;

	doctor_add(&host->report, "a", DOCTOR_INFO, "", "say \"yes\"");
	doctor_add(&host->report, "b", DOCTOR_WARN, "do that", "\x1b[31m\xff\n");
	text = printed(&host->report, true);
	assert_string_equal(text,
			    "{\"checks\":["
			    "{\"name\":\"a\",\"level\":\"info\",\"value\":\"say \\\"yes\\\"\","
			    "\"remedy\":\"\"},"
			    "{\"name\":\"b\",\"level\":\"warn\",\"value\":\"?[31m??\","
			    "\"remedy\":\"do that\"}],\"status\":\"warn\"}\n");
	free(text);
}

static void a_full_disk_is_reported(void **state)
{
	struct host *host = *state;
	FILE *out = fopen("/dev/full", "w");

	assert_non_null(out);
	doctor_add(&host->report, "a", DOCTOR_OK, "", "yes");
	assert_int_equal(doctor_report_print(&host->report, out, false), -EIO);
	fclose(out);
}

#define host_test(function) cmocka_unit_test_setup_teardown(function, make_host, remove_host)

int main(void)
{
	const struct CMUnitTest tests[] = {
		host_test(missing_kvm_fails),
		host_test(something_else_for_kvm_fails),
		host_test(unreadable_kvm_names_the_group),
		cmocka_unit_test(provider_is_told_by_modules),
		host_test(provider_may_be_unknown),
		host_test(nx_huge_pages_follow_the_cpu),
		host_test(kvm_parameters_may_be_absent),
		host_test(kvm_parameters_that_slow_a_start),
		host_test(kernel_versions),
		host_test(cgroups_by_mounts),
		host_test(cgroups_without_mounts),
		host_test(many_mounts_are_a_warning),
		host_test(huge_pages),
		host_test(hz_is_one_that_linux_knows),
		host_test(missing_tun_is_a_warning),
		host_test(an_unprepared_host_is_a_warning),
		host_test(a_prepared_host_is_told),
		host_test(a_slow_step_is_a_warning),
		host_test(a_failed_trial_fails),
		host_test(a_cgroup_is_told_apart),
		cmocka_unit_test(children_report_die_or_are_ended),
		host_test(prints_aligned_lines),
		host_test(prints_json),
		host_test(a_full_disk_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
