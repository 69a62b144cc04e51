#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/jail/rows.t - every row of the policy is needed: some guest comes by it, or it says that it is rare.
#
# Runs the tests of guests, and what these leave out, on a mote whose filters tell of what they allow.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/../vm/tap.sh"

here=${0%/*}
tools=$MOTE_GUESTS/../jail
export MOTE="$tools/trace_rows"
export MOTE_ROWS="$tap_work/counts"
# A traced call takes some ten times as long, and the point is not to be prompt.
export MOTE_NO_RATES=1 MOTE_PROMPT_MS=10000 MOTE_BLOCK_CELLS=64
failed=0

# suite COMMAND... : a test of its own, of which only the verdict counts here
suite() {
	if "$@" >"$tap_work/suite" 2>&1; then
		echo "# passed while traced: $*"
	else
		echo "# failed while traced: $*"
		sed -n '/^not ok/,/^ok/{s/^/#   /p;}' "$tap_work/suite"
		failed=1
	fi
}

one='"vcpu_count": 1, "mem_size_mib": 32'

# What waits for a rate limit is done by the I/O thread, and without a ring at once.
throttled() {
	make_disk "$tap_work/disk" 16
	"$MOTE" run "$(config block_verify "cells=128 depth=8 do=$1" "$one" '' "$(drive d "$tap_work/disk" \
		"\"cache_type\": \"Writeback\", \"io_engine\": \"${2:-Sync}\", \"rate_limiter\":
		{\"ops\": {\"size\": 100, \"refill_time\": 20}}")")" </dev/null
}

# A VM process that cannot obey is killed.
stopped() {
	"$MOTE" run "$(config spin '' "$one" '"timeout_ms": 1000')" </dev/null &
	launcher=$!
	sleep 0.5
	kill -STOP "$(cat "/proc/$launcher/task/$launcher/children")"
	status=0
	wait "$launcher" || status=$?
	[ "$status" -eq 165 ]
}

for name in guests console run block_hostile block; do
	suite sh "$here/../vm/$name.t"
done
suite bats "$here/../cli/terminal.bats"
for work in all discard zeroes; do
	suite throttled "$work"
	suite throttled "$work" Async
done
suite stopped

"$tools/report_rows" "$MOTE_ROWS" || failed=1
exit "$failed"
