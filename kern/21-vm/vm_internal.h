/*
 * What the files of chapter vm share: page-table work (pmap.c), the mapping
 * tree (map.c), faults (fault.c). Lock order: vmspace->lock,
 * page_cache->mappings_lock, vmspace->pt_lock.
 */
#ifndef VM_INTERNAL_H
#define VM_INTERNAL_H

#include "abi/resource.h"
#include "vm.h"

#define STACK_GUARD  0x100000UL /**< free bytes kept below a stack */
#define TABLE_SPAN   0x200000UL /**< bytes that one level-1 table maps */
#define FLUSH_SINGLY 32		/**< pages up to which invlpg is cheaper */

/** Mappings that a fork allocates within one reservation. */
#define FORK_BATCH 64u

/* ---- Page tables (pmap.c) ---- */

/*
 * A level-1 entry that is not zero refers to a page and holds a reference to
 * it (but for the zero page); PTE_P says whether it may be used: a mapping
 * with PROT_NONE keeps its pages.
 */

/** The page of zeros that reads of untouched memory see. */
extern struct page *vm_zero_page;
extern paddr_t vm_zero_phys;

static inline bool
pte_is_zero_page(pte_t pte)
{
	return (pte & PTE_ADDR) == vm_zero_phys;
}

/** Page behind an entry that is not zero. */
static inline struct page *
pte_page(pte_t pte)
{
	return &page_array[(pte & PTE_ADDR) >> PAGE_SHIFT];
}

/** A root table that maps nothing but the kernel; NULL: no memory. */
pte_t *pmap_new_root(void);
/** Give back one that maps nothing any more. */
void pmap_free_root(pte_t *root);

/** The level-1 entry of @p va, or NULL where there is no table for it. */
static inline pte_t *
pmap_find(pte_t *table, vaddr_t va)
{
	pte_t pte;

	for (unsigned level = 4; level > 1; level--) {
		pte = table[pt_index(va, level)];
		if (!(pte & PTE_P))
			return NULL;
		table = pte_table(pte);
	}
	return &table[pt_index(va, 1)];
}

/**
 * The level-1 entry of @p va; makes missing tables. vm->lock held: that keeps
 * tables from being freed. Several CPUs may be here for one address space.
 * @return NULL: no memory
 */
pte_t *pmap_make(struct vmspace *vm, vaddr_t va);

/**
 * Find the next entries in [*@p va, @p end): skips what has no table.
 *
 * @param va  moved up to the address of the first one
 * @param n   receives how many there are side by side
 * @return    the first one, or NULL past the end
 */
pte_t *pmap_next(pte_t *pml4, vaddr_t *va, vaddr_t end, unsigned *n);

/** Rights in an entry for @p prot; PTE_W is not among them unless @p write. */
pte_t pmap_rights(uint32_t prot, bool write);

/** Flush [@p start, @p end) of @p vm from the TLBs of all CPUs that have it
 * loaded; pt_lock may be held. */
void pmap_flush(struct vmspace *vm, vaddr_t start, vaddr_t end);

#define GATHER_PAGES 64

/** Pages taken out of a page table, to be freed once the TLBs are flushed. */
struct gather {
	struct vmspace *vm;
	struct vnode *vnode; /**< is told of dirty pages, if not NULL */
	bool cache_only;     /**< leave private pages where they are */
	vaddr_t start, end;  /**< what is to be flushed */
	unsigned n;
	uintptr_t pages[GATHER_PAGES]; /**< struct page *, | GATHER_* */
};

/** Begin to gather pages of @p vm; no file is told of any. */
void gather_init(struct gather *g, struct vmspace *vm);
/** Flush the TLBs and free what was gathered. No spinlock but
 * page_cache->mappings_lock held. */
void gather_flush(struct gather *g);

/** Take the pages out of [@p start, @p end). May flush in between. */
void pmap_zap(struct gather *g, vaddr_t start, vaddr_t end);

/** Free the tables of [@p start, @p end), as far as they map nothing outside
 * of [@p floor, @p ceiling), the mappings' neighbours. */
void pmap_free_tables(struct gather *g, vaddr_t start, vaddr_t end,
		      vaddr_t floor, vaddr_t ceiling);

/** Give the entries of @p m in [@p start, @p end) the rights of m->prot. */
void pmap_protect(struct vmspace *vm, const struct mapping *m, vaddr_t start,
		  vaddr_t end);

/* ---- The mapping tree (map.c) ---- */

static inline struct mapping *
map_prev(const struct mapping *m)
{
	struct rbnode *n = rb_prev(&m->node);

	return n ? rb_entry(n, struct mapping, node) : NULL;
}

/** Index in the file's pages of address @p va of @p m. */
static inline uint64_t
map_index(const struct mapping *m, vaddr_t va)
{
	return (m->offset + (va - m->start)) >> PAGE_SHIFT;
}

/* ---- Files (file.c) ---- */

/** Install the hooks of vfs and cache. */
void vm_file_init(void);

/** See cache_ops.clean_pages. */
void vm_clean_pages(struct page_cache *c, uint64_t first, uint64_t last);

/** See vfs_ops.unmap_pages. */
void vm_unmap_pages(struct vnode *v, uint64_t first, uint64_t last);

#endif
