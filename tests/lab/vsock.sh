#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/lab/vsock.sh - Linux and its vsock; runs inside the lab, in the payload that vsock.t puts
# together.
#
#	vsock.sh MIB		size of what goes through one stream in bulk
#
# root.ext4 and tools come from vsock-images.sh, kernels/acpi and kernels/no-acpi are the minimal
# kernel.  The guests' half is guest-vsock.sh, which also tells what is behind the ports of a guest.
export MOTE=/payload/mote

# shellcheck source=tests/vm/tap.sh
. ./tap.sh

readonly bulk_mib="$1"
readonly patience_s=$((120 + 2 * bulk_mib))

export PATH="/payload/tools/bin:$PATH"
ln -s /payload/tools/lib64 /lib64
ln -s /payload/tools/lib/* /lib

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

# --- guests

# describe NAME KERNEL WORDS MIB : a configuration; what belongs to the guest is $tap_work/NAME.*
describe() {
	vm="$tap_work/$1"
	cat >"$vm.json" <<END
{
  "boot-source": {
    "kernel_image_path": "/payload/kernels/$2",
    "boot_args": "console=ttyS0 loglevel=1 panic=1 mote.do=$3"
  },
  "machine-config": {"vcpu_count": 1, "mem_size_mib": $4},
  "drives": [{"drive_id": "system", "path_on_host": "/payload/root.ext4", "is_root_device": true,
    "is_read_only": true}],
  "vsock": {"guest_cid": 3, "uds_path": "$vm.sock"},
  "mote": {"timeout_ms": $((patience_s * 5000))}
}
END
	chmod a+r "$vm.json"
}

# start NAME KERNEL : as the user of $as; the guest that all below is about
start() {
	describe "$1" "$2" run:/vsock,exit 384
	touch "$vm.console" "$vm.errors"
	chmod a+rw "$vm.console" "$vm.errors"
	$as "$MOTE" run --result "$vm.result" "$vm.json" </dev/null >"$vm.console" 2>"$vm.errors" &
	mote_pid=$!
	await "$patience_s" ready_or_ended && for port in 7 9 19 1000 1025 1026; do
		await 20 listens "$port" || return
	done
}

ended() {
	! grep -q '^State:	[^Z]' "/proc/$mote_pid/status" 2>/dev/null
}

ready_or_ended() {
	grep -q '^mote-guest: ready' "$vm.console" || ended
}

listens() {
	printf 'CONNECT %s\n' "$1" | socat -t 1 - "UNIX-CONNECT:$vm.sock" 2>/dev/null | grep -q '^OK '
}

# For whoever has to find out.
show() {
	tail -n 40 "$vm.console" | tr -d '\r' | sed 's/^/# /'
	sed 's/^/# /' "$vm.errors"
}

# call PORT [SOCAT_OPTION...] : stdin to a port of the guest, what comes back to stdout
call() {
	call_port=$1
	shift
	{
		printf 'CONNECT %s\n' "$call_port"
		cat
	} | socat -t "$patience_s" "$@" - "UNIX-CONNECT:$vm.sock" | sed '1 { /^OK [0-9]*$/d }'
}

# ask COMMANDS : of a shell in the guest; $answer is what it says, its status that of the last
ask() {
	printf '{ %s\n} </dev/null 2>&1\necho "status $?"\n' "$1" | call 1000 >"$tap_work/answer"
	answer=$(sed '$d' "$tap_work/answer")
	[ "$(tail -n 1 "$tap_work/answer")" = 'status 0' ] || {
		sed "s/^/# $1: /" "$tap_work/answer"
		return 1
	}
}

# listen PORT ADDRESS [SOCAT_OPTION...] : for what the guest connects to on the host
listen() {
	listen_port=$1
	listen_address=$2
	shift 2
	$as socat -b 4096 -t "$patience_s" "$@" "UNIX-LISTEN:$vm.sock_$listen_port,fork,backlog=1000" \
		"$listen_address" 2>>"$vm.listeners" &
	listener=$!
	listeners="$listeners $listener"
	await 20 [ -S "$vm.sock_$listen_port" ]
}

# ends STATUS : by the guest's own wish
ends() {
	ask "(sleep 0.2; echo $1 >/tmp/end) >/dev/null 2>&1 &"
	await 20 ended || kill "$mote_pid"
	status=0
	wait "$mote_pid" || status=$?
	is 'the guest ends, and with its own status' "$status" "$1"
	is 'mote had nothing to say' "$(cat "$vm.errors")" ''
	[ "$status" = "$1" ] || show
	echo "#   $(grep -o '"vsock_[^,}]*' "$vm.result" | tr -d '"' | tr '\n' ' ')"
}

# --- tests

# took TEXT COMMAND... : the same as check, and tells how long
took() {
	started=$(now_ms)
	check "$@"
	echo "#   $(($(now_ms) - started)) ms"
}

says_hello() {
	[ "$(echo hello | call 7)" = hello ]
}

guest_says_hello() {
	ask 'echo hello | socat -t 60 - VSOCK-CONNECT:2:7' && [ "$answer" = hello ]
}

# test_streams COUNT : and so many at once
test_streams() {
	check 'host to guest: an echo' says_hello
	listen 7 PIPE
	check 'guest to host: an echo' guest_says_hello
	took "host to guest: $1 streams at once" vsock_many "$vm.sock:7" "$1" 8192
	took "guest to host: $1 streams at once" ask "vsock_many vsock:2:7 $1 8192"
}

# A block in the wrong place shows.
bulk="for block in \$(seq $bulk_mib); do echo \$block; cat /tmp/block; done"

to_guest() {
	[ "$(eval "$bulk" | call 1025 -b 65536)" = "$sum" ]
}

from_guest() {
	ask "{ $bulk; } | socat -b 65536 -t $patience_s - VSOCK-CONNECT:2:1025" && [ "$answer" = "$sum" ]
}

# Whoever asks ends his half, and has the whole answer after that.
test_bulk() {
	head -c 1048576 /dev/urandom >/tmp/block
	listen 20 OPEN:/tmp/block -U
	listen 1025 EXEC:sha256sum -b 65536
	sum=$(eval "$bulk" | sha256sum)
	check 'a file that the guest fetches' ask 'socat -u VSOCK-CONNECT:2:20 CREATE:/tmp/block && sha256sum </tmp/block'
	is 'and it is whole' "$answer" "$(sha256sum </tmp/block)"
	took "$bulk_mib MiB to the guest, half-close, the checksum back" to_guest
	took "$bulk_mib MiB from the guest, half-close, the checksum back" from_guest
}

# Both sides run this: "$1" and, only when the other side's word and its end have been seen, a file.
# The other side is "$2"; it puts what comes after its own end into /tmp/part.
readonly after_hello='{
	printf "$1"
	for tenth in $(seq 200); do
		[ ! -e /tmp/heard ] || break
		sleep 0.1
	done
	cat /tmp/block
} | socat -t 60 "STDIN!!SYSTEM:cat >/tmp/answer; touch /tmp/heard" "$2" && [ -e /tmp/heard ]'
readonly whole='for tenth in $(seq 200); do
	[ "$(wc -c </tmp/part)" -lt 1048576 ] || break
	sleep 0.1
done
sha256sum </tmp/part'

host_after_hello() {
	sh -c "$after_hello" sh 'CONNECT 1026\n' "UNIX-CONNECT:$vm.sock" &&
		[ "$(sed 1d /tmp/answer)" = hello ] && ask "$whole" && [ "$answer" = "$sum" ]
}

guest_after_hello() {
	ask "set -- '' VSOCK-CONNECT:2:1026; $after_hello && cat /tmp/answer" && [ "$answer" = hello ] &&
		[ "$(sh -c "$whole")" = "$sum" ]
}

test_half_close() {
	sum=$(sha256sum </tmp/block)
	check 'the guest half-closes first, what it hears then is whole' host_after_hello
	echo hello >/tmp/hello
	listen 1026 'OPEN:/tmp/hello!!CREATE:/tmp/part'
	check 'the host half-closes first, what it hears then is whole' guest_after_hello
}

# --- ends of all kinds

# Not by a time that runs out: mote's is two seconds, and the guest's eight.
at_once_ms=1900

host_is_refused() {
	started=$(now_ms)
	[ -z "$(printf 'CONNECT 999\n' | socat -t 20 - "UNIX-CONNECT:$vm.sock")" ] &&
		[ $(($(now_ms) - started)) -lt "$at_once_ms" ]
}

guest_is_refused() {
	ask 'socat -u OPEN:/dev/null VSOCK-CONNECT:2:999 2>/tmp/said; tail -n 1 /tmp/said'
	case $answer in
	*'reset by peer') ;;
	*) false ;;
	esac
}

# newest PATTERN : the process that has this on its command line; in the guest, and on the host
readonly newest='grep -ls "$1" /proc/[0-9]*/cmdline | cut -d / -f 3 | sort -n | tail -n 1'

