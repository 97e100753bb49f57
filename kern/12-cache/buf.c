/*
 * The buffer cache: blocks of disks that hold a file system's own data (inodes,
 * bitmaps, directories). A hash table; clean blocks that nobody holds are on a
 * list by use and are recycled from its end; dirty ones are on a list by age.
 *
 * Headers are carved from pages and never given back (their number is bounded);
 * block contents are pages that reclaim may take. Nothing here uses the kernel
 * heap, since page faults read blocks, too.
 *
 * CACHE3: a buffer on the clean list has no references and is not dirty.
 */
#include "cache_internal.h"
#include "string.h"

#define BUF_UPTODATE 0x1u /* data is the block's, or newer */
#define BUF_DIRTY    0x2u /* newer, and the cache's to write; in list dirty */

#define BUFS_MIN     64u
#define MEMORY_SHARE 16 /* of memory, 1/n is block contents at most */
#define HASH_SIZE    1024u
#define SYNC_AT_ONCE 16u /* blocks on their way to the disk */

/* Held by who writes dirty buffers, so that what a sync finds clean is on the
 * disk, and not on its way there. */
static struct mutex sync_lock;
/* Guards what follows, and of each buffer the references, the links and
 * BUF_DIRTY. The last one: sync_lock, then buffers' locks, come before it. */
static struct spinlock buf_lock = SPINLOCK("buffer cache");
static struct buf *hash[HASH_SIZE];
static struct list clean = LIST_INIT(clean);   /* least recently used last */
static struct list dirty = LIST_INIT(dirty);   /* oldest first */
static struct list unused = LIST_INIT(unused); /* headers of no block */
static unsigned nbufs, ndirty, bufs_max; /* nbufs: of headers, used or not */

static struct buf **
chain_of(const struct block_device *d, uint64_t block, uint32_t size)
{
	uint64_t key = (uint64_t)d / 64 + block * 3 + size;

	return &hash[key * 0x9e3779b97f4a7c15 >> 54 & (HASH_SIZE - 1)];
}

/* ---- The lock is held ---- */

static struct buf *
find(struct block_device *d, uint64_t block, uint32_t size)
{
	struct buf *b = *chain_of(d, block, size);

	while (b && (b->block != block || b->device != d || b->size != size))
		b = b->hash_next;
	return b;
}

/* Only a clean buffer changes its list: a dirty one is on its list by age,
 * whether it is held or not. */
static void
hold(struct buf *b)
{
	if (b->refs.n++ == 0 && !(b->flags & BUF_DIRTY))
		list_del(&b->lru);
}

static void
unhash(struct buf *b)
{
	struct buf **at = chain_of(b->device, b->block, b->size);

	while (*at != b)
		at = &(*at)->hash_next;
	*at = b->hash_next;
	b->device = NULL;
}

/* Take the least recently used clean buffer out of the cache. */
static struct buf *
recycle(void)
{
	struct buf *b = list_last(&clean, struct buf, lru);

	if (!b)
		return NULL;
	INVARIANT(CACHE3, b->refs.n == 0 && !(b->flags & BUF_DIRTY));
	list_del(&b->lru);
	unhash(b);
	return b;
}

/* ---- New buffers ---- */

static int
make_headers(void)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	struct buf *b;
	unsigned i;

	if (!page)
		return -ENOMEM;
	b = page_address(page);
	spin_lock(&buf_lock);
	for (i = 0; i < PAGE_SIZE / sizeof(*b); i++, b++) {
		mutex_init(&b->lock, "buffer");
		list_add(&b->lru, &unused);
	}
	nbufs += PAGE_SIZE / sizeof(*b);
	spin_unlock(&buf_lock);
	return 0;
}

/* Before the bound is reached a new header is made rather than a block given up
 * that may be wanted; reclaim takes those when memory is short. */
static struct buf *
take_header(void)
{
	struct buf *b;

	spin_lock(&buf_lock);
	b = list_first(&unused, struct buf, lru);
	if (b)
		list_del(&b->lru);
	else if (nbufs >= bufs_max)
		b = recycle();
	spin_unlock(&buf_lock);
	return b;
}

static int write_oldest(void);

/* A buffer with a page, in no list. All of them dirty: write some. All of them
 * in use: more than the bound. */
static struct buf *
buf_new(int *error)
{
	struct buf *b;

	while (!(b = take_header())) {
		if (nbufs >= bufs_max && write_oldest() == 0)
			continue;
		if ((*error = make_headers()))
			return NULL;
	}
	if (!b->page)
		b->page = page_alloc(0, PAGE_KERNEL, 0);
	if (b->page) {
		b->data = page_address(b->page);
		return b;
	}
	spin_lock(&buf_lock);
	list_add(&b->lru, &unused);
	spin_unlock(&buf_lock);
	*error = -ENOMEM;
	return NULL;
}

/* With its page: the next one to be made has it. */
static void
discard(struct buf *b)
{
	spin_lock(&buf_lock);
	list_add(&b->lru, &unused);
	spin_unlock(&buf_lock);
}

