#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/net_hostile.t - network drivers that break the rules: the device says so, mote says so once, and both go on.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

one='"vcpu_count": 1, "mem_size_mib": 32'

if [ "$(id -u)" -ne 0 ]; then
	reason='only root can make a tap'
elif [ ! -c /dev/net/tun ]; then
	reason='there is no /dev/net/tun'
elif ! unshare -n ip tuntap add probe mode tap 2>/dev/null; then
	reason='taps or namespaces cannot be made here'
elif [ -n "${MOTE_EMULATED:-}" ]; then
	reason='emulated AMD-V now and then hangs its host under hostile drivers'
fi
if [ -n "${reason:-}" ]; then
	skip 'hostile network drivers' "$reason"
	done_testing
	exit
fi
# All devices go with the namespace.
[ -n "${MOTE_NET_APART:-}" ] || MOTE_NET_APART=1 exec unshare -n sh "$0"

ip tuntap add tap0 mode tap vnet_hdr
ip address add 10.77.0.1/24 dev tap0
ip link set tap0 up

nic=$(interface eth0 tap0)
row_of=all
row_machine=$one

# run CASE [KEYS_OF_MOTE] : sets status, output, lines (what mote said)
run() {
	status=0
	output=$("$MOTE" run --result "$tap_work/result" \
		"$(config net_hostile "ip=10.77.0.2 gw=10.77.0.1 case=$1" "$row_machine" "\"timeout_ms\": 120000${2:+, $2}" \
			'' "$nic")" </dev/null 2>"$tap_work/errors") || status=$?
	lines=$(grep -c . "$tap_work/errors")
}

# number NAME : of the result
number() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$tap_work/result"
}

# The one line that belongs to a verdict; none where the guest did nothing that was refused.
line_of() {
	case $1 in
	needs-reset) echo 'mote: warning: .*: the guest broke queue [01] (.*); the device waits for its reset' ;;
	dropped) echo 'mote: warning: .*: refused a request of the guest: .*' ;;
	esac
}

# is_as_it_should : what mote said, and counted, fits what the guest saw
is_as_it_should() {
	line=$(line_of "$verdict")
	case $verdict in
	anything | answered) [ "$lines" -le 1 ] ;;
	dropped) [ "$lines $(grep -cx "$line" "$tap_work/errors")" = '1 1' ] &&
		[ $(($(number net_sent_dropped) + $(number net_received_dropped))) -gt 0 ] ;;
	needs-reset) [ "$lines $(grep -cx "$line" "$tap_work/errors")" = '1 1' ] ;;
	*) [ "$lines" -eq 0 ] && [ "$(number net_sent_dropped)" -eq 0 ] ;;
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
		grep -o '"net_[a-z_]*":[0-9]*' "$tap_work/result" | sed 's/^/# /'
	fi
}

# row TEXT [KEYS_OF_MOTE] : all cases one after another on one device
row() {
	run "$row_of" "${2:-}"
	is "$1: all end well" "$status" 0
	is "$1: as they should be" "$(echo "$output" | grep ' but ')" ''
	is "$1: nothing is said twice" "$(sort "$tap_work/errors" | uniq -d)" ''
	[ "$status" -eq 0 ] || sed 's/^/# /' "$tap_work/errors"
}

run list
check 'there are cases' [ "$(echo "$output" | grep -c .)" -ge 100 ]
for name in $output; do
	run "$name"
	judge "$name"
done
row 'all cases in a row'
row_of=races row_machine='"vcpu_count": 2, "mem_size_mib": 32'
row 'a second processor that changes what the device reads'
is 'a second processor that changes what the device reads: cases' "$(echo "$output" | grep -c '^race-')" 5
row_of=all row_machine=$one
row 'all cases in a row, irqchip in the kernel' '"irqchip": "kernel"'

# The same on a stream socket, which has no offloads, and takes a frame in several writes.
if command -v passt >/dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups true 2>/dev/null; then
	chmod 755 "$tap_work"
	mkdir -m 777 "$tap_work/room"
	ip link set lo up
	ip link add outside0 type bridge
	ip address add 10.79.0.1/24 dev outside0
	ip link set outside0 up
	ip route add default via 10.79.0.254 dev outside0
	setpriv --reuid 65534 --regid 65534 --clear-groups passt -f -q -s "$tap_work/room/passt" \
		-a 10.77.0.2 -n 24 -g 10.77.0.1 -i outside0 </dev/null >"$tap_work/passt.log" 2>&1 &
	passt=$!
	sleep 0.5
	nic=$(interface eth0 '')
	row 'all cases in a row, on passt' "\"network\": {\"eth0\": {\"socket\": \"$tap_work/room/passt\"}}"
	kill "$passt"
else
	skip 'all cases in a row, on passt' 'passt or setpriv is not installed'
fi
is 'nothing is left' "$(left_over)" ''

done_testing
