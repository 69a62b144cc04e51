#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/jail/miss.t - a system call that its role may not make: the run ends, and the report names both.
#
# Each mote here lacks the rows of one call that it makes in every run.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/../vm/tap.sh"

tools=$MOTE_POLICY

# run_without CALL : sets status
run_without() {
	status=0
	"$tools/mote_without_$1" run --result "$tap_work/result" "$(config spin '' '' '"timeout_ms": 20000')" \
		</dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
}

# told CALL THREAD NUMBER
told() {
	run_without "$1"
	is "$2: exit status" "$status" 166
	is "$2: the report has role and call" "$(cat "$tap_work/errors")" \
		"mote: the $2 thread of the VM process made a system call that it may not make: $1 ($3)"
	check "$2: in the result" grep -q '^{"outcome":"blocked-call","code":0,"status":166,' "$tap_work/result"
}

told ppoll io 271
told ioctl vcpu 16
is 'vcpu: the guest made no step' "$(cat "$tap_work/out")" ''

# Nobody is left to tell of this one but the launcher itself.
run_without rt_sigtimedwait
is 'launcher: exit status' "$status" 166
is 'launcher: it names the call' "$(cat "$tap_work/errors")" \
	'mote: the launcher made a system call that it may not make: rt_sigtimedwait (128)'
sleep 0.3
is 'launcher: the VM goes with it' "$(left_over)" ''
done_testing
