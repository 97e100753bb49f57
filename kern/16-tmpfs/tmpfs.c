/*
 * tmpfs: files in memory. TMPFS1: the vnode is the inode, and stays in its
 * mount's table as long as it has links (mount.in_memory); the page cache's
 * pages are the contents, and are never written back nor reclaimed
 * (page_cache.quota). Directories are trees of entries.
 *
 * TMPFS2: what a mount takes is bounded, pages by its size (half of memory),
 * kernel heap by a share of it, so that files alone cannot exhaust the heap,
 * which ending processes would not give back.
 */
#include "tmpfs_internal.h"

#define HEAP_SHARE 3 /* of the heap, 1/n may be a mount's files and names */
/* Of heap, for a file; a ninth is lost in the slabs. */
#define FILE_BYTES ((sizeof(struct vnode) + sizeof(struct page_cache)) * 9 / 8)
/* What an entry adds to a directory's size, as on Linux (BOGO_DIRENT_SIZE). */
#define DIRENT_SIZE 20

/* Of a directory (vnode.private_data); under the vnode's lock. */
struct tmpdir {
	struct rbroot entries; /* by key */
	uint64_t nentries;     /* without "." and ".." */
	uint32_t sequence;     /* of the next key to be made */
};

/*
 * An entry. The key is the hash of the name and, among equal hashes, a number:
 * so one tree serves the look-up of names, and positions for readdir that stay
 * valid while other entries come and go. It has 32 + 31 bits, as a position is
 * a signed number of 64.
 *
 * An entry has no reference to its vnode: the count of links keeps that
 * (TMPFS1).
 */
struct entry {
	struct rbnode node;
	uint64_t key;
	struct vnode *vnode;
	uint32_t len;
	char name[];
};

#define KEY_OF_HASH(hash) ((uint64_t)(hash) << 31)
#define SEQUENCE_MASK	  0x7fffffffu
/* Positions 0 and 1 are "." and "..". */
#define FIRST_POSITION 2

static const struct vnode_ops tmpfs_ops;

static struct tmpfs *
tmpfs_of(const struct vnode *v)
{
	return v->mount->private_data;
}

/* ---- Heap accounting ---- */

/* Charge first and look then: of two who come at once at the bound, both may be
 * refused, but never do both get what is there once. */
static int
charge(struct tmpfs *t, uint64_t bytes)
{
	if (atomic_fetch_add(&t->heap_used, bytes) + bytes <= t->heap_max)
		return 0;
	atomic_fetch_sub(&t->heap_used, bytes);
	return -ENOSPC;
}

static void
uncharge(struct tmpfs *t, uint64_t bytes)
{
	INVARIANT(TMPFS2, t->heap_used >= bytes);
	atomic_fetch_sub(&t->heap_used, bytes);
}

static uint64_t
entry_bytes(size_t len)
{
	return (sizeof(struct entry) + len) * 3 / 2; /* with the slab's waste */
}

/* ---- Entries; the directory's lock is held ---- */

static int
compare_key(const void *key, const struct rbnode *node)
{
	uint64_t a = *(const uint64_t *)key;
	uint64_t b = rb_entry(node, struct entry, node)->key;

	return a < b ? -1 : a > b;
}

static int
compare_entries(const struct rbnode *a, const struct rbnode *b)
{
	return compare_key(&rb_entry(a, struct entry, node)->key, b);
}

/* "." and ".." count. */
static uint64_t
directory_size(const struct tmpdir *d)
{
	return (d->nentries + 2) * DIRENT_SIZE;
}

static struct entry *
entry_at(struct tmpdir *d, uint64_t key)
{
	struct rbnode *node = rb_ceil(&d->entries, &key, compare_key);

	return node ? rb_entry(node, struct entry, node) : NULL;
}

static struct entry *
entry_next(struct entry *e)
{
	struct rbnode *node = rb_next(&e->node);

	return node ? rb_entry(node, struct entry, node) : NULL;
}

