/*
 * Contents of regular files: between the page cache and the disk. A page is
 * one to four blocks. Blocks are allocated before the data is written into
 * the cache (prepare_write), so that writing a page back cannot find the disk
 * full; and every page whose blocks are new is in the cache, zeroed and dirty,
 * so that what a former owner left on the disk is never read (EXT5).
 */
#include "ext2.h"
#include "string.h"

#define BATCH_PAGES 16 /**< allocated together */

static uint32_t
blocks_for(const struct ext2_fs *fs, uint64_t bytes)
{
	return (uint32_t)((bytes + fs->block_size - 1) >> fs->block_shift);
}

static int
transfer(struct ext2_fs *fs, enum block_op op, uint32_t block, void *data,
	 uint32_t count)
{
	return block_transfer(fs->device, op,
			      (uint64_t)block << (fs->block_shift - 9), data,
			      (size_t)count << fs->block_shift);
}

/* ---- Reading ---- */

/** Read @p count blocks of the file from @p logical on, holes as zeros. */
static int
blocks_read(struct vnode *v, uint32_t logical, uint32_t count, char *data)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t block;
	int n, error;

	while (count > 0) {
		n = ext2_map(v, logical, count, &block);
		if (n < 0)
			return n;
		error = 0;
		if (block)
			error = transfer(fs, BLOCK_READ, block, data,
					 (uint32_t)n);
		else
			memset(data, 0, (size_t)n << fs->block_shift);
		if (error)
			return error;
		logical += (uint32_t)n;
		count -= (uint32_t)n;
		data += (size_t)n << fs->block_shift;
	}
	return 0;
}

/* What lies behind the end of the file in its last block may be anything: a
 * mapping can have written there. */
static int
ext2_read_page(struct vnode *v, struct page *page)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint64_t pos = page->index << PAGE_SHIFT, size = v->size;
	char *data = page_address(page);
	size_t valid;
	int error;

	valid = pos < size && page->index <= fs->max_size >> PAGE_SHIFT
			? MIN(size - pos, PAGE_SIZE)
			: 0;
	error = blocks_read(v, (uint32_t)(pos >> fs->block_shift),
			    blocks_for(fs, valid), data);
	if (error)
		return error;
	memset(data + valid, 0, PAGE_SIZE - valid);
	return 0;
}

/* ---- Allocating ---- */

/** Whether [logical, logical + count) has a hole: 1, 0, or an error. */
static int
has_hole(struct vnode *v, uint32_t logical, uint32_t count)
{
	uint32_t block;
	int n;

	while (count > 0) {
		n = ext2_map(v, logical, count, &block);
		if (n < 0)
			return n;
		if (block == 0)
			return 1;
		logical += (uint32_t)n;
		count -= (uint32_t)n;
	}
	return 0;
}

int
ext2_trim(struct vnode *v)
{
	int error = ext2_map_cut(v, blocks_for(ext2_fs(v), v->size));

	ext2_inode(v)->prepared = 0;
	ext2_inode_store(v);
	return error;
}

/** Allocate blocks for bytes [offset, end), which then are the file's even if
 * its size does not say so yet. */
static int
allocate(struct vnode *v, uint64_t offset, uint64_t end)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t first = (uint32_t)(offset >> fs->block_shift);
	int error = ext2_begin(fs);

	if (error)
		return error;
	error = ext2_map_alloc(v, first, blocks_for(fs, end) - first);
	if (!error && end > MAX(v->size, in->prepared)) {
		if (end > INT32_MAX)
			ext2_note_large_file(fs);
		spin_lock(&in->lock);
		in->prepared = end;
		spin_unlock(&in->lock);
	}
	if (error == -ENOSPC &&
	    blocks_for(fs, end) > blocks_for(fs, MAX(v->size, in->prepared)))
		ext2_map_cut(v, blocks_for(fs, MAX(v->size, in->prepared)));
	ext2_inode_store(v);
	return ext2_end(fs, error);
}

/** Allocate for bytes of at most BATCH_PAGES pages: with the pages at hand, so
 * that they show what the file had there, zeros. */
static int
allocate_batch(struct vnode *v, uint64_t offset, uint64_t end)
{
	struct page *pages[BATCH_PAGES];
	uint64_t index = offset >> PAGE_SHIFT;
	unsigned n, got;
	int error = 0;

	n = (unsigned)(((end - 1) >> PAGE_SHIFT) - index + 1);
	for (got = 0; got < n; got++) {
		pages[got] = page_cache_get(v, index + got, &error);
		if (!pages[got])
			break;
	}
	if (got == n)
		error = allocate(v, offset, end);
	while (got-- > 0) {
		/* Also when the disk was full: some have got their blocks. */
		if (error == 0 || error == -ENOSPC)
			page_cache_dirty(v, pages[got]);
		page_unref(pages[got]);
	}
	return error;
}

/** Allocate what is missing for bytes [offset, end). */
static int
allocate_range(struct vnode *v, uint64_t offset, uint64_t end)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint64_t stop;
	uint32_t first;
	int hole;

	for (; offset < end; offset = stop) {
		stop = ROUND_DOWN(offset, PAGE_SIZE) + BATCH_PAGES * PAGE_SIZE;
		stop = MIN(stop, end);
		first = (uint32_t)(offset >> fs->block_shift);
		hole = has_hole(v, first, blocks_for(fs, stop) - first);
		if (hole > 0)
			hole = allocate_batch(v, offset, stop);
		if (hole < 0)
			return hole;
	}
	return 0;
}

/** Before the file grows past its last page: that page's rest becomes part of
 * the file, and must be zeros. */
