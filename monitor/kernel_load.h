/* SPDX-License-Identifier: MIT */
/*
 * monitor/kernel_load.h - the kernel and the initrd go into guest memory.
 *
 * Whole pages whose place in the file and in memory agree are mapped privately
 * from the file over guest memory: they are shared by all VMs of a host until
 * somebody writes to them, and they cost nothing until they are touched.
 * The rest is read into place.  Where mapping is refused (hugetlb memory, which
 * cannot be mapped over in small pages) everything is read.
 *
 * Call order: kernel_parse(), initrd_place(), then the loads, before the guest runs
 * and before the memory is handed to KVM or after, as the host addresses stay.
 * Guest memory must be fresh: bss and the ends of partial pages rely on zeros.
 *
 * Ownership: descriptors stay the caller's, and may be closed after a load; the
 * mappings replace parts of guest memory's own and go with it.
 *
 * Trust: somebody may write to the files meanwhile.  A file that shrank before
 * its load is found out, since the last page of a range is always read and never
 * mapped.  One that shrinks later takes its pages from the guest: KVM then
 * reports a fault for the vCPU that touches them, as for any other bad memory.
 */
#ifndef MONITOR_KERNEL_LOAD_H
#define MONITOR_KERNEL_LOAD_H

#include <stdint.h>

#include "monitor/kernel.h"
#include "monitor/reason.h"
#include "virtio/guest_memory.h"

/*
 * Below this a range is read, not mapped.  Copying costs about as much as the
 * page faults that a mapping leaves to the guest if it writes to every page,
 * and more than ten times as much per page if it only reads; against that stands
 * the mapping itself, about as much as copying four pages.  On the host's side
 * alone mapping wins from 16 KiB on; the figure leaves room for the guest's exits,
 * which the start-up benchmark has to weigh.
 */
#define KERNEL_MAP_MIN_BYTES (UINT64_C(64) << 10)

/*
 * Put the image's segments into guest memory.  Returns 0; -EFAULT if a segment is not in
 * this memory; -EIO if the file has become shorter; or the negative errno of
 * a failed read.  After a failure guest memory is in an undefined state.
 */
int kernel_load(const struct kernel_image *image, int fd, const struct guest_memory *memory,
		struct reason *reason);

/*
 * Choose where an initrd goes: on a page, as high as possible in low memory, not
 * above initrd_max_gpa, above 1 MiB and the kernel.  Returns 0, -EINVAL for an empty
 * initrd, or -ENOMEM if it does not fit.
 */
int initrd_place(uint64_t *gpa, const struct kernel_image *image, uint64_t initrd_bytes,
		 uint64_t ram_bytes, struct reason *reason);

/* Put an initrd where initrd_place() said.  Returns as kernel_load() does. */
int initrd_load(int fd, uint64_t size_bytes, uint64_t gpa, const struct guest_memory *memory,
		struct reason *reason);

#endif
