/*
 * The page cache's inside: the tree of a file's pages, page locks, and what
 * write-back and reclaim share with it.
 *
 * CACHE1: a page in a cache is referenced by the cache. A page that is dirty or
 * under write-back is on no LRU list; a page on the LRU list is clean.
 * CACHE2: no page past the end of a file is in its cache once a truncation has
 * returned.
 *
 * Locks: cache->lock before lru_lock. Neither is held over a user copy.
 */
#ifndef CACHE_INTERNAL_H
#define CACHE_INTERNAL_H

#include "cache.h"

/** Add @p page, filled and up to date, at @p index: the cache takes a reference
 * of its own. Others may see it before this returns. May sleep. @return 0;
 * -EEXIST: there is one already; -ENOMEM; -ENOSPC (quota): it is as before */
int page_cache_add(struct page_cache *c, struct page *page, uint64_t index,
		   bool dirty);
/** The page at @p index whatever its state, referenced, or NULL. Does not
 * sleep; takes no lock. */
struct page *page_cache_find(struct page_cache *c, uint64_t index);

/* ---- tree: pagetree.c; cache->lock held but for tree_find ---- */

/** The page at @p index, or NULL. With the lock it stays, though if it is
 * clean its count may be 0 by now (reclaim); in an RCU section it may go at any
 * moment, and be another's (see page_cache_find). */
struct page *tree_find(struct page_cache *c, uint64_t index);
/** The first page at or after @p index, or NULL. */
struct page *tree_next(struct page_cache *c, uint64_t index);
/** Empty tree nodes, allocated outside the lock; at most two branches of the
 * greatest height. Begins as zeros. */
struct tree_nodes {
	unsigned n, wanted; /**< there are; tree_insert, when it last looked */
	struct page *pages[14];
};
/** Put @p page at @p index, with no reference of the tree's own. Takes nodes of
 * *@p nodes. @return 0; -EEXIST; or -EAGAIN: *nodes has too few, unlock, refill
 * and try again. After an error the tree is as it was */
int tree_insert(struct page_cache *c, struct page *page, uint64_t index,
		struct tree_nodes *nodes);
/** Allocate what tree_insert has wanted. The lock is not held: may sleep, and
 * reclaim. @return 0 or -ENOMEM: those that there are stay */
int tree_nodes_refill(struct tree_nodes *nodes);
/** Free those that have not been used. Any context. */
void tree_nodes_free(struct tree_nodes *nodes);
/** Take out the page at @p index; there is one. Nodes that are empty then are
 * freed after a grace period. */
void tree_remove(struct page_cache *c, uint64_t index);

/* ---- Page flags and waiting ---- */

static inline bool
page_test(const struct page *page, unsigned flags)
{
	return atomic_load_explicit(&page->flags, memory_order_acquire) & flags;
}
static inline void
page_set(struct page *page, unsigned flags)
{
	atomic_fetch_or_explicit(&page->flags, flags, memory_order_release);
}
/** Clear flags; page_wake is to follow where one is waited for. */
static inline void
page_unset(struct page *page, unsigned flags)
{
	atomic_fetch_and_explicit(&page->flags, ~flags, memory_order_release);
}
/** Wake who waits for PG_LOCKED or PG_WRITEBACK to be clear, which it is. Does
 * not sleep; the cache's lock is not held. */
void page_wake(struct page *page);

/** Sleep until all write-back of the file's pages that has begun before now has
 * ended; what others begin meanwhile is not waited for. No spinlocks. */
void page_cache_wait_written(struct page_cache *c);
/** c->ended has risen: wake who waits for that. Does not sleep. */
void page_cache_wake_written(struct page_cache *c);
/** Before anything else of the page cache. */
void page_cache_init(void);

/* ---- lru.c; none of it sleeps ---- */

/** Put @p page, clean and not under write-back, on the list of what reclaim may
 * take; take it off: it is there. Its cache's lock is held. */
void lru_add(struct page *page);
void lru_remove(struct page *page);
/** Take up to @p want clean pages, not used lately, out of their caches and
 * free them. No spinlocks are held. @return how many */
uint64_t page_reclaim(uint64_t want);
/** Add to what page_cache_stats tells. Any context. */
void count_cached(int64_t n);
void count_dirty(int64_t n);
/** Whether there are so many dirty pages that writers are to write back
 * themselves. Any context. */
bool dirty_too_many(void);
/** From now on page_alloc reclaims. */
void lru_init(void);

/* ---- writeback.c ---- */

/** Start the flush thread; the rest of the chapter is up. */
void writeback_init(void);

/* ---- buf.c ---- */

/** Free the memory of up to @p want clean blocks that nobody holds, least
 * recently used first. Does not sleep; no spinlocks are held. @return pages */
uint64_t buf_reclaim(uint64_t want);
void buf_init(void);

#endif
