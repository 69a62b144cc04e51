#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/vsock.t - streams between a VM and Unix sockets: both ways, whole, however they end; and a
# VM as a filter.
#
# MOTE_VSOCK_CYCLES streams are begun and ended to see whether anything is left of them, 10000 where it
# is not set.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

tools="$MOTE_GUESTS/../vm"
[ -x "$tools/uds_peer" ] || tools=$MOTE_GUESTS
peer="$tools/uds_peer"
if [ ! -x "$peer" ]; then
	skip 'vsock' 'uds_peer is not here; the lab has Linux guests with vsock'
	done_testing
	exit
fi

one='"vcpu_count": 1, "mem_size_mib": 32'
socket="$tap_work/vm.sock"
cleanup() {
	for job in $(jobs -p); do kill "$job" 2>/dev/null; done
	rm -rf "$tap_work"
}
trap cleanup EXIT
trap 'exit 1' TERM INT HUP

# vsock_config GUEST BOOT_ARGS [SOCKET [MACHINE [MOTE_KEYS]]] : write a configuration, print its path
vsock_config() {
	file=$(mktemp "$tap_work/config.XXXXXX")
	cat >"$file" <<END
{
  "boot-source": {"kernel_image_path": "$MOTE_GUESTS/$1.elf", "boot_args": "$2"},
  "machine-config": {${4:-$one}},
  "vsock": {"guest_cid": 3, "uds_path": "${3:-$socket}"},
  "mote": {"timeout_ms": 300000${5:+, $5}}
}
END
	echo "$file"
}

# start BOOT_ARGS [SOCKET [MACHINE [MOTE_KEYS]]] : vsock_echo in the background, until it is up.  Sets
# pid, output (a file).
start() {
	output="$tap_work/output.$((started += 1))"
	: >"$output"
	"$MOTE" run --result "$output.result" "$(vsock_config vsock_echo "$@")" </dev/null \
		>"$output" 2>"$output.errors" &
	pid=$!
	tries=0
	while [ ! -s "$output" ] && kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 200 ]; do
		sleep 0.02
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

# stop TEXT : have it end by itself
stop() {
	echo 5 | reach copy "$socket" 5 >/dev/null
	finish "$1" 5
}

# reach COMMAND... : run uds_peer
reach() {
	timeout 60 "$peer" "$@" 2>"$tap_work/peer" || {
		peer_status=$?
		sed 's/^/# /' "$tap_work/peer" >&2
		return "$peer_status"
	}
}

# status_of COMMAND... : of one that need not succeed
status_of() {
	reached=0
	timeout 60 "$peer" "$@" </dev/null >/dev/null 2>&1 || reached=$?
	echo "$reached"
}

# echoes TEXT FILE [SOCKET]
echoes() {
	reach copy "${3:-$socket}" 7 <"$2" >"$tap_work/back"
	is "$1: the client ends well" "$?" 0
	check "$1: the same" cmp -s "$2" "$tap_work/back"
}

number() {
	sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" "$output.result"
}

sum_of() {
	cksum <"$1" | cut -d ' ' -f 1,2
}

