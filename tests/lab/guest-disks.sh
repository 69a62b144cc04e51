#!/bin/sh
# SPDX-License-Identifier: MIT
#
# tests/lab/guest-disks.sh - what a Linux guest does with its disks; runs in the guest, as /disks.
#
#	/disks list			each disk, and what is mounted as the root
#	/disks load NAME		file system, fio, fstrim and sync on a disk
#	/disks file NAME		a file on a disk, which is then left clean
#	/disks keep NAME		a file that is on a disk after sync; then waits
#	/disks bad NAME			a disk with sectors in the middle that the host cannot read or write
#	/disks full NAME		a disk whose file the host cannot enlarge
#	/disks short NAME		a disk whose file the host cuts to half its size
#	/disks locked NAME		a disk that must not be written
#
# What it finds is on the console, in lines that start with `mote-guest: `.  A line with `waits`
# wants a line of input before the script goes on.

report()
{
	echo "mote-guest: $*"
}

# expect TEXT STATUS COMMAND... : STATUS is 0, or `fails`
expect()
{
	text=$1
	wanted=$2
	shift 2
	"$@" >/tmp/said 2>&1
	status=$?
	case $wanted,$status in
	0,0)           report "$text: ok" ;;
	fails,0)       report "$text: WRONG, it worked" ;;
	fails,[1-9]*)  report "$text: ok" ;;
	*)
		report "$text: WRONG, status $status"
		cat /tmp/said
		;;
	esac
}

wait_for_host()
{
	report "$1 waits"
	read -r _
}

list()
{
	for disk in /sys/block/vd*; do
		report "disk ${disk##*/} serial $(cat "$disk/serial") sectors $(cat "$disk/size")" \
			"read-only $(cat "$disk/ro")"
	done
	report "root $(awk '$2 == "/" { print $3, substr($4, 1, 2) }' /proc/mounts | tail -n 1)" \
		"by $(sed -n 's/.*\(root=[^ ]*\).*/\1/p' /proc/cmdline)"
}

# Several jobs at once, in depth and of all sizes; all data carries a checksum.
verify_jobs()
{
	cat <<'END'
[global]
verify=crc32c
verify_fatal=1
directory=/mnt
size=1m
randseed=3
[deep]
rw=randwrite
bs=4k
ioengine=libaio
iodepth=32
direct=1
[odd-sizes]
rw=randwrite
bsrange=512-64k
bs_unaligned=0
blockalign=512
ioengine=libaio
iodepth=8
direct=1
[stream]
rw=write
bs=64k
ioengine=psync
fsync=8
END
}

load()
{
	verify_jobs >/tmp/verify.fio
	mount -t ext4 "/dev/$1" /mnt || return
	expect 'fio writes' 0 fio --do_verify=0 /tmp/verify.fio
	umount /mnt
	mount -t ext4 "/dev/$1" /mnt || return
	expect 'fio verifies' 0 fio --verify_only /tmp/verify.fio
	sync
	wait_for_host written
	rm /mnt/*.0
	sync
	expect fstrim 0 fstrim /mnt
	expect umount 0 umount /mnt
}

file()
{
	mount -t ext4 "/dev/$1" /mnt || return
	seq 1 100000 >/mnt/file
	expect umount 0 umount /mnt
}

# What was synced must be there when the host's disk goes; what comes later need not.
keep()
{
	mount -t ext4 "/dev/$1" /mnt || return
	seq 1 100000 >/mnt/kept
	sync
	wait_for_host synced
	expect 'a disk that went away' fails dd if=/dev/zero of=/mnt/lost bs=64k count=16 conv=fsync
	umount /mnt
}

# copy TEXT STATUS ARG... : dd
copy()
{
	text=$1
	wanted=$2
	shift 2
	expect "$text" "$wanted" dd bs=64k "$@"
}

# 16 blocks that do not repeat
pattern()
{
	[ -e /tmp/pattern ] || seq 1 200000 | head -c 1048576 >/tmp/pattern
}

# same NAME BLOCK : whether the pattern is there
same()
{
	dd if="/dev/$1" bs=64k skip="$2" count=16 iflag=direct 2>/dev/null | cmp - /tmp/pattern
}

# A guest's page cache reports an error of earlier writes once more to whoever comes next.
flush()
{
	sync "/dev/$1" || sync "/dev/$1"
}

# 8 MiB that work, 8 that do not, 16 that work, in blocks of 64 KiB.
bad()
{
	pattern
	copy 'bad: write before' 0 if=/tmp/pattern of="/dev/$1" seek=64 conv=fsync
	copy 'bad: read across the border' fails if="/dev/$1" of=/dev/null skip=120 count=16 iflag=direct
	copy 'bad: read' fails if="/dev/$1" of=/dev/null skip=192 count=1 iflag=direct
	copy 'bad: write' fails if=/tmp/pattern of="/dev/$1" seek=160 conv=fsync
	copy 'bad: write behind' 0 if=/tmp/pattern of="/dev/$1" seek=300 oflag=direct
	expect 'bad: flush' 0 flush "$1"
	expect 'bad: data before' 0 same "$1" 64
	expect 'bad: data behind' 0 same "$1" 300
	expect 'bad: the kernel says so' 0 sh -c "dmesg | grep -q 'I/O error, dev $1'"
}

full()
{
	pattern
	copy 'full: first write' 0 if=/tmp/pattern of="/dev/$1" conv=fsync
	copy 'full: too much' fails if=/dev/zero of="/dev/$1" seek=16 conv=fsync
	copy 'full: again, past the page cache' fails if=/dev/zero of="/dev/$1" seek=16 oflag=direct
	copy 'full: write where space is' 0 if=/tmp/pattern of="/dev/$1" oflag=direct
	expect 'full: flush' 0 flush "$1"
	expect 'full: data' 0 same "$1" 0
	copy 'full: read of a hole' 0 if="/dev/$1" of=/dev/null skip=120 count=1 iflag=direct
}

# 8 MiB; the second half goes.
short()
{
	pattern
	copy 'short: write' 0 if=/tmp/pattern of="/dev/$1" conv=fsync
	copy 'short: write to the second half' 0 if=/tmp/pattern of="/dev/$1" seek=100 conv=fsync
	wait_for_host short
	copy 'short: read beyond' fails if="/dev/$1" of=/dev/null skip=100 count=16 iflag=direct
	copy 'short: read across the end' fails if="/dev/$1" of=/dev/null skip=60 count=8 iflag=direct
	expect 'short: data' 0 same "$1" 0
}

locked()
{
	copy 'locked: write' fails if=/dev/zero of="/dev/$1" count=1 conv=fsync
	copy 'locked: write past the page cache' fails if=/dev/zero of="/dev/$1" count=1 oflag=direct
}

"$@"
