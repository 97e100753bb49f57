/*
 * Self-tests that do the same in several threads at once.
 */
#include "cache.h"
#include "test_cache.h"


static struct spinlock done_lock = SPINLOCK("test threads");
static struct waitq done_wq = WAITQ(done_wq, "test threads queue");
static unsigned running;
static void (*thread_fn)(unsigned number);

static void
thread_main(void *arg)
{
	heap_begin(HEAP_BOUND(selftest));
	thread_fn((unsigned)(uint64_t)arg);
	heap_end();
	spin_lock(&done_lock);
	running--;
	waitq_wake_all(&done_wq);
	spin_unlock(&done_lock);
}

void
test_in_threads(unsigned n, void (*fn)(unsigned number))
{
	uint64_t i;

	thread_fn = fn;
	running = n;
	for (i = 0; i < n; i++)
		kthread_run("cache test", thread_main, (void *)i);
	spin_lock(&done_lock);
	while (running > 0)
		waitq_wait(&done_wq, &done_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&done_lock);
}
