/*
 * The page cache: the pages of regular files and disks, found by index, read
 * when they are missing, and dropped by truncation. Look-ups take no lock.
 *
 * A page is found in an RCU section and may be on its way out: the reference is
 * taken only if there is one left, and the page is looked at again with it.
 *
 * Entry points: page_cache_get, page_cache_dirty, page_cache_truncate.
 */
#include "cache_internal.h"
#include "string.h"

/* ---- Waiting for a page ---- */

#define WAIT_BUCKETS 64

/* Who waits for a page, or a cache: all whose address leads to the same bucket
 * share its queue, are woken together, and look again. */
static struct wait_bucket {
	struct spinlock lock;
	struct waitq wq;
} wait_buckets[WAIT_BUCKETS];

/* By the golden ratio's bits (Knuth, TAOCP vol. 3, 6.4), of which the upper six
 * choose one of 64. */
static struct wait_bucket *
bucket_of(const void *key)
{
	return &wait_buckets[((uint64_t)key >> 4) * 0x9e3779b97f4a7c15 >> 58];
}

/* Sleep until none of @p flags is set. No wake-up is lost: a flag is cleared
 * before the waker takes the bucket's lock, under which it is looked at. */
static void
page_wait(struct page *page, unsigned flags)
{
	struct wait_bucket *b = bucket_of(page);

	spin_lock(&b->lock);
	while (page_test(page, flags))
		waitq_wait(&b->wq, &b->lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&b->lock);
}

static void
wake(const void *key)
{
	struct wait_bucket *b = bucket_of(key);

	spin_lock(&b->lock);
	if (!list_empty(&b->wq.waiters))
		waitq_wake_all(&b->wq);
	spin_unlock(&b->lock);
}

void
page_wake(struct page *page)
{
	wake(page);
}

void
page_cache_wait_written(struct page_cache *c)
{
	struct wait_bucket *b = bucket_of(c);
	uint64_t begun = atomic_load(&c->begun);

	spin_lock(&b->lock);
	while (atomic_load(&c->ended) < begun)
		waitq_wait(&b->wq, &b->lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&b->lock);
}

void
page_cache_wake_written(struct page_cache *c)
{
	wake(c);
}

/* ---- Finding ---- */

/* A count of 0 is final (freeze): to add to it would bring a page back that is
 * being freed, or make one of somebody else's free page. */
static bool
page_try_ref(struct page *page)
{
	uint32_t n = page_refs(page);

	while (n != 0)
		if (atomic_compare_exchange_weak_explicit(
			    &page->refs, &n, n + 1, memory_order_acquire,
			    memory_order_relaxed))
			return true;
	return false;
}

struct page *
page_cache_find(struct page_cache *c, uint64_t index)
{
	struct page *page;

	rcu_read_lock();
	while ((page = tree_find(c, index))) {
		if (!page_try_ref(page)) {
			cpu_pause(); /* reclaim is removing it */
			continue;
		}
		if (rcu_deref(page->owner) == c && page->index == index)
			break;
		page_unref(page); /* it went, and is another's now */
	}
	rcu_read_unlock();
	return page;
}

struct page *
page_cache_peek(struct page_cache *c, uint64_t index)
{
	struct page *page = page_cache_find(c, index);

	if (page && !page_test(page, PG_UPTODATE)) {
		page_unref(page);
		page = NULL;
	}
	return page;
}

/* ---- Adding ---- */

/* Added first and looked at then: two at once cannot both get the last page.
 * One may be refused it, though, while another's vain try is counted. */
static int
charge(struct page_quota *quota)
{
	if (atomic_fetch_add(&quota->used, 1) < quota->max)
		return 0;
	atomic_fetch_sub(&quota->used, 1);
	return -ENOSPC;
}

/* At the end: the list is by the time that they became dirty, and write-back
 * begins with the oldest. Charged to who changes it (ru_oublock of getrusage),
 * as its write will be the flush thread's. The lock is held. */
static void
set_dirty(struct page_cache *c, struct page *page)
{
	page_set(page, PG_DIRTY);
	list_add_tail(&page->lru, &c->dirty);
	c->ndirty++;
	count_dirty(1);
	current()->usage.sectors_dirtied += PAGE_SIZE / SECTOR_SIZE;
}

