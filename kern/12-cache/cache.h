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

/** A buffer of a read or write: user or kernel memory, several pieces. It is on
 * its caller's stack: nobody else sees it. */
struct uio {
	const struct iovec *iov; /**< pieces left; in kernel memory */
	unsigned niov;		 /**< of them; pieces may be empty */
	size_t offset;	/**< into iov[0]; all of it: that one is used up */
	size_t left;	/**< bytes in all, at most what the pieces have */
	bool user;	/**< the pieces are user addresses */
	unsigned flags; /**< of open(2), for this call alone: O_APPEND, O_SYNC,
			   O_DSYNC */
};

/** Copy @p len bytes (at most u->left) from @p from to the uio and advance it.
 * Sleeps if user memory faults: then no spinlock is held, nor anything that the
 * fault may want (it may be on a page of the very file that is being read).
 * With kernel memory it does not sleep. @return bytes copied, less than @p len
 * on a fault that cannot be mended: the uio has advanced by so many */
size_t uio_copy_to(struct uio *u, const void *from, size_t len);
/** The other direction, as from write(2). */
size_t uio_copy_from(struct uio *u, void *to, size_t len);
/** Zero @p len bytes of the uio and advance it; the rest as above. @return
 * bytes done; after a fault a few more may be zero */
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
 * another reference, with which the page keeps its contents, but not its place:
 * a truncation takes it out (page->owner is NULL then). PG_UPTODATE once its
 * contents are the file's, for ever. PG_DIRTY and PG_WRITEBACK change under the
 * cache's lock; both stand where a page was changed while it is being written.
 */
#define PG_UPTODATE  0x1
#define PG_DIRTY     0x2
#define PG_LOCKED    0x4 /**< being read, by who has set it */
#define PG_WRITEBACK 0x8
#define PG_ERROR     0x10 /**< could not be read, and has left the cache */
#define PG_RECENT    0x20 /**< used since reclaim came by */

/** Most pages that read_pages and write_pages are given: 64 KiB, half of what a
 * command takes (BLOCK_REQUEST_PAGES_MAX). */
#define PAGES_AT_ONCE 16

/**
 * What the owner of a cache does for its pages. All may sleep; each may be
 * NULL, but for read_page and write_page where there is no quota. No lock of
 * the cache is held. The pages are referenced, and those to be read are no one
 * else's until the operation is over (PG_LOCKED).
 */
struct page_cache_ops {
	/** Read page @p page->index (zeros past the end, and for holes; of a
	 * disk, which has no page there, -EIO). @return 0, or the error that
	 * who asked is told: -EIO, -ENOMEM */
	int (*read_page)(void *owner, struct page *page);
	/** Read @p n pages of consecutive indices, at most PAGES_AT_ONCE; an
	 * error is all pages' error. */
	int (*read_pages)(void *owner, struct page **pages, unsigned n);
	/** Write a page back to where it is allocated, and wait. It may be
	 * changed meanwhile, and is written once more then. What cannot be
	 * written now is passed over (page_cache_pass_over), without error.
	 * @return 0, or the error of the next page_cache_sync */
	int (*write_page)(void *owner, struct page *page);
	/** The same for consecutive pages. */
	int (*write_pages)(void *owner, struct page **pages, unsigned n);
	/** Before a write to [offset, offset+len): allocate what it needs, so
	 * that write_page cannot run out of space. Its caller, and that of
	 * wrote, excludes other writers. After an error (-ENOSPC, -EDQUOT,
	 * -EFBIG) nothing is written. */
	int (*prepare_write)(void *owner, uint64_t offset, uint64_t len);
	/** After it, the size having grown or not: keep it. Not where nothing
	 * has been written. */
	void (*wrote)(void *owner);
	/** Who waits for all to be written, where pages have been passed over:
	 * wait for what write_page has not waited for. @return whether to write
	 * once more what is dirty */
	bool (*make_room)(void *owner);
};

/** A limit that several files share: tmpfs. */
struct page_quota {
	_Atomic uint64_t used; /**< pages, in all caches that have this quota */
	uint64_t max;	       /**< constant */
};

/** The pages of a file. Lock order: mappings_lock, lock, the LRU's. */
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

	/** vm: address spaces that map the file. Guarded by mappings_lock; that
	 * it is empty is also seen without it. */
	struct list mappings;
	struct spinlock mappings_lock;

	/** The tree: a pointer with its height in the low bits; height 0 is the
	 * page of index 0 itself. Read in RCU sections. */
	uintptr_t root;

	/* Guards what follows, and changes to the tree; not in interrupts. The
	 * counts are also looked at without it, where a guess will do. */
	struct spinlock lock;
	uint64_t npages;
	struct list dirty;	      /* struct page.lru; oldest first */
	uint64_t ndirty;	      /* pages in it */
	struct list writing;	      /* batches under write-back, by number */
	_Atomic uint64_t begun;	      /* batches, ever: the next one's number */
	_Atomic uint64_t ended;	      /* all batches of lower numbers have */
	_Atomic uint64_t passed_over; /* pages, ever */
	int error;		      /* of a write-back, reported once */
	uint64_t next_read; /* a sequential reader is expected here; a hint,
			     * without the lock */
	struct rcu_head rcu;
};

