/* SPDX-License-Identifier: MIT */
/* tests/guests/probe_processor.c - the processor as KVM and the monitor present it. */
#include <stdint.h>

#include "tests/guests/lib/console.h"
#include "tests/guests/lib/cpu.h"
#include "tests/guests/lib/lapic.h"
#include "tests/guests/lib/string.h"
#include "tests/guests/lib/timer.h"
#include "tests/guests/probe.h"

enum {
	FEATURE_TSC_DEADLINE = 1 << 24, /* leaf 1, ECX */
	SUBLEAVES = 8,
	LEAF_HYPERVISOR = 0x40000000,
	LEAF_KVM_FEATURES = 0x40000001,
	KVM_FEATURE_CLOCK = 1 << 3,
	MSR_APIC_BASE = 0x1b,
	MSR_KVM_WALL_CLOCK = 0x4b564d00,
	MSR_KVM_SYSTEM_TIME = 0x4b564d01,
	APIC_BASE_BOOT = 1 << 8,
	APIC_BASE_ENABLED = 1 << 11,
	BUS_KHZ = 1000000,
	TSC_KHZ_LEAST = 100000,
	TSC_KHZ_MOST = 10000000,
	SLEEP_US = 5000,
};

#define FEATURE_HYPERVISOR (UINT32_C(1) << 31) /* leaf 1, ECX */
#define LEAF_EXTENDED      UINT32_C(0x80000000)

/* Documentation/virt/kvm/x86/msr.rst. */
struct kvm_system_time {
	uint32_t version;
	uint32_t padding;
	uint64_t tsc;
	uint64_t system_time_ns;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
	uint8_t more_padding[2];
};

struct kvm_wall_clock {
	uint32_t version;
	uint32_t seconds;
	uint32_t nanoseconds;
};

_Static_assert(sizeof(struct kvm_system_time) == 32, "pvclock_vcpu_time_info");

static struct kvm_system_time system_time __attribute__((aligned(64)));
static struct kvm_wall_clock wall_clock __attribute__((aligned(64)));

/* FNV-1a, by words. */
static void add(uint64_t *hash, uint32_t word)
{
	*hash = (*hash ^ word) * UINT64_C(0x100000001b3);
}

static void add_leaves(uint64_t *hash, uint32_t first)
{
	uint32_t last = cpuid(first, 0).eax;

	for (uint32_t leaf = first; leaf <= last; leaf++) {
		for (uint32_t subleaf = 0; subleaf < SUBLEAVES; subleaf++) {
			struct cpuid answer = cpuid(leaf, subleaf);

			add(hash, answer.eax);
			add(hash, answer.ebx);
			add(hash, answer.ecx);
			add(hash, answer.edx);
		}
	}
}

/* For the host to compare: two machines with the same line have the same processor. */
static void tell_cpuid(void)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	add_leaves(&hash, 0);
	add_leaves(&hash, LEAF_HYPERVISOR);
	add_leaves(&hash, LEAF_EXTENDED);
	print("# CPUID: %016lx\n", hash);
}

static void probe_cpuid(void)
{
	struct cpuid features = cpuid(1, 0);
	struct cpuid hypervisor = cpuid(LEAF_HYPERVISOR, 0);
	struct cpuid timing = cpuid(CPUID_TIMING_LEAF, 0);
	char signature[12];

	memcpy(signature, &hypervisor.ebx, 4);
	memcpy(signature + 4, &hypervisor.ecx, 4);
	memcpy(signature + 8, &hypervisor.edx, 4);
	probe_check((features.ecx & FEATURE_HYPERVISOR) != 0, "CPUID: hypervisor bit");
	probe_check((features.ecx & FEATURE_TSC_DEADLINE) != 0, "CPUID: TSC deadline timer");
	probe_check(features.ebx >> 24 == lapic_id(), "CPUID: APIC id");
	probe_check(memcmp(signature, "KVMKVMKVM\0\0\0", 12) == 0, "CPUID: KVM's signature");
	probe_check(hypervisor.eax >= CPUID_TIMING_LEAF, "CPUID: highest hypervisor leaf");
	probe_check(timing.eax >= TSC_KHZ_LEAST && timing.eax <= TSC_KHZ_MOST, "CPUID: TSC kHz");
	probe_check(timing.ebx == BUS_KHZ, "CPUID: APIC bus kHz");
}

static void probe_lapic(void)
{
	uint64_t base = msr_read(MSR_APIC_BASE);

	probe_check((base & ~UINT64_C(0xfff)) == LAPIC_ADDRESS, "local APIC: base address");
	probe_check((base & APIC_BASE_ENABLED) != 0, "local APIC: enabled");
	probe_check((base & APIC_BASE_BOOT) != 0, "local APIC: of the boot processor");
	probe_check((lapic_read(LAPIC_VERSION) & 0xff) >= 0x10, "local APIC: version");
}

static void probe_timer(void)
{
	struct timer timer;
	uint64_t begin;
	uint64_t slept_us;

	timer_start(&timer);
	begin = tsc_read();
	timer_wait(&timer, SLEEP_US);
	if (timer.tsc_khz == 0)
		return;
	slept_us = (tsc_read() - begin) * 1000 / timer.tsc_khz;
	probe_check(slept_us >= SLEEP_US, "timer: a sleep is not too short by the TSC");
	timer_mask();
	lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
	begin = tsc_read();
	while (tsc_read() - begin < (uint64_t)timer.tsc_khz * SLEEP_US / 1000)
		cpu_relax();
	slept_us = (UINT32_MAX - lapic_read(LAPIC_TIMER_CURRENT)) / (timer.bus_khz / 1000);
	probe_check(slept_us >= SLEEP_US * 9 / 10, "timer: TSC and APIC bus agree on the time");
	timer_mask();
}

static void probe_clock(void)
{
	if ((cpuid(LEAF_KVM_FEATURES, 0).eax & KVM_FEATURE_CLOCK) == 0) {
		probe_check(false, "kvmclock: offered");
		return;
	}
	probe_check(true, "kvmclock: offered");
	msr_write(MSR_KVM_SYSTEM_TIME, (uint64_t)&system_time | 1);
	msr_write(MSR_KVM_WALL_CLOCK, (uint64_t)&wall_clock);
	cpu_relax();
	probe_check(*(volatile uint32_t *)&system_time.tsc_to_system_mul != 0,
		    "kvmclock: system time");
	probe_check(*(volatile uint32_t *)&wall_clock.seconds > 1700000000, "kvmclock: wall clock");
}

void probe_processor(void)
{
	tell_cpuid();
	probe_cpuid();
	probe_lapic();
	probe_timer();
	probe_clock();
}
