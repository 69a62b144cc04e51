/* SPDX-License-Identifier: MIT */
/* tests/unit/test_cli.c - every form and flag of the command line, and why the others are refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/cli.h"

enum {
	ARGUMENTS_MAX = 16,
};

static struct cli cli;
static struct reason reason;

/* Parse what a shell would make of these words; none holds a blank. */
static int parse(const char *words)
{
	static char buffer[1024];
	static char *argv[ARGUMENTS_MAX + 1];
	char *rest = buffer;
	int argc = 1;

	assert_true(strlen(words) < sizeof(buffer));
	memcpy(buffer, words, strlen(words) + 1);
	argv[0] = NULL;
	for (char *word = strsep(&rest, " "); word && *words; word = strsep(&rest, " ")) {
		assert_true(argc < ARGUMENTS_MAX);
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	memset(&cli, 0x5a, sizeof(cli));
	reason.text[0] = '\0';
	return cli_parse(&cli, argc, argv, &reason);
}

static void takes(const char *words)
{
	if (parse(words))
		fail_msg("%s: %s", words, reason.text);
}

static void refuses(const char *words, const char *why)
{
	struct cli untouched;

	memset(&untouched, 0x5a, sizeof(untouched));
	if (!parse(words))
		fail_msg("accepted: %s", words);
	assert_string_equal(reason.text, why);
	assert_memory_equal(&cli, &untouched, sizeof(cli));
}

static void commands_by_word(void **state)
{
	(void)state;
	takes("run vm.json");
	assert_int_equal(cli.command, CLI_RUN);
	assert_string_equal(cli.config_path, "vm.json");
	assert_null(cli.result_path);
	assert_null(cli.trace_path);
	assert_null(cli.id);
	assert_false(cli.trace);
	assert_false(cli.has_level);
	takes("check -");
	assert_int_equal(cli.command, CLI_CHECK);
	assert_string_equal(cli.config_path, "-");
	takes("doctor");
	assert_int_equal(cli.command, CLI_DOCTOR);
	assert_false(cli.json);
	takes("doctor --json");
	assert_true(cli.json);
	takes("version");
	assert_int_equal(cli.command, CLI_VERSION);
	takes("help");
	assert_int_equal(cli.command, CLI_HELP);
}

static void help_and_version_as_flags(void **state)
{
	(void)state;
	takes("--version");
	assert_int_equal(cli.command, CLI_VERSION);
	takes("-V");
	assert_int_equal(cli.command, CLI_VERSION);
	takes("--help");
	assert_int_equal(cli.command, CLI_HELP);
	takes("-h");
	assert_int_equal(cli.command, CLI_HELP);
	takes("run --help");
	assert_int_equal(cli.command, CLI_HELP);
	takes("check vm.json --help");
	assert_int_equal(cli.command, CLI_HELP);
}

static void flags_before_and_after(void **state)
{
	(void)state;
	takes("run --trace --result out vm.json --id a-1");
	assert_true(cli.trace);
	assert_null(cli.trace_path);
	assert_string_equal(cli.result_path, "out");
	assert_string_equal(cli.config_path, "vm.json");
	assert_string_equal(cli.id, "a-1");
	takes("run vm.json --trace=t.json --result=a=b");
	assert_string_equal(cli.trace_path, "t.json");
	assert_string_equal(cli.result_path, "a=b");

	/* --trace takes a value only after "=", so this is the configuration. */
	takes("run --trace vm.json");
	assert_string_equal(cli.config_path, "vm.json");
	assert_null(cli.trace_path);
}

static void two_dashes_end_the_flags(void **state)
{
	(void)state;
	takes("run --trace -- --trace");
	assert_string_equal(cli.config_path, "--trace");
	takes("run --result - -- -");
	assert_string_equal(cli.result_path, "-");
	assert_string_equal(cli.config_path, "-");
	refuses("run -- a b", "\"b\": a second configuration, after \"a\"");
}

static void firecrackers_form(void **state)
{
	(void)state;
	takes("--config-file vm.json --no-api");
	assert_int_equal(cli.command, CLI_RUN);
	assert_string_equal(cli.config_path, "vm.json");
	takes("--id abc --boot-timer --no-api --config-file=vm.json --level debug --log-path log "
	      "--show-level --show-log-origin");
	assert_string_equal(cli.id, "abc");
	assert_true(cli.boot_timer);
	assert_true(cli.has_level);
	assert_int_equal(cli.level, LOG_LEVEL_DEBUG);
	assert_string_equal(cli.log_path, "log");
	assert_true(cli.show_level);
	assert_true(cli.show_log_origin);
	takes("--no-api --config-file vm.json --metrics-path m --module api --start-time-us 1 "
	      "--start-time-cpu-us 2 --parent-cpu-time-us 0");
	assert_string_equal(cli.metrics_path, "m");
	takes("--no-api --config-file vm.json --http-api-max-payload-size 1 --mmds-size-limit=2");
	takes("--no-api --config-file vm.json --trace --result r");
	assert_true(cli.trace);
	takes("run --no-api --config-file vm.json");
}

static void firecrackers_flags_refused_by_name(void **state)
{
	(void)state;
	refuses("--api-sock s --config-file f",
		"--api-sock: not offered by this version of mote yet; use --config-file FILE "
		"--no-api");
	refuses("--seccomp-filter f", "--seccomp-filter: not offered by mote: the command line "
				      "does not choose system calls");
	refuses("--no-seccomp", "--no-seccomp: not offered by mote: the command line does not "
				"choose system calls");
	refuses("run vm.json --metadata=m",
		"--metadata: not offered by mote: there is no MMDS; pass data in boot_args, on a "
		"drive or by vsock");
	refuses("--enable-pci", "--enable-pci: not offered by mote: devices are virtio-mmio");
	refuses("--snapshot-version",
		"--snapshot-version: not offered by mote: Firecracker's snapshots cannot be read");
	refuses("--describe-snapshot f",
		"--describe-snapshot: not offered by mote: Firecracker's snapshots cannot be "
		"read");
	refuses("--config-file vm.json",
		"--config-file: add --no-api, since mote has no API socket yet");
	refuses("--no-api", "--no-api needs --config-file FILE");
}

static void commands_of_later(void **state)
{
	(void)state;
	refuses("serve", "serve: not offered by this version of mote yet");
	refuses("snapshot x", "snapshot: not offered by this version of mote yet");
	refuses("restore x", "restore: not offered by this version of mote yet");
}

static void what_is_prepared_for_all_runs(void **state)
{
	(void)state;
	takes("prepare");
	assert_int_equal(cli.command, CLI_PREPARE);
	assert_null(cli.prepared_path);
	assert_false(cli.undo);
	takes("prepare --undo --prepared dir");
	assert_true(cli.undo);
	assert_string_equal(cli.prepared_path, "dir");
	takes("run vm.json");
	assert_null(cli.prepared_path);
	takes("run --prepared=dir vm.json");
	assert_string_equal(cli.prepared_path, "dir");
	takes("--config-file vm.json --no-api --prepared none");
	assert_string_equal(cli.prepared_path, CLI_PREPARED_NONE);
	refuses("prepare --prepared none", "--prepared: \"none\" names no directory");
	refuses("prepare --prepared", "--prepared needs a value");
	refuses("prepare --prepared=", "--prepared needs a value");
	refuses("prepare --undo=yes", "--undo takes no value");
	refuses("prepare dir", "\"dir\": unexpected argument");
	refuses("prepare --json", "--json: not a flag of mote prepare");
	refuses("run --undo vm.json", "--undo: not a flag of mote run");
	refuses("doctor --prepared dir", "--prepared: not a flag of mote doctor");
}

static void what_is_missing_or_too_much(void **state)
{
	(void)state;
	refuses("", "no command");
	refuses("run", "mote run needs a CONFIG, or - for standard input");
	refuses("check", "mote check needs a CONFIG, or - for standard input");
	refuses("--id x", "no command");
	refuses("vm.json", "\"vm.json\": unknown command; mote run CONFIG boots one");
	refuses("run a b", "\"b\": a second configuration, after \"a\"");
	refuses("run a --config-file b", "\"b\": a second configuration, after \"a\"");
	refuses("run --config-file b a", "\"a\": a second configuration, after \"b\"");
	refuses("--no-api vm.json", "\"vm.json\": unexpected argument; mote run CONFIG boots one");
	refuses("doctor x", "\"x\": unexpected argument");
	refuses("version x", "\"x\": unexpected argument");
	refuses("run ", "the name of the configuration is empty");
}

static void flags_that_do_not_belong(void **state)
{
	(void)state;
	refuses("run vm.json --bogus=1", "--bogus: unknown flag");
	refuses("run vm.json -x", "-x: unknown flag");
	refuses("run vm.json --trac", "--trac: unknown flag");
	refuses("run vm.json --json", "--json: not a flag of mote run");
	refuses("check vm.json --trace", "--trace: not a flag of mote check");
	refuses("doctor --id x", "--id: not a flag of mote doctor");
	refuses("run vm.json --id a --id b", "--id is given twice");
	refuses("run vm.json --trace --trace=f", "--trace is given twice");
}

static void values_are_checked(void **state)
{
	(void)state;
	refuses("run vm.json --result", "--result needs a value");
	refuses("run vm.json --result=", "--result needs a value");
	refuses("run vm.json --result --trace", "--result needs a value");
	refuses("run vm.json --trace=", "--trace needs a value");
	refuses("run vm.json --boot-timer=1", "--boot-timer takes no value");
	refuses("--version=2", "--version takes no value");
	refuses("run vm.json --id a_b", "--id: \"a_b\" is not 1 to 64 letters, digits or '-'");
	refuses("run vm.json --id ../x", "--id: \"../x\" is not 1 to 64 letters, digits or '-'");
	refuses("run vm.json --level loud",
		"--level: \"loud\" is not one of Error, Warning, Info, Debug, Trace, Off");
	refuses("run vm.json --start-time-us 1.5", "--start-time-us: \"1.5\" is not a number");
	refuses("run vm.json --mmds-size-limit -1", "--mmds-size-limit: \"-1\" is not a number");
}

static void ids_have_a_longest_length(void **state)
{
	char words[128] = "run vm.json --id ";
	size_t used = strlen(words);

	(void)state;
	memset(words + used, 'i', CLI_ID_MAX_BYTES);
	takes(words);
	assert_int_equal(strlen(cli.id), CLI_ID_MAX_BYTES);
	words[used + CLI_ID_MAX_BYTES] = 'i';
	assert_int_equal(parse(words), -EINVAL);
}

static void standard_streams_go_to_a_port(void **state)
{
	struct vm_config config = {0};

	(void)state;
	takes("run vm.json");
	assert_false(cli.stdio.present);
	takes("run --stdio vsock:1024 vm.json");
	assert_true(cli.stdio.present);
	assert_int_equal(cli.stdio.guest_port, 1024);
	assert_int_equal(cli_consent(&cli, &config, &reason), -EINVAL);
	assert_string_equal(reason.text, "--stdio: the configuration has no vsock to connect by");
	config.vsock.present = true;
	assert_int_equal(cli_consent(&cli, &config, &reason), 0);
	cli_apply(&cli, &config);
	assert_int_equal(config.stdio.guest_port, 1024);
	takes("run vm.json");
	assert_int_equal(cli_consent(&cli, &config, &reason), -EINVAL);
	assert_string_equal(reason.text, "vsock.uds_path: missing, and without --stdio vsock:PORT "
					 "as well nothing could connect");
	config.vsock.uds_path = "v.sock";
	assert_int_equal(cli_consent(&cli, &config, &reason), 0);
	takes("run --stdio=vsock:4294967294 vm.json");
	assert_int_equal(cli.stdio.guest_port, UINT32_MAX - 1);
	takes("--config-file vm.json --no-api --stdio vsock:0");
	assert_int_equal(cli.stdio.guest_port, 0);
#define NO_PORT " is not vsock:PORT, with a port from 0 to 4294967294"
	refuses("run --stdio vsock: vm.json", "--stdio: \"vsock:\"" NO_PORT);
	refuses("run --stdio vsock:x vm.json", "--stdio: \"vsock:x\"" NO_PORT);
	refuses("run --stdio vsock:-1 vm.json", "--stdio: \"vsock:-1\"" NO_PORT);
	refuses("run --stdio vsock:4294967295 vm.json", "--stdio: \"vsock:4294967295\"" NO_PORT);
	refuses("run --stdio vsock:99999999999999999999999 vm.json",
		"--stdio: \"vsock:99999999999999999999999\"" NO_PORT);
	refuses("run --stdio 1024 vm.json", "--stdio: \"1024\"" NO_PORT);
	refuses("run vm.json --stdio", "--stdio needs a value");
	refuses("run --stdio vsock:1024 -", "--stdio: standard input is the configuration already");
}

static void the_command_line_overrides_the_logger(void **state)
{
	struct vm_config config = {
		.logger = {.log_path = "old", .level = LOG_LEVEL_INFO, .show_level = true},
		.metrics = {.metrics_path = "old"},
	};

	(void)state;
	takes("run vm.json");
	cli_apply(&cli, &config);
	assert_string_equal(config.logger.log_path, "old");
	assert_int_equal(config.logger.level, LOG_LEVEL_INFO);
	assert_true(config.logger.show_level);
	assert_false(config.logger.show_log_origin);
	assert_string_equal(config.metrics.metrics_path, "old");

	takes("run vm.json --log-path new --level OFF --show-log-origin --metrics-path m");
	cli_apply(&cli, &config);
	assert_string_equal(config.logger.log_path, "new");
	assert_int_equal(config.logger.level, LOG_LEVEL_OFF);
	assert_true(config.logger.show_level);
	assert_true(config.logger.show_log_origin);
	assert_string_equal(config.metrics.metrics_path, "m");
}

static void a_filter_that_only_logs_is_asked_for_twice(void **state)
{
	struct vm_config config = {.mote.jail.seccomp = CONFIG_SECCOMP_KILL};

	(void)state;
	takes("run vm.json");
	assert_int_equal(cli_consent(&cli, &config, &reason), 0);
	config.mote.jail.seccomp = CONFIG_SECCOMP_LOG;
	assert_int_equal(cli_consent(&cli, &config, &reason), -EINVAL);
	assert_string_equal(reason.text,
			    "mote.jail.seccomp: \"log\" lets every system call pass, and has to be "
			    "asked for with --allow-insecure-seccomp-log as well");
	takes("run --allow-insecure-seccomp-log vm.json");
	assert_int_equal(cli_consent(&cli, &config, &reason), 0);
	config.mote.jail.seccomp = CONFIG_SECCOMP_KILL;
	assert_int_equal(cli_consent(&cli, &config, &reason), 0);
	refuses("check --allow-insecure-seccomp-log vm.json",
		"--allow-insecure-seccomp-log: not a flag of mote check");
	refuses("run --allow-insecure-seccomp-log=yes vm.json",
		"--allow-insecure-seccomp-log takes no value");
}

static void usage_names_every_command(void **state)
{
	(void)state;
	assert_non_null(strstr(cli_usage(), "mote run"));
	assert_non_null(strstr(cli_usage(), "mote check"));
	assert_non_null(strstr(cli_usage(), "mote doctor"));
	assert_non_null(strstr(cli_usage(), "--config-file"));
	assert_int_equal(cli_usage()[strlen(cli_usage()) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_by_word),
		cmocka_unit_test(help_and_version_as_flags),
		cmocka_unit_test(flags_before_and_after),
		cmocka_unit_test(two_dashes_end_the_flags),
		cmocka_unit_test(firecrackers_form),
		cmocka_unit_test(firecrackers_flags_refused_by_name),
		cmocka_unit_test(commands_of_later),
		cmocka_unit_test(what_is_prepared_for_all_runs),
		cmocka_unit_test(what_is_missing_or_too_much),
		cmocka_unit_test(flags_that_do_not_belong),
		cmocka_unit_test(values_are_checked),
		cmocka_unit_test(ids_have_a_longest_length),
		cmocka_unit_test(standard_streams_go_to_a_port),
		cmocka_unit_test(the_command_line_overrides_the_logger),
		cmocka_unit_test(a_filter_that_only_logs_is_asked_for_twice),
		cmocka_unit_test(usage_names_every_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
