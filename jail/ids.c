/* SPDX-License-Identifier: MIT */
/* jail/ids.c - see ids.h. */
#include "jail/ids.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <unistd.h>

enum {
	NO_CHANGE = -1,
};

/* setfsuid() and setfsgid() with an id that cannot be change nothing and tell the present one. */
static bool are_ids(uid_t uid, gid_t gid)
{
	uid_t uids[3];
	gid_t gids[3];

	return getresuid(&uids[0], &uids[1], &uids[2]) == 0 && uids[0] == uid && uids[1] == uid &&
	       uids[2] == uid && getresgid(&gids[0], &gids[1], &gids[2]) == 0 && gids[0] == gid &&
	       gids[1] == gid && gids[2] == gid && setfsuid((uid_t)NO_CHANGE) == (int)uid &&
	       setfsgid((gid_t)NO_CHANGE) == (int)gid && getgroups(0, NULL) == 0;
}

/* Groups first: they can no longer be changed once the uid is another. */
int ids_become(uid_t uid, gid_t gid)
{
	if (uid == 0 || gid == 0)
		return -EINVAL;
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	return are_ids(uid, gid) ? 0 : -EPERM;
}
