/*
 * The scheduler: two queues per CPU. The fair one: each thread's virtual run
 * time grows with the time it runs, slower the higher its weight; the thread
 * with the least runs next. Real-time threads come before all fair ones, by
 * priority. A CPU without work takes some from the busiest.
 *
 * Source of the ideas: Linux's CFS (Documentation/scheduler/sched-design-CFS)
 * and its throttling of real-time threads (sched-rt-group).
 */
#include "sched_internal.h"
#include "string.h"

#define WEIGHT_NICE_0	   1024
#define WAKE_BONUS_NS	   3000000 /* a sleeper starts this much ahead */
#define PREEMPT_GAIN_NS	   1000000 /* a woken thread preempts if ahead by more */
#define WEIGHT_IDLE	   3
#define REALTIME_PERIOD_NS 1000000000 /* see REALTIME_SHARE_NS */

void switch_stacks(uint64_t *save_rsp, uint64_t load_rsp);

PERCPU(struct runqueue, runqueue);
struct sched_ops sched_ops;
_Atomic unsigned realtime_waiting;
static _Atomic cpuset_t idle_cpus;

/* ---- Weights ---- */

/* Each step of nice is a quarter more or less CPU. */
uint32_t
nice_weight(int nice)
{
	uint32_t w = WEIGHT_NICE_0;

	for (; nice < 0; nice++)
		w = w * 5 / 4;
	for (; nice > 0; nice--)
		w = w * 4 / 5;
	return MAX(w, 1u);
}

uint32_t
thread_weight(const struct thread *t)
{
	return t->policy == POLICY_IDLE ? WEIGHT_IDLE : nice_weight(t->nice);
}

/* After a fair thread was charged. What runs is not the measure alone: a thread
 * of little weight is far ahead after its turn, and who wakes up then shall not
 * be put behind those that wait. */
static void
raise_minimum(struct runqueue *rq)
{
	struct rbnode *node = rb_first(&rq->fair);
	uint64_t least = rq->running->vruntime;
	const struct thread *first;

	if (node) {
		first = rb_entry(node, struct thread, run_node);
		if ((int64_t)(first->vruntime - least) < 0)
			least = first->vruntime;
	}
	if ((int64_t)(least - rq->min_vruntime) > 0)
		rq->min_vruntime = least;
}

void
account(struct runqueue *rq, uint64_t now)
{
	struct thread *t = rq->running;
	uint64_t ran = now - t->slice_start;

	t->slice_start = now;
	if (now - rq->period_start >= REALTIME_PERIOD_NS) {
		rq->period_start = now;
		rq->realtime_ns = 0;
	}
	if (t == rq->idle) {
		rq->idle_ns += ran;
		return;
	}
	t->usage.cpu_ns += ran;
	if (t->priority) {
		rq->realtime_ns += ran;
		t->turn_ns += ran;
		return;
	}
	t->vruntime += t->weight == WEIGHT_NICE_0
			       ? ran
			       : ran * WEIGHT_NICE_0 / t->weight;
	raise_minimum(rq);
}

/* ---- The queues; their lock is held ---- */

/* Differences, as signed numbers: right also when the counter has wrapped. */
static int
by_vruntime(const struct rbnode *a, const struct rbnode *b)
{
	const struct thread *x = rb_entry(a, struct thread, run_node);
	const struct thread *y = rb_entry(b, struct thread, run_node);
	int64_t d = x->vruntime - y->vruntime;

	if (d == 0) /* never equal: any order will do */
		return a < b ? -1 : 1;
	return d < 0 ? -1 : 1;
}

/* SCHED5 */
static int
by_turn(const struct rbnode *a, const struct rbnode *b)
{
	const struct thread *x = rb_entry(a, struct thread, run_node);
	const struct thread *y = rb_entry(b, struct thread, run_node);

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return x->turn < y->turn ? -1 : 1;
}

/* One more or less real-time thread waits. */
static void
count_realtime(struct runqueue *rq, int change)
{
	const struct rbnode *node = rb_first(&rq->realtime);

	atomic_fetch_add(&realtime_waiting, (unsigned)change);
	rq->waiting =
		node ? rb_entry(node, struct thread, run_node)->priority : 0;
}

