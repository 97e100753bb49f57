/*
 * Stand-ins for threads, locks, time and messages. Threads are coroutines: one
 * runs until it waits, or, where shim_preempt says so, until chance has another
 * one run at a place where the kernel could sleep. A wait that nobody can end,
 * and a lock taken twice, end the program.
 */
#include "format.h"
#include "shim.h"
#include "string.h"

bool shim_verbose;
unsigned shim_messages, shim_preempt;
uint64_t shim_seed = 1;
int64_t shim_clock = SHIM_CLOCK_START;
struct cred shim_cred;
static struct thread threads[HOST_THREADS];
struct md_thread *md_current = &threads[0].md;

/* ---- Messages, time, chance ---- */

void
kprintf(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	shim_messages++;
	if (shim_verbose)
		host_message(text);
}

void
panic(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	host_fail(text);
}

int64_t
clock_realtime_ns(void)
{
	return shim_clock += 1000003;
}

uint64_t
clock_ns(void)
{
	return (uint64_t)clock_realtime_ns();
}

int
thread_sleep_until(uint64_t deadline, enum wait_how how)
{
	(void)deadline;
	(void)how;
	return 0;
}

uint32_t
shim_random(uint32_t below)
{
	shim_seed = shim_seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)((shim_seed >> 33) % below);
}

uint64_t
random_seed(void)
{
	return shim_random(UINT32_MAX);
}

const struct cred *
current_cred(void)
{
	return &shim_cred;
}

/* ---- Threads ---- */

static unsigned spins; /* spinlocks held by who runs */
static unsigned idle;  /* waits since something was done */

void
shim_progress(void)
{
	idle = 0;
}

void
shim_may_sleep(void)
{
	if (spins)
		host_fail("sleeps holding a spinlock");
}

/** Let thread @p next run, or, if it is this one, go on. */
static void
switch_to(unsigned next)
{
	shim_may_sleep();
	md_current = &threads[next].md;
	host_switch(next);
	md_current = &threads[host_running()].md;
}

/** The thread after this one, by turns, or by chance. */
static unsigned
next_thread(void)
{
	unsigned next = host_running(), skip = 1;

	if (shim_preempt)
		skip += shim_random(HOST_THREADS);
	while (skip--)
		do
			next = (next + 1) % HOST_THREADS;
		while (!host_alive(next));
	return next;
}

void
shim_yield(void)
{
	if (++idle > 100000)
		host_fail("all threads wait");
	switch_to(next_thread());
}

void
shim_may_switch(void)
{
	shim_may_sleep();
	if (shim_preempt && shim_random(shim_preempt) == 0)
		switch_to(next_thread());
}

void
shim_thread(void (*entry)(void *arg), void *arg)
{
	unsigned slot = host_thread(entry, arg);

	memset(&threads[slot], 0, sizeof(threads[slot]));
}

struct thread *
kthread_run(const char *name, void (*entry)(void *arg), void *arg)
{
	(void)name;
	shim_thread(entry, arg);
	return NULL;
}

void
waitq_init(struct waitq *wq, const char *name)
{
	(void)name;
	list_init(&wq->waiters);
}

unsigned
waitq_wake_all(struct waitq *wq)
{
	(void)wq;
	return 0;
}

int
waitq_wait(struct waitq *wq, struct spinlock *lock, enum wait_how how,
	   uint64_t deadline)
{
	(void)wq;
	(void)how;
	(void)deadline;
	spin_unlock(lock);
	shim_yield();
	spin_lock(lock);
	return 0;
}

/* ---- Locks ---- */

void
spin_init(struct spinlock *lock, const char *name)
{
	(void)name;
	lock->both = 0;
}

void
spin_lock(struct spinlock *lock)
{
	if (lock->both)
		host_fail("spinlock taken twice");
	lock->both = 1;
	spins++;
}

void
spin_unlock(struct spinlock *lock)
{
	if (!lock->both)
		host_fail("spinlock released twice");
	lock->both = 0;
	spins--;
}

/* A mutex's owner is a thread's number + 1. */
void
mutex_init(struct mutex *m, const char *name)
{
	(void)name;
	m->owner = 0;
}

void
mutex_lock(struct mutex *m)
{
	unsigned me = host_running() + 1;

	shim_may_switch();
	if (m->owner == me)
		host_fail("mutex taken twice");
	while (m->owner)
		shim_yield();
	m->owner = me;
}

bool
mutex_trylock(struct mutex *m)
{
	if (m->owner)
		return false;
	m->owner = host_running() + 1;
	return true;
}

void
mutex_unlock(struct mutex *m)
{
	if (m->owner != host_running() + 1)
		host_fail("mutex released by who does not hold it");
	m->owner = 0;
}

/* The kernel's own fields are of no use here: in their place, a bit for each
 * reader, or WRITER and the thread's number. */
#define STATE(l) (*(unsigned *)(l))
#define WRITER	 0x100u

void
rwlock_init(struct rwlock *l, const char *name)
{
	(void)name;
	STATE(l) = 0;
}

void
rwlock_read_lock(struct rwlock *l)
{
	unsigned me = host_running();

	shim_may_switch();
	if (STATE(l) == (WRITER | me) ||
	    (!(STATE(l) & WRITER) && STATE(l) & 1u << me))
		host_fail("rwlock taken twice");
	while (STATE(l) & WRITER)
		shim_yield();
	STATE(l) |= 1u << me;
}

bool
rwlock_read_trylock(struct rwlock *l)
{
	unsigned me = 1u << host_running();

	if (STATE(l) & WRITER)
		return false;
	if (STATE(l) & me)
		host_fail("rwlock taken twice");
	STATE(l) |= me;
	return true;
}

void
rwlock_read_unlock(struct rwlock *l)
{
	unsigned me = 1u << host_running();

	if (STATE(l) & WRITER || !(STATE(l) & me))
		host_fail("rwlock not held for reading");
	STATE(l) &= ~me;
}

void
rwlock_write_lock(struct rwlock *l)
{
	unsigned me = host_running();

	shim_may_switch();
	if (STATE(l) == (WRITER | me) ||
	    (!(STATE(l) & WRITER) && STATE(l) & 1u << me))
		host_fail("rwlock taken twice");
	while (STATE(l))
		shim_yield();
	STATE(l) = WRITER | me;
}

void
rwlock_write_unlock(struct rwlock *l)
{
	if (STATE(l) != (WRITER | host_running()))
		host_fail("rwlock not held for writing");
	STATE(l) = 0;
}

void
shim_check_threads(void)
{
	if (spins)
		host_fail("a spinlock is held");
}
