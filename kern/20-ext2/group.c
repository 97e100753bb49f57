/*
 * Group descriptors: where each group's bitmaps and inodes are, and how many
 * are free. The places are checked once, at mount, and kept in memory; a
 * block number from the disk is checked against them before it is used.
 */
#include "ext2.h"
#include "string.h"

#define COMPAT_RESIZE_INODE  0x10
#define COMPAT_SPARSE_SUPER2 0x200

static bool
is_power_of(uint32_t n, uint32_t base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

bool
ext2_group_has_super(const struct ext2_super *s, uint32_t group)
{
	if (group == 0)
		return true;
	if (s->s_rev_level && s->s_feature_compat & COMPAT_SPARSE_SUPER2)
		return false; /* or one of two; their blocks are allocated */
	if (!s->s_rev_level ||
	    !(s->s_feature_ro_compat & EXT2_RO_COMPAT_SPARSE_SUPER))
		return true;
	return group == 1 || is_power_of(group, 3) || is_power_of(group, 5) ||
	       is_power_of(group, 7);
}

/** Blocks at the start of a group before those that files may have. */
static uint32_t
copies_blocks(const struct ext2_fs *fs, const struct ext2_super *s,
	      uint32_t group)
{
	uint32_t reserved = 0;

	if (!ext2_group_has_super(s, group))
		return 0;
	if (s->s_rev_level && s->s_feature_compat & COMPAT_RESIZE_INODE)
		reserved = s->s_reserved_gdt_blocks;
	return 1 + fs->desc_blocks + reserved;
}

/** Whether a piece of metadata is in the group, behind the copies. */
static bool
place_ok(const struct ext2_fs *fs, uint32_t group, uint32_t data,
	 uint32_t first, uint32_t count)
{
	uint64_t end = (uint64_t)ext2_group_first(fs, group) +
		       ext2_group_blocks(fs, group);

	return first >= data && (uint64_t)first + count <= end;
}

static bool
apart(uint32_t a, uint32_t na, uint32_t b, uint32_t nb)
{
	return (uint64_t)a + na <= b || (uint64_t)b + nb <= a;
}

static int
group_load(struct ext2_fs *fs, const struct ext2_super *s, uint32_t group,
	   const struct ext2_group_desc *desc)
{
	struct ext2_group *g = &fs->groups[group];
	uint32_t copies = copies_blocks(fs, s, group);

	g->block_bitmap = desc->bg_block_bitmap;
	g->inode_bitmap = desc->bg_inode_bitmap;
	g->inode_table = desc->bg_inode_table;
	g->free_blocks = desc->bg_free_blocks_count;
	g->free_inodes = desc->bg_free_inodes_count;
	g->dirs = desc->bg_used_dirs_count;
	g->data = ext2_group_first(fs, group) + copies;
	if (!place_ok(fs, group, g->data, g->block_bitmap, 1) ||
	    !place_ok(fs, group, g->data, g->inode_bitmap, 1) ||
	    !place_ok(fs, group, g->data, g->inode_table, fs->inode_blocks) ||
	    g->block_bitmap == g->inode_bitmap ||
	    !apart(g->block_bitmap, 1, g->inode_table, fs->inode_blocks) ||
	    !apart(g->inode_bitmap, 1, g->inode_table, fs->inode_blocks) ||
	    g->free_blocks > ext2_group_blocks(fs, group) ||
	    g->free_inodes > fs->inodes_per_group ||
	    g->dirs > fs->inodes_per_group)
		return ext2_damaged(fs, "descriptor of group %u", group);
	fs->overhead += copies + 2 + fs->inode_blocks;
	fs->free_blocks += g->free_blocks;
	fs->free_inodes += g->free_inodes;
	return 0;
}

/** The block of the descriptor table that has @p group, and where in it. */
static struct buf *
desc_read(struct ext2_fs *fs, uint32_t group, ext2_read_fn *read,
	  struct ext2_group_desc **desc, int *error)
{
	uint32_t each = fs->block_size / sizeof(struct ext2_group_desc);
	struct buf *b =
		read(fs, fs->first_data_block + 1 + group / each, error);

	if (b)
		*desc = (struct ext2_group_desc *)b->data + group % each;
	return b;
}

/** Room for the groups: more than the largest object of the heap. */
static int
groups_alloc(struct ext2_fs *fs)
{
	uint64_t pages = DIV_ROUND_UP(
		fs->ngroups * (uint64_t)sizeof(struct ext2_group), PAGE_SIZE);
	unsigned order = ilog2_up(pages);

	if (order > PAGE_ORDER_MAX)
		return -ENOMEM;
	fs->group_pages = page_alloc(order, PAGE_KERNEL, ALLOC_ZERO);
	if (!fs->group_pages)
		return -ENOMEM;
	fs->groups = page_address(fs->group_pages);
	return 0;
}

int
ext2_groups_load(struct ext2_fs *fs, const struct ext2_super *s)
{
	struct ext2_group_desc *desc;
	uint32_t group;
	struct buf *b;
	int error = groups_alloc(fs);

	fs->overhead = fs->first_data_block;
	for (group = 0; !error && group < fs->ngroups; group++) {
		b = desc_read(fs, group, ext2_read, &desc, &error);
		if (!b)
			return error;
		error = group_load(fs, s, group, desc);
		buf_put(b);
	}
	return error;
}

void
ext2_groups_unload(struct ext2_fs *fs)
{
	uint32_t group;

	for (group = 0; fs->group_pages && group < fs->ngroups; group++) {
		struct page **pending = fs->groups[group].pending;

		if (pending[0])
			page_unref(pending[0]);
		if (pending[1])
			page_unref(pending[1]);
	}
	if (fs->group_pages)
		page_unref(fs->group_pages);
}

void
ext2_group_lock(struct ext2_fs *fs, uint32_t group)
{
	mutex_lock(&fs->group_locks[group % EXT2_GROUP_LOCKS]);
}

void
ext2_group_unlock(struct ext2_fs *fs, uint32_t group)
{
	mutex_unlock(&fs->group_locks[group % EXT2_GROUP_LOCKS]);
}

int
ext2_group_bufs_get(struct ext2_fs *fs, uint32_t group, uint32_t bitmap,
		    ext2_read_fn *read, struct ext2_group_bufs *b)
{
	struct ext2_group_desc *desc;
	int error = -EIO;

	b->desc = desc_read(fs, group, read, &desc, &error);
	if (!b->desc)
		return error;
	b->bitmap = read(fs, bitmap, &error);
	if (b->bitmap)
		return 0;
	buf_put(b->desc);
	return error;
}

void
ext2_group_bufs_changed(struct ext2_fs *fs, uint32_t group,
			struct ext2_group_bufs *b)
{
	uint32_t each = fs->block_size / sizeof(struct ext2_group_desc);
	struct ext2_group_desc *desc =
		(struct ext2_group_desc *)b->desc->data + group % each;
	const struct ext2_group *g = &fs->groups[group];

	ext2_change(fs, b->desc);
	desc->bg_free_blocks_count = g->free_blocks;
	desc->bg_free_inodes_count = g->free_inodes;
	desc->bg_used_dirs_count = g->dirs;
	ext2_changed(fs, b->desc);
	ext2_group_bufs_put(b);
}

void
ext2_group_bufs_put(struct ext2_group_bufs *b)
{
	buf_put(b->bitmap);
	buf_put(b->desc);
}

bool
ext2_blocks_ok(const struct ext2_fs *fs, uint32_t first, uint32_t count)
{
	const struct ext2_group *g;
	uint32_t group;

	if (first < fs->first_data_block || first >= fs->blocks_count)
		return false;
	group = ext2_group_of_block(fs, first);
	g = &fs->groups[group];
	return place_ok(fs, group, g->data, first, count) &&
	       apart(first, count, g->block_bitmap, 1) &&
	       apart(first, count, g->inode_bitmap, 1) &&
	       apart(first, count, g->inode_table, fs->inode_blocks);
}