/** A cache without pages for file @p owner, whose size is in *@p size; both are
 * there as long as it is. @p ops NULL: all operations are; its owner then sets
 * the quota before it is used. Takes kernel heap, which the call has reserved:
 * never fails. */
struct page_cache *page_cache_new(void *owner, const struct page_cache_ops *ops,
				  _Atomic uint64_t *size);
/** Drop all pages, whoever reads them, dirty ones unwritten. Who has a
 * reference keeps the page as it is. As page_cache_drop_range. */
void page_cache_drop(struct page_cache *c);
/** Drop all pages and, after a grace period, the cache itself: nobody can find
 * it any more but who is in an RCU section. Sleeps. */
void page_cache_destroy(struct page_cache *c);

/**
 * The page at @p index, read if need be; referenced. Past the end of file the
 * page is zeros, and stays in the cache: so the caller has looked at the size.
 * Takes no lock of the file's, but may read from the disk, so no spinlock is
 * held, nor a page's PG_LOCKED. May sleep.
 *
 * @return the page; or NULL and *error: -ENOMEM; -ENOSPC (quota); what
 * read_page has returned to this or another caller, as a rule -EIO. The next
 * caller tries again
 */
struct page *page_cache_get(struct page_cache *c, uint64_t index, int *error);
/** The page if it is there and up to date, referenced, else NULL. Does not
 * sleep nor read; takes no lock. */
struct page *page_cache_peek(struct page_cache *c, uint64_t index);
/** The page's contents have changed, before this is called; the caller holds a
 * reference. Nothing happens if the page has left @p c, or has a quota. Does
 * not sleep. May be called under a spinlock, not in an interrupt. */
void page_cache_dirty(struct page_cache *c, struct page *page);
/** write_page and write_pages: @p page is not written now, and dirty again. Who
 * waits for all asks make_room, and comes back to it. As page_cache_dirty. */
void page_cache_pass_over(struct page_cache *c, struct page *page);
/** Drop pages from @p size on (truncate) and zero the rest of a partial one:
 * @p size is the new size in bytes, and the file has it already, or a read
 * could bring pages back (CACHE2). The caller excludes writers; no spinlocks
 * are held. Sleeps until reads and write-back of the pages have ended. */
void page_cache_truncate(struct page_cache *c, uint64_t size);
/** Drop pages @p first to @p last, dirty ones unwritten. The caller sees to it
 * that none come back, if that matters. Sleeps until reads and write-back of
 * them have ended: so not from within the owner's operations. No spinlocks are
 * held. */
void page_cache_drop_range(struct page_cache *c, uint64_t first, uint64_t last);
/** The first index from @p index on that has a page (@p there), or has none;
 * UINT64_MAX if all have none. Does not sleep. */
uint64_t page_cache_find_next(struct page_cache *c, uint64_t index, bool there);
/** Zero what lies past the end of file @p size in its last page, if cached: a
 * mapping may have written there, and the file is about to grow (POSIX.1-2017,
 * mmap). If it is not cached, the owner zeroes it when it reads it, by the size
 * as it is then. The caller excludes writers. Does not sleep. */
void page_cache_zero_tail(struct page_cache *c, uint64_t size);
/**
 * Write back what is dirty when this is called, and wait, also for what others
 * have begun to write. The commands have ended then, and the disk may have all
 * in its own cache: for fsync, block_flush is to follow. Sleeps. No spinlocks
 * are held; the file's lock may be.
 *
 * @return 0; or, once for each failure since the last call, -EIO or whatever
 * write_page has returned: the pages are clean, and what was in them is lost to
 * the disk
 */
int page_cache_sync(struct page_cache *c);
/** The same for who did not write the file: the next page_cache_sync is told
 * all failures, too. */
int page_cache_settle(struct page_cache *c);
/** Whether pages are dirty or being written; whether there are any: at some
 * moment of the call. @p c may be NULL, or, in an RCU section, a cache that is
 * going away. Any context. */
bool page_cache_has_dirty(const struct page_cache *c);
bool page_cache_has_pages(const struct page_cache *c);
/** Pages in all caches, and dirty ones; of those with a quota none is dirty.
 * Any context. */
void page_cache_stats(uint64_t *cached, uint64_t *dirty);

/** Read at *pos, up to the file's size; *pos moves. Takes no lock of the
 * file's: a write at the same time may be seen in part. May sleep; no spinlocks
 * are held.
 * @return bytes, 0 at or past the end; if there are none, an error: -EFAULT, or
 * as page_cache_get */
int64_t cached_read(struct page_cache *c, struct uio *u, uint64_t *pos);
/** Write @p len bytes (at most u->left) at *pos, and move it; the caller
 * excludes other writers and changes of the size, but not readers, and has
 * looked at the limits. Extends the size as the bytes arrive. The pages are
 * dirty: nothing is on the disk. May sleep; no spinlocks are held.
 * @return bytes, fewer if an error came after them; if there are none, it:
 * -EFAULT, prepare_write's, or as page_cache_get */
