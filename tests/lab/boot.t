#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lab/boot.t - the minimal kernel boots in no more exits than it needs.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly timeout_s=400

payload=$(mktemp -d)
trap 'rm -rf "$payload" "$payload.log"' EXIT

# step COMMAND... - its stdout; what else it says only if it fails.
step() {
	"$@" 2>"$payload.log" || {
		sed 's/^/# /' "$payload.log" >&2
		exit 1
	}
}

kernels=$(step "$here/../../guest-kernel-config/build-kernel.sh")
for variant in acpi no-acpi; do
	mkdir -p "$payload/kernels/$variant"
	cp "$kernels/$variant/vmlinux" "$payload/kernels/$variant"
done
step "$here/boot-initrd.sh" "$payload/initrd"
cp "$MOTE" "$payload/mote"
cp "$here/boot.sh" "$here/exits.sh" "$here/../vm/tap.sh" "$payload"

status=0
"$here/lab.sh" run --instructions --timeout "$timeout_s" --payload "$payload" boot.sh 2>"$payload.log" || status=$?
((status == 0)) || sed 's/^/# /' "$payload.log"
exit "$status"
