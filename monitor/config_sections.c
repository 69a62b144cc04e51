/* SPDX-License-Identifier: MIT */
/*
 * monitor/config_sections.c - every section and key; see config_sections.h.
 *
 * mote.json(5) says the same in words; the tables here decide.
 */
#include "monitor/config_sections.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "monitor/outcome.h"

#define DAY_MS UINT64_C(86400000)

static const char default_boot_args[] = "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux "
					"i8042.nomux i8042.dumbkbd swiotlb=noforce";

const struct vm_config config_defaults = {
	.boot_source = {.boot_args = default_boot_args},
	.machine = {.vcpu_count = 1, .ram_bytes = 128 * LAYOUT_MIB},
	.logger = {.level = LOG_LEVEL_INFO},
	.mote = {.vsock = {.mode = 0600, .uid = UINT32_MAX, .gid = UINT32_MAX}},
};

/* Never offered. */
static const struct json_refusal sections_refused[] = {
	{"balloon", "not offered by mote: memory is bounded by mem_size_mib and the cgroup"},
	{"cpu-config", "not offered by mote: the guest gets the CPU that KVM offers"},
	{"entropy", "not offered by mote: guests have RDRAND"},
	{"memory-hotplug", "not offered by mote: a machine's memory does not change"},
	{"mmds-config", "not offered by mote: pass data in boot_args, on a drive or by vsock"},
	{"pmem", "not offered by mote: use drives"},
	{"serial", "not offered by mote: the console is standard input and output"},
};

/* Firecracker's names, in its order, and ours. */
static const struct json_choice huge_pages_choices[] = {
	{"None", CONFIG_HUGE_PAGES_NONE},
	{"Transparent", CONFIG_HUGE_PAGES_TRANSPARENT},
	{"2M", CONFIG_HUGE_PAGES_2M},
	{NULL, 0},
};

static const struct json_choice level_choices[] = {
	{"Error", LOG_LEVEL_ERROR},  {"Warning", LOG_LEVEL_WARNING},
	{"Warn", LOG_LEVEL_WARNING}, {"Info", LOG_LEVEL_INFO},
	{"Debug", LOG_LEVEL_DEBUG},  {"Trace", LOG_LEVEL_TRACE},
	{"Off", LOG_LEVEL_OFF},      {NULL, 0},
};

static const struct json_choice protocol_choices[] = {
	{"auto", CONFIG_PROTOCOL_AUTO},
	{"linux64", CONFIG_PROTOCOL_LINUX64},
	{"pvh", CONFIG_PROTOCOL_PVH},
	{NULL, 0},
};

static const struct json_choice irqchip_choices[] = {
	{"auto", CONFIG_IRQCHIP_AUTO},
	{"split", CONFIG_IRQCHIP_SPLIT},
	{"kernel", CONFIG_IRQCHIP_KERNEL},
	{NULL, 0},
};

static const struct json_choice switch_choices[] = {
	{"auto", CONFIG_AUTO},
	{"true", CONFIG_ON},
	{"false", CONFIG_OFF},
	{NULL, 0},
};

int config_log_level(enum log_level *level, const char *name)
{
	for (const struct json_choice *choice = level_choices; choice->name; choice++)
		if (strcasecmp(choice->name, name) == 0) {
			*level = (enum log_level)choice->value;
			return 0;
		}
	return -EINVAL;
}

/* boot-source */
static const struct json_field boot_source_fields[] = {
	{"kernel_image_path", JSON_FIELD_STRING, .required = true, PATH_BYTES,
	 SECTION_FIELD(config_boot_source, kernel_image_path)},
	{"initrd_path", JSON_FIELD_STRING, PATH_BYTES,
	 SECTION_FIELD(config_boot_source, initrd_path)},
	{"boot_args", JSON_FIELD_STRING, .maximum = LAYOUT_CMDLINE_MAX_BYTES - 1,
	 SECTION_FIELD(config_boot_source, boot_args)},
};

static void read_boot_source(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {boot_source_fields,
						  JSON_COUNT(boot_source_fields), NULL, 0};
	struct vm_config *config = target;

	config->boot_source = config_defaults.boot_source;
	json_read_object(reader, value, &schema, &config->boot_source);
}

/* machine-config */
static int parse_cpu_template(void *target, const char *text, struct reason *reason)
{
	(void)target;
	if (strcmp(text, "None") == 0)
		return 0;
	return reason_set(reason, -EINVAL,
			  "\"%.32s\" is not offered by mote: the guest gets the CPU that KVM "
			  "offers; only None is accepted",
			  text);
}

