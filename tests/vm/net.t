#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/net.t - a NIC on a tap, on a bridge, in another namespace, and on passt: what goes in comes out.
#
# Everything happens in a network namespace of its own, which takes all devices with it when it goes.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

one='"vcpu_count": 1, "mem_size_mib": 32'
limit='"timeout_ms": 120000'
tools="$MOTE_GUESTS/../vm"
peer="$tools/udp_peer"
nobody=65534

if [ ! -x "$peer" ]; then
	reason='udp_peer is not here; the lab has Linux guests on the network'
elif [ "$(id -u)" -ne 0 ]; then
	reason='only root can make a tap'
elif [ ! -c /dev/net/tun ]; then
	reason='there is no /dev/net/tun'
elif ! unshare -n -m ip tuntap add probe mode tap 2>/dev/null; then
	reason='taps or namespaces cannot be made here'
fi
if [ -n "${reason:-}" ]; then
	skip 'network' "$reason"
	done_testing
	exit
fi
[ -n "${MOTE_NET_APART:-}" ] || MOTE_NET_APART=1 exec unshare -n -m --propagation slave sh "$0"

netns=mote-test-$$
room="$tap_work/room" # where an ordinary user may write, too
chmod 755 "$tap_work"
mkdir -m 777 "$room"
cleanup() {
	ip netns del "$netns" 2>/dev/null
	for job in $(jobs -p); do kill "$job" 2>/dev/null; done
	rm -rf "$tap_work"
}
trap cleanup EXIT
trap 'exit 1' TERM INT HUP

# make_tap NAME NUMBER : up, with the address 10.77.NUMBER.1
make_tap() {
	ip tuntap add "$1" mode tap vnet_hdr
	ip address add "10.77.$2.1/24" dev "$1"
	ip link set "$1" up
}

# start GUEST BOOT_ARGS INTERFACES [MOTE_KEYS [MACHINE]] : in the background, until the guest has said
# something.  Sets pid, output (a file), launch (what to put in front of mote).
launch=
start() {
	output="$room/output.$((started += 1))"
	: >"$output"
	file=$(config "$1" "$2" "${5:-$one}" "$limit${4:+, $4}" '' "$3")
	chmod 644 "$file"
	# shellcheck disable=SC2086
	$launch "$MOTE" run --result "$output.result" "$file" </dev/null >"$output" 2>"$output.errors" &
	pid=$!
	tries=0
	while [ ! -s "$output" ] && kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
}

# finish TEXT WANTED : wait for the end of what start() began
finish() {
	status=0
	wait "$pid" || status=$?
	is "$1" "$status" "$2"
	[ "$status" -eq "$2" ] || sed 's/^/# /' "$output" "$output.errors"
}

# reach COMMAND... : run udp_peer, show what it says if it fails
reach() {
	# shellcheck disable=SC2086
	timeout 60 $through "$peer" "$@" >"$tap_work/peer" || {
		sed 's/^/# /' "$tap_work/peer"
		return 1
	}
}
through=

# number NAME : of the result
number() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$output.result"
}

# field NAME : of the line of JSON that net_bench prints
field() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$output"
}