static void
enqueue(struct runqueue *rq, struct thread *t)
{
	ASSERT(!t->queued);
	t->queued = true;
	rq->nqueued++;
	if (t->priority) {
		rb_insert(&rq->realtime, &t->run_node, by_turn);
		count_realtime(rq, 1);
	} else {
		rb_insert(&rq->fair, &t->run_node, by_vruntime);
	}
}

void
runqueue_remove(struct runqueue *rq, struct thread *t)
{
	ASSERT(t->queued);
	t->queued = false;
	rq->nqueued--;
	if (t->priority) {
		rb_erase(&rq->realtime, &t->run_node);
		count_realtime(rq, -1);
	} else {
		rb_erase(&rq->fair, &t->run_node);
	}
}

/* The next to run. Real-time threads that have had their share of the second
 * leave the rest of it to others, if there are any. */
static struct thread *
first_queued(struct runqueue *rq)
{
	struct rbnode *node = rb_first(&rq->realtime);

	if (!node || rq->realtime_ns > REALTIME_SHARE_NS)
		node = rb_first(&rq->fair) ?: node;
	return node ? rb_entry(node, struct thread, run_node) : NULL;
}

static void
go_to_the_end(struct runqueue *rq, struct thread *t)
{
	t->turn = rq->next_turn++;
	t->turn_ns = 0;
}

/* A real-time thread is behind its equals now, another near the front. */
static void
begin_in(struct runqueue *rq, struct thread *t)
{
	uint64_t least = rq->min_vruntime - WAKE_BONUS_NS;

	if (t->priority)
		go_to_the_end(rq, t);
	else if ((int64_t)(t->vruntime - least) < 0)
		t->vruntime = least;
}

void
runqueue_join(struct runqueue *rq, struct thread *t)
{
	begin_in(rq, t);
	enqueue(rq, t);
}

/* The turn is looked at once a tick, as the second: a loop has up to a tick
 * more. */
void
realtime_tick(struct runqueue *rq)
{
	struct thread *t = rq->running;

	if (t->policy == POLICY_ROUND_ROBIN && t->turn_ns >= REALTIME_TURN_NS)
		go_to_the_end(rq, t);
}

/* ---- Switching ---- */

/* What is not on the kernel stack. The kernel uses no FPU register, so a kernel
 * thread has none to save; the segment bases are user threads' alone (SDM vol.
 * 3A, 3.4.4). */
static void
switch_user_state(struct thread *prev, struct thread *next)
{
	if (prev->md.fpu)
		fpu_save(prev->md.fpu);
	if (next->md.fpu)
		fpu_restore(next->md.fpu);
	if (next->md.user_frame) {
		wrmsr(MSR_FS_BASE, next->md.fsbase);
		wrmsr(MSR_KERNEL_GS_BASE, next->md.gsbase);
	}
	if (sched_ops.switch_vm)
		sched_ops.switch_vm(prev, next);
}

/* Here that is a flag, looked at when preemption is on again; for another CPU
 * it is an interrupt. */
void
ask_to_switch(const struct runqueue *rq)
{
	unsigned cpu = rq->idle->cpu;

	if (cpu == cpu_id())
		preempt_ask();
	else
		smp_reschedule(cpu);
}

/* Of the real-time threads that wait only the first can just have begun to: it
 * was preempted, or another came before it when it was to run.
 *
 * switch_stacks is called on @prev's stack and returns on @next's, to the call
 * by which that was switched away; the lock is let go there (SCHED2). A new
 * thread's returns to thread_first. */
