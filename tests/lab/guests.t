#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lab/guests.t - the tests of tests/vm/ again, on a KVM host with nested paging and cgroup v2;
# those that are about what a VM may do also as an ordinary user.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly timeout_s=900

payload=$(mktemp -d)
trap 'rm -rf "$payload"' EXIT

mkdir "$payload/guests"
cp "$MOTE" "$payload/mote"
cp "$MOTE_GUESTS"/*.elf "$payload/guests"
cp "$here"/../vm/*.t "$here"/../vm/*.sh "$payload"
cat >"$payload/all.sh" <<'EOF'
#!/bin/sh
export MOTE=/payload/mote MOTE_GUESTS=/payload/guests MOTE_LAUNCHES=30 MOTE_SPEW_KIB=8 MOTE_PROMPT_MS=5000
export MOTE_BLOCK_CELLS=16 MOTE_EMULATED=1
modprobe loop

# script NAME COMMAND...
script() {
	echo "# script $1"
	read -r began _ </proc/uptime
	shift
	"$@" 2>&1
	read -r ended _ </proc/uptime
	echo "# took $((${ended%.*} - ${began%.*})) s"
}

for file in *.t; do
	script "${file%.t}" "./$file"
done
export MOTE_BLOCK_CELLS=4
for name in run guests block jail many; do
	script "ordinary-user-$name" ./as_user.sh "./$name.t"
done
EOF
chmod +x "$payload/all.sh"

status=0
"$here/lab.sh" run --timeout "$timeout_s" --payload "$payload" all.sh >"$payload/tap" 2>"$payload/lab.log" ||
	status=$?
awk -f "$here/tap_join.awk" "$payload/tap"
if ((status)); then
	sed 's/^/# /' "$payload/lab.log"
fi
exit "$status"