# told NAME NUMBER : what the guest's console has to say of the NUMBERth stream, within two seconds
told() {
	tries=0
	while [ "$(grep -c "^$1 " "$output")" -lt "$2" ] && [ "$tries" -lt 100 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	sed -n "s/^$1 //p" "$output" | sed -n "$2p"
}

printf 'hello\n' >"$tap_work/hello"
: >"$tap_work/empty"
head -c 200000 /dev/urandom >"$tap_work/200k"
head -c 1000000 /dev/urandom >"$tap_work/1m"
head -c 10000000 /dev/urandom >"$tap_work/10m"

# A client of the host.
start 'bytes=10000000'
check 'up: the guest has its CID' grep -q '^up: CID 3,' "$output"
check 'up: the socket is there' [ -S "$socket" ]
is 'up: only for its owner' "$(stat -c %a "$socket")" 600
echoes 'a client' "$tap_work/hello"
echoes 'a client with nothing to say' "$tap_work/empty"
echoes '1 MB' "$tap_work/1m"
echoes '10 MB' "$tap_work/10m"
is 'a port where nobody listens: refused' "$(status_of copy "$socket" 8)" 3
is 'a port that is no number: refused' "$(status_of copy "$socket" seven)" 3
is 'a greeting of another protocol: hung up on' "$(reach say "$socket" 'GET / HTTP/1.0' 2>/dev/null)" ''
is 'a greeting in small letters' "$(reach say "$socket" 'connect 7
hello' | sed 's/^OK [0-9]*$/OK/' | tr '\n' ' ')" 'OK hello'

# Half-close, each way.
reach copy "$socket" 9 <"$tap_work/10m" >"$tap_work/back"
is 'the guest half-closes first: the client ends well' "$?" 0
is 'the guest half-closes first: its word' "$(cat "$tap_work/back")" hello
is 'the guest half-closes first: 10 MB come all the same' "$(told discarded 1)" "$(sum_of "$tap_work/10m")"
(
	sleep 1
	cat "$tap_work/hello"
) | reach copy "$socket" 9 >"$tap_work/back"
is 'the guest half-closes first, the client speaks a second later' \
	"$(told discarded 2)" "$(sum_of "$tap_work/hello")"
reach copy "$socket" 19 </dev/null >"$tap_work/back"
is 'the client half-closes first: the client ends well' "$?" 0
is 'the client half-closes first: 10 MB come all the same' "$(sum_of "$tap_work/back")" "$(told sent 1)"
is '10 MB written and closed at once arrive whole' "$(wc -c <"$tap_work/back" | tr -d ' ')" 10000000

# Ends in the middle.
is 'the client leaves in the middle of reading' "$(status_of take "$socket" 19 100000)" 0
is 'the client leaves in the middle of writing' "$(status_of give "$socket" 7 100000)" 0
"$peer" copy "$socket" 19 </dev/null 2>/dev/null | head -c 100000 >/dev/null
"$peer" slow "$socket" 19 60 </dev/null >/dev/null 2>&1 &
slow=$!
sleep 0.3
kill -KILL "$slow"
echoes 'after clients that died' "$tap_work/200k"
is 'the guest breaks off: what came before arrives' "$(reach copy "$socket" 4 </dev/null | wc -c | tr -d ' ')" 1000
echoes 'after the guest broke off' "$tap_work/200k"

# One that does not read holds nobody up.
reach slow "$socket" 19 2 </dev/null >"$tap_work/slow" &
slow=$!
sleep 0.2
before=$(now_ms)
check 'beside a slow reader: 100 streams' reach cycles "$socket" 7 100
took=$(($(now_ms) - before))
check 'beside a slow reader: not held up' [ "$took" -lt 1500 ]
wait "$slow"
is 'a slow reader: 10 MB whole' "$(wc -c <"$tap_work/slow" | tr -d ' ')" 10000000

check '100 streams at once' reach many "$socket" 7 100
stop 'the guest ends'
is 'the guest ends: no word on standard error' "$(cat "$output.errors")" ''
check 'the guest ends: nothing was wrong with packets' grep -q 'wrong 0,' "$output"
check 'the guest ends: the socket is gone' [ ! -e "$socket" ]
check 'streams are counted' [ "$(number vsock_host_connections)" -gt 200 ]

# What it has sent is delivered after its end, and mote sleeps until somebody takes it.
# ticks PROCESS : the hundredths of a second that it has run
ticks() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}
start 'bytes=900000 count=1'
vm=$(child_of "$pid")
reach slow "$socket" 19 5 </dev/null >"$tap_work/slow" &
slow=$!
check 'the guest ends before it is read: it has sent all' [ -n "$(told streams 1)" ]
sleep 0.5
before=$(ticks "$vm")
sleep 2
check 'the guest ends before it is read: mote sleeps' [ $(($(ticks "$vm") - before)) -lt 10 ]
wait "$slow"
is 'the guest ends before it is read: 900 kB whole' "$(wc -c <"$tap_work/slow" | tr -d ' ')" 900000
finish 'the guest ends before it is read: ends' 0

