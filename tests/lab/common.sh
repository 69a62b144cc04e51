# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# tests/lab/common.sh - what lab.sh and guest-initrd.sh share.  Sourced, never run.

say()
{
	printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2
}

# require COMMAND... - name every command that is missing, then fail.
require()
{
	local name missing=()

	for name in "$@"; do
		command -v "$name" >/dev/null || missing+=("$name")
	done
	(( ${#missing[@]} == 0 )) && return
	say "missing commands: ${missing[*]} (./build.sh deps installs them)"
	return 1
}

# The path of a busybox that runs where there is no C library.
static_busybox()
{
	local path

	path=$(command -v busybox)
	if LC_ALL=C readelf -lW "$path" | grep -q ' INTERP '; then
		say "$path is not static: install busybox-static"
		return 1
	fi
	printf '%s\n' "$path"
}

# busybox_tree DIR - a root file system of busybox and empty directories.
busybox_tree()
{
	local root=$1 busybox applet

	busybox=$(static_busybox)
	mkdir -p "$root"/{bin,dev,etc,lib,mnt,proc,root,run,sys,tmp}
	ln -s bin "$root/sbin"
	mkdir "$root/usr"
	ln -s ../bin "$root/usr/bin"
	ln -s ../bin "$root/usr/sbin"
	install -m 755 "$busybox" "$root/bin/busybox"
	for applet in $("$busybox" --list); do
		[[ $applet == busybox ]] || ln -sf busybox "$root/bin/$applet"
	done
	printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n' >"$root/etc/passwd"
	printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
}

# pack_tree DIR - DIR as a cpio archive on stdout; the same tree gives the same bytes.
pack_tree()
{
	(cd "$1" && find . -exec touch -h -d @0 {} + && find . -print0 | LC_ALL=C sort -z |
		cpio --quiet --null --reproducible -R 0:0 -o -H newc)
}
