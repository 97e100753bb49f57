/*
 * Stand-ins for the chapters below ext2: locks, heap, pages, disk, buffers and
 * vnodes. See shim.h.
 */
#include "abi/mount.h"
#include "format.h"
#include "journal_internal.h"
#include "shim.h"
#include "string.h"

#define NPAGES 32768 /* of the arena; every second one is out of bounds */

struct block_device shim_disk = { .name = "sda" };
uint8_t *shim_image;
struct mount shim_mount;
bool shim_verbose;
unsigned shim_messages, shim_fail_after, shim_reads, shim_reads_max = 1000000;
int shim_fail_error;
uint64_t shim_seed = 1;
struct cred shim_cred;
struct vfs_ops vfs_ops;

struct page *page_array;
uint64_t page_array_len = NPAGES;

static unsigned heap_objects, pages_used;

/* ---- Messages, time, chance ---- */

void
kprintf(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	shim_messages++;
	if (shim_verbose)
		host_message(text);
}

void
panic(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	host_fail(text);
}

int64_t
clock_realtime_ns(void)
{
	static int64_t now = 1700000000000000000;

	return now += 1000003;
}

uint64_t
clock_ns(void)
{
	return (uint64_t)clock_realtime_ns();
}

int
thread_sleep_until(uint64_t deadline, enum wait_how how)
{
	(void)deadline;
	(void)how;
	return 0;
}

uint32_t
shim_random(uint32_t below)
{
	shim_seed = shim_seed * 6364136223846793005 + 1442695040888963407;
	return (uint32_t)((shim_seed >> 33) % below);
}

uint64_t
random_seed(void)
{
	return shim_random(UINT32_MAX);
}

const struct cred *
current_cred(void)
{
	return &shim_cred;
}

/** Whether the call fails that was chosen to. */
static bool
fails(int *error)
{
	if (shim_fail_after == 0 || --shim_fail_after > 0)
		return false;
	*error = shim_fail_error;
	return true;
}

/* ---- The journal's thread: it runs while others wait ---- */

static void may_sleep(void);

static struct thread threads[2];
struct md_thread *md_current = &threads[0].md;

void
waitq_init(struct waitq *wq, const char *name)
{
	(void)name;
	list_init(&wq->waiters);
}

unsigned
waitq_wake_all(struct waitq *wq)
{
	(void)wq;
	return 0;
}

int
waitq_wait(struct waitq *wq, struct spinlock *lock, enum wait_how how,
	   uint64_t deadline)
{
	static unsigned idle;

	(void)wq;
	(void)how;
	(void)deadline;
	if (++idle > 1000000)
		host_fail("two threads wait for each other");
	spin_unlock(lock);
	may_sleep();
	md_current = &threads[!host_in_coroutine()].md;
	if (!host_switch())
		host_fail("waits for ever");
	md_current = &threads[host_in_coroutine()].md;
	spin_lock(lock);
	return 0;
}

struct thread *
kthread_run(const char *name, void (*entry)(void *arg), void *arg)
{
	(void)name;
	host_coroutine(entry, arg);
	return NULL;
}

/* ---- Locks: nothing may ever have to wait ---- */

static unsigned spins;

static void
may_sleep(void)
{
	if (spins)
		host_fail("sleeps holding a spinlock");
}

void
spin_init(struct spinlock *lock, const char *name)
{
	(void)name;
	lock->both = 0;
}

void
spin_lock(struct spinlock *lock)
{
	if (lock->both)
		host_fail("spinlock taken twice");
	lock->both = 1;
	spins++;
}

void
spin_unlock(struct spinlock *lock)
{
	if (!lock->both)
		host_fail("spinlock released twice");
	lock->both = 0;
	spins--;
}

void
mutex_init(struct mutex *m, const char *name)
{
	(void)name;
	m->owner = 0;
}

void
mutex_lock(struct mutex *m)
{
	may_sleep();
	if (m->owner)
		host_fail("mutex taken twice");
	m->owner = 1;
}

void
mutex_unlock(struct mutex *m)
{
	if (!m->owner)
		host_fail("mutex released twice");
	m->owner = 0;
}

/* The kernel's own fields are of no use here. */
#define STATE(l) (*(int *)(l))

