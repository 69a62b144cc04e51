/* SPDX-License-Identifier: MIT */
/* monitor/config_jail.c - mote.jail and mote.cgroup; see config_sections.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "jail/piece.h"
#include "monitor/config_sections.h"

/* What the kernel's files take, so that the host has nothing left to refuse. */
enum {
	CPU_WEIGHT_MAX = 10000,
	CPU_PERIOD_MIN_US = 1000,
	CPU_PERIOD_MAX_US = 1000000,
	CPU_PERIOD_DEFAULT_US = 100000,
	PIDS_MAX = 1 << 22,
	THREADS_BESIDE_VCPUS = 2,
	DEVICE_MAJOR_MAX = (1 << 12) - 1, /* dev_t inside the kernel: 12 bits and 20 */
	DEVICE_MINOR_MAX = (1 << 20) - 1,
	NUMBER_BASE = 10,
};

#define CPU_QUOTA_MIN_US UINT64_C(1000)
#define CPU_QUOTA_MAX_US UINT64_C(1000000000)
#define ID_MAX           UINT32_C(0xfffffffe) /* above: "no change", for setresuid(2) */

/* mote.jail */
static const struct json_choice seccomp_choices[] = {
	{"kill", CONFIG_SECCOMP_KILL},
	{"log", CONFIG_SECCOMP_LOG},
	{NULL, 0},
};

static void complain_of_piece(struct json_reader *reader, const char *name)
{
	char list[JSON_LINE_MAX_BYTES / 2];
	size_t used = 0;

	for (unsigned int piece = 0; piece < JAIL_PIECES && used < sizeof(list); piece++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
					 piece ? ", " : "",
					 jail_piece_name((enum jail_piece)piece));
	json_complain(reader, "\"%.32s\" is not one of %s", name, list);
}

static void read_piece(struct json_reader *reader, json_t *value, unsigned int index, void *target)
{
	uint32_t *pieces = target;
	enum jail_piece piece;

	(void)index;
	if (!json_expect(reader, value, JSON_STRING, "a string"))
		return;
	piece = jail_piece_from_name(json_string_value(value));
	if (piece == JAIL_PIECES)
		complain_of_piece(reader, json_string_value(value));
	else
		*pieces |= JAIL_PIECE_BIT(piece);
}

static void read_allow_missing(struct json_reader *reader, json_t *value, void *target)
{
	uint32_t pieces = 0;

	json_read_array(reader, value, SIZE_MAX, read_piece, &pieces);
	*(uint32_t *)target = pieces;
}

static const struct json_field jail_fields[] = {
	{"uid", JSON_FIELD_U32, .minimum = 1, .maximum = ID_MAX, SECTION_FIELD(config_jail, uid)},
	{"gid", JSON_FIELD_U32, .minimum = 1, .maximum = ID_MAX, SECTION_FIELD(config_jail, gid)},
	{"seccomp", JSON_FIELD_CHOICE, .choices = seccomp_choices,
	 SECTION_FIELD(config_jail, seccomp)},
	{"allow_missing", JSON_FIELD_CUSTOM, .read = read_allow_missing,
	 SECTION_FIELD(config_jail, allow_missing)},
};

static bool has_value(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return value && !json_is_null(value);
}

void config_read_jail(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {jail_fields, JSON_COUNT(jail_fields), NULL, 0};
	struct config_jail *jail = target;

	*jail = (struct config_jail){0};
	json_read_object(reader, value, &schema, jail);
	if (has_value(value, "uid") != has_value(value, "gid"))
		json_complain(reader, "uid and gid are given together or not at all");
}

/* mote.cgroup */

/* What a path below the root of a hierarchy is: names with a slash between them. */
static int parse_parent(void *target, const char *text, struct reason *reason)
{
	for (const char *name = text;; name++) {
		size_t name_bytes = strcspn(name, "/");

		if (name_bytes == 0 || (name_bytes <= 2 && strspn(name, ".") >= name_bytes))
			return reason_set(reason, -EINVAL,
					  "\"%.64s\" is not a path relative to the root of the "
					  "cgroups, without \".\" and \"..\", such as mote.slice",
					  text);
		name += name_bytes;
		if (*name == '\0')
			break;
	}
	*(const char **)target = text;
	return 0;
}

static const struct json_field cpu_max_fields[] = {
	{"quota_us", JSON_FIELD_U64, .required = true, .minimum = CPU_QUOTA_MIN_US,
	 .maximum = CPU_QUOTA_MAX_US, SECTION_FIELD(config_cgroup_cpu, quota_us)},
	{"period_us", JSON_FIELD_U64, .minimum = CPU_PERIOD_MIN_US, .maximum = CPU_PERIOD_MAX_US,
	 SECTION_FIELD(config_cgroup_cpu, period_us)},
};

static void read_cpu_max(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {cpu_max_fields, JSON_COUNT(cpu_max_fields), NULL,
						  0};
	struct config_cgroup_cpu *cpu = target;

	cpu->period_us = CPU_PERIOD_DEFAULT_US;
	json_read_object(reader, value, &schema, cpu);
}

static const struct json_field cpu_fields[] = {
	{"weight", JSON_FIELD_U32, .minimum = 1, .maximum = CPU_WEIGHT_MAX,
	 SECTION_FIELD(config_cgroup_cpu, weight)},
	{"max", JSON_FIELD_CUSTOM, .read = read_cpu_max, .offset = 0},
};

static const struct json_schema cpu_schema = {cpu_fields, JSON_COUNT(cpu_fields), NULL, 0};

static const struct json_field memory_fields[] = {
	{"max_bytes", JSON_FIELD_U64, .minimum = LAYOUT_MIB, .maximum = INT64_MAX,
	 SECTION_FIELD(config_cgroup_memory, max_bytes)},
	{"swap_max_bytes", JSON_FIELD_U64, .maximum = INT64_MAX,
	 SECTION_FIELD(config_cgroup_memory, swap_max_bytes)},
};

