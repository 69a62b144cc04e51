/* SPDX-License-Identifier: MIT */
/* The modes of fallocate(2), which musl's header lacks: see monitor/musl/README.md. */
#ifndef MUSL_FCNTL_H
#define MUSL_FCNTL_H

#include_next <fcntl.h>

#include <linux/falloc.h>

#endif
