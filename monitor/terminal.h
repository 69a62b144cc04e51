/* SPDX-License-Identifier: MIT */
/*
 * monitor/terminal.h - the user's terminal while a guest has it.
 *
 * Raw mode hands every key to the guest, ^C included.  The launcher owns it,
 * not the VM process, so that it is put back whatever way that process dies.
 *
 * Call order: terminal_enter(), and terminal_leave() on each way out.  Entering
 * again after a stop (SIGCONT) is allowed.
 */
#ifndef MONITOR_TERMINAL_H
#define MONITOR_TERMINAL_H

#include <stdbool.h>
#include <termios.h>

struct terminal {
	bool raw;
	int fd;
	struct termios saved;
};

/* isatty(), but by the one request that the jail's policy knows, whatever the C library takes. */
bool terminal_is(int fd);

/*
 * Switch to raw mode if `fd` is a terminal and mote runs in its foreground; does
 * nothing otherwise.  Returns 0 or a negative errno.
 */
int terminal_enter(struct terminal *terminal, int fd);

/* Put the terminal back as it was.  Accepts one that was never entered. */
void terminal_leave(struct terminal *terminal);

#endif
