/* SPDX-License-Identifier: MIT */
/*
 * benches/preparation.h - this host as `mote prepare` makes it, for one benchmark alone.
 *
 * What it prepares is a mount, made in a mount namespace of the benchmark's own: it is gone with
 * the benchmark, however that ends, and the host's own preparation is neither used nor touched.
 */
#ifndef BENCHES_PREPARATION_H
#define BENCHES_PREPARATION_H

/*
 * Prepare.  Returns the directory for `mote run --prepared`, kept until exit, or NULL if only root
 * could.  After workspace_make(); failures end the program with a message.
 */
const char *preparation_make(const char *mote_path);

#endif
