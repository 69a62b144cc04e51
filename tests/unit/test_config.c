/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_config.c - every golden file with its exact errors, and the values that come out.
 *
 * Runs in the root of the sources: the golden files are tests/config/{accept,reject}.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/config.h"
#include "monitor/config_load.h"
#include "monitor/outcome.h"
#include "tests/unit/guard.h"

enum {
	GOLDEN_MIN = 70,
	GOLDEN_MAX_BYTES = 1 << 14,
};

static struct vm_config config;
static struct config_errors errors;

static size_t slurp(const char *path, char *buffer, size_t buffer_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t count;

	assert_true(fd >= 0);
	count = read(fd, buffer, buffer_bytes);
	assert_true(count >= 0 && (size_t)count < buffer_bytes);
	close(fd);
	buffer[count] = '\0';
	return (size_t)count;
}

/* Parse with the text right before an inaccessible page. */
static int parse_guarded(const char *text, size_t length_bytes)
{
	struct guard guard = guard_copy(text, length_bytes);
	int error = config_parse(&config, (const char *)guard.bytes, length_bytes, &errors);

	guard_release(&guard);
	return error;
}

static int parse(const char *text)
{
	return parse_guarded(text, strlen(text));
}

static void assert_zeroed(void)
{
	static const struct vm_config zero;

	assert_memory_equal(&config, &zero, sizeof(config));
}

static void join_errors(char *joined, size_t joined_bytes)
{
	size_t used = 0;

	joined[0] = '\0';
	assert_true(errors.count <= CONFIG_ERRORS_MAX);
	for (unsigned int i = 0; i < errors.count; i++)
		used += (size_t)snprintf(joined + used, joined_bytes - used, "%s\n",
					 errors.lines[i]);
}

static void check_accepted(const char *path)
{
	static char text[GOLDEN_MAX_BYTES];
	size_t length_bytes = slurp(path, text, sizeof(text));

	if (parse_guarded(text, length_bytes))
		fail_msg("%s: %s", path, errors.lines[0]);
	assert_int_equal(errors.count, 0);
	assert_non_null(config.boot_source.kernel_image_path);
	config_release(&config);
	assert_zeroed();
}

static void check_rejected(const char *path)
{
	static char text[GOLDEN_MAX_BYTES];
	static char expected[GOLDEN_MAX_BYTES];
	static char joined[GOLDEN_MAX_BYTES];
	char expected_path[512];
	size_t length_bytes = slurp(path, text, sizeof(text));

	snprintf(expected_path, sizeof(expected_path), "%.*s.expected",
		 (int)(strlen(path) - strlen(".json")), path);
	slurp(expected_path, expected, sizeof(expected));
	assert_int_equal(parse_guarded(text, length_bytes), -EINVAL);
	join_errors(joined, sizeof(joined));
	if (strcmp(joined, expected) != 0)
		fail_msg("%s:\nexpected\n%sfound\n%s", path, expected, joined);
	assert_zeroed();
}

static size_t for_each(const char *pattern, void (*check)(const char *path))
{
	glob_t paths;
	size_t count;

	assert_int_equal(glob(pattern, 0, NULL, &paths), 0);
	for (size_t i = 0; i < paths.gl_pathc; i++)
		check(paths.gl_pathv[i]);
	count = paths.gl_pathc;
	globfree(&paths);
	return count;
}

static void golden_files_hold(void **state)
{
	size_t count;

	(void)state;
	count = for_each("tests/config/accept/*.json", check_accepted);
	count += for_each("tests/config/reject/*.json", check_rejected);
	assert_true(count >= GOLDEN_MIN);
}

static void load_golden(const char *path)
{
	if (config_load(&config, path, &errors))
		fail_msg("%s: %s", path, errors.lines[0]);
}

