/* SPDX-License-Identifier: MIT */
/* monitor/check.h - `mote check`: what is wrong with a configuration, or OK. */
#ifndef MONITOR_CHECK_H
#define MONITOR_CHECK_H

#include "monitor/config.h"

/* The whole command.  Returns its exit status: 0 or OUTCOME_STATUS_CONFIG. */
int check_command(const char *path);

/* Log every error of a configuration, one line each. */
void check_report(const char *path, const struct config_errors *errors);

#endif
