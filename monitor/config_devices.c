/* SPDX-License-Identifier: MIT */
/* monitor/config_devices.c - drives, network interfaces; see config_sections.h. */
#include <errno.h>
#include <linux/if.h>
#include <stdio.h>
#include <string.h>

#include "monitor/config_sections.h"
#include "monitor/open_path.h"

#define REFILL_TIME_MAX_MS (UINT64_MAX / 1000000) /* whose nanoseconds fit 64 bits */

enum {
	MTU_MIN = 68, /* RFC 791 */
	MTU_MAX = 65535,
	MAC_BYTES = 6,
	MAC_TEXT_BYTES = 17,
	MAC_MULTICAST_BIT = 1,
};

#define ID_BYTES .minimum = 1, .maximum = CONFIG_ID_MAX_BYTES

/* Rate limiters.  A size or refill time of 0 turns a bucket off, so 0 is in range. */
static const struct json_field bucket_fields[] = {
	{"size", JSON_FIELD_U64, .required = true, .maximum = INT64_MAX,
	 SECTION_FIELD(config_bucket, size)},
	{"one_time_burst", JSON_FIELD_U64, .maximum = INT64_MAX,
	 SECTION_FIELD(config_bucket, one_time_burst)},
	{"refill_time", JSON_FIELD_U64, .required = true, .maximum = REFILL_TIME_MAX_MS,
	 SECTION_FIELD(config_bucket, refill_time_ms)},
};

static const struct json_schema bucket_schema = {bucket_fields, JSON_COUNT(bucket_fields), NULL, 0};

static const struct json_field limiter_fields[] = {
	{"bandwidth", JSON_FIELD_OBJECT, .schema = &bucket_schema,
	 SECTION_FIELD(config_rate_limiter, bandwidth)},
	{"ops", JSON_FIELD_OBJECT, .schema = &bucket_schema,
	 SECTION_FIELD(config_rate_limiter, ops)},
};

static const struct json_schema limiter_schema = {limiter_fields, JSON_COUNT(limiter_fields), NULL,
						  0};

/* Either may be NULL, where it was missing or wrong: that has been said already. */
static bool same_text(const char *left, const char *right)
{
	return left && right && strcmp(left, right) == 0;
}

/* Complain that `key` of the element repeats what element `other` of the list `list` has. */
static void complain_of_repeat(struct json_reader *reader, const char *key, const char *text,
			       const char *list, unsigned int other)
{
	size_t mark = json_enter_key(reader, key);

	json_complain(reader, "\"%s\" is taken by %s[%u]", text, list, other);
	json_leave(reader, mark);
}

/* Goes onto the kernel's command line, where a blank would end it. */
static int parse_partuuid(void *target, const char *text, struct reason *reason)
{
	if (strpbrk(text, " \""))
		return reason_set(reason, -EINVAL, "must not contain blanks or quotes");
	*(const char **)target = text;
	return 0;
}

static const struct json_choice cache_choices[] = {
	{"Unsafe", CONFIG_CACHE_UNSAFE},
	{"Writeback", CONFIG_CACHE_WRITEBACK},
	{NULL, 0},
};

static const struct json_choice engine_choices[] = {
	{"auto", CONFIG_IO_ENGINE_AUTO},
	{"Sync", CONFIG_IO_ENGINE_SYNC},
	{"Async", CONFIG_IO_ENGINE_ASYNC},
	{NULL, 0},
};

static const struct json_field drive_fields[] = {
	{"drive_id", JSON_FIELD_STRING, .required = true, ID_BYTES,
	 SECTION_FIELD(config_drive, drive_id)},
	{"path_on_host", JSON_FIELD_STRING, .required = true, PATH_BYTES,
	 SECTION_FIELD(config_drive, path_on_host)},
	{"is_root_device", JSON_FIELD_BOOL, .required = true,
	 SECTION_FIELD(config_drive, is_root_device)},
	{"partuuid", JSON_FIELD_PARSED, ID_BYTES, .parse = parse_partuuid,
	 SECTION_FIELD(config_drive, partuuid)},
	{"is_read_only", JSON_FIELD_BOOL, SECTION_FIELD(config_drive, is_read_only)},
	{"cache_type", JSON_FIELD_CHOICE, .choices = cache_choices,
	 SECTION_FIELD(config_drive, cache)},
	{"io_engine", JSON_FIELD_CHOICE, .choices = engine_choices,
	 SECTION_FIELD(config_drive, io_engine)},
	{"rate_limiter", JSON_FIELD_OBJECT, .schema = &limiter_schema,
	 SECTION_FIELD(config_drive, rate_limiter)},
};

static const struct json_refusal drive_refusals[] = {
	{"socket", "not offered by mote: vhost-user devices would run outside the jail"},
};

static const struct json_schema drive_schema = {drive_fields, JSON_COUNT(drive_fields),
						drive_refusals, JSON_COUNT(drive_refusals)};

static void read_drive(struct json_reader *reader, json_t *value, unsigned int index, void *target)
{
	struct vm_config *config = target;
	struct config_drive *drive = &config->drives[index];

	*drive = (struct config_drive){0};
	json_read_object(reader, value, &drive_schema, drive);
	for (unsigned int other = 0; other < index; other++) {
		if (same_text(config->drives[other].drive_id, drive->drive_id))
			complain_of_repeat(reader, "drive_id", drive->drive_id, "drives", other);
		if (config->drives[other].is_root_device && drive->is_root_device)
			json_complain(reader, "drives[%u] is the root device already", other);
	}
}

void config_read_drives(struct json_reader *reader, json_t *value, void *target)
{
	struct vm_config *config = target;

	config->drive_count = json_read_array(reader, value, CONFIG_DRIVES_MAX, read_drive, config);
}