static void defaults_are_firecrackers(void **state)
{
	(void)state;
	load_golden("tests/config/accept/minimal.json");
	assert_string_equal(config.boot_source.kernel_image_path, "vmlinux");
	assert_null(config.boot_source.initrd_path);
	assert_string_equal(config.boot_source.boot_args,
			    "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux "
			    "i8042.dumbkbd swiotlb=noforce");
	assert_int_equal(config.machine.vcpu_count, 1);
	assert_int_equal(config.machine.ram_bytes, 128 << 20);
	assert_false(config.machine.smt);
	assert_int_equal(config.machine.huge_pages, CONFIG_HUGE_PAGES_NONE);
	assert_int_equal(config.drive_count, 0);
	assert_int_equal(config.interface_count, 0);
	assert_false(config.vsock.present);
	assert_null(config.logger.log_path);
	assert_int_equal(config.logger.level, LOG_LEVEL_INFO);
	assert_null(config.metrics.metrics_path);
	assert_int_equal(config.mote.boot_protocol, CONFIG_PROTOCOL_AUTO);
	assert_int_equal(config.mote.irqchip, CONFIG_IRQCHIP_AUTO);
	assert_int_equal(config.mote.acpi, CONFIG_AUTO);
	assert_int_equal(config.mote.pit, CONFIG_AUTO);
	assert_false(config.mote.require_nested_paging);
	assert_int_equal(config.mote.timeout_ms, 0);
	assert_int_equal(config.mote.clean_outcomes, 0);
	config_release(&config);
}

static void every_key_arrives(void **state)
{
	(void)state;
	load_golden("tests/config/accept/typical.json");
	assert_string_equal(config.boot_source.initrd_path, "/srv/initrd.cpio");
	assert_string_equal(config.boot_source.boot_args,
			    "console=ttyS0 reboot=k panic=1 -- --verbose");
	assert_int_equal(config.machine.vcpu_count, 4);
	assert_int_equal(config.machine.ram_bytes, 1024 << 20);
	assert_true(config.machine.smt);
	assert_int_equal(config.machine.huge_pages, CONFIG_HUGE_PAGES_2M);
	assert_string_equal(config.logger.log_path, "log");
	assert_int_equal(config.logger.level, LOG_LEVEL_DEBUG);
	assert_true(config.logger.show_level);
	assert_true(config.logger.show_log_origin);
	assert_string_equal(config.metrics.metrics_path, "metrics");
	assert_int_equal(config.mote.boot_protocol, CONFIG_PROTOCOL_LINUX64);
	assert_int_equal(config.mote.irqchip, CONFIG_IRQCHIP_KERNEL);
	assert_int_equal(config.mote.acpi, CONFIG_ON);
	assert_int_equal(config.mote.pit, CONFIG_ON);
	assert_true(config.mote.require_nested_paging);
	assert_int_equal(config.mote.timeout_ms, 1500);
	assert_int_equal(config.mote.clean_outcomes,
			 OUTCOME_BIT(OUTCOME_POWER_OFF) | OUTCOME_BIT(OUTCOME_RESET) |
				 OUTCOME_BIT(OUTCOME_TRIPLE_FAULT) | OUTCOME_BIT(OUTCOME_HALTED));
	config_release(&config);
}

static void every_key_of_a_drive_arrives(void **state)
{
	const struct config_drive *drive = &config.drives[0];

	(void)state;
	load_golden("tests/config/accept/drive-every-key.json");
	assert_int_equal(config.drive_count, 1);
	assert_string_equal(drive->drive_id, "a");
	assert_string_equal(drive->path_on_host, "disk.img");
	assert_string_equal(drive->partuuid, "0eaa91a0-01");
	assert_true(drive->is_root_device);
	assert_true(drive->is_read_only);
	assert_int_equal(drive->cache, CONFIG_CACHE_WRITEBACK);
	assert_int_equal(drive->io_engine, CONFIG_IO_ENGINE_ASYNC);
	assert_int_equal(drive->rate_limiter.bandwidth.size, 0);
	assert_int_equal(drive->rate_limiter.ops.size, 1000);
	assert_int_equal(drive->rate_limiter.ops.one_time_burst, 50);
	assert_int_equal(drive->rate_limiter.ops.refill_time_ms, 100);
	config_release(&config);

	load_golden("tests/config/accept/drive-minimal.json");
	assert_null(drive->partuuid);
	assert_false(drive->is_root_device);
	assert_false(drive->is_read_only);
	assert_false(drive->direct);
	assert_int_equal(drive->cache, CONFIG_CACHE_UNSAFE);
	assert_int_equal(drive->io_engine, CONFIG_IO_ENGINE_AUTO);
	config_release(&config);
}

