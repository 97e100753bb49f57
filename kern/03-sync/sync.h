/*
 * sync: what makes the kernel safe on several CPUs. Spinlocks, sequence
 * counts and reference counts; and, in the debug build, the lock checker that
 * finds a wrong lock order the first time the two orders have been seen, not
 * the first time they collide.
 *
 * Atomic operations themselves are C11's <stdatomic.h>. Locks that sleep are
 * in chapter sched.
 *
 * Memory order: x86 lets a load pass an earlier store to another address, and
 * nothing else (SDM vol. 3A, 8.2.2), so acquire and release cost no
 * instruction. They are written all the same, because the compiler reorders
 * too, and because they say which access publishes what.
 */
#ifndef SYNC_H
#define SYNC_H

#include <stdatomic.h>
#include "trap.h"
#include "x86.h"

/* ---- Lock classes and the checker ---- */

/**
 * All locks of one name form a class, and the order between classes is what is
 * checked: SYNC2, "the graph of lock classes, an edge a -> b where b was taken
 * while a was held, has no cycle". A class is entered at its first lock's
 * initialisation.
 */
#define LOCK_CLASSES_MAX 256
#define LOCKS_HELD_MAX	 24

#ifdef DEBUG
/** What the checker keeps in each lock. name and unchecked are constant; class
 * is found once, and the same whoever finds it; cpu is the holder's to write.
 */
struct lock_debug {
	const char *name;
	uint16_t class; /**< 0: not yet looked up */
	bool unchecked; /**< the checker ignores it (sched's hand-over) */
	int cpu;	/**< that holds it, -1: none */
};

/** One lock that is held. */
struct held_lock {
	const void *lock;
	uint16_t class;
	uint64_t ip; /**< where it was taken */
};

/** Locks that the running code holds, in the order in which it took them; one
 * such stack a thread. Interrupt handlers use that of whom they interrupt: what
 * that holds is held while the handler waits. */
struct held_locks {
	unsigned n;
	struct held_lock held[LOCKS_HELD_MAX];
};

/** Per-CPU: the running thread's stack of held locks; sched switches it. */
extern struct held_locks *held_locks;

#define LOCK_DEBUG_INIT(lock_name) .debug = { .name = lock_name, .cpu = -1 }

/**
 * Record, before waiting for it, that a lock is being taken; panics, printing
 * both chains, if that breaks the order, or if the class is taken both in
 * interrupt handlers and with interrupts on.
 *
 * @param subclass  0, or the level of a lock among others of its class that
 *                  are taken in an order of their own
 * @param sleeping  whether waiting for it may sleep
 * @param ip        the caller's code address, for reports
 */
void lockcheck_acquire(const void *lock, struct lock_debug *debug,
		       unsigned subclass, bool sleeping, uint64_t ip);

/** Record that a lock was free and has been taken: nobody has waited for it, so
 * what is held already says nothing about the order. */
void lockcheck_tried(const void *lock, struct lock_debug *debug, bool sleeping,
		     uint64_t ip);

/** Record that a lock is released; panics if it is not held here. */
void lockcheck_release(const void *lock, struct lock_debug *debug);

/** Whether the running code holds @p lock. Any context; for assertions. */
bool lockcheck_held(const void *lock);

/** Panic if a spinlock is held or an interrupt runs: @p what may sleep. Called
 * by what may sleep, whether it comes to that or not: so one run is enough. */
void lockcheck_may_sleep(const char *what);

/** Print the locks that the running code holds, with where they were taken. */
void lockcheck_print_held(void);
#else
#define LOCK_DEBUG_INIT(lock_name)
static inline void
lockcheck_may_sleep(const char *what)
{
	(void)what;
}
#endif

/* ---- Spinlocks ---- */

/**
 * A ticket lock: first come, first served (but under a hypervisor: who comes
 * at the right time). The holder does not sleep and is not preempted (SYNC1),
 * so the wait is short.
 *
 * A lock that interrupt handlers take is taken with interrupts off everywhere:
 * spin_lock_irqsave (SYNC4).
 *
 * `next` is the upper half, so that the addition that draws a ticket carries
 * out of the word and not into `serving`. 16 bits are enough for NCPU_MAX
 * waiters, and for those only: who waits does not sleep, so a CPU waits once at
 * a time.
 */
struct spinlock {
	union {
		_Atomic uint32_t both;
		struct {
			uint16_t serving, next; /* tickets */
		};
	};
#ifdef DEBUG
	struct lock_debug debug;
#endif
};

/** Static initialiser: struct spinlock l = SPINLOCK("name"); */
#define SPINLOCK(lock_name)                                                    \
	{                                                                      \
		{ 0 }, LOCK_DEBUG_INIT(lock_name)                              \
	}

/** Initialise a lock of class @p name (a string that stays). Nobody knows the
 * lock yet. */
void spin_init(struct spinlock *lock, const char *name);

/** Like spin_init, for a lock that the checker shall not follow: one that is
 * released by another thread than the one that took it (sched's hand-over), or
 * that the checker's own reports take (a console's). */
void spin_init_unchecked(struct spinlock *lock, const char *name);

/** Take @p lock; returns with preemption off. Never sleeps. Any context that
 * SYNC4 allows; not while this CPU holds it. */
void spin_lock(struct spinlock *lock);

/** Take @p lock while holding another of its class; @p subclass is 1 or more
 * and higher for what is taken later. */
