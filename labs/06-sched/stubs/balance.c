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
	 * never hold one queue's lock while waiting for the other's. What a
	 * fair thread has over its queue's least vruntime it keeps.
	 */
	(void)choose;
	panic("exercise 5: steal_from(%p, %u) is yours to write", (void *)from,
	      at_least);
}

bool
steal(unsigned at_least)
{
	/*
	 * Exercise 5. Steal from the CPU that has the most queued, and at
	 * least so many.
	 */
	(void)steal_from;
	if (cpu_count > 1)
		panic("exercise 5: steal(%u) is yours to write", at_least);
	return false;
}

bool
steal_realtime(void)
{
	/*
	 * Exercise 5. Take over a real-time thread that waits elsewhere, if it
	 * comes before what runs here.
	 */
	if (cpu_count > 1)
		panic("exercise 5: steal_realtime() is yours to write");
	return false;
}
