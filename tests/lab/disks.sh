#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/lab/disks.sh - Linux and its disks; runs inside the lab, in the payload that disks.t puts together.
#
# root.* and tools come from disk-images.sh, kernels/acpi is the minimal kernel, kernels/debian
# Debian's cloud kernel, initrd guest-init with the drivers for the latter.  The guests' half is
# guest-disks.sh.
export MOTE=/payload/mote

# shellcheck source=tests/vm/tap.sh
. ./tap.sh

# busybox has a mke2fs and others of its own, so tools that it has too go by another name.
export PATH="/payload/tools/bin:$PATH" DM_DISABLE_UDEV=1
ln -s /payload/tools/lib64 /lib64
ln -s /payload/tools/lib/* /lib
for module in loop dm-mod ext4; do
	modprobe "$module"
done

patience_s=90
# How drives are served: the three engines, and mote's choice without the host's page cache.
engines='Sync Async auto direct'

# --- guests

# drive ID PATH ROOT READ_ONLY ENGINE [KEYS] : an element of `drives`
drive() {
	engine_key=
	[ "$5" = direct ] || engine_key=", \"io_engine\": \"$5\""
	echo "{\"drive_id\": \"$1\", \"path_on_host\": \"$2\", \"is_root_device\": $3, \"is_read_only\": $4," \
		"\"cache_type\": \"Writeback\"$engine_key${6:+, $6}}"
}

# bypass ENGINE ID... : the drives of the next guest that have no page cache, if this is the engine
bypass() {
	direct_io=
	[ "$1" = direct ] || return 0
	shift
	for id in "$@"; do
		direct_io="${direct_io:+$direct_io, }\"$id\""
	done
}

# start KERNEL CPUS WORDS DRIVES [INITRD] : the guest's console grows in $tap_work/console
start() {
	cat >"$tap_work/disks.json" <<END
{
  "boot-source": {
    "kernel_image_path": "/payload/kernels/$1",
    ${5:+\"initrd_path\": \"$5\",}
    "boot_args": "console=ttyS0 loglevel=1 panic=1 mote.do=$3"
  },
  "machine-config": {"vcpu_count": $2, "mem_size_mib": 192},
  "drives": [$4],
  "mote": {"timeout_ms": $((patience_s * 1000)), "direct_io": [$direct_io]}
}
END
	rm -f "$tap_work/typed"
	mkfifo "$tap_work/typed"
	: >"$tap_work/console"
	shown=no
	"$MOTE" run --result "$tap_work/result" "$tap_work/disks.json" \
		<>"$tap_work/typed" >"$tap_work/console" 2>"$tap_work/errors" &
	mote_pid=$!
}

# said PATTERN : whether the guest reported this
said() {
	tr -d '\r' <"$tap_work/console" | grep -q "^mote-guest: $1\$"
}

# when_waits WORD COMMAND... : runs it when the guest waits for that, then lets the guest go on
when_waits() {
	word=$1
	shift
	while ! said "$word waits" && grep -q '^State:	[^Z]' "/proc/$mote_pid/status"; do
		sleep 0.1
	done
	"$@"
	# Open for both, so that a mote that has ended already is nothing to wait for.
	echo 1<>"$tap_work/typed"
}

# Once for each guest, for whoever has to find out.
show() {
	[ "$shown" = no ] || return
	shown=yes
	tail -n 60 "$tap_work/console" | tr -d '\r' | sed 's/^/# /'
	sed 's/^/# /' "$tap_work/errors"
}

# ends TEXT : the guest powers off, mote is content, and nothing that was expected went wrong
ends() {
	status=0
	wait "$mote_pid" || status=$?
	outcome=$(sed -n 's/.*"outcome":"\([^"]*\)".*/\1/p' "$tap_work/result")
	is "$1: ends by power-off" "$outcome $status" 'power-off 160'
	is "$1: as expected in the guest" "$(grep -a -A 1 WRONG "$tap_work/console")" ''
	[ "$outcome $status" = 'power-off 160' ] || show
}

# told TEXT PATTERN... : the guest reported each
told() {
	text=$1
	missing=
	shift
	for pattern in "$@"; do
		said "$pattern" || missing="$missing [$pattern]"
	done
	is "$text" "$missing" ''
	[ -z "$missing" ] || show
}

