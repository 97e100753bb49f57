/*
 * A timer interrupt strikes a given number of instructions after the booted
 * thread has set out to reserve, release or stand in line, so that each moment
 * of it is tried.
 *
 * For exercise 1: it wakes another thread, of greater priority, which does the
 * same in between. For exercise 2: it frees what the booted thread needs, which
 * must not sleep on then; a sleeper who missed that is found some time later,
 * counted, and woken.
 *
 * One CPU. A third thread halts in the background, so that there is no idle
 * thread, which would program the timer.
 */
#include "agent.h"
#include "heap_internal.h"

#define RESCUE_NS  2000000
#define AGAIN_NS   50000 /* where there is no sleeper to wait for */
#define TIMER_STEP 16	 /* ns: how finely the local APIC's timer can be set */
#define FINE	   16	 /* steps in between, by waiting */
#define HOARD	   8	 /* pages that are in the way */
#define SINGLES	   4096
#define AT_HAND	   33  /* pages at hand at first: not enough for both */
#define ROOM	   200 /* that is left: too little to take more along */

enum window {
	WINDOW_RESERVE, /* heapgate=fail: the other reserves too */
	WINDOW_RELEASE, /* the other reserves and releases */
	WINDOW_GRANT,	/* what is needed is freed */
	WINDOW_KILL,	/* that, and the waiter is to die */
};

uint64_t agent_lost;		    /* sleepers who missed it */
uint64_t agent_room[SINGLES];	    /* exercise 1: singles granted in between */
uint64_t agent_room_after[SINGLES]; /* and at the end */
uint64_t agent_failed;		    /* reservations that failed */
uint64_t agent_free;		    /* pages that calls may reserve */
uint64_t agent_answers[2];	    /* exercise 2: 0, and others */
uint64_t agent_window(uint64_t kind, uint64_t n, uint64_t mine, uint64_t his);
uint64_t agent_limit(void);
uint64_t agent_kept(void);

static enum window window;
static struct thread *booted, *other;
static uint64_t other_pages, most;
static _Atomic bool go, stop;
static bool struck;
static void *hoard[HOARD];
static void (*ticks)(bool user);

