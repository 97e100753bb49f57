/*
 * Stubs of lab vm for fork.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static uint64_t
share_entries(pte_t *src, pte_t *dst, unsigned n)
{
	/*
	 * Exercise 3. Share the private pages (PAGE_USER) of n entries of the
	 * parent with the child, whose entries are empty: both may read them and
	 * neither may write (VM2). All else the child can fault in. Return how
	 * many pages are shared.
	 */
	panic("exercise 3: share_entries(%p, %p, %u) is yours to write",
	      (void *)src, (void *)dst, n);
}

static int
share_mapping(struct vmspace *to, const struct mapping *m)
{
	/*
	 * Exercise 3. The same for all tables of a mapping, each under the
	 * parent's pt_lock; the child's are made. Count what is resident in it,
	 * under its own (spin_lock_nested): who cuts a file short may be taking
	 * pages out of the child already. -ENOMEM where there is no memory for
	 * a table.
	 */
	(void)share_entries;
	panic("exercise 3: share_mapping(%p, %p) is yours to write", (void *)to,
	      (const void *)m);
}
