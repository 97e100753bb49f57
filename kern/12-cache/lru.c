/*
 * Reclaim: all clean pages of files, by use. A hand takes pages from the end of
 * the list; those used since it came by go round once more (second chance).
 * Pages that are mapped or being read have other references and stay.
 *
 * Reclaim runs inside page_alloc, under whatever sleeping locks its caller
 * holds; so it takes spinlocks only and waits for nothing.
 */
#include "cache_internal.h"

#define DIRTY_SHARE  8	/* of memory, 1/n may be dirty pages */
#define LOOKS_A_PAGE 16 /* pages looked at for each one wanted */

/* Inside the caches' locks; see reclaim_one for the other direction. Guards the
 * list, nlru, and that PG_RECENT is cleared; the counts below it are atomic. */
static struct spinlock lru_lock = SPINLOCK("page lru");
static struct list lru = LIST_INIT(lru); /* struct page.lru; next to go last */
static uint64_t nlru;
static _Atomic uint64_t ncached, ndirty;
static uint64_t dirty_max; /* pages */

void
lru_add(struct page *page)
{
	spin_lock(&lru_lock);
	list_add(&page->lru, &lru);
	nlru++;
	spin_unlock(&lru_lock);
}

void
lru_remove(struct page *page)
{
	spin_lock(&lru_lock);
	list_del(&page->lru);
	nlru--;
	spin_unlock(&lru_lock);
}

void
count_cached(int64_t n)
{
	atomic_fetch_add_explicit(&ncached, n, memory_order_relaxed);
}

void
count_dirty(int64_t n)
{
	atomic_fetch_add_explicit(&ndirty, n, memory_order_relaxed);
}

bool
dirty_too_many(void)
{
	return ndirty > dirty_max;
}

void
page_cache_stats(uint64_t *cached, uint64_t *dirty)
{
	*cached = ncached;
	*dirty = ndirty;
}

/* Only the cache refers to the page: make that reference unobtainable. In one
 * step, as after a look at the count a look-up could still take one. */
static bool
freeze(struct page *page)
{
	uint32_t only = 1;

	return atomic_compare_exchange_strong(&page->refs, &only, 0);
}

/*
 * Look at the last page. The list's lock is released before the cache's is
 * taken: the frozen page keeps its cache alive, as no one who empties a cache
 * gets past a frozen page. Preemption is off until it is out of the tree, for
 * look-ups spin meanwhile.
 */
static uint64_t
reclaim_one(void)
{
	struct page *page;
	struct page_cache *c;

	spin_lock(&lru_lock);
	page = list_last(&lru, struct page, lru);
	if (!page) {
		spin_unlock(&lru_lock);
		return 0;
	}
	list_del(&page->lru);
	if (page_test(page, PG_RECENT) || !freeze(page)) {
		atomic_fetch_and(&page->flags, ~PG_RECENT);
		list_add(&page->lru, &lru);
		spin_unlock(&lru_lock);
		return 0;
	}
	nlru--;
	preempt_disable();
	spin_unlock(&lru_lock);
	INVARIANT(CACHE1,
		  !page_test(page, PG_DIRTY | PG_LOCKED | PG_WRITEBACK));
	c = page->owner;
	spin_lock(&c->lock);
	tree_remove(c, page->index);
	c->npages--;
	page->owner = NULL;
	spin_unlock(&c->lock);
	preempt_enable();
	count_cached(-1);
	/* Nobody can find it any more: free it in the usual way. */
	atomic_store(&page->refs, 1);
	page_unref(page);
	return 1;
}

/* Twice around finds all that is to be had: the first time marks are cleared.
 * The other bound is for long lists of which little is to be had. */
uint64_t
page_reclaim(uint64_t want)
{
	uint64_t looks = MIN(2 * nlru, want * LOOKS_A_PAGE), done = 0;

	while (looks-- > 0 && done < want)
		done += reclaim_one();
	return done;
}

/* Without a wait there is no more than what is clean. If that is not enough,
 * the rest is written, and can be reclaimed by who asks some time later. */
static uint64_t
reclaim(uint64_t want)
{
	uint64_t done = page_reclaim(want);

	if (done < want)
		done += buf_reclaim(want - done);
	if (done < want)
		done += kstack_shrink();
	if (done < want)
		flush_kick();
	return done;
}

void
lru_init(void)
{
	struct mem_stats stats;

	mem_stats_get(&stats);
	dirty_max = MAX(stats.total / DIRTY_SHARE, 64ul);
	mem_ops.reclaim = reclaim;
}
