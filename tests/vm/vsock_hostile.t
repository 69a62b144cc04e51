#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/vsock_hostile.t - vsock drivers that break the rules: the device says so, mote says so once, and both go on.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

tools="$MOTE_GUESTS/../vm"
[ -x "$tools/uds_peer" ] || tools=$MOTE_GUESTS
peer="$tools/uds_peer"
if [ ! -x "$peer" ]; then
	skip 'hostile vsock drivers' 'uds_peer is not here'
	done_testing
	exit
fi

socket="$tap_work/vm.sock"
"$peer" sink "${socket}_5000" &
sink=$!
trap 'kill "$sink"; rm -rf "$tap_work"' EXIT
while [ ! -S "${socket}_5000" ] && kill -0 "$sink" 2>/dev/null; do sleep 0.01; done

# run CASE [KEYS_OF_MOTE [BOOT_ARGS [VCPUS]]] : sets status, output, lines (what mote said)
run() {
	cat >"$tap_work/vm.json" <<END
{
  "boot-source": {"kernel_image_path": "$MOTE_GUESTS/vsock_hostile.elf", "boot_args": "case=$1 ${3:-}"},
  "machine-config": {"vcpu_count": ${4:-1}, "mem_size_mib": 32},
  "vsock": {"guest_cid": 3, "uds_path": "$socket"},
  "mote": {"timeout_ms": 60000${2:+, $2}}
}
END
	status=0
	output=$("$MOTE" run --result "$tap_work/result" "$tap_work/vm.json" </dev/null 2>"$tap_work/errors") || status=$?
	lines=$(grep -c . "$tap_work/errors")
}

# The one line that belongs to a verdict; none where the guest did nothing that was refused.
line_of() {
	case $1 in
	needs-reset) echo 'mote: warning: vsock: the guest broke queue [01] (.*); the device waits for its reset' ;;
	reset) echo 'mote: warning: vsock: refused a request of the guest: .*' ;;
	esac
}

# is_as_it_should : what mote said fits what the guest saw
is_as_it_should() {
	case $verdict in
	needs-reset | reset) [ "$lines $(grep -cx "$(line_of "$verdict")" "$tap_work/errors")" = '1 1' ] ;;
	*) [ "$lines" -eq 0 ] ;;
	esac
}

# judge CASE : what run() saw, as one test
judge() {
	verdict=${output#"$1: "}
	if [ "$status" -eq 0 ] && is_as_it_should; then
		pass "$1: $verdict, $lines lines of log"
	else
		fail "$1: exit status $status"
		echo "$output" | sed 's/^/# /'
		sed 's/^/# /' "$tap_work/errors"
	fi
}

# row TEXT [KEYS_OF_MOTE [BOOT_ARGS [VCPUS [CASES]]]] : many cases one after another on one device
row() {
	text=$1
	shift
	run "${4:-all}" "$@"
	is "$text: all end well" "$status" 0
	is "$text: as they should be" "$(echo "$output" | grep ' but ')" ''
	is "$text: nothing is said twice" "$(sort "$tap_work/errors" | uniq -d)" ''
	[ "$status" -eq 0 ] || sed 's/^/# /' "$tap_work/errors"
}

run list
check 'there are cases' [ "$(echo "$output" | grep -c .)" -ge 40 ]
for name in $output; do
	run "$name"
	judge "$name"
done
row 'all cases in a row'
row 'all cases in a row, irqchip in the kernel' '"irqchip": "kernel"'
row 'all cases in a row, without event indices' '' 'event_idx=0'
row 'all cases in a row, on 4 vCPUs' '' '' 4
row 'a second processor changes all there is' '' '' 2 races
row 'a second processor changes all there is, without event indices' '' 'event_idx=0' 2 races
is 'nothing is left' "$(left_over)" ''

done_testing
