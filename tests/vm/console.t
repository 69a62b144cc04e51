#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/console.t - console output: whole for slow readers, bounded for absent ones.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

# Each byte is an exit; where an exit costs a lot, fewer of them must do.
amount="kib=${MOTE_SPEW_KIB:-128}"

lines() {
	wc -l <"$1" | tr -d ' '
}

"$MOTE" run "$(config spew "$amount")" </dev/null >"$tap_work/file" 2>"$tap_work/errors"
is 'into a file: exit status' "$?" 0
wanted=$(lines "$tap_work/file")
check 'into a file: many lines' [ "$wanted" -ge 100 ]

"$MOTE" run "$(config spew "$amount")" </dev/null 2>"$tap_work/errors" | cat >"$tap_work/pipe"
check 'into a pipe: the same' cmp -s "$tap_work/file" "$tap_work/pipe"

"$MOTE" run "$(config spew "$amount")" </dev/null 2>"$tap_work/errors" | (
	sleep 2
	cat
) >"$tap_work/slow"
check 'a reader that starts late: the same' cmp -s "$tap_work/file" "$tap_work/slow"

# A reader that never reads holds nobody for ever.  It takes more than pipe and ring hold.
stalled_reader() {
	mkfifo "$tap_work/fifo"
	sh -c "exec sleep 300" <"$tap_work/fifo" &
	sleeper=$!
	"$MOTE" run --result "$tap_work/result" "$(config spew 'kib=384' '"vcpu_count": 1, "mem_size_mib": 32' '"timeout_ms": 240000')" \
		</dev/null >"$tap_work/fifo" 2>"$tap_work/errors"
	is 'a reader that never reads: exit status' "$?" 0
	check 'a reader that never reads: ends all the same, and before it' kill "$sleeper"
	check 'a reader that never reads: the loss is counted' \
		grep -q '"console_dropped_bytes":[1-9]' "$tap_work/result"
	check 'a reader that never reads: the loss is told' grep -q 'were dropped' "$tap_work/errors"
}

# Nor where mote's own messages would go the same way.
stalled_reader_of_all() {
	mkfifo "$tap_work/both"
	sh -c "exec sleep 60" <"$tap_work/both" &
	sleeper=$!
	timeout -k 1 30 "$MOTE" run --result "$tap_work/result" "$(config spew 'kib=4096' '"vcpu_count": 1, "mem_size_mib": 32' '"timeout_ms": 2000')" \
		</dev/null >"$tap_work/both" 2>&1
	is 'both outputs go to who never reads: the time limit holds' "$?" 165
	kill "$sleeper"
	check 'both outputs go to who never reads: the result is written' grep -q '"outcome":"timeout"' "$tap_work/result"
}

if [ -n "${MOTE_SPEW_KIB:-}" ]; then
	skip 'a reader that never reads' 'filling the buffers takes too long on an emulated CPU'
else
	stalled_reader
	stalled_reader_of_all
fi

"$MOTE" run --result "$tap_work/result" "$(config spew "$amount")" </dev/null 2>/dev/null | head -n 1 >"$tap_work/first"
is 'a reader that leaves: its line' "$(lines "$tap_work/first")" 1
check 'a reader that leaves: the guest goes on to its end' \
	grep -q '"outcome":"exit","code":0' "$tap_work/result"

"$MOTE" run --result "$tap_work/result" "$(config spew "$amount")" </dev/null >/dev/null 2>"$tap_work/errors"
is 'into a device: exit status' "$?" 0
check 'into a device: nothing is lost' grep -q '"console_dropped_bytes":0' "$tap_work/result"

"$MOTE" run "$(config hello)" </dev/null >/dev/full 2>"$tap_work/errors"
check 'a full disk: the loss is told, and why' grep -q 'were dropped: No space left' "$tap_work/errors"

status=0
(ulimit -f 1 && "$MOTE" run "$(config spew "$amount")" </dev/null >"$tap_work/limited") 2>"$tap_work/errors" || status=$?
is 'a file that may not grow: the guest goes on to its end' "$status" 0

"$MOTE" run "$(config hello)" </dev/null >&- 2>"$tap_work/errors"
is 'no standard output at all' "$?" 0
"$MOTE" run "$(config hello)" <&- >"$tap_work/out" 2>"$tap_work/errors"
is 'no standard input at all' "$?" 0

done_testing
