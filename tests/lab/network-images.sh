#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/lab/network-images.sh - the root file system of Linux guests with a network, and tools for
# networks in the lab.
#
#	network-images.sh DIR
#
# DIR gets root.ext4, which has guest-init as /sbin/init, busybox, iperf3, ethtool, and
# guest-network.sh as /network.  DIR/tools is a tree with iproute2's ip and bridge, ethtool, iperf3
# and passt, their libraries under it where the loader looks for them.  Nothing here needs root.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly root_mib=24

# shellcheck source=common.sh
source "$here/common.sh"
# shellcheck source=programs.sh
source "$here/programs.sh"

make_all()
{
	local out=$1 name

	busybox_tree "$work/root"
	install -m 755 "$here/guest-init" "$work/root/bin/init"
	install -m 755 "$here/guest-network.sh" "$work/root/network"
	for name in iperf3 ethtool; do
		add_program "$work/root" "$name"
	done
	make_ext4 "$work/root" "$out/root.ext4" "$root_mib"
	for name in ip bridge ethtool iperf3 passt; do
		add_program "$out/tools" "$name"
	done
}

if (( $# != 1 )) || [[ $1 == -* ]]; then
	printf 'usage: %s DIR\n' "${0##*/}" >&2
	exit 2
fi
# Where network tools live for ordinary users too.
PATH=$PATH:/usr/sbin:/sbin
require bridge busybox ethtool ip iperf3 ldd mke2fs passt readelf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$1"
make_all "$1"
