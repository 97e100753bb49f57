/*
 * The mount: reading and checking the superblock, keeping it current, and the
 * bracket around every operation. Begin reading at ext2_mount.
 */
#include "abi/mount.h"
#include "ext2.h"
#include "format.h"
#include "string.h"

#define MEMORY_WAIT_NS 10000000ul
#define MEMORY_TRIES   500

/* ---- Messages ---- */

static void say(const struct block_device *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void
say(const struct block_device *d, const char *fmt, ...)
{
	char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	kprintf("ext2: %s: %s\n", d->name, text);
}

/* A damaged disk can be met a thousand times a second: the first ten are
 * told, then the 16th, the 32nd, and so on. */
int
ext2_damaged(struct ext2_fs *fs, const char *fmt, ...)
{
	uint32_t n = ++fs->complaints;
	char text[128];
	va_list ap;

	if (!fs->read_only && !fs->damaged) {
		fs->damaged = true;
		fs->changed = true;
	}
	if (n > 10 && !IS_POW2(n))
		return -EUCLEAN;
	va_start(ap, fmt);
	vsnformat(text, sizeof(text), fmt, ap);
	va_end(ap);
	kprintf("ext2: %s: damaged: %s (%u)\n", fs->device->name, text, n);
	return -EUCLEAN;
}

uint32_t
ext2_now(void)
{
	return (uint32_t)(clock_realtime_ns() / 1000000000);
}

/* ---- Operations and metadata ---- */

/** The lock is held, and kept if there is no error. */
static int
begin(struct ext2_fs *fs, int (*in_journal)(struct journal *j))
{
	int error = 0;

	if (fs->read_only)
		error = -EROFS;
	else if (fs->journal)
		error = in_journal(fs->journal);
	if (error)
		rwlock_read_unlock(&fs->op_lock);
	else if (!fs->changed)
		fs->changed = true;
	return error;
}

int
ext2_begin(struct ext2_fs *fs)
{
	rwlock_read_lock(&fs->op_lock);
	return begin(fs, journal_begin);
}

/* Who has the lock for writing may be waiting for the journal. */
int
ext2_try_begin(struct ext2_fs *fs)
{
	if (!rwlock_read_trylock(&fs->op_lock))
		return -EBUSY;
	return begin(fs, journal_try_begin);
}

/* What an operation has left half-done must not be built upon, nor reach the
 * disk: with a journal, that stays as it was when it was last committed. */
int
ext2_end(struct ext2_fs *fs, int error)
{
	if ((error == -EUCLEAN || error == -EIO) && !fs->read_only) {
		fs->damaged = true;
		fs->read_only = true;
		say(fs->device, "read-only from now on (error %d)", error);
		if (fs->journal)
			journal_abort(fs->journal, error);
	}
	if (ext2_journaled(fs)) {
		if (fs->damaged &&
		    !(ext2_super_of(fs)->s_state & EXT2_STATE_ERROR))
			ext2_super_update(fs);
		journal_end(fs->journal);
	}
	rwlock_read_unlock(&fs->op_lock);
	return error;
}

void
ext2_change(struct ext2_fs *fs, struct buf *b)
{
	if (ext2_journaled(fs))
		journal_change(fs->journal, b);
	else
		mutex_lock(&b->lock);
}

void
ext2_changed(struct ext2_fs *fs, struct buf *b)
{
	if (fs->journal) {
		journal_changed(fs->journal, b);
		return;
	}
	buf_dirty(b);
	mutex_unlock(&b->lock);
}

struct buf *
ext2_read(struct ext2_fs *fs, uint32_t block, int *error)
{
	return buf_read(fs->device, block, fs->block_size, error);
}

/* Short of memory means: no page can be reclaimed before others are written. */
struct buf *
ext2_surely(struct ext2_fs *fs, ext2_read_fn *get, uint32_t block, int *error)
{
	unsigned tries = MEMORY_TRIES;
	struct buf *b;

	while (!(b = get(fs, block, error)) && *error == -ENOMEM && tries-- > 0)
		thread_sleep_until(clock_ns() + MEMORY_WAIT_NS,
				   WAIT_UNINTERRUPTIBLE);
	return b;
}

struct buf *
ext2_read_surely(struct ext2_fs *fs, uint32_t block, int *error)
{
	return ext2_surely(fs, ext2_read, block, error);
}

struct page *
ext2_page_surely(unsigned flags)
{
	unsigned tries = MEMORY_TRIES;
	struct page *page;

	while (!(page = page_alloc(0, PAGE_KERNEL, flags)) && tries-- > 0)
		thread_sleep_until(clock_ns() + MEMORY_WAIT_NS,
				   WAIT_UNINTERRUPTIBLE);
	return page;
}

struct buf *
ext2_fresh(struct ext2_fs *fs, uint32_t block, int *error)
{
	struct buf *b = buf_get(fs->device, block, fs->block_size, error);

	if (b) {
		ext2_change(fs, b);
		memset(b->data, 0, fs->block_size);
	}
	return b;
}

/* ---- The superblock ---- */

struct ext2_super *
ext2_super_of(const struct ext2_fs *fs)
{
	return fs->block_size == EXT2_SUPER_SIZE
		       ? fs->super->data
		       : (void *)((char *)fs->super->data + EXT2_SUPER_OFFSET);
}

void
ext2_note_large_file(struct ext2_fs *fs)
{
	struct ext2_super *s = ext2_super_of(fs);

	if (s->s_feature_ro_compat & EXT2_RO_COMPAT_LARGE_FILE)
		return;
	ext2_change(fs, fs->super);
	if (s->s_rev_level == 0) { /* it has no features: make it have them */
		s->s_rev_level = 1;
		s->s_first_ino = EXT2_FIRST_INO_0;
		s->s_inode_size = EXT2_DINODE_SIZE;
	}
	s->s_feature_ro_compat |= EXT2_RO_COMPAT_LARGE_FILE;
	ext2_changed(fs, fs->super);
}

void
ext2_super_update(struct ext2_fs *fs)
{
	struct ext2_super *s = ext2_super_of(fs);

	ext2_change(fs, fs->super);
	s->s_free_blocks_count = fs->free_blocks;
	s->s_free_inodes_count = fs->free_inodes;
	s->s_wtime = ext2_now();
	if (fs->damaged)
		s->s_state |= EXT2_STATE_ERROR;
	ext2_changed(fs, fs->super);
}

/** Without a journal: write what has changed, between operations. */
static int
sync_plainly(struct ext2_fs *fs)
{
	int error;

	rwlock_write_lock(&fs->op_lock);
	if (fs->changed) {
		fs->changed = false;
		ext2_super_update(fs);
	}
	error = buf_sync(fs->device);
	if (error)
		fs->changed = true;
	rwlock_write_unlock(&fs->op_lock);
	return error;
}

int
ext2_sync(struct mount *m)
{
	struct ext2_fs *fs = m->private_data;
	int error;

	if (!fs->journal)
		return sync_plainly(fs);
	if (ext2_has_failed(fs))
		return -EROFS;
	error = journal_sync(fs->journal);
	/* There may have been nothing to commit but data to flush. */
	return error ? error : block_flush(fs->device);
}

/* ---- Checking a superblock ---- */

static int
features_check(struct ext2_fs *fs, const struct ext2_super *s)
{
	struct mount *m = fs->mount;
	uint32_t unknown;

	if (s->s_rev_level == 0)
		return 0;
	if (s->s_feature_incompat & EXT2_INCOMPAT_RECOVER &&
	    !(s->s_feature_compat & EXT2_COMPAT_HAS_JOURNAL)) {
		say(m->device, "there is a journal to be replayed, but none: "
			       "run e2fsck on it");
		return -EINVAL;
	}
	unknown = s->s_feature_incompat & ~EXT2_INCOMPAT_KNOWN;
	if (unknown) {
		say(m->device,
		    "features not supported: incompat 0x%x "
		    "(was it made by mke2fs -t ext2?)",
		    unknown);
		return -EINVAL;
	}
	unknown = s->s_feature_ro_compat & ~EXT2_RO_COMPAT_KNOWN;
	fs->readable_only = unknown != 0;
	if (unknown && !(m->flags & MS_RDONLY)) {
		say(m->device,
		    "mounted read-only: features not supported "
		    "for writing: ro_compat 0x%x",
		    unknown);
		m->flags |= MS_RDONLY;
	}
	return 0;
}

static bool
block_geometry(struct ext2_fs *fs, const struct ext2_super *s)
{
	if (s->s_log_block_size > 2)
		return false;
	fs->block_shift = 10 + s->s_log_block_size;
	fs->block_size = 1u << fs->block_shift;
	fs->blocks_count = s->s_blocks_count;
	fs->first_data_block = s->s_first_data_block;
	fs->reserved_blocks = s->s_r_blocks_count;
	fs->blocks_per_group = s->s_blocks_per_group;
	if (fs->first_data_block != (fs->block_size == EXT2_SUPER_SIZE) ||
	    fs->blocks_count <= fs->first_data_block + 1 ||
	    fs->reserved_blocks > fs->blocks_count ||
	    fs->blocks_per_group < 8 || fs->blocks_per_group % 8 ||
	    fs->blocks_per_group > fs->block_size * 8)
		return false;
	fs->ngroups = DIV_ROUND_UP(fs->blocks_count - fs->first_data_block,
				   (uint64_t)fs->blocks_per_group);
	fs->desc_blocks = DIV_ROUND_UP(
		fs->ngroups,
		fs->block_size / (uint32_t)sizeof(struct ext2_group_desc));
	return (uint64_t)fs->blocks_count << fs->block_shift <=
	       fs->device->sectors * SECTOR_SIZE;
}

static bool
inode_geometry(struct ext2_fs *fs, const struct ext2_super *s)
{
	fs->inode_size = s->s_rev_level ? s->s_inode_size : EXT2_DINODE_SIZE;
	fs->first_ino = s->s_rev_level ? s->s_first_ino : EXT2_FIRST_INO_0;
	fs->inodes_count = s->s_inodes_count;
	fs->inodes_per_group = s->s_inodes_per_group;
	if (fs->inode_size < EXT2_DINODE_SIZE || !IS_POW2(fs->inode_size) ||
	    fs->inode_size > fs->block_size || fs->inodes_per_group == 0 ||
	    fs->inodes_per_group > fs->block_size * 8 ||
	    fs->inodes_count != (uint64_t)fs->ngroups * fs->inodes_per_group ||
	    fs->first_ino < EXT2_FIRST_INO_0 ||
	    fs->first_ino > fs->inodes_count)
		return false;
	fs->inode_blocks = DIV_ROUND_UP(fs->inodes_per_group * fs->inode_size,
					fs->block_size);
	if (fs->inode_size > EXT2_DINODE_SIZE) {
		fs->want_extra_isize = s->s_want_extra_isize;
		if (fs->want_extra_isize < EXT2_EXTRA_ISIZE ||
		    fs->want_extra_isize % 4 ||
		    fs->want_extra_isize > fs->inode_size - EXT2_DINODE_SIZE)
			fs->want_extra_isize = EXT2_EXTRA_ISIZE;
	}
	return true;
}

/** Take over what the superblock says, all of it checked. */
static int
super_check(struct ext2_fs *fs, const struct ext2_super *s)
{
	int error;

	if (s->s_magic != EXT2_MAGIC) {
		say(fs->device, "there is no ext2 file system on it");
		return -EINVAL;
	}
	if (s->s_rev_level > 1) {
		say(fs->device, "unknown revision %u", s->s_rev_level);
		return -EINVAL;
	}
	if ((error = features_check(fs, s)))
		return error;
	if (!block_geometry(fs, s) || !inode_geometry(fs, s)) {
		say(fs->device, "damaged: the superblock's sizes do not fit "
				"each other or the disk");
		return -EUCLEAN;
	}
	fs->filetype = s->s_rev_level &&
		       s->s_feature_incompat & EXT2_INCOMPAT_FILETYPE;
	fs->resuid = s->s_def_resuid;
	fs->max_size = ext2_map_max_size(fs->block_size);
	return 0;
}

/* ---- Mounting ---- */

static bool
word_is(const char *word, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(word, name, len) == 0;
}

/** Take one option, @p len bytes at @p word. @return false: it is not known */
static bool
option_take(struct ext2_fs *fs, const char *word, size_t len)
{
	bool ordered = word_is(word, len, "data=ordered");
	bool journal = word_is(word, len, "data=journal");

	if (ordered || journal)
		fs->data_journal = journal;
	return ordered || journal || len == 0 ||
	       word_is(word, len, "errors=remount-ro");
}

/** Take the options, words between commas. @return 0 or -EINVAL */
static int
options_take(struct ext2_fs *fs, const char *options)
{
	const char *end;

	for (;; options = end + 1) {
		for (end = options; *end && *end != ','; end++)
			;
		if (!option_take(fs, options, (size_t)(end - options))) {
			say(fs->device, "unknown option %.*s",
			    (int)(end - options), options);
			return -EINVAL;
		}
		if (!*end)
			return 0;
	}
}

static int
statfs_op(struct mount *m, struct statfs *st)
{
	struct ext2_fs *fs = m->private_data;
	uint32_t free = fs->free_blocks;

	*st = (struct statfs){
		.f_type = EXT2_SUPER_MAGIC,
		.f_bsize = fs->block_size,
		.f_frsize = fs->block_size,
		.f_blocks = fs->blocks_count - fs->overhead,
		.f_bfree = free,
		.f_bavail = free > fs->reserved_blocks
				    ? free - fs->reserved_blocks
				    : 0,
		.f_files = fs->inodes_count,
		.f_ffree = fs->free_inodes,
		.f_fsid = { (int32_t)m->dev },
		.f_namelen = NAME_MAX,
	};
	return 0;
}

static void
fs_free(struct ext2_fs *fs)
{
	if (fs->super)
		buf_put(fs->super);
	ext2_groups_unload(fs);
	kfree(fs);
}

/** The journal has failed: have the disk say, if it can, that it is to be
 * looked at. That is true at any time; so it needs no transaction. */
static void
tell_damage(struct ext2_fs *fs)
{
	mutex_lock(&fs->super->lock);
	ext2_super_of(fs)->s_state |= EXT2_STATE_ERROR;
	if (buf_write(fs->super))
		say(fs->device, "... nor marked as damaged");
	mutex_unlock(&fs->super->lock);
}

/** No operation will change the disk any more: have it say that it is whole,
 * if it is. What a journal could not write, the next mount replays.
 * @return 0 or -EIO */
static int
mark_unused(struct ext2_fs *fs)
{
	int error = 0;

	rwlock_write_lock(&fs->op_lock); /* operations that run end first */
	fs->read_only = true;
	if (fs->journal)
		error = ext2_journal_stop(fs);
	rwlock_write_unlock(&fs->op_lock);
	if (error) {
		tell_damage(fs);
		return error;
	}
	ext2_change(fs, fs->super);
	ext2_super_of(fs)->s_feature_incompat &= ~EXT2_INCOMPAT_RECOVER;
	if (fs->was_valid && !fs->damaged)
		ext2_super_of(fs)->s_state |= EXT2_STATE_VALID;
	ext2_changed(fs, fs->super);
	fs->changed = true;
	return ext2_sync(fs->mount);
}

static void
unmount_op(struct mount *m)
{
	struct ext2_fs *fs = m->private_data;
	int error =
		fs->read_only && !fs->journal ? ext2_sync(m) : mark_unused(fs);

	if (error)
		say(fs->device, "could not be written when unmounted");
	fs_free(fs);
	m->private_data = NULL;
}

/** Before the first change: the state is not VALID, so nobody trusts the disk
 * unchecked; or a journal makes it whole, and must be replayed by whoever
 * uses the disk next. @return 0 or -EIO */
static int
mark_in_use(struct ext2_fs *fs, bool journal)
{
	struct ext2_super *s = ext2_super_of(fs);

	fs->was_valid = s->s_state & EXT2_STATE_VALID;
	if (!fs->was_valid)
		say(fs->device, "was not unmounted cleanly: "
				"running e2fsck is advised");
	ext2_change(fs, fs->super);
	if (journal)
		s->s_feature_incompat |= EXT2_INCOMPAT_RECOVER;
	else
		s->s_state &= ~EXT2_STATE_VALID;
	s->s_mtime = ext2_now();
	s->s_mnt_count++;
	ext2_changed(fs, fs->super);
	fs->changed = true;
	return ext2_sync(fs->mount);
}

/** Begin to change the disk, through journal @p j if it has one; after an
 * error that is closed. What the last who did has left is tidied up.
 * @return 0, -EINVAL: data=journal needs one; -EIO */
static int
use(struct ext2_fs *fs, struct journal *j)
{
	int error = 0;

	if (fs->data_journal && !j) {
		say(fs->device, "data=journal: there is no journal");
		error = -EINVAL;
	}
	if (!error)
		error = mark_in_use(fs, j != NULL);
	if (!error && j)
		error = ext2_journal_start(fs, j);
	if (error && j)
		journal_close(j);
	fs->read_only = error != 0;
	if (!error)
		ext2_orphans_adopt(fs);
	return error;
}

static int
remount_op(struct mount *m, unsigned flags)
{
	struct ext2_fs *fs = m->private_data;
	struct journal *j = NULL;
	int error;

	if (flags & MS_RDONLY)
		return fs->read_only ? 0 : mark_unused(fs);
	if (fs->damaged || fs->readable_only)
		return -EROFS;
	if (fs->orphans_left && !list_empty(&fs->orphans)) {
		say(fs->device, "not writable while files without a name are "
				"open");
		return -EBUSY;
	}
	error = ext2_journal_open(fs, ext2_super_of(fs), &j);
	return error ? error : use(fs, j);
}

static const struct mount_ops mount_ops = {
	.statfs = statfs_op,
	.sync = ext2_sync,
	.write_inode = ext2_write_inode,
	.remount = remount_op,
	.unmount = unmount_op,
};

/** Read the superblock, by the only block size that is known yet. */
static int
super_read(struct ext2_fs *fs, struct ext2_super *s)
{
	int error = -EIO;
	struct buf *b = buf_read(fs->device, 1, EXT2_SUPER_SIZE, &error);

	if (!b)
		return error;
	memcpy(s, b->data, sizeof(*s));
	buf_put(b); /* with larger blocks, this buffer is not used again */
	return 0;
}

/** Read what describes the file system. */
static int
geometry_load(struct ext2_fs *fs, struct ext2_super *s)
{
	int error;

	if ((error = super_read(fs, s)) || (error = super_check(fs, s)))
		return error;
	return ext2_groups_load(fs, s);
}

/** The same, after the journal has made it whole, if there is one. */
static int
fs_load(struct ext2_fs *fs, struct ext2_super *s, struct journal **j)
{
	int error = geometry_load(fs, s);

	if (!error)
		error = ext2_journal_open(fs, s, j);
	if (!error && *j && journal_was_replayed(*j)) {
		ext2_groups_unload(fs);
		fs->group_pages = NULL;
		buf_invalidate(fs->device);
		fs->free_blocks = fs->free_inodes = 0;
		error = geometry_load(fs, s);
	}
	if (error)
		return error;
	fs->super = ext2_read(fs, fs->first_data_block, &error);
	return fs->super ? 0 : error;
}

static struct ext2_fs *
fs_new(struct mount *m)
{
	struct ext2_fs *fs = knew(struct ext2_fs);
	unsigned i;

	fs->mount = m;
	fs->device = m->device;
	rwlock_init(&fs->op_lock, "ext2 operations");
	for (i = 0; i < EXT2_GROUP_LOCKS; i++)
		mutex_init(&fs->group_locks[i], "ext2 group");
	fs->generation = (uint32_t)random_seed();
	spin_init(&fs->ordered_lock, "ext2 ordered");
	list_init(&fs->ordered);
	waitq_init(&fs->settled, "ext2 settled");
	mutex_init(&fs->orphan_lock, "ext2 orphans");
	list_init(&fs->orphans);
	return fs;
}

static int
root_get(struct ext2_fs *fs)
{
	struct vnode *v;
	int error = ext2_inode_get(fs, EXT2_ROOT_INO, &v);

	if (error)
		return error;
	if (v->type == VT_DIR) {
		fs->mount->root = v;
		return 0;
	}
	vnode_put(v);
	return ext2_damaged(fs, "the root is no directory");
}

/* Once ops is set, chapter tmpfs takes a mount that failed down by unmounting
 * it. */
int
ext2_mount(struct mount *m, const char *options)
{
	struct ext2_fs *fs = fs_new(m);
	struct ext2_super *s = knew(struct ext2_super);
	struct journal *j = NULL;
	int error = options_take(fs, options);

	if (!error)
		error = fs_load(fs, s, &j);
	kfree(s);
	if (error) {
		if (j)
			journal_close(j);
		fs_free(fs);
		return error;
	}
	fs->read_only = true;
	m->shown = !j		      ? NULL
		   : fs->data_journal ? ",data=journal"
				      : ",data=ordered";
	m->private_data = fs;
	m->ops = &mount_ops;
	error = root_get(fs);
	if (!error && !(m->flags & MS_RDONLY))
		error = use(fs, j);
	else if (j)
		journal_close(j);
	return error;
}

FILESYSTEM(ext2, true, ext2_mount);

static void
ext2_init(void)
{
}
CHAPTER_INIT(ext2_init);
