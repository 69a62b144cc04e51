#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/lab/disk-images.sh - root file systems for Linux guests, and tools for disks in the lab.
#
#	disk-images.sh DIR
#
# DIR gets root.ext4, root.squashfs and root.parted, a disk with one ext4 partition whose PARTUUID
# is in root.partuuid.  Each has guest-init as /sbin/init, busybox, and guest-disks.sh as /disks; the ext4
# ones have fio.  DIR/tools is a tree with mkfs.ext4, e2fsck and dmsetup, their libraries under it
# where the loader looks for them.  Nothing here needs root.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly root_mib=24
readonly disk_signature=6d6f7465 # in the partition table; the PARTUUID is this and the number

# shellcheck source=common.sh
source "$here/common.sh"
# shellcheck source=programs.sh
source "$here/programs.sh"

# Of fio's libraries those that its jobs here need.  The others, for storage that is far away, would
# come with fifty more.
readonly fio_libraries='^lib(c|m|z|aio|numa)\.so'

# symbols OPTION FILE... - the names in the dynamic symbol tables, without versions.
symbols()
{
	nm -D "$@" | awk 'NF > 1 && $(NF - 1) != "w" { sub(/@.*/, "", $NF); print $NF }' |
		LC_ALL=C sort -u
}

# The source of a library that stands in for those that fio does not need here: each function ends
# the program.  It does so by a function of the C library, because the loader does not take a library
# without any versions for one that should have some.
stub_source()
{
	printf 'void abort(void);\n'
	sed 's/.*/void &(void) { abort(); }/'
}

add_fio()
{
	local root=$1 path library kept=() stubbed=()

	path=$(command -v fio)
	install -D -m 755 "$path" "$root/bin/fio"
	while read -r library; do
		if [[ ${library##*/} =~ $fio_libraries || ${library##*/} == ld-linux* ]]; then
			add_file "$root" "$library"
			kept+=("$library")
		fi
	done < <(libraries "$path")
	mapfile -t stubbed < <(readelf -dW "$path" |
		sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -vE "$fio_libraries")
	((${#stubbed[@]})) || return 0
	LC_ALL=C comm -23 <(symbols --undefined-only "$path") <(symbols --defined-only "${kept[@]}") |
		stub_source |
		gcc -x c -shared -fPIC -O1 -fno-builtin -nostdlib -o "$work/stub.so" - -lc
	for library in "${stubbed[@]}"; do
		install -D -m 755 "$work/stub.so" "$root/lib/x86_64-linux-gnu/$library"
	done
}

# root_tree DIR - what all root file systems have.
root_tree()
{
	busybox_tree "$1"
	install -m 755 "$here/guest-init" "$1/bin/init"
	install -m 755 "$here/guest-disks.sh" "$1/disks"
}

# Bytes from their value in hexadecimal, the lowest first.
little_endian()
{
	local hex=$1

	while [[ -n $hex ]]; do
		printf '%b' "\\x${hex: -2}"
		hex=${hex%??}
	done
}

# partition_table SECTORS_BEFORE SECTORS - a sector with one Linux partition (type 0x83), as
# PC/MS-DOS has it: signature at 440, first entry at 446, 55 AA at 510.
partition_table()
{
	head -c 440 /dev/zero
	little_endian "$disk_signature"
	head -c 2 /dev/zero
	little_endian fffffe00 # not active; no address by cylinder, head and sector
	little_endian 83
	little_endian fffffe
	little_endian "$(printf '%08x' "$1")"
	little_endian "$(printf '%08x' "$2")"
	head -c 48 /dev/zero
	little_endian aa55
}

# parted FILE_SYSTEM DISK - the file system as the only partition of a disk, 1 MiB into it.
parted()
{
	truncate -s 1M "$2"
	partition_table 2048 $((root_mib * 2048)) | dd of="$2" conv=notrunc status=none
	cat "$1" >>"$2"
}

make_all()
{
	local out=$1 name

	root_tree "$work/root"
	mksquashfs "$work/root" "$out/root.squashfs" -noappend -quiet -no-progress -all-root -comp gzip >/dev/null
	add_fio "$work/root"
	make_ext4 "$work/root" "$out/root.ext4" "$root_mib"
	parted "$out/root.ext4" "$out/root.parted"
	printf '%s-01\n' "$disk_signature" >"$out/root.partuuid"
	for name in mkfs.ext4 e2fsck dmsetup; do
		add_program "$out/tools" "$name"
	done
}

if (( $# != 1 )) || [[ $1 == -* ]]; then
	printf 'usage: %s DIR\n' "${0##*/}" >&2
	exit 2
fi
# Where file system tools live for ordinary users too.
PATH=$PATH:/usr/sbin:/sbin
require busybox comm dmsetup e2fsck fio gcc ldd mke2fs mksquashfs nm readelf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$1"
make_all "$1"
