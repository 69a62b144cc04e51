#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/run.sh - every test, as TAP under prove, and a last line with the sum.
#
#	tests/run.sh [PART...]      PART: unit asan fuzz jail cli native user lab (default: all)
#
# Called by ./build.sh test, which has built what is needed.  The guests run on
# /dev/kvm where that works, and always in the lab; MOTE_KVM=none leaves the
# first out.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly top
readonly build="$top/build"
log="$build/test.log"

export MOTE="$build/mote"
export MOTE_GUESTS="$build/release/tests/guests"
# Motes whose filters were made for a test.
export MOTE_POLICY="$build/ship/tests/jail"
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

passed=0
failed=0
skipped=0

# run_part NAME PROVE_ARGUMENT... - run test programs, show failures, and add their results up.
run_part() {
	local name=$1 status=0 began=$SECONDS
	shift
	printf '== %s\n' "$name"
	prove -v --merge --timer "$@" >"$log" 2>&1 || status=$?
	cat "$log" >>"$build/test-all.log"
	local ok not_ok skip
	# After a program prove writes `ok`, and behind many blanks how long it took.
	skip=$(grep -ciE '^ok .*# skip' "$log" || true)
	ok=$(grep -E '^ok( [0-9]|$)' "$log" | grep -cvi '# skip' || true)
	not_ok=$(grep -cE '^not ok\b' "$log" || true)
	grep -iE '^ok .*# skip' "$log" || true
	if ((status)); then
		# A program that died says so only in prove's own words.
		((not_ok)) || not_ok=1
		grep -vE '^ok\b' "$log" | tail -n 80
	fi
	printf '   %d passed, %d failed, %d skipped, in %d s\n' "$ok" "$not_ok" "$skip" $((SECONDS - began))
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
}

# Says why not.
can_run_natively() {
	if [[ ${MOTE_KVM:-} == none ]]; then
		printf '== guests on /dev/kvm\n   left out: MOTE_KVM=none\n'
		return 1
	fi
	"$top/tests/vm/kvm_works.sh" "$MOTE" && return
	printf '== guests on /dev/kvm\n   left out: /dev/kvm does not work here\n'
	return 1
}

part_unit() {
	run_part 'units' -j 2 --exec "$top/tests/unit/run_tap.sh" "$build"/release/tests/unit/test_*[!p]
}

part_asan() {
	run_part 'units, address and undefined-behaviour sanitizers' \
		-j 2 --exec "$top/tests/unit/run_tap.sh" "$build"/asan/tests/unit/test_*[!p]
}

part_fuzz() {
	run_part 'fuzz targets over their corpora' "$top/tests/fuzz/replay.t"
}

part_jail() {
	run_part 'system calls that are refused' "$build/release/tests/jail/escape"
	if can_run_natively; then
		run_part 'system calls that some guest needs' "$top"/tests/jail/{miss,rows}.t
	fi
}

part_cli() {
	run_part 'command line' "$top"/tests/cli/*.bats
}

# run_guests NAME DIRECTORY [PROVE_ARGUMENT...] - two programs at a time, as many of them wait most of
# the time; but one by one those that look for what is new on the whole host.
run_guests() {
	local name=$1 directory=$2 file beside=() alone=()
	shift 2
	for file in "$directory"/*.t; do
		case ${file##*/} in
		many.t | prepared.t) alone+=("$file") ;;
		*) beside+=("$file") ;;
		esac
	done
	run_part "$name" -j 2 "$@" "${beside[@]}"
	run_part "$name, one by one" "$@" "${alone[@]}"
}

part_native() {
	if can_run_natively; then
		run_guests 'guests on /dev/kvm' "$top/tests/vm"
	fi
}

# Once more without privileges, but for what takes long and needs none: the rate limiters, and kills
# in the middle of a flush.
part_user() {
	local name='guests on /dev/kvm, as an ordinary user' why='' stage
	((EUID == 0)) || why='so was all of the above'
	[[ $why ]] || why=$("$top/tests/vm/as_user.sh" true) || true
	if [[ $why ]]; then
		printf '== %s\n   left out: %s\n' "$name" "$why"
		return
	fi
	can_run_natively || return 0
	# The checkout may be where an ordinary user cannot look.
	stage=$(mktemp -d)
	cp "$MOTE" "$MOTE_GUESTS"/*.elf "$MOTE_GUESTS"/../vm/{uds_peer,with_fd} \
		"$top"/tests/vm/*.{t,sh} "$top/tests/guests/fn.json" "$stage"
	rm "$stage"/{block_kill,memory,net*}.t
	chmod -R a+rX "$stage"
	MOTE=$stage/mote MOTE_GUESTS=$stage MOTE_NO_RATES=1 \
		MOTE_CGI_REQUESTS=100 MOTE_VSOCK_CYCLES=1000 \
		run_guests "$name" "$stage" --exec "$stage/as_user.sh"
	rm -rf "$stage"
}

part_lab() {
	run_part 'guests in the lab' "$top"/tests/lab/*.t
}

# The lab's machine has one CPU and takes about as long as all the rest: it runs beside it.
begin_lab() {
	rm -f "$build/test-lab.sum"
	(
		log="$build/test-lab.log"
		part_lab
		printf '%d %d %d\n' "$passed" "$failed" "$skipped" >"$build/test-lab.sum"
	) >"$build/test-lab.out" 2>&1 &
	lab=$!
}

end_lab() {
	local ok=0 not_ok=1 skip=0
	wait "$lab" || true
	cat "$build/test-lab.out"
	# A lab that did not come to its end has failed.
	[[ ! -e $build/test-lab.sum ]] || read -r ok not_ok skip <"$build/test-lab.sum"
	passed=$((passed + ok))
	failed=$((failed + not_ok))
	skipped=$((skipped + skip))
}

main() {
	local part lab=''
	(($#)) || set -- unit asan fuzz jail cli native user lab
	rm -f "$build/test-all.log"
	# Root's first start keeps KVM's answer for later ones; the host stays as it was.
	((EUID)) || [[ -e /run/mote ]] || trap '"$MOTE" prepare --undo || true' EXIT
	for part in "$@"; do
		[[ $part != lab ]] || begin_lab
	done
	for part in "$@"; do
		[[ $part == lab ]] || "part_$part"
	done
	[[ -z $lab ]] || end_lab
	printf '%d passed, %d failed' "$passed" "$failed"
	((skipped == 0)) || printf ', %d skipped' "$skipped"
	printf '\n'
	((failed == 0))
}

main "$@"
