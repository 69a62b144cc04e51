/* SPDX-License-Identifier: MIT */
/* tests/unit/test_cpuid.c - what changes in KVM's table, and that nothing else does. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "monitor/cpuid.h"
#include "monitor/layout.h"
#include "monitor/msr.h"

enum {
	SUBLEAVES = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
};

static void add(struct cpuid_table *table, struct kvm_cpuid_entry2 entry)
{
	assert_true(table->nent < CPUID_ENTRIES_MAX);
	table->entries[table->nent++] = entry;
}

static const struct kvm_cpuid_entry2 *at(const struct cpuid_table *table, uint32_t function,
					 uint32_t index)
{
	const struct kvm_cpuid_entry2 *found = NULL;

	for (uint32_t i = 0; i < table->nent; i++) {
		if (table->entries[i].function != function || table->entries[i].index != index)
			continue;
		assert_null(found); /* KVM takes the first, so a second would be a mistake */
		found = &table->entries[i];
	}
	return found;
}

static void assert_entry(const struct cpuid_table *table, uint32_t function, uint32_t index,
			 const uint32_t registers[4])
{
	const struct kvm_cpuid_entry2 *entry = at(table, function, index);

	assert_non_null(entry);
	assert_int_equal(entry->eax, registers[0]);
	assert_int_equal(entry->ebx, registers[1]);
	assert_int_equal(entry->ecx, registers[2]);
	assert_int_equal(entry->edx, registers[3]);
}

#define ASSERT_ENTRY(table, function, index, ...) \
	assert_entry(table, function, index, (const uint32_t[4]){__VA_ARGS__})

/* Leaves with ids and counts of a 48-thread host, as KVM passes them on. */
static struct cpuid_table intel_table(void)
{
	struct cpuid_table table = {0};

	add(&table, (struct kvm_cpuid_entry2){0, 0, 0, 0x1f, 0x756e6547, 0x6c65746e, 0x49656e69});
	add(&table,
	    (struct kvm_cpuid_entry2){1, 0, 0, 0xc06f2, 0x05600800, 0x00202000, 0x0f8bfbff});
	add(&table, (struct kvm_cpuid_entry2){2, 0, 0, 0xfeff01, 0xf0, 0, 0});
	add(&table, (struct kvm_cpuid_entry2){3, 0, 0, 0, 0, 0, 0});
	add(&table, (struct kvm_cpuid_entry2){4, 0, SUBLEAVES, 0xfc004121, 0x2c0003f, 0x3f, 0});
	add(&table, (struct kvm_cpuid_entry2){4, 1, SUBLEAVES, 0xfc004122, 0x1c0003f, 0x3f, 0});
	add(&table, (struct kvm_cpuid_entry2){4, 2, SUBLEAVES, 0xfc004143, 0x3c0003f, 0x7ff, 0});
	add(&table, (struct kvm_cpuid_entry2){4, 3, SUBLEAVES, 0xfc1fc163, 0x4c0003f, 0x33fff, 4});
	add(&table, (struct kvm_cpuid_entry2){4, 4, SUBLEAVES, 0, 0, 0, 0});
	add(&table,
	    (struct kvm_cpuid_entry2){7, 0, SUBLEAVES, 2, 0x1802852, 0x1a010104, 0x20010000});
	add(&table, (struct kvm_cpuid_entry2){0xb, 0, SUBLEAVES, 1, 2, 0x100, 77});
	add(&table, (struct kvm_cpuid_entry2){0xb, 1, SUBLEAVES, 7, 96, 0x201, 77});
	add(&table, (struct kvm_cpuid_entry2){0xb, 2, SUBLEAVES, 0, 0, 2, 77});
	add(&table, (struct kvm_cpuid_entry2){0x1f, 0, SUBLEAVES, 1, 2, 0x100, 77});
	add(&table, (struct kvm_cpuid_entry2){0x1f, 1, SUBLEAVES, 7, 96, 0x201, 77});
	add(&table,
	    (struct kvm_cpuid_entry2){0x40000000, 0, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d});
	add(&table, (struct kvm_cpuid_entry2){0x40000001, 0, 0, 0x1007efb, 0, 0, 0});
	add(&table, (struct kvm_cpuid_entry2){0x80000000, 0, 0, 0x80000021, 0, 0, 0});
	add(&table, (struct kvm_cpuid_entry2){0x80000001, 0, 0, 0, 0, 0x101, 0x20100800});
	add(&table, (struct kvm_cpuid_entry2){0x80000008, 0, 0, 0x3930, 0, 0, 0});
	return table;
}

