#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/prepared.t - VMs on a prepared host: the same machines, in one empty room that is out of reach.
#
# The host itself stays as it is: the directory is one of this test's.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

if [ "$(id -u)" -ne 0 ]; then
	skip 'a prepared host' 'only root can prepare it'
	done_testing
	exit
fi

here=$(cd "${0%/*}" && pwd)
prepared=$tap_work/prepared
trap '"$MOTE" prepare --undo --prepared "$prepared"; rm -rf "$tap_work"' EXIT
chmod 755 "$tap_work"

prepare() {
	"$MOTE" prepare --prepared "$prepared" "$@"
}

# run COMMAND... : with a configuration as last argument; sets status, output and errors
run() {
	status=0
	output=$("$@" </dev/null 2>"$tap_work/errors") || status=$?
	errors=$(cat "$tap_work/errors")
}

# start COMMAND... : a VM that sleeps; sets launcher and vm once it writes
start() {
	: >"$tap_work/out"
	"$@" </dev/null >>"$tap_work/out" 2>&1 &
	launcher=$!
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		sleep 0.2
		vm=$(child_of "$launcher")
		[ -n "$vm" ] && [ -s "$tap_work/out" ] && return
	done
	fail 'a VM to look at'
	sed 's/^/# /' "$tap_work/out"
}

stop() {
	kill -TERM "$@"
	wait "$@"
}

# namespaces PID KIND... : those of a process
namespaces() {
	namespaces_pid=$1
	shift
	for kind in "$@"; do readlink "/proc/$namespaces_pid/ns/$kind"; done | tr '\n' ' '
}

# What the directory has.
room() {
	echo "mnt:[$(stat -c %i "$prepared/mounts")] net:[$(stat -c %i "$prepared/network")] "
}

# The namespaces that processes of this host are in.  busybox's readlink takes one name.
in_use() {
	for kind in mnt net; do
		for link in /proc/[0-9]*/ns/$kind; do readlink "$link"; done
	done 2>/dev/null
}

# What of a room anybody still has: processes and mounts.
holders_of() {
	for held in $(echo "$1" | tr -dc '0-9 '); do
		{
			in_use
			cat /proc/self/mountinfo
		} 2>/dev/null | grep -F "[$held]"
	done
}

cpuid_of() {
	echo "$output" | grep '^# CPUID'
}

mounts_before=$(cat /proc/self/mountinfo)
check 'the host can be prepared' prepare
asleep=$(config idle '' '' '"timeout_ms": 60000')

# --- The machine is the same ---

probe=$(config probe '' '' '"acpi": true')
run "$MOTE" run --prepared none "$probe"
is 'unprepared: probe' "$status $errors" '0 '
unprepared=$output
check 'unprepared: the probe tells its CPUID' [ -n "$(cpuid_of)" ]
run "$MOTE" run --prepared "$prepared" "$probe"
is 'prepared: probe' "$status $errors" '0 '
is 'prepared: the guest has the same CPUID and finds the same machine' "$output" "$unprepared"

