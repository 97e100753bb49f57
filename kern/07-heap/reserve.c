/*
 * The gate: reservations of kernel heap, counted in pages. A CPU keeps a few
 * reserved pages at hand, so that a common call reserves and releases with an
 * instruction each. When the heap is short, calls stand in line, and everything
 * given back goes to the first in line.
 *
 * Entry points: heap_reserve, heap_release (from the system-call path as
 * trap_ops.reserve and release); what to do about shortage is in killer.c.
 */
#include "heap_internal.h"
#include "string.h"

#define AT_HAND_MAX   64 /* reserved pages that a CPU keeps */
#define AT_HAND_BATCH 32

/* Pages kept out of all reservations, for what has none: interrupt handlers,
 * kernel threads at start-up, a thread that dies while the heap is short. */
#define MARGIN_PAGES 64

static PERCPU(int64_t, at_hand);
static uint16_t observed[SYSCALLS_MAX];
static _Atomic uint64_t overdrafts;

/* Guarded by lock (taken in interrupt handlers). */
static struct {
	struct spinlock lock;
	uint64_t limit;	  /* HEAP1's M, less the margin */
	int64_t reserved; /* granted and not yet taken, at_hand included */
	struct list line; /* requests that wait, first come first */
	uint64_t waits;
} gate = { .lock = SPINLOCK("heap gate"), .line = LIST_INIT(gate.line) };

static _Atomic bool is_short; /* the line is not empty */

struct request {
	struct list link;
	unsigned pages;
	bool granted;
	struct thread *thread;
};

/* ---- The shared count; gate.lock is held ---- */

static bool
fits(unsigned pages)
{
	struct mem_stats m;

	mem_stats_get(&m);
	return (int64_t)m.heap_used + gate.reserved + pages <=
	       (int64_t)gate.limit;
}

static void
grant_line(void)
{
	struct request *r;

	while ((r = list_first(&gate.line, struct request, link)) &&
	       fits(r->pages)) {
		gate.reserved += r->pages;
		list_del(&r->link);
		__atomic_store_n(&r->granted, true, __ATOMIC_RELEASE);
		thread_wake(r->thread);
	}
	is_short = !list_empty(&gate.line);
}

static void
return_pages(int64_t pages)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);

	gate.reserved -= pages;
	if (is_short)
		grant_line();
	spin_unlock_irqrestore(&gate.lock, rflags);
}

/* ---- Pages at hand: one instruction each, so preemption may strike ---- */

static inline bool
take_at_hand(int64_t pages)
{
	bool below;

	asm volatile("subq %2, %%gs:%0"
		     : "+m"(at_hand), "=@ccs"(below)
		     : "r"(pages)
		     : "memory");
	if (__builtin_expect(!below, 1))
		return true;
	asm volatile("addq %1, %%gs:%0" : "+m"(at_hand) : "r"(pages));
	return false;
}

static inline void
put_at_hand(int64_t pages)
{
	asm volatile("addq %1, %%gs:%0" : "+m"(at_hand) : "r"(pages));
}

/* ---- Waiting ---- */

static int
wait_in_line(unsigned pages)
{
	struct request r = { .pages = pages, .thread = current() };
	uint64_t rflags = spin_lock_irqsave(&gate.lock);
	int error = 0;

	gate.waits++;
	list_add_tail(&r.link, &gate.line);
	is_short = true;
	grant_line();
	spin_unlock_irqrestore(&gate.lock, rflags);
	while (!error && !__atomic_load_n(&r.granted, __ATOMIC_ACQUIRE)) {
		killer_call();
		thread_sleep_prepare();
		if (__atomic_load_n(&r.granted, __ATOMIC_ACQUIRE))
			thread_sleep_cancel();
		else
			error = thread_sleep(WAIT_KILLABLE, WAIT_FOREVER);
	}
	if (!error)
		return 0;
	rflags = spin_lock_irqsave(&gate.lock);
	if (r.granted) {
		gate.reserved -= pages;
	} else {
		list_del(&r.link);
	}
	grant_line();
	spin_unlock_irqrestore(&gate.lock, rflags);
	return error;
}

/* Nothing at hand: reserve from the shared count, and a batch more. */
static int __attribute__((noinline)) reserve_shared(unsigned pages)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);
	unsigned batch = fits(pages + AT_HAND_BATCH * 8) ? AT_HAND_BATCH : 0;
	bool ok = !is_short && fits(pages + batch);

	if (ok)
		gate.reserved += pages + batch;
	spin_unlock_irqrestore(&gate.lock, rflags);
	if (!ok)
		return wait_in_line(pages);
	put_at_hand(batch);
	return 0;
}