void
rwlock_init(struct rwlock *l, const char *name)
{
	(void)name;
	STATE(l) = 0;
}

void
rwlock_read_lock(struct rwlock *l)
{
	may_sleep();
	if (STATE(l))
		host_fail("rwlock taken twice");
	STATE(l) = 1;
}

void
rwlock_read_unlock(struct rwlock *l)
{
	if (STATE(l) != 1)
		host_fail("rwlock not held for reading");
	STATE(l) = 0;
}

void
rwlock_write_lock(struct rwlock *l)
{
	may_sleep();
	if (STATE(l))
		host_fail("rwlock taken twice");
	STATE(l) = -1;
}

void
rwlock_write_unlock(struct rwlock *l)
{
	if (STATE(l) != -1)
		host_fail("rwlock not held for writing");
	STATE(l) = 0;
}

/* ---- Heap and pages ---- */

void *
kalloc(size_t size, const struct alloc_site *site)
{
	(void)site;
	if (size == 0 || size > KALLOC_MAX)
		host_fail("kalloc of a wrong size");
	heap_objects++;
	return host_alloc(size);
}

void
kfree(void *object)
{
	if (!object)
		return;
	heap_objects--;
	host_free(object);
}

static struct page *
page_take(uint64_t i, uint64_t n, unsigned order)
{
	page_array[i].refs = 1;
	page_array[i].order = (uint8_t)order;
	pages_used++;
	memset(page_address(&page_array[i]), 0x5a, n * PAGE_SIZE);
	return &page_array[i];
}

/* Single pages from the front, at even places; blocks from the back. */
struct page *
page_alloc(unsigned order, enum page_use use, unsigned flags)
{
	static uint64_t next;
	struct page *page = NULL;
	uint64_t i, n = 1ul << order, tries;

	(void)use;
	may_sleep();
	if (order == 0) {
		for (tries = 0; !page && tries < NPAGES / 4; tries++) {
			i = next;
			next = (next + 2) % (NPAGES / 2);
			if (!page_array[i].refs)
				page = page_take(i, 1, 0);
		}
	} else {
		for (i = NPAGES / 2; !page && i + n <= NPAGES; i += n)
			if (!page_array[i].refs)
				page = page_take(i, n, order);
	}
	if (!page)
		host_fail("the page arena is full");
	if (flags & ALLOC_ZERO)
		memset(page_address(page), 0, n * PAGE_SIZE);
	return page;
}

void
page_ref(struct page *page)
{
	page->refs++;
}

void
page_unref(struct page *page)
{
	if (page->refs == 0)
		host_fail("page freed twice");
	if (--page->refs == 0)
		pages_used--;
}

/* ---- The disk ---- */

static int
disk_transfer(enum block_op op, uint64_t sector, void *data, size_t len)
{
	uint8_t *at = shim_image + sector * SECTOR_SIZE;

	may_sleep();
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
	if (op == BLOCK_WRITE)
		host_record_write(sector, data, len);
	return 0;
}

int
block_run(struct block_device *d, struct block_request *r)
{
	uint64_t sector = r->sector;
	unsigned i;

	(void)d;
	if (r->nsegments == 0 || r->nsegments > BLOCK_REQUEST_PAGES_MAX)
		host_fail("a request of a wrong number of segments");
	for (i = 0; i < r->nsegments; i++) {
		struct block_segment *s = &r->segments[i];

		if (s->len % SECTOR_SIZE || s->len == 0 ||
		    s->pa % PAGE_SIZE + s->len > PAGE_SIZE)
			host_fail("a segment that leaves its page");
		disk_transfer(r->op, sector, direct_map(s->pa), s->len);
		sector += s->len / SECTOR_SIZE;
	}
	return 0;
}

int
block_transfer(struct block_device *d, enum block_op op, uint64_t sector,
	       void *buf, size_t len)
{
	(void)d;
	return disk_transfer(op, sector, buf, len);
}

int
block_flush(struct block_device *d)
{
	(void)d;
	host_record_flush();
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

	may_sleep();
	if (fails(error))
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
			      size);
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
			      b->data, b->size);
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
			     b->data, b->size);
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

/* ---- The page cache: a list ---- */

