/*
 * The block layer: disks and their partitions by number and by name, requests
 * checked before they reach a driver, and merged with their neighbours. A
 * driver sees only requests that lie on its disk and whose memory is
 * well-formed (BLOCK2). Waiting for requests is batch.c's.
 */
#include "block_internal.h"
#include "string.h"

/* They are the last ones: who writes a row of blocks finds its neighbour there.
 * A longer look would be made with the driver's lock held, interrupts off. */
#define MERGE_LOOKS                                                            \
	8 /* requests of a queue that are compared with a new one              \
	   */

/* Guards the list and the links in it. Look-ups are rare (an open, a mount,
 * /proc), so nobody has tried to do without it. */
static struct spinlock disks_lock = SPINLOCK("disks");
/* Never gets shorter, so what was found in it can be used without the lock. A
 * disk's partitions come behind it. */
static struct list disks = LIST_INIT(disks);
static unsigned ndisks;

/* ---- Disks and partitions ---- */

/* "sda" to "sdz", then "sdaa" and so on, as on Linux: there is no "0" among
 * these digits, hence the -1. */
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

void
block_register_partition(struct block_device *p)
{
	uint64_t rflags = spin_lock_irqsave(&disks_lock);
	struct block_device *after = p->disk, *d;

	/* Or requests within it would be sent past the disk's end: they are
	 * checked against the partition alone. */
	ASSERT(p->start + p->sectors <= p->disk->sectors);
	list_for_each (d, &disks, link)
		if (d->disk == p->disk)
			after = d;
	list_add(&p->link, &after->link);
	spin_unlock_irqrestore(&disks_lock, rflags);
}

struct block_device *
block_get(unsigned index)
{
	struct block_device *d, *found = NULL;
	uint64_t rflags = spin_lock_irqsave(&disks_lock);

	list_for_each (d, &disks, link)
		if (!d->disk && d->index == index)
			found = d;
	spin_unlock_irqrestore(&disks_lock, rflags);
	return found;
}

