#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/lab/network.sh - Linux and its network; runs inside the lab, in the payload that network.t puts
# together.
#
#	network.sh MIB		size of the file that goes by HTTP
#
# root.ext4 and tools come from network-images.sh, kernels/acpi and kernels/no-acpi are the minimal
# kernel, kernels/debian Debian's cloud kernel, initrd guest-init with the drivers for the latter.  The
# guests' half is guest-network.sh.
#
# The lab is a host with a bridge, br0.  The bridge's way out is a bond of two cables to a switch, the
# bridge `sw` in the namespace `wire`, which has an address: that is the peer.  A third cable of the
# switch leads to a second host, the namespace `host2` with a bridge of its own.
#
#	tapa   mote's own
#	  \      /
#	    br0 -- bond0 == up0, up1 ==== w0, w1 == sw -- w2 ==== up2 -- br0 (host2) -- tapb
#	10.0.0.1                                10.0.0.100
export MOTE=/payload/mote

# shellcheck source=tests/vm/tap.sh
. ./tap.sh

readonly file_mib="$1"
readonly patience_s=$((180 + file_mib))
# The shell that starts mote.
as='sh'

# busybox has an ip of its own, and its shell prefers what it has.
readonly tools=/payload/tools/bin
ln -s /payload/tools/lib64 /lib64
ln -s /payload/tools/lib/* /lib
ip() {
	"$tools/ip" "$@"
}

# await SECONDS COMMAND... : until it succeeds, or for so long
await() {
	fifths=$(($1 * 5))
	shift
	while ! "$@"; do
		[ "$fifths" -gt 0 ] || return 1
		fifths=$((fifths - 1))
		sleep 0.2
	done
}

# in_space NAMESPACE COMMAND... : in a network namespace
in_space() {
	space=$1
	shift
	nsenter "--net=/run/netns/$space" "$@"
}

# --- guests

# start NAME KERNEL MIB INTERFACE_KEYS [MOTE_KEYS] : its files are $tap_work/NAME.*
start() {
	boot="\"kernel_image_path\": \"/payload/kernels/$2\""
	words=run:/network,exit:0
	if [ "$2" = debian ]; then
		boot="$boot, \"initrd_path\": \"/payload/initrd\""
		words=root:vda,run:/network
	fi
	cat >"$tap_work/$1.json" <<END
{
  "boot-source": {
    $boot,
    "boot_args": "console=ttyS0 loglevel=1 panic=1 mote.do=$words"
  },
  "machine-config": {"vcpu_count": 1, "mem_size_mib": $3},
  "drives": [{"drive_id": "system", "path_on_host": "/payload/root.ext4", "is_root_device": true,
    "is_read_only": true}],
  "network-interfaces": [{"iface_id": "eth0"${4:+, $4}}],
  "mote": {"timeout_ms": $((patience_s * 5000)), "network": {"eth0": {$5}}}
}
END
	rm -f "$tap_work/$1.typed" "$tap_work/$1.shown"
	mkfifo "$tap_work/$1.typed"
	echo 0 >"$tap_work/$1.asked"
	: >"$tap_work/$1.console"
	chmod a+rw "$tap_work/$1".*
	$as -c 'exec "$0" run --result "$1.result" "$1.json" \
		<>"$1.typed" >"$1.console" 2>"$1.errors"' "$MOTE" "$tap_work/$1" &
	echo $! >"$tap_work/$1.pid"
}

# said NAME PATTERN : whether the guest reported a line that starts like this
said() {
	grep -q "^mote-guest: $2" "$tap_work/$1.console"
}

ended() {
	! grep -q '^State:	[^Z]' "/proc/$(cat "$tap_work/$1.pid")/status" 2>/dev/null
}

said_or_ended() {
	said "$1" "$2" || ended "$1"
}

# hears NAME PATTERN : waits for such a line
hears() {
	if ! await "$patience_s" said_or_ended "$1" "$2" || ! said "$1" "$2"; then
		show "$1"
		return 1
	fi
}

# tell NAME LINE : without waiting for the answer
tell() {
	echo $(($(cat "$tap_work/$1.asked") + 1)) >"$tap_work/$1.asked"
	# Open for both, so that a mote that has ended already is nothing to wait for.
	echo "$2" 1<>"$tap_work/$1.typed"
}

# answers NAME : to the last line that it was told; $answer
answers() {
	answer=
	asked=$(cat "$tap_work/$1.asked")
	hears "$1" "answer $asked " || return
	answer=$(tr -d '\r' <"$tap_work/$1.console" | sed -n "s/^mote-guest: answer $asked //p")
	answer_status=${answer%% *}
	answer=${answer#* }
	[ "$answer_status" = 0 ] || {
		echo "# $1: status $answer_status, $answer"
		return 1
	}
}

# ask NAME LINE
ask() {
	tell "$@"
	answers "$1"
}

# Once for each guest, for whoever has to find out.
show() {
	[ ! -e "$tap_work/$1.shown" ] || return
	: >"$tap_work/$1.shown"
	tail -n 40 "$tap_work/$1.console" | tr -d '\r' | sed "s/^/# $1: /"
	sed "s/^/# $1: /" "$tap_work/$1.errors"
}

# ends NAME [OUTCOME_AND_STATUS] : as its last line tells it; through the exit port, which the minimal
# kernels have
ends() {
	tell "$1" end
	await 20 ended "$1" || kill "$(cat "$tap_work/$1.pid")"
	status=0
	wait "$(cat "$tap_work/$1.pid")" || status=$?
	outcome=$(sed -n 's/.*"outcome":"\([^"]*\)".*/\1/p' "$tap_work/$1.result")
	is "guest $1 ends" "$outcome $status" "${2:-exit 0}"
	[ "$outcome $status" = "${2:-exit 0}" ] || show "$1"
}

