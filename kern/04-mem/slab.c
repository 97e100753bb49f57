/*
 * The kernel heap: a slab allocator. A slab is one page of objects of one size
 * class; its bookkeeping is in the page's struct page, so that the page is
 * objects from end to end. In front stands, per CPU and class, a magazine of
 * free objects, so that the common allocation takes no lock.
 *
 * Single pages only: the heap never needs contiguous pages, and the share set
 * aside for it (MEM3) cannot fragment.
 *
 * Source of the ideas: Bonwick, "The Slab Allocator" (USENIX 1994); Bonwick and
 * Adams, "Magazines and Vmem" (USENIX 2001).
 */
#include "mem_internal.h"
#include "string.h"

#define MAGAZINE_MAX 32u /* objects; fewer of large ones: magazine_limit */
#define EMPTY_KEPT   1	 /* empty slabs a class keeps */

/* Sizes such that n objects fill a page for each n up to 10, and beyond. The
 * last class is for whole pages, on which the debug build has no room for a
 * guard. */
static const uint16_t class_sizes[] = { 16,   32,   48,	  64,	128, 192, 256,
					320,  384,  448,  512,	576, 640, 768,
					1024, 1344, 2048, 4096, 4096 };
#define NCLASSES    HEAP_CLASSES
#define CLASS_WHOLE (NCLASSES - 1)
_Static_assert(NCLASSES == sizeof(class_sizes) / sizeof(class_sizes[0]),
	       "mem.h");

/* Of a slab's page (slab_state); MEM5. */
enum slab_state { SLAB_PARTIAL, SLAB_FULL, SLAB_EMPTY };

/** MEM5: a slab is on the list of its state: partial if some of its objects
 * are handed out, empty if none, on no list if all are. Objects in a magazine
 * count as handed out. */
struct slab_cache {
	struct spinlock lock;
	struct list partial, empty;
	unsigned nempty;
	uint16_t size, per_slab;
	uint64_t nslabs;
	uint64_t handed_out;
};

/* Touched by its CPU alone, with interrupts off. */
struct magazine {
	/* Chain through the objects' first words; last in is first out, for
	 * that one is in this CPU's cache. */
	void *head;
	unsigned n;
};

static struct slab_cache caches[NCLASSES];
/* By size in units of 16 bytes, rounded up; constant after slab_init. */
static uint8_t class_of_size[PAGE_SIZE / 16 + 1];
static PERCPU(struct magazine, magazines[NCLASSES]);
struct heap_ops heap_ops;

/*
 * ---- Each object's end is the allocator's ----
 *
 *   | asked for     |                | charge |                   release
 *   | asked for     | guard bytes 5a | state, serial, charge, size |  in use
 *   | chain | poison 6b              | the same                    |  free
 *
 * The charge says who caused the object and at which line (heap_for_each); 0 is
 * a free one. The debug build guards each object: handing out looks at the
 * poison, taking back at the guard. An object in a magazine is free in this
 * sense. Of an object that is a whole page, the charge is in struct page.
 */

struct trailer {
#ifdef DEBUG
	uint32_t state;
	uint32_t serial; /* of the call that allocated it: heap_ops */
	uint32_t charge;
	uint32_t size; /* asked for */
#else
	uint32_t charge;
#endif
};
#define TRAILER sizeof(struct trailer)
_Static_assert(TRAILER == HEAP_TRAILER, "mem.h");

extern const struct alloc_site alloc_sites[], alloc_sites_end[];

static struct trailer *
trailer_of(void *object, unsigned size)
{
	return (struct trailer *)((uint8_t *)object + size - TRAILER);
}

/* Of a site, 16 bits of its address are kept: the table is not that long. */
static inline uint32_t
charge_now(const struct alloc_site *site)
{
	const struct md_thread *t = this_cpu(md_current);

	return (uint32_t)(t ? t->account : 0) << 16 |
	       ((uintptr_t)site >> 3 & 0xffff);
}

static const struct alloc_site *
site_of(uint32_t charge)
{
	uint16_t n = charge - ((uintptr_t)alloc_sites >> 3);
	const struct alloc_site *site =
		(const void *)((uintptr_t)alloc_sites + n * 8ul);

	return site < alloc_sites_end ? site : NULL;
}

