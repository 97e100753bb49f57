/*
 * Page faults: what a mapping says is there becomes what the page table says.
 *
 * The work is done with vm->lock held for reading, in one try that does not
 * sleep. Where it would have to (a page to be read from disk, room to be found
 * there, no memory left), it says so, the lock is released, the need is met,
 * and the fault begins anew with what was got: the mapping may be another one
 * by then. So no one who waits for a disk, or for a file's lock, holds an
 * address space's lock.
 */
#include "vm_internal.h"

/** Pages mapped at once by a read fault on a file whose pages are cached: they
 * are aligned to so many. */
#define AROUND_PAGES 16

/** How often, and how long, a fault waits for write-back to free memory before
 * it has a process ended. */
#define WRITE_BACK_WAITS   50
#define WRITE_BACK_WAIT_NS 20000000

/* Results of a try, besides 0 and negative errno values. */
enum {
	NEED_MEMORY = 1, /* a free page, though caches have been reclaimed */
	NEED_PAGE,	 /* page f->index of f->vnode, read from disk */
	NEED_SPACE,	 /* the right to dirty it: room on the disk */
	NEED_STACK,	 /* a stack has to grow first */
};

struct fault {
	struct vmspace *vm;
	struct mapping *m;
	vaddr_t va; /* of the page */
	bool write, fetch, user;

	/* What an earlier try asked for and got. */
	unsigned waits;	     /* for memory */
	struct vnode *vnode; /* referenced */
	uint64_t index;
	struct page *ready; /* that page of it, referenced, or NULL */
	bool prepared;	    /* it may be dirtied */
};

/* ---- Pieces ---- */

static inline void
resident_add(struct vmspace *vm, uint64_t pages)
{
	uint64_t now =
		atomic_load_explicit(&vm->resident, memory_order_relaxed);

	atomic_store_explicit(&vm->resident, now + pages, memory_order_relaxed);
}

/*
 * Whether the right to write is left out of an entry of a shared mapping: the
 * page was marked dirty for it, but write-back has come by since (VM5). The
 * fault comes again. pt_lock is held: write-back marks the page clean before it
 * looks for entries under that lock.
 */
static inline bool
is_clean(const struct fault *f, const struct page *page)
{
	return f->m->flags & MAP_SHARED && !f->m->vnode->cache->quota &&
	       !(page->flags & PG_DIRTY);
}

/*
 * Make entry *@pte, found to be @old, refer to @page, whose reference goes with
 * it: with all CPUs rid of the old one, or one would miss what another stores.
 * @return whether it was done; else another CPU was first, @page is given back
 */
static bool
install(struct fault *f, pte_t *pte, pte_t old, struct page *page, bool write)
{
	pte_t new = page_to_phys(page) | pmap_rights(f->m->prot, write);
	bool done;

	spin_lock(&f->vm->pt_lock);
	done = ((*pte ^ old) & ~(PTE_A | PTE_D)) == 0;
	if (done) {
		if (write && is_clean(f, page))
			new &= ~(PTE_W | PTE_D);
		if (old) {
			*pte = 0;
			pmap_flush(f->vm, f->va, f->va + PAGE_SIZE);
		}
		*pte = new;
		if ((!old || pte_is_zero_page(old)) && page != vm_zero_page)
			resident_add(f->vm, 1);
	}
	spin_unlock(&f->vm->pt_lock);
	if (!done && page != vm_zero_page)
		page_unref(page);
	return done;
}

/* ---- Private memory ---- */

/* The first touch of zero-fill memory. */
static int
fault_zero_fill(struct fault *f, pte_t *pte)
{
	struct page *page;

	if (!f->write) {
		install(f, pte, 0, vm_zero_page, false);
		return 0;
	}
	page = page_alloc(0, PAGE_USER, ALLOC_ZERO);
	if (!page)
		return NEED_MEMORY;
	f->m->has_private = true;
	install(f, pte, 0, page, true);
	return 0;
}

/* Have *@pte hold a private copy of @from (or zeros), of which the caller
 * keeps its reference. @return as a try */
