/*
 * The block layer: disks by number and by name, requests checked before they
 * reach a driver, and transfers that wait. A driver sees only requests that
 * lie on its disk and whose memory is well-formed (DEV3).
 */
#include "dev.h"
#include "string.h"

static struct spinlock disks_lock = SPINLOCK("disks");
static struct list disks = LIST_INIT(disks); /* never gets shorter */
static unsigned ndisks;

/* "sda" to "sdz", then "sdaa" and so on. */
static void
disk_name(char *name, unsigned index)
{
	*name++ = 's';
	*name++ = 'd';
	if (index >= 26)
		*name++ = 'a' + (index / 26 - 1) % 26;
	*name++ = 'a' + index % 26;
	*name = '\0';
}

void
block_register(struct block_device *d)
{
	uint64_t rflags = spin_lock_irqsave(&disks_lock);

	d->index = ndisks++;
	disk_name(d->name, d->index);
	list_add_tail(&d->link, &disks);
	spin_unlock_irqrestore(&disks_lock, rflags);
	kprintf("block: %s is a disk of %lu MiB\n", d->name,
		d->sectors / (1048576 / SECTOR_SIZE));
}

struct block_device *
block_get(unsigned index)
{
	struct block_device *d, *found = NULL;
	uint64_t rflags = spin_lock_irqsave(&disks_lock);

	list_for_each (d, &disks, link)
		if (d->index == index)
			found = d;
	spin_unlock_irqrestore(&disks_lock, rflags);
	return found;
}

struct block_device *
block_find(const char *name)
{
	struct block_device *d, *found = NULL;
	uint64_t rflags = spin_lock_irqsave(&disks_lock);

	list_for_each (d, &disks, link)
		if (strcmp(d->name, name) == 0)
			found = d;
	spin_unlock_irqrestore(&disks_lock, rflags);
	return found;
}

/* ---- Requests ---- */

/* Length in sectors; what is not well-formed is the submitter's error. */
static uint32_t
request_sectors(const struct block_request *r)
{
	uint32_t bytes = 0;
	unsigned i;

	INVARIANT(DEV3, r->nsegments <= BLOCK_REQUEST_PAGES_MAX);
	for (i = 0; i < r->nsegments; i++) {
		const struct block_segment *s = &r->segments[i];

		INVARIANT(DEV3, s->len > 0 && s->len % SECTOR_SIZE == 0);
		INVARIANT(DEV3, s->pa % PAGE_SIZE + s->len <= PAGE_SIZE);
		bytes += s->len;
	}
	return bytes / SECTOR_SIZE;
}

static void
count(uint64_t *requests, uint64_t *sectors, uint32_t n)
{
	__atomic_fetch_add(requests, 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(sectors, n, __ATOMIC_RELAXED);
}

int
block_submit(struct block_device *d, struct block_request *r)
{
	r->nsectors = request_sectors(r);
	r->device = d;
	r->error = 0;
	INVARIANT(DEV3, (r->op == BLOCK_FLUSH) == (r->nsectors == 0));
	if (r->op != BLOCK_FLUSH &&
	    (r->sector >= d->sectors || r->nsectors > d->sectors - r->sector))
		return -EIO;
	if (r->op == BLOCK_WRITE && d->read_only)
		return -EIO;
	if (r->op == BLOCK_READ)
		count(&d->reads, &d->read_sectors, r->nsectors);
	else if (r->op == BLOCK_WRITE)
		count(&d->writes, &d->write_sectors, r->nsectors);
	d->submit(d, r);
	return 0;
}

void
block_finish(struct block_request *r, int error)
{
	INVARIANT(DEV2, r->device != NULL);
	r->device = NULL;
	r->error = error;
	r->done(r);
}

/* ---- Waiting for a request ---- */

struct waiter {
	struct spinlock lock;
	struct waitq wq;
	bool done; /* under lock */
};

/*
 * The waiter lies on the stack of a thread that goes on as soon as it has the
 * lock and sees done: so wake it with the lock held, and touch nothing after.
 */
static void
waiter_done(struct block_request *r)
{
	struct waiter *w = r->arg;
	uint64_t rflags = spin_lock_irqsave(&w->lock);

	w->done = true;
	waitq_wake_one(&w->wq);
	spin_unlock_irqrestore(&w->lock, rflags);
}

int
block_run(struct block_device *d, struct block_request *r)
{
	struct waiter w = { .done = false };
	uint64_t rflags;
	int error;

	lockcheck_may_sleep("block_run");
	spin_init(&w.lock, "disk transfer");
	waitq_init(&w.wq, "disk transfer wait");
	r->arg = &w;
	r->done = waiter_done;
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

/* Fill @p r with as much of @p len bytes at @p pa as it takes. */
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
	struct block_request r;
	paddr_t pa = kernel_phys(buf);
	int error = 0;

	ASSERT(len % SECTOR_SIZE == 0 && pa % SECTOR_SIZE == 0);
	while (len > 0 && error == 0) {
		size_t n;

		r.op = op;
		r.sector = sector;
		n = add_segments(&r, pa, len);
		error = block_run(d, &r);
		sector += n / SECTOR_SIZE;
		pa += n;
		len -= n;
	}
	return error;
}

int
block_flush(struct block_device *d)
{
	struct block_request r;

	r.op = BLOCK_FLUSH;
	r.sector = 0;
	r.nsegments = 0;
	return block_run(d, &r);
}
