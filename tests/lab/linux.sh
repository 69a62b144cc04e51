#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/lab/linux.sh - Linux as a guest; runs inside the lab, in the payload that linux.t puts together.
#
# kernels/acpi and kernels/no-acpi hold vmlinux and bzImage of the minimal kernel, kernels/debian is
# Debian's cloud kernel, initrd the init of guest-init, which does what mote.do= says.
export MOTE=/payload/mote

# shellcheck source=tests/vm/tap.sh
. ./tap.sh

base='console=ttyS0 quiet panic=1'

# boot KERNEL CPUS WORDS [MOTE_KEYS [DRIVES]] : sets status, outcome; the console is in $tap_work/console
boot() {
	cat >"$tap_work/linux.json" <<EOF
{
  "boot-source": {
    "kernel_image_path": "/payload/kernels/$1",
    "initrd_path": "/payload/initrd",
    "boot_args": "$base mote.do=$3"
  },
  "machine-config": {"vcpu_count": $2, "mem_size_mib": 192},
  "drives": [${5:-}],
  "mote": {"timeout_ms": 120000${4:+, $4}}
}
EOF
	status=0
	"$MOTE" run --result "$tap_work/result" "$tap_work/linux.json" \
		>"$tap_work/console" 2>"$tap_work/errors" || status=$?
	outcome=$(sed -n 's/.*"outcome":"\([^"]*\)".*/\1/p' "$tap_work/result")
}

# boots TEXT CPUS OUTCOME STATUS : what boot() saw
boots() {
	is "$1: outcome and exit status" "$outcome $status" "$3 $4"
	check "$1: $2 CPUs" grep -q "^mote-guest: up cpus=$2" "$tap_work/console"
	if [ "$outcome $status" != "$3 $4" ] || ! grep -q "cpus=$2" "$tap_work/console"; then
		tail -n 40 "$tap_work/console" | sed 's/^/# /'
		sed 's/^/# /' "$tap_work/errors"
	fi
}

# The kernel without ACPI finds CPUs, IOAPIC and wiring in the MPTable.
for protocol in linux64 pvh; do
	for cpus in 1 4; do
		boot no-acpi/vmlinux "$cpus" initrd-check,reboot "\"boot_protocol\": \"$protocol\""
		boots "vmlinux, $protocol, no ACPI, $cpus vCPUs" "$cpus" reset 161
		check "vmlinux, $protocol, no ACPI, $cpus vCPUs: initrd whole" \
			grep -q 'initrd ok' "$tap_work/console"
	done
done
boot no-acpi/bzImage 1 initrd-check,reboot
boots 'bzImage, no ACPI, 1 vCPU' 1 reset 161
boot no-acpi/bzImage 4 initrd-check,reboot
boots 'bzImage, no ACPI, 4 vCPUs' 4 reset 161
check 'bzImage: initrd whole' grep -q 'initrd ok' "$tap_work/console"

boot acpi/vmlinux 1 initrd-check,poweroff '"boot_protocol": "linux64"'
boots 'vmlinux, linux64, ACPI, 1 vCPU' 1 power-off 160
boot acpi/vmlinux 4 poweroff '"boot_protocol": "pvh"'
boots 'vmlinux, pvh, ACPI, 4 vCPUs' 4 power-off 160
boot acpi/bzImage 4 poweroff
boots 'bzImage, ACPI, 4 vCPUs' 4 power-off 160
boot acpi/bzImage 1 reboot
boots 'bzImage, ACPI, reboot' 1 reset 161
make_disk "$tap_work/disk" 1
for kernel in acpi no-acpi; do
	boot "$kernel/vmlinux" 1 reboot '' "$(drive data "$tap_work/disk")"
	boots "a disk, $kernel" 1 reset 161
	is "a disk, $kernel: it is found once" "$(grep 'error -' "$tap_work/console")" ''
done
boot acpi/vmlinux 4 reboot '"acpi": false'
boots 'a kernel with ACPI and a machine without, 4 vCPUs' 4 reset 161

boot acpi/vmlinux 1 panic
boots 'panic, told through pvpanic' 1 panic 163
boot no-acpi/vmlinux 1 panic
boots 'panic without pvpanic: Linux resets, panic=1' 1 reset 161
boot no-acpi/vmlinux 1 exit:42
boots 'exit code from Linux user space' 1 exit 42
boot no-acpi/vmlinux 1 halt
boots 'halt' 1 halted 164

boot no-acpi/vmlinux 4 reboot '"irqchip": "kernel", "pit": true'
boots 'irqchip and PIT in the kernel, no ACPI, 4 vCPUs' 4 reset 161
boot acpi/vmlinux 4 poweroff '"irqchip": "kernel", "pit": true'
boots 'irqchip and PIT in the kernel, ACPI, 4 vCPUs' 4 power-off 160

printf 'to the guest\n' >"$tap_work/typed"
boot no-acpi/vmlinux 1 echo,reboot <"$tap_work/typed"
boots 'serial input' 1 reset 161
check 'serial input: it arrived' grep -q 'line \[to the guest\]' "$tap_work/console"

# Debian's own kernel, unmodified, to a shell prompt and out by its own command.
printf 'echo $((6 * 7)) from a shell\npoweroff -f\n' >"$tap_work/typed"
boot debian 2 shell <"$tap_work/typed"
boots 'Debian cloud kernel' 2 power-off 160
check 'Debian cloud kernel: a shell that answers' grep -q '^42 from a shell' "$tap_work/console"

done_testing
