/* SPDX-License-Identifier: MIT */
/* monitor/cli.c - see cli.h; the tables decide, the functions below only walk them. */
#include "monitor/cli.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/config_sections.h"

#define NOT_YET "not offered by this version of mote yet"

/* Long, so that nobody types it by habit. */
#define ALLOW_SECCOMP_LOG "--allow-insecure-seccomp-log"

#define ON(command)   (1U << (unsigned int)(command))
#define ON_ALL        (~0U)
#define FIELD(member) .offset = offsetof(struct cli, member)

static const struct {
	const char *word;
	enum cli_command command;
	bool takes_config;
	const char *refusal; /* NULL: offered */
} commands[] = {
	{"run", CLI_RUN, true, NULL},           {"check", CLI_CHECK, true, NULL},
	{"doctor", CLI_DOCTOR, false, NULL},    {"prepare", CLI_PREPARE, false, NULL},
	{"version", CLI_VERSION, false, NULL},  {"help", CLI_HELP, false, NULL},
	{"snapshot", CLI_HELP, false, NOT_YET}, {"restore", CLI_HELP, false, NOT_YET},
	{"serve", CLI_HELP, false, NOT_YET},
};

enum flag_kind {
	FLAG_SET,     /* a bool; takes no value */
	FLAG_TEXT,    /* a string that is not empty */
	FLAG_CONFIG,  /* the configuration, which may also stand alone */
	FLAG_TRACE,   /* a bool, and a string only after "=" */
	FLAG_ID,      /* a string of Firecracker's alphabet for ids */
	FLAG_LEVEL,   /* a log level */
	FLAG_STDIO,   /* vsock:PORT */
	FLAG_NO_API,  /* must come with --config-file */
	FLAG_IGNORED, /* takes a value that asks for nothing mote has */
	FLAG_NUMBER,  /* the same, and must be a decimal number */
	FLAG_COMMAND, /* stands for a command: --help, --version */
	FLAG_REFUSED, /* never offered; the row says why */
};

struct flag {
	const char *name;
	enum flag_kind kind;
	unsigned int commands; /* ON() of each that takes it */
	size_t offset;         /* of the member in struct cli */
	enum cli_command command;
	const char *refusal;
};

static const struct flag flags[] = {
	{"--help", FLAG_COMMAND, ON_ALL, .command = CLI_HELP},
	{"-h", FLAG_COMMAND, ON_ALL, .command = CLI_HELP},
	{"--version", FLAG_COMMAND, ON_ALL, .command = CLI_VERSION},
	{"-V", FLAG_COMMAND, ON_ALL, .command = CLI_VERSION},
	{"--trace", FLAG_TRACE, ON(CLI_RUN), FIELD(trace)},
	{"--result", FLAG_TEXT, ON(CLI_RUN), FIELD(result_path)},
	{"--stdio", FLAG_STDIO, ON(CLI_RUN), FIELD(stdio)},
	{"--json", FLAG_SET, ON(CLI_DOCTOR), FIELD(json)},
	{"--prepared", FLAG_TEXT, ON(CLI_RUN) | ON(CLI_PREPARE), FIELD(prepared_path)},
	{"--undo", FLAG_SET, ON(CLI_PREPARE), FIELD(undo)},
	{ALLOW_SECCOMP_LOG, FLAG_SET, ON(CLI_RUN), FIELD(allow_seccomp_log)},

	/* Firecracker's. */
	{"--config-file", FLAG_CONFIG, ON(CLI_RUN)},
	{"--no-api", FLAG_NO_API, ON(CLI_RUN)},
	{"--id", FLAG_ID, ON(CLI_RUN), FIELD(id)},
	{"--boot-timer", FLAG_SET, ON(CLI_RUN), FIELD(boot_timer)},
	{"--log-path", FLAG_TEXT, ON(CLI_RUN), FIELD(log_path)},
	{"--level", FLAG_LEVEL, ON(CLI_RUN), FIELD(level)},
	{"--module", FLAG_IGNORED, ON(CLI_RUN)},
	{"--show-level", FLAG_SET, ON(CLI_RUN), FIELD(show_level)},
	{"--show-log-origin", FLAG_SET, ON(CLI_RUN), FIELD(show_log_origin)},
	{"--metrics-path", FLAG_TEXT, ON(CLI_RUN), FIELD(metrics_path)},
	{"--start-time-us", FLAG_NUMBER, ON(CLI_RUN)},
	{"--start-time-cpu-us", FLAG_NUMBER, ON(CLI_RUN)},
	{"--parent-cpu-time-us", FLAG_NUMBER, ON(CLI_RUN)},
	{"--http-api-max-payload-size", FLAG_NUMBER, ON(CLI_RUN)},
	{"--mmds-size-limit", FLAG_NUMBER, ON(CLI_RUN)},
	{"--api-sock", FLAG_REFUSED, .refusal = NOT_YET "; use --config-file FILE --no-api"},
	{"--seccomp-filter", FLAG_REFUSED,
	 .refusal = "not offered by mote: the command line does not choose system calls"},
	{"--no-seccomp", FLAG_REFUSED,
	 .refusal = "not offered by mote: the command line does not choose system calls"},
	{"--metadata", FLAG_REFUSED,
	 .refusal = "not offered by mote: there is no MMDS; pass data in boot_args, on a drive or "
		    "by vsock"},
	{"--enable-pci", FLAG_REFUSED, .refusal = "not offered by mote: devices are virtio-mmio"},
	{"--snapshot-version", FLAG_REFUSED,
	 .refusal = "not offered by mote: Firecracker's snapshots "
		    "cannot be read"},
	{"--describe-snapshot", FLAG_REFUSED,
	 .refusal = "not offered by mote: Firecracker's snapshots cannot be read"},
};

