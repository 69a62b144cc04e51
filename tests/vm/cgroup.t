#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/cgroup.t - mote.cgroup as the host sees it: the limits, who is in the group, and its end.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

root=/sys/fs/cgroup
parent="mote-cgroup-$$"
one='"vcpu_count": 1, "mem_size_mib": 32'
as_user="${0%/*}/as_user.sh"

# Nothing of the test outlives it, least of all in the groups.
clean_up() {
	for pid in $(jobs -p); do kill -KILL "$pid"; done 2>/dev/null
	is_gone
	groups_under "$parent" | sort -r | while read -r group; do rmdir "$group"; done 2>/dev/null
	remove_parent "$parent"
	rm -rf "$tap_work"
}
trap clean_up EXIT

# where CONTROLLER : the folder of its hierarchy, nothing if there is none; v1 calls io blkio
where() {
	for place in "$root" "$root/unified"; do
		grep -qsw "$1" "$place/cgroup.controllers" && echo "$place" && return
	done
	name=$1
	[ "$name" != io ] || name=blkio
	[ ! -e "$root/$name/tasks" ] || echo "$root/$name"
}

# start KEYS : a VM under the parent in the background; sets launcher, vm
start() {
	: >"$tap_work/out"
	"$MOTE" run "$(config spin '' "$one" "\"timeout_ms\": 60000, \"cgroup\": {\"parent\": \"$parent\"${1:+, $1}}")" \
		</dev/null >"$tap_work/out" 2>"$tap_work/errors" &
	launcher=$!
	tries=0
	while ! grep -q spin "$tap_work/out" && [ "$tries" -lt 200 ] && kill -0 "$launcher" 2>/dev/null; do
		sleep 0.05
		tries=$((tries + 1))
	done
	vm=$(child_of "$launcher")
}

# stop SIGNAL PID STATUS TEXT
stop() {
	kill -"$1" "$2"
	status=0
	wait "$launcher" 2>/dev/null || status=$?
	[ -z "${4:-}" ] || is "$4: exit status" "$status" "$3"
}

# limit CONTROLLER V2_FILE V2_VALUE V1_FILE V1_VALUE : what the group of the VM says
limit() {
	place=$(where "$1")
	if [ -z "$place" ]; then
		skip "$1: $2" 'this host has no such controller'
	elif [ -e "$place/cgroup.controllers" ]; then
		is "$1: $2" "$(cat "$place/$parent"/mote-*/"$2")" "$3"
	else
		is "$1: $4" "$(cat "$place/$parent"/mote-*/"$4")" "$5"
	fi
}

# fails TEXT KEYS WORDS [COMMAND...] : a run, by a command where one is given, and what it is told
fails() {
	text=$1 keys=$2 words=$3
	shift 3
	status=0
	file=$(config hello '' "$one" "\"cgroup\": {$keys}")
	chmod 644 "$file"
	"$@" "$MOTE" run - <"$file" >"$tap_work/out" 2>"$tap_work/errors" || status=$?
	is "$text: exit status" "$status" 127
	is "$text: why" "$(cat "$tap_work/errors")" "mote: $words"
}

if [ "$(id -u)" -ne 0 ]; then
	file=$(config hello '' "$one" "\"cgroup\": {\"parent\": \"$parent\"}")
	if "$MOTE" run "$file" </dev/null >/dev/null 2>"$tap_work/errors"; then
		pass 'an ordinary user was given cgroups'
	else
		check 'an ordinary user is told what cgroups ask for' grep -q \
			'mote.cgroup.parent: .*; an ordinary user needs a parent on cgroup v2 that is delegated$' \
			"$tap_work/errors"
	fi
	done_testing
	exit
fi
if ! (mkdir "$root/probe-$$" && rmdir "$root/probe-$$") 2>/dev/null && [ -z "$(where pids)" ]; then
	skip 'groups' 'no hierarchy is mounted, or none can be written'
	done_testing
	exit
fi