static struct entry *
entry_find(struct vnode *dir, const char *text, size_t len)
{
	struct name name = name_of(text, len);
	struct entry *e = entry_at(dir->private_data, KEY_OF_HASH(name.hash));

	for (; e && e->key >> 31 == name.hash; e = entry_next(e))
		if (e->len == len && memcmp(e->name, text, len) == 0)
			return e;
	return NULL;
}

/* The number is taken anew where it is in use under this hash: only after 2^31
 * entries. */
static int
entry_add(struct vnode *dir, const char *text, size_t len, struct vnode *v)
{
	struct tmpdir *d = dir->private_data;
	struct name name = name_of(text, len);
	struct entry *e;
	int error = charge(tmpfs_of(dir), entry_bytes(len));

	if (error)
		return error;
	e = kalloc(sizeof(*e) + len, ALLOC_SITE(0, "tmpfs entry"));
	kcharge(e, 0);
	e->vnode = v;
	e->len = len;
	memcpy(e->name, text, len);
	do
		e->key = KEY_OF_HASH(name.hash) |
			 (d->sequence++ & SEQUENCE_MASK);
	while (rb_insert(&d->entries, &e->node, compare_entries));
	d->nentries++;
	dir->size = directory_size(d);
	return 0;
}

static void
entry_remove(struct vnode *dir, struct entry *e)
{
	struct tmpdir *d = dir->private_data;

	rb_erase(&d->entries, &e->node);
	d->nentries--;
	dir->size = directory_size(d);
	uncharge(tmpfs_of(dir), entry_bytes(e->len));
	kfree(e);
}

/* ---- Files ---- */

static enum vnode_type
type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return VT_DIR;
	case S_IFLNK:
		return VT_LNK;
	case S_IFCHR:
		return VT_CHR;
	case S_IFBLK:
		return VT_BLK;
	case S_IFIFO:
		return VT_FIFO;
	case S_IFSOCK:
		return VT_SOCK;
	default:
		return VT_REG;
	}
}

/* A new file without a name, referenced; @p dir NULL: the root. @p private: a
 * directory's tmpdir, a link's text (page or heap, charged apart); the vnode's
 * if it succeeds. The number is new, so the vnode is. */
static int
file_new_in(struct mount *m, struct vnode *dir, uint32_t mode, void *private,
	    struct vnode **result)
{
	struct tmpfs *t = m->private_data;
	struct vnode *v;
	bool is_new;
	int error = charge(t, FILE_BYTES);

	if (error)
		return error;
	v = vnode_lookup(m, ++t->last_ino, &is_new);
	t->nfiles++;
	v->private_data = private;
	v->nlink = S_ISDIR(mode) ? 2 : 1;
	if (dir) {
		vnode_set_owner(v, dir, mode);
	} else {
		v->mode = mode;
		vnode_touch(v, TOUCH_ATIME | TOUCH_MTIME | TOUCH_CTIME);
	}
	if (S_ISDIR(mode))
		v->size = directory_size(private);
	vnode_ready(v, type_of(mode), &tmpfs_ops);
	if (v->cache)
		v->cache->quota = &t->pages;
	*result = v;
	return 0;
}

/* No name was made for it: with the reference it goes, and `inactive` gives
 * back all. */
static void
file_discard(struct vnode *v)
{
	v->nlink = 0;
	vnode_put(v);
}

static int
tmpfs_create(struct vnode *dir, const char *name, size_t len, uint32_t mode,
	     uint64_t rdev, struct vnode **result)
{
	int error = file_new_in(dir->mount, dir, mode, NULL, result);

	if (error)
		return error;
	(*result)->rdev = rdev;
	error = entry_add(dir, name, len, *result);
	if (error)
		file_discard(*result);
	return error;
}

static int
tmpfs_tmpfile(struct vnode *dir, uint32_t mode, struct vnode **result)
{
	int error = file_new_in(dir->mount, dir, mode, NULL, result);

	if (!error)
		(*result)->nlink = 0;
	return error;
}

static int
tmpfs_mkdir(struct vnode *dir, const char *name, size_t len, uint32_t mode,
	    struct vnode **result)
{
	struct tmpdir *d = knew_shared(struct tmpdir);
	int error = file_new_in(dir->mount, dir, mode, d, result);

