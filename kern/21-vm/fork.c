/*
 * Copying an address space for fork. Private pages are shared: both tables get
 * entries without the right to write, and whoever writes first copies (VM2).
 * What can be faulted in again, file pages and shared memory, is left out: most
 * children exec at once and never look at it.
 */
#include "vm_internal.h"

/* Share @n entries at @src with a child's at @dst. @return pages shared */
static uint64_t
share_entries(pte_t *src, pte_t *dst, unsigned n)
{
	uint64_t shared = 0;
	struct page *page;
	pte_t pte;

	for (unsigned i = 0; i < n; i++) {
		pte = src[i];
		if (!pte || pte_is_zero_page(pte))
			continue;
		page = pte_page(pte);
		if (page->use != PAGE_USER)
			continue;
		page_ref(page);
		/* Other CPUs may run threads of the parent meanwhile, and set
		 * A and D here. If that is lost it does no harm: private pages
		 * need neither. Those CPUs may go on writing until the flush
		 * in vmspace_fork; so the page is still one for both, and what
		 * they write was there before the fork. */
		if (pte & PTE_W)
			src[i] = pte &= ~PTE_W;
		dst[i] = pte;
		shared++;
	}
	return shared;
}

/* Share the pages of @m with @to, which file.c may see by now. 0 or -ENOMEM */
static int
share_mapping(struct vmspace *to, const struct mapping *m)
{
	struct vmspace *from = m->vmspace;
	vaddr_t va = m->start;
	pte_t *src, *dst;
	unsigned n;

	while ((src = pmap_next(from->pml4, &va, m->end, &n))) {
		dst = pmap_make(to, va);
		if (!dst)
			return -ENOMEM;
		spin_lock(&from->pt_lock);
		spin_lock_nested(&to->pt_lock, 1);
		to->resident += share_entries(src, dst, n);
		spin_unlock(&to->pt_lock);
		spin_unlock(&from->pt_lock);
		va += n * PAGE_SIZE;
	}
	return 0;
}

static int
copy_mapping(struct vmspace *to, const struct mapping *m, struct list *spare)
{
	struct mapping copy = *m;

	if (m->dont_fork)
		return 0;
	copy.locked = false;
	if (m->wipe_on_fork)
		copy.has_private = false;
	map_insert_spare(to, &copy, spare);
	return copy.has_private ? share_mapping(to, m) : 0;
}

static void
copy_numbers(struct vmspace *to, const struct vmspace *from)
{
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	to->mmap_top = from->mmap_top;
	to->room_top = from->room_top;
	to->room_missed = from->room_missed;
	to->code_start = from->code_start;
	to->code_end = from->code_end;
	to->data_start = from->data_start;
	to->data_end = from->data_end;
	to->stack_start = from->stack_start;
	to->arg_start = from->arg_start;
	to->arg_end = from->arg_end;
	to->env_start = from->env_start;
	to->env_end = from->env_end;
	to->auxv_start = from->auxv_start;
	to->auxv_end = from->auxv_end;
}

/* Allocate the mappings of a copy: @p n. @return 0 or -EINTR: to die */
static int
make_spares(struct list *spare, unsigned n)
{
	unsigned i;

	for (;;) {
		for (i = 0; i < FORK_BATCH && n > 0; i++, n--)
			list_add(&knew(struct mapping)->vnode_link, spare);
		if (n == 0)
			return 0;
		if (heap_again())
			return -EINTR;
	}
}

/* Lock @p from for writing, with as many mappings spare as it has: none is
 * allocated under the lock, where no reservation can be renewed. Others may be
 * adding to them, so look again. @return 0 or -EINTR */
static int
lock_with_spares(struct vmspace *from, struct list *spare)
{
	unsigned have = 0, n = from->nmappings;

	for (;;) {
		if (n > have && make_spares(spare, n - have))
			return -EINTR;
		have = MAX(have, n);
		rwlock_write_lock(&from->lock);
		n = from->nmappings;
		if (n <= have)
			return 0;
		rwlock_write_unlock(&from->lock);
		if (heap_again())
			return -EINTR;
	}
}

static void
free_spares(struct list *spare)
{
	struct mapping *m, *next;

	list_for_each_safe (m, next, spare, vnode_link)
		kfree(m);
}

/* With the tree locked for writing no fault of the parent is under way
 * (reclaim_sole relies on it). One flush does for all entries that have lost
 * their right (VM2, VM3). */
struct vmspace *
vmspace_fork(struct vmspace *from)
{
	struct vmspace *to = vmspace_new();
	struct list spare = LIST_INIT(spare);
	struct mapping *m;
	int error;

	if (!to)
		return NULL;
	error = lock_with_spares(from, &spare);
	if (!error) {
		copy_numbers(to, from);
		for (m = map_ceil(from, 0); m && !error; m = map_next(m))
			error = copy_mapping(to, m, &spare);
		pmap_flush(from, 0, USER_TOP);
		rwlock_write_unlock(&from->lock);
	}
	free_spares(&spare);
	if (error) {
		vmspace_put(to);
		return NULL;
	}
	return to;
}
