#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/binary.bats - the file that ships: small, static, hardened.

setup() {
	bats_require_minimum_version 1.5.0
	MOTE=${MOTE:-build/mote}
}

@test "at most 1 MiB" {
	size=$(stat -c %s "$MOTE")
	echo "$size bytes"
	((size <= 1048576))
}

@test "static and position-independent: no interpreter, no needed library" {
	run readelf -hld "$MOTE"
	[[ $output == *"DYN (Position-Independent Executable file)"* ]]
	[[ $output != *INTERP* ]]
	[[ $output != *NEEDED* ]]
}

@test "relocations read-only and bound at start, no executable stack" {
	run readelf -lWd "$MOTE"
	[[ $output == *GNU_RELRO* ]]
	[[ $output == *BIND_NOW* || $output == *"FLAGS_1"*NOW* ]]
	stack=$(readelf -lW "$MOTE" | grep GNU_STACK)
	[[ $stack == *' RW '* ]]
}

# Of the mapping of a running program in which its relocated constants lie, as r--p; $1: its id.
relocated_permissions() {
	local base address
	base=$(grep -m 1 -F " $(realpath "$MOTE")" "/proc/$1/maps") || return 0
	address=$((16#${base%%-*} + $(readelf -lW "$MOTE" | awk '$1 == "GNU_RELRO" {print $3}')))
	while read -r range permissions _; do
		if ((address >= 16#${range%-*} && address < 16#${range#*-})); then
			echo "$permissions"
		fi
	done <"/proc/$1/maps"
}

@test "what relocation has written is read-only when it runs" {
	mkfifo "$BATS_TEST_TMPDIR/config"
	"$MOTE" check - <"$BATS_TEST_TMPDIR/config" 3>&- &
	exec 9>"$BATS_TEST_TMPDIR/config"
	for ((i = 0; i < 100; i++)); do
		permissions=$(relocated_permissions $!)
		[[ $permissions == r--p ]] && break
		sleep 0.05
	done
	exec 9>&-
	wait $! || true
	echo "$permissions"
	[[ $permissions == r--p ]]
}

@test "no segment is writable and executable" {
	run ! grep -E 'RWE' <(readelf -lW "$MOTE")
}

@test "says its version" {
	run "$MOTE" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^mote\ v[0-9]+\.[0-9]+\.[0-9]+$ ]]
}