# within TEXT NUMBER LEAST MOST
within() {
	if [ -n "$2" ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		pass "$1: $2"
	else
		fail "$1"
		echo "#   got ${2:-nothing}, wanted $3 to $4"
	fi
}

# serves TEXT ADDRESS [MTU] : the guest there answers everything, up to its MTU, and ends as it is told
serves() {
	most=$((${3:-1500} - 28))
	check "$1: pings" reach ping "$2" 5 56
	check "$1: pings as long as can be" reach ping "$2" 5 "$most"
	check "$1: echoes of all sizes" reach echo "$2" 7 0 "$most" 23
	check "$1: echo as long as can be" reach echo "$2" 7 "$most" "$most" 1
	check "$1: told to end" reach say "$2" 9 'exit 7'
	finish "$1: ends as it was told" 7
}

make_tap tap0 0
tap0=$(interface eth0 tap0)

# Every way a driver may use the device.
start net_echo 'ip=10.77.0.2' "$tap0"
serves 'a tap by name' 10.77.0.2
is 'a tap by name: no word on standard error' "$(cat "$output.errors")" ''
within 'a tap by name: frames counted that came' "$(number net_received_frames)" 76 200
within 'a tap by name: frames counted that went' "$(number net_sent_frames)" 76 200
within 'a tap by name: bytes counted that came' "$(number net_received_bytes)" 60000 150000
within 'a tap by name: bytes counted that went' "$(number net_sent_bytes)" 60000 150000
is 'a tap by name: nothing dropped' "$(number net_sent_dropped) $(number net_throttled)" '0 0'
check 'a tap by name: it is still there' test -n "$(ip -o link show tap0)"
for way in mrg=0 offloads=0 'mrg=0 offloads=0' event_idx=0 'indirect=1 tx_part=100 rx_part=100' rx_buffer=128 \
	'rx_buffer=64 event_idx=0' queue=8 'queue=2 mrg=0 offloads=0' wait=poll notify=user; do
	start net_echo "ip=10.77.0.2 $way" "$tap0"
	serves "a driver with $way" 10.77.0.2
	is "a driver with $way: no frame torn" "$(grep -c 'torn 0,' "$output")" 1
done
start net_echo 'ip=10.77.0.2' "$tap0" '"irqchip": "kernel"'
serves 'irqchip in the kernel' 10.77.0.2
start net_echo 'ip=10.77.0.2' "$tap0" '' '"vcpu_count": 4, "mem_size_mib": 32'
serves 'on 4 vCPUs' 10.77.0.2
start net_echo 'ip=10.77.0.2' "$tap0"
check 'a burst of small ones' reach burst 10.77.0.2 7 18 200
check 'a burst of large ones' reach burst 10.77.0.2 7 1472 200
reach say 10.77.0.2 9 'exit 0'
finish 'a burst: ends as it was told' 0

# What the NIC says of itself.
start net_echo 'ip=10.77.0.2' "$(interface eth0 tap0 '"guest_mac": "06:00:ac:10:00:02"')"
check 'a MAC address that was given' grep -q '^up: 06:00:ac:10:00:02, 10.77.0.2, MTU 1500, link 1' "$output"
serves 'a MAC address that was given' 10.77.0.2
for launch_number in 1 2; do
	start net_echo 'ip=10.77.0.2 count=1' "$tap0"
	check 'a MAC address of its own: locally administered, one host' \
		grep -q '^up: [0-9a-f][26ae]:' "$output"
	sed -n 's/^up: \([^,]*\),.*/\1/p' "$output" >>"$tap_work/addresses"
	reach echo 10.77.0.2 7 100 100 1
	finish "a MAC address of its own: run $launch_number" 0
done
is 'a MAC address of its own: another each time' "$(sort -u "$tap_work/addresses" | wc -l)" 2

ip link set tap0 mtu 9000
start net_echo 'ip=10.77.0.2' "$(interface eth0 tap0 '"mtu": 9000')"
check 'an MTU of 9000: the guest is told' grep -q 'MTU 9000' "$output"
serves 'an MTU of 9000' 10.77.0.2 9000
start net_echo 'ip=10.77.0.2 mrg=0 offloads=0' "$(interface eth0 tap0 '"mtu": 9000')"
serves 'an MTU of 9000, one buffer a frame' 10.77.0.2 9000
ip link set tap0 mtu 1500

# Large segments: the guest's side of segmentation offload.
start net_bench 'ip=10.77.0.2 gw=10.77.0.1 runs=send-tso frames=2000 seconds=20' "$tap0"
finish 'frames of 64 KiB to segment' 0
is 'frames of 64 KiB to segment: all sent' "$(field frames)" 2000
is 'frames of 64 KiB to segment: none dropped' "$(number net_sent_dropped)" 0

# Two NICs.
make_tap tap1 1
both="$tap0, $(interface eth1 tap1)"
start net_echo 'ip=10.77.0.2 device=0' "$both"
serves 'two NICs, the first is used' 10.77.0.2
start net_echo 'ip=10.77.1.2 device=1' "$both"
serves 'two NICs, the second is used' 10.77.1.2

# By descriptor.
launch="$tools/with_fd tap tap0 9"
start net_echo 'ip=10.77.0.2' "$(interface eth0 /dev/fd/9)"
launch=
serves 'a tap by descriptor' 10.77.0.2

# Frames that claim another source.
start net_echo 'ip=10.77.0.2 spoof=1' "$tap0"
serves 'another source address, without anti_spoof' 10.77.0.2
ip neigh flush dev tap0
start net_echo 'ip=10.77.0.2 spoof=1' "$tap0" '"network": {"eth0": {"anti_spoof": true}}'
check 'another source address, with anti_spoof: nothing comes out' [ "$(timeout 9 "$peer" ping 10.77.0.2 2 56)" = '0 of 2 pings of 56 bytes answered' ]
kill "$pid"
finish 'another source address, with anti_spoof: the VM goes on' 143
is 'another source address, with anti_spoof: told once' "$(grep -c 'refused a request of the guest' "$output.errors")" 1
within 'another source address, with anti_spoof: counted' "$(number net_sent_dropped)" 2 100
start net_echo 'ip=10.77.0.2' "$tap0" '"network": {"eth0": {"anti_spoof": true}}'
serves 'its own source address, with anti_spoof' 10.77.0.2

# On a bridge: mote makes the tap, and whatever happens it goes.
ip link add br0 type bridge
ip address add 10.78.0.1/24 dev br0
ip link set br0 up
on_br0='"network": {"eth0": {"bridge": "br0"}}'
ports() {
	for port in /sys/class/net/br0/brif/*; do [ -e "$port" ] && echo "${port##*/}"; done
	ip -o link show | sed -n 's/^[0-9]*: \(mote[0-9]*\).*/stray \1/p' | while read -r _ port; do
		[ -e "/sys/class/net/br0/brif/$port" ] || echo "stray $port"
	done
}
# ports_gone : within two seconds
ports_gone() {
	tries=0
	while [ -n "$(ports)" ]; do
		[ "$tries" -lt 100 ] || return 1
		sleep 0.02
		tries=$((tries + 1))
	done
}

