/*
 * What lab mem adds to the agent: the contract's constants, and counters behind
 * the hooks of the heap.
 */
#include "agent.h"
#include "mem.h"

uint64_t agent_pages_taken, agent_pages_returned;
const struct alloc_site agent_site = { __FILE__, __LINE__, 0, "grader" };

void agent_constants_mem(void);
uint64_t agent_count_pages(void);
uint64_t agent_taken(void);

void
agent_constants_mem(void)
{
	AGENT_CONSTANT(ALLOC_ZERO, ALLOC_ZERO);
	AGENT_CONSTANT(ALLOC_HEAP, ALLOC_HEAP);
	AGENT_CONSTANT(ALLOC_NOWAIT, ALLOC_NOWAIT);
	AGENT_CONSTANT(PAGE_ORDER_MAX, PAGE_ORDER_MAX);
	AGENT_CONSTANT(KALLOC_MAX, KALLOC_MAX);
}

static void
taken(void)
{
	__atomic_fetch_add(&agent_pages_taken, 1, __ATOMIC_RELAXED);
}

static void
returned(uint64_t pages)
{
	__atomic_fetch_add(&agent_pages_returned, pages, __ATOMIC_RELAXED);
}

/** Count from now on what the heap says of its pages. */
uint64_t
agent_count_pages(void)
{
	agent_pages_taken = agent_pages_returned = 0;
	heap_ops.page_taken = taken;
	heap_ops.pages_returned = returned;
	return 0;
}

/** Pages that the heap said it took since agent_count_pages. */
uint64_t
agent_taken(void)
{
	return agent_pages_taken;
}