/* All pages, by index, by their lru: in the place of the list of dirty ones. */
static struct list *
pages_of(struct page_cache *c)
{
	return &c->dirty;
}

static struct page *
cache_find(struct page_cache *c, uint64_t index)
{
	struct page *page;

	list_for_each (page, pages_of(c), lru) {
		if (page->index == index)
			return page;
	}
	return NULL;
}

static void
cache_add(struct page_cache *c, struct page *page, uint64_t index)
{
	struct page *other;

	page->index = index;
	page->flags = PG_UPTODATE;
	list_for_each (other, pages_of(c), lru) {
		if (other->index > index)
			break;
	}
	list_add_tail(&page->lru, &other->lru);
	page_ref(page);
}

static struct page *
cache_read(struct page_cache *c, uint64_t index, int *error)
{
	struct page *pages[PAGES_AT_ONCE], *first;
	uint64_t end = ROUND_UP(*c->size, PAGE_SIZE) / PAGE_SIZE;
	unsigned n = 1, i, max = 1 + shim_random(PAGES_AT_ONCE);

	pages[0] = page_alloc(0, PAGE_CACHE, 0);
	pages[0]->index = index;
	for (; n < max && index + n < end && !cache_find(c, index + n); n++) {
		pages[n] = page_alloc(0, PAGE_CACHE, 0);
		pages[n]->index = index + n;
	}
	*error = n > 1 ? c->ops->read_pages(c->owner, pages, n)
		       : c->ops->read_page(c->owner, pages[0]);
	first = *error ? NULL : pages[0];
	for (i = 0; i < n; i++) {
		if (!*error)
			cache_add(c, pages[i], index + i);
		if (i > 0 || *error)
			page_unref(pages[i]);
	}
	return first;
}

struct page *
page_cache_get(struct page_cache *c, uint64_t index, int *error)
{
	struct page *page = cache_find(c, index);

	may_sleep();
	if (fails(error))
		return NULL;
	if (!page)
		return cache_read(c, index, error);
	page_ref(page);
	return page;
}

void
page_cache_dirty(struct page_cache *c, struct page *page)
{
	(void)c;
	page->flags |= PG_DIRTY;
}

void
page_cache_settle(struct page_cache *c)
{
	page_cache_sync(c);
}

int
page_cache_sync(struct page_cache *c)
{
	struct page *batch[PAGES_AT_ONCE], *page = NULL;
	unsigned n, i;
	int error = 0, e;

	for (;;) {
		n = 0;
		list_for_each (page, pages_of(c), lru) {
			if (!(page->flags & PG_DIRTY) ||
			    (n && page->index != batch[0]->index + n)) {
				if (n)
					break;
				continue;
			}
			batch[n++] = page;
			if (n == PAGES_AT_ONCE)
				break;
		}
		if (n == 0)
			return error;
		for (i = 0; i < n; i++)
			batch[i]->flags &= (uint16_t)~PG_DIRTY;
		e = n > 1 ? c->ops->write_pages(c->owner, batch, n)
			  : c->ops->write_page(c->owner, batch[0]);
		if (e)
			error = e;
	}
}

static void
cache_remove(struct page *page)
{
	list_del(&page->lru);
	page_unref(page);
}

/** Drop pages from index @p first on; all, or only the clean ones. */
static void
cache_drop(struct page_cache *c, uint64_t first, bool all)
{
	struct page *page, *next;

	list_for_each_safe (page, next, pages_of(c), lru) {
		if (page->index >= first && (all || !(page->flags & PG_DIRTY)))
			cache_remove(page);
	}
}

static void
zero_tail(struct page_cache *c, uint64_t size)
{
	struct page *page = cache_find(c, size / PAGE_SIZE);
	unsigned offset = size % PAGE_SIZE;

	if (offset == 0 || !page)
		return;
	memset((char *)page_address(page) + offset, 0, PAGE_SIZE - offset);
	page_cache_dirty(c, page);
}

void
page_cache_truncate(struct page_cache *c, uint64_t size)
{
	zero_tail(c, size);
	cache_drop(c, (size + PAGE_SIZE - 1) / PAGE_SIZE, true);
}

