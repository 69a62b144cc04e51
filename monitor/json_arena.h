/* SPDX-License-Identifier: MIT */
/*
 * monitor/json_arena.h - where jansson gets its memory from.
 *
 * A configuration of no unusual length needs no heap, of which each process would have two mappings
 * more; and a launcher that has sealed itself cannot get memory from the kernel, so a report must
 * not ask for any.  Both are made in one arena.
 *
 * Call order: json_arena_keep() before the configuration is read, json_arena_scratch() before each
 * report.  What was made before the first of these calls must not be in use any more.
 * Thread: the launcher's only one; jansson has one allocator for all.
 */
#ifndef MONITOR_JSON_ARENA_H
#define MONITOR_JSON_ARENA_H

/* What is made from now on stays, in the arena or, if there is too much of it, on the heap. */
void json_arena_keep(void);

/* What is made from now on stays until the next call.  Nothing is made where there is no room. */
void json_arena_scratch(void);

#endif
