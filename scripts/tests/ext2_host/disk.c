/*
 * Stand-ins for the disk, which is in memory and keeps a record of what it is
 * told, and for the buffer cache.
 */
#include "shim.h"
#include "string.h"

struct block_device shim_disk = { .name = "sda" };
uint8_t *shim_image;
unsigned shim_fail_after, shim_reads, shim_reads_max = 1000000;
int shim_fail_error;
struct shim_record *shim_record;
unsigned shim_slow;

/** Whether the call fails that was chosen to. */
bool
shim_fails(int *error)
{
	if (shim_fail_after == 0 || --shim_fail_after > 0)
		return false;
	*error = shim_fail_error;
	return true;
}

/* ---- The disk ---- */

/** Note what the disk was told. */
static void
record(enum shim_told what, uint64_t number, const void *data, size_t len)
{
	struct shim_record *r = shim_record;
	struct shim_event *e;

	if (!r)
		return;
	if (r->n == r->room) {
		r->room = 2 * r->room + 64;
		r->events = host_grow(r->events, r->room * sizeof(*e));
	}
	e = &r->events[r->n++];
	*e = (struct shim_event){ what, number, len, NULL };
	if (len) {
		e->data = host_alloc(len);
		memcpy(e->data, data, len);
	}
}

void
shim_record_mark(uint64_t number)
{
	record(SHIM_MARK, number, NULL, 0);
}

void
shim_record_free(struct shim_record *r)
{
	while (r->n)
		host_free(r->events[--r->n].data);
	host_free(r->events);
	*r = (struct shim_record){ 0 };
}

static int
disk_transfer(enum block_op op, uint64_t sector, void *data, size_t len,
	      enum shim_told what)
{
	uint8_t *at = shim_image + sector * SECTOR_SIZE;

	shim_may_sleep();
	if (sector > shim_disk.sectors ||
	    len / SECTOR_SIZE > shim_disk.sectors - sector)
		host_fail("a transfer past the end of the disk");
	if (op == BLOCK_WRITE && shim_disk.read_only)
		host_fail("a write to a read-only disk");
	if (op == BLOCK_READ && ++shim_reads > shim_reads_max)
		host_fail("endless reading");
	if (op == BLOCK_READ)
		memcpy(data, at, len);
	else
		memcpy(at, data, len);
	shim_progress();
	if (op == BLOCK_WRITE)
		record(what, sector, data, len);
	return 0;
}

static int
run(struct block_request *r, enum shim_told what)
{
	uint64_t sector = r->sector;
	unsigned i;

	shim_may_switch();
	if (r->nsegments == 0 || r->nsegments > BLOCK_REQUEST_PAGES_MAX)
		host_fail("a request of a wrong number of segments");
	for (i = 0; i < r->nsegments; i++) {
		struct block_segment *s = &r->segments[i];

		if (s->len % SECTOR_SIZE || s->len == 0 ||
		    s->pa % PAGE_SIZE + s->len > PAGE_SIZE)
			host_fail("a segment that leaves its page");
		disk_transfer(r->op, sector, direct_map(s->pa), s->len, what);
		sector += s->len / SECTOR_SIZE;
	}
	return 0;
}

int
block_run(struct block_device *d, struct block_request *r)
{
	(void)d;
	return run(r, SHIM_WRITE);
}

int
block_run_through(struct block_device *d, struct block_request *r)
{
	(void)d;
	return run(r, SHIM_THROUGH);
}

void
block_batch_begin(struct block_batch *b, struct block_device *d)
{
	b->device = d;
	b->error = 0;
}

void
block_batch_add(struct block_batch *b, struct block_request *r)
{
	r->error = block_run(b->device, r);
	if (!b->error)
		b->error = r->error;
}

int
block_batch_wait(struct block_batch *b)
{
	int error = b->error;

	b->error = 0;
	return error;
}

int
block_transfer(struct block_device *d, enum block_op op, uint64_t sector,
	       void *buf, size_t len)
{
	(void)d;
	return disk_transfer(op, sector, buf, len, SHIM_WRITE);
}

int
block_flush(struct block_device *d)
{
	unsigned n = shim_preempt ? shim_random(shim_slow) : 0;

	(void)d;
	while (n--) /* it takes long */
		shim_may_switch();
	record(SHIM_FLUSH, 0, NULL, 0);
	return 0;
}

