/*
 * Address spaces as wholes: making and ending them, which CPU has which one
 * loaded, and the chapter's start-up.
 *
 * A kernel thread runs in the address space of whoever ran before it: only the
 * upper half matters to it, and that is everywhere the same. So a CPU's CR3
 * may hold a vmspace that no thread uses any more; its end takes it from
 * there (drop_loaded).
 */
#include "vm_internal.h"

/** Top of the search for room: below the largest stack that exec makes. */
#define MMAP_TOP (USER_TOP - 0x10000000UL)

struct vm_ops vm_ops;
struct page *vm_zero_page;
paddr_t vm_zero_phys;

/* The vmspace whose table is in this CPU's CR3; NULL: the kernel's own.
 * Interrupts off to change it. */
static PERCPU(struct vmspace *, loaded_vm);

struct vmspace *
vmspace_new(void)
{
	pte_t *root = pmap_new_root();
	struct vmspace *vm;

	if (!root)
		return NULL;
	vm = knew(struct vmspace);
	ref_init(&vm->refs);
	vm->pml4 = root;
	vm->mmap_top = MMAP_TOP;
	vm->room_top = MMAP_TOP;
	rwlock_init(&vm->lock, "vmspace");
	spin_init(&vm->pt_lock, "page table");
	return vm;
}

struct vmspace *
vmspace_get(struct vmspace *vm)
{
	ref_get(&vm->refs);
	return vm;
}

/* ---- Which CPU has it loaded ---- */

/* Load @vm, or the kernel's own table. Interrupts off: drop_loaded must not
 * come in between. */
static void
load_vm(struct vmspace *vm)
{
	struct vmspace *old = this_cpu(loaded_vm);
	cpuset_t self = BIT(cpu_id());

	if (vm == old)
		return;
	if (vm) {
		atomic_fetch_or(&vm->cpus, self);
		write_cr3(kernel_phys(vm->pml4));
	} else {
		write_cr3(kernel_phys(kernel_pml4));
	}
	this_cpu(loaded_vm) = vm;
	if (old)
		atomic_fetch_and(&old->cpus, ~self);
}

/* sched_ops.switch_vm */
static void
switch_vm(struct thread *prev, struct thread *next)
{
	(void)prev;
	if (next->vmspace)
		load_vm(next->vmspace);
}

struct vmspace *
vmspace_switch(struct vmspace *vm)
{
	struct thread *t = current();
	struct vmspace *prev = t->vmspace;
	uint64_t rflags = irq_save();

	t->vmspace = vm;
	load_vm(vm);
	irq_restore(rflags);
	return prev;
}

/* On a CPU that may have the ended vmspace @arg loaded: leave it. Interrupt
 * context, or interrupts off. */
static void
drop_loaded(void *arg)
{
	if (this_cpu(loaded_vm) == arg)
		load_vm(NULL);
}

/* ---- The end ---- */

static void
free_mappings(struct vmspace *vm)
{
	struct list dead = LIST_INIT(dead);

	rwlock_write_lock(&vm->lock);
	map_remove_whole(vm, 0, USER_TOP, &dead);
	rwlock_write_unlock(&vm->lock);
	map_reap(&dead);
}

void
vmspace_put(struct vmspace *vm)
{
	if (!vm || !ref_put(&vm->refs))
		return;
	/* No thread has it, so no CPU can load it again. Once none has it
	 * loaded, its pages and tables go without a flush. */
	if (vm->cpus)
		smp_call(vm->cpus, drop_loaded, vm);
	free_mappings(vm);
	INVARIANT(VM4, rb_empty(&vm->mappings) && vm->resident == 0);
	pmap_free_root(vm->pml4);
	kfree(vm);
}

/* ---- What of it is in memory ---- */

uint64_t
vm_peak_resident(const struct vmspace *vm)
{
	return MAX(vm->peak_resident, vm->resident);
}

/* Count the pages of one mapping that come from the page cache. */
static uint64_t
count_shared(const struct mapping *m)
{
	vaddr_t va = m->start;
	uint64_t count = 0;
	unsigned n;
	pte_t *pte;

	while ((pte = pmap_next(m->vmspace->pml4, &va, m->end, &n))) {
		for (unsigned i = 0; i < n; i++)
			if (pte[i] && pte_page(pte[i])->use == PAGE_CACHE)
				count++;
		va += n * PAGE_SIZE;
	}
	return count;
}

void
vm_count_pages(struct vmspace *vm, uint64_t *shared, uint64_t *data)
{
	struct mapping *m;

	*shared = 0;
	*data = 0;
	rwlock_read_lock(&vm->lock);
	for (m = map_ceil(vm, 0); m; m = map_next(m)) {
		if (m->vnode)
			*shared += count_shared(m);
		if (m->prot & PROT_WRITE && m->flags & MAP_PRIVATE)
			*data += (m->end - m->start) >> PAGE_SHIFT;
	}
	rwlock_read_unlock(&vm->lock);
}

bool
vm_in_core(struct mapping *m, vaddr_t va)
{
	pte_t *pte = pmap_find(m->vmspace->pml4, va);
	struct page *page;

	if (pte && *pte)
		return true;
	if (!m->vnode)
		return false;
	page = page_cache_peek(m->vnode->cache, map_index(m, va));
	if (page)
		page_unref(page);
	return page;
}

/* ---- Start-up ---- */

/* trap_ops.page_fault. A kernel thread has no address space, and so no fault
 * that could be served. */
static int
page_fault(uint64_t address, uint64_t error)
{
	struct vmspace *vm = current()->vmspace;
	unsigned how = 0;

	if (!vm)
		return -EFAULT;
	if (error & FAULT_WRITE)
		how |= VM_FAULT_WRITE;
	if (error & FAULT_FETCH)
		how |= VM_FAULT_FETCH;
	if (error & FAULT_USER)
		how |= VM_FAULT_USER;
	return vm_fault(vm, address, how);
}

static void
vm_init(void)
{
	vm_zero_page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	if (!vm_zero_page)
		panic("vm: no memory for the page of zeros");
	vm_zero_phys = page_to_phys(vm_zero_page);
	vm_file_init();
	trap_ops.page_fault = page_fault;
	sched_ops.switch_vm = switch_vm;
}
CHAPTER_INIT(vm_init);
