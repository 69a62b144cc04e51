/* SPDX-License-Identifier: MIT */
/* monitor/config_network.c - mote.network; see config_sections.h. */
#include <linux/if.h>
#include <string.h>

#include "monitor/config_sections.h"

#define DEVICE_NAME_BYTES .minimum = 1, .maximum = IFNAMSIZ - 1

static const struct json_field uplink_fields[] = {
	{"socket", JSON_FIELD_STRING, PATH_BYTES, SECTION_FIELD(config_uplink, socket)},
	{"bridge", JSON_FIELD_STRING, DEVICE_NAME_BYTES, SECTION_FIELD(config_uplink, bridge)},
	{"netns", JSON_FIELD_STRING, PATH_BYTES, SECTION_FIELD(config_uplink, netns)},
	{"anti_spoof", JSON_FIELD_BOOL, SECTION_FIELD(config_uplink, anti_spoof)},
};

/* A socket is a place by itself; bridge and netns say where a tap is. */
static void read_uplink(struct json_reader *reader, json_t *value, struct config_uplink *uplink)
{
	static const struct json_schema schema = {uplink_fields, JSON_COUNT(uplink_fields), NULL,
						  0};

	json_read_object(reader, value, &schema, uplink);
	if (uplink->socket && uplink->bridge)
		json_complain(reader, "socket and bridge are two different places for the frames");
	if (uplink->socket && uplink->netns)
		json_complain(reader, "netns is for taps; a socket is the same in all of them");
}

void config_read_network(struct json_reader *reader, json_t *value, void *target)
{
	struct config_network *network = target;
	const char *iface_id;
	json_t *element;

	*network = (struct config_network){0};
	if (!json_expect(reader, value, JSON_OBJECT, "an object"))
		return;
	if (json_object_size(value) > CONFIG_INTERFACES_MAX) {
		json_complain(reader, "%zu interfaces, at most %d are possible",
			      json_object_size(value), CONFIG_INTERFACES_MAX);
		return;
	}
	json_object_foreach (value, iface_id, element) {
		size_t mark = json_enter_key(reader, iface_id);
		struct config_network_entry *entry = &network->entries[network->count++];

		entry->iface_id = iface_id;
		read_uplink(reader, element, &entry->uplink);
		json_leave(reader, mark);
	}
}

static void apply_entry(struct json_reader *reader, struct vm_config *config,
			const struct config_network_entry *entry)
{
	for (unsigned int i = 0; i < config->interface_count; i++) {
		struct config_interface *interface = &config->interfaces[i];

		if (interface->iface_id && strcmp(interface->iface_id, entry->iface_id) == 0) {
			interface->uplink = entry->uplink;
			return;
		}
	}
	json_complain(reader, "mote.network: no network interface has the iface_id \"%.64s\"",
		      entry->iface_id);
}

static bool is_descriptor(const char *host_dev_name)
{
	return host_dev_name && host_dev_name[0] == '/';
}

/* What is wrong with where the frames go, or NULL; said of the interface's host_dev_name. */
static const char *contradiction(const struct config_interface *interface)
{
	const struct config_uplink *uplink = &interface->uplink;

	if (!interface->has_host_dev_name && !uplink->socket && !uplink->bridge)
		return "required but missing: only a socket or a bridge in mote.network does "
		       "without it";
	if (interface->host_dev_name && uplink->socket)
		return "leads elsewhere than the socket that mote.network has for this interface";
	if (is_descriptor(interface->host_dev_name) && (uplink->bridge || uplink->netns))
		return "an open descriptor is where it is: it needs neither bridge nor netns";
	return NULL;
}

static bool same_text_or_none(const char *one, const char *other)
{
	return one == other || (one && other && strcmp(one, other) == 0);
}

/* One tap serves one interface; a name with %d is a pattern that the kernel numbers. */
static bool same_device(const struct config_interface *one, const struct config_interface *other)
{
	return one->host_dev_name && other->host_dev_name &&
	       strcmp(one->host_dev_name, other->host_dev_name) == 0 &&
	       !strchr(one->host_dev_name, '%') &&
	       same_text_or_none(one->uplink.netns, other->uplink.netns);
}

static void check_interface(struct json_reader *reader, const struct vm_config *config,
			    unsigned int index)
{
	const struct config_interface *interface = &config->interfaces[index];
	const char *wrong = contradiction(interface);

	if (wrong)
		json_complain(reader, "network-interfaces[%u].host_dev_name: %s", index, wrong);
	for (unsigned int other = 0; other < index; other++)
		if (same_device(&config->interfaces[other], interface))
			json_complain(reader,
				      "network-interfaces[%u].host_dev_name: \"%s\" is taken by "
				      "network-interfaces[%u]",
				      index, interface->host_dev_name, other);
}

void config_apply_network(struct json_reader *reader, struct vm_config *config)
{
	const struct config_network *network = &config->mote.network;

	for (unsigned int i = 0; i < network->count; i++)
		apply_entry(reader, config, &network->entries[i]);
	for (unsigned int i = 0; i < config->interface_count; i++)
		check_interface(reader, config, i);
}