# --- disks of the host

# sparse PATH SIZE : nothing but a hole
sparse() {
	rm -f "$1"
	truncate -s "$2" "$1"
}

# ext4 PATH SIZE
ext4() {
	sparse "$1" "$2"
	mkfs.ext4 -q -J size=4 "$1"
}

blocks() {
	stat -c %b "$1"
}

is_clean() {
	check "$1" sh -c "e2fsck -fn '$2' >$tap_work/e2fsck 2>&1 || { sed 's/^/# /' $tap_work/e2fsck; false; }"
}

# attach FILE : prints the loop device
attach() {
	losetup -f "$1" && losetup -a | sed -n "s|^\(/dev/loop[0-9]*\):.* $1\$|\1|p"
}

# Drives live on a disk file system, and nothing of them is in the page cache: so that all ways
# through an engine are taken.
mkdir -p /tmp/host /tmp/full /tmp/look
sparse "$tap_work/host" 512M
mkfs.ext4 -q -E lazy_itable_init=1,lazy_journal_init=1 "$tap_work/host"
mount -o loop "$tap_work/host" /tmp/host
cp root.ext4 root.parted root.squashfs /tmp/host

forget_caches() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

# --- disks that work

# A disk that cut_off() takes away, with all that has not been written to it by then.
make_cut() {
	ext4 "$tap_work/cut" 32M
	cut_loop=$(attach "$tap_work/cut")
	dmsetup create cut --table "0 65536 linear $cut_loop 0"
}

cut_off() {
	dmsetup suspend --noflush --nolockfs cut
	dmsetup reload cut --table '0 65536 error'
	dmsetup resume cut
}

# kept TEXT : what the guest had synced before the disk went
kept() {
	dmsetup remove cut
	mount -t ext4 "$cut_loop" /tmp/look
	check "$1" sh -c 'seq 1 100000 | cmp -s - /tmp/look/kept'
	umount /tmp/look
	losetup -d "$cut_loop"
}

# measure FILE : what it takes of the disk, with all that is still on its way
measure() {
	sync
	full_blocks=$(blocks "$1")
}

# load ENGINE CPUS
load() {
	name="$1, $2 vCPUs"
	data=/tmp/host/data
	ext4 "$data" 32M
	make_cut
	forget_caches
	bypass "$1" data cut
	start acpi/vmlinux "$2" run:/disks:load:vdb,run:/disks:keep:vdc \
		"$(drive data "$data" false false "$1"), $(drive system /tmp/host/root.ext4 true false "$1"),
		$(drive cut /dev/mapper/cut false false "$1")"
	full_blocks=0
	when_waits written measure "$data"
	when_waits synced cut_off
	ends "$name"
	told "$name: fio, fstrim, sync, umount" "up cpus=$2" 'fio writes: ok' 'fio verifies: ok' \
		'fstrim: ok' 'umount: ok'
	sync
	check "$name: fstrim gives the host its space back" \
		[ "$(blocks "$data")" -lt "$((full_blocks - 5 * 1024))" ]
	is_clean "$name: the second disk is clean" "$data"
	is_clean "$name: the root is clean" /tmp/host/root.ext4
	told "$name: a disk that goes away" 'a disk that went away: ok'
	kept "$name: what was synced before is there without the host's page cache"
}

for engine in $engines; do
	load "$engine" 1
	[ "$engine" = direct ] || load "$engine" 4
done
direct_io=

# The root, written second, is the first disk.
ext4 /tmp/host/data 32M
start acpi/vmlinux 1 run:/disks:list \
	"$(drive data /tmp/host/data false false auto), $(drive system /tmp/host/root.ext4 true false auto)"
ends 'two drives'
told 'two drives: the root is the first disk' 'disk vda serial system sectors 49152 read-only 0' \
	'disk vdb serial data sectors 65536 read-only 0' 'root ext4 rw by root=/dev/vda'

# partuuid of a partition, and a root that nobody may write.
start acpi/vmlinux 1 run:/disks:list \
	"$(drive parted /tmp/host/root.parted true false auto "\"partuuid\": \"$(cat root.partuuid)\"")"
ends partuuid
told 'partuuid: the partition is the root' "root ext4 rw by root=PARTUUID=$(cat root.partuuid)"

