/*
 * The page table of an address space: making and freeing tables, walking
 * ranges, taking pages out, changing rights, and keeping the TLBs right.
 *
 * Who may touch an entry: a fault holds vm->lock for reading and pt_lock; the
 * calls that map, unmap and protect hold vm->lock for writing and pt_lock; a
 * file that is cut short (file.c) holds its mappings_lock and pt_lock.
 * Sources: Intel SDM vol. 3A, 4.5 (tables), 4.10.4 (invalidation).
 */
#include "vm_internal.h"

#define GATHER_DIRTY 0x1 /* the page's file is to be told */
#define GATHER_TABLE 0x2 /* it was a page table */
#define GATHER_FLAGS 0x3

#define TABLE_RIGHTS (PTE_P | PTE_W | PTE_U)

/* ---- Tables ---- */

/*
 * A table that is given up maps nothing: all its entries are 0 (a root's lower
 * half; its upper half is the kernel's, which never changes). A CPU keeps some
 * as they are: a fork needs about seven, and clearing them would be a tenth of
 * its time.
 */
#define TABLES_KEPT 16
#define ROOTS_KEPT  2

struct kept_tables {
	unsigned ntables, nroots;
	pte_t *tables[TABLES_KEPT], *roots[ROOTS_KEPT];
};
static PERCPU(struct kept_tables, kept_tables);

/* Only asserted. */
static bool __attribute__((unused)) maps_nothing(const pte_t *table, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (table[i])
			return false;
	return true;
}

static pte_t *
table_new(void)
{
	struct kept_tables *kept;
	struct page *page;
	pte_t *table = NULL;

	preempt_disable();
	kept = this_cpu_ptr(kept_tables);
	if (kept->ntables > 0)
		table = kept->tables[--kept->ntables];
	preempt_enable();
	if (table)
		return table;
	page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	return page ? page_address(page) : NULL;
}

static void
table_free(pte_t *table)
{
	struct kept_tables *kept;

	ASSERT(maps_nothing(table, PT_ENTRIES));
	preempt_disable();
	kept = this_cpu_ptr(kept_tables);
	if (kept->ntables < TABLES_KEPT) {
		kept->tables[kept->ntables++] = table;
		table = NULL;
	}
	preempt_enable();
	if (table)
		pt_free_table(table);
}

pte_t *
pmap_new_root(void)
{
	struct kept_tables *kept;
	pte_t *root = NULL;

	preempt_disable();
	kept = this_cpu_ptr(kept_tables);
	if (kept->nroots > 0)
		root = kept->roots[--kept->nroots];
	preempt_enable();
	return root ? root : pt_new_root();
}

void
pmap_free_root(pte_t *root)
{
	struct kept_tables *kept;

	INVARIANT(VM4, maps_nothing(root, PT_ENTRIES / 2));
	preempt_disable();
	kept = this_cpu_ptr(kept_tables);
	if (kept->nroots < ROOTS_KEPT) {
		kept->roots[kept->nroots++] = root;
		root = NULL;
	}
	preempt_enable();
	if (root)
		pt_free_table(root);
}

/* ---- Walking ---- */

/* Make the table that *entry lacks. Another CPU may be doing the same: one of
 * the two wins, and the other's table is given back. */
