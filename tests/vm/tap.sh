# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# tests/vm/tap.sh - TAP for scripts that run under any sh, on a host and in the lab alike.
#
# MOTE is the binary, MOTE_GUESTS the folder of test guests.  Source it, call
# `check`, `is` or `skip` once for each test, and `done_testing` last.

tap_count=0
tap_failed=0
tap_work=$(mktemp -d)
trap 'rm -rf "$tap_work"' EXIT

# pass TEXT / fail TEXT
pass() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1"
}

fail() {
	tap_count=$((tap_count + 1))
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $1"
}

skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# check TEXT COMMAND... : passes if the command does
check() {
	tap_text=$1
	shift
	if "$@"; then pass "$tap_text"; else fail "$tap_text"; fi
}

# is TEXT GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		echo "#   got:    $2"
		echo "#   wanted: $3"
	fi
}

done_testing() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}

# This test's VMs that are still there, launcher or VM process: those with a file of its folder on
# their command line.  Others may run mote meanwhile.  One that waits to be reaped has none.
left_over() {
	grep -ls '^Name:	mote$' /proc/[0-9]*/status | while read -r tap_status; do
		grep -ls "$tap_work/" "${tap_status%status}cmdline"
	done
}

# The VM process under a launcher.
child_of() {
	{
		cat "/proc/$1/task/$1/children" 2>/dev/null ||
			grep -ls "^PPid:	$1$" /proc/[0-9]*/status | cut -d / -f 3
	} | tr -d ' '
}

# Whether all VMs of this test are gone within two seconds.
is_gone() {
	tap_tries=0
	while [ -n "$(left_over)" ]; do
		[ "$tap_tries" -lt 100 ] || return 1
		sleep 0.02
		tap_tries=$((tap_tries + 1))
	done
}

# random LEAST MOST
random() {
	tap_random=$(od -An -N2 -tu2 /dev/urandom)
	echo $((tap_random % ($2 - $1 + 1) + $1))
}

# The groups below a parent (a name at the root of the hierarchies), and the end of the parent.
groups_under() {
	find /sys/fs/cgroup -mindepth 2 -maxdepth 3 -path "*/$1/*" -type d 2>/dev/null
}

remove_parent() {
	find /sys/fs/cgroup -mindepth 1 -maxdepth 2 -name "$1" -type d -exec rmdir {} + 2>/dev/null
}

# Milliseconds since boot; busybox's date knows no fractions.
now_ms() {
	read -r tap_uptime _ </proc/uptime
	echo "${tap_uptime%.*}${tap_uptime#*.}0"
}

# drive ID PATH [KEYS] : an entry for the list of drives
drive() {
	echo "{\"drive_id\": \"$1\", \"path_on_host\": \"$2\", \"is_root_device\": false, \"is_read_only\": false${3:+, $3}}"
}

# make_disk PATH MIB : a file without blocks
make_disk() {
	rm -f "$1"
	dd if=/dev/zero of="$1" bs=1048576 count=0 seek="$2" 2>/dev/null
}

# interface ID TAP [KEYS] : an entry for the list of network interfaces; TAP may be empty
interface() {
	echo "{\"iface_id\": \"$1\"${2:+, \"host_dev_name\": \"$2\"}${3:+, $3}}"
}

# config GUEST [BOOT_ARGS [MACHINE_KEYS [MOTE_KEYS [DRIVES [INTERFACES]]]]] : write a configuration,
# print its path
config() {
	tap_config=$(mktemp "$tap_work/config.XXXXXX")
	cat >"$tap_config" <<EOF
{
  "boot-source": {"kernel_image_path": "$MOTE_GUESTS/$1.elf", "boot_args": "${2:-}"},
  "machine-config": {${3:-\"vcpu_count\": 1, \"mem_size_mib\": 32}},
  "drives": [${5:-}],
  "network-interfaces": [${6:-}],
  "mote": {${4:-}}
}
EOF
	echo "$tap_config"
}
