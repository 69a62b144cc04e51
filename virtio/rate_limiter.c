/* SPDX-License-Identifier: MIT */
/*
 * virtio/rate_limiter.c - see rate_limiter.h.
 *
 * All is counted in units of 1 / refill_time_ns tokens: `size_tokens` of them come with each
 * nanosecond, so nothing is ever divided that would leave a rest to forget.  Products of two
 * 64-bit numbers and one more such number fit 128 bits.
 */
#include "virtio/rate_limiter.h"

typedef unsigned __int128 wide;

static bool is_on(const struct token_bucket *bucket)
{
	return bucket->size_tokens && bucket->refill_time_ns;
}

/* What a full bucket holds, as the level counts. */
static int64_t capacity(const struct token_bucket *bucket)
{
	return bucket->size_tokens > INT64_MAX ? INT64_MAX : (int64_t)bucket->size_tokens;
}

/* How far the level is below another one. */
static uint64_t missing(const struct token_bucket *bucket, int64_t level_tokens)
{
	return (uint64_t)level_tokens - (uint64_t)bucket->level_tokens;
}

void token_bucket_init(struct token_bucket *bucket, uint64_t size_tokens, uint64_t one_time_burst,
		       uint64_t refill_time_ns, uint64_t now_ns)
{
	*bucket = (struct token_bucket){
		.size_tokens = size_tokens,
		.refill_time_ns = refill_time_ns,
		.burst_left = one_time_burst,
		.updated_ns = now_ns,
	};
	bucket->level_tokens = capacity(bucket);
}

static void refill(struct token_bucket *bucket, uint64_t now_ns)
{
	/* A clock that went back is another clock: it fills nothing, and counts from here on. */
	uint64_t elapsed_ns = now_ns > bucket->updated_ns ? now_ns - bucket->updated_ns : 0;
	wide units = (wide)elapsed_ns * bucket->size_tokens + bucket->fraction;
	wide tokens = units / bucket->refill_time_ns;

	bucket->updated_ns = now_ns;
	if (tokens >= missing(bucket, capacity(bucket))) {
		bucket->level_tokens = capacity(bucket);
		bucket->fraction = 0;
		return;
	}
	bucket->level_tokens = (int64_t)((uint64_t)bucket->level_tokens + (uint64_t)tokens);
	bucket->fraction = (uint64_t)(units % bucket->refill_time_ns);
}

/* What a request takes from the bucket itself, the burst being spent first. */
static uint64_t beyond_burst(const struct token_bucket *bucket, uint64_t tokens)
{
	return tokens > bucket->burst_left ? tokens - bucket->burst_left : 0;
}

/* Refill, and say for how long the bucket holds too little for the request. */
static uint64_t wait_ns(struct token_bucket *bucket, uint64_t tokens, uint64_t now_ns)
{
	uint64_t wanted = beyond_burst(bucket, tokens);
	int64_t level_tokens;
	wide ns;

	if (!is_on(bucket))
		return 0;
	refill(bucket, now_ns);
	level_tokens = capacity(bucket);
	if (wanted < (uint64_t)level_tokens)
		level_tokens = (int64_t)wanted;
	if (wanted == 0 || bucket->level_tokens >= level_tokens)
		return 0;
	ns = (wide)missing(bucket, level_tokens) * bucket->refill_time_ns - bucket->fraction;
	ns = (ns + bucket->size_tokens - 1) / bucket->size_tokens;
	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

static void take(struct token_bucket *bucket, uint64_t tokens)
{
	uint64_t wanted = beyond_burst(bucket, tokens);

	if (!is_on(bucket))
		return;
	bucket->burst_left -= tokens - wanted;
	/* No request is that large, but no number may wrap a debt into a credit. */
	if (__builtin_sub_overflow(bucket->level_tokens, wanted, &bucket->level_tokens))
		bucket->level_tokens = INT64_MIN;
}

bool rate_limiter_is_on(const struct rate_limiter *limiter)
{
	return is_on(&limiter->bytes) || is_on(&limiter->operations);
}

uint64_t rate_limiter_take(struct rate_limiter *limiter, uint64_t bytes, uint64_t now_ns)
{
	uint64_t bytes_wait_ns = wait_ns(&limiter->bytes, bytes, now_ns);
	uint64_t operations_wait_ns = wait_ns(&limiter->operations, 1, now_ns);

	if (bytes_wait_ns || operations_wait_ns)
		return bytes_wait_ns > operations_wait_ns ? bytes_wait_ns : operations_wait_ns;
	take(&limiter->bytes, bytes);
	take(&limiter->operations, 1);
	return 0;
}

bool rate_limiter_admits(struct rate_limiter *limiter, uint64_t bytes, uint64_t now_ns,
			 uint64_t *due_ns)
{
	uint64_t wait_ns = rate_limiter_take(limiter, bytes, now_ns);

	if (wait_ns == 0)
		return true;
	*due_ns = wait_ns < UINT64_MAX - now_ns ? now_ns + wait_ns : UINT64_MAX - 1;
	return false;
}
