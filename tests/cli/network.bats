#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/network.bats - what a person at a shell is told about a network interface that cannot be
# used.
#
# No guest runs here: the kernel is no kernel, and interfaces are opened before anybody looks at it.
# Taps and bridges are those of a network namespace of each test's own, which only root can have.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=$(realpath "${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}")
	cd "$BATS_TEST_TMPDIR"
	echo "no kernel" >kernel
	space=()
}

teardown() {
	if [[ -n ${keeper:-} ]]; then kill "$keeper"; fi
}

# From here on the commands in "${space[@]}" see a network of their own.
need_network() {
	((EUID == 0)) || skip "only root can make taps and bridges"
	[[ -c /dev/net/tun ]] || skip "no /dev/net/tun"
	command -v ip >/dev/null || skip "ip is not installed"
	unshare -n sleep 60 3>&- &
	keeper=$!
	until [[ $(readlink "/proc/$keeper/ns/net") != "$(readlink /proc/self/ns/net)" ]]; do
		sleep 0.01
	done
	space=(nsenter "--net=/proc/$keeper/ns/net")
}

# The keys of eth0 beside its id, and what mote.network has for it.
configure() {
	printf '{"boot-source": {"kernel_image_path": "kernel"},
		"network-interfaces": [{"iface_id": "eth0"%s}],
		"mote": {"network": {"eth0": {%s}}}}\n' "${1:+, $1}" "${2:-}" >vm.json
}

start() {
	status=0
	output=$("${space[@]}" "$@" "$MOTE" run --result result vm.json 2>stderr </dev/null) || status=$?
	errors=$(<stderr)
}

# Exactly that line, the status of a host that refuses something, and a result that says so.
refused_with() {
	[[ $errors == "mote: $1" ]] || {
		echo "$errors"
		return 1
	}
	[[ $status -eq 127 ]]
	[[ -z $output ]]
	grep -q '"outcome": *"host-failure"' result
}

# All went well with the network: what is wrong is the kernel.
network_is_fine() {
	[[ $errors == *"boot-source.kernel_image_path: kernel"* ]] || {
		echo "$errors"
		return 1
	}
}

@test "a tap that is not there" {
	need_network
	configure '"host_dev_name": "vm0"'
	start
	refused_with 'network-interfaces[0].host_dev_name: there is no vm0; make it: sudo ip tuntap add dev vm0 mode tap user $(id -un)'
}

@test "a tap that is there, made as that line says" {
	need_network
	"${space[@]}" ip tuntap add dev vm0 mode tap user "$(id -un)"
	configure '"host_dev_name": "vm0"'
	start
	[[ $errors == "mote: warning: network-interfaces[0].host_dev_name: vm0 is down, so no frame will pass: sudo ip link set vm0 up"* ]]
	network_is_fine
	"${space[@]}" ip link set vm0 up
	start
	[[ $errors != *warning* ]]
	network_is_fine
}

