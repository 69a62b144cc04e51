#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# guest-kernel-config/build-kernel.sh - a minimal Linux for mote's guests, from Debian's source
# package.
#
#	build-kernel.sh [--acpi | --no-acpi] [--output-dir DIR]
#
# Builds vmlinux and bzImage twice, with ACPI and without; --acpi or --no-acpi asks for only one.
# The last line on stdout, and the only one, is a directory:
#
#	acpi/{vmlinux,bzImage,config}		base.config + acpi.config
#	no-acpi/{vmlinux,bzImage,config}	base.config + no-acpi.config
#
# or, with --acpi or --no-acpi, that variant's own directory.  It lies in the cache and must not be
# changed; --output-dir DIR copies it to DIR and prints DIR.  Progress goes to stderr.
#
# The base is `make allnoconfig`: what no fragment names is off.  An option that Kconfig dropped or
# changed fails the build, so a fragment always says what the kernel is.
#
# The cache is keyed by everything that decides the result: package version, options, this script.
# It stands in ${XDG_CACHE_HOME:-~/.cache}/mote/kernels.  A caller that comes while another one
# builds waits for it.  A result appears by one rename, so an interrupted build leaves nothing that
# looks whole. A build removes results that nobody has asked for in 30 days.
#
# Exit status: 0, 1 when the build failed, 2 on wrong usage.

set -euo pipefail
export LC_ALL=C

readonly package=linux-source-6.12
readonly tarball=/usr/src/$package.tar.xz
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/mote/kernels
# A line of a fragment that says something; the others are reasons.
readonly option_line='^(CONFIG_|# CONFIG_[A-Za-z0-9_]+ is not set$)'

say()
{
	printf 'guest-kernel: %s\n' "$*" >&2
}

die()
{
	say "$*"
	exit 1
}

usage()
{
	printf 'usage: %s [--acpi | --no-acpi] [--output-dir DIR]\n' "${0##*/}" >&2
	exit 2
}

