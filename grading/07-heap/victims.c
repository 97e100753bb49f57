/*
 * For exercise 5: caches that can be evicted, and processes that can be ended,
 * as the host says: how much they hold, and how long the end takes. What the
 * killer asks for is written down, with the time.
 */
#include "agent.h"
#include "heap_internal.h"

#define CACHES	    2
#define VICTIMS	    16
#define PATIENCE_NS 100000000
#define PAGE_NS	    1000000

struct agent_victim {
	uint64_t pages, delay_ns; /* 0: it never ends */
	uint64_t told_ns, ended_ns;
};

struct agent_victim agent_victims[VICTIMS];
uint64_t agent_evicted[CACHES]; /* objects */
uint64_t agent_kills, agent_kills_for_pages;
uint64_t agent_deaf_kills; /* asked when nobody was left */
uint64_t agent_frees;	   /* user pages that a victim of the other kind has */
uint64_t agent_objects(uint64_t account, uint64_t n);
uint64_t agent_fill_cache(uint64_t cache, uint64_t n);
uint64_t agent_victims_prepare(uint64_t n, uint64_t of_pages);

static void **cached[CACHES], **held[VICTIMS], **users;
static struct timer timers[VICTIMS], page_timer;
static uint64_t nvictims;
static void *kept_objects; /* so that they count as in use */

static void
put(void ***chain, void **object)
{
	*object = *chain;
	*chain = object;
}

static void **
get(void ***chain)
{
	void **object = *chain;

	if (object)
		*chain = *object;
	return object;
}

static void
add_objects(void ***chain, uint64_t n)
{
	while (n--)
		put(chain, kalloc(4000, ALLOC_SITE(0, "agent")));
}

static uint64_t
evict_from(unsigned cache, uint64_t want)
{
	uint64_t n;

	for (n = 0; n < want && cached[cache]; n++)
		kfree(get(&cached[cache]));
	agent_evicted[cache] += n;
	return n;
}

static uint64_t
evict_first(uint64_t want)
{
	return evict_from(0, want);
}

static uint64_t
evict_second(uint64_t want)
{
	return evict_from(1, want);
}

EVICTOR(agent_first, evict_first);
EVICTOR(agent_second, evict_second);

/** A cache holds @p n pages. @return what the heap uses */
uint64_t
agent_fill_cache(uint64_t cache, uint64_t n)
{
	add_objects(&cached[cache], n);
	heap_shrink();
	return mem_heap_used();
}

/** @p n objects, charged to @p account. */
uint64_t
agent_objects(uint64_t account, uint64_t n)
{
	while (n--) {
		void **object = kalloc(1000, ALLOC_SITE(0, "agent"));

		kcharge(object, account);
		put((void ***)&kept_objects, object);
	}
	return 0;
}

static void
end_victim(struct timer *t)
{
	uint64_t i = t - timers;

	while (held[i])
		kfree(get(&held[i]));
	slab_shrink();
	agent_victims[i].ended_ns = clock_ns();
}

/* As chapter proc: nobody, while the last one is dying, but not for ever. */
static bool
kill(void)
{
	struct agent_victim *v = &agent_victims[agent_kills];

	if (agent_kills && !v[-1].ended_ns &&
	    clock_ns() - v[-1].told_ns < PATIENCE_NS)
		return true;
	if (agent_kills == nvictims) {
		agent_deaf_kills++;
		return false;
	}
	v->told_ns = clock_ns();
	if (v->delay_ns)
		timer_arm(&timers[agent_kills], clock_ns() + v->delay_ns);
	agent_kills++;
	return true;
}

static void
free_page(struct timer *t)
{
	page_unref(address_to_page(get(&users)));
	if (--agent_frees)
		timer_arm(t, clock_ns() + PAGE_NS);
}

static bool
kill_for_pages(void)
{
	agent_kills_for_pages++;
	if (agent_frees)
		timer_arm(&page_timer, clock_ns() + PAGE_NS);
	return agent_frees;
}

/* All pages are used up, and some that are kept for calls. */
static void
take_all_pages(uint64_t kept)
{
	struct page *page;

	while ((page = page_alloc(0, PAGE_USER, ALLOC_NOWAIT)))
		put(&users, page_address(page));
	while (kept--)
		page_alloc(0, PAGE_KERNEL, 0);
}

/** Who can be ended: the first @p n of agent_victims; with @p of_pages,
 * besides, memory is short by so many pages. @return what the heap uses */
uint64_t
agent_victims_prepare(uint64_t n, uint64_t of_pages)
{
	uint64_t i;

	nvictims = n;
	for (i = 0; i < n; i++) {
		add_objects(&held[i], agent_victims[i].pages);
		timer_init(&timers[i], end_victim);
	}
	timer_init(&page_timer, free_page);
	heap_shrink();
	if (of_pages)
		take_all_pages(of_pages);
	heap_killer_ops.kill = kill;
	heap_killer_ops.kill_for_pages = kill_for_pages;
	return mem_heap_used();
}
