/*
 * Operations on names: making, linking, moving and removing files. Each is
 * one operation on the disk (EXT4): everything that can fail comes first, then
 * the changes. A new file that could not be entered has no links, and putting
 * it back, after the operation, frees it. vfs has checked permissions, that
 * names are free and removed directories empty, and sets the times.
 */
#include "ext2.h"
#include "string.h"

#define UNCHANGEABLE (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL)

static int
ext2_lookup(struct vnode *dir, const char *name, size_t len,
	    struct vnode **result)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct ext2_entry e;
	int error = ext2_dir_find(dir, name, len, &e);

	if (error)
		return error;
	ext2_entry_put(&e);
	if (e.ino == dir->ino)
		return ext2_damaged(fs, "directory %lu contains itself",
				    dir->ino);
	error = ext2_inode_get(fs, e.ino, result);
	if (error || (*result)->type != VT_DIR ||
	    ext2_inode(*result)->parent == dir->ino)
		return error;
	/* EXT2: so no walk goes in circles. */
	error = ext2_damaged(fs, "directory %lu is not of %lu but of %u",
			     (*result)->ino, dir->ino,
			     ext2_inode(*result)->parent);
	vnode_put(*result);
	*result = NULL;
	return error;
}

/* ---- Making ---- */

/** Write the target of a new link: into the inode, or into a block. */
static int
link_write(struct vnode *v, const char *target)
{
	struct ext2_fs *fs = ext2_fs(v);
	size_t len = strlen(target);
	uint32_t block;
	struct buf *b;
	int error = 0;

	if (len <= EXT2_FAST_LINK_MAX) {
		memcpy(ext2_inode(v)->block, target, len);
		v->size = len;
		return 0;
	}
	if (len >= fs->block_size)
		return -ENAMETOOLONG;
	if ((error = ext2_map_alloc(v, 0, 1)) ||
	    (error = MIN(ext2_map(v, 0, 1, &block), 0)))
		return error;
	b = ext2_fresh(fs, block, &error);
	if (!b)
		return error;
	memcpy(b->data, target, len);
	ext2_changed(fs, b);
	buf_put(b);
	v->size = len;
	return 0;
}

/** Enter the new file @p v, filled, into its directory. */
static int
enter(struct vnode *dir, const char *name, size_t len, struct vnode *v)
{
	bool is_dir = v->type == VT_DIR;
	int error;

	if (is_dir && (error = ext2_links_add(dir, 1)))
		return error;
	v->nlink = is_dir ? 2 : 1;
	ext2_inode_store(v);
	error = ext2_dir_add(dir, name, len, v);
	if (!error)
		return 0;
	v->nlink = 0;
	ext2_inode_store(v);
	if (is_dir) {
		ext2_links_add(dir, -1);
		ext2_inode_store(dir);
	}
	return error;
}

/** In an operation: if nothing leads to @p v any more, then after a crash it is
 * to be freed. */
static void
unlinked(struct vnode *v)
{
	if (v->nlink == 0)
		ext2_orphan_add(v);
	ext2_inode_store(v);
}

/** In an operation: @p v has a name, and is not to be freed after a crash. But
 * with blocks behind its end it is to be cut yet. */
static void
linked(struct vnode *v)
{
	if (ext2_inode(v)->prepared <= v->size)
		ext2_orphan_remove(v);
	ext2_inode_store(v);
}

static int
make_once(struct vnode *dir, const char *name, size_t len, uint32_t mode,
	  uint64_t rdev, const char *target, struct vnode **result)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct vnode *v;
	int error;

	if ((error = ext2_begin(fs)))
		return error;
	error = ext2_inode_new(dir, mode, rdev, &v);
	if (!error && S_ISDIR(mode))
		error = ext2_dir_init(v, (uint32_t)dir->ino);
	if (!error && target)
		error = link_write(v, target);
	if (!error)
		error = enter(dir, name, len, v);
	if (error && v)
		unlinked(v);
	ext2_end(fs, error);
	if (error && v)
		vnode_put(v);
	else
		*result = v;
	return error;
}

/** What create, mkdir and symlink have in common. */
static int
make(struct vnode *dir, const char *name, size_t len, uint32_t mode,
     uint64_t rdev, const char *target, struct vnode **result)
{
	int error = 0;

	for (unsigned i = 0; i < EXT2_TRIES; i++) {
		error = make_once(dir, name, len, mode, rdev, target, result);
		if (!ext2_try_again(ext2_fs(dir), error))
			break;
	}
	return error;
}