/* Without the sum that v1 limits, swap alone could not be limited on every host. */
static void read_memory(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {memory_fields, JSON_COUNT(memory_fields), NULL,
						  0};
	struct config_cgroup_memory *memory = target;

	json_read_object(reader, value, &schema, memory);
	memory->has_swap_max = has_value(value, "swap_max_bytes");
	if (memory->has_swap_max && !has_value(value, "max_bytes"))
		json_complain(reader, "swap_max_bytes needs max_bytes beside it");
}

/* Reads a number of `maximum` at most up to `end`, and steps behind it. */
static bool scan_number(const char **at, char end, uint32_t maximum, uint32_t *number)
{
	uint32_t value = 0;
	const char *start = *at;

	for (; **at >= '0' && **at <= '9'; (*at)++) {
		value = value * NUMBER_BASE + (uint32_t)(**at - '0');
		if (value > maximum)
			return false;
	}
	if (*at == start || **at != end)
		return false;
	(*at)++;
	*number = value;
	return true;
}

/* The target is the whole entry, since one of two ways to name a device is set. */
static int parse_device(void *target, const char *text, struct reason *reason)
{
	struct config_cgroup_io *io = target;
	const char *at = text;
	uint32_t major;
	uint32_t minor;

	if (strspn(text, "0123456789") == 0) {
		io->device_path = text;
		return 0;
	}
	if (!scan_number(&at, ':', DEVICE_MAJOR_MAX, &major) ||
	    !scan_number(&at, '\0', DEVICE_MINOR_MAX, &minor))
		return reason_set(reason, -EINVAL,
				  "\"%.64s\" is neither a path nor numbers such as 254:0", text);
	io->major = major;
	io->minor = minor;
	return 0;
}

#define RATE(key, member)                                                    \
	{                                                                    \
		key, JSON_FIELD_U64, .minimum = 1, .maximum = INT64_MAX,     \
				     SECTION_FIELD(config_cgroup_io, member) \
	}

static const struct json_field io_fields[] = {
	{"device", JSON_FIELD_PARSED, .required = true, PATH_BYTES, .parse = parse_device,
	 .offset = 0},
	RATE("rbps", read_bytes_per_s),
	RATE("wbps", write_bytes_per_s),
	RATE("riops", read_ops_per_s),
	RATE("wiops", write_ops_per_s),
};

static bool same_device(const struct config_cgroup_io *one, const struct config_cgroup_io *other)
{
	if (one->device_path && other->device_path)
		return strcmp(one->device_path, other->device_path) == 0;
	return !one->device_path && !other->device_path && one->major == other->major &&
	       one->minor == other->minor;
}

static void read_io_device(struct json_reader *reader, json_t *value, unsigned int index,
			   void *target)
{
	static const struct json_schema schema = {io_fields, JSON_COUNT(io_fields), NULL, 0};
	struct config_cgroup *cgroup = target;
	struct config_cgroup_io *io = &cgroup->io[index];
	unsigned int errors = reader->errors;

	*io = (struct config_cgroup_io){0};
	json_read_object(reader, value, &schema, io);
	if (reader->errors != errors)
		return;
	if (!io->read_bytes_per_s && !io->write_bytes_per_s && !io->read_ops_per_s &&
	    !io->write_ops_per_s)
		json_complain(reader, "no limit is given: rbps, wbps, riops or wiops");
	for (unsigned int other = 0; other < index; other++)
		if (same_device(&cgroup->io[other], io))
			json_complain(reader, "the same device as io[%u]", other);
}

static void read_io(struct json_reader *reader, json_t *value, void *target)
{
	struct config_cgroup *cgroup = target;

	cgroup->io_count =
		json_read_array(reader, value, CONFIG_CGROUP_IO_MAX, read_io_device, cgroup);
}

static const struct json_field cgroup_fields[] = {
	{"parent", JSON_FIELD_PARSED, .required = true, .minimum = 1,
	 .maximum = CONFIG_CGROUP_PARENT_MAX_BYTES, .parse = parse_parent,
	 SECTION_FIELD(config_cgroup, parent)},
	{"cpu", JSON_FIELD_OBJECT, .schema = &cpu_schema, SECTION_FIELD(config_cgroup, cpu)},
	{"memory", JSON_FIELD_CUSTOM, .read = read_memory, SECTION_FIELD(config_cgroup, memory)},
	{"io", JSON_FIELD_CUSTOM, .read = read_io, .offset = 0},
	{"pids", JSON_FIELD_U32, .minimum = 1, .maximum = PIDS_MAX,
	 SECTION_FIELD(config_cgroup, pids)},
};

void config_read_cgroup(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {cgroup_fields, JSON_COUNT(cgroup_fields), NULL,
						  0};
	struct config_cgroup *cgroup = target;

	*cgroup = (struct config_cgroup){0};
	json_read_object(reader, value, &schema, cgroup);
}

/*
 * Beside the threads of the vCPUs there is one for devices, and one that newer kernels make for
 * each VM in its first KVM_RUN: where they cannot, that call fails for as long as it is repeated.
 */
void config_check_cgroup(struct json_reader *reader, const struct vm_config *config)
{
	uint32_t pids = config->mote.cgroup.pids;
	uint32_t threads = config->machine.vcpu_count + THREADS_BESIDE_VCPUS;

	if (pids && pids < threads)
		json_complain(reader,
			      "mote.cgroup.pids: %" PRIu32 " is less than the %" PRIu32
			      " threads of this machine: "
			      "one for each vCPU, one for devices, one of KVM's",
			      pids, threads);
}
