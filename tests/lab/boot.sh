#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/lab/boot.sh - what the boot of the minimal kernel costs, in exits; runs inside the lab, in the
# payload that boot.t puts together.
#
# Counts, not times; they differ by a percent from run to run.  The lab's clock counts instructions, so
# that timers interrupt no more often than on a machine of a usual speed.
export MOTE=/payload/mote

# shellcheck source=tests/vm/tap.sh
. ./tap.sh
# shellcheck source=tests/lab/exits.sh
. ./exits.sh

# boot KERNEL : sets status; the console is in $tap_work/console, the exits are beside it
boot() {
	cat >"$tap_work/boot.json" <<JSON
{
  "boot-source": {
    "kernel_image_path": "/payload/kernels/$1/vmlinux",
    "initrd_path": "/payload/initrd",
    "boot_args": "console=ttyS0 quiet panic=-1"
  },
  "machine-config": {"vcpu_count": 1, "mem_size_mib": 128},
  "mote": {"timeout_ms": 120000}
}
JSON
	status=0
	exits_begin
	"$MOTE" run --result "$tap_work/result" "$tap_work/boot.json" \
		</dev/null >"$tap_work/console" 2>"$tap_work/errors" || status=$?
	exits_end "$tap_work"
	sed -n 's/.*"mmio_exits":\([0-9]*\).*/mmio \1/p' "$tap_work/result" >"$tap_work/mmio"
}

# at_most TEXT MOST FILE [CONDITION] : and at least one, since nothing at all was not counted
at_most() {
	boot_count=$(exits_sum "$tap_work/$3" "${4:-1}")
	if [ "$boot_count" -gt 0 ] && [ "$boot_count" -le "$2" ]; then
		pass "$kernel: $1: at most $2 ($boot_count)"
	else
		fail "$kernel: $1: at most $2 ($boot_count)"
	fi
}

# ports : those that were asked, but for the serial port's; r or w, and how often
ports() {
	awk '$1 < 1016 || $1 > 1023 { printf "%s%x:%s%d", sep, $1, $2 ? "w" : "r", $3; sep = " " }' \
		"$tap_work/pio.sorted"
}

# No keyboard controller but for the reset at the end, no read of the PIT, no clock chip, no PIC but
# for the question whether there is one.  The kernel with ACPI asks for PCI's registers three times though
# it was told that there are none, and asks pvpanic what it can.
wanted_ports() {
	case $kernel in
	no-acpi) echo '21:r1 21:w1 40:w2 43:w2 64:r1 64:w1 a1:w1' ;;
	acpi)    echo '64:w1 505:r1 cf8:w3 cfc:r3' ;;
	esac
}

# What each bound is made of:
#   page faults    a page that the guest touches for the first time is one, a page of a mapped file that
#                  it writes to two or three; so is each access to the IOAPIC.  Without noreplace-smp,
#                  with one CPU, 1490 more: Linux overwrites 5000 lock prefixes in half of its pages.
#                  Without percpu_alloc=page 470 more: 2 MiB of zeros for one CPU's variables.
#   device pages   the IOAPIC, 21 accesses for each of its 16 pins
#   ports          the serial port: its driver makes sure what it is, then asks and writes for each letter;
#                  with ACPI there is a line more, that PCI is missing, which `quiet` lets through
#   CPUID          the kernel alone: no program of the C library has run
#   MSRs           the local APIC, kvmclock, features, and a few ticks
for kernel in no-acpi acpi; do
	boot "$kernel"
	is "$kernel: the guest's end" "$status" 161
	check "$kernel: its init spoke" grep -q '^mote-guest: up' "$tap_work/console"
	sort -n "$tap_work/kvm_pio" >"$tap_work/pio.sorted"
	at_most 'exits' 4840 kvm_exit
	at_most 'nested page faults' 4040 kvm_exit '$1 == 1024'
	at_most 'accesses to device pages' 360 mmio
	at_most 'accesses to ports' 300 kvm_pio
	at_most 'CPUID' 210 kvm_exit '$1 == 114'
	at_most 'accesses to MSRs' 145 kvm_msr
	is "$kernel: ports but the serial one" "$(ports)" "$(wanted_ports)"
done

done_testing
