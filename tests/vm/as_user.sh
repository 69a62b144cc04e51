#!/bin/sh
# SPDX-License-Identifier: MIT
# tests/vm/as_user.sh COMMAND... - run it as an ordinary user who may open /dev/kvm.
#
# An ordinary user stays who he is.  Root becomes nobody; where /dev/kvm is not for everybody, that
# happens in a mount namespace whose /dev/kvm is, and the host's own node stays as it is.  Where it
# cannot be done, one line on standard output tells why, and the status is 77.
set -u

nobody=65534

cannot() {
	echo "$1"
	exit 77
}

# become COMMAND... : nobody, without groups and capabilities.  busybox has its own way.
become() {
	if setpriv --reuid "$nobody" true 2>/dev/null; then
		exec setpriv --reuid "$nobody" --regid "$nobody" --clear-groups --inh-caps=-all "$@"
	else
		exec su -s /bin/sh -c 'exec "$@"' -- nobody sh "$@"
	fi
}

may_open_kvm() {
	(become sh -c ': <>/dev/kvm') 2>/dev/null
}

# In a mount namespace of its own: another node of the same device.
open_kvm_to_all() {
	folder=$(mktemp -d) || return 1
	mount -t tmpfs -o mode=755 none "$folder" 2>/dev/null &&
		mknod -m 666 "$folder/kvm" c 10 232 2>/dev/null &&
		mount --bind "$folder/kvm" /dev/kvm 2>/dev/null
	umount -l "$folder" 2>/dev/null
	rmdir "$folder"
	may_open_kvm
}

if [ "$(id -u)" -ne 0 ]; then
	exec "$@"
fi
if [ "${1:-}" = --with-kvm ]; then
	shift
	open_kvm_to_all || cannot 'no ordinary user can be given /dev/kvm here'
fi
(become true) 2>/dev/null || cannot 'nobody can be made an ordinary user here'
(become unshare -r -m true) 2>/dev/null || cannot 'ordinary users have no user namespaces here'
may_open_kvm || exec unshare -m --propagation private "$0" --with-kvm "$@"
become "$@"
