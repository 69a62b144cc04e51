#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/lab/guest-initrd.sh - a small initrd for Linux guests.
#
#	guest-initrd.sh [--modules DIR] OUT [INIT_SCRIPT]
#
# OUT becomes an unpacked cpio archive of busybox and INIT_SCRIPT as /init; without one, guest-init,
# which follows `mote.do=` on the kernel command line.  It also holds /check with its /check.sha256,
# by which a guest sees whether the initrd arrived whole.  --modules takes along the drivers in DIR,
# such as cloud/modules of the lab's cache; guest-init loads them in the order that DIR/order
# tells.  The same input gives the same bytes.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

# shellcheck source=common.sh
source "$here/common.sh"

modules=
if [[ ${1:-} == --modules && $# -gt 1 ]]; then
	modules=$2
	shift 2
fi
if (( $# < 1 || $# > 2 )) || [[ $1 == -* ]]; then
	printf 'usage: %s [--modules DIR] OUT [INIT_SCRIPT]\n' "${0##*/}" >&2
	exit 2
fi
out=$1
init=${2:-$here/guest-init}

require busybox cpio readelf sha256sum
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

busybox_tree "$work/root"
install -m 755 "$init" "$work/root/init"
[[ -z $modules ]] || cp -R "$modules" "$work/root/modules"
# Bytes that do not repeat page by page, so that a page in the wrong place shows.
seq 1 100000 >"$work/root/check"
(cd "$work/root" && sha256sum check >check.sha256)
pack_tree "$work/root" >"$work/initrd"
mv "$work/initrd" "$out"