/* The page is in the tree: put it on its list; the lock is held. One that is
 * yet to be read goes on the LRU list, too: its reader's reference keeps it
 * from reclaim. Where there is a quota pages are on none. */
static void
enlist(struct page_cache *c, struct page *page, bool dirty)
{
	c->npages++;
	if (c->quota)
		return;
	if (!dirty) {
		lru_add(page);
		return;
	}
	set_dirty(c, page);
}

/* The lock is released for new nodes, since page_alloc may reclaim, and so take
 * this lock; the tree may have changed then, and is asked again. */
static int
insert(struct page_cache *c, struct page *page, uint64_t index, bool dirty)
{
	struct tree_nodes nodes = { .n = 0 };
	int error;

	/* Who found it here in an earlier life must not take it for the page
	 * at this index before it is. */
	page->owner = NULL;
	page->index = index;
	list_init(&page->lru);
	page_ref(page); /* the cache's */
	do {
		spin_lock(&c->lock);
		error = tree_insert(c, page, index, &nodes);
		if (error == 0) {
			rcu_assign(page->owner, c);
			enlist(c, page, dirty);
		}
		spin_unlock(&c->lock);
	} while (error == -EAGAIN && (error = tree_nodes_refill(&nodes)) == 0);
	tree_nodes_free(&nodes);
	if (error)
		page_unref(page);
	else
		count_cached(1);
	return error;
}

int
page_cache_add(struct page_cache *c, struct page *page, uint64_t index,
	       bool dirty)
{
	int error;

	if (c->quota && (error = charge(c->quota)))
		return error;
	page_set(page, PG_UPTODATE | PG_RECENT);
	error = insert(c, page, index, dirty);
	if (error && c->quota)
		atomic_fetch_sub(&c->quota->used, 1);
	return error;
}

/* ---- Removing ---- */

/* Take @p page, of which the caller has a reference, out; the lock is held. The
 * cache's reference is left to the caller. */
static void
remove_page(struct page_cache *c, struct page *page)
{
	tree_remove(c, page->index);
	page->owner = NULL;
	c->npages--;
	count_cached(-1);
	if (c->quota) {
		atomic_fetch_sub(&c->quota->used, 1);
	} else if (page_test(page, PG_DIRTY)) {
		list_del(&page->lru);
		page_unset(page, PG_DIRTY);
		c->ndirty--;
		count_dirty(-1);
	} else {
		lru_remove(page);
	}
}

/* The lock is released after each page, for others, and for reclaim, which
 * needs it to finish. After a wait all is looked at anew: the page may be gone,
 * or dirty and under write-back once more. */
void
page_cache_drop_range(struct page_cache *c, uint64_t first, uint64_t last)
{
	struct page *page;

	for (;;) {
		spin_lock(&c->lock);
		page = tree_next(c, first);
		if (page && page->index > last)
			page = NULL;
		if (!page || !page_try_ref(page)) {
			spin_unlock(&c->lock);
			if (!page)
				return;
			cpu_pause(); /* reclaim is removing it */
			continue;
		}
		if (page_test(page, PG_LOCKED | PG_WRITEBACK)) {
			spin_unlock(&c->lock);
			page_wait(page, PG_LOCKED | PG_WRITEBACK);
			page_unref(page);
			continue;
		}
		remove_page(c, page);
		first = page->index; /* what is before it is gone */
		spin_unlock(&c->lock);
		page_unref(page);
		page_unref(page);
	}
}

/* ---- Reading in ---- */

/* A new page, locked, at @p index. NULL: *error is set, -EEXIST among them */
static struct page *
add_locked(struct page_cache *c, uint64_t index, int *error)
{
	struct page *page = page_alloc(0, PAGE_CACHE, 0);

	*error = -ENOMEM;
	if (!page)
		return NULL;
	page_set(page, PG_LOCKED);
	*error = insert(c, page, index, false);
	if (*error == 0)
		return page;
	page_unref(page);
	return NULL;
}

/* How many pages to read from @p index on: more where the reader goes on from
 * where the last read ended, or is the first, at the begin. Two readers of one
 * file spoil each other's hint, which costs requests and nothing else. */