static int
install_copy(struct fault *f, pte_t *pte, pte_t old, struct page *from)
{
	bool zero = from == vm_zero_page;
	struct page *page = page_alloc(0, PAGE_USER, zero ? ALLOC_ZERO : 0);

	if (!page)
		return NEED_MEMORY;
	if (!zero)
		page_copy(page_address(page), page_address(from));
	f->m->has_private = true;
	if (install(f, pte, old, page, true) && old && !zero)
		page_unref(from); /* the entry's reference */
	return 0;
}

/* The last one to share a page may simply write it. */
static bool
reclaim_sole(struct fault *f, pte_t *pte, pte_t old)
{
	struct page *page = pte_page(old);
	bool done;

	if (page->use != PAGE_USER || page_refs(page) != 1)
		return false;
	spin_lock(&f->vm->pt_lock);
	done = ((*pte ^ old) & ~(PTE_A | PTE_D)) == 0 && page_refs(page) == 1;
	if (done)
		*pte = old | PTE_W | PTE_D | PTE_A;
	spin_unlock(&f->vm->pt_lock);
	/* Where it is stale here, the fault has flushed it (SDM 4.10.4.1). */
	return done;
}

/* A write to a private page that is there, but not to be written. */
static int
fault_copy(struct fault *f, pte_t *pte, pte_t old)
{
	struct page *page;
	int result;

	if (pte_is_zero_page(old))
		return install_copy(f, pte, old, vm_zero_page);
	if (reclaim_sole(f, pte, old))
		return 0;

	/* A file that is cut short may take the page away meanwhile. */
	spin_lock(&f->vm->pt_lock);
	if ((*pte ^ old) & PTE_ADDR) {
		spin_unlock(&f->vm->pt_lock);
		return 0;
	}
	page = pte_page(old);
	page_ref(page);
	spin_unlock(&f->vm->pt_lock);
	result = install_copy(f, pte, old, page);
	page_unref(page);
	return result;
}

/* ---- Files and shared memory ---- */

/* Whether page @index is within the file. Where the answer under pt_lock is
 * yes, vm_unmap_pages of a truncation is still to come; as it is of a hole's
 * making where a page still has its owner. */