static struct cpuid_table amd_table(void)
{
	struct cpuid_table table = {0};

	add(&table, (struct kvm_cpuid_entry2){0, 0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65});
	add(&table,
	    (struct kvm_cpuid_entry2){1, 0, 0, 0xa20f10, 0x05600800, 0x00202000, 0x178bfbff});
	add(&table,
	    (struct kvm_cpuid_entry2){0x40000000, 0, 0, 0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d});
	add(&table, (struct kvm_cpuid_entry2){0x80000000, 0, 0, 0x80000026, 0, 0, 0});
	add(&table,
	    (struct kvm_cpuid_entry2){0x80000001, 0, 0, 0xa20f10, 0, 0x004003f3, 0x2fd3fbff});
	add(&table,
	    (struct kvm_cpuid_entry2){0x80000008, 0, 0, 0x3030, 0x111ed205, 0x705f, 0x10007});
	add(&table,
	    (struct kvm_cpuid_entry2){0x8000001d, 0, SUBLEAVES, 0x00004121, 0x1c0003f, 0x3f, 0});
	add(&table,
	    (struct kvm_cpuid_entry2){0x8000001d, 3, SUBLEAVES, 0x0003c163, 0x3c0003f, 0x7fff, 1});
	add(&table, (struct kvm_cpuid_entry2){0x8000001e, 0, 0, 77, 0x126, 0x701, 0});
	add(&table, (struct kvm_cpuid_entry2){0x80000026, 0, SUBLEAVES, 1, 2, 0x100, 77});
	add(&table, (struct kvm_cpuid_entry2){0x80000026, 1, SUBLEAVES, 7, 96, 0x401, 77});
	return table;
}

static const struct cpuid_topology one = {.vcpu_count = 1, .tsc_khz = 2300000};
static const struct cpuid_topology four = {.vcpu_count = 4, .tsc_khz = 2300000};

static void one_vcpu_on_intel(void **state)
{
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &one), 0);
	ASSERT_ENTRY(&table, 1, 0, 0xc06f2, 0x00010800, 0x80202000, 0x0f8bfbff);
	ASSERT_ENTRY(&table, 4, 0, 0x00000121, 0x2c0003f, 0x3f, 0);
	ASSERT_ENTRY(&table, 4, 3, 0x00000163, 0x4c0003f, 0x33fff, 4);
	ASSERT_ENTRY(&table, 0xb, 0, 0, 1, 0x100, 0);
	ASSERT_ENTRY(&table, 0xb, 1, 0, 1, 0x201, 0);
	assert_null(at(&table, 0xb, 2));
}

