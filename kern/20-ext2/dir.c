/*
 * The entries of a directory: a list that fills each of its blocks exactly.
 * An entry is removed by giving its space to the one before, and made by
 * splitting one that has space to spare. Blocks are searched one after the
 * other; the hash trees that Linux adds are passed over (their inner blocks
 * look like free entries) and marked as no longer kept.
 */
#include "ext2.h"
#include "string.h"

#define REC_LEN_MIN EXT2_DIRENT_SIZE(1)

/** An entry, its numbers copied out of the block and checked. */
struct view {
	uint32_t offset, ino, rec_len, name_len;
	unsigned type;
	const char *name;
};

static struct ext2_dirent *
dirent_at(const struct buf *b, uint32_t offset)
{
	return (struct ext2_dirent *)((char *)b->data + offset);
}

static bool
view_ok(const struct ext2_fs *fs, const struct view *e)
{
	if (e->rec_len < REC_LEN_MIN || e->rec_len % 4 ||
	    e->rec_len > fs->block_size - e->offset)
		return false;
	if (e->ino == 0)
		return true;
	return e->name_len > 0 && EXT2_DIRENT_SIZE(e->name_len) <= e->rec_len &&
	       e->ino <= fs->inodes_count && (fs->filetype || e->type == 0);
}

/** Look at the entry at @p offset of block @p n. @return whether there is one,
 * at the block's end there is none; or -EUCLEAN */
static int
view_get(const struct vnode *dir, const struct buf *b, uint32_t n,
	 uint32_t offset, struct view *e)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct ext2_dirent head;

	if (offset == fs->block_size)
		return 0;
	memcpy(&head, dirent_at(b, offset), sizeof(head));
	*e = (struct view){
		.offset = offset,
		.ino = head.inode,
		.rec_len = head.rec_len,
		.name_len = head.name_len,
		.type = head.file_type,
		.name = dirent_at(b, offset)->name,
	};
	if (!view_ok(fs, e))
		return ext2_damaged(fs, "directory %lu, block %u: entry at %u",
				    dir->ino, n, offset);
	return 1;
}

static uint32_t
dir_blocks(const struct vnode *dir)
{
	return (uint32_t)(dir->size >> ext2_fs(dir)->block_shift);
}

/** Read block @p n of a directory. NULL and *error: -EUCLEAN, -EIO, ... */
static struct buf *
dir_read(struct vnode *dir, uint32_t n, int *error)
{
	uint32_t block;

	*error = ext2_map(dir, n, 1, &block);
	if (*error < 0)
		return NULL;
	if (block == 0) {
		*error = ext2_damaged(ext2_fs(dir),
				      "directory %lu has a hole at block %u",
				      dir->ino, n);
		return NULL;
	}
	return ext2_read(ext2_fs(dir), block, error);
}

/* ---- Searching ---- */

/** @return 1 found, 0 not in this block, or -EUCLEAN */
static int
find_in_block(const struct vnode *dir, const struct buf *b, uint32_t n,
	      const char *name, size_t len, struct view *e)
{
	uint32_t offset;
	int more;

	for (offset = 0; (more = view_get(dir, b, n, offset, e)) > 0;
	     offset += e->rec_len)
		if (e->ino && e->name_len == len &&
		    memcmp(e->name, name, len) == 0)
			return 1;
	return more;
}

int
ext2_dir_find(struct vnode *dir, const char *name, size_t len,
	      struct ext2_entry *entry)
{
	uint32_t n, blocks = dir_blocks(dir);
	struct view e;
	struct buf *b;
	int found;

	for (n = 0; n < blocks; n++) {
		b = dir_read(dir, n, &found);
		if (!b)
			return found;
		found = find_in_block(dir, b, n, name, len, &e);
		if (found > 0) {
			*entry = (struct ext2_entry){ b, n, e.offset, e.ino };
			return 0;
		}
		buf_put(b);
		if (found < 0)
			return found;
	}
	return -ENOENT;
}

