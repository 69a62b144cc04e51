/* SPDX-License-Identifier: MIT */
/*
 * benches/workspace.h - a directory of the benchmark's own, gone with everything in it at the end.
 *
 * Signals that end a program at a terminal end it so too.  One for each process.  Failures end the
 * program with a message.
 */
#ifndef BENCHES_WORKSPACE_H
#define BENCHES_WORKSPACE_H

#include <jansson.h>

/* Make it under `parent`, or under $TMPDIR or /tmp if that is NULL. */
void workspace_make(const char *parent);

/*
 * The path of a file or directory in it, which need not exist, or of one in a directory of it that
 * was named before; kept until exit.  What is mounted there goes with it.
 */
const char *workspace_path(const char *name);

/* A new directory in it, which only this user can change. */
const char *workspace_make_directory(const char *name);

/* Write a JSON file into it and return its path; takes over the reference.  NULL is refused. */
const char *workspace_write_json(const char *name, json_t *value);

#endif