	if (error) {
		kfree(d);
		return error;
	}
	error = entry_add(dir, name, len, *result);
	if (error)
		file_discard(*result);
	else
		dir->nlink++;
	return error;
}

static int
tmpfs_symlink(struct vnode *dir, const char *name, size_t len,
	      const char *target, struct vnode **result)
{
	size_t size = strlen(target);
	char *text = buffer_new(size + 1);
	int error;

	if (!text)
		return -ENOMEM;
	memcpy(text, target, size + 1);
	error = charge(tmpfs_of(dir), size);
	if (!error) {
		error = file_new_in(dir->mount, dir, S_IFLNK | 0777, text,
				    result);
		if (error)
			uncharge(tmpfs_of(dir), size);
	}
	if (error) {
		buffer_free(text);
		return error;
	}
	(*result)->size = size;
	error = entry_add(dir, name, len, *result);
	if (error)
		file_discard(*result);
	return error;
}

/* ---- Names ---- */

static int
tmpfs_lookup(struct vnode *dir, const char *name, size_t len,
	     struct vnode **result)
{
	struct entry *e = entry_find(dir, name, len);

	if (!e)
		return -ENOENT;
	*result = vnode_get(e->vnode);
	return 0;
}

/* With a new name the file stays: the count is what keeps it (TMPFS1). */
static int
tmpfs_link(struct vnode *dir, const char *name, size_t len,
	   struct vnode *target)
{
	int error = entry_add(dir, name, len, target);

	if (!error)
		target->nlink++;
	return error;
}

static int
tmpfs_unlink(struct vnode *dir, const char *name, size_t len,
	     struct vnode *victim)
{
	entry_remove(dir, entry_find(dir, name, len));
	victim->nlink--;
	return 0;
}

static int
tmpfs_rmdir(struct vnode *dir, const char *name, size_t len,
	    struct vnode *victim)
{
	entry_remove(dir, entry_find(dir, name, len));
	victim->nlink = 0;
	dir->nlink--;
	return 0;
}

/* What can fail is first: a new entry is charged before the old one's room is
 * free. Where one is replaced none is needed, so that cannot fail. A directory
 * counts in its parent's links, by its "..". */
static int
tmpfs_rename(struct vnode *from_dir, const char *from, size_t from_len,
	     struct vnode *moved, struct vnode *to_dir, const char *to,
	     size_t to_len, struct vnode *replaced)
{
	bool is_dir = moved->type == VT_DIR;
	int error;

	if (replaced) {
		entry_find(to_dir, to, to_len)->vnode = moved;
		replaced->nlink = is_dir ? 0 : replaced->nlink - 1;
		to_dir->nlink -= is_dir;
	} else {
		error = entry_add(to_dir, to, to_len, moved);
		if (error)
			return error;
	}
	entry_remove(from_dir, entry_find(from_dir, from, from_len));
	from_dir->nlink -= is_dir;
	to_dir->nlink += is_dir;
	return 0;
}

static int
tmpfs_exchange(struct vnode *a_dir, const char *a_name, size_t a_len,
	       struct vnode *a, struct vnode *b_dir, const char *b_name,
	       size_t b_len, struct vnode *b)
{
	int more = (b->type == VT_DIR) - (a->type == VT_DIR);

	entry_find(a_dir, a_name, a_len)->vnode = b;
	entry_find(b_dir, b_name, b_len)->vnode = a;
	a_dir->nlink += more;
	b_dir->nlink -= more;
	return 0;
}

/* A position is 2 more than a key: it stands for the first entry from there on,
 * whether or not the one that it was taken from is there still. The parent
 * cannot change: this directory is locked, as it is in a rename. */
