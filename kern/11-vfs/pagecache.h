/*
 * The page cache's inside: the tree of a file's pages, page locks, and what
 * writeback and reclaim share with it.
 *
 * VFS2: a page in a cache is referenced by the cache. A page that is dirty or
 * under write-back is on no LRU list; a page on the LRU list is clean.
 * VFS3: no page past the end of a file is in its cache once a truncation has
 * returned.
 *
 * Locks: cache->lock before lru_lock. Neither is held over a user copy.
 */
#ifndef PAGECACHE_H
#define PAGECACHE_H

#include "vfs.h"

/** A limit that several files share: tmpfs. */
struct page_quota {
	_Atomic uint64_t used; /**< pages */
	uint64_t max;
};

struct page_cache {
	struct vnode *vnode;
	/** The tree: a pointer with its height in the low bits; height 0 is the
	 * page of index 0 itself. Read in RCU sections. */
	uintptr_t root;
	/** tmpfs: the pages are the file. They are never written back nor
	 * reclaimed, and are counted here. */
	struct page_quota *quota;

	struct spinlock lock; /* guards what follows, and changes to the tree */
	uint64_t npages;
	struct list dirty; /* struct page.lru; oldest first */
	uint64_t ndirty;
	_Atomic uint64_t nwriteback;
	int error;	    /* of a write-back, reported once */
	uint64_t next_read; /* a sequential reader is expected here; a hint */
	struct rcu_head rcu;
};

struct page_cache *page_cache_new(struct vnode *v);
/** Drop all pages, whoever reads them. */
void page_cache_drop(struct vnode *v);
bool page_cache_has_dirty(const struct vnode *v);
bool page_cache_has_pages(const struct vnode *v);

/** Add @p page, filled and up to date, at @p index. @return 0; -EEXIST: there
 * is one already; -ENOMEM; -ENOSPC (quota) */
int page_cache_add(struct vnode *v, struct page *page, uint64_t index,
		   bool dirty);
/** The page at @p index whatever its state, referenced, or NULL. */
struct page *page_cache_find(struct page_cache *c, uint64_t index);

/** Zero what lies past the end of file @p size in its last page, if cached. */
void page_cache_zero_tail(struct vnode *v, uint64_t size);

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
/** Sleep until none of @p flags is set. */
void page_wait(struct page *page, unsigned flags);

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

/** Write up to @p max dirty pages back; @p wait: until all of the file's are
 * written, by whomever. @return 0 or the first error */
int page_cache_write(struct vnode *v, uint64_t max, bool wait);
/** Let a writer help when there are too many dirty pages. */
void dirty_balance(struct vnode *v);
/** Have the flush thread run now. */
void flush_kick(void);
void writeback_init(void);

/* ---- buf.c ---- */

uint64_t buf_reclaim(uint64_t want);
bool buf_has_dirty(void);
void buf_init(void);

#endif
