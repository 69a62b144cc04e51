/* SPDX-License-Identifier: MIT */
/*
 * virtio/rate_limiter.h - two token buckets: operations and bytes.
 *
 * A bucket holds `size` tokens, starts full, and refills evenly, `size` tokens
 * in `refill_time_ns`.  On top comes a one-time burst, which is spent first and
 * never refills.  This is Firecracker's rate limiter, key for key.
 *
 * A request larger than a bucket passes when the bucket is full and leaves a
 * debt that later ones wait for, so the rate holds whatever the sizes are.  Nothing is
 * rounded away: fractions of a token are kept.  What comes while a bucket is full is
 * lost, as in every token bucket: one that is small against the requests pays for late wake-ups.
 *
 * Pure: the caller brings the time (CLOCK_MONOTONIC), read under the lock that serialises
 * the calls.  A time before the last one fills nothing and becomes the new base.
 */
#ifndef VIRTIO_RATE_LIMITER_H
#define VIRTIO_RATE_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

/* size_tokens or refill_time_ns 0: no limit. */
struct token_bucket {
	uint64_t size_tokens;
	uint64_t refill_time_ns;
	uint64_t burst_left;  /* of the one-time burst */
	int64_t level_tokens; /* below 0: a debt */
	uint64_t fraction;    /* of a token, in units of 1 / refill_time_ns */
	uint64_t updated_ns;
};

struct rate_limiter {
	struct token_bucket bytes;
	struct token_bucket operations;
};

/* A full bucket at `now_ns`. */
void token_bucket_init(struct token_bucket *bucket, uint64_t size_tokens, uint64_t one_time_burst,
		       uint64_t refill_time_ns, uint64_t now_ns);

bool rate_limiter_is_on(const struct rate_limiter *limiter);

/*
 * Take one operation of `bytes` from both buckets.  Returns 0 if it may pass now;
 * else nothing was taken, and it is the time from `now_ns` on, in ns, after which
 * it could (at least 1).
 */
uint64_t rate_limiter_take(struct rate_limiter *limiter, uint64_t bytes, uint64_t now_ns);

/*
 * The same, with a point of time instead of a wait: returns whether the operation passes.  If not,
 * *due_ns is when it could, below UINT64_MAX in any case: that is "never" where times are kept.
 */
bool rate_limiter_admits(struct rate_limiter *limiter, uint64_t bytes, uint64_t now_ns,
			 uint64_t *due_ns);

#endif
