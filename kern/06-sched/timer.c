/*
 * Timers: functions to be called at a time, kept in a tree per CPU by time. A
 * timer fires on the CPU that armed it.
 */
#include "sched_internal.h"

struct timer_queue {
	struct spinlock lock;
	struct rbroot timers;
	/* Its function is being called, without the lock: it may arm its timer
	 * again, or disarm others. timer_disarm waits until it is over. */
	struct timer *running;
	uint64_t next; /* time of the first, UINT64_MAX: none */
};

static PERCPU(struct timer_queue, timer_queue) = {
	.lock = SPINLOCK("timers"),
	.next = UINT64_MAX,
};

static int
by_time(const struct rbnode *a, const struct rbnode *b)
{
	const struct timer *x = rb_entry(a, struct timer, node);
	const struct timer *y = rb_entry(b, struct timer, node);

	if (x->when == y->when)
		return a < b ? -1 : 1;
	return x->when < y->when ? -1 : 1;
}

/* The queue is locked. */
static void
find_next(struct timer_queue *q)
{
	struct rbnode *first = rb_first(&q->timers);

	q->next =
		first ? rb_entry(first, struct timer, node)->when : UINT64_MAX;
}

void
timer_init(struct timer *t, void (*fn)(struct timer *t))
{
	*t = (struct timer){ .fn = fn };
}

/* Lock the queue that t is or was last in: it may move until the lock is held.
 */
static struct timer_queue *
lock_timer(struct timer *t, uint64_t *rflags)
{
	for (;;) {
		unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct timer_queue *q = percpu_ptr(timer_queue, cpu);

		*rflags = spin_lock_irqsave(&q->lock);
		if (t->cpu == cpu)
			return q;
		spin_unlock_irqrestore(&q->lock, *rflags);
	}
}

/* The queue is locked, and t's. @return whether it was armed */
static bool
remove(struct timer_queue *q, struct timer *t)
{
	bool armed = t->armed;

	if (armed) {
		rb_erase(&q->timers, &t->node);
		t->armed = false;
		find_next(q);
	}
	return armed;
}

/* A timer is armed on this CPU, whichever it was on: its interrupt is then for
 * who wants it. But while its function runs it stays on the CPU where it does:
 * so timer_disarm need look at one CPU, and the function never runs on two.
 * That CPU is in timers_run, and will set its own clock. */
void
timer_arm(struct timer *t, uint64_t when)
{
	struct timer_queue *q, *mine;
	uint64_t rflags;
	bool first;

	preempt_disable();
	q = lock_timer(t, &rflags);
	mine = this_cpu_ptr(timer_queue);
	remove(q, t);
	if (q != mine && __atomic_load_n(&q->running, __ATOMIC_RELAXED) != t) {
		__atomic_store_n(&t->cpu, cpu_id(), __ATOMIC_RELEASE);
		spin_unlock(&q->lock);
		q = mine;
		spin_lock(&q->lock);
	}
	t->when = when;
	t->armed = true;
	rb_insert(&q->timers, &t->node, by_time);
	first = q == mine && when < q->next;
	find_next(q);
	spin_unlock(&q->lock);
	if (first)
		tick_program();
	irq_restore(rflags);
	preempt_enable();
}

bool
timer_disarm(struct timer *t)
{
	uint64_t rflags;
	struct timer_queue *q = lock_timer(t, &rflags);
	bool armed = remove(q, t);

	spin_unlock_irqrestore(&q->lock, rflags);
	while (__atomic_load_n(&q->running, __ATOMIC_ACQUIRE) == t)
		cpu_pause();
	return armed;
}

void
timers_run(uint64_t now)
{
	struct timer_queue *q = this_cpu_ptr(timer_queue);
	struct rbnode *first;
	struct timer *t;

	if (q->next > now)
		return;
	spin_lock(&q->lock);
	while ((first = rb_first(&q->timers))) {
		t = rb_entry(first, struct timer, node);
		if (t->when > now)
			break;
		rb_erase(&q->timers, first);
		t->armed = false;
		__atomic_store_n(&q->running, t, __ATOMIC_RELEASE);
		spin_unlock(&q->lock);
		t->fn(t); /* t may be gone afterwards */
		__atomic_store_n(&q->running, NULL, __ATOMIC_RELEASE);
		spin_lock(&q->lock);
	}
	find_next(q);
	spin_unlock(&q->lock);
}

uint64_t
timers_next(void)
{
	return this_cpu(timer_queue).next;
}
