#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/block_kill.t - a VM killed at any moment has lost nothing that it said was flushed.
#
# Launcher or VM process, by turns, get SIGKILL 5 to 150 ms after the start, under each engine.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

kills=${MOTE_KILLS:-200}
checker="$MOTE_GUESTS/../vm/flush_check"
disk="$tap_work/disk"
memory='"vcpu_count": 1, "mem_size_mib": 32'
limit='"timeout_ms": 10000'

# kill_once NUMBER KEYS MOTE_KEYS : start, wait, kill, check
kill_once() {
	make_disk "$disk" 64
	file=$(config block_flush "seed=$1" "$memory" "$limit${3:+, $3}" \
		"$(drive data "$disk" "\"cache_type\": \"Writeback\"${2:+, $2}")")
	"$MOTE" run "$file" </dev/null >"$tap_work/report" 2>"$tap_work/errors" &
	pid=$!
	sleep "$(printf '0.%03d' "$(random 5 150)")"
	victim=$pid
	[ $(($1 % 2)) -eq 0 ] || victim=$(child_of "$pid")
	kill -KILL "${victim:-$pid}"
	wait "$pid" 2>/dev/null
	is_gone || survivors=$((survivors + 1))
	"$checker" "$disk" "$tap_work/report" >"$tap_work/check" || {
		losses=$((losses + 1))
		sed 's/^/# /' "$tap_work/check"
	}
	reports=$((reports + $(sed -n '$s/ reports.*//p' "$tap_work/check")))
	rm -f "$file"
}

# kill_often TEXT KEYS MOTE_KEYS : a quarter of the kills
kill_often() {
	losses=0
	survivors=0
	reports=0
	i=0
	while [ "$i" -lt $((kills / 4)) ]; do
		kill_once "$i" "$2" "$3"
		i=$((i + 1))
	done
	is "$1: killed $i times: disks that lost something" "$losses" 0
	is "$1: killed $i times: VMs that lived on" "$survivors" 0
	echo "# $1: $reports writes were reported as flushed"
	check "$1: something was flushed at all" [ "$reports" -gt 0 ]
}

if [ ! -x "$checker" ]; then
	skip 'killed while it flushes' 'flush_check is not here, and emulated guests are too slow for it'
	done_testing
	exit
fi

kill_often 'engine auto' '' ''
kill_often 'engine Sync' '"io_engine": "Sync"' ''
kill_often 'engine Async' '"io_engine": "Async"' ''
make_disk "$disk" 1
if "$MOTE" run "$(config block_verify 'do=config' "$memory" '"direct_io": ["data"]' \
	"$(drive data "$disk")")" </dev/null >/dev/null 2>&1; then
	kill_often 'direct I/O' '' '"direct_io": ["data"]'
else
	skip 'direct I/O' 'this file system has none'
fi

done_testing
