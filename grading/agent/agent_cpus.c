/*
 * The agent at the end of the boot, with all CPUs and a timer. Linked last.
 */
#include "agent.h"
#include "smp.h"

static _Atomic cpuset_t arrived;

static void
run_here(void *arg)
{
	(void)arg;
	atomic_fetch_or(&arrived, 1UL << cpu_id());
	while (atomic_load(&arrived) != agent_box.cpus)
		cpu_pause();
	agent_run(cpu_id());
}

/* One operation of the timer's program each tick. Interrupts are off. */
static void
tick(void)
{
	agent_step(AGENT_TIMER);
	timer_program(clock_ns() + agent_box.tick_ns);
}

static void
run_with_ticks(void)
{
	uint64_t rflags = irq_save();
	void (*saved)(void) = smp_ops.timer;

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
	smp_call(agent_box.cpus, run_here, NULL);
}

static void
agent_cpus_init(void)
{
	if (!command_line_has("agent"))
		return;
	AGENT_CONSTANT(cpus_max, AGENT_CPUS);
	agent_run_cpus = run_cpus;
	agent_serve();
}

CHAPTER_INIT(agent_cpus_init);