enum {
	FLAG_COUNT = sizeof(flags) / sizeof(flags[0]),
	COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]),
};

static_assert(FLAG_COUNT <= 64, "the set of flags seen is a 64-bit word");

/* One pass over argv. */
struct scan {
	struct cli cli;
	int argc;
	char *const *argv;
	int next;          /* index of the argument to look at */
	uint64_t seen;     /* bit per row of `flags` */
	bool has_word;     /* a command word was given; else it is Firecracker's form */
	bool takes_config; /* a CONFIG argument may come */
	bool no_api;
	struct reason *reason;
};

static bool is_decimal(const char *text)
{
	return text[0] && text[strspn(text, "0123456789")] == '\0';
}

static bool is_id(const char *text)
{
	size_t length_bytes = strlen(text);

	return length_bytes >= 1 && length_bytes <= CLI_ID_MAX_BYTES &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
		       length_bytes;
}

static const struct flag *find_flag(const char *name, size_t name_bytes)
{
	for (size_t i = 0; i < FLAG_COUNT; i++)
		if (strlen(flags[i].name) == name_bytes &&
		    memcmp(flags[i].name, name, name_bytes) == 0)
			return &flags[i];
	return NULL;
}

static bool takes_value(enum flag_kind kind)
{
	return kind == FLAG_TEXT || kind == FLAG_CONFIG || kind == FLAG_ID || kind == FLAG_LEVEL ||
	       kind == FLAG_STDIO || kind == FLAG_IGNORED || kind == FLAG_NUMBER;
}

/* Port 2^32 - 1 is VMADDR_PORT_ANY, which is nobody's. */
static int set_stdio(struct config_stdio *stdio, const char *value)
{
	static const char prefix[] = "vsock:";
	const char *digits = value + sizeof(prefix) - 1;
	unsigned long port;

	if (strncmp(value, prefix, sizeof(prefix) - 1) != 0 || !is_decimal(digits))
		return -EINVAL;
	/* Of a number that is too long it makes the largest one. */
	port = strtoul(digits, NULL, 10);
	if (port >= UINT32_MAX)
		return -EINVAL;
	*stdio = (struct config_stdio){.present = true, .guest_port = (uint32_t)port};
	return 0;
}

static int set_config(struct scan *scan, const char *argument)
{
	if (scan->cli.config_path)
		return reason_set(scan->reason, -EINVAL,
				  "\"%.80s\": a second configuration, after \"%.80s\"", argument,
				  scan->cli.config_path);
	if (argument[0] == '\0')
		return reason_set(scan->reason, -EINVAL, "the name of the configuration is empty");
	scan->cli.config_path = argument;
	return 0;
}