static void
switch_to(struct runqueue *rq, struct thread *prev, struct thread *next)
{
	rq->running = next;
	rq->priority = next->priority;
	rq->previous = prev;
	if (rq->waiting)
		offer(rb_entry(rb_first(&rq->realtime), struct thread,
			       run_node));
	rq->switches++;
	if (prev->state == THREAD_RUNNABLE || prev->queued)
		prev->usage.involuntary++;
	else
		prev->usage.voluntary++;
	next->on_cpu = true;
	switch_user_state(prev, next);
	this_cpu(md_current) = &next->md;
	trap_set_kernel_stack(next->kstack_top);
	if (prev == rq->idle) { /* it had no tick */
		rq->next_tick = next->slice_start + TICK_NS;
		tick_program();
	}
#ifdef DEBUG
	this_cpu(held_locks) = &next->held;
#endif
	switch_stacks(&prev->saved_rsp, next->saved_rsp);
	finish_switch();
}

static void
thread_release(struct rcu_head *head)
{
	struct thread *t = container_of(head, struct thread, rcu);

	thread_discard(t);
}

/* On the new thread's stack: the old one's is not in use any more. The run
 * queue was locked by the old thread. */
void
finish_switch(void)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);
	struct thread *prev = rq->previous;
	/* Looked at before the lock is let go: from then on another CPU may
	 * wake it, run it, and see it end. */
	bool dead = prev->state == THREAD_DEAD;
	bool moves = prev->state == THREAD_RUNNABLE && !prev->queued &&
		     prev != rq->idle;

	prev->on_cpu = false;
	if (moves)
		place(rq, prev);
	else
		spin_unlock(&rq->lock);
	if (dead)
		rcu_defer(&prev->rcu, thread_release);
}

/* A thread that was preempted between announcing its sleep and its last look at
 * the condition stays on the queue although its state says SLEEPING: nobody
 * would wake it for what has happened already (SCHED1). One that may not stay
 * is awake again, so that it is placed elsewhere. */
void
schedule(bool preempted)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);
	struct thread *prev = current(), *next;
	uint64_t now = clock_ns();

	NESTS(1, PREEMPT_COUNT(this_cpu(preempt_count)) == 1);
	rcu_quiescent();
	steal_realtime(preempted || prev->state == THREAD_RUNNABLE
			       ? MAX(prev->priority, rq->waiting)
			       : rq->waiting);
	spin_lock(&rq->lock);
	preempt_answered();
	account(rq, now);
	if (preempted && !allowed_here(prev))
		prev->state = THREAD_RUNNABLE;
	else if (prev != rq->idle && allowed_here(prev) &&
		 (preempted || prev->state == THREAD_RUNNABLE))
		enqueue(rq, prev);
	next = first_queued(rq);
	if (next)
		runqueue_remove(rq, next);
	else
		next = rq->idle;
	if (next == prev) {
		spin_unlock(&rq->lock);
		return;
	}
	next->slice_start = now;
	switch_to(rq, prev, next);
}

/* preempt_hook: a switch was asked for while preemption was off, and it is on
 * again. */
static void
preempt_schedule(void)
{
	if (!irq_enabled())
		return; /* asked again at the next chance */
	do {
		preempt_disable();
		cli();
		schedule(true);
		sti();
		preempt_enable_no_resched();
	} while (this_cpu(preempt_count) == 0);
}

/* From trap: before the return to user mode (interrupts on), or at the end of
 * an interrupt of preemptible kernel code (off). */
static void
reschedule(void)
{
	uint64_t rflags = irq_save();

	while (this_cpu(preempt_count) == 0) {
		preempt_disable();
		schedule(true);
		preempt_enable_no_resched();
	}
	irq_restore(rflags);
}

/* ---- Waking, and where to ---- */

/* t->cpu is looked at again under the lock, as the thread may have moved. */
struct runqueue *
lock_queue_of(struct thread *t)
{
	for (;;) {
		unsigned cpu = __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
		struct runqueue *rq = percpu_ptr(runqueue, cpu);

		spin_lock(&rq->lock);
		if (t->cpu == cpu)
			return rq;
		spin_unlock(&rq->lock);
	}
}

/* On its way it is in no queue, but belongs to the new one already: there it
 * gets in by that one's lock, and so does who changes its policy (SCHED2). */
