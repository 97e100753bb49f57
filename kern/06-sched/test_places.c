/*
 * Self-tests of chapter sched about places: on which CPU a thread is queued,
 * and what becomes of one whose policy or affinity changes meanwhile. What must
 * come between two steps is held there: a CPU by a thread with interrupts off,
 * a move between two queues by the lock of the second. Where a tick would
 * repair what should have been done at once, the ticks are counted.
 */
#include "sched_internal.h"

#define ME	 0 /* the CPU of the test itself, which no thread takes */
#define MAX_CPUS 64
/* In one of them no tick comes between: mostly the first. */
#define ROUNDS 500

static struct waitq over_wq = WAITQ(over_wq, "test over");
static struct spinlock over_lock = SPINLOCK("test over state");
static unsigned over;		 /* guarded by it */
static _Atomic unsigned started; /* threads that run */
static _Atomic bool stop, stop_hogs;

static void
end(void)
{
	spin_lock(&over_lock);
	over++;
	waitq_wake_all(&over_wq);
	spin_unlock(&over_lock);
}

static void
wait_for_ends(unsigned n)
{
	spin_lock(&over_lock);
	while (over < n)
		waitq_wait(&over_wq, &over_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	over = 0;
	spin_unlock(&over_lock);
}

static void
wait_until(const _Atomic unsigned *n, unsigned value)
{
	while (*n < value)
		cpu_pause();
}

/* The test runs on its CPU, before all others. */
static void
begin(void)
{
	started = over = 0;
	stop = stop_hogs = false;
	thread_set_affinity(current(), 1UL << ME);
	thread_set_policy(current(), POLICY_FIFO, REALTIME_MAX);
}

static void
finish(void)
{
	thread_set_policy(current(), POLICY_OTHER, 0);
	thread_set_affinity(current(), ~0UL);
}

static struct thread *
start(void (*fn)(void *arg), cpuset_t cpus, unsigned priority)
{
	struct thread *t = thread_create("test", fn, NULL);

	if (!t)
		panic("sched: no memory for a test's thread");
	thread_set_affinity(t, cpus);
	thread_set_policy(t, priority ? POLICY_FIFO : POLICY_OTHER, priority);
	thread_start(t);
	return t;
}

static void
run_until_stopped(void *arg)
{
	(void)arg;
	started++;
	while (!stop)
		cpu_pause();
	end();
}

static void
hog(void *arg)
{
	(void)arg;
	started++;
	while (!stop_hogs)
		cpu_pause();
	end();
}

/* Its CPU does nothing else: no tick, no switch. */
static void
hold_cpu(void *arg)
{
	(void)arg;
	cli();
	started++;
	while (!stop)
		cpu_pause();
	sti();
	end();
}

/* On each CPU but the test's, one. */
static void
start_everywhere(void (*fn)(void *arg), unsigned priority)
{
	unsigned cpu, before = started;

	for (cpu = 0; cpu < cpu_count; cpu++)
		if (cpu != ME)
			start(fn, 1UL << cpu, priority);
	wait_until(&started, before + cpu_count - 1);
}

static uint64_t
ticks_elsewhere(void)
{
	uint64_t n = 0;
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++)
		if (cpu != ME)
			n += __atomic_load_n(&percpu_ptr(runqueue, cpu)->ticks,
					     __ATOMIC_RELAXED);
	return n;
}

static unsigned
cpu_of(const struct thread *t)
{
	return __atomic_load_n(&t->cpu, __ATOMIC_ACQUIRE);
}

/* ---- Real-time threads: SCHED5 ---- */