# In a namespace of its own, /sys shows the devices of the one it was mounted in.
mount -t sysfs sysfs /sys 2>/dev/null
start net_echo 'ip=10.78.0.2' "$(interface eth0 '')" "$on_br0"
is 'on a bridge: there is a tap' "$(ports)" mote0
serves 'on a bridge' 10.78.0.2
check 'on a bridge: the tap is gone' ports_gone
start net_echo 'ip=10.78.0.2' "$(interface eth0 guest0)" "$on_br0"
is 'on a bridge, by a name of its own' "$(ports)" guest0
serves 'on a bridge, by a name of its own' 10.78.0.2
check 'on a bridge, by a name of its own: the tap is gone' ports_gone
start net_echo 'ip=10.78.0.2' "$(interface eth0 '')" "$on_br0"
check 'on a bridge, launcher killed: it ran' reach ping 10.78.0.2 1 56
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check 'on a bridge, launcher killed: the tap is gone' ports_gone
start net_echo 'ip=10.78.0.2' "$(interface eth0 '')" "$on_br0"
check 'on a bridge, VM process killed: it ran' reach ping 10.78.0.2 1 56
vm=$(grep -lsE "^PPid:[[:space:]]*$pid\$" /proc/[0-9]*/status | tr -dc '0-9')
kill -KILL "$vm"
finish 'on a bridge, VM process killed: host failure' 127
check 'on a bridge, VM process killed: the tap is gone' ports_gone

# The switch learns where an address is, before the guest has said a word.
start net_echo 'ip=10.78.0.2 announce=0' \
	"$(interface eth0 '' '"guest_mac": "06:00:ac:10:00:03"')" "$on_br0"
check 'on a bridge: announced' sh -c 'bridge fdb show br br0 | grep -q "^06:00:ac:10:00:03 dev mote0"'
first=$pid
start net_bench 'ip=10.78.0.3 peer=10.78.0.2 runs=round-trip:64,round-trip:1514 frames=200 seconds=60' \
	"$(interface eth0 '')" "$on_br0"
finish 'two VMs on a bridge talk' 0
is 'two VMs on a bridge talk: all answered' "$(field frames | tr '\n' ' ')" '200 200 '
pid=$first
kill "$pid"
wait "$pid" 2>/dev/null

