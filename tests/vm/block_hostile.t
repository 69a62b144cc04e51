#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/block_hostile.t - drivers that break the rules: the device says so, mote says so once, and both go on.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

one='"vcpu_count": 1, "mem_size_mib": 32'
disk="$tap_work/disk"
writeback='"cache_type": "Writeback"'

# run CASE DRIVE_KEYS [READ_ONLY [MOTE_KEYS]] : sets status, output, lines (what mote said)
run() {
	status=0
	output=$("$MOTE" run "$(config block_hostile "case=$1" "$one" "\"timeout_ms\": 60000${4:+, $4}" \
		"$(drive d "$disk" "$2" | sed "s/\"is_read_only\": false/\"is_read_only\": ${3:-false}/")")" \
		</dev/null 2>"$tap_work/errors") || status=$?
	lines=$(grep -c . "$tap_work/errors")
}

# The one line that belongs to a verdict; none where the guest did nothing that was refused.
line_of() {
	case $1 in
	needs-reset) echo 'mote: warning: drive d: the guest broke queue 0 (.*); the device waits for its reset' ;;
	io-error | unsupported) echo 'mote: warning: drive d: refused a request of the guest: .*' ;;
	esac
}

# is_as_it_should : what mote said fits what the guest saw
is_as_it_should() {
	line=$(line_of "$verdict")
	if [ "$verdict" = anything ]; then
		[ "$lines" -le 1 ]
	elif [ -z "$line" ]; then
		[ "$lines" -eq 0 ]
	else
		[ "$lines $(grep -cx "$line" "$tap_work/errors")" = '1 1' ]
	fi
}

# judge TEXT CASE : what run() saw, as one test
judge() {
	verdict=${output#"$2: "}
	if [ "$status" -eq 0 ] && is_as_it_should; then
		pass "$1: $verdict, $lines lines of log"
	else
		fail "$1: exit status $status"
		echo "$output" | sed 's/^/# /'
		sed 's/^/# /' "$tap_work/errors"
	fi
}

# all TEXT DRIVE_KEYS [READ_ONLY] : each case in a machine of its own
all() {
	run list "$2" "${3:-}"
	check "$1: there are cases" [ "$(echo "$output" | grep -c .)" -ge 3 ]
	for name in $output; do
		run "$name" "$2" "${3:-}"
		judge "$1, $name" "$name"
	done
}

# row TEXT DRIVE_KEYS [MOTE_KEYS] : all cases one after another on one device
row() {
	run all "$2" false "${3:-}"
	is "$1, all cases in a row" "$status" 0
	is "$1, all cases in a row: as they should be" "$(echo "$output" | grep ' but ')" ''
	is "$1, all cases in a row: nothing is said twice" "$(sort "$tap_work/errors" | uniq -d)" ''
	[ "$status" -eq 0 ] || sed 's/^/# /' "$tap_work/errors"
}

# The same guest has frozen the whole lab, down to its clock, about once in six runs.
if [ -n "${MOTE_EMULATED:-}" ]; then
	skip 'hostile drivers' 'emulated AMD-V now and then hangs its host under them'
	done_testing
	exit
fi

# Without holes, so that a read really waits for the medium where nothing is cached.
dd if=/dev/zero of="$disk" bs=1048576 count=16 2>/dev/null
all 'engine auto' "$writeback"
all 'read-only' '' true

row 'engine Sync' "$writeback, \"io_engine\": \"Sync\""
row 'engine Async' "$writeback, \"io_engine\": \"Async\""
run list '' false '"direct_io": ["d"]'
if [ "$status" -eq 0 ]; then
	row 'direct I/O' "$writeback" '"direct_io": ["d"]'
	row 'direct I/O, engine Async' "$writeback, \"io_engine\": \"Async\"" '"direct_io": ["d"]'
else
	skip 'direct I/O, all cases in a row' 'this file system has none'
fi

done_testing
