/*
 * Sleeping and waking. A sleeper first announces its sleep (its state becomes
 * SLEEPING), then looks at its condition once more, and only then gives up the
 * CPU; a waker changes the condition first and then the state. So one of the
 * two sees the other, and no wake-up is lost (SCHED1).
 */
#include "sched_internal.h"

struct waitq clock_set_wq = WAITQ(clock_set_wq, "clock set");

void
waitq_init(struct waitq *wq, const char *lock_name)
{
	spin_init(&wq->lock, lock_name);
	list_init(&wq->waiters);
	list_init(&wq->watches);
}

/* ---- Low level ---- */

/* The store is sequentially consistent: the look at the condition, which
 * follows, cannot pass it (SCHED1; SDM vol. 3A, 8.2.3.4). */
void
thread_sleep_prepare(void)
{
	atomic_store(&current()->state, THREAD_SLEEPING);
}

void
thread_sleep_cancel(void)
{
	atomic_store(&current()->state, THREAD_RUNNABLE);
}

struct sleep_timer {
	struct timer timer;
	struct thread *thread;
};

static void
wake_sleeper(struct timer *t)
{
	thread_wake(container_of(t, struct sleep_timer, timer)->thread);
}

static bool
must_not_sleep(enum wait_how how)
{
	uint32_t interrupt = current()->interrupt;

	return (how == WAIT_INTERRUPTIBLE && interrupt) ||
	       (how == WAIT_KILLABLE && (interrupt & INTERRUPT_KILL));
}

/* Who was woken since the announcement is RUNNABLE, and goes on. A wake-up that
 * comes after this look is seen by schedule, under the lock. */
static void
give_up_cpu(void)
{
	uint64_t rflags = irq_save();

	preempt_disable();
	if (current()->state != THREAD_RUNNABLE)
		schedule(false);
	preempt_enable_no_resched();
	irq_restore(rflags);
}

/* The time-out is a timer on this stack, which disarming takes off again, or
 * waits for. That it struck is no result: the caller looks at its condition,
 * and at the clock when it comes here again. */
int
thread_sleep(enum wait_how how, uint64_t deadline)
{
	struct sleep_timer sleep;

	lockcheck_may_sleep("thread_sleep");
	if (must_not_sleep(how)) {
		thread_sleep_cancel();
		return -EINTR;
	}
	if (deadline == WAIT_FOREVER) {
		give_up_cpu();
		return 0;
	}
	if (clock_ns() >= deadline) {
		thread_sleep_cancel();
		return -ETIMEDOUT;
	}
	sleep.thread = current();
	timer_init(&sleep.timer, wake_sleeper);
	timer_arm(&sleep.timer, deadline);
	give_up_cpu();
	timer_disarm(&sleep.timer);
	return 0;
}

/* Woken for another reason it sleeps again: only the time or an interruption
 * ends it. */
int
thread_sleep_until(uint64_t deadline, enum wait_how how)
{
	int error;

	if (how == WAIT_INTERRUPTIBLE && sched_ops.sleep_begin)
		sched_ops.sleep_begin();
	do {
		thread_sleep_prepare();
		error = thread_sleep(how, deadline);
	} while (error == 0);
	if (how == WAIT_INTERRUPTIBLE && sched_ops.sleep_end)
		sched_ops.sleep_end();
	return error == -ETIMEDOUT ? 0 : error;
}

void
thread_interrupt(struct thread *t, uint32_t how)
{
	atomic_fetch_or(&t->interrupt, how);
	thread_wake(t);
	/* If it runs elsewhere in user mode, have it come into the kernel. */
	if (t->on_cpu && t->cpu != cpu_id())
		smp_reschedule(t->cpu);
}

void
thread_clear_interrupt(struct thread *t, uint32_t how)
{
	atomic_fetch_and(&t->interrupt, ~how);
}

/* ---- Wait queues ---- */

/* wq's lock is held. */
static void
join_locked(struct waitq *wq)
{
	struct thread *t = current();

	list_add_tail(&t->wait_link, &wq->waiters);
	t->waiting_on = wq;
	thread_sleep_prepare();
}

static void
waitq_join(struct waitq *wq)
{
	uint64_t rflags = spin_lock_irqsave(&wq->lock);

	join_locked(wq);
	spin_unlock_irqrestore(&wq->lock, rflags);
}

