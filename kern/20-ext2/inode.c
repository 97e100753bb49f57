/*
 * Inodes: made into vnodes, written back, and freed when nothing leads to
 * them any more. A vnode keeps the buffer with its inode, so that writing the
 * inode back cannot fail in the middle of an operation (EXT3).
 */
#include "abi/mount.h"
#include "ext2.h"
#include "string.h"

/* ---- The inode table ---- */

struct buf *
ext2_dinode_read(struct ext2_fs *fs, uint64_t ino, uint32_t *offset, int *error)
{
	const struct ext2_group *g = &fs->groups[ext2_group_of_inode(fs, ino)];
	uint32_t at =
		(uint32_t)((ino - 1) % fs->inodes_per_group) * fs->inode_size;

	*offset = at & (fs->block_size - 1);
	return ext2_read(fs, g->inode_table + (at >> fs->block_shift), error);
}

static struct ext2_dinode *
dinode_of(const struct ext2_inode *in)
{
	return (struct ext2_dinode *)((char *)in->buf->data + in->offset);
}

/** Whether the inode has room for the finer times, as it says itself. */
static bool
has_extra(const struct ext2_fs *fs, const struct ext2_dinode *di)
{
	return fs->inode_size > EXT2_DINODE_SIZE &&
	       di->i_extra_isize >= offsetof(struct ext2_dinode, i_crtime) -
					    EXT2_DINODE_SIZE &&
	       di->i_extra_isize <= fs->inode_size - EXT2_DINODE_SIZE;
}

/* ---- Times ---- */

/* Seconds are signed; two bits in the extra word carry them on past 2038. */
static struct timespec
time_decode(uint32_t seconds, uint32_t extra)
{
	struct timespec t = {
		.tv_sec = (int32_t)seconds + ((int64_t)(extra & 3) << 32),
		.tv_nsec = extra >> 2,
	};

	if (t.tv_nsec >= 1000000000)
		t.tv_nsec = 0;
	return t;
}

static uint32_t
time_encode(const struct timespec *t, uint32_t *extra)
{
	int64_t latest = INT32_MAX + (extra ? 3ll << 32 : 0);
	int64_t s = MIN(MAX(t->tv_sec, (int64_t)INT32_MIN), latest);

	if (extra)
		*extra = ((s - (int32_t)s) >> 32 & 3) | (uint32_t)t->tv_nsec
								<< 2;
	return (uint32_t)s;
}

static void
times_load(const struct ext2_fs *fs, const struct ext2_dinode *di,
	   struct vnode *v)
{
	bool extra = has_extra(fs, di);

	v->atime = time_decode(di->i_atime, extra ? di->i_atime_extra : 0);
	v->mtime = time_decode(di->i_mtime, extra ? di->i_mtime_extra : 0);
	v->ctime = time_decode(di->i_ctime, extra ? di->i_ctime_extra : 0);
}

static void
times_store(const struct ext2_fs *fs, struct ext2_dinode *di,
	    const struct vnode *v)
{
	bool extra = has_extra(fs, di);

	di->i_atime = time_encode(&v->atime, extra ? &di->i_atime_extra : NULL);
	di->i_mtime = time_encode(&v->mtime, extra ? &di->i_mtime_extra : NULL);
	di->i_ctime = time_encode(&v->ctime, extra ? &di->i_ctime_extra : NULL);
}

/* ---- Device numbers ---- */

/* Small numbers are kept as 16 bits in the first word, as ever; others in the
 * second word, which marks them by leaving the first 0. */
void
ext2_rdev_encode(struct ext2_inode *in, uint64_t rdev)
{
	uint32_t major = dev_major(rdev), minor = dev_minor(rdev);

	if (major < 256 && minor < 256)
		in->block[0] = dev_encode16(major, minor);
	else
		in->block[1] = dev_encode32(major, minor);
}

static uint64_t
rdev_decode(const struct ext2_inode *in)
{
	uint32_t old = in->block[0];

	if (old)
		return dev_make(old >> 8 & 0xff, old & 0xff);
	return in->block[1]; /* equal to dev_make's form */
}

/* ---- From the disk ---- */

struct ext2_inode *
ext2_inode_attach(struct vnode *v, struct buf *buf, uint32_t offset)
{
	struct ext2_inode *in = knew_shared(struct ext2_inode);

	rwlock_init(&in->map_lock, "ext2 map");
	spin_init(&in->lock, "ext2 inode");
	in->buf = buf;
	in->offset = offset;
	in->vnode = v;
	list_init(&in->orphan_link);
	list_init(&in->ordered_link);
	v->private_data = in;
	return in;
}

