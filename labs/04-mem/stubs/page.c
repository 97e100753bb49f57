/*
 * Stubs of lab mem for page.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static void
buddy_insert(struct page *page, unsigned order)
{
	/*
	 * Exercise 1. Put the block of 2^order pages that starts at `page` on
	 * the free lists, merged with its buddies as far as they are free
	 * (MEM1). Look at page_check_buddies for what must hold afterwards.
	 */
	panic("exercise 1: buddy_insert(%#lx, %u) is yours to write",
	      page_to_phys(page), order);
}

static struct page *
buddy_remove(unsigned order)
{
	/*
	 * Exercise 2. Take a block of 2^order pages off the free lists,
	 * splitting a larger one if it must be; NULL if there is none. A block
	 * that is not free has another `use` than PAGE_FREE.
	 */
	panic("exercise 2: buddy_remove(%u) is yours to write", order);
}

static uint64_t
free_for_all(void)
{
	/*
	 * Exercise 2. Of the free pages, how many may be given to somebody
	 * else than the heap (MEM3)?
	 */
	panic("exercise 2: free_for_all() is yours to write");
}

static void
cache_refill(struct cpu_cache *cache)
{
	/* Exercise 3. Fill the cache to CPU_CACHE_BATCH pages (MEM3!). */
	panic("exercise 3: cache_refill(%p) is yours to write", (void *)cache);
}

static void
cache_drain(struct cpu_cache *cache, unsigned keep)
{
	/* Exercise 3. Give pages back until `keep` are left. */
	panic("exercise 3: cache_drain(%p, %u) is yours to write",
	      (void *)cache, keep);
}

static struct page *
take_single(unsigned flags)
{
	/*
	 * Exercise 3. A page from this CPU's cache; refill it if it is empty.
	 * With ALLOC_HEAP in flags, a page of the heap's share will do too.
	 */
	(void)cache_refill;
	panic("exercise 3: take_single(%#x) is yours to write", flags);
}

static void
free_pages(struct page *page)
{
	/*
	 * Exercise 3. The last reference is gone: poison the page and give it
	 * back. Which pages go to the CPU's cache, which to the buddy lists,
	 * and what becomes of heap_used? Blocks are done for you.
	 */
	uint64_t saved = irq_save();

	if (page->order == 0)
		panic("exercise 3: free_pages(%#lx) is yours to write",
		      page_to_phys(page));
	(void)cache_drain;
	poison(page, page->order);
	spin_lock(&buddy.lock);
	buddy_insert(page, page->order);
	spin_unlock(&buddy.lock);
	irq_restore(saved);
}
