#!/bin/sh
# SPDX-License-Identifier: MIT
# link_headers.sh DIRECTORY - gather what musl-gcc does not look for: the kernel's headers and the libraries'.
set -eu

directory=$1
multiarch=$(gcc -print-multiarch)
mkdir -p "$directory"
for header in linux asm-generic video misc "$multiarch/asm" jansson.h liburing.h liburing \
	jansson_config.h "$multiarch/jansson_config.h"; do
	[ ! -e "/usr/include/$header" ] || ln -sfn "/usr/include/$header" "$directory/${header##*/}"
done
