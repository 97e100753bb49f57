/*
 * The local APIC: identity, end of interrupt, calls to other CPUs, and the
 * per-CPU timer, one-shot, by TSC deadline where the CPU has it.
 *
 * Source: Intel SDM vol. 3A, chapter 10 (APIC), 10.5.4 (timer), 10.12 (x2APIC).
 */
#include "smp_internal.h"

/* Register offsets in the xAPIC's page; x2APIC MSR = 0x800 + offset / 16. */
enum {
	LAPIC_ID = 0x20,
	LAPIC_TPR = 0x80,
	LAPIC_EOI = 0xb0,
	LAPIC_SVR = 0xf0,
	LAPIC_ICR_LOW = 0x300,
	LAPIC_ICR_HIGH = 0x310,
	LAPIC_LVT_TIMER = 0x320,
	LAPIC_LVT_LINT0 = 0x350,
	LAPIC_LVT_LINT1 = 0x360,
	LAPIC_LVT_ERROR = 0x370,
	LAPIC_TIMER_INITIAL = 0x380,
	LAPIC_TIMER_CURRENT = 0x390,
	LAPIC_TIMER_DIVIDE = 0x3e0,
};
#define SVR_ENABLE	 0x100
#define LVT_MASKED	 0x10000
#define LVT_NMI		 0x400
#define LVT_TSC_DEADLINE 0x40000
#define DIVIDE_BY_16	 0x3
#define ICR_PENDING	 0x1000
#define APIC_BASE_X2APIC 0x400
#define APIC_BASE_ENABLE 0x800
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC	 0x800

/* Registers in memory, or NULL in x2APIC mode, which the firmware has chosen
 * then and which cannot be left without a reset: they are MSRs. At the same
 * address on each CPU there are that CPU's own. */
static volatile uint32_t *lapic;
uint32_t cpu_apic_id[NCPU_MAX];
static uint64_t ticks_per_ns; /* fixed point, 32 bits of fraction */

/* The two modes have the same registers; only the identity (8 bits at the top,
 * or 32) and the interrupt command (two halves, or one MSR) differ. */
static inline uint32_t
lapic_read(unsigned reg)
{
	return lapic ? lapic[reg / 4] : rdmsr(MSR_X2APIC + reg / 16);
}

static inline void
lapic_write(unsigned reg, uint32_t v)
{
	if (lapic)
		lapic[reg / 4] = v;
	else
		wrmsr(MSR_X2APIC + reg / 16, v);
}

uint32_t
lapic_id(void)
{
	return lapic ? lapic_read(LAPIC_ID) >> 24 : lapic_read(LAPIC_ID);
}

void
lapic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

/* Writing the low half sends; an interrupt in between that sends too would
 * change the high half under us. */
void
lapic_send(uint32_t apic_id, uint32_t command)
{
	uint64_t rflags = irq_save();

	if (lapic) {
		lapic_write(LAPIC_ICR_HIGH, apic_id << 24);
		lapic_write(LAPIC_ICR_LOW, command);
		while (lapic_read(LAPIC_ICR_LOW) & ICR_PENDING)
			cpu_pause();
	} else {
		wrmsr(MSR_X2APIC + LAPIC_ICR_LOW / 16,
		      (uint64_t)apic_id << 32 | command);
	}
	irq_restore(rflags);
}

/* The address is the MSR's and not the MADT's: this is where the registers are.
 */
void
lapic_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_X2APIC))
		lapic = mmio_map(base & PTE_ADDR, PAGE_SIZE);
	lapic_cpu_init();
}

/*
 * LINT0 is where a PIC would be connected, LINT1 where the board's NMI is. The
 * timer's vector is set masked first: enabling comes after all has a vector.
 * The last EOI is for what a previous owner may have left in service.
 */
void
lapic_cpu_init(void)
{
	uint64_t base = rdmsr(MSR_APIC_BASE);

	if (!(base & APIC_BASE_ENABLE))
		wrmsr(MSR_APIC_BASE, base | APIC_BASE_ENABLE);
	lapic_write(LAPIC_TPR, 0);
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_LVT_LINT0, LVT_MASKED);
	lapic_write(LAPIC_LVT_LINT1, LVT_NMI);
	lapic_write(LAPIC_LVT_ERROR, LVT_MASKED | VECTOR_SPURIOUS);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_16);
	lapic_write(LAPIC_SVR, SVR_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_LVT_TIMER,
		    VECTOR_TIMER |
			    (cpu_features.tsc_deadline ? LVT_TSC_DEADLINE : 0));
	lapic_eoi();
	cpu_apic_id[cpu_id()] = lapic_id();
}

/* ---- The timer ---- */

#define CALIBRATE_NS 10000000

/* A count and the time at which it was read, taken close together: of several
 * tries the one that was interrupted least. */
static uint32_t
read_count(uint64_t *when)
{
	uint64_t best = UINT64_MAX;
	uint32_t count = 0;
	int i;

	for (i = 0; i < 8; i++) {
		uint64_t before = clock_ns();
		uint32_t c = lapic_read(LAPIC_TIMER_CURRENT);
		uint64_t after = clock_ns();

		if (after - before < best) {
			best = after - before;
			count = c;
			*when = before + best / 2;
		}
	}
	return count;
}

/* All CPUs' timers run off one bus clock, so one measurement is enough. */
void
lapic_timer_calibrate(void)
{
	uint64_t from, to;
	uint32_t first, last;

	if (cpu_features.tsc_deadline)
		return;
	lapic_write(LAPIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INITIAL, UINT32_MAX);
	first = read_count(&from);
	spin_delay_ns(CALIBRATE_NS);
	last = read_count(&to);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
	lapic_write(LAPIC_LVT_TIMER, VECTOR_TIMER);
	ticks_per_ns = ((uint64_t)(first - last) << 32) / (to - from);
	if (ticks_per_ns == 0)
		panic("smp: the local APIC's timer does not run");
}

#define HOUR_NS (3600 * NS_PER_SEC)

/* A count of 0 would stop the timer, so what is due already is one tick; one
 * that does not fit into 32 bits comes early. */
void
timer_program(uint64_t when)
{
	uint64_t now = clock_ns(), ns = when > now ? when - now : 0;
	uint64_t ticks;

	if (cpu_features.tsc_deadline) {
		/* A deadline in the past fires at once; 0 disarms. One so far
		 * off that its TSC has more than 64 bits comes early. */
		wrmsr(MSR_TSC_DEADLINE,
		      when == UINT64_MAX
			      ? 0
			      : clock_ns_to_tsc(MIN(when, now + HOUR_NS)));
		return;
	}
	if (when == UINT64_MAX) {
		lapic_write(LAPIC_TIMER_INITIAL, 0);
		return;
	}
	ticks = (unsigned __int128)ns * ticks_per_ns >> 32;
	ticks = ticks == 0 ? 1 : MIN(ticks, UINT32_MAX);
	lapic_write(LAPIC_TIMER_INITIAL, ticks);
}
