#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/jail.bats - what has to be asked for twice, and what cannot be asked for at all.
#
# No guest runs here: all of it is refused before anything is opened.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}
	cd "$BATS_TEST_TMPDIR"
}

configure() {
	printf '{"boot-source": {"kernel_image_path": "no kernel"}, "mote": {"jail": %s}}\n' "$1" >vm.json
}

# Exactly that line, and the status of a configuration or command line that will not do.
refused_with() {
	local line=$1 status=0
	shift
	output=$("$MOTE" "$@" 2>stderr </dev/null) || status=$?
	[[ $(<stderr) == "mote: $line" ]] || {
		cat stderr
		return 1
	}
	[[ $status -eq 126 ]]
	[[ -z $output ]]
}

@test "seccomp \"log\" has to be asked for on the command line as well, and the refusal names both" {
	local refusal='mote.jail.seccomp: "log" lets every system call pass, and has to be asked for with --allow-insecure-seccomp-log as well'
	configure '{"seccomp": "log"}'
	refused_with "$refusal" run vm.json
	refused_with "$refusal" run --result result vm.json
	grep -q '"outcome": *"bad-config"' result
	grep -q '"status": *126' result
	refused_with "$refusal" --config-file vm.json --no-api
}

@test "seccomp \"log\" is a good configuration" {
	configure '{"seccomp": "log"}'
	run -0 "$MOTE" check vm.json
	[[ $output == OK ]]
}

@test "the flag alone asks for nothing" {
	local status=0
	configure '{}'
	"$MOTE" run --allow-insecure-seccomp-log vm.json 2>stderr </dev/null || status=$?
	[[ $status -eq 169 ]]
	[[ $(<stderr) == "mote: boot-source.kernel_image_path: cannot open no kernel: No such file or directory" ]]
}

@test "the flag is for mote run, and takes no value" {
	configure '{}'
	refused_with "--allow-insecure-seccomp-log: not a flag of mote check (see mote help)" check --allow-insecure-seccomp-log vm.json
	refused_with "--allow-insecure-seccomp-log takes no value (see mote help)" run --allow-insecure-seccomp-log=yes vm.json
	refused_with "--allow-insecure-seccomp-log is given twice (see mote help)" run --allow-insecure-seccomp-log --allow-insecure-seccomp-log vm.json
}

@test "there is no flag that takes the filters away" {
	configure '{}'
	refused_with "--no-seccomp: not offered by mote: the command line does not choose system calls (see mote help)" run --no-seccomp vm.json
	refused_with "--seccomp-filter: not offered by mote: the command line does not choose system calls (see mote help)" run --seccomp-filter vm.json
}

@test "nor a value that does" {
	configure '{"seccomp": "off"}'
	refused_with 'vm.json: mote.jail.seccomp: "off" is not one of kill, log' run --allow-insecure-seccomp-log vm.json
	configure '{"seccomp": false}'
	refused_with 'vm.json: mote.jail.seccomp: expected a string, found false' run --allow-insecure-seccomp-log vm.json
}
