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

/** Add @p page, filled and up to date, at @p index. @return 0; -EEXIST: there
 * is one already; -ENOMEM; -ENOSPC (quota) */
int page_cache_add(struct page_cache *c, struct page *page, uint64_t index,
		   bool dirty);
/** The page at @p index whatever its state, referenced, or NULL. */
struct page *page_cache_find(struct page_cache *c, uint64_t index);

/* ---- tree: pagetree.c; cache->lock held but for tree_find ---- */

struct page *tree_find(struct page_cache *c, uint64_t index);
/** The first page at or after @p index, or NULL. */
struct page *tree_next(struct page_cache *c, uint64_t index);
/** Empty tree nodes, allocated outside the lock; at most two branches of the
 * greatest height. */
struct tree_nodes {
	unsigned n, wanted;
	struct page *pages[14];
};
/** @return 0, -EEXIST, or -EAGAIN: *nodes has too few, unlock and refill */
int tree_insert(struct page_cache *c, struct page *page, uint64_t index,
		struct tree_nodes *nodes);
int tree_nodes_refill(struct tree_nodes *nodes);
void tree_nodes_free(struct tree_nodes *nodes);
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
/** Wake who waits for PG_LOCKED or PG_WRITEBACK to be clear, which it is. */
void page_wake(struct page *page);

/** Sleep until none of the file's pages is under write-back; say so. */
void page_cache_wait_written(struct page_cache *c);
void page_cache_wake_written(struct page_cache *c);
void page_cache_init(void);

/* ---- lru.c ---- */

void lru_add(struct page *page);
void lru_remove(struct page *page);
uint64_t page_reclaim(uint64_t want);
void count_cached(int64_t n);
void count_dirty(int64_t n);
/** Writers past this many dirty pages write back themselves. */
bool dirty_too_many(void);
void lru_init(void);

/* ---- writeback.c ---- */

void writeback_init(void);

/* ---- buf.c ---- */

uint64_t buf_reclaim(uint64_t want);
void buf_init(void);

#endif
