/* SPDX-License-Identifier: MIT */
/*
 * monitor/config_sections.h - the schema, section by section; private to config*.c.
 *
 * Each section ("machine-config", "drives", ...) can be read alone and replaces
 * what the config held of it, so a config may come as one text or in pieces.
 * When all pieces are there, config_cross_check() looks at what no section can
 * see by itself.
 *
 * Strings of the config point into the JSON values that were read.
 */
#ifndef MONITOR_CONFIG_SECTIONS_H
#define MONITOR_CONFIG_SECTIONS_H

#include <limits.h>
#include <stddef.h>

#include "monitor/config.h"
#include "monitor/json.h"

/* Parts of a row in a table of fields. */
#define SECTION_FIELD(structure, member) .offset = offsetof(struct structure, member)
#define PATH_BYTES                       .minimum = 1, .maximum = PATH_MAX - 1

/* Rows by section, each read into struct vm_config. */
extern const struct json_schema config_schema;

/* What a section that never comes leaves in place. */
extern const struct vm_config config_defaults;

/* Sections with devices, in config_devices.c and config_vsock.c; `target` is the struct vm_config.
 */
void config_read_drives(struct json_reader *reader, json_t *value, void *target);
void config_read_interfaces(struct json_reader *reader, json_t *value, void *target);
void config_read_vsock(struct json_reader *reader, json_t *value, void *target);

/* mote.direct_io; `target` is the struct config_direct_io. */
void config_read_direct_io(struct json_reader *reader, json_t *value, void *target);

/* In config_network.c: mote.network; `target` is the struct config_network. */
void config_read_network(struct json_reader *reader, json_t *value, void *target);

/* Give each interface its uplink, and complain of what cannot be told or contradicts itself. */
void config_apply_network(struct json_reader *reader, struct vm_config *config);

/* In config_vsock.c: mote.vsock; `target` is the struct config_vsock_access. */
void config_read_vsock_access(struct json_reader *reader, json_t *value, void *target);
void config_check_vsock(struct json_reader *reader, const struct vm_config *config);

/* In config_jail.c: mote.jail into a struct config_jail, mote.cgroup into a struct config_cgroup.
 */
void config_read_jail(struct json_reader *reader, json_t *value, void *target);
void config_read_cgroup(struct json_reader *reader, json_t *value, void *target);

/* Complains of limits that the machine itself would run into. */
void config_check_cgroup(struct json_reader *reader, const struct vm_config *config);

/* Mark the drives that mote.direct_io names; complains of one that is not there. */
void config_apply_direct_io(struct json_reader *reader, struct vm_config *config);

/* The last step: what no section can see by itself, and what one says of another. */
void config_cross_check(struct json_reader *reader, struct vm_config *config);

/*
 * The level of that name in any case, as Firecracker spells them: Error, Warning or Warn,
 * Info, Debug, Trace, Off.  Returns 0 or -EINVAL.
 */
int config_log_level(enum log_level *level, const char *name);

#endif