/* Check and store.  `value` is empty for a flag without one. */
static int store(struct scan *scan, const struct flag *flag, const char *value)
{
	void *target = (char *)&scan->cli + flag->offset;

	switch (flag->kind) {
	case FLAG_SET: *(bool *)target = true; return 0;
	case FLAG_NO_API: scan->no_api = true; return 0;
	case FLAG_COMMAND: scan->cli.command = flag->command; return 0;
	case FLAG_TEXT: *(const char **)target = value; return 0;
	case FLAG_CONFIG: return set_config(scan, value);
	case FLAG_TRACE:
		scan->cli.trace = true;
		scan->cli.trace_path = value[0] ? value : NULL;
		return 0;
	case FLAG_ID:
		if (!is_id(value))
			return reason_set(scan->reason, -EINVAL,
					  "%s: \"%.80s\" is not 1 to %d letters, digits or '-'",
					  flag->name, value, CLI_ID_MAX_BYTES);
		*(const char **)target = value;
		return 0;
	case FLAG_LEVEL:
		scan->cli.has_level = true;
		if (config_log_level(target, value))
			return reason_set(
				scan->reason, -EINVAL,
				"%s: \"%.80s\" is not one of Error, Warning, Info, Debug, Trace, "
				"Off",
				flag->name, value);
		return 0;
	case FLAG_STDIO:
		if (set_stdio(target, value))
			return reason_set(scan->reason, -EINVAL,
					  "%s: \"%.80s\" is not vsock:PORT, with a port from 0 to "
					  "4294967294",
					  flag->name, value);
		return 0;
	case FLAG_NUMBER:
		if (!is_decimal(value))
			return reason_set(scan->reason, -EINVAL, "%s: \"%.80s\" is not a number",
					  flag->name, value);
		return 0;
	case FLAG_IGNORED:
	case FLAG_REFUSED: return 0;
	}
	return 0;
}

/* The value after "=", or in the next argument unless that is a flag itself. */
static int find_value(struct scan *scan, const struct flag *flag, const char *equals,
		      const char **value)
{
	*value = "";
	if (equals) {
		if (!takes_value(flag->kind) && flag->kind != FLAG_TRACE)
			return reason_set(scan->reason, -EINVAL, "%s takes no value", flag->name);
		*value = equals + 1;
	} else if (takes_value(flag->kind) && scan->next < scan->argc &&
		   strncmp(scan->argv[scan->next], "--", 2) != 0) {
		*value = scan->argv[scan->next++];
	}
	if ((equals || takes_value(flag->kind)) && **value == '\0')
		return reason_set(scan->reason, -EINVAL, "%s needs a value", flag->name);
	return 0;
}

static const char *command_word(enum cli_command command)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (commands[i].command == command)
			return commands[i].word;
	return "";
}

static int take_flag(struct scan *scan, const char *argument)
{
	const char *equals = strchr(argument, '=');
	size_t name_bytes = equals ? (size_t)(equals - argument) : strlen(argument);
	const struct flag *flag = find_flag(argument, name_bytes);
	const char *value;
	uint64_t bit;
	int error;

	if (!flag)
		return reason_set(scan->reason, -EINVAL, "%.*s: unknown flag",
				  (int)(name_bytes < 80 ? name_bytes : 80), argument);
	if (flag->kind == FLAG_REFUSED)
		return reason_set(scan->reason, -EINVAL, "%s: %s", flag->name, flag->refusal);
	if (!(flag->commands & ON(scan->cli.command)))
		return reason_set(scan->reason, -EINVAL, "%s: not a flag of mote %s", flag->name,
				  command_word(scan->cli.command));
	bit = UINT64_C(1) << (flag - flags);
	if (scan->seen & bit)
		return reason_set(scan->reason, -EINVAL, "%s is given twice", flag->name);
	scan->seen |= bit;
	error = find_value(scan, flag, equals, &value);
	return error ? error : store(scan, flag, value);
}

static int take_config(struct scan *scan, const char *argument)
{
	if (!scan->takes_config)
		return reason_set(scan->reason, -EINVAL, "\"%.80s\": unexpected argument%s",
				  argument, scan->has_word ? "" : "; mote run CONFIG boots one");
	return set_config(scan, argument);
}

/* The first argument is a command's word, unless it is a flag: that is Firecracker's form. */
static int take_command(struct scan *scan)
{
	const char *word = scan->argc > 1 ? scan->argv[1] : NULL;

	scan->next = 1;
	if (!word)
		return reason_set(scan->reason, -EINVAL, "no command");
	scan->cli.command = CLI_RUN;
	if (word[0] == '-')
		return 0;
	scan->next = 2;
	scan->has_word = true;
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		if (strcmp(commands[i].word, word) != 0)
			continue;
		if (commands[i].refusal)
			return reason_set(scan->reason, -EINVAL, "%s: %s", word,
					  commands[i].refusal);
		scan->cli.command = commands[i].command;
		scan->takes_config = commands[i].takes_config;
		return 0;
	}
	return reason_set(scan->reason, -EINVAL,
			  "\"%.80s\": unknown command; mote run CONFIG boots one", word);
}

