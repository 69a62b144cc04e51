#!/usr/bin/env bats
# SPDX-License-Identifier: MIT
# tests/cli/benches.bats - what the benchmarks make of their command lines and of each other's results.
#
# Guests run in the shortest benchmark of each kind only, which needs KVM.

bats_require_minimum_version 1.5.0

setup() {
	top=$(realpath "$BATS_TEST_DIRNAME/../..")
	benches=$(realpath "${MOTE_BENCHES:-$top/build/release/benches}")
	floor=$(realpath "${MOTE_FLOOR:-$top/build/ship/benches/floor}")
	mote=$(realpath "${MOTE:-$top/build/release/monitor/mote}")
	guests=$(realpath "${MOTE_GUESTS:-$top/build/release/tests/guests}")
	cd "$BATS_TEST_TMPDIR"
}

need_kvm() {
	[[ ${MOTE_KVM:-} != none ]] && "$top/tests/vm/kvm_works.sh" "$mote" || skip "no usable /dev/kvm"
}

# with_own_run COMMAND...: for root /run is an empty one, and has to be as empty afterwards.
with_own_run() {
	if ((EUID != 0)); then
		"$@"
		return
	fi
	unshare -m bash -c 'mount -t tmpfs none /run && "$@" && [[ -z $(ls -A /run) ]]' - "$@"
}

# has FILE METRIC SUBJECT [FILTER]: the result file has such a result.
has() {
	jq -e --arg metric "$2" --arg subject "$3" \
		".results[] | select(.metric == \$metric and .subject == \$subject) | ${4:-true}" "$1" >/dev/null || {
		echo "$1 has no $2 of $3 with ${4:-anything}" >&2
		return 1
	}
}

# result METRIC SUBJECT FIRST COUNT [MORE]: samples FIRST, FIRST + 1 and so on.
result() {
	jq -nc --arg metric "$1" --arg subject "$2" --argjson first "$3" --argjson count "$4" \
		"[range(\$count) + \$first] | {metric: \$metric, subject: \$subject, unit: \"us\", n: length,
			min: min, median: (add / length), p90: max, p99: max, max: max, samples: .}${5:+ + $5}"
}

# file NAME CPUS: a result file of the results on standard input.
file() {
	jq -s --argjson cpus "$2" '{environment: {date: "2026-01-01T00:00:00Z", kernel: "6.1", cpu: "fast",
		cpus: $cpus, load: 0.5}, results: .}' >"$1"
}

row() {
	grep -E "^$1 +$2 " <<<"$output" || {
		echo "no row of $1, $2 in: $output" >&2
		return 1
	}
}

@test "compare: a change beyond noise, and one that is not" {
	{ result a mote 100 20; result b mote 100 20; } | file left 2
	{ result a mote 110 20; result b mote 101 20; } | file right 2
	run -0 "$benches/bench_compare" left right
	[[ $(row a mote) == *" 109.50 "*" 119.50 "*"+9.1%"*real ]]
	[[ $(row b mote) == *"+0.9%"*noise ]]
	[[ $output != *different* ]]
}

@test "compare: a slower machine is no slower mote" {
	{ result a floor 100 20; result a mote 150 20 '{ratio: {floor: 1.5}, p99_of_ratio: {floor: 1.6}}'; } |
		file left 2
	{ result a floor 200 20; result a mote 301 20 '{ratio: {floor: 1.5}, p99_of_ratio: {floor: 1.6}}'; } |
		file right 2
	run -0 "$benches/bench_compare" left right
	[[ $(row a mote) == *real ]]
	[[ $(row a mote/floor) == *"+0.0%"* ]]
}

@test "compare: where the ratio has changed as well" {
	{ result a floor 100 20; result a mote 150 20 '{ratio: {floor: 1.5}, p99_of_ratio: {floor: 1.6}}'; } |
		file left 2
	{ result a floor 100 20; result a mote 120 20 '{ratio: {floor: 1.2}, p99_of_ratio: {floor: 1.3}}'; } |
		file right 2
	run -0 "$benches/bench_compare" left right
	[[ $(row a floor) == *noise ]]
	[[ $(row a mote/floor) == *"-20.0%"*real ]]
}

@test "compare: points of a curve meet their like, and what is alone is named" {
	{
		result a mote 100 20 '{x: {name: "live VMs", value: 10}}'
		result a mote 900 20 '{x: {name: "live VMs", value: 20}}'
		result old mote 1 1
	} | file left 2
	{
		result a mote 910 20 '{x: {name: "live VMs", value: 20}}'
		result new mote 1 1
	} | file right 4
	run -0 "$benches/bench_compare" left right
	[[ $(row 'a, live VMs 20' mote) == *"+1.1%"* ]]
	[[ $output == *"different cpus: A 2, B 4"* ]]
	[[ $output == *"only in A: a, live VMs 10, mote"* ]]
	[[ $output == *"only in A: old, mote"* ]]
	[[ $output == *"only in B: new, mote"* ]]
}

@test "compare: what is no result file is refused" {
	echo '{}' >empty
	run -1 "$benches/bench_compare" empty empty
	[[ $output == *"empty: no environment: not a result file" ]]
	run -1 "$benches/bench_compare" empty
	[[ $output == *"usage:"* ]]
}