static void four_vcpus_on_intel(void **state)
{
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &four), 0);
	cpuid_set_vcpu(&table, 3);
	ASSERT_ENTRY(&table, 1, 0, 0xc06f2, 0x03040800, 0x80202000, 0x1f8bfbff);
	ASSERT_ENTRY(&table, 4, 0, 0x0c000121, 0x2c0003f, 0x3f, 0);
	ASSERT_ENTRY(&table, 4, 2, 0x0c000143, 0x3c0003f, 0x7ff, 0);
	ASSERT_ENTRY(&table, 4, 3, 0x0c00c163, 0x4c0003f, 0x33fff, 4);
	for (uint32_t leaf = 0xb; leaf <= 0x1f; leaf += 0x1f - 0xb) {
		ASSERT_ENTRY(&table, leaf, 0, 0, 1, 0x100, 3);
		ASSERT_ENTRY(&table, leaf, 1, 2, 4, 0x201, 3);
		assert_int_equal(at(&table, leaf, 0)->flags, SUBLEAVES);
		assert_int_equal(at(&table, leaf, 1)->flags, SUBLEAVES);
	}
	ASSERT_ENTRY(&table, 0x80000001, 0, 0, 0, 0x101, 0x20100800);
	ASSERT_ENTRY(&table, 0x80000008, 0, 0x3930, 0, 0, 0);
	assert_null(at(&table, 0x8000001e, 0));
}

static void threads_share_a_core(void **state)
{
	struct cpuid_topology topology = {.vcpu_count = 6, .smt = true, .tsc_khz = 2300000};
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	cpuid_set_vcpu(&table, 5);
	ASSERT_ENTRY(&table, 1, 0, 0xc06f2, 0x05080800, 0x80202000, 0x1f8bfbff);
	ASSERT_ENTRY(&table, 4, 0, 0x0c004121, 0x2c0003f, 0x3f, 0);
	ASSERT_ENTRY(&table, 4, 3, 0x0c01c163, 0x4c0003f, 0x33fff, 4);
	ASSERT_ENTRY(&table, 0xb, 0, 1, 2, 0x100, 5);
	ASSERT_ENTRY(&table, 0xb, 1, 3, 6, 0x201, 5);
	topology.vcpu_count = 1;
	table = intel_table();
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	ASSERT_ENTRY(&table, 0xb, 0, 0, 1, 0x100, 0);
}

static void four_vcpus_on_amd(void **state)
{
	struct cpuid_table table = amd_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &four), 0);
	cpuid_set_vcpu(&table, 2);
	ASSERT_ENTRY(&table, 1, 0, 0xa20f10, 0x02040800, 0x80202000, 0x178bfbff);
	ASSERT_ENTRY(&table, 0xb, 1, 2, 4, 0x201, 2);
	assert_null(at(&table, 0x1f, 0));
	ASSERT_ENTRY(&table, 0x80000001, 0, 0xa20f10, 0, 0x004003f3, 0x2fd3fbff);
	ASSERT_ENTRY(&table, 0x80000008, 0, 0x3030, 0x111ed205, 0x2003, 0x10007);
	ASSERT_ENTRY(&table, 0x8000001d, 0, 0x00000121, 0x1c0003f, 0x3f, 0);
	ASSERT_ENTRY(&table, 0x8000001d, 3, 0x0000c163, 0x3c0003f, 0x7fff, 1);
	ASSERT_ENTRY(&table, 0x8000001e, 0, 2, 2, 0, 0);
	assert_null(at(&table, 0x80000026, 0));
	assert_null(at(&table, 0x80000026, 1));
}

static void threads_on_amd(void **state)
{
	struct cpuid_topology topology = {.vcpu_count = 4, .smt = true};
	struct cpuid_table table = amd_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	for (uint32_t i = 0; i < 4; i++) {
		cpuid_set_vcpu(&table, i);
		ASSERT_ENTRY(&table, 0x8000001e, 0, i, 0x100 | i / 2, 0, 0);
	}
}

static void amd_without_topoext(void **state)
{
	struct cpuid_table table = amd_table();

	(void)state;
	table.entries[4].ecx &= ~(1U << 22);
	assert_int_equal(cpuid_prepare(&table, &one), 0);
	assert_null(at(&table, 0x8000001e, 0));
	ASSERT_ENTRY(&table, 0x80000001, 0, 0xa20f10, 0, 0x000003f1, 0x2fd3fbff);
	ASSERT_ENTRY(&table, 0x80000008, 0, 0x3030, 0x111ed205, 0x0000, 0x10007);
	assert_int_equal(at(&table, 1, 0)->edx & 1U << 28, 0);
}