# --- the hosts, the switch and the cables

# bridge NAME [NAMESPACE] : without a life of its own: what it sends was sent by somebody
bridge() {
	ip ${2:+-n "$2"} link add "$1" type bridge stp_state 0 mcast_snooping 0
	ip ${2:+-n "$2"} link set "$1" up
}

# plug BRIDGE PORT [NAMESPACE]
plug() {
	ip ${3:+-n "$3"} link set "$2" master "$1" up
}

build_network() {
	mkdir -p /run/netns /var
	ln -s /run /var/run
	modprobe bonding max_bonds=0
	for space in wire host2; do
		ip netns add "$space"
		# A frame that nobody asked for is IPv6 looking for neighbours.
		in_space "$space" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6'
	done
	echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
	bridge sw wire
	ip -n wire address add 10.0.0.100/24 dev sw
	bridge br0
	ip address add 10.0.0.1/24 dev br0
	bridge br0 host2
	ip link add bond0 type bond mode active-backup miimon 50
	for cable in 0 1; do
		ip link add "up$cable" type veth peer name "w$cable" netns wire
		ip link set "up$cable" master bond0
		plug sw "w$cable" wire
	done
	plug br0 bond0
	ip link add up2 netns host2 type veth peer name w2 netns wire
	plug br0 up2 host2
	plug sw w2 wire
	ip tuntap add tapa mode tap vnet_hdr
	plug br0 tapa
	ip -n host2 tuntap add tapb mode tap vnet_hdr
	plug br0 tapb host2
	ports=$(ls /sys/class/net/br0/brif)
}

# count DEVICE COUNTER
count() {
	cat "/sys/class/net/$1/statistics/$2"
}

# --- traffic

# iperf ARG... : tells the rate
iperf() {
	if "$tools/iperf3" "$@" >"$tap_work/iperf" 2>&1; then
		sed -n 's/.*sec  *\(.*[^ ]\)  *receiver/#   \1/p' "$tap_work/iperf"
	else
		sed 's/^/# /' "$tap_work/iperf"
		return 1
	fi
}

make_file() {
	mkdir /tmp/www
	# Any block in the wrong place shows.
	head -c 1048576 /dev/urandom >/tmp/block
	block=0
	while [ "$block" -lt "$file_mib" ]; do
		echo "$block"
		cat /tmp/block
		block=$((block + 1))
	done >/tmp/www/file
	sum=$(sha256sum </tmp/www/file)
	httpd -p 8000 -h /tmp/www
}

# since DEVICE DIRECTION COMMAND... : runs it; the mean size of the frames that the device counted is
# $frame_bytes
since() {
	since_device=$1
	since_direction=$2
	since_frames=$(count "$1" "$2_packets")
	since_bytes=$(count "$1" "$2_bytes")
	shift 2
	"$@" || return
	frame_bytes=$((($(count "$since_device" "${since_direction}_bytes") - since_bytes) /
		($(count "$since_device" "${since_direction}_packets") - since_frames)))
}

# receive URL
receive() {
	received=$(wget -q -O - "$1" | sha256sum)
}

fetches() {
	since tapa tx ask a 'fetch http://10.0.0.1:8000/file file' && [ "$answer" = "$sum" ]
}

serves() {
	since tapa rx receive http://10.0.0.11/file && [ "$received" = "$sum" ]
}

