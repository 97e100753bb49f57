/*
 * The gate: reservations of kernel heap, counted in pages. A CPU keeps a few
 * reserved pages at hand, so that a common call reserves and releases with an
 * instruction each. When the heap is short, calls stand in line, and everything
 * given back goes to the first in line.
 *
 * Entry points: heap_reserve, heap_release (from the system-call path as
 * trap_ops.reserve and release); what to do about shortage is in killer.c, who
 * holds what in account.c, the debug build's check in check.c.
 */
#include "heap_internal.h"
#include "string.h"

#define AT_HAND_MAX   64 /* reserved pages that a CPU keeps */
#define AT_HAND_BATCH 32

/* Two lines, and what is left goes to the first one first: of those who must go
 * on so that memory comes free (LINE_LAST), and of calls that begin. */
enum line { LINE_LAST, LINE_CALLS, NLINES };

static PERCPU(int32_t, at_hand);
/*
 * AT_HAND_MAX; -1 while the heap is tight: somebody stands in line, or pages in
 * use and reserved are more than a new call would be granted. (That they can
 * become: a page that is taken stays in its call's reservation.) What is given
 * back must pass the gate again then: at hand, another call would have it
 * without the test of HEAP1, while the first may need a page for objects that
 * it has freed, whose places others have filled.
 */
static _Atomic int32_t keep_at_hand = AT_HAND_MAX;

/* Guarded by lock (taken in interrupt handlers). */
static struct {
	struct spinlock lock;
	uint64_t max;		   /* M */
	uint64_t limit;		   /* HEAP1: M, less the margin */
	uint64_t kept;		   /* of these, what only LINE_LAST may have */
	int64_t reserved;	   /* granted in full, at_hand included */
	struct list lines[NLINES]; /* requests that wait, first come first */
	unsigned waiting;
	uint64_t waits;
	uint64_t granted;     /* times somebody in line could go on */
	uint64_t short_since; /* ns: since then somebody stands in line */
	struct heap_shortages shortages;
} gate = { .lock = SPINLOCK("heap gate"),
	   .lines = { LIST_INIT(gate.lines[LINE_LAST]),
		      LIST_INIT(gate.lines[LINE_CALLS]) } };

struct request {
	struct list link;
	unsigned pages;
	bool granted;
	struct thread *thread;
};

/* ---- The shared count; gate.lock is held ---- */

/* Pages in use are read within the lock, under which alone reservations shrink:
 * a page that is taken meanwhile is still part of its call's reservation. */
static bool
fits(uint64_t pages, enum line line)
{
	uint64_t limit =
		line == LINE_LAST ? gate.limit : gate.limit - gate.kept;

	if (line != LINE_LAST && pages_are_short())
		return false;
	return (int64_t)mem_heap_used() + gate.reserved + (int64_t)pages <=
	       (int64_t)limit;
}

static void
line_grows(void)
{
	gate.waits++;
	if (gate.waiting++ == 0)
		gate.short_since = clock_ns();
}

static void
line_shrinks(void)
{
	struct heap_shortages *s = &gate.shortages;

	if (--gate.waiting)
		return;
	s->last_ns = clock_ns() - gate.short_since;
	s->longest_ns = MAX(s->longest_ns, s->last_ns);
	s->total_ns += s->last_ns;
	s->n++;
}

static void
grant_lines(void)
{
	struct request *r;
	struct thread *t;
	unsigned i;

	for (i = 0; i < NLINES; i++) {
		while ((r = list_first(&gate.lines[i], struct request, link))) {
			if (!fits(r->pages, i))
				return;
			gate.reserved += r->pages;
			gate.granted++;
			line_shrinks();
			list_del(&r->link);
			t = r->thread; /* r is gone once it is granted */
			__atomic_store_n(&r->granted, true, __ATOMIC_RELEASE);
			thread_wake(t);
		}
	}
	if (fits(AT_HAND_BATCH * 8, LINE_CALLS))
		keep_at_hand = AT_HAND_MAX;
}