static int
tmpfs_readdir(struct vnode *dir, uint64_t *pos,
	      bool (*emit)(void *arg, const char *name, size_t len,
			   uint64_t ino, unsigned type, uint64_t next),
	      void *arg)
{
	struct vnode *parent = dir->parent ? dir->parent : dir;
	struct entry *e;

	if (*pos == 0 && emit(arg, ".", 1, dir->ino, DT_DIR, 1))
		*pos = 1;
	if (*pos == 1 &&
	    emit(arg, "..", 2, parent->ino, DT_DIR, FIRST_POSITION))
		*pos = FIRST_POSITION;
	if (*pos < FIRST_POSITION)
		return 0;
	for (e = entry_at(dir->private_data, *pos - FIRST_POSITION); e;
	     e = entry_next(e)) {
		uint64_t next = e->key + 1 + FIRST_POSITION;

		if (!emit(arg, e->name, e->len, e->vnode->ino,
			  IFTODT(e->vnode->mode), next))
			break;
		*pos = next;
	}
	return 0;
}

static int
tmpfs_readlink(struct vnode *v, char *buf, size_t size)
{
	size_t len = MIN(size, v->size);

	memcpy(buf, v->private_data, len);
	return len;
}

/* ---- Attributes ---- */

static int
tmpfs_getattr(struct vnode *v, struct stat *st)
{
	if (v->cache)
		st->st_blocks = v->cache->npages * (PAGE_SIZE / 512);
	return 0;
}

static int
tmpfs_setattr(struct vnode *v, const struct vattr *attr)
{
	if (attr->valid & VATTR_SIZE)
		v->size = attr->size;
	vnode_set_attributes(v, attr);
	return 0;
}

/* The pages are the file: without them, there is a hole, and the quota has them
 * back. */
static int
tmpfs_punch(struct vnode *v, uint64_t from, uint64_t to)
{
	return vnode_drop_range(v, from, to);
}

static int64_t
tmpfs_find(struct vnode *v, uint64_t from, bool data)
{
	uint64_t at = page_cache_find_next(v->cache, from / PAGE_SIZE, data);

	at = at > FILE_SIZE_MAX / PAGE_SIZE ? UINT64_MAX : at * PAGE_SIZE;
	return MIN(MAX(at, from), MAX(v->size, from));
}

static int
tmpfs_fsync(struct vnode *v, bool data_only)
{
	(void)v;
	(void)data_only;
	return 0;
}

/* Also when the file system is unmounted, with the entries still there. */
static void
dir_free(struct vnode *dir)
{
	struct tmpdir *d = dir->private_data;
	struct entry *e;

	while ((e = entry_at(d, 0)))
		entry_remove(dir, e);
	kfree(d);
}

/* Also for what has links, in a mount that is taken down (and then is in no
 * list). */
static void
tmpfs_inactive(struct vnode *v)
{
	struct tmpfs *t = tmpfs_of(v);

	INVARIANT(TMPFS1, v->nlink == 0 || list_empty(&v->mount->link));
	if (v->type == VT_DIR) {
		dir_free(v);
	} else if (v->type == VT_LNK) {
		uncharge(t, v->size);
		buffer_free(v->private_data);
	}
	uncharge(t, FILE_BYTES);
	t->nfiles--;
}

static const struct vnode_ops tmpfs_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.mkdir = tmpfs_mkdir,
	.symlink = tmpfs_symlink,
	.link = tmpfs_link,
	.unlink = tmpfs_unlink,
	.rmdir = tmpfs_rmdir,
	.rename = tmpfs_rename,
	.exchange = tmpfs_exchange,
	.tmpfile = tmpfs_tmpfile,
	.readdir = tmpfs_readdir,
	.readlink = tmpfs_readlink,
	.getattr = tmpfs_getattr,
	.setattr = tmpfs_setattr,
	.punch = tmpfs_punch,
	.find = tmpfs_find,
	.fsync = tmpfs_fsync,
	.inactive = tmpfs_inactive,
};

/* ---- The file system ---- */

/* In pages (f_bsize); without a limit 0, as on Linux. Files are bounded by heap
 * alone: so many empty ones could be made. */
static int
tmpfs_statfs(struct mount *m, struct statfs *st)
{
	struct tmpfs *t = m->private_data;
	uint64_t max = t->pages.max == UINT64_MAX ? 0 : t->pages.max;

	st->f_type = TMPFS_MAGIC;
	st->f_blocks = max;
	st->f_bfree = st->f_bavail = max - MIN(t->pages.used, max);
	st->f_files = t->heap_max / FILE_BYTES;
	st->f_ffree = st->f_files - MIN(t->nfiles, st->f_files);
	return 0;
}

