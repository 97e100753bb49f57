/*
 * Stubs of lab vm for fault.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static bool
install(struct fault *f, pte_t *pte, pte_t old, struct page *page, bool write)
{
	/*
	 * Exercise 2. Have *pte say `page`, with the rights of f's mapping, if
	 * it still says what it did when you looked: `old`. But A and D do not
	 * count, which the processor sets. Otherwise another thread was first,
	 * and the page's reference is given back; the page of zeros has none.
	 * Count a page that was not resident before; zeros are not. Where the
	 * mapping is shared and is_clean, the entry gets no right to write, and
	 * is not dirty (exercise 4). Where there was another page (exercise 3),
	 * the entry is empty, and flushed, before it says the new one. All under
	 * pt_lock, but giving back.
	 */
	(void)resident_add;
	(void)is_clean;
	panic("exercise 2: install(%p, %p, %#lx, %p, %d) is yours to write",
	      (void *)f, (void *)pte, old, (void *)page, write);
}

static int
fault_zero_fill(struct fault *f, pte_t *pte)
{
	/*
	 * Exercise 2. The first touch of zero-fill memory. A read gets
	 * vm_zero_page, not to be written; a write gets a page of its own, and
	 * the mapping is one that has_private. Return 0, or NEED_MEMORY.
	 */
	(void)install;
	panic("exercise 2: fault_zero_fill(%p, %p) is yours to write",
	      (void *)f, (void *)pte);
}

static int
install_copy(struct fault *f, pte_t *pte, pte_t old, struct page *from)
{
	/*
	 * Exercise 3. Put a private copy of `from` into *pte; where `from` is
	 * the page of zeros, cleared memory. If the entry had a page before
	 * (`old`), other CPUs may still read it: install flushes; and only then
	 * does the entry's reference to it go, if it was one that counts. The
	 * caller has a reference of its own and keeps it. Return 0, or
	 * NEED_MEMORY.
	 */
	panic("exercise 3: install_copy(%p, %p, %#lx, %p) is yours to write",
	      (void *)f, (void *)pte, old, (void *)from);
}

static bool
reclaim_sole(struct fault *f, pte_t *pte, pte_t old)
{
	/*
	 * Exercise 3. If the page of *pte is private memory (PAGE_USER) that
	 * nobody else holds, then give the right to write back, and mark it
	 * accessed and dirty. Whether *pte still says `old` (but for A and D),
	 * and nobody else holds it, is to be seen under pt_lock. Return whether
	 * it was done.
	 */
	panic("exercise 3: reclaim_sole(%p, %p, %#lx) is yours to write",
	      (void *)f, (void *)pte, old);
}

static int
fault_copy(struct fault *f, pte_t *pte, pte_t old)
{
	/*
	 * Exercise 3. A write to a private page that is there, but not to be
	 * written: the page of zeros, the last holder's own, or one to be
	 * copied. Hold a reference while you copy, taken under pt_lock while
	 * *pte still says that page: another CPU may take it out and free it.
	 * If it does not say so any more: 0, the program tries again.
	 */
	(void)install_copy;
	(void)reclaim_sole;
	panic("exercise 3: fault_copy(%p, %p, %#lx) is yours to write",
	      (void *)f, (void *)pte, old);
}

static void
fault_around(struct fault *f, pte_t *pte)
{
	/*
	 * Exercise 4. The page at f->va has been mapped for reading. Map those
	 * of its neighbours, in the AROUND_PAGES aligned ones, within the
	 * mapping, that the cache has (page_cache_peek), and that have an empty
	 * entry, likewise. A page that is within_file and has its owner, seen
	 * under pt_lock, is the file's; others are given back.
	 */
	panic("exercise 4: fault_around(%p, %p) is yours to write", (void *)f,
	      (void *)pte);
}

static int
install_file_page(struct fault *f, pte_t *pte, pte_t old, struct page *page,
		  bool write)
{
	/*
	 * Exercise 4. Install a page of the file. Then look: is it still within
	 * the file, and still its owner's? If not, the file was cut short
	 * meanwhile by somebody who has not seen the new entry: take it out
	 * again (vm_unmap_pages). Return 0.
	 */
	panic("exercise 4: install_file_page(%p, %p, %#lx, %p, %d) is yours to "
	      "write",
	      (void *)f, (void *)pte, old, (void *)page, write);
}

static int
fault_shared_write(struct fault *f, pte_t *pte, pte_t old, struct page *page)
{
	/*
	 * Exercise 4. A write to `page`, whose reference is yours, by way of a
	 * shared mapping. A page that is not dirty needs room on the disk
	 * before: return NEED_SPACE if the file system has prepare_write and it
	 * has not been called (f->prepared, for f->vnode and f->index). Then
	 * mark the page dirty. An empty entry gets the page; one that has it
	 * gets the right to write and is marked, under pt_lock, if it still has
	 * it, and if the page is not is_clean again.
	 */
	(void)install_file_page;
	panic("exercise 4: fault_shared_write(%p, %p, %#lx, %p) is yours to "
	      "write",
	      (void *)f, (void *)pte, old, (void *)page);
}

static int
fault_file(struct fault *f, pte_t *pte, pte_t old)
{
	/*
	 * Exercise 4. A touch of a file's page whose entry is empty, or of a
	 * shared mapping without the right to write. Past the end: -ENXIO, a
	 * bus error. Not in the cache: NEED_PAGE. A write to a shared mapping; a
	 * write to a private one, which copies and leaves the file's page alone;
	 * a read, which takes the neighbours along.
	 */
	(void)within_file;
	(void)file_page;
	(void)fault_around;
	(void)fault_shared_write;
	panic("exercise 4: fault_file(%p, %p, %#lx) is yours to write",
	      (void *)f, (void *)pte, old);
}

static bool
allowed(const struct fault *f)
{
	/*
	 * Exercise 2. Whether the mapping allows what was tried: a write, a
	 * fetch, or a read. x86 cannot forbid reading what may be written or
	 * executed.
	 */
	panic("exercise 2: allowed(%p) is yours to write", (const void *)f);
}

static int
try_fault(struct fault *f)
{
	/*
	 * Exercise 2. One try, with vm->lock held for reading. Find the mapping
	 * of f->va (f->m); without one, NEED_STACK: a stack may grow. Is it
	 * allowed (else -EACCES)? Find its entry, read it once, and act on what
	 * it says: the table in the chapter's README. An entry that allows what
	 * was tried: another thread was first, and that is all.
	 */
	(void)allowed;
	(void)fault_zero_fill;
	(void)fault_copy;
	(void)fault_file;
	panic("exercise 2: try_fault(%p) is yours to write", (void *)f);
}
