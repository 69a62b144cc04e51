#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/jail.t - a running VM as the host sees it: the VM process, each of its threads, its launcher.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

netns=mote-jail-$$
cleanup() {
	for job in $(jobs -p); do kill "$job" 2>/dev/null; done
	ip netns del "$netns" 2>/dev/null
	rm -rf "$tap_work"
}
trap cleanup EXIT
trap 'exit 1' TERM INT HUP

# Root sees everything; anybody else only what a process that is not dumpable lets be seen.
am_root=$([ "$(id -u)" -eq 0 ] && echo yes || echo no)
first_auto_id=1879048192
nobody=65534
power_to_kill=0000000000000020
nothing=0000000000000000
tab='	'

chmod 755 "$tap_work"
mkdir "$tap_work/disks"
for disk in a b; do
	make_disk "$tap_work/disks/$disk" 1
	chmod 666 "$tap_work/disks/$disk"
done
sync_drive=$(drive a "$tap_work/disks/a" '"io_engine": "Sync"')
async_drive=$(drive b "$tap_work/disks/b" '"io_engine": "Async"')

# field NAME FILE... : what /proc says there, each value once
field() {
	field_name=$1
	shift
	sed -n "s/^$field_name:[[:space:]]*//p" "$@" | sort -u
}

children_of() {
	grep -lsE "^PPid:[[:space:]]*$1\$" /proc/[0-9]*/status | tr -dc '0-9\n'
}

all_sealed() {
	[ "$(field Seccomp "/proc/$vm/task/"*/status)" = 2 ] && [ "$(field Seccomp "/proc/$launcher/status")" = 2 ]
}

# The launcher may be a child of what was started.
find_processes() {
	launcher=$started
	[ "$(cat "/proc/$launcher/comm" 2>/dev/null)" = mote ] || launcher=$(children_of "$launcher")
	[ -n "$launcher" ] && vm=$(children_of "$launcher") && [ -n "$vm" ]
}

# start COMMAND... : a VM in the background, looked at once its guest runs and all have sealed
# themselves.  Sets launcher and vm.
start() {
	: >"$tap_work/out"
	"$@" </dev/null >>"$tap_work/out" 2>&1 &
	started=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 0.2
		find_processes && [ -s "$tap_work/out" ] && all_sealed && return
	done
	vm=
	fail "$about: a VM to look at"
	sed 's/^/# /' "$tap_work/out"
}

stop() {
	[ -z "$launcher" ] || kill -TERM "$launcher"
	wait "$started"
}

# What a descriptor is, as few words as possible: "3 kvm-vm", one a line, ordered.  Of a path only the
# end: the rest depends on who looks.  Of a socket not its number.
descriptors() {
	for descriptor in "/proc/$vm/fd/"*; do
		echo "${descriptor##*/} $(readlink "$descriptor" | sed 's/^anon_inode://; s/^\[\(.*\)\]$/\1/; s/^\(socket\):.*/\1/; s,.*/,,')"
	done | sort -n
}

# limit NAME : soft and hard
limit() {
	sed -n "s/^Max $1 \{2,\}//p" "/proc/$vm/limits" | sed 's/ \{2,\}/ /g' | cut -d' ' -f1,2
}

# --- What holds for the VM process and each of its threads ---

check_threads() {
	tasks=/proc/$vm/task
	# Workers of the kernel have names of their own; they are checked like the others.
	is "$about: its threads are the vCPUs and the I/O thread" \
		"$(cat "$tasks"/*/comm | grep -c '^mote$')" $((vcpus + 1))
	for set in CapInh CapPrm CapEff CapBnd CapAmb; do
		is "$about: no thread has a capability in $set" "$(field $set "$tasks"/*/status)" "$nothing"
	done
	is "$about: every thread has a filter" "$(field Seccomp "$tasks"/*/status)" 2
	is "$about: no thread can gain privileges" "$(field NoNewPrivs "$tasks"/*/status)" 1
	is "$about: uid, all four of it" "$(field Uid "$tasks"/*/status)" "$uid$tab$uid$tab$uid$tab$uid"
	is "$about: gid, all four of it" "$(field Gid "$tasks"/*/status)" "$gid$tab$gid$tab$gid$tab$gid"
	is "$about: no supplementary group" "$(field Groups "$tasks"/*/status | tr -d ' ')" "$groups"
}

