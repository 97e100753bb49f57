/*
 * Stand-ins for the heap, pages, and the page cache: a list. What reads and
 * writes through it is the kernel's (build).
 */
#include "cache_internal.h"
#include "shim.h"
#include "string.h"

#define NPAGES 32768 /* of the arena; every second one is out of bounds */
#define FAULT  ((void *)PAGE_SIZE) /* where the user has no memory */

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

/* The host's heap has no accounts, and is large enough for all. */
void
kcharge(void *object, uint16_t account)
{
	(void)object, (void)account;
}

int
heap_checkpoint(unsigned pages)
{
	(void)pages;
	return 0;
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

int
page_cache_add(struct page_cache *c, struct page *page, uint64_t index,
	       bool dirty)
{
	struct page *other;

	page->index = index;
	page->flags = PG_UPTODATE | (dirty ? PG_DIRTY : 0);
	list_for_each (other, shim_pages_of(c), lru) {
		if (other->index == index)
			return -EEXIST;
		if (other->index > index)
			break;
	}
	list_add_tail(&page->lru, &other->lru);
	page_ref(page);
	return 0;
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
		if (!*error)
			page_cache_add(c, pages[i], index + i, false);
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

struct page *
page_cache_peek(struct page_cache *c, uint64_t index)
{
	struct page *page = cache_find(c, index);

	if (page)
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
page_cache_pass_over(struct page_cache *c, struct page *page)
{
	page_cache_dirty(c, page);
}

int
page_cache_settle(struct page_cache *c)
{
	int error;

	shim_may_switch();
	error = page_cache_sync(c);
	shim_may_switch();
	return error;
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

/** Drop pages @p first to @p last; all, or only the clean ones. */
static void
drop(struct page_cache *c, uint64_t first, uint64_t last, bool all)
{
	struct page *page, *next;

	wait_written(c);
	list_for_each_safe (page, next, shim_pages_of(c), lru)
		if (page->index >= first && page->index <= last &&
		    (all || !(page->flags & PG_DIRTY)))
			cache_remove(page);
}

void
page_cache_drop_range(struct page_cache *c, uint64_t first, uint64_t last)
{
	drop(c, first, last, true);
}

void
page_cache_drop(struct page_cache *c)
{
	drop(c, 0, UINT64_MAX, true);
}

void
shim_cache_clean(struct page_cache *c)
{
	drop(c, 0, UINT64_MAX, false);
}

void
page_cache_zero_tail(struct page_cache *c, uint64_t size)
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
	page_cache_zero_tail(c, size);
	drop(c, DIV_ROUND_UP(size, PAGE_SIZE), UINT64_MAX, true);
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

void
dirty_balance(struct page_cache *c)
{
	(void)c; /* there are never too many */
}

/* ---- The user's memory ---- */

/** Reading it may sleep, and fails at FAULT. */
size_t
copyin_partial(void *to, const void *from, size_t len)
{
	shim_may_switch();
	if (from == FAULT)
		return len;
	memcpy(to, from, len);
	shim_may_switch();
	return 0;
}

size_t
copyout_partial(void *to, const void *from, size_t len)
{
	(void)to;
	(void)from;
	(void)len;
	host_fail("a read into the user's memory");
}

int
user_zero(void *to, size_t len)
{
	return copyout_partial(to, NULL, len) ? -EFAULT : 0;
}

/* ---- Reading and writing ---- */

int64_t
shim_write(struct vnode *v, const void *buf, size_t len, uint64_t pos,
	   size_t fault)
{
	struct file f = { .vnode = v };
	size_t n = MIN(len, fault);
	struct iovec iov[2] = { { (void *)buf, n }, { FAULT, len - n } };
	struct uio u = { .iov = iov, .niov = 2, .left = len, .user = true };

	return regular_file_ops.write(&f, &u, &pos);
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