static void
return_pages(int64_t pages)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);

	gate.reserved -= pages;
	if (keep_at_hand < 0)
		grant_lines();
	spin_unlock_irqrestore(&gate.lock, rflags);
}

/*
 * ---- Pages at hand ----
 *
 * Preemption may strike anywhere here, so each change is one instruction, which
 * needs no lock prefix, for only its own CPU makes it. Not first subtracted and
 * then given back where it was too much: the thread may be on another CPU by
 * then, which would have pages at hand that nobody has reserved.
 */

static inline bool
take_at_hand(int32_t pages)
{
	int32_t old = this_cpu(at_hand);
	bool done;

	do {
		if (__builtin_expect(old < pages, 0))
			return false;
		asm volatile("cmpxchgl %3, %%gs:%0"
			     : "+m"(at_hand), "+a"(old), "=@ccz"(done)
			     : "r"(old - pages)
			     : "memory");
	} while (__builtin_expect(!done, 0));
	return true;
}

static inline void
put_at_hand(int32_t pages)
{
	asm volatile("addl %1, %%gs:%0" : "+m"(at_hand) : "r"(pages));
}

/* ---- Waiting ---- */

/* @return 0, or -EINTR: the thread is to die, and stands in line no more */
static int
wait_in_line(unsigned pages, enum line line)
{
	enum wait_how how =
		line == LINE_LAST ? WAIT_UNINTERRUPTIBLE : WAIT_KILLABLE;
	struct request r = { .pages = pages, .thread = current() };
	uint64_t rflags = spin_lock_irqsave(&gate.lock);
	int error = 0;

	note_wait();
	line_grows();
	list_add_tail(&r.link, &gate.lines[line]);
	keep_at_hand = -1;
	grant_lines();
	spin_unlock_irqrestore(&gate.lock, rflags);
	while (!error && !__atomic_load_n(&r.granted, __ATOMIC_ACQUIRE)) {
		killer_call();
		thread_sleep_prepare();
		if (__atomic_load_n(&r.granted, __ATOMIC_ACQUIRE))
			thread_sleep_cancel();
		else
			error = thread_sleep(how, WAIT_FOREVER);
	}
	if (!error)
		return 0;
	rflags = spin_lock_irqsave(&gate.lock);
	if (r.granted) {
		gate.reserved -= pages;
	} else {
		list_del(&r.link);
		line_shrinks();
	}
	grant_lines();
	spin_unlock_irqrestore(&gate.lock, rflags);
	return error;
}

/* Nothing at hand: reserve from the shared count, and a batch more. */
static bool
take_shared(unsigned pages, enum line line)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);
	unsigned batch =
		fits(pages + AT_HAND_BATCH * 8, LINE_CALLS) ? AT_HAND_BATCH : 0;
	bool ok = !gate.waiting && fits(pages + batch, line);

	if (ok)
		gate.reserved += pages + batch;
	spin_unlock_irqrestore(&gate.lock, rflags);
	if (ok)
		put_at_hand(batch);
	return ok;
}

static int __attribute__((noinline))
reserve_shared(unsigned pages, enum line line)
{
	if (take_shared(pages, line))
		return 0;
	/* It would wait for ever, and everybody behind it. */
	if (pages > gate.limit - gate.kept && line == LINE_CALLS)
		return -ENOMEM;
	return wait_in_line(pages, line);
}

/* More at hand than a CPU keeps, or others wait for it. */
static void __attribute__((noinline)) return_surplus(void)
{
	uint64_t rflags = irq_save();
	int32_t surplus =
		this_cpu(at_hand) - (keep_at_hand < 0 ? 0 : AT_HAND_BATCH);

	if (surplus > 0)
		this_cpu(at_hand) -= surplus;
	irq_restore(rflags);
	if (surplus > 0)
		return_pages(surplus);
}

/* ---- Entry points ---- */

static inline void
begin(unsigned pages)
{
	struct thread *t = current();

	t->heap_begun = pages;
	check_begin(t);
}