bool
page_cache_has_dirty(const struct page_cache *c)
{
	struct page *page;

	list_for_each (page, pages_of((struct page_cache *)c), lru)
		if (page->flags & PG_DIRTY)
			return true;
	return false;
}

static int
zero_part(struct vnode *v, uint64_t from, uint64_t to)
{
	struct page *page;
	int error = 0;

	if (from >= to)
		return 0;
	page = page_cache_get(v->cache, from / PAGE_SIZE, &error);
	if (!page)
		return error;
	memset((char *)page_address(page) + from % PAGE_SIZE, 0, to - from);
	page_cache_dirty(v->cache, page);
	page_unref(page);
	return 0;
}

int
vnode_drop_range(struct vnode *v, uint64_t from, uint64_t to)
{
	uint64_t first = ROUND_UP(from, PAGE_SIZE);
	uint64_t last = ROUND_DOWN(to, PAGE_SIZE);
	struct page *page, *next;
	int error = zero_part(v, from, MIN(to, first));

	if (!error && last >= first)
		error = zero_part(v, last, to);
	if (error)
		return error;
	list_for_each_safe (page, next, pages_of(v->cache), lru)
		if (page->index >= first / PAGE_SIZE &&
		    page->index < last / PAGE_SIZE)
			cache_remove(page);
	return 0;
}

/* ---- Reading and writing, in vfs's order of steps ---- */

int64_t
shim_read(struct vnode *v, void *buf, size_t len, uint64_t pos)
{
	size_t done = 0, n;
	struct page *page;
	int error = 0;

	if (pos >= v->size)
		return 0;
	len = MIN(len, v->size - pos);
	while (done < len) {
		n = MIN(len - done, PAGE_SIZE - (pos + done) % PAGE_SIZE);
		page = page_cache_get(v->cache, (pos + done) / PAGE_SIZE,
				      &error);
		if (!page)
			return error;
		memcpy((char *)buf + done,
		       (char *)page_address(page) + (pos + done) % PAGE_SIZE,
		       n);
		page_unref(page);
		done += n;
	}
	return (int64_t)done;
}

/** Write within one page; at most @p fault bytes can be copied. */
static int64_t
write_piece(struct vnode *v, const char *from, uint64_t at, size_t n,
	    size_t fault)
{
	struct page *page = cache_find(v->cache, at / PAGE_SIZE);
	uint64_t start = ROUND_DOWN(at, PAGE_SIZE);
	size_t offset = at % PAGE_SIZE, done = MIN(n, fault);
	int error = 0;

	if (page) {
		page_ref(page);
	} else if (start >= v->size || (done == n && n == PAGE_SIZE)) {
		if (done == 0)
			return 0;
		page = page_alloc(0, PAGE_CACHE, ALLOC_ZERO);
		cache_add(v->cache, page, at / PAGE_SIZE);
	} else {
		page = page_cache_get(v->cache, at / PAGE_SIZE, &error);
		if (!page)
			return error;
	}
	memcpy((char *)page_address(page) + offset, from, done);
	page_cache_dirty(v->cache, page);
	page_unref(page);
	return (int64_t)done;
}

static int64_t
write_windows(struct vnode *v, const void *buf, size_t len, uint64_t pos,
	      size_t fault)
{
	uint64_t at = pos, end = pos + len, window, n;
	int64_t done;
	int error;

	if (at > v->size)
		zero_tail(v->cache, v->size);
	while (at < end) {
		window = MIN(end, ROUND_DOWN(at, 65536) + 65536);
		error = v->cache->ops->prepare_write(v, at, window - at);
		if (error)
			return at > pos ? (int64_t)(at - pos) : error;
		while (at < window) {
			n = MIN(window - at, PAGE_SIZE - at % PAGE_SIZE);
			done = write_piece(v, (const char *)buf + (at - pos),
					   at, n, fault - (at - pos));
			if (done < 0)
				return at > pos ? (int64_t)(at - pos) : done;
			at += (uint64_t)done;
			if (done > 0 && at > v->size)
				v->size = at;
			v->dirty = true;
			if ((uint64_t)done < n)
				return (int64_t)(at - pos);
		}
	}
	return (int64_t)(at - pos);
}

