/* SPDX-License-Identifier: MIT */
/*
 * monitor/config.h - the checked description of one VM, as data.
 *
 * The schema is Firecracker's, key for key, plus one object of our own,
 * "mote"; mote.json(5) describes each key.  config_load.h turns text into this.
 *
 * Ownership: strings live as long as the config (they belong to the JSON tree
 * that it keeps).  Once loaded, nothing changes a config any more.
 */
#ifndef MONITOR_CONFIG_H
#define MONITOR_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "monitor/layout.h"
#include "monitor/log.h"

enum {
	CONFIG_FILE_MAX_BYTES = 1 << 20,
	CONFIG_DRIVES_MAX = 8,
	CONFIG_INTERFACES_MAX = 8,
	CONFIG_ID_MAX_BYTES = 64,         /* of a drive_id or iface_id, the NUL left out */
	CONFIG_VSOCK_NAME_MAX_BYTES = 96, /* so that with _PORT it fits a sockaddr_un */
	CONFIG_CGROUP_IO_MAX = CONFIG_DRIVES_MAX,
	CONFIG_CGROUP_PARENT_MAX_BYTES = 255, /* the NUL left out */
	CONFIG_RAM_MAX_MIB = 1 << 20,
	CONFIG_ERRORS_MAX = 64,
	CONFIG_ERROR_MAX_BYTES = 240,
};

/* A setting that the kernel image decides unless the user did. */
enum config_choice {
	CONFIG_AUTO,
	CONFIG_OFF,
	CONFIG_ON,
};

enum config_protocol {
	CONFIG_PROTOCOL_AUTO,
	CONFIG_PROTOCOL_LINUX64,
	CONFIG_PROTOCOL_PVH,
};

enum config_irqchip {
	CONFIG_IRQCHIP_AUTO,
	CONFIG_IRQCHIP_SPLIT,
	CONFIG_IRQCHIP_KERNEL,
};

enum config_huge_pages {
	CONFIG_HUGE_PAGES_NONE,
	CONFIG_HUGE_PAGES_TRANSPARENT,
	CONFIG_HUGE_PAGES_2M,
};

enum config_cache {
	CONFIG_CACHE_UNSAFE,
	CONFIG_CACHE_WRITEBACK,
};

enum config_io_engine {
	CONFIG_IO_ENGINE_AUTO,
	CONFIG_IO_ENGINE_SYNC,
	CONFIG_IO_ENGINE_ASYNC,
};

/* One token bucket; size 0 or refill time 0 means no limit. */
struct config_bucket {
	uint64_t size;
	uint64_t one_time_burst;
	uint64_t refill_time_ms;
};

struct config_rate_limiter {
	struct config_bucket bandwidth; /* bytes */
	struct config_bucket ops;
};

struct config_boot_source {
	const char *kernel_image_path;
	const char *initrd_path; /* NULL: none */
	const char *boot_args;   /* Firecracker's default where the key is absent */
};

struct config_machine {
	uint32_t vcpu_count;
	uint64_t ram_bytes;
	bool smt;
	enum config_huge_pages huge_pages;
};

struct config_drive {
	const char *drive_id;
	const char *path_on_host;
	const char *partuuid; /* NULL: none */
	bool is_root_device;
	bool is_read_only;
	bool direct; /* named by mote.direct_io */
	enum config_cache cache;
	enum config_io_engine io_engine;
	struct config_rate_limiter rate_limiter;
};

/* Where the frames of an interface go, beside its host_dev_name; what mote.network says of it. */
struct config_uplink {
	const char *socket; /* a stream socket that listens; NULL: it is a tap */
	const char *bridge; /* make the tap, on this bridge; NULL: there is one */
	const char *netns;  /* where the names are known, by name or path; NULL: here */
	bool anti_spoof;
};

struct config_interface {
	const char *iface_id;
	bool has_host_dev_name;    /* the key is there, whatever its value */
	const char *host_dev_name; /* of a tap, or /dev/fd/N; NULL: the uplink says enough */
	struct config_uplink uplink;
	bool has_guest_mac;
	uint8_t guest_mac[6];
	uint32_t mtu; /* 0: not set */
	struct config_rate_limiter rx_rate_limiter;
	struct config_rate_limiter tx_rate_limiter;
};

