/*
 * Allocating inodes. A file's inode goes to its directory's group, so that
 * what is used together lies together; directories are spread: those at the
 * root over the whole disk, others stay near their parent while its group has
 * room (after Grigoriy Orlov's allocator for FFS, 2001, simplified).
 */
#include "ext2.h"
#include "ext2_bitmap.h"
#include "string.h"

/** A group for a directory below the root: of those with more than the average
 * of free inodes and blocks, one with the fewest directories. */
static uint32_t
spread_group(struct ext2_fs *fs)
{
	uint32_t inodes = fs->free_inodes / fs->ngroups;
	uint32_t blocks = fs->free_blocks / fs->ngroups;
	uint32_t start = (uint32_t)(random_seed() % fs->ngroups);
	uint32_t best = start, fewest = UINT32_MAX, i, group;
	const struct ext2_group *g;

	for (i = 0; i < fs->ngroups; i++) {
		group = (start + i) % fs->ngroups;
		g = &fs->groups[group];
		if (g->free_inodes && g->free_inodes >= inodes &&
		    g->free_blocks >= blocks && g->dirs < fewest) {
			fewest = g->dirs;
			best = group;
		}
	}
	return best;
}

/** A group for a directory further down: the parent's or one behind it that is
 * not far below the average. */
static uint32_t
nearby_group(struct ext2_fs *fs, uint32_t parent)
{
	uint32_t inodes = fs->free_inodes / fs->ngroups;
	uint32_t blocks = fs->free_blocks / fs->ngroups;
	uint32_t i, group;
	const struct ext2_group *g;

	for (i = 0; i < fs->ngroups; i++) {
		group = (parent + i) % fs->ngroups;
		g = &fs->groups[group];
		if (g->free_inodes > inodes - inodes / 4 &&
		    g->free_blocks > blocks - blocks / 4)
			return group;
	}
	return parent;
}

static uint32_t
first_choice(struct ext2_fs *fs, const struct vnode *dir, uint32_t mode)
{
	uint32_t parent = ext2_group_of_inode(fs, dir->ino);

	if (!S_ISDIR(mode))
		return parent;
	if (dir->ino == EXT2_ROOT_INO)
		return spread_group(fs);
	return nearby_group(fs, parent);
}

/** Take a free inode from the bitmap at hand. @return 0 and *ino */
static int
take_from(struct ext2_fs *fs, uint32_t group, bool is_dir, struct buf *bitmap,
	  uint32_t *ino)
{
	struct ext2_group *g = &fs->groups[group];
	uint32_t n = fs->inodes_per_group, reserved, bit;

	/* Inodes before the first are not for files. */
	reserved = group == 0 ? MIN(fs->first_ino - 1, n) : 0;
	bit = bitmap_find_zero(bitmap->data, reserved, n);
	if (bit == n)
		return ext2_damaged(fs, "group %u: no inode is free, not %u",
				    group, g->free_inodes);
	ext2_change(fs, bitmap);
	bitmap_set(bitmap->data, bit);
	ext2_changed(fs, bitmap);
	g->free_inodes--;
	fs->free_inodes--;
	g->dirs += is_dir;
	*ino = group * n + bit + 1;
	return 0;
}

/** @return 0; -ENOSPC: none is free in @p group; or an error */
static int
group_alloc(struct ext2_fs *fs, uint32_t group, bool is_dir, uint32_t *ino)
{
	struct ext2_group *g = &fs->groups[group];
	struct ext2_group_bufs b;
	int error = -ENOSPC;

	if (g->free_inodes == 0)
		return error;
	ext2_group_lock(fs, group);
	if (g->free_inodes > 0 &&
	    !(error = ext2_group_bufs_get(fs, group, g->inode_bitmap, ext2_read,
					  &b))) {
		error = take_from(fs, group, is_dir, b.bitmap, ino);
		if (error)
			ext2_group_bufs_put(&b);
		else
			ext2_group_bufs_changed(fs, group, &b);
	}
	ext2_group_unlock(fs, group);
	return error;
}