/* More at hand than a CPU keeps, or others wait for it. */
static void __attribute__((noinline)) return_surplus(void)
{
	uint64_t rflags = irq_save();
	int64_t surplus = this_cpu(at_hand) - (is_short ? 0 : AT_HAND_BATCH);

	/* Below 0 only where take_at_hand was preempted between its two. */
	if (surplus < 0)
		surplus = 0;
	this_cpu(at_hand) -= surplus;
	irq_restore(rflags);
	return_pages(surplus);
}

/* ---- Entry points ---- */

int
heap_reserve(unsigned pages)
{
	struct thread *t = current();
	int error = 0;

	/* HEAP3; a kernel thread may hold nothing either. */
	lockcheck_may_sleep("heap_reserve");
	INVARIANT(HEAP2, t->heap_reserved == 0);
	if (__builtin_expect(!take_at_hand(pages), 0)) {
		error = reserve_shared(pages);
		if (error)
			return error;
	}
	t->heap_granted = t->heap_reserved = pages;
	return 0;
}

static void
note_observed(const struct thread *t)
{
	unsigned taken = t->heap_granted - t->heap_reserved;

	if (t->md.nsyscall < SYSCALLS_MAX && taken > observed[t->md.nsyscall])
		observed[t->md.nsyscall] = taken;
}

static inline void
give_back(struct thread *t)
{
	put_at_hand(t->heap_reserved);
	t->heap_reserved = 0;
	if (__builtin_expect(is_short || this_cpu(at_hand) > AT_HAND_MAX, 0))
		return_surplus();
}

void
heap_release(void)
{
	struct thread *t = current();

	if (__builtin_expect(t->heap_reserved != t->heap_granted, 0))
		note_observed(t);
	t->heap_granted = 0;
	give_back(t);
}

int
heap_checkpoint(unsigned pages)
{
	heap_release();
	return heap_reserve(pages);
}

/* An interruptible sleep is a checkpoint: no lock is held, and how long it
 * lasts is up to others. */
static void
sleep_begin(void)
{
	struct thread *t = current();

	if (t->heap_granted)
		give_back(t);
}

static void
sleep_end(void)
{
	struct thread *t = current();
	unsigned pages = t->heap_granted;

	if (pages)
		heap_reserve(pages);
}

/* ---- From the slab heap: it has taken or returned pages ---- */

/* Interrupts off, a slab's lock held. */
static void
page_taken(void)
{
	struct thread *t = current();

	if (in_interrupt() || t->heap_reserved == 0) {
		overdrafts++;
		return;
	}
	t->heap_reserved--;
	return_pages(1); /* from reserved to used */
}

static void
pages_returned(uint64_t pages)
{
	(void)pages;
	if (is_short)
		return_pages(0);
}

static void
drain_cpu(void *arg)
{
	int64_t pages = this_cpu(at_hand);

	/* In interrupt context: nobody is between test and use. */
	if (pages > 0) {
		this_cpu(at_hand) = 0;
		return_pages(pages);
	}
	atomic_fetch_add((_Atomic uint64_t *)arg, slab_shrink());
}

uint64_t
heap_shrink(void)
{
	_Atomic uint64_t freed = 0;

	smp_call((1UL << (cpu_count - 1) << 1) - 1, drain_cpu, &freed);
	return freed;
}

bool
gate_is_short(void)
{
	return is_short;
}

void
heap_stats_get(struct heap_stats *stats)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);
	struct mem_stats m;

	mem_stats_get(&m);
	stats->max = gate.limit;
	stats->used = m.heap_used;
	stats->reserved = gate.reserved;
	stats->waits = gate.waits;
	stats->overdrafts = overdrafts;
	spin_unlock_irqrestore(&gate.lock, rflags);
	killer_stats(stats);
}

unsigned
heap_observed(unsigned nr)
{
	return nr < SYSCALLS_MAX ? observed[nr] : 0;
}

static void
heap_init(void)
{
	struct mem_stats m;

	mem_stats_get(&m);
	if (m.heap_max < 4 * MARGIN_PAGES)
		panic("heap: %lu pages are too few", m.heap_max);
	gate.limit = m.heap_max - MARGIN_PAGES;
	killer_start();
	memcpy(syscall_heap_pages, heap_call_bounds,
	       sizeof(syscall_heap_pages));
	heap_ops.page_taken = page_taken;
	heap_ops.pages_returned = pages_returned;
	sched_ops.sleep_begin = sleep_begin;
	sched_ops.sleep_end = sleep_end;
	trap_ops.reserve = heap_reserve;
	trap_ops.release = heap_release;
	kprintf("heap: %lu pages to reserve\n", gate.limit);
}

CHAPTER_INIT(heap_init);