static void
inode_detach(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);

	ext2_ordered_remove(fs, in);
	mutex_lock(&fs->orphan_lock);
	if (!list_empty(&in->orphan_link))
		fs->orphans_left = true;
	list_del(&in->orphan_link); /* the disk's list is left as it is */
	mutex_unlock(&fs->orphan_lock);
	v->private_data = NULL;
	buf_put(in->buf);
	kfree(in);
}

static uint64_t
xattr_sectors(const struct vnode *v)
{
	return ext2_inode(v)->file_acl ? ext2_fs(v)->block_size / SECTOR_SIZE
				       : 0;
}

bool
ext2_has_blocks(const struct vnode *v)
{
	switch (v->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
		return true;
	case S_IFLNK:
		return v->blocks > xattr_sectors(v);
	default:
		return false;
	}
}

static bool
type_known(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

/** Whether the size can be that of a file of this type. */
static bool
size_ok(const struct ext2_fs *fs, const struct vnode *v)
{
	switch (v->mode & S_IFMT) {
	case S_IFREG:
		return v->size <= fs->max_size;
	case S_IFDIR: /* without holes, so it fits on the disk */
		return v->size > 0 && v->size % fs->block_size == 0 &&
		       v->size >> fs->block_shift < fs->blocks_count;
	case S_IFLNK:
		return v->size > 0 &&
		       v->size < (ext2_has_blocks(v) ? fs->block_size
						     : EXT2_NBLOCKS * 4);
	default:
		return true;
	}
}

static uint64_t
dinode_size(const struct ext2_dinode *di)
{
	return di->i_size | (uint64_t)di->i_size_high << 32;
}

static int
dinode_load(struct ext2_fs *fs, const struct ext2_dinode *di, struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);

	v->mode = di->i_mode;
	v->uid = di->i_uid | (uint32_t)di->i_uid_high << 16;
	v->gid = di->i_gid | (uint32_t)di->i_gid_high << 16;
	v->nlink = di->i_links_count;
	v->blocks = di->i_blocks;
	v->size = S_ISREG(v->mode) ? dinode_size(di) : di->i_size;
	times_load(fs, di, v);
	v->dirty = false;
	in->flags = di->i_flags;
	in->generation = di->i_generation;
	in->file_acl = di->i_file_acl;
	memcpy(in->block, di->i_block, sizeof(in->block));
	if (S_ISCHR(v->mode) || S_ISBLK(v->mode))
		v->rdev = rdev_decode(in);
	if (fs->adopting || fs->read_only) /* then it may be adopted later */
		in->dtime = di->i_dtime;
	/* What is about to be freed may have lost its size already. */
	if (!type_known(v->mode) || in->flags & EXT2_FOREIGN_FL ||
	    (v->nlink == 0 ? !fs->adopting : !size_ok(fs, v)))
		return ext2_damaged(fs,
				    "inode %lu: mode 0%o, %u links, "
				    "size %lu, flags 0x%x",
				    v->ino, v->mode, v->nlink, v->size,
				    in->flags);
	return 0;
}

/** Fill a new vnode from the disk. After an error it has no private data. */
static int
inode_load(struct ext2_fs *fs, struct vnode *v)
{
	struct ext2_inode *in;
	uint32_t offset;
	int error = 0;
	struct buf *b = ext2_dinode_read(fs, v->ino, &offset, &error);

	if (!b)
		return error;
	in = ext2_inode_attach(v, b, offset);
	error = dinode_load(fs, dinode_of(in), v);
	if (!error && S_ISDIR(v->mode) && v->nlink > 0)
		error = ext2_dir_check(v, &in->parent);
	if (error)
		inode_detach(v);
	return error;
}

void
ext2_inode_ready(struct vnode *v)
{
	switch (v->mode & S_IFMT) {
	case S_IFREG:
		vnode_ready(v, VT_REG, &ext2_file_ops);
		break;
	case S_IFDIR:
		vnode_ready(v, VT_DIR, &ext2_dir_ops);
		break;
	case S_IFLNK:
		vnode_ready(v, VT_LNK, &ext2_link_ops);
		break;
	case S_IFCHR:
		vnode_ready(v, VT_CHR, &ext2_special_ops);
		break;
	case S_IFBLK:
		vnode_ready(v, VT_BLK, &ext2_special_ops);
		break;
	case S_IFIFO:
		vnode_ready(v, VT_FIFO, &ext2_special_ops);
		break;
	default:
		vnode_ready(v, VT_SOCK, &ext2_special_ops);
		break;
	}
}

