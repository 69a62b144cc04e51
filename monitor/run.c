/* SPDX-License-Identifier: MIT */
/* monitor/run.c - see run.h.  Read run_command() first. */
#include "monitor/run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/check.h"
#include "monitor/config.h"
#include "monitor/config_load.h"
#include "monitor/launcher.h"
#include "monitor/log.h"
#include "monitor/open_path.h"
#include "monitor/prepared.h"
#include "monitor/resources.h"
#include "monitor/result.h"
#include "monitor/terminal.h"
#include "monitor/vm_process.h"

enum {
	REPORT_FILE_MODE = 0644,
	NOT_WANTED = -1,
};

/* Where the reports go; opened before anything can fail that they should tell of. */
struct reports {
	int result_fd;
	int trace_fd;
};

static struct vm_config config;
static struct config_errors config_errors;
static struct resources resources;
static struct prepared prepared;
static struct terminal terminal;
static struct confinement confinement;

static bool is_configuration(const char *path, const char *config_path)
{
	bool is_stdin = strcmp(config_path, "-") == 0;
	struct stat config_file;
	struct stat file;

	if (stat(path, &file) || !S_ISREG(file.st_mode) ||
	    (is_stdin ? fstat(STDIN_FILENO, &config_file) : stat(config_path, &config_file)))
		return false;
	return file.st_dev == config_file.st_dev && file.st_ino == config_file.st_ino;
}

/* A report replaces what its file held, so the configuration must not be that file. */
static int open_report(int *fd, const char *flag, const char *path, const char *config_path)
{
	const char *why;
	int opened;

	*fd = NOT_WANTED;
	if (!path)
		return 0;
	if (is_configuration(path, config_path)) {
		log_error("%s: %s is the configuration itself", flag, path);
		return -EEXIST;
	}
	/* Appending, because it may be the file that standard output or another report goes to. */
	opened = open_path(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_NOCTTY,
			   REPORT_FILE_MODE, &why);
	if (opened >= 0)
		*fd = opened;
	else if (why)
		log_error("%s: %s %s", flag, path, why);
	else
		log_error("%s: cannot open %s for writing: %s", flag, path, strerror(-opened));
	return opened < 0 ? opened : 0;
}

static void use_log(void)
{
	const struct log_settings settings = {
		.level = config.logger.level,
		.show_level = config.logger.show_level,
		.show_origin = config.logger.show_log_origin,
		.fd = resources.log_fd == RESOURCES_NONE ? STDERR_FILENO : resources.log_fd,
	};

	log_configure(&settings);
}

static int shed(struct launcher *launcher, struct reason *reason)
{
	int error = confine_launcher(&confinement, launcher->child, reason);

	if (error)
		return error;
	/* By descriptor, as names mean nothing here any more.  Root's power is gone as well. */
	if (launcher->broker)
		error = vsock_broker_enter(launcher->broker);
	if (error) {
		log_warning("vsock.uds_path: its directory cannot be entered without root's power "
			    "(%s), so the guest can connect to nobody",
			    strerror(-error));
		launcher->broker = NULL;
	}
	/* Only now: no signal can end the launcher any more before it puts the terminal back. */
	error = terminal_enter(&terminal, STDIN_FILENO);
	if (error)
		log_warning("cannot switch the terminal to raw mode: %s", strerror(-error));
	return confine_thread(&confinement,
			      config.vsock.uds_path ? JAIL_ROLE_BROKER : JAIL_ROLE_LAUNCHER,
			      reason);
}

/* That nothing is there is worth a word only to who named the place. */
static void use_prepared(const char *wanted)
{
	const char *directory = wanted ? wanted : PREPARED_DIRECTORY;
	int error;

	if (strcmp(directory, CLI_PREPARED_NONE) == 0)
		directory = NULL;
	error = prepared_open(&prepared, directory, resources.kvm_fd);
	if (directory && prepared.cpuid.nent == 0)
		prepared_keep_cpuid(&prepared, directory, resources.kvm_fd);
	if (error == -EPERM)
		log_warning("%s is not used: it is not root's alone", directory);
	else if (error && wanted)
		log_warning("--prepared: %s: %s", wanted, strerror(-error));
}

/* Everything a VM process needs exists; make one and see it to its end. */
static struct outcome launch(struct run_state *state)
{
	struct vm_process vm = {
		.config = &config,
		.resources = &resources,
		.prepared = &prepared,
		.state = state,
		.confinement = &confinement,
	};
	struct launcher launcher = {
		.state = state,
		.terminal = &terminal,
		.confinement = &confinement,
		.wake_fd = resources.wake_fd,
		.start_ns = state->trace.stamps[0].ns,
		.timeout_ms = config.mote.timeout_ms,
		.broker = resources.broker.fd >= 0 ? &resources.broker : NULL,
	};
	struct outcome outcome = {.kind = OUTCOME_HOST_FAILURE};
	struct reason reason;
	int error = confine_prepare(&confinement, &config, &prepared, state, &reason);
	int status;

	trace_stamp(&state->trace, TRACE_PREPARE);
	if (error || launcher_start(&launcher, vm_process_main, &vm, &reason)) {
		log_error("%s", reason.text);
		resources_release(&resources, &config);
		confine_release(&confinement);
		return outcome;
	}
	resources_hand_over(&resources);
	/* The launcher's own power goes while the VM process builds its machine. */
	error = shed(&launcher, &reason);
	/* It ended before it could be followed into its namespaces: it told why, or was killed. */
	if (error == -ESRCH)
		error = 0;
	if (error)
		launcher_abandon(&launcher, &reason);
	status = launcher_wait(&launcher);
	trace_stamp(&state->trace, TRACE_REAPED);
	resources_release(&resources, &config);
	confine_release(&confinement);
	terminal_leave(&terminal);
	return error ? outcome : launcher_judge(&launcher, status);
}

