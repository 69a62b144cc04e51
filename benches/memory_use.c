/* SPDX-License-Identifier: MIT */
/* benches/memory_use.c - see memory_use.h. */
#include "benches/memory_use.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "benches/proc_file.h"

enum {
	FLAG_BYTES = 3, /* a blank and two letters */
	DECIMAL = 10,
	HEXADECIMAL = 16,
};

/* One mapping, while its lines are read. */
struct mapping {
	uint64_t start;
	uint64_t pss_kib;
	uint64_t private_dirty_kib;
};

static const struct {
	const char *name;
	enum memory_kernel_field field;
} kernel_rows[] = {
	{"Slab:", MEMORY_SLAB},
	{"KernelStack:", MEMORY_STACKS},
	{"PageTables:", MEMORY_PAGE_TABLES},
	{"SecPageTables:", MEMORY_NESTED_PAGE_TABLES},
	{"Percpu:", MEMORY_PERCPU},
};

static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end != NULL ? end + 1 : line + strlen(line);
}

/* "Name:    12 kB"; leaves the value alone if the line is another. */
static void take_field(const char *line, const char *name, uint64_t *kib)
{
	if (strncmp(line, name, strlen(name)) == 0)
		*kib = strtoull(line + strlen(name), NULL, DECIMAL);
}

/* "VmFlags: rd wr nr": whether one is `flag`, which comes with the blank in front. */
static bool has_flag(const char *line, const char *flag)
{
	const char *end = next_line(line);
	const char *found = strstr(line, flag);

	return found != NULL && found + FLAG_BYTES <= end;
}

/* "7f0256e00000-7f0256e01000 r--p ..." */
static bool is_header(const char *line, uint64_t *start)
{
	char *end;

	*start = strtoull(line, &end, HEXADECIMAL);
	return end != line && *end == '-';
}

void memory_use_add(struct memory_use *use, const char *smaps, uint64_t guest_bytes)
{
	uint64_t guest_start = UINT64_MAX;
	struct mapping mapping = {0};
	struct mapping next = {0};

	for (const char *line = smaps; *line != '\0'; line = next_line(line)) {
		if (is_header(line, &next.start))
			mapping = next;
		take_field(line, "Pss:", &mapping.pss_kib);
		take_field(line, "Private_Dirty:", &mapping.private_dirty_kib);
		/* The last line of a mapping. */
		if (strncmp(line, "VmFlags:", strlen("VmFlags:")) != 0)
			continue;
		if (guest_start == UINT64_MAX && has_flag(line, " nr")) {
			guest_start = mapping.start;
			use->guests++;
		}
		if (mapping.start >= guest_start && mapping.start - guest_start < guest_bytes)
			use->guest_dirty_kib += mapping.private_dirty_kib;
		use->pss_kib += mapping.pss_kib;
		use->mappings++;
	}
}

struct memory_machine memory_machine_parse(const char *meminfo)
{
	struct memory_machine machine = {0};

	for (const char *line = meminfo; *line != '\0'; line = next_line(line)) {
		take_field(line, "MemAvailable:", &machine.available_kib);
		for (size_t at = 0; at < MEMORY_KERNEL_FIELDS; at++)
			take_field(line, kernel_rows[at].name,
				   &machine.kernel_kib[kernel_rows[at].field]);
	}
	return machine;
}

const char *memory_kernel_name(enum memory_kernel_field field)
{
	static const char *const names[MEMORY_KERNEL_FIELDS] = {
		[MEMORY_SLAB] = "slab",
		[MEMORY_STACKS] = "stacks",
		[MEMORY_PAGE_TABLES] = "page_tables",
		[MEMORY_NESTED_PAGE_TABLES] = "nested_page_tables",
		[MEMORY_PERCPU] = "percpu",
	};

	return names[field];
}

int memory_use_read(struct memory_use *use, pid_t pid, uint64_t guest_bytes)
{
	static char text[PROC_FILE_MAX_BYTES];
	int error = proc_file_read(text, sizeof(text), "/proc/%d/smaps", (int)pid);

	if (error == 0)
		memory_use_add(use, text, guest_bytes);
	return error;
}

int memory_machine_read(struct memory_machine *machine)
{
	static char text[PROC_FILE_MAX_BYTES];
	int error = proc_file_read(text, sizeof(text), "/proc/meminfo");

	if (error == 0)
		*machine = memory_machine_parse(text);
	return error;
}
