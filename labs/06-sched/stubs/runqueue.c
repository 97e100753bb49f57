/*
 * Stubs of lab sched for runqueue.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

static void
raise_minimum(struct runqueue *rq)
{
	/*
	 * Exercise 2. Bring rq->min_vruntime, which never goes back, up to the
	 * least vruntime of the threads here: the fair one that runs, and
	 * those that wait.
	 */
	panic("exercise 2: raise_minimum(%p) is yours to write", (void *)rq);
}

void
account(struct runqueue *rq, uint64_t now)
{
	/*
	 * Exercise 2. Charge what runs for the time since slice_start, which
	 * becomes now: the idle thread to rq->idle_ns, any other to its
	 * usage.cpu_ns;
	 * a real-time one to rq->realtime_ns and its turn_ns as well, a fair
	 * one to its vruntime, by its weight, whereupon the queue's least may
	 * rise. A period of REALTIME_PERIOD_NS may be over before that: then
	 * a new one begins, in which realtime_ns is 0.
	 */
	(void)raise_minimum;
	panic("exercise 2: account(%p, %lu) is yours to write", (void *)rq,
	      now);
}

static int
by_vruntime(const struct rbnode *a, const struct rbnode *b)
{
	/*
	 * Exercise 2. The order of the fair queue: below 0 if a is to run
	 * before b, else above. The numbers may wrap around, so what counts is
	 * their difference. Never 0.
	 */
	panic("exercise 2: by_vruntime(%p, %p) is yours to write", (void *)a,
	      (void *)b);
}

static int
by_turn(const struct rbnode *a, const struct rbnode *b)
{
	/*
	 * Exercise 4. The order of the real-time queue: the greatest priority
	 * first, then the turn.
	 */
	panic("exercise 4: by_turn(%p, %p) is yours to write", (void *)a,
	      (void *)b);
}

static void
enqueue(struct runqueue *rq, struct thread *t)
{
	/*
	 * Exercise 2. Put t into its queue and count it; if it is real-time,
	 * count_realtime counts it too.
	 */
	(void)by_vruntime;
	(void)by_turn;
	(void)count_realtime;
	panic("exercise 2: enqueue(%p, %s) is yours to write", (void *)rq,
	      t->name);
}

void
runqueue_remove(struct runqueue *rq, struct thread *t)
{
	/* Exercise 2. The contrary. */
	panic("exercise 2: runqueue_remove(%p, %s) is yours to write",
	      (void *)rq, t->name);
}

static struct thread *
first_queued(struct runqueue *rq)
{
	/*
	 * Exercise 2. The thread that is to run next, which stays where it is;
	 * NULL where none is queued. A real-time one if there is any, unless
	 * they have used up REALTIME_SHARE_NS and a fair one waits.
	 */
	panic("exercise 2: first_queued(%p) is yours to write", (void *)rq);
}

void
runqueue_join(struct runqueue *rq, struct thread *t)
{
	/*
	 * Exercise 2. Queue t, which slept, ran elsewhere or is new: a
	 * real-time thread at the end of its equals; another with a vruntime
	 * at most WAKE_BONUS_NS below rq's least, however long it slept
	 * (begin_in).
	 */
	(void)begin_in;
	(void)enqueue;
	panic("exercise 2: runqueue_join(%p, %s) is yours to write",
	      (void *)rq, t->name);
}

void
realtime_tick(struct runqueue *rq)
{
	/*
	 * Exercise 4. A thread of POLICY_ROUND_ROBIN that has used its turn
	 * goes to the end.
	 */
	(void)go_to_the_end;
	if (rq->running->priority)
		panic("exercise 4: realtime_tick(%p) is yours to write",
		      (void *)rq);
}

static void
switch_user_state(struct thread *prev, struct thread *next)
{
	/*
	 * Exercise 2. What switch_stacks does not switch: the FPU's state, of
	 * a thread that has a place for it; FS and GS bases, of a thread that
	 * has a user frame; and the address space, by sched_ops.switch_vm.
	 */
	panic("exercise 2: switch_user_state(%s, %s) is yours to write",
	      prev->name, next->name);
}

void
finish_switch(void)
{
	/*
	 * Exercise 1. Runs on the new thread's stack, after each switch. The
	 * old thread is rq->previous, whose stack is in use no more; the queue
	 * is still locked. An ended thread is freed after a grace period; one
	 * that is runnable but neither queued nor idle may not run here any
	 * more and must be placed elsewhere (place lets go of the lock). Once
	 * the lock is free, somebody else may run the old thread, and free it.
	 */
	(void)thread_release;
	panic("exercise 1: finish_switch() is yours to write");
}

void
schedule(bool preempted)
{
	/*
	 * Exercise 2. Have steal_realtime bring what comes before all that
	 * could go on here, and take the lock (switch_to, or rather
	 * finish_switch, lets go of it). Charge the running thread, queue it
	 * if it is to go on and may do so here, choose the next, idle if there
	 * is none, take it off its queue and switch to it, unless it runs
	 * already. One that was preempted and may not go on here is runnable:
	 * finish_switch places it.
	 */
	(void)first_queued;
	(void)switch_to;
	panic("exercise 2: schedule(%d) is yours to write", preempted);
}

static unsigned
best_cpu(const struct thread *t)
{
	/*
	 * Exercise 5. Where t is to be queued: on the CPU where it ran last
	 * if that is idle, else on an idle one, else where it ran last; if t
	 * may run there. A real-time thread rather goes to the least urgent
	 * CPU than wait.
	 */
	(void)idle_cpus;
	if (cpu_count > 1)
		panic("exercise 5: best_cpu(%s) is yours to write", t->name);
	return 0;
}

void
thread_wake(struct thread *t)
{
	/*
	 * Exercise 3. If t sleeps, or is about to (SCHED1), make it runnable,
	 * and place it (place lets go of the lock), unless it is still on its
	 * CPU or on a queue already: then, if it is real-time, offer it.
	 * Waking a thread that is awake must cost next to nothing.
	 */
	(void)lock_queue_of;
	panic("exercise 3: thread_wake(%s) is yours to write", t->name);
}

void
thread_set_policy(struct thread *t, enum sched_policy policy, unsigned priority)
{
	/*
	 * Exercise 4. Change policy, priority and weight under the lock of t's
	 * queue. Wherever t is, it is last among its new equals, or no further
	 * ahead than one that slept, and what runs is asked to give way if
	 * another comes first now.
	 */
	(void)begin_in;
	panic("exercise 4: thread_set_policy(%s, %u, %u) is yours to write",
	      t->name, policy, priority);
}
