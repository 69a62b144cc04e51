/* SPDX-License-Identifier: MIT */
/* jail/piece.c - see piece.h. */
#include "jail/piece.h"

#include <string.h>

static const char *const names[JAIL_PIECES] = {
	[JAIL_MOUNTS] = "mounts",
	[JAIL_PIDS] = "pids",
	[JAIL_NETWORK] = "network",
	[JAIL_IPC] = "ipc",
	[JAIL_HOSTNAME] = "hostname",
	[JAIL_CGROUPS] = "cgroups",
	[JAIL_USERS] = "users",
	[JAIL_IDS] = "ids",
	[JAIL_CAPABILITIES] = "capabilities",
	[JAIL_PRIVILEGES] = "privileges",
	[JAIL_LIMITS] = "limits",
	[JAIL_DESCRIPTORS] = "descriptors",
	[JAIL_LANDLOCK] = "landlock",
	[JAIL_SECCOMP] = "seccomp",
};

const char *jail_piece_name(enum jail_piece piece)
{
	return (unsigned int)piece < JAIL_PIECES ? names[piece] : "unknown";
}

enum jail_piece jail_piece_from_name(const char *name)
{
	enum jail_piece piece = JAIL_MOUNTS;

	while (piece < JAIL_PIECES && strcmp(names[piece], name) != 0)
		piece++;
	return piece;
}
