/*
 * What lab sched adds to the agent: threads that follow scripts. The host
 * writes what each thread is and does into guest memory (agent_threads,
 * agent_steps), lets it run, and reads when each step began and ended, in which
 * order of all, on which CPU, and with what result. Nothing is compared here.
 *
 * A thread that shall use up time halts: the instruction clock then leaps to
 * the next interrupt, which is its CPU's tick. So seconds of work cost the host
 * next to nothing, and ticks are counted by who has used them. A thread that
 * spins ends its turn among QEMU's CPUs by PAUSE, after as many rounds as the
 * host says: a schedule that the seed chooses.
 */
#include "agent.h"
#include "sched_internal.h"

#define THREADS	   64
#define STEPS	   4096
#define QUEUES	   16
#define TIMERS	   64
#define WATCHED	   4 /* CPUs whose counters a snapshot takes */
#define YIELDS_MAX 30

enum step_kind {
	STEP_STAMP,	 /* nothing, but say when */
	STEP_HALT,	 /* a: ticks */
	STEP_HALT_UNTIL, /* a: time */
	STEP_SPIN,	 /* a: turns, b: rounds in each */
	STEP_GIVE_WAY,	 /* a: times */
	STEP_HOLD,	 /* a: ticks, b: also hold user state */
	STEP_SLEEP,	 /* a: time, b: how */
	STEP_WAIT,	 /* a: queue, b: how, c: time */
	STEP_WAIT_ONCE,	 /* the same, without a condition */
	STEP_POST,	 /* a: queue, b: how many, c: wake all */
	STEP_WAKE,	 /* a: queue, b: one, or 0: all */
	STEP_CRITICAL,	 /* a: mutex, b: rounds inside, c: yield inside */
	STEP_LOCK,	 /* a: mutex */
	STEP_UNLOCK,	 /* a: mutex */
	STEP_START,	 /* a: thread */
	STEP_POLICY,	 /* a: thread, b: policy, c: priority */
	STEP_AFFINITY,	 /* a: thread, b: CPUs */
	STEP_INTERRUPT,	 /* a: thread, b: how */
	STEP_CLEAR,	 /* b: how */
	STEP_TIMER,	 /* a: timer, b: time */
	STEP_DISARM,	 /* a: timer */
	STEP_CATCH,	 /* a: timer, disarmed while its function runs */
	STEP_REPEAT,	 /* a: steps back, b: times */
	STEP_KINDS,
};

struct agent_step {
	uint64_t kind, a, b, c;
	uint64_t result, begin_ns, end_ns, begin_seq, end_seq, cpu;
};

struct agent_thread {
	/* From the host. */
	uint64_t first, n; /* in agent_steps */
	int64_t nice;
	uint64_t policy, priority, affinity, fpu, later;
	/* For it. */
	uint64_t done, halts, gap, last, cpu_ns, cpus;
	uint64_t in[16], out[16];
	struct thread *thread;
};

struct agent_thread agent_threads[THREADS];
struct agent_step agent_steps[STEPS];
uint64_t agent_base, agent_elapsed, agent_freed, agent_counters[QUEUES];
uint64_t agent_ticks[WATCHED], agent_idle[WATCHED];
uint64_t agent_fired[TIMERS], agent_fired_at[TIMERS];
uint64_t agent_timer_takes; /* turns that a timer's function lasts */

static struct timer timers[TIMERS];
static struct spinlock locks[QUEUES];
static struct waitq queues[QUEUES];
struct mutex agent_mutexes[QUEUES];
static uint64_t posted[QUEUES];
static _Atomic uint64_t sequence, ended;
static uint64_t wanted; /* so many are to end; the last wakes the conductor */
static struct thread *conductor; /* if it sleeps meanwhile */

void agent_constants_sched(void);
uint64_t agent_threads_prepare(void);
uint64_t agent_threads_run(uint64_t n, uint64_t limit_ns, uint64_t sleep);
uint64_t agent_grace(void);

