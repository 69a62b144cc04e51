#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lab/disks.t - Linux guests and their disks: roots, data, and errors of the host.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly timeout_s=900

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
lab=$(step "$here/lab.sh" prepare)
mkdir -p "$payload/kernels/acpi"
cp "$kernels/acpi/vmlinux" "$payload/kernels/acpi"
cp "$lab/cloud/vmlinuz" "$payload/kernels/debian"
step "$here/guest-initrd.sh" --modules "$lab/cloud/modules" "$payload/initrd"
step "$here/disk-images.sh" "$payload"
cp "$MOTE" "$payload/mote"
cp "$here/disks.sh" "$here/../vm/tap.sh" "$payload"

status=0
"$here/lab.sh" run --timeout "$timeout_s" --payload "$payload" disks.sh 2>"$payload.log" || status=$?
((status == 0)) || sed 's/^/# /' "$payload.log"
exit "$status"
