#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/lab/guest-vsock.sh - what a Linux guest does with its vsock; runs in the guest, as /vsock.
#
#	/vsock				listens on the ports below until one of those shells writes a
#					status to /tmp/end, and ends with it
#	/vsock filter PORT COMMAND...	gives the first who connects to that port to a command, and
#					ends with the command's status
#	/vsock shell			what is behind port 1000
#
# Each who connects gets a process of his own:
#	7	what he says comes back
#	9	nothing comes back, and what he says goes nowhere
#	19	zeros without end
#	1000	a shell
#	1025	the checksum of all that he said
#	1026	`hello` and the end; what he says goes to /tmp/part

# How long the other way may last once one has ended.
readonly patience_s=600

# serve PORT ADDRESS [OPTION...] : a queue that is long enough for all who come at once
serve()
{
	port=$1
	address=$2
	shift 2
	socat -b 4096 -t "$patience_s" "$@" "VSOCK-LISTEN:$port,fork,backlog=1000" "$address" &
}

filter()
{
	port=$1
	shift
	socat -t "$patience_s" "VSOCK-LISTEN:$port" "SYSTEM:$*; echo \$? >/tmp/status"
	read -r status </tmp/status
	return "$status"
}

# Without what socat leaves open: a process in the background would keep the caller waiting.
shell()
{
	exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- sh
}

if [ $# -gt 0 ]; then
	"$@"
	exit
fi
mkfifo /tmp/end
echo hello >/tmp/hello
serve 7 PIPE
serve 9 OPEN:/dev/null -u
serve 19 OPEN:/dev/zero -U
serve 1000 'EXEC:/vsock shell'
serve 1025 EXEC:sha256sum -b 65536
serve 1026 'OPEN:/tmp/hello!!CREATE:/tmp/part'
echo 'mote-guest: ready'
read -r status </tmp/end
exit "$status"
