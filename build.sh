#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# build.sh - the one door: every task of this project is a word after this name.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly top
readonly build="$top/build"
cd "$top"

# What a task needs, by Debian package.  A package is looked for only when its task runs.
readonly packages_build=(gcc clang meson ninja-build pkg-config libjansson-dev liburing-dev libseccomp-dev libc6-dev linux-libc-dev musl-dev musl-tools)
readonly packages_test=(libcmocka-dev libcap-ng-dev acpica-tools libclang-rt-14-dev bats perl jq python3 procps util-linux iproute2 passt busybox-static strace gnuplot-nox)
readonly packages_lab=(qemu-system-x86 busybox-static cpio kmod zstd xz-utils binutils dmsetup e2fsprogs fio squashfs-tools iproute2 ethtool iperf3 passt socat)
readonly packages_kernel=(gcc make bc bison flex libelf-dev xz-utils zstd cpio perl)
readonly packages_bench_startup=(qemu-system-x86)
readonly packages_bench_profile=(strace linux-perf)
readonly packages_bench_block=(qemu-system-x86 fio)
readonly packages_bench_net=(qemu-system-x86)
readonly packages_bench_plot=(gnuplot-nox jq)
readonly packages_lint=(mandoc clang-format clang-tidy cppcheck shellcheck)

readonly benchmarks=(startup profile parallel density block net vsock)

usage() {
	cat <<'EOF'
usage: ./build.sh TASK

  deps            install the Debian packages that all tasks together need
  build [KIND]    build KIND: release (default), debug, asan, fuzz, or all
  demo            build, then boot a unikernel and show its exit code and launch trace
  test            unit, command-line, native and lab tests; MOTE_KVM=none runs all guests in the lab
  lint            format, static analysis and the structure's own rules
  fuzz [SECONDS]  run every fuzz target for SECONDS (default 60) from its corpus
  bench NAME      benchmarks; NAME: startup, profile, parallel, density, block, net, vsock or all.
                  --quick, --json FILE; all also --plots DIRECTORY
  bench linux     Linux's boot under mote and QEMU microvm, in the lab (not in all: takes long)
  bench compare A.json B.json             what changed between two result files
  bench plot DIRECTORY RESULT.json...     pictures of result files, as SVG and PNG
  guest-kernel    build the minimal Linux guest kernels, print where they are
  clean           remove what was built here (caches outside stay)
EOF
}

die() {
	printf 'build.sh: %s\n' "$*" >&2
	exit 1
}

