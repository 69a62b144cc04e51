# SPDX-License-Identifier: MIT
# tests/lint/functions.awk - no function is longer than 70 lines, from its { to its } in column 0.
/^\{/ {
	start = FNR
	name = previous
}

/^\}/ && start {
	if (FNR - start > 70) {
		printf "%s:%d: a function of %d lines: %s\n", FILENAME, start, FNR - start, name
		bad = 1
	}
	start = 0
}

{
	previous = $0
}

FNR == 1 {
	start = 0
}

END {
	exit bad
}
