/*
 * Time. The TSC is the clock; its rate is measured at boot against the ACPI
 * power-management timer, or the PIT where there is none. A loaded host may
 * stop this CPU at any moment between two reads, so each sample is the best of
 * several, the one whose reads stood closest together.
 *
 * All CPUs' TSCs are taken to run together, as they do in QEMU and Bochs and on
 * processors with an invariant TSC; they are compared once, before programs are
 * let read them by themselves.
 *
 * Sources: ACPI Specification 6.4, 4.8.3.3 (PM timer); Intel 8254 data sheet.
 */
#include "smp_internal.h"
#include "string.h"

#define PM_TIMER_HZ   3579545
#define PM_TIMER_MASK 0xffffff /* 24 bits are always there */
#define PIT_HZ	      1193182
#define PIT_CHANNEL2  0x42
#define PIT_COMMAND   0x43
#define PIT_GATE      0x61
#define SAMPLE_NS     20000000 /* 20 ms */

/* Written by clock_init, constant after. The rates are fixed point, 32 bits of
 * fraction: a division takes tens of cycles, and the clock is read often. */
static uint64_t tsc_start;
static uint64_t ns_per_tick;
static uint64_t ticks_per_ns;
static uint64_t tsc_hz;

/* Wall clock minus monotonic clock; guarded by realtime_seq. */
static int64_t realtime_offset;
static struct seqcount realtime_seq;
static struct spinlock realtime_lock = SPINLOCK("realtime");

/* The same for programs, which read the clock without a call. Written under
 * realtime_lock, and guarded by its own count; NULL until exec gives a page. */
static struct clock_page *shared_page;
static bool tsc_steady = true;

/* SMP2: the fence keeps the reading behind what was read before, which may be
 * another CPU's time (SDM vol. 2B, RDTSC). The product has up to 96 bits; 64
 * would be full after 4.3 s, at any rate. */
uint64_t
clock_ns(void)
{
	asm volatile("lfence" : : : "memory");
	return (unsigned __int128)(rdtsc() - tsc_start) * ns_per_tick >> 32;
}

uint64_t
clock_ns_to_tsc(uint64_t ns)
{
	return tsc_start + ((unsigned __int128)ns * ticks_per_ns >> 32);
}

/* ---- Calibration ---- */

/* The reference counts up; read returns it, and it wraps at mask + 1. */
struct reference {
	uint32_t (*read)(void);
	uint32_t mask;
	uint64_t hz;
};

static uint32_t
pm_timer_read(void)
{
	return inl(acpi_info.pm_timer_port) & PM_TIMER_MASK;
}

/* Latched, so that the two halves belong together. */
static uint32_t
pit_read(void)
{
	uint8_t low;

	outb(PIT_COMMAND, 0x80); /* latch channel 2 */
	low = inb(PIT_CHANNEL2);
	return 0xffff - (low | inb(PIT_CHANNEL2) << 8); /* it counts down */
}

/* Channel 2, the speaker's: it has a gate of its own and no interrupt. */
static void
pit_start(void)
{
	outb(PIT_GATE, (inb(PIT_GATE) & ~2) | 1); /* gate on, speaker off */
	outb(PIT_COMMAND, 0xb4); /* channel 2, both bytes, rate generator */
	outb(PIT_CHANNEL2, 0);
	outb(PIT_CHANNEL2, 0);
}

/* The reference's value and the TSC at the same moment: of ten pairs, the one
 * between whose two TSC reads the least time went by. Its error is at most half
 * of that. */
static uint32_t
sample(const struct reference *ref, uint64_t *tsc)
{
	uint64_t best = UINT64_MAX;
	uint32_t value = 0;
	int i;

	for (i = 0; i < 10; i++) {
		uint64_t before = rdtsc();
		uint32_t v = ref->read();
		uint64_t after = rdtsc();

		if (after - before < best) {
			best = after - before;
			value = v;
			*tsc = before + best / 2;
		}
	}
	return value;
}

/* TSC ticks a second; 0 if the reference does not move. */
static uint64_t
measure(const struct reference *ref)
{
	uint64_t from, to, want = ref->hz * (SAMPLE_NS / 1000) / 1000000;
	uint32_t first = sample(ref, &from), last = first;
	unsigned tries;

	/* Differences modulo the counter's width: it may wrap once on the way
	 * (24 bits of the PM timer last 4.7 s, 16 of the PIT 55 ms). */
	for (tries = 0; ((last - first) & ref->mask) < want; tries++) {
		if (tries == 10000000)
			return 0;
		last = ref->read();
	}
	last = sample(ref, &to);
	return (to - from) * ref->hz / ((last - first) & ref->mask);
}

