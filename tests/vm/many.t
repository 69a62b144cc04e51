#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/many.t - launches in a row: no failure, and nothing accumulates on the host.
# shellcheck source=tests/vm/tap.sh
. "${0%/*}/tap.sh"

launches=${MOTE_LAUNCHES:-1000}
file=$(config hello)

count_open() {
	for entry in /proc/self/fd/*; do echo "$entry"; done | wc -l
}

export TMPDIR="$tap_work/temporary"
mkdir "$TMPDIR" "$tap_work/cwd"
cd "$tap_work/cwd" || exit 1
open=$(count_open)
failures=0
i=0
while [ "$i" -lt "$launches" ]; do
	"$MOTE" run "$file" </dev/null >"$tap_work/out" 2>"$tap_work/errors" || failures=$((failures + 1))
	i=$((i + 1))
done
is "$launches launches: failures" "$failures" 0
is 'the last one said hello' "$(cat "$tap_work/out")" 'hello from a mote unikernel'
is 'no process is left' "$(left_over)" ''
is 'no temporary file is left' "$(find "$TMPDIR" "$tap_work/cwd" -mindepth 1)" ''
is 'no descriptor is left' "$(count_open)" "$open"

done_testing