/* Drives may come after this, so an id is only kept here; see config_cross_check(). */
static void read_direct_io(struct json_reader *reader, json_t *value, unsigned int index,
			   void *target)
{
	struct config_direct_io *direct_io = target;

	if (json_expect_string(reader, value, 1, CONFIG_ID_MAX_BYTES))
		direct_io->drive_ids[index] = json_string_value(value);
}

void config_read_direct_io(struct json_reader *reader, json_t *value, void *target)
{
	struct config_direct_io *direct_io = target;

	*direct_io = (struct config_direct_io){0};
	direct_io->count =
		json_read_array(reader, value, CONFIG_DRIVES_MAX, read_direct_io, direct_io);
}

static bool set_direct(struct vm_config *config, const char *drive_id)
{
	for (unsigned int i = 0; i < config->drive_count; i++)
		if (same_text(config->drives[i].drive_id, drive_id)) {
			config->drives[i].direct = true;
			return true;
		}
	return false;
}

void config_apply_direct_io(struct json_reader *reader, struct vm_config *config)
{
	const struct config_direct_io *direct_io = &config->mote.direct_io;

	for (unsigned int i = 0; i < direct_io->count; i++)
		if (direct_io->drive_ids[i] && !set_direct(config, direct_io->drive_ids[i]))
			json_complain(reader,
				      "mote.direct_io[%u]: no drive has the drive_id \"%s\"", i,
				      direct_io->drive_ids[i]);
}

/* Network interfaces. */
static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* Returns whether the text is six pairs of hexadecimal digits with colons between. */
static bool scan_mac(const char *text, uint8_t mac[MAC_BYTES])
{
	if (strlen(text) != MAC_TEXT_BYTES)
		return false;
	for (size_t i = 0; i < MAC_BYTES; i++, text += 3) {
		int high = hex_digit(text[0]);
		int low = hex_digit(text[1]);

		if (high < 0 || low < 0 || (i < MAC_BYTES - 1 && text[2] != ':'))
			return false;
		mac[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The target is the interface itself, since two members are set. */
static int parse_mac(void *target, const char *text, struct reason *reason)
{
	static const uint8_t zero[MAC_BYTES];
	struct config_interface *interface = target;
	uint8_t mac[MAC_BYTES];

	if (!scan_mac(text, mac))
		return reason_set(reason, -EINVAL, "\"%.32s\" is not a MAC address", text);
	if (mac[0] & MAC_MULTICAST_BIT)
		return reason_set(reason, -EINVAL, "%s is a multicast address", text);
	if (memcmp(mac, zero, MAC_BYTES) == 0)
		return reason_set(reason, -EINVAL, "%s is no address", text);
	memcpy(interface->guest_mac, mac, MAC_BYTES);
	interface->has_guest_mac = true;
	return 0;
}

/* A name by the kernel's own rule, or a descriptor. */
static int parse_device_name(void *target, const char *text, struct reason *reason)
{
	bool is_name = strlen(text) < IFNAMSIZ && !strpbrk(text, "/: ") && strcmp(text, ".") != 0 &&
		       strcmp(text, "..") != 0;

	if (!is_name && !open_path_is_descriptor(text))
		return reason_set(reason, -EINVAL,
				  "\"%.64s\" cannot be the name of a network device", text);
	*(const char **)target = text;
	return 0;
}

static const struct json_field interface_fields[] = {
	{"iface_id", JSON_FIELD_STRING, .required = true, ID_BYTES,
	 SECTION_FIELD(config_interface, iface_id)},
	{"host_dev_name", JSON_FIELD_PARSED, PATH_BYTES, .parse = parse_device_name,
	 SECTION_FIELD(config_interface, host_dev_name)},
	{"guest_mac", JSON_FIELD_PARSED, PATH_BYTES, .parse = parse_mac, .offset = 0},
	{"mtu", JSON_FIELD_U32, .minimum = MTU_MIN, .maximum = MTU_MAX,
	 SECTION_FIELD(config_interface, mtu)},
	{"rx_rate_limiter", JSON_FIELD_OBJECT, .schema = &limiter_schema,
	 SECTION_FIELD(config_interface, rx_rate_limiter)},
	{"tx_rate_limiter", JSON_FIELD_OBJECT, .schema = &limiter_schema,
	 SECTION_FIELD(config_interface, tx_rate_limiter)},
};

static const struct json_schema interface_schema = {interface_fields, JSON_COUNT(interface_fields),
						    NULL, 0};

static void read_interface(struct json_reader *reader, json_t *value, unsigned int index,
			   void *target)
{
	static const char section[] = "network-interfaces";
	struct vm_config *config = target;
	struct config_interface *interface = &config->interfaces[index];
	const json_t *name;

	*interface = (struct config_interface){0};
	json_read_object(reader, value, &interface_schema, interface);
	name = json_object_get(value, "host_dev_name");
	interface->has_host_dev_name = name && !json_is_null(name);
	for (unsigned int i = 0; i < index; i++) {
		const struct config_interface *other = &config->interfaces[i];

		if (same_text(other->iface_id, interface->iface_id))
			complain_of_repeat(reader, "iface_id", interface->iface_id, section, i);
		if (other->has_guest_mac && interface->has_guest_mac &&
		    memcmp(other->guest_mac, interface->guest_mac, MAC_BYTES) == 0)
			complain_of_repeat(reader, "guest_mac",
					   json_string_value(json_object_get(value, "guest_mac")),
					   section, i);
	}
}

void config_read_interfaces(struct json_reader *reader, json_t *value, void *target)
{
	struct vm_config *config = target;

	config->interface_count =
		json_read_array(reader, value, CONFIG_INTERFACES_MAX, read_interface, config);
}