struct runqueue *
give_to(struct runqueue *rq, struct thread *t, unsigned cpu)
{
	struct runqueue *to = percpu_ptr(runqueue, cpu);

	t->vruntime += to->min_vruntime - rq->min_vruntime;
	__atomic_store_n(&t->cpu, cpu, __ATOMIC_RELEASE);
	spin_unlock(&rq->lock);
	spin_lock(&to->lock);
	return to;
}

/* The CPU it ran on last if that is idle, else any idle one, else the old; but
 * a real-time thread does not wait behind another while a CPU has none. */
static unsigned
best_cpu(const struct thread *t)
{
	cpuset_t idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed) &
			t->affinity;
	unsigned old = t->cpu;

	if (idle >> old & 1)
		return old;
	if (idle)
		return __builtin_ctzl(idle);
	if (!allowed_on(t, old))
		old = __builtin_ctzl(t->affinity);
	return t->priority ? least_urgent_cpu(t, old) : old;
}

/* Whether t, which has been queued, is to run before what runs. */
static bool
comes_before_running(const struct runqueue *rq, const struct thread *t)
{
	if (rq->running == rq->idle || t->priority || rq->priority)
		return rq->running == rq->idle || t->priority > rq->priority;
	return (int64_t)(t->vruntime + PREEMPT_GAIN_NS -
			 rq->running->vruntime) < 0;
}

/* Have the CPU of @rq, which is locked, switch if @t comes first there; if not,
 * another may be the place for it. */
static void
tell(struct runqueue *rq, const struct thread *t)
{
	if (comes_before_running(rq, t)) {
		if (rq->running == rq->idle) /* the next chooses another */
			atomic_fetch_and(&idle_cpus, ~(1UL << t->cpu));
		ask_to_switch(rq);
	} else if (t->priority) {
		offer(t);
	}
}

/* While it is on its way, another CPU may have become the only one that it may
 * use. */
void
place(struct runqueue *rq, struct thread *t)
{
	unsigned cpu = best_cpu(t);

	while (t->cpu != cpu) {
		rq = give_to(rq, t, cpu);
		if (!allowed_on(t, cpu))
			cpu = best_cpu(t);
	}
	runqueue_join(rq, t);
	tell(rq, t);
	spin_unlock(&rq->lock);
}

/*
 * SCHED1, the waker's side. A thread that still runs, having announced its
 * sleep, is only made RUNNABLE again: give_up_cpu or schedule sees it. One that
 * has been preempted then is on its queue already. Only one that is off its CPU
 * has to be placed.
 */
void
thread_wake(struct thread *t)
{
	uint64_t rflags;
	struct runqueue *rq;
	bool must_place;

	/* Order the caller's change of the condition before this look. */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&t->state, memory_order_relaxed) !=
	    THREAD_SLEEPING)
		return;
	rflags = irq_save();
	rq = lock_queue_of(t);
	must_place = t->state == THREAD_SLEEPING && !t->on_cpu && !t->queued;
	if (t->state == THREAD_SLEEPING)
		t->state = THREAD_RUNNABLE;
	/* Keeps preemption off until interrupts are as they were. */
	preempt_disable();
	if (must_place) {
		place(rq, t);
	} else {
		if (t->queued && t->priority)
			offer(t);
		spin_unlock(&rq->lock);
	}
	irq_restore(rflags);
	preempt_enable();
}

/* ---- Policies ---- */

/* A queued thread changes its tree, and is last among its new equals. A running
 * one is asked to be switched away from: others may come first now. */
void
thread_set_policy(struct thread *t, enum sched_policy policy, unsigned priority)
{
	uint64_t rflags = irq_save();
	struct runqueue *rq = lock_queue_of(t);
	bool queued = t->queued;

	if (queued)
		runqueue_remove(rq, t);
	t->policy = policy;
	t->priority = priority;
	t->weight = thread_weight(t);
	if (queued) {
		runqueue_join(rq, t);
		tell(rq, t);
	} else if (rq->running == t) {
		rq->priority = priority;
		begin_in(rq, t);
		ask_to_switch(rq); /* others may come before it now */
	}
	preempt_disable();
	spin_unlock(&rq->lock);
	irq_restore(rflags);
	preempt_enable();
}