static unsigned
read_window(const struct page_cache *c, uint64_t index)
{
	uint64_t size = *c->size, end = DIV_ROUND_UP(size, PAGE_SIZE);

	if (!c->ops->read_pages || index != c->next_read || index >= end)
		return 1;
	return MIN(end - index, PAGES_AT_ONCE + 0ul);
}

static int
call_read(struct page_cache *c, struct page **pages, unsigned n)
{
	if (n > 1)
		return c->ops->read_pages(c->owner, pages, n);
	return c->ops->read_page(c->owner, pages[0]);
}

/* The page's contents are there, or are not: let others have it. Who waits for
 * one that was @p left unread reads it. A page that failed is out of the tree
 * before it is unlocked: who comes after that reads a new one, and an error is
 * told to those alone who asked while it was read. */
static void
read_done(struct page_cache *c, struct page *page, int error, bool left)
{
	if (error) {
		spin_lock(&c->lock);
		remove_page(c, page);
		spin_unlock(&c->lock);
		if (!left)
			page_set(page, PG_ERROR);
		page_unref(page);
	} else {
		page_set(page, PG_UPTODATE);
	}
	page_unset(page, PG_LOCKED);
	page_wake(page);
}

/* Read @p n pages, of which the first was asked for: any one may be what makes
 * them all fail, so then the first is read by itself, and the others are left
 * to those who want them. The first is still to be let go. */
static int
read_ahead(struct page_cache *c, struct page **pages, unsigned n)
{
	int error = call_read(c, pages, n);
	unsigned i;

	for (i = 1; i < n; i++) {
		read_done(c, pages[i], error, true);
		page_unref(pages[i]);
	}
	return error && n > 1 ? call_read(c, pages, 1) : error;
}

/* Read pages from @p index on. @return the first, referenced; or NULL and
 * *error: -EEXIST where another has begun to. That ends the row of the others,
 * too; so does a lack of memory for them, of which nobody is told. */
static struct page *
read_in(struct page_cache *c, uint64_t index, int *error)
{
	struct page *pages[PAGES_AT_ONCE];
	unsigned n, window = read_window(c, index);
	int ignored;

	pages[0] = add_locked(c, index, error);
	if (!pages[0])
		return NULL;
	for (n = 1; n < window; n++) {
		pages[n] = add_locked(c, index + n, &ignored);
		if (!pages[n])
			break;
	}
	*error = read_ahead(c, pages, n);
	c->next_read = index + n;
	read_done(c, pages[0], *error, false);
	if (*error == 0)
		return pages[0];
	page_unref(pages[0]);
	return NULL;
}

/* A page of a file that is nothing but its pages (tmpfs): a hole reads zero.
 * There is no one to read it from, so it need not be locked first. */
static struct page *
make_zero(struct page_cache *c, uint64_t index, int *error)
{
	struct page *page = page_alloc(0, PAGE_CACHE, ALLOC_ZERO);

	*error = -ENOMEM;
	if (!page)
		return NULL;
	*error = page_cache_add(c, page, index, false);
	if (*error == 0)
		return page;
	page_unref(page);
	return NULL;
}

/* Until it is there, or this or another thread has failed to read it. A page
 * that is neither was left by a read-ahead that failed: look again. */
static struct page *
get_slowly(struct page_cache *c, uint64_t index, int *error)
{
	struct page *page;
	bool failed;

	for (;;) {
		page = page_cache_find(c, index);
		if (!page) {
			page = c->quota ? make_zero(c, index, error)
					: read_in(c, index, error);
			if (!page && *error == -EEXIST)
				continue;
			return page;
		}
		page_wait(page, PG_LOCKED);
		if (page_test(page, PG_UPTODATE))
			return page;
		failed = page_test(page, PG_ERROR);
		page_unref(page);
		if (failed) {
			*error = -EIO;
			return NULL;
		}
	}
}

/* The mark of use is only written if it is not there: that is an atomic
 * instruction less for most reads. */
