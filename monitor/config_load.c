/* SPDX-License-Identifier: MIT */
/* monitor/config_load.c - see config_load.h; the schema itself is in config_sections.c. */
#include "monitor/config_load.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/config_sections.h"

enum {
	ARENA_BYTES = 1 << 16, /* a file of some 20 KiB */
	ARENA_ALIGN = 16,
};

/*
 * Where a start keeps its configuration: one that is of no unusual length needs no heap at all, of
 * which each process would have two mappings more.
 */
static _Alignas(ARENA_ALIGN) char arena[ARENA_BYTES];
static size_t arena_used_bytes;

static void *take(size_t bytes)
{
	void *taken = arena + arena_used_bytes;

	if (bytes > sizeof(arena) - arena_used_bytes - ARENA_ALIGN)
		return malloc(bytes);
	arena_used_bytes += (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	return taken;
}

static void give_back(void *taken)
{
	uintptr_t offset = (uintptr_t)taken - (uintptr_t)arena;

	if (offset >= sizeof(arena))
		free(taken);
}

static void keep_line(void *sink, const char *line)
{
	struct config_errors *errors = sink;

	if (errors->count < CONFIG_ERRORS_MAX)
		snprintf(errors->lines[errors->count], CONFIG_ERROR_MAX_BYTES, "%s", line);
	errors->count++;
}

int config_parse(struct vm_config *config, const char *text, size_t length_bytes,
		 struct config_errors *errors)
{
	struct json_reader reader = {.complain = keep_line, .sink = errors};
	struct vm_config parsed = config_defaults;

	errors->count = 0;
	memset(config, 0, sizeof(*config));
	parsed.tree = json_read_text(&reader, text, length_bytes);
	if (!parsed.tree)
		return -EINVAL;
	json_read_object(&reader, parsed.tree, &config_schema, &parsed);
	config_cross_check(&reader, &parsed);
	if (reader.errors) {
		config_release(&parsed);
		return -EINVAL;
	}
	*config = parsed;
	return 0;
}

/* Returns the bytes read, which are more than CONFIG_FILE_MAX_BYTES if the file is too long. */
static ssize_t read_all(int fd, char *buffer)
{
	size_t used = 0;

	while (used <= CONFIG_FILE_MAX_BYTES) {
		ssize_t count = read(fd, buffer + used, CONFIG_FILE_MAX_BYTES + 1 - used);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		if (count == 0)
			break;
		used += (size_t)count;
	}
	return (ssize_t)used;
}

static ssize_t read_file(const char *path, char *buffer)
{
	ssize_t length_bytes;
	int fd;

	if (strcmp(path, "-") == 0)
		return read_all(STDIN_FILENO, buffer);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	length_bytes = read_all(fd, buffer);
	close(fd);
	return length_bytes;
}

int config_load(struct vm_config *config, const char *path, struct config_errors *errors)
{
	/* Pages that a short text does not reach are never touched, so they cost nothing. */
	static char buffer[CONFIG_FILE_MAX_BYTES + 1];
	struct json_reader reader = {.complain = keep_line, .sink = errors};
	ssize_t length_bytes = read_file(path, buffer);

	json_set_alloc_funcs(take, give_back);
	if (length_bytes >= 0 && length_bytes <= CONFIG_FILE_MAX_BYTES)
		return config_parse(config, buffer, (size_t)length_bytes, errors);

	errors->count = 0;
	memset(config, 0, sizeof(*config));
	if (length_bytes > CONFIG_FILE_MAX_BYTES) {
		json_complain(&reader, "longer than %d bytes", CONFIG_FILE_MAX_BYTES);
		return -EFBIG;
	}
	json_complain(&reader, "cannot read it: %s", strerror((int)-length_bytes));
	return (int)length_bytes;
}

void config_release(struct vm_config *config)
{
	json_decref(config->tree);
	memset(config, 0, sizeof(*config));
}