static int __attribute__((noinline)) reserve_slowly(unsigned pages)
{
	int error = reserve_shared(pages, LINE_CALLS);

	if (!error)
		begin(pages);
	return error;
}

int
heap_reserve(unsigned pages)
{
	/* HEAP3; a kernel thread may hold nothing either. */
	lockcheck_may_sleep("heap_reserve");
	INVARIANT(HEAP3, !current()->transaction);
	INVARIANT(HEAP2, current()->heap_granted == 0);
	if (__builtin_expect(!take_at_hand(pages), 0))
		return reserve_slowly(pages);
	begin(pages);
	return 0;
}

/* trap_ops.reserve with heapgate=fail: what most kernels do, for comparison. */
static int
reserve_or_fail(unsigned pages)
{
	INVARIANT(HEAP2, current()->heap_granted == 0);
	if (!take_at_hand(pages) && !take_shared(pages, LINE_CALLS)) {
		killer_call();
		return -ENOMEM;
	}
	begin(pages);
	return 0;
}

void
heap_reserve_last(unsigned pages)
{
	lockcheck_may_sleep("heap_reserve_last");
	INVARIANT(HEAP3, !current()->transaction);
	INVARIANT(HEAP2, current()->heap_granted == 0);
	pages = MIN(pages, gate.kept);
	if (!take_at_hand(pages))
		reserve_shared(pages, LINE_LAST);
	begin(pages);
}

void
heap_release(void)
{
	struct thread *t = current();

	put_at_hand(t->heap_granted);
	t->heap_granted = 0;
	if (__builtin_expect(keep_at_hand < this_cpu(at_hand), 0))
		return_surplus();
}

int
heap_checkpoint(unsigned pages)
{
	int error;

	heap_release();
	error = heap_reserve(pages);
	if (error)
		heap_reserve_last(pages);
	return error;
}

/* An interruptible sleep is a checkpoint: no lock is held, and how long it
 * lasts is up to others. */
static void
sleep_begin(void)
{
	struct thread *t = current();

	if (t->heap_granted) {
		t->heap_asleep = t->heap_granted;
		heap_release();
	}
}

/* Who has been killed meanwhile does not wait in line with those who begin: it
 * is on its way out, and needs what its call may need on that way. */
static void
sleep_end(void)
{
	struct thread *t = current();
	unsigned pages = t->heap_asleep;

	if (!pages)
		return;
	t->heap_asleep = 0;
	if (heap_reserve(pages))
		heap_reserve_last(pages);
}

/* ---- From the slab heap: it has taken or returned pages ---- */

/* Interrupts off, a slab's lock held. Without the gate's lock: the look comes a
 * few pages before it matters, for gate.kept lie between. */
static void
page_taken(void)
{
	uint64_t used = mem_heap_used();

	if (__builtin_expect(used > gate.max, 0))
		panic("heap: HEAP1: all %lu pages are used up", gate.max);
	if (used + gate.reserved > gate.limit - gate.kept &&
	    keep_at_hand < GATE_OFF)
		keep_at_hand = -1;
	note_page_taken();
}

static void
pages_returned(uint64_t pages)
{
	(void)pages;
	if (keep_at_hand < 0)
		return_pages(0);
}

static void
drain_cpu(void *arg)
{
	int32_t pages = this_cpu(at_hand);

	/* What is freed by RCU waits for its CPU to look after it. */
	rcu_run_callbacks();
	/* In interrupt context: nobody is between test and use. */
	if (pages > 0 && keep_at_hand < GATE_OFF) {
		this_cpu(at_hand) = 0;
		return_pages(pages);
	}
	atomic_fetch_add((_Atomic uint64_t *)arg, slab_shrink());
}

uint64_t
heap_shrink(void)
{
	_Atomic uint64_t freed = 0;

	unsigned round;

	/* Twice: what waits now, and what comes behind it. */
	for (round = 0; round < 2; round++) {
		rcu_synchronize();
		smp_call((1UL << (cpu_count - 1) << 1) - 1, drain_cpu, &freed);
	}
	return freed;
}

