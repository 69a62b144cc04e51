/* SPDX-License-Identifier: MIT */
/* monitor/terminal.c - see terminal.h. */
#include "monitor/terminal.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

bool terminal_is(int fd)
{
	struct termios settings;

	return tcgetattr(fd, &settings) == 0;
}

int terminal_enter(struct terminal *terminal, int fd)
{
	struct termios raw;

	if (!terminal_is(fd))
		return 0;
	/* A background job that touched the terminal would be stopped by SIGTTOU. */
	if (tcgetpgrp(fd) != getpgid(0))
		return 0;
	if (!terminal->raw && tcgetattr(fd, &terminal->saved))
		return -errno;
	raw = terminal->saved;
	cfmakeraw(&raw);
	/* Guests and mote's own messages end their lines with a bare newline. */
	raw.c_oflag |= OPOST | ONLCR;
	if (tcsetattr(fd, TCSANOW, &raw))
		return -errno;
	terminal->fd = fd;
	terminal->raw = true;
	return 0;
}

void terminal_leave(struct terminal *terminal)
{
	sigset_t stop;
	sigset_t before;

	if (!terminal->raw)
		return;
	/* In the background by now, mote would be stopped for this, and its end not be seen. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTTOU);
	sigprocmask(SIG_BLOCK, &stop, &before);
	tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
	sigprocmask(SIG_SETMASK, &before, NULL);
	terminal->raw = false;
}
