/*
 * Write-back: dirty pages reach the disk by fsync and sync, when a writer finds
 * too many of them, and every few seconds by the flush thread.
 *
 * Entry points: page_cache_sync, dirty_balance, flush_kick; the thread flush.
 */
#include "cache_internal.h"

#define FLUSH_INTERVAL_NS 5000000000ul /* Linux's default, too */
#define BALANCE_PAGES	  64 /* that a writer writes when it has to help */

/* ---- The pages of one file ---- */

/** Consecutive pages on their way to the disk, each under write-back and
 * referenced; on the stack of who writes them. */
struct batch {
	/* Guarded by the cache's lock. */
	struct list link; /* page_cache.writing */
	uint64_t number;  /* how many batches of the file began before it */

	struct page *pages[PAGES_AT_ONCE];
	unsigned n;
};

/* Mark a dirty page clean and under write-back, in one step for who holds the
 * lock, which is held. One that is being written already, and has been changed
 * since, stays: two writes of a page could end in either order. */
static bool
take(struct page_cache *c, struct page *page)
{
	if (!page || !page_test(page, PG_DIRTY) ||
	    page_test(page, PG_WRITEBACK))
		return false;
	list_del(&page->lru);
	page_unset(page, PG_DIRTY);
	page_set(page, PG_WRITEBACK);
	c->ndirty--;
	count_dirty(-1);
	page_ref(page);
	return true;
}

/* The oldest page, before @p end, that is dirty and not being written; or NULL.
 * Those that are being written have been dirtied since, and are passed over; so
 * are others' marks (write_marked). The lock is held. */
static struct page *
first_to_write(struct page_cache *c, const struct page *end)
{
	struct page *page;

	list_for_each (page, &c->dirty, lru) {
		if (page == end)
			break;
		if (!page_test(page, PG_WRITEBACK))
			return page;
	}
	return NULL;
}

/* Dirty pages to write at once: the oldest, and its neighbours, however old.
 * The batch is counted before its pages are no longer dirty: who looks at both
 * without the lock finds one of them (page_cache_has_dirty). @return whether
 * there were any */
static bool
take_batch(struct page_cache *c, struct batch *b, const struct page *end)
{
	unsigned max = c->ops->write_pages ? PAGES_AT_ONCE : 1;

	spin_lock(&c->lock);
	b->n = 0;
	b->pages[0] = first_to_write(c, end);
	if (b->pages[0]) {
		list_add_tail(&b->link, &c->writing);
		b->number = atomic_fetch_add(&c->begun, 1);
	}
	while (take(c, b->pages[b->n])) {
		if (++b->n == max)
			break;
		b->pages[b->n] = tree_find(c, b->pages[0]->index + b->n);
	}
	spin_unlock(&c->lock);
	return b->n > 0;
}

/*
 * The pages are marked clean: first have the next write to them through a
 * mapping be noticed (CACHE4), then write them. What is stored between the two
 * marks is in what is written; what comes later makes the page dirty again.
 */
static int
write_batch(struct page_cache *c, struct batch *b)
{
	struct page **pages = b->pages;

	if (cache_ops.clean_pages)
		cache_ops.clean_pages(c, pages[0]->index,
				      pages[b->n - 1]->index);
	if (b->n > 1)
		return c->ops->write_pages(c->owner, pages, b->n);
	return c->ops->write_page(c->owner, pages[0]);
}

/* The lock is held. The list is by number. */
static void
batch_end(struct page_cache *c, struct batch *b)
{
	struct batch *first;

	list_del(&b->link);
	first = list_first(&c->writing, struct batch, link);
	atomic_store(&c->ended, first ? first->number : c->begun);
}

/* A page that could not be written is clean all the same, or memory would fill
 * with them; the next fsync reports it. */
