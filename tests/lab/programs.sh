# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# tests/lab/programs.sh - this machine's programs, with their libraries, for a tree or an image that
# runs elsewhere; what disk-images.sh and network-images.sh share.  Sourced, never run.

# libraries PROGRAM - the paths of its shared libraries, the loader's among them.
libraries()
{
	ldd "$1" | sed -nE 's/^.*[[:space:]](\/[^ ]+) \(0x[0-9a-f]+\)$/\1/p'
}

# add_file ROOT PATH - PATH at the same place below ROOT.
add_file()
{
	install -D -m 755 "$2" "$1$2"
}

# add_program ROOT NAME - a program of this machine in ROOT/bin, with its libraries.
add_program()
{
	local path library

	path=$(command -v "$2")
	install -D -m 755 "$path" "$1/bin/$2"
	while read -r library; do
		add_file "$1" "$library"
	done < <(libraries "$path")
}

# make_ext4 DIR FILE MIB - a file system with what is in DIR.
make_ext4()
{
	truncate -s 0 "$2"
	mke2fs -q -t ext4 -E root_owner=0:0 -d "$1" "$2" "$3m"
}