host_server() {
	sh -c "$newest" sh "UNIX-LISTEN:$vm.sock_$1[,]"
}

# moves PID COUNTER : it has written (wchar) or read (rchar) more than could be on the way
moves() {
	[ "$(sed -n "s/^$2: //p" "/proc/$1/io")" -gt 2000000 ]
}

is_over() {
	! grep -q '^State:	[^Z]' "/proc/$1/status" 2>/dev/null
}

# guest_dies TEXT PORT COUNTER : in the middle of what the host began, with $peer at its other end
guest_dies() {
	check "$1: bytes flow" await 30 moves "$peer" "$3"
	check "$1: it is killed" ask "set -- VSOCK-LISTEN:$2[,]; kill -KILL \$($newest)"
	took "$1: the host sees the end" await 5 is_over "$peer"
}

# The last listener has a process that serves the guest; $server
is_connected() {
	server=$(host_server "$1")
	[ "$server" != "$listener" ]
}

guest_peer_is_over='for tenth in $(seq 50); do
	grep -q "^State:	[^Z]" "/proc/$(cat /tmp/peer)/status" 2>/dev/null || break
	sleep 0.1
done
[ "$tenth" -lt 50 ]'

# host_dies TEXT PORT COUNTER SOCAT_ARGS : in the middle of what the guest began, with these
host_dies() {
	ask "socat $4 >/dev/null 2>&1 & echo \$! >/tmp/peer"
	check "$1: the guest connects" await 20 is_connected "$2"
	check "$1: bytes flow" await 30 moves "$server" "$3"
	kill -KILL "$server"
	took "$1: the guest sees the end" ask "$guest_peer_is_over"
}

test_ends() {
	took 'host to guest: nobody listens' host_is_refused
	took 'guest to host: nobody listens' guest_is_refused
	{
		printf 'CONNECT 9\n'
		cat /dev/zero
	} | socat -u - "UNIX-CONNECT:$vm.sock" 2>/dev/null &
	peer=$!
	guest_dies 'the process in the guest dies while it receives' 9 wchar
	printf 'CONNECT 19\n' | socat -t "$patience_s" - "UNIX-CONNECT:$vm.sock" >/dev/null 2>&1 &
	peer=$!
	guest_dies 'the process in the guest dies while it sends' 19 rchar
	listen 9 OPEN:/dev/null -u
	host_dies 'the process of the host dies while it receives' 9 rchar '-u OPEN:/dev/zero VSOCK-CONNECT:2:9'
	listen 19 OPEN:/dev/zero -U
	host_dies 'the process of the host dies while it sends' 19 wchar '-u VSOCK-CONNECT:2:19 OPEN:/dev/null'
	check 'after all that: an echo' says_hello
}

# The driver goes, with connections open, and comes again.
test_rebind() {
	printf 'CONNECT 19\n' | socat -t "$patience_s" - "UNIX-CONNECT:$vm.sock" >/dev/null 2>&1 &
	peer=$!
	check 'rebind: bytes flow' await 30 moves "$peer" rchar
	ask '(
		sleep 0.2
		cd /sys/bus/virtio/drivers/vmw_vsock_virtio_transport && for device in virtio*; do
			echo "$device" >unbind
			sleep 1
			echo "$device" >bind
		done
	) >/dev/null 2>&1 &'
	check 'the driver is unbound: the host sees the end' await 5 is_over "$peer"
	check 'the driver is bound again: an echo' await 10 says_hello
	check 'the driver is bound again: guest to host' guest_says_hello
}