# As many as there can be; with every call traced the patience of both sides is too short for it.
if [ -z "${MOTE_TRACED:-}" ]; then
	start 'credit=4096'
	check '1023 streams at once, one more is refused' reach fill "$socket" 7 1023
	echoes 'after 1023 streams' "$tap_work/200k"
	check 'after 1023 streams: again' reach fill "$socket" 7 1023
	stop '1023 streams: the guest ends'
fi

# held PROCESS : what a process can lose count of, but for its memory
held() {
	find "/proc/$1/fd" -type l | wc -l | sed 's/$/ descriptors/'
	grep '^VmSize:' "/proc/$1/status"
}

# resident PROCESS : KiB of memory, as exactly as only root is told
resident() {
	sed -n 's/^Rss: *\([0-9]*\) kB/\1/p' "/proc/$1/smaps_rollup"
}

# begin_to_hold TEXT / hold_no_more TEXT : launcher and VM process before and after what leaves nothing
begin_to_hold() {
	vm=$(child_of "$pid")
	held_before=$(held "$pid" && held "$vm")
	launcher_kib=$(resident "$pid")
	vm_kib=$(resident "$vm")
}

hold_no_more() {
	is "$1: descriptors and addresses of both processes" "$(held "$pid" && held "$vm")" "$held_before"
	echo "# $1: launcher $launcher_kib KiB, then $(resident "$pid"); VM process $vm_kib KiB, then $(resident "$vm")"
	# But for a few pages of a stack that grew deeper, and of the guest, which are the VM process's too.
	check "$1: memory of the launcher" [ "$(resident "$pid")" -le $((launcher_kib + 32)) ]
	check "$1: memory of the VM process" [ "$(resident "$vm")" -le $((vm_kib + 128)) ]
}

# Streams that come and go leave nothing.  The first ones touch what is touched once.
cycles=${MOTE_VSOCK_CYCLES:-10000}
[ -z "${MOTE_TRACED:-}" ] || cycles=100
am_root=$([ "$(id -u)" -eq 0 ] && echo yes || echo no)
about="$cycles streams, one after the other"
start 'credit=4096'
[ -n "${MOTE_TRACED:-}" ] || check "$about: before, 1023 at once" reach fill "$socket" 7 1023
reach cycles "$socket" 7 100
[ "$am_root" = no ] || begin_to_hold
before=$(now_ms)
check "$about" timeout 280 "$peer" cycles "$socket" 7 "$cycles"
echo "# $about: $(($(now_ms) - before)) ms"
if [ "$am_root" = yes ]; then
	hold_no_more "$about"
else
	skip "$about: descriptors and memory" 'only root can look into a process that is not dumpable'
fi
# As many as there can be only find room where none is left.
[ -n "${MOTE_TRACED:-}" ] || check "$about: then 1023 at once" reach fill "$socket" 7 1023
stop "$about: the guest ends"
[ -n "${MOTE_TRACED:-}" ] || is "$about: counted" "$(number vsock_host_connections)" $((cycles + 100 + 2 * 1023 + 1))

# Every way a driver may use the device.
for way in event_idx=0 indirect=1 notify=user wait=poll queue=2 'queue=8 event_idx=0' 'rx_buffer=1 packet=100' \
	'rx_buffer=60000 packet=60000' credit=256 'credit=1048576'; do
	start "$way"
	case $way in
	rx_buffer=1*) echoes "a driver with $way" "$tap_work/hello" ;;
	*) echoes "a driver with $way" "$tap_work/200k" ;;
	esac
	check "a driver with $way: 10 streams" reach many "$socket" 7 10
	stop "a driver with $way: ends"