/* ---- Time ---- */

/* A tick or a switch between the readings would make it go backwards. */
uint64_t
thread_cpu_ns(const struct thread *t)
{
	uint64_t rflags, ns;

	if (t != current())
		return t->usage.cpu_ns;
	rflags = irq_save();
	ns = t->usage.cpu_ns + (clock_ns() - t->slice_start);
	irq_restore(rflags);
	return ns;
}

/* ---- Idle ---- */

void
call_idle_cpu(void)
{
	cpuset_t idle = atomic_load_explicit(&idle_cpus, memory_order_relaxed);

	if (idle)
		smp_reschedule(__builtin_ctzl(idle));
}

static void
idle_wait(void)
{
	cpuset_t me = 1UL << cpu_id();

	atomic_fetch_or(&idle_cpus, me);
	/* A waker that saw the bit sends an interrupt; one that did not has put
	 * its thread on some queue before: look once more. */
	if (this_cpu(runqueue).nqueued == 0 && !steal_realtime(0) &&
	    !steal(1)) {
		tick_program();
		rcu_idle_enter();
		sti_hlt();
		cli();
		rcu_idle_exit();
	}
	atomic_fetch_and(&idle_cpus, ~me);
}

/* Preemption is off in the idle thread but for what it does itself. */
static void
idle_loop(void)
{
	cli();
	for (;;) {
		rcu_run_callbacks();
		if (this_cpu(runqueue).nqueued == 0)
			idle_wait();
		schedule(false);
		sti(); /* let what came in meanwhile be handled */
		cli();
	}
}

static void
idle_thread(void *arg)
{
	(void)arg;
	preempt_disable();
	idle_loop();
}

/* ---- Start-up ---- */

/* A CPU that chapter smp started: its boot stack becomes its idle thread's. */
static void
cpu_main(void)
{
	struct runqueue *rq = this_cpu_ptr(runqueue);

	rq->idle->on_cpu = true;
	this_cpu(md_current) = &rq->idle->md;
#ifdef DEBUG
	this_cpu(held_locks) = &rq->idle->held;
#endif
	atomic_fetch_or(&idle_cpus, 1UL << cpu_id());
	idle_loop();
}

static void
queue_init(unsigned cpu)
{
	struct runqueue *rq = percpu_ptr(runqueue, cpu);

	spin_init_unchecked(&rq->lock, "runqueue");
	rq->idle = thread_create("idle", idle_thread, NULL);
	if (!rq->idle)
		panic("sched: no memory for CPU %u's idle thread", cpu);
	rq->idle->cpu = cpu;
	rq->idle->affinity = 1UL << cpu;
	rq->running = rq->idle;
}

/* The boot flow becomes a thread, so that it may sleep from here on. The hooks
 * are set before the other CPUs are let go: those wait for cpu_main in chapter
 * smp. */
struct thread *
sched_start(void)
{
	struct thread *boot = knew(struct thread);
	unsigned cpu;

	strlcpy(boot->name, "boot", sizeof(boot->name));
	boot->weight = WEIGHT_NICE_0;
	boot->affinity = ~0UL;
	boot->on_cpu = true;
	boot->kstack_top = (uint64_t)boot_stack_top;
	this_cpu(md_current) = &boot->md;
#ifdef DEBUG
	this_cpu(held_locks) = &boot->held;
#endif
	trap_set_kernel_stack(boot->kstack_top);
	for (cpu = 0; cpu < cpu_count; cpu++)
		queue_init(cpu);
	boot->slice_start = clock_ns();
	this_cpu(runqueue).running = boot;
	this_cpu(runqueue).next_tick = boot->slice_start + TICK_NS;

	preempt_hook = preempt_schedule;
	trap_ops.reschedule = reschedule;
	__atomic_store_n(&smp_ops.cpu_main, cpu_main, __ATOMIC_RELEASE);
	for (cpu = 1; cpu < cpu_count; cpu++)
		smp_reschedule(cpu);
	return boot;
}