static void
batch_done(struct page_cache *c, struct batch *b, int error)
{
	unsigned i;

	spin_lock(&c->lock);
	if (error)
		c->error = error;
	/* Flag and list change together: whoever makes it dirty from now on
	 * takes it from the list of the clean. */
	for (i = 0; i < b->n; i++) {
		page_unset(b->pages[i], PG_WRITEBACK);
		if (!page_test(b->pages[i], PG_DIRTY))
			lru_add(b->pages[i]);
	}
	batch_end(c, b);
	spin_unlock(&c->lock);
	for (i = 0; i < b->n; i++) {
		page_wake(b->pages[i]);
		page_unref(b->pages[i]);
	}
	page_cache_wake_written(c);
}

/* Write dirty pages back, oldest first, until there are none before @p end, or
 * @p max are written. */
static void
write_pages(struct page_cache *c, const struct page *end, uint64_t max)
{
	struct batch b;
	uint64_t done;

	for (done = 0; done < max && take_batch(c, &b, end); done += b.n)
		batch_done(c, &b, write_batch(c, &b));
}

/* All that is dirty now stands before the mark, a page for the list alone; what
 * others make dirty meanwhile comes behind it, and need not be waited for, or a
 * steady writer would keep an fsync for ever. Twice: what is dirty and being
 * written now can be taken when that write has ended, and by then has been, by
 * whomever, or stands there still. */
static void
write_marked(struct page_cache *c)
{
	struct page mark = { .flags = PG_WRITEBACK };
	unsigned round;

	spin_lock(&c->lock);
	list_add_tail(&mark.lru, &c->dirty);
	spin_unlock(&c->lock);
	for (round = 0; round < 2; round++) {
		write_pages(c, &mark, UINT64_MAX);
		page_cache_wait_written(c);
	}
	spin_lock(&c->lock);
	list_del(&mark.lru);
	spin_unlock(&c->lock);
}

/* Counted before the batch ends, which whoever waits for all waits for. */
void
page_cache_pass_over(struct page_cache *c, struct page *page)
{
	page_cache_dirty(c, page);
	c->passed_over++;
}

/* What the owner has passed over, for whomever, is dirty anew: once there is
 * room for it, all begins again. The error is read after the wait: it may be of
 * a page that another thread was writing. */
static int
write_all(struct page_cache *c, bool forget)
{
	uint64_t passed_over;
	int error;

	do {
		passed_over = c->passed_over;
		write_marked(c);
	} while (c->passed_over != passed_over && c->ops->make_room(c->owner));
	spin_lock(&c->lock);
	error = c->error;
	if (forget)
		c->error = 0;
	spin_unlock(&c->lock);
	return error;
}

int
page_cache_settle(struct page_cache *c)
{
	return write_all(c, false);
}

int
page_cache_sync(struct page_cache *c)
{
	return write_all(c, true);
}

/* It waits for what it writes, and so becomes no faster than the disk. The
 * flush thread writes what is of other files. A file with a quota has nothing
 * to be written. */
void
dirty_balance(struct page_cache *c)
{
	if (dirty_too_many()) {
		flush_kick();
		if (!c->quota)
			write_pages(c, NULL, BALANCE_PAGES);
	}
}

/* ---- The flush thread ---- */

static struct spinlock flush_lock = SPINLOCK("flush");
static struct waitq flush_wq = WAITQ(flush_wq, "flush queue");
static bool kicked;

void
flush_kick(void)
{
	spin_lock(&flush_lock);
	if (!kicked) {
		kicked = true;
		waitq_wake_all(&flush_wq);
	}
	spin_unlock(&flush_lock);
}

/* The mark is taken back before the work: who kicks during it is heard after
 * it. The wait returns 0 for a wake-up, and ends the loop by its time-out. */
static void
flush_main(void *arg)
{
	(void)arg;
	for (;;) {
		spin_lock(&flush_lock);
		while (!kicked &&
		       waitq_wait(&flush_wq, &flush_lock, WAIT_UNINTERRUPTIBLE,
				  clock_ns() + FLUSH_INTERVAL_NS) == 0)
			;
		kicked = false;
		spin_unlock(&flush_lock);
		if (!cache_ops.flush)
			continue;
		heap_begin(HEAP_BOUND(flush_main));
		cache_ops.flush();
		heap_end();
	}
}

void
writeback_init(void)
{
	kthread_run("flush", flush_main, NULL);
}