/* KVM may answer a leaf with zeros though the feature bit that announces it is there. */
static void amd_with_an_empty_topology_leaf(void **state)
{
	struct cpuid_table table = amd_table();

	(void)state;
	table.entries[8].eax = table.entries[8].ebx = table.entries[8].ecx = 0;
	assert_int_equal(cpuid_prepare(&table, &four), 0);
	cpuid_set_vcpu(&table, 3);
	ASSERT_ENTRY(&table, 0x8000001e, 0, 3, 3, 0, 0);
}

static void clocks_are_told(void **state)
{
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &one), 0);
	ASSERT_ENTRY(&table, 0x40000000, 0, 0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d);
	ASSERT_ENTRY(&table, 0x40000001, 0, 0x1007efb, 0, 0, 0);
	ASSERT_ENTRY(&table, 0x40000010, 0, 2300000, 1000000, 0, 0);
}

static void hypervisor_leaves_that_reach_further_stay(void **state)
{
	struct cpuid_table table = intel_table();

	(void)state;
	table.entries[15].eax = 0x40000020;
	add(&table, (struct kvm_cpuid_entry2){0x40000010, 0, 0, 1, 2, 3, 4});
	assert_int_equal(cpuid_prepare(&table, &one), 0);
	assert_int_equal(at(&table, 0x40000000, 0)->eax, 0x40000020);
	ASSERT_ENTRY(&table, 0x40000010, 0, 2300000, 1000000, 0, 0);
}

static void unknown_clock_is_not_told(void **state)
{
	struct cpuid_topology topology = {.vcpu_count = 1};
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	assert_int_equal(at(&table, 0x40000000, 0)->eax, 0x40000001);
	assert_null(at(&table, 0x40000010, 0));
}

static void deadline_timer_follows_the_capability(void **state)
{
	struct cpuid_topology topology = {.vcpu_count = 1, .tsc_deadline = true};
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	assert_int_equal(at(&table, 1, 0)->ecx, 0x81202000);
	table = intel_table();
	topology.tsc_deadline = false;
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	assert_int_equal(at(&table, 1, 0)->ecx, 0x80202000);
}

static void the_rest_is_passed_through(void **state)
{
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &four), 0);
	ASSERT_ENTRY(&table, 0, 0, 0x1f, 0x756e6547, 0x6c65746e, 0x49656e69);
	ASSERT_ENTRY(&table, 2, 0, 0xfeff01, 0xf0, 0, 0);
	ASSERT_ENTRY(&table, 7, 0, 2, 0x1802852, 0x1a010104, 0x20010000);
	ASSERT_ENTRY(&table, 0x80000000, 0, 0x80000021, 0, 0, 0);
	assert_null(at(&table, 3, 0)); /* zeros go */
	assert_null(at(&table, 4, 4));
}

static void short_tables_get_no_topology_leaf(void **state)
{
	struct cpuid_table table = {0};

	(void)state;
	add(&table, (struct kvm_cpuid_entry2){0, 0, 0, 0xa, 0x756e6547, 0x6c65746e, 0x49656e69});
	add(&table, (struct kvm_cpuid_entry2){1, 0, 0, 0x6f0, 0x05600800, 0, 0});
	assert_int_equal(cpuid_prepare(&table, &four), 0);
	assert_int_equal(table.nent, 2);
}

static void every_vcpu_has_its_id(void **state)
{
	struct cpuid_topology topology = {.vcpu_count = 32, .tsc_khz = 1};
	struct cpuid_table table = intel_table();

	(void)state;
	assert_int_equal(cpuid_prepare(&table, &topology), 0);
	for (uint32_t i = 0; i < 32; i++) {
		cpuid_set_vcpu(&table, i);
		assert_int_equal(at(&table, 1, 0)->ebx, i << 24 | 0x200800);
		ASSERT_ENTRY(&table, 0xb, 0, 0, 1, 0x100, i);
		ASSERT_ENTRY(&table, 0xb, 1, 5, 32, 0x201, i);
		ASSERT_ENTRY(&table, 0x1f, 1, 5, 32, 0x201, i);
	}
	ASSERT_ENTRY(&table, 4, 3, 0x7c07c163, 0x4c0003f, 0x33fff, 4);
}

