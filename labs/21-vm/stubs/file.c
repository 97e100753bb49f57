/*
 * Stubs of lab vm for file.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static bool
part_of(const struct mapping *m, uint64_t first, uint64_t last, vaddr_t *start,
	vaddr_t *end)
{
	/*
	 * Exercise 4. Which addresses of m map pages first to last (inclusive)
	 * of its file? Return false if none do. `last` may be UINT64_MAX.
	 */
	panic("exercise 4: part_of(%p, %lu, %lu, %p, %p) is yours to write",
	      (const void *)m, first, last, (void *)start, (void *)end);
}

void
vm_unmap_pages(struct vnode *v, uint64_t first, uint64_t last)
{
	/*
	 * Exercise 4. Take pages first to last of the file out of all page
	 * tables, by way of its cache's list of mappings, under its lock, by
	 * pmap_zap of each mapping's part. If the pages are still within the
	 * file (the first says it for all) they are only taken away for a
	 * moment: what a shared mapping has written is told to the file
	 * (g.vnode), and private copies stay (g.cache_only). Past its end
	 * nothing stays.
	 */
	(void)part_of;
	panic("exercise 4: vm_unmap_pages(%p, %lu, %lu) is yours to write",
	      (void *)v, first, last);
}