/* @return whether a waker had taken it off: the wake-up was for this thread */
static bool
waitq_leave(struct waitq *wq)
{
	struct thread *t = current();
	uint64_t rflags = spin_lock_irqsave(&wq->lock);
	bool woken = t->waiting_on == NULL;

	if (!woken) {
		list_del(&t->wait_link);
		t->waiting_on = NULL;
	}
	spin_unlock_irqrestore(&wq->lock, rflags);
	return woken;
}

/* Sleep as a member of wq, with the condition's lock released. */
static int
waitq_sleep(struct waitq *wq, enum wait_how how, uint64_t deadline)
{
	bool checkpoint = how == WAIT_INTERRUPTIBLE && sched_ops.sleep_begin;
	int error;

	if (checkpoint)
		sched_ops.sleep_begin();
	error = thread_sleep(how, deadline);
	if (waitq_leave(wq))
		error = 0; /* do not let the wake-up get lost */
	if (checkpoint)
		sched_ops.sleep_end();
	return error;
}

int
waitq_wait(struct waitq *wq, struct spinlock *lock, enum wait_how how,
	   uint64_t deadline)
{
	int error;

	waitq_join(wq);
	spin_unlock(lock);
	error = waitq_sleep(wq, how, deadline);
	spin_lock(lock);
	return error;
}

int
waitq_wait_irq(struct waitq *wq, struct spinlock *lock, uint64_t *rflags,
	       enum wait_how how, uint64_t deadline)
{
	int error;

	if (lock == &wq->lock)
		join_locked(wq);
	else
		waitq_join(wq);
	spin_unlock_irqrestore(lock, *rflags);
	error = waitq_sleep(wq, how, deadline);
	*rflags = spin_lock_irqsave(lock);
	return error;
}

int
waitq_wait_mutex(struct waitq *wq, struct mutex *mutex, enum wait_how how,
		 uint64_t deadline)
{
	int error;

	waitq_join(wq);
	mutex_unlock(mutex);
	error = waitq_sleep(wq, how, deadline);
	mutex_lock(mutex);
	return error;
}

unsigned
waitq_wake_locked(struct waitq *wq, unsigned limit)
{
	unsigned n = 0;

	while (n < limit && !list_empty(&wq->waiters)) {
		struct thread *t =
			list_first(&wq->waiters, struct thread, wait_link);

		list_del(&t->wait_link);
		t->waiting_on = NULL;
		thread_wake(t);
		n++;
	}
	return n;
}

void
waitq_watch(struct waitq *wq, struct waitq_watch *w)
{
	uint64_t rflags = spin_lock_irqsave(&wq->lock);

	list_add_tail(&w->link, &wq->watches);
	spin_unlock_irqrestore(&wq->lock, rflags);
}

void
waitq_unwatch(struct waitq *wq, struct waitq_watch *w)
{
	uint64_t rflags = spin_lock_irqsave(&wq->lock);

	list_del(&w->link);
	spin_unlock_irqrestore(&wq->lock, rflags);
}

static inline bool
seems_empty(const struct list *head)
{
	return __atomic_load_n(&head->next, __ATOMIC_RELAXED) == head;
}

/* Exclusive watches do not count against waiters: a thread that waits for the
 * condition itself is not passed over for one that may not act upon it. */
unsigned
waitq_wake_held(struct waitq *wq, unsigned limit)
{
	struct waitq_watch *w, *next;
	unsigned exclusive = 0, n = 0;

	list_for_each_safe (w, next, &wq->watches, link) {
		if (w->exclusive && exclusive == limit)
			continue;
		if (!w->wake(w))
			continue;
		n++;
		exclusive += w->exclusive;
	}
	return n + waitq_wake_locked(wq, limit);
}

static unsigned
wake_up_to(struct waitq *wq, unsigned limit)
{
	uint64_t rflags;
	unsigned n;

	/* The caller has changed the condition under its lock, under which a
	 * waiter also joins: an empty queue needs no look under wq->lock. */
	if (seems_empty(&wq->waiters) && seems_empty(&wq->watches))
		return 0;
	rflags = spin_lock_irqsave(&wq->lock);
	n = waitq_wake_held(wq, limit);
	spin_unlock_irqrestore(&wq->lock, rflags);
	return n;
}

unsigned
waitq_wake_one(struct waitq *wq)
{
	return wake_up_to(wq, 1);
}

unsigned
waitq_wake_all(struct waitq *wq)
{
	return wake_up_to(wq, UINT32_MAX);
}
