/*
 * Balance among the CPUs: taking threads over from others, and what is counted
 * of all.
 */
#include "sched_internal.h"

/* A thread of @from that may run here; one that was preempted on its way to
 * sleep may be woken at any time, and must not be found on no queue at all. */
static bool
may_take(const struct thread *t)
{
	return allowed_here(t) && t->state == THREAD_RUNNABLE;
}

/* Of the real-time threads the first, of the others the last, which would wait
 * the longest. @from is locked. */
static struct thread *
choose(struct runqueue *from)
{
	struct rbnode *node;
	struct thread *t;

	for (node = rb_first(&from->realtime); node; node = rb_next(node)) {
		t = rb_entry(node, struct thread, run_node);
		if (may_take(t))
			return t;
	}
	for (node = rb_last(&from->fair); node; node = rb_prev(node)) {
		t = rb_entry(node, struct thread, run_node);
		if (may_take(t))
			return t;
	}
	return NULL;
}

/* Take a thread over, unless its priority is below @at_least. */
static bool
steal_from(struct runqueue *from, unsigned at_least)
{
	struct runqueue *mine;
	struct thread *t;

	if (at_least)
		spin_lock(&from->lock);
	else if (!spin_trylock(&from->lock))
		return false;
	t = choose(from);
	if (!t || t->priority < at_least) {
		spin_unlock(&from->lock);
		return false;
	}
	runqueue_remove(from, t);
	mine = give_to(from, t, cpu_id());
	if (!allowed_here(t)) { /* any more */
		place(mine, t);
		return false;
	}
	runqueue_join(mine, t);
	spin_unlock(&mine->lock);
	return true;
}

/* How many threads others may take from a CPU. One that is idle is about to run
 * the first: two such CPUs could take it from each other for ever. A guess: the
 * lengths are read without locks, and who guesses wrong finds nothing to take
 * or takes one too many. */
static unsigned
to_spare(const struct runqueue *rq)
{
	unsigned n = rq->nqueued;

	return n > 0 && rq->running == rq->idle ? n - 1 : n;
}

/* From the CPU that has most to spare; what that has may all be bound to it:
 * then the next one is asked. */
bool
steal(unsigned at_least)
{
	cpuset_t asked = 1UL << cpu_id();

	for (;;) {
		struct runqueue *from = NULL;
		unsigned cpu, n, most = at_least - 1;

		for (cpu = 0; cpu < cpu_count; cpu++) {
			struct runqueue *rq = percpu_ptr(runqueue, cpu);

			n = to_spare(rq);
			if (!(asked >> cpu & 1) && n > most) {
				most = n;
				from = rq;
			}
		}
		if (!from || steal_from(from, 0))
			return from != NULL;
		asked |= 1UL << from->idle->cpu;
	}
}

/* ---- Real-time threads: none waits for what is less urgent (SCHED5) ---- */

/* Real-time threads have had their share of this second, and may have to wait.
 */
static bool
share_is_used(const struct runqueue *rq)
{
	return rq->realtime_ns > REALTIME_SHARE_NS && rq->running != rq->idle;
}

/* How urgent is what a CPU runs, or is about to run. Without its lock. */
static unsigned
urgency(unsigned cpu)
{
	const struct runqueue *rq = percpu_ptr(runqueue, cpu);

	return share_is_used(rq) ? REALTIME_MAX
				 : MAX(rq->priority, rq->waiting);
}

unsigned
least_urgent_cpu(const struct thread *t, unsigned best)
{
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++)
		if (allowed_on(t, cpu) && urgency(cpu) < urgency(best))
			best = cpu;
	return best;
}

void
offer(const struct thread *t)
{
	unsigned cpu = least_urgent_cpu(t, t->cpu);

	if (urgency(cpu) < t->priority)
		ask_to_switch(percpu_ptr(runqueue, cpu));
}

/* The priorities that wait are read without locks, as the lengths above. */
bool
steal_realtime(unsigned priority)
{
	unsigned least = priority, cpu;

	if (!realtime_waiting || share_is_used(this_cpu_ptr(runqueue)))
		return false;
	for (cpu = 0; cpu < cpu_count; cpu++) {
		struct runqueue *rq = percpu_ptr(runqueue, cpu);

		if (cpu != cpu_id() && rq->waiting > priority &&
		    to_spare(rq) > 0 && steal_from(rq, priority + 1))
			priority = MAX(priority, this_cpu(runqueue).waiting);
	}
	return priority > least;
}

/* ---- Statistics ---- */

/* Without locks: a number that is old by the time it is read. */
unsigned
sched_runnable(void)
{
	unsigned cpu, n = 0;

	for (cpu = 0; cpu < cpu_count; cpu++) {
		const struct runqueue *rq = percpu_ptr(runqueue, cpu);

		n += rq->nqueued + (rq->running != rq->idle);
	}
	return n;
}

uint64_t
sched_idle_ns(unsigned cpu)
{
	struct runqueue *rq = percpu_ptr(runqueue, cpu);
	uint64_t rflags = spin_lock_irqsave(&rq->lock), ns = rq->idle_ns;

	if (rq->running == rq->idle)
		ns += clock_ns() - rq->idle->slice_start;
	spin_unlock_irqrestore(&rq->lock, rflags);
	return ns;
}

uint64_t
sched_kernel_ns(unsigned cpu)
{
	return percpu_ptr(runqueue, cpu)->kernel_ns;
}

uint64_t
sched_context_switches(void)
{
	uint64_t n = 0;
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++)
		n += percpu_ptr(runqueue, cpu)->switches;
	return n;
}
