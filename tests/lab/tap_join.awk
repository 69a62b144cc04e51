# SPDX-License-Identifier: MIT
# tests/lab/tap_join.awk - several TAP streams, one after the other, as one.
#
# A line "# script NAME" names the stream that follows; its tests get that name in front.  A stream
# whose plan is missing or does not fit, because its script died, is one more failure.
function close_stream() {
	if (name == "")
		return
	if (planned != seen) {
		number++
		printf "not ok %d - %s: planned %s tests and ran %d\n", number, name, planned, seen
	}
	name = ""
}

/^# script / {
	close_stream()
	name = $3
	seen = 0
	planned = "no"
	next
}

/^1\.\.[0-9]+$/ {
	planned = substr($0, 4) + 0
	next
}

/^(not )?ok [0-9]+/ {
	number++
	seen++
	verdict = /^not/ ? "not ok" : "ok"
	sub(/^(not )?ok [0-9]+( - )?/, "")
	printf "%s %d - %s: %s\n", verdict, number, name, $0
	next
}

{
	print
}

END {
	close_stream()
	printf "1..%d\n", number
}
