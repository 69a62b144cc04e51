#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/descriptors.t - /dev/fd/N for a path: an ordinary user is handed what he may not open.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

as_user="${0%/*}/as_user.sh"

# Nobody's eyes reach into every folder, so what he is to find himself is copied.
chmod 755 "$tap_work"
cp "$MOTE" "$tap_work/mote"
why=$("$as_user" true) || {
	skip 'descriptors' "$why"
	done_testing
	exit
}

# Files that only root may open; without root, that nobody may.
mode=0600
[ "$(id -u)" -eq 0 ] || mode=0

# guest NAME [BOOT_ARGS [MOTE_KEYS [DRIVES [LOGGER_KEYS]]]] : its kernel is descriptor 8
guest() {
	rm -f "$tap_work/kernel"
	cp "$MOTE_GUESTS/$1.elf" "$tap_work/kernel"
	exec 8<"$tap_work/kernel"
	chmod "$mode" "$tap_work/kernel"
	cat >"$tap_work/config" <<-EOF
		{
		  "boot-source": {"kernel_image_path": "/dev/fd/8", "boot_args": "${2:-}"},
		  "machine-config": {"vcpu_count": 1, "mem_size_mib": 32},
		  "drives": [${4:-}],
		  "logger": {${5:-}},
		  "mote": {${3:-}}
		}
	EOF
}

# run [ARGUMENTS] : as the user, with what the script has open; sets status, output
run() {
	status=0
	output=$("$as_user" "$tap_work/mote" run "$@" - <"$tap_work/config" \
		2>"$tap_work/errors") || status=$?
}

passes() {
	is "$1" "$status" 0
	[ "$status" -eq 0 ] || sed 's/^/# /' "$tap_work/errors"
}

# refused TEXT STATUS WORDS
refused() {
	is "$1: exit status" "$status" "$2"
	is "$1: why" "$(cat "$tap_work/errors")" "mote: $3"
}

make_disk "$tap_work/disk" 16
: >"$tap_work/log"
: >"$tap_work/result"
exec 9<>"$tap_work/disk" 7<"$tap_work/disk" 6>>"$tap_work/result" 5>"$tap_work/log"
chmod "$mode" "$tap_work/disk" "$tap_work/log" "$tap_work/result"

guest hello
run
passes 'a kernel by descriptor'
is 'a kernel by descriptor: it ran' "$output" 'hello from a mote unikernel'
run
passes 'a kernel by descriptor, once more'
exec 8<&-
run
refused 'a kernel that is not open' 169 'boot-source.kernel_image_path: /dev/fd/8 is not open'
exec 8>&6
run
refused 'a kernel that cannot be read' 169 'boot-source.kernel_image_path: /dev/fd/8 is open for writing only'

guest block_verify 'do=pattern cells=16 depth=8' '' "$(drive d "$tap_work/disk")"
if [ "$("$as_user" id -u)" -ne 0 ]; then
	run
	is 'by its name, the disk is not to be had' "$status" 127
	check 'by its name, the disk is not to be had: why' grep -q 'Permission denied' "$tap_work/errors"
fi
for path in /dev/fd/9 /proc/self/fd/9; do
	guest block_verify 'do=pattern cells=16 depth=8' '' "$(drive d $path '"cache_type": "Writeback"')"
	run
	passes "a disk by descriptor, $path"
	run
	passes "a disk by descriptor, $path, once more"
done
guest block_verify 'do=pattern cells=16 depth=8' '' "$(drive d /dev/fd/9 '"io_engine": "Async"')"
run
passes 'a disk by descriptor, Async'
guest block_verify 'do=pattern cells=16 depth=8' '"direct_io": ["d"]' "$(drive d /dev/fd/9)"
run
if grep -q 'has no direct I/O' "$tap_work/errors"; then
	skip 'a disk by descriptor, direct I/O' 'this file system has none'
else
	passes 'a disk by descriptor, direct I/O'
fi
guest block_verify 'do=config' '' "$(drive d /dev/fd/7)"
run
refused 'a disk that cannot be written' 127 'drives[0].path_on_host: /dev/fd/7 is open for reading only, and is_read_only is false'
guest block_verify 'do=read-only' '' "$(drive d /dev/fd/7 | sed 's/"is_read_only": false/"is_read_only": true/')"
run
passes 'a disk that is only read'
guest block_verify 'do=config' '' "$(drive d /dev/fd/4)"
run
refused 'a disk that is not open' 127 'drives[0].path_on_host: /dev/fd/4 is not open'
guest block_verify 'do=config' '' "$(drive d /dev/fd/9), $(drive e /dev/fd/9)"
run
refused 'one descriptor for two disks' 127 'drives[1].path_on_host: /dev/fd/9 is the file of drives[0].path_on_host, for which this process has locked it; both would have to be is_read_only'

# The lock is the description's, which the first VM and the second share.
guest spin '' '"timeout_ms": 60000' "$(drive d /dev/fd/9)"
"$as_user" "$tap_work/mote" run - <"$tap_work/config" >"$tap_work/out" 2>/dev/null &
holder=$!
tries=0
while ! grep -q spin "$tap_work/out" && [ "$tries" -lt 200 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
run
check 'one descriptor for two VMs: the first runs' grep -q spin "$tap_work/out"
is 'one descriptor for two VMs: exit status' "$status" 127
check 'one descriptor for two VMs: why' grep -q '/dev/fd/9 is in use by another process' "$tap_work/errors"
kill "$holder"
wait "$holder" 2>/dev/null

# Reports and the log are added to what is there.
echo first >&6
guest hello '' '' '' '"log_path": "/dev/fd/5", "level": "Info"'
run --result /dev/fd/6
passes 'log and result by descriptor'
chmod 600 "$tap_work/result"
is 'log and result by descriptor: the result is added to what was there' \
	"$(grep -c '^first$\|"outcome":"exit"' "$tap_work/result")" 2
run --result /dev/fd/7
refused 'a result that cannot be written' 126 '--result: /dev/fd/7 is open for reading only'
guest hello '' '' '' '"log_path": "/dev/fd/4"'
run
refused 'a log that is not open' 127 'logger.log_path: /dev/fd/4 is not open'

# A block device, which is not claimed then.
exec 9<&- 7<&-
chmod 600 "$tap_work/disk"
if loop=$(losetup -f 2>/dev/null) && losetup "$loop" "$tap_work/disk" 2>/dev/null; then
	exec 9<>"$loop"
	guest block_verify 'do=pattern cells=16 depth=8' '' "$(drive d /dev/fd/9)"
	run
	passes 'a block device by descriptor'
	exec 9<&-
	losetup -d "$loop"
else
	skip 'a block device by descriptor' 'no loop device can be had here'
fi

done_testing