# One bit more in the name by which KVM is known, and the guest tells whether it was taken from here.
real=$tap_work/cpuid
cp "$prepared/cpuid" "$real"
hex=$(od -An -v -tx1 "$real" | tr -d ' \n')
hex=${hex%%4b564d4b564d4b564d*}
kvm_at=$((${#hex} / 2))
altered() {
	printf L | dd of="$prepared/cpuid" bs=1 seek="$kvm_at" conv=notrunc 2>/dev/null
}
altered
run "$MOTE" run --prepared "$prepared" "$probe"
check 'what is kept is what the guest gets' [ "$status" -ne 0 -a "${output#*not ok*signature}" != "$output" ]

# is_asked_anew TEXT [COMMAND...] : an answer that does not fit is not used
is_asked_anew() {
	is_text=$1
	shift
	run "$@" "$MOTE" run --prepared "$prepared" "$probe"
	is "$is_text: KVM is asked" "$status $(cpuid_of)" "0 $(output=$unprepared cpuid_of)"
	is "$is_text: not a word" "$errors" ''
}

# answer_in FILE : head, length, and the name by which KVM is known; some ids are the asked CPU's
answer_in() {
	head -c 104 "$1" | od -An -v -tx1 | tr -d '\n'
	wc -c <"$1"
	dd if="$1" bs=1 skip="$kvm_at" count=12 2>/dev/null
}

# is_kept_anew TEXT : nor by the next start
is_kept_anew() {
	is "$1: and its answer is kept in place of it" "$(answer_in "$prepared/cpuid")" "$(answer_in "$real")"
}

# Each word of the head but the count, whose place is 12: magic, entries, device, modules.
places='0 8 16 24 32 40 48 56 64 99'
[ -z "${MOTE_EMULATED:-}" ] || places='16 32 70'
for at in $places; do
	cp "$real" "$prepared/cpuid"
	altered
	old=$(dd if="$real" bs=1 skip=$at count=1 2>/dev/null | od -An -tu1 | tr -d ' ')
	# shellcheck disable=SC2059 # an escape sequence
	printf "\\$(printf %03o $(((old + 1) % 256)))" |
		dd of="$prepared/cpuid" bs=1 seek=$at conv=notrunc 2>/dev/null
	is_asked_anew "another source, byte $at"
	# What has no magic may be anything, and somebody's.
	if [ "$at" -eq 0 ]; then
		check 'a file that is not mote'"'"'s stays' [ "$(head -c 1 "$prepared/cpuid")" = n ]
	else
		is_kept_anew "another source, byte $at"
	fi
done
cp "$real" "$prepared/cpuid"
altered
dd if="$prepared/cpuid" of="$tap_work/short" bs=1 count=$(($(wc -c <"$real") - 1)) 2>/dev/null
cp "$tap_work/short" "$prepared/cpuid"
is_asked_anew 'a file that ends too soon'
is_kept_anew 'a file that ends too soon'
cat "$real" "$real" >"$prepared/cpuid"
altered
is_asked_anew 'a file that is too long'
is_kept_anew 'a file that is too long'
dd if=/dev/urandom of="$prepared/cpuid" bs=4096 count=2 2>/dev/null
is_asked_anew 'noise'
: >"$prepared/cpuid"
is_asked_anew 'an empty file'
rm "$prepared/cpuid"
mkfifo "$prepared/cpuid"
is_asked_anew 'a pipe that nobody writes'
rm "$prepared/cpuid"
cp "$real" "$prepared/cpuid"
altered
chmod 666 "$prepared/cpuid"
is_asked_anew 'a file that others can change'
chmod 644 "$prepared/cpuid"

# In a mount namespace of its own, as a service has it.
other_node='mount -t tmpfs none "$0" && mknod "$0/kvm" c 10 232 && mount --bind "$0/kvm" /dev/kvm && exec "$@"'
mkdir "$tap_work/devices"
if unshare -m sh -c "$other_node" "$tap_work/devices" sh -c ': <>/dev/kvm' 2>/dev/null; then
	is_asked_anew 'another node of /dev/kvm' unshare -m sh -c "$other_node" "$tap_work/devices"
else
	skip 'another node of /dev/kvm' 'cannot be made here'
fi
cp "$real" "$prepared/cpuid"

# --- What a first start keeps ---

kept=$tap_work/kept
mkdir -m 755 "$kept"
run "$MOTE" run --prepared "$kept" "$probe"
is 'a first start' "$status $errors" '0 '
is 'a first start: its guest has the same CPUID' "$(cpuid_of)" "$(output=$unprepared cpuid_of)"
is 'a first start keeps what mote prepare keeps' "$(answer_in "$kept/cpuid")" "$(answer_in "$real")"
is 'it is root'"'"'s alone, and nothing else is there' "$(stat -c %a:%u "$kept/cpuid") $(ls -A "$kept")" '644:0 cpuid'
inode=$(stat -c %i "$kept/cpuid")
run "$MOTE" run --prepared "$kept" "$probe"
is 'the second start uses it' "$status $errors $(stat -c %i "$kept/cpuid")" "0  $inode"
rm "$kept/cpuid"
for _ in 1 2 3 4; do "$MOTE" run --prepared "$kept" "$probe" </dev/null >"$tap_work/first.$_" 2>&1 & done
wait
is 'four first starts at once keep one' "$(ls -A "$kept")" cpuid
is 'and it is whole' "$(answer_in "$kept/cpuid")" "$(answer_in "$real")"
rm "$kept/cpuid"
chmod 775 "$kept"
run "$MOTE" run --prepared "$kept" "$probe"
is 'nothing is kept where others can change it' "$status $(ls -A "$kept")" '0 '
chmod 755 "$kept"
rm -f "$kept/cpuid"
touch "$kept/else"
run "$MOTE" run --prepared "$kept" "$probe"
is 'nothing is kept where something else is' "$status $(ls -A "$kept")" '0 else'
rm "$kept/else"
run "$MOTE" run --prepared "$tap_work/nowhere" "$probe"
is 'a directory that is named is not made' "$status $(ls -d "$tap_work/nowhere" 2>/dev/null)" '0 '
is 'and missed' "$errors" "mote: warning: --prepared: $tap_work/nowhere: No such file or directory"
rmdir "$kept"

# --- The room ---

start "$MOTE" run --prepared "$prepared" "$asleep"
first=$vm
first_launcher=$launcher
start "$MOTE" run --prepared "$prepared" "$asleep"
is 'a VM lives in the prepared room' "$(namespaces "$first" mnt net)" "$(room)"
is 'another VM too' "$(namespaces "$vm" mnt net)" "$(room)"
is 'and their launchers' "$(namespaces "$first_launcher" mnt net)$(namespaces "$launcher" mnt net)" "$(room)$(room)"
for kind in mnt net pid ipc uts cgroup; do
	check "the $kind namespace is not the host's" \
		[ "$(namespaces "$vm" $kind)" != "$(namespaces self $kind)" -a -n "$(namespaces "$vm" $kind)" ]
done
for kind in pid ipc uts cgroup; do
	check "the $kind namespace is not the other's" [ "$(namespaces "$vm" $kind)" != "$(namespaces "$first" $kind)" ]
done
check 'they have different users' [ "$(grep ^Uid: "/proc/$vm/status")" != "$(grep ^Uid: "/proc/$first/status")" ]
for pid in "$vm" "$first" "$launcher" "$first_launcher"; do
	is "the root of $pid is empty" "$(ls -A "/proc/$pid/root/")" ''
	check "not even root can put anything there" sh -c '! mkdir "$0" 2>/dev/null' "/proc/$pid/root/x"
	is "and it is the only mount" "$(cut -d' ' -f4-6 "/proc/$pid/mountinfo" | tail -n 1)" \
		'/ / ro,nosuid,nodev,noexec,relatime'
	is "the network is lo" "$(sed -n 's/^ *\([^ ]*\):.*/\1/p' "/proc/$pid/net/dev")" lo
done
stop "$first_launcher"
is 'one ends, the other lives on' "$(namespaces "$vm" mnt net)" "$(room)"

# --- While it runs ---

old_room=$(room)
check 'prepared once more while a VM runs' prepare
check 'it is another room' [ "$(room)" != "$old_room" ]
is 'the VM stays in the old one' "$(namespaces "$vm" mnt net)" "$old_room"
first=$vm
first_launcher=$launcher
start "$MOTE" run --prepared "$prepared" "$asleep"
is 'a new one comes to the new one' "$(namespaces "$vm" mnt net)" "$(room)"
new_room=$(room)
check 'undone while both run' prepare --undo
check 'nothing is left of the directory' [ ! -e "$prepared" ]
check 'the VMs do not mind' [ "$(namespaces "$first" mnt net)$(namespaces "$vm" mnt net)" = "$old_room$new_room" ]
stop "$first_launcher" "$launcher"
is_gone
is 'and with them their rooms are gone' "$(holders_of "$old_room$new_room")" ''

# --- Who has a room of one's own all the same ---

check 'prepared again' prepare
# own TEXT PID : none of the namespaces is prepared, and none the host's
own() {
	check "$1: a room of its own" \
		[ "$(namespaces "$2" mnt)" != "$(room | cut -d' ' -f1) " -a "$(namespaces "$2" net)" != "$(room | cut -d' ' -f2) " ]
	check "$1: not the host's" \
		[ "$(namespaces "$2" mnt)" != "$(namespaces self mnt)" -a "$(namespaces "$2" net)" != "$(namespaces self net)" ]
	is "$1: empty" "$(ls -A "/proc/$2/root/")" ''
}

start "$MOTE" run --prepared "$prepared" --allow-insecure-seccomp-log \
	"$(config idle '' '' '"jail": {"seccomp": "log"}')"
own 'without a filter' "$vm"
stop "$launcher"

chmod 775 "$prepared"
start "$MOTE" run --prepared "$prepared" "$asleep"
own 'others can change the directory' "$vm"
is 'others can change the directory: told so' "$(grep -a warning "$tap_work/out")" \
	"mote: warning: $prepared is not used: it is not root's alone"
stop "$launcher"
chmod 755 "$prepared"

# As a mount namespace that is copied from the host's lacks it.
if command -v unshare >/dev/null; then
	start unshare -m "$MOTE" run --prepared "$prepared" "$asleep"
	own 'in a copy of the mount namespace' "$vm"
	stop "$launcher"
fi

as_user=$here/as_user.sh
if why=$("$as_user" true); then
	altered
	chmod 644 "$probe"
	run "$as_user" "$MOTE" run --prepared "$prepared" "$probe"
	is "an ordinary user's: nothing to say" "$errors" ''
	# Where /dev/kvm is another node for the user, the answer is not used.
	[ "$(stat -c %a /dev/kvm)" != 666 ] || check "an ordinary user's: with what is kept" \
		[ "$status" -ne 0 -a "${output#*not ok*signature}" != "$output" ]
	cp "$real" "$prepared/cpuid"
else
	skip "an ordinary user's" "$why"
fi

# --- As jailed as elsewhere ---

# jail.t, with every mote of it on a prepared host.
look_at_jail() {
	cat >"$tap_work/mote" <<-EOF
		#!/bin/sh
		[ "\$1" = run ] || exec "$MOTE" "\$@"
		shift
		exec "$MOTE" run --prepared "$prepared" "\$@"
	EOF
	chmod 755 "$tap_work/mote"
	MOTE=$tap_work/mote "$here/jail.t" >"$tap_work/jail" 2>&1
	check 'jail.t passes in a shared room' [ $? -eq 0 ]
	grep '^not ok' -A 2 "$tap_work/jail" | sed 's/^/# /'
	check 'jail.t: it looked at something' [ "$(grep -c '^ok' "$tap_work/jail")" -gt 100 ]
}

if [ -z "${MOTE_EMULATED:-}" ]; then
	look_at_jail
else
	skip 'jail.t in a shared room' 'takes too long on an emulated processor'
fi

escape=$MOTE_GUESTS/../jail/escape
if [ ! -x "$escape" ]; then
	skip 'what an intruder would try, in the shared network' 'the program is not here'
elif ! command -v nsenter >/dev/null; then
	skip 'what an intruder would try, in the shared network' 'no nsenter here'
else
	nsenter --net="$prepared/network" "$escape" >"$tap_work/escape" 2>&1
	check 'what an intruder would try, in the shared network' [ $? -eq 0 ]
	grep '^not ok' "$tap_work/escape" | sed 's/^/# /'
	check 'an intruder: tried something' [ "$(grep -c '^ok' "$tap_work/escape")" -gt 50 ]
fi

# --- Nothing stays ---

last_room=$(room)
runs=0
hello=$(config hello)
launches=${MOTE_LAUNCHES:-50}
while [ "$runs" -lt "$launches" ] && "$MOTE" run --prepared "$prepared" "$hello" </dev/null >"$tap_work/out" 2>&1; do
	runs=$((runs + 1))
done
is "$launches VMs, one after the other" "$runs" "$launches"
is 'the directory is as it was' "$(room)$(ls -A "$prepared" | tr '\n' ' ')" "${last_room}cpuid mounts network "
is 'none of them is left' "$(left_over)" ''
is 'nobody is left in the room' "$(in_use | grep -F "${last_room%% *}")" ''
check 'undone' prepare --undo
is 'nothing is left of the room' "$(holders_of "$last_room")" ''
is 'the mounts are what they were' "$(cat /proc/self/mountinfo)" "$mounts_before"
check 'nor is the directory' [ ! -e "$prepared" ]

# --- doctor, and the directory by default, which a start makes: where /run is another one ---

# shellcheck disable=SC2016 # for the shell that is started
doctors='mount -t tmpfs none /run || exit 77
row() { "$1" doctor | grep -o "^[a-z]* *prepared  *[^-]*" | sed "s/  */ /g; s/ $//"; }
row "$0"
"$0" run --prepared none "$2" </dev/null >/dev/null; ls -A /run
umask 077; "$0" run "$2" </dev/null >/dev/null; umask 022; row "$0"; stat -c "%n %a %u" /run/mote /run/mote/*
"$0" prepare 2>/dev/null; row "$0"
mount -t tmpfs none "$1" && mknod "$1/kvm" c 10 232 && mount --bind "$1/kvm" /dev/kvm; row "$0"
umount /dev/kvm; umount /run/mote/mounts; row "$0"
chmod 777 /run/mote; row "$0"'
unshare -m sh -c "$doctors" "$MOTE" "$tap_work/devices" "$hello" >"$tap_work/rows" 2>"$tap_work/errors"
if [ $? -eq 77 ]; then
	skip 'doctor' 'no /run of its own can be made'
else
	is 'doctor: the host unprepared, after a start, prepared, with another KVM, without the room, open to others' \
		"$(cat "$tap_work/rows")" "warn prepared no
warn prepared KVM's CPUID only
/run/mote 755 0
/run/mote/cpuid 644 0
ok prepared KVM's CPUID and an empty room
warn prepared an empty room only
warn prepared KVM's CPUID only
warn prepared /run/mote is not root's alone"
fi
done_testing