static void refuses(const struct cpuid_table *table, const struct cpuid_topology *topology,
		    int error)
{
	struct cpuid_table copy = *table;

	assert_int_equal(cpuid_prepare(&copy, topology), error);
	assert_memory_equal(&copy, table, sizeof(copy));
}

static void refuses_what_makes_no_sense(void **state)
{
	struct cpuid_topology none = {.vcpu_count = 0};
	struct cpuid_topology many = {.vcpu_count = LAYOUT_VCPUS_MAX + 1};
	struct cpuid_table table = intel_table();
	struct cpuid_table empty = {0};

	(void)state;
	refuses(&table, &none, -EINVAL);
	refuses(&table, &many, -EINVAL);
	refuses(&empty, &one, -EINVAL);
	table.entries[0] = (struct kvm_cpuid_entry2){0};
	refuses(&table, &one, -EINVAL);
	table = intel_table();
	table.entries[1].function = 6;
	refuses(&table, &one, -EINVAL);
	table = intel_table();
	table.nent = CPUID_ENTRIES_MAX + 1;
	refuses(&table, &one, -EINVAL);
	table.nent = UINT32_MAX;
	refuses(&table, &one, -EINVAL);
}

static void refuses_a_table_without_room(void **state)
{
	struct cpuid_table table = intel_table();

	(void)state;
	/* In a full table ours take the places of the host's, until there is none for the clocks.
	 */
	while (table.nent < CPUID_ENTRIES_MAX)
		add(&table, (struct kvm_cpuid_entry2){0x9000, table.nent, SUBLEAVES, 1, 1, 1, 1});
	assert_int_equal(cpuid_prepare(&table, &one), 0);
	while (table.nent < CPUID_ENTRIES_MAX)
		add(&table, (struct kvm_cpuid_entry2){0x9001, table.nent, SUBLEAVES, 1, 1, 1, 1});
	assert_int_equal(cpuid_prepare(&table, &one), 0);
	for (uint32_t i = 0; i < table.nent; i++)
		if (table.entries[i].function == 0x40000010)
			table.entries[i].function = 0x9002;
	refuses(&table, &one, -ENOSPC);
}

static void boot_msrs(void **state)
{
	(void)state;
	assert_int_equal(msr_boot_list.nmsrs, 2);
	assert_int_equal(msr_boot_list.entries[0].index, 0x1a0);
	assert_int_equal(msr_boot_list.entries[0].data, 0x1801);
	assert_int_equal(msr_boot_list.entries[1].index, 0x2ff);
	assert_int_equal(msr_boot_list.entries[1].data, 0x806);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_vcpu_on_intel),
		cmocka_unit_test(four_vcpus_on_intel),
		cmocka_unit_test(threads_share_a_core),
		cmocka_unit_test(four_vcpus_on_amd),
		cmocka_unit_test(threads_on_amd),
		cmocka_unit_test(amd_without_topoext),
		cmocka_unit_test(amd_with_an_empty_topology_leaf),
		cmocka_unit_test(clocks_are_told),
		cmocka_unit_test(hypervisor_leaves_that_reach_further_stay),
		cmocka_unit_test(unknown_clock_is_not_told),
		cmocka_unit_test(deadline_timer_follows_the_capability),
		cmocka_unit_test(the_rest_is_passed_through),
		cmocka_unit_test(short_tables_get_no_topology_leaf),
		cmocka_unit_test(every_vcpu_has_its_id),
		cmocka_unit_test(refuses_what_makes_no_sense),
		cmocka_unit_test(refuses_a_table_without_room),
		cmocka_unit_test(boot_msrs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
