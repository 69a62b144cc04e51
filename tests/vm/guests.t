#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/guests.t - every test guest ends as it should: outcome, exit status, output.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

# run GUEST [BOOT_ARGS [MACHINE [MOTE_KEYS]]] : sets status, output, outcome, code
run() {
	status=0
	output=$("$MOTE" run --result "$tap_work/result" "$(config "$@")" </dev/null \
		2>"$tap_work/errors") || status=$?
	outcome=$(sed -n 's/.*"outcome":"\([^"]*\)".*/\1/p' "$tap_work/result")
	code=$(sed -n 's/.*"code":\([0-9]*\).*/\1/p' "$tap_work/result")
}

# ends TEXT OUTCOME STATUS : what run() saw
ends() {
	is "$1: outcome and exit status" "$outcome $status" "$2 $3"
	[ "$outcome $status" = "$2 $3" ] || sed 's/^/# /' "$tap_work/errors"
}

one='"vcpu_count": 1, "mem_size_mib": 32'

run hello
ends 'hello' exit 0
is 'hello: greeting' "$output" 'hello from a mote unikernel'

run pvh_hello
ends 'hello by PVH' exit 0
is 'hello by PVH: greeting' "$output" 'hello from a mote unikernel'

run hello '' "$one" '"boot_protocol": "pvh"'
ends 'hello, PVH asked for' exit 0
check 'hello, PVH asked for: the trace says so' grep -q '"value":"pvh"' "$tap_work/result"
run hello '' "$one" '"boot_protocol": "linux64"'
ends 'hello, Linux 64-bit asked for' exit 0
run hello '' "$one" '"irqchip": "kernel", "pit": true'
ends 'hello with the irqchip and PIT in the kernel' exit 0
run hello '' '"vcpu_count": 1, "mem_size_mib": 32, "huge_pages": "Transparent"'
ends 'hello on transparent huge pages' exit 0

# The pool of huge pages has to have all that the VM may touch, which is 16; nobody else may use it.
pool=/sys/kernel/mm/hugepages/hugepages-2048kB
on_pool() {
	run hello '' "$one, \"huge_pages\": \"2M\""
}
has_too_few() {
	on_pool
	ends "hello on huge pages, where the pool has $1" host-failure 127
	check "hello on huge pages, where the pool has $1: says so" grep -qx \
		'mote: machine-config.mem_size_mib: cannot reserve 32 MiB of guest memory in 2 MiB pages: .*' "$tap_work/errors"
}
fill_pool() {
	echo "$1" 2>/dev/null >"$pool/nr_hugepages" && [ "$(cat "$pool/nr_hugepages")" -eq "$1" ]
}
if [ "$(cat "$pool/nr_hugepages" "$pool/nr_overcommit_hugepages" 2>/dev/null | tr -d '\n')" != 00 ]; then
	skip 'huge pages' 'the host has none, or somebody else may use its pool'
else
	has_too_few 0
	trap 'fill_pool 0; rm -rf "$tap_work"' EXIT
	trap 'exit 1' TERM INT HUP
	if fill_pool 8 2>/dev/null; then has_too_few 8; else skip 'a pool of 8 huge pages' 'the host lets nobody fill it'; fi
	if fill_pool 16 2>/dev/null; then
		on_pool
		ends 'hello on huge pages' exit 0
	else
		skip 'a pool of 16 huge pages' 'the host lets nobody fill it'
	fi
	fill_pool 0 2>/dev/null
	trap 'rm -rf "$tap_work"' EXIT
fi

run hello '' '"vcpu_count": 1, "mem_size_mib": 5120'
ends 'hello with memory above 4 GiB' exit 0
run hello '' '"vcpu_count": 32, "mem_size_mib": 32'
ends 'hello on 32 vCPUs' exit 0

for value in 0 1 42 125; do
	run exit_code "code=$value"
	ends "exit code $value" exit "$value"
done
run exit_code 'code=200'
ends 'exit code above 125' exit 125
is 'exit code above 125: the result has it whole' "$code" 200
check 'exit code above 125: a warning says so' grep -q '200 is reported as 125' "$tap_work/errors"
run exit_code 'code=41 port=501'
ends "exit as QEMU's debug port makes it" exit 83

for irqchip in split kernel; do
	run ticks '' "$one" "\"irqchip\": \"$irqchip\""
	ends "timer ticks, $irqchip irqchip" exit 0
	for count in 1 2 4 8; do
		run smp '' "\"vcpu_count\": $count, \"mem_size_mib\": 32" "\"irqchip\": \"$irqchip\""
		ends "$count vCPUs say hello, $irqchip irqchip" exit 0
		is "$count vCPUs, $irqchip irqchip: each but the first says so" \
			"$(echo "$output" | grep -c 'cpu [0-9]* up')" $((count - 1))
	done
done
run smp '' '"vcpu_count": 32, "mem_size_mib": 64'
ends '32 vCPUs say hello' exit 0

run memory '' '"vcpu_count": 1, "mem_size_mib": 128'
ends 'all of 128 MiB of memory' exit 0
run memory '' '"vcpu_count": 1, "mem_size_mib": 4'
ends 'all of 4 MiB of memory' exit 0

run triple_fault
ends 'triple fault' triple-fault 162
check 'triple fault: said on standard error' grep -q 'triple fault' "$tap_work/errors"
run triple_fault '' "$one" '"clean_outcomes": ["triple-fault"]'
ends 'triple fault that counts as clean' triple-fault 0
run panic
ends 'panic' panic 163
run reset
ends 'reset' reset 161
run power_off
ends 'power-off' power-off 160
run power_off '' "$one" '"clean_outcomes": ["power-off"]'
ends 'power-off that counts as clean' power-off 0
run halt
ends 'halted for good' halted 164
run spin '' "$one" '"timeout_ms": 300'
ends 'time limit' timeout 165
check 'time limit: said on standard error' grep -q 'timeout_ms' "$tap_work/errors"

run stages
ends 'boot timer stages' exit 0
check 'boot timer: guest-boot in the trace' grep -q '"stage":"guest-boot"' "$tap_work/result"
check 'boot timer: a stage in the trace' grep -q '"stage":"guest-stage"' "$tap_work/result"

# The machine's ABI, seen from inside: each line of the probe is a test of its own.
for mode in split kernel; do
	run probe '' "$one" "\"irqchip\": \"$mode\", \"acpi\": true"
	ends "probe, $mode irqchip" exit 0
	check "probe, $mode irqchip: looked at something" \
		[ "$(echo "$output" | grep -c '^ok ')" -ge 10 ]
	is "probe, $mode irqchip: nothing amiss" "$(echo "$output" | grep '^not ok')" ''
done
run probe '' "$one" '"boot_protocol": "pvh"'
ends 'probe by PVH' exit 0
is 'probe by PVH: nothing amiss' "$(echo "$output" | grep '^not ok')" ''

done_testing
