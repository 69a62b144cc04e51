#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tests/fuzz/replay.t - every fuzz target over its corpus once, under the sanitizers.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
number=0

for target in "$top"/build/fuzz/tests/fuzz/fuzz_*; do
	[[ -f $target && -x $target ]] || continue
	name=${target##*/fuzz_}
	number=$((number + 1))
	output=$("$target" -runs=0 -rss_limit_mb=4096 "$top/tests/fuzz/corpus/$name" 2>&1) &&
		printf 'ok %d - %s corpus\n' "$number" "$name" ||
		{ printf 'not ok %d - %s corpus\n' "$number" "$name" && sed 's/^/# /' <<<"$output"; }
done
printf '1..%d\n' "$number"
((number > 0))
