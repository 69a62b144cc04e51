#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/block.t - disks: what is written comes back, however it is asked for, and as fast as allowed.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

cells=${MOTE_BLOCK_CELLS:-256}
one='"vcpu_count": 1, "mem_size_mib": 32'
disk="$tap_work/disk"
writeback='"cache_type": "Writeback"'

# run GUEST BOOT_ARGS DRIVES [MOTE_KEYS [MACHINE]] : sets status, output
run() {
	status=0
	output=$("$MOTE" run "$(config "$1" "$2" "${5:-$one}" "${4:-}" "$3")" </dev/null \
		2>"$tap_work/errors") || status=$?
}

# passes TEXT : what run() did ended with 0
passes() {
	is "$1" "$status" 0
	[ "$status" -eq 0 ] || {
		echo "$output" | tail -n 3 | sed 's/^/# /'
		sed 's/^/# /' "$tap_work/errors"
	}
}

# says TEXT LINE : the guest printed such a line
says() {
	check "$1" grep -qx "$2" <<-EOF
		$output
	EOF
}

# complains TEXT WORDS : mote said that on standard error
complains() {
	check "$1" grep -q "$2" "$tap_work/errors"
}

# within TEXT NUMBER LEAST MOST
within() {
	if [ -n "$2" ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
		pass "$1"
	else
		fail "$1"
		echo "#   got ${2:-nothing}, wanted $3 to $4"
	fi
}

# sum_of FILE
sum_of() {
	md5sum <"$1"
}

# number NAME : of the first line of JSON in the output; 0 if there is none
number() {
	echo "$output" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" | grep . || echo 0
}

make_disk "$disk" 16

# What the disk says of itself.
run block_verify 'do=config' "$(drive system "$disk" "$writeback")"
passes 'a disk is found'
says 'its size' 'sectors 32768'
says 'its id' 'id "system"'
run block_verify 'do=config' "$(drive a_name_of_more_than_twenty_bytes "$disk")"
says 'an id is cut after 20 bytes' 'id "a_name_of_more_than_"'

# Everything, in all divisions into descriptors, at all depths.
for engine in '' Sync Async; do
	keys=${engine:+", \"io_engine\": \"$engine\""}
	run block_verify "cells=$cells" "$(drive d "$disk" "$writeback$keys")"
	passes "verified, engine ${engine:-auto}, Writeback"
	is "verified, engine ${engine:-auto}, Writeback: 20 ways" "$(echo "$output" | grep -c '^ok: ')" 20
	is "verified, engine ${engine:-auto}, Writeback: no word on standard error" \
		"$(cat "$tap_work/errors")" ''
	run block_verify "cells=$cells depth=32 seed=1" "$(drive d "$disk" "\"cache_type\": \"Unsafe\"$keys")"
	passes "verified, engine ${engine:-auto}, Unsafe"
done
for queue in 2 4 16; do
	run block_verify "cells=$cells queue=$queue depth=128" "$(drive d "$disk" "$writeback")"
	passes "verified, a queue of $queue descriptors"
done
run block_verify "cells=$cells do=zeroes depth=8" "$(drive d "$disk")"
passes 'verified, with write-zeroes'
run block_verify "cells=$cells do=discard depth=8" "$(drive d "$disk")"
passes 'verified, with discards'
run block_verify "cells=$cells depth=8 notify=user" "$(drive d "$disk")" '"irqchip": "kernel"'
passes 'verified, irqchip in the kernel'
run block_verify "cells=$cells depth=8" "$(drive d "$disk")" '' '"vcpu_count": 4, "mem_size_mib": 32'
passes 'verified, on 4 vCPUs'
run block_verify 'do=config' "$(drive d "$disk")" '"direct_io": ["d"]'
if [ "$status" -eq 0 ]; then
	run block_verify "cells=$cells" "$(drive d "$disk" "$writeback")" '"direct_io": ["d"]'
	passes 'verified, direct I/O'
else
	skip 'verified, direct I/O' 'this file system has none'
fi

# What a guest reads is what the file holds, and the other way round.
make_disk "$tap_work/other" 16
before=$(sum_of "$tap_work/other")
run block_verify "cells=$cells do=pattern depth=8 seed=2" \
	"$(drive d "$disk"), $(drive e "$tap_work/other")"
passes 'two drives, the first is used'
is 'two drives, the first is used: the second is as it was' "$(sum_of "$tap_work/other")" "$before"
before=$(sum_of "$disk")
run block_verify "cells=$cells do=pattern depth=8 device=1 seed=3" \
	"$(drive d "$disk"), $(drive e "$tap_work/other")"
