/*
 * Orphans: files that the disk must not keep as they are if the power fails
 * now. A file without a name that is still open is to be freed then; one with
 * blocks behind its end, because it is about to grow or is being cut, is to be
 * cut to its size. The superblock leads to the newest; each inode, in the field
 * for its time of deletion, to the next older one. Linux and e2fsck work such
 * a list off as we do.
 *
 * Without a journal there is no list: nothing makes its order hold.
 */
#include "ext2.h"

/** The inode of the entry before or after, or NULL at the end. */
static struct ext2_inode *
neighbour(const struct ext2_fs *fs, struct list *link)
{
	return link == &fs->orphans
		       ? NULL
		       : list_entry(link, struct ext2_inode, orphan_link);
}

static void
super_lead_to(struct ext2_fs *fs, uint32_t ino)
{
	ext2_change(fs, fs->super);
	ext2_super_of(fs)->s_last_orphan = ino;
	ext2_changed(fs, fs->super);
}

void
ext2_orphan_add(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);

	if (!fs->journal)
		return;
	mutex_lock(&fs->orphan_lock);
	if (list_empty(&in->orphan_link)) {
		in->dtime = ext2_super_of(fs)->s_last_orphan;
		super_lead_to(fs, (uint32_t)v->ino);
		list_add(&in->orphan_link, &fs->orphans);
	}
	mutex_unlock(&fs->orphan_lock);
}

void
ext2_orphan_remove(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v), *newer;
	struct ext2_fs *fs = ext2_fs(v);

	if (!fs->journal)
		return;
	mutex_lock(&fs->orphan_lock);
	if (!list_empty(&in->orphan_link)) {
		newer = neighbour(fs, in->orphan_link.prev);
		if (newer) {
			newer->dtime = in->dtime;
			ext2_inode_store(newer->vnode);
		} else {
			super_lead_to(fs, in->dtime);
		}
		list_del(&in->orphan_link);
		in->dtime = 0;
	}
	mutex_unlock(&fs->orphan_lock);
}

bool
ext2_is_orphan(const struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(v);
	bool is;

	mutex_lock(&fs->orphan_lock);
	is = !list_empty(&ext2_inode(v)->orphan_link);
	mutex_unlock(&fs->orphan_lock);
	return is;
}

/* ---- After a crash ---- */

/** A file with names: cut it to its size. */
static int
cut(struct ext2_fs *fs, struct vnode *v)
{
	int error = ext2_begin(fs);

	if (error)
		return error;
	error = ext2_has_blocks(v) ? ext2_trim(v) : 0;
	ext2_orphan_remove(v);
	ext2_inode_store(v);
	return ext2_end(fs, error);
}

/** Work off inode @p ino, the first of the list. */
static int
adopt(struct ext2_fs *fs, uint32_t ino)
{
	struct vnode *v;
	int error = ext2_inode_get(fs, ino, &v);

	if (error)
		return error;
	mutex_lock(&fs->orphan_lock);
	list_add(&ext2_inode(v)->orphan_link, &fs->orphans);
	mutex_unlock(&fs->orphan_lock);
	if (v->nlink > 0)
		error = cut(fs, v);
	vnode_put(v); /* without names, this frees it */
	return error;
}

void
ext2_orphans_adopt(struct ext2_fs *fs)
{
	uint32_t ino, n = 0;
	int error = 0;

	/* Before a remount some may be open, and not in the way. */
	if (!fs->journal || !list_empty(&fs->orphans))
		return;
	fs->orphans_left = false;
	fs->adopting = true;
	while (!error && (ino = ext2_super_of(fs)->s_last_orphan) != 0) {
		error = adopt(fs, ino);
		if (++n > fs->inodes_count ||
		    ext2_super_of(fs)->s_last_orphan == ino)
			error = -EUCLEAN;
		/* Who is to die leaves the rest to the next mount. */
		if (error || heap_again())
			break;
	}
	fs->adopting = false;
	if (error)
		ext2_damaged(fs, "the list of orphans ends at inode %u", ino);
	else if (n > 0)
		kprintf("ext2: %s: %u orphans freed or cut\n", fs->device->name,
			n);
}