int64_t cached_write(struct page_cache *c, struct uio *u, uint64_t *pos,
		     size_t len);
/** After a write: let the writer help when there are too many dirty pages. No
 * locks are held, since others may want the file meanwhile. Sleeps then.
 * Failures are left to page_cache_sync. */
void dirty_balance(struct page_cache *c);

/** Transfer @p bytes, whole sectors, between consecutive sectors and @p n pages
 * (at most BLOCK_REQUEST_PAGES_MAX) in one request, and wait: for read_pages
 * and write_pages. They end in the last page. Sleeps. @return 0 or -EIO */
int block_transfer_pages(struct block_device *d, enum block_op op,
			 uint64_t sector, struct page **pages, unsigned n,
			 uint64_t bytes);

/** What later chapters do for this one, set at their start; NULL: nothing. */
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
/** Have the flush thread run now, or once more if it is running. Does not wait
 * for it: may be called by who reclaims, under any locks but spinlocks. */
void flush_kick(void);

/* ---- Blocks of a disk, for file systems' metadata ---- */

struct transaction;

/** Where a buffer stands in a journal: chapter journal's, guarded by its lock.
 * Each transaction named holds a reference to the buffer; NULL: none. */
struct buf_log {
	struct transaction *running;	/**< being changed in this one */
	struct transaction *committing; /**< being written to the log */
	struct transaction *logged;	/**< in the log, and not home */
	struct list running_link, committing_link, logged_link;
	bool revoked;	   /**< in the running one: freed, not changed */
	struct page *copy; /**< what is committed; the thread's */
};

/** A block of a device, cached. The same block read in two sizes, or by a
 * partition and by its disk, is two buffers that know nothing of each other: a
 * file system uses one of these ways. */
struct buf {
	/* Constant while there is a reference. */
	struct block_device *device; /**< NULL: it is no block's */
	uint64_t block;		     /**< in units of size */
	uint32_t size; /**< bytes: 1024 to 4096; the page's rest is unused */
	void *data;    /**< page's memory; guarded by lock */

	/* Guarded by buf.c's buf_lock, but for lock and page. */
	struct refcount refs;
	_Atomic uint32_t flags; /**< also read, and BUF_UPTODATE set, without */
	struct mutex lock;	/**< guards data; held by who changes it */
	struct buf *hash_next;
	struct list lru; /* free, clean (by use) or dirty (by age) */
	struct page *page;

	/* Of who holds lock, in buf_write_start and until the write's end. */
	struct block_request io;
	struct block_segment io_memory;
	struct buf_log log;
};
/**
 * Read block @p block of @p size bytes; referenced. The headers come from
 * pages, not from the kernel heap: faults read blocks, too. Sleeps; the block's
 * own lock is not held.
 *
 * @return the buffer; or NULL and *error: -ENOMEM; -EIO, also past the end
 * of @p d. Who reads it next tries again
 */
struct buf *buf_read(struct block_device *d, uint64_t block, uint32_t size,
		     int *error);
/** The block without reading it, for one that will be overwritten whole, and
 * then be told of by buf_dirty or buf_filled. May sleep. @return the buffer; or
 * NULL and *error: -ENOMEM */
struct buf *buf_get(struct block_device *d, uint64_t block, uint32_t size,
		    int *error);
/** Give a reference back; a dirty block stays, and is written. Does not sleep;
 * not in an interrupt. */
void buf_put(struct buf *b);
/** One more reference to a buffer that has one. Does not sleep. */
void buf_hold(struct buf *b);
/** The block if it is in the cache, referenced; or NULL. It may not have been
 * read. Does not sleep. */
struct buf *buf_find(struct block_device *d, uint64_t block, uint32_t size);
/** Its data has been changed, and is whole: have the cache write it, some time.
 * With a reference, and its lock, under which it was changed. No sleep. */
void buf_dirty(struct buf *b);
/** Its contents are whole, but are not to be written by the cache: a journal
 * does that, and has a reference, or the block could go. Its lock is held. */
void buf_filled(struct buf *b);
/** Write it now, and wait; its lock is held. It is not less dirty for that.
 * @return 0 or -EIO */
int buf_write(struct buf *b);
/** Begin to write it, as one of @p batch, which is of its disk; its lock is
 * held until the batch has been waited for, and then b->io.error tells. Does
 * not sleep. */
void buf_write_start(struct buf *b, struct block_batch *batch);
/** Forget a block that has been freed: it is not to be written any more, and
 * no write of it is under way. Waits for the block's lock, which the caller
 * does not hold. */
void buf_forget(struct block_device *d, uint64_t block, uint32_t size);
/** Write all blocks of @p d that are dirty now, and flush it. No buffer's lock
 * is held. Sleeps. @return 0; or -EIO: one of these could not be written, or
 * one before, of which no sync has told; it is clean all the same */
int buf_sync(struct block_device *d);
/** Whether any block of any disk is dirty. Any context. */
bool buf_has_dirty(void);
/** Forget all clean blocks of @p d that nobody holds: before a mount, when
 * the disk may have been written to as a file. Does not sleep. */
void buf_invalidate(struct block_device *d);

#endif
