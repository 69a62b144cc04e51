# SPDX-License-Identifier: MIT
# tests/lint/includes.awk - includes go one way: from a module to modules of a lower rank.
#
#	awk -f includes.awk ranks FILE...
#
# The first file gives a rank to every module ("monitor/log 0"); the others are sources.  A module
# may include itself, modules of its own folder with a lower rank, and what its folder may know:
# monitor/ knows virtio/ and jail/, these two know only themselves.  virtio/ and jail/ may not know
# KVM either, but for the table of system calls, which has to name KVM's.
FNR == NR {
	if (NF == 2 && $1 !~ /^#/)
		rank[$1] = $2
	next
}

function module_of(path) {
	sub(/\.[chS]$/, "", path)
	return path
}

function folder_of(path) {
	sub(/\/.*/, "", path)
	return path
}

function complain(text) {
	printf "%s:%d: %s\n", FILENAME, FNR, text
	bad = 1
}

FNR == 1 {
	self = module_of(FILENAME)
	sub(/^\.\//, "", self)
	home = folder_of(self)
	if (!(self in rank))
		complain("no rank for " self " in tests/lint/ranks")
}

/^#include <linux\/kvm.h>/ && home != "monitor" && self != "jail/policy" {
	complain(home "/ must not know KVM")
}

/^#include "/ {
	split($0, part, "\"")
	other = module_of(part[2])
	if (other == self)
		next
	if (folder_of(other) != home) {
		if (home != "monitor")
			complain(home "/ must not include " other)
	} else if (!(other in rank)) {
		complain("no rank for " other " in tests/lint/ranks")
	} else if (rank[other] >= rank[self]) {
		complain(self " (rank " rank[self] ") must not include " other " (rank " rank[other] ")")
	}
}

END {
	exit bad
}
