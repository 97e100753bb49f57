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
 * HEAP1: pages in use by the heap + pages reserved <= M (mem's heap_max), less
 * a margin, whenever a reservation is granted; it is held in full until it is
 * given back. So an allocation within a reservation always finds its page.
 * HEAP2: a call has no more live objects that it allocated, and did not free
 * itself, than fit its reservation.
 * HEAP3: a reservation is made holding no lock.
 * HEAP4: who waits is served in order of arrival.
 */

/**
 * Reserve @p pages for the running thread; waits until they are there. No locks
 * held; may sleep.
 * @return 0; -EINTR: the thread is to die; -ENOMEM: there will never be so many
 */
int heap_reserve(unsigned pages);

/**
 * The same for a thread that has to go on so that memory comes free: one that
 * ends, or has been killed in the middle of a call. Waits, if at all, before
 * all others, until those like it have ended. Cannot fail.
 */
void heap_reserve_last(unsigned pages);

/** Give the running thread's reservation back; nothing where it has none. */
void heap_release(void);

/**
 * For long work that allocates in a loop: begin anew with @p pages; no locks
 * held; may sleep. What was allocated so far stays.
 * @return 0, or as heap_reserve: the work is to be given up, for which there
 *         are @p pages
 */
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
	/** The same for pages that are not the heap's. */
	bool (*kill_for_pages)(void);
};
extern struct heap_killer_ops heap_killer_ops;

/** Statistics of the gate, for /proc/heap. */
struct heap_stats {
	uint64_t max;		 /**< M, in pages, as are the next */
	uint64_t margin;	 /**< never reserved: for magazines, interrupts */
	uint64_t kept;		 /**< for heap_reserve_last alone */
	uint64_t used, reserved; /**< reserved: what CPUs keep included */
	uint64_t waiting;	 /**< threads in line now */
	uint64_t waits, evictions, kills; /**< evictions: rounds of asking */
	uint64_t unreserved; /**< pages taken by start-up and interrupts */
};
void heap_stats_get(struct heap_stats *stats);

/** Have all CPUs give back what they keep in reserve: unused reservations and
 * free objects. May not be called holding a lock. @return pages */
uint64_t heap_shrink(void);

/** Have all caches give back what they can (what is to be written out first
 * stays). No locks held; sleeps. */
void heap_drop_caches(void);

/**
 * What entry @p nr (a system call's number, or ENTRY_*) has needed so far.
 * @param observed  pages at most: in the debug build those that its objects
 *                  fill, else those that slabs took for it
 * @param waits     times it stood in line
 */
void heap_entry_get(unsigned nr, unsigned *observed, unsigned *waits);

/** Name of an entry: "read", "page fault". */
const char *heap_entry_name(unsigned nr);

#endif
