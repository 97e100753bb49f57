/*
 * The lock checker (debug build). It keeps, for each pair of lock classes, the
 * place where the second was first taken while the first was held. A new edge
 * that closes a cycle is a deadlock that has merely not happened yet: panic,
 * and print the chain. It also checks that a class that interrupt handlers take
 * is never taken with interrupts on, that nothing sleeps under a spinlock, and
 * that a lock is released by who holds it.
 *
 * Idea: Linux's lockdep (Documentation/locking/lockdep-design.rst).
 */
#ifdef DEBUG
#include "string.h"
#include "sync.h"

/* All locks of one name and subclass. The flags and their places are written
 * without a lock: they go from false to true, and any of two places is as good
 * for a report. */
struct lock_class {
	const char *name;
	unsigned subclass;
	bool sleeping;	   /* a lock that sleeps (sched) */
	bool in_interrupt; /* taken by an interrupt handler ... */
	bool irqs_on;	   /* ... or with interrupts on, here: */
	uint64_t in_interrupt_ip, irqs_on_ip;
};

/*
 * The graph. An edge is a bit in a matrix, 8 KiB, and beside it the place where
 * it was drawn first, as the lower half of a kernel address, 256 KiB.
 *
 * Classes and edges are only ever added; guarded by checker_lock, but read
 * without it: an entry is complete before its bit or count is visible.
 */
static struct lock_class classes[LOCK_CLASSES_MAX]; /* [0] is not used */
static _Atomic unsigned nclasses = 1;
static _Atomic uint64_t edges[LOCK_CLASSES_MAX][LOCK_CLASSES_MAX / 64];
static uint32_t edge_ip[LOCK_CLASSES_MAX][LOCK_CLASSES_MAX];
static _Atomic int checker_lock;

/* Where a lock of a name was last found, so that a new one costs no search. */
#define RECENT 512
static _Atomic uint16_t recent[RECENT];

/* Until sched gives each thread a stack of held locks, a CPU has one. */
static PERCPU(struct held_locks, cpu_held);
PERCPU(struct held_locks *, held_locks);

/* Interrupts are off, or the thread might move to another CPU's. */
static struct held_locks *
held_here(void)
{
	struct held_locks *h = this_cpu(held_locks);

	return h ? h : this_cpu_ptr(cpu_held);
}

/* Not a struct spinlock: those call the checker. Interrupts are off. */
static void
checker_enter(void)
{
	while (atomic_exchange_explicit(&checker_lock, 1,
					memory_order_acquire) &&
	       !panicking)
		cpu_pause();
}

static void
checker_leave(void)
{
	atomic_store_explicit(&checker_lock, 0, memory_order_release);
}

/* The test that each lock taken while another is held pays for. */
static bool
has_edge(unsigned from, unsigned to)
{
	return atomic_load_explicit(&edges[from][to / 64],
				    memory_order_relaxed) >>
		       to % 64 &
	       1;
}

/* Names are compared as strings: the same name may be a constant of two files.
 * checker_lock is held. */
static unsigned
class_lookup(const char *name, unsigned subclass, bool sleeping)
{
	unsigned i, n = atomic_load_explicit(&nclasses, memory_order_acquire);

	for (i = 1; i < n; i++)
		if (classes[i].subclass == subclass &&
		    strcmp(classes[i].name, name) == 0)
			return i;
	if (i == LOCK_CLASSES_MAX)
		panic("lockcheck: more than %d lock classes", LOCK_CLASSES_MAX);
	classes[i] = (struct lock_class){ .name = name,
					  .subclass = subclass,
					  .sleeping = sleeping };
	atomic_store_explicit(&nclasses, i + 1, memory_order_release);
	return i;
}

/* A lock's class is looked up once and kept in the lock; that of a subclass,
 * each time, for one lock may be taken at several levels. */
static unsigned
class_of(struct lock_debug *debug, unsigned subclass, bool sleeping)
{
	const char *name = debug->name ? debug->name : "(unnamed lock)";
	_Atomic uint16_t *hint = &recent[((uint64_t)name + subclass) % RECENT];
	uint64_t rflags;
	unsigned class;

	if (subclass == 0 && debug->class)
		return debug->class;
	class = atomic_load_explicit(hint, memory_order_acquire);
	if (classes[class].name != name ||
	    classes[class].subclass != subclass) {
		rflags = irq_save();
		checker_enter();
		class = class_lookup(name, subclass, sleeping);
		checker_leave();
		irq_restore(rflags);
		atomic_store_explicit(hint, class, memory_order_release);
	}
	if (subclass == 0)
		debug->class = class;
	return class;
}

static void
print_class(unsigned class)
{
	kprintf("%s", classes[class].name);
	if (classes[class].subclass)
		kprintf("/%u", classes[class].subclass);
}

/* By which class each was reached; checker_lock is held, and stacks are small.
 */
static uint16_t via[LOCK_CLASSES_MAX];

/* Whether a path of edges leads from `from` to `to`, by breadth-first search:
 * the shortest there is, and back along `via`. */
static bool
find_path(unsigned from, unsigned to)
{
	static uint16_t queue[LOCK_CLASSES_MAX];
	unsigned head = 0, tail = 0, next;

	memset(via, 0, sizeof(via));
	via[from] = from;
	queue[tail++] = from;
	while (head < tail && !via[to]) {
		from = queue[head++];
		for (next = 1; next < nclasses; next++) {
			if (has_edge(from, next) && !via[next]) {
				via[next] = from;
				queue[tail++] = next;
			}
		}
	}
	return via[to];
}