done
start '' "$socket" '"vcpu_count": 4, "mem_size_mib": 32'
echoes 'on 4 vCPUs' "$tap_work/1m"
stop 'on 4 vCPUs: ends'
start '' "$socket" "$one" '"irqchip": "kernel"'
echoes 'irqchip in the kernel' "$tap_work/1m"
stop 'irqchip in the kernel: ends'

# Where the socket is, and whose.
start '' "$socket" "$one" '"vsock": {"mode": "0666"}'
is 'a mode that was asked for' "$(stat -c %a "$socket")" 666
stop 'a mode that was asked for: ends'
start ''
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check 'launcher killed: the socket stays' [ -S "$socket" ]
check 'launcher killed: the VM is gone' is_gone
start ''
echoes 'a stale socket is replaced' "$tap_work/hello"
first=$pid first_output=$output
start ''
finish 'a live socket is refused' 127
check 'a live socket is refused: and named' grep -q 'vm.sock' "$output.errors"
pid=$first output=$first_output
echoes 'a live socket is refused: the first still has it' "$tap_work/hello"
kill "$pid"
finish 'ended by a signal' 143
check 'ended by a signal: the socket is gone' [ ! -e "$socket" ]
folder="$tap_work/a-folder-whose-name-alone-fills-all-that-an-address-of-a-unix-socket-has-room-for/and-then-some-more"
mkdir -p "$folder"
start '' "$folder/vm.sock"
(cd "$folder" && reach copy vm.sock 7 <"$tap_work/hello" >"$tap_work/back")
check 'a path longer than an address' cmp -s "$tap_work/hello" "$tap_work/back"
kill "$pid"
finish 'a path longer than an address: ends' 143