void
agent_constants_sched(void)
{
	AGENT_CONSTANT(step_size, sizeof(struct agent_step));
	AGENT_CONSTANT(thread_size, sizeof(struct agent_thread));
	AGENT_CONSTANT(thread_thread, offsetof(struct agent_thread, thread));
	AGENT_CONSTANT(runqueue_min_vruntime,
		       offsetof(struct runqueue, min_vruntime));
	AGENT_CONSTANT(mutex_owner, offsetof(struct mutex, owner));
	AGENT_CONSTANT(mutex_size, sizeof(struct mutex));
}

static uint64_t
time_of(uint64_t t)
{
	return t == UINT64_MAX ? WAIT_FOREVER : agent_base + t;
}

/* Use up what is left of a tick. */
static void
halt(struct agent_thread *me)
{
	uint64_t now;

	sti_hlt();
	now = clock_ns();
	me->gap = MAX(me->gap, now - me->last);
	me->last = now;
	me->halts++;
	me->cpus |= 1UL << cpu_id();
}

static void
spin(uint64_t turns, uint64_t rounds)
{
	uint64_t i;

	while (turns--) {
		for (i = 0; i < rounds; i++)
			asm volatile("" : : : "memory");
		asm volatile("pause");
	}
}

/* ---- Registers ---- */

/* Load registers from in, halt `ticks` times, store them to out. */
void hold_registers(const uint64_t *in, uint64_t *out, uint64_t ticks);
asm("hold_registers:\n"
    "	pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14\n"
    "	pushq %r15; pushq %rsi\n"
    "	movq (%rdi), %rbx; movq 8(%rdi), %rbp; movq 16(%rdi), %r12\n"
    "	movq 24(%rdi), %r13; movq 32(%rdi), %r14; movq 40(%rdi), %r15\n"
    "	movq 48(%rdi), %r8; movq 56(%rdi), %r9; movq 64(%rdi), %r10\n"
    "	movq 72(%rdi), %r11\n"
    "1:	hlt\n"
    "	decq %rdx\n"
    "	jnz 1b\n"
    "	popq %rsi\n"
    "	movq %rbx, (%rsi); movq %rbp, 8(%rsi); movq %r12, 16(%rsi)\n"
    "	movq %r13, 24(%rsi); movq %r14, 32(%rsi); movq %r15, 40(%rsi)\n"
    "	movq %r8, 48(%rsi); movq %r9, 56(%rsi); movq %r10, 64(%rsi)\n"
    "	movq %r11, 72(%rsi)\n"
    "	popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp\n"
    "	ret\n");

/* The same with the FPU's registers and the segment bases of user code. */
static void
hold_user_state(struct agent_thread *me, uint64_t ticks)
{
	struct thread *t = current();

	preempt_disable();
	t->md.fsbase = me->in[12];
	t->md.gsbase = me->in[13];
	t->md.user_frame = trap_user_frame(t->kstack_top);
	wrmsr(MSR_FS_BASE, t->md.fsbase);
	wrmsr(MSR_KERNEL_GS_BASE, t->md.gsbase);
	asm volatile("movq %0, %%xmm3; movq %1, %%xmm14"
		     :
		     : "m"(me->in[10]), "m"(me->in[11]));
	preempt_enable();
	hold_registers(me->in, me->out, ticks);
	preempt_disable();
	asm volatile("movq %%xmm3, %0; movq %%xmm14, %1"
		     : "=m"(me->out[10]), "=m"(me->out[11]));
	me->out[12] = rdmsr(MSR_FS_BASE);
	me->out[13] = rdmsr(MSR_KERNEL_GS_BASE);
	t->md.user_frame = NULL;
	preempt_enable();
}

/* ---- Steps ---- */

static uint64_t
wait_for_post(uint64_t q, enum wait_how how, uint64_t deadline)
{
	int error = 0;

	spin_lock(&locks[q]);
	while (posted[q] == 0 && error == 0)
		error = waitq_wait(&queues[q], &locks[q], how, deadline);
	if (error == 0)
		posted[q]--;
	spin_unlock(&locks[q]);
	return error;
}

static uint64_t
wait_once(uint64_t q, enum wait_how how, uint64_t deadline)
{
	int error;

	spin_lock(&locks[q]);
	error = waitq_wait(&queues[q], &locks[q], how, deadline);
	spin_unlock(&locks[q]);
	return error;
}

