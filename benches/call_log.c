/* SPDX-License-Identifier: MIT */
/* benches/call_log.c - see call_log.h. */
#include "benches/call_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DECIMAL = 10,
	US_PER_S = 1000000,
};

static const char name_letters[] =
	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

static struct call_log_task *find_task(struct call_log *log, long pid)
{
	for (size_t at = 0; at < log->task_count; at++)
		if (log->tasks[at].pid == pid)
			return &log->tasks[at];
	if (log->task_count == CALL_LOG_TASKS_MAX)
		return NULL;
	log->tasks[log->task_count].pid = pid;
	return &log->tasks[log->task_count++];
}

static void count(struct call_log_task *task, const char *name, size_t length)
{
	struct call_log_entry *entry = task->entries;

	task->count++;
	while (entry < task->entries + task->entry_count &&
	       (strlen(entry->name) != length || memcmp(entry->name, name, length) != 0))
		entry++;
	if (entry == task->entries + CALL_LOG_NAMES_MAX || length >= CALL_LOG_NAME_BYTES)
		return;
	if (entry == task->entries + task->entry_count) {
		snprintf(entry->name, sizeof(entry->name), "%.*s", (int)length, name);
		task->entry_count++;
	}
	entry->count++;
}

static bool parse_time(uint64_t *at_us, const char *text, const char **rest)
{
	char *end;
	uint64_t seconds = strtoull(text, &end, DECIMAL);
	uint64_t microseconds;

	if (*end != '.')
		return false;
	microseconds = strtoull(end + 1, &end, DECIMAL);
	if (*end != ' ')
		return false;
	*at_us = seconds * US_PER_S + microseconds;
	*rest = end + 1;
	return true;
}

/* KVM's requests are what a monitor's calls are about: one of them stands for the ioctl. */
static const char *find_request(const char *call)
{
	const char *request = strstr(call, "KVM_");

	return strncmp(call, "ioctl(", strlen("ioctl(")) == 0 ? request : NULL;
}

bool call_line_parse(struct call_line *call, const char *line)
{
	struct call_line seen;
	const char *request;
	char *time;

	seen.pid = strtol(line, &time, DECIMAL);
	if (seen.pid <= 0 || !parse_time(&seen.at_us, time, &seen.name))
		return false;
	seen.name_bytes = strspn(seen.name, name_letters);
	if (seen.name_bytes == 0 || seen.name[seen.name_bytes] != '(')
		return false;
	request = find_request(seen.name);
	if (request != NULL) {
		seen.name = request;
		seen.name_bytes = strspn(request, name_letters);
	}
	*call = seen;
	return true;
}

void call_log_add(struct call_log *log, const struct call_line *call)
{
	struct call_log_task *task = find_task(log, call->pid);

	if (task != NULL)
		count(task, call->name, call->name_bytes);
}

size_t call_log_count(const struct call_log_task *task, const char *name)
{
	for (size_t at = 0; at < task->entry_count; at++)
		if (strcmp(task->entries[at].name, name) == 0)
			return task->entries[at].count;
	return 0;
}

static int compare(const void *left, const void *right)
{
	const struct call_log_entry *a = left;
	const struct call_log_entry *b = right;

	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return strcmp(a->name, b->name);
}

void call_log_sort(struct call_log_task *task)
{
	qsort(task->entries, task->entry_count, sizeof(*task->entries), compare);
}