# A VM that comes up elsewhere: two hosts' bridges on one switch, where the peer is.  The peer never asks
# where the address is, and the guest is silent until it is asked: that frames find it is the doing of
# what mote said in its name.  The time is from before mote starts until the first answer.
address=06:00:ac:10:00:04
ip link add sw type bridge
ip address add 10.79.0.1/24 dev sw
ip neigh replace 10.79.0.2 lladdr "$address" nud permanent dev sw
for host in a b; do
	ip link add "host$host" type bridge
	ip link add "up$host" type veth peer name "cable$host"
	ip link set "cable$host" master sw up
	ip link set "up$host" master "host$host" up
	ip link set "host$host" up
done
ip link set sw up
# learnt : where the switch has it
learnt() {
	bridge fdb show br sw | sed -n "s/^$address dev cable\\([ab]\\) .*/\\1/p"
}
least_ms=
for host in a b a b; do
	"$peer" await 10.79.0.2 >"$tap_work/reached" &
	prober=$!
	start net_echo 'ip=10.79.0.2 announce=0' "$(interface eth0 '' "\"guest_mac\": \"$address\"")" \
		"\"network\": {\"eth0\": {\"bridge\": \"host$host\"}}"
	check "a VM that comes up on host $host: the peer reaches it" wait "$prober"
	is "a VM that comes up on host $host: there the switch has it" "$(learnt)" "$host"
	reached_ms=$(cat "$tap_work/reached")
	echo "#   after $reached_ms ms"
	# The first time it has not been anywhere.
	if [ -n "${moved:-}" ] && { [ -z "$least_ms" ] || [ "$reached_ms" -lt "$least_ms" ]; }; then
		least_ms=$reached_ms
	fi
	moved=yes
	check "a VM that comes up on host $host: told to end" reach say 10.79.0.2 9 'exit 7'
	finish "a VM that comes up on host $host: ends as it was told" 7
	is "a VM that was on host $host: there the switch still has it" "$(learnt)" "$host"
done
within 'a VM that came up elsewhere: ms until the peer reaches it, at best' "$least_ms" 0 199

# A tap in another namespace.
ip netns add "$netns"
ip -n "$netns" tuntap add tap9 mode tap vnet_hdr
ip -n "$netns" address add 10.77.9.1/24 dev tap9
ip -n "$netns" link set tap9 up
through="ip netns exec $netns"
for name in "$netns" "/run/netns/$netns"; do
	start net_echo 'ip=10.77.9.2' "$(interface eth0 tap9)" "\"network\": {\"eth0\": {\"netns\": \"$name\"}}"
	serves "a tap in another namespace, ${name%"$netns"}NAME" 10.77.9.2
done
through=
ip netns del "$netns"

# What can be wrong.
refused() {
	start halt '' "$2" "${3:-}"
	finish "$1" 127
	check "$1: says what to do" grep -qF "$4" "$output.errors"
}
refused 'no such tap' "$(interface eth0 none0)" '' 'there is no none0; make it: sudo ip tuntap add dev none0 mode tap'
refused 'no such bridge' "$(interface eth0 '')" '"network": {"eth0": {"bridge": "none0"}}' 'there is no bridge none0'
start net_echo 'ip=10.77.0.2' "$tap0"
holder=$pid
refused 'a tap in use' "$tap0" '' 'tap0 is in use by another process'
kill "$holder"
wait "$holder" 2>/dev/null