static int
inode_alloc(struct ext2_fs *fs, const struct vnode *dir, uint32_t mode,
	    uint32_t *ino)
{
	uint32_t group = first_choice(fs, dir, mode), i;
	int error;

	INVARIANT(EXT4, ext2_in_operation(fs));
	for (i = 0; i < fs->ngroups; i++) {
		error = group_alloc(fs, (group + i) % fs->ngroups,
				    S_ISDIR(mode), ino);
		if (error != -ENOSPC)
			return error;
	}
	return -ENOSPC;
}

static int
give_back(struct ext2_fs *fs, uint32_t group, uint64_t ino, bool is_dir,
	  struct buf *bitmap)
{
	struct ext2_group *g = &fs->groups[group];
	uint32_t bit = (uint32_t)((ino - 1) % fs->inodes_per_group);

	if (!bitmap_test(bitmap->data, bit) ||
	    g->free_inodes >= fs->inodes_per_group || g->dirs < is_dir)
		return ext2_damaged(fs, "inode %lu is freed twice", ino);
	ext2_change(fs, bitmap);
	bitmap_clear(bitmap->data, bit);
	ext2_changed(fs, bitmap);
	g->free_inodes++;
	fs->free_inodes++;
	g->dirs -= is_dir;
	return 0;
}

int
ext2_inode_free(struct ext2_fs *fs, uint64_t ino, bool is_dir)
{
	uint32_t group = ext2_group_of_inode(fs, ino);
	struct ext2_group_bufs b;
	int error;

	INVARIANT(EXT4, ext2_in_operation(fs));
	ext2_group_lock(fs, group);
	error = ext2_group_bufs_get(fs, group, fs->groups[group].inode_bitmap,
				    ext2_read_surely, &b);
	if (!error) {
		error = give_back(fs, group, ino, is_dir, b.bitmap);
		if (error)
			ext2_group_bufs_put(&b);
		else
			ext2_group_bufs_changed(fs, group, &b);
	}
	ext2_group_unlock(fs, group);
	return error;
}

/** Whether the inode in the table is really not a file's: never used, or
 * deleted. */
static bool
is_free(const struct buf *b, uint32_t offset)
{
	const struct ext2_dinode *di =
		(const void *)((const char *)b->data + offset);

	return di->i_links_count == 0 && (di->i_mode == 0 || di->i_dtime != 0);
}

/** Make the vnode of the inode just allocated. */
static void
vnode_make(struct vnode *v, const struct vnode *dir, uint32_t mode,
	   uint64_t rdev, struct buf *b, uint32_t offset)
{
	struct ext2_inode *in = ext2_inode_attach(v, b, offset);

	in->generation = ext2_fs(dir)->generation++;
	in->parent = (uint32_t)dir->ino;
	vnode_set_owner(v, dir, mode);
	v->rdev = rdev;
	if (S_ISCHR(mode) || S_ISBLK(mode))
		ext2_rdev_encode(in, rdev);
	ext2_inode_store_new(v);
	ext2_inode_ready(v);
}

int
ext2_inode_new(struct vnode *dir, uint32_t mode, uint64_t rdev,
	       struct vnode **result)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct buf *b;
	uint32_t ino = 0, offset;
	bool is_new;
	int error = inode_alloc(fs, dir, mode, &ino);

	*result = NULL;
	if (error)
		return error;
	b = ext2_dinode_read(fs, ino, &offset, &error);
	if (!b) {
		ext2_inode_free(fs, ino, S_ISDIR(mode));
		return error;
	}
	if (is_free(b, offset)) {
		*result = vnode_lookup(fs->mount, ino, &is_new);
		if (is_new) {
			vnode_make(*result, dir, mode, rdev, b, offset);
			return 0;
		}
	}
	buf_put(b);
	return ext2_damaged(fs, "inode %u is in use and free", ino);
}
