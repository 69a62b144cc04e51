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

@test "no segment is writable and executable" {
	run ! grep -E 'RWE' <(readelf -lW "$MOTE")
}

@test "says its version" {
	run "$MOTE" --version
	[ "$status" -eq 0 ]
	[[ $output =~ ^mote\ v[0-9]+\.[0-9]+\.[0-9]+$ ]]
}