check_process() {
	# shellcheck disable=SC2012 # the owner by number is what is asked for, of one known name
	is "$about: not dumpable, so that its files in /proc are root's" \
		"$(ls -ln "/proc/$vm/environ" | tr -s ' ' | cut -d' ' -f3,4)" '0 0'
	is "$about: it dies with its launcher" "$(field PPid "/proc/$vm/status")" "$launcher"
	is "$about: it is the first of its pids" "$(field NSpid "/proc/$vm/status")" "$vm${tab}1"
	is "$about: files it makes are its own" "$(field Umask "/proc/$vm/status")" 0077
}

check_limits() {
	is "$about: limit: no core dump" "$(limit 'core file size')" '0 0'
	is "$about: limit: no message queue" "$(limit 'msgqueue size')" '0 0'
	is "$about: limit: no raised priority" "$(limit 'nice priority')" '0 0'
	is "$about: limit: no real-time priority" "$(limit 'realtime priority')" '0 0'
	check "$about: limit: 64 KiB of locked memory at most" [ "$(limit 'locked memory' | cut -d' ' -f2)" -le 65536 ]
	is "$about: limit: processes" "$(limit processes)" "$processes"
}

# --- What only root sees ---

check_room() {
	for kind in mnt pid net ipc uts cgroup; do
		own=$(readlink "/proc/$vm/ns/$kind")
		check "$about: a $kind namespace of its own" \
			[ -n "$own" -a "$own" != "$(readlink "/proc/self/ns/$kind")" ]
	done
	own=$(readlink "/proc/$vm/ns/user")
	if [ "$kind_of_user" = root ]; then
		is "$about: the user namespace is the host's" "$own" "$(readlink /proc/self/ns/user)"
	else
		check "$about: a user namespace of its own" [ "$own" != "$(readlink /proc/self/ns/user)" ]
		is "$about: nobody else exists in it" \
			"$(tr -s ' ' <"/proc/$vm/uid_map") $(tr -s ' ' <"/proc/$vm/gid_map")" " $uid $uid 1  $gid $gid 1"
	fi
	is "$about: one mount: read-only, no programs, no devices" \
		"$(cut -d' ' -f4-6 "/proc/$vm/mountinfo")" '/ / ro,nosuid,nodev,noexec,relatime'
	is "$about: the root is empty" "$(ls -a "/proc/$vm/root/" 2>&1 | tr '\n' ' ')" '. .. '
	is "$about: the working directory is empty" "$(ls -a "/proc/$vm/cwd/" 2>&1 | tr '\n' ' ')" '. .. '
	check "$about: not even root can put anything into the root" cannot_write "/proc/$vm/root"
	is "$about: the network is lo" "$(sed -n 's/^ *\([^ ]*\):.*/\1/p' "/proc/$vm/net/dev")" lo
	is "$about: no route" "$(sed 1d "/proc/$vm/net/route")" ''
}

cannot_write() {
	! mkdir "$1/x" 2>"$tap_work/refusal" && grep -q 'Read-only' "$tap_work/refusal"
}

# With a program of the host, inside one of the namespaces.
check_from_inside() {
	if ! command -v nsenter >/dev/null; then
		skip "$about: from inside" 'no nsenter here'
		return
	fi
	is "$about: from inside: the hostname is not the host's" "$(nsenter -t "$vm" -u uname -n)" mote
	check "$about: from inside: there is nothing to execute" nothing_to_execute
	if command -v ip >/dev/null; then
		is "$about: from inside: lo is down" "$(nsenter -t "$vm" -n ip link show up)" ''
	else
		skip "$about: from inside: lo is down" 'no ip here'
	fi
}

nothing_to_execute() {
	! nsenter -t "$vm" -m "$(command -v ls)" / >"$tap_work/refusal" 2>&1 &&
		grep -qE "No such file|can't execute" "$tap_work/refusal"
}

# As in docs/ARCHITECTURE.md, and each as often.
check_descriptors() {
	{
		printf '%s\n' $outputs
		printf 'eventfd\nkvm-vm\n'
		for cpu in $(seq 0 $((vcpus - 1))); do echo "kvm-vcpu:$cpu"; done
		[ -z "$files" ] || printf '%s\n' $files
		for _ in $(seq 1 "$rings"); do echo io_uring; done
	} | sed 's,.*/,,' | sort >"$tap_work/wanted"
	descriptors >"$tap_work/open"
	is "$about: open descriptors" "$(cut -d' ' -f2- "$tap_work/open" | sort)" "$(cat "$tap_work/wanted")"
	highest=$(grep -v io_uring "$tap_work/open" | tail -n 1 | cut -d' ' -f1)
	most=$((highest + 1 + rings + connections))
	is "$about: limit: no descriptor but of rings and connections on top of them" "$(limit 'open files')" "$most $most"
}

