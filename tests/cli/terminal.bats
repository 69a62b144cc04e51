#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/terminal.bats - mote on a terminal: keys, the escape, and the way back.

setup() {
	bats_require_minimum_version 1.5.0
	MOTE=${MOTE:-build/mote}
	MOTE_GUESTS=${MOTE_GUESTS:-build/release/tests/guests}
	[[ ${MOTE_KVM:-} != none ]] || skip 'MOTE_KVM=none, and the lab has no Python to play the terminal'
	"$MOTE" doctor >/dev/null || skip '/dev/kvm does not work here'
	config="$BATS_TEST_TMPDIR/vm.json"
}

guest() {
	printf '{"boot-source": {"kernel_image_path": "%s/%s.elf", "boot_args": ""}, "machine-config": {"vcpu_count": 1, "mem_size_mib": 32}}' \
		"$MOTE_GUESTS" "$1" >"$config"
}

# A guest that has sent more than its client reads, which is all the client's fault.
owing_guest() {
	local peer=$MOTE_GUESTS/../vm/uds_peer socket=$BATS_TEST_TMPDIR/vm.sock
	[[ -x $peer ]] || skip 'uds_peer is not here'
	printf '{"boot-source": {"kernel_image_path": "%s/vsock_echo.elf", "boot_args": "bytes=900000 %s"},
		"machine-config": {"vcpu_count": 1, "mem_size_mib": 32},
		"vsock": {"guest_cid": 3, "uds_path": "%s"}}' "$MOTE_GUESTS" "$1" "$socket" >"$config"
	(
		until [[ -S $socket ]]; do sleep 0.02; done
		exec timeout 60 "$peer" slow "$socket" 19 60 </dev/null
	) >/dev/null 2>&1 3>&- &
	client=$!
}

teardown() {
	[[ -z ${client:-} ]] || kill "$client" 2>/dev/null || true
}

on_terminal() {
	python3 "$BATS_TEST_DIRNAME/on_terminal.py" "$@"
}

@test "Ctrl-A x leaves, with a status of its own" {
	guest spin
	run -168 on_terminal "$MOTE" run "$config" -- spin '\x01x'
	[[ $output == *"terminal as before"* ]]
}

@test "Ctrl-A x leaves a guest that never reads a key" {
	guest spin
	keys=$(printf 'k%.0s' {1..300})
	run -168 on_terminal "$MOTE" run "$config" -- spin "$keys" '' '\x01x'
	[[ $output == *"terminal as before"* ]]
}

@test "Ctrl-A x waits a moment for who does not read, and more of them end that" {
	local began
	owing_guest ''
	began=$(date +%s%N)
	run -168 on_terminal "$MOTE" run "$config" -- sent '\x01x'
	(($(date +%s%N) - began > 900000000))
	[[ $output == *"terminal as before"* ]]
	kill "$client"
	owing_guest ''
	run -168 on_terminal "$MOTE" run "$config" -- sent '\x01x' '' '\x01x' '' '\x01x'
	[[ $output == *"terminal as before"* ]]
}

@test "Ctrl-A x ends the wait for who does not read when the guest has ended" {
	owing_guest count=1
	SECONDS=0
	run -0 on_terminal "$MOTE" run "$config" -- streams '' '' '\x01x'
	[[ $output == *"terminal as before"* ]]
	# Without it: ten seconds.
	((SECONDS < 8))
}

@test "the guest gets the keys, Ctrl-C and Ctrl-A among them" {
	guest console_echo
	run -0 on_terminal "$MOTE" run "$config" -- ready 'a\x03\x01\x01b\n' b 'quit\n'
	[[ $output == *$'a\x03\x01b'* ]]
	[[ $output == *"terminal as before"* ]]
}

@test "a VM process that is killed leaves the terminal as it was" {
	guest spin
	run -127 on_terminal --kill-child "$MOTE" run "$config" -- spin ''
	[[ $output == *"killed by signal 9"* ]]
	[[ $output == *"terminal as before"* ]]
}

@test "a launcher that makes a forbidden system call leaves the terminal as it was" {
	guest spin
	run -166 on_terminal "${MOTE_POLICY:-build/ship/tests/jail}/mote_without_rt_sigtimedwait" run "$config" --
	[[ $output == *"the launcher made a system call that it may not make: rt_sigtimedwait (128)"* ]]
	[[ $output == *"terminal as before"* ]]
}

@test "a stop by signal leaves the terminal as it was" {
	guest spin
	run -143 on_terminal sh -c 'echo $$; "$0" run "$1" </dev/tty & wait=$!; trap "" TERM; sleep 1; kill -TERM $wait; wait $wait' \
		"$MOTE" "$config" -- spin ''
	[[ $output == *"terminal as before"* ]]
}

@test "one that was stopped takes the terminal back when it is continued" {
	guest spin
	run -143 on_terminal sh -c '"$0" run "$1" </dev/tty & pid=$!; sleep 1; kill -STOP $pid; stty sane; kill -CONT $pid;
		sleep 1; stty -a; kill -TERM $pid; wait $pid' \
		"$MOTE" "$config" -- spin ''
	[[ $output == *" -icanon"* ]]
	[[ $output == *"terminal as before"* ]]
}
