/*
 * Programs on several CPUs for lab vm: each in a thread of its own, which stays
 * on its CPU and has interrupts on, as faults sleep and CPUs call each other.
 *
 * The APIC's timers belong to the scheduler here. It is the HPET's comparators
 * that cut the CPUs' turns short (see agent_cpus.c): they count and interrupt
 * nobody.
 */
#include "agent.h"
#include "vm.h"

/* IA-PC HPET specification 1.0a, 2.3: registers, in words of 8 bytes. */
#define HPET_BASE      0xfed00000
#define HPET_CONFIG    (0x10 / 8)
#define HPET_COUNTER   (0xf0 / 8)
#define HPET_TIMER(i)  ((0x100 + 0x20 * (i)) / 8) /* its comparator follows */
#define HPET_TICK_NS   10
#define HPET_TIMERS    2
#define CONFIG_ENABLE  0x1
#define TIMER_PERIODIC 0x8
#define TIMER_SET      0x40 /* the next write sets the accumulator, too */
#define TURN_STEP      70 /* ns by which the timers' periods differ */

static volatile uint64_t *hpet;
static _Atomic uint64_t arrived, met, rounds;
static uint64_t finished; /* under all_done's lock */
static struct waitq all_done = WAITQ(all_done, "agent");

uint64_t agent_meet(uint64_t n);

static void
turns_begin(uint64_t ns)
{
	unsigned i;

	for (i = 0; i < HPET_TIMERS; i++) {
		uint64_t period = (ns + i * TURN_STEP) / HPET_TICK_NS;

		hpet[HPET_TIMER(i)] = TIMER_PERIODIC | TIMER_SET;
		hpet[HPET_TIMER(i) + 1] = hpet[HPET_COUNTER] + period;
		hpet[HPET_TIMER(i) + 1] = period;
	}
	hpet[HPET_CONFIG] = CONFIG_ENABLE;
}

static void
turns_end(void)
{
	hpet[HPET_CONFIG] = 0;
}

/** Wait until @p n threads are here. */
uint64_t
agent_meet(uint64_t n)
{
	uint64_t round = rounds;

	if (atomic_fetch_add(&met, 1) + 1 == n) {
		met = 0;
		rounds++;
	}
	while (rounds == round)
		cpu_pause();
	return 0;
}

static void
thread_main(void *arg)
{
	unsigned i = (uintptr_t)arg;
	uint64_t rflags;

	atomic_fetch_or(&arrived, 1UL << i);
	while (arrived != agent_box.cpus)
		cpu_pause();
	agent_run(i);
	vmspace_put(vmspace_switch(NULL));
	rflags = spin_lock_irqsave(&all_done.lock);
	finished |= 1UL << i;
	waitq_wake_held(&all_done, 1);
	spin_unlock_irqrestore(&all_done.lock, rflags);
}

static void
run_threads(void)
{
	uint64_t set, rflags;
	struct thread *t;

	arrived = met = 0;
	finished = 0;
	heap_begin(HEAP_BOUND(selftest));
	if (agent_box.slice)
		turns_begin(agent_box.slice);
	for (set = agent_box.cpus; set; set &= set - 1) {
		unsigned i = __builtin_ctzl(set);

		t = thread_create("agent", thread_main, (void *)(uintptr_t)i);
		thread_set_affinity(t, 1UL << i);
		thread_start(t);
	}
	heap_end();
	rflags = spin_lock_irqsave(&all_done.lock);
	while (finished != agent_box.cpus)
		waitq_wait_irq(&all_done, &all_done.lock, &rflags,
			       WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	spin_unlock_irqrestore(&all_done.lock, rflags);
	if (agent_box.slice)
		turns_end();
}

static void
agent_threads_init(void)
{
	hpet = mmio_map(HPET_BASE, PAGE_SIZE);
	agent_run_cpus = run_threads;
}

CHAPTER_INIT(agent_threads_init);
