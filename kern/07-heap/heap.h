/*
 * heap: why no allocation in the kernel can fail. Before a system call starts,
 * holding no lock, it reserves the most kernel heap it can need; if that is not
 * free, caches are evicted, then the call waits and the killer frees memory by
 * ending the process that holds most. Inside the call, knew never fails.
 *
 * Source of the idea: Cutler, Kaashoek, Morris: "The benefits and costs of
 * writing a POSIX kernel in a high-level language", OSDI 2018, section 5.
 */
#ifndef HEAP_H
#define HEAP_H

#include "sched.h"

/**
 * HEAP1: pages in use by the heap + pages reserved <= M (mem's heap_max).
 * HEAP2: the heap takes a page only against the running thread's reservation,
 * or against the one set aside for interrupt handlers.
 * HEAP3: a reservation is made holding no lock.
 */

/** Reserve @p pages for the running thread; waits until they are there. No
 * locks held; may sleep. @return 0, or -EINTR: the thread is to die */
int heap_reserve(unsigned pages);

/** Give the rest of the running thread's reservation back. */
void heap_release(void);

/** For long work that allocates in a loop: top the reservation up to
 * @p pages; no locks held; may sleep. @return 0, or -EINTR */
int heap_checkpoint(unsigned pages);

/** Kernel threads that allocate do so between heap_begin and heap_end. */
static inline void
heap_begin(unsigned pages)
{
	heap_reserve(pages);
}

static inline void
heap_end(void)
{
	heap_release();
}

/** A cache that can give heap memory back when it is short. */
struct evictor {
	const char *name;
	/** Free about @p want pages' worth of objects. May sleep; no locks
	 * held. @return objects freed */
	uint64_t (*evict)(uint64_t want);
};

#define EVICTOR(ident, fn)                                                     \
	static const struct evictor evictor_##ident LINKED(                    \
		".evictor") = { #ident, fn }

struct heap_killer_ops {
	/**
	 * proc: end the process that holds most kernel memory; never init.
	 * @return whether there was one
	 */
	bool (*kill)(void);
};
extern struct heap_killer_ops heap_killer_ops;

/** Statistics of the gate, for /proc/heap. */
struct heap_stats {
	uint64_t max, used, reserved; /**< pages */
	uint64_t waits, evictions, kills; /**< evictions: rounds of asking */
	uint64_t overdrafts; /**< pages taken without a reservation */
};
void heap_stats_get(struct heap_stats *stats);

/** Have all CPUs give back what they keep in reserve: unused reservations and
 * free objects. May not be called holding a lock. @return pages */
uint64_t heap_shrink(void);

/** Have all caches give back what they can (what is to be written out first
 * stays). No locks held; sleeps. */
void heap_drop_caches(void);

/** Most pages that calls of number @p nr have been seen to take. */
unsigned heap_observed(unsigned nr);

#endif
