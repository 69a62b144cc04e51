/* SPDX-License-Identifier: MIT */
/* monitor/delivery.c - see delivery.h. */
#include "monitor/delivery.h"

#define NS_PER_MS UINT64_C(1000000)

void delivery_hurry(struct delivery *delivery, uint64_t now_ns)
{
	uint64_t last_ns = delivery->is_hurried ? now_ns : now_ns + DELIVERY_STOP_MS * NS_PER_MS;

	delivery->is_hurried = true;
	if (last_ns < delivery->give_up_ns)
		delivery->give_up_ns = last_ns;
}

bool delivery_goes_on(struct delivery *delivery, uint64_t owed_bytes, uint64_t now_ns)
{
	if (owed_bytes < delivery->owed_bytes) {
		delivery->owed_bytes = owed_bytes;
		if (!delivery->is_hurried)
			delivery->give_up_ns = now_ns + DELIVERY_MS * NS_PER_MS;
	}
	return owed_bytes > 0 && now_ns < delivery->give_up_ns;
}
