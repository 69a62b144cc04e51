/* SPDX-License-Identifier: MIT */
/*
 * tests/unit/test_kvm.c - interrupts through KVM: an IOAPIC pin's MSI route, reached by a line
 * pulse, seen in the local APIC's request register.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>

#include "monitor/kvm.h"

enum {
	PIN = 5,
	VECTOR = 0x45,
	LAPIC_SPURIOUS = 0xf0,
	LAPIC_ENABLED = 1 << 8,
	LAPIC_REQUESTS = 0x200, /* eight registers of 32 vectors, 16 bytes apart */
};

static struct kvm kvm;
static int vcpu_fd;

static struct kvm_lapic_state lapic(void)
{
	struct kvm_lapic_state state;

	assert_int_equal(ioctl(vcpu_fd, KVM_GET_LAPIC, &state), 0);
	return state;
}

static int make_vm(void **state)
{
	struct kvm_lapic_state enabled;
	struct reason reason;
	int device = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	(void)state;
	if (device < 0 || kvm_create(&kvm, device, &reason) || kvm_split_irqchip(&kvm, &reason)) {
		vcpu_fd = -1;
		return 0;
	}
	vcpu_fd = ioctl(kvm.vm_fd, KVM_CREATE_VCPU, 0UL);
	assert_true(vcpu_fd >= 0);
	enabled = lapic();
	enabled.regs[LAPIC_SPURIOUS + 1] |= LAPIC_ENABLED >> 8;
	assert_int_equal(ioctl(vcpu_fd, KVM_SET_LAPIC, &enabled), 0);
	return 0;
}

static int close_vm(void **state)
{
	(void)state;
	if (vcpu_fd < 0)
		return 0;
	close(vcpu_fd);
	close(kvm.vm_fd);
	close(kvm.device_fd);
	return 0;
}

static void need_kvm(void)
{
	if (vcpu_fd < 0) {
		print_message("no usable /dev/kvm here\n");
		skip();
	}
}

static void route(bool enabled)
{
	struct kvm_pin_route routes[LAYOUT_IOAPIC_PINS] = {
		[PIN] = {.enabled = enabled, .address_lo = 0xfee00000, .data = VECTOR},
	};

	assert_int_equal(kvm_set_routes(&kvm, routes), 0);
}

static bool requested(void)
{
	struct kvm_lapic_state state = lapic();

	return state.regs[LAPIC_REQUESTS + VECTOR / 32 * 16 + VECTOR % 32 / 8] & 1 << VECTOR % 8;
}

static void a_pulse_follows_the_route(void **state)
{
	(void)state;
	need_kvm();
	route(true);
	assert_false(requested());
	assert_int_equal(kvm_pulse_line(&kvm, PIN), 0);
	assert_true(requested());
}

static void a_masked_pin_goes_nowhere(void **state)
{
	(void)state;
	need_kvm();
	route(true);
	route(false);
	(void)kvm_pulse_line(&kvm, PIN);
	assert_false(requested());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pulse_follows_the_route, make_vm, close_vm),
		cmocka_unit_test_setup_teardown(a_masked_pin_goes_nowhere, make_vm, close_vm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
