/* SPDX-License-Identifier: MIT */
/* monitor/cpuid.c - see cpuid.h. */
#include "monitor/cpuid.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "monitor/layout.h"

static_assert(offsetof(struct cpuid_table, entries) == sizeof(struct kvm_cpuid2),
	      "struct cpuid_table is struct kvm_cpuid2 with room");
static_assert(sizeof(struct kvm_cpuid_entry2) == 40, "kvm_cpuid_entry2");

enum {
	LEAF_VENDOR = 0x0,
	LEAF_FEATURES = 0x1,
	LEAF_CACHES = 0x4,
	LEAF_TOPOLOGY = 0xb,
	LEAF_TOPOLOGY_V2 = 0x1f,
};
#define LEAF_HYPERVISOR       UINT32_C(0x40000000)
#define LEAF_CLOCKS           UINT32_C(0x40000010)
#define LEAF_AMD_FEATURES     UINT32_C(0x80000001)
#define LEAF_AMD_SIZES        UINT32_C(0x80000008)
#define LEAF_AMD_CACHES       UINT32_C(0x8000001d)
#define LEAF_AMD_TOPOLOGY     UINT32_C(0x8000001e)
#define LEAF_AMD_TOPOLOGY_EXT UINT32_C(0x80000026)

#define FEATURES_ECX_TSC_DEADLINE (UINT32_C(1) << 24)
#define FEATURES_ECX_HYPERVISOR   (UINT32_C(1) << 31)
#define FEATURES_EDX_HTT          (UINT32_C(1) << 28)
#define AMD_ECX_CMP_LEGACY        (UINT32_C(1) << 1)
#define AMD_ECX_TOPOEXT           (UINT32_C(1) << 22)

enum {
	/* Levels of leaves 0xb and 0x1f: ECX bits 15:8. */
	LEVEL_SMT = 1,
	LEVEL_CORE = 2,
	TOPOLOGY_LEVELS = 2,

	/* Leaves 4 and 0x8000_001d: EAX bits 4:0 and 7:5. */
	CACHE_TYPE_MASK = 0x1f,
	CACHE_LEVEL_SHIFT = 5,
	CACHE_LEVEL_MASK = 0x7,
	CACHE_LEVEL_PRIVATE_MAX =
		2, /* L1 and L2 belong to one core, what is above to the package */

	APIC_BUS_KHZ = 1000000, /* KVM's APIC timer counts nanoseconds */
};

/* The same numbers in the forms that the leaves want. */
struct shape {
	uint32_t vcpus;
	uint32_t vcpu_bits; /* of an APIC id: the package is what is above them */
	uint32_t threads;   /* to a core */
	uint32_t thread_bits;
};

static uint32_t bits_for(uint32_t count)
{
	uint32_t bits = 0;

	while (UINT32_C(1) << bits < count)
		bits++;
	return bits;
}

static struct shape shape_of(const struct cpuid_topology *topology)
{
	uint32_t threads = topology->smt && topology->vcpu_count > 1 ? 2 : 1;

	return (struct shape){
		.vcpus = topology->vcpu_count,
		.vcpu_bits = bits_for(topology->vcpu_count),
		.threads = threads,
		.thread_bits = bits_for(threads),
	};
}

/* `value` with `field` in bits [low, low + width). */
static uint32_t with_bits(uint32_t value, unsigned int low, unsigned int width, uint32_t field)
{
	uint32_t mask = ((UINT32_C(1) << width) - 1) << low;

	return (value & ~mask) | (field << low & mask);
}

static struct kvm_cpuid_entry2 *find(struct cpuid_table *table, uint32_t function)
{
	for (uint32_t i = 0; i < table->nent; i++)
		if (table->entries[i].function == function)
			return &table->entries[i];
	return NULL;
}

/* The CPUID of AMD and of those that license its design (Hygon). */
static bool is_amd(struct cpuid_table *table)
{
	const struct kvm_cpuid_entry2 *vendor = find(table, LEAF_VENDOR);
	const char *amd = "AuthenticAMD";
	const char *hygon = "HygonGenuine";
	char name[12];

	memcpy(name, &vendor->ebx, 4);
	memcpy(name + 4, &vendor->edx, 4);
	memcpy(name + 8, &vendor->ecx, 4);
	return memcmp(name, amd, sizeof(name)) == 0 || memcmp(name, hygon, sizeof(name)) == 0;
}

