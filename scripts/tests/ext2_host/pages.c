/*
 * Stand-ins for the heap, pages, and the page cache; and reading and writing of
 * files in vfs's order of steps.
 */
#include "shim.h"
#include "string.h"

#define NPAGES 32768 /* of the arena; every second one is out of bounds */

struct page *page_array;
uint64_t page_array_len = NPAGES;
static unsigned heap_objects, pages_used;

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
	shim_may_sleep();
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

/* ---- The page cache: a list ---- */

/** What each thread writes back; meanwhile no page leaves the cache. */
static struct page_cache *writing[HOST_THREADS];

static void
wait_written(struct page_cache *c)
{
	unsigned i = 0;

	while (i < HOST_THREADS) {
		if (writing[i] == c) {
			shim_yield();
			i = 0;
		} else {
			i++;
		}
	}
}

static struct page *
cache_find(struct page_cache *c, uint64_t index)
{
	struct page *page;

	list_for_each (page, shim_pages_of(c), lru) {
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
	list_for_each (other, shim_pages_of(c), lru) {
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
	first = NULL;
	for (i = 0; i < n; i++) {
		if (!*error && !cache_find(c, index + i))
			cache_add(c, pages[i], index + i);
		page_unref(pages[i]);
	}
	if (!*error) {
		first = cache_find(c, index);
		page_ref(first);
	}
	return first;
}

struct page *
page_cache_get(struct page_cache *c, uint64_t index, int *error)
{
	struct page *page = cache_find(c, index);

	shim_may_sleep();
	if (shim_fails(error))
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
	shim_may_switch();
	page_cache_sync(c);
	shim_may_switch();
}

static int
write_back(struct page_cache *c)
{
	struct page *batch[PAGES_AT_ONCE], *page = NULL;
	unsigned n, i;
	int error = 0, e;

	for (;;) {
		n = 0;
		list_for_each (page, shim_pages_of(c), lru) {
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

int
page_cache_sync(struct page_cache *c)
{
	int error;

	wait_written(c);
	writing[host_running()] = c;
	error = write_back(c);
	writing[host_running()] = NULL;
	return error;
}

static void
cache_remove(struct page *page)
{
	list_del(&page->lru);
	page_unref(page);
}

void
shim_cache_drop(struct page_cache *c, uint64_t first, bool all)
{
	struct page *page, *next;

	wait_written(c);
	list_for_each_safe (page, next, shim_pages_of(c), lru) {
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
	shim_cache_drop(c, (size + PAGE_SIZE - 1) / PAGE_SIZE, true);
}

bool
page_cache_has_dirty(const struct page_cache *c)
{
	struct page *page;

	list_for_each (page, shim_pages_of((struct page_cache *)c), lru)
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
	wait_written(v->cache);
	list_for_each_safe (page, next, shim_pages_of(v->cache), lru)
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
		shim_may_switch();
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

	shim_may_switch();
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

void
shim_pages_init(void)
{
	uint64_t i;

	if (page_array)
		return;
	page_array = host_alloc(NPAGES * sizeof(*page_array));
	host_map(DIRECT_MAP_BASE, NPAGES * PAGE_SIZE);
	for (i = 1; i < NPAGES / 2; i += 2)
		host_poison(page_address(&page_array[i]), PAGE_SIZE);
}

void
shim_check_memory(void)
{
	if (heap_objects)
		host_fail("heap objects are left");
	if (pages_used)
		host_fail("pages are left");
}
