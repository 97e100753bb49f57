/*
 * Pages that are not the heap's: buffers of pipes, page tables, contents of
 * files, names on their way in. What a call needs of these is little, but has
 * no bound; so some are kept, and when there are no others, and nothing could
 * be reclaimed, the calls that have begun live on these (mem_ops.last_resort),
 * while the gate lets no other call begin. The killer then makes room.
 * A process's own memory is not taken from here: a fault can wait, it holds
 * nothing (chapter vm).
 */
#include "heap_internal.h"

#define KEPT_SHARE 64 /* of all pages, one in so many is kept ... */
#define KEPT_MIN   64u
#define KEPT_MAX   512u /* ... but within these bounds */

/* Guarded by lock (taken in interrupt handlers). */
static struct {
	struct spinlock lock;
	struct page *pages[KEPT_MAX];
	unsigned n, full;
} kept = { .lock = SPINLOCK("kept pages") };

static _Atomic bool is_short; /* some are missing */

bool
pages_are_short(void)
{
	return is_short;
}

uint64_t
pages_missing(void)
{
	return kept.full - kept.n;
}

/* mem_ops.last_resort */
static bool
give_one(void)
{
	uint64_t rflags = spin_lock_irqsave(&kept.lock);
	struct page *page = kept.n ? kept.pages[--kept.n] : NULL;

	if (!is_short)
		gate_close();
	is_short = true;
	spin_unlock_irqrestore(&kept.lock, rflags);
	if (page)
		page_unref(page);
	return page;
}

/* As PAGE_USER: these are not given what is kept. */
bool
pages_refill(void)
{
	struct page *page;
	uint64_t rflags;
	bool full = false;

	while (!full) {
		page = page_alloc(0, PAGE_USER, 0);
		if (!page)
			return false;
		rflags = spin_lock_irqsave(&kept.lock);
		kept.pages[kept.n++] = page;
		full = kept.n == kept.full;
		if (full)
			is_short = false;
		spin_unlock_irqrestore(&kept.lock, rflags);
	}
	gate_open();
	return true;
}

void
pages_init(void)
{
	struct mem_stats m;

	mem_stats_get(&m);
	kept.full =
		MAX(KEPT_MIN, (unsigned)MIN(m.total / KEPT_SHARE, KEPT_MAX));
	pages_refill();
	mem_ops.last_resort = give_one;
}
