/* SPDX-License-Identifier: MIT */
/*
 * benches/block_subject.h - one run of one subject of the block benchmark.
 */
#ifndef BENCHES_BLOCK_SUBJECT_H
#define BENCHES_BLOCK_SUBJECT_H

#include "benches/block_command.h"
#include "benches/block_output.h"
#include "benches/session.h"

/*
 * Run all depths of a group, one after the other.  Returns 0, or a negative errno with the reason
 * in words: the program's own where it gave one.  -ETIMEDOUT for a program that had to be killed.
 */
int block_subject_run(const struct block_subject *subject, const struct block_paths *paths,
		      const struct block_load_time *what, struct block_run runs[BLOCK_DEPTHS],
		      char reason[SESSION_REASON_BYTES]);

#endif
