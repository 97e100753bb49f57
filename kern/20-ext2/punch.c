/*
 * Holes in files: making them, and finding them.
 */
#include "ext2.h"

/** Free blocks [first, end), which are hidden: no page is read from them nor
 * written to them any more. */
static int
punch_hidden(struct vnode *v, uint32_t first, uint32_t end)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error = ext2_begin(fs);

	if (error)
		return error;
	error = ext2_map_punch(v, first, end);
	ext2_inode_store(v);
	return ext2_end(fs, error);
}

/* Blocks of whole pages have lost their pages, and what was under way with
 * them has ended. For others, of pages that stay, write-back is to end; what a
 * mapping puts there meanwhile is not written, and zeroed at the end. */
int
ext2_punch(struct vnode *v, uint64_t from, uint64_t to)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t first = ext2_blocks_for(fs, from), end = ext2_block_at(fs, to);
	int error;

	if (fs->read_only)
		return -EROFS;
	if (ext2_inode(v)->flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		return -EPERM;
	if (to >= v->size)
		end = ext2_blocks_for(fs, v->size);
	/* Blocks that were not written yet may be committed as the file's
	 * before they are freed (EXT8). */
	if (fs->journal && !fs->data_journal)
		page_cache_settle(v->cache);
	ext2_map_hide(v, first, MAX(first, end));
	error = vnode_drop_range(v, from, to);
	if (!error && first < end && fs->block_size < PAGE_SIZE)
		error = page_cache_sync(v->cache);
	if (!error && first < end)
		error = punch_hidden(v, first, end);
	ext2_map_hide(v, 0, 0);
	if (!error)
		error = vnode_drop_range(v, from, to);
	if (fs->data_journal) /* the zeros, in their turn (EXT8) */
		page_cache_settle(v->cache);
	return error;
}

int64_t
ext2_find(struct vnode *v, uint64_t from, bool data)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint64_t size = v->size;
	uint32_t at, end = ext2_blocks_for(fs, size), block;
	int n;

	/* What a mapping has written into a hole gets its blocks. */
	if (page_cache_has_dirty(v->cache))
		page_cache_settle(v->cache);
	for (at = ext2_block_at(fs, from); at < end; at += (uint32_t)n) {
		n = ext2_map(v, at, MIN(end - at, INT32_MAX + 0u), &block);
		if (n < 0)
			return n;
		if ((block != 0) == data)
			return (int64_t)MAX(from,
					    (uint64_t)at << fs->block_shift);
	}
	return (int64_t)MAX(size, from);
}
