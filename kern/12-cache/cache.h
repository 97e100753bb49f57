/*
 * cache: what of files and disks is in memory. The page cache holds the
 * contents of files, page by page, for read, write and mmap alike; the buffer
 * cache holds the blocks of disks that are a file system's own. What a file is
 * is not known here: a cache has an owner and asks it through a table.
 */
#ifndef CACHE_H
#define CACHE_H

#include "abi/uio.h"
#include "block.h"

/* ---- Moving bytes to and from the caller ---- */

/** A buffer of a read or write: user or kernel memory, several pieces. */
struct uio {
	const struct iovec *iov; /**< pieces left; in kernel memory */
	unsigned niov;
	size_t offset;	/**< into iov[0] */
	size_t left;	/**< bytes in all */
	bool user;	/**< the pieces are user addresses */
	unsigned flags; /**< of open(2), for this call alone: O_APPEND, O_SYNC,
			   O_DSYNC */
};

/** Copy @p len bytes (at most u->left) from @p from to the uio and advance it.
 * May sleep on user memory. @return bytes copied, less than @p len on a
 * fault */
size_t uio_copy_to(struct uio *u, const void *from, size_t len);
/** The other direction. */
size_t uio_copy_from(struct uio *u, void *to, size_t len);
/** Zero @p len bytes of the uio and advance it. @return bytes done */
size_t uio_zero(struct uio *u, size_t len);
/** A uio over one kernel or user buffer; *iov is its only piece. */
static inline struct uio
uio_kernel(struct iovec *iov, void *buf, size_t len)
{
	*iov = (struct iovec){ buf, len };
	return (struct uio){ .iov = iov, .niov = 1, .left = len };
}

static inline struct uio
uio_user(struct iovec *iov, void *buf, size_t len)
{
	*iov = (struct iovec){ buf, len };
	return (struct uio){ .iov = iov, .niov = 1, .left = len, .user = true };
}

/* ---- The page cache ---- */

/*
 * CACHE1: a page in a cache is referenced by the cache; whoever uses it takes
 * another reference. PG_UPTODATE once its contents are the file's.
 */
#define PG_UPTODATE  0x1
#define PG_DIRTY     0x2
#define PG_LOCKED    0x4 /**< being read or written back */
#define PG_WRITEBACK 0x8
#define PG_ERROR     0x10
#define PG_RECENT    0x20 /**< used since reclaim came by */

/** Most pages that read_pages and write_pages are given. */
#define PAGES_AT_ONCE 16

/**
 * What the owner of a cache does for its pages. All may sleep; each may be
 * NULL. No lock of the cache is held.
 */
struct page_cache_ops {
	/** Read page @p page->index (zero past the end, and for holes). */
	int (*read_page)(void *owner, struct page *page);
	/** Read @p n pages of consecutive indices, at most PAGES_AT_ONCE; an
	 * error is all pages' error. */
	int (*read_pages)(void *owner, struct page **pages, unsigned n);
	/** Write a page back to where it is allocated. */
	int (*write_page)(void *owner, struct page *page);
	/** The same for consecutive pages. */
	int (*write_pages)(void *owner, struct page **pages, unsigned n);
	/** Before a write to [offset, offset+len): allocate what it needs, so
	 * that write_page cannot run out of space. -ENOSPC, -EDQUOT, -EFBIG. */
	int (*prepare_write)(void *owner, uint64_t offset, uint64_t len);
	/** After it, the size having grown or not: keep it. May be NULL. */
	void (*wrote)(void *owner);
	/** Who waits for all to be written: wait for what write_page has not
	 * waited for, and left dirty. May be NULL. @return whether there was
	 * anything */
	bool (*make_room)(void *owner);
};

/** A limit that several files share: tmpfs. */
struct page_quota {
	_Atomic uint64_t used; /**< pages */
	uint64_t max;
};