static inline bool
within_file(struct vnode *v, uint64_t index)
{
	return index < (v->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* The page of the file, referenced, or NULL: f says what to read. */
static struct page *
file_page(struct fault *f, uint64_t index)
{
	struct page *page;

	if (f->ready && f->vnode == f->m->vnode && f->index == index) {
		page = f->ready;
		f->ready = NULL;
		return page;
	}
	return page_cache_peek(f->m->vnode->cache, index);
}

/* Map up to AROUND_PAGES cached pages at once, for reading. The entries are in
 * one table, as TABLE_SPAN is a multiple of their size. */
static void
fault_around(struct fault *f, pte_t *pte)
{
	uint64_t span = AROUND_PAGES * PAGE_SIZE, added = 0;
	vaddr_t va = MAX(ROUND_DOWN(f->va, span), f->m->start);
	vaddr_t end = MIN(ROUND_DOWN(f->va, span) + span, f->m->end);
	pte_t rights = pmap_rights(f->m->prot, false);
	struct page *pages[AROUND_PAGES];
	struct vnode *v = f->m->vnode;
	unsigned n = (end - va) >> PAGE_SHIFT;

	pte -= (f->va - va) >> PAGE_SHIFT;
	for (unsigned i = 0; i < n; i++)
		pages[i] = pte[i] ? NULL
				  : page_cache_peek(v->cache,
						    map_index(f->m, va) + i);

	spin_lock(&f->vm->pt_lock);
	for (unsigned i = 0; i < n; i++) {
		if (!pages[i] || pte[i] || !pages[i]->owner ||
		    !within_file(v, map_index(f->m, va) + i))
			continue;
		pte[i] = page_to_phys(pages[i]) | rights;
		pages[i] = NULL;
		added++;
	}
	resident_add(f->vm, added);
	spin_unlock(&f->vm->pt_lock);
	for (unsigned i = 0; i < n; i++)
		if (pages[i])
			page_unref(pages[i]);
}

/* Install a page of a file as it is. The file may have been cut short since the
 * page was found, and those who cut it have not seen the new entry: then the
 * page has left the cache, and the fault is to be repeated. */
static int
install_file_page(struct fault *f, pte_t *pte, pte_t old, struct page *page,
		  bool write)
{
	struct vnode *v = f->m->vnode;
	uint64_t index = map_index(f->m, f->va);

	if (install(f, pte, old, page, write) &&
	    (!within_file(v, index) || !page->owner))
		vm_unmap_pages(v, index, index);
	return 0;
}

/* The first write to a page of a shared mapping since it was clean. */
static int
fault_shared_write(struct fault *f, pte_t *pte, pte_t old, struct page *page)
{
	struct vnode *v = f->m->vnode;
	bool prepared = f->prepared && f->vnode == v && f->index == page->index;

	if (!prepared && !(page->flags & PG_DIRTY) &&
	    v->cache->ops->prepare_write) {
		page_unref(page);
		return NEED_SPACE;
	}
	page_cache_dirty(v->cache, page);
	if (old) { /* it has the page; only the right is missing */
		spin_lock(&f->vm->pt_lock);
		if (*pte && (*pte & PTE_ADDR) == page_to_phys(page) &&
		    !is_clean(f, page))
			*pte |= PTE_W | PTE_D | PTE_A;
		spin_unlock(&f->vm->pt_lock);
		page_unref(page);
		return 0;
	}
	return install_file_page(f, pte, old, page, true);
}

static int
fault_file(struct fault *f, pte_t *pte, pte_t old)
{
	struct mapping *m = f->m;
	uint64_t index = map_index(m, f->va);
	struct page *page;
	int result;

	if (!within_file(m->vnode, index))
		return -ENXIO;
	page = file_page(f, index);
	if (!page)
		return NEED_PAGE;
	if (f->write && m->flags & MAP_SHARED)
		return fault_shared_write(f, pte, old, page);
	if (f->write) {
		result = install_copy(f, pte, 0, page);
		page_unref(page);
		return result;
	}
	result = install_file_page(f, pte, 0, page, false);
	if (result == 0)
		fault_around(f, pte);
	return result;
}

/* ---- One try ---- */

/* The hardware knows no page that can be written or executed and not read (SDM
 * vol. 3A, 4.6), so what is not PROT_NONE can be. */
static bool
allowed(const struct fault *f)
{
	if (f->write)
		return f->m->prot & PROT_WRITE;
	if (f->fetch)
		return f->m->prot & PROT_EXEC;
	return f->m->prot != PROT_NONE;
}

/* The stack that may grow down to the fault: its limit and the guard gap below
 * it allow that; or NULL. vm->lock held. */
static struct mapping *
stack_above(struct fault *f)
{
	uint64_t limit =
		vm_ops.limit ? vm_ops.limit(RLIMIT_STACK) : RLIM_INFINITY;
	struct mapping *m = map_ceil(f->vm, f->va), *prev;

	if (!m || !m->is_stack || f->va < USER_BOTTOM || m->end - f->va > limit)
		return NULL;
	prev = map_prev(m);
	if (prev && f->va - prev->end < STACK_GUARD && !prev->is_stack &&
	    prev->prot != PROT_NONE)
		return NULL;
	return map_check_limits(f->vm, 0, (m->start - f->va) >> PAGE_SHIFT)
		       ? NULL
		       : m;
}

/* vm->lock is held for reading. */
static int
try_fault(struct fault *f)
{
	pte_t *pte, old;

	f->m = vm_find(f->vm, f->va);
	if (!f->m)
		return stack_above(f) ? NEED_STACK : -EFAULT;
	if (!allowed(f))
		return -EACCES;
	pte = pmap_make(f->vm, f->va);
	if (!pte)
		return NEED_MEMORY;
	old = __atomic_load_n(pte, __ATOMIC_RELAXED);
	if (!old)
		return f->m->vnode ? fault_file(f, pte, 0)
				   : fault_zero_fill(f, pte);
	if (f->write && !(old & PTE_W))
		return f->m->flags & MAP_SHARED ? fault_file(f, pte, old)
						: fault_copy(f, pte, old);
	return 0; /* another thread was first */
}

/* ---- Meeting the needs, with no lock held ---- */

int
vm_wait_for_memory(unsigned tries)
{
	uint64_t cached, dirty;

	if (thread_killed())
		return -ENOMEM;
	/* Pages that are being written to disk are free soon. */
	page_cache_stats(&cached, &dirty);
	if (dirty > 0 && tries < WRITE_BACK_WAITS) {
		thread_sleep_until(clock_ns() + WRITE_BACK_WAIT_NS,
				   WAIT_KILLABLE);
		return 0;
	}
	if (!vm_ops.out_of_memory || !vm_ops.out_of_memory())
		return -ENOMEM;
	return thread_killed() ? -ENOMEM : 0;
}

static void
drop_ready(struct fault *f)
{
	if (f->ready)
		page_unref(f->ready);
	f->ready = NULL;
	if (f->vnode)
		vnode_put(f->vnode);
	f->vnode = NULL;
	f->prepared = false;
}

/* Read the page that the last try lacked. An error is the bus error that
 * mmap(2) promises. */
static int
get_page(struct fault *f)
{
	int error = 0;

	f->ready = page_cache_get(f->vnode->cache, f->index, &error);
	if (f->ready)
		return 0;
	return error == -ENOMEM ? vm_wait_for_memory(f->waits++) : -ENXIO;
}

/* Have the file system find room for the page, as for a write(2) there. */
static int
get_space(struct fault *f)
{
	struct vnode *v = f->vnode;
	uint64_t at = f->index << PAGE_SHIFT, size;
	int error = 0;

	rwlock_write_lock(&v->lock);
	size = v->size;
	if (at < size)
		error = v->cache->ops->prepare_write(v, at,
						     MIN(PAGE_SIZE, size - at));
	rwlock_write_unlock(&v->lock);
	f->prepared = true;
	return error ? -ENXIO : 0;
}

/* Remember which page of which file the try was about; vm->lock is held. */
static void
note_page(struct fault *f)
{
	drop_ready(f);
	f->vnode = vnode_get(f->m->vnode);
	f->index = map_index(f->m, f->va);
}

/* Grow the stack above the fault down to it. @return 0 or -EFAULT */
static int
grow_stack(struct fault *f)
{
	struct mapping *m;
	int error = 0;

	rwlock_write_lock(&f->vm->lock);
	if (!vm_find(f->vm, f->va)) { /* else another thread has grown it */
		m = stack_above(f);
		if (m)
			map_resize(m, f->va, m->end);
		else
			error = -EFAULT;
	}
	rwlock_write_unlock(&f->vm->lock);
	return error;
}

static int
meet_need(struct fault *f, int need)
{
	int error;

	/* A fault of user code comes without a reservation of heap; one of a
	 * system call's user copy is within that call's. */
	if (f->user)
		current()->md.nsyscall = ENTRY_FAULT;
	if (f->user && need != NEED_STACK &&
	    heap_reserve(HEAP_BOUND(meet_need)))
		return -ENOMEM;
	if (need == NEED_MEMORY)
		error = vm_wait_for_memory(f->waits++);
	else if (need == NEED_PAGE)
		error = get_page(f);
	else if (need == NEED_SPACE)
		error = get_space(f);
	else
		error = grow_stack(f);
	if (f->user && need != NEED_STACK)
		heap_release();
	return error;
}

/* A fault is major if the disk was read for it (getrusage(2)). */
static void
count(uint64_t read_before)
{
	struct usage *u = &current()->usage;

	if (u->sectors_read != read_before)
		u->major_faults++;
	else
		u->minor_faults++;
}

int
vm_fault(struct vmspace *vm, vaddr_t address, unsigned how)
{
	struct fault f = { .vm = vm,
			   .va = ROUND_DOWN(address, PAGE_SIZE),
			   .write = how & VM_FAULT_WRITE,
			   .fetch = how & VM_FAULT_FETCH,
			   .user = how & VM_FAULT_USER };
	uint64_t read_before = current()->usage.sectors_read;
	int result;

	for (;;) {
		rwlock_read_lock(&vm->lock);
		result = try_fault(&f);
		if (result == NEED_PAGE || result == NEED_SPACE)
			note_page(&f);
		rwlock_read_unlock(&vm->lock);
		if (__builtin_expect(result <= 0, 1))
			break;
		result = meet_need(&f, result);
		if (result < 0)
			break;
	}
	drop_ready(&f);
	if (result == 0)
		count(read_before);
	return result;
}
