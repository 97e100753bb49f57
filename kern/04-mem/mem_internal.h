/*
 * What the files of chapter mem share among themselves.
 */
#ifndef MEM_INTERNAL_H
#define MEM_INTERNAL_H

#include "mem.h"

/** The debug build fills free pages with it: each 8 bytes. */
#define PAGE_POISON 0xd5d5d5d5d5d5d5d5

/** Start the page allocator on an array of @p len zeroed entries; all pages
 * are reserved until page_release_range frees them. */
void page_init(struct page *array, uint64_t len);

/** Free the whole pages within [@p from, @p to), which are reserved and RAM. At
 * start-up, one CPU, without the lock. */
void page_release_range(paddr_t from, paddr_t to);

/** Set aside @p pages for the kernel heap (MEM3): once, at start-up, while
 * there are so many on the lists. */
void page_set_heap_share(uint64_t pages);

/** Walk the buddy lists and panic where MEM1 does not hold, or the count of
 * free pages is wrong (self-tests). Holds the lock, interrupts off, for long.
 */
void page_check_buddies(void);

/** Start the slab heap; after page_init. */
void slab_init(void);

/** Memory for what must exist before the page allocator: zeroed, never freed.
 * Panics where there is none. */
void *early_alloc(size_t len);

/** Build the kernel's page table with early_alloc and load it. */
void pagetable_init(void);

#endif