static void
tmpfs_unmount(struct mount *m)
{
	kfree(m->private_data);
}

static const struct mount_ops tmpfs_mount_ops = {
	.statfs = tmpfs_statfs,
	.unmount = tmpfs_unmount,
};

/* A number with a suffix k, m, g or % (of memory); the shifts say that none is
 * lost at the upper end. @return false: no number */
static bool
parse_size(const char *text, size_t len, uint64_t *bytes)
{
	struct mem_stats stats;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
		if (n > UINT64_MAX / 100)
			return false;
		n = n * 10 + text[i] - '0';
	}
	if (i == 0 || i + 1 < len)
		return false;
	*bytes = n;
	if (i == len)
		return true;
	switch (text[i] | 0x20) {
	case 'k':
		*bytes = n << 10;
		return n >> 54 == 0;
	case 'm':
		*bytes = n << 20;
		return n >> 44 == 0;
	case 'g':
		*bytes = n << 30;
		return n >> 34 == 0;
	}
	mem_stats_get(&stats);
	*bytes = stats.total * PAGE_SIZE / 100 * n;
	return text[i] == '%' && n <= 100;
}

static bool
parse_octal(const char *text, size_t len, uint32_t *mode)
{
	uint32_t n = 0;

	if (len == 0 || len > 5)
		return false;
	for (; len > 0; text++, len--) {
		if (*text < '0' || *text > '7')
			return false;
		n = n * 8 + *text - '0';
	}
	*mode = n & 07777;
	return true;
}

/* size= (0: no limit) and mode=; what is not known is an error, as it may have
 * been meant to forbid something. */
static int
parse_options(const char *options, uint64_t *max_pages, uint32_t *mode)
{
	const char *p = options, *end;
	uint64_t bytes;

	for (; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ',');
		if (strncmp(p, "size=", 5) == 0) {
			if (!parse_size(p + 5, end - p - 5, &bytes))
				return -EINVAL;
			*max_pages = bytes ? DIV_ROUND_UP(bytes, PAGE_SIZE)
					   : UINT64_MAX;
		} else if (strncmp(p, "mode=", 5) == 0) {
			if (!parse_octal(p + 5, end - p - 5, mode))
				return -EINVAL;
		} else if (end > p) {
			return -EINVAL;
		}
	}
	return 0;
}

int
tmpfs_setup(struct mount *m, const char *options, uint32_t mode)
{
	struct mem_stats stats;
	struct tmpfs *t;
	uint64_t max;
	int error;

	mem_stats_get(&stats);
	max = stats.total / 2;
	error = parse_options(options, &max, &mode);
	if (error)
		return error;
	t = knew(struct tmpfs);
	t->pages.max = max;
	t->heap_max = stats.heap_max * PAGE_SIZE / HEAP_SHARE;
	m->private_data = t;
	m->ops = &tmpfs_mount_ops;
	m->in_memory = true;
	return file_new_in(m, NULL, S_IFDIR | mode, knew_shared(struct tmpdir),
			   &m->root);
}

int
tmpfs_add(struct vnode *dir, const char *text, uint32_t mode, uint64_t rdev,
	  const char *target)
{
	struct name name = name_of(text, strlen(text));
	struct vnode *v;
	int error;

	vnode_lock(dir, DIR_PARENT);
	error = entry_find(dir, text, name.len) ? -EEXIST : 0;
	if (!error && target)
		error = tmpfs_symlink(dir, text, name.len, target, &v);
	else if (!error && S_ISDIR(mode))
		error = tmpfs_mkdir(dir, text, name.len, mode, &v);
	else if (!error)
		error = tmpfs_create(dir, text, name.len, mode, rdev, &v);
	if (!error) {
		entry_added(dir, &name, v);
		vnode_put(v);
	}
	vnode_unlock(dir);
	return error;
}

static int
tmpfs_mount(struct mount *m, const char *options)
{
	return tmpfs_setup(m, options, 01777);
}

FILESYSTEM(tmpfs, false, tmpfs_mount);
