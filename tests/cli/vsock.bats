#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/vsock.bats - what a person at a shell is told about a vsock that cannot be used, and what
# is left of its socket.
#
# No guest runs here: the kernel is no kernel, and the socket is made before anybody looks at it.

bats_require_minimum_version 1.5.0

setup() {
	MOTE=$(realpath "${MOTE:-$BATS_TEST_DIRNAME/../../build/mote}")
	cd "$BATS_TEST_TMPDIR"
	echo "no kernel" >kernel
	as=()
}

teardown() {
	if [[ -n ${holder:-} ]]; then kill "$holder" 2>/dev/null || true; fi
}

# configure PATH [MOTE]
configure() {
	printf '{"boot-source": {"kernel_image_path": "kernel"},
		"vsock": {"guest_cid": 3, "uds_path": "%s"}%s}\n' "$1" "${2:+, \"mote\": $2}" >vm.json
}

start() {
	status=0
	output=$("${as[@]}" "$MOTE" run --result result "$@" vm.json 2>stderr </dev/null) || status=$?
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
}

# All went well with the socket: what is wrong is the kernel.
socket_is_fine() {
	start
	[[ $status -eq 169 ]] || {
		echo "$errors"
		return 1
	}
}

# listen PATH TYPE: a socket of somebody else's, until the test ends; TYPE is a word of Python's.
listen() {
	command -v python3 >/dev/null || skip "python3 is not installed"
	python3 - "$1" "$2" >held 3>&- <<-'END' &
		import socket, sys, time
		s = socket.socket(socket.AF_UNIX, getattr(socket, sys.argv[2]))
		s.bind(sys.argv[1])
		if sys.argv[2] == "SOCK_STREAM":
		    s.listen(4)
		print("held", flush=True)
		time.sleep(60)
	END
	holder=$!
	until [[ -s held ]]; do sleep 0.01; done
}

@test "a socket on which somebody listens is refused and stays" {
	listen v.sock SOCK_STREAM
	configure v.sock
	refused_with "vsock.uds_path: v.sock: another process listens there"
	[[ -S v.sock ]]
}

@test "a datagram socket that somebody has is refused and stays" {
	listen v.sock SOCK_DGRAM
	configure v.sock
	refused_with "vsock.uds_path: v.sock: another process has a socket of another type there"
	[[ -S v.sock ]]
}

@test "what a killed process left is replaced, and removed by a run that fails" {
	listen v.sock SOCK_STREAM
	kill -KILL "$holder"
	wait "$holder" || true
	[[ -S v.sock ]]
	configure v.sock
	socket_is_fine
	[[ ! -e v.sock ]]
}

@test "a file that is no socket is refused and stays" {
	echo precious >v.sock
	configure v.sock
	refused_with "vsock.uds_path: v.sock exists and is not a socket"
	[[ $(<v.sock) == precious ]]
}

@test "a directory that is not there is told" {
	configure missing/v.sock
	refused_with "vsock.uds_path: cannot make missing/v.sock: No such file or directory"
}

@test "a path longer than an address is taken, a name that leaves no room for a port is not" {
	long=$(printf 'd%.0s' {1..120})
	mkdir "$long"
	configure "$long/v.sock"
	socket_is_fine
	[[ -z $(ls "$long") ]]
	configure "$(printf 'n%.0s' {1..97})"
	start
	[[ $status -eq 126 ]]
	[[ $errors == *"vsock.uds_path: the file's name is longer than 96 characters: sockets for the guest's connections have its name and _PORT" ]]
}

@test "a descriptor has to be a Unix stream socket that listens" {
	configure /dev/fd/9
	refused_with "vsock.uds_path: /dev/fd/9 is not open"
	exec 9<kernel
	refused_with "vsock.uds_path: /dev/fd/9 is open for reading only"
	exec 9<>kernel
	refused_with "vsock.uds_path: /dev/fd/9 is not a socket"
	exec 9<&-
}

@test "an owner that this user cannot give is told, and no file stays" {
	configure v.sock '{"vsock": {"uid": 0}}'
	if ((EUID == 0)); then
		# Who can give any owner becomes somebody else, with mote by descriptor and relative paths: that
		# user may not be let into the folders above either.
		chmod 777 .
		exec 9<"$MOTE"
		MOTE=/proc/self/fd/9
		as=("$BATS_TEST_DIRNAME/../vm/as_user.sh")
		"${as[@]}" true || skip "nobody else can be made here who may use /dev/kvm"
	fi
	refused_with "mote.vsock: cannot give v.sock its owner: Operation not permitted"
	[[ ! -e v.sock ]]
}

@test "--stdio wants a vsock, a port, and its own standard input" {
	printf '{"boot-source": {"kernel_image_path": "kernel"}}\n' >vm.json
	start --stdio vsock:1024
	[[ $status -eq 126 ]]
	[[ $errors == "mote: --stdio: the configuration has no vsock to connect by" ]]
	configure v.sock
	start --stdio tcp:1024
	[[ $status -eq 126 ]]
	[[ $errors == 'mote: --stdio: "tcp:1024" is not vsock:PORT, with a port from 0 to 4294967294 (see mote help)' ]]
	run -126 "$MOTE" run --stdio vsock:1024 - <vm.json
	[[ $output == "mote: --stdio: standard input is the configuration already (see mote help)" ]]
}

@test "without a path a vsock serves --stdio alone, and a run without either is refused" {
	printf '{"boot-source": {"kernel_image_path": "kernel"}, "vsock": {"guest_cid": 3}}\n' >vm.json
	run -0 "$MOTE" check vm.json
	start
	[[ $status -eq 126 ]]
	[[ $errors == "mote: vsock.uds_path: missing, and without --stdio vsock:PORT as well nothing could connect" ]]
	start --stdio vsock:1024
	[[ $status -eq 169 ]]
	[[ $(ls) == $'kernel\nresult\nstderr\nvm.json' ]]
}

@test "--stdio leaves a socket that it was given as it was" {
	command -v python3 >/dev/null || skip "python3 is not installed"
	configure v.sock
	python3 - "$MOTE" <<-'END'
		import fcntl, os, socket, subprocess, sys
		ours, theirs = socket.socketpair()
		ended = subprocess.run([sys.argv[1], "run", "--stdio", "vsock:1024", "vm.json"],
		                       stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL)
		assert ended.returncode == 169, ended.returncode
		assert not fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK
	END
}
