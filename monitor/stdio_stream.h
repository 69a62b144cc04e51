/* SPDX-License-Identifier: MIT */
/*
 * monitor/stdio_stream.h - standard input and output as a stream of the guest's, non-blocking.
 *
 * Whoever started mote shares these descriptors, and must not find them non-blocking.  So pipes and
 * terminals are opened once more, which makes flags of their own.  Files never block.  Sockets, and
 * what this user may not open, cannot be had a second time: those are made non-blocking, and
 * what they were is put back at the end.
 *
 * Standard input and output themselves become /dev/null, so that their peers see the end of a
 * stream as soon as it is over, and not when mote ends.
 *
 * Call order: stdio_stream_open() while /proc can be seen, in a process with one thread;
 * stdio_stream_restore() in the same process at the end.
 * Ownership: the two descriptors are the caller's, and may be the same one.
 */
#ifndef MONITOR_STDIO_STREAM_H
#define MONITOR_STDIO_STREAM_H

enum {
	STDIO_STREAM_NONE = -1,
};

/* One whose flags are to be put back. */
struct stdio_stream_loan {
	int fd; /* STDIO_STREAM_NONE: none */
	int flags;
};

struct stdio_stream {
	int read_fd;
	int write_fd; /* the same, where both are one socket */
	struct stdio_stream_loan loans[2];
};

/* Returns 0, or negative errno with nothing open. */
int stdio_stream_open(struct stdio_stream *stream);

/* Leave the descriptors to the VM process alone. */
void stdio_stream_hand_over(struct stdio_stream *stream);

/* Accepts one that is not open. */
void stdio_stream_restore(struct stdio_stream *stream);

#endif
