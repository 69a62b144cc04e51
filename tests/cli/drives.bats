#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/drives.bats - what a person at a shell is told about a drive that cannot be used.
#
# No guest runs here: the kernel is no kernel, and drives are opened before anybody looks at it.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}
	cd "$BATS_TEST_TMPDIR"
	echo "no kernel" >kernel
	truncate -s 1M disk.img
}

teardown() {
	if [[ -n ${holder:-} ]]; then kill "$holder"; fi
}

# One drive for each argument: its path, and more of its keys after a blank.
configure() {
	local drive path keys number=0 list=
	for drive; do
		read -r path keys <<<"$drive"
		list+="${list:+, }{\"drive_id\": \"d$number\", \"path_on_host\": \"$path\", \"is_root_device\": false${keys:+, $keys}}"
		number=$((number + 1))
	done
	printf '{"boot-source": {"kernel_image_path": "kernel"}, "drives": [%s]%s}\n' "$list" \
		"${mote:+, \"mote\": $mote}" >vm.json
}

start() {
	status=0
	output=$("$MOTE" run --result result vm.json 2>stderr </dev/null) || status=$?
	errors=$(<stderr)
}

# Exactly that line, the status of a host that refuses something, and a result that says so.
refused_with() {
	start
	[[ $errors == "mote: $1" ]] || {
		echo "$errors"
		return 1
	}
	[[ $status -eq 127 ]]
	[[ -z $output ]]
	grep -q '"outcome": *"host-failure"' result
	grep -q '"status": *127' result
}

# Hold a lock in the background: classic or ofd, and write or read.
hold_lock() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	exec -a holder python3 - "$@" >held 3>&- <<-'END' &
		import fcntl, struct, sys, time
		F_OFD_SETLK = 37
		disk = open("disk.img", "r+b")
		kind = fcntl.F_WRLCK if sys.argv[2] == "write" else fcntl.F_RDLCK
		command = F_OFD_SETLK if sys.argv[1] == "ofd" else fcntl.F_SETLK
		fcntl.fcntl(disk, command, struct.pack("hhqqi4x", kind, 0, 0, 0, 0))
		print("held", flush=True)
		time.sleep(60)
	END
	holder=$!
	for ((i = 0; i < 500; i++)); do
		if [[ -s held ]]; then return 0; fi
		sleep 0.02
	done
	return 1
}

@test "a missing disk, and one in a missing folder" {
	configure missing.img
	refused_with "drives[0].path_on_host: missing.img cannot be opened for reading and writing: No such file or directory"
	configure disk.img "no/disk.img \"is_read_only\": true"
	refused_with "drives[1].path_on_host: no/disk.img cannot be opened for reading: No such file or directory"
}

@test "a directory, a FIFO and a character device are no disks" {
	mkdir folder
	mkfifo pipe
	configure folder
	refused_with "drives[0].path_on_host: folder is a directory, not a regular file or a block device"
	configure "folder \"is_read_only\": true"
	refused_with "drives[0].path_on_host: folder is a directory, not a regular file or a block device"
	configure pipe
	refused_with "drives[0].path_on_host: pipe is a FIFO, not a regular file or a block device"
	configure /dev/zero
	refused_with "drives[0].path_on_host: /dev/zero is a character device, not a regular file or a block device"
}

@test "a file that may only be read says which key would do" {
	local without=()
	chmod 444 disk.img
	if [[ $EUID -eq 0 ]]; then
		without=(setpriv --bounding-set=-dac_override,-dac_read_search)
		"${without[@]}" true || skip "root may write every file, and setpriv cannot stop it"
	fi
	configure disk.img
	MOTE_REAL=$MOTE
	printf '#!/bin/sh\nexec %s "%s" "$@"\n' "${without[*]}" "$MOTE_REAL" >unprivileged
	chmod +x unprivileged
	MOTE=./unprivileged
	refused_with "drives[0].path_on_host: disk.img cannot be opened for reading and writing: Permission denied (is_read_only is false)"
}

@test "a disk that another process has locked is refused with its pid" {
	hold_lock ofd write
	configure disk.img
	refused_with "drives[0].path_on_host: disk.img is in use by another process (pid $holder, python3)"
	configure "disk.img \"is_read_only\": true"
	refused_with "drives[0].path_on_host: disk.img is in use by another process (pid $holder, python3)"
}

@test "a disk that another process reads is refused for writing" {
	hold_lock ofd read
	configure disk.img
	refused_with "drives[0].path_on_host: disk.img is in use by another process (pid $holder, python3)"
}

@test "a lock that belongs to a process is honoured as well" {
	hold_lock classic write
	configure "disk.img \"is_read_only\": true"
	refused_with "drives[0].path_on_host: disk.img is in use by another process (pid $holder, python3)"
}

@test "the same file twice names both drives" {
	local twice="is the file of drives[0].path_on_host, for which this process has locked it; both would have to be is_read_only"
	ln -s disk.img other-name
	configure disk.img disk.img
	refused_with "drives[1].path_on_host: disk.img $twice"
	configure "disk.img \"is_read_only\": true" other-name
	refused_with "drives[1].path_on_host: other-name $twice"
}

@test "an empty disk and one of less than a sector" {
	truncate -s 0 empty.img
	truncate -s 511 short.img
	configure empty.img
	refused_with "drives[0].path_on_host: empty.img holds no whole block of 512 bytes"
	configure short.img
	refused_with "drives[0].path_on_host: short.img holds no whole block of 512 bytes"
}

@test "direct I/O is refused where the file system has none" {
	mote='{"direct_io": ["d0"]}'
	configure "/proc/version \"is_read_only\": true"
	refused_with "drives[0].path_on_host: /proc/version is in mote.direct_io, and its file system has no direct I/O"
}

@test "what is no whole sector at the end is told, and left out" {
	{ : <>/dev/kvm; } 2>/dev/null || skip "no usable /dev/kvm here"
	truncate -s 1000 odd.img
	configure "disk.img \"is_read_only\": true" "disk.img \"is_read_only\": true" odd.img
	start
	[[ ${errors%%$'\n'*} == "mote: warning: drives[2].path_on_host: the last 488 bytes of odd.img are no whole block of 512 and are left out" ]]
	# All drives could be opened: it is the kernel that is no good.
	[[ $status -eq 169 ]]
	grep -q '"outcome": *"bad-image"' result
}

@test "a descriptor that the caller holds can be named" {
	{ : <>/dev/kvm; } 2>/dev/null || skip "no usable /dev/kvm here"
	configure /dev/fd/7
	status=0
	"$MOTE" run vm.json 7<>disk.img 2>stderr || status=$?
	[[ $status -eq 169 ]]
	if grep drives stderr; then return 1; fi
}
