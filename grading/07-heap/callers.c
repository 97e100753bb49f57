/*
 * What lab heap adds to the agent: callers, threads that reserve, release, take
 * and free pages as they are told, a step at a time. The host writes the steps
 * into guest memory (agent_steps); the thread that booted hands each to its
 * caller, lets some time pass, so that all that can happen has happened, and
 * notes who has not come back. Nothing is compared here: the host's model
 * knows who has to wait.
 */
#include "agent.h"
#include "heap_internal.h"

#define CALLERS	  32
#define STEPS	  1024
#define CONDUCTOR CALLERS /* steps that the booted thread does itself */
#define FILL_MAX  4096

/* IA-PC HPET specification 1.0a, 2.3: registers, in words of 8 bytes. */
#define HPET_BASE      0xfed00000
#define HPET_CONFIG    (0x10 / 8)
#define HPET_COUNTER   (0xf0 / 8)
#define HPET_TIMER     (0x100 / 8) /* its comparator follows */
#define HPET_TICK_NS   10
#define CONFIG_ENABLE  0x1
#define TIMER_PERIODIC 0x8
#define TIMER_SET      0x40 /* the next write sets the accumulator, too */

enum step_kind {
	STEP_RESERVE,	 /* a: pages */
	STEP_LAST,	 /* a: pages */
	STEP_RELEASE,	 /* */
	STEP_CHECKPOINT, /* a: pages */
	STEP_TAKE,	 /* a: objects of a page each */
	STEP_FREE,	 /* a: objects */
	STEP_SLEEP,	 /* interruptibly, until posted */
	STEP_STRESS,	 /* a: rounds, b: seed, c: pages at most */
	STEP_HOARD,	 /* a: rounds of reserving, taking and releasing b */
	/* The conductor's. */
	STEP_POST,   /* a: caller */
	STEP_KILL,   /* a: caller */
	STEP_CLEAR,  /* a: caller, which lives on */
	STEP_SHRINK, /* */
	STEP_FILL,   /* reserve single pages until it fails, and release them */
	STEP_JOIN,   /* until no caller is busy, for a ns at most */
	STEP_TURNS,  /* CPUs take turns of about a ns; 0: of any length */
};

struct agent_step {
	uint64_t who, kind, a, b, c, settle_ns;
	/* For the host. */
	uint64_t result, over, granted, used, busy, begin_ns, end_ns;
};

struct caller {
	struct thread *thread;
	struct spinlock lock;
	struct waitq wq, post_wq;
	struct agent_step *step; /* that it is to do or does */
	bool posted;
	void **objects; /* chained by their first words */
	uint64_t held;	/* pages that it has reserved, as it thinks */
};

struct agent_step agent_steps[STEPS];
uint64_t agent_most; /* pages in use and reserved when one was granted */

/* [CONDUCTOR]: what it has taken itself. */
static struct caller callers[CALLERS + 1];
static unsigned ncallers;
static struct spinlock sum_lock = SPINLOCK("agent sum");
static uint64_t sum;

void agent_constants_heap(void);
uint64_t agent_callers_prepare(uint64_t n, uint64_t bound);
uint64_t agent_conduct(uint64_t n);
uint64_t agent_used(void);
uint64_t agent_limit(void);
uint64_t agent_kept(void);
uint64_t agent_pairs(uint64_t n, uint64_t pages);

void
agent_constants_heap(void)
{
	AGENT_CONSTANT(step_size, sizeof(struct agent_step));
	AGENT_CONSTANT(CALLERS, CALLERS);
}

/* ---- What callers do ---- */

/* Not before the release, or after the grant, so that the sum is never more
 * than what is reserved. */
static void
let_go(struct caller *c)
{
	spin_lock(&sum_lock);
	sum -= c->held;
	spin_unlock(&sum_lock);
	c->held = 0;
}

static void
granted(struct caller *c, uint64_t pages)
{
	c->held = pages;
	spin_lock(&sum_lock);
	sum += pages;
	agent_most = MAX(agent_most, sum + mem_heap_used());
	spin_unlock(&sum_lock);
}

static void
release(struct caller *c)
{
	let_go(c);
	trap_ops.release();
}

static uint64_t
reserve(struct caller *c, uint64_t pages)
{
	int error = trap_ops.reserve(pages);

	if (!error)
		granted(c, pages);
	return error;
}