# transfers TEXT RELATION : of the size of frames to what a cable carries
transfers() {
	started=$(now_ms)
	check "$file_mib MiB by HTTP to the guest, $1" fetches
	check "$file_mib MiB by HTTP to the guest, $1: frames of $frame_bytes bytes" [ "$frame_bytes" "$2" 1514 ]
	check "$file_mib MiB by HTTP from the guest, $1" serves
	check "$file_mib MiB by HTTP from the guest, $1: frames of $frame_bytes bytes" [ "$frame_bytes" "$2" 1514 ]
	echo "#   both in $(($(now_ms) - started)) ms"
}

reaches() {
	ping -q -c 3 -i 0.2 -W 2 "$1" >"$tap_work/ping" && sed -n 's/^round-trip/#   &/p' "$tap_work/ping"
}

test_host_and_guest() {
	check 'static address' ask a 'up 10.0.0.11/24; servers'
	check 'ping to the guest' reaches 10.0.0.11
	check 'ping from the guest' ask a 'ping -q -c 3 -i 0.2 -W 2 10.0.0.1'
	check 'iperf3 to the guest' iperf -c 10.0.0.11 -n 16M
	check 'iperf3 from the guest' iperf -c 10.0.0.11 -n 16M -R
	check 'offloads in the guest' ask a 'offloads on'
	is 'the guest has offloads' "$answer" 'on on '
	transfers 'offloads' -gt
	check 'no offloads in the guest' ask a 'offloads off'
	is 'the guest has none' "$answer" 'off off '
	check 'no offloads on the tap' "$tools/ethtool" -K tapa tx off sg off tso off gso off
	transfers 'no offloads' -le
	ask a 'offloads on'
	"$tools/ethtool" -K tapa tx on sg on tso on gso on >/dev/null
}

# --- the switch

sent_out() {
	count bond0 tx_packets
}

test_two_guests() {
	check 'second guest: static address' ask b 'up 10.0.0.12/24; servers'
	check 'one guest pings the other' ask a 'ping -q -c 3 -i 0.2 -W 2 10.0.0.12'
	before=$(sent_out)
	check 'iperf3 from one guest to the other' ask a 'iperf3 -c 10.0.0.12 -n 2M | grep receiver'
	echo "#   $answer"
	check 'iperf3 back' ask a 'iperf3 -c 10.0.0.12 -n 2M -R | grep receiver'
	echo "#   $answer"
	is 'frames of it on the uplink' $(($(sent_out) - before)) 0
	check 'a guest pings the peer behind the switch' ask a 'ping -q -c 3 -i 0.2 -W 2 10.0.0.100'
	check 'frames of that on the uplink' [ $(($(sent_out) - before)) -ge 3 ]
}

# active : the bond's cable in use, as a number
active() {
	sed 's/up//' /sys/class/net/bond0/bonding/active_slave
}

# Each line that arrives, and when.
receive_ticks() {
	# An end of its input would be told to the other side.
	mkfifo "$tap_work/silent"
	in_space wire nc -l -p 7000 <>"$tap_work/silent" | while read -r tick; do
		echo "$tick $(now_ms)"
	done >"$tap_work/ticks"
}

listens() {
	in_space wire netstat -ltn | grep -q ':7000 '
}

test_bond() {
	ticks=100
	receive_ticks &
	receiver=$!
	await 10 listens
	tell a "tick 10.0.0.100 7000 $ticks"
	await 20 grep -q '^30 ' "$tap_work/ticks"
	pulled=$(active)
	ip -n wire link set "w$pulled" down
	check 'a connection while a cable is pulled: it goes on to its end' answers a
	await 10 grep -q "^$ticks " "$tap_work/ticks"
	killall -q nc
	wait "$receiver"
	check 'the bond uses the other cable' [ "$(active)" = $((1 - pulled)) ]
	is 'every line arrived, and in order' "$(cut -d ' ' -f 1 "$tap_work/ticks" | tr '\n' ' ')" \
		"$(seq 1 "$ticks" | tr '\n' ' ')"
	gap=$(awk 'NR > 1 && $2 - last > gap { gap = $2 - last } { last = $2 } END { print gap + 0 }' "$tap_work/ticks")
	check "the longest silence, $gap ms, is at most a second" [ "$gap" -le 1000 ]
	ip -n wire link set "w$pulled" up
}

# learnt ADDRESS : the switch's ports behind which it is
learnt() {
	"$tools/bridge" -n wire fdb show br sw | sed -n "s/^$1 dev \(w[0-9]\) .*/\1/p"
}

peer_reaches() {
	in_space wire ping -q -c 2 -i 0.2 -W 2 "$1" >/dev/null
}

