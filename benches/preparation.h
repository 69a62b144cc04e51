/* SPDX-License-Identifier: MIT */
/*
 * benches/preparation.h - what a start of mote finds on its host, for one benchmark alone.
 *
 * Root's first start after a boot keeps KVM's CPUID for all that follow; `mote prepare` adds empty
 * namespaces.  Here both are in directories of the workspace, the namespaces in a mount namespace
 * of the benchmark's own: they are gone with the benchmark, however that ends, and the host's own
 * are neither used nor touched.
 *
 * Call order: workspace_make(), preparation_make(), preparation_start() before `kept` and `cpuid`
 * are used.  Failures end the program with a message.
 */
#ifndef BENCHES_PREPARATION_H
#define BENCHES_PREPARATION_H

#define PREPARATION_NONE "none"

/* For `mote run --prepared`, until exit. */
struct preparation {
	const char *kept;     /* what root has after a first start; PREPARATION_NONE for others */
	const char *prepared; /* what root has after `mote prepare`; NULL for others */
	const char *cpuid;    /* the file in `kept` that has KVM's CPUID; NULL for others */
};

struct preparation preparation_make(const char *mote_path);

/*
 * The first start, which has to keep the answer: a command line of mote with `kept`.  Its guest is
 * ended once it has printed.  Nothing for others than root.
 */
void preparation_start(const struct preparation *preparation, const char *const arguments[]);

#endif