struct config_vsock {
	bool present;
	uint32_t guest_cid;
	bool has_uds_path;    /* the key is there, whatever its value */
	const char *uds_path; /* /dev/fd/N: it listens already; NULL: only --stdio connects */
};

/* Who may connect to the file that uds_path names. */
struct config_vsock_access {
	bool present;
	uint32_t mode;
	uint32_t uid; /* UINT32_MAX: as it comes */
	uint32_t gid; /* the same */
};

struct config_logger {
	const char *log_path; /* NULL: standard error */
	enum log_level level;
	bool show_level;
	bool show_log_origin;
};

struct config_metrics {
	const char *metrics_path; /* NULL: none */
};

/* Drives that are to bypass the host's page cache; each gets its `direct` set. */
struct config_direct_io {
	const char *drive_ids[CONFIG_DRIVES_MAX];
	unsigned int count;
};

/* What waits for the interface of that iface_id. */
struct config_network_entry {
	const char *iface_id;
	struct config_uplink uplink;
};

struct config_network {
	struct config_network_entry entries[CONFIG_INTERFACES_MAX];
	unsigned int count;
};

enum config_seccomp {
	CONFIG_SECCOMP_KILL,
	CONFIG_SECCOMP_LOG, /* for debugging; the command line has to agree */
};

struct config_jail {
	uint32_t uid; /* 0: chosen by mote; then gid is 0 as well */
	uint32_t gid;
	enum config_seccomp seccomp;
	uint32_t allow_missing; /* JAIL_PIECE_BIT of each piece that the host may lack */
};

/* Limits of 0 are not set, but for swap. */
struct config_cgroup_cpu {
	uint32_t weight;
	uint64_t quota_us; /* of CPU time in each period; set or not set with the period */
	uint64_t period_us;
};

struct config_cgroup_memory {
	uint64_t max_bytes;
	bool has_swap_max;
	uint64_t swap_max_bytes;
};

/* A block device of the host, by path or by number, and what the VM may ask of it. */
struct config_cgroup_io {
	const char *device_path; /* NULL: by number */
	uint32_t major;
	uint32_t minor;
	uint64_t read_bytes_per_s;
	uint64_t write_bytes_per_s;
	uint64_t read_ops_per_s;
	uint64_t write_ops_per_s;
};

struct config_cgroup {
	const char *parent; /* below the root of the hierarchy; NULL: the VM gets no cgroup */
	struct config_cgroup_cpu cpu;
	struct config_cgroup_memory memory;
	struct config_cgroup_io io[CONFIG_CGROUP_IO_MAX];
	unsigned int io_count;
	uint32_t pids; /* processes and threads, mote's own included */
};

/* The keys under "mote". */
struct config_mote {
	enum config_protocol boot_protocol;
	enum config_irqchip irqchip;
	enum config_choice acpi;
	enum config_choice pit;
	bool require_nested_paging;
	uint64_t timeout_ms;         /* 0: none */
	unsigned int clean_outcomes; /* OUTCOME_BIT of each kind that counts as success */
	struct config_direct_io direct_io;
	struct config_network network;
	struct config_vsock_access vsock;
	struct config_jail jail;
	struct config_cgroup cgroup;
};

/* What the command line makes of standard input and output; see cli_apply(). */
struct config_stdio {
	bool present;
	uint32_t guest_port; /* of vsock */
};

struct vm_config {
	struct config_boot_source boot_source;
	struct config_machine machine;
	struct config_drive drives[CONFIG_DRIVES_MAX];
	unsigned int drive_count;
	struct config_interface interfaces[CONFIG_INTERFACES_MAX];
	unsigned int interface_count;
	struct config_vsock vsock;
	struct config_logger logger;
	struct config_metrics metrics;
	struct config_mote mote;
	struct config_stdio stdio;
	void *tree; /* the JSON tree the strings belong to */
};

/*
 * What is wrong with a text, in the order found.  Each line is complete and
 * names its key ("machine-config.vcpu_count: 0 is outside 1..32") or, for
 * syntax, its place ("line 3, column 7: ...").  Syntax stops at the first error, and a duplicate
 * key is one of syntax.  `count` goes on counting beyond the lines that are kept.
 * A line is printable ASCII whatever the text holds.
 */
struct config_errors {
	char lines[CONFIG_ERRORS_MAX][CONFIG_ERROR_MAX_BYTES];
	unsigned int count;
};

#endif