/* ---- Entry points ---- */

struct buf *
buf_find(struct block_device *d, uint64_t block, uint32_t size)
{
	struct buf *b;

	spin_lock(&buf_lock);
	b = find(d, block, size);
	if (b)
		hold(b);
	spin_unlock(&buf_lock);
	return b;
}

struct buf *
buf_get(struct block_device *d, uint64_t block, uint32_t size, int *error)
{
	struct buf *b = buf_find(d, block, size), *fresh, **chain;

	ASSERT(size <= PAGE_SIZE && size % SECTOR_SIZE == 0);
	if (b)
		return b;
	fresh = buf_new(error);
	if (!fresh)
		return NULL;
	spin_lock(&buf_lock);
	/* Another may have made it meanwhile: there is one of each block. */
	b = find(d, block, size);
	if (b) {
		hold(b);
		spin_unlock(&buf_lock);
		discard(fresh);
		return b;
	}
	fresh->device = d;
	fresh->block = block;
	fresh->size = size;
	fresh->flags = 0;
	fresh->refs.n = 1;
	chain = chain_of(d, block, size);
	fresh->hash_next = *chain;
	*chain = fresh;
	spin_unlock(&buf_lock);
	return fresh;
}

static int
transfer(struct buf *b, enum block_op op)
{
	return block_transfer(b->device, op, b->block * (b->size / SECTOR_SIZE),
			      b->data, b->size);
}

/* The lock has several who want the same block wait for one read. The flag is
 * looked at before it, as it is never taken back, and again with it. A block
 * that could not be read stays in the cache without the flag. */
struct buf *
buf_read(struct block_device *d, uint64_t block, uint32_t size, int *error)
{
	struct buf *b = buf_get(d, block, size, error);

	if (!b || (b->flags & BUF_UPTODATE))
		return b;
	*error = 0;
	mutex_lock(&b->lock);
	if (!(b->flags & BUF_UPTODATE)) {
		*error = transfer(b, BLOCK_READ);
		if (*error == 0)
			atomic_fetch_or(&b->flags, BUF_UPTODATE);
	}
	mutex_unlock(&b->lock);
	if (*error == 0)
		return b;
	buf_put(b);
	return NULL;
}

void
buf_hold(struct buf *b)
{
	spin_lock(&buf_lock);
	ASSERT(b->refs.n > 0);
	b->refs.n++;
	spin_unlock(&buf_lock);
}

void
buf_filled(struct buf *b)
{
	atomic_fetch_or(&b->flags, BUF_UPTODATE);
}

int
buf_write(struct buf *b)
{
	return transfer(b, BLOCK_WRITE);
}

void
buf_write_start(struct buf *b, struct block_batch *batch)
{
	b->io_memory = (struct block_segment){ page_to_phys(b->page), b->size };
	b->io.op = BLOCK_WRITE;
	b->io.sector = b->block * (b->size / SECTOR_SIZE);
	b->io.nsegments = 1;
	b->io.segments = &b->io_memory;
	block_batch_add(batch, &b->io);
}

/* The last one used is the last one to be recycled. */
void
buf_put(struct buf *b)
{
	spin_lock(&buf_lock);
	ASSERT(b->refs.n > 0);
	if (--b->refs.n == 0 && !(b->flags & BUF_DIRTY))
		list_add(&b->lru, &clean);
	spin_unlock(&buf_lock);
}

void
buf_dirty(struct buf *b)
{
	spin_lock(&buf_lock);
	ASSERT(b->refs.n > 0);
	if (!(b->flags & BUF_DIRTY)) {
		list_add_tail(&b->lru, &dirty);
		ndirty++;
		current()->usage.sectors_dirtied += b->size / SECTOR_SIZE;
	}
	atomic_fetch_or(&b->flags, BUF_DIRTY | BUF_UPTODATE);
	spin_unlock(&buf_lock);
}

/* Not dirty any more; the lock and a reference are held. */
static void
clear_dirty(struct buf *b)
{
	if (!(b->flags & BUF_DIRTY))
		return;
	atomic_fetch_and(&b->flags, ~BUF_DIRTY);
	list_del(&b->lru);
	ndirty--;
}

void
buf_forget(struct block_device *d, uint64_t block, uint32_t size)
{
	struct buf *b = buf_find(d, block, size);

	if (!b)
		return;
	/* Who holds the lock may be writing it: the block's next owner must
	 * not find that write coming after its own. */
	mutex_lock(&b->lock);
	spin_lock(&buf_lock);
	clear_dirty(b);
	spin_unlock(&buf_lock);
	mutex_unlock(&b->lock);
	buf_put(b);
}

/* ---- Writing ---- */

/* Write a held buffer whose lock is held, if it is dirty still. A failed write
 * leaves it clean: else the cache would fill with blocks of a broken disk. It
 * is clean before it is written; nobody changes it in between, for want of the
 * lock. */