static void
do_the_same(void *arg)
{
	(void)arg;
	while (!stop) {
		thread_sleep_prepare();
		if (!go) {
			thread_sleep(WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
			continue;
		}
		thread_sleep_cancel();
		agent_failed += trap_ops.reserve(other_pages) != 0;
		if (window == WINDOW_RELEASE)
			trap_ops.release();
		go = false;
	}
}

static void
stay_in_the_background(void *arg)
{
	(void)arg;
	while (!stop)
		sti_hlt();
}

static void
fill_hoard(void)
{
	for (unsigned i = 0; i < HOARD; i++)
		hoard[i] = kalloc(4000, ALLOC_SITE(0, "agent"));
}

static void
empty_hoard(void)
{
	for (unsigned i = 0; i < HOARD; i++) {
		kfree(hoard[i]);
		hoard[i] = NULL;
	}
	slab_shrink();
}

/* Instead of the tick. */
static void
strike(bool user)
{
	(void)user;
	if (!struck && window <= WINDOW_RELEASE) {
		go = true;
		thread_wake(other);
	} else if (!struck) {
		if (window == WINDOW_KILL)
			thread_interrupt(booted, INTERRUPT_KILL);
		empty_hoard();
	} else if (booted->state == THREAD_SLEEPING && !booted->queued) {
		agent_lost++;
		thread_wake(booted);
	}
	struck = true;
	preempt_ask();
	timer_program(clock_ns() +
		      (window <= WINDOW_RELEASE ? AGAIN_NS : RESCUE_NS));
}

static void
set_out(uint64_t offset)
{
	uint64_t rflags = irq_save(), delay = offset % FINE;

	struck = false;
	timer_program(clock_ns() + offset / FINE * TIMER_STEP);
	/* Three instructions a round: prime to 16, so that all are met. */
	asm volatile("1: nop; subq $1, %0; jnc 1b" : "+r"(delay) : : "cc");
	irq_restore(rflags);
}

static void
wait_until_struck(void)
{
	while (!struck || go)
		thread_yield();
}

/* How many single pages can be reserved; with heapgate=fail. */
static uint64_t
room(void)
{
	uint32_t before = current()->heap_granted;
	uint64_t n = 0, i;

	while (n < SINGLES && trap_ops.reserve(1) == 0)
		n++;
	for (i = 0; i < n; i++) {
		current()->heap_granted = 1;
		trap_ops.release();
	}
	current()->heap_granted = before;
	return n;
}

/* What is released stays at hand. */
static void
prepare_hand(void)
{
	heap_shrink();
	trap_ops.reserve(AT_HAND);
	trap_ops.release();
}

/* All but ROOM pages are out of reach meanwhile. */
static void
hold_most(void)
{
	most = agent_free - MIN(agent_free, (uint64_t)ROOM);
	agent_failed += trap_ops.reserve(most) != 0;
	current()->heap_granted = 0;
	agent_free -= most;
}

static void
release_most(void)
{
	current()->heap_granted = most;
	trap_ops.release();
}

static void
one_reserve(uint64_t offset, uint64_t mine)
{
	prepare_hand();
	set_out(offset);
	agent_failed += trap_ops.reserve(mine) != 0;
	wait_until_struck();
	agent_room[offset] = room();
	/* Both are released by this thread. */
	trap_ops.release();
	other->heap_granted = 0;
	current()->heap_granted = other_pages;
	trap_ops.release();
	agent_room_after[offset] = room();
}

static void
one_release(uint64_t offset, uint64_t mine)
{
	prepare_hand();
	agent_failed += trap_ops.reserve(mine) != 0;
	set_out(offset);
	trap_ops.release();
	wait_until_struck();
	agent_room[offset] = agent_room_after[offset] = room();
}

static void
one_wait(uint64_t offset, uint64_t mine)
{
	int error;

	fill_hoard();
	heap_shrink();
	set_out(offset);
	error = heap_reserve(mine);
	while (!struck)
		thread_yield();
	agent_answers[error != 0]++;
	thread_clear_interrupt(booted, INTERRUPT_KILL);
	if (!error)
		heap_release();
}

/** Strike at @p n moments. The booted thread reserves @p mine pages, or so many
 * less than all; the other @p his. @return sleepers who have been lost so far
 */
uint64_t
agent_window(uint64_t kind, uint64_t n, uint64_t mine, uint64_t his)
{
	uint64_t i;

	window = kind;
	other_pages = his;
	booted = current();
	stop = false;
	ticks = smp_ops.timer;
	cli();
	smp_ops.timer = strike;
	timer_program(UINT64_MAX);
	sti();
	other = kthread_run("other", do_the_same, NULL);
	thread_set_policy(other, POLICY_FIFO, 50);
	/* Lest the killer thread, which is woken on the way, comes between. */
	thread_set_policy(booted, POLICY_FIFO, 10);
	kthread_run("background", stay_in_the_background, NULL);
	heap_shrink();
	agent_free = agent_limit() - agent_kept() - mem_heap_used();
	if (kind <= WINDOW_RELEASE)
		hold_most();
	for (i = 0; i < MIN(n, (uint64_t)SINGLES); i++) {
		if (kind == WINDOW_RESERVE)
			one_reserve(i, mine);
		else if (kind == WINDOW_RELEASE)
			one_release(i, mine);
		else
			one_wait(i, agent_free - mine);
	}
	if (kind <= WINDOW_RELEASE)
		release_most();
	stop = true;
	thread_wake(other);
	thread_set_policy(booted, POLICY_OTHER, 0);
	cli();
	smp_ops.timer = ticks;
	timer_program(clock_ns());
	sti();
	return agent_lost;
}