/* Both sides of it: the order now, and each edge of the path that says the
 * contrary, with the places in the code. Does not return. */
static void
report_cycle(unsigned held, unsigned class, uint64_t ip)
{
	unsigned to;

	kprintf("lockcheck: taking ");
	print_class(class);
	kprintf(" while holding ");
	print_class(held);
	kprintf(", at\n");
	backtrace_line(ip);
	for (to = held; to != class; to = via[to]) {
		kprintf("lockcheck:   earlier ");
		print_class(to);
		kprintf(" was taken while holding ");
		print_class(via[to]);
		kprintf(", at\n");
		backtrace_line(KERNBASE + edge_ip[via[to]][to]);
	}
	lockcheck_print_held();
	panic("lockcheck: SYNC2: lock order %s -> %s closes a cycle",
	      classes[held].name, classes[class].name);
}

/* SYNC2. Enter the edge held -> class if it is new; panics if that closes a
 * cycle, which is so if a path leads back already. An edge to the class itself
 * is the shortest cycle: two locks of one class want subclasses. */
static void
add_edge(unsigned held, unsigned class, uint64_t ip)
{
	if (has_edge(held, class))
		return;
	checker_enter();
	if (find_path(class, held))
		report_cycle(held, class, ip);
	edge_ip[held][class] = ip - KERNBASE;
	atomic_fetch_or_explicit(&edges[held][class / 64], 1UL << class % 64,
				 memory_order_release);
	checker_leave();
}

/*
 * SYNC4. A class that was ever taken in a handler and ever with interrupts on:
 * the handler might strike between, on the same CPU, and wait for ever. The two
 * need not have happened at once, nor to the same lock.
 */
static void
check_interrupts(struct lock_class *c, uint64_t ip)
{
	if (in_interrupt() && !c->in_interrupt) {
		c->in_interrupt_ip = ip;
		c->in_interrupt = true;
	} else if (irq_enabled() && !c->irqs_on) {
		c->irqs_on_ip = ip;
		c->irqs_on = true;
	}
	if (!c->in_interrupt || !c->irqs_on)
		return;
	kprintf("lockcheck: in an interrupt at, and with interrupts on at\n");
	backtrace_line(c->in_interrupt_ip);
	backtrace_line(c->irqs_on_ip);
	panic("lockcheck: lock %s is taken in an interrupt handler and "
	      "elsewhere with interrupts on",
	      c->name);
}

/* @p waits: it may come to waiting for the lock, while others are held. */
static void
acquire(const void *lock, struct lock_debug *debug, unsigned subclass,
	bool sleeping, bool waits, uint64_t ip)
{
	uint64_t rflags;
	struct held_locks *h;
	unsigned class, i;

	/* A panic's report is not to be interrupted by another complaint. */
	if (panicking || debug->unchecked)
		return;
	class = class_of(debug, subclass, sleeping);
	if (!sleeping)
		check_interrupts(&classes[class], ip);
	rflags = irq_save();
	h = held_here();
	for (i = 0; i < h->n; i++) {
		if (h->held[i].lock == lock)
			panic("lockcheck: %s taken twice", debug->name);
		if (waits)
			add_edge(h->held[i].class, class, ip);
	}
	if (h->n == LOCKS_HELD_MAX)
		panic("lockcheck: more than %d locks held", LOCKS_HELD_MAX);
	h->held[h->n++] = (struct held_lock){ lock, class, ip };
	irq_restore(rflags);
}

void
lockcheck_acquire(const void *lock, struct lock_debug *debug, unsigned subclass,
		  bool sleeping, uint64_t ip)
{
	acquire(lock, debug, subclass, sleeping, true, ip);
}

void
lockcheck_tried(const void *lock, struct lock_debug *debug, bool sleeping,
		uint64_t ip)
{
	acquire(lock, debug, 0, sleeping, false, ip);
}

void
lockcheck_release(const void *lock, struct lock_debug *debug)
{
	uint64_t rflags;
	struct held_locks *h;
	unsigned i;

	if (panicking || debug->unchecked)
		return;
	rflags = irq_save();
	h = held_here();
	/* Mostly the last one taken; any order of release is right. */
	for (i = h->n; i > 0 && h->held[i - 1].lock != lock; i--)
		;
	if (i == 0)
		panic("lockcheck: %s released, but not held here", debug->name);
	for (; i < h->n; i++)
		h->held[i - 1] = h->held[i];
	h->n--;
	irq_restore(rflags);
}

bool
lockcheck_held(const void *lock)
{
	uint64_t rflags = irq_save();
	struct held_locks *h = held_here();
	unsigned i;

	for (i = 0; i < h->n && h->held[i].lock != lock; i++)
		;
	irq_restore(rflags);
	return i < h->n;
}

void
lockcheck_may_sleep(const char *what)
{
	if (!preempt_disabled() || panicking)
		return;
	lockcheck_print_held();
	panic("lockcheck: %s may sleep, but preemption is off (count %#x)",
	      what, PREEMPT_COUNT(this_cpu(preempt_count)));
}

void
lockcheck_print_held(void)
{
	struct held_locks *h = held_here();
	unsigned i;

	for (i = 0; i < h->n; i++) {
		kprintf("lockcheck:   holds %s, taken at\n",
			classes[h->held[i].class].name);
		backtrace_line(h->held[i].ip);
	}
}
#endif