room_of() {
	readlink "/proc/$1/ns/mnt"
	readlink "/proc/$1/ns/net"
}

check_launcher() {
	for set in CapInh CapBnd CapAmb; do
		is "$about: launcher: no capability in $set" "$(field $set "/proc/$launcher/status")" "$nothing"
	done
	for set in CapPrm CapEff; do
		is "$about: launcher: $launcher_has in $set" "$(field $set "/proc/$launcher/status")" "$launcher_power"
	done
	is "$about: launcher: a filter" "$(field Seccomp "/proc/$launcher/status")" 2
	is "$about: launcher: can gain no privileges" "$(field NoNewPrivs "/proc/$launcher/status")" 1
	is "$about: launcher: one thread" "$(field Threads "/proc/$launcher/status")" 1
	[ "$am_root" = yes ] || return 0
	is "$about: launcher: the same empty room" \
		"$(room_of "$launcher") $(ls -A "/proc/$launcher/root/")" "$(room_of "$vm") "
}

# look : all of it, and the VM's end
look() {
	[ -n "$vm" ] || return 0
	check_threads
	check_process
	check_limits
	check_launcher
	if [ "$am_root" = yes ]; then
		check_room
		check_from_inside
		check_descriptors
	else
		skip "$about: room and descriptors" 'only root can look into a process that is not dumpable'
	fi
	stop
}

# expect_root [UID GID] : after start, whom the VM process belongs to
expect_root() {
	kind_of_user=root
	uid=${1:-$((first_auto_id + launcher))}
	gid=${2:-$((first_auto_id + launcher))}
	groups=
	launcher_has='the power to kill' launcher_power=$power_to_kill
	# Other processes of an id that was given count, so there is no limit then.
	processes=$((vcpus + 65))
	processes="$processes $processes"
	[ $# -eq 0 ] || processes=$unlimited_processes
}

# expect_user UID GID GROUPS : the same, of an ordinary user's
expect_user() {
	kind_of_user=user
	uid=$1
	gid=$2
	groups=$3
	launcher_has='nothing' launcher_power=$nothing
	processes=$unlimited_processes
}

expect_self() {
	if [ "$am_root" = yes ]; then
		expect_root
	else
		expect_user "$(id -u)" "$(id -g)" "$(field Groups /proc/self/status | tr -d ' ')"
	fi
}

vm=self
unlimited_processes=$(limit processes)
to_file="/dev/null
$tap_work/out
$tap_work/out"

# machine VCPUS DRIVES RINGS FILES : for the configuration and for what is expected of it
machine() {
	vcpus=$1 drives=$2 rings=$3 files=$4
	interfaces='' network='' vsock='' connections=0
	outputs=$to_file
	keys="\"vcpu_count\": $vcpus, \"mem_size_mib\": 32"
}

# machine_file : the configuration of the machine, as a file
machine_file() {
	file=$(config idle '' "$keys" "$network" "$drives" "$interfaces")
	[ -z "$vsock" ] || sed -i "1s|{|{\"vsock\": {\"guest_cid\": 3$vsock},|" "$file"
	echo "$file"
}

disk_a=$tap_work/disks/a
disk_b=$tap_work/disks/b
machines='one vCPU|two vCPUs|a Sync drive|an Async drive, two vCPUs|two drives'
machine_of() {
	case $1 in
	'one vCPU') machine 1 '' 0 '' ;;
	'two vCPUs') machine 2 '' 0 '' ;;
	'a Sync drive') machine 1 "$sync_drive" 0 "$disk_a" ;;
	'an Async drive, two vCPUs') machine 2 "$async_drive" 1 "$disk_b" ;;
	'two drives') machine 1 "$sync_drive, $async_drive" 1 "$disk_a $disk_b" ;;
	esac
}

IFS='|'
for about in $machines; do
	unset IFS
	machine_of "$about"
	start "$MOTE" run "$(machine_file)"
	expect_self
	look
done
unset IFS

# --- vsock: with a socket the launcher is a broker, which connects to its own descriptors ---

with_vsock() {
	vsock=", \"uds_path\": \"$tap_work/sockets/vm.sock\""
	files="$files eventpoll socket socket"
	connections=1024
}

# check_directory WANTED : of the launcher
check_directory() {
	[ "$am_root" = no ] || is "$about: launcher: its working directory" "$(readlink "/proc/$launcher/cwd")" "$1"
}

