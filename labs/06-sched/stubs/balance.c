/*
 * Stubs of lab sched for balance.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

static struct thread *
choose(struct runqueue *from)
{
	/*
	 * Exercise 5. The thread to take from a queue, which is locked: of
	 * the real-time threads the first, else of the others the last, of
	 * those that may be taken. NULL: there is none.
	 */
	(void)may_take;
	panic("exercise 5: choose(%p) is yours to write", (void *)from);
}

static bool
steal_from(struct runqueue *from, unsigned at_least)
{
	/*
	 * Exercise 5. Take a thread of at least this priority over to this
	 * CPU's queue. Two CPUs may steal from each other at the same moment:
	 * never hold one queue's lock while waiting for the other's; give_to
	 * does not. A fair thread is not worth waiting for a lock. While t is
	 * on its way its affinity may change: then place it.
	 */
	(void)choose;
	panic("exercise 5: steal_from(%p, %u) is yours to write", (void *)from,
	      at_least);
}

bool
steal(unsigned at_least)
{
	/*
	 * Exercise 5. Steal from the CPU that has the most to spare, and at
	 * least so many; from the next one if nothing of that may be taken.
	 */
	(void)steal_from;
	(void)to_spare;
	if (cpu_count > 1)
		panic("exercise 5: steal(%u) is yours to write", at_least);
	return false;
}

unsigned
least_urgent_cpu(const struct thread *t, unsigned best)
{
	/*
	 * Exercise 5. Of the CPUs where t may run, that of the least urgency;
	 * best, if no other has less.
	 */
	(void)urgency;
	if (cpu_count > 1)
		panic("exercise 5: least_urgent_cpu(%s, %u) is yours to write",
		      t->name, best);
	return 0;
}

bool
steal_realtime(unsigned priority)
{
	/*
	 * Exercise 5. Take over what waits elsewhere with a priority above
	 * this one (and can be spared), until the greatest is here. Where share_is_used, or none
	 * is waiting anywhere (realtime_waiting), there is nothing to do.
	 */
	(void)share_is_used;
	if (cpu_count > 1)
		panic("exercise 5: steal_realtime(%u) is yours to write",
		      priority);
	return false;
}
