#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/lint.sh - what the compiler cannot see: format, static analysis, and the structure's own rules.
#
#	tests/lint.sh [CHECK...]      CHECK: format rules shell manuals cppcheck tidy (default: all)
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
bad=0

complain() {
	printf '%s\n' "$*"
	bad=1
}

# Files as git knows them, new ones included, so that nothing generated is looked at.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
		[[ -f $file ]] && printf '%s\n' "$file"
	done
}

# Print what a grep finds, if anything, under a sentence that says what is wrong with it.
forbid() {
	local sentence=$1
	shift
	local found
	found=$(grep -nE "$@" || true)
	[[ -z $found ]] || complain "$sentence"$'\n'"$found"
}

check_format() {
	files '*.c' '*.h' | xargs clang-format --dry-run -Werror || bad=1
}

check_rules() {
	local sources shipped code others quiet
	mapfile -t sources < <(files '*.c' '*.h' '*.S' '*.sh' '*.t' '*.bats' '*.awk' '*.build')
	mapfile -t shipped < <(files ':(glob)monitor/*.[ch]' 'virtio/*.[ch]' 'jail/*.[ch]')

	awk -f tests/lint/includes.awk tests/lint/ranks "${shipped[@]}" || bad=1
	files '*.c' | xargs awk -f tests/lint/functions.awk || bad=1
	for file in "${sources[@]}"; do
		head -n 2 "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file: no SPDX line"
	done
	mapfile -t code < <(files '*.c' '*.h' '*.S')
	forbid 'unfinished work:' '\b(TODO|FIXME|XXX|HACK)\b' "${code[@]}"
	mapfile -t others < <(printf '%s\n' "${shipped[@]}" | grep -v '^virtio/guest_memory')
	forbid 'only the gate may use the base of guest memory:' '(->|\.)host\b' "${others[@]}"
	# The compiler of the filters is a program of the build.
	mapfile -t quiet < <(files 'virtio/*.c' 'jail/*.c' | grep -v '^jail/policy_compile')
	((${#quiet[@]} == 0)) ||
		forbid 'virtio/ and jail/ neither print, exit nor allocate:' \
			'\b(f?printf|puts|_?exit|abort|malloc|calloc|realloc|free)\(' "${quiet[@]}" /dev/null
	forbid 'what unwinds a stack needs tables that are not linked (monitor/no_unwind.ld):' \
		'\b(pthread_exit|pthread_cancel|backtrace)\(' "${shipped[@]}"
	forbid 'no alloca:' '\balloca\(' "${shipped[@]}"
}

check_shell() {
	files '*.sh' '*.t' .ci/run tests/lab/init tests/lab/guest-init | xargs shellcheck -x -S warning || bad=1
}

check_cppcheck() {
	cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
		--enable=warning,performance,portability --suppress=missingIncludeSystem \
		--suppress=normalCheckLevelMaxBranches --suppress=checkersReport \
		-D__x86_64__ -D_GNU_SOURCE -I. -j 2 monitor virtio benches || bad=1
}

# Each file with the sum of all that clang-tidy's answer depends on: itself, its settings, the compiler's
# command, and every byte of the source and of what it includes, as the last build found it.  A file that
# this build leaves out has `unknown` instead.
tidy_sums() {
	local database=$1 work file
	shift
	work=$(mktemp -d)
	{
		clang-tidy --version
		cat .clang-tidy
	} >"$work/settings"
	jq -r '.[] | "\(.file)\t\(.command)"' "$database/compile_commands.json" >"$work/commands"
	# An object's line, then what it was made of, the source before the headers: all as `SOURCE<tab>FILE`.
	ninja -C "$database" -t deps | awk '
		/^[^ ]/ { source = "" }
		/\.c$/ && source == "" { source = $1 }
		source != "" && NF { print source "\t" $1 }' >"$work/files"
	for file in "$@"; do
		grep -qF "../../$file	" "$work/files" || {
			printf '%s unknown\n' "$file"
			continue
		}
		{
			cat "$work/settings"
			grep -F "../../$file	" "$work/commands"
			grep -F "../../$file	" "$work/files" | cut -f 2 | sort -u | (cd "$database" && xargs sha256sum)
		} | sha256sum | sed "s|^\([0-9a-f]*\).*|$file \1|"
	done
	rm -rf "$work"
}

# A file that was found clean is not asked about again until its sum is another: the analyzer takes half a
# second for each.  Sums that nobody asked for in 30 days go.
check_tidy() {
	local database=build/asan clean=${XDG_CACHE_HOME:-$HOME/.cache}/mote/tidy sources
	[[ -e $database/compile_commands.json ]] || {
		complain "no $database/compile_commands.json: run ./build.sh build asan first"
		return
	}
	ninja -C "$database" >/dev/null || {
		complain "$database cannot be built"
		return
	}
	mkdir -p "$clean"
	find "$clean" -type f -mtime +30 -delete
	mapfile -t sources < <(files 'monitor/*.c' 'virtio/*.c' 'jail/*.c' 'benches/*.c')
	tidy_sums "$database" "${sources[@]}" | while read -r file sum; do
		touch -c "$clean/$sum"
		[[ -e $clean/$sum ]] || printf '%s\n' "$database" "$file" "$clean/$sum"
	done | xargs -r -P 2 -n 3 sh -c '
		clang-tidy --quiet -p "$0" "$1" 2>/dev/null || exit 1
		[ "${2##*/}" = unknown ] || : >"$2"' || bad=1
}

check_manuals() {
	mandoc -T lint -W warning docs/*.[15] || bad=1
}

main() {
	local check
	(($#)) || set -- format rules shell manuals cppcheck tidy
	for check in "$@"; do
		printf '== %s\n' "$check"
		"check_$check"
	done
	((bad == 0)) && printf 'lint: clean\n'
	return "$bad"
}

main "$@"
