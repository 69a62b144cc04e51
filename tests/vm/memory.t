#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/memory.t - what an idle VM that is alone costs the host beyond the guest's own memory: at
# most 1 MiB of private memory, and 400 KiB with its share of what it has in common with others.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

if [ "$(id -u)" -ne 0 ]; then
	skip 'private memory' 'only root can look into a process that is not dumpable'
	done_testing
	exit
fi

ram_mib=48

# Its own copy: the pages of the program are divided among all who have mapped the same file.
cp "$MOTE" "$tap_work/mote"
"$tap_work/mote" run "$(config idle '' "\"vcpu_count\": 1, \"mem_size_mib\": $ram_mib")" </dev/null >"$tap_work/out" &
launcher=$!
sleep 2
vm=$(child_of "$launcher")

# kib_of FIELD WHICH PID : the sum of a field of smaps; WHICH is `own`, or `guest` for the mapping of
# guest memory's size
kib_of() {
	awk -v field="^$1:" -v which="$2" -v ram_kib=$((ram_mib * 1024)) '
		/^Size:/ { of = $2 == ram_kib ? "guest" : "own" }
		$0 ~ field && of == which { sum += $2 }
		END { print sum + 0 }' "/proc/$3/smaps"
}

check 'the guest is up' [ -s "$tap_work/out" ]
check 'guest memory is one mapping, and was left out' [ "$(kib_of Size guest "$vm")" -eq $((ram_mib * 1024)) ]
shared_kib=0
for process in "$launcher" "$vm"; do
	kib=$(kib_of 'Private_(Clean|Dirty|Hugetlb)' own "$process")
	shared_kib=$((shared_kib + $(kib_of Pss own "$process")))
	echo "# $kib KiB private"
	check 'private memory is counted' [ "$kib" -gt 0 ]
	check 'private memory is at most 1 MiB' [ "$kib" -le 1024 ]
done

# What the guest has only read of its memory, or of the kernel's file, is not its own either.
shared_kib=$((shared_kib + $(kib_of Pss guest "$vm") - $(kib_of Private_Dirty guest "$vm")))
echo "# $shared_kib KiB proportional"
check 'proportional memory is at most 400 KiB' [ "$shared_kib" -le 400 ]

kill "$launcher"
wait "$launcher"
done_testing