static void
take(struct caller *c, uint64_t n)
{
	while (n--) {
		void **object = kalloc(4000, ALLOC_SITE(0, "agent"));

		*object = c->objects;
		c->objects = object;
	}
}

static void
give(struct caller *c, uint64_t n)
{
	while (n-- && c->objects) {
		void **object = c->objects;

		c->objects = *object;
		kfree(object);
	}
	slab_shrink();
}

static uint64_t
checkpoint(struct caller *c, uint64_t pages)
{
	int error;

	let_go(c);
	error = heap_checkpoint(pages);
	granted(c, current()->heap_granted);
	return error;
}

static uint64_t
sleep_until_posted(struct caller *c)
{
	uint64_t held = c->held;
	int error = 0;

	let_go(c);
	spin_lock(&c->lock);
	while (!c->posted && !error)
		error = waitq_wait(&c->post_wq, &c->lock, WAIT_INTERRUPTIBLE,
				   WAIT_FOREVER);
	c->posted = false;
	spin_unlock(&c->lock);
	granted(c, held ? current()->heap_granted : 0);
	return error;
}

static void
spin(uint64_t rounds)
{
	while (rounds--)
		asm volatile("" : : : "memory");
}

static uint64_t
stress(struct caller *c, uint64_t rounds, uint64_t seed, uint64_t most)
{
	while (rounds--) {
		seed = seed * 6364136223846793005UL + 1442695040888963407UL;
		if (reserve(c, 1 + (seed >> 40) % most))
			return 1;
		spin(seed >> 33 & 0x7f);
		release(c);
		if (seed >> 60 == 0)
			thread_yield();
	}
	return 0;
}

/* @return rounds in which there was a reservation */
static uint64_t
hoard(struct caller *c, uint64_t rounds, uint64_t pages)
{
	uint64_t i;

	for (i = 0; i < rounds && reserve(c, pages) == 0; i++) {
		take(c, pages);
		release(c);
	}
	return i;
}

static uint64_t
perform(struct caller *c, const struct agent_step *s)
{
	switch (s->kind) {
	case STEP_RESERVE:
		return reserve(c, s->a);
	case STEP_LAST:
		heap_reserve_last(s->a);
		granted(c, current()->heap_granted);
		break;
	case STEP_RELEASE:
		release(c);
		break;
	case STEP_CHECKPOINT:
		return checkpoint(c, s->a);
	case STEP_TAKE:
		take(c, s->a);
		break;
	case STEP_FREE:
		give(c, s->a);
		break;
	case STEP_SLEEP:
		return sleep_until_posted(c);
	case STEP_STRESS:
		return stress(c, s->a, s->b, s->c);
	case STEP_HOARD:
		return hoard(c, s->a, s->b);
	}
	return 0;
}

static void
serve(void *arg)
{
	struct caller *c = arg;
	struct agent_step *s;

	for (;;) {
		spin_lock(&c->lock);
		while (!c->step)
			waitq_wait(&c->wq, &c->lock, WAIT_UNINTERRUPTIBLE,
				   WAIT_FOREVER);
		s = c->step;
		spin_unlock(&c->lock);
		s->result = perform(c, s);
		s->granted = current()->heap_granted;
		s->end_ns = clock_ns();
		spin_lock(&c->lock);
		s->over = 1;
		c->step = NULL;
		spin_unlock(&c->lock);
	}
}

/* ---- The conductor ---- */

static uint64_t
busy(void)
{
	uint64_t mask = 0;
	unsigned i;

	for (i = 0; i < ncallers; i++)
		if (__atomic_load_n(&callers[i].step, __ATOMIC_RELAXED))
			mask |= 1UL << i;
	return mask;
}

static void
hand_over(struct caller *c, struct agent_step *s)
{
	spin_lock(&c->lock);
	c->step = s;
	waitq_wake_one(&c->wq);
	spin_unlock(&c->lock);
}

static void
post(struct caller *c)
{
	spin_lock(&c->lock);
	c->posted = true;
	waitq_wake_one(&c->post_wq);
	spin_unlock(&c->lock);
}