bool
gate_is_short(void)
{
	return gate.waiting > 0;
}

uint64_t
gate_granted(void)
{
	return __atomic_load_n(&gate.granted, __ATOMIC_RELAXED);
}

/* The killer thread, which asks, does not give back what it has itself. */
bool
gate_is_full(void)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock), limit = 0;
	struct request *r;
	unsigned i;

	for (i = 0, r = NULL; i < NLINES && !r; i++) {
		r = list_first(&gate.lines[i], struct request, link);
		limit = gate.limit - (i == LINE_LAST ? 0 : gate.kept);
	}
	spin_unlock_irqrestore(&gate.lock, rflags);
	return r &&
	       mem_heap_used() + current()->heap_granted + r->pages > limit;
}

void
gate_close(void)
{
	if (keep_at_hand < GATE_OFF)
		keep_at_hand = -1;
}

void
gate_open(void)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);

	if (keep_at_hand < GATE_OFF)
		grant_lines();
	spin_unlock_irqrestore(&gate.lock, rflags);
}

void
heap_stats_get(struct heap_stats *stats)
{
	uint64_t rflags = spin_lock_irqsave(&gate.lock);
	struct mem_stats m;

	mem_stats_get(&m);
	stats->max = m.heap_max;
	stats->margin = gate.max - gate.limit;
	stats->kept = gate.kept;
	stats->used = m.heap_used;
	stats->reserved = gate.reserved;
	stats->waiting = gate.waiting;
	stats->waits = gate.waits;
	stats->shortages = gate.shortages;
	spin_unlock_irqrestore(&gate.lock, rflags);
	killer_stats(stats);
	check_stats(stats);
}

/* ---- Start-up ---- */

/* What one entry may need at most. */
static unsigned
largest_bound(void)
{
	unsigned nr, most = BOUND_MIN;

	for (nr = 0; nr < SYSCALLS_MAX; nr++)
		most = MAX(most, (unsigned)heap_call_bounds[nr]);
	return most;
}

/* heapgate=off: more at hand than there are pages, so that nobody waits. */
static void
open_gate(void)
{
	unsigned cpu;

	for (cpu = 0; cpu < cpu_count; cpu++)
		*percpu_ptr(at_hand, cpu) = GATE_OFF;
	keep_at_hand = INT32_MAX; /* no CPU gives back */
}

/* The command line: on (default), off, fail. */
static void
set_gate(void)
{
	char how[8] = "on";

	command_line_get("heapgate", how, sizeof(how));
	trap_ops.reserve = heap_reserve;
	trap_ops.release = heap_release;
	if (strcmp(how, "off") == 0)
		open_gate();
	else if (strcmp(how, "fail") == 0)
		trap_ops.reserve = reserve_or_fail;
	else if (strcmp(how, "on") != 0)
		kprintf("heap: heapgate=%s is none of on, off, fail\n", how);
	kprintf("heap: %lu pages to reserve, gate %s\n", gate.limit - gate.kept,
		how);
}

static void
heap_init(void)
{
	unsigned margin = slab_margin(cpu_count) + INTERRUPT_PAGES;
	struct mem_stats m;

	mem_stats_get(&m);
	memcpy(syscall_heap_pages, heap_call_bounds,
	       sizeof(syscall_heap_pages));
	gate.kept = largest_bound();
	if (m.heap_max < m.heap_used + margin + 2 * gate.kept)
		panic("heap: heap=%lu (KiB) is too little, this kernel needs "
		      "%lu",
		      m.heap_max * 4,
		      (m.heap_used + margin + 2 * gate.kept) * 4);
	gate.max = m.heap_max;
	gate.limit = m.heap_max - margin;
	check_init();
	heap_ops.page_taken = page_taken;
	heap_ops.pages_returned = pages_returned;
	sched_ops.sleep_begin = sleep_begin;
	sched_ops.sleep_end = sleep_end;
	set_gate();
	pages_init();
	killer_start();
}

CHAPTER_INIT(heap_init);
