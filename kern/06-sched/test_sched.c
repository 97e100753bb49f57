/*
 * Self-tests of chapter sched. They hold on any number of CPUs and make no
 * assumption about time but that it passes.
 */
#include "sched_internal.h"
#include "string.h"

#define NTHREADS 8

static struct waitq done_wq = WAITQ(done_wq, "test done");
static struct spinlock done_lock = SPINLOCK("test done state");
static unsigned done;

static void
finish(void)
{
	spin_lock(&done_lock);
	done++;
	waitq_wake_all(&done_wq);
	spin_unlock(&done_lock);
}

static void
wait_for(unsigned n)
{
	spin_lock(&done_lock);
	while (done < n)
		waitq_wait(&done_wq, &done_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	done = 0;
	spin_unlock(&done_lock);
}

static void
run_threads(unsigned n, void (*fn)(void *arg))
{
	uint64_t i;

	for (i = 0; i < n; i++)
		kthread_run("test", fn, (void *)i);
	wait_for(n);
}

static _Atomic uint64_t sum;

static void
add_arg(void *arg)
{
	atomic_fetch_add(&sum, (uint64_t)arg + 1);
	finish();
}

SELFTEST(sched_threads_run_and_end)
{
	sum = 0;
	run_threads(NTHREADS, add_arg);
	CHECK(sum == NTHREADS * (NTHREADS + 1) / 2);
}

static struct mutex mutex;
static uint64_t counter;

static void
add_under_mutex(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 200; i++) {
		uint64_t seen;

		mutex_lock(&mutex);
		seen = counter;
		if (i % 10 == 0)
			thread_yield();
		counter = seen + 1;
		mutex_unlock(&mutex);
	}
	finish();
}

SELFTEST(sched_mutex_excludes)
{
	mutex_init(&mutex, "test mutex");
	counter = 0;
	run_threads(NTHREADS, add_under_mutex);
	CHECK(counter == NTHREADS * 200);
	CHECK(mutex.owner == 0);
	CHECK(mutex_trylock(&mutex));
	CHECK(mutex_held(&mutex));
	mutex_unlock(&mutex);
	CHECK(!mutex_held(&mutex));
}

static struct rwlock rwlock;
static _Atomic int readers, writers, wrong;

static void
read_and_write(void *arg)
{
	int i;

	for (i = 0; i < 200; i++) {
		if ((i + (uint64_t)arg) % 4 == 0) {
			rwlock_write_lock(&rwlock);
			if (atomic_fetch_add(&writers, 1) || readers)
				wrong++;
			if (i % 8 == 0)
				thread_yield();
			writers--;
			rwlock_write_unlock(&rwlock);
		} else {
			if (i % 2 || !rwlock_read_trylock(&rwlock))
				rwlock_read_lock(&rwlock);
			readers++;
			if (writers)
				wrong++;
			if (i % 8 == 0)
				thread_yield();
			readers--;
			rwlock_read_unlock(&rwlock);
		}
	}
	finish();
}

SELFTEST(sched_rwlock_keeps_writers_apart)
{
	rwlock_init(&rwlock, "test rwlock");
	wrong = 0;
	run_threads(NTHREADS, read_and_write);
	CHECK(wrong == 0);
	CHECK(rwlock.state == 0);
	rwlock_write_lock(&rwlock);
	CHECK(!rwlock_read_trylock(&rwlock));
	rwlock_write_unlock(&rwlock);
	CHECK(rwlock_read_trylock(&rwlock));
	rwlock_read_unlock(&rwlock);
	CHECK(rwlock.state == 0);
}

/* Two threads pass a turn back and forth: a lost wake-up would hang. */
static struct spinlock turn_lock = SPINLOCK("test turn");
static struct waitq turn_wq = WAITQ(turn_wq, "test turn queue");
static unsigned turn;

static void
take_turns(void *arg)
{
	unsigned me = (uint64_t)arg, i;

	for (i = 0; i < 2000; i++) {
		spin_lock(&turn_lock);
		while (turn % 2 != me)
			waitq_wait(&turn_wq, &turn_lock, WAIT_UNINTERRUPTIBLE,
				   WAIT_FOREVER);
		turn++;
		waitq_wake_all(&turn_wq);
		spin_unlock(&turn_lock);
	}
	finish();
}