#ifdef DEBUG
/* Between the trailer and the bytes asked for lie guard bytes, and a free
 * object's bytes are poisoned. */
#define STATE_LIVE  0x11fe11feu
#define STATE_FREE  0xf4eef4eeu
#define GUARD_BYTE  0x5a
#define POISON_BYTE 0x6b

/* How many of its objects live, for each site; whole pages are not counted. */
#define SITES_MAX 512
static _Atomic long live[SITES_MAX];

static void
count_live(const struct alloc_site *site, int n)
{
	if (site && site - alloc_sites < SITES_MAX)
		live[site - alloc_sites] += n;
}

bool
alloc_site_get(unsigned i, const struct alloc_site **site, long *n)
{
	if (i >= SITES_MAX || &alloc_sites[i] >= alloc_sites_end)
		return false;
	*site = &alloc_sites[i];
	*n = live[i];
	return true;
}

/* Panics where a byte is not what was left there, and names the allocation. */
static void
check_bytes(const uint8_t *p, size_t from, size_t to, uint8_t want,
	    const struct trailer *t, const char *what)
{
	const struct alloc_site *site = site_of(t->charge);

	for (; from < to; from++)
		if (p[from] != want)
			panic("mem: object %p (%u bytes, %s of %s:%u): %s at "
			      "offset %zu: %#x",
			      (const void *)p, t->size, site ? site->what : "?",
			      site ? site->file : "?", site ? site->line : 0,
			      what, from, p[from]);
}

static void
tell_allocated(uint32_t *serial, unsigned class, const struct alloc_site *site)
{
	if (heap_ops.allocated)
		*serial = heap_ops.allocated(class, caches[class].per_slab,
					     site);
}

static void
tell_freed(uint32_t serial, unsigned class)
{
	if (heap_ops.freed)
		heap_ops.freed(class, caches[class].per_slab, serial);
}

/* The first word of a free object is the chain's, and so not looked at. */
static void
guard_new(void *object, unsigned class, size_t size,
	  const struct alloc_site *site)
{
	unsigned class_size = class_sizes[class];
	struct trailer *t = trailer_of(object, class_size);
	struct page *page = address_to_page(object);

	if (class == CLASS_WHOLE) {
		page->charge = charge_now(site);
		tell_allocated(&page->serial, class, site);
		return;
	}
	if (t->state == STATE_FREE) /* else: the slab is new */
		check_bytes(object, sizeof(void *), class_size - TRAILER,
			    POISON_BYTE, t, "written to after it was freed");
	memset((uint8_t *)object + size, GUARD_BYTE,
	       class_size - TRAILER - size);
	*t = (struct trailer){ STATE_LIVE, 0, charge_now(site), size };
	tell_allocated(&t->serial, class, site);
	count_live(site_of(t->charge), 1);
}

static void
guard_free(void *object, unsigned class)
{
	unsigned class_size = class_sizes[class];
	struct trailer *t = trailer_of(object, class_size);
	struct page *page = address_to_page(object);
	const struct alloc_site *site;

	if (class == CLASS_WHOLE) {
		tell_freed(page->serial, class);
		page->charge = 0;
		return;
	}
	site = site_of(t->charge);
	if (t->state == STATE_FREE)
		panic("mem: object %p (%s of %s:%u) freed twice", object,
		      site ? site->what : "?", site ? site->file : "?",
		      site ? site->line : 0);
	if (t->state != STATE_LIVE)
		panic("mem: %p is freed, but is no object", object);
	check_bytes(object, t->size, class_size - TRAILER, GUARD_BYTE, t,
		    "written to past its end");
	memset(object, POISON_BYTE, class_size - TRAILER);
	t->state = STATE_FREE;
	tell_freed(t->serial, class);
	count_live(site, -1);
}
#else
bool
alloc_site_get(unsigned i, const struct alloc_site **site, long *n)
{
	(void)i, (void)site, (void)n;
	return false;
}