static int
ext2_create(struct vnode *dir, const char *name, size_t len, uint32_t mode,
	    uint64_t rdev, struct vnode **result)
{
	return make(dir, name, len, mode, rdev, NULL, result);
}

/* A file that is to be freed if the power fails before it has a name. */
static int
tmpfile_once(struct vnode *dir, uint32_t mode, struct vnode **result)
{
	struct ext2_fs *fs = ext2_fs(dir);
	int error = ext2_begin(fs);

	if (error)
		return error;
	error = ext2_inode_new(dir, mode, 0, result);
	if (*result)
		unlinked(*result);
	ext2_end(fs, error);
	if (error && *result)
		vnode_put(*result);
	return error;
}

static int
ext2_tmpfile(struct vnode *dir, uint32_t mode, struct vnode **result)
{
	int error = 0;

	for (unsigned i = 0; i < EXT2_TRIES; i++) {
		error = tmpfile_once(dir, mode, result);
		if (!ext2_try_again(ext2_fs(dir), error))
			break;
	}
	return error;
}

static int
ext2_mkdir(struct vnode *dir, const char *name, size_t len, uint32_t mode,
	   struct vnode **result)
{
	mode = S_IFDIR | (mode & 07777);
	if (dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	return make(dir, name, len, mode, 0, NULL, result);
}

static int
ext2_symlink(struct vnode *dir, const char *name, size_t len,
	     const char *target, struct vnode **result)
{
	if (strlen(target) >= ext2_fs(dir)->block_size)
		return -ENAMETOOLONG;
	return make(dir, name, len, S_IFLNK | 0777, 0, target, result);
}

static int
ext2_link(struct vnode *dir, const char *name, size_t len, struct vnode *target)
{
	struct ext2_fs *fs = ext2_fs(dir);
	int error;

	if (ext2_inode(target)->flags & UNCHANGEABLE)
		return -EPERM;
	if ((error = ext2_begin(fs)))
		return error;
	error = ext2_links_add(target, 1);
	if (!error) {
		linked(target);
		error = ext2_dir_add(dir, name, len, target);
		if (error) {
			ext2_links_add(target, -1);
			unlinked(target);
		}
	}
	return ext2_end(fs, error);
}

/* ---- Removing ---- */

/** Find the entry that leads to @p v. */
static int
find_exactly(struct vnode *dir, const char *name, size_t len,
	     const struct vnode *v, struct ext2_entry *e)
{
	int error = ext2_dir_find(dir, name, len, e);

	if (!error && e->ino != v->ino) {
		ext2_entry_put(e);
		error = -ENOENT;
	}
	return error;
}

/** The last name of directory @p v, that was in @p dir, is gone. */
static void
dir_unlinked(struct vnode *dir, struct vnode *v)
{
	ext2_links_add(v, -(int)v->nlink);
	unlinked(v);
	if (dir->nlink > 2) {
		ext2_links_add(dir, -1);
		ext2_inode_store(dir);
	}
}

/** The entry of @p v in @p dir is gone. */
static int
name_gone(struct vnode *dir, struct vnode *v)
{
	int error;

	if (v->type == VT_DIR) {
		dir_unlinked(dir, v);
		return 0;
	}
	error = ext2_links_add(v, -1);
	unlinked(v);
	return error;
}

/** End an operation that may have taken the last name of @p v, or NULL: vfs is
 * going to drop its pages. The transaction before leads to it by its name yet,
 * and may be committed alone: what it has of contents is written (EXT8). */
static int
end_unlinked(struct ext2_fs *fs, struct vnode *v, int error)
{
	bool settle = v && v->nlink == 0 && ext2_ordered_before(v);

	error = ext2_end(fs, error);
	if (settle)
		page_cache_settle(v->cache);
	return error;
}

/* unlink and rmdir: vfs has checked which of them it is. */
static int
ext2_remove(struct vnode *dir, const char *name, size_t len,
	    struct vnode *victim)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct ext2_entry e;
	int error;

