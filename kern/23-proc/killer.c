/*
 * When memory is short: choosing the process whose end frees most, and ending
 * it. Chapter heap asks when the kernel heap is reserved to the last page,
 * chapter vm when there are no pages for users. Never init.
 */
#include "abi/signal.h"
#include "proc_internal.h"

/* A victim gets this long to die before another one is chosen. */
#define PATIENCE_NS (2 * NS_PER_SEC)
#define WAIT_NS	    (NS_PER_SEC / 100)

/* Heap of a thread with its stack of small things, in bytes: a guess. */
#define THREAD_HEAP 4096

struct choice {
	uint64_t (*holds)(struct proc *p);
	struct proc *best;
	uint64_t most;
};

/* Of any thread that still has it. proc_lock held. */
static struct vmspace *
memory_of(struct proc *p)
{
	struct thread *t;

	list_for_each (t, &p->threads, proc_link) {
		if (t->vmspace)
			return t->vmspace;
	}
	return NULL;
}

static uint64_t
pages_held(struct proc *p)
{
	struct vmspace *vm = memory_of(p);

	return vm ? vm->resident + 1 : 0;
}

static uint64_t
heap_held(struct proc *p)
{
	struct vmspace *vm = memory_of(p);
	uint64_t bytes = p->nthreads * (uint64_t)THREAD_HEAP;

	return vm ? bytes + vm->nmappings * sizeof(struct mapping) : bytes;
}

/* proc_lock held: it keeps the address spaces that are looked at. */
static void
consider(struct proc *p, void *arg)
{
	struct choice *c = arg;
	uint64_t holds;

	if (p == init_proc || p->nthreads == 0 || p->state == PROC_ZOMBIE)
		return;
	/* One that is dying already is given time, not company. */
	if (p->killed_ns && clock_ns() - p->killed_ns < PATIENCE_NS) {
		c->best = p;
		c->most = UINT64_MAX;
		return;
	}
	/* Among equals the youngest: who started a fork bomb outlives it. */
	holds = c->holds(p);
	if (holds >= c->most && !p->killed_ns) {
		c->most = holds;
		c->best = p;
	}
}

/* The process to end, referenced; *@fresh: it has not been told yet. */
static struct proc *
choose(uint64_t (*holds)(struct proc *p), bool *fresh)
{
	struct choice c = { .holds = holds };
	struct proc *p;

	spin_lock(&proc_lock);
	for (p = proc_next(1); p; p = proc_next(p->pid + 1))
		consider(p, &c);
	if (c.best) {
		proc_get(c.best);
		*fresh = c.most != UINT64_MAX;
		if (*fresh)
			c.best->killed_ns = clock_ns();
	}
	spin_unlock(&proc_lock);
	return c.best;
}

/* The log says who was ended and for what: nothing else tells the user why. */
static struct proc *
kill_most(uint64_t (*holds)(struct proc *p), const char *what)
{
	bool fresh;
	struct proc *p = choose(holds, &fresh);

	if (p && fresh) {
		kprintf("proc: %s is short: ending %s (pid %d)\n", what,
			p->name, p->pid);
		if (proc_ops.send)
			proc_ops.send(p, SIGKILL);
	}
	return p;
}

/* heap_killer_ops.kill */
static bool
kill_for_heap(void)
{
	struct proc *p = kill_most(heap_held, "kernel heap");

	proc_put(p);
	return p;
}

/* heap_killer_ops.kill_for_pages */
static bool
kill_for_pages(void)
{
	struct proc *p = kill_most(pages_held, "memory");

	proc_put(p);
	return p;
}

/* vm_ops.out_of_memory */
static bool
kill_for_fault(void)
{
	struct proc *p = kill_most(pages_held, "memory");
	bool self = p && p == current_proc();

	if (!p && current_proc() == init_proc)
		panic("out of memory, and init is all there is");
	proc_put(p);
	if (!p || self)
		return false;
	thread_sleep_until(clock_ns() + WAIT_NS, WAIT_KILLABLE);
	return true;
}

void
killer_init(void)
{
	heap_killer_ops.kill = kill_for_heap;
	heap_killer_ops.kill_for_pages = kill_for_pages;
	vm_ops.out_of_memory = kill_for_fault;
}
