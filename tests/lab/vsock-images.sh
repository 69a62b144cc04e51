#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/lab/vsock-images.sh - the root file system of Linux guests with vsock, and tools for the lab.
#
#	vsock-images.sh DIR VSOCK_MANY
#
# DIR gets root.ext4, which has guest-init as /sbin/init, busybox, socat, VSOCK_MANY, and
# guest-vsock.sh as /vsock.  DIR/tools is a tree with socat and its libraries, and VSOCK_MANY.
# Nothing here needs root.

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
	local out=$1 vsock_many=$2 tree

	busybox_tree "$work/root"
	install -m 755 "$here/guest-init" "$work/root/bin/init"
	install -m 755 "$here/guest-vsock.sh" "$work/root/vsock"
	for tree in "$work/root" "$out/tools"; do
		add_program "$tree" socat
		install -m 755 "$vsock_many" "$tree/bin/vsock_many"
	done
	make_ext4 "$work/root" "$out/root.ext4" "$root_mib"
}

if (( $# != 2 )) || [[ $1 == -* ]]; then
	printf 'usage: %s DIR VSOCK_MANY\n' "${0##*/}" >&2
	exit 2
fi
PATH=$PATH:/usr/sbin:/sbin
require busybox ldd mke2fs readelf socat
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$1"
make_all "$1" "$2"
