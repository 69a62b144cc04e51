#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lab/network.t - Linux guests and their networks: taps, a bridge, a bond, passt.
#
# The file that goes by HTTP has MOTE_NET_FILE_MIB, or 64: a gigabyte takes the emulated CPU a
# quarter of an hour.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly file_mib=${MOTE_NET_FILE_MIB:-64}
readonly timeout_s=$((900 + 2 * file_mib))

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
mkdir -p "$payload/kernels/acpi" "$payload/kernels/no-acpi"
cp "$kernels/acpi/vmlinux" "$payload/kernels/acpi"
cp "$kernels/no-acpi/vmlinux" "$payload/kernels/no-acpi"
cp "$lab/cloud/vmlinuz" "$payload/kernels/debian"
step "$here/guest-initrd.sh" --modules "$lab/cloud/modules" "$payload/initrd"
step "$here/network-images.sh" "$payload"
cp "$MOTE" "$payload/mote"
cp "$here/network.sh" "$here/../vm/tap.sh" "$payload"

status=0
# Of the file there are two copies, the host's and the guest's, each in half of a memory.
"$here/lab.sh" run --timeout "$timeout_s" --memory $((1024 + 4 * file_mib)) --payload "$payload" \
	network.sh "$file_mib" 2>"$payload.log" || status=$?
((status == 0)) || sed 's/^/# /' "$payload.log"
exit "$status"
