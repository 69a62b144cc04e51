# shellcheck shell=sh
# SPDX-License-Identifier: MIT
# tests/lab/exits.sh - why guests left their mode, counted by the lab's KVM; sourced in the lab.
#
#	exits_begin
#	... guests run, and end ...
#	exits_end DIR
#
# The histograms of KVM's trace events (Linux, Documentation/trace/histogram.rst) become files in DIR,
# a line for each key, numbers in decimal, the count last:
#
#	kvm_exit	EXITCODE COUNT		AMD's exit codes, as the lab's processor has AMD-V
#	kvm_pio		PORT WRITE COUNT
#	kvm_msr		MSR WRITE COUNT
#
# exits_sum FILE [CONDITION] adds the counts up, of those lines for which awk's CONDITION holds.

exits_tracing=/sys/kernel/tracing

# What each histogram is keyed by.
exits_keys() {
	case $1 in
	kvm_exit) echo exit_reason ;;
	kvm_pio)  echo port,rw ;;
	kvm_msr)  echo ecx,write ;;
	esac
}

exits_begin() {
	[ -d "$exits_tracing/events" ] || mount -t tracefs tracefs "$exits_tracing"
	for exits_event in kvm_exit kvm_pio kvm_msr; do
		echo "hist:keys=$(exits_keys "$exits_event")" \
			>"$exits_tracing/events/kvm/$exits_event/trigger"
	done
}

exits_end() {
	for exits_event in kvm_exit kvm_pio kvm_msr; do
		awk '/^\{/ { gsub(/[a-z_]+:|[{},]/, " "); $1 = $1; print }' \
			"$exits_tracing/events/kvm/$exits_event/hist" >"$1/$exits_event"
		echo "!hist:keys=$(exits_keys "$exits_event")" \
			>"$exits_tracing/events/kvm/$exits_event/trigger"
	done
}

exits_sum() {
	awk "${2:-1} { sum += \$NF } END { print sum + 0 }" "$1"
}
