/* SPDX-License-Identifier: MIT */
/* jail/caps.c - see caps.h. */
#include "jail/caps.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
	SETS_BITS = 64, /* more than any kernel has capabilities */
	/* Root's uid brings none, a change of uid moves none, and none survives that was not kept.
	 */
	SECURE_BITS = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		      SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		      SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
};

/* The lowest one in the bounding set, or SETS_BITS: where looking fails there are no more. */
static int first_held(void)
{
	for (int number = 0; number < SETS_BITS; number++) {
		int held = prctl(PR_CAPBSET_READ, number);

		if (held < 0)
			return number > 0 ? SETS_BITS : -errno;
		if (held)
			return number;
	}
	return SETS_BITS;
}

/*
 * One call for each capability, as there is none for all.  Looking is several times cheaper than
 * dropping, so one look at all of them is the proof, and all there is to do where the set was
 * inherited empty.
 */
static int empty_bounding_set(void)
{
	int held = first_held();

	if (held < 0 || held == SETS_BITS)
		return held < 0 ? held : 0;
	for (int number = held; number < SETS_BITS; number++)
		if (prctl(PR_CAPBSET_DROP, number) < 0) {
			if (errno != EINVAL)
				return -errno;
			break;
		}
	return first_held() == SETS_BITS ? 0 : -EPERM;
}

static int lock_secure_bits(void)
{
	if (prctl(PR_GET_SECUREBITS) == SECURE_BITS)
		return 0;
	if (prctl(PR_SET_SECUREBITS, SECURE_BITS) < 0)
		return -errno;
	return prctl(PR_GET_SECUREBITS) == SECURE_BITS ? 0 : -EPERM;
}

int caps_close_ways(void)
{
	int error = empty_bounding_set();

	return error ? error : lock_secure_bits();
}

bool caps_hold(uint64_t wanted)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, held) == 0 &&
	       (wanted & ~((uint64_t)held[1].effective << 32 | held[0].effective)) == 0;
}

/* An ambient capability is always inheritable as well: the kernel takes it away with that one. */
int caps_keep_only(uint64_t kept)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct wanted[_LINUX_CAPABILITY_U32S_3] = {
		{.effective = (uint32_t)kept, .permitted = (uint32_t)kept},
		{.effective = (uint32_t)(kept >> 32), .permitted = (uint32_t)(kept >> 32)},
	};
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capset, &header, wanted) < 0 || syscall(SYS_capget, &header, held) < 0)
		return -errno;
	return memcmp(held, wanted, sizeof(held)) == 0 ? 0 : -EPERM;
}
