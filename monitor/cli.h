/* SPDX-License-Identifier: MIT */
/*
 * monitor/cli.h - the command line, as data.
 *
 *	mote run [--trace[=FILE]] [--result FILE] [--stdio vsock:PORT] CONFIG
 *	mote check CONFIG
 *	mote doctor [--json]
 *	mote prepare [--undo] [--prepared DIR]
 *	mote version | help
 *	mote --config-file FILE --no-api ...    Firecracker's form of "run"
 *
 * Flags may stand before or after CONFIG, a value after a blank or "=", and
 * "--" ends the flags.  Firecracker's flags that ask for nothing mote lacks are
 * accepted, the others are refused by name with the reason.
 *
 * Pure: nothing is opened, printed or kept.  Strings belong to argv.
 */
#ifndef MONITOR_CLI_H
#define MONITOR_CLI_H

#include <stdbool.h>

#include "monitor/config.h"
#include "monitor/reason.h"

#define CLI_PREPARED_NONE "none"

enum {
	CLI_ID_MAX_BYTES = 64,
};

enum cli_command {
	CLI_HELP,
	CLI_VERSION,
	CLI_RUN,
	CLI_CHECK,
	CLI_DOCTOR,
	CLI_PREPARE,
};

struct cli {
	enum cli_command command;
	const char *config_path;   /* run and check: never NULL; "-" is standard input */
	const char *result_path;   /* NULL: no result line */
	const char *trace_path;    /* NULL: the table on standard error */
	const char *id;            /* NULL: none; else 1 to CLI_ID_MAX_BYTES of [A-Za-z0-9-] */
	const char *prepared_path; /* NULL: PREPARED_DIRECTORY; run may have CLI_PREPARED_NONE */
	struct config_stdio stdio;
	bool trace;
	bool json;
	bool undo;
	bool boot_timer;
	bool allow_seccomp_log; /* the second of two times that mote.jail.seccomp "log" is asked for
				 */

	/* These complete or override the config's logger and metrics. */
	const char *log_path;     /* NULL: not given */
	const char *metrics_path; /* NULL: not given */
	bool has_level;
	enum log_level level;
	bool show_level;
	bool show_log_origin;
};

/*
 * Returns 0, or -EINVAL with the reason and `cli` untouched.  argv[0] is not
 * looked at.  The exit status for a bad command line is OUTCOME_STATUS_CONFIG.
 */
int cli_parse(struct cli *cli, int argc, char *const argv[], struct reason *reason);

/* Lay what the command line says of logger and metrics over a checked config. */
void cli_apply(const struct cli *cli, struct vm_config *config);

/* What the config may not decide alone.  Returns 0, or -EINVAL with the reason. */
int cli_consent(const struct cli *cli, const struct vm_config *config, struct reason *reason);

/* What `mote help` prints, newline at the end. */
const char *cli_usage(void);

#endif
