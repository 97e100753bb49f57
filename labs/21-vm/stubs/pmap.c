/*
 * Stubs of lab vm for pmap.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static bool
make_table(pte_t *entry)
{
	/*
	 * Exercise 1. Hang a new, empty table (table_new) in *entry, which was
	 * found to be 0, with TABLE_RIGHTS. Nothing is locked: another CPU may
	 * be about the same, and then one of the two tables goes back. Return
	 * false where there is no memory.
	 */
	(void)table_new;
	(void)table_free;
	panic("exercise 1: make_table(%p) is yours to write", (void *)entry);
}

pte_t *
pmap_make(struct vmspace *vm, vaddr_t va)
{
	/*
	 * Exercise 1. The address of va's entry in its table of level 1. Walk
	 * there as pmap_find does (vm_internal.h), and make what is missing.
	 */
	(void)make_table;
	panic("exercise 1: pmap_make(%p, %#lx) is yours to write", (void *)vm,
	      va);
}

pte_t *
pmap_next(pte_t *pml4, vaddr_t *va, vaddr_t end, unsigned *n)
{
	/*
	 * Exercise 1. The first address from *va on, and below `end`, that has
	 * a table of level 1: that goes to *va, the number of entries from there
	 * to the table's end, or to `end`, goes to *n, and the first one's
	 * address is returned. Where a table is missing, skip all that it would
	 * map (entry_span), be it 512 GiB. NULL where there is nothing.
	 */
	(void)entry_span;
	panic("exercise 1: pmap_next(%p, %#lx, %#lx, %p) is yours to write",
	      (void *)pml4, *va, end, (void *)n);
}

pte_t
pmap_rights(uint32_t prot, bool write)
{
	/*
	 * Exercise 1. What an entry says besides its page. `write` says whether
	 * it may be written now, whatever `prot` would allow: then it is marked
	 * dirty, too, and accessed it is in any case; so the processor need not
	 * come back to do it. PROT_NONE: a page that is kept, but not present.
	 * Memory that can be written can be read. pte_nx is the bit that forbids
	 * to execute.
	 */
	panic("exercise 1: pmap_rights(%u, %d) is yours to write", prot, write);
}

void
pmap_flush(struct vmspace *vm, vaddr_t start, vaddr_t end)
{
	/*
	 * Exercise 5. Flush the range from the TLBs of all CPUs in vm->cpus: of
	 * this one (flush_here) and of the others (tlb_shootdown); of a CPU that
	 * is not in the set, never. The thread must not move to another CPU in
	 * between, and the set is read after the entries were changed.
	 *
	 * What stands here will do on one CPU, until you come to exercise 5.
	 */
	(void)flush_here;
	if (cpu_count > 1)
		panic("exercise 5: pmap_flush(%p, %#lx, %#lx) is yours to "
		      "write",
		      (void *)vm, start, end);
	write_cr3(read_cr3());
}

void
gather_flush(struct gather *g)
{
	/*
	 * Exercise 5. The end of what was gathered: the TLBs are flushed, if
	 * there is a range; then what is GATHER_TABLE is given to table_free,
	 * pages that are GATHER_DIRTY are told to the cache of g->vnode, and all
	 * pages lose the reference that their entry had. The gather is empty
	 * after that, and may be used again.
	 *
	 * What stands here loses the pages. It will do on one CPU, until you
	 * come to exercise 5.
	 */
	if (cpu_count > 1)
		panic("exercise 5: gather_flush(%p) is yours to write",
		      (void *)g);
	write_cr3(read_cr3());
	g->start = USER_TOP;
	g->end = 0;
	g->n = 0;
}

static unsigned
zap_entries(struct gather *g, pte_t *pte, vaddr_t va, unsigned n)
{
	/*
	 * Exercise 1. Empty the n entries from pte on, of which the first is
	 * va's, under pt_lock. Their pages go into g->pages until that is full,
	 * but not the page of zeros, which nobody counts; the flags say
	 * GATHER_DIRTY of a page whose entry is, if g->vnode is to be told. With
	 * g->cache_only all pages but those of files stay where they are. What
	 * was emptied has to be flushed (gather_range), and is not resident any
	 * more (resident_sub). Other CPUs set A and D in the entries without any
	 * lock: so read an entry and empty it at one go.
	 */
	(void)gather_range;
	(void)resident_sub;
	panic("exercise 1: zap_entries(%p, %p, %#lx, %u) is yours to write",
	      (void *)g, (void *)pte, va, n);
}

static void
free_tables(struct gather *g, pte_t *table, unsigned level, vaddr_t start,
	    vaddr_t end, vaddr_t floor, vaddr_t ceiling)
{
	/*
	 * Exercise 1. Of the tables that hang in `table` and map something of
	 * [start, end), those below first, take out what maps nothing outside
	 * of [floor, ceiling): its entry becomes 0, and it is gathered as a
	 * GATHER_TABLE (address_to_page), to be freed once no CPU walks it. A
	 * full gather is flushed before.
	 */
	panic("exercise 1: free_tables(%p, %p, %u, %#lx, %#lx, %#lx, %#lx) is "
	      "yours to write",
	      (void *)g, (void *)table, level, start, end, floor, ceiling);
}

static bool
protect_entries(struct vmspace *vm, const struct mapping *m, pte_t *pte,
		unsigned n)
{
	/*
	 * Exercise 5. Give n entries of m the rights of m->prot, under pt_lock.
	 * Pages stay where they are, accessed and dirty ones too. The right to
	 * write is given only where may_write_now says so; where it does not, a
	 * fault will find out. Return whether an entry has lost a right: to be
	 * there, to be written, to be executed.
	 */
	(void)may_write_now;
	panic("exercise 5: protect_entries(%p, %p, %p, %u) is yours to write",
	      (void *)vm, (const void *)m, (void *)pte, n);
}

void
pmap_protect(struct vmspace *vm, const struct mapping *m, vaddr_t start,
	     vaddr_t end)
{
	/*
	 * Exercise 5. The same for all entries in [start, end); a flush follows
	 * only if one has lost a right.
	 */
	(void)protect_entries;
	panic("exercise 5: pmap_protect(%p, %p, %#lx, %#lx) is yours to write",
	      (void *)vm, (const void *)m, start, end);
}

static unsigned
clean_entries(struct mapping *m, pte_t *pte, unsigned n, struct gather *g)
{
	/*
	 * Exercise 4. Take PTE_W and PTE_D from those of n entries that are
	 * dirty, under pt_lock, until g is full; return how many entries were
	 * gone through. Their pages are gathered, each with a reference of its
	 * own, since the entry keeps its page: GATHER_DIRTY if there is a
	 * g->vnode. Mind what other CPUs do to the entry meanwhile.
	 */
	panic("exercise 4: clean_entries(%p, %p, %u, %p) is yours to write",
	      (void *)m, (void *)pte, n, (void *)g);
}
