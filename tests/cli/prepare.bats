#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/prepare.bats - `mote prepare`: what it leaves, what it leaves alone, and what it says.
#
# Always in a folder of the test's own: what is in /run/mote is for every VM of this host.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}
	cd "$BATS_TEST_TMPDIR"
	place=$BATS_TEST_TMPDIR/prepared
	chmod 755 .
}

teardown() {
	umount -R "$place" 2>/dev/null || true
}

prepare() {
	timeout 20 "$MOTE" prepare --prepared "$place" "$@" </dev/null
}

# refused_with PATTERN COMMAND... : a pattern, as C libraries word some errors differently.  Status 127
# is what mote ends with where a host will not do, and a shell where it does not find a command.
refused_with() {
	local line=$1 status=0
	shift
	output=$("$@" 2>stderr) || status=$?
	# shellcheck disable=SC2053 # a pattern
	[[ $(<stderr) == $line ]] || {
		cat stderr
		return 1
	}
	[[ $status -eq 127 && -z $output ]]
}

mounts_here() {
	awk -v place="$BATS_TEST_TMPDIR/" 'index($5, place) == 1' /proc/self/mountinfo
}

nothing_is_left() {
	[[ ! -e $place && -z $(mounts_here) ]]
}

need_power() {
	((EUID == 0)) || skip "only root can prepare a host"
	[[ -c /dev/kvm && -w /dev/kvm ]] || skip "there is no /dev/kvm"
	unshare --mount --net true 2>/dev/null || skip "no namespaces can be made here"
}

@test "prepare: says nothing, and leaves three files that only root can change" {
	need_power
	run -0 prepare
	[[ -z $output ]]
	[[ $(ls -A "$place") == $'cpuid\nmounts\nnetwork' ]]
	[[ $(stat -c '%a %u %g' "$place") == '755 0 0' ]]
	[[ -z $(find "$place" -perm /022) ]]
	[[ $(head -c 8 "$place/cpuid") == motecpu1 ]]
	[[ $(mounts_here | grep -c .) -eq 3 ]]
	mounts_here | grep -q " $place rw,nosuid,nodev,noexec,relatime - tmpfs mote "
	[[ $(stat -f -c %T "$place/mounts") == nsfs && $(stat -f -c %T "$place/network") == nsfs ]]
}

@test "prepare: the namespaces have nothing in them, and nobody" {
	need_power
	prepare
	for kind in mounts network; do
		inode=$(stat -c %i "$place/$kind")
		run -1 grep -F "[$inode]" <(readlink /proc/[0-9]*/ns/{mnt,net} 2>/dev/null)
	done
	[[ $(nsenter --net="$place/network" cat /proc/self/net/dev | grep -c :) -eq 1 ]]
	run -127 nsenter --mount="$place/mounts" true
}

@test "prepare: once more makes all of it anew" {
	need_power
	prepare
	before=$(stat -c %i "$place/mounts")
	run -0 prepare
	[[ -z $output ]]
	[[ $(mounts_here | grep -c .) -eq 3 ]]
	[[ $(stat -c %i "$place/mounts") -ne $before ]]
}

@test "prepare --undo: leaves nothing, and is fine with nothing" {
	need_power
	prepare
	run -0 prepare --undo
	[[ -z $output ]]
	nothing_is_left
	run -0 prepare --undo
	[[ -z $output ]]
	nothing_is_left
}

@test "prepare: a relative name, and one with a slash behind" {
	need_power
	"$MOTE" prepare --prepared prepared/
	[[ $(mounts_here | grep -c .) -eq 3 ]]
	"$MOTE" prepare --undo --prepared ./prepared
	nothing_is_left
}

@test "prepare: many at once take turns" {
	need_power
	for _ in 1 2 3 4 5; do
		prepare &
		prepare --undo &
	done 2>stderr
	wait
	[[ ! -s stderr ]]
	prepare
	[[ $(mounts_here | grep -c .) -eq 3 ]]
}

@test "prepare: who holds the lock keeps nobody from it" {
	need_power
	exec 8</proc/self/ns/mnt
	flock 8
	run -0 prepare
	exec 8<&-
	[[ -z $output && -e $place/cpuid ]]
}

@test "prepare: killed at any time, the next one finds its way" {
	need_power
	for delay in 1 2 3 4 5 6 7 8; do
		"$MOTE" prepare --prepared "$place" &
		sleep "0.00$delay"
		kill -KILL $! 2>/dev/null || true
		wait $! 2>/dev/null || true
	done
	run -0 prepare
	[[ -z $output && $(mounts_here | grep -c .) -eq 3 ]]
	prepare --undo
	nothing_is_left
}

@test "prepare: on any CPU, in a mount namespace of any other" {
	need_power
	for first in $(seq 0 $(($(nproc) - 1))); do
		for then in $(seq 0 $(($(nproc) - 1))); do
			# shellcheck disable=SC2016 # for the shell that is started
			run -0 taskset -c "$first" unshare --mount --propagation private sh -c \
				'taskset -c "$1" "$2" prepare --prepared "$3" && stat -f -c %T "$3/mounts"' \
				sh "$then" "$MOTE" "$place"
			[[ $output == nsfs ]]
		done
	done
}

