/*
 * What every lab's host reads page frames by (pages.py): the fields of struct
 * page, and what it may be used for.
 */
#include "agent.h"
#include "mem.h"

void agent_constants_pages(void);

void
agent_constants_pages(void)
{
	AGENT_CONSTANT(page_size_of, sizeof(struct page));
	AGENT_CONSTANT(page_refs, offsetof(struct page, refs));
	AGENT_CONSTANT(page_order, offsetof(struct page, order));
	AGENT_CONSTANT(page_use, offsetof(struct page, use));
	AGENT_CONSTANT(page_flags, offsetof(struct page, flags));
	AGENT_CONSTANT(PAGE_FREE, PAGE_FREE);
	AGENT_CONSTANT(PAGE_RESERVED, PAGE_RESERVED);
	AGENT_CONSTANT(PAGE_KERNEL, PAGE_KERNEL);
	AGENT_CONSTANT(PAGE_SLAB, PAGE_SLAB);
	AGENT_CONSTANT(PAGE_CACHE, PAGE_CACHE);
	AGENT_CONSTANT(PAGE_USER, PAGE_USER);
}
