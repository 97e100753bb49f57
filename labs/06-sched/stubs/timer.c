/*
 * Stubs of lab sched for timer.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

bool
timer_disarm(struct timer *t)
{
	/*
	 * Exercise 4. Take t off its queue. When this returns, its function is
	 * not running, nor will it: the caller may free t.
	 */
	panic("exercise 4: timer_disarm(%p) is yours to write", (void *)t);
}

void
timers_run(uint64_t now)
{
	const struct timer_queue *mine = this_cpu_ptr(timer_queue);

	/*
	 * Exercise 4. Call the functions of all timers that are due, the first
	 * one first, without the lock: they may arm timers, this one too, and
	 * t may be gone afterwards. q->running says whose function it is.
	 */
	if (mine->next <= now)
		panic("exercise 4: timers_run(%lu) is yours to write", now);
}
