/* SPDX-License-Identifier: MIT */
/* tests/guests/lib/cpu.c - the caller's side of the service gate. */
#include "tests/guests/lib/cpu.h"

uint64_t msr_read(uint32_t msr)
{
	uint32_t low;
	uint32_t high;

	__asm__ volatile("int3"
			 : "=a"(low), "=d"(high)
			 : "D"(SERVICE_READ_MSR), "c"(msr)
			 : "memory");
	return (uint64_t)high << 32 | low;
}

void msr_write(uint32_t msr, uint64_t value)
{
	__asm__ volatile("int3"
			 :
			 : "D"(SERVICE_WRITE_MSR), "c"(msr), "a"((uint32_t)value),
			   "d"((uint32_t)(value >> 32))
			 : "memory");
}

struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid result;

	__asm__ volatile("int3"
			 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
			 : "D"(SERVICE_CPUID), "a"(leaf), "c"(subleaf));
	return result;
}

void port_write_string(uint16_t port, const void *bytes, uint32_t count)
{
	if (count > 0)
		__asm__ volatile("int3"
				 : "+S"(bytes), "+c"(count)
				 : "D"(SERVICE_WRITE_STRING), "d"(port)
				 : "rax", "memory");
}

void mmio_write_list(const struct mmio_store *stores, uint32_t count)
{
	if (count > 0)
		__asm__ volatile("int3"
				 : "+S"(stores), "+c"(count)
				 : "D"(SERVICE_WRITE_MMIO)
				 : "rax", "rdx", "memory");
}

_Noreturn void cpu_halt(void)
{
	__asm__ volatile("int3" : : "D"(SERVICE_HALT));
	__builtin_unreachable();
}