# Limits, all at once where the host has all.
limits=''
add() {
	[ -z "$(where "$1")" ] || limits="$limits${limits:+, }$2"
}
# A real disk, or else a loop device, which is not there until somebody has loaded its driver.
disk=$(cat /sys/block/*/dev 2>/dev/null | grep -v '^[17]:' | head -n 1)
[ -n "$disk" ] || disk=$(cat /sys/block/loop0/dev 2>/dev/null)
swap=''
memory=$(where memory)
if [ -n "$memory" ] && { [ -e "$memory/memory.memsw.limit_in_bytes" ] || [ -e "$memory/cgroup.controllers" ]; }; then
	swap=', "swap_max_bytes": 16777216'
fi
add cpu '"cpu": {"weight": 200, "max": {"quota_us": 50000, "period_us": 100000}}'
add memory "\"memory\": {\"max_bytes\": 134217728$swap}"
add pids '"pids": 100'
[ -z "$disk" ] || add io "\"io\": [{\"device\": \"$disk\", \"rbps\": 1048576, \"wiops\": 500}]"

start "$limits"
check 'a VM runs under its limits' grep -q spin "$tap_work/out"
sed 's/^/# /' "$tap_work/errors"
limit cpu cpu.weight 200 cpu.shares 2048
limit cpu cpu.max '50000 100000' cpu.cfs_quota_us 50000
limit cpu cpu.max '50000 100000' cpu.cfs_period_us 100000
limit memory memory.max 134217728 memory.limit_in_bytes 134217728
if [ -n "$swap" ]; then
	limit memory memory.swap.max 16777216 memory.memsw.limit_in_bytes 150994944
else
	skip 'memory: swap' 'this host does not count it'
fi
limit pids pids.max 100 pids.max 100
if [ -n "$disk" ]; then
	limit io io.max "$disk rbps=1048576 wbps=max riops=max wiops=500" \
		blkio.throttle.read_bps_device "$disk 1048576"
	limit io io.max "$disk rbps=1048576 wbps=max riops=max wiops=500" \
		blkio.throttle.write_iops_device "$disk 500"
else
	skip 'io' 'this host has no disk'
fi

# programs_in FILE : a list of processes or threads, without the one that some kernels' KVM adds
programs_in() {
	while read -r id; do
		[ -z "$(tr -d '\0' <"/proc/$id/cmdline")" ] || echo "$id"
	done <"$1" | sort | tr '\n' ' '
}

# Who is in it: the VM process with all its threads, and nobody else.
groups_under "$parent" >"$tap_work/groups"
is 'each hierarchy has one group, named after the launcher' \
	"$(sed "s,.*/$parent/mote-\([0-9]*\)-[0-9a-f]*$,\1," "$tap_work/groups" | sort -u)" "$launcher"
while read -r group; do
	is "the VM process is in it: ${group#"$root"/}" "$(programs_in "$group/cgroup.procs")" "$vm "
	threads=$group/tasks
	[ -e "$threads" ] || threads=$group/cgroup.threads
	is "so are its threads: ${group#"$root"/}" "$(programs_in "$threads")" \
		"$(find "/proc/$vm/task" -mindepth 1 -maxdepth 1 | sed 's,.*/,,' | sort | tr '\n' ' ')"
done <"$tap_work/groups"
check 'the launcher is not' [ "$(grep -c "/$parent/" "/proc/$launcher/cgroup")" -eq 0 ]

# However it ends, the group goes.
stop TERM "$launcher" 143 'asked to stop'
is 'asked to stop: the group is gone' "$(groups_under "$parent")" ''
start "$limits"
stop KILL "$vm" 127 'the VM process is killed'
is 'the VM process is killed: the group is gone' "$(groups_under "$parent")" ''
start "$limits"
stop KILL "$launcher" 137 'the launcher is killed'
is_gone
orphans=$(groups_under "$parent" | sort)
check 'the launcher is killed: a group stays' [ -n "$orphans" ]
start "$limits"
is 'the next one under the parent removes it' \
	"$(groups_under "$parent" | sort | grep -cxF "$orphans")" 0
check 'and has a group of its own' [ -n "$(groups_under "$parent")" ]
stop TERM "$launcher" 143
is 'nothing stays but the parent' "$(groups_under "$parent")" ''

# Less memory than the VM needs.
if [ -n "$memory" ]; then
	status=0
	file=$(config memory '' '"vcpu_count": 1, "mem_size_mib": 128' \
		"\"timeout_ms\": 60000, \"cgroup\": {\"parent\": \"$parent\", \"memory\": {\"max_bytes\": 33554432${swap:+, \"swap_max_bytes\": 0}}}")
	"$MOTE" run "$file" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || status=$?
	is 'less memory than the guest uses: exit status' "$status" 127
	is 'less memory than the guest uses: the kernel ends the VM' "$(cat "$tap_work/errors")" \
		'mote: the VM process was killed by signal 9 (Killed)'
	is 'less memory than the guest uses: the group is gone' "$(groups_under "$parent")" ''
else
	skip 'less memory than the guest uses' 'this host has no memory controller'
fi

# What cannot be had.
fails 'no device' "\"parent\": \"$parent\", \"io\": [{\"device\": \"/dev/null\", \"rbps\": 1}]" \
	'mote.cgroup.io[0].device: /dev/null is not a block device'
if unshare -m mount -t tmpfs none "$root" 2>/dev/null; then
	# shellcheck disable=SC2016 # for the inner shell
	fails 'a host without the controller' "\"parent\": \"$parent\", \"pids\": 100" \
		"mote.cgroup.parent: $parent: pids: this host has no such controller for cgroups: No such file or directory" \
		unshare -m sh -c 'mount -t tmpfs none /sys/fs/cgroup && exec "$@"' sh
else
	skip 'a host without the controller' 'nothing can be mounted here'
fi
# An ordinary user, who needs a binary and a guest that he can read.
chmod 755 "$tap_work"
cp "$MOTE" "$tap_work/mote"
cp "$MOTE_GUESTS/hello.elf" "$MOTE_GUESTS/spin.elf" "$tap_work"
# as_ordinary GUEST PARENT KEYS [COMMAND...] : sets status
as_ordinary() {
	MOTE_GUESTS=$tap_work
	file=$(config "$1" '' "$one" "\"timeout_ms\": 1000, \"cgroup\": {\"parent\": \"$2\"${3:+, $3}}")
	shift 3
	status=0
	"$@" "$as_user" "$tap_work/mote" run - <"$file" >"$tap_work/out" 2>"$tap_work/errors" || status=$?
}

if ! why=$("$as_user" true); then
	skip 'an ordinary user' "$why"
	done_testing
	exit
fi
as_ordinary hello "$parent-new" ''
is 'an ordinary user, at the root: exit status' "$status" 127
check 'an ordinary user, at the root: why' grep -qx "mote: mote.cgroup.parent: $parent-new: [a-z0-9]*: there is no way to the parent: Permission denied; an ordinary user needs a parent on cgroup v2 that is delegated" "$tap_work/errors"

# What a delegated group is, the kernel's cgroup-v2.rst says under "Model of Delegation".
if [ "$(where pids)" != "$root" ]; then
	skip 'an ordinary user, in a delegated group' 'pids is on v1 here, which is not delegated'
	done_testing
	exit
fi
delegated="$root/$parent"
# in_shell_group COMMAND... : from a group beside the VM's
in_shell_group() {
	sh -c 'echo 0 >"$0/shell/cgroup.procs" && exec "$@"' "$delegated" "$@"
}
mkdir -p "$delegated/shell"
for file in . cgroup.procs cgroup.threads cgroup.subtree_control shell shell/cgroup.procs; do
	chown 65534:65534 "$delegated/$file"
done
as_ordinary hello "$parent/vms" '"pids": 100' in_shell_group
is 'an ordinary user, in a delegated group: exit status' "$status" 0
is 'an ordinary user, in a delegated group: no word' "$(cat "$tap_work/errors")" ''
is 'an ordinary user, in a delegated group: nothing stays' "$(find "$delegated/vms" -name 'mote-*')" ''
as_ordinary hello "$parent/vms" '"pids": 100'
is 'an ordinary user, from outside: exit status' "$status" 127
is 'an ordinary user, from outside: why' "$(cat "$tap_work/errors")" "mote: mote.cgroup.parent: $parent/vms: this user may not move processes there from the cgroup that mote was started in"
fails 'root, in a delegated group' "\"parent\": \"$parent\"" \
	"mote.cgroup.parent: $parent: cgroup2: the parent is not root's own, as mote is: Not supported"
rmdir "$delegated/vms" "$delegated/shell"

# On v2, processes and limits for groups below do not go together.
mkdir "$delegated-full"
sleep 60 &
echo $! >"$delegated-full/cgroup.procs"
fails 'a parent with processes, memory' "\"parent\": \"$parent-full\", \"memory\": {\"max_bytes\": 134217728}" \
	'mote.cgroup: cgroup.subtree_control the parent, or a group above it, has processes of its own: Resource busy'
fails 'a parent with processes, pids' "\"parent\": \"$parent-full\", \"pids\": 100" \
	"mote.cgroup.parent: $parent-full: the group, or the parent, is of a kind that takes no processes"
is 'a parent with processes: nothing stays' "$(groups_under "$parent-full")" ''
kill $!
wait $! 2>/dev/null
rmdir "$delegated-full"
done_testing
