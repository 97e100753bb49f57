/*
 * What to do when the heap is short. A kernel thread of its own, so that no
 * call that waits holds anything: it asks the caches to give memory back; if
 * that does not do, it has the process that holds most ended, and looks again,
 * as long as memory comes free.
 */
#include "heap_internal.h"

#define EVICT_PAGES 64
#define DROP_ROUNDS 100
#define PATIENCE_NS 100000000 /* for calls in progress to give back */
#define LOOK_NS	    500000    /* between two looks whether room has come */
#define LOOKS	    6	      /* so many in vain, and full: no more will come */

extern const struct evictor evictors[], evictors_end[];

struct heap_killer_ops heap_killer_ops;

static struct spinlock killer_lock = SPINLOCK("heap killer");
static struct waitq killer_wq = WAITQ(killer_wq, "heap killer queue");
static bool called; /* guarded by killer_lock */
static _Atomic uint64_t evictions;

void
killer_call(void)
{
	spin_lock(&killer_lock);
	called = true;
	waitq_wake_one(&killer_wq);
	spin_unlock(&killer_lock);
}

static void
wait_for_call(void)
{
	spin_lock(&killer_lock);
	while (!called)
		waitq_wait(&killer_wq, &killer_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	called = false;
	spin_unlock(&killer_lock);
}

/* @return whether anything came free */
static bool
evict(void)
{
	const struct evictor *e;
	uint64_t freed = 0;

	evictions++;
	for (e = evictors; e < evictors_end; e++)
		freed += e->evict(EVICT_PAGES);
	freed += heap_shrink();
	return freed > 0;
}

void
heap_drop_caches(void)
{
	const struct evictor *e;
	unsigned rounds = 0;
	uint64_t freed;

	/* What one lets go of may be what another is kept for. */
	do {
		freed = 0;
		for (e = evictors; e < evictors_end; e++)
			freed += e->evict(UINT32_MAX);
		if (mem_ops.reclaim)
			freed += mem_ops.reclaim(UINT32_MAX);
		rcu_synchronize();
	} while (freed && ++rounds < DROP_ROUNDS);
	heap_shrink();
}

static struct heap_kill kill_log[HEAP_KILLS]; /* guarded by killer_lock */
static uint64_t nlogged;

/* The log says who was ended and for what: nothing else tells the user why. */
void
heap_kill_note(const struct heap_kill *kill)
{
	kprintf("heap: %s is short: ending %s (pid %d), processes: %u, "
		"bytes: %lu",
		kill->for_pages ? "memory" : "kernel heap", kill->name,
		kill->pid, kill->processes, kill->bytes);
	for (unsigned i = 0; i < ARRAY_SIZE(kill->types); i++)
		if (kill->types[i].bytes)
			kprintf(", %s %lu", kill->types[i].what,
				kill->types[i].bytes);
	kprintf("\n");
	spin_lock(&killer_lock);
	kill_log[nlogged++ % HEAP_KILLS] = *kill;
	spin_unlock(&killer_lock);
}

bool
heap_kill_get(unsigned n, struct heap_kill *kill)
{
	bool found;

	spin_lock(&killer_lock);
	found = n < HEAP_KILLS && n < nlogged;
	if (found)
		*kill = kill_log[(nlogged - 1 - n) % HEAP_KILLS];
	spin_unlock(&killer_lock);
	return found;
}

static bool
make_room(void)
{
	return pages_are_short() ? pages_refill() : evict();
}

/* Nobody, while the last one is still dying.
 * @return whether there was one, or one is dying */
static bool
kill(void)
{
	static bool told;
	bool (*fn)(void) = pages_are_short() ? heap_killer_ops.kill_for_pages
					     : heap_killer_ops.kill;
	bool found = fn && fn();

	if (!found && !told)
		kprintf("heap: calls wait, and there is no process to end\n");
	told = !found;
	return found;
}

/* Pages that are in the way of those in line. */
static uint64_t
pages_in_the_way(void)
{
	return mem_heap_used() + pages_missing();
}

/* Wait until somebody in line can go on, as long as that is only a matter of
 * what the calls in progress give back, or memory is coming free: who has been
 * ended goes on with that when it counts as ended already.
 * @return whether somebody could */
static bool
wait_for_line(void)
{
	uint64_t granted = gate_granted(), until = clock_ns() + PATIENCE_NS;
	uint64_t before, now = pages_in_the_way();
	unsigned still = 0;

	while (gate_is_short() && gate_granted() == granted &&
	       clock_ns() < until) {
		if ((pages_are_short() || gate_is_full()) && still++ == LOOKS)
			return false;
		thread_sleep_until(clock_ns() + LOOK_NS, WAIT_UNINTERRUPTIBLE);
		heap_shrink();
		if (pages_are_short())
			pages_refill();
		before = now;
		now = pages_in_the_way();
		if (now < before)
			still = 0;
	}
	return !gate_is_short() || gate_granted() != granted;
}

/* Until nobody waits: caches, then patience, then a victim. If there is none,
 * what makes room is out of the kernel's hands, and is looked for at leisure.
 */
static void
serve_line(void)
{
	while (gate_is_short())
		if (!make_room() && !wait_for_line() && !kill())
			thread_sleep_until(clock_ns() + PATIENCE_NS,
					   WAIT_UNINTERRUPTIBLE);
}

static void
killer(void *arg)
{
	(void)arg;
	/* For good: what makes room never waits for room. */
	heap_begin(HEAP_BOUND(killer));
	for (;;) {
		wait_for_call();
		evict();
		/* With heapgate=fail nobody waits for them. */
		if (pages_are_short())
			pages_refill();
		serve_line();
	}
}

void
killer_stats(struct heap_stats *stats)
{
	stats->evictions = evictions;
	stats->kills = nlogged;
}

void
killer_start(void)
{
	kthread_run("heap killer", killer, NULL);
}