passes 'two drives, the second is used'
is 'two drives, the second is used: the first is as it was' "$(sum_of "$disk")" "$before"
says 'two drives, the second is used: it says so' 'id "e"'

# The root device comes first, wherever it stands.
root=$(drive r "$tap_work/other" | sed 's/"is_root_device": false/"is_root_device": true/')
run block_verify 'do=config device=0' "$(drive d "$disk"), $root"
says 'the root device is the first' 'id "r"'
run block_verify 'do=config device=1' "$(drive d "$disk"), $root"
says 'the other is the second' 'id "d"'
run block_verify 'do=config device=2' "$(drive d "$disk"), $root"
is 'there is no third' "$status $output" '1 there is no disk 2'

# Read-only.
read_only=$(drive r "$disk" | sed 's/"is_read_only": false/"is_read_only": true/')
chmod 0444 "$disk"
before=$(sum_of "$disk")
run block_verify 'do=read-only' "$read_only"
passes 'a read-only disk is read, and refuses writes'
is 'a read-only disk is as it was' "$(sum_of "$disk")" "$before"
chmod 0644 "$disk"

# Locks.  The first VM is up once its guest has reported something.
: >"$tap_work/holder"
"$MOTE" run "$(config block_flush '' "$one" '"timeout_ms": 60000' "$(drive d "$disk" "$writeback")")" \
	</dev/null >"$tap_work/holder" 2>"$tap_work/holder.errors" &
holder=$!
tries=0
while ! grep -q flushed "$tap_work/holder" && [ "$tries" -lt 200 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
kill -0 "$holder" || sed 's/^/# the holder: /' "$tap_work/holder" "$tap_work/holder.errors"
run block_verify 'do=config' "$(drive d "$disk")"
is 'a disk in use is refused' "$status" 127
complains 'a disk in use is refused: why' "$disk is in use by another process"
run block_verify 'do=config' "$read_only"
is 'a disk in use is refused to readers too' "$status" 127
kill "$holder"
wait "$holder" 2>/dev/null
run block_verify 'do=config' "$(drive d "$disk")"
passes 'afterwards it is free'

# Rates, counted by the guest; emulated processors are too slow for them.
reason=${MOTE_EMULATED:+the processor is emulated}
reason=${reason:-${MOTE_NO_RATES:+left out, for time}}
if [ -n "$reason" ]; then
	skip 'rate limiters' "$reason"
	done_testing
	exit
fi
ops='"ops": {"size": 1000, "refill_time": 1000}'
bandwidth='"bandwidth": {"size": 50000000, "refill_time": 1000}'
# measure NAME BOOT_ARGS LIMIT : on a disk of its own, in the background
measure() {
	make_disk "$tap_work/disk.$1" 64
	"$MOTE" run "$(config block_bench "warmup_ms=1500 seconds=10 $2" "$one" '' \
		"$(drive d "$tap_work/disk.$1" "\"rate_limiter\": {$3}")")" </dev/null \
		>"$tap_work/bench.$1" 2>&1 &
}

for kind in read write; do
	measure "ops.$kind" "kind=$kind pattern=random block=4096 depth=32" "$ops"
	measure "bandwidth.$kind" "kind=$kind pattern=sequential block=65536 depth=8" "$bandwidth"
done
wait
for kind in read write; do
	output=$(cat "$tap_work/bench.ops.$kind")
	within "1,000 IOPS, $kind: kept for 10 s" "$(number iops)" 950 1050
	output=$(cat "$tap_work/bench.bandwidth.$kind")
	within "50 MB/s, $kind: kept for 10 s" "$(($(number iops) * 65536))" 47500000 52500000
done

# A bucket starts full, so the first 1,000 requests pass at once, and the others one by one.
run block_bench 'kind=read depth=32 requests=1000' "$(drive d "$disk" "\"rate_limiter\": {$ops}")"
within 'a full bucket passes at once: ms' "$(($(number elapsed_ns) / 1000000))" 1 500
run block_bench 'kind=read depth=32 requests=3000' "$(drive d "$disk" "\"rate_limiter\": {$ops}")"
within 'what is more takes its time: ms' "$(($(number elapsed_ns) / 1000000))" 1900 2150
burst='"ops": {"size": 1000, "refill_time": 1000, "one_time_burst": 3000}'
run block_bench 'kind=read depth=32 requests=4000' "$(drive d "$disk" "\"rate_limiter\": {$burst}")"
within 'a burst passes at once: ms' "$(($(number elapsed_ns) / 1000000))" 1 800
run block_bench 'kind=read depth=32 requests=6000' "$(drive d "$disk" "\"rate_limiter\": {$burst}")"
within 'a burst comes once: ms' "$(($(number elapsed_ns) / 1000000))" 1900 2150

done_testing