static void every_key_of_vsock_arrives(void **state)
{
	(void)state;
	load_golden("tests/config/accept/mote-vsock.json");
	assert_true(config.vsock.present);
	assert_int_equal(config.vsock.guest_cid, 3);
	assert_string_equal(config.vsock.uds_path, "/run/vm.vsock");
	assert_int_equal(config.mote.vsock.mode, 0660);
	assert_int_equal(config.mote.vsock.uid, 0);
	assert_int_equal(config.mote.vsock.gid, UINT32_MAX - 1);
	assert_false(config.stdio.present);
	config_release(&config);

	load_golden("tests/config/accept/mote-vsock-empty.json");
	assert_int_equal(config.mote.vsock.mode, 0600);
	assert_int_equal(config.mote.vsock.uid, UINT32_MAX);
	assert_int_equal(config.mote.vsock.gid, UINT32_MAX);
	config_release(&config);

	load_golden("tests/config/accept/vsock-without-path.json");
	assert_true(config.vsock.present);
	assert_null(config.vsock.uds_path);
	config_release(&config);

	load_golden("tests/config/accept/vsock.json");
	assert_int_equal(config.mote.vsock.mode, 0600);
	config_release(&config);
}

static void direct_io_marks_the_drives_it_names(void **state)
{
	(void)state;
	load_golden("tests/config/accept/mote-direct-io.json");
	assert_true(config.drives[0].direct);
	assert_false(config.drives[1].direct);
	assert_true(config.drives[2].direct);
	config_release(&config);

	load_golden("tests/config/accept/mote-direct-io-first.json");
	assert_true(config.drives[0].direct);
	config_release(&config);
}

static void limits_arrive_whole(void **state)
{
	(void)state;
	load_golden("tests/config/accept/machine-largest.json");
	assert_int_equal(config.machine.vcpu_count, 32);
	assert_true(config.machine.ram_bytes == UINT64_C(1) << 40);
	config_release(&config);

	load_golden("tests/config/accept/mote-timeout-longest.json");
	assert_true(config.mote.timeout_ms == UINT64_C(31536000000));
	config_release(&config);

	load_golden("tests/config/accept/boot-args-longest.json");
	assert_int_equal(strlen(config.boot_source.boot_args), LAYOUT_CMDLINE_MAX_BYTES - 1);
	config_release(&config);

	load_golden("tests/config/accept/mote-pvh-split.json");
	assert_int_equal(config.mote.boot_protocol, CONFIG_PROTOCOL_PVH);
	assert_int_equal(config.mote.irqchip, CONFIG_IRQCHIP_SPLIT);
	assert_int_equal(config.mote.acpi, CONFIG_OFF);
	assert_int_equal(config.mote.pit, CONFIG_OFF);
	config_release(&config);

	load_golden("tests/config/accept/escaped-strings.json");
	assert_string_equal(config.boot_source.kernel_image_path, "/srv/vm\"linuxA");
	assert_string_equal(config.boot_source.boot_args, "a\\b");
	config_release(&config);
}

static void strings_outlive_the_text(void **state)
{
	char text[] = "{\"boot-source\": {\"kernel_image_path\": \"unikernel\"}}";

	(void)state;
	assert_int_equal(config_parse(&config, text, sizeof(text) - 1, &errors), 0);
	memset(text, 'x', sizeof(text));
	assert_string_equal(config.boot_source.kernel_image_path, "unikernel");
	config_release(&config);
}

/* More mistakes than lines: the first ones are kept, all are counted. */
static void errors_beyond_the_lines_are_counted(void **state)
{
	enum {
		MISTAKES = CONFIG_ERRORS_MAX + 36,
	};
	static char text[MISTAKES * 16 + 64];
	size_t used;

	(void)state;
	used = (size_t)snprintf(text, sizeof(text), "{\"boot-source\": {");
	for (int i = 0; i < MISTAKES - 1; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "\"zz%d\": 1, ", i);
	used += (size_t)snprintf(text + used, sizeof(text) - used, "\"kernel_image_path\": 1}}");
	assert_int_equal(parse_guarded(text, used), -EINVAL);
	assert_int_equal(errors.count, MISTAKES);
	assert_string_equal(errors.lines[0], "boot-source.zz0: unknown key");
	assert_string_equal(errors.lines[CONFIG_ERRORS_MAX - 1], "boot-source.zz63: unknown key");
	assert_zeroed();
}

