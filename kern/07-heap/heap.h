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
#ifndef HEAP_ANALYSIS /* scripts/maxlive, which writes it, does without */
#include "bounds.h"
#endif

/* Who may hold what is found by scripts/maxlive, and written to bounds.h and
 * bounds.c. */

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

/** For work of no fixed length: begin a new reservation, as large as the one
 * there is, so that what is held so far is no longer counted. The analysis
 * (scripts/maxlive) bounds each piece between two of these. No locks held; may
 * sleep. @return 0, or -EINTR: the thread is to die */
static inline int
heap_again(void)
{
	return heap_checkpoint(current()->heap_granted);
}

/** In a loop that allocates, where scripts/maxlive finds no bound: this is
 * come to at most @p limit times (a constant), @p before of them so far. */
static inline void
heap_loop(unsigned before, unsigned limit)
{
	INVARIANT(HEAP2, before < limit);
	(void)before, (void)limit;
}
#define HEAP_LOOP(before, limit) heap_loop(before, limit)

/** In a function that calls through a pointer what could be the function itself,
 * as far as scripts/maxlive sees: @p cond says why it is not. */
static inline void
heap_once(bool cond)
{
	INVARIANT(HEAP2, cond);
	(void)cond;
}
#define HEAP_ONCE(cond) heap_once(cond)

/** The bound of the work that function @p name begins, from bounds.h. */
#ifdef HEAP_ANALYSIS
#define HEAP_BOUND(name) 1
#else
#define HEAP_BOUND(name) HEAP_BOUND_##name
#endif

/** Kernel threads that allocate do so between heap_begin and heap_end, with the
 * bound HEAP_BOUND(the function's name). */
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
