/*
 * The agent at the end of the boot, with all CPUs and a timer. Linked last.
 *
 * Under QEMU's instruction clock the CPUs take turns, and no turn goes past
 * the next event of a virtual device. So periodic APIC timers, which nobody
 * answers because interrupts are off, cut the CPUs' programs into short turns:
 * a schedule that the host chooses and a seed repeats.
 */
#include "agent.h"
#include "smp.h"

/* The local APIC's timer (SDM vol. 3A, 10.5.4); QEMU's counts nanoseconds. */
#define LAPIC_BASE    0xfee00000
#define LAPIC_LVT     (0x320 / 4)
#define LAPIC_INITIAL (0x380 / 4)
#define LAPIC_DIVIDE  (0x3e0 / 4)
#define LVT_PERIODIC  0x20000
#define DIVIDE_BY_1   0xb
#define TURN_STEP     67 /* ns by which the periods of the CPUs differ */

static volatile uint32_t *lapic;
static _Atomic cpuset_t arrived, finished;

/* Run this CPU's program in turns of at most agent_box.slice ns, and go on
 * taking turns until all have ended. */
static void
run_in_turns(void)
{
	uint32_t lvt = lapic[LAPIC_LVT], divide = lapic[LAPIC_DIVIDE];

	lapic[LAPIC_DIVIDE] = DIVIDE_BY_1;
	lapic[LAPIC_LVT] = lvt | LVT_PERIODIC;
	lapic[LAPIC_INITIAL] = agent_box.slice + TURN_STEP * cpu_id();
	agent_run(cpu_id());
	atomic_fetch_or(&finished, 1UL << cpu_id());
	while (atomic_load(&finished) != agent_box.cpus)
		cpu_pause();
	lapic[LAPIC_INITIAL] = 0;
	lapic[LAPIC_LVT] = lvt;
	lapic[LAPIC_DIVIDE] = divide;
}

static void
run_here(void *arg)
{
	(void)arg;
	atomic_fetch_or(&arrived, 1UL << cpu_id());
	while (atomic_load(&arrived) != agent_box.cpus)
		cpu_pause();
	if (agent_box.slice)
		run_in_turns();
	else
		agent_run(cpu_id());
}

/* One operation of the timer's program each tick. Interrupts are off. */
static void
tick(bool user)
{
	(void)user;
	agent_step(AGENT_TIMER);
	timer_program(clock_ns() + agent_box.tick_ns);
}

static void
run_with_ticks(void)
{
	uint64_t rflags = irq_save();
	void (*saved)(bool user) = smp_ops.timer;

	smp_ops.timer = tick;
	timer_program(clock_ns() + agent_box.tick_ns);
	irq_restore(rflags);
	sti();
	agent_run(0);
	rflags = irq_save();
	timer_program(UINT64_MAX);
	smp_ops.timer = saved;
	irq_restore(rflags);
}

static void
run_cpus(void)
{
	if (agent_box.tick_ns) {
		run_with_ticks();
		return;
	}
	atomic_store(&arrived, 0);
	atomic_store(&finished, 0);
	smp_call(agent_box.cpus, run_here, NULL);
}

static void
agent_cpus_init(void)
{
	if (!command_line_has("agent"))
		return;
	lapic = mmio_map(LAPIC_BASE, PAGE_SIZE);
	if (!agent_run_cpus) /* a lab may have a way of its own */
		agent_run_cpus = run_cpus;
	agent_serve();
}

CHAPTER_INIT(agent_cpus_init);