mkdir "$tap_work/sockets"
about='a vsock socket'
machine 2 '' 0 ''
with_vsock
start "$MOTE" run "$(machine_file)"
expect_self
check_directory "/proc/$launcher/fd"
look

about='--stdio alone'
machine 1 '' 0 "eventpoll null $tap_work/out"
outputs="null null $tap_work/out"
vsock=' '
start "$MOTE" run --stdio vsock:1024 "$(machine_file)"
expect_self
check_directory /
look

# --- A disk, a NIC and vsock ---

about='a disk, a NIC and vsock'
if [ "$am_root" = no ]; then
	skip "$about" 'only root can make a tap'
elif ! ip netns add "$netns" 2>/dev/null || ! ip -n "$netns" tuntap add tap0 mode tap 2>/dev/null; then
	skip "$about" 'taps or network namespaces cannot be made here'
else
	machine 2 "$async_drive" 1 "$disk_b /dev/net/tun"
	with_vsock
	interfaces=$(interface eth0 tap0)
	network="\"network\": {\"eth0\": {\"netns\": \"$netns\"}}"
	start "$MOTE" run "$(machine_file)"
	expect_self
	check_directory "/proc/$launcher/fd"
	look
fi

# --- Ids that were asked for ---

about='ids that were asked for'
if [ "$am_root" = yes ]; then
	machine 1 '' 0 ''
	start "$MOTE" run "$(config idle '' "$keys" '"jail": {"uid": 4242, "gid": 4343}')"
	expect_root 4242 4343
	look
else
	skip "$about" 'only root can give other ids'
fi

# --- An ordinary user, as root sees that one's VM ---

about="an ordinary user's"
as_user="${0%/*}/as_user.sh"
if [ "$am_root" = no ]; then
	skip "$about" 'all of the above is'
elif ! why=$("$as_user" true); then
	skip "$about" "$why"
else
	machine 2 "$sync_drive, $async_drive" 1 "$disk_a $disk_b"
	file=$(config idle '' "$keys" '' "$drives")
	chmod 644 "$file"
	start "$as_user" "$MOTE" run "$file"
	expect_user $nobody $nobody "$(field Groups "/proc/$launcher/status" | tr -d ' ')"
	look
fi

# --- What the caller left open ---

about='a caller with open files'
# Not every sh knows descriptors of two digits.
shell=$(command -v bash || echo sh)
# shellcheck disable=SC2016 # for the shell that is started
with_strays='for fd in 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do eval "exec $fd</proc/self/status"; done; exec "$@"'
machine 2 "$sync_drive, $async_drive" 1 "$disk_a $disk_b $tap_work/log"
sed 's,^{,{"logger": {"log_path": "'"$tap_work/log"'"}\,,' "$(config idle '' "$keys" '' "$drives")" >"$tap_work/strays.json"
start "$shell" -c "$with_strays" sh "$MOTE" run --result "$tap_work/result" --trace="$tap_work/trace" "$tap_work/strays.json"
expect_self
[ "$am_root" = no ] || check "$about: the launcher has them" [ -e "/proc/$launcher/fd/20" ]
look

# --- How far files may grow ---

# With outputs that are no files, that is up to the largest disk.
about='output to a pipe'
mkfifo "$tap_work/pipe"
for drives in '' "$sync_drive"; do
	cat "$tap_work/pipe" >"$tap_work/drained" &
	machine 1 "$drives" 0 ''
	start sh -c 'echo started; exec "$@" >"$0" 2>&1' "$tap_work/pipe" "$MOTE" run "$(config idle '' "$keys" '' "$drives")"
	[ -z "$vm" ] || if [ -z "$drives" ]; then
		is "$about: limit: no file can be written" "$(limit 'file size')" '0 0'
	else
		is "$about, a drive of 1 MiB: limit: no file grows beyond it" "$(limit 'file size')" '1048576 1048576'
	fi
	stop
done

# --- A terminal, which is opened once more to write to it without blocking others ---

about='a terminal'
if [ "$am_root" = yes ] && command -v script >/dev/null; then
	machine 1 '' 0 ''
	file=$(config idle '' "$keys")
	start script -qec "exec $MOTE run $file" /dev/null
	terminal=$(readlink "/proc/$launcher/fd/0")
	outputs="$terminal
$terminal
$terminal
$terminal"
	[ -z "$vm" ] || check_descriptors
	stop
else
	skip "$about: open descriptors" 'only root can look, and only where there is the program script'
fi
done_testing
