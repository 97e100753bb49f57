/*
 * Read-copy-update. Readers hold preemption off and do nothing else; so a CPU
 * that has switched threads, or runs user code, or is idle, reads nothing. A
 * grace period is over when every CPU has been seen in such a state since it
 * began.
 *
 * Grace periods are numbered. A CPU notes the newest number at each quiescent
 * state (RCU_IDLE while idle); callbacks queued with number n run once all CPUs
 * have noted n or more.
 *
 * Source of the idea: McKenney, "Exploiting Deferred Destruction" (2004).
 */
#include "smp_internal.h"

#define RCU_IDLE UINT64_MAX

static _Atomic uint64_t newest = 1;	   /* grace period begun */
static PERCPU(_Atomic uint64_t, seen) = 1; /* its CPU writes, all read */

/* Two lists, its CPU's own, touched with interrupts off. What comes while a
 * grace period is under way waits for the next one: it may have been unlinked
 * too late for this one. */
struct callbacks {
	struct rcu_head *next, **next_end; /* since the last grace period */
	struct rcu_head *waiting;	   /* for `number` */
	uint64_t number;
};
static PERCPU(struct callbacks, callbacks);

void
rcu_quiescent(void)
{
	/* The exchange orders all earlier reads before it, later ones after. */
	atomic_exchange(this_cpu_ptr(seen), atomic_load(&newest));
}

/* An idle CPU reads nothing, and must not be asked, for it halts. */
void
rcu_idle_enter(void)
{
	atomic_exchange(this_cpu_ptr(seen), RCU_IDLE);
}

void
rcu_idle_exit(void)
{
	rcu_quiescent();
}

/* A handler reads: it ends the idle state. The idle loop enters it again. */
void
rcu_interrupt_enter(void)
{
	if (atomic_load_explicit(this_cpu_ptr(seen), memory_order_relaxed) ==
	    RCU_IDLE)
		rcu_quiescent();
}

/* A CPU that is not seen now will be asked again: nobody waits here. */
static bool
all_have_seen(uint64_t number)
{
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++)
		if (atomic_load(percpu_ptr(seen, cpu)) < number)
			return false;
	return true;
}

/* At the end of this CPU's list: in order, and without a lock. The object has
 * been unlinked before, and its grace period begins after: rcu_run_callbacks
 * adds to `newest` by a locked instruction, which orders the two. */
void
rcu_defer(struct rcu_head *head, void (*fn)(struct rcu_head *head))
{
	uint64_t rflags = irq_save();
	struct callbacks *c = this_cpu_ptr(callbacks);

	head->fn = fn;
	head->next = NULL;
	if (!c->next)
		c->next_end = &c->next;
	*c->next_end = head;
	c->next_end = &head->next;
	irq_restore(rflags);
}

bool
rcu_pending(void)
{
	const struct callbacks *c = this_cpu_ptr(callbacks);

	return c->next || c->waiting;
}

/*
 * First what is over, then what can begin. A callback may call rcu_defer (the
 * list has been taken off), and frees memory, so it runs where that is allowed:
 * in the tick or the idle loop, interrupts off.
 */
void
rcu_run_callbacks(void)
{
	struct callbacks *c = this_cpu_ptr(callbacks);
	struct rcu_head *head;

	if (c->waiting && all_have_seen(c->number)) {
		head = c->waiting;
		c->waiting = NULL;
		while (head) {
			struct rcu_head *next = head->next;

			head->fn(head);
			head = next;
		}
	}
	if (!c->waiting && c->next) {
		c->waiting = c->next;
		c->next = NULL;
		c->number = atomic_fetch_add(&newest, 1) + 1;
	}
}

/* On each CPU, in interrupt context: quiescent unless a reader was
 * interrupted. A CPU that calls itself has only its own preempt_disable. */
static void
poke(void *arg)
{
	uint32_t count = PREEMPT_COUNT(this_cpu(preempt_count));

	(void)arg;
	if (count % PREEMPT_INTERRUPT == 0)
		rcu_quiescent();
}

/* The others are interrupted rather than waited for: an idle one would be long
 * in coming. Calling in a loop is polling, but a reader's section is short. */
void
rcu_synchronize(void)
{
	uint64_t number = atomic_fetch_add(&newest, 1) + 1;
	cpuset_t others;

	ASSERT(!in_interrupt());
	for (;;) {
		preempt_disable();
		rcu_quiescent();
		others = ((1UL << (cpu_count - 1) << 1) - 1) &
			 ~(1UL << cpu_id());
		preempt_enable();
		if (all_have_seen(number))
			return;
		smp_call(others, poke, NULL);
	}
}
