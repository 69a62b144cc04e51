#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# tests/lab/lab.sh - a KVM host in software, for tests that need one: QEMU without any hardware
# support boots Debian's stock kernel, which finds AMD-V with nested paging in the emulated CPU.  It
# is there for correctness; times taken in it say nothing about performance.
#
#	lab.sh run [OPTION...] --payload DIR SCRIPT [ARG...]
#		Runs DIR/SCRIPT as root in the lab, with DIR as /payload (a copy, symbolic links
#		followed) and as the working directory.  Its stdout and stderr arrive on those of
#		lab.sh as they are written. The lab has busybox only, so programs in DIR are static
#		and scripts are for `sh`.
#	lab.sh shell [OPTION...] [--payload DIR]
#		A shell on the lab's console.  Ctrl-A X ends the lab.
#	lab.sh prepare
#		Fetches and builds what the others need into the cache and prints the directory, in
#		which are, for guests: cloud/vmlinuz, Debian's cloud kernel, unmodified;
#		cloud/modules, its virtio drivers for guest-initrd.sh; vmlinux, Debian's standard
#		kernel, unpacked.
#
#	--timeout SECONDS	ends the lab, counted from its start (default 300)
#	--memory MIB		of the lab (default 2048)
#	--cpus N		of the lab (default 1; with more, emulated AMD-V now and then hangs a guest
#				that has several vCPUs)
#	--console FILE		keeps the console, that is the kernel's messages
#	--instructions		the lab's clock counts instructions, a nanosecond for each, whatever they
#				are, and skips what it would wait.  Times are then counts, nearly the same
#				from run to run, also on a busy machine.
#
# Exit status: the script's, 124 on timeout, 125 when the lab failed; for both of these the end of
# the console goes to stderr.
#
# In the lab: /dev/kvm and /dev/net/tun for everybody, cgroup v2 at /sys/fs/cgroup, proc, sysfs,
# devtmpfs, devpts, tmpfs at /tmp, /run and /dev/shm, the loopback interface up.  `modprobe` finds
# the modules of $loadable_modules below.
#
# No path of the checkout is written.  The cache is ${XDG_CACHE_HOME:-~/.cache}/mote/lab, keyed by
# all that decides its content; what has not been used for 30 days goes when something new comes.
# QEMU dies with lab.sh, even when that is killed by SIGKILL.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/mote/lab

# Loaded at the start, in this order, each after what it depends on.
readonly boot_modules=(irqbypass ccp kvm kvm-amd tun virtio_pci virtio_console)
# There for tests that ask for them.
readonly loadable_modules=(bridge bonding veth dummy loop dm-mod ext4 squashfs overlay)
# The drivers that a guest with Debian's cloud kernel needs for mote's devices.
readonly guest_modules=(virtio_mmio virtio_blk virtio_net vmw_vsock_virtio_transport pvpanic-mmio)

# shellcheck source=common.sh
source "$here/common.sh"

fail()
{
	say "$*"
	exit 125
}

usage()
{
	sed -n 's/^#\t\(lab\.sh.*\)/usage: \1/p' "${BASH_SOURCE[0]}" >&2
	exit 125
}

# --- prepare

# Prints, for each meta package such as linux-image-amd64, the package behind it and that one's
# version.
real_packages()
{
	apt-cache show --no-all-versions "$@" 2>/dev/null |
		sed -nE 's/^Depends: (linux-image-[0-9][^ ]*) \(= ([^)]*)\).*/\1 \2/p'
}