static int
zero_tail(struct vnode *v)
{
	uint64_t size = v->size;
	struct page *page;
	uint32_t block;
	int n;

	if (size % PAGE_SIZE == 0)
		return 0;
	n = ext2_map(v, (uint32_t)(size >> ext2_fs(v)->block_shift), 1, &block);
	if (n < 0)
		return n;
	page = page_cache_get(v, size >> PAGE_SHIFT, &n);
	if (!page)
		return n;
	memset((char *)page_address(page) + size % PAGE_SIZE, 0,
	       PAGE_SIZE - size % PAGE_SIZE);
	if (block)
		page_cache_dirty(v, page);
	page_unref(page);
	return 0;
}

/** Give back what an earlier write has prepared and not filled. */
static int
trim_if_short(struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error;

	if (ext2_inode(v)->prepared <= v->size)
		return 0;
	error = ext2_begin(fs);
	return error ? error : ext2_end(fs, ext2_trim(v));
}

static int
ext2_prepare_write(struct vnode *v, uint64_t offset, uint64_t len)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t flags = ext2_inode(v)->flags;
	int error;

	if (fs->read_only)
		return -EROFS;
	if (flags & EXT2_IMMUTABLE_FL ||
	    (flags & EXT2_APPEND_FL && offset < v->size))
		return -EPERM;
	if (offset > fs->max_size || len > fs->max_size - offset)
		return -EFBIG;
	if (len == 0)
		return 0;
	error = trim_if_short(v);
	if (!error && offset > v->size)
		error = zero_tail(v);
	return error ? error : allocate_range(v, offset, offset + len);
}

/* ---- Writing back ---- */

static bool
is_zero(const char *data, size_t len)
{
	return data[0] == 0 && memcmp(data, data + 1, len - 1) == 0;
}

/** Write blocks of the file where they are. What a mapping has written into a
 * hole gets blocks first; zeros need none. */
static int
blocks_write(struct vnode *v, uint32_t logical, uint32_t count, char *data)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint64_t pos;
	uint32_t block;
	size_t len;
	int n, error;

	while (count > 0) {
		n = ext2_map(v, logical, count, &block);
		if (n < 0)
			return n;
		len = (size_t)n << fs->block_shift;
		if (block == 0 && !is_zero(data, len)) {
			pos = (uint64_t)logical << fs->block_shift;
			error = allocate(v, pos, pos + len);
			if (error)
				return error;
			continue;
		}
		error = block ? transfer(fs, BLOCK_WRITE, block, data,
					 (uint32_t)n)
			      : 0;
		if (error)
			return error;
		logical += (uint32_t)n;
		count -= (uint32_t)n;
		data += len;
	}
	return 0;
}

static int
ext2_write_page(struct vnode *v, struct page *page)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint64_t pos = page->index << PAGE_SHIFT;
	uint64_t end = MAX((uint64_t)v->size, ext2_inode(v)->prepared);

	if (fs->read_only)
		return -EROFS;
	if (pos >= end)
		return 0;
	return blocks_write(v, (uint32_t)(pos >> fs->block_shift),
			    blocks_for(fs, MIN(end - pos, PAGE_SIZE)),
			    page_address(page));
}

/* ---- Changing the size ---- */

static int
grow(struct vnode *v, uint64_t size)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error = zero_tail(v);

	if (error || (error = ext2_begin(fs)))
		return error;
	if (size > INT32_MAX)
		ext2_note_large_file(fs);
	v->size = size;
	vnode_touch(v, TOUCH_MTIME | TOUCH_CTIME);
	ext2_inode_store(v);
	return ext2_end(fs, 0);
}

/** Reference the page of which a part remains, if the disk has it: its rest
 * must be zeroed on the disk too. */
static int
partial_page(struct vnode *v, uint64_t size, struct page **page)
{
	uint32_t block;
	int error;

	*page = NULL;
	if (size % PAGE_SIZE == 0)
		return 0;
	error = ext2_map(v, (uint32_t)(size >> ext2_fs(v)->block_shift), 1,
			 &block);
	if (error < 0 || block == 0 || size % ext2_fs(v)->block_size == 0)
		return MIN(error, 0);
	*page = page_cache_get(v, size >> PAGE_SHIFT, &error);
	return *page ? 0 : error;
}

static int
shrink(struct vnode *v, uint64_t size)
{
	struct ext2_fs *fs = ext2_fs(v);
	struct page *page;
	int error = partial_page(v, size, &page);

	if (error)
		return error;
	v->size = size;
	page_cache_truncate(v, size);
	if (page) {
		page_cache_dirty(v, page);
		page_unref(page);
	}
	if ((error = ext2_begin(fs)))
		return error;
	vnode_touch(v, TOUCH_MTIME | TOUCH_CTIME);
	return ext2_end(fs, ext2_trim(v));
}

int
ext2_set_size(struct vnode *v, uint64_t size)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error;

	if (v->type != VT_REG)
		return -EINVAL;
	if (fs->read_only)
		return -EROFS;
	if (size > fs->max_size)
		return -EFBIG;
	if (size <= v->size)
		return shrink(v, size);
	error = trim_if_short(v);
	return error ? error : grow(v, size);
}

static int
file_getattr(struct vnode *v, struct stat *st)
{
	st->st_blksize = ext2_fs(v)->block_size;
	return 0;
}

const struct vnode_ops ext2_file_ops = {
	.getattr = file_getattr,
	.setattr = ext2_setattr,
	.read_page = ext2_read_page,
	.write_page = ext2_write_page,
	.prepare_write = ext2_prepare_write,
	.fsync = ext2_fsync,
	.inactive = ext2_inactive,
};