/** The pages of a file. */
struct page_cache {
	/* Constant once it is in use. */
	void *owner; /**< the file; for the operations */
	const struct page_cache_ops *ops;
	/** The file's size in bytes, a field of its owner's: read at any time;
	 * changed by cached_write, and by the owner, who excludes it. */
	_Atomic uint64_t *size;
	/** tmpfs: the pages are the file. They are never written back nor
	 * reclaimed, and are counted here. */
	struct page_quota *quota;

	struct list mappings; /**< vm: address spaces that map the file */
	struct spinlock mappings_lock;

	/** The tree: a pointer with its height in the low bits; height 0 is the
	 * page of index 0 itself. Read in RCU sections. */
	uintptr_t root;

	struct spinlock lock; /* guards what follows, and changes to the tree */
	uint64_t npages;
	struct list dirty; /* struct page.lru; oldest first */
	uint64_t ndirty;
	_Atomic uint64_t nwriteback;
	int error;	    /* of a write-back, reported once */
	uint64_t next_read; /* a sequential reader is expected here; a hint */
	struct rcu_head rcu;
};

/** A cache without pages for file @p owner, whose size is in *@p size. @p ops
 * NULL: all operations are. Allocates. */
struct page_cache *page_cache_new(void *owner, const struct page_cache_ops *ops,
				  _Atomic uint64_t *size);
/** Drop all pages, whoever reads them. */
void page_cache_drop(struct page_cache *c);
/** Drop all pages and, after a grace period, the cache itself. */
void page_cache_destroy(struct page_cache *c);

/** The page at @p index, read if need be; referenced. NULL and *error: -EIO,
 * -ENOMEM. May sleep. Past the end of file the page is zeros. */
struct page *page_cache_get(struct page_cache *c, uint64_t index, int *error);
/** The page if it is there and up to date, else NULL. Does not sleep. */
struct page *page_cache_peek(struct page_cache *c, uint64_t index);
/** The page's contents have changed; the caller holds a reference. Any context
 * that may take a spinlock. */
void page_cache_dirty(struct page_cache *c, struct page *page);
/** Drop pages from @p size on (truncate) and zero the rest of a partial one:
 * @p size is the new size in bytes. May sleep. */
void page_cache_truncate(struct page_cache *c, uint64_t size);
/** Drop pages @p first to @p last. May sleep. */
void page_cache_drop_range(struct page_cache *c, uint64_t first, uint64_t last);
/** The first index from @p index on that has a page (@p there), or has none;
 * UINT64_MAX if all have none. */
uint64_t page_cache_find_next(struct page_cache *c, uint64_t index, bool there);
/** Zero what lies past the end of file @p size in its last page, if cached. */
void page_cache_zero_tail(struct page_cache *c, uint64_t size);
/** Write dirty pages back and wait. @return 0 or -EIO, once for each failure */
int page_cache_sync(struct page_cache *c);
/** The same for who did not write the file: the next page_cache_sync is told
 * all failures, too. */
int page_cache_settle(struct page_cache *c);
/** Whether pages are dirty or being written; whether there are any. @p c may be
 * NULL, or, in an RCU section, a cache that is going away. */
bool page_cache_has_dirty(const struct page_cache *c);
bool page_cache_has_pages(const struct page_cache *c);
/** Pages in all caches, and dirty ones. */
void page_cache_stats(uint64_t *cached, uint64_t *dirty);

/** Read at *pos, up to the file's size; *pos moves. May sleep. @return bytes or
 * -errno */
int64_t cached_read(struct page_cache *c, struct uio *u, uint64_t *pos);
/** Write @p len bytes at *pos; the caller excludes other writers and changes of
 * the size. Extends the size. May sleep. @return bytes, or -errno if none */
int64_t cached_write(struct page_cache *c, struct uio *u, uint64_t *pos,
		     size_t len);
/** After a write: let the writer help when there are too many dirty pages. No
 * locks are held. */
void dirty_balance(struct page_cache *c);