# fetch PACKAGE VERSION DIR - the package's files, unpacked and not installed.
fetch()
{
	say "fetching $1 $2"
	mkdir "$3"
	(cd "$3" && apt-get -qq -o APT::Sandbox::User=root download "$1=$2" >&2) ||
		fail "cannot download $1 $2; if it was superseded, run apt-get update"
	dpkg-deb -x "$3"/*.deb "$3"
	rm "$3"/*.deb
}

# The paths, below /lib/modules/RELEASE, of modules and of what they need, in the order to load
# them.
module_closure()
{
	local tree=$1 release=$2 module

	shift 2
	for module in "$@"; do
		modprobe -d "$tree" -S "$release" --show-depends "$module"
	done | sed -n "s|^insmod .*/lib/modules/$release/\([^ ]*\).*|\1|p" | awk '!seen[$0]++'
}

# host_tree PACKAGE_TREE RELEASE ROOT - the root file system of the lab.
host_tree()
{
	local tree=$1 release=$2 root=$3 path

	busybox_tree "$root"
	mkdir "$root/lab" "$root/payload"
	install -m 755 "$here/init" "$root/init"
	depmod -b "$tree" "$release"
	module_closure "$tree" "$release" "${boot_modules[@]}" |
		sed "s|^|/lib/modules/$release/|" >"$root/lab/modules"
	while read -r path; do
		install -D -m 644 "$tree/lib/modules/$release/$path" "$root/lib/modules/$release/$path"
	done < <(module_closure "$tree" "$release" "${boot_modules[@]}" "${loadable_modules[@]}")
	cp "$tree/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} \
		"$root/lib/modules/$release/"
	depmod -b "$root" "$release"
}

# uncompressed BZIMAGE - the vmlinux inside, on stdout.  The emulated CPU would take seconds to
# unpack it. Where it lies is in the setup header: setup_sects at 0x1f1, payload_offset and _length
# at 0x248 (Linux, Documentation/arch/x86/boot.rst); the last four bytes of the payload are its
# unpacked size.
uncompressed()
{
	local sectors offset length

	sectors=$(od -An -tu1 -j $((0x1f1)) -N 1 "$1")
	read -r offset length < <(od -An -tu4 -j $((0x248)) -N 8 "$1")
	# In this order no process writes into a closed pipe.
	head -c $(((sectors + 1) * 512 + offset + length - 4)) "$1" | tail -c $((length - 4)) >"$1.payload"
	case $(od -An -tx1 -N 4 "$1.payload") in
	' fd 37 7a 58') xz -dc "$1.payload" ;;
	' 28 b5 2f fd') zstd -dcq "$1.payload" ;;
	*)              fail "$1 is packed in an unknown way" ;;
	esac
}

# guest_module_directory PACKAGE_TREE RELEASE DIR - the drivers of a guest kernel, and a list of
# their names in the order to load them.
guest_module_directory()
{
	local tree=$1 release=$2 directory=$3 path

	mkdir "$directory"
	depmod -b "$tree" "$release"
	while read -r path; do
		cp "$tree/lib/modules/$release/$path" "$directory/"
		printf '%s\n' "${path##*/}" >>"$directory/order"
	done < <(module_closure "$tree" "$release" "${guest_modules[@]}")
}