static const struct json_field machine_fields[] = {
	{"vcpu_count", JSON_FIELD_U32, .required = true, .minimum = 1, .maximum = LAYOUT_VCPUS_MAX,
	 SECTION_FIELD(config_machine, vcpu_count)},
	{"mem_size_mib", JSON_FIELD_U64, .required = true, .minimum = 1,
	 .maximum = CONFIG_RAM_MAX_MIB, .scale = LAYOUT_MIB,
	 SECTION_FIELD(config_machine, ram_bytes)},
	{"smt", JSON_FIELD_BOOL, SECTION_FIELD(config_machine, smt)},
	{"cpu_template", JSON_FIELD_PARSED, .maximum = SIZE_MAX, .parse = parse_cpu_template},
	{"track_dirty_pages", JSON_FIELD_IGNORED_BOOL},
	{"huge_pages", JSON_FIELD_CHOICE, .choices = huge_pages_choices,
	 SECTION_FIELD(config_machine, huge_pages)},
};

static void read_machine(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {machine_fields, JSON_COUNT(machine_fields), NULL,
						  0};
	struct config_machine *machine = &((struct vm_config *)target)->machine;

	*machine = config_defaults.machine;
	json_read_object(reader, value, &schema, machine);
	if (machine->smt && machine->vcpu_count > 1 && machine->vcpu_count % 2)
		json_complain(reader, "smt needs 1 vCPU or an even number, and vcpu_count is %u",
			      machine->vcpu_count);
	if (machine->huge_pages == CONFIG_HUGE_PAGES_2M && machine->ram_bytes % (2 * LAYOUT_MIB))
		json_complain(reader,
			      "huge_pages 2M needs an even mem_size_mib, and it is %" PRIu64,
			      machine->ram_bytes / LAYOUT_MIB);
}

/* logger */
static const struct json_field logger_fields[] = {
	{"log_path", JSON_FIELD_STRING, PATH_BYTES, SECTION_FIELD(config_logger, log_path)},
	{"level", JSON_FIELD_CHOICE, .any_case = true, .choices = level_choices,
	 SECTION_FIELD(config_logger, level)},
	{"show_level", JSON_FIELD_BOOL, SECTION_FIELD(config_logger, show_level)},
	{"show_log_origin", JSON_FIELD_BOOL, SECTION_FIELD(config_logger, show_log_origin)},
	{"module", JSON_FIELD_IGNORED_STRING, .maximum = PATH_MAX},
};

static void read_logger(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {logger_fields, JSON_COUNT(logger_fields), NULL,
						  0};
	struct vm_config *config = target;

	config->logger = config_defaults.logger;
	json_read_object(reader, value, &schema, &config->logger);
}

/* metrics */
static void read_properties(struct json_reader *reader, json_t *value, void *target)
{
	const char *key;
	json_t *text;

	(void)target;
	if (!json_expect(reader, value, JSON_OBJECT, "an object"))
		return;
	json_object_foreach (value, key, text) {
		size_t mark = json_enter_key(reader, key);

		json_expect_string(reader, text, 0, PATH_MAX);
		json_leave(reader, mark);
	}
}

static const struct json_field metrics_fields[] = {
	{"metrics_path", JSON_FIELD_STRING, .required = true, PATH_BYTES,
	 SECTION_FIELD(config_metrics, metrics_path)},
	{"emit_id", JSON_FIELD_IGNORED_BOOL},
	{"properties", JSON_FIELD_CUSTOM, .read = read_properties},
};

static void read_metrics(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {metrics_fields, JSON_COUNT(metrics_fields), NULL,
						  0};
	struct vm_config *config = target;

	config->metrics = config_defaults.metrics;
	json_read_object(reader, value, &schema, &config->metrics);
}

/* mote */
static const enum outcome_kind cleanable[] = {
	OUTCOME_POWER_OFF,
	OUTCOME_RESET,
	OUTCOME_TRIPLE_FAULT,
	OUTCOME_HALTED,
};

#define CLEANABLE_NAMES "power-off, reset, triple-fault, halted"

static void read_clean_outcome(struct json_reader *reader, json_t *value, unsigned int index,
			       void *target)
{
	const char *name = json_string_value(value);
	unsigned int *set = target;
	enum outcome_kind kind;

	(void)index;
	if (!json_expect(reader, value, JSON_STRING, "a string"))
		return;
	kind = outcome_from_name(name);
	for (size_t i = 0; i < JSON_COUNT(cleanable); i++)
		if (kind == cleanable[i]) {
			*set |= OUTCOME_BIT(kind);
			return;
		}
	if (kind == OUTCOME_NONE)
		json_complain(reader, "\"%.64s\" is not one of " CLEANABLE_NAMES, name);
	else
		json_complain(reader,
			      "\"%s\" never counts as success; only " CLEANABLE_NAMES " can", name);
}