void
ext2_entry_put(struct ext2_entry *e)
{
	if (e->buf)
		buf_put(e->buf);
	e->buf = NULL;
}

/** Find "..", the second entry. */
int
ext2_dir_find_parent(struct vnode *dir, struct ext2_entry *entry)
{
	struct view dot, up;
	struct buf *b;
	int more;

	b = dir_read(dir, 0, &more);
	if (!b)
		return more;
	more = view_get(dir, b, 0, 0, &dot);
	if (more > 0)
		more = view_get(dir, b, 0, dot.rec_len, &up);
	if (more > 0 && dot.ino == dir->ino && dot.name_len == 1 &&
	    dot.name[0] == '.' && up.ino && up.name_len == 2 &&
	    memcmp(up.name, "..", 2) == 0) {
		*entry = (struct ext2_entry){ b, 0, up.offset, up.ino };
		return 0;
	}
	buf_put(b);
	if (more < 0)
		return more;
	return ext2_damaged(ext2_fs(dir), "directory %lu lacks . or ..",
			    dir->ino);
}

int
ext2_dir_check(struct vnode *dir, uint32_t *parent)
{
	struct ext2_entry up;
	int error = ext2_dir_find_parent(dir, &up);

	if (error)
		return error;
	*parent = up.ino;
	ext2_entry_put(&up);
	return 0;
}

/* ---- Changing ---- */

static unsigned
file_type(const struct ext2_fs *fs, uint32_t mode)
{
	static const uint8_t types[16] = {
		[S_IFREG >> 12] = EXT2_FT_REG,	 [S_IFDIR >> 12] = EXT2_FT_DIR,
		[S_IFCHR >> 12] = EXT2_FT_CHR,	 [S_IFBLK >> 12] = EXT2_FT_BLK,
		[S_IFIFO >> 12] = EXT2_FT_FIFO,	 [S_IFLNK >> 12] = EXT2_FT_LNK,
		[S_IFSOCK >> 12] = EXT2_FT_SOCK,
	};

	return fs->filetype ? types[(mode & S_IFMT) >> 12] : EXT2_FT_UNKNOWN;
}

/** Entries have changed: a hash tree, if there is one, is no longer true of
 * them. */
static void
dir_changed(struct vnode *dir)
{
	struct ext2_inode *in = ext2_inode(dir);

	spin_lock(&in->lock);
	in->flags &= ~EXT2_INDEX_FL;
	spin_unlock(&in->lock);
	ext2_inode_store(dir);
}

static void
dirent_fill(struct ext2_dirent *d, uint32_t ino, uint32_t rec_len,
	    const char *name, size_t len, unsigned type)
{
	d->inode = ino;
	d->rec_len = (uint16_t)rec_len;
	d->name_len = (uint8_t)len;
	d->file_type = (uint8_t)type;
	memcpy(d->name, name, len);
}

/** Find an entry with @p need bytes to spare. @return as find_in_block */
static int
room_in_block(const struct vnode *dir, const struct buf *b, uint32_t n,
	      uint32_t need, struct view *e)
{
	uint32_t offset, used;
	int more;

	for (offset = 0; (more = view_get(dir, b, n, offset, e)) > 0;
	     offset += e->rec_len) {
		used = e->ino ? EXT2_DIRENT_SIZE(e->name_len) : 0;
		if (e->rec_len - used >= need)
			return 1;
	}
	return more;
}

/** Look for room in blocks [n, end). @return 1 and *b, 0, or an error */
static int
room_between(struct vnode *dir, uint32_t n, uint32_t end, uint32_t need,
	     struct buf **b, struct view *e)
{
	int found = 0;

	for (; n < end; n++) {
		*b = dir_read(dir, n, &found);
		if (!*b)
			return found;
		found = room_in_block(dir, *b, n, need, e);
		if (found > 0)
			ext2_inode(dir)->free_hint = n;
		if (found)
			break;
		buf_put(*b);
	}
	if (found < 0)
		buf_put(*b);
	return found;
}