SELFTEST(sched_no_wakeup_is_lost)
{
	turn = 0;
	run_threads(2, take_turns);
	CHECK(turn == 4000);
}

SELFTEST(sched_sleep_takes_its_time)
{
	uint64_t until = clock_ns() + 3000000;

	CHECK(thread_sleep_until(until, WAIT_UNINTERRUPTIBLE) == 0);
	CHECK(clock_ns() >= until);
	CHECK(thread_sleep_until(0, WAIT_UNINTERRUPTIBLE) == 0);
}

SELFTEST(sched_wait_times_out)
{
	struct waitq wq;
	int error;

	waitq_init(&wq, "test timeout");
	spin_lock(&done_lock);
	do {
		error = waitq_wait(&wq, &done_lock, WAIT_UNINTERRUPTIBLE,
				   clock_ns());
	} while (error == 0);
	spin_unlock(&done_lock);
	CHECK(error == -ETIMEDOUT);
	CHECK(list_empty(&wq.waiters));
}

static struct thread *_Atomic sleeper;
static int sleeper_error;

static void
sleep_until_interrupted(void *arg)
{
	(void)arg;
	sleeper = current();
	sleeper_error = thread_sleep_until(WAIT_FOREVER, WAIT_INTERRUPTIBLE);
	thread_clear_interrupt(current(), INTERRUPT_SIGNAL);
	finish();
}

SELFTEST(sched_interrupt_ends_a_sleep)
{
	sleeper = NULL;
	kthread_run("test", sleep_until_interrupted, NULL);
	while (!sleeper)
		thread_yield();
	thread_interrupt(sleeper, INTERRUPT_SIGNAL);
	wait_for(1);
	CHECK(sleeper_error == -EINTR);
}

/* More threads than CPUs, none of which gives up its CPU: all get on. */
static _Atomic unsigned spinning;

static void
spin_until_all_have_started(void *arg)
{
	(void)arg;
	spinning++;
	while (spinning < NTHREADS)
		cpu_pause();
	finish();
}

SELFTEST(sched_threads_are_preempted)
{
	spinning = 0;
	run_threads(NTHREADS, spin_until_all_have_started);
	CHECK(spinning == NTHREADS);
}

static _Atomic unsigned fired;

static void
note_fired(struct timer *t)
{
	(void)t;
	fired++;
}

SELFTEST(sched_timers_fire_unless_disarmed)
{
	struct timer a, b;

	fired = 0;
	timer_init(&a, note_fired);
	timer_init(&b, note_fired);
	timer_arm(&a, clock_ns() + 1000000000000);
	timer_arm(&b, clock_ns() + 1000000000000);
	timer_arm(&a, clock_ns() + 2000000); /* again: it fires once */
	while (fired == 0)
		thread_yield();
	CHECK(timer_disarm(&b));
	CHECK(!timer_disarm(&b));
	CHECK(!timer_disarm(&a));
	CHECK(fired == 1);
}

SELFTEST(sched_nice_weights)
{
	CHECK(nice_weight(0) == 1024);
	CHECK(nice_weight(-1) == 1280);
	CHECK(nice_weight(1) == 819);
	CHECK(nice_weight(NICE_MIN) > 80 * 1024);
	CHECK(nice_weight(NICE_MAX) >= 10 && nice_weight(NICE_MAX) <= 16);
}

/* A thread's registers, FPU's included, survive being switched. */
static _Atomic unsigned mixed_up;

static void
keep_registers(void *arg)
{
	uint64_t mine = (uint64_t)arg * 0x0101010101010101, seen;
	int i;

	for (i = 0; i < 50; i++) {
		preempt_disable();
		asm volatile("movq %0, %%xmm7" : : "r"(mine));
		preempt_enable();
		thread_yield();
		asm volatile("movq %%xmm7, %0" : "=r"(seen));
		mixed_up += seen != mine;
	}
	finish();
}

/* The area is made by who makes the thread: that is start-up, which needs no
 * reservation of heap. */