static inline uint32_t *
charge_of(void *object, unsigned class)
{
	return class == CLASS_WHOLE
		       ? &address_to_page(object)->charge
		       : &trailer_of(object, class_sizes[class])->charge;
}
#define guard_new(object, class, size, site)                                   \
	(*charge_of(object, class) = charge_now(site))
#define guard_free(object, class) (*charge_of(object, class) = 0)
#endif

/*
 * ---- Slabs; the cache's lock is held, interrupts are off ----
 *
 * A slab goes from empty to partial to full and back, one object at a time.
 * Full ones are on no list: nobody looks for them, and an object that is freed
 * finds its slab by its address. The free objects are chained through their own
 * first words, so a slab's bookkeeping is what struct page has room for.
 */

/* A new slab of free objects, on no list yet. It cannot fail (MEM3 and HEAP1).
 */
static struct page *
slab_create(struct slab_cache *c)
{
	struct page *slab = page_alloc(0, PAGE_SLAB, ALLOC_HEAP | ALLOC_NOWAIT);
	uint8_t *base;
	int i;

	/* HEAP1: the share set aside covers all reservations. */
	if (!slab)
		panic("mem: the kernel heap's share is used up");
	if (heap_ops.page_taken)
		heap_ops.page_taken();
	base = page_address(slab);
	slab->cache = c;
	slab->free_objects = NULL;
	slab->in_use = 0;
	slab->charge = 0;
	for (i = c->per_slab - 1; i >= 0; i--) {
		void **object = (void **)(base + i * c->size);

		*trailer_of(object, c->size) = (struct trailer){ 0 };
		*object = slab->free_objects;
		slab->free_objects = object;
	}
	c->nslabs++;
	return slab;
}

/* A slab with a free object, on the partial list. One that is in use already is
 * the best choice: the others may become empty, and their pages go back. */
static struct page *
slab_with_room(struct slab_cache *c)
{
	struct page *slab = list_first(&c->partial, struct page, slab_link);

	if (slab)
		return slab;
	slab = list_first(&c->empty, struct page, slab_link);
	if (slab) {
		list_del(&slab->slab_link);
		c->nempty--;
	} else {
		slab = slab_create(c);
	}
	slab->slab_state = SLAB_PARTIAL;
	list_add(&slab->slab_link, &c->partial);
	return slab;
}

static void
slab_destroy(struct slab_cache *c, struct page *slab)
{
	c->nslabs--;
	page_unref(slab);
	if (heap_ops.pages_returned)
		heap_ops.pages_returned(1);
}

/* Take an object back into its slab, keeping MEM5. A class keeps one empty
 * slab, so that allocating and freeing one object by turns costs no page each
 * time. */
static void
slab_put(struct slab_cache *c, void *object)
{
	struct page *slab = address_to_page(object);

	*(void **)object = slab->free_objects;
	slab->free_objects = object;
	slab->in_use--;
	c->handed_out--;
	if (slab->slab_state == SLAB_FULL) {
		slab->slab_state = SLAB_PARTIAL;
		list_add(&slab->slab_link, &c->partial);
	}
	if (slab->in_use > 0)
		return;
	list_del(&slab->slab_link);
	if (c->nempty < EMPTY_KEPT) {
		slab->slab_state = SLAB_EMPTY;
		list_add(&slab->slab_link, &c->empty);
		c->nempty++;
	} else {
		slab_destroy(c, slab);
	}
}

/*
 * ---- Magazines; interrupts are off ----
 *
 * Allocation and free are mostly balanced on a CPU, so most of them need no
 * lock and no slab: they push and pop. A refill takes half of what fits and a
 * drain leaves half, so that a CPU which goes to and fro over the edge does not
 * pay at each step. For their slabs, objects in a magazine are handed out.
 */

/* Take what one slab has, up to half a magazine: never more than one new page
 * for one allocation. */
static void
magazine_refill(struct magazine *m, struct slab_cache *c)
{
	struct page *slab;

	spin_lock(&c->lock);
	slab = slab_with_room(c);
	while (slab->free_objects && m->n < MAGAZINE_MAX / 2) {
		void **object = slab->free_objects;

		slab->free_objects = *object;
		slab->in_use++;
		c->handed_out++;
		*object = m->head;
		m->head = object;
		m->n++;
	}
	if (!slab->free_objects) {
		list_del(&slab->slab_link);
		slab->slab_state = SLAB_FULL;
	}
	spin_unlock(&c->lock);
}