	if (ext2_inode(victim)->flags & UNCHANGEABLE)
		return -EPERM;
	if ((error = ext2_begin(fs)))
		return error;
	error = find_exactly(dir, name, len, victim, &e);
	if (!error)
		error = ext2_dir_remove(dir, &e);
	if (!error)
		error = name_gone(dir, victim);
	return end_unlinked(fs, victim, error);
}

/* ---- Moving ---- */

struct move {
	struct vnode *from_dir, *to_dir, *moved, *replaced;
	const char *from, *to;
	size_t from_len, to_len;
	/* Found before anything changes. */
	struct ext2_entry source, target, up;
};

/** Whether the moved directory gets another parent. */
static bool
new_parent(const struct move *m)
{
	return m->moved->type == VT_DIR && m->from_dir != m->to_dir;
}

/** Find all that is to be changed, and whether it can be. */
static int
move_prepare(struct move *m)
{
	int error = find_exactly(m->from_dir, m->from, m->from_len, m->moved,
				 &m->source);

	if (!error && new_parent(m)) {
		error = ext2_dir_find_parent(m->moved, &m->up);
		if (!error && !m->replaced && m->to_dir->nlink >= EXT2_LINK_MAX)
			error = -EMLINK;
	}
	if (error || !m->replaced)
		return error;
	return find_exactly(m->to_dir, m->to, m->to_len, m->replaced,
			    &m->target);
}

/** The new name leads to the moved file. */
static int
move_enter(struct move *m)
{
	if (!m->replaced)
		return ext2_dir_add(m->to_dir, m->to, m->to_len, m->moved);
	ext2_dir_replace(m->to_dir, &m->target, m->moved);
	return name_gone(m->to_dir, m->replaced);
}

/** The moved directory's ".." leads elsewhere. */
static int
move_parent(struct move *m)
{
	int error = ext2_links_add(m->from_dir, -1);

	if (!error)
		error = ext2_links_add(m->to_dir, 1);
	ext2_inode_store(m->from_dir);
	ext2_inode_store(m->to_dir);
	ext2_dir_replace(m->moved, &m->up, m->to_dir);
	ext2_inode(m->moved)->parent = (uint32_t)m->to_dir->ino;
	return error;
}

static int
move_do(struct move *m)
{
	int error = move_prepare(m);

	if (!error)
		error = move_enter(m);
	if (!error)
		error = ext2_dir_remove(m->from_dir, &m->source);
	if (!error && new_parent(m))
		error = move_parent(m);
	ext2_entry_put(&m->source);
	ext2_entry_put(&m->target);
	ext2_entry_put(&m->up);
	return error;
}

static int
ext2_rename(struct vnode *from_dir, const char *from, size_t from_len,
	    struct vnode *moved, struct vnode *to_dir, const char *to,
	    size_t to_len, struct vnode *replaced)
{
	struct ext2_fs *fs = ext2_fs(from_dir);
	struct move m = {
		.from_dir = from_dir,
		.from = from,
		.from_len = from_len,
		.to_dir = to_dir,
		.to = to,
		.to_len = to_len,
		.moved = moved,
		.replaced = replaced,
	};
	int error;

	if (ext2_inode(moved)->flags & UNCHANGEABLE ||
	    (replaced && ext2_inode(replaced)->flags & UNCHANGEABLE))
		return -EPERM;
	if ((error = ext2_begin(fs)))
		return error;
	return end_unlinked(fs, replaced, move_do(&m));
}

/* ---- Exchanging ---- */

struct swap {
	struct vnode *dirs[2], *files[2];
	struct ext2_entry entries[2], ups[2]; /* files' ".." */
};

/** Whether ".." of file @p i leads elsewhere then. */
static bool
swaps_parent(const struct swap *s, unsigned i)
{
	return s->files[i]->type == VT_DIR && s->dirs[0] != s->dirs[1];
}

/** The ".." of one directory more, or less, leads to each of the two. */
static int
swap_links(struct swap *s)
{
	int more = swaps_parent(s, 1) - swaps_parent(s, 0);
	int error = more ? ext2_links_add(s->dirs[more < 0], 1) : 0;

	if (more && !error)
		error = ext2_links_add(s->dirs[more > 0], -1);
	return error;
}

