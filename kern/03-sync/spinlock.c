/*
 * Ticket spinlocks. A taker draws the next ticket and waits until it is served;
 * the holder serves the next one by its release. Waiting takes no bus lock, and
 * nobody starves; but where CPUs are a host's threads, which run by turns, the
 * order of tickets would cost too much, and is not kept.
 */
#include "sync.h"

#define ONE_TICKET 0x10000u /* in `both`: next is the upper half */

void
spin_init(struct spinlock *lock, const char *name)
{
	(void)name;
	*lock = (struct spinlock)SPINLOCK(name);
}

void
spin_init_unchecked(struct spinlock *lock, const char *name)
{
	spin_init(lock, name);
#ifdef DEBUG
	lock->debug.unchecked = true;
#endif
}

/* The three notes are what the debug build adds; in the release build they are
 * nothing. Acquiring is noted before the wait: a deadlock shall be reported,
 * not entered. */
static inline void
note_acquire(struct spinlock *lock, unsigned subclass, uint64_t ip)
{
	(void)lock, (void)subclass, (void)ip;
#ifdef DEBUG
	lockcheck_acquire(lock, &lock->debug, subclass, false, ip);
#endif
}

static inline void
note_tried(struct spinlock *lock, uint64_t ip)
{
	(void)lock, (void)ip;
#ifdef DEBUG
	lockcheck_tried(lock, &lock->debug, false, ip);
#endif
}

static inline void
note_held(struct spinlock *lock, int cpu)
{
	(void)lock, (void)cpu;
#ifdef DEBUG
	lock->debug.cpu = cpu;
#endif
}

/* Draw a ticket if it is served at once: one locked instruction. */
static inline bool
take_free(struct spinlock *lock)
{
	uint32_t both = atomic_load_explicit(&lock->both, memory_order_relaxed);

	return (uint16_t)both == both >> 16 &&
	       atomic_compare_exchange_strong_explicit(
		       &lock->both, &both, both + ONE_TICKET,
		       memory_order_acquire, memory_order_relaxed);
}

/*
 * The waiters only read `serving`, each from its own cache, until the holder
 * writes it. A panic stops the CPUs one by one, some with locks held; the
 * reporter passes.
 */
static void
wait_and_take(struct spinlock *lock)
{
	uint16_t ticket;

	/* Under a hypervisor the CPU whose turn it is may not be running, and
	 * the others would wait for it: whoever runs may take the lock. */
	while (cpu_features.hypervisor) {
		if (take_free(lock) || panicking)
			return;
		cpu_pause();
	}
	ticket = atomic_fetch_add_explicit(&lock->both, ONE_TICKET,
					   memory_order_acquire) >>
		 16;
	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		if (panicking)
			return;
		cpu_pause();
	}
}

static inline void
take(struct spinlock *lock)
{
	if (!take_free(lock))
		wait_and_take(lock);
}

void
spin_lock(struct spinlock *lock)
{
	preempt_disable();
	note_acquire(lock, 0, (uint64_t)__builtin_return_address(0));
	take(lock);
	note_held(lock, cpu_id());
}

void
spin_lock_nested(struct spinlock *lock, unsigned subclass)
{
	preempt_disable();
	note_acquire(lock, subclass, (uint64_t)__builtin_return_address(0));
	take(lock);
	note_held(lock, cpu_id());
}

bool
spin_trylock(struct spinlock *lock)
{
	preempt_disable();
	/* A ticket that was drawn could not be given back. */
	if (take_free(lock)) {
		note_tried(lock, (uint64_t)__builtin_return_address(0));
		note_held(lock, cpu_id());
		return true;
	}
	preempt_enable();
	return false;
}

void
spin_unlock(struct spinlock *lock)
{
	note_held(lock, -1);
#ifdef DEBUG
	lockcheck_release(lock, &lock->debug);
#endif
	/* Only the holder writes `serving`: no atomic addition is needed. The
	 * store is of 16 bits, so it leaves tickets drawn meanwhile alone. */
	__atomic_store_n(&lock->serving, (uint16_t)(lock->serving + 1),
			 __ATOMIC_RELEASE);
	preempt_enable();
}

bool
spin_held(const struct spinlock *lock)
{
#ifdef DEBUG
	return lock->debug.cpu == (int)cpu_id();
#else
	(void)lock;
	return true;
#endif
}
