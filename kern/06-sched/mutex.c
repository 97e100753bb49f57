/*
 * Locks that sleep: the mutex and the reader-writer lock. Both take one atomic
 * instruction when nobody is in the way; whoever must wait does so under the
 * lock of the wait queue.
 */
#include "sched_internal.h"

static inline void
note_acquire(const void *lock, void *debug, unsigned subclass, uint64_t ip)
{
	(void)lock, (void)debug, (void)subclass, (void)ip;
#ifdef DEBUG
	lockcheck_may_sleep("taking a lock");
	lockcheck_acquire(lock, debug, subclass, true, ip);
#endif
}

static inline void
note_tried(const void *lock, void *debug, uint64_t ip)
{
	(void)lock, (void)debug, (void)ip;
#ifdef DEBUG
	lockcheck_tried(lock, debug, true, ip);
#endif
}

static inline void
note_release(const void *lock, void *debug)
{
	(void)lock, (void)debug;
#ifdef DEBUG
	lockcheck_release(lock, debug);
#endif
}

#ifdef DEBUG
#define DEBUG_OF(lock) (&(lock)->debug)
#else
#define DEBUG_OF(lock) NULL
#endif

/* Sleep on wq, whose lock is held, and take it again. */
static void
wait_locked(struct waitq *wq, uint64_t *rflags)
{
	waitq_wait_irq(wq, &wq->lock, rflags, WAIT_UNINTERRUPTIBLE,
		       WAIT_FOREVER);
}

/* ---- Mutex ---- */

#define HAS_WAITERS 1

void
mutex_init(struct mutex *m, const char *name)
{
	m->owner = 0;
	waitq_init(&m->waiters, "mutex waiters");
#ifdef DEBUG
	m->debug = (struct lock_debug){ .name = name, .cpu = -1 };
#endif
	(void)name;
}

static bool
try(struct mutex *m)
{
	uintptr_t expected = 0;

	return atomic_compare_exchange_strong_explicit(
		&m->owner, &expected, (uintptr_t)current(),
		memory_order_acquire, memory_order_relaxed);
}

/* The bit HAS_WAITERS sends the owner's unlock through the queue's lock, so
 * that it finds whoever joins here. */
static void
mutex_lock_slowly(struct mutex *m)
{
	uint64_t rflags = spin_lock_irqsave(&m->waiters.lock);
	uintptr_t owner = atomic_load(&m->owner);

	for (;;) {
		if (owner == 0) {
			uintptr_t mine = (uintptr_t)current();

			if (!list_empty(&m->waiters.waiters))
				mine |= HAS_WAITERS;
			if (atomic_compare_exchange_weak(&m->owner, &owner,
							 mine))
				break;
		} else if ((owner & HAS_WAITERS) ||
			   atomic_compare_exchange_weak(&m->owner, &owner,
							owner | HAS_WAITERS)) {
			wait_locked(&m->waiters, &rflags);
			owner = atomic_load(&m->owner);
		}
	}
	spin_unlock_irqrestore(&m->waiters.lock, rflags);
}

static void
lock_mutex(struct mutex *m, unsigned subclass, uint64_t ip)
{
	note_acquire(m, DEBUG_OF(m), subclass, ip);
	if (!try(m))
		mutex_lock_slowly(m);
}

void
mutex_lock(struct mutex *m)
{
	lock_mutex(m, 0, (uint64_t)__builtin_return_address(0));
}

void
mutex_lock_nested(struct mutex *m, unsigned subclass)
{
	lock_mutex(m, subclass, (uint64_t)__builtin_return_address(0));
}

bool
mutex_trylock(struct mutex *m)
{
	if (!try(m))
		return false;
	note_tried(m, DEBUG_OF(m), (uint64_t)__builtin_return_address(0));
	return true;
}

/* Who is woken does not own the mutex but tries to take it: were it handed
 * over, nobody could have it until that thread runs. */
void
mutex_unlock(struct mutex *m)
{
	uintptr_t expected = (uintptr_t)current();
	uint64_t rflags;

	ASSERT(mutex_held(m));
	note_release(m, DEBUG_OF(m));
	if (atomic_compare_exchange_strong_explicit(&m->owner, &expected, 0,
						    memory_order_release,
						    memory_order_relaxed))
		return;
	rflags = spin_lock_irqsave(&m->waiters.lock);
	atomic_store(&m->owner, 0);
	waitq_wake_locked(&m->waiters, 1);
	spin_unlock_irqrestore(&m->waiters.lock, rflags);
}