static void lines_are_printable_and_bounded(void **state)
{
	static char text[4096];

	(void)state;
	snprintf(text, sizeof(text),
		 "{\"boot-source\": {\"%01000d\": 1, \"\\u009b31m\": 1, \"kernel_image_path\": "
		 "\"k\"},"
		 " \"machine-config\": {\"vcpu_count\": 1, \"mem_size_mib\": 1, \"huge_pages\": "
		 "\"\\u001b]0;\xc3\xa9%01000d\"}}",
		 0, 0);
	assert_int_equal(parse(text), -EINVAL);
	assert_int_equal(errors.count, 3);
	for (unsigned int i = 0; i < errors.count; i++) {
		assert_true(strlen(errors.lines[i]) < 200);
		assert_null(strchr(errors.lines[i], 0x1b));
	}
	assert_string_equal(errors.lines[1], "boot-source.??31m: unknown key");
	assert_non_null(strstr(errors.lines[2], "\"?]0;\xc3\xa9"));
}

/* The parser gives up on its own; the stack must not. */
static void deep_nesting_is_an_error(void **state)
{
	static char text[100000];

	(void)state;
	memset(text, '[', sizeof(text));
	assert_int_equal(parse_guarded(text, sizeof(text)), -EINVAL);
	assert_int_equal(errors.count, 1);
}

static void every_prefix_is_an_error(void **state)
{
	static char text[GOLDEN_MAX_BYTES];
	size_t length_bytes = slurp("tests/config/accept/typical.json", text, sizeof(text));

	(void)state;
	while (text[length_bytes - 1] != '}')
		length_bytes--;
	for (size_t cut = 0; cut < length_bytes; cut++) {
		assert_int_equal(parse_guarded(text, cut), -EINVAL);
		assert_int_equal(errors.count, 1);
	}
	assert_int_equal(parse_guarded(text, length_bytes), 0);
	config_release(&config);
}

static void unreadable_files_are_named_by_errno(void **state)
{
	(void)state;
	assert_int_equal(config_load(&config, "tests/config/no-such-file", &errors), -ENOENT);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.lines[0], "cannot read it: No such file or directory");
	assert_int_equal(config_load(&config, "tests/config", &errors), -EISDIR);
	assert_string_equal(errors.lines[0], "cannot read it: Is a directory");
	assert_int_equal(config_load(&config, "/dev/zero", &errors), -EFBIG);
	assert_int_equal(errors.count, 1);
	assert_string_equal(errors.lines[0], "longer than 1048576 bytes");
	assert_zeroed();
}

/* A file of exactly the limit is read whole: the text ends in the last byte. */
static void largest_file_is_read_whole(void **state)
{
	static char text[CONFIG_FILE_MAX_BYTES];
	static const char body[] = "{\"boot-source\": {\"kernel_image_path\": \"k\"}}";
	char path[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	memset(text, ' ', sizeof(text));
	memcpy(text + sizeof(text) - (sizeof(body) - 1), body, sizeof(body) - 1);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	assert_int_equal(config_load(&config, path, &errors), 0);
	config_release(&config);
	assert_int_equal(write(fd, " ", 1), 1);
	assert_int_equal(config_load(&config, path, &errors), -EFBIG);
	close(fd);
	unlink(path);
}

static void dash_is_standard_input(void **state)
{
	static const char text[] = "{\"boot-source\": {\"kernel_image_path\": \"from-stdin\"}}";
	int saved = dup(STDIN_FILENO);
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	assert_int_equal(config_load(&config, "-", &errors), 0);
	assert_string_equal(config.boot_source.kernel_image_path, "from-stdin");
	config_release(&config);
	dup2(saved, STDIN_FILENO);
	close(saved);
}

static void release_takes_a_zeroed_config(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	config_release(&config);
	assert_zeroed();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_files_hold),
		cmocka_unit_test(defaults_are_firecrackers),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(every_key_of_a_drive_arrives),
		cmocka_unit_test(every_key_of_vsock_arrives),
		cmocka_unit_test(direct_io_marks_the_drives_it_names),
		cmocka_unit_test(limits_arrive_whole),
		cmocka_unit_test(strings_outlive_the_text),
		cmocka_unit_test(errors_beyond_the_lines_are_counted),
		cmocka_unit_test(lines_are_printable_and_bounded),
		cmocka_unit_test(deep_nesting_is_an_error),
		cmocka_unit_test(every_prefix_is_an_error),
		cmocka_unit_test(unreadable_files_are_named_by_errno),
		cmocka_unit_test(largest_file_is_read_whole),
		cmocka_unit_test(dash_is_standard_input),
		cmocka_unit_test(release_takes_a_zeroed_config),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