int64_t
shim_write(struct vnode *v, const void *buf, size_t len, uint64_t pos,
	   size_t fault)
{
	int64_t n = write_windows(v, buf, len, pos, fault);

	if (n > 0)
		v->cache->ops->wrote(v);
	return n;
}

/* As vm does: a page that is not dirty is prepared first. It may be written
 * to past the end of file. */
int
shim_map_write(struct vnode *v, uint64_t pos, uint8_t value)
{
	uint64_t start = ROUND_DOWN(pos, PAGE_SIZE);
	struct page *page;
	int error = 0;

	if (start >= v->size)
		return -ENXIO;
	error = v->cache->ops->prepare_write(v, start,
					     MIN(PAGE_SIZE, v->size - start));
	if (error)
		return error;
	page = page_cache_get(v->cache, pos / PAGE_SIZE, &error);
	if (!page)
		return error;
	((uint8_t *)page_address(page))[pos % PAGE_SIZE] = value;
	page_cache_dirty(v->cache, page);
	page_unref(page);
	return 0;
}

int
shim_set_size(struct vnode *v, uint64_t size)
{
	struct vattr attr = { .valid = VATTR_SIZE | VATTR_MTIME | VATTR_CTIME,
			      .size = size };
	struct page *page;
	int error = 0;

	attr.mtime.tv_sec = attr.ctime.tv_sec = ext2_now();
	if (size < v->size) {
		if (size % PAGE_SIZE) {
			page = page_cache_get(v->cache, size / PAGE_SIZE,
					      &error);
			if (!page)
				return error;
			page_unref(page);
		}
		page_cache_truncate(v->cache, size);
	} else {
		zero_tail(v->cache, v->size);
	}
	return v->ops->setattr(v, &attr);
}

/* ---- Vnodes ---- */

static struct list vnodes = LIST_INIT(vnodes); /* struct vnode.clock_link */

struct vnode *
vnode_lookup(struct mount *m, uint64_t ino, bool *is_new)
{
	struct vnode *v;

	may_sleep();
	*is_new = false;
	list_for_each (v, &vnodes, clock_link) {
		if (v->ino == ino) {
			if (!v->ready)
				host_fail("a vnode waits for itself");
			return vnode_get(v);
		}
	}
	v = host_alloc(sizeof(*v));
	*is_new = true;
	v->ino = ino;
	v->mount = m;
	v->refs.n = 1;
	list_add(&v->clock_link, &vnodes);
	return v;
}

void
vnode_ready(struct vnode *v, enum vnode_type type, const struct vnode_ops *ops)
{
	v->type = type;
	v->ops = ops;
	v->ready = true;
	rwlock_init(&v->lock, "vnode");
	if (type == VT_REG) {
		v->cache = host_alloc(sizeof(*v->cache));
		v->cache->owner = v;
		v->cache->ops = ops->pages;
		v->cache->size = &v->size;
		list_init(pages_of(v->cache));
	}
}

static void
vnode_free(struct vnode *v)
{
	list_del(&v->clock_link);
	host_free(v);
}

void
vnode_abandon(struct vnode *v)
{
	if (v->private_data)
		host_fail("a vnode is abandoned with private data");
	vnode_free(v);
}

static void
take_down(struct vnode *v)
{
	if (v->cache) {
		if (v->nlink > 0)
			page_cache_sync(v->cache);
		cache_drop(v->cache, 0, true);
	}
	v->ops->inactive(v);
	if (v->private_data)
		host_fail("inactive leaves private data");
	if (v->cache && !list_empty(pages_of(v->cache)))
		host_fail("inactive has read pages");
	host_free(v->cache);
	vnode_free(v);
}

struct vnode *
vnode_get(struct vnode *v)
{
	v->refs.n++;
	return v;
}

void
vnode_put(struct vnode *v)
{
	if (v->refs.n == 0)
		host_fail("vnode put twice");
	if (--v->refs.n == 0 && v->nlink == 0)
		take_down(v);
}

void
vnode_touch(struct vnode *v, unsigned which)
{
	int64_t ns = clock_realtime_ns();
	struct timespec now = { ns / 1000000000, ns % 1000000000 };

	if (which & TOUCH_ATIME)
		v->atime = now;
	if (which & TOUCH_MTIME)
		v->mtime = now;
	if (which & TOUCH_CTIME)
		v->ctime = now;
	v->dirty = true;
}

