/*
 * Stubs of lab sched for wait.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static void
give_up_cpu(void)
{
	/*
	 * Exercise 3. Switch to another thread, unless a waker has been here
	 * since the sleep was announced. schedule() wants interrupts off and
	 * preemption off once.
	 */
	panic("exercise 3: give_up_cpu() is yours to write");
}

int
thread_sleep(enum wait_how how, uint64_t deadline)
{
	/*
	 * Exercise 3. Sleep, the sleep having been announced, until woken or
	 * until the deadline, at which a timer wakes. Where there is to be no
	 * sleep, take the announcement back.
	 * @return 0; -EINTR (must_not_sleep); -ETIMEDOUT, where the deadline
	 *         is past already
	 */
	(void)wake_sleeper;
	(void)must_not_sleep;
	(void)give_up_cpu;
	panic("exercise 3: thread_sleep(%d, %lu) is yours to write", how,
	      deadline);
}

static bool
waitq_leave(struct waitq *wq)
{
	/*
	 * Exercise 3. Take the running thread off the queue, if a waker has
	 * not done so.
	 */
	panic("exercise 3: waitq_leave(%p) is yours to write", (void *)wq);
}

static int
waitq_sleep(struct waitq *wq, enum wait_how how, uint64_t deadline)
{
	/*
	 * Exercise 3. Sleep, and leave the queue. Who has been woken returns
	 * 0, even if it was interrupted as well: else the wake-up is lost.
	 * An interruptible sleep stands between sched_ops.sleep_begin and
	 * sched_ops.sleep_end, where they are set.
	 */
	(void)waitq_leave;
	panic("exercise 3: waitq_sleep(%p, %d, %lu) is yours to write",
	      (void *)wq, how, deadline);
}

int
waitq_wait(struct waitq *wq, struct spinlock *lock, enum wait_how how,
	   uint64_t deadline)
{
	/* Exercise 3. See sched.h. Which order loses no wake-up? */
	(void)waitq_sleep;
	panic("exercise 3: waitq_wait(%p, %p, %d, %lu) is yours to write",
	      (void *)wq, (void *)lock, how, deadline);
}

unsigned
waitq_wake_locked(struct waitq *wq, unsigned limit)
{
	/*
	 * Exercise 3. Take up to limit waiters off the queue, those first who
	 * came first, and wake them. A thread that has been woken may be gone.
	 */
	panic("exercise 3: waitq_wake_locked(%p, %u) is yours to write",
	      (void *)wq, limit);
}
