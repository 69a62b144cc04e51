/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_config_jail.c - mote.jail and mote.cgroup: every key, every limit, every refusal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jail/piece.h"
#include "monitor/config_sections.h"

enum {
	LINES_MAX_BYTES = 4096,
	UNTOUCHED = 0x5a,
};

static char lines[LINES_MAX_BYTES];
static struct config_jail jail;
static struct config_cgroup cgroup;
static json_t *tree;

static void keep_line(void *sink, const char *line)
{
	size_t used = strlen(lines);

	(void)sink;
	snprintf(lines + used, sizeof(lines) - used, "%s\n", line);
}

/* The strings of the target live until the next call. */
static void read_text(void (*read)(struct json_reader *reader, json_t *value, void *target),
		      const char *text, void *target, size_t target_bytes)
{
	struct json_reader reader = {.complain = keep_line};

	json_decref(tree);
	lines[0] = '\0';
	memset(target, UNTOUCHED, target_bytes);
	tree = json_read_text(&reader, text, strlen(text));
	if (!tree)
		fail_msg("%s: %s", text, lines);
	read(&reader, tree, target);
}

static void takes_jail(const char *text)
{
	read_text(config_read_jail, text, &jail, sizeof(jail));
	assert_string_equal(lines, "");
}

static void takes_cgroup(const char *text)
{
	read_text(config_read_cgroup, text, &cgroup, sizeof(cgroup));
	assert_string_equal(lines, "");
}

static void refuses_jail(const char *text, const char *expected)
{
	read_text(config_read_jail, text, &jail, sizeof(jail));
	assert_string_equal(lines, expected);
}

static void refuses_cgroup(const char *text, const char *expected)
{
	read_text(config_read_cgroup, text, &cgroup, sizeof(cgroup));
	assert_string_equal(lines, expected);
}

static int release_tree(void **state)
{
	(void)state;
	json_decref(tree);
	tree = NULL;
	return 0;
}

static void an_empty_jail_is_the_strict_one(void **state)
{
	static const struct config_jail strict;

	(void)state;
	takes_jail("{}");
	assert_memory_equal(&jail, &strict, sizeof(jail));
	takes_jail("{\"uid\": null, \"gid\": null, \"seccomp\": null, \"allow_missing\": null}");
	assert_memory_equal(&jail, &strict, sizeof(jail));
	takes_jail("{\"seccomp\": \"kill\", \"allow_missing\": []}");
	assert_memory_equal(&jail, &strict, sizeof(jail));
}

static void keys_of_the_jail_arrive(void **state)
{
	(void)state;
	takes_jail("{\"uid\": 1, \"gid\": 4294967294, \"seccomp\": \"log\","
		   " \"allow_missing\": [\"landlock\", \"network\", \"landlock\"]}");
	assert_int_equal(jail.uid, 1);
	assert_int_equal(jail.gid, 4294967294);
	assert_int_equal(jail.seccomp, CONFIG_SECCOMP_LOG);
	assert_int_equal(jail.allow_missing,
			 JAIL_PIECE_BIT(JAIL_LANDLOCK) | JAIL_PIECE_BIT(JAIL_NETWORK));
}

static void every_piece_may_be_allowed_to_miss(void **state)
{
	char text[128];

	(void)state;
	for (unsigned int piece = 0; piece < JAIL_PIECES; piece++) {
		snprintf(text, sizeof(text), "{\"allow_missing\": [\"%s\"]}",
			 jail_piece_name((enum jail_piece)piece));
		takes_jail(text);
		assert_int_equal(jail.allow_missing, JAIL_PIECE_BIT(piece));
	}
}

static void root_and_half_an_identity_are_refused(void **state)
{
	(void)state;
	refuses_jail("{\"uid\": 0, \"gid\": 0}", "uid: 0 is outside 1..4294967294\n"
						 "gid: 0 is outside 1..4294967294\n");
	refuses_jail("{\"uid\": 4294967295, \"gid\": 1}",
		     "uid: 4294967295 is outside 1..4294967294\n");
	refuses_jail("{\"uid\": 1000}", "uid and gid are given together or not at all\n");
	refuses_jail("{\"gid\": 1000, \"uid\": null}",
		     "uid and gid are given together or not at all\n");
}

static void unknown_words_of_the_jail_are_refused(void **state)
{
	(void)state;
	refuses_jail("{\"seccomp\": \"off\"}", "seccomp: \"off\" is not one of kill, log\n");
	refuses_jail("{\"seccomp\": false}", "seccomp: expected a string, found false\n");
	refuses_jail("{\"allow_missing\": [\"Landlock\", 3]}",
		     "allow_missing[0]: \"Landlock\" is not one of mounts, pids, network, ipc, "
		     "hostname, cgroups, users, ids, capabilities, privileges, limits, "
		     "descriptors, landlock, seccomp\n"
		     "allow_missing[1]: expected a string, found a number\n");
	refuses_jail("{\"allow_missing\": \"landlock\"}",
		     "allow_missing: expected an array, found a string\n");
	refuses_jail("{\"user\": 3}", "user: unknown key\n");
	refuses_jail("{\"netns\": \"/run/netns/x\"}", "netns: unknown key\n");
}

