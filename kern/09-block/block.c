/*
 * The block layer: disks and their partitions by number and by name, requests
 * checked before they reach a driver, and merged with their neighbours. A
 * driver sees only requests that lie on its disk and whose memory is
 * well-formed (BLOCK2). Waiting for requests is batch.c's.
 */
#include "block_internal.h"
#include "string.h"

#define MERGE_LOOKS                                                            \
	8 /* requests of a queue that are compared with a new one              \
	   */

static struct spinlock disks_lock = SPINLOCK("disks");
/* Never gets shorter. A disk's partitions come behind it. */
static struct list disks = LIST_INIT(disks);
static unsigned ndisks;

/* ---- Disks and partitions ---- */

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

void
block_register_partition(struct block_device *p)
{
	uint64_t rflags = spin_lock_irqsave(&disks_lock);
	struct block_device *after = p->disk, *d;

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

bool
block_overlap(const struct block_device *a, const struct block_device *b)
{
	return a == b || a->disk == b || b->disk == a;
}

/* ---- Requests ---- */

/* Length in sectors; what is not well-formed is the submitter's error. */
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

static bool
can_join(const struct block_request *a, const struct block_request *b)
{
	return a->op == b->op && a->device == b->device && !a->through &&
	       !b->through &&
	       a->total_segments + b->total_segments <= BLOCK_REQUEST_PAGES_MAX;
}

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
