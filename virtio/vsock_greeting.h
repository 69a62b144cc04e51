/* SPDX-License-Identifier: MIT */
/*
 * virtio/vsock_greeting.h - the line by which a client on the host asks for a port of the guest.
 *
 * The protocol is Firecracker's (its docs/vsock.md): the client connects to the VM's Unix socket
 * and says "CONNECT <port>\n", in any case, in at most 32 bytes; once the guest has accepted, the
 * answer is "OK <host port>\n".  What the client sends behind its newline belongs to the stream
 * already.
 *
 * Spaces may stand around the port, and a carriage return before the newline.
 *
 * Pure over (text, length).
 */
#ifndef VIRTIO_VSOCK_GREETING_H
#define VIRTIO_VSOCK_GREETING_H

#include <stddef.h>
#include <stdint.h>

enum {
	VSOCK_GREETING_MAX_BYTES = 32,
	VSOCK_ANSWER_MAX_BYTES = 16,
};

/*
 * Read a line that may not be all there.  Returns 0 with the port, -EAGAIN if its newline has not
 * come yet, or -EINVAL if it is wrong already, or too long.
 */
int vsock_greeting_parse(const char *text, size_t length, uint32_t *port);

/* How many bytes may be read behind `length` of them without reading beyond a good line's newline.
 */
size_t vsock_greeting_step(size_t length);

/* Write the answer, without a zero at its end.  Returns its length. */
size_t vsock_greeting_answer(char text[VSOCK_ANSWER_MAX_BYTES], uint32_t host_port);

#endif
