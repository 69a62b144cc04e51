#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lab/linux.t - Linux guests: the minimal kernel in all its forms, and Debian's own.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly timeout_s=1200

payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT

kernels=$("$here/../../guest-kernel-config/build-kernel.sh" 2>"$payload.log") || {
	sed 's/^/# /' "$payload.log"
	exit 1
}
rm -f "$payload.log"
mkdir "$payload/kernels"
cp -r "$kernels/acpi" "$kernels/no-acpi" "$payload/kernels"
cp "$("$here/lab.sh" prepare)/cloud/vmlinuz" "$payload/kernels/debian"
"$here/guest-initrd.sh" "$payload/initrd"
cp "$MOTE" "$payload/mote"
cp "$here/linux.sh" "$here/../vm/tap.sh" "$payload"

status=0
"$here/lab.sh" run --timeout "$timeout_s" --payload "$payload" linux.sh 2>"$payload.log" || status=$?
((status == 0)) || sed 's/^/# /' "$payload.log"
rm -f "$payload.log"
exit "$status"
