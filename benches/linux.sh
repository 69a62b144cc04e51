#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# benches/linux.sh - Linux's boot to its first program, under mote and under QEMU microvm, with the same
# kernel and initrd.
#
#	linux.sh --mote FILE --watch FILE [--quick] [--json FILE]
#
# Runs in the lab, where the clock counts instructions: of the guest, of the monitor, and of the
# host's kernel, together.  What hardware does in no instruction, such as the way out of a guest, is
# not in it; exits are therefore counted as well.  kvmtool is not measured: Debian 12 has no such
# package.

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly top
readonly lab=$top/tests/lab
readonly filler_mib=16
readonly quick_subjects=(mote:no-acpi/vmlinux mote:acpi/vmlinux qemu:acpi/vmlinux)
readonly more_subjects=(mote:acpi/bzImage qemu:acpi/bzImage mote:acpi/vmlinux:large
	qemu:acpi/vmlinux:large mote:debian qemu:debian)

# shellcheck source=tests/lab/common.sh
source "$lab/common.sh"
# shellcheck source=tests/lab/programs.sh
source "$lab/programs.sh"

usage()
{
	printf 'usage: ./build.sh bench linux [--quick] [--json FILE]\n' >&2
	exit 2
}

make_payload()
{
	local kernels variant name

	kernels=$("$top/guest-kernel-config/build-kernel.sh")
	for variant in acpi no-acpi; do
		mkdir -p "$payload/kernels/$variant"
		cp "$kernels/$variant"/{vmlinux,bzImage} "$payload/kernels/$variant"
	done
	cp "$("$lab/lab.sh" prepare)/cloud/vmlinuz" "$payload/kernels/debian"
	mkdir "$payload/initrds"
	"$lab/boot-initrd.sh" "$payload/initrds/tiny"
	"$lab/boot-initrd.sh" "$payload/initrds/large" "$filler_mib"
	add_program "$payload/tools" qemu-system-x86_64
	for name in qboot.rom bios-microvm.bin pvh.bin; do
		install -D -m 644 "/usr/share/qemu/$name" "$payload/tools/usr/share/qemu/$name"
	done
	cp "$mote" "$payload/mote"
	cp "$watch" "$payload/linux_watch"
	cp "$top/benches/linux_lab.sh" "$lab/exits.sh" "$payload"
	chmod +x "$payload/linux_lab.sh"
}

# Lines of linux_lab.sh to lines "METRIC SUBJECT UNIT VALUE".
values()
{
	awk '
	$1 == "run" && ($3 == 0 || $5 != 0) { print "linux: " $2 " failed: " $0 >"/dev/stderr"; next }
	$1 == "run" { print "first-line", $2, "instructions", $3; print "reaped", $2, "instructions", $4 }
	$1 == "stages" {
		print "kernel-in-place", $2, "instructions", $3
		print "first-entry", $2, "instructions", $4
		print "guest", $2, "instructions", $5
	}
	$1 == "exits" {
		count = split("all faults ports cpuid msrs", name)
		for (i = 1; i <= count; i++)
			print "exits-" name[i], $2, "exits", $(i + 2)
	}' "$1"
}

# The results as benches/report.h has them.
results()
{
	values "$1" | jq -Rn '
	def at($q): sort | .[((length - 1) * $q | round)];
	[inputs | split(" ") | {metric: .[0], subject: .[1], unit: .[2], value: (.[3] | tonumber)}]
	| group_by([.metric, .subject])
	| map({metric: .[0].metric, subject: .[0].subject, unit: .[0].unit} + (map(.value)
		| {n: length, min: min, median: at(0.5), p90: at(0.9), p99: at(0.99), max: max}))'
}

table()
{
	jq -r '
	def median($metric): map(select(.metric == $metric) | .median) | first;
	def millions: if . == null then "-" else . / 100000 | round / 10 end;
	"subject\tfirst line\treaped\tof it guest\tkernel\texits\tpage faults\tports\tCPUID\tMSRs",
	(group_by(.subject)[] | [.[0].subject,
		(median("first-line") | millions), (median("reaped") | millions),
		(median("guest") | millions), (median("kernel-in-place") | millions),
		(["all", "faults", "ports", "cpuid", "msrs"][] as $name | median("exits-" + $name))]
		| map(. // "-") | @tsv)' <<<"$1" | column -t -s $'\t'
	printf 'instructions in millions; exits of one run\n'
}

environment()
{
	jq -n --arg date "$(date -u +%FT%TZ)" --arg kernel "$(uname -r)" \
		'{date: $date, kernel: $kernel, lab: "QEMU TCG, one CPU, Debian 12 kernel, a nanosecond an instruction"}'
}

main()
{
	local subjects=("${quick_subjects[@]}" "${more_subjects[@]}") rounds=5 json='' found

	while (( $# )); do
		case $1 in
		--mote | --watch | --json) (( $# > 1 )) || usage ;;&
		--mote)  mote=$2; shift ;;
		--watch) watch=$2; shift ;;
		--json)  json=$2; shift ;;
		--quick) subjects=("${quick_subjects[@]}"); rounds=3 ;;
		*)       usage ;;
		esac
		shift
	done
	[[ -n $mote && -n $watch ]] || usage
	require awk column cpio gcc jq ldd qemu-system-x86_64
	payload=$(mktemp -d)
	trap 'rm -rf "$payload" "$payload.out"' EXIT
	make_payload
	say "${subjects[*]}: $rounds rounds in the lab"
	"$lab/lab.sh" run --instructions --timeout 3600 --memory 3072 --payload "$payload" \
		linux_lab.sh "$rounds" "${subjects[@]}" | tee "$payload.out" >&2
	found=$(results "$payload.out")
	table "$found"
	[[ -z $json ]] || environment |
		jq --argjson results "$found" '{environment: ., results: $results}' >"$json"
}

mote='' watch='' payload=''
main "$@"
