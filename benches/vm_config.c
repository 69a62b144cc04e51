/* SPDX-License-Identifier: MIT */
/* benches/vm_config.c - see vm_config.h. */
#include "benches/vm_config.h"

enum {
	GUEST_CID = 3,
};

json_t *vm_config_new(const char *kernel_path, const char *boot_args, unsigned int ram_mib)
{
	return json_pack("{s{ss ss} s{si si}}", "boot-source", "kernel_image_path", kernel_path,
			 "boot_args", boot_args, "machine-config", "vcpu_count", 1, "mem_size_mib",
			 (int)ram_mib);
}

/* The value under a key, made when it is not there yet. */
static json_t *at_key(json_t *object, const char *key, json_t *empty)
{
	json_t *value = json_object_get(object, key);

	if (value != NULL) {
		json_decref(empty);
		return value;
	}
	json_object_set_new(object, key, empty);
	return empty;
}

void vm_config_add_drive(json_t *config, const char *drive_id, const char *path, bool is_direct)
{
	json_t *drive;

	if (config == NULL)
		return;
	drive = json_pack("{ss ss sb sb ss}", "drive_id", drive_id, "path_on_host", path,
			  "is_root_device", 0, "is_read_only", 0, "cache_type", "Writeback");
	json_array_append_new(at_key(config, "drives", json_array()), drive);
	if (is_direct) {
		json_t *own = at_key(config, "mote", json_object());

		json_array_append_new(at_key(own, "direct_io", json_array()),
				      json_string(drive_id));
	}
}

void vm_config_add_interface(json_t *config, const char *iface_id, const char *tap_name,
			     const char *guest_mac)
{
	if (config == NULL)
		return;
	json_array_append_new(at_key(config, "network-interfaces", json_array()),
			      json_pack("{ss ss ss}", "iface_id", iface_id, "host_dev_name",
					tap_name, "guest_mac", guest_mac));
}

void vm_config_add_vsock(json_t *config, const char *uds_path)
{
	if (config == NULL)
		return;
	json_object_set_new(config, "vsock",
			    json_pack("{si ss}", "guest_cid", GUEST_CID, "uds_path", uds_path));
}
