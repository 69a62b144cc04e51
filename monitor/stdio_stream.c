/* SPDX-License-Identifier: MIT */
/* monitor/stdio_stream.c - see stdio_stream.h. */
#include "monitor/stdio_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/open_path.h"

static int duplicate(int fd)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);

	return own < 0 ? -errno : own;
}

/*
 * A FIFO by name that is opened when its writers are gone would not report their end.  The
 * descriptor that saw them reports it, and reading from it never waits any more.
 */
static bool has_lost_writers(int fd)
{
	struct pollfd end = {.fd = fd};

	return poll(&end, 1, 0) == 1 && end.revents & POLLHUP;
}

/* Make the descriptor itself non-blocking, for as long as mote runs. */
static int borrow(int fd, struct stdio_stream_loan *loan)
{
	int flags = fcntl(fd, F_GETFL);
	int own = flags < 0 ? -errno : duplicate(fd);
	int kept;

	if (own < 0 || flags & O_NONBLOCK)
		return own;
	kept = duplicate(fd);
	if (kept < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
		int error = -errno;

		close(own);
		if (kept >= 0)
			close(kept);
		return error;
	}
	*loan = (struct stdio_stream_loan){.fd = kept, .flags = flags};
	return own;
}

static int take(int fd, int access, struct stdio_stream_loan *loan)
{
	struct stat status;
	int own = -ENXIO;

	if (fstat(fd, &status))
		return -errno;
	if (S_ISREG(status.st_mode))
		return duplicate(fd);
	if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode))
		own = open_path_again(fd, access);
	if (own < 0)
		return borrow(fd, loan);
	if (S_ISFIFO(status.st_mode) && access == O_RDONLY && has_lost_writers(fd)) {
		close(own);
		return duplicate(fd);
	}
	return own;
}

/* Of a socket both ways end separately, so it has to be known that it is one. */
static bool are_one_socket(void)
{
	struct stat input;
	struct stat output;

	return fstat(STDIN_FILENO, &input) == 0 && fstat(STDOUT_FILENO, &output) == 0 &&
	       S_ISSOCK(input.st_mode) && input.st_dev == output.st_dev &&
	       input.st_ino == output.st_ino;
}

/* Without it, peers only see the end later. */
static void replace_by_null(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return;
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	close(null);
}

int stdio_stream_open(struct stdio_stream *stream)
{
	struct stdio_stream opened = {
		.write_fd = STDIO_STREAM_NONE,
		.loans = {{.fd = STDIO_STREAM_NONE}, {.fd = STDIO_STREAM_NONE}},
	};
	int error;

	opened.read_fd = take(STDIN_FILENO, O_RDONLY, &opened.loans[0]);
	if (opened.read_fd < 0)
		return opened.read_fd;
	opened.write_fd = are_one_socket() ? opened.read_fd
					   : take(STDOUT_FILENO, O_WRONLY, &opened.loans[1]);
	if (opened.write_fd < 0) {
		error = opened.write_fd;
		stdio_stream_hand_over(&opened);
		stdio_stream_restore(&opened);
		return error;
	}
	replace_by_null();
	*stream = opened;
	return 0;
}

void stdio_stream_hand_over(struct stdio_stream *stream)
{
	if (stream->read_fd >= 0)
		close(stream->read_fd);
	if (stream->write_fd >= 0 && stream->write_fd != stream->read_fd)
		close(stream->write_fd);
	stream->read_fd = STDIO_STREAM_NONE;
	stream->write_fd = STDIO_STREAM_NONE;
}

void stdio_stream_restore(struct stdio_stream *stream)
{
	for (unsigned int i = 0; i < sizeof(stream->loans) / sizeof(stream->loans[0]); i++) {
		struct stdio_stream_loan *loan = &stream->loans[i];

		if (loan->fd < 0)
			continue;
		(void)fcntl(loan->fd, F_SETFL, loan->flags);
		close(loan->fd);
		loan->fd = STDIO_STREAM_NONE;
	}
}