@test "plot: a picture of each kind, in both formats" {
	command -v gnuplot >/dev/null || skip "gnuplot is not installed"
	{
		result startup.reaped mote 100 20 '{stages: [{name: "start", us: 10}, {name: "end", us: 90}]}'
		result startup.reaped floor 50 20
		result density.pss mote 300 3 '{x: {name: "live VMs", value: 10}}'
		result density.pss mote 310 3 '{x: {name: "live VMs", value: 20}}'
	} | file results 2
	run -0 "$top/benches/plot.sh" plots results
	local name
	for name in cdf-startup.reaped stages-mote scaling-density.pss; do
		grep -q '<svg' "plots/$name.svg"
		[[ $(head -c 4 "plots/$name.png" | tail -c 3) == PNG ]]
	done
	[[ $(find plots -type f | wc -l) -eq 6 ]]
}

@test "benchmarks say what is wrong with a command line" {
	run -1 "$benches/bench_startup" --pairs 0
	[[ $output == *"--pairs is a number from 1 to 10000"*"usage: bench_startup --floor FILE"* ]]
	run -1 "$benches/bench_parallel" --mote /bin/true
	[[ $output == *"--floor is missing"* ]]
}

# peer NAME: a program of that name which behaves like a monitor, as what comes on standard input.
peer() {
	mkdir -p peers
	{ echo '#!/bin/sh'; cat; } >"peers/$1"
	chmod +x "peers/$1"
}

@test "startup: mote, the floor and peers, those that cannot named" {
	need_kvm
	peer firecracker <<-'END'
		echo "a banner of its own"
		printf 'hello from a mote unikernel\nclock 1000 2000 3000\n'
	END
	peer cloud-hypervisor <<-'END'
		echo "it does not like this host" >&2
		echo "for several reasons" >&2
		exit 1
	END
	peer qemu-system-x86_64 <<-'END'
		echo "no KVM here" >&2
		exit 1
	END
	peer lkvm <<-'END'
		echo "something else"
	END
	mkdir workspaces
	PATH="$PWD/peers:$PATH" TMPDIR="$PWD/workspaces" run -0 with_own_run "$benches/bench_startup" --mote "$mote" --floor "$floor" \
		--guest "$guests/hello.elf" --clock-guest "$guests/start_clock.elf" \
		--pairs 2 --peer-period 2 --json startup.json
	[[ $output == *"cloud-hypervisor: skipped, it does not like this host"* ]]
	[[ $output == *"qemu-microvm: skipped, no KVM here"* ]]
	[[ $output == *"kvmtool: skipped, something else"* ]]
	has startup.json startup.reaped floor '.samples | length == 2'
	has startup.json startup.reaped mote '.ratio.floor > 0 and (.stages | length > 10)'
	has startup.json startup.main mote '.n == 1'
	has startup.json startup.first_output firecracker '.n == 1 and .ratio.mote > 0'
	has startup.json startup.main firecracker
	run ! has startup.json startup.reaped kvmtool
	rmdir workspaces
	if ((EUID == 0)); then
		has startup.json startup.reaped floor+kept '.ratio.floor > 0'
		has startup.json startup.reaped mote '.ratio["floor+kept"] > 0 and .ratio_of_p99.floor > 0'
		has startup.json startup.reaped mote+cold '.ratio | has("floor+kept") | not'
		has startup.json startup.reaped mote+prepared+devices
	fi
}

@test "startup: a signal leaves no workspace" {
	need_kvm
	mkdir workspaces
	TMPDIR="$PWD/workspaces" "$benches/bench_startup" --mote "$mote" --floor "$floor" \
		--guest "$guests/hello.elf" --no-peers --pairs 10000 >log 2>&1 &
	for ((i = 0; i < 100; i++)); do
		grep -q rounds log && break
		sleep 0.1
	done
	[[ -n $(ls -A workspaces) ]]
	kill -TERM $!
	wait $! || status=$?
	[[ $status -eq 143 ]]
	rmdir workspaces
}

@test "profile: what launches used" {
	need_kvm
	run -0 "$benches/bench_profile" --mote "$mote" --floor "$floor" \
		--guest "$guests/hello.elf" --launches 2 --sampled 1 --json profile.json
	has profile.json profile.processor mote '.mean > 0'
	[[ $output != *"left out"* ]] || return 0
	has profile.json profile.guest_exits floor '.median > 0'
	# What an earlier start has kept nobody asks for.
	has profile.json profile.calls floor '.by_task.floor | has("KVM_GET_SUPPORTED_CPUID")'
	((EUID != 0)) ||
		has profile.json profile.calls mote '[.by_task[] | has("KVM_GET_SUPPORTED_CPUID")] | any | not'
}

@test "parallel: starts at once" {
	need_kvm
	run -0 "$benches/bench_parallel" --mote "$mote" --floor "$floor" \
		--guest "$guests/hello.elf" --starts 4 --rounds 1 --json parallel.json
	has parallel.json parallel.reaped mote '.n == 4'
}

@test "block: one load, without peers" {
	need_kvm
	run -0 with_own_run "$benches/bench_block" --mote "$mote" --guest "$guests/block_bench.elf" --qemu none --fio none \
		--directory "$PWD" --rounds 1 --run-ms 50 --only "4k random read, cached" --json block.json
	[[ $output == *"fio: skipped"* ]]
	[[ $(jq '.results | length' block.json) -gt 0 ]]
}

@test "net: round trips, without peers" {
	need_kvm
	((EUID == 0)) || skip "only root can make a tap"
	run -0 "$benches/bench_net" --mote "$mote" --guest "$guests/net_bench.elf" --qemu none \
		--rounds 1 --run-ms 100 --only rtt --json net.json
	[[ $output == *"qemu-microvm: skipped"* ]]
	has net.json net.rtt_us mote
}