/** Append a block to the directory, one free entry. @return 1 or an error */
static int
room_append(struct vnode *dir, struct buf **b, struct view *e)
{
	struct ext2_fs *fs = ext2_fs(dir);
	uint32_t n = dir_blocks(dir), block;
	int error;

	if (dir->size + fs->block_size > UINT32_MAX)
		return -EFBIG;
	error = ext2_map_alloc(dir, n, 1);
	if (!error)
		error = MIN(ext2_map(dir, n, 1, &block), 0);
	if (!error && (*b = ext2_fresh(fs, block, &error))) {
		dirent_at(*b, 0)->rec_len = (uint16_t)fs->block_size;
		ext2_changed(fs, *b);
		dir->size += fs->block_size;
		*e = (struct view){ .rec_len = fs->block_size };
		ext2_inode(dir)->free_hint = n;
		return 1;
	}
	ext2_map_cut(dir, n);
	ext2_inode_store(dir);
	return error;
}

/** Find or make room for @p need bytes. @return 0 and *b, or an error */
static int
room_find(struct vnode *dir, uint32_t need, struct buf **b, struct view *e)
{
	uint32_t blocks = dir_blocks(dir);
	uint32_t hint = MIN(ext2_inode(dir)->free_hint, blocks);
	int found = room_between(dir, hint, blocks, need, b, e);

	if (found == 0)
		found = room_between(dir, 0, hint, need, b, e);
	if (found == 0)
		found = room_append(dir, b, e);
	return MIN(found, 0);
}

int
ext2_dir_add(struct vnode *dir, const char *name, size_t len,
	     const struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct ext2_dirent *d;
	struct view e;
	struct buf *b;
	uint32_t used;
	int error = room_find(dir, EXT2_DIRENT_SIZE(len), &b, &e);

	if (error)
		return error;
	ext2_change(fs, b);
	d = dirent_at(b, e.offset);
	used = e.ino ? EXT2_DIRENT_SIZE(e.name_len) : 0;
	if (used) {
		d->rec_len = (uint16_t)used;
		d = dirent_at(b, e.offset + used);
	}
	dirent_fill(d, (uint32_t)v->ino, e.rec_len - used, name, len,
		    file_type(ext2_fs(dir), v->mode));
	ext2_changed(fs, b);
	buf_put(b);
	dir_changed(dir);
	return 0;
}

/** The entry before the one at @p offset of a block; itself if it is the
 * first. @return 0, or -EUCLEAN where none starts at @p offset */
static int
previous_get(const struct vnode *dir, const struct ext2_entry *entry,
	     struct view *e)
{
	uint32_t offset = 0;
	int more;

	while ((more = view_get(dir, entry->buf, entry->block, offset, e)) >
	       0) {
		offset += e->rec_len;
		if (offset == entry->offset || entry->offset == 0)
			return 0;
	}
	return more < 0 ? more
			: ext2_damaged(ext2_fs(dir), "directory %lu changes",
				       dir->ino);
}

int
ext2_dir_remove(struct vnode *dir, struct ext2_entry *entry)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct ext2_inode *in = ext2_inode(dir);
	struct buf *b = entry->buf;
	struct view before, e, next;
	uint32_t start, end;
	int error = previous_get(dir, entry, &before);

	if (!error)
		error = MIN(view_get(dir, b, entry->block, entry->offset, &e),
			    0);
	if (error) {
		ext2_entry_put(entry);
		return error;
	}
	start = entry->offset ? before.offset : 0;
	end = e.offset + e.rec_len;
	if (view_get(dir, b, entry->block, end, &next) > 0 && next.ino == 0)
		end += next.rec_len;
	ext2_change(fs, b);
	dirent_at(b, start)->rec_len = (uint16_t)(end - start);
	if (entry->offset == 0)
		dirent_at(b, 0)->inode = 0;
	ext2_changed(fs, b);
	in->free_hint = MIN(in->free_hint, entry->block);
	ext2_entry_put(entry);
	dir_changed(dir);
	return 0;
}