static void a_parent_alone_limits_nothing(void **state)
{
	struct config_cgroup expected = {.parent = NULL};

	(void)state;
	takes_cgroup("{\"parent\": \"mote.slice\"}");
	assert_string_equal(cgroup.parent, "mote.slice");
	expected.parent = cgroup.parent;
	assert_memory_equal(&cgroup, &expected, sizeof(cgroup));
	takes_cgroup("{\"parent\": \"mote.slice\", \"cpu\": {}, \"memory\": {}, \"io\": [],"
		     " \"pids\": null}");
	expected.parent = cgroup.parent;
	assert_memory_equal(&cgroup, &expected, sizeof(cgroup));
}

static void keys_of_the_cgroup_arrive(void **state)
{
	(void)state;
	takes_cgroup("{\"parent\": \"tenants/a.b/...\", \"cpu\": {\"weight\": 10000, \"max\":"
		     " {\"quota_us\": 1000, \"period_us\": 1000000}}, \"memory\": {\"max_bytes\":"
		     " 1048576, \"swap_max_bytes\": 0}, \"pids\": 4194304, \"io\": ["
		     "{\"device\": \"/dev/vda\", \"rbps\": 1, \"wbps\": 9223372036854775807},"
		     "{\"device\": \"4095:1048575\", \"riops\": 3, \"wiops\": 4}]}");
	assert_string_equal(cgroup.parent, "tenants/a.b/...");
	assert_int_equal(cgroup.cpu.weight, 10000);
	assert_int_equal(cgroup.cpu.quota_us, 1000);
	assert_int_equal(cgroup.cpu.period_us, 1000000);
	assert_int_equal(cgroup.memory.max_bytes, 1048576);
	assert_true(cgroup.memory.has_swap_max);
	assert_int_equal(cgroup.memory.swap_max_bytes, 0);
	assert_int_equal(cgroup.pids, 4194304);
	assert_int_equal(cgroup.io_count, 2);
	assert_string_equal(cgroup.io[0].device_path, "/dev/vda");
	assert_int_equal(cgroup.io[0].read_bytes_per_s, 1);
	assert_int_equal(cgroup.io[0].write_bytes_per_s, INT64_MAX);
	assert_int_equal(cgroup.io[0].read_ops_per_s, 0);
	assert_null(cgroup.io[1].device_path);
	assert_int_equal(cgroup.io[1].major, 4095);
	assert_int_equal(cgroup.io[1].minor, 1048575);
	assert_int_equal(cgroup.io[1].read_ops_per_s, 3);
	assert_int_equal(cgroup.io[1].write_ops_per_s, 4);
}

static void a_period_comes_by_default_and_never_alone(void **state)
{
	(void)state;
	takes_cgroup("{\"parent\": \"p\", \"cpu\": {\"max\": {\"quota_us\": 50000}}}");
	assert_int_equal(cgroup.cpu.quota_us, 50000);
	assert_int_equal(cgroup.cpu.period_us, 100000);
	refuses_cgroup("{\"parent\": \"p\", \"cpu\": {\"max\": {\"period_us\": 50000}}}",
		       "cpu.max.quota_us: required but missing\n");
}

static void a_parent_outside_the_hierarchy_is_refused(void **state)
{
	static const char *const bad[] = {
		"/",  "/mote.slice", "mote.slice/", "a//b",  ".",
		"..", "../x",        "a/../b",      "a/./b", "a/..",
	};
	char text[64];
	char expected[160];

	(void)state;
	for (size_t i = 0; i < JSON_COUNT(bad); i++) {
		snprintf(text, sizeof(text), "{\"parent\": \"%s\"}", bad[i]);
		snprintf(expected, sizeof(expected),
			 "parent: \"%s\" is not a path relative to the root of the cgroups, "
			 "without \".\" and \"..\", such as mote.slice\n",
			 bad[i]);
		refuses_cgroup(text, expected);
	}
	refuses_cgroup("{}", "parent: required but missing\n");
	refuses_cgroup("{\"parent\": null}", "parent: expected a string, found null\n");
	refuses_cgroup("{\"parent\": \"\"}", "parent: must not be empty\n");
	refuses_cgroup("{\"parent\": \"a\\nb\"}", "parent: must not contain control characters\n");
}