/** Find the ".." that change; then nothing fails but the links. */
static int
swap_do(struct swap *s)
{
	unsigned i;
	int error = 0;

	for (i = 0; i < 2 && !error; i++)
		if (swaps_parent(s, i))
			error = ext2_dir_find_parent(s->files[i], &s->ups[i]);
	if (!error)
		error = swap_links(s);
	for (i = 0; i < 2 && !error; i++) {
		if (swaps_parent(s, i)) {
			ext2_dir_replace(s->files[i], &s->ups[i], s->dirs[!i]);
			ext2_inode(s->files[i])->parent =
				(uint32_t)s->dirs[!i]->ino;
		}
		ext2_dir_replace(s->dirs[i], &s->entries[i], s->files[!i]);
	}
	for (i = 0; i < 2; i++) {
		ext2_entry_put(&s->entries[i]);
		ext2_entry_put(&s->ups[i]);
	}
	return error;
}

static int
ext2_exchange(struct vnode *a_dir, const char *a_name, size_t a_len,
	      struct vnode *a, struct vnode *b_dir, const char *b_name,
	      size_t b_len, struct vnode *b)
{
	struct swap s = { .dirs = { a_dir, b_dir }, .files = { a, b } };
	struct ext2_fs *fs = ext2_fs(a_dir);
	int error;

	if ((ext2_inode(a)->flags | ext2_inode(b)->flags) & UNCHANGEABLE)
		return -EPERM;
	if ((error = ext2_begin(fs)))
		return error;
	error = find_exactly(a_dir, a_name, a_len, a, &s.entries[0]);
	if (!error)
		error = find_exactly(b_dir, b_name, b_len, b, &s.entries[1]);
	if (!error)
		error = swap_do(&s);
	else
		ext2_entry_put(&s.entries[0]);
	return ext2_end(fs, error);
}

/* ---- Links and special files ---- */

/** Read a long target from its block. */
static int
target_read(struct vnode *v, char *buf, size_t len)
{
	struct ext2_fs *fs = ext2_fs(v);
	uint32_t block;
	struct buf *b;
	int error = ext2_map(v, 0, 1, &block);

	if (error < 0)
		return error;
	if (block == 0)
		return ext2_damaged(fs, "link %lu has no target", v->ino);
	b = ext2_read(fs, block, &error);
	if (!b)
		return error;
	memcpy(buf, b->data, len);
	buf_put(b);
	return 0;
}

static int
ext2_readlink(struct vnode *v, char *buf, size_t size)
{
	size_t len = MIN(size, (size_t)v->size);
	int error = 0;

	if (ext2_has_blocks(v))
		error = target_read(v, buf, len);
	else
		memcpy(buf, ext2_inode(v)->block, len);
	if (!error && memchr(buf, '\0', len))
		error = ext2_damaged(ext2_fs(v), "link %lu holds a NUL",
				     v->ino);
	return error ? error : (int)len;
}

static int
ext2_getattr(struct vnode *v, struct stat *st)
{
	st->st_blksize = ext2_fs(v)->block_size;
	return 0;
}

/** Device nodes and FIFOs lead to what other chapters drive. */
static int
special_open(struct vnode *v, struct file *f)
{
	if (v->type == VT_CHR || v->type == VT_BLK)
		return devfs_open_rdev(v, f);
	if (v->type == VT_FIFO && vfs_ops.open_fifo)
		return vfs_ops.open_fifo(v, f);
	return -ENXIO;
}

const struct vnode_ops ext2_dir_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.mkdir = ext2_mkdir,
	.symlink = ext2_symlink,
	.link = ext2_link,
	.unlink = ext2_remove,
	.rmdir = ext2_remove,
	.rename = ext2_rename,
	.exchange = ext2_exchange,
	.tmpfile = ext2_tmpfile,
	.readdir = ext2_readdir,
	.getattr = ext2_getattr,
	.setattr = ext2_setattr,
	.fsync = ext2_fsync,
	.inactive = ext2_inactive,
};

const struct vnode_ops ext2_link_ops = {
	.readlink = ext2_readlink,
	.getattr = ext2_getattr,
	.setattr = ext2_setattr,
	.fsync = ext2_fsync,
	.inactive = ext2_inactive,
};

const struct vnode_ops ext2_special_ops = {
	.open = special_open,
	.getattr = ext2_getattr,
	.setattr = ext2_setattr,
	.fsync = ext2_fsync,
	.inactive = ext2_inactive,
};