# activated NAME COMMAND... : a VM whose socket listens already, as descriptor 3
activated() {
	name=$1
	shift
	reach serve "${socket}_5002" <"$tap_work/hello" >"$tap_work/served" &
	server=$!
	while [ ! -S "${socket}_5002" ] && kill -0 "$server" 2>/dev/null; do sleep 0.002; done
	output="$tap_work/activated"
	"$@" "$MOTE" run --result "$output.result" "$(vsock_config vsock_echo 'connect=5002' /dev/fd/3)" \
		</dev/null >"$output" 2>"$output.errors" &
	pid=$!
	while [ ! -S "$socket" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.002; done
	echoes "$name" "$tap_work/hello"
	check "$name: 10 streams at once" reach many "$socket" 7 10
	wait "$server"
	check "$name: the guest connects to a socket beside it" cmp -s "$tap_work/hello" "$tap_work/served"
	echo 5 | reach copy "$socket" 5 >/dev/null
	finish "$name: the guest ends" 5
	is "$name: no word of mote's" "$(grep '^mote: ' "$output.errors")" ''
	check "$name: the socket stays, as it is not of mote's making" [ -S "$socket" ]
	rm -f "$socket" "${socket}_5002"
}
if [ -x "$tools/with_fd" ]; then
	activated 'a socket that listens already' "$tools/with_fd" listen "$socket" 3
else
	skip 'a socket that listens already' 'with_fd is not here'
fi
if [ -n "${MOTE_TRACED:-}" ]; then
	skip 'socket activation by systemd' 'what traces needs its environment, which systemd takes away'
elif command -v systemd-socket-activate >/dev/null; then
	activated 'socket activation by systemd' systemd-socket-activate -l "$socket"
else
	skip 'socket activation by systemd' 'systemd-socket-activate is not here'
fi

# A client that is there before the guest.
"$MOTE" run "$(vsock_config vsock_echo 'count=1')" </dev/null >"$tap_work/out" 2>&1 &
pid=$! output=$tap_work/out
: >"$output.errors"
while [ ! -S "$socket" ] && kill -0 "$pid" 2>/dev/null; do sleep 0.002; done
echoes 'a client that is there before the guest' "$tap_work/hello"
finish 'a client that is there before the guest: ends' 0

# The guest connects.
# serve NAME : what connects to port 5000
serve() {
	reach serve "${socket}_5000" <"$tap_work/$1" >"$tap_work/back" &
	server=$!
	while [ ! -S "${socket}_5000" ] && kill -0 "$server" 2>/dev/null; do sleep 0.002; done
}
for size in hello 10m; do
	rm -f "${socket}_5000"
	serve "$size"
	start 'connect=5000 count=1'
	wait "$server"
	is "the guest connects, $size: the server ends well" "$?" 0
	check "the guest connects, $size: the same" cmp -s "$tap_work/$size" "$tap_work/back"
	finish "the guest connects, $size: the guest ends" 0
	is "the guest connects, $size: counted" "$(number vsock_guest_connections)" 1
done
check 'the guest connects: the socket of the server stays' [ -S "${socket}_5000" ]
start 'connect=5000 count=1'
finish 'the guest connects where nobody listens any more' 0
check 'the guest connects where nobody listens any more: refused' grep -q 'refused 1,' "$output"
reach serve "$tap_work/elsewhere" <"$tap_work/hello" >/dev/null &
server=$!
while [ ! -S "$tap_work/elsewhere" ] && kill -0 "$server" 2>/dev/null; do sleep 0.002; done
ln -s elsewhere "${socket}_5003"
start 'connect=5003 count=1'
finish 'the guest connects where there is a symbolic link' 0
check 'the guest connects where there is a symbolic link: refused' grep -q 'refused 1,' "$output"
rm "${socket}_5003"
ln "$tap_work/elsewhere" "${socket}_5003"
start 'connect=5003 count=1'
finish 'the guest connects where there is another name of a socket' 0
check 'the guest connects where there is another name of a socket: served' grep -q 'refused 0,' "$output"
wait "$server"
start 'connect=5001 connections=200 count=200'
finish 'the guest connects 200 times where there is nothing' 0
check 'the guest connects 200 times where there is nothing: refused' grep -q 'refused 200,' "$output"

# Without a pause, against servers that take all there is.
servers=
for server in 'echo 5007' 'sink 5009' 'source 5019'; do
	"$peer" "${server% *}" "${socket}_${server#* }" &
	servers="$servers $!"
	while [ ! -S "${socket}_${server#* }" ] && kill -0 "$!" 2>/dev/null; do sleep 0.002; done
done
for way in '' 'packet=60000 rx_buffer=60000 credit=1048576 queue=32' 'queue=4'; do
	status=0
	"$MOTE" run "$(vsock_config vsock_bench "runs=round-trip:64,send:65536,receive:65536,connect run_ms=200 $way")" \
		</dev/null >"$tap_work/bench" 2>"$tap_work/bench.errors" || status=$?
	is "without a pause${way:+, $way}: exit status" "$status" 0
	is "without a pause${way:+, $way}: all that was to be done" "$(grep -c '"count":[1-9]' "$tap_work/bench")" 4
	is "without a pause${way:+, $way}: no word on standard error" "$(cat "$tap_work/bench.errors")" ''
done

# The same of streams that the guest begins, between two runs that have one stream each.
# at_round_trip NUMBER : wait until it has begun
at_round_trip() {
	tries=0
	while [ "$(grep -c '^ready round-trip' "$output")" -lt "$1" ] && [ "$tries" -lt 500 ]; do
		sleep 0.02
		tries=$((tries + 1))
	done
	sleep 0.2
}
if [ "$am_root" = yes ] && [ -z "${MOTE_TRACED:-}" ]; then
	about='streams that the guest begins, one after the other'
	output="$tap_work/bench"
	: >"$output"
	"$MOTE" run --result "$output.result" \
		"$(vsock_config vsock_bench "runs=connect,round-trip:64,connect,round-trip:64 run_ms=$((1000 + cycles / 20))")" \
		</dev/null >"$output" 2>"$output.errors" &
	pid=$!
	at_round_trip 1
	begin_to_hold
	at_round_trip 2
	hold_no_more "$about"
	kill "$pid"
	finish "$about: ended" 143
	echo "# $about: $(number vsock_guest_connections), $(number vsock_refused) refused"
	check "$about: not just some" [ "$(number vsock_guest_connections)" -gt 100 ]
fi
# shellcheck disable=SC2086
kill $servers

# One vCPU ends the run, another goes on sending to a host that reads, but slowly.
rm -f "${socket}_5000"
reach serve "${socket}_5000" </dev/null | {
	while [ "$(dd bs=65536 count=1 2>/dev/null | wc -c)" -gt 0 ]; do sleep 0.1; done
} &
server=$!
while [ ! -S "${socket}_5000" ] && kill -0 "$server" 2>/dev/null; do sleep 0.002; done
status=0
before=$(now_ms)
timeout 60 "$MOTE" run "$(vsock_config vsock_endless '' '' '"vcpu_count": 2, "mem_size_mib": 32')" \
	</dev/null >"$tap_work/out" 2>&1 || status=$?
took=$(($(now_ms) - before))
wait "$server"
is 'one vCPU ends the run, another goes on sending: exit status' "$status" 7
check 'one vCPU ends the run, another goes on sending: it ends' [ "$took" -lt 20000 ]

# A VM as a filter.
fn=$(vsock_config vsock_fn '')
LC_ALL=C tr '[:lower:]' '[:upper:]' <"$tap_work/1m" >"$tap_work/1m.large"
# filter TEXT FILE : judge what came of the one before
filter() {
	is "$1: exit status" "$status" "${3:-0}"
	check "$1: the answer" cmp -s "$2" "$tap_work/answer"
}
answer="$tap_work/answer"
errors="$tap_work/fn.errors"
status=0
printf '42 is the answer\n' | timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" >"$answer" 2>"$errors" || status=$?
printf '42 IS THE ANSWER\n' >"$tap_work/wanted"
filter 'a filter in a pipe' "$tap_work/wanted" 42
is 'a filter in a pipe: the console is on standard error' "$(cat "$errors")" 'a request of 17 bytes'
check 'a filter in a pipe: the socket is gone' [ ! -e "$socket" ]
status=0
timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" <"$tap_work/wanted" 2>/dev/null >"$answer" || status=$?
filter 'a filter of a file' "$tap_work/wanted" 42
status=0
timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" </dev/null 2>/dev/null >"$answer" || status=$?
filter 'a filter of nothing' "$tap_work/empty"
status=0
timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" <&- 2>/dev/null >"$answer" || status=$?
is 'a filter without standard input' "$status" 0
status=0
timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" <"$tap_work/hello" 2>/dev/null >/dev/null || status=$?
is 'a filter into nothing' "$status" 0
for from in file pipe slow; do
	status=0
	case $from in
	file) timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" <"$tap_work/1m" 2>/dev/null >"$answer" || status=$? ;;
	pipe) dd if="$tap_work/1m" bs=5000 2>/dev/null | {
		timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" 2>"$errors" || echo "$?" >"$tap_work/failed"
	} | cat >"$answer" ;;
	slow) dd if="$tap_work/1m" bs=5000 2>/dev/null | {
		timeout 60 "$MOTE" run --stdio vsock:1024 "$fn" 2>"$errors" || echo "$?" >"$tap_work/failed"
	} | {
		sleep 2
		cat
	} >"$answer" ;;
	esac
	# The first bytes are no number, or the status is what they say.
	[ ! -e "$tap_work/failed" ] || status=$(cat "$tap_work/failed")
	filter "1 MB through a filter, $from" "$tap_work/1m.large" "$status"