static void read_clean_outcomes(struct json_reader *reader, json_t *value, void *target)
{
	unsigned int set = 0;

	json_read_array(reader, value, SIZE_MAX, read_clean_outcome, &set);
	*(unsigned int *)target = set;
}

static const struct json_field mote_fields[] = {
	{"boot_protocol", JSON_FIELD_CHOICE, .choices = protocol_choices,
	 SECTION_FIELD(config_mote, boot_protocol)},
	{"irqchip", JSON_FIELD_CHOICE, .choices = irqchip_choices,
	 SECTION_FIELD(config_mote, irqchip)},
	{"acpi", JSON_FIELD_SWITCH, .choices = switch_choices, SECTION_FIELD(config_mote, acpi)},
	{"pit", JSON_FIELD_SWITCH, .choices = switch_choices, SECTION_FIELD(config_mote, pit)},
	{"require_nested_paging", JSON_FIELD_BOOL,
	 SECTION_FIELD(config_mote, require_nested_paging)},
	{"timeout_ms", JSON_FIELD_U64, .minimum = 1, .maximum = 365 * DAY_MS,
	 SECTION_FIELD(config_mote, timeout_ms)},
	{"clean_outcomes", JSON_FIELD_CUSTOM, .read = read_clean_outcomes,
	 SECTION_FIELD(config_mote, clean_outcomes)},
	{"direct_io", JSON_FIELD_CUSTOM, .read = config_read_direct_io,
	 SECTION_FIELD(config_mote, direct_io)},
	{"network", JSON_FIELD_CUSTOM, .read = config_read_network,
	 SECTION_FIELD(config_mote, network)},
	{"vsock", JSON_FIELD_CUSTOM, .read = config_read_vsock_access,
	 SECTION_FIELD(config_mote, vsock)},
	{"jail", JSON_FIELD_CUSTOM, .read = config_read_jail, SECTION_FIELD(config_mote, jail)},
	{"cgroup", JSON_FIELD_CUSTOM, .read = config_read_cgroup,
	 SECTION_FIELD(config_mote, cgroup)},
};

static void read_mote(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {mote_fields, JSON_COUNT(mote_fields), NULL, 0};
	struct config_mote *mote = &((struct vm_config *)target)->mote;

	*mote = config_defaults.mote;
	json_read_object(reader, value, &schema, mote);
	if (mote->pit == CONFIG_ON && mote->irqchip == CONFIG_IRQCHIP_SPLIT)
		json_complain(reader, "pit true contradicts irqchip \"split\": the PIT comes with "
				      "irqchip \"kernel\"");
}

/* The top level.  A section's reader takes the whole config, since some fill two members. */
static const struct json_field section_fields[] = {
	{"boot-source", JSON_FIELD_CUSTOM, .required = true, .read = read_boot_source},
	{"machine-config", JSON_FIELD_CUSTOM, .read = read_machine},
	{"drives", JSON_FIELD_CUSTOM, .read = config_read_drives},
	{"network-interfaces", JSON_FIELD_CUSTOM, .read = config_read_interfaces},
	{"vsock", JSON_FIELD_CUSTOM, .read = config_read_vsock},
	{"logger", JSON_FIELD_CUSTOM, .read = read_logger},
	{"metrics", JSON_FIELD_CUSTOM, .read = read_metrics},
	{"mote", JSON_FIELD_CUSTOM, .read = read_mote},
};

const struct json_schema config_schema = {section_fields, JSON_COUNT(section_fields),
					  sections_refused, JSON_COUNT(sections_refused)};

void config_cross_check(struct json_reader *reader, struct vm_config *config)
{
	unsigned int devices = config->drive_count + config->interface_count +
			       (config->vsock.present ? 1 : 0);

	if (devices > LAYOUT_DEVICES_MAX)
		json_complain(reader,
			      "drives, network-interfaces and vsock: %u devices, at most %d are "
			      "possible",
			      devices, LAYOUT_DEVICES_MAX);
	config_apply_direct_io(reader, config);
	config_apply_network(reader, config);
	config_check_vsock(reader, config);
	config_check_cgroup(reader, config);
}
