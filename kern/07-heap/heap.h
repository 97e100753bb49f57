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
 * HEAP1: pages in use by the heap + pages reserved <= M (mem's heap_max), less
 * a margin, whenever a reservation is granted; it is held in full until it is
 * given back. So an allocation within a reservation always finds its page.
 * HEAP2: a call has no more live objects that it allocated, and did not free
 * itself, than fit its reservation.
 * HEAP3: a reservation is made holding no lock, and within no operation on a
 * journal, for whose end others wait.
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

/* ---- Accounts: who holds the heap (account.c) ---- */

/** Set up accounts for at most @p processes at a time; at start-up. */
void account_init(unsigned processes);

/** An account for a new process, made by the process of @p parent (0: by the
 * kernel). No locks held; may sleep. @return its number, from 1 on */
uint16_t account_open(uint16_t parent);

/** The process of account @p id has ended, or was not made after all. What is
 * still charged to it is its descendants' if it has any alive, else its
 * parent's. */
void account_close(uint16_t id);

/** Whether @p id is @p above or a descendant of it. */
bool account_is_below(uint16_t id, uint16_t above);

/** Add up who holds what: between begin and end, which are the only ones at a
 * time. Sleeps; no locks held at begin. */
void account_tally_begin(void);
/** Add @p bytes to what @p id holds itself. */
void account_add(uint16_t id, uint64_t bytes);
/** Add all of the heap. */
void account_add_heap(void);
/** The same for the kernel's pages that are not the heap's. */
void account_add_pages(void);
/** The account below @p root that is to be given up, with its descendants;
 * 0: there is none that holds anything. */
uint16_t account_choose(uint16_t root);
/** What @p id was found to hold, its descendants included. */
uint64_t account_total(uint16_t id);
/** Its processes have been told to end: it is not chosen again. */
void account_doom(uint16_t id);
/** Which types of objects the victim @p id and its descendants hold. */
struct heap_kill;
void account_types(uint16_t id, struct heap_kill *kill);
void account_tally_end(void);

/* ---- Making room ---- */

/** A victim, for /proc/heap. */
struct heap_kill {
	char name[16];
	int pid;
	unsigned processes; /**< ended, with its descendants */
	uint64_t ns;	    /**< clock_ns */
	bool for_pages;	    /**< memory for users was short, not the heap */
	uint64_t bytes;	    /**< that it was found to hold */
	struct {
		const char *what;
		uint64_t bytes;
	} types[4]; /**< of heap objects: the most first; 0 bytes: no more */
};
#define HEAP_KILLS 8 /**< that are remembered */

/** Remember a victim, and tell the log. */
void heap_kill_note(const struct heap_kill *kill);
/** The @p n-th last victim, from 0 on. @return whether there was one */
bool heap_kill_get(unsigned n, struct heap_kill *kill);

struct heap_killer_ops {
	/**
	 * proc: end the process that holds most kernel memory; never init, and
	 * nobody while the last one is still dying.
	 * @return whether there was one, or one is dying
	 */
	bool (*kill)(void);
	/** The same for pages that are not the heap's. */
	bool (*kill_for_pages)(void);
};
extern struct heap_killer_ops heap_killer_ops;

/** From the first call that waits until none does. */
struct heap_shortages {
	uint64_t n, last_ns, longest_ns, total_ns;
};

/** Statistics of the gate, for /proc/heap. */
struct heap_stats {
	uint64_t max;	 /**< M, in pages, as are the next */
	uint64_t margin; /**< never reserved: for magazines, interrupts */
	uint64_t kept;	 /**< for heap_reserve_last alone */
	uint64_t used, reserved; /**< reserved: what CPUs keep included */
	uint64_t waiting;	 /**< threads in line now */
	uint64_t waits, evictions, kills; /**< evictions: rounds of asking */
	struct heap_shortages shortages; /**< those that are over */
	uint64_t unreserved; /**< pages taken by start-up and interrupts */
};
void heap_stats_get(struct heap_stats *stats);

/** Have all CPUs give back what they keep in reserve: unused reservations, free
 * objects, and what RCU is to free. May not be called holding a lock. @return
 * pages */
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
