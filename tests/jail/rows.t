#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/jail/rows.t - every row of the policy is needed: some guest comes by it, or it says that it is rare.
#
# Runs the tests of guests, and what these leave out, on a mote whose filters tell of what they allow.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/../vm/tap.sh"

if [ "$(id -u)" -ne 0 ]; then
	echo '1..0 # SKIP only root comes by all rows: an ordinary user has no cgroup'
	exit 0
fi

here=${0%/*}
tools=$MOTE_POLICY
export MOTE="$tools/trace_rows"
export MOTE_ROWS="$tap_work/counts"
# A traced call takes some ten times as long, and the point is not to be prompt.
export MOTE_TRACED=1 MOTE_NO_RATES=1 MOTE_PROMPT_MS=10000 MOTE_BLOCK_CELLS=16 MOTE_SPEW_KIB=32
failed=0

# What came before, if that is in the way: a host with cgroup v1 has a folder for each controller.
remove_parent() {
	for folder in /sys/fs/cgroup/mote-test /sys/fs/cgroup/*/mote-test; do
		[ ! -d "$folder" ] || rmdir "$folder"
	done
}
trap 'remove_parent; rm -rf "$tap_work"' EXIT

# suite COMMAND... : a test of its own, of which only the verdict counts here
suite() {
	began_ms=$(now_ms)
	if "$@" >"$tap_work/suite" 2>&1; then
		echo "# passed while traced, in $(($(now_ms) - began_ms)) ms: $*"
	else
		echo "# failed while traced, in $(($(now_ms) - began_ms)) ms: $*"
		sed -n '/^not ok/,/^ok/{s/^/#   /p;}' "$tap_work/suite"
		failed=1
	fi
}

one='"vcpu_count": 1, "mem_size_mib": 32'

# What waits for a rate limit is done by the I/O thread, and without a ring at once.  The limit is one
# that a guest comes up against however slowly its calls are traced.
throttled() {
	make_disk "$tap_work/disk" 16
	"$MOTE" run "$(config block_verify "cells=32 depth=8 do=$1" "$one" '' "$(drive d "$tap_work/disk" \
		"\"cache_type\": \"Writeback\", \"io_engine\": \"${2:-Sync}\", \"rate_limiter\":
		{\"ops\": {\"size\": 10, \"refill_time\": 10}}")")" </dev/null
}

# What waits for a rate limit is sent by the I/O thread.
networked() {
	unshare -n sh -ec '
		ip tuntap add tap0 mode tap vnet_hdr
		ip address add 10.77.0.1/24 dev tap0
		ip link set tap0 up
		exec "$0" run "$1"' "$MOTE" "$(config net_bench 'ip=10.77.0.2 gw=10.77.0.1 runs=send frames=200 seconds=20' \
		"$one" '' '' "$(interface eth0 tap0 '"tx_rate_limiter": {"ops": {"size": 10, "refill_time": 10}}')")" </dev/null
}

in_cgroup() {
	"$MOTE" run "$(config hello '' "$one" '"cgroup": {"parent": "mote-test", "pids": 64}')" </dev/null
}

was_seen() {
	"$tools/report_rows" "$MOTE_ROWS" | grep -q "^ok [0-9]* - $1: [1-9]"
}

# Nobody reads what the guest prints, until it has been held back for that: console.t without its patience.
crowded() {
	mkfifo "$tap_work/fifo"
	sh -c 'exec sleep 120' <"$tap_work/fifo" &
	reader=$!
	"$MOTE" run "$(config spew kib=4096 "$one")" </dev/null >"$tap_work/fifo" &
	launcher=$!
	seconds=0
	until was_seen 'vcpu: clock_nanosleep' || [ "$seconds" -eq 60 ]; do
		sleep 1
		seconds=$((seconds + 1))
	done
	kill "$launcher"
	status=0
	wait "$launcher" || status=$?
	kill "$reader"
	[ "$status" -eq 143 ]
}

# A VM process that cannot obey is killed.
stopped() {
	"$MOTE" run "$(config spin '' "$one" '"timeout_ms": 1000')" </dev/null &
	launcher=$!
	sleep 0.5
	kill -STOP "$(child_of "$launcher")"
	status=0
	wait "$launcher" || status=$?
	[ "$status" -eq 165 ]
}

for name in guests console run block_hostile block vsock; do
	suite sh "$here/../vm/$name.t"
done
suite bats "$here/../cli/terminal.bats"
for work in all discard zeroes; do
	suite throttled "$work"
	suite throttled "$work" Async
done
suite stopped
suite in_cgroup
suite networked
suite crowded

"$tools/report_rows" "$MOTE_ROWS" || failed=1
exit "$failed"
