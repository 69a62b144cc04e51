#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/lab/boot-initrd.sh - the smallest initrd: boot_init.c as /init, and nothing else.
#
#	boot-initrd.sh OUT [MIB]
#
# With MIB, a file of that many MiB of zeros lies beside it.  Not packed; the same input gives the
# same bytes.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

# shellcheck source=common.sh
source "$here/common.sh"

if (( $# < 1 || $# > 2 )) || [[ $1 == -* ]]; then
	printf 'usage: %s OUT [MIB]\n' "${0##*/}" >&2
	exit 2
fi
require cpio gcc
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/root"
gcc -O2 -static -nostdlib -ffreestanding -fno-stack-protector -fcf-protection=none -s \
	-o "$work/root/init" "$here/boot_init.c"
[[ -z ${2:-} ]] || head -c "$2M" /dev/zero >"$work/root/filler"
pack_tree "$work/root" >"$work/initrd"
mv "$work/initrd" "$1"