done
status=0
timeout 60 "$MOTE" run --result "$tap_work/fn.result" --stdio vsock:1024 "$fn" <"$tap_work/1m" 2>"$errors" | head -c 1000 >"$answer"
head -c 1000 "$tap_work/1m.large" >"$tap_work/wanted"
filter 'a reader that leaves' "$tap_work/wanted"
check 'a reader that leaves: the guest goes on to its end' grep -q '"outcome":"exit"' "$tap_work/fn.result"

# As inetd would: one socket for both.
if [ -x "$tools/with_fd" ]; then
	rm -f "$tap_work/inetd"
	printf '9 lives' | reach serve "$tap_work/inetd" >"$answer" &
	server=$!
	while [ ! -S "$tap_work/inetd" ] && kill -0 "$server" 2>/dev/null; do sleep 0.002; done
	status=0
	# shellcheck disable=SC2016
	timeout 60 "$tools/with_fd" socket "$tap_work/inetd" 0 sh -c 'exec "$@" >&0' sh \
		"$MOTE" run --stdio vsock:1024 "$fn" 2>"$errors" || status=$?
	wait "$server"
	printf '9 LIVES' >"$tap_work/wanted"
	filter 'one socket for both' "$tap_work/wanted" 9
else
	skip 'one socket for both' 'with_fd is not here'