static void limits_that_no_kernel_takes_are_refused(void **state)
{
	(void)state;
	refuses_cgroup("{\"parent\": \"p\", \"cpu\": {\"weight\": 0, \"max\": {\"quota_us\": 999,"
		       " \"period_us\": 1000001}}, \"memory\": {\"max_bytes\": 1048575},"
		       " \"pids\": 0}",
		       "cpu.weight: 0 is outside 1..10000\n"
		       "cpu.max.quota_us: 999 is outside 1000..1000000000\n"
		       "cpu.max.period_us: 1000001 is outside 1000..1000000\n"
		       "memory.max_bytes: 1048575 is outside 1048576..9223372036854775807\n"
		       "pids: 0 is outside 1..4194304\n");
	refuses_cgroup("{\"parent\": \"p\", \"cpu\": {\"weight\": 10001}, \"pids\": 4194305}",
		       "cpu.weight: 10001 is outside 1..10000\n"
		       "pids: 4194305 is outside 1..4194304\n");
	refuses_cgroup("{\"parent\": \"p\", \"memory\": {\"swap_max_bytes\": 1}}",
		       "memory: swap_max_bytes needs max_bytes beside it\n");
	refuses_cgroup("{\"parent\": \"p\", \"cpu\": 3, \"memory\": [], \"io\": {}}",
		       "cpu: expected an object, found a number\n"
		       "memory: expected an object, found an array\n"
		       "io: expected an array, found an object\n");
}

static void devices_are_paths_or_numbers(void **state)
{
	static const char *const bad[] = {
		"8",
		"8:",
		"8:x",
		"8:0:0",
		"8:0 ",
		"4096:0",
		"0:1048576",
		"99999999999999:1",
		"8:99999999999",
	};
	char text[128];
	char expected[128];

	(void)state;
	for (size_t i = 0; i < JSON_COUNT(bad); i++) {
		snprintf(text, sizeof(text),
			 "{\"parent\": \"p\", \"io\": [{\"device\": \"%s\", \"rbps\": 1}]}",
			 bad[i]);
		snprintf(expected, sizeof(expected),
			 "io[0].device: \"%s\" is neither a path nor numbers such as 254:0\n",
			 bad[i]);
		refuses_cgroup(text, expected);
	}
}

static void a_device_is_limited_once_and_by_something(void **state)
{
	(void)state;
	refuses_cgroup("{\"parent\": \"p\", \"io\": [{\"device\": \"/dev/vda\"}]}",
		       "io[0]: no limit is given: rbps, wbps, riops or wiops\n");
	refuses_cgroup("{\"parent\": \"p\", \"io\": [{\"rbps\": 0}]}",
		       "io[0].rbps: 0 is outside 1..9223372036854775807\n"
		       "io[0].device: required but missing\n");
	refuses_cgroup(
		"{\"parent\": \"p\", \"io\": [{\"device\": \"/dev/vda\", \"rbps\": 1},"
		" {\"device\": \"8:0\", \"rbps\": 1}, {\"device\": \"/dev/vda\", \"wbps\": 1},"
		" {\"device\": \"8:0\", \"wbps\": 1}]}",
		"io[2]: the same device as io[0]\n"
		"io[3]: the same device as io[1]\n");
}

static void nine_devices_are_too_many(void **state)
{
	char text[1024];
	size_t used;

	(void)state;
	used = (size_t)snprintf(text, sizeof(text), "{\"parent\": \"p\", \"io\": [");
	for (int i = 0; i < CONFIG_CGROUP_IO_MAX + 1; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s{\"device\": \"8:%d\", \"rbps\": 1}", i ? ", " : "", i);
	snprintf(text + used, sizeof(text) - used, "]}");
	refuses_cgroup(text, "io: 9 elements, at most 8 are possible\n");
	assert_int_equal(cgroup.io_count, 0);
}

static void fewer_pids_than_threads_are_refused(void **state)
{
	struct json_reader reader = {.complain = keep_line};
	struct vm_config config = {.machine = {.vcpu_count = 4}, .mote.cgroup.pids = 6};

	(void)state;
	lines[0] = '\0';
	config_check_cgroup(&reader, &config);
	config.mote.cgroup.pids = 0;
	config_check_cgroup(&reader, &config);
	assert_string_equal(lines, "");
	config.mote.cgroup.pids = 5;
	config_check_cgroup(&reader, &config);
	assert_string_equal(lines, "mote.cgroup.pids: 5 is less than the 6 threads of this "
				   "machine: one for each vCPU, one for devices, one of KVM's\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_jail_is_the_strict_one),
		cmocka_unit_test(keys_of_the_jail_arrive),
		cmocka_unit_test(every_piece_may_be_allowed_to_miss),
		cmocka_unit_test(root_and_half_an_identity_are_refused),
		cmocka_unit_test(unknown_words_of_the_jail_are_refused),
		cmocka_unit_test(a_parent_alone_limits_nothing),
		cmocka_unit_test(keys_of_the_cgroup_arrive),
		cmocka_unit_test(a_period_comes_by_default_and_never_alone),
		cmocka_unit_test(a_parent_outside_the_hierarchy_is_refused),
		cmocka_unit_test(limits_that_no_kernel_takes_are_refused),
		cmocka_unit_test(devices_are_paths_or_numbers),
		cmocka_unit_test(a_device_is_limited_once_and_by_something),
		cmocka_unit_test(nine_devices_are_too_many),
		cmocka_unit_test(fewer_pids_than_threads_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, release_tree);
}