# Rates, each way, for frames and for bytes, counted by the guest after what passes at once has passed.
ops='"ops": {"size": 1000, "refill_time": 1000}'
bandwidth='"bandwidth": {"size": 5000000, "refill_time": 1000}'
# limited NUMBER GUEST_ARGS LIMITS : on a tap of its own, in the background
limited() {
	make_tap "rate$1" "$1"
	start net_bench "ip=10.77.$1.2 gw=10.77.$1.1 warmup_ms=1500 seconds=8 $2" "$(interface eth0 "rate$1" "$3")"
	eval "output$1=\$output pid$1=\$pid"
}
# blast NUMBER SIZE RATE : more than is let through, until the guest has ended
blast() {
	"$peer" blast "10.77.$1.2" 9 "$2" "$3" 15000 >/dev/null &
	blasts="${blasts:-} $!"
}
# rate TEXT NUMBER FIELD LEAST MOST
rate() {
	eval "output=\$output$2 pid=\$pid$2"
	finish "$1" 0
	amount=$(field "$3")
	elapsed_ms=$(($(field elapsed_ns) / 1000000))
	within "$1, measured" "$((${amount:-0} * 1000 / (elapsed_ms + 1)))" "$4" "$5"
	check "$1: counted" [ "$(number net_throttled)" -gt 0 ]
}
limited 21 'runs=send:64' "\"tx_rate_limiter\": {$ops}"
limited 22 'runs=send:1514' "\"tx_rate_limiter\": {$bandwidth}"
limited 23 'runs=receive' "\"rx_rate_limiter\": {$ops}"
limited 24 'runs=receive' "\"rx_rate_limiter\": {$bandwidth}"
blast 23 18 3000
blast 24 1472 8000
rate '1,000 frames a second sent' 21 frames 950 1050
rate '5 MB a second sent' 22 bytes 4750000 5250000
rate '1,000 frames a second received' 23 frames 950 1050
rate '5 MB a second received' 24 bytes 4750000 5250000
# shellcheck disable=SC2086
kill $blasts 2>/dev/null

# passt, as an ordinary user: no tap, no privilege, a forwarded port.
if ! command -v passt >/dev/null || ! setpriv --reuid $nobody --regid $nobody --clear-groups true 2>/dev/null; then
	skip 'passt' 'passt or setpriv is not installed'
	done_testing
	exit
fi
as_user="setpriv --reuid $nobody --regid $nobody --clear-groups"
mknod -m 666 "$tap_work/kvm" c 10 232
mount --bind "$tap_work/kvm" /dev/kvm
ip link set lo up
# Where passt looks for addresses: a bridge that has never had a port counts as connected.
ip link add outside0 type bridge
ip address add 10.79.0.1/24 dev outside0
ip link set outside0 up
ip route add default via 10.79.0.254 dev outside0

# start_passt : listens at $socket, forwards UDP port 7007 to 7, and 7009 to 9
start_passt() {
	socket="$room/passt.$((started += 1))"
	# shellcheck disable=SC2086
	$as_user passt -f -1 -e -s "$socket" -a 10.79.0.2 -n 24 -g 10.79.0.254 -i outside0 -t none \
		-u 7007:7,7009:9 </dev/null >"$socket.log" 2>&1 &
	passt=$!
	tries=0
	while [ ! -S "$socket" ] && [ "$tries" -lt 100 ]; do
		sleep 0.05
		tries=$((tries + 1))
	done
	[ -S "$socket" ] || sed 's/^/# /' "$socket.log"
}
# passt_serves TEXT
passt_serves() {
	check "$1: echoes of all sizes" reach echo 127.0.0.1 7007 0 1472 23
	check "$1: told to end" reach say 127.0.0.1 7009 'exit 7'
	finish "$1: ends as it was told" 7
	kill "$passt" 2>/dev/null
}
launch=$as_user
for way in '' 'mrg=0 event_idx=0'; do
	start_passt
	start net_echo "ip=10.79.0.2 gw=10.79.0.254 $way" "$(interface eth0 '')" \
		"\"network\": {\"eth0\": {\"socket\": \"$socket\"}}"
	passt_serves "passt, as an ordinary user${way:+, $way}"
done
start_passt
launch="$as_user $tools/with_fd socket $socket 9"
start net_echo 'ip=10.79.0.2 gw=10.79.0.254' "$(interface eth0 /dev/fd/9)"
passt_serves 'passt by descriptor, as an ordinary user'
start_passt
launch=$as_user
start net_echo 'ip=10.79.0.2 gw=10.79.0.254' "$(interface eth0 '')" \
	"\"network\": {\"eth0\": {\"socket\": \"$socket\"}}"
reach echo 127.0.0.1 7007 100 100 1
kill "$passt"
wait "$passt" 2>/dev/null
sleep 0.3
check 'passt ends: the VM goes on' kill -0 "$pid"
kill "$pid"
finish 'passt ends: the VM can be ended' 143
is 'passt ends: told once' "$(grep -c . "$output.errors")" 1
is 'nothing is left' "$(left_over)" ''

done_testing
