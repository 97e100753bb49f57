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
	atomic_fetch_add(&c->nwriteback, 1);
	page_ref(page);
	return true;
}

/* The oldest dirty page that is not being written. The lock is held. */
/* Those that are being written have been dirtied since, and are passed over. */
static struct page *
first_to_write(struct page_cache *c)
{
	struct page *page;

	list_for_each (page, &c->dirty, lru) {
		if (!page_test(page, PG_WRITEBACK))
			return page;
	}
	return NULL;
}

/* Dirty pages to write at once: consecutive, each now under write-back and
 * referenced. @return how many */
static unsigned
take_batch(struct page_cache *c, struct page **pages)
{
	unsigned n = 0, max = c->ops->write_pages ? PAGES_AT_ONCE : 1;

	spin_lock(&c->lock);
	pages[0] = first_to_write(c);
	while (take(c, pages[n])) {
		if (++n == max)
			break;
		pages[n] = tree_find(c, pages[0]->index + n);
	}
	spin_unlock(&c->lock);
	return n;
}

/*
 * The pages are marked clean: first have the next write to them through a
 * mapping be noticed (CACHE4), then write them. What is stored between the two
 * marks is in what is written; what comes later makes the page dirty again.
 */
static int
write_batch(struct page_cache *c, struct page **pages, unsigned n)
{
	if (cache_ops.clean_pages)
		cache_ops.clean_pages(c, pages[0]->index, pages[n - 1]->index);
	if (n > 1)
		return c->ops->write_pages(c->owner, pages, n);
	return c->ops->write_page(c->owner, pages[0]);
}

/* A page that could not be written is clean all the same, or memory would fill
 * with them; the next fsync reports it. */
static void
batch_done(struct page_cache *c, struct page **pages, unsigned n, int error)
{
	bool last;
	unsigned i;

	spin_lock(&c->lock);
	if (error)
		c->error = error;
	/* Flag and list change together: whoever makes it dirty from now on
	 * takes it from the list of the clean. */
	for (i = 0; i < n; i++) {
		page_unset(pages[i], PG_WRITEBACK);
		if (!page_test(pages[i], PG_DIRTY))
			lru_add(pages[i]);
	}
	last = atomic_fetch_sub(&c->nwriteback, n) == n;
	spin_unlock(&c->lock);
	for (i = 0; i < n; i++) {
		page_wake(pages[i]);
		page_unref(pages[i]);
	}
	if (last)
		page_cache_wake_written(c);
}

/* Write up to @p max dirty pages back; @p wait: until all of the file's are
 * written, by whomever. Where fewer than @p max were to be had, the rest were
 * under write-back and dirty again: after the wait it is their turn. What the
 * owner has passed over it makes room for, and then the count begins anew. */
static void
write_pages(struct page_cache *c, uint64_t max, bool wait)
{
	struct page *pages[PAGES_AT_ONCE];
	uint64_t done = 0;
	unsigned n;

	for (;;) {
		while (done < max && (n = take_batch(c, pages)) > 0) {
			batch_done(c, pages, n, write_batch(c, pages, n));
			done += n;
		}
		if (!wait)
			return;
		page_cache_wait_written(c);
		if (c->ops->make_room && c->ops->make_room(c->owner))
			done = 0;
		else if (done >= max || c->ndirty == 0)
			return;
	}
}

/* Oldest first: as many as are dirty now covers all that are; what others make
 * dirty meanwhile need not be waited for, or a steady writer would keep an
 * fsync for ever. The error is read after the wait: it may be of a page that
 * another thread was writing. */
static int
write_all(struct page_cache *c, bool forget)
{
	int error;

	write_pages(c, c->ndirty, true);
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
			write_pages(c, BALANCE_PAGES, false);
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