fi

# As a user types it: the folder where it is typed has the checkout's names.
example="${0%/*}/../guests/fn.json"
[ -e "$example" ] || example="$MOTE_GUESTS/fn.json"
mkdir -p "$tap_work/checkout/build/release/tests" "$tap_work/checkout/tests/guests"
ln -s "$MOTE_GUESTS" "$tap_work/checkout/build/release/tests/guests"
cp "$example" "$tap_work/checkout/tests/guests/fn.json"
mote=$(readlink -f "$MOTE")
status=0
(
	cd "$tap_work/checkout" || exit
	printf 'GET /answer' | "$mote" run --stdio vsock:1024 tests/guests/fn.json
) >"$answer" 2>"$errors" || status=$?
printf 'GET /ANSWER' >"$tap_work/wanted"
filter 'the example' "$tap_work/wanted"
is 'the example: the console is on standard error' "$(cat "$errors")" 'a request of 11 bytes'
is 'the example: it makes no file' "$(find "$tap_work/checkout" ! -type d ! -type l)" \
	"$tap_work/checkout/tests/guests/fn.json"
runs=
for caller in 1 2 3 4 5 6 7 8 9 10; do
	(
		cd "$tap_work/checkout" || exit
		echo "0 caller $caller" | "$mote" run --stdio vsock:1024 tests/guests/fn.json 2>/dev/null
	) >"$answer.$caller" &
	runs="$runs $!"
done
right=0
for run in $runs; do wait "$run" && right=$((right + 1)); done
is 'ten runs of the example at once: exit statuses' "$right" 10
is 'ten runs of the example at once: answers' "$(cat "$answer".* | sort | uniq | grep -cx '0 CALLER [0-9]*')" 10
cat >"$tap_work/alone.json" <<END
{
  "boot-source": {"kernel_image_path": "$MOTE_GUESTS/vsock_echo.elf", "boot_args": "connect=5000 connections=3 count=4"},
  "vsock": {"guest_cid": 3},
  "mote": {"timeout_ms": 10000}
}
END
status=0
timeout 60 "$MOTE" run --result "$tap_work/fn.result" --stdio vsock:7 "$tap_work/alone.json" \
	<"$tap_work/hello" >"$answer" 2>"$errors" || status=$?
filter 'without a socket: one stream' "$tap_work/hello"
check 'without a socket: the guest connects to nobody' grep -q 'refused 3,' "$errors"
is 'without a socket: no other word' "$(grep -c . "$errors")" 2
output="$tap_work/fn"
is 'without a socket: counted' "$(number vsock_guest_connections) $(number vsock_host_connections) $(number vsock_refused)" '0 1 3'

tries=0
while [ "$tries" -lt 20 ] && [ "$(echo again | "$MOTE" run --stdio vsock:1024 "$fn" 2>/dev/null)" = AGAIN ]; do
	tries=$((tries + 1))
done
is 'twenty filters, one after the other' "$tries" 20
is 'nothing is left' "$(left_over)" ''

done_testing
