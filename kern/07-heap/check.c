/*
 * What calls are seen to need, and in the debug build the proof at each
 * allocation that they need no more than they have reserved. A call is one
 * reservation: a system call, a page fault, the time between two interruptible
 * sleeps. Its number (serial) is kept with each object, so that a free is
 * known to be the call's own: only those give it room again (HEAP2).
 */
#include "heap_internal.h"

static struct entry_stats {
	uint16_t observed; /* pages */
	uint32_t waits;
} entries[ENTRIES_MAX];
static _Atomic uint64_t unreserved;

static unsigned
entry_of(const struct thread *t)
{
	return MIN(t->md.nsyscall, ENTRIES_MAX - 1u);
}

void
note_wait(void)
{
	entries[entry_of(current())].waits++;
}

/* Two CPUs may do so at once: the figures are for people. */
static void
note_observed(const struct thread *t, unsigned pages)
{
	struct entry_stats *e = &entries[entry_of(t)];

	if (pages > e->observed)
		e->observed = pages;
}

void
heap_entry_get(unsigned nr, unsigned *observed, unsigned *waits)
{
	*observed = entries[nr].observed;
	*waits = entries[nr].waits;
}

const char *
heap_entry_name(unsigned nr)
{
	static const char *const others[] = { "page fault", "thread end",
					      "kernel thread" };
	const struct syscall_entry *call = syscall_lookup(nr);

	if (nr >= SYSCALLS_MAX)
		return others[MIN(nr, ENTRIES_MAX - 1u) - SYSCALLS_MAX];
	return call ? call->name + strlen("NR_") : "?";
}

void
check_stats(struct heap_stats *stats)
{
	stats->unreserved = unreserved;
}

/* Start-up has no reservation, for nobody is there whom it could keep from
 * memory; an interrupt handler has what the margin keeps for them all. */
static bool
is_reserved(const struct thread *t)
{
	return !in_interrupt() && t->heap_granted > 0;
}

#ifndef DEBUG

/* Only pages are counted, which cost something anyway: what a call takes from
 * slabs that had room is not seen. */
void
note_page_taken(void)
{
	struct thread *t = current();

	if (is_reserved(t))
		note_observed(t, ++t->heap_taken);
	else
		unreserved++;
}

void
check_init(void)
{
}

#else

#define SERIAL_INTERRUPT 1 /* for objects of all interrupt handlers */

static struct thread *start_up; /* the thread that boots, and tests */
static struct heap_count in_interrupts; /* guarded by lock */
static struct spinlock lock = SPINLOCK("heap check");
static _Atomic uint32_t last_serial = SERIAL_INTERRUPT;

void
note_page_taken(void)
{
	if (!is_reserved(current()))
		unreserved++;
}

void
check_begin(struct thread *t)
{
	do
		t->heap_count.serial = ++last_serial;
	while (t->heap_count.serial <= SERIAL_INTERRUPT);
	t->heap_count.pages = 0;
	memset(t->heap_count.live, 0, sizeof(t->heap_count.live));
}

/* Count one object; its class's slabs hold @n. */
static void
count(struct heap_count *c, unsigned class, unsigned n)
{
	if (c->live[class]++ % n == 0)
		c->pages++;
}

static void
uncount(struct heap_count *c, unsigned class, unsigned n)
{
	if (--c->live[class] % n == 0)
		c->pages--;
}

static void __attribute__((noreturn))
passed(const struct heap_count *c, unsigned bound, const char *entry,
       const struct alloc_site *site)
{
	struct slab_info info;
	unsigned i;

	panic_begin();
	for (i = 0; i < HEAP_CLASSES && slab_info_get(i, &info); i++)
		if (c->live[i])
			kprintf("heap: class %u bytes: %u objects\n", info.size,
				c->live[i]);
	panic("heap: HEAP2: %s has reserved %u pages and needs %u: %s at %s:%u",
	      entry, bound, c->pages, site->what, site->file, site->line);
}

static void
count_interrupt(unsigned class, unsigned n, const struct alloc_site *site)
{
	uint64_t rflags = spin_lock_irqsave(&lock);

	count(&in_interrupts, class, n);
	if (in_interrupts.pages > INTERRUPT_PAGES)
		passed(&in_interrupts, INTERRUPT_PAGES, "interrupt", site);
	spin_unlock_irqrestore(&lock, rflags);
}

/* heap_ops.allocated */
static uint32_t
allocated(unsigned class, unsigned n, const struct alloc_site *site)
{
	struct thread *t = current();

	if (in_interrupt()) {
		count_interrupt(class, n, site);
		return SERIAL_INTERRUPT;
	}
	if (t->heap_granted == 0) {
		if (t != start_up)
			panic("heap: HEAP2: %s, without a reservation, "
			      "allocates %s at %s:%u",
			      heap_entry_name(entry_of(t)), site->what,
			      site->file, site->line);
		return 0;
	}
	count(&t->heap_count, class, n);
	if (t->heap_count.pages > t->heap_granted)
		passed(&t->heap_count, t->heap_granted,
		       heap_entry_name(entry_of(t)), site);
	note_observed(t, t->heap_count.pages);
	return t->heap_count.serial;
}

/* heap_ops.freed */
static void
freed(unsigned class, unsigned n, uint32_t serial)
{
	struct thread *t = current();
	uint64_t rflags;

	if (serial == SERIAL_INTERRUPT) {
		rflags = spin_lock_irqsave(&lock);
		uncount(&in_interrupts, class, n);
		spin_unlock_irqrestore(&lock, rflags);
	} else if (serial && !in_interrupt() && t->heap_granted &&
		   serial == t->heap_count.serial) {
		uncount(&t->heap_count, class, n);
	}
}

void
check_init(void)
{
	start_up = current();
	heap_ops.allocated = allocated;
	heap_ops.freed = freed;
}

#endif
