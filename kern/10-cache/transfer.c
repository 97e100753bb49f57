/*
 * Pages to and from a disk: one request for many pages, and waiting for it.
 */
#include "cache.h"

struct waiter {
	struct spinlock lock;
	struct waitq wq;
	bool done;
};

/* The waiter lies on a stack: it is not touched once its lock is released. */
static void
transfer_done(struct block_request *r)
{
	struct waiter *w = r->arg;
	uint64_t rflags = spin_lock_irqsave(&w->lock);

	w->done = true;
	waitq_wake_one(&w->wq);
	spin_unlock_irqrestore(&w->lock, rflags);
}

static int
wait_for(struct block_device *d, struct block_request *r)
{
	struct waiter w = { .done = false };
	uint64_t rflags;
	int error;

	spin_init(&w.lock, "page transfer");
	waitq_init(&w.wq, "page transfer wait");
	r->done = transfer_done;
	r->arg = &w;
	error = block_submit(d, r);
	if (error)
		return error;
	rflags = spin_lock_irqsave(&w.lock);
	while (!w.done)
		waitq_wait_irq(&w.wq, &w.lock, &rflags, WAIT_UNINTERRUPTIBLE,
			       WAIT_FOREVER);
	spin_unlock_irqrestore(&w.lock, rflags);
	return r->error;
}

int
block_transfer_pages(struct block_device *d, enum block_op op, uint64_t sector,
		     struct page **pages, unsigned n, uint64_t bytes)
{
	struct block_request r = { .op = op, .sector = sector, .nsegments = n };
	unsigned i;

	ASSERT(n <= BLOCK_REQUEST_PAGES_MAX && bytes > (n - 1) * PAGE_SIZE);
	for (i = 0; i < n; i++, bytes -= MIN(bytes, PAGE_SIZE)) {
		r.segments[i].pa = page_to_phys(pages[i]);
		r.segments[i].len = MIN(bytes, PAGE_SIZE);
	}
	return wait_for(d, &r);
}