struct page *
page_cache_get(struct page_cache *c, uint64_t index, int *error)
{
	struct page *page = page_cache_find(c, index);
	unsigned flags;

	if (page) {
		flags = atomic_load_explicit(&page->flags,
					     memory_order_acquire);
		if (flags & PG_UPTODATE) {
			if (!(flags & PG_RECENT))
				page_set(page, PG_RECENT);
			return page;
		}
		page_unref(page);
	}
	return get_slowly(c, index, error);
}

/* Look for a hole without the lock, page by page: so others go on meanwhile,
 * and a large file without holes keeps no CPU for long. */
static uint64_t
find_hole(struct page_cache *c, uint64_t index)
{
	bool there;

	do {
		rcu_read_lock();
		there = tree_find(c, index);
		rcu_read_unlock();
		index += there;
	} while (there);
	return index;
}

uint64_t
page_cache_find_next(struct page_cache *c, uint64_t index, bool there)
{
	struct page *page;

	if (!there)
		return find_hole(c, index);
	spin_lock(&c->lock);
	page = tree_next(c, index);
	index = page ? page->index : UINT64_MAX;
	spin_unlock(&c->lock);
	return index;
}

/* ---- Changing ---- */

void
page_cache_dirty(struct page_cache *c, struct page *page)
{
	if (c->quota)
		return;
	/* The new contents must be visible before we find that write-back has
	 * not yet come by: else it could miss them. */
	atomic_thread_fence(memory_order_seq_cst);
	if (page_test(page, PG_DIRTY))
		return;
	spin_lock(&c->lock);
	/* Else a truncation, or another one, has been faster. */
	if (page->owner == c && !page_test(page, PG_DIRTY)) {
		if (!page_test(page, PG_WRITEBACK))
			lru_remove(page);
		set_dirty(c, page);
	}
	spin_unlock(&c->lock);
}

void
page_cache_zero_tail(struct page_cache *c, uint64_t size)
{
	unsigned offset = size % PAGE_SIZE;
	struct page *page;

	if (offset == 0)
		return;
	page = page_cache_peek(c, size / PAGE_SIZE);
	if (!page)
		return;
	memset((char *)page_address(page) + offset, 0, PAGE_SIZE - offset);
	page_cache_dirty(c, page);
	page_unref(page);
}

/* A page of which a part stays is changed, and not dropped: it may be dirty. */
void
page_cache_truncate(struct page_cache *c, uint64_t size)
{
	page_cache_zero_tail(c, size);
	page_cache_drop_range(c, DIV_ROUND_UP(size, PAGE_SIZE), UINT64_MAX);
}

/* ---- The cache of a file ---- */

struct page_cache *
page_cache_new(void *owner, const struct page_cache_ops *ops,
	       _Atomic uint64_t *size)
{
	static const struct page_cache_ops none;
	struct page_cache *c = knew_shared(struct page_cache);

	c->owner = owner;
	c->ops = ops ? ops : &none;
	c->size = size;
	spin_init(&c->lock, "page cache");
	list_init(&c->dirty);
	list_init(&c->writing);
	list_init(&c->mappings);
	spin_init(&c->mappings_lock, "file mappings");
	return c;
}

void
page_cache_drop(struct page_cache *c)
{
	page_cache_drop_range(c, 0, UINT64_MAX);
}

static void
cache_free(struct rcu_head *head)
{
	kfree(container_of(head, struct page_cache, rcu));
}

/* After a grace period: reclaim, and look-ups of who reads the owner's pointer
 * in an RCU section, may have it in hand. */
void
page_cache_destroy(struct page_cache *c)
{
	page_cache_drop_range(c, 0, UINT64_MAX);
	rcu_defer(&c->rcu, cache_free);
}

/* In this order: a page that is taken for write-back meanwhile is seen as the
 * one or the other (take_batch). */
bool
page_cache_has_dirty(const struct page_cache *c)
{
	return c &&
	       (c->ndirty || atomic_load(&c->ended) != atomic_load(&c->begun));
}

bool
page_cache_has_pages(const struct page_cache *c)
{
	return c && c->root != 0;
}

void
page_cache_init(void)
{
	unsigned i;

	for (i = 0; i < WAIT_BUCKETS; i++) {
		spin_init(&wait_buckets[i].lock, "page wait");
		waitq_init(&wait_buckets[i].wq, "page wait queue");
	}
}
