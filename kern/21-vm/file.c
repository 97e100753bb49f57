/*
 * Where files and address spaces meet from the file's side: pages that leave a
 * file leave the page tables, and pages that are to be written to disk lose
 * their write rights, so that the next write is noticed.
 */
#include "vm_internal.h"

/* The part of @m that maps pages @first to @last of its file.
 * @return whether there is one */
static bool
part_of(const struct mapping *m, uint64_t first, uint64_t last, vaddr_t *start,
	vaddr_t *end)
{
	uint64_t m_first = m->offset >> PAGE_SHIFT;
	uint64_t m_last = m_first + ((m->end - m->start) >> PAGE_SHIFT) - 1;

	if (last < m_first || first > m_last)
		return false;
	*start = m->start;
	if (first > m_first)
		*start += (first - m_first) << PAGE_SHIFT;
	*end = m->end;
	if (last < m_last)
		*end -= (m_last - last) << PAGE_SHIFT;
	return true;
}

/*
 * The lock keeps the mappings, and with them their address spaces and tables,
 * while their entries are taken out. Pages that are still within the file keep
 * their changes, and private copies of them stay.
 */
void
vm_unmap_pages(struct vnode *v, uint64_t first, uint64_t last)
{
	struct page_cache *c = v->cache;
	bool kept = first < (v->size + PAGE_SIZE - 1) >> PAGE_SHIFT;
	struct mapping *m;
	struct gather g;
	vaddr_t start, end;

	if (list_empty(&c->mappings))
		return;
	spin_lock(&c->mappings_lock);
	list_for_each (m, &c->mappings, vnode_link) {
		if (!part_of(m, first, last, &start, &end))
			continue;
		gather_init(&g, m->vmspace);
		g.cache_only = kept;
		g.vnode = kept && m->flags & MAP_SHARED ? v : NULL;
		pmap_zap(&g, start, end);
		gather_flush(&g);
	}
	spin_unlock(&c->mappings_lock);
}

/* The fence: either a fault that is making an entry at this moment is seen
 * here, by its mapping and its table, or it sees that the page is clean. */
void
vm_clean_pages(struct page_cache *c, uint64_t first, uint64_t last)
{
	struct mapping *m;
	vaddr_t start, end;

	atomic_thread_fence(memory_order_seq_cst);
	if (list_empty(&c->mappings))
		return;
	spin_lock(&c->mappings_lock);
	list_for_each (m, &c->mappings, vnode_link)
		if (m->flags & MAP_SHARED &&
		    part_of(m, first, last, &start, &end))
			pmap_clean(m, start, end, false);
	spin_unlock(&c->mappings_lock);
}

/* vfs_ops.written_by_mapping */
static bool
written_by_mapping(struct vnode *v)
{
	struct page_cache *c = v->cache;
	struct mapping *m;
	bool found = false;

	spin_lock(&c->mappings_lock);
	list_for_each (m, &c->mappings, vnode_link)
		found |= m->flags & MAP_SHARED && m->may_write;
	spin_unlock(&c->mappings_lock);
	return found;
}

void
vm_file_init(void)
{
	vfs_ops.written_by_mapping = written_by_mapping;
	vfs_ops.unmap_pages = vm_unmap_pages;
	cache_ops.clean_pages = vm_clean_pages;
}