/* ---- Buffers: a clean one that nobody holds is gone at once ---- */

#define BUF_DIRTY  1u
#define BUF_CHAINS 1024

static struct buf *chains[BUF_CHAINS];

static struct buf **
chain_find(uint64_t block, uint32_t size)
{
	struct buf **at = &chains[block % BUF_CHAINS];

	while (*at && ((*at)->block != block || (*at)->size != size))
		at = &(*at)->hash_next;
	return at;
}

static void
buf_free(struct buf **at)
{
	struct buf *b = *at;

	*at = b->hash_next;
	host_free(b->data);
	host_free(b);
}

struct buf *
buf_get(struct block_device *d, uint64_t block, uint32_t size, int *error)
{
	struct buf **at = chain_find(block, size), *b = *at;

	shim_may_sleep();
	if (shim_fails(error))
		return NULL;
	if (!b) {
		b = host_alloc(sizeof(*b));
		b->device = d;
		b->block = block;
		b->size = size;
		b->data = host_alloc(size);
		memset(b->data, 0xa5, size);
		*at = b;
	}
	b->refs.n++;
	return b;
}

struct buf *
buf_read(struct block_device *d, uint64_t block, uint32_t size, int *error)
{
	bool had = *chain_find(block, size) != NULL;
	struct buf *b = buf_get(d, block, size, error);

	if (b && !had)
		disk_transfer(BLOCK_READ, block * (size / SECTOR_SIZE), b->data,
			      size, SHIM_WRITE);
	if (b)
		shim_may_switch();
	return b;
}

void
buf_put(struct buf *b)
{
	if (b->refs.n == 0)
		host_fail("buffer put twice");
	if (--b->refs.n == 0 && !(b->flags & BUF_DIRTY))
		buf_free(chain_find(b->block, b->size));
}

void
buf_dirty(struct buf *b)
{
	if (!b->lock.owner || b->refs.n == 0)
		host_fail("buffer changed without its lock");
	b->flags |= BUF_DIRTY;
}

void
buf_forget(struct block_device *d, uint64_t block, uint32_t size)
{
	struct buf **at = chain_find(block, size);

	(void)d;
	if (!*at)
		return;
	(*at)->flags = 0;
	if ((*at)->refs.n == 0)
		buf_free(at);
}

static void
write_dirty(struct buf *b)
{
	if (b->flags & BUF_DIRTY)
		disk_transfer(BLOCK_WRITE, b->block * (b->size / SECTOR_SIZE),
			      b->data, b->size, SHIM_WRITE);
	b->flags = 0;
}

void
buf_hold(struct buf *b)
{
	if (b->refs.n == 0)
		host_fail("a buffer held that nobody holds");
	b->refs.n++;
}

struct buf *
buf_find(struct block_device *d, uint64_t block, uint32_t size)
{
	struct buf *b = *chain_find(block, size);

	(void)d;
	if (b)
		b->refs.n++;
	return b;
}

void
buf_filled(struct buf *b)
{
	if (!b->lock.owner || b->refs.n == 0)
		host_fail("buffer changed without its lock");
}

int
buf_write(struct buf *b)
{
	return disk_transfer(BLOCK_WRITE, b->block * (b->size / SECTOR_SIZE),
			     b->data, b->size, SHIM_WRITE);
}

void
buf_write_start(struct buf *b, struct block_batch *batch)
{
	b->io.error = buf_write(b);
	if (!batch->error)
		batch->error = b->io.error;
}

void
buf_invalidate(struct block_device *d)
{
	(void)d; /* clean ones are gone */
}

/** Go over all buffers: write the dirty ones if @p write, forget them if not,
 * and free those that nobody holds. */
static void
buf_all(bool write)
{
	struct buf **at;
	unsigned i;

	for (i = 0; i < BUF_CHAINS; i++)
		for (at = &chains[i]; *at;) {
			if (write)
				write_dirty(*at);
			(*at)->flags = 0;
			if ((*at)->refs.n == 0)
				buf_free(at);
			else
				at = &(*at)->hash_next;
		}
}

int
buf_sync(struct block_device *d)
{
	(void)d;
	buf_all(true);
	return 0;
}

void
shim_check_buffers(void)
{
	unsigned i;

	for (i = 0; i < BUF_CHAINS; i++)
		if (chains[i])
			host_fail("a buffer is still referenced");
}
