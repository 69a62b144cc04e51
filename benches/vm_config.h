/* SPDX-License-Identifier: MIT */
/*
 * benches/vm_config.h - configurations for `mote run`, one vCPU each.
 */
#ifndef BENCHES_VM_CONFIG_H
#define BENCHES_VM_CONFIG_H

#include <jansson.h>
#include <stdbool.h>

/* A new configuration; NULL if a text is not UTF-8 or memory ran out. */
json_t *vm_config_new(const char *kernel_path, const char *boot_args, unsigned int ram_mib);

/* Add a writable drive with a write-back cache; nothing is done to a NULL configuration. */
void vm_config_add_drive(json_t *config, const char *drive_id, const char *path, bool is_direct);

/* Add a NIC on a tap that is there. */
void vm_config_add_interface(json_t *config, const char *iface_id, const char *tap_name,
			     const char *guest_mac);

/* Add a vsock device that listens at that path. */
void vm_config_add_vsock(json_t *config, const char *uds_path);

#endif
