/*
 * Physical pages: a binary buddy allocator behind per-CPU caches of single
 * pages. A share of all pages is set aside for the kernel heap: others are
 * refused pages when only that share is left (MEM3), so that the heap can
 * always grow to its maximum, page by page.
 *
 * Entry points: page_alloc, page_ref, page_unref; page_init.
 * Source: Knuth, The Art of Computer Programming, vol. 1, 2.5 (buddy system).
 */
#include "mem_internal.h"
#include "string.h"

#define CPU_CACHE_MAX	64 /* single pages a CPU keeps ... */
#define CPU_CACHE_BATCH 32 /* ... and moves at once */
#define RECLAIM_TRIES	8

/*
 * MEM1: a block on list [k] is 2^k pages, aligned to its size, and its buddy
 * is not a free block of the same order. The lock guards lists and counts, and
 * the fields of all pages on the lists; it is taken with interrupts off, for
 * interrupt handlers free pages.
 */
static struct {
	struct spinlock lock;
	struct list free[PAGE_ORDER_MAX + 1];
	/* On the lists; the CPUs' caches are not counted. */
	uint64_t free_pages;
	uint64_t total; /* that were ever released */
} buddy = { .lock = SPINLOCK("buddy") };

/* A CPU's own free pages, a stack; touched with interrupts off. */
struct cpu_cache {
	unsigned n;
	struct page *pages[CPU_CACHE_MAX];
};
static PERCPU(struct cpu_cache, cpu_cache);

struct page *page_array;
uint64_t page_array_len;
struct mem_ops mem_ops;
static uint64_t heap_max; /* M, in pages */
/* Pages that the heap has. Raised after a page has been taken: in between, more
 * is set aside than need be, never less. Lowered under the lock, with its
 * return. */
static _Atomic uint64_t heap_used;

/* Words, not bytes: quick on every processor, also where rep stosb is not. */
void
page_clear(void *page)
{
	uint64_t n = PAGE_SIZE / 8;

	asm volatile("rep stosq" : "+D"(page), "+c"(n) : "a"(0) : "memory");
}

void
page_copy(void *to, const void *from)
{
	uint64_t n = PAGE_SIZE / 8;

	asm volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
}

/* ---- The debug build fills free pages and looks at them again ---- */

#ifdef DEBUG
static void
poison(struct page *page, unsigned order)
{
	uint64_t *p = page_address(page), i;

	for (i = 0; i < (PAGE_SIZE << order) / 8; i++)
		p[i] = PAGE_POISON;
}

static void
check_poison(struct page *page, unsigned order)
{
	uint64_t *p = page_address(page), i;

	for (i = 0; i < (PAGE_SIZE << order) / 8; i++)
		if (p[i] != PAGE_POISON)
			panic("mem: free page %#lx was written to: offset %#lx "
			      "holds %#lx",
			      page_to_phys(page), i * 8, p[i]);
}
#else
#define poison(page, order)	  ((void)0)
#define check_poison(page, order) ((void)0)
#endif

/*
 * ---- Buddies; the lock is held ----
 *
 * A block of order k starts at a page whose number is a multiple of 2^k. It is
 * known by its first page alone: use PAGE_FREE, and the order. All other pages
 * of it, and pages that are handed out, have another use; so one look at the
 * page where a buddy would start tells whether it is there, whole and free.
 */

/* Two halves of a block differ in one bit of their number. NULL: the buddy lies
 * past the end of memory. */
static struct page *
buddy_of(struct page *page, unsigned order)
{
	uint64_t n = (page - page_array) ^ (1UL << order);

	return n < page_array_len ? &page_array[n] : NULL;
}