# But for what it says when the emulated CPU is slow.
test_dmesg() {
	check 'dmesg' ask 'dmesg -r'
	is 'the kernel of the guest had nothing to say' \
		"$(echo "$answer" | grep -v 'clocksource: \|hrtimer: interrupt took')" ''
}

# --- a filter

# filter TEXT STATUS COMMAND WANTED : what stdin becomes in a guest that runs the command
filter() {
	describe fn acpi/vmlinux "run:/vsock:filter:1024:$3,exit" 128
	status=0
	answer=$($as "$MOTE" run --stdio vsock:1024 "$vm.json" 2>"$vm.errors") || status=$?
	is "$1" "$answer" "$4"
	is "$1: the status is the guest's" "$status" "$2"
	[ "$answer $status" = "$4 $2" ] || tr -d '\r' <"$vm.errors" | sed 's/^/# /'
}

test_filter() {
	echo 'tr a-z A-Z </proc/sys/kernel/ostype; exit 7' >/tmp/script
	filter "$1, a shell" 7 sh LINUX </tmp/script
	filter "$1, a checksum" 0 sha256sum "$(sha256sum </tmp/block)" </tmp/block
}

chmod 1777 "$tap_work"
as=
start a acpi/vmlinux
check 'a guest with vsock starts' [ $? = 0 ]
ask 'dmesg -c'
test_streams 500
test_bulk
test_half_close
test_ends
test_rebind
test_dmesg
ends 42
test_filter 'a filter'

as=./as_user.sh
start b no-acpi/vmlinux
check 'a guest of an ordinary user starts' [ $? = 0 ]
is 'mote runs as that user' "$(stat -c %u "/proc/$mote_pid")" 65534
ask 'dmesg -c'
test_streams 100
test_dmesg
ends 0
test_filter 'a filter of an ordinary user'
echo "# lab time $(now_ms) ms"
done_testing