static uint64_t
post(uint64_t q, uint64_t n, bool all)
{
	uint64_t woken = 0;

	spin_lock(&locks[q]);
	posted[q] += n;
	if (all)
		woken = waitq_wake_all(&queues[q]);
	else
		while (n--)
			woken += waitq_wake_one(&queues[q]);
	spin_unlock(&locks[q]);
	return woken;
}

static void
critical(uint64_t m, uint64_t rounds, bool yield)
{
	uint64_t seen;

	mutex_lock(&agent_mutexes[m]);
	seen = agent_counters[m];
	spin(1, rounds);
	if (yield)
		thread_yield();
	agent_counters[m] = seen + 1;
	mutex_unlock(&agent_mutexes[m]);
}

static void
note_fired(struct timer *t)
{
	uint64_t *at = &agent_fired_at[t - timers];

	__atomic_store_n(at, clock_ns() - agent_base, __ATOMIC_RELEASE);
	spin(agent_timer_takes, 50);
	agent_fired[t - timers]++;
}

static uint64_t catch (uint64_t timer)
{
	while (!__atomic_load_n(&agent_fired_at[timer], __ATOMIC_ACQUIRE))
		spin(1, 1000);
	timer_disarm(&timers[timer]);
	return agent_fired[timer];
}

static uint64_t
do_step(struct agent_thread *me, const struct agent_step *s)
{
	struct thread *other = agent_threads[s->a % THREADS].thread;
	uint64_t i;

	switch (s->kind) {
	case STEP_HALT:
		for (i = 0; i < s->a; i++)
			halt(me);
		break;
	case STEP_HALT_UNTIL:
		while (clock_ns() < time_of(s->a))
			halt(me);
		break;
	case STEP_SPIN:
		spin(s->a, s->b);
		break;
	case STEP_GIVE_WAY:
		for (i = 0; i < s->a; i++)
			thread_yield();
		break;
	case STEP_HOLD:
		if (s->b)
			hold_user_state(me, s->a);
		else
			hold_registers(me->in, me->out, s->a);
		break;
	case STEP_SLEEP:
		return thread_sleep_until(time_of(s->a), s->b);
	case STEP_WAIT:
		return wait_for_post(s->a, s->b, time_of(s->c));
	case STEP_WAIT_ONCE:
		return wait_once(s->a, s->b, time_of(s->c));
	case STEP_POST:
		return post(s->a, s->b, s->c);
	case STEP_WAKE:
		return s->b ? waitq_wake_one(&queues[s->a])
			    : waitq_wake_all(&queues[s->a]);
	case STEP_CRITICAL:
		critical(s->a, s->b, s->c);
		break;
	case STEP_LOCK:
		mutex_lock(&agent_mutexes[s->a]);
		break;
	case STEP_UNLOCK:
		mutex_unlock(&agent_mutexes[s->a]);
		break;
	case STEP_START:
		thread_start(other);
		break;
	case STEP_POLICY:
		thread_set_policy(other, s->b, s->c);
		break;
	case STEP_AFFINITY:
		return thread_set_affinity(other, s->b);
	case STEP_INTERRUPT:
		thread_interrupt(other, s->b);
		break;
	case STEP_CLEAR:
		thread_clear_interrupt(current(), s->b);
		break;
	case STEP_TIMER:
		timer_arm(&timers[s->a], time_of(s->b));
		break;
	case STEP_DISARM:
		return timer_disarm(&timers[s->a]);
	case STEP_CATCH:
		return catch (s->a);
	}
	return 0;
}

static void
follow_script(void *arg)
{
	struct agent_thread *me = arg;
	uint64_t i;

	me->last = clock_ns();
	for (i = 0; i < me->n; i++) {
		struct agent_step *s = &agent_steps[me->first + i];

		if (s->kind == STEP_REPEAT) {
			if (s->result++ < s->b)
				i -= s->a + 1;
			continue;
		}
		s->begin_ns = clock_ns() - agent_base;
		s->begin_seq = atomic_fetch_add(&sequence, 1) + 1;
		s->result = do_step(me, s);
		s->end_seq = atomic_fetch_add(&sequence, 1) + 1;
		s->end_ns = clock_ns() - agent_base;
		s->cpu = cpu_id();
		me->cpus |= 1UL << s->cpu;
	}
	me->cpu_ns = thread_cpu_ns(current());
	me->done = 1;
	if (atomic_fetch_add(&ended, 1) + 1 == wanted && conductor)
		thread_wake(conductor);
}