struct block_device *
block_partition(struct block_device *disk, unsigned number)
{
	struct block_device *d, *found = number ? NULL : disk;
	uint64_t rflags = spin_lock_irqsave(&disks_lock);

	list_for_each (d, &disks, link)
		if (number && d->disk == disk && d->partition == number)
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

struct block_device *
block_nth(unsigned n)
{
	struct block_device *d, *found = NULL;
	uint64_t rflags = spin_lock_irqsave(&disks_lock);

	list_for_each (d, &disks, link)
		if (n-- == 0)
			found = d;
	spin_unlock_irqrestore(&disks_lock, rflags);
	return found;
}

/* Two partitions of a disk have nothing in common (BLOCK3). */
bool
block_overlap(const struct block_device *a, const struct block_device *b)
{
	return a == b || a->disk == b || b->disk == a;
}

/* ---- Requests ---- */

/* Length in sectors. What is not well-formed is an error of the kernel, for no
 * submitter takes segments from a user: so it is not an error of the request.
 * The sum cannot overflow, by the bounds on the number and on each. */
static uint32_t
request_sectors(const struct block_request *r)
{
	uint32_t bytes = 0;
	unsigned i;

	INVARIANT(BLOCK2, r->nsegments <= BLOCK_REQUEST_PAGES_MAX);
	for (i = 0; i < r->nsegments; i++) {
		const struct block_segment *s = &r->segments[i];

		INVARIANT(BLOCK2, s->len > 0 && s->len % SECTOR_SIZE == 0);
		INVARIANT(BLOCK2, s->pa % PAGE_SIZE + s->len <= PAGE_SIZE);
		bytes += s->len;
	}
	return bytes / SECTOR_SIZE;
}

/* Not a lock's business: submitters of a disk have none in common, and nobody
 * reads the numbers but /proc. */
static void
count(struct block_stats *s, const struct block_request *r)
{
	__atomic_fetch_add(&s->requests[r->op], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->sectors[r->op], r->nsectors, __ATOMIC_RELAXED);
}

int
block_prepare(struct block_device *d, struct block_request *r)
{
	r->nsectors = request_sectors(r);
	INVARIANT(BLOCK2, (r->op == BLOCK_FLUSH) == (r->nsectors == 0));
	/* By a difference, since the sector may be anything: a file system
	 * takes it from a disk that is not believed. */
	if (r->op != BLOCK_FLUSH &&
	    (r->sector >= d->sectors || r->nsectors > d->sectors - r->sector))
		return -EIO;
	if (r->op == BLOCK_WRITE && d->read_only)
		return -EIO;
	count(&d->stats, r);
	if (r->op == BLOCK_READ)
		current()->usage.sectors_read += r->nsectors;
	r->offset = 0;
	if (d->disk) {
		r->offset = d->start;
		r->sector += d->start;
		d = d->disk;
		count(&d->stats, r);
	}
	r->device = d;
	r->through = false;
	r->next = NULL;
	r->last = r;
	r->total_segments = r->nsegments;
	return 0;
}

int
block_submit(struct block_device *d, struct block_request *r)
{
	int error = block_prepare(d, r);

	if (!error)
		r->device->submit(r->device, r);
	return error;
}

/* The next one is looked up before done, which may free the request. The
 * device is taken away so that a driver that ends one twice is found out. */
void
block_finish(struct block_request *r, int error)
{
	struct block_request *next;

	for (; r; r = next) {
		struct block_device *d = r->device;

		INVARIANT(BLOCK1, d != NULL);
		if (error)
			__atomic_fetch_add(&d->stats.errors, 1,
					   __ATOMIC_RELAXED);
		next = r->next;
		r->device = NULL;
		r->sector -= r->offset;
		r->error = error;
		r->done(r);
	}
}

/* ---- Merging ---- */

/* Put @p b, which begins where @p a ends, behind it. */
static void
join(struct block_request *a, struct block_request *b)
{
	a->last->next = b;
	a->last = b->last;
	a->nsectors += b->nsectors;
	a->total_segments += b->total_segments;
}

/* What is forced stays alone: a command is forced as a whole, and its
 * neighbours would pay for it. */
static bool
can_join(const struct block_request *a, const struct block_request *b)
{
	return a->op == b->op && a->device == b->device && !a->through &&
	       !b->through &&
	       a->total_segments + b->total_segments <= BLOCK_REQUEST_PAGES_MAX;
}

/* A request that comes before @p q takes its place in the queue: q->link is
 * free from then on, and q is reached by next alone. Only one neighbour is
 * looked for: one that fills the gap between two leaves these two apart. */
bool
block_merge(struct list *queue, struct block_request *r)
{
	unsigned looks = MERGE_LOOKS;
	struct list *at;

	if (r->op == BLOCK_FLUSH || r->through)
		return false;
	for (at = queue->prev; at != queue && looks-- > 0; at = at->prev) {
		struct block_request *q =
			container_of(at, struct block_request, link);

		if (!can_join(q, r))
			continue;
		if (q->sector + q->nsectors == r->sector) {
			join(q, r);
		} else if (r->sector + r->nsectors == q->sector) {
			list_add(&r->link, &q->link);
			list_del(&q->link);
			join(r, q);
		} else {
			continue;
		}
		__atomic_fetch_add(&r->device->stats.merged[r->op], 1,
				   __ATOMIC_RELAXED);
		return true;
	}
	return false;
}

/* The sums are those of the first alone again. What was counted as merged
 * stays so: it had no command of its own the first time. */
void
block_unmerge(struct block_request *r, struct list *queue)
{
	struct block_request *next;

	for (; r; r = next) {
		next = r->next;
		r->next = NULL;
		r->last = r;
		r->nsectors = request_sectors(r);
		r->total_segments = r->nsegments;
		list_add_tail(&r->link, queue);
	}
}
