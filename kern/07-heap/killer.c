/*
 * What to do when the heap is short. A kernel thread of its own, so that no
 * call that waits holds anything: it asks the caches to give memory back; if
 * that does not do, it has the process that holds most ended, waits for the
 * memory to come free, and looks again.
 */
#include "heap_internal.h"

#define EVICT_PAGES	 64
#define EVICT_HEAP_PAGES 24 /* to take inodes down */
#define DROP_ROUNDS	 100
#define PATIENCE_NS	 100000000 /* for a killed process to free its memory */

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

static void
kill_and_wait(void)
{
	static bool told;
	uint64_t until = clock_ns() + PATIENCE_NS;

	if (heap_killer_ops.kill && heap_killer_ops.kill()) {
		told = false;
	} else if (!told) {
		told = true;
		kprintf("heap: calls wait, and there is no process to end\n");
	}
	while (gate_is_short() && clock_ns() < until) {
		thread_sleep_until(clock_ns() + PATIENCE_NS / 20,
				   WAIT_UNINTERRUPTIBLE);
		heap_shrink();
	}
}

static void
killer(void *arg)
{
	(void)arg;
	/* For good: what makes room never waits for room. */
	heap_begin(EVICT_HEAP_PAGES);
	for (;;) {
		wait_for_call();
		evict();
		while (gate_is_short()) {
			while (gate_is_short() && evict())
				;
			if (gate_is_short())
				kill_and_wait();
		}
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