/* ---- A run ---- */

static void
count_freed(struct thread *t)
{
	(void)t;
	agent_freed++;
}

/** Once after the boot. */
uint64_t
agent_threads_prepare(void)
{
	unsigned i;

	for (i = 0; i < QUEUES; i++) {
		spin_init(&locks[i], "agent");
		waitq_init(&queues[i], "agent queue");
		mutex_init(&agent_mutexes[i], "agent mutex");
	}
	for (i = 0; i < TIMERS; i++)
		timer_init(&timers[i], note_fired);
	sched_ops.thread_free = count_freed;
	return 0;
}

static void
create(struct agent_thread *a)
{
	struct thread *t = thread_create("script", follow_script, a);

	if (!t)
		panic("agent: no memory for a thread");
	if (a->fpu) {
		t->md.fpu = kalloc(fpu_area_size, ALLOC_SITE(0, "fpu"));
		fpu_area_init(t->md.fpu);
	}
	t->affinity = a->affinity;
	thread_set_nice(t, (int)a->nice);
	if (a->policy)
		thread_set_policy(t, a->policy, a->priority);
	a->thread = t;
}

static void
snapshot(uint64_t n)
{
	uint64_t rflags = irq_save(), i;

	agent_elapsed = clock_ns() - agent_base;
	for (i = 0; i < n; i++) {
		struct agent_thread *a = &agent_threads[i];

		if (a->done)
			continue;
		a->cpu_ns = a->thread->usage.cpu_ns;
	}
	for (i = 0; i < MIN(cpu_count, (unsigned)WATCHED); i++) {
		agent_ticks[i] = percpu_ptr(runqueue, i)->ticks;
		agent_idle[i] = percpu_ptr(runqueue, i)->idle_ns;
	}
	irq_restore(rflags);
}

/* Sleep until the last has ended, which wakes this thread. Not for a tick each
 * time: its timer would end others' halts between their ticks. */
static void
sleep_until_ended(uint64_t n, uint64_t until)
{
	thread_sleep_prepare();
	if (atomic_load(&ended) == n)
		thread_sleep_cancel();
	else
		thread_sleep(WAIT_UNINTERRUPTIBLE, until);
}

/* Until it is time to look again whether all have ended. */
static void
pass_time(void)
{
	static unsigned in_vain;
	uint64_t before = clock_ns();

	thread_yield();
	in_vain = clock_ns() - before < TICK_NS / 10 ? in_vain + 1 : 0;
	if (this_cpu(runqueue).nqueued == 0 || in_vain > YIELDS_MAX)
		sti_hlt(); /* nobody wants to run, or the queue is broken */
}

/** Run @p n threads until they have ended, or for @p limit_ns. With @p sleep
 * this thread sleeps meanwhile, else it goes round with the others.
 * @return how many have ended */
uint64_t
agent_threads_run(uint64_t n, uint64_t limit_ns, uint64_t sleep)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		create(&agent_threads[i]);
	agent_base = clock_ns();
	conductor = sleep ? current() : NULL;
	wanted = n;
	preempt_disable();
	for (i = 0; i < n; i++)
		if (!agent_threads[i].later)
			thread_start(agent_threads[i].thread);
	preempt_enable();
	while (atomic_load(&ended) < n && clock_ns() < agent_base + limit_ns) {
		if (sleep)
			sleep_until_ended(n, agent_base + limit_ns);
		else
			pass_time();
	}
	snapshot(n);
	return atomic_load(&ended);
}

/** Let threads go that are about to, and grace periods pass.
 * @return threads freed so far */
uint64_t
agent_grace(void)
{
	uint64_t rflags;
	int i;

	for (i = 0; i < YIELDS_MAX; i++)
		thread_yield();
	rflags = irq_save();
	for (i = 0; i < 4; i++) {
		rcu_quiescent();
		rcu_run_callbacks();
	}
	irq_restore(rflags);
	return agent_freed;
}