/** Transfer @p bytes between consecutive sectors and @p n pages (at most
 * BLOCK_REQUEST_PAGES_MAX) in one request, and wait: for read_pages and
 * write_pages. May sleep. @return 0 or -EIO */
int block_transfer_pages(struct block_device *d, enum block_op op,
			 uint64_t sector, struct page **pages, unsigned n,
			 uint64_t bytes);

/** What later chapters do for this one; NULL: nothing. */
struct cache_ops {
	/** tmpfs: write back what is dirty of all files. Called every few
	 * seconds, and after flush_kick, by a thread of its own, with heap
	 * reserved and no locks held. May sleep. */
	void (*flush)(void);
	/**
	 * vm: pages @p first to @p last have been marked clean and are about to
	 * be written: take the right to write from all who map them, so that
	 * the next write marks them dirty anew (CACHE4). No locks are held but
	 * those of who called page_cache_sync.
	 */
	void (*clean_pages)(struct page_cache *c, uint64_t first,
			    uint64_t last);
};
extern struct cache_ops cache_ops;
/** Have the flush thread run now. */
void flush_kick(void);

/* ---- Blocks of a disk, for file systems' metadata ---- */

struct transaction;

/** Where a buffer stands in a journal: chapter journal's, guarded by its lock.
 * Each transaction named holds a reference to the buffer. */
struct buf_log {
	struct transaction *running;	/**< being changed in this one */
	struct transaction *committing; /**< being written to the log */
	struct transaction *logged;	/**< in the log, and not home */
	struct list running_link, committing_link, logged_link;
	bool revoked;	   /**< in the running one: freed, not changed */
	struct page *copy; /**< what is committed; the thread's */
};

/** A block of a device, cached. */
struct buf {
	struct block_device *device;
	uint64_t block; /**< in units of size */
	uint32_t size;	/**< bytes: 1024 to 4096 */
	void *data;
	struct refcount refs;
	_Atomic uint32_t flags;
	struct mutex lock; /**< guards data; held by who changes it */
	struct buf *hash_next;
	struct list lru; /* free, clean (by use) or dirty (by age) */
	struct page *page;
	struct block_request io; /**< with buf_write_start */
	struct block_segment io_memory;
	struct buf_log log;
};
/** Read block @p block; referenced. The headers come from pages, not from the
 * kernel heap: faults read blocks, too. NULL and *error on -EIO, -ENOMEM. */
struct buf *buf_read(struct block_device *d, uint64_t block, uint32_t size,
		     int *error);
/** The block without reading it, for one that will be overwritten whole. */
struct buf *buf_get(struct block_device *d, uint64_t block, uint32_t size,
		    int *error);
void buf_put(struct buf *b);
/** One more reference to a buffer that has one. */
void buf_hold(struct buf *b);
/** The block if it is in the cache, referenced; or NULL. */
struct buf *buf_find(struct block_device *d, uint64_t block, uint32_t size);
void buf_dirty(struct buf *b);
/** Its contents are whole, but are not to be written by the cache. */
void buf_filled(struct buf *b);
/** Write it now; its lock is held. @return 0 or -EIO */
int buf_write(struct buf *b);
/** Begin to write it, as one of @p batch, which is of its disk; its lock is
 * held until the batch has been waited for, and then b->io.error tells. */
void buf_write_start(struct buf *b, struct block_batch *batch);
/** Forget a block that has been freed: it is not to be written any more, and
 * no write of it is under way. May sleep. */
void buf_forget(struct block_device *d, uint64_t block, uint32_t size);
/** Write all dirty blocks of @p d and flush it. @return 0 or -EIO */
int buf_sync(struct block_device *d);
/** Whether any block of any disk is dirty. */
bool buf_has_dirty(void);
/** Forget all clean blocks of @p d that nobody holds: before a mount, when
 * the disk may have been written to as a file. */
void buf_invalidate(struct block_device *d);

#endif
