/* SPDX-License-Identifier: MIT */
/*
 * monitor/main.c - one command line, one command.
 *
 * What a run does, step by step, is in run.c (the launcher) and vm_process.c (the VM).
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "monitor/check.h"
#include "monitor/cli.h"
#include "monitor/doctor.h"
#include "monitor/log.h"
#include "monitor/prepare.h"
#include "monitor/run.h"
#include "monitor/run_state.h"

/* Descriptors 0 to 2 must mean what they should before anything else is opened. */
static void fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY) != fd)
			_exit(OUTCOME_STATUS_HOST);
}

int main(int argc, char *argv[])
{
	struct run_state *state;
	struct reason reason;
	struct cli cli;

	if (run_state_create(&state))
		return OUTCOME_STATUS_HOST;
	trace_stamp(&state->trace, TRACE_START);
	fill_standard_streams();
	if (cli_parse(&cli, argc, argv, &reason)) {
		log_error("%s (see mote help)", reason.text);
		return OUTCOME_STATUS_CONFIG;
	}
	switch (cli.command) {
	case CLI_RUN:
		/*
		 * A reader of console, log or reports who leaves is an error of write(2), not the
		 * end of mote; so is a file that may not grow any further.
		 */
		signal(SIGPIPE, SIG_IGN);
		signal(SIGXFSZ, SIG_IGN);
		return run_command(&cli, state);
	case CLI_CHECK: return check_command(cli.config_path);
	case CLI_DOCTOR: return doctor_run(cli.json);
	case CLI_PREPARE: return prepare_command(cli.prepared_path, cli.undo);
	case CLI_VERSION: puts("mote v" MOTE_VERSION); return 0;
	case CLI_HELP: break;
	}
	fputs(cli_usage(), stdout);
	return 0;
}