bool
mutex_held(const struct mutex *m)
{
	return (m->owner & ~(uintptr_t)HAS_WAITERS) == (uintptr_t)current();
}

/* ---- Reader-writer lock ---- */

#define RW_WRITER  0x80000000u
#define RW_WAITING 0x40000000u /* somebody sleeps: all go the slow way */
#define RW_READERS 0x3fffffffu

void
rwlock_init(struct rwlock *l, const char *name)
{
	l->state = 0;
	l->writers_waiting = 0;
	waitq_init(&l->wq, "rwlock waiters");
#ifdef DEBUG
	l->debug = (struct lock_debug){ .name = name, .cpu = -1 };
#endif
	(void)name;
}

/* Under wq.lock: take the lock if it is free for this purpose. The state may
 * still be changed by the fast paths, which RW_WAITING keeps out. */
static bool
take_slowly(struct rwlock *l, bool write)
{
	uint32_t state = atomic_fetch_or(&l->state, RW_WAITING) | RW_WAITING;
	uint32_t next;

	do {
		if (state & RW_WRITER)
			return false;
		if (write ? (state & RW_READERS) != 0 : l->writers_waiting > 0)
			return false;
		next = write ? RW_WRITER : (state & RW_READERS) + 1;
		if (l->writers_waiting > write || !list_empty(&l->wq.waiters))
			next |= RW_WAITING;
	} while (!atomic_compare_exchange_weak(&l->state, &state, next));
	return true;
}

/* A writer that waits is counted, so that new readers wait behind it. */
static void
rwlock_lock_slowly(struct rwlock *l, bool write)
{
	uint64_t rflags = spin_lock_irqsave(&l->wq.lock);

	l->writers_waiting += write;
	while (!take_slowly(l, write))
		wait_locked(&l->wq, &rflags);
	l->writers_waiting -= write;
	spin_unlock_irqrestore(&l->wq.lock, rflags);
}

/* The lock has become free while threads wait: they try again, in order. */
static void
rwlock_wake(struct rwlock *l)
{
	uint64_t rflags = spin_lock_irqsave(&l->wq.lock);

	waitq_wake_locked(&l->wq, UINT32_MAX);
	spin_unlock_irqrestore(&l->wq.lock, rflags);
}

void
rwlock_read_lock(struct rwlock *l)
{
	uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);

	note_acquire(l, DEBUG_OF(l), 0, (uint64_t)__builtin_return_address(0));
	while (!(state & (RW_WRITER | RW_WAITING)))
		if (atomic_compare_exchange_weak_explicit(
			    &l->state, &state, state + 1, memory_order_acquire,
			    memory_order_relaxed))
			return;
	rwlock_lock_slowly(l, false);
}

bool
rwlock_read_trylock(struct rwlock *l)
{
	uint32_t state = atomic_load_explicit(&l->state, memory_order_relaxed);

	do
		if (state & (RW_WRITER | RW_WAITING))
			return false;
	while (!atomic_compare_exchange_weak_explicit(
		&l->state, &state, state + 1, memory_order_acquire,
		memory_order_relaxed));
	note_tried(l, DEBUG_OF(l), (uint64_t)__builtin_return_address(0));
	return true;
}

void
rwlock_read_unlock(struct rwlock *l)
{
	uint32_t before =
		atomic_fetch_sub_explicit(&l->state, 1, memory_order_release);

	ASSERT(before & RW_READERS);
	note_release(l, DEBUG_OF(l));
	if ((before & RW_WAITING) && (before & RW_READERS) == 1)
		rwlock_wake(l);
}

static void
write_lock(struct rwlock *l, unsigned subclass, uint64_t ip)
{
	uint32_t expected = 0;

	note_acquire(l, DEBUG_OF(l), subclass, ip);
	if (!atomic_compare_exchange_strong_explicit(
		    &l->state, &expected, RW_WRITER, memory_order_acquire,
		    memory_order_relaxed))
		rwlock_lock_slowly(l, true);
}

void
rwlock_write_lock(struct rwlock *l)
{
	write_lock(l, 0, (uint64_t)__builtin_return_address(0));
}

void
rwlock_write_lock_nested(struct rwlock *l, unsigned subclass)
{
	write_lock(l, subclass, (uint64_t)__builtin_return_address(0));
}

void
rwlock_write_unlock(struct rwlock *l)
{
	uint32_t before = atomic_fetch_and_explicit(&l->state, ~RW_WRITER,
						    memory_order_release);

	ASSERT(before & RW_WRITER);
	note_release(l, DEBUG_OF(l));
	if (before & RW_WAITING)
		rwlock_wake(l);
}
