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
	struct runqueue *mine = this_cpu_ptr(runqueue);
	struct thread *t;

	if (!spin_trylock(&from->lock))
		return false;
	t = choose(from);
	if (t && t->priority < at_least)
		t = NULL;
	if (t) {
		runqueue_remove(from, t);
		t->vruntime += mine->min_vruntime - from->min_vruntime;
	}
	spin_unlock(&from->lock);
	if (!t)
		return false;
	spin_lock(&mine->lock);
	__atomic_store_n(&t->cpu, cpu_id(), __ATOMIC_RELEASE);
	runqueue_join(mine, t);
	spin_unlock(&mine->lock);
	return true;
}

/* A guess: the lengths are read without locks. Who guesses wrong finds nothing
 * to take. */
bool
steal(unsigned at_least)
{
	struct runqueue *from = NULL;
	unsigned cpu, most = at_least - 1;

	for (cpu = 0; cpu < cpu_count; cpu++) {
		struct runqueue *rq = percpu_ptr(runqueue, cpu);

		if (cpu != cpu_id() && rq->nqueued > most) {
			most = rq->nqueued;
			from = rq;
		}
	}
	return from && steal_from(from, 0);
}

bool
steal_realtime(void)
{
	unsigned mine = this_cpu(runqueue).priority, cpu;

	for (cpu = 0; cpu < cpu_count; cpu++) {
		struct runqueue *rq = percpu_ptr(runqueue, cpu);

		if (cpu != cpu_id() && rq->nrealtime > 0 &&
		    steal_from(rq, mine + 1))
			return true;
	}
	return false;
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
sched_context_switches(void)
{
	uint64_t n = 0;
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++)
		n += percpu_ptr(runqueue, cpu)->switches;
	return n;
}