void spin_lock_nested(struct spinlock *lock, unsigned subclass);

/** Take @p lock if it is free. Any context, whatever is held: it never waits.
 * @return whether it was taken, preemption off then */
bool spin_trylock(struct spinlock *lock);

/** Release @p lock, in any order with others; may switch threads if it was the
 * last one held, interrupts are on and a reschedule waits. */
void spin_unlock(struct spinlock *lock);

/** Whether this CPU holds @p lock (debug build; true in the release build). */
bool spin_held(const struct spinlock *lock);

/** Turn interrupts off. @return rflags before, for irq_restore */
static inline uint64_t
irq_save(void)
{
	uint64_t rflags = read_rflags();

	cli();
	return rflags;
}

/** Turn interrupts on again if they were on in @p rflags. */
static inline void
irq_restore(uint64_t rflags)
{
	if (rflags & RFLAGS_IF)
		sti();
}

/** Whether interrupts are on. */
static inline bool
irq_enabled(void)
{
	return read_rflags() & RFLAGS_IF;
}

/** Turn interrupts off and take @p lock. @return for spin_unlock_irqrestore */
static inline uint64_t
spin_lock_irqsave(struct spinlock *lock)
{
	uint64_t rflags = irq_save();

	spin_lock(lock);
	return rflags;
}

/** Release @p lock and turn interrupts on again if they were on. The question
 * whether to reschedule is kept open over the unlock, where interrupts are
 * still off, and answered after it. */
static inline void
spin_unlock_irqrestore(struct spinlock *lock, uint64_t rflags)
{
	preempt_disable();
	spin_unlock(lock);
	irq_restore(rflags);
	preempt_enable();
}

/* ---- Sequence counts ---- */

/**
 * Readers of a few words that change rarely take no lock: they read between
 * seq_read_begin and seq_read_retry, and again if a writer came in between.
 * Writers exclude each other by a lock of their own.
 *
 * What is read in between may be half old and half new: it is copied and used
 * only after the check, with atomic loads, and never followed as a pointer. In
 * an interrupt handler a reader would wait for ever for a writer that it has
 * interrupted; so writers have interrupts off if handlers read.
 */
struct seqcount {
	_Atomic uint32_t n; /* odd while a writer is at work */
};

/** Begin reading; waits, spinning, while a writer is at work.
 * @return what seq_read_retry wants */
static inline uint32_t
seq_read_begin(const struct seqcount *s)
{
	uint32_t n;

	while ((n = atomic_load_explicit(&s->n, memory_order_acquire)) & 1)
		cpu_pause();
	return n;
}

/** Whether a writer came in since seq_read_begin gave @p n: read again. */
static inline bool
seq_read_retry(const struct seqcount *s, uint32_t n)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&s->n, memory_order_relaxed) != n;
}

/** Begin writing; the caller holds the writers' lock, preemption off. */
static inline void
seq_write_begin(struct seqcount *s)
{
	atomic_fetch_add_explicit(&s->n, 1, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

/** End writing: what was written is seen before the count is even again. */
static inline void
seq_write_end(struct seqcount *s)
{
	atomic_fetch_add_explicit(&s->n, 1, memory_order_release);
}

/* ---- Reference counts ---- */

/**
 * SYNC3: a count never goes up from 0, nor down from 0. Whoever takes it to 0
 * has the object alone and frees it. Going up needs no order: the caller has a
 * reference, so the object is there. Going down releases (what was done with
 * the object is done before) and, at 0, acquires (what others did with it is
 * seen before it is freed).
 */
struct refcount {
	_Atomic uint32_t n;
};

/** The first reference is the caller's. */
static inline void
ref_init(struct refcount *r)
{
	atomic_store_explicit(&r->n, 1, memory_order_relaxed);
}

/** Take another reference; the caller has one already. */
static inline void
ref_get(struct refcount *r)
{
	uint32_t before =
		atomic_fetch_add_explicit(&r->n, 1, memory_order_relaxed);

	INVARIANT(SYNC3, before > 0 && before < UINT32_MAX / 2);
	(void)before;
}

/** Take a reference unless the last one is gone (lock-free look-ups: the object
 * is found in a table whose entry holds none). Its memory must still be there:
 * the caller is within rcu_read_lock, or holds the table's lock.
 * @return whether it was taken */
static inline bool
ref_get_unless_zero(struct refcount *r)
{
	uint32_t n = atomic_load_explicit(&r->n, memory_order_relaxed);

	while (n != 0)
		if (atomic_compare_exchange_weak_explicit(&r->n, &n, n + 1,
							  memory_order_acquire,
							  memory_order_relaxed))
			return true;
	return false;
}

/** Give a reference back. @return whether it was the last: the caller frees */
static inline bool
ref_put(struct refcount *r)
{
	uint32_t before =
		atomic_fetch_sub_explicit(&r->n, 1, memory_order_acq_rel);

	INVARIANT(SYNC3, before > 0);
	return before == 1;
}

/** Whether the caller's reference is the only one; others' last uses are over
 * then, and seen. */
static inline bool
ref_is_only(const struct refcount *r)
{
	return atomic_load_explicit(&r->n, memory_order_acquire) == 1;
}

/** References now; only a hint while others hold some. */
static inline uint32_t
ref_count(const struct refcount *r)
{
	return atomic_load_explicit(&r->n, memory_order_relaxed);
}

#endif
