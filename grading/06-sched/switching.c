/*
 * For exercise 1: switching by hand, to a partner and back, where nothing of
 * the run queues is there yet. Interrupts are off but in the partner, and no
 * timer is set.
 */
#include "agent.h"
#include "sched_internal.h"

#define REGISTERS 6
#define ROUNDS	  64

void switch_stacks(uint64_t *save_rsp, uint64_t load_rsp);
uint64_t agent_switch(uint64_t rounds, uint64_t arg);
uint64_t agent_partner_ends(void);
uint64_t agent_wait_grace(void);

/* [0]: of the flow that booted, [1]: of the partner. */
uint64_t agent_registers_in[2][ROUNDS][REGISTERS];
uint64_t agent_registers_out[2][ROUNDS][REGISTERS];

/* What the partner finds when it begins. */
struct {
	uint64_t arg, interrupts, preempt_count, lock_free, on_cpu, stack, room,
		current;
} agent_found;
struct thread *agent_partner;
uint64_t agent_begun, agent_released;

static struct thread *booted;

void switch_with(uint64_t *save, uint64_t load, const uint64_t *in,
		 uint64_t *out);
asm("switch_with:\n"
    "	pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14\n"
    "	pushq %r15; pushq %rcx\n"
    "	movq (%rdx), %rbx; movq 8(%rdx), %rbp; movq 16(%rdx), %r12\n"
    "	movq 24(%rdx), %r13; movq 32(%rdx), %r14; movq 40(%rdx), %r15\n"
    "	call switch_stacks\n"
    "	popq %rcx\n"
    "	movq %rbx, (%rcx); movq %rbp, 8(%rcx); movq %r12, 16(%rcx)\n"
    "	movq %r13, 24(%rcx); movq %r14, 32(%rcx); movq %r15, 40(%rcx)\n"
    "	popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
    "	ret\n");

static void
by_hand(struct thread *from, struct thread *to, unsigned who, uint64_t round)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);

	preempt_disable();
	cli();
	spin_lock(&rq->lock);
	if (from->state != THREAD_DEAD)
		from->state = THREAD_SLEEPING;
	to->state = THREAD_RUNNABLE;
	rq->running = to;
	rq->previous = from;
	to->on_cpu = true;
	this_cpu(md_current) = &to->md;
	switch_with(&from->saved_rsp, to->saved_rsp,
		    agent_registers_in[who][round],
		    agent_registers_out[who][round]);
	finish_switch();
	preempt_enable_no_resched();
}

static void
partner(void *arg)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);
	uint64_t i;

	agent_begun++;
	agent_found.arg = (uint64_t)arg;
	agent_found.interrupts = irq_enabled();
	agent_found.preempt_count = PREEMPT_COUNT(this_cpu(preempt_count));
	cli();
	agent_found.lock_free = spin_trylock(&rq->lock);
	if (agent_found.lock_free)
		spin_unlock(&rq->lock);
	agent_found.on_cpu = booted->on_cpu;
	agent_found.stack = (uint64_t)__builtin_frame_address(0);
	agent_found.room = (uint64_t)trap_user_frame(agent_partner->kstack_top);
	agent_found.current = current() == agent_partner;
	for (i = 0;; i++)
		by_hand(agent_partner, booted, 1, i);
}

/* Instead of the tick: nothing that an interrupt does is of interest. */
static void
no_tick(bool user)
{
	(void)user;
}

static void
count_released(struct thread *t)
{
	(void)t;
	agent_released++;
}

/** Switch to a new partner, which gets @p arg, and back, @p rounds times.
 * @return how often the partner has begun */
uint64_t
agent_switch(uint64_t rounds, uint64_t arg)
{
	uint64_t i;

	cli();
	smp_ops.timer = no_tick;
	timer_program(UINT64_MAX);
	sched_ops.thread_free = count_released;
	agent_begun = 0;
	booted = current();
	agent_partner = thread_create("partner", partner, (void *)arg);
	for (i = 0; i < rounds; i++)
		by_hand(booted, agent_partner, 0, i);
	return agent_begun;
}

/** The partner has ended, and this thread is what comes after it.
 * @return threads freed right then */
uint64_t
agent_partner_ends(void)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);

	preempt_disable();
	spin_lock(&rq->lock);
	agent_partner->state = THREAD_DEAD;
	agent_partner->on_cpu = true;
	rq->previous = agent_partner;
	finish_switch();
	preempt_enable_no_resched();
	return agent_released;
}

/** Let grace periods pass. @return threads freed so far */
uint64_t
agent_wait_grace(void)
{
	int i;

	for (i = 0; i < 4; i++) {
		rcu_quiescent();
		rcu_run_callbacks();
	}
	return agent_released;
}
