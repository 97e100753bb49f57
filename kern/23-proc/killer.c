/*
 * When memory is short: choosing the process whose end frees most, and ending
 * it. Chapter heap asks when the kernel heap is reserved to the last page,
 * chapter vm when there are no pages for users. Never init.
 */
#include "abi/signal.h"
#include "proc_internal.h"
#include "string.h"

/* A victim gets this long to die before another one is chosen. */
#define PATIENCE_NS (2 * NS_PER_SEC)
#define WAIT_NS	    (NS_PER_SEC / 100)

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

/* proc_lock held: it keeps the address spaces that are looked at. */
static void
add_pages(struct proc *p, void *arg)
{
	struct vmspace *vm = memory_of(p);

	(void)arg;
	if (vm)
		account_add(p->account, vm->resident * PAGE_SIZE);
}

static bool
is_alive(const struct proc *p)
{
	return p->nthreads > 0 && p->state != PROC_ZOMBIE;
}

/* Whether a victim is still dying. */
static bool
is_awaited(void)
{
	struct proc *p;
	bool found = false;

	spin_lock(&proc_lock);
	for (p = proc_next(1); p && !found; p = proc_next(p->pid + 1))
		found = is_alive(p) && p->killed_ns &&
			clock_ns() - p->killed_ns < PATIENCE_NS;
	spin_unlock(&proc_lock);
	return found;
}

/* End the processes of the account and its descendants. One whose own process
 * has ended is named by the first of them. */
static void
end_family(uint16_t account, struct heap_kill *kill)
{
	struct proc *p;

	spin_lock(&proc_lock);
	for (p = proc_next(1); p; p = proc_next(p->pid + 1)) {
		if (p == init_proc || !is_alive(p) ||
		    !account_is_below(p->account, account))
			continue;
		if (kill->processes++ == 0 || p->account == account) {
			strlcpy(kill->name, p->name, sizeof(kill->name));
			kill->pid = p->pid;
		}
		account_doom(p->account);
		p->killed_ns = clock_ns();
		if (proc_ops.send)
			proc_ops.send(p, SIGKILL);
	}
	account_doom(account);
	spin_unlock(&proc_lock);
}

/* The log says who was ended and for what: nothing else tells the user why. */
static void
tell(const struct heap_kill *k)
{
	kprintf("proc: %s is short: ending %s (pid %d), processes: %u, "
		"bytes: %lu",
		k->for_pages ? "memory" : "kernel heap", k->name, k->pid,
		k->processes, k->bytes);
	for (unsigned i = 0; i < ARRAY_SIZE(k->types); i++)
		if (k->types[i].bytes)
			kprintf(", %s %lu", k->types[i].what,
				k->types[i].bytes);
	kprintf("\n");
	heap_kill_note(k);
}

/* @return whether somebody was ended, or is being */
static bool
kill_most(bool for_pages)
{
	struct heap_kill kill = { .for_pages = for_pages, .ns = clock_ns() };
	uint16_t account;

	if (!init_proc)
		return false;
	if (is_awaited())
		return true;
	account_tally_begin();
	if (for_pages) {
		proc_for_each(add_pages, NULL);
		account_add_pages();
	} else {
		account_add_heap();
	}
	account = account_choose(init_proc->account);
	if (account) {
		kill.bytes = account_total(account);
		account_types(account, &kill);
		end_family(account, &kill);
		tell(&kill);
	}
	account_tally_end();
	return account;
}

/* heap_killer_ops.kill */
static bool
kill_for_heap(void)
{
	return kill_most(false);
}

/* heap_killer_ops.kill_for_pages */
static bool
kill_for_pages(void)
{
	return kill_most(true);
}

/* vm_ops.out_of_memory */
static bool
kill_for_fault(void)
{
	bool found = kill_most(true);

	if (!found && current_proc() == init_proc)
		panic("out of memory, and init is all there is");
	if (!found || thread_killed())
		return false;
	thread_sleep_until(clock_ns() + WAIT_NS, WAIT_KILLABLE);
	return true;
}

void
killer_init(void)
{
	account_init(threads_max);
	heap_killer_ops.kill = kill_for_heap;
	heap_killer_ops.kill_for_pages = kill_for_pages;
	vm_ops.out_of_memory = kill_for_fault;
}