int
ext2_inode_get(struct ext2_fs *fs, uint32_t ino, struct vnode **result)
{
	struct vnode *v;
	bool is_new;
	int error;

	if ((ino < fs->first_ino && ino != EXT2_ROOT_INO) ||
	    ino > fs->inodes_count)
		return ext2_damaged(fs, "an entry leads to inode %u", ino);
	v = vnode_lookup(fs->mount, ino, &is_new);
	if (is_new) {
		error = inode_load(fs, v);
		if (error) {
			vnode_abandon(v);
			return error;
		}
		ext2_inode_ready(v);
	}
	*result = v;
	return 0;
}

/* ---- To the disk ---- */

/** What changes while a file is in use. in->lock is held. */
static void
dinode_fill(const struct ext2_fs *fs, struct ext2_dinode *di,
	    const struct vnode *v)
{
	const struct ext2_inode *in = ext2_inode(v);
	/* Without a journal, nobody would free what was prepared. */
	uint64_t size = fs->journal ? v->size : MAX(v->size, in->prepared);

	di->i_mode = (uint16_t)v->mode;
	di->i_uid = (uint16_t)v->uid;
	di->i_uid_high = (uint16_t)(v->uid >> 16);
	di->i_gid = (uint16_t)v->gid;
	di->i_gid_high = (uint16_t)(v->gid >> 16);
	di->i_links_count = (uint16_t)v->nlink;
	di->i_blocks = (uint32_t)v->blocks;
	di->i_size = (uint32_t)size;
	if (S_ISREG(v->mode))
		di->i_size_high = (uint32_t)(size >> 32);
	di->i_flags = in->flags;
	di->i_file_acl = in->file_acl;
	di->i_dtime = in->dtime;
	memcpy(di->i_block, in->block, sizeof(di->i_block));
	times_store(fs, di, v);
}

bool
ext2_size_stored(const struct vnode *v)
{
	return dinode_size(dinode_of(ext2_inode(v))) == v->size;
}

void
ext2_inode_logged(struct ext2_fs *fs, struct ext2_inode *in)
{
	if (!ext2_journaled(fs))
		return;
	in->logged_in = journal_current();
	in->logged = true;
}

static void
inode_store(struct vnode *v, bool is_new)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);
	struct ext2_dinode *di = dinode_of(in);
	uint64_t had;

	INVARIANT(EXT3, in->buf && ref_count(&in->buf->refs) > 0);
	ext2_change(fs, in->buf);
	had = dinode_size(di);
	if (is_new) {
		memset(di, 0, fs->inode_size);
		di->i_generation = in->generation;
		if (fs->want_extra_isize) {
			di->i_extra_isize = (uint16_t)fs->want_extra_isize;
			di->i_crtime =
				time_encode(&v->ctime, &di->i_crtime_extra);
		}
	}
	/* fsync finds it clean, and then which transaction has it. */
	spin_lock(&in->lock);
	v->dirty = false;
	dinode_fill(fs, di, v);
	ext2_inode_logged(fs, in);
	spin_unlock(&in->lock);
	/* EXT8: whoever stores a size that has grown, a link or a chmod too. It
	 * may have grown just now: who writes is not kept out. */
	if (S_ISREG(v->mode) && dinode_size(di) > had)
		ext2_ordered_add(v);
	ext2_changed(fs, in->buf);
}

void
ext2_inode_store(struct vnode *v)
{
	inode_store(v, false);
}

void
ext2_inode_store_new(struct vnode *v)
{
	inode_store(v, true);
}

int
ext2_write_inode(struct mount *m, struct vnode *v)
{
	struct ext2_fs *fs = m->private_data;

	if (!v->dirty)
		return 0;
	if (ext2_begin(fs)) {
		v->dirty = false; /* it cannot be kept */
		return 0;
	}
	ext2_inode_store(v);
	return ext2_end(fs, 0);
}

int
ext2_links_add(struct vnode *v, int delta)
{
	struct ext2_inode *in = ext2_inode(v);
	int error = 0;

	spin_lock(&in->lock);
	if (delta > 0 && v->nlink + (unsigned)delta > EXT2_LINK_MAX)
		error = -EMLINK;
	else if (delta < 0 && v->nlink < (unsigned)-delta)
		error = -EUCLEAN;
	else
		v->nlink += (unsigned)delta;
	spin_unlock(&in->lock);
	if (error == -EUCLEAN)
		return ext2_damaged(ext2_fs(v), "inode %lu has only %u links",
				    v->ino, v->nlink);
	return error;
}

