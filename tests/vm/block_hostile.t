#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/block_hostile.t - drivers that break the rules: the device says so, mote says so once, and both go on.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

one='"vcpu_count": 1, "mem_size_mib": 32'
disk="$tap_work/disk"
writeback='"cache_type": "Writeback"'

# run CASE DRIVE_KEYS : sets status, output, lines (what mote said)
run() {
	status=0
	output=$("$MOTE" run "$(config block_hostile "case=$1" "$one" '"timeout_ms": 300000' \
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

# judge TEXT CASE : what run() saw, as one test
judge() {
	verdict=${output#"$2: "}
	line=$(line_of "$verdict")
	if [ "$status" -ne 0 ]; then
		fail "$1: exit status $status"
	elif [ "$verdict" = anything ]; then
		check "$1: $verdict" [ "$lines" -le 1 ]
	elif [ -z "$line" ]; then
		check "$1: $verdict, and nothing to say" [ "$lines" -eq 0 ]
	else
		check "$1: $verdict, and one line says so" [ "$lines $(grep -cx "$line" "$tap_work/errors")" = '1 1' ]
	fi
	[ "$status $lines" = '0 0' ] && return
	echo "$output" | sed 's/^/# /'
	sed 's/^/# /' "$tap_work/errors"
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

make_disk "$disk" 16
all 'engine auto' "$writeback"
all 'read-only' '' true

# One after another on one device, under the other engines.
for engine in Sync Async; do
	run all "$writeback, \"io_engine\": \"$engine\""
	is "engine $engine, all cases in a row" "$status" 0
	is "engine $engine, all cases in a row: as they should be" "$(echo "$output" | grep ' but ')" ''
	is "engine $engine, all cases in a row: nothing is said twice" \
		"$(sort "$tap_work/errors" | uniq -d)" ''
done

done_testing
