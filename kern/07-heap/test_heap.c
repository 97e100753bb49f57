/*
 * Self-tests of chapter heap.
 */
#include "heap_internal.h"
#include "string.h"

static void
count_tests(struct thread *t, void *n)
{
	if (strcmp(t->name, "test") == 0)
		++*(unsigned *)n;
}

/* With nothing on its way back: threads of tests have ended and been freed
 * (which an RCU callback does, some time after they have said that they are
 * done), and heap_shrink's interrupts have let callbacks come to their end. */
static uint64_t
free_to_reserve(void)
{
	struct heap_stats s;
	unsigned tests;

	do {
		tests = 0;
		thread_for_each(count_tests, &tests);
		heap_shrink();
	} while (tests > 0);
	heap_stats_get(&s);
	return s.max - s.margin - s.kept - s.used - s.reserved;
}

SELFTEST(heap_release_gives_all_back)
{
	uint64_t before = free_to_reserve();

	CHECK(heap_reserve(10) == 0);
	CHECK(current()->heap_granted == 10);
	heap_release();
	CHECK(current()->heap_granted == 0);
	CHECK(free_to_reserve() == before);
}

SELFTEST(heap_reserved_pages_are_not_granted_twice)
{
	uint64_t before = free_to_reserve();

	CHECK(heap_reserve(100) == 0);
	CHECK(free_to_reserve() == before - 100);
	heap_release();
}

/* Taking a page leaves the reservation as it is (HEAP1): what another call
 * could be granted shrinks by both. */
SELFTEST(heap_a_reservation_is_held_in_full_until_its_release)
{
	uint64_t before = free_to_reserve();
	struct heap_stats s;
	void *p[8];
	unsigned i;

	CHECK(heap_reserve(8) == 0);
	for (i = 0; i < 8; i++)
		p[i] = kalloc(3000, ALLOC_SITE(0, "test"));
	CHECK(current()->heap_granted == 8);
	heap_stats_get(&s);
	CHECK(s.reserved >= 8);
	CHECK(free_to_reserve() <= before - 14);
	while (i > 0)
		kfree(p[--i]);
	heap_release();
	CHECK(free_to_reserve() == before);
}

/* A thread that wants everything waits until the pages are given back. */
static _Atomic unsigned stage;
static uint64_t want;

static void
reserve_most(void *arg)
{
	(void)arg;
	stage = 1;
	heap_reserve(want);
	stage = 2;
	heap_release();
	stage = 3;
}

SELFTEST(heap_a_call_waits_for_its_reservation)
{
	struct heap_stats before, after;

	heap_stats_get(&before);
	want = free_to_reserve() - 20;
	CHECK(heap_reserve(40) == 0);
	stage = 0;
	kthread_run("test", reserve_most, NULL);
	do {
		thread_yield();
		heap_stats_get(&after);
	} while (after.waits == before.waits);
	CHECK(stage == 1);
	heap_release();
	while (stage != 3)
		thread_yield();
	heap_stats_get(&after);
	CHECK(after.waits == before.waits + 1);
}

/* Each wants all there is, so one has it at a time; they are let into the line
 * one by one, and write down who was served when. */
#define WAITERS 4
static unsigned served[WAITERS];

static void
reserve_in_turn(void *arg)
{
	heap_reserve(want);
	served[stage++] = (uint64_t)arg;
	heap_release();
}

SELFTEST(heap_who_waits_is_served_in_order_of_arrival)
{
	struct heap_stats s;
	uint64_t i;

	want = free_to_reserve() - 20;
	CHECK(heap_reserve(40) == 0);
	stage = 0;
	for (i = 0; i < WAITERS; i++) {
		kthread_run("test", reserve_in_turn, (void *)i);
		do {
			thread_yield();
			heap_stats_get(&s);
		} while (s.waiting <= i);
	}
	heap_release();
	while (stage < WAITERS)
		thread_yield();
	for (i = 0; i < WAITERS; i++)
		CHECK(served[i] == i);
}

/* Objects are chained through their first words. */
static void
take_objects(void **chain, uint64_t n)
{
	while (n-- > 0) {
		void **object = kalloc(4000, ALLOC_SITE(0, "test"));

		*object = *chain;
		*chain = object;
	}
}

static void
free_objects(void **chain, uint64_t n)
{
	while (n-- > 0) {
		void **object = *chain;

		*chain = *object;
		kfree(object);
	}
}

/* A reservation of all there is holds to the last page, and what it takes
 * beyond that, because other CPUs' magazines keep what the call has freed
 * there, is within the margin. */
SELFTEST(heap_a_reservation_holds_to_the_last_page)
{
	uint64_t n = free_to_reserve(), used = mem_heap_used(), beyond;
	struct heap_stats s;
	void *chain = NULL;
	unsigned cpu;

	CHECK(heap_reserve(n) == 0);
	thread_set_affinity(current(), 1);
	take_objects(&chain, n);
	for (cpu = 1; cpu < cpu_count; cpu++) {
		thread_set_affinity(current(), 1UL << cpu);
		free_objects(&chain, 2);
	}
	thread_set_affinity(current(), 1);
	take_objects(&chain, 2 * (cpu_count - 1));
	heap_stats_get(&s);
	free_objects(&chain, n);
	heap_release();
	thread_set_affinity(current(), ~0UL);
	heap_shrink();
	beyond = s.used - MIN(s.used, used + n);
	CHECK(beyond <= s.margin);
	CHECK(beyond >= cpu_count - 1);
}

/* An evictor that has something to give only while this test runs. */
static void *_Atomic hoard[64];

static uint64_t
evict_hoard(uint64_t n)
{
	uint64_t freed = 0;
	unsigned i;

	(void)n;
	for (i = 0; i < 64; i++) {
		void *p = atomic_exchange(&hoard[i], NULL);

		freed += p != NULL;
		kfree(p);
	}
	return freed;
}

EVICTOR(selftest, evict_hoard);

SELFTEST(heap_evictors_are_asked_before_anyone_is_killed)
{
	struct heap_stats before, after;
	unsigned i;

	heap_stats_get(&before);
	CHECK(heap_reserve(64) == 0);
	for (i = 0; i < 64; i++)
		hoard[i] = kalloc(4000, ALLOC_SITE(0, "test"));
	heap_release();
	want = free_to_reserve() + 32;
	CHECK(heap_reserve(want) == 0);
	heap_release();
	heap_stats_get(&after);
	CHECK(hoard[0] == NULL);
	CHECK(after.evictions > before.evictions);
	CHECK(after.kills == before.kills);
}

static void
reserve_often(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 500; i++) {
		heap_reserve(4);
		kfree(kalloc(200, ALLOC_SITE(0, "test")));
		heap_release();
		if (i % 50 == 0)
			thread_yield();
	}
	stage++;
}

SELFTEST(heap_accounts_stay_right_on_all_cpus)
{
	uint64_t before = free_to_reserve();
	unsigned i;

	stage = 0;
	for (i = 0; i < 8; i++)
		kthread_run("test", reserve_often, NULL);
	while (stage < 8)
		thread_yield();
	CHECK(free_to_reserve() + 8 >= before);
}