int
ext2_fsync(struct vnode *v, bool data_only)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);
	journal_tid tid;
	bool logged, flush;
	int error;

	if (ext2_has_failed(fs))
		return -EROFS;
	/* vfs has written the pages. To find them, a grown file's blocks and
	 * size are needed: there is less to do only if nothing has changed. */
	if (data_only && !fs->changed && !v->dirty)
		return block_flush(fs->device);
	ext2_write_inode(v->mount, v);
	if (!fs->journal)
		return ext2_sync(fs->mount);
	spin_lock(&in->lock);
	tid = in->logged_in;
	logged = in->logged;
	spin_unlock(&in->lock);
	flush = !logged || !journal_will_flush(fs->journal, tid);
	error = logged ? journal_commit(fs->journal, tid) : 0;
	return error || !flush ? error : block_flush(fs->device);
}

/* ---- The end of a file ---- */

/** Give up the inode's block of extended attributes: others may share it. */
static int
xattr_free(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);
	struct ext2_xattr_header *h;
	struct buf *b;
	bool shared;
	int error = 0;

	if (!in->file_acl)
		return 0;
	if (!ext2_blocks_ok(fs, in->file_acl, 1))
		return ext2_damaged(fs, "inode %lu: bad attribute block %u",
				    v->ino, in->file_acl);
	b = ext2_read_surely(fs, in->file_acl, &error);
	if (!b)
		return error;
	h = b->data;
	ext2_change(fs, b);
	if (h->h_magic != EXT2_XATTR_MAGIC || h->h_refcount == 0)
		error = -EUCLEAN;
	shared = !error && h->h_refcount > 1;
	if (shared)
		h->h_refcount--;
	ext2_changed(fs, b);
	buf_put(b);
	if (error)
		return ext2_damaged(fs, "inode %lu: block %u has no attributes",
				    v->ino, in->file_acl);
	if (!shared) {
		ext2_forget(fs, in->file_acl);
		error = ext2_blocks_free(fs, in->file_acl, 1);
	}
	in->file_acl = 0;
	return error;
}

/** A time of deletion that no checker takes for a link of the orphan list:
 * those are inode numbers. */
static uint32_t
deletion_time(const struct ext2_fs *fs)
{
	return MAX(ext2_now(), fs->inodes_count + 1);
}

static int
inode_delete(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);
	int error = ext2_has_blocks(v) ? ext2_map_cut(v, 0) : 0;

	if (!error)
		error = xattr_free(v);
	if (error) {
		ext2_inode_store(v);
		return ext2_damaged(fs, "inode %lu is not freed (error %d)",
				    v->ino, error);
	}
	v->blocks = 0;
	in->prepared = 0;
	ext2_orphan_remove(v);
	in->dtime = deletion_time(fs);
	ext2_inode_store(v);
	return ext2_inode_free(fs, v->ino, v->type == VT_DIR);
}

static int
inode_tidy(struct vnode *v)
{
	int error = ext2_trim(v);

	ext2_inode_store(v);
	return error;
}

/* vfs has written or dropped the pages. No heap is allocated here. */
void
ext2_inactive(struct vnode *v)
{
	struct ext2_inode *in = ext2_inode(v);
	struct ext2_fs *fs = ext2_fs(v);

	if (v->nlink == 0) {
		v->size = 0;
		if (ext2_begin(fs) == 0)
			ext2_end(fs, inode_delete(v));
	} else if ((in->prepared > v->size || ext2_is_orphan(v)) &&
		   ext2_begin(fs) == 0) {
		ext2_end(fs, inode_tidy(v));
	}
	if (v->nlink > 0)
		ext2_write_inode(v->mount, v);
	inode_detach(v);
}

/** Leave of the times what the disk can keep, lest they change when the inode
 * is read again. */
static void
times_round(struct vnode *v)
{
	const struct ext2_fs *fs = ext2_fs(v);
	struct ext2_dinode di = { 0 };

	memcpy(&di, dinode_of(ext2_inode(v)), MIN(sizeof(di), fs->inode_size));
	times_store(fs, &di, v);
	times_load(fs, &di, v);
}

int
ext2_setattr(struct vnode *v, const struct vattr *attr)
{
	struct ext2_fs *fs = ext2_fs(v);
	bool sized = attr->valid & VATTR_SIZE;
	int error = 0, late = 0;

	if (ext2_inode(v)->flags & (EXT2_IMMUTABLE_FL | EXT2_APPEND_FL))
		return -EPERM;
	if (sized && (error = ext2_size_check(v, attr->size)))
		return error;
	if (sized)
		late = ext2_size_settle(v, attr->size);
	error = ext2_begin(fs);
	if (!error) {
		if (sized)
			error = ext2_size_change(v, attr->size);
		vnode_set_attributes(v, attr);
		times_round(v);
		ext2_inode_store(v);
		ext2_end(fs, error);
	}
	if (sized)
		ext2_map_hide(v, 0, 0);
	return error ? error : late;
}
