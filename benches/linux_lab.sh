#!/bin/sh
# SPDX-License-Identifier: MIT
# benches/linux_lab.sh - the part of `bench linux` that runs in the lab, in the payload that linux.sh
# puts together.
#
#	linux_lab.sh ROUNDS SUBJECT...
#
# A subject is MONITOR:KERNEL or MONITOR:KERNEL:INITRD: what runs the guest, a path below kernels, and
# an initrd below initrds, `tiny` without one.  Each round runs every subject once, one after the
# other; a last one, which is not timed, counts exits.  Lines on standard output:
#
#	run SUBJECT FIRST EXIT STATUS		as linux_watch says it
#	stages SUBJECT KERNEL ENTRY END		of mote alone, from its launch trace: ns for the kernel
#						and the initrd, to the first entry, to the guest's end
#	exits SUBJECT ALL FAULTS PORTS CPUID MSRS
set -u

# shellcheck source=tests/lab/exits.sh
. ./exits.sh

words='console=ttyS0 quiet panic=-1 reboot=t'
memory_mib=256
work=$(mktemp -d)
qemu=/payload/tools/bin/qemu-system-x86_64

# Sets monitor, kernel and initrd.
look_up() {
	monitor=${1%%:*}
	kernel=${1#*:}
	case $kernel in
	*:*) initrd=/payload/initrds/${kernel#*:} ;;
	*)   initrd=/payload/initrds/tiny ;;
	esac
	kernel=/payload/kernels/${kernel%%:*}
}

write_config() {
	cat >"$work/config" <<JSON
{
  "boot-source": {"kernel_image_path": "$kernel", "initrd_path": "$initrd", "boot_args": "$words"},
  "machine-config": {"vcpu_count": 1, "mem_size_mib": $memory_mib},
  "mote": {"timeout_ms": 300000, "clean_outcomes": ["triple-fault"]}
}
JSON
}

# run SUBJECT : a line of linux_watch; what the monitor said is in $work/errors
run() {
	look_up "$1"
	# The last VM's namespaces are taken down beside whatever comes next.
	sleep 1
	case $monitor in
	mote)
		write_config
		/payload/linux_watch 'mote-guest: up' \
			/payload/mote run --result "$work/result" "$work/config" 2>"$work/errors"
		;;
	qemu)
		/payload/linux_watch 'mote-guest: up' "$qemu" \
			-machine microvm,x-option-roms=off,pit=off,pic=off,rtc=off,isa-serial=on \
			-accel kvm -cpu host -m "$memory_mib" -nodefaults -no-user-config -no-reboot \
			-display none -serial stdio -L /payload/tools/usr/share/qemu \
			-kernel "$kernel" -initrd "$initrd" -append "$words" 2>"$work/errors"
		;;
	esac
}

stages() {
	tr '{' '\n' <"$work/result" | sed -n 's/.*"stage":"\([a-z-]*\)","ns":\([0-9]*\).*/\1 \2/p' |
		awk '{ ns[$1] = $2 } END { printf "%d %d %d\n", ns["kernel"] - ns["memory"],
			ns["first-entry"] - ns["start"], ns["end"] - ns["first-entry"] }'
}

count_exits() {
	exits_begin
	run "$1" >/dev/null
	exits_end "$work"
	echo "exits $1 $(exits_sum "$work/kvm_exit") $(exits_sum "$work/kvm_exit" '$1 == 1024')" \
		"$(exits_sum "$work/kvm_pio") $(exits_sum "$work/kvm_exit" '$1 == 114')" \
		"$(exits_sum "$work/kvm_msr")"
}

rounds=$1
shift
ln -s /payload/tools/lib64 /lib64
ln -s /payload/tools/lib/* /lib
# From the page cache of the lab, not from the initramfs's first touch.
for subject in "$@"; do
	run "$subject" >/dev/null
done
while [ "$rounds" -gt 0 ]; do
	for subject in "$@"; do
		echo "run $subject $(run "$subject")"
		case $subject in
		mote:*) echo "stages $subject $(stages)" ;;
		esac
	done
	rounds=$((rounds - 1))
done
for subject in "$@"; do
	count_exits "$subject"
done