/* Give objects back to their slabs, down to `keep`. */
static void
magazine_drain(struct magazine *m, struct slab_cache *c, unsigned keep)
{
	spin_lock(&c->lock);
	while (m->n > keep) {
		void **object = m->head;

		m->head = *object;
		m->n--;
		slab_put(c, object);
	}
	spin_unlock(&c->lock);
}

/* Objects a magazine holds at most: at least one, at most a slab's worth. */
static unsigned
magazine_limit(const struct slab_cache *c)
{
	return MIN(MAGAZINE_MAX, MAX(c->per_slab, 2u));
}

/* ---- Entry points ---- */

/* The trailer is part of what is asked for. The debug build's is longer, so a
 * type may be in another class there. */
static inline unsigned
class_for(size_t size)
{
	if (size > PAGE_SIZE - TRAILER)
		return CLASS_WHOLE;
	return class_of_size[(size + TRAILER + 15) / 16];
}

/* Zeroed outside of the region with interrupts off: that takes time by size. */
void *
kalloc(size_t size, const struct alloc_site *site)
{
	struct magazine *m;
	uint64_t rflags;
	unsigned class;
	void **object;

	if (size == 0 || size > KALLOC_MAX)
		panic("mem: kalloc of %zu bytes (%s:%u)", size, site->file,
		      site->line);
	class = class_for(size);
	rflags = irq_save();
	m = &(*this_cpu_ptr(magazines))[class];
	if (m->n == 0)
		magazine_refill(m, &caches[class]);
	object = m->head;
	m->head = *object;
	m->n--;
	irq_restore(rflags);
	guard_new(object, class, size, site);
	return memset(object, 0, size);
}

/* The page says which cache the object is of; no size need be given. */
void
kfree(void *object)
{
	struct slab_cache *c;
	struct page *slab;
	struct magazine *m;
	uint64_t rflags;

	if (!object)
		return;
	slab = address_to_page(object);
	INVARIANT(MEM5, slab->use == PAGE_SLAB);
	c = slab->cache;
	INVARIANT(MEM5, ((uint64_t)object & (PAGE_SIZE - 1)) % c->size == 0);
	guard_free(object, c - caches);
	rflags = irq_save();
	m = &(*this_cpu_ptr(magazines))[c - caches];
	if (m->n >= magazine_limit(c))
		magazine_drain(m, c, magazine_limit(c) / 2);
	*(void **)object = m->head;
	m->head = object;
	m->n++;
	irq_restore(rflags);
}

unsigned
kalloc_pages(size_t size, unsigned n)
{
	const struct slab_cache *c = &caches[class_for(size)];

	return DIV_ROUND_UP(n, c->per_slab);
}

/* What other CPUs' magazines hold stays there: they are theirs alone, and
 * MAGAZINE_MAX objects a class at most. This CPU's, then all empty slabs. Other
 * CPUs' magazines cannot be reached; what they hold is bounded, and counted
 * when the heap's size is set.
 */
uint64_t
slab_shrink(void)
{
	uint64_t freed = 0, rflags = irq_save();
	unsigned i;

	for (i = 0; i < NCLASSES; i++) {
		struct slab_cache *c = &caches[i];
		struct page *slab, *next;

		magazine_drain(&(*this_cpu_ptr(magazines))[i], c, 0);
		spin_lock(&c->lock);
		list_for_each_safe (slab, next, &c->empty, slab_link) {
			list_del(&slab->slab_link);
			slab_destroy(c, slab);
			freed++;
		}
		c->nempty = 0;
		spin_unlock(&c->lock);
	}
	irq_restore(rflags);
	return freed;
}

/* A slab is made when a CPU finds no free object, but in magazines of others. */
unsigned
slab_margin(unsigned cpus)
{
	unsigned i, pages = 0;

	for (i = 0; i < NCLASSES; i++)
		pages += DIV_ROUND_UP((cpus - 1) * magazine_limit(&caches[i]),
				      caches[i].per_slab);
	return pages;
}