require_commands()
{
	local name missing=()

	for name in apt-cache apt-get bc bison dpkg-deb dpkg-query flex flock gcc ld make perl sha256sum \
		tar xz zstd; do
		command -v "$name" >/dev/null || missing+=("$name")
	done
	(( ${#missing[@]} == 0 )) || die "missing commands: ${missing[*]} (./build.sh deps installs them)"
	[[ -e /usr/include/gelf.h ]] ||
		die 'missing header: gelf.h of libelf-dev (./build.sh deps installs it)'
}

# The installed version if there is one, else the one that would be downloaded.
package_version()
{
	local version

	if [[ -e $tarball ]] && version=$(dpkg-query -W -f '${Version}' $package 2>/dev/null); then
		printf '%s\n' "$version"
		return
	fi
	version=$(apt-cache policy $package | sed -n 's/^  Candidate: //p')
	[[ -n $version && $version != '(none)' ]] ||
		die "apt knows no $package; run apt-get update, on a Debian release that has it"
	printf '%s\n' "$version"
}

# Comments decide nothing, so a better reason does not cost a build.
cache_key()
{
	{
		printf '%s\n' "$version"
		(cd "$here" && grep -E "$option_line" {base,acpi,no-acpi}.config)
		grep -vE '^[[:space:]]*(#|$)' "${BASH_SOURCE[0]}"
	} | sha256sum | cut -c1-16
}

# What the kernel's own build never reads is left out: a third of the files.
unpack_source()
{
	local archive=$tarball

	if [[ ! -e $archive ]]; then
		say "downloading $package $version"
		(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package=$version" >&2) ||
			die "cannot download $package $version; if it was superseded, run apt-get update"
		dpkg-deb -x "$work/$package"_*.deb "$work/package"
		archive=$work/package$tarball
	fi
	say "unpacking $package $version"
	mkdir "$work/source"
	tar -xJf "$archive" -C "$work/source" --strip-components=1 \
		--exclude='*/arch/*/boot/dts' \
		--exclude='linux-source-*/Documentation/[a-z]*' \
		--exclude='*/drivers/gpu/drm/amd/include' \
		--exclude='*/tools/testing' \
		--exclude='*/tools/perf'
	rm -rf "$work/package" "$work/$package"_*.deb
}

# The same source and configuration make the same bytes wherever and whenever they are built.
kernel_make()
{
	make -s -C "$work/source" O="$work/build" ARCH=x86 \
		KBUILD_BUILD_TIMESTAMP='1970-01-01 00:00:00 UTC' KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_USER=mote KBUILD_BUILD_HOST=mote "$@" >&2
}

# Every line of the fragments must stand in the result as written.
check_options()
{
	local wanted=$1 config=$2 line name lost=0

	while IFS= read -r line; do
		name=$(grep -oE 'CONFIG_[A-Za-z0-9_]+' <<<"$line" | head -n1)
		grep -qxF -- "$line" "$config" && continue
		# An option that Kconfig does not even show is off.
		[[ $line == "# $name is not set" ]] && ! grep -q "^$name=" "$config" && continue
		say "option lost: '$line' became '$(grep -E "^(# )?${name}[ =]" "$config" || echo nothing)'"
		lost=1
	done < <(grep -E "$option_line" "$wanted")
	return $lost
}

build_variant()
{
	local variant=$1 result=$work/result-$1

	say "configuring $variant"
	mkdir -p "$work/build" "$result"
	cat "$here/base.config" "$here/$variant.config" >"$work/$variant.config"
	kernel_make KCONFIG_ALLCONFIG="$work/$variant.config" allnoconfig
	check_options "$work/$variant.config" "$work/build/.config" ||
		die "$variant: not the kernel asked for"
	say "building $variant on $(nproc) CPUs"
	kernel_make -j"$(nproc)" vmlinux bzImage
	strip --strip-debug -o "$result/vmlinux" "$work/build/vmlinux"
	cp "$work/build/arch/x86/boot/bzImage" "$result/bzImage"
	cp "$work/build/.config" "$result/config"
	mkdir -p "$directory"
	mv -T "$result" "$directory/$variant"
	say "$variant: vmlinux $(stat -c %s "$directory/$variant/vmlinux") bytes," \
		"bzImage $(stat -c %s "$directory/$variant/bzImage") bytes"
}

# Called with the lock held, so a working directory belongs to a build that was killed.
remove_leftovers()
{
	rm -rf "$cache"/.work.*
	find "$cache" -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +
}

# Whether there is nothing to build; if so, they have been asked for today.
all_there()
{
	local variant

	for variant in "${variants[@]}"; do
		[[ -e $directory/$variant ]] || return 1
	done
	touch "$directory"
}

# Both variants come from one tree: the second one compiles only what its options touch.  Who needs
# no build does not wait for that of another kernel.
build_missing()
{
	local variant lock

	all_there && return
	mkdir -p "$cache"
	exec {lock}>"$cache/.lock"
	flock -n "$lock" || { say "waiting for another build"; flock "$lock"; }
	for variant in "${variants[@]}"; do
		[[ -e $directory/$variant ]] && continue
		if [[ -z $work ]]; then
			remove_leftovers
			work=$(mktemp -d "$cache/.work.XXXXXXXX")
			unpack_source
		fi
		build_variant "$variant"
	done
	touch "$directory"
	exec {lock}>&-
}

clean_up()
{
	[[ -z $work ]] || rm -rf "$work"
}

variants=(no-acpi acpi)
output=
work=

while (( $# )); do
	case $1 in
	--acpi)       variants=(acpi) ;;
	--no-acpi)    variants=(no-acpi) ;;
	--output-dir) (( $# > 1 )) || usage; output=$2; shift ;;
	*)            usage ;;
	esac
	shift
done

require_commands
version=$(package_version)
directory=$cache/$(cache_key)
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
build_missing

(( ${#variants[@]} > 1 )) || directory+=/${variants[0]}
if [[ -n $output ]]; then
	mkdir -p "$output"
	cp -R "$directory/." "$output/"
	directory=$output
fi
printf '%s\n' "$directory"
