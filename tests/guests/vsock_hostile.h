/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/vsock_hostile.h - what the parts of the hostile guest share.
 *
 * A case attacks a device that was just brought up, and judges what it made of that.  The runner
 * then resets the device, and makes sure that it works again: that a connection can be made.
 */
#ifndef GUEST_VSOCK_HOSTILE_H
#define GUEST_VSOCK_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/guests/lib/virtio_vsock.h"

enum {
	PORT_PEER = 5000,
	PORT_NOBODY = 5001,
	PORT_OWN = 100,
	HOSTILE_ANSWER_MS = 3000,
	HOSTILE_SILENT_MS = 200, /* after which nothing is taken for the answer */
	HOSTILE_DATA_BYTES = 4096,
	HOSTILE_RAW_BYTES = 128 * 1024,
	HOSTILE_CREDIT_BYTES = 64 * 1024, /* that the guest says it has */
};

enum verdict {
	VERDICT_RESET,       /* an RST came, told by the monitor */
	VERDICT_REFUSED,     /* an RST came, of which nothing is said */
	VERDICT_OPEN,        /* a connection goes on */
	VERDICT_SILENT,      /* no packet came */
	VERDICT_NEEDS_RESET, /* the device has failed */
	VERDICT_ANY,         /* nothing can be said but that it recovers */
	VERDICT_WRONG,
	VERDICTS,
};

struct hostile_case {
	const char *name;
	enum verdict expected;
	void (*attack)(void); /* NULL: the judge does it all, with the device as well */
	enum verdict (*judge)(void);
};

struct hostile {
	struct vsock vsock;
	uint8_t data[HOSTILE_DATA_BYTES]; /* that are sent */
	uint8_t *raw; /* HOSTILE_RAW_BYTES for chains; begins with a good request's header */
	struct vsock_header answer; /* the packet that came last */
};

extern struct hostile hostile;

/* Lists that end with a case without a name. */
extern const struct hostile_case hostile_stray_cases[];
extern const struct hostile_case hostile_stream_cases[]; /* on a connection */
extern const struct hostile_case hostile_transmit_cases[];
extern const struct hostile_case hostile_receive_cases[]; /* without receive buffers */
extern const struct hostile_case hostile_race_cases[];    /* on more than one processor */

/* A good header, for one connection. */
struct vsock_header hostile_header_for(uint16_t op);

void hostile_send_header(const struct vsock_header *header, uint32_t size_bytes);
void hostile_send_op(uint16_t op, uint32_t size_bytes);

/* The next packet, into `answer`.  Returns false if none comes, or the device has failed. */
bool hostile_await(uint32_t wait_ms);

/* By the first packet that is neither credit nor data. */
enum verdict hostile_judge(void);
enum verdict hostile_judge_refusal(void);

/* OPEN if the connection is still there. */
enum verdict hostile_judge_open(void);

/* REFUSED if so many RSTs come, and then nothing. */
enum verdict hostile_judge_all(uint32_t count);

#endif