/* Put a free block on the lists, keeping MEM1. */
static void
buddy_insert(struct page *page, unsigned order)
{
	struct page *other;

	buddy.free_pages += 1UL << order;
	for (; order < PAGE_ORDER_MAX; order++) {
		other = buddy_of(page, order);
		if (!other || other->use != PAGE_FREE || other->order != order)
			break;
		list_del(&other->free_link);
		other->use = PAGE_KERNEL; /* no block starts here any more */
		page = MIN(page, other);
	}
	page->use = PAGE_FREE;
	page->order = order;
	list_add(&page->free_link, &buddy.free[order]);
}

/* Take a block off the lists; NULL: none so large. */
static struct page *
buddy_remove(unsigned order)
{
	struct page *page;
	unsigned k = order;

	while (k <= PAGE_ORDER_MAX && list_empty(&buddy.free[k]))
		k++;
	if (k > PAGE_ORDER_MAX)
		return NULL;
	page = list_first(&buddy.free[k], struct page, free_link);
	list_del(&page->free_link);
	while (k > order) {
		struct page *half = page + (1UL << --k);

		half->use = PAGE_FREE;
		half->order = k;
		list_add(&half->free_link, &buddy.free[k]);
	}
	buddy.free_pages -= 1UL << order;
	page->use = PAGE_KERNEL;
	return page;
}

/* Pages that a caller without claim to the heap's share may take (MEM3): only
 * those on the lists count, for the heap cannot reach other CPUs' caches. */
static uint64_t
free_for_all(void)
{
	uint64_t set_aside = heap_max - MIN(heap_used, heap_max);

	return buddy.free_pages > set_aside ? buddy.free_pages - set_aside : 0;
}

/*
 * ---- Single pages, through the CPU's cache; interrupts are off ----
 *
 * Nearly all allocations are of one page: faults, tables, file contents. They
 * take the lock once for 32 pages. What a cache holds is free but out of reach
 * for others, and not merged: 64 pages a CPU is the price.
 */

/* Half full, so that neither the next allocation nor the next free comes back
 * for the lock. */
static void
cache_refill(struct cpu_cache *cache)
{
	spin_lock(&buddy.lock);
	while (cache->n < CPU_CACHE_BATCH && free_for_all() > 0)
		cache->pages[cache->n++] = buddy_remove(0);
	spin_unlock(&buddy.lock);
}

static void
cache_drain(struct cpu_cache *cache, unsigned keep)
{
	spin_lock(&buddy.lock);
	while (cache->n > keep)
		buddy_insert(cache->pages[--cache->n], 0);
	spin_unlock(&buddy.lock);
}

/* From this CPU's cache; the heap may go to the lists when that is empty, and
 * find there what others are refused (MEM3). */
static struct page *
take_single(unsigned flags)
{
	struct cpu_cache *cache = this_cpu_ptr(cpu_cache);
	struct page *page = NULL;

	if (cache->n == 0)
		cache_refill(cache);
	if (cache->n > 0)
		return cache->pages[--cache->n];
	if (flags & ALLOC_HEAP) {
		spin_lock(&buddy.lock);
		page = buddy_remove(0);
		spin_unlock(&buddy.lock);
	}
	return page;
}

/* The first page of a block is its lowest: below 4 GiB, all of it is, for 4 GiB
 * is a multiple of every block's size. */
static struct page *
find_low(unsigned order)
{
	struct page *page;
	unsigned k;

	for (k = order; k <= PAGE_ORDER_MAX; k++)
		list_for_each (page, &buddy.free[k], free_link)
			if (page_to_phys(page) < 1UL << 32)
				return page;
	return NULL;
}

/* buddy_remove below 4 GiB. What the block has too much goes back; it does not
 * merge with what is taken, which is not free. */
static struct page *
buddy_remove_low(unsigned order)
{
	struct page *page = find_low(order);
	unsigned k;

	if (!page)
		return NULL;
	k = page->order;
	list_del(&page->free_link);
	page->use = PAGE_KERNEL;
	buddy.free_pages -= 1UL << k;
	while (k-- > order)
		buddy_insert(page + (1UL << k), k);
	return page;
}

