/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_machine.c - whose fault it is when a machine cannot be built, at each of its
 * steps.
 *
 * A real VM, of a kernel made in memory; nothing of it runs.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/machine.h"
#include "tests/unit/image_builder.h"

static struct machine machine;
static struct vm_config config;
static struct resources resources;
static struct prepared prepared;
static struct console console;
static struct image image;
static struct reason reason;

/* What is about to be built, or -1 as /dev/kvm where there is none. */
static int describe(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	memset(&config, 0, sizeof(config));
	image_elf(&image);
	config.boot_source.kernel_image_path = "kernel";
	config.boot_source.boot_args = "";
	config.machine.vcpu_count = 1;
	config.machine.ram_bytes = IMAGE_RAM_BYTES;
	resources = (struct resources){
		.kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC),
		.kernel_fd = memfd_create("kernel", MFD_CLOEXEC),
		.kernel_bytes = image.length,
		.initrd_fd = RESOURCES_NONE,
	};
	assert_int_equal(pwrite(resources.kernel_fd, image.bytes, image.length, 0), image.length);
	machine.config = &config;
	machine.resources = &resources;
	machine.prepared = &prepared;
	machine.console = &console;
	return run_state_create(&machine.state);
}

static int let_go(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < machine.memory.count; i++)
		munmap(guest_memory_at(&machine.memory, machine.memory.ranges[i].base_gpa, 1),
		       machine.memory.ranges[i].size_bytes);
	if (machine.vcpu_count && machine.vcpus[0].run) {
		munmap(machine.vcpus[0].run, machine.kvm.run_bytes);
		close(machine.vcpus[0].fd);
	}
	if (machine.kvm.vm_fd > 0)
		close(machine.kvm.vm_fd);
	close(resources.kernel_fd);
	close(resources.kvm_fd);
	munmap(machine.state, sizeof(*machine.state));
	return 0;
}

static void need_kvm(void)
{
	if (machine_create(&machine, &reason) != OUTCOME_NONE) {
		print_message("no usable /dev/kvm here\n");
		skip();
	}
}

static void all_goes_well(void **state)
{
	(void)state;
	need_kvm();
	assert_int_equal(machine_build(&machine, &reason), OUTCOME_NONE);
	assert_int_equal(machine_finish(&machine, &reason), OUTCOME_NONE);
}

static void without_kvm_it_is_the_hosts(void **state)
{
	(void)state;
	close(resources.kvm_fd);
	resources.kvm_fd = -1;
	assert_int_equal(machine_create(&machine, &reason), OUTCOME_HOST_FAILURE);
}

static void a_kernel_that_is_none_is_the_images(void **state)
{
	(void)state;
	need_kvm();
	assert_int_equal(pwrite(resources.kernel_fd, "none", 4, 0), 4);
	assert_int_equal(machine_build(&machine, &reason), OUTCOME_BAD_IMAGE);
}

static void a_vcpu_that_cannot_be_is_the_hosts(void **state)
{
	(void)state;
	need_kvm();
	machine.kvm.run_bytes = 0;
	assert_int_equal(machine_build(&machine, &reason), OUTCOME_HOST_FAILURE);
}

static void a_long_command_line_is_the_configurations(void **state)
{
	static char arguments[LAYOUT_CMDLINE_MAX_BYTES + 1];

	(void)state;
	need_kvm();
	memset(arguments, 'a', sizeof(arguments) - 1);
	config.boot_source.boot_args = arguments;
	assert_int_equal(machine_build(&machine, &reason), OUTCOME_NONE);
	assert_int_equal(machine_finish(&machine, &reason), OUTCOME_BAD_CONFIG);
}

static void registers_that_cannot_be_set_are_the_hosts(void **state)
{
	(void)state;
	need_kvm();
	assert_int_equal(machine_build(&machine, &reason), OUTCOME_NONE);
	assert_true(dup3(machine.kvm.vm_fd, machine.vcpus[0].fd, O_CLOEXEC) >= 0);
	assert_int_equal(machine_finish(&machine, &reason), OUTCOME_HOST_FAILURE);
	assert_non_null(strstr(reason.text, "KVM_GET_SREGS on vCPU 0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_goes_well, describe, let_go),
		cmocka_unit_test_setup_teardown(without_kvm_it_is_the_hosts, describe, let_go),
		cmocka_unit_test_setup_teardown(a_kernel_that_is_none_is_the_images, describe,
						let_go),
		cmocka_unit_test_setup_teardown(a_vcpu_that_cannot_be_is_the_hosts, describe,
						let_go),
		cmocka_unit_test_setup_teardown(a_long_command_line_is_the_configurations, describe,
						let_go),
		cmocka_unit_test_setup_teardown(registers_that_cannot_be_set_are_the_hosts,
						describe, let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