/* With heapgate=fail. One thread has them all. */
static uint64_t
fill(void)
{
	uint64_t n = 0, i;

	while (n < FILL_MAX && trap_ops.reserve(1) == 0) {
		current()->heap_granted = 0;
		n++;
	}
	for (i = 0; i < n; i++) {
		current()->heap_granted = 1;
		trap_ops.release();
	}
	return n;
}

static void
join(uint64_t limit_ns)
{
	uint64_t until = clock_ns() + limit_ns;

	while (busy() && clock_ns() < until)
		thread_sleep_until(clock_ns() + 1000000, WAIT_UNINTERRUPTIBLE);
}

/* A comparator of the HPET, which counts and interrupts nobody: where it comes
 * round the turn of a CPU ends in QEMU. */
static void
take_turns(uint64_t ns)
{
	static volatile uint64_t *hpet;
	uint64_t period = ns / HPET_TICK_NS;

	if (!hpet)
		hpet = mmio_map(HPET_BASE, PAGE_SIZE);
	hpet[HPET_TIMER] = TIMER_PERIODIC | TIMER_SET;
	hpet[HPET_TIMER + 1] = hpet[HPET_COUNTER] + period;
	hpet[HPET_TIMER + 1] = period;
	hpet[HPET_CONFIG] = ns ? CONFIG_ENABLE : 0;
}

static uint64_t
conduct(struct agent_step *s)
{
	switch (s->kind) {
	case STEP_POST:
		post(&callers[s->a]);
		break;
	case STEP_KILL:
		thread_interrupt(callers[s->a].thread, INTERRUPT_KILL);
		break;
	case STEP_CLEAR:
		thread_clear_interrupt(callers[s->a].thread, INTERRUPT_KILL);
		break;
	case STEP_SHRINK:
		heap_shrink();
		break;
	case STEP_FILL:
		return fill();
	case STEP_JOIN:
		join(s->a);
		break;
	case STEP_TURNS:
		take_turns(s->a);
		break;
	default:
		return perform(&callers[CONDUCTOR], s);
	}
	return 0;
}

/** Do the first @p n steps. */
uint64_t
agent_conduct(uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++) {
		struct agent_step *s = &agent_steps[i];

		s->begin_ns = clock_ns();
		if (s->who < CONDUCTOR) {
			hand_over(&callers[s->who], s);
		} else {
			s->result = conduct(s);
			s->over = 1;
			s->end_ns = clock_ns();
		}
		if (s->settle_ns)
			thread_sleep_until(clock_ns() + s->settle_ns,
					   WAIT_UNINTERRUPTIBLE);
		s->busy = busy();
		s->used = mem_heap_used();
	}
	return 0;
}

/** Pages that the heap uses, when all has come to rest. */
uint64_t
agent_used(void)
{
	thread_sleep_until(clock_ns() + 30000000, WAIT_UNINTERRUPTIBLE);
	heap_shrink();
	return mem_heap_used();
}

/** Once after the boot: @p n callers, with @p bound each on a CPU of its own.
 * @return pages that the heap uses now */
uint64_t
agent_callers_prepare(uint64_t n, uint64_t bound)
{
	unsigned i;

	ncallers = n;
	for (i = 0; i < n; i++) {
		struct caller *c = &callers[i];

		spin_init(&c->lock, "agent");
		waitq_init(&c->wq, "agent queue");
		waitq_init(&c->post_wq, "agent posts");
		c->thread = thread_create("caller", serve, c);
		if (!c->thread)
			panic("agent: no memory for a thread");
		if (bound)
			c->thread->affinity = 1UL << i % cpu_count;
		thread_start(c->thread);
	}
	return agent_used();
}

/** M, less the margin (HEAP1). */
uint64_t
agent_limit(void)
{
	struct mem_stats m;

	mem_stats_get(&m);
	return m.heap_max - slab_margin(cpu_count) - INTERRUPT_PAGES;
}

/** What is kept for heap_reserve_last: the largest bound. */
uint64_t
agent_kept(void)
{
	unsigned nr, most = BOUND_MIN;

	for (nr = 0; nr < SYSCALLS_MAX; nr++)
		most = MAX(most, (unsigned)heap_call_bounds[nr]);
	return most;
}

/** Reserve and release @p pages, @p n times. */
uint64_t
agent_pairs(uint64_t n, uint64_t pages)
{
	while (n--) {
		heap_reserve(pages);
		heap_release();
	}
	return 0;
}