/* Larger blocks come from the lists; the share is checked as for single pages.
 * The heap does not ask for any. */
static struct page *
take_block(unsigned order, unsigned flags)
{
	struct page *page = NULL;

	spin_lock(&buddy.lock);
	if (free_for_all() >= 1UL << order)
		page = flags & ALLOC_LOW ? buddy_remove_low(order)
					 : buddy_remove(order);
	spin_unlock(&buddy.lock);
	return page;
}

static struct page *
try_alloc(unsigned order, unsigned flags)
{
	uint64_t rflags = irq_save();
	struct page *page = order || (flags & ALLOC_LOW)
				    ? take_block(order, flags)
				    : take_single(flags);

	irq_restore(rflags);
	return page;
}

/* A page that was kept is freed and taken again: it comes through this CPU's
 * cache, and nobody is between. */
static struct page *
take_kept(void)
{
	uint64_t rflags = irq_save();
	struct page *page = NULL;

	if (mem_ops.last_resort && mem_ops.last_resort())
		page = take_single(0);
	irq_restore(rflags);
	return page;
}

/*
 * ---- Entry points ----
 *
 * Reclaiming may sleep and takes locks of later chapters, so it is left to
 * those who can bear it; the others get NULL, and have an answer to that. The
 * tries are bounded: what has been reclaimed may be taken by somebody else
 * meanwhile.
 */

struct page *
page_alloc(unsigned order, enum page_use use, unsigned flags)
{
	struct page *page = try_alloc(order, flags);
	unsigned tries;

	for (tries = 0; !page && tries < RECLAIM_TRIES; tries++) {
		if ((flags & (ALLOC_NOWAIT | ALLOC_HEAP)) ||
		    preempt_disabled() || !mem_ops.reclaim ||
		    mem_ops.reclaim(CPU_CACHE_BATCH) == 0)
			break;
		page = try_alloc(order, flags);
	}
	if (!page && order == 0 && use != PAGE_USER)
		page = take_kept();
	if (!page)
		return NULL;
	INVARIANT(MEM2, page->refs == 0);
	check_poison(page, order);
	page->use = use;
	page->order = order;
	atomic_store_explicit(&page->flags, 0, memory_order_relaxed);
	if (use == PAGE_KERNEL && this_cpu(md_current))
		page->account = this_cpu(md_current)->account;
	atomic_store_explicit(&page->refs, 1, memory_order_relaxed);
	if (flags & ALLOC_HEAP)
		atomic_fetch_add(&heap_used, 1);
	if (flags & ALLOC_ZERO) {
		unsigned i;

		for (i = 0; i < 1u << order; i++)
			page_clear(page_address(page + i));
	}
	return page;
}

/* No order is needed: the caller's own reference keeps the page. */
void
page_ref(struct page *page)
{
	uint32_t before =
		atomic_fetch_add_explicit(&page->refs, 1, memory_order_relaxed);

	INVARIANT(MEM2, before > 0);
	(void)before;
}

/* A page that the heap gives back goes to the buddy lists at once: in a CPU's
 * cache it would be out of reach of the heap's share. */
static void
free_pages(struct page *page)
{
	unsigned order = page->order;
	bool heap = page->use == PAGE_SLAB;
	struct cpu_cache *cache;
	uint64_t rflags;

	poison(page, order);
	rflags = irq_save();
	page->use = PAGE_KERNEL;
	if (order == 0 && !heap) {
		cache = this_cpu_ptr(cpu_cache);
		if (cache->n == CPU_CACHE_MAX)
			cache_drain(cache, CPU_CACHE_MAX - CPU_CACHE_BATCH);
		cache->pages[cache->n++] = page;
	} else {
		spin_lock(&buddy.lock);
		buddy_insert(page, order);
		if (heap)
			atomic_fetch_sub(&heap_used, 1);
		spin_unlock(&buddy.lock);
	}
	irq_restore(rflags);
}

