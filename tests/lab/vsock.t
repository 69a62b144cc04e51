#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lab/vsock.t - Linux guests and their vsock: both ways, many at once, in bulk, and broken off.
#
# What goes in bulk through one stream, each way, has MOTE_VSOCK_BULK_MIB, or 16.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly bulk_mib=${MOTE_VSOCK_BULK_MIB:-16}
readonly timeout_s=$((600 + 5 * bulk_mib))

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
mkdir -p "$payload/kernels/acpi" "$payload/kernels/no-acpi"
cp "$kernels/acpi/vmlinux" "$payload/kernels/acpi"
cp "$kernels/no-acpi/vmlinux" "$payload/kernels/no-acpi"
step "$here/vsock-images.sh" "$payload" "$MOTE_GUESTS/../lab/vsock_many"
cp "$MOTE" "$payload/mote"
cp "$here/vsock.sh" "$here"/../vm/{tap,as_user}.sh "$payload"

status=0
"$here/lab.sh" run --timeout "$timeout_s" --payload "$payload" vsock.sh "$bulk_mib" \
	2>"$payload.log" || status=$?
((status == 0)) || sed 's/^/# /' "$payload.log"
exit "$status"
