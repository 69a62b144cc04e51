/* SPDX-License-Identifier: MIT */
/*
 * tests/guests/lib/smp.h - start the other processors, by INIT and SIPI (Intel SDM volume 3, 9.4).
 *
 * Each arrives at privilege level 3 on stacks of its own, with interrupts off,
 * numbered from 1 in the order of arrival.
 */
#ifndef GUEST_SMP_H
#define GUEST_SMP_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Start the processor with that APIC id and let it run `work(number)`; it halts for good when
 * that returns.  Returns false if it did not arrive within some seconds, true as soon as it has.
 */
bool smp_start_cpu(uint32_t apic_id, void (*work)(uint32_t number));

#endif
