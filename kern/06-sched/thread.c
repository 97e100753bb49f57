/*
 * Threads: creation and end, the list of all, nice and affinity, the tick.
 */
#include "sched_internal.h"
#include "string.h"

static struct spinlock threads_lock = SPINLOCK("threads");
static struct list threads = LIST_INIT(threads); /* guarded by it */

void thread_first(void); /* switch.S */
void thread_begin(void);

/* A new thread's first C code, on its own stack. */
void
thread_begin(void)
{
	struct thread *t = current();

	finish_switch();
	sti();
	preempt_enable();
	t->entry(t->entry_arg);
	thread_exit();
}

/* What switch_stacks pops: six registers and the address to return to. */
static uint64_t
first_stack(struct thread *t)
{
	uint64_t *sp = (uint64_t *)t->kstack_top;

	/* Leave room for a user trap frame at the top, and a null return
	 * address that ends a backtrace. */
	sp = (uint64_t *)trap_user_frame(t->kstack_top);
	*--sp = 0;
	*--sp = (uint64_t)thread_first;
	sp -= 6;
	memset(sp, 0, 6 * sizeof(*sp));
	return (uint64_t)sp;
}

struct thread *
thread_create(const char *name, void (*entry)(void *arg), void *arg)
{
	uint64_t stack = kstack_alloc(), rflags;
	struct thread *t;

	if (!stack)
		return NULL;
	t = knew(struct thread);
	strlcpy(t->name, name, sizeof(t->name));
	t->kstack_top = stack;
	t->entry = entry;
	t->entry_arg = arg;
	t->state = THREAD_RUNNABLE;
	t->affinity = ~0UL;
	t->weight = nice_weight(0);
	t->md.nsyscall = ENTRY_KERNEL;
	t->cpu = cpu_id();
	t->saved_rsp = first_stack(t);
	rflags = spin_lock_irqsave(&threads_lock);
	list_add_tail(&t->all_link, &threads);
	spin_unlock_irqrestore(&threads_lock, rflags);
	return t;
}

/* A new thread begins where the queue of its maker is: neither before nor
 * behind those who have been waiting there. */
void
thread_start(struct thread *t)
{
	uint64_t rflags = irq_save();
	struct runqueue *rq = give_to(lock_queue_of(t), t, cpu_id());

	preempt_disable();
	t->vruntime = rq->min_vruntime;
	place(rq, t);
	irq_restore(rflags);
	preempt_enable();
}

void
thread_discard(struct thread *t)
{
	uint64_t rflags = spin_lock_irqsave(&threads_lock);

	list_del(&t->all_link);
	spin_unlock_irqrestore(&threads_lock, rflags);
	if (sched_ops.thread_free)
		sched_ops.thread_free(t);
	kfree(t->md.fpu);
	if (t->kstack_top != (uint64_t)boot_stack_top)
		kstack_free(t->kstack_top);
	kfree(t);
}

struct thread *
kthread_run(const char *name, void (*entry)(void *arg), void *arg)
{
	struct thread *t = thread_create(name, entry, arg);

	if (!t)
		panic("sched: no memory for thread %s", name);
	thread_start(t);
	return t;
}

void
thread_exit(void)
{
	cli();
	preempt_disable();
	atomic_store(&current()->state, THREAD_DEAD);
	schedule(false);
	panic("sched: a dead thread runs");
}

/* For a fair thread yielding is to use up half a turn at once; a real-time one
 * goes to the end of its line (POSIX.1-2017, sched_yield()). */
void
thread_yield(void)
{
	struct runqueue *rq;
	uint64_t rflags = irq_save();

	preempt_disable();
	rq = this_cpu_ptr(runqueue);
	if (rq->nqueued > 0) {
		/* Behind all that wait: as if a slice had been used. */
		account(rq, clock_ns());
		current()->vruntime = MAX(current()->vruntime,
					  rq->min_vruntime + FAIR_TURN_NS / 2);
		current()->turn = rq->next_turn++;
		schedule(false);
	}
	preempt_enable_no_resched();
	irq_restore(rflags);
}

/* Without the queue's lock: the weight is read when time is charged, and either
 * value is one that the thread has had. */
void
thread_set_nice(struct thread *t, int nice)
{
	t->nice = MIN(MAX(nice, NICE_MIN), NICE_MAX);
	t->weight = thread_weight(t);
}

/* One that waits moves at once, and is awake if it was on its way to sleep; one
 * that runs moves when its CPU has switched; one that sleeps, when it is woken.
 */
