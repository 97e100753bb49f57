/*
 * Holes: what of a file takes no room. They are made by seeking past the end,
 * and by punching; room for them is found by writing, or beforehand
 * (fallocate). What a file system has for it is in its operations punch and
 * find, and in prepare_write.
 *
 * Entry points: vnode_allocate, vnode_punch, vnode_drop_range, vnode_seek.
 */
#include "file.h"
#include "notify.h"
#include "string.h"

/* How much is done between two looks at signals and at dirty pages: enough that
 * the looks cost nothing, and little enough that a signal need not wait. */
#define ZEROS	   16	       /* pages of zeros in one write */
#define WINDOW	   (1ul << 20) /* bytes for which room is had at once */
#define DIRTY_MANY 512	       /* pages */

/* ---- Making ---- */

/* Zero bytes [from, to) of one page. In memory, a hole may stay one: no page,
 * no room taken. On a disk the page is read first, as the rest of it stays. */
static int
zero_part(struct vnode *v, uint64_t from, uint64_t to)
{
	uint64_t index = from / PAGE_SIZE;
	struct page *page;
	int error = 0;

	if (from >= to)
		return 0;
	page = v->cache->quota ? page_cache_peek(v->cache, index)
			       : page_cache_get(v->cache, index, &error);
	if (!page)
		return error;
	memset((char *)page_address(page) + from % PAGE_SIZE, 0, to - from);
	page_cache_dirty(v->cache, page);
	page_unref(page);
	return 0;
}

/* Unmapped anew after they have left the cache: a fault may have found them
 * before (vm sees by page->owner that they have left, or is seen here). */
static void
drop_pages(struct vnode *v, uint64_t first, uint64_t last)
{
	if (vfs_ops.unmap_pages)
		vfs_ops.unmap_pages(v, first, last);
	page_cache_drop_range(v->cache, first, last);
	if (vfs_ops.unmap_pages)
		vfs_ops.unmap_pages(v, first, last);
}

/* First what can fail: the two pages of which a part stays. Where both are one
 * page, one of the calls does all. */
int
vnode_drop_range(struct vnode *v, uint64_t from, uint64_t to)
{
	uint64_t first = ROUND_UP(from, PAGE_SIZE);
	uint64_t last = ROUND_DOWN(to, PAGE_SIZE);
	int error = zero_part(v, from, MIN(to, first));

	if (!error && last >= first)
		error = zero_part(v, last, to);
	if (!error && last > first)
		drop_pages(v, first / PAGE_SIZE, last / PAGE_SIZE - 1);
	return error;
}

/* A range past the end is no error (fallocate(2)): it has no bytes. At the end
 * of file the rest of the last page goes, too, which nobody can see, but which
 * takes room. */
int
vnode_punch(struct vnode *v, uint64_t from, uint64_t to)
{
	uint64_t size = v->size;

	if (!v->ops->punch)
		return -EOPNOTSUPP;
	if (from >= MIN(to, size))
		return 0;
	if (to >= size)
		to = ROUND_UP(size, PAGE_SIZE);
	return v->ops->punch(v, from, to);
}

/* ---- Filling ---- */

/* fallocate(2): -EINTR, so that gigabytes can be given up. */
static int
interrupted(void)
{
	return thread_interrupted(INTERRUPT_SIGNAL | INTERRUPT_KILL) ? -EINTR
								     : 0;
}

/* A file in memory: have the pages, which are charged to its mount
 * (-ENOSPC). */
static int
fill_memory(struct vnode *v, uint64_t from, uint64_t to)
{
	uint64_t index;
	struct page *page;
	int error = 0;

	for (index = from / PAGE_SIZE;
	     index < DIV_ROUND_UP(to, PAGE_SIZE) && !error; index++) {
		page = page_cache_get(v->cache, index, &error);
		if (!page)
			break;
		page_unref(page);
		error = interrupted();
	}
	return error;
}

/* Write zeros past the end of file: so what a crash leaves is a shorter file,
 * as after any write. */
static int
write_zeros(struct vnode *v, uint64_t from, uint64_t to)
{
	static char zeros[PAGE_SIZE];
	struct iovec iov[ZEROS];
	struct uio u;
	int64_t n = 0;
	unsigned i;

	for (i = 0; i < ZEROS; i++)
		iov[i] = (struct iovec){ zeros, PAGE_SIZE };
	while (from < to && n >= 0) {
		u = (struct uio){ .iov = iov,
				  .niov = ZEROS,
				  .left = MIN(to - from,
					      sizeof(zeros) * ZEROS) };
		n = cached_write(v->cache, &u, &from, u.left);
	}
	return n < 0 ? (int)n : 0;
}

/* Below the size, holes get their blocks, and what is there stays; past it,
 * zeros are written. They are written out in between: they are not to fill the
 * memory. A window does not cross the size, as the two ways meet there. */
static int
fill_disk(struct vnode *v, uint64_t from, uint64_t to)
{
	const struct page_cache_ops *ops = v->cache->ops;
	uint64_t size = v->size, end;
	int error = 0;

	for (; from < to && !error; from = end) {
		end = MIN(to, ROUND_DOWN(from, WINDOW) + WINDOW);
		if (from < size)
			end = MIN(end, size);
		if (from < size)
			error = ops->prepare_write(v->cache->owner, from,
						   end - from);
		else
			error = write_zeros(v, from, end);
		if (v->cache->ndirty > DIRTY_MANY)
			page_cache_settle(v->cache);
		if (!error)
			error = interrupted();
	}
	return error;
}

int
vnode_allocate(struct vnode *v, uint64_t from, uint64_t to, bool keep_size)
{
	uint64_t size = v->size;
	int error;

	if (!v->ops->punch)
		return -EOPNOTSUPP;
	if (!v->cache->quota && keep_size && to > size)
		return -EOPNOTSUPP;
	if (to > size)
		page_cache_zero_tail(v->cache, size);
	if (v->cache->quota)
		error = fill_memory(v, from, to);
	else
		error = fill_disk(v, from, to);
	if (error && to > size) {
		/* What was got past the end is given back: -ENOSPC leaves the
		 * file as it was. What was got below stays, unseen. */
		vnode_resize(v, size);
		page_cache_truncate(v->cache, size);
	} else if (!error && to > v->size && !keep_size) {
		v->size = to;
	}
	return error;
}

/* ---- Finding ---- */

/* lseek(2): a file ends in a hole, even where it has none; without `find` the
 * whole file is data. */
int64_t
vnode_seek(struct vnode *v, uint64_t from, bool data)
{
	uint64_t size = v->size;
	int64_t at;

	if (from >= size)
		return -ENXIO;
	if (!v->ops->find)
		return data ? from : size;
	at = v->ops->find(v, from, data);
	return data && at >= 0 && (uint64_t)at >= size ? -ENXIO : at;
}
