/* SPDX-License-Identifier: MIT */
/* monitor/input.c - see input.h. */
#include "monitor/input.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "monitor/terminal.h"

static void on_readable(void *owner, short events);

int input_init(struct input *input)
{
	struct stat status;

	input->shared = fstat(input->fd, &status) == 0 &&
			(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode));
	input->terminal = terminal_is(input->fd);
	atomic_store(&input->wanted, input->terminal);
	input->watch = loop_watch(input->loop, input->fd, input->terminal ? POLLIN : 0, on_readable,
				  input);
	return input->watch < 0 ? input->watch : 0;
}

void input_want(struct input *input)
{
	if (!atomic_exchange(&input->wanted, true))
		loop_wake(input->loop);
}

/* Hand over what is pending; whatever the port refuses stays for input_resume(). */
static void deliver(struct input *input)
{
	size_t accepted;

	pthread_mutex_lock(input->serial_lock);
	accepted = serial_receive(input->serial, input->pending, input->pending_count);
	pthread_mutex_unlock(input->serial_lock);
	input->pending_count -= (uint32_t)accepted;
	memmove(input->pending, input->pending + accepted, input->pending_count);
}

/* A terminal is read even while the guest takes nothing: the escape must always work. */
static void watch_if_useful(struct input *input)
{
	bool has_room = input->terminal || input->pending_count == 0;
	bool useful = !input->ended && !input->background && has_room &&
		      atomic_load(&input->wanted);

	loop_expect(input->loop, input->watch, useful ? POLLIN : 0);
}

void input_resume(struct input *input)
{
	input->background = false;
	if (input->pending_count)
		deliver(input);
	watch_if_useful(input);
}

/* Only keys can find no room here, and a key more than that is lost as on any terminal. */
static void append(struct input *input, uint8_t byte)
{
	if (input->pending_count < sizeof(input->pending))
		input->pending[input->pending_count++] = byte;
}

/* One byte from a terminal, where Ctrl-A begins a command to mote. */
static void take_key(struct input *input, uint8_t key)
{
	if (!input->escape && key == INPUT_ESCAPE) {
		input->escape = true;
		return;
	}
	if (input->escape && (key == 'x' || key == 'X')) {
		input->escape = false;
		input->leave(input->owner);
		return;
	}
	if (input->escape && key != INPUT_ESCAPE)
		append(input, INPUT_ESCAPE);
	input->escape = false;
	append(input, key);
}

static ssize_t read_some(const struct input *input, uint8_t *bytes, size_t size)
{
	struct iovec piece = {.iov_base = bytes, .iov_len = size};
	ssize_t count;

	if (input->shared) {
		count = preadv2(input->fd, &piece, 1, -1, RWF_NOWAIT);
		if (count >= 0 || errno != EOPNOTSUPP)
			return count;
	}
	return read(input->fd, bytes, size);
}

static void on_readable(void *owner, short events)
{
	struct input *input = owner;
	uint8_t chunk[INPUT_CHUNK_BYTES];
	ssize_t count = read_some(input, chunk, sizeof(chunk));

	if (count < 0 && errno == EIO && input->terminal) {
		/* In the background, with SIGTTIN blocked.  The launcher wakes the loop on SIGCONT.
		 */
		input->background = true;
		watch_if_useful(input);
		return;
	}
	if (count <= 0) {
		input->ended = !(count < 0 && (errno == EAGAIN || errno == EINTR)) ||
			       (events & (POLLERR | POLLNVAL));
		watch_if_useful(input);
		return;
	}
	for (ssize_t i = 0; i < count; i++) {
		if (input->terminal)
			take_key(input, chunk[i]);
		else
			append(input, chunk[i]);
	}
	deliver(input);
	watch_if_useful(input);
}
