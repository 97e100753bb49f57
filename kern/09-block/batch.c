/*
 * Waiting for requests: for one, or for several that are started together. A
 * thread that has much to write says all of it before the disk begins: so
 * neighbours become one command, and the disk has its choice of the order.
 *
 * The requests are held in a list of the thread's own: one that goes to sleep
 * before it has started them delays nobody else's.
 */
#include "block_internal.h"

/* As many commands as a disk takes at once (AHCI has 32 slots): to hold more
 * back would leave the disk idle. */
#define HELD_MAX 32

void
block_batch_begin(struct block_batch *b, struct block_device *d)
{
	b->device = d;
	b->nheld = 0;
	b->running = 0;
	b->waiting = false;
	b->error = 0;
	list_init(&b->held);
	spin_init(&b->lock, "disk transfer");
	waitq_init(&b->ended, "disk transfer wait");
}

/*
 * The batch lies on the stack of a thread that goes on as soon as it has the
 * lock and sees that nothing runs: so wake it with the lock held, and touch
 * nothing after.
 */
static void
batch_done(struct block_request *r)
{
	struct block_batch *b = r->arg;
	uint64_t rflags = spin_lock_irqsave(&b->lock);

	if (r->error && !b->error)
		b->error = r->error;
	/* The count may reach 0 while more are to be added: only who waits
	 * cares. */
	if (--b->running == 0 && b->waiting)
		waitq_wake_one(&b->ended);
	spin_unlock_irqrestore(&b->lock, rflags);
}

/* Make @p r one of those that are waited for, before it can end. The lock is
 * for those that are in flight already, and end meanwhile. @return 0, or its
 * error */
static int
prepare(struct block_batch *b, struct block_request *r)
{
	int error = block_prepare(b->device, r);
	uint64_t rflags = spin_lock_irqsave(&b->lock);

	r->done = batch_done;
	r->arg = b;
	r->error = error;
	if (!error)
		b->running++;
	else if (!b->error)
		b->error = error;
	spin_unlock_irqrestore(&b->lock, rflags);
	return error;
}

/* Not to be interrupted: the disk reads and writes memory of the requests, and
 * their links are in the driver's lists. That it ends is the driver's promise,
 * which gives up a disk that is silent (DEV1). */
static int
wait(struct block_batch *b)
{
	uint64_t rflags = spin_lock_irqsave(&b->lock);
	int error;

	while (b->running > 0) {
		b->waiting = true;
		waitq_wait_irq(&b->ended, &b->lock, &rflags,
			       WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	}
	error = b->error;
	b->error = 0;
	spin_unlock_irqrestore(&b->lock, rflags);
	return error;
}

/* To hold requests back is good for merging alone: for a disk that does not
 * merge it would only delay them. */
void
block_batch_add(struct block_batch *b, struct block_request *r)
{
	if (prepare(b, r) != 0)
		return;
	if (!r->device->merges) {
		r->device->submit(r->device, r);
		return;
	}
	if (block_merge(&b->held, r))
		return;
	list_add_tail(&r->link, &b->held);
	if (++b->nheld == HELD_MAX)
		block_batch_start(b);
}

/* From the list before it is submitted: the link is the driver's then, and the
 * request may have ended when submit returns. */
void
block_batch_start(struct block_batch *b)
{
	struct block_request *r;

	while ((r = list_first(&b->held, struct block_request, link))) {
		list_del(&r->link);
		r->device->submit(r->device, r);
	}
	b->nheld = 0;
}

int
block_batch_wait(struct block_batch *b)
{
	lockcheck_may_sleep("block_batch_wait");
	block_batch_start(b);
	return wait(b);
}

/* ---- One request ---- */

/* A batch of one, which nobody else has seen before it is submitted: so it is
 * counted without the lock. */
int
block_run(struct block_device *d, struct block_request *r)
{
	struct block_batch b;
	int error = block_prepare(d, r);

	lockcheck_may_sleep("block_run");
	if (error)
		return error;
	block_batch_begin(&b, d);
	b.running = 1;
	r->done = batch_done;
	r->arg = &b;
	r->device->submit(r->device, r);
	return wait(&b);
}

int
block_run_through(struct block_device *d, struct block_request *r)
{
	bool forces = d->disk ? d->disk->forces : d->forces;
	struct block_batch b;
	int error;

	block_batch_begin(&b, d);
	if (prepare(&b, r) == 0) {
		r->through = forces; /* which prepare has cleared */
		r->device->submit(r->device, r);
	}
	error = block_batch_wait(&b);
	return error || forces ? error : block_flush(d);
}

/* Fill @p r with as much of @p len bytes at @p pa as it takes, cut at the ends
 * of pages. As the memory is aligned to a sector, so are the cuts. @return how
 * many bytes that is */
static size_t
add_segments(struct block_request *r, paddr_t pa, size_t len)
{
	size_t done = 0;

	for (r->nsegments = 0;
	     done < len && r->nsegments < BLOCK_REQUEST_PAGES_MAX;
	     r->nsegments++) {
		size_t n = MIN(len - done,
			       PAGE_SIZE - (size_t)((pa + done) % PAGE_SIZE));

		r->segments[r->nsegments] =
			(struct block_segment){ pa + done, n };
		done += n;
	}
	return done;
}

int
block_transfer(struct block_device *d, enum block_op op, uint64_t sector,
	       void *buf, size_t len)
{
	struct block_segment segments[BLOCK_REQUEST_PAGES_MAX];
	struct block_request r;
	paddr_t pa = kernel_phys(buf);
	int error = 0;

	ASSERT(len % SECTOR_SIZE == 0 && pa % SECTOR_SIZE == 0);
	r.op = op;
	r.segments = segments;
	while (len > 0 && error == 0) {
		size_t n = add_segments(&r, pa, len);

		r.sector = sector;
		error = block_run(d, &r);
		sector += n / SECTOR_SIZE;
		pa += n;
		len -= n;
	}
	return error;
}

/* A disk without a cache has nothing to do: its driver ends the request. */
int
block_flush(struct block_device *d)
{
	struct block_request r;

	r.op = BLOCK_FLUSH;
	r.sector = 0;
	r.nsegments = 0;
	r.segments = NULL;
	return block_run(d, &r);
}