/* Release and, for the last one, acquire: what any holder has written to the
 * page is done before it is given to somebody else. */
void
page_unref(struct page *page)
{
	uint32_t before =
		atomic_fetch_sub_explicit(&page->refs, 1, memory_order_acq_rel);

	INVARIANT(MEM2, before > 0);
	INVARIANT(MEM2, page->use != PAGE_RESERVED || before > 1);
	if (before == 1)
		free_pages(page);
}

/* With a reference, so that the page does not become another's meanwhile. */
static void
set_account(struct page *page, uint16_t account)
{
	uint32_t refs = page_refs(page);

	do {
		if (refs == 0)
			return;
	} while (!atomic_compare_exchange_weak(&page->refs, &refs, refs + 1));
	if (page->use == PAGE_KERNEL)
		page->account = account;
	page_unref(page);
}

void
page_for_each(uint16_t (*fn)(uint16_t account, void *arg), void *arg)
{
	struct page *page;
	uint16_t before, account;

	for (page = page_array; page < page_array + page_array_len; page++) {
		before = page->account;
		if (page->use != PAGE_KERNEL || page->order || !before ||
		    !page_refs(page))
			continue;
		account = fn(before, arg);
		if (account != before)
			set_account(page, account);
	}
}

/* The other CPUs' caches may change while they are added up. */
void
mem_stats_get(struct mem_stats *stats)
{
	uint64_t rflags = spin_lock_irqsave(&buddy.lock);
	unsigned cpu;

	stats->total = buddy.total;
	stats->free = buddy.free_pages;
	stats->heap_max = heap_max;
	stats->heap_used = heap_used;
	spin_unlock_irqrestore(&buddy.lock, rflags);
	for (cpu = 0; cpu < NCPU_MAX; cpu++)
		if (cpu == 0 || percpu_offset[cpu])
			stats->free += percpu_ptr(cpu_cache, cpu)->n;
}

uint64_t
mem_heap_used(void)
{
	return heap_used;
}

void
page_check_buddies(void)
{
	uint64_t rflags = spin_lock_irqsave(&buddy.lock), counted = 0;
	struct page *page;
	unsigned k;

	for (k = 0; k <= PAGE_ORDER_MAX; k++) {
		list_for_each (page, &buddy.free[k], free_link) {
			struct page *other = buddy_of(page, k);

			if ((page - page_array) % (1UL << k) ||
			    page->order != k || page->use != PAGE_FREE ||
			    page->refs)
				panic("MEM1: bad block %#lx on list %u",
				      page_to_phys(page), k);
			if (k < PAGE_ORDER_MAX && other &&
			    other->use == PAGE_FREE && other->order == k)
				panic("MEM1: %#lx was not merged",
				      page_to_phys(page));
			counted += 1UL << k;
		}
	}
	if (counted != buddy.free_pages)
		panic("MEM1: %lu pages on the lists, %lu counted", counted,
		      buddy.free_pages);
	spin_unlock_irqrestore(&buddy.lock, rflags);
}

void
page_init(struct page *array, uint64_t len)
{
	unsigned k;
	uint64_t i;

	for (k = 0; k <= PAGE_ORDER_MAX; k++)
		list_init(&buddy.free[k]);
	for (i = 0; i < len; i++)
		array[i] = (struct page){ .use = PAGE_RESERVED, .refs = 1 };
	page_array = array;
	page_array_len = len;
}

/* Page by page: they merge as they come. */
void
page_release_range(paddr_t from, paddr_t to)
{
	paddr_t pa;

	for (pa = ROUND_UP(from, PAGE_SIZE); pa + PAGE_SIZE <= to;
	     pa += PAGE_SIZE) {
		struct page *page = phys_to_page(pa);

		page->refs = 0;
		poison(page, 0);
		buddy_insert(page, 0);
		buddy.total++;
	}
}

void
page_set_heap_share(uint64_t pages)
{
	heap_max = pages;
}