/* ---- To whom objects are charged ---- */

static uint32_t *
charge_in(struct page *slab, void *object)
{
	struct slab_cache *c = slab->cache;

	return c == &caches[CLASS_WHOLE] ? &slab->charge
					 : &trailer_of(object, c->size)->charge;
}

void
kcharge(void *object, uint16_t account)
{
	struct page *slab = address_to_page(object);
	uint64_t at = (uint64_t)object & (PAGE_SIZE - 1);
	uint32_t *charge;

	if ((uint64_t)object < DIRECT_MAP_BASE ||
	    slab >= page_array + page_array_len || slab->use != PAGE_SLAB)
		return;
	charge = charge_in(slab, (uint8_t *)object - at % slab->cache->size);
	*charge = (uint32_t)account << 16 | (*charge & 0xffff);
}

struct charge_walk {
	uint16_t (*fn)(uint16_t account, const struct alloc_site *site,
		       unsigned bytes, void *arg);
	void *arg;
};

/* The slab's lock keeps it one, not its objects in use: one that is freed, and
 * perhaps given to somebody else, has another charge, and is left alone. */
static void
walk_slab(struct page *slab, const struct charge_walk *w)
{
	struct slab_cache *c = slab->cache;
	uint32_t *at, charge;
	uint16_t account;
	unsigned i;

	for (i = 0; i < c->per_slab; i++) {
		at = charge_in(slab, (uint8_t *)page_address(slab) +
					     i * c->size);
		charge = __atomic_load_n(at, __ATOMIC_RELAXED);
		if (!charge)
			continue;
		account = w->fn(charge >> 16, site_of(charge), c->size, w->arg);
		if (account != charge >> 16)
			__atomic_compare_exchange_n(
				at, &charge,
				(uint32_t)account << 16 | (charge & 0xffff),
				false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
}

/* What is looked at without the lock may be wrong; with it, it is looked at
 * again. A page becomes another class's slab only by way of the free pages. */
static void
walk_page(struct page *page, const struct charge_walk *w)
{
	struct slab_cache *c = __atomic_load_n(&page->cache, __ATOMIC_RELAXED);
	uint64_t rflags;

	if (c < caches || c >= caches + NCLASSES)
		return;
	rflags = spin_lock_irqsave(&c->lock);
	if (page->use == PAGE_SLAB && page->cache == c)
		walk_slab(page, w);
	spin_unlock_irqrestore(&c->lock, rflags);
}

void
heap_for_each(uint16_t (*fn)(uint16_t account, const struct alloc_site *site,
			     unsigned bytes, void *arg),
	      void *arg)
{
	struct charge_walk w = { fn, arg };
	uint64_t i;

	for (i = 0; i < page_array_len; i++)
		if (page_array[i].use == PAGE_SLAB)
			walk_page(&page_array[i], &w);
}

bool
slab_info_get(unsigned i, struct slab_info *info)
{
	uint64_t rflags;
	unsigned cpu;

	if (i >= NCLASSES)
		return false;
	rflags = spin_lock_irqsave(&caches[i].lock);
	info->size = caches[i].size;
	info->objects = caches[i].handed_out;
	info->slabs = caches[i].nslabs;
	for (cpu = 0; cpu < NCPU_MAX; cpu++)
		if (cpu == 0 || percpu_offset[cpu])
			info->objects -=
				MIN(info->objects,
				    (*percpu_ptr(magazines, cpu))[i].n);
	spin_unlock_irqrestore(&caches[i].lock, rflags);
	return true;
}

void
slab_init(void)
{
	unsigned i, class = 0;
	size_t size;

	for (i = 0; i < NCLASSES; i++) {
		struct slab_cache *c = &caches[i];

		/* One class for the checker: no two are ever held. */
		spin_init(&c->lock, "slab");
		list_init(&c->partial);
		list_init(&c->empty);
		c->size = class_sizes[i];
		c->per_slab = PAGE_SIZE / c->size;
	}
	for (size = 0; size <= PAGE_SIZE; size += 16) {
		if (size > class_sizes[class])
			class ++;
		class_of_size[size / 16] = class;
	}
}