sum=$(sha256sum <root.squashfs)
ext4 /tmp/host/data 32M
start acpi/vmlinux 1 run:/disks:list,run:/disks:locked:vda,run:/disks:file:vdb \
	"$(drive system /tmp/host/root.squashfs true true auto), $(drive data /tmp/host/data false false auto)"
ends squashfs
told 'squashfs: read-only root, writable second disk' 'disk vda .* read-only 1' \
	'disk vdb .* read-only 0' 'root squashfs ro by root=/dev/vda' 'locked: write: ok' \
	'locked: write past the page cache: ok' 'umount: ok'
is 'squashfs: not a byte of the root has changed' "$(sha256sum </tmp/host/root.squashfs)" "$sum"
is_clean 'squashfs: the second disk is clean' /tmp/host/data
mount -o loop,ro /tmp/host/data /tmp/look
check 'squashfs: the host finds the file that the guest wrote' \
	sh -c 'seq 1 100000 | cmp -s - /tmp/look/file'
umount /tmp/look

ext4 /tmp/host/data 32M
start debian 1 root:vda,run:/disks:list,run:/disks:file:vdb \
	"$(drive system /tmp/host/root.ext4 true false auto), $(drive data /tmp/host/data false false auto)" \
	/payload/initrd
ends 'Debian cloud kernel'
told 'Debian cloud kernel: ext4 root and a second disk' 'root ext4 rw by root=/dev/vda' \
	'disk vda serial system .*' 'disk vdb serial data .*' 'umount: ok'
is_clean 'Debian cloud kernel: the root is clean' /tmp/host/root.ext4
is_clean 'Debian cloud kernel: the second disk is clean' /tmp/host/data

# --- disks that fail

# Sectors 16384 to 32767 of 65536 can be neither read nor written.
make_bad() {
	sparse "$tap_work/bad" 32M
	bad_loop=$(attach "$tap_work/bad")
	dmsetup create bad <<END
0 16384 linear $bad_loop 0
16384 16384 error
32768 32768 linear $bad_loop 32768
END
}

# A file of 8 MiB in a file system of half the size.
make_full() {
	sparse "$tap_work/small" 4M
	mkfs.ext4 -q -O ^has_journal "$tap_work/small"
	mount -o loop "$tap_work/small" /tmp/full
	sparse /tmp/full/disk 8M
}

remove_failing() {
	umount /tmp/full
	dmsetup remove bad
	losetup -d "$bad_loop"
}

fails() {
	name="host errors, $1"
	make_bad
	make_full
	sparse "$tap_work/short" 8M
	bypass "$1" bad full
	start acpi/vmlinux 1 run:/disks:bad:vdb,run:/disks:full:vdc,run:/disks:short:vdd,run:/disks:list \
		"$(drive system /tmp/host/root.ext4 true false "$1"), $(drive bad /dev/mapper/bad false false "$1"),
		$(drive full /tmp/full/disk false false "$1"), $(drive short "$tap_work/short" false false "$1")"
	when_waits short truncate -s 4M "$tap_work/short"
	ends "$name"
	told "$name: sectors that fail" 'bad: write before: ok' 'bad: read across the border: ok' \
		'bad: read: ok' 'bad: write: ok' 'bad: write behind: ok' 'bad: flush: ok' 'bad: data before: ok' \
		'bad: data behind: ok' 'bad: the kernel says so: ok'
	told "$name: a full file system" 'full: first write: ok' 'full: too much: ok' \
		'full: again, past the page cache: ok' 'full: write where space is: ok' 'full: flush: ok' \
		'full: data: ok' 'full: read of a hole: ok'
	told "$name: a file that became shorter" 'short: read beyond: ok' \
		'short: read across the end: ok' 'short: data: ok'
	told "$name: the guest goes on" 'root ext4 rw by .*'
	for disk in bad full short; do
		check "$name: a line about the drive $disk" \
			grep -q "drive $disk: .* the guest sees an I/O error" "$tap_work/errors"
	done
	check "$name: and few lines in all" [ "$(wc -l <"$tap_work/errors")" -le 20 ]
	remove_failing
	is_clean "$name: the root is clean" /tmp/host/root.ext4
}

for engine in $engines; do
	fails "$engine"
done

done_testing