SELFTEST(sched_switch_keeps_fpu_state)
{
	struct thread *t;
	uint64_t i;

	mixed_up = 0;
	for (i = 0; i < NTHREADS; i++) {
		t = thread_create("test", keep_registers, (void *)i);
		t->md.fpu = kalloc(fpu_area_size, ALLOC_SITE(0, "fpu"));
		fpu_area_init(t->md.fpu);
		thread_start(t);
	}
	wait_for(NTHREADS);
	CHECK(mixed_up == 0);
}

SELFTEST(sched_affinity_is_obeyed)
{
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++) {
		CHECK(thread_set_affinity(current(), 1UL << cpu) == 0);
		CHECK(cpu_id() == cpu);
	}
	CHECK(thread_set_affinity(current(), 0) == -EINVAL);
	CHECK(thread_set_affinity(current(), ~0UL) == 0);
}

SELFTEST(sched_ended_threads_are_freed)
{
	struct slab_info info;
	uint64_t before = 0, after = 0;
	int round;
	unsigned i;

	for (round = 0; round < 3; round++) {
		run_threads(50, add_arg);
		/* Ended threads are freed after a grace period: let it end. */
		for (i = 0; i < 5; i++)
			thread_sleep_until(clock_ns() + 2 * TICK_NS,
					   WAIT_UNINTERRUPTIBLE);
		after = 0;
		for (i = 0; slab_info_get(i, &info); i++)
			after += info.objects * info.size;
		if (round == 0)
			before = after;
	}
	/* What magazines hold counts as handed out: allow for one a CPU. */
	CHECK(after < before + 50 * sizeof(struct thread));
}

/* ---- Watches ---- */

static unsigned watch_calls;

static bool
count_call(struct waitq_watch *w)
{
	watch_calls++;
	return w->exclusive;
}

SELFTEST(sched_watch_is_called_by_each_wake_up_until_it_is_taken_off)
{
	struct waitq_watch w = { .wake = count_call };
	struct waitq wq;

	waitq_init(&wq, "test watched");
	watch_calls = 0;
	waitq_watch(&wq, &w);
	CHECK(waitq_wake_one(&wq) == 0);
	CHECK(waitq_wake_all(&wq) == 0);
	CHECK(watch_calls == 2);
	waitq_unwatch(&wq, &w);
	waitq_wake_all(&wq);
	CHECK(watch_calls == 2);
}

SELFTEST(sched_one_exclusive_watch_of_many_is_enough)
{
	struct waitq_watch w[3] = { { .wake = count_call, .exclusive = true },
				    { .wake = count_call },
				    { .wake = count_call, .exclusive = true } };
	struct waitq wq;
	unsigned i;

	waitq_init(&wq, "test watched");
	for (i = 0; i < 3; i++)
		waitq_watch(&wq, &w[i]);
	watch_calls = 0;
	CHECK(waitq_wake_one(&wq) == 1 && watch_calls == 2);
	CHECK(waitq_wake_all(&wq) == 2 && watch_calls == 5);
	for (i = 0; i < 3; i++)
		waitq_unwatch(&wq, &w[i]);
}

/* ---- Real-time policies: SCHED5 ---- */

static unsigned run_order[3];
static _Atomic unsigned runs;

static void
note_run(void *arg)
{
	run_order[runs++] = (unsigned)(uint64_t)arg;
	finish();
}

/* On one CPU, which this thread keeps until it sleeps. */
SELFTEST(sched_realtime_by_priority)
{
	static const unsigned priorities[] = { 1, 99, 50 };
	unsigned i;

	CHECK(thread_set_affinity(current(), 1) == 0);
	thread_set_policy(current(), POLICY_FIFO, REALTIME_MAX);
	runs = 0;
	for (i = 0; i < 3; i++) {
		struct thread *t =
			thread_create("test", note_run, (void *)(uint64_t)i);

		CHECK(t && thread_set_affinity(t, 1) == 0);
		thread_set_policy(t, POLICY_FIFO, priorities[i]);
		thread_start(t);
	}
	CHECK(runs == 0);
	thread_yield(); /* to its equal */
	CHECK(runs == 1 && run_order[0] == 1);
	wait_for(3);
	CHECK(run_order[1] == 2 && run_order[2] == 0);
	thread_set_policy(current(), POLICY_OTHER, 0);
	CHECK(thread_set_affinity(current(), ~0UL) == 0);
}