build()
{
	local work=$1 release=${host_package#linux-image-} cloud_release=${cloud_package#linux-image-}

	fetch "$host_package" "$host_version" "$work/host-package"
	fetch "$cloud_package" "$cloud_version" "$work/cloud-package"
	say "building the lab on Linux $release"
	host_tree "$work/host-package" "$release" "$work/root"
	mkdir -p "$work/result/cloud"
	pack_tree "$work/root" >"$work/result/initrd"
	uncompressed "$work/host-package/boot/vmlinuz-$release" >"$work/result/vmlinux"
	cp "$work/cloud-package/boot/vmlinuz-$cloud_release" "$work/result/cloud/vmlinuz"
	guest_module_directory "$work/cloud-package" "$cloud_release" "$work/result/cloud/modules"
}

cache_key()
{
	{
		printf '%s\n' "$host_package $host_version $cloud_package $cloud_version"
		grep -vhE '^[[:space:]]*(#|$)' "$here"/{lab.sh,common.sh,init}
		cat "$(command -v busybox)"
	} | sha256sum | cut -c1-16
}

# Sets $lab to the directory in the cache.
prepare()
{
	local host_package host_version cloud_package cloud_version lock found

	require apt-cache apt-get awk busybox cpio depmod dpkg-deb flock modprobe readelf sha256sum xz \
		zstd || exit 125
	mapfile -t found < <(real_packages linux-image-amd64 linux-image-cloud-amd64)
	(( ${#found[@]} == 2 )) ||
		fail 'apt does not know linux-image-amd64 and linux-image-cloud-amd64; run apt-get update'
	read -r host_package host_version <<<"${found[0]}"
	read -r cloud_package cloud_version <<<"${found[1]}"
	lab=$cache/$(cache_key)
	touch -c "$lab"
	[[ -d $lab ]] && return
	mkdir -p "$cache"
	exec {lock}>"$cache/.lock"
	flock "$lock"
	if [[ ! -d $lab ]]; then
		# With the lock held, a working directory belongs to a build that was killed.
		rm -rf "$cache"/.work.*
		find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
		build_work=$(mktemp -d "$cache/.work.XXXXXXXX")
		build "$build_work"
		mv -T "$build_work/result" "$lab"
		rm -rf "$build_work"
	fi
	exec {lock}>&-
}

# --- run and shell

# quote WORD... - for the shell in the lab.
quote()
{
	local word

	for word in "$@"; do
		printf " '%s'" "${word//\'/\'\\\'\'}"
	done
}

# The second half of the initrd: /payload, and /lab/run when there is a script.
pack_payload()
{
	ln -s "$(realpath "$payload")" "$work/payload"
	{
		find -L "$payload" -mindepth 1 -printf 'payload/%P\0'
		[[ ! -e $work/lab/run ]] || printf 'lab/run\0'
	} | (cd "$work" && LC_ALL=C sort -z | cpio --quiet --null -L -R 0:0 -o -H newc)
}

make_initrd()
{
	cat "$lab/initrd" >"$work/initrd"
	[[ -z $payload ]] || pack_payload >>"$work/initrd"
}

# The emulated CPU now and then loses an interrupt for good: QEMU 7.2's helpers for VMRUN and #VMEXIT
# change the word of pending interrupts without the lock under which its other threads do.  When that
# was the lab's timer, and the guest then spins with interrupts off for a lock whose holder wants this
# one CPU, all stands still.  Any other interrupt makes QEMU look again, so one comes twice a second.
add_pulse()
{
	mkfifo "$work/pulse"
	setpriv --pdeathsig KILL bash -c 'while sleep 0.5; do echo; done' >"$work/pulse" 2>/dev/null &
	children+=($!)
	qemu+=(-device virtio-serial-pci -chardev "pipe,id=pulse,path=$work/pulse"
		-device 'virtserialport,chardev=pulse,name=pulse')
}

# A port's bytes leave through a FIFO, because QEMU would truncate a file that it opens by itself.
add_port()
{
	qemu+=(-chardev "file,id=$1,path=$work/$1" -device "virtserialport,chardev=$1,name=$1")
}

# Without erms Linux copies and clears memory by eight bytes at a time, not by one: each is a round of
# the emulation, and a third of all its time.
qemu_command()
{
	qemu=(setpriv --pdeathsig KILL qemu-system-x86_64
		-M q35 -accel 'tcg,thread=single' -cpu 'max,erms=off' -smp "$cpus" -m "$memory"
		-nodefaults -no-user-config -display none -no-reboot
		-kernel "$lab/vmlinux" -initrd "$work/initrd"
		-append "console=ttyS0 panic=-1 quiet mitigations=off")
	! $instructions || qemu+=(-icount 'shift=0,sleep=off')
	add_pulse
}

show_console()
{
	say "$1; the console ended with:"
	tail -n 60 "$console" | tr -d '\r' >&2
}

# end PID... - kills and reaps processes of ours; those that have ended already are no error.
end()
{
	local pid

	for pid in "$@"; do
		kill -KILL "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# Waits for QEMU; fails when the time is over first, and ends it.  A signal interrupts the wait.
wait_for_qemu()
{
	local finished sleep_pid

	setpriv --pdeathsig KILL sleep "$timeout" >/dev/null 2>&1 &
	sleep_pid=$!
	children+=("$sleep_pid")
	wait -n -p finished "$qemu_pid" "$sleep_pid" || true
	end "$sleep_pid" "$qemu_pid"
	[[ $finished == "$qemu_pid" ]]
}

# start_relay NAME FD - copies what comes through a port to a descriptor of ours.
start_relay()
{
	mkfifo "$work/$1"
	cat "$work/$1" >&"$2" &
	children+=($!)
	relays+=($!)
}

# Waits until all that QEMU wrote has been passed on.  A relay whose FIFO QEMU never opened, because
# it failed before, still waits for a writer: opening for both directions is one, and does not
# block.
finish_relays()
{
	: <>"$work/out"
	: <>"$work/err"
	wait "${relays[@]}" || true
}

run_script()
{
	local status in_time=true relays=()

	printf 'exec%s\n' "$(quote "./$1" "${@:2}")" >"$work/lab/run"
	make_initrd
	: >"$work/status"
	: >"$console"
	start_relay out 1
	start_relay err 2
	qemu_command
	qemu+=(-serial "file:$console")
	add_port out
	add_port err
	add_port status
	"${qemu[@]}" </dev/null >"$work/qemu.log" 2>&1 &
	qemu_pid=$!
	children+=("$qemu_pid")
	wait_for_qemu || in_time=false
	finish_relays
	if ! $in_time; then
		show_console "no end after $timeout s"
		return 124
	fi
	status=$(<"$work/status")
	if [[ ! $status =~ ^[0-9]+$ ]]; then
		cat "$work/qemu.log" >&2
		show_console 'the lab ended without a status'
		return 125
	fi
	return "$status"
}

run_shell()
{
	make_initrd
	qemu_command
	qemu+=(-serial mon:stdio)
	"${qemu[@]}" <&0 &
	qemu_pid=$!
	children+=("$qemu_pid")
	wait "$qemu_pid"
}

clean_up()
{
	end "${children[@]}"
	[[ -z $work ]] || rm -rf "$work"
	[[ -z $build_work ]] || rm -rf "$build_work"
}

parse_options()
{
	while (( $# )); do
		case $1 in
		--timeout|--memory|--cpus|--console|--payload)
			(( $# > 1 )) || usage
			printf -v "${1#--}" %s "$2"
			shift 2
			;;
		--instructions)
			instructions=true
			shift
			;;
		--) shift; break ;;
		-*) usage ;;
		*)  break ;;
		esac
	done
	script=("$@")
}

timeout=300 memory=2048 cpus=1 console='' instructions=false payload='' script=()
lab='' work='' build_work='' children=()

main()
{
	local verb=${1:-}

	(( $# )) && shift
	parse_options "$@"
	trap clean_up EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	[[ -z $payload || -d $payload ]] || fail "$payload is not a directory"

	case $verb in
	prepare) (( ${#script[@]} == 0 )) || usage ;;
	shell)   (( ${#script[@]} == 0 )) || usage ;;
	run)     [[ -n $payload && ${#script[@]} -gt 0 ]] || usage
		 [[ -x $payload/${script[0]} ]] || fail "$payload/${script[0]} is not an executable file" ;;
	*)       usage ;;
	esac

	prepare
	if [[ $verb == prepare ]]; then
		printf '%s\n' "$lab"
		return
	fi
	require qemu-system-x86_64 setpriv || exit 125
	work=$(mktemp -d)
	mkdir "$work/lab"
	console=${console:-$work/console}
	if [[ $verb == shell ]]; then
		run_shell
	else
		run_script "${script[@]}"
	fi
}

main "$@"