@test "prepare: told when it is for one mount namespace alone" {
	need_power
	# shellcheck disable=SC2016 # for the shell that is started
	run -0 unshare --pid --fork --mount-proc sh -c 'unshare --mount "$1" prepare --prepared "$2"; :' \
		sh "$MOTE" "$place"
	[[ $output == "mote: warning: prepare: $place is prepared for this mount namespace alone, which is not that of process 1" ]]
}

@test "prepare: files, links and mounts of others stay" {
	need_power
	mkdir "$place"
	touch "$place/precious"
	refused_with "mote: prepare: cannot remove $place: Directory not empty" prepare
	refused_with "mote: prepare: cannot remove $place: Directory not empty" prepare --undo
	[[ -e $place/precious ]]
	rm -r "$place"
	touch "$place"
	refused_with "mote: prepare: cannot remove $place: Not a directory" prepare
	rm "$place"
	mkdir other
	ln -s other "$place"
	refused_with "mote: prepare: cannot remove $place: Not a directory" prepare
	[[ -d other ]]
	rm "$place"
	mkdir "$place"
	mount -t tmpfs other "$place"
	refused_with "mote: prepare: cannot remove $place: *esource busy" prepare
	refused_with "mote: prepare: cannot remove $place: *esource busy" prepare --undo
	mounts_here | grep -q 'tmpfs other'
}

@test "prepare: what looks like its own to others' order is not unmounted" {
	need_power
	mkdir "$place"
	mount -t tmpfs -o mode=1777 other "$place"
	printf motecpu1 >"$place/cpuid"
	touch "$place/mounts" "$place/network"
	refused_with "mote: prepare: cannot remove $place: *esource busy" prepare --undo
	chmod 755 "$place"
	chown 65534 "$place/cpuid"
	refused_with "mote: prepare: cannot remove $place: *esource busy" prepare --undo
	chown 0 "$place/cpuid"
	prepare --undo
	nothing_is_left
}

@test "prepare: takes the place of what a start has kept, and --undo removes it" {
	need_power
	mkdir "$place"
	printf motecpu1 >"$place/cpuid"
	prepare
	[[ $(ls -A "$place") == $'cpuid\nmounts\nnetwork' ]]
	prepare --undo
	nothing_is_left
	mkdir "$place"
	printf motecpu1 >"$place/cpuid"
	prepare --undo
	nothing_is_left
	mkdir "$place"
	printf another1 >"$place/cpuid"
	refused_with "mote: prepare: cannot remove $place: Directory not empty" prepare --undo
	[[ $(<"$place/cpuid") == another1 ]]
}

@test "prepare: a mount of others where a start has kept an answer stays" {
	need_power
	mkdir "$place"
	mount -t tmpfs -o mode=755 other "$place"
	printf motecpu1 >"$place/cpuid"
	refused_with "mote: prepare: cannot remove $place: *esource busy" prepare
	refused_with "mote: prepare: cannot remove $place: *esource busy" prepare --undo
	mounts_here | grep -q 'tmpfs other'
}

@test "prepare: without KVM nothing is made, and what is there stays" {
	need_power
	hide='mount --bind /dev/null /dev/kvm && exec "$@"'
	refused_with 'mote: prepare: cannot ask /dev/kvm: No such device' \
		unshare --mount sh -c "$hide" sh "$MOTE" prepare --prepared "$place"
	nothing_is_left
	prepare
	before=$(stat -c %i "$place/mounts")
	refused_with 'mote: prepare: cannot ask /dev/kvm: No such device' \
		unshare --mount sh -c "$hide" sh "$MOTE" prepare --prepared "$place"
	[[ $(stat -c %i "$place/mounts") -eq $before ]]
}

@test "prepare: root without the power to mount is told so, and nothing is made" {
	need_power
	refused_with 'mote: prepare: cannot make empty namespaces: Operation not permitted' \
		setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin "$MOTE" prepare --prepared "$place"
	nothing_is_left
}

@test "prepare: a folder that is not there is not made" {
	need_power
	refused_with "mote: prepare: cannot make $place/x/y: No such file or directory" \
		"$MOTE" prepare --prepared "$place/x/y"
}

@test "prepare: an ordinary user cannot" {
	((EUID == 0)) || refused_with 'mote: prepare: only root can prepare this host' prepare
	((EUID != 0)) || for undo in '' --undo; do
		# shellcheck disable=SC2086 # one flag or none
		refused_with 'mote: prepare: only root can prepare this host' setpriv --reuid 65534 --regid 65534 \
			--clear-groups /proc/self/fd/9 prepare --prepared "$place" $undo 9<"$MOTE"
	done
	nothing_is_left
}

@test "prepare: the command line" {
	run -126 "$MOTE" prepare --prepared none
	[[ $output == 'mote: --prepared: "none" names no directory (see mote help)' ]]
	run -126 "$MOTE" prepare --prepared
	[[ $output == 'mote: --prepared needs a value (see mote help)' ]]
	run -126 "$MOTE" prepare "$place"
	[[ $output == "mote: \"$place\": unexpected argument (see mote help)" ]]
	run -126 "$MOTE" run --undo vm.json
	[[ $output == 'mote: --undo: not a flag of mote run (see mote help)' ]]
	nothing_is_left
}
