/*
 * Self-tests of chapter trap.
 */
#include "string.h"
#include "trap.h"
#include "x86.h"

/* A user address that is not mapped: the copy must come back, not panic. */
static void *const nowhere = (void *)0x500000000000;

SELFTEST(trap_copy_from_unmapped_user_memory_is_efault)
{
	char buf[16];

	CHECK(copyin(buf, nowhere, sizeof(buf)) == -EFAULT);
	CHECK(copyout(nowhere, buf, sizeof(buf)) == -EFAULT);
	CHECK(user_zero(nowhere, 24) == -EFAULT);
	CHECK(copyin_string(buf, nowhere, sizeof(buf)) == -EFAULT);
	CHECK(copyin_partial(buf, nowhere, 13) == 13);
}

/* The range is checked as a whole: neither its start, nor its end, nor a sum
 * that wraps may be in the kernel's half. */
SELFTEST(trap_copy_refuses_kernel_addresses)
{
	char buf[16] = "";
	uint32_t old = 0;

	CHECK(copyin(buf, &cpu_features, 8) == -EFAULT);
	CHECK(copyout(&cpu_features, buf, 8) == -EFAULT);
	CHECK(copyin(buf, (void *)(USER_TOP - 4), 8) == -EFAULT);
	CHECK(copyin(buf, nowhere, SIZE_MAX) == -EFAULT);
	CHECK(copyin_string(buf, (char *)UINT64_MAX, 8) == -EFAULT);
	CHECK(user_cmpxchg32(&preempt_count, &old, 1) == -EFAULT);
	CHECK(user_cmpxchg32((uint32_t *)0x500000000002, &old, 1) == -EFAULT);
}

SELFTEST(trap_protections_are_on)
{
	CHECK(read_cr0() & CR0_WP);
	CHECK(!cpu_features.smep || (read_cr4() & CR4_SMEP));
	CHECK(!cpu_features.smap || (read_cr4() & CR4_SMAP));
	CHECK(!cpu_features.umip || (read_cr4() & CR4_UMIP));
	CHECK(!cpu_features.nx || (rdmsr(MSR_EFER) & EFER_NXE));
}

/* Also on the way through a fix-up, which leaves the copy early. */
SELFTEST(trap_smap_is_closed_after_a_copy)
{
	char c;

	copyin(&c, nowhere, 1);
	CHECK(!(read_rflags() & RFLAGS_AC));
}

SELFTEST(trap_percpu_variables)
{
	unsigned id = cpu_id();

	CHECK(id < NCPU_MAX);
	CHECK(percpu_ptr(cpu_number, id) == this_cpu_ptr(cpu_number));
	CHECK(*percpu_ptr(cpu_number, id) == id);
}

SELFTEST(trap_preempt_count_nests)
{
	uint32_t before = PREEMPT_COUNT(this_cpu(preempt_count));

	preempt_disable();
	preempt_disable();
	CHECK(PREEMPT_COUNT(this_cpu(preempt_count)) == before + 2);
	preempt_enable_no_resched();
	preempt_enable_no_resched();
	CHECK(PREEMPT_COUNT(this_cpu(preempt_count)) == before);
}

SELFTEST(trap_fpu_state_survives_save_and_restore)
{
	static uint8_t area[4096] __attribute__((aligned(64)));
	static uint8_t clean[4096] __attribute__((aligned(64)));
	uint64_t in = 0x0123456789abcdef, out = 0;

	CHECK(fpu_area_size <= sizeof(area));
	fpu_area_init(area);
	fpu_area_init(clean);
	preempt_disable();
	fpu_restore(clean);
	asm volatile("movq %0, %%xmm3" : : "r"(in));
	fpu_save(area);
	fpu_restore(clean);
	asm volatile("movq %%xmm3, %0" : "=r"(out));
	CHECK(out == 0);
	fpu_restore(area);
	asm volatile("movq %%xmm3, %0" : "=r"(out));
	preempt_enable();
	CHECK(out == in);
}

/* What a forged signal frame can hold must not fault in the kernel. */
SELFTEST(trap_fpu_image_from_user_space_is_checked)
{
	static uint8_t area[4096] __attribute__((aligned(64)));

	fpu_area_init(area);
	CHECK(fpu_area_check(area) == 0);
	area[24] = area[25] = area[26] = area[27] = 0xff; /* MXCSR */
	CHECK(fpu_area_check(area) == 0);
	fpu_restore(area); /* must not fault */
	fpu_area_init(area);
	fpu_restore(area);
	if (fpu_xcr0) {
		area[512 + 7] = 0x40; /* a feature that is not enabled */
		CHECK(fpu_area_check(area) == -EINVAL);
	}
}

SELFTEST(trap_breakpoint_table_is_ours)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) idtr;

	asm volatile("sidt %0" : "=m"(idtr));
	CHECK(idtr.limit == TRAP_VECTORS * 16 - 1);
	CHECK(idtr.base >= KERNBASE);
}
