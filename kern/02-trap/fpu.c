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

void
fpu_area_init(void *area)
{
	struct fxsave *fx = area;

	memset(area, 0, fpu_area_size);
	fx->fcw = FCW_INITIAL;
	fx->mxcsr = MXCSR_INITIAL;
}

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
