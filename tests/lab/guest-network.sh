#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/lab/guest-network.sh - what a Linux guest does with its network; runs in the guest, as /network.
#
#	/network		does what lines of input say, until one says `end`
#
# A line is a command of this script's shell.  What came of it is on the console, in a line
# `mote-guest: answer N STATUS TEXT`: the lines are counted from 1, TEXT is the last that the command
# said.  Nothing here sends a frame before a line tells so.

report()
{
	echo "mote-guest: $*"
}

# up ADDRESS/BITS [GATEWAY]
up()
{
	ip address add "$1" dev eth0 && ip link set eth0 up || return
	[ -z "$2" ] || ip route add default via "$2"
}

# servers : iperf3 on its port, HTTP on 80 with /tmp/www, where `fetch` puts files
servers()
{
	mkdir -p /tmp/www
	ip link set lo up
	httpd -p 80 -h /tmp/www
	iperf3 -s -D
}

# fetch URL NAME : says the checksum
fetch()
{
	wget -q -O "/tmp/www/$2" "$1" && sha256sum <"/tmp/www/$2"
}

# offloads on|off : for what the guest sends
offloads()
{
	ethtool -K eth0 tx "$1" sg "$1" tso "$1" gso "$1" gro "$1" && ethtool -k eth0 |
		awk '$1 == "tx-checksumming:" || $1 == "tcp-segmentation-offload:" { printf "%s ", $2 }'
}

# tick ADDRESS PORT COUNT : a line with its number every 50 ms, over one connection
tick()
{
	tick=0
	while [ "$tick" -lt "$3" ]; do
		tick=$((tick + 1))
		echo "$tick"
		usleep 50000
	done | nc "$1" "$2"
}

stty -echo
report 'ready'
number=0
while read -r line && [ "$line" != end ]; do
	number=$((number + 1))
	eval "$line" >/tmp/said 2>&1
	status=$?
	report "answer $number $status $(tail -n 1 /tmp/said)"
done