static void
sleep_once(void *arg)
{
	(void)arg;
	thread_sleep_prepare();
	started++;
	thread_sleep(WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	end();
}

/* Both slept on CPU 1, which has not switched to the first yet when the second
 * is woken. */
SELFTEST(sched_woken_realtime_threads_spread)
{
	struct thread *t[2];
	unsigned i, cpu[2];

	if (cpu_count < 3)
		return;
	begin();
	for (i = 0; i < 2; i++)
		t[i] = start(sleep_once, 1UL << 1, 50);
	wait_until(&started, 2);
	for (i = 0; i < 2; i++) {
		while (__atomic_load_n(&t[i]->on_cpu, __ATOMIC_ACQUIRE))
			cpu_pause();
		thread_set_affinity(t[i], ~0UL);
	}
	start_everywhere(hold_cpu, 0);
	for (i = 0; i < 2; i++) {
		thread_wake(t[i]);
		cpu[i] = cpu_of(t[i]);
	}
	stop = true;
	wait_for_ends(2 + cpu_count - 1);
	finish();
	CHECK(cpu[0] == 1);
	CHECK(cpu[1] != 1 && cpu[1] != ME);
}

/* It is put where another is less urgent; for that no tick is needed. */
SELFTEST(sched_preempted_realtime_thread_moves_at_once)
{
	unsigned round, from, moved_at_once = 0;
	struct thread *t;
	uint64_t ticks;

	if (cpu_count < 3)
		return;
	begin();
	start_everywhere(run_until_stopped, 0);
	t = start(run_until_stopped, ~(1UL << ME), 50);
	wait_until(&started, cpu_count);
	for (round = 0; round < ROUNDS && !moved_at_once; round++) {
		stop_hogs = false;
		from = cpu_of(t);
		ticks = ticks_elsewhere();
		start(hog, 1UL << from, 60);
		while (cpu_of(t) == from)
			cpu_pause();
		moved_at_once += ticks_elsewhere() == ticks;
		stop_hogs = true;
		wait_for_ends(1);
	}
	stop = true;
	wait_for_ends(cpu_count);
	finish();
	CHECK(moved_at_once);
}

/* All CPUs run what is more urgent; then one of them does not. */
SELFTEST(sched_waiting_realtime_thread_moves_at_once)
{
	unsigned round, cpu, moved_at_once = 0;
	struct thread *t;
	uint64_t ticks;

	if (cpu_count < 3)
		return;
	begin();
	start_everywhere(run_until_stopped, 0);
	for (round = 0; round < ROUNDS && !moved_at_once; round++) {
		stop_hogs = false;
		started = 0;
		start_everywhere(hog, 60);
		t = start(sleep_once, ~(1UL << ME), 50);
		cpu = cpu_of(t) == 1 ? 2 : 1;
		ticks = ticks_elsewhere();
		/* The hog of that CPU gives way to the fair thread there. */
		thread_set_policy(percpu_ptr(runqueue, cpu)->running,
				  POLICY_OTHER, 0);
		while (started < cpu_count)
			cpu_pause();
		moved_at_once += ticks_elsewhere() == ticks;
		while (t->state != THREAD_SLEEPING ||
		       __atomic_load_n(&t->on_cpu, __ATOMIC_ACQUIRE))
			cpu_pause();
		thread_wake(t);
		stop_hogs = true;
		wait_for_ends(cpu_count);
	}
	stop = true;
	wait_for_ends(cpu_count - 1);
	finish();
	CHECK(moved_at_once);
}

static _Atomic unsigned first_priority;

static void
note_priority(void *arg)
{
	unsigned none = 0, mine = 1 + current()->priority;

	(void)arg;
	atomic_compare_exchange_strong(&first_priority, &none, mine);
	end();
}

/* A share that was used up in a second long over keeps nobody waiting. */
SELFTEST(sched_realtime_share_is_of_this_second)
{
	struct runqueue *rq;
	uint64_t rflags;

	begin();
	rq = this_cpu_ptr(runqueue);
	first_priority = 0;
	start(note_priority, 1UL << ME, 0);
	start(note_priority, 1UL << ME, 50);
	rflags = irq_save();
	rq->realtime_ns = REALTIME_SHARE_NS + 1;
	rq->period_start = clock_ns() - 2000000000;
	thread_set_policy(current(), POLICY_FIFO, 40);
	thread_yield();
	irq_restore(rflags);
	wait_for_ends(2);
	finish();
	CHECK(first_priority == 1 + 50);
}

/* While it was real-time, others' virtual time went on. */
SELFTEST(sched_realtime_thread_saves_up_no_claim)
{
	struct runqueue *rq;
	int64_t ahead;

	begin();
	preempt_disable();
	rq = this_cpu_ptr(runqueue);
	rq->min_vruntime += 1000 * FAIR_TURN_NS;
	thread_set_policy(current(), POLICY_OTHER, 0);
	ahead = (int64_t)(rq->min_vruntime - current()->vruntime);
	preempt_enable();
	finish();
	CHECK(ahead < (int64_t)(10 * FAIR_TURN_NS));
}

/* ---- Changes on the way: SCHED1, SCHED2 ---- */

/* One that waits for a CPU which it may not use any more. */
SELFTEST(sched_queued_thread_moves_when_its_affinity_does)
{
	struct thread *t;
	unsigned before, after;

	if (cpu_count < 2)
		return;
	begin();
	preempt_disable(); /* it is not freed meanwhile */
	t = start(note_priority, 1UL << ME, 0);
	before = cpu_of(t);
	thread_set_affinity(t, 1UL << 1);
	after = cpu_of(t);
	preempt_enable();
	wait_for_ends(1);
	finish();
	CHECK(before == ME && after == 1);
}

static _Atomic bool moved_there;

static void
move_while_falling_asleep(void *arg)
{
	(void)arg;
	thread_sleep_prepare();
	started++;
	while (cpu_id() == 1)
		cpu_pause();
	moved_there = true;
	thread_sleep_cancel();
	end();
}

/* It has announced its sleep, but not looked at its condition yet, when it must
 * leave its CPU: nobody would wake it. */
SELFTEST(sched_mover_is_awake)
{
	struct thread *t;
	unsigned i;

	if (cpu_count < 2)
		return;
	begin();
	moved_there = false;
	t = start(move_while_falling_asleep, 1UL << 1, 0);
	wait_until(&started, 1);
	thread_set_affinity(t, 1UL << ME);
	for (i = 0; i < 500 && !moved_there; i++)
		thread_sleep_until(clock_ns() + TICK_NS, WAIT_UNINTERRUPTIBLE);
	if (moved_there)
		wait_for_ends(1);
	finish();
	CHECK(moved_there);
}

static bool stolen;

static void
steal_when_told(void *arg)
{
	(void)arg;
	preempt_disable();
	cli();
	started++;
	while (!stop)
		cpu_pause();
	stolen = steal(1);
	sti();
	preempt_enable();
	end();
}

static struct thread *to_start;

/* In the timer's interrupt, which strikes an idle CPU: that one is about to run
 * a thread, but not before the test has looked. */
static void
start_on_idle_cpu(struct timer *timer)
{
	if (this_cpu(runqueue).running != this_cpu(runqueue).idle) {
		timer_arm(timer, clock_ns() + TICK_NS);
		return;
	}
	thread_start(to_start);
	started++;
	while (!stop)
		cpu_pause();
}

static struct timer its_timer; /* CPU 1's */

static void
arm_timer(void *arg)
{
	(void)arg;
	timer_arm(&its_timer, clock_ns() + TICK_NS);
	end();
}

/* What an idle CPU is about to run is not taken from it: two that are idle
 * could go on taking it from each other for ever. */
SELFTEST(sched_first_thread_of_an_idle_cpu_is_left_to_it)
{
	bool taken;

	if (cpu_count < 2)
		return;
	begin();
	timer_init(&its_timer, start_on_idle_cpu);
	to_start = thread_create("test", note_priority, NULL);
	thread_set_affinity(to_start, 1UL << ME | 1UL << 1);
	start(arm_timer, 1UL << 1, 0);
	wait_until(&started, 1);
	preempt_disable();
	cli();
	taken = steal(1);
	sti();
	preempt_enable();
	stop = true;
	wait_for_ends(2);
	finish();
	CHECK(!taken);
}

/* Where all that the busiest CPU has is bound to it, the next one is asked.
 * That one may be changing its queue just then, and is not waited for: try
 * again. */
SELFTEST(sched_next_busiest_cpu_is_asked)
{
	struct thread *here_too[2];
	uint64_t until;
	bool taken;
	int i;

	if (cpu_count < 3)
		return;
	begin();
	for (i = 0; i < 3; i++)
		start(run_until_stopped, 1UL << 1, 0);
	for (i = 0; i < 2; i++)
		here_too[i] = start(run_until_stopped, 1UL << 2, 0);
	wait_until(&started, 5);
	for (i = 0; i < 2; i++)
		thread_set_affinity(here_too[i], 1UL << ME | 1UL << 2);
	preempt_disable();
	cli();
	until = clock_ns() + 500 * TICK_NS;
	do
		taken = steal(1);
	while (!taken && clock_ns() < until);
	sti();
	preempt_enable();
	stop = true;
	wait_for_ends(5);
	finish();
	CHECK(taken);
}

static _Atomic bool fn_is_over;

static void
take_a_while(struct timer *timer)
{
	uint64_t until;

	(void)timer;
	started++;
	while (!stop)
		cpu_pause();
	until = clock_ns() + TICK_NS;
	while (clock_ns() < until)
		cpu_pause();
	fn_is_over = true;
}

/* Who disarms a timer may free it then, also if it was armed by another CPU
 * than the one that calls its function. */
SELFTEST(sched_timer_stays_where_its_function_runs)
{
	bool armed, over_then;

	if (cpu_count < 2)
		return;
	begin();
	fn_is_over = false;
	timer_init(&its_timer, take_a_while);
	start(arm_timer, 1UL << 1, 0);
	wait_until(&started, 1);
	timer_arm(&its_timer, UINT64_MAX);
	stop = true;
	armed = timer_disarm(&its_timer);
	over_then = fn_is_over;
	wait_for_ends(1);
	finish();
	CHECK(armed && over_then);
}

static void
do_nothing(struct timer *timer)
{
	(void)timer;
}

/* Who keeps setting an alarm does not put the tick off, by which others get
 * their turn. Without one, the loop would end after a long time only. */
SELFTEST(sched_tick_is_not_put_off)
{
	struct runqueue *rq = percpu_ptr(runqueue, ME);
	uint64_t ticks, until = clock_ns() + 500 * TICK_NS;
	struct timer t;

	begin();
	timer_init(&t, do_nothing);
	ticks = __atomic_load_n(&rq->ticks, __ATOMIC_RELAXED);
	while (__atomic_load_n(&rq->ticks, __ATOMIC_RELAXED) < ticks + 3 &&
	       clock_ns() < until)
		timer_arm(&t, clock_ns() + 2 * TICK_NS);
	timer_disarm(&t);
	ticks = rq->ticks - ticks;
	finish();
	CHECK(ticks >= 3);
}

/* On its way from queue to queue it belongs to the second, by whose lock its
 * policy changes: were it the first, it would change while it is put into the
 * tree of the other policy. */
SELFTEST(sched_mover_belongs_to_where_it_goes)
{
	struct runqueue *from = percpu_ptr(runqueue, ME);
	struct runqueue *to = percpu_ptr(runqueue, 1);
	struct thread *t;
	unsigned cpu;

	if (cpu_count < 2)
		return;
	begin();
	start(steal_when_told, 1UL << 1, 0);
	wait_until(&started, 1);
	t = start(note_priority, 1UL << ME, 0);
	thread_set_affinity(t, 1UL << ME | 1UL << 1);
	cli();
	spin_lock(&to->lock);
	stop = true;
	while (__atomic_load_n(&t->queued, __ATOMIC_ACQUIRE))
		cpu_pause();
	spin_lock(&from->lock); /* which CPU 1 has let go of */
	spin_unlock(&from->lock);
	cpu = cpu_of(t);
	spin_unlock(&to->lock);
	sti();
	wait_for_ends(2);
	finish();
	CHECK(stolen && cpu == 1);
}
