/* SPDX-License-Identifier: MIT */
/*
 * monitor/run.h - `mote run`: from a configuration file to an exit status.
 *
 * The launcher's side of a run.  run_command() is the list of its steps.
 */
#ifndef MONITOR_RUN_H
#define MONITOR_RUN_H

#include "monitor/cli.h"
#include "monitor/run_state.h"

/* The whole command.  `state` already carries the first stamp.  Returns the exit status. */
int run_command(const struct cli *cli, struct run_state *state);

#endif