int
thread_set_affinity(struct thread *t, cpuset_t cpus)
{
	struct runqueue *rq;
	uint64_t rflags;

	cpus &= (1UL << (cpu_count - 1) << 1) - 1;
	if (!cpus)
		return -EINVAL;
	rflags = irq_save();
	rq = lock_queue_of(t);
	preempt_disable();
	t->affinity = cpus;
	if (t->queued && !allowed_on(t, t->cpu)) {
		runqueue_remove(rq, t);
		t->state = THREAD_RUNNABLE;
		place(rq, t);
	} else {
		if (rq->running == t && !allowed_on(t, t->cpu))
			ask_to_switch(rq);
		spin_unlock(&rq->lock);
	}
	irq_restore(rflags);
	preempt_enable();
	return 0;
}

void
thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg)
{
	uint64_t rflags = spin_lock_irqsave(&threads_lock);
	struct thread *t;

	list_for_each (t, &threads, all_link)
		fn(t, arg);
	spin_unlock_irqrestore(&threads_lock, rflags);
}

/* ---- The tick ---- */

#define BALANCE_TICKS 10

/* SCHED3. A CPU with RCU callbacks that wait keeps its tick though it is idle:
 * they become due by quiescent states, which ticks are. The tick is due when it
 * was before: else who arms a timer often enough would put it off for ever, and
 * with it the turns of all others. */
void
tick_program(void)
{
	const struct runqueue *rq = this_cpu_ptr(runqueue);
	uint64_t next = timers_next();

	if (rq->running != rq->idle || rq->nqueued || rcu_pending())
		next = MIN(next, rq->next_tick);
	timer_program(next);
}

/* What the tick strikes is taken for all that the thread has run since the last
 * one. */
static void
sample(struct runqueue *rq, struct usage *u, bool user)
{
	uint64_t since = u->cpu_ns - u->user_ns - u->kernel_ns;

	if (user) {
		u->user_ns += since;
	} else {
		u->kernel_ns += since;
		rq->kernel_ns += since;
	}
}

/* The timer interrupt of this CPU. */
static void
timer_tick(bool user)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);
	uint64_t now = clock_ns();
	uint32_t interrupted =
		PREEMPT_COUNT(this_cpu(preempt_count)) - PREEMPT_INTERRUPT;

	rq->next_tick = now + TICK_NS;
	if (interrupted == 0)
		rcu_quiescent();
	timers_run(now);
	rcu_run_callbacks();
	rq->ticks++;
	if (rq->running != rq->idle) {
		spin_lock(&rq->lock);
		account(rq, now);
		sample(rq, &rq->running->usage, user);
		realtime_tick(rq);
		spin_unlock(&rq->lock);
		if (sched_ops.tick && rq->running->md.user_frame)
			sched_ops.tick(rq->running);
		if (rq->nqueued > 0) {
			preempt_ask();
			call_idle_cpu();
		} else if (!allowed_here(rq->running)) {
			preempt_ask();
		}
		if ((rq->ticks % BALANCE_TICKS == 0 && steal(2)) ||
		    steal_realtime(rq->priority))
			preempt_ask();
	}
	tick_program();
}

static void
describe(void)
{
	struct thread *t = current();

	if (t)
		kprintf("cpu %u, thread %d \"%s\", system call %u\n", cpu_id(),
			t->tid, t->name, t->md.nsyscall);
#ifdef DEBUG
	lockcheck_print_held();
#endif
}

/* smp_ops.clock_set. Who waits looks at the clock under the queue's own lock,
 * and the clock was set under another: only under that lock is the queue known
 * to be empty. */
static void
wake_clock_waiters(void)
{
	uint64_t rflags = spin_lock_irqsave(&clock_set_wq.lock);

	waitq_wake_held(&clock_set_wq, UINT32_MAX);
	spin_unlock_irqrestore(&clock_set_wq.lock, rflags);
}

static void
sched_init(void)
{
	struct thread *boot;
	uint64_t rflags;

	boot = sched_start();
	boot->md.nsyscall = ENTRY_KERNEL;
	rflags = spin_lock_irqsave(&threads_lock);
	list_add(&boot->all_link, &threads);
	spin_unlock_irqrestore(&threads_lock, rflags);
	panic_ops.describe = describe;
	smp_ops.timer = timer_tick;
	smp_ops.clock_set = wake_clock_waiters;
	/* The boot flow has run with preemption off so far. */
	preempt_enable_no_resched();
	rflags = irq_save();
	tick_program();
	irq_restore(rflags);
}

CHAPTER_INIT(sched_init);
