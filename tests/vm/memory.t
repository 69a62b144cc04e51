#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/memory.t - what an idle VM costs the host beyond the guest's own memory: at most 1 MiB.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

if [ "$(id -u)" -ne 0 ]; then
	skip 'private memory' 'only root can look into a process that is not dumpable'
	done_testing
	exit
fi

ram_mib=48

"$MOTE" run "$(config spin '' "\"vcpu_count\": 1, \"mem_size_mib\": $ram_mib")" </dev/null >"$tap_work/out" &
launcher=$!
sleep 2

# The VM process is the launcher's only child.
vm=$(grep -l "^PPid:	$launcher$" /proc/[0-9]*/status 2>/dev/null | cut -d / -f 3)

# Private KiB of a process, the mapping of guest memory's size left out.
private_kib() {
	awk -v ram_kib=$((ram_mib * 1024)) '
		/^Size:/ { size = $2 }
		/^Private_(Clean|Dirty|Hugetlb):/ && size != ram_kib { sum += $2 }
		END { print sum + 0 }' "/proc/$1/smaps"
}

check 'the guest is up' grep -q spin "$tap_work/out"
check 'guest memory is one mapping, and was left out' \
	grep -q "^Size: *$((ram_mib * 1024)) kB" "/proc/$vm/smaps"
for process in "$launcher" "$vm"; do
	kib=$(private_kib "$process")
	echo "# $kib KiB private"
	check 'private memory is counted' [ "$kib" -gt 0 ]
	check 'private memory is at most 1 MiB' [ "$kib" -le 1024 ]
done

kill "$launcher"
wait "$launcher"
done_testing