void
vnode_set_attributes(struct vnode *v, const struct vattr *attr)
{
	if (attr->valid & VATTR_MODE)
		v->mode = (v->mode & S_IFMT) | (attr->mode & 07777);
	if (attr->valid & VATTR_UID)
		v->uid = attr->uid;
	if (attr->valid & VATTR_GID)
		v->gid = attr->gid;
	if (attr->valid & VATTR_ATIME)
		v->atime = attr->atime;
	if (attr->valid & VATTR_MTIME)
		v->mtime = attr->mtime;
	if (attr->valid & VATTR_CTIME)
		v->ctime = attr->ctime;
	v->dirty = true;
}

void
vnode_set_owner(struct vnode *v, const struct vnode *dir, uint32_t mode)
{
	(void)dir;
	v->mode = mode;
	v->uid = shim_cred.fsuid;
	v->gid = shim_cred.fsgid;
	vnode_touch(v, TOUCH_ATIME | TOUCH_MTIME | TOUCH_CTIME);
}

int
devfs_open_rdev(struct vnode *v, struct file *f)
{
	(void)v;
	(void)f;
	return -ENXIO;
}

/* ---- The mount ---- */

void
shim_init(void *image, size_t size)
{
	uint64_t i;

	shim_image = image;
	shim_disk.sectors = size / SECTOR_SIZE;
	crc32c_init();
	if (page_array)
		return;
	page_array = host_alloc(NPAGES * sizeof(*page_array));
	host_map(DIRECT_MAP_BASE, NPAGES * PAGE_SIZE);
	for (i = 1; i < NPAGES / 2; i += 2)
		host_poison(page_address(&page_array[i]), PAGE_SIZE);
}

char shim_options[64];

int
shim_mount_disk(unsigned flags)
{
	int error;

	memset(&shim_mount, 0, sizeof(shim_mount));
	shim_mount.device = &shim_disk;
	shim_mount.flags = flags;
	shim_reads = 0;
	error = ext2_mount(&shim_mount, shim_options);
	if (error)
		shim_unmount();
	return error;
}

/** Take down vnodes that nobody holds; after inactive a parent can be next. */
void
shim_evict(void)
{
	struct vnode *v;
	bool progress;

	do {
		progress = false;
		list_for_each (v, &vnodes, clock_link) {
			if (v->refs.n == 0) {
				take_down(v);
				progress = true;
				break;
			}
			if (v->cache)
				cache_drop(v->cache, 0, false);
		}
	} while (progress);
}

int
shim_sync(void)
{
	struct vnode *v;
	int error = 0;

	list_for_each (v, &vnodes, clock_link) {
		if (v->cache)
			error = MIN(error, page_cache_sync(v->cache));
		if (v->dirty)
			error = MIN(error, shim_mount.ops->write_inode(
						   &shim_mount, v));
	}
	return MIN(error, shim_mount.ops->sync(&shim_mount));
}

void
shim_unmount(void)
{
	if (shim_mount.root) {
		shim_sync();
		vnode_put(shim_mount.root);
	}
	shim_evict();
	if (shim_mount.ops)
		shim_mount.ops->unmount(&shim_mount);
	buf_sync(&shim_disk);
	shim_check_idle();
}

void
shim_power_off(void)
{
	static uint8_t *kept;

	kept = host_alloc(shim_disk.sectors * SECTOR_SIZE);
	memcpy(kept, shim_image, shim_disk.sectors * SECTOR_SIZE);
	shim_unmount();
	memcpy(shim_image, kept, shim_disk.sectors * SECTOR_SIZE);
	host_free(kept);
}

void
shim_check_idle(void)
{
	unsigned i;

	if (!list_empty(&vnodes))
		host_fail("a vnode is still referenced");
	for (i = 0; i < BUF_CHAINS; i++)
		if (chains[i])
			host_fail("a buffer is still referenced");
	if (heap_objects)
		host_fail("heap objects are left");
	if (pages_used)
		host_fail("pages are left");
	if (spins)
		host_fail("a spinlock is held");
}