void
ext2_dir_replace(struct vnode *dir, struct ext2_entry *e, const struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(dir);
	struct ext2_dirent *d = dirent_at(e->buf, e->offset);

	ext2_change(fs, e->buf);
	d->inode = (uint32_t)v->ino;
	d->file_type = (uint8_t)file_type(ext2_fs(dir), v->mode);
	ext2_changed(fs, e->buf);
	ext2_entry_put(e);
	dir_changed(dir);
}

int
ext2_dir_init(struct vnode *dir, uint32_t parent)
{
	struct ext2_fs *fs = ext2_fs(dir);
	uint32_t first = EXT2_DIRENT_SIZE(1);
	unsigned type = file_type(fs, S_IFDIR);
	struct view e;
	struct buf *b;
	int made = room_append(dir, &b, &e);

	if (made < 0)
		return made;
	ext2_change(fs, b);
	dirent_fill(dirent_at(b, 0), (uint32_t)dir->ino, first, ".", 1, type);
	dirent_fill(dirent_at(b, first), parent, fs->block_size - first, "..",
		    2, type);
	ext2_changed(fs, b);
	buf_put(b);
	ext2_inode(dir)->parent = parent;
	ext2_inode_store(dir);
	return 0;
}

/* ---- Listing ---- */

static unsigned
dirent_type(const struct view *e)
{
	static const uint8_t types[EXT2_FT_COUNT] = {
		[EXT2_FT_UNKNOWN] = DT_UNKNOWN, [EXT2_FT_REG] = DT_REG,
		[EXT2_FT_DIR] = DT_DIR,		[EXT2_FT_CHR] = DT_CHR,
		[EXT2_FT_BLK] = DT_BLK,		[EXT2_FT_FIFO] = DT_FIFO,
		[EXT2_FT_SOCK] = DT_SOCK,	[EXT2_FT_LNK] = DT_LNK,
	};

	return e->type < EXT2_FT_COUNT ? types[e->type] : DT_UNKNOWN;
}

/** Who takes the entries. */
struct listing {
	bool (*emit)(void *arg, const char *name, size_t len, uint64_t ino,
		     unsigned type, uint64_t next);
	void *arg;
	uint64_t *pos;
};

/** List a block's entries from *pos on. Entries may have been joined since
 * that position was told: what begins before it has been listed.
 * @return 1 all, 0 the taker is full, or -EUCLEAN */
static int
list_block(const struct vnode *dir, const struct buf *b, uint32_t n,
	   struct listing *to)
{
	uint64_t base = (uint64_t)n << ext2_fs(dir)->block_shift, next;
	uint32_t offset;
	struct view e;
	int more;

	for (offset = 0; (more = view_get(dir, b, n, offset, &e)) > 0;
	     offset += e.rec_len) {
		next = base + offset + e.rec_len;
		if (base + offset < *to->pos)
			continue;
		if (e.ino && (memchr(e.name, '/', e.name_len) ||
			      memchr(e.name, '\0', e.name_len)))
			return ext2_damaged(ext2_fs(dir),
					    "directory %lu: a bad name",
					    dir->ino);
		if (e.ino && !to->emit(to->arg, e.name, e.name_len, e.ino,
				       dirent_type(&e), next))
			return 0;
		*to->pos = next;
	}
	if (more < 0)
		return more;
	*to->pos = base + ext2_fs(dir)->block_size;
	return 1;
}

int
ext2_readdir(struct vnode *dir, uint64_t *pos,
	     bool (*emit)(void *arg, const char *name, size_t len, uint64_t ino,
			  unsigned type, uint64_t next),
	     void *arg)
{
	struct listing to = { emit, arg, pos };
	unsigned shift = ext2_fs(dir)->block_shift;
	struct buf *b;
	int more = 1;

	while (more > 0 && *pos < dir->size) {
		b = dir_read(dir, (uint32_t)(*pos >> shift), &more);
		if (!b)
			return more;
		more = list_block(dir, b, (uint32_t)(*pos >> shift), &to);
		buf_put(b);
	}
	return MIN(more, 0);
}