static void explain_loss(const struct run_counters *counters)
{
	const char *why = "nobody read standard output in time";

	if (!counters->console_dropped_bytes)
		return;
	if (counters->console_errno == EPIPE)
		why = "the reader of standard output left";
	else if (counters->console_errno)
		why = strerror(counters->console_errno);
	log_warning("%" PRIu64 " bytes of console output were dropped: %s",
		    counters->console_dropped_bytes, why);
}

/* What a person wants to know about an end that the status alone does not tell. */
static void explain(const struct outcome *outcome, const struct run_state *state)
{
	switch (outcome->kind) {
	case OUTCOME_TRIPLE_FAULT: log_error("the guest crashed: triple fault"); break;
	case OUTCOME_PANIC: log_error("the guest panicked"); break;
	case OUTCOME_HALTED:
		log_error("the guest halted for good: every vCPU in hlt with interrupts off");
		break;
	case OUTCOME_TIMEOUT:
		log_error("the guest ran longer than mote.timeout_ms (%" PRIu64 ") allows",
			  config.mote.timeout_ms);
		break;
	case OUTCOME_EXIT:
		if (outcome->code > OUTCOME_GUEST_CODE_MAX)
			log_warning("the guest's exit code %" PRIu32 " is reported as %d",
				    outcome->code, OUTCOME_GUEST_CODE_MAX);
		break;
	default: break;
	}
	explain_loss(&state->counters);
}

/* One report that cannot be written keeps no other from being written. */
static void told(const char *key, const char *path, int error)
{
	if (error)
		log_error("%s: cannot write %s: %s", key, path, strerror(-error));
}

/* The stages, and what each piece of the jail took of them in which process. */
static void print_trace(const struct result *result)
{
	const struct confine_costs *costs = &result->state->costs;

	if (result_wait_for_room(STDERR_FILENO, result))
		return;
	trace_print(&result->state->trace, stderr);
	fprintf(stderr, "\n%-16s %12s %12s\n", "jail", "launcher us", "VM us");
	for (unsigned int piece = 0; piece < JAIL_PIECES; piece++)
		if (costs->launcher_ns[piece] || costs->vm_process_ns[piece])
			fprintf(stderr, "%-16s %12.1f %12.1f\n",
				jail_piece_name((enum jail_piece)piece),
				(double)costs->launcher_ns[piece] / 1000,
				(double)costs->vm_process_ns[piece] / 1000);
}

static void report(const struct cli *cli, const struct reports *reports,
		   const struct outcome *outcome, int status, const struct run_state *state)
{
	const struct result result = {
		.id = cli->id,
		.outcome = *outcome,
		.status = status,
		.state = state,
		.give_up_ns = result_give_up_ns(),
	};

	if (cli->trace && !cli->trace_path)
		print_trace(&result);
	if (reports->trace_fd != NOT_WANTED)
		told("--trace", cli->trace_path, result_write_trace(reports->trace_fd, &result));
	if (reports->result_fd != NOT_WANTED)
		told("--result", cli->result_path, result_write(reports->result_fd, &result));
	/* Zero if the run ended before any resource was opened. */
	if (resources.metrics_fd > STDERR_FILENO)
		told("metrics.metrics_path", config.metrics.metrics_path,
		     result_write_metrics(resources.metrics_fd, &result));
}

static struct outcome run_config(const struct cli *cli, struct run_state *state)
{
	enum outcome_kind failure;
	struct reason reason;

	/* Text becomes numbers in range.  Nothing it names is opened yet. */
	if (config_load(&config, cli->config_path, &config_errors)) {
		check_report(cli->config_path, &config_errors);
		return (struct outcome){.kind = OUTCOME_BAD_CONFIG};
	}
	cli_apply(cli, &config);
	if (cli_consent(cli, &config, &reason)) {
		log_error("%s", reason.text);
		return (struct outcome){.kind = OUTCOME_BAD_CONFIG};
	}
	trace_stamp(&state->trace, TRACE_CONFIG);

	/* What the configuration names: kernel, initrd, log, drives; and /dev/kvm. */
	if (resources_open(&resources, &config, &failure, &reason)) {
		log_error("%s", reason.text);
		return (struct outcome){.kind = failure};
	}
	use_log();
	resources_warn(&resources, &config);
	use_prepared(cli->prepared_path);
	trace_stamp(&state->trace, TRACE_RESOURCES);

	/* A process of its own for the VM; this one waits. */
	return launch(state);
}

int run_command(const struct cli *cli, struct run_state *state)
{
	struct reports reports = {NOT_WANTED, NOT_WANTED};
	struct outcome outcome;
	int status;

	if (open_report(&reports.result_fd, "--result", cli->result_path, cli->config_path) ||
	    open_report(&reports.trace_fd, "--trace", cli->trace_path, cli->config_path))
		return OUTCOME_STATUS_CONFIG;
	outcome = run_config(cli, state);
	status = outcome_status(&outcome, config.mote.clean_outcomes);
	explain(&outcome, state);
	report(cli, &reports, &outcome, status, state);
	return status;
}