/* What no single argument shows. */
static int check_whole(const struct scan *scan)
{
	const struct cli *cli = &scan->cli;

	if (cli->command == CLI_PREPARE && cli->prepared_path &&
	    strcmp(cli->prepared_path, CLI_PREPARED_NONE) == 0)
		return reason_set(scan->reason, -EINVAL,
				  "--prepared: \"" CLI_PREPARED_NONE "\" names no directory");
	if (cli->command != CLI_RUN && cli->command != CLI_CHECK)
		return 0;
	if (!cli->config_path && scan->has_word)
		return reason_set(scan->reason, -EINVAL,
				  "mote %s needs a CONFIG, or - for "
				  "standard input",
				  command_word(cli->command));
	if (!cli->config_path && scan->no_api)
		return reason_set(scan->reason, -EINVAL, "--no-api needs --config-file FILE");
	if (!cli->config_path)
		return reason_set(scan->reason, -EINVAL, "no command");
	if (cli->stdio.present && strcmp(cli->config_path, "-") == 0)
		return reason_set(scan->reason, -EINVAL,
				  "--stdio: standard input is the configuration already");
	if (!scan->has_word && !scan->no_api)
		return reason_set(scan->reason, -EINVAL,
				  "--config-file: add --no-api, since mote has no API socket yet");
	return 0;
}

int cli_parse(struct cli *cli, int argc, char *const argv[], struct reason *reason)
{
	struct scan scan = {.argc = argc, .argv = argv, .reason = reason};
	bool flags_ended = false;
	int error = take_command(&scan);

	while (!error && scan.next < argc) {
		const char *argument = argv[scan.next++];

		if (!flags_ended && strcmp(argument, "--") == 0)
			flags_ended = true;
		else if (!flags_ended && argument[0] == '-' && argument[1] != '\0')
			error = take_flag(&scan, argument);
		else
			error = take_config(&scan, argument);
	}
	if (!error)
		error = check_whole(&scan);
	if (!error)
		*cli = scan.cli;
	return error;
}

void cli_apply(const struct cli *cli, struct vm_config *config)
{
	struct config_logger *logger = &config->logger;

	if (cli->log_path)
		logger->log_path = cli->log_path;
	if (cli->has_level)
		logger->level = cli->level;
	logger->show_level |= cli->show_level;
	logger->show_log_origin |= cli->show_log_origin;
	if (cli->metrics_path)
		config->metrics.metrics_path = cli->metrics_path;
	config->stdio = cli->stdio;
}

int cli_consent(const struct cli *cli, const struct vm_config *config, struct reason *reason)
{
	if (cli->stdio.present && !config->vsock.present)
		return reason_set(reason, -EINVAL,
				  "--stdio: the configuration has no vsock to connect by");
	if (config->vsock.present && !config->vsock.uds_path && !cli->stdio.present)
		return reason_set(reason, -EINVAL,
				  "vsock.uds_path: missing, and without --stdio vsock:PORT as "
				  "well nothing could connect");
	if (config->mote.jail.seccomp != CONFIG_SECCOMP_LOG || cli->allow_seccomp_log)
		return 0;
	return reason_set(reason, -EINVAL,
			  "mote.jail.seccomp: \"log\" lets every system call pass, and has to be "
			  "asked for with " ALLOW_SECCOMP_LOG " as well");
}

const char *cli_usage(void)
{
	return "mote runs one guest in a KVM virtual machine.\n"
	       "\n"
	       "  mote run [FLAGS] CONFIG    boot; the console is standard input and output, and\n"
	       "                             the exit status is the guest's\n"
	       "  mote check CONFIG          say what is wrong with a configuration, or OK\n"
	       "  mote doctor [--json]       what this host offers, and what would slow a start\n"
	       "  mote prepare [--undo]      once after boot, as root: makes all later starts "
	       "faster\n"
	       "  mote version               the version\n"
	       "  mote help                  this text\n"
	       "  mote --config-file CONFIG --no-api [FLAGS]    run, as Firecracker is started\n"
	       "\n"
	       "CONFIG is a JSON file, or - for standard input; mote.json(5) describes it.\n"
	       "\n"
	       "  --trace[=FILE]             where the launch spent its time, as a table on\n"
	       "                             standard error or as JSON in FILE\n"
	       "  --result FILE              write the outcome and the trace as one line of JSON\n"
	       "  --stdio vsock:PORT         standard input and output are a connection to that\n"
	       "                             port of the guest; its console is standard error\n"
	       "  --id ID                    a name for this machine\n"
	       "  --prepared DIR             where mote prepare leaves and mote run finds what is\n"
	       "                             prepared, in place of /run/mote; none: not used\n"
	       "  --log-path FILE --level LEVEL --show-level --show-log-origin --metrics-path "
	       "FILE\n"
	       "                             as logger and metrics in CONFIG, which they override\n"
	       "\n"
	       "Statuses 0 to 125 are the guest's.  126 means a bad configuration or command\n"
	       "line, 127 a failure of the host; mote(1) lists the others.\n";
}