static int
write_locked(struct buf *b)
{
	bool was_dirty;

	spin_lock(&buf_lock);
	was_dirty = b->flags & BUF_DIRTY;
	clear_dirty(b);
	spin_unlock(&buf_lock);
	return was_dirty ? transfer(b, BLOCK_WRITE) : 0;
}

/* Hold the oldest dirty buffer of @p d (NULL: of any disk). */
static struct buf *
next_dirty(const struct block_device *d)
{
	struct buf *b, *found = NULL;

	spin_lock(&buf_lock);
	list_for_each (b, &dirty, lru) {
		if (d && b->device != d)
			continue;
		hold(b);
		found = b;
		break;
	}
	spin_unlock(&buf_lock);
	return found;
}

static int
try_to_write_oldest(void)
{
	struct buf *b = next_dirty(NULL);
	int error = -EBUSY;

	if (!b)
		return -EBUSY;
	if (mutex_trylock(&b->lock)) {
		error = write_locked(b);
		b->device->write_failures += error != 0;
		mutex_unlock(&b->lock);
	}
	buf_put(b);
	return error;
}

/* Make room: the caller may hold buffers' locks, so do not wait for one, nor
 * for who does. The next sync tells a failure. */
static int
write_oldest(void)
{
	int error = -EBUSY;

	if (mutex_trylock(&sync_lock)) {
		error = try_to_write_oldest();
		mutex_unlock(&sync_lock);
	}
	return error;
}

/* Hold dirty buffers of @p d and their locks, at most @p max. Only for the
 * first lock may the caller wait: who holds the next one may want ours. */
static unsigned
lock_dirty(struct block_device *d, struct buf **bufs, unsigned max)
{
	unsigned n = 0;
	struct buf *b;

	while (n < max && (b = next_dirty(d))) {
		if (n == 0)
			mutex_lock(&b->lock);
		else if (!mutex_trylock(&b->lock)) {
			buf_put(b);
			break;
		}
		spin_lock(&buf_lock);
		if (b->flags & BUF_DIRTY) {
			clear_dirty(b);
			bufs[n++] = b;
			b = NULL;
		}
		spin_unlock(&buf_lock);
		if (b) { /* written by another meanwhile */
			mutex_unlock(&b->lock);
			buf_put(b);
		}
	}
	return n;
}

/* The oldest first, SYNC_AT_ONCE at a time. Their locks are held until all are
 * on the disk: nothing changes under the disk's hands, and buf_forget waits. A
 * batch that fails counts once, however many of its blocks did. sync_lock is
 * held. */
static void
write_dirty(struct block_device *d)
{
	unsigned left = ndirty; /* what others make dirty now can wait */
	struct buf *bufs[SYNC_AT_ONCE];
	struct block_batch batch;
	unsigned i, n;

	block_batch_begin(&batch, d);
	while (left > 0 && (n = lock_dirty(d, bufs, MIN(left, SYNC_AT_ONCE)))) {
		for (i = 0; i < n; i++)
			buf_write_start(bufs[i], &batch);
		d->write_failures += block_batch_wait(&batch) != 0;
		for (i = 0; i < n; i++) {
			mutex_unlock(&bufs[i]->lock);
			buf_put(bufs[i]);
		}
		left -= n;
	}
}

/* Whatever has failed since the last sync, or fails while we wait for another
 * one to end, may be a block of ours. */
int
buf_sync(struct block_device *d)
{
	unsigned told = d->failures_told;
	int error, e;

	mutex_lock(&sync_lock);
	write_dirty(d);
	error = d->write_failures == told ? 0 : -EIO;
	d->failures_told = d->write_failures;
	mutex_unlock(&sync_lock);
	e = block_flush(d);
	return error ? error : e;
}

/* Without the lock: what becomes dirty at this moment may have come later. */
bool
buf_has_dirty(void)
{
	return ndirty > 0;
}

/* ---- Giving back ---- */

/* Of a buffer that is in no list and no chain; the lock is held. */
static void
drop(struct buf *b)
{
	page_unref(b->page);
	b->page = NULL;
	b->data = NULL;
	list_add(&b->lru, &unused);
}

/* A dirty one would be the file system's that has the disk: there is none. */
void
buf_invalidate(struct block_device *d)
{
	struct buf *b, *next;

	spin_lock(&buf_lock);
	list_for_each_safe (b, next, &clean, lru) {
		if (b->device != d)
			continue;
		list_del(&b->lru);
		unhash(b);
		drop(b);
	}
	spin_unlock(&buf_lock);
}

uint64_t
buf_reclaim(uint64_t want)
{
	uint64_t done;
	struct buf *b;

	spin_lock(&buf_lock);
	for (done = 0; done < want && (b = recycle()); done++)
		drop(b);
	spin_unlock(&buf_lock);
	return done;
}

void
buf_init(void)
{
	struct mem_stats stats;

	mutex_init(&sync_lock, "buffer sync");
	/* A block takes a page, however small it is. */
	mem_stats_get(&stats);
	bufs_max = MAX(stats.total / MEMORY_SHARE, BUFS_MIN + 0ul);
}
