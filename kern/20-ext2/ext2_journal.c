/*
 * The mount's journal: finding it on the disk, and what it asks of the file
 * system. It is a file without a name, whose inode the superblock gives.
 */
#include "ext2.h"
#include "string.h"

/* Blocks that one operation may change: a rename that removes a directory,
 * with a new block for the entry, takes about 20; what can take more looks at
 * journal_room and goes on in another operation. */
#define CREDITS 48

/* One step of allocating or freeing: bitmap and descriptor of up to four
 * blocks, those of a tree, and what the operation does at its end. */
#define STEP	 20

#define RUNS_MAX (PAGE_SIZE / sizeof(struct journal_run))

/* ---- Where it lies ---- */

/** The number in slot @p at of inner block @p block. */
static int
slot_read(struct ext2_fs *fs, uint32_t block, uint32_t at, uint32_t *number)
{
	struct buf *b;
	int error = -EUCLEAN;

	if (!ext2_blocks_ok(fs, block, 1))
		return error;
	b = ext2_read(fs, block, &error);
	if (!b)
		return error;
	*number = ((const uint32_t *)b->data)[at];
	buf_put(b);
	return 0;
}

/** The disk's block of block @p logical of the journal. */
static int
block_of(struct ext2_fs *fs, const struct ext2_dinode *di, uint32_t logical,
	 uint32_t *block)
{
	unsigned at[4], depth = ext2_map_path(fs, logical, at), i;
	int error = depth ? 0 : -EUCLEAN;

	if (!error)
		*block = di->i_block[at[0]];
	for (i = 1; !error && i < depth; i++)
		error = slot_read(fs, *block, at[i], block);
	if (!error && !ext2_blocks_ok(fs, *block, 1))
		error = -EUCLEAN;
	return error;
}

/** Gather the journal's blocks in runs. @return their number, or an error */
static int
runs_find(struct ext2_fs *fs, const struct ext2_dinode *di,
	  struct journal_run *runs)
{
	uint32_t count = di->i_size >> fs->block_shift, i, block;
	unsigned n = 0;
	int error;

	for (i = 0; i < count; i++) {
		if ((error = block_of(fs, di, i, &block)))
			return error;
		if (n > 0 && runs[n - 1].disk + runs[n - 1].count == block) {
			runs[n - 1].count++;
			continue;
		}
		if (n == RUNS_MAX)
			return -EINVAL;
		runs[n++] = (struct journal_run){ i, 1, block };
	}
	return (int)n;
}

static int
runs_of_inode(struct ext2_fs *fs, uint32_t ino, struct journal_run *runs)
{
	uint32_t offset;
	int error = -EIO;
	struct buf *b = ext2_dinode_read(fs, ino, &offset, &error);
	const struct ext2_dinode *di;

	if (!b)
		return error;
	di = (const void *)((const char *)b->data + offset);
	error = -EUCLEAN;
	if (S_ISREG(di->i_mode) && di->i_links_count > 0)
		error = runs_find(fs, di, runs);
	buf_put(b);
	return error;
}

int
ext2_journal_open(struct ext2_fs *fs, const struct ext2_super *s,
		  struct journal **result)
{
	bool replay = s->s_feature_incompat & EXT2_INCOMPAT_RECOVER;
	uint32_t ino = s->s_journal_inum;
	struct journal_run *runs;
	struct page *page;
	int n;

	if (s->s_rev_level == 0 ||
	    !(s->s_feature_compat & EXT2_COMPAT_HAS_JOURNAL))
		return 0;
	if (ino == 0 || ino > fs->inodes_count)
		return -EINVAL; /* on another disk */
	if (fs->device->read_only)
		return replay ? -EROFS : 0;
	page = page_alloc(0, PAGE_KERNEL, 0);
	if (!page)
		return -ENOMEM;
	runs = page_address(page);
	n = runs_of_inode(fs, ino, runs);
	if (n > 0)
		n = journal_open(fs->device, fs->block_size, runs, (unsigned)n,
				 replay, result);
	else if (n == 0)
		n = -EUCLEAN;
	page_unref(page);
	return n;
}

/* ---- What it asks for ---- */

static void
write_data(void *arg)
{
	struct ext2_fs *fs = arg;
	struct list todo = LIST_INIT(todo);
	struct ext2_inode *in;

	spin_lock(&fs->ordered_lock);
	fs->settler = current();
	list_splice_tail(&fs->ordered, &todo);
	while ((in = list_first(&todo, struct ext2_inode, ordered_link))) {
		list_del(&in->ordered_link);
		in->settling = true;
		spin_unlock(&fs->ordered_lock);
		page_cache_settle(in->vnode->cache);
		spin_lock(&fs->ordered_lock);
		in->settling = false;
		waitq_wake_all(&fs->settled);
	}
	fs->settler = NULL;
	spin_unlock(&fs->ordered_lock);
}

static void
committed(void *arg, journal_tid tid)
{
	ext2_pending_free(arg, tid);
}

static void
failed(void *arg, int error)
{
	struct ext2_fs *fs = arg;

	(void)error;
	fs->damaged = true;
	fs->read_only = true;
}

static const struct journal_ops ops = { write_data, committed, failed };

/* ---- For operations ---- */

void
ext2_ordered_add(struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(v);
	struct ext2_inode *in = ext2_inode(v);

	if (!fs->journal || fs->data_journal)
		return;
	spin_lock(&fs->ordered_lock);
	if (list_empty(&in->ordered_link)) {
		list_add_tail(&in->ordered_link, &fs->ordered);
		if (ext2_journaled(fs))
			in->ordered_in = journal_current();
	}
	spin_unlock(&fs->ordered_lock);
}

bool
ext2_ordered_before(struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs(v);
	struct ext2_inode *in = ext2_inode(v);
	bool is;

	if (!ext2_journaled(fs))
		return false;
	spin_lock(&fs->ordered_lock);
	is = in->settling || (!list_empty(&in->ordered_link) &&
			      in->ordered_in != journal_current());
	spin_unlock(&fs->ordered_lock);
	return is;
}

void
ext2_ordered_remove(struct ext2_fs *fs, struct ext2_inode *in)
{
	spin_lock(&fs->ordered_lock);
	list_del(&in->ordered_link);
	while (in->settling)
		waitq_wait(&fs->settled, &fs->ordered_lock,
			   WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	spin_unlock(&fs->ordered_lock);
}

void
ext2_forget(struct ext2_fs *fs, uint32_t block)
{
	if (ext2_journaled(fs))
		journal_revoke(fs->journal, block);
	else if (!fs->journal)
		buf_forget(fs->device, block, fs->block_size);
}

bool
ext2_has_room(const struct ext2_fs *fs)
{
	unsigned step = STEP + (fs->data_journal ? EXT2_DATA_STEP : 0);

	return !ext2_journaled(fs) || journal_room() >= step;
}

void
ext2_go_on(struct ext2_fs *fs)
{
	journal_end(fs->journal);
	journal_begin(fs->journal);
}

bool
ext2_try_again(struct ext2_fs *fs, int error)
{
	if (error != -ENOSPC || !fs->journal || !fs->pending)
		return false;
	return journal_sync(fs->journal) == 0;
}

int
ext2_journal_start(struct ext2_fs *fs, struct journal *j)
{
	int error = journal_start(j, CREDITS, &ops, fs);

	if (!error)
		fs->journal = j;
	return error;
}

int
ext2_journal_stop(struct ext2_fs *fs)
{
	int error = journal_close(fs->journal);

	fs->journal = NULL;
	return error;
}
