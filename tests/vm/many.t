#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/many.t - launches in a row, some killed at random moments: nothing accumulates on the host.
#
# One in ten gets SIGKILL, launcher and VM process by turns, up to 40 ms after its start.  Where
# groups can be made, each VM has one.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

launches=${MOTE_LAUNCHES:-1000}
parent="mote-many-$$"
group="\"cgroup\": {\"parent\": \"$parent\"}"
one='"vcpu_count": 1, "mem_size_mib": 32'

# What there is of something, as a sorted list.
list_descriptors() {
	for entry in /proc/self/fd/*; do echo "$entry"; done
}

list_mounts() {
	cut -d ' ' -f 3- /proc/self/mountinfo | sort
}

list_networks() {
	for link in /proc/[0-9]*/ns/net; do readlink "$link" 2>/dev/null; done | sort -u
}

list_files() {
	find "$TMPDIR" . -mindepth 1
	find /tmp /var/tmp /run /dev/shm -maxdepth 1 -iname '*mote*' ! -path "$tap_work" 2>/dev/null | sort
}

# What is there now and was not before.  Others come and go on this host, so a moment is allowed.
new_in() {
	tries=0
	while [ "$tries" -lt 100 ]; do
		"list_$1" >"$tap_work/now"
		new=$(grep -vxFf "$tap_work/before.$1" "$tap_work/now")
		[ -n "$new" ] || return 0
		sleep 0.1
		tries=$((tries + 1))
	done
	echo "$new"
}

# kill_one NUMBER : start a VM, and end it by force
kill_one() {
	"$MOTE" run "$spinning" </dev/null >/dev/null 2>&1 &
	launcher=$!
	sleep "$(printf '0.%03d' "$(random 0 40)")"
	victim=$launcher
	[ $(($1 % 20)) -eq 0 ] || victim=$(child_of "$launcher")
	kill -KILL ${victim:-$launcher} 2>/dev/null
	wait "$launcher" 2>/dev/null
	killed=$((killed + 1))
}

file=$(config hello '' "$one" "$group")
spinning=$(config spin '' "$one" "\"timeout_ms\": 20000, $group")
if ! "$MOTE" run "$file" </dev/null >/dev/null 2>"$tap_work/why"; then
	file=$(config hello)
	spinning=$(config spin '' "$one" '"timeout_ms": 20000')
	group=''
fi

export TMPDIR="$tap_work/temporary"
mkdir "$TMPDIR" "$tap_work/cwd"
cd "$tap_work/cwd" || exit 1
for kind in descriptors mounts networks files; do
	"list_$kind" >"$tap_work/before.$kind"
	# No pattern at all would be one that matches nothing, but an empty file has none to give.
	echo 'nothing is called so' >>"$tap_work/before.$kind"
done

failures=0
killed=0
i=0
while [ "$i" -lt "$launches" ]; do
	if [ $((i % 10)) -eq 0 ]; then
		kill_one "$i"
	else
		"$MOTE" run "$file" </dev/null >"$tap_work/out" 2>"$tap_work/errors" ||
			failures=$((failures + 1))
	fi
	i=$((i + 1))
done
is "$((launches - killed)) launches, and $killed that were killed: failures" "$failures" 0
is 'the last one said hello' "$(cat "$tap_work/out")" 'hello from a mote unikernel'
check 'no process is left' is_gone
is 'no temporary file is left' "$(new_in files)" ''
is 'no descriptor is left' "$(new_in descriptors)" ''
is 'no mount is left' "$(new_in mounts)" ''
is 'no network namespace is left' "$(new_in networks)" ''
if [ -n "$group" ]; then
	is 'no group is left' "$(groups_under "$parent")" ''
	remove_parent "$parent"
else
	skip 'no group is left' "none can be made: $(sed 's/^mote: //' "$tap_work/why")"
fi

done_testing