# Says how long after the first frame out of the tap, which is mote's announcement, frames come in by
# the cable.  No program takes part, since to start one takes longer.
# shellcheck disable=SC2016
readonly watch_move='
	packets_of() {
		while read -r name _ packets _; do
			[ "$name" != "$1:" ] || return 0
		done </proc/net/dev
	}
	await_packets() {
		until packets_of "$1" && [ "$packets" -ge "$2" ]; do :; done
		read -r now _ </proc/uptime
		now_ms=${now%.*}${now#*.}0
	}
	packets_of up2
	before=$packets
	await_packets tapb 1
	announced_ms=$now_ms
	await_packets up2 $((before + 2))
	echo $((now_ms - announced_ms))
'

# The peer knows the address all the time and sends there, and the guest that comes up is silent: only
# what mote said in its name can have told the switch.
test_move() {
	ip -n wire neigh replace 10.0.0.12 lladdr "$1" nud permanent dev sw
	check 'the peer reaches the guest on the first host' peer_reaches 10.0.0.12
	is 'the switch knows it there' "$(learnt "$1")" "w$(active)"
	ends b
	is 'and the tap that mote made is gone' "$(ls /sys/class/net/br0/brif)" "$ports"
	in_space wire ping -i 0.02 10.0.0.12 >"$tap_work/replies" &
	prober=$!
	in_space host2 timeout "$patience_s" sh -c "$watch_move" >"$tap_work/moved" &
	watcher=$!
	is 'the switch still knows it there' "$(learnt "$1")" "w$(active)"
	start b no-acpi/vmlinux 64 "\"host_dev_name\": \"tapb\", \"guest_mac\": \"$1\"" '"netns": "host2"'
	check 'the guest starts on the second host' hears b ready
	check 'there frames for it have arrived' wait "$watcher"
	moved_ms=$(cat "$tap_work/moved")
	check "the switch sends them there $moved_ms ms after its device came up" [ "$moved_ms" -lt 200 ]
	is 'the switch knows it there before it has said a word' "$(learnt "$1")" w2
	is 'nobody answers for it' "$(grep seq "$tap_work/replies")" ''
	check 'it comes up' ask b 'up 10.0.0.12/24'
	check 'and the peer has its answer' await 10 grep -q seq "$tap_work/replies"
	kill "$prober"
	ends b
}

# --- nobody's privileges

# with_a_root COMMAND... : passt leaves its root behind, which the kernel refuses for the one that was
# never mounted (pivot_root(2)); here the same root is a mount.
with_a_root() {
	mkdir -p /tmp/root
	unshare -m sh -c 'mount -o rbind / /tmp/root && cd /tmp/root && mount -o move . / && exec chroot . "$@"' \
		sh "$@"
}

start_passt() {
	echo 'somebody:x:1000:1000:somebody:/:/bin/sh' >>/etc/passwd
	echo 'somebody:x:1000:' >>/etc/group
	# Without a way out there is nothing that it could serve.
	ip route add default via 10.0.0.254
	with_a_root su somebody -c 'exec "$0" --foreground --stderr --socket "$1" --tcp-ports 8080:80 \
		--address 10.0.2.15 --netmask 24 --gateway 10.0.2.2' "$tools/passt" "$tap_work/passt.socket" \
		>"$tap_work/passt" 2>&1 &
	await 10 [ -S "$tap_work/passt.socket" ]
}

# The gateway stands for the host.
forwards() {
	receive http://127.0.0.1:8080/part && [ "$received" = "$(sha256sum </tmp/www/part)" ]
}

test_passt() {
	head -c 2097152 /tmp/www/file >/tmp/www/part
	check 'passt starts as an ordinary user' start_passt
	as='su somebody'
	start c debian 256 '' "\"socket\": \"$tap_work/passt.socket\""
	as='sh'
	check 'Debian cloud kernel, started by an ordinary user' hears c ready
	is 'mote runs as that user' "$(stat -c %u "/proc/$(cat "$tap_work/c.pid")")" 1000
	check 'passt: static address' ask c 'up 10.0.2.15/24 10.0.2.2; servers'
	check 'passt: the guest reaches the host' ask c 'fetch http://10.0.2.2:8000/part part'
	is 'passt: the file arrived whole' "$answer" "$(sha256sum </tmp/www/part)"
	check 'passt: the forwarded port leads to the guest' forwards
	ends c 'power-off 160'
	killall passt
}

chmod 1777 "$tap_work"
build_network
make_file
second=02:00:00:00:00:0b
start a acpi/vmlinux $((128 + 2 * file_mib)) '"host_dev_name": "tapa"'
start b no-acpi/vmlinux 64 "\"guest_mac\": \"$second\"" '"bridge": "br0"'
check 'a guest on a tap starts' hears a ready
check 'a guest on a bridge starts' hears b ready
test_host_and_guest
test_two_guests
test_bond
test_move "$second"
ends a
test_passt
echo "# lab time $(now_ms) ms"
done_testing