static bool
make_table(pte_t *entry)
{
	pte_t *table = table_new(), none = 0;

	if (!table)
		return false;
	if (!__atomic_compare_exchange_n(
		    entry, &none, kernel_phys(table) | TABLE_RIGHTS, false,
		    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		table_free(table);
	return true;
}

pte_t *
pmap_make(struct vmspace *vm, vaddr_t va)
{
	pte_t *table = vm->pml4, *entry;

	for (unsigned level = 4; level > 1; level--) {
		entry = &table[pt_index(va, level)];
		if (__builtin_expect(!(*entry & PTE_P), 0) &&
		    !make_table(entry))
			return NULL;
		table = pte_table(*entry);
	}
	return &table[pt_index(va, 1)];
}

/* Bytes that one entry of a table of this level maps. */
static inline uint64_t
entry_span(unsigned level)
{
	return 1UL << (PAGE_SHIFT + 9 * (level - 1));
}

pte_t *
pmap_next(pte_t *pml4, vaddr_t *va, vaddr_t end, unsigned *n)
{
	vaddr_t stop;
	pte_t *table, pte;
	unsigned level;

	while (*va < end) {
		table = pml4;
		for (level = 4; level > 1; level--) {
			pte = table[pt_index(*va, level)];
			if (!(pte & PTE_P))
				break;
			table = pte_table(pte);
		}
		stop = ROUND_DOWN(*va, entry_span(MAX(level, 2u))) +
		       entry_span(MAX(level, 2u));
		if (level == 1) {
			*n = (MIN(stop, end) - *va) >> PAGE_SHIFT;
			return &table[pt_index(*va, 1)];
		}
		*va = stop;
	}
	return NULL;
}

pte_t
pmap_rights(uint32_t prot, bool write)
{
	pte_t rights = PTE_U | PTE_A;

	if (prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
		rights |= PTE_P;
	if (!(prot & PROT_EXEC))
		rights |= pte_nx;
	if (write)
		rights |= PTE_W | PTE_D;
	return rights;
}

/* ---- TLBs ---- */

static void
flush_here(vaddr_t start, vaddr_t end)
{
	if (end - start > FLUSH_SINGLY * PAGE_SIZE) {
		write_cr3(read_cr3());
		return;
	}
	for (; start < end; start += PAGE_SIZE)
		invlpg(start);
}

/*
 * A CPU that loads the table later sets its bit in vm->cpus before it loads
 * CR3, and so before it can read an entry; the fence orders the caller's
 * writes of entries before the look at the set. So either it is in the set, or
 * it sees the new entries.
 */
void
pmap_flush(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	cpuset_t cpus, self;

	preempt_disable();
	atomic_thread_fence(memory_order_seq_cst);
	self = BIT(cpu_id());
	cpus = vm->cpus;
	if (cpus & self)
		flush_here(start, end);
	if (cpus & ~self)
		tlb_shootdown(cpus & ~self, start, end - start);
	preempt_enable();
}

void
gather_init(struct gather *g, struct vmspace *vm)
{
	g->vm = vm;
	g->vnode = NULL;
	g->cache_only = false;
	g->start = USER_TOP;
	g->end = 0;
	g->n = 0;
}

/* VM3: first no CPU has the pages in its TLB any more, then they are free for
 * others. */
void
gather_flush(struct gather *g)
{
	struct page *page;

	if (g->start < g->end)
		pmap_flush(g->vm, g->start, g->end);
	for (unsigned i = 0; i < g->n; i++) {
		page = (struct page *)(g->pages[i] & ~(uintptr_t)GATHER_FLAGS);
		if (g->pages[i] & GATHER_TABLE) {
			table_free(page_address(page));
			continue;
		}
		if (g->pages[i] & GATHER_DIRTY)
			page_cache_dirty(g->vnode->cache, page);
		page_unref(page);
	}
	g->start = USER_TOP;
	g->end = 0;
	g->n = 0;
}

static void
gather_range(struct gather *g, vaddr_t start, vaddr_t end)
{
	g->start = MIN(g->start, start);
	g->end = MAX(g->end, end);
}

/* ---- Taking out ---- */

/* The number of resident pages goes down: the time to look at the peak. */
static void
resident_sub(struct vmspace *vm, uint64_t pages)
{
	uint64_t now =
		atomic_load_explicit(&vm->resident, memory_order_relaxed);

	if (now > vm->peak_resident)
		vm->peak_resident = now;
	atomic_store_explicit(&vm->resident, now - pages, memory_order_relaxed);
}

/* Take up to @n entries at @pte out, until the gather is full.
 * @return entries gone through */
static unsigned
zap_entries(struct gather *g, pte_t *pte, vaddr_t va, unsigned n)
{
	unsigned i, before = g->n;
	pte_t old;

	spin_lock(&g->vm->pt_lock);
	for (i = 0; i < n && g->n < GATHER_PAGES; i++) {
		if (!pte[i] ||
		    (g->cache_only && pte_page(pte[i])->use != PAGE_CACHE))
			continue;
		old = __atomic_exchange_n(&pte[i], 0, __ATOMIC_RELAXED);
		gather_range(g, va + i * PAGE_SIZE, va + (i + 1) * PAGE_SIZE);
		if (pte_is_zero_page(old))
			continue;
		g->pages[g->n++] = (uintptr_t)pte_page(old) |
				   (old & PTE_D && g->vnode ? GATHER_DIRTY : 0);
	}
	resident_sub(g->vm, g->n - before);
	spin_unlock(&g->vm->pt_lock);
	return i;
}

void
pmap_zap(struct gather *g, vaddr_t start, vaddr_t end)
{
	unsigned n;
	pte_t *pte;

	while ((pte = pmap_next(g->vm->pml4, &start, end, &n))) {
		start += zap_entries(g, pte, start, n) * PAGE_SIZE;
		if (g->n == GATHER_PAGES)
			gather_flush(g);
	}
}

void
pmap_forget(struct mapping *m, vaddr_t start, vaddr_t end)
{
	struct gather g;

	gather_init(&g, m->vmspace);
	g.vnode = m->flags & MAP_SHARED ? m->vnode : NULL;
	pmap_zap(&g, start, end);
	gather_flush(&g);
}

static void
free_tables(struct gather *g, pte_t *table, unsigned level, vaddr_t start,
	    vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	uint64_t span = entry_span(level);
	vaddr_t va = ROUND_DOWN(start, span), next;
	pte_t *entry, *child;

	NESTS(3, level >= 2 && level <= 4);
	for (; va < end; va = next) {
		next = va + span;
		entry = &table[pt_index(va, level)];
		if (!(*entry & PTE_P))
			continue;
		child = pte_table(*entry);
		if (level > 2)
			free_tables(g, child, level - 1, MAX(va, start),
				    MIN(next, end), floor, ceiling);
		if (va < floor || next > ceiling)
			continue;
		if (g->n == GATHER_PAGES)
			gather_flush(g);
		*entry = 0;
		gather_range(g, MAX(va, start), MIN(next, end));
		g->pages[g->n++] =
			(uintptr_t)address_to_page(child) | GATHER_TABLE;
	}
}

void
pmap_free_tables(struct gather *g, vaddr_t start, vaddr_t end, vaddr_t floor,
		 vaddr_t ceiling)
{
	/* Nothing is above the last mapping, up to the end of the root. */
	if (ceiling >= USER_TOP)
		ceiling = USER_TOP + PAGE_SIZE;
	free_tables(g, g->vm->pml4, 4, start, end, floor, ceiling);
}

/* ---- Changing rights ---- */

/* Whether an entry may be written at once, rather than by way of a fault. */
static bool
may_write_now(const struct mapping *m, pte_t pte)
{
	struct page *page;

	if (!(m->prot & PROT_WRITE) || pte_is_zero_page(pte))
		return false;
	if (m->flags & MAP_SHARED)
		return pte & PTE_D;
	page = pte_page(pte);
	return page->use == PAGE_USER && page_refs(page) == 1;
}

/* @return whether an entry lost a right */
static bool
protect_entries(struct vmspace *vm, const struct mapping *m, pte_t *pte,
		unsigned n)
{
	bool lost = false;
	pte_t old, new;

	spin_lock(&vm->pt_lock);
	for (unsigned i = 0; i < n; i++) {
		if (!pte[i])
			continue;
		/* Out of the CPUs' hands: they set A and D on their own. */
		old = __atomic_exchange_n(&pte[i], 0, __ATOMIC_RELAXED);
		new = pmap_rights(m->prot, false) | (old & PTE_ADDR) |
		      (old & (PTE_A | PTE_D));
		if (may_write_now(m, old))
			new |= PTE_W;
		__atomic_store_n(&pte[i], new, __ATOMIC_RELAXED);
		lost |= (old & ~new &(PTE_P | PTE_W)) || (new & ~old &PTE_NX);
	}
	spin_unlock(&vm->pt_lock);
	return lost;
}

/* Rights that are only given need no flush: a CPU that remembers fewer faults,
 * forgets the entry, and looks again (SDM vol. 3A, 4.10.4.3). */
void
pmap_protect(struct vmspace *vm, const struct mapping *m, vaddr_t start,
	     vaddr_t end)
{
	vaddr_t va = start;
	bool lost = false;
	unsigned n;
	pte_t *pte;

	while ((pte = pmap_next(vm->pml4, &va, end, &n))) {
		lost |= protect_entries(vm, m, pte, n);
		va += n * PAGE_SIZE;
	}
	if (lost)
		pmap_flush(vm, start, end);
}

/* ---- Dirty pages of shared mappings ---- */

/* Clean entries until @dirty is full. @return entries gone through */
static unsigned
clean_entries(struct mapping *m, pte_t *pte, unsigned n, struct gather *g)
{
	unsigned i;
	pte_t old;

	spin_lock(&m->vmspace->pt_lock);
	for (i = 0; i < n && g->n < GATHER_PAGES; i++) {
		if (!(pte[i] & PTE_D) || pte_is_zero_page(pte[i]))
			continue;
		old = __atomic_exchange_n(&pte[i], 0, __ATOMIC_RELAXED);
		__atomic_store_n(&pte[i], old & ~(PTE_W | PTE_D),
				 __ATOMIC_RELAXED);
		page_ref(pte_page(old));
		g->pages[g->n++] = (uintptr_t)pte_page(old) |
				   (g->vnode ? GATHER_DIRTY : 0);
	}
	spin_unlock(&m->vmspace->pt_lock);
	return i;
}

void
pmap_clean(struct mapping *m, vaddr_t start, vaddr_t end, bool tell)
{
	struct gather g;
	vaddr_t from;
	unsigned n;
	pte_t *pte;

	gather_init(&g, m->vmspace);
	g.vnode = tell ? m->vnode : NULL;
	while ((pte = pmap_next(m->vmspace->pml4, &start, end, &n))) {
		from = start;
		start += clean_entries(m, pte, n, &g) * PAGE_SIZE;
		if (g.n)
			gather_range(&g, from, start);
		if (g.n == GATHER_PAGES)
			gather_flush(&g);
	}
	gather_flush(&g);
}

/* ---- Moving (mremap) ---- */

size_t
pmap_move(struct vmspace *vm, vaddr_t from, vaddr_t to, size_t len)
{
	pte_t *src, *dst;
	size_t done;

	for (done = 0; done < len; done += PAGE_SIZE) {
		src = pmap_find(vm->pml4, from + done);
		if (!src || !*src)
			continue;
		dst = pmap_make(vm, to + done);
		if (!dst)
			break;
		spin_lock(&vm->pt_lock);
		*dst = __atomic_exchange_n(src, 0, __ATOMIC_RELAXED);
		spin_unlock(&vm->pt_lock);
	}
	pmap_flush(vm, from, from + len);
	return done;
}