static void remove_leaf(struct cpuid_table *table, uint32_t function)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->nent; i++)
		if (table->entries[i].function != function)
			table->entries[kept++] = table->entries[i];
	table->nent = kept;
}

/*
 * A leaf that is not in the table answers zeros, so entries of zeros say nothing; they are two
 * thirds of what KVM gives, and KVM_SET_CPUID2 takes longer for each.
 */
static void remove_empty(struct cpuid_table *table)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &table->entries[i];

		if (entry->eax | entry->ebx | entry->ecx | entry->edx)
			table->entries[kept++] = *entry;
	}
	table->nent = kept;
}

static int append(struct cpuid_table *table, const struct kvm_cpuid_entry2 *entry)
{
	if (table->nent >= CPUID_ENTRIES_MAX)
		return -ENOSPC;
	table->entries[table->nent++] = *entry;
	return 0;
}

static void set_features(struct kvm_cpuid_entry2 *entry, const struct shape *shape,
			 const struct cpuid_topology *topology)
{
	entry->ecx |= FEATURES_ECX_HYPERVISOR;
	if (topology->tsc_deadline)
		entry->ecx |= FEATURES_ECX_TSC_DEADLINE;
	entry->edx &= ~FEATURES_EDX_HTT;
	if (shape->vcpus > 1)
		entry->edx |= FEATURES_EDX_HTT;
	entry->ebx = with_bits(entry->ebx, 16, 8, UINT32_C(1) << shape->vcpu_bits);
}

/* How many APIC ids share this cache, less one; the same field with Intel and AMD. */
static void set_cache_sharing(struct kvm_cpuid_entry2 *entry, const struct shape *shape)
{
	uint32_t level = entry->eax >> CACHE_LEVEL_SHIFT & CACHE_LEVEL_MASK;
	uint32_t bits = level <= CACHE_LEVEL_PRIVATE_MAX ? shape->thread_bits : shape->vcpu_bits;

	if ((entry->eax & CACHE_TYPE_MASK) == 0)
		return;
	entry->eax = with_bits(entry->eax, 14, 12, (UINT32_C(1) << bits) - 1);
	if (entry->function == LEAF_CACHES)
		entry->eax =
			with_bits(entry->eax, 26, 6,
				  (UINT32_C(1) << (shape->vcpu_bits - shape->thread_bits)) - 1);
}

static void set_amd_leaf(struct kvm_cpuid_entry2 *entry, const struct shape *shape)
{
	switch (entry->function) {
	case LEAF_AMD_FEATURES:
		entry->ecx &= ~AMD_ECX_CMP_LEGACY;
		if (shape->vcpus > 1)
			entry->ecx |= AMD_ECX_CMP_LEGACY;
		break;
	case LEAF_AMD_SIZES:
		entry->ecx = with_bits(entry->ecx, 0, 8, shape->vcpus - 1);
		entry->ecx = with_bits(entry->ecx, 12, 4, shape->vcpu_bits);
		break;
	default: break;
	}
}

static void set_leaves(struct cpuid_table *table, const struct shape *shape,
		       const struct cpuid_topology *topology)
{
	bool amd = is_amd(table);

	for (uint32_t i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[i];

		if (entry->function == LEAF_FEATURES)
			set_features(entry, shape, topology);
		else if (entry->function == LEAF_CACHES || entry->function == LEAF_AMD_CACHES)
			set_cache_sharing(entry, shape);
		else if (amd)
			set_amd_leaf(entry, shape);
	}
}

/*
 * The host's levels are taken out and ours put in, one entry each.  KVM answers for levels beyond
 * with zeros and the x2APIC id of level 1.
 */
static int replace_levels(struct cpuid_table *table, uint32_t function, const struct shape *shape)
{
	const struct kvm_cpuid_entry2 levels[TOPOLOGY_LEVELS] = {
		{
			.function = function,
			.index = 0,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = shape->thread_bits,
			.ebx = shape->threads,
			.ecx = LEVEL_SMT << 8,
		},
		{
			.function = function,
			.index = 1,
			.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
			.eax = shape->vcpu_bits,
			.ebx = shape->vcpus,
			.ecx = LEVEL_CORE << 8 | 1,
		},
	};
	int error = 0;

	remove_leaf(table, function);
	for (unsigned int i = 0; i < TOPOLOGY_LEVELS && !error; i++)
		error = append(table, &levels[i]);
	return error;
}

