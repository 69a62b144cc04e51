/* SPDX-License-Identifier: MIT */
/* monitor/config_vsock.c - vsock and mote.vsock; see config_sections.h. */
#include <errno.h>
#include <string.h>

#include "monitor/config_sections.h"
#include "monitor/open_path.h"

#define CID_MIN UINT32_C(3)          /* below: hypervisor, loopback and host */
#define CID_MAX UINT32_C(0xfffffffe) /* above: VMADDR_CID_ANY */
#define ID_MAX  UINT32_C(0xfffffffe) /* above: leave it as it is, for chown(2) */

enum {
	OCTAL_BITS = 3,
	MODE_DIGITS_MIN = 3,
	MODE_DIGITS_MAX = 4,
	MODE_MAX = 0777,
};

/* The guest's connections to a port go to a socket of this name with _PORT behind. */
static int parse_uds_path(void *target, const char *text, struct reason *reason)
{
	const char *slash = strrchr(text, '/');
	const char *name = slash ? slash + 1 : text;

	if (!*name)
		return reason_set(reason, -EINVAL, "\"%.64s\" is a directory, not a socket", text);
	if (strlen(name) > CONFIG_VSOCK_NAME_MAX_BYTES)
		return reason_set(reason, -EINVAL,
				  "the file's name is longer than %d characters: sockets for the "
				  "guest's connections have its name and _PORT",
				  CONFIG_VSOCK_NAME_MAX_BYTES);
	*(const char **)target = text;
	return 0;
}

static const struct json_field vsock_fields[] = {
	{"guest_cid", JSON_FIELD_U32, .required = true, .minimum = CID_MIN, .maximum = CID_MAX,
	 SECTION_FIELD(config_vsock, guest_cid)},
	{"uds_path", JSON_FIELD_PARSED, PATH_BYTES, .parse = parse_uds_path,
	 SECTION_FIELD(config_vsock, uds_path)},
	{"vsock_id", JSON_FIELD_IGNORED_STRING, .maximum = PATH_MAX},
};

static const struct json_schema vsock_schema = {vsock_fields, JSON_COUNT(vsock_fields), NULL, 0};

void config_read_vsock(struct json_reader *reader, json_t *value, void *target)
{
	struct config_vsock *vsock = &((struct vm_config *)target)->vsock;
	const json_t *path;

	*vsock = (struct config_vsock){.present = true};
	json_read_object(reader, value, &vsock_schema, vsock);
	path = json_object_get(value, "uds_path");
	vsock->has_uds_path = path && !json_is_null(path);
}

/* Octal, in quotes, as JSON has no octal numbers and 660 is another number. */
static int parse_mode(void *target, const char *text, struct reason *reason)
{
	size_t digits = strlen(text);
	uint32_t mode = 0;

	for (const char *digit = text; *digit >= '0' && *digit <= '7'; digit++)
		mode = (mode << OCTAL_BITS | (uint32_t)(*digit - '0')) & UINT16_MAX;
	if (strspn(text, "01234567") != digits || digits < MODE_DIGITS_MIN ||
	    digits > MODE_DIGITS_MAX || mode > MODE_MAX)
		return reason_set(reason, -EINVAL, "\"%.16s\" is not a mode such as \"0660\"",
				  text);
	*(uint32_t *)target = mode;
	return 0;
}

static const struct json_field access_fields[] = {
	{"mode", JSON_FIELD_PARSED, PATH_BYTES, .parse = parse_mode,
	 SECTION_FIELD(config_vsock_access, mode)},
	{"uid", JSON_FIELD_U32, .maximum = ID_MAX, SECTION_FIELD(config_vsock_access, uid)},
	{"gid", JSON_FIELD_U32, .maximum = ID_MAX, SECTION_FIELD(config_vsock_access, gid)},
};

void config_read_vsock_access(struct json_reader *reader, json_t *value, void *target)
{
	static const struct json_schema schema = {access_fields, JSON_COUNT(access_fields), NULL,
						  0};
	struct config_vsock_access *access = target;

	*access = config_defaults.mote.vsock;
	access->present = true;
	json_read_object(reader, value, &schema, access);
}

void config_check_vsock(struct json_reader *reader, const struct vm_config *config)
{
	const char *path = config->vsock.uds_path;

	if (!config->mote.vsock.present)
		return;
	if (!config->vsock.present)
		json_complain(reader, "mote.vsock: there is no vsock");
	else if (!config->vsock.has_uds_path)
		json_complain(reader, "mote.vsock: vsock has no uds_path to give a mode or owner");
	else if (path && open_path_is_descriptor(path))
		json_complain(reader, "mote.vsock: an open descriptor has its mode and owner "
				      "already");
}