@test "a tap that another process has, and the line that finds it" {
	need_network
	command -v python3 >/dev/null || skip "python3 is not installed"
	"${space[@]}" ip tuntap add dev vm0 mode tap
	"${space[@]}" python3 - >held 3>&- <<-'END' &
		import fcntl, os, struct, time
		tun = os.open("/dev/net/tun", os.O_RDWR)
		fcntl.ioctl(tun, 0x400454ca, struct.pack("16sH22x", b"vm0", 0x1002))
		print("held", flush=True)
		time.sleep(60)
	END
	holder=$!
	until [[ -s held ]]; do sleep 0.01; done
	configure '"host_dev_name": "vm0"'
	start
	refused_with "network-interfaces[0].host_dev_name: vm0 is in use by another process, which this finds: sudo grep -l 'iff:.*vm0$' /proc/[0-9]*/fdinfo/*"
	grep -l 'iff:.*vm0$' /proc/[0-9]*/fdinfo/* 2>/dev/null | grep -q "^/proc/$holder/"
	kill "$holder"
}

# As an ordinary user, with a /dev/net/tun of that mode.
start_ordinary() {
	command -v setpriv >/dev/null || skip "setpriv is not installed"
	chmod 777 .
	start unshare -m bash -c 'mount -t tmpfs none /dev/net && mknod /dev/net/tun c 10 200 &&
		chmod "$0" /dev/net/tun && exec setpriv --reuid=65534 --regid=65534 --clear-groups "$@"' "$1"
}

@test "a tap of another user" {
	need_network
	"${space[@]}" ip tuntap add dev vm0 mode tap user root
	configure '"host_dev_name": "vm0"'
	start_ordinary 666
	refused_with 'network-interfaces[0].host_dev_name: vm0 belongs to another user; make it this one'"'"'s: sudo ip tuntap add dev vm0 mode tap user $(id -un)'
}

@test "a tap for a user who may not open /dev/net/tun" {
	need_network
	configure '"host_dev_name": "vm0"'
	start_ordinary 600
	refused_with 'network-interfaces[0].host_dev_name: cannot open /dev/net/tun: Permission denied; allow this user to, or pass an open tap as /dev/fd/N'
}

@test "a bridge for a user who may not make taps" {
	need_network
	"${space[@]}" ip link add br0 type bridge || skip "no bridges"
	configure '' '"bridge": "br0"'
	start_ordinary 666
	refused_with 'mote.network.eth0.bridge: to make a tap takes CAP_NET_ADMIN; or let root make one on it, and name that as host_dev_name instead of the bridge'
}

@test "a bridge that is not there, and one made as that line says" {
	need_network
	configure '' '"bridge": "br0"'
	start
	refused_with "mote.network.eth0.bridge: there is no bridge br0; make it: sudo ip link add br0 type bridge && sudo ip link set br0 up"
	"${space[@]}" ip link add br0 type bridge || skip "no bridges"
	"${space[@]}" ip link set br0 up
	start
	network_is_fine
	[[ $("${space[@]}" ip -br link) != *mote0* ]]
}

@test "something that is no bridge" {
	need_network
	configure '' '"bridge": "lo"'
	start
	refused_with "mote.network.eth0.bridge: lo is not a bridge; make one, and put lo on it: sudo ip link set lo master BRIDGE"
}

@test "a network namespace that is not there" {
	configure '"host_dev_name": "vm0"' '"netns": "no-such-namespace"'
	start
	refused_with "mote.network.eth0.netns: there is no network namespace no-such-namespace; make it: sudo ip netns add no-such-namespace"
}

@test "a tap in another network namespace" {
	need_network
	"${space[@]}" ip tuntap add dev vm0 mode tap
	"${space[@]}" ip link set vm0 up
	configure '"host_dev_name": "vm0"' "\"netns\": \"/proc/$keeper/ns/net\""
	space=()
	start
	network_is_fine
	[[ $errors != *warning* ]]
}

@test "a socket at which nobody listens" {
	configure '' '"socket": "passt.sock"'
	start
	refused_with "mote.network.eth0.socket: cannot connect to passt.sock: nobody listens there; passt --socket PATH does"
}

@test "a descriptor that is not open, and one that is no use" {
	configure '"host_dev_name": "/dev/fd/9"'
	start
	refused_with "network-interfaces[0].host_dev_name: /dev/fd/9 is not open"
	start 9<>/dev/null
	refused_with "network-interfaces[0].host_dev_name: /dev/fd/9 is neither a tap nor a stream socket"
}

@test "an MTU that the host does not have" {
	need_network
	"${space[@]}" ip tuntap add dev vm0 mode tap
	"${space[@]}" ip link set vm0 up
	configure '"host_dev_name": "vm0", "mtu": 9000'
	start
	[[ $errors == "mote: warning: network-interfaces[0].mtu: 9000 is more than the 1500 of vm0: the host will not send frames that long"* ]]
	network_is_fine
}