# Install what is missing of the packages named; asks for root only if something is.
need() {
	local missing=() package
	for package in "$@"; do
		[[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] ||
			missing+=("$package")
	done
	((${#missing[@]})) || return 0
	printf 'build.sh: installing %s\n' "${missing[*]}" >&2
	command -v apt-get >/dev/null || die "these Debian packages are missing: ${missing[*]}"
	local as_root=()
	((EUID == 0)) || as_root=(sudo)
	export DEBIAN_FRONTEND=noninteractive
	"${as_root[@]}" apt-get update -qq >&2
	"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

task_deps() {
	need "${packages_build[@]}" "${packages_test[@]}" "${packages_lab[@]}" \
		"${packages_kernel[@]}" "${packages_bench_plot[@]}" "${packages_lint[@]}"
}

# Configure once, then let Ninja decide what to do.
compile() {
	local kind=$1 compiler=$2
	shift 2
	local log="$build/$kind.log"
	mkdir -p "$build"
	# One that an older build.sh has configured in another way is made anew.
	if [[ $(cat "$build/$kind/configured" 2>/dev/null) != "$compiler $*" ]]; then
		rm -rf "${build:?}/$kind"
		CC=$compiler meson setup "$build/$kind" "$@" >"$log" 2>&1 || {
			cat "$log" >&2
			die "cannot configure the $kind build"
		}
		printf '%s\n' "$compiler $*" >"$build/$kind/configured"
	fi
	ninja -C "$build/$kind" >"$log" 2>&1 || {
		tail -n 60 "$log" >&2
		die "the $kind build failed"
	}
}

# What is around mote with the machine's C library, mote itself with musl: monitor/musl/README.md.
build_release() {
	local optimized=(-Doptimization=2 -Ddebug=false)
	compile release gcc "${optimized[@]}"
	compile ship gcc "${optimized[@]}" --cross-file "$top/monitor/musl/cross.ini"
	strip -o "$build/mote" "$build/ship/monitor/mote"
}

build_debug() {
	compile debug gcc
}

build_asan() {
	need libclang-rt-14-dev libcmocka-dev libcap-ng-dev
	compile asan clang -Db_sanitize=address,undefined -Db_lundef=false
}

build_fuzz() {
	need libclang-rt-14-dev
	compile fuzz clang -Doptimization=1 -Dfuzz=true \
		-Db_sanitize=address,undefined -Db_lundef=false
}

task_build() {
	need "${packages_build[@]}"
	case ${1:-release} in
	release | debug | asan | fuzz) "build_${1:-release}" ;;
	all)
		local kind
		for kind in release debug asan fuzz; do "build_$kind"; done
		;;
	*) die "unknown build '$1': release, debug, asan, fuzz or all" ;;
	esac
}

task_clean() {
	rm -rf "$build"
}

task_guest-kernel() {
	need "${packages_kernel[@]}"
	"$top/guest-kernel-config/build-kernel.sh" "$@"
}

# Whether guests can run on this machine's own /dev/kvm.
kvm_works() {
	[[ ${MOTE_KVM:-} != none ]] && "$top/tests/vm/kvm_works.sh" "$build/mote"
}

task_demo() {
	need "${packages_build[@]}"
	build_release
	if kvm_works; then
		demo_here
	else
		echo "build.sh: no usable /dev/kvm: the demo runs in the nested lab" >&2
		need "${packages_lab[@]}"
		demo_in_lab
	fi
}

demo_here() {
	local status=0
	echo '$ mote run --trace docs/hello.json'
	"$build/mote" run --trace docs/hello.json </dev/null || status=$?
	printf '$ echo $?\n%d\n' "$status"
	return "$status"
}

demo_in_lab() {
	payload=$(mktemp -d)
	trap 'rm -rf "$payload"' EXIT
	mkdir -p "$payload/build/release/tests/guests"
	cp "$build/mote" docs/hello.json "$payload"
	cp "$build/release/tests/guests/hello.elf" "$payload/build/release/tests/guests"
	cat >"$payload/demo.sh" <<'EOF'
#!/bin/sh
./mote run --trace hello.json </dev/null
status=$?
echo "exit status $status"
exit "$status"
EOF
	chmod +x "$payload/demo.sh"
	"$top/tests/lab/lab.sh" run --payload "$payload" demo.sh
}

task_test() {
	need "${packages_build[@]}" "${packages_test[@]}" "${packages_lab[@]}" "${packages_kernel[@]}"
	local kind
	for kind in release asan fuzz; do
		"build_$kind"
	done
	"$top/tests/run.sh" "$@"
}

task_lint() {
	need "${packages_build[@]}" "${packages_lint[@]}"
	build_asan
	"$top/tests/lint.sh" "$@"
}

task_fuzz() {
	local seconds=${1:-60} target name
	need "${packages_build[@]}" libclang-rt-14-dev
	build_fuzz
	for target in "$build"/fuzz/tests/fuzz/fuzz_*; do
		[[ -f $target && -x $target ]] || continue
		name=${target##*/fuzz_}
		printf '== %s\n' "$name"
		mkdir -p "$build/fuzz/found/$name"
		# New inputs go into the first folder; the corpus in the tree is only read.
		"$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=10 -print_final_stats=1 \
			-artifact_prefix="$build/fuzz/found/$name-" \
			"$build/fuzz/found/$name" "tests/fuzz/corpus/$name" >"$build/fuzz-$name.log" 2>&1 || {
			tail -n 40 "$build/fuzz-$name.log"
			die "fuzz_$name found something: build/fuzz/found/$name-*"
		}
		grep -E '^stat::number_of_executed_units' "$build/fuzz-$name.log"
	done
}

# Peers that cannot be had are left out by name.
bench_startup() {
	(need "${packages_bench_startup[@]}") || true
	"$build/release/benches/bench_startup" --mote "$build/mote" \
		--floor "$build/ship/benches/floor" \
		--guest "$build/release/tests/guests/hello.elf" \
		--clock-guest "$build/release/tests/guests/start_clock.elf" "$@"
}

bench_parallel() {
	"$build/release/benches/bench_parallel" --mote "$build/mote" \
		--floor "$build/ship/benches/floor" \
		--guest "$build/release/tests/guests/hello.elf" "$@"
}

# Thousands of VMs at once; the memory of a jailed process can only be seen by root.
bench_density() {
	((EUID == 0)) || die "bench density looks at the memory of jailed processes: run it as root"
	"$build/release/benches/bench_density" --mote "$build/mote" \
		--floor "$build/ship/benches/floor" \
		--guest "$build/release/tests/guests/idle.elf" "$@"
}

# The disk has to lie on a real file system, which the build directory does more often than a
# directory for temporary files.
bench_block() {
	(need "${packages_bench_block[@]}") || true
	mkdir -p "$build/bench"
	"$build/release/benches/bench_block" --mote "$build/mote" \
		--guest "$build/release/tests/guests/block_bench.elf" \
		--directory "$build/bench" "$@"
}

# Makes its taps in a network namespace of its own, which only root can.
bench_net() {
	((EUID == 0)) || die "bench net makes taps: run it as root"
	(need "${packages_bench_net[@]}") || true
	"$build/release/benches/bench_net" --mote "$build/mote" \
		--guest "$build/release/tests/guests/net_bench.elf" "$@"
}

bench_vsock() {
	"$build/release/benches/bench_vsock" --mote "$build/mote" \
		--guest "$build/release/tests/guests/vsock_bench.elf" "$@"
}

# Without strace the system calls are left out, without perf the times by stage.
bench_profile() {
	(need "${packages_bench_profile[@]}") || true
	"$build/release/benches/bench_profile" --mote "$build/mote" \
		--floor "$build/ship/benches/floor" \
		--guest "$build/release/tests/guests/hello.elf" "$@"
}

bench_linux() {
	need "${packages_lab[@]}" "${packages_kernel[@]}" jq bsdextrautils
	"$top/benches/linux.sh" --mote "$build/mote" --watch "$build/release/benches/linux_watch" "$@"
}

# What changed between two result files.
bench_compare() {
	"$build/release/benches/bench_compare" "$@"
}

# Pictures of result files: the directory for them comes first.
bench_plot() {
	need "${packages_bench_plot[@]}"
	"$top/benches/plot.sh" "$@"
}

# One report out of several; only --quick and --json mean something to every benchmark.  One that
# fails takes no other's figures along.
bench_all() {
	local json='' plots='' options=() failed=() name
	while (($#)); do
		case $1 in
		--quick) options+=(--quick) ;;
		--json) json=${2:?--json needs a file} && shift ;;
		--plots) plots=${2:?--plots needs a directory} && shift ;;
		*) die "bench all knows --quick, --json and --plots, not $1" ;;
		esac
		shift
	done
	need jq
	reports=$(mktemp -d)
	trap 'rm -rf "$reports"' EXIT
	for name in "${benchmarks[@]}"; do
		if [[ $name == net || $name == density ]] && ((EUID != 0)); then
			echo "bench $name: left out, only root can run it"
			continue
		fi
		"bench_$name" "${options[@]}" --json "$reports/$name" || failed+=("$name")
	done
	[[ -z $json ]] ||
		jq -rs '"{\"environment\": \(.[0].environment | tojson),\n\"results\": [\n"
			+ (map(.results) | add | map(tojson) | join(",\n")) + "\n]}"' \
			"$reports"/* >"$json"
	[[ -z $plots ]] || bench_plot "$plots" "$reports"/*
	((${#failed[@]} == 0)) || die "failed: ${failed[*]}"
}

task_bench() {
	local name=${1:-} known
	(($#)) && shift
	for known in "${benchmarks[@]}" linux all compare plot; do
		[[ $name == "$known" ]] || continue
		need "${packages_build[@]}"
		build_release
		"bench_$name" "$@"
		return
	done
	die "unknown benchmark '$name': ${benchmarks[*]}, linux, all, compare or plot"
}

main() {
	local task=${1:-}
	(($#)) && shift
	case $task in
	deps | build | demo | test | lint | fuzz | bench | guest-kernel | clean) "task_$task" "$@" ;;
	-h | --help | help) usage ;;
	*)
		usage >&2
		exit 2
		;;
	esac
}

main "$@"
