/*
 * FPU, SSE and AVX state, saved by XSAVE where the CPU has it and by FXSAVE
 * otherwise. The kernel itself is compiled without these registers, so they
 * hold the user's values from entry to exit; sched saves and loads them when
 * it switches threads.
 *
 * Sources: Intel SDM vol. 1, chapter 13 (XSAVE), 10.5 (FXSAVE area).
 */
#include "string.h"
#include "trap.h"
#include "x86.h"

/* XCR0: which features XSAVE saves (SDM vol. 1, 13.3). The three parts of
 * AVX-512 go together. */
#define XCR0_X87      0x1
#define XCR0_SSE      0x2
#define XCR0_AVX      0x4
#define XCR0_AVX512   0xe0

#define FXSAVE_SIZE   512
#define FCW_INITIAL   0x37f
#define MXCSR_INITIAL 0x1f80
#define XSTATE_BV_AT  512
#define XSAVE_HEADER  64

/* The parts of the legacy area that the kernel itself looks at. */
struct fxsave {
	uint16_t fcw, fsw, ftw, fop;
	uint64_t rip, rdp;
	uint32_t mxcsr, mxcsr_mask;
};

size_t fpu_area_size = FXSAVE_SIZE;
uint64_t fpu_xcr0;
static uint32_t mxcsr_mask = 0xffbf;

/* Enable what we know and the CPU has; what is not enabled, user programs find
 * missing and do not use. AMX for one is left out: 8 KiB a thread. */
static void
find_areas(void)
{
	struct cpuid_result d = cpuid(0xd, 0);

	fpu_xcr0 = d.a & (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512);
	if ((fpu_xcr0 & XCR0_AVX512) != XCR0_AVX512)
		fpu_xcr0 &= ~XCR0_AVX512;
	xsetbv(0, fpu_xcr0);
	fpu_area_size = cpuid(0xd, 0).b; /* for what XCR0 enables */
}

/* Bits of MXCSR that exist; a load with any other one set faults. 0 in the
 * image means the default (SDM vol. 1, 11.6.6). */
static void
find_mxcsr_mask(void)
{
	static uint8_t area[FXSAVE_SIZE] __attribute__((aligned(16)));
	const struct fxsave *fx = (const struct fxsave *)area;

	asm volatile("fxsave64 %0" : "=m"(area));
	if (fx->mxcsr_mask)
		mxcsr_mask = fx->mxcsr_mask;
}

void
fpu_cpu_init(void)
{
	asm volatile("fninit");
	if (cpu_features.xsave && !fpu_xcr0)
		find_areas();
	else if (cpu_features.xsave)
		xsetbv(0, fpu_xcr0);
	find_mxcsr_mask();
}

/* XSTATE_BV of the header is 0: xrstor takes the initial state for every part,
 * whatever the area holds; FXRSTOR and MXCSR need the two words. */
void
fpu_area_init(void *area)
{
	struct fxsave *fx = area;

	memset(area, 0, fpu_area_size);
	fx->fcw = FCW_INITIAL;
	fx->mxcsr = MXCSR_INITIAL;
}

/* xsaveopt leaves out what has not changed since the last xrstor from this very
 * area (SDM vol. 1, 13.9): who writes an area by hand loads it before it is
 * saved to again. The mask in edx:eax is "all that XCR0 enables". */
void
fpu_save(void *area)
{
	if (!fpu_xcr0)
		asm volatile("fxsave64 (%0)" : : "r"(area) : "memory");
	else if (cpu_features.xsaveopt)
		asm volatile("xsaveopt64 (%0)"
			     :
			     : "r"(area), "a"(~0u), "d"(~0u)
			     : "memory");
	else
		asm volatile("xsave64 (%0)"
			     :
			     : "r"(area), "a"(~0u), "d"(~0u)
			     : "memory");
}

void
fpu_restore(const void *area)
{
	if (!fpu_xcr0)
		asm volatile("fxrstor64 (%0)" : : "r"(area) : "memory");
	else
		asm volatile("xrstor64 (%0)"
			     :
			     : "r"(area), "a"(~0u), "d"(~0u)
			     : "memory");
}

int
fpu_area_check(void *area)
{
	struct fxsave *fx = area;
	uint64_t *header = (uint64_t *)((uint8_t *)area + XSTATE_BV_AT);
	unsigned i;

	fx->mxcsr &= mxcsr_mask;
	if (!fpu_xcr0)
		return 0;
	/* xrstor faults on unknown features, compaction and reserved bytes. */
	if (header[0] & ~fpu_xcr0)
		return -EINVAL;
	for (i = 1; i < XSAVE_HEADER / sizeof(*header); i++)
		if (header[i])
			return -EINVAL;
	return 0;
}