/* KVM gives zeros here, because the host's ids would be wrong, but leaves TOPOEXT promising the
 * leaf. */
static int set_amd_topology(struct cpuid_table *table, const struct shape *shape)
{
	const struct kvm_cpuid_entry2 *features = find(table, LEAF_AMD_FEATURES);
	const struct kvm_cpuid_entry2 topology = {
		.function = LEAF_AMD_TOPOLOGY,
		.ebx = (shape->threads - 1) << 8, /* node 0 of 1 in ECX */
	};

	remove_leaf(table, LEAF_AMD_TOPOLOGY);
	if (!is_amd(table) || !features || !(features->ecx & AMD_ECX_TOPOEXT))
		return 0;
	return append(table, &topology);
}

/*
 * Leaf 0xb wherever the processor counts that far, 0x1f only where KVM gave it: guests prefer it,
 * but fall back.  AMD's 0x8000_0026 says the same once more in finer grain and would speak of
 * the host, so it goes.
 */
static int set_topology(struct cpuid_table *table, const struct shape *shape)
{
	int error = 0;

	remove_leaf(table, LEAF_AMD_TOPOLOGY_EXT);
	if (find(table, LEAF_VENDOR)->eax >= LEAF_TOPOLOGY)
		error = replace_levels(table, LEAF_TOPOLOGY, shape);
	if (!error && find(table, LEAF_TOPOLOGY_V2))
		error = replace_levels(table, LEAF_TOPOLOGY_V2, shape);
	return error ? error : set_amd_topology(table, shape);
}

static int set_clocks(struct cpuid_table *table, uint32_t tsc_khz)
{
	const struct kvm_cpuid_entry2 clocks = {
		.function = LEAF_CLOCKS,
		.eax = tsc_khz,
		.ebx = APIC_BUS_KHZ,
	};
	struct kvm_cpuid_entry2 *hypervisor = find(table, LEAF_HYPERVISOR);

	/* Without KVM's signature leaf nobody looks beyond it. */
	if (!hypervisor || tsc_khz == 0)
		return 0;
	if (hypervisor->eax < LEAF_CLOCKS)
		hypervisor->eax = LEAF_CLOCKS;
	remove_leaf(table, LEAF_CLOCKS);
	return append(table, &clocks);
}

int cpuid_prepare(struct cpuid_table *table, const struct cpuid_topology *topology)
{
	struct cpuid_table result;
	struct shape shape;
	int error;

	if (table->nent > CPUID_ENTRIES_MAX || topology->vcpu_count < 1 ||
	    topology->vcpu_count > LAYOUT_VCPUS_MAX)
		return -EINVAL;
	result = *table;
	remove_empty(&result);
	if (!find(&result, LEAF_VENDOR) || !find(&result, LEAF_FEATURES))
		return -EINVAL;
	shape = shape_of(topology);
	set_leaves(&result, &shape, topology);
	error = set_topology(&result, &shape);
	if (!error)
		error = set_clocks(&result, topology->tsc_khz);
	if (error)
		return error;
	cpuid_set_vcpu(&result, 0);
	*table = result;
	return 0;
}

void cpuid_set_vcpu(struct cpuid_table *table, unsigned int vcpu_id)
{
	for (uint32_t i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 *entry = &table->entries[i];

		switch (entry->function) {
		case LEAF_FEATURES: entry->ebx = with_bits(entry->ebx, 24, 8, vcpu_id); break;
		case LEAF_TOPOLOGY:
		case LEAF_TOPOLOGY_V2: entry->edx = vcpu_id; break;
		case LEAF_AMD_TOPOLOGY:
			entry->eax = vcpu_id;
			/* The core's id: threads of one core have neighbouring APIC ids. */
			entry->ebx = with_bits(entry->ebx, 0, 8,
					       vcpu_id / ((entry->ebx >> 8 & 0xff) + 1));
			break;
		default: break;
		}
	}
}