/* The ACPI timer first: it is read in one access, and wraps after seconds. The
 * rates' products stay within 64 bits for any TSC below 17 GHz. */
void
clock_init(void)
{
	struct reference pm = { pm_timer_read, PM_TIMER_MASK, PM_TIMER_HZ };
	struct reference pit = { pit_read, 0xffff, PIT_HZ };

	if (acpi_info.pm_timer_port)
		tsc_hz = measure(&pm);
	if (!tsc_hz) {
		pit_start();
		tsc_hz = measure(&pit);
	}
	if (tsc_hz < 1000000)
		panic("smp: no timer to measure the processor's clock by");
	ns_per_tick = (NS_PER_SEC << 32) / tsc_hz;
	ticks_per_ns = (tsc_hz << 30) / NS_PER_SEC << 2;
	tsc_start = rdtsc();
	kprintf("smp: clock at %lu.%03lu MHz\n", tsc_hz / 1000000,
		tsc_hz / 1000 % 1000);
}

/* A host that stops this CPU meanwhile makes it longer, never shorter. */
void
spin_delay_ns(uint64_t ns)
{
	uint64_t until = clock_ns() + ns;

	while (clock_ns() < until)
		cpu_pause();
}

/* ---- Whether all CPUs' TSCs run together ---- */

#define COMPARE_ROUNDS 1000

static _Atomic uint64_t tsc_seen;

/* On all CPUs at once: no TSC may be behind what another one showed before. The
 * fence keeps the processor from reading its counter before it has loaded what
 * the other left (SDM vol. 2, RDTSC). A difference smaller than a cache line
 * takes from one CPU to the other is not seen, and cannot be seen by programs
 * either. */
static void
compare_tsc(void *arg)
{
	uint64_t seen, now;

	(void)arg;
	for (unsigned i = 0; i < COMPARE_ROUNDS; i++) {
		seen = atomic_load(&tsc_seen);
		asm volatile("lfence" : : : "memory");
		now = rdtsc();
		if ((int64_t)(now - seen) < 0)
			tsc_steady = false;
		atomic_store(&tsc_seen, now);
	}
}

void
clock_compare_cpus(void)
{
	char word[16];

	if (command_line_get("tsc", word, sizeof(word)) &&
	    strcmp(word, "unstable") == 0)
		tsc_steady = false;
	smp_call((1UL << (cpu_count - 1) << 1) - 1, compare_tsc, NULL);
	if (!tsc_steady)
		kprintf("smp: programs ask the kernel for the time\n");
}

/* ---- The wall clock ---- */

/* Tell programs. realtime_lock held. */
static void
update_shared_page(void)
{
	struct clock_page *p = shared_page;

	if (!p)
		return;
	__atomic_store_n(&p->seq, p->seq + 1, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_release);
	__atomic_store_n(&p->tsc_steady, tsc_steady, __ATOMIC_RELAXED);
	__atomic_store_n(&p->tsc_start, tsc_start, __ATOMIC_RELAXED);
	__atomic_store_n(&p->ns_per_tick, ns_per_tick, __ATOMIC_RELAXED);
	__atomic_store_n(&p->realtime_offset, realtime_offset,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&p->seq, p->seq + 1, __ATOMIC_RELEASE);
}

void
clock_share(struct clock_page *page)
{
	uint64_t rflags = spin_lock_irqsave(&realtime_lock);

	shared_page = page;
	update_shared_page();
	spin_unlock_irqrestore(&realtime_lock, rflags);
}

/* The offset is one word, which could not be torn; the count orders it with
 * what later readers of the same kind will add. */
int64_t
clock_realtime_ns(void)
{
	int64_t offset;
	uint32_t seq;

	do {
		seq = seq_read_begin(&realtime_seq);
		offset = __atomic_load_n(&realtime_offset, __ATOMIC_RELAXED);
	} while (seq_read_retry(&realtime_seq, seq));
	return clock_ns() + offset;
}

void
clock_realtime_set(int64_t ns)
{
	uint64_t rflags = spin_lock_irqsave(&realtime_lock);

	seq_write_begin(&realtime_seq);
	__atomic_store_n(&realtime_offset, ns - (int64_t)clock_ns(),
			 __ATOMIC_RELAXED);
	seq_write_end(&realtime_seq);
	update_shared_page();
	spin_unlock_irqrestore(&realtime_lock, rflags);
	if (smp_ops.clock_set)
		smp_ops.clock_set();
}
