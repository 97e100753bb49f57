/*
 * ext2: files on a disk. It fills chapter vfs's tables (FILESYSTEM ext2) and
 * offers nothing else: what stands here is the contract among the files of
 * this chapter. The disk's own structures are in ext2_format.h.
 *
 * All metadata is read by buf_read, and changed between ext2_change and
 * ext2_changed, inside an operation (ext2_begin, ext2_end).
 */
#ifndef EXT2_H
#define EXT2_H

#include "ext2_format.h"
#include "journal.h"
#include "tmpfs.h"

#define EXT2_GROUP_LOCKS 16
#define EXT2_DATA_STEP	 8u /**< data blocks logged by one step of allocating */

/** A group of blocks; those of a mount are an array. */
struct ext2_group {
	/* Constant, checked at mount. Block numbers. */
	uint32_t block_bitmap, inode_bitmap, inode_table;
	uint32_t data; /**< behind superblock and descriptor copies */
	/* Guarded by the group's lock; read without it as hints. */
	_Atomic uint16_t free_blocks, free_inodes, dirs;
	/**
	 * With a journal, guarded by the group's lock: blocks that are free in
	 * the bitmap, but were freed by a transaction that is not committed: a
	 * crash would bring back what was in them (EXT7). By the lowest bit of
	 * its number, as there are at most two: bitmaps, or NULL.
	 */
	struct page *pending[2];
};

/** A mounted file system. */
struct ext2_fs {
	/* Constant since mount. */
	struct mount *mount;
	struct block_device *device;
	uint32_t block_size, block_shift;
	uint32_t blocks_count, first_data_block, reserved_blocks;
	uint32_t inodes_count, first_ino, inode_size, want_extra_isize;
	uint32_t blocks_per_group, inodes_per_group;
	uint32_t inode_blocks; /**< of a group's part of the inode table */
	uint32_t ngroups, desc_blocks;
	uint32_t overhead;  /**< blocks that hold metadata of fixed place */
	uint32_t resuid;    /**< besides root, may use the reserved blocks */
	uint64_t max_size;  /**< bytes: the longest file that can be mapped */
	bool filetype;	    /**< entries have types */
	bool readable_only; /**< it has features that forbid writing */
	/** Mounted with data=journal: contents of files are logged, too. */
	bool data_journal;
	struct ext2_group *groups;
	struct page *group_pages;

	/**
	 * Operations hold it for reading, sync for writing: so what sync
	 * writes is a state between operations (EXT4).
	 */
	struct rwlock op_lock;
	struct mutex group_locks[EXT2_GROUP_LOCKS]; /* by number, modulo */

	_Atomic uint32_t free_blocks, free_inodes; /* sums of the groups' */
	_Atomic uint32_t generation;		   /* of the next new inode */
	_Atomic bool read_only; /* by mount, or after damage was met */
	_Atomic bool damaged;	/* damage was met: the disk is to say so */
	_Atomic bool changed;	/* since the superblock was last written */
	_Atomic uint32_t complaints;
	bool was_valid; /* the state found at mount */

	struct buf *super; /* its data guarded by the buffer's lock */

	/** NULL: there is none, or it does not run. Set and cleared when no
	 * operation runs. */
	struct journal *journal;
	_Atomic bool pending; /**< some group's pending is set */

	/** Files whose data is to reach the disk before the metadata that leads
	 * to it (ext2_journal.c). */
	struct spinlock ordered_lock;
	struct list ordered;	/**< ext2_inode.ordered_link */
	struct thread *settler; /**< the journal's, while it writes data */
	struct waitq settled;

	/** Files that are to be freed or cut if the power fails now: a list on
	 * the disk, of which this is the image; the newest first (orphan.c). */
	struct mutex orphan_lock;
	struct list orphans; /**< ext2_inode.orphan_link */
	bool orphans_left; /**< the disk's list has others, given up unfreed */
	bool adopting; /**< the list of the last mount is being worked off */
};

/** Of a vnode: its private_data. */
struct ext2_inode {
	/* Constant: the buffer with the inode, kept while the vnode lives. */
	struct buf *buf;
	uint32_t offset; /* of the inode in it */
	uint32_t generation;

	/** Excludes users of the block tree from those who change it. */
	struct rwlock map_lock;
	/* Guarded by map_lock. */
	uint32_t last_logical;	/* last block allocated: the next one's goal */
	uint32_t last_physical; /* 0: none yet */
	/** Blocks [hidden_from, hidden_to) of the file are being freed: to who
	 * reads or writes pages they are a hole already. */
	uint32_t hidden_from, hidden_to;

	/** Guards what the disk's inode is made from; held for moments. With
	 * map_lock for writing: block. Also v->nlink and v->blocks. */
	struct spinlock lock;
	uint32_t block[EXT2_NBLOCKS];
	uint32_t flags, file_acl;
	uint32_t dtime; /**< time of deletion, or the next in the orphan list */
	bool logged;	/**< stored since it was read, last in this: */
	journal_tid logged_in;
	uint64_t prepared; /**< end of the bytes that prepare_write made room
				for; beyond the size until they are written */

	struct vnode *vnode;
	struct list orphan_link; /* guarded by the mount's orphan_lock */
	/* Guarded by the mount's ordered_lock. */
	struct list ordered_link;
	journal_tid ordered_in; /**< since this transaction */
	bool settling;		/* its data is being written for a commit */

	/* Directories; guarded by the vnode's lock. */
	uint32_t parent;    /**< what ".." says */
	uint32_t free_hint; /**< no room in blocks before this one */
};

/** For EXT4's assertions: whether the running thread is in an operation. */
static inline bool
ext2_in_operation(const struct ext2_fs *fs)
{
#ifdef DEBUG
	return lockcheck_held(&fs->op_lock);
#else
	(void)fs;
	return true;
#endif
}

/** Whether the running operation is part of a transaction: there is a journal,
 * and it has not failed (see ext2_go_on). */
static inline bool
ext2_journaled(const struct ext2_fs *fs)
{
	return fs->journal && current()->transaction;
}

/** Whether the journal has failed. Who waited for it then was told why; who
 * syncs later is told that nothing is written any more. */
static inline bool
ext2_has_failed(const struct ext2_fs *fs)
{
	return fs->journal && fs->read_only && fs->damaged;
}

static inline struct ext2_fs *
ext2_fs(const struct vnode *v)
{
	return v->mount->private_data;
}

static inline struct ext2_inode *
ext2_inode(const struct vnode *v)
{
	return v->private_data;
}

static inline uint32_t
ext2_group_first(const struct ext2_fs *fs, uint32_t group)
{
	return fs->first_data_block + group * fs->blocks_per_group;
}

/** Number of blocks in @p group: the last one may be shorter. */
static inline uint32_t
ext2_group_blocks(const struct ext2_fs *fs, uint32_t group)
{
	return MIN(fs->blocks_per_group,
		   fs->blocks_count - ext2_group_first(fs, group));
}

static inline uint32_t
ext2_group_of_block(const struct ext2_fs *fs, uint32_t block)
{
	return (block - fs->first_data_block) / fs->blocks_per_group;
}

static inline uint32_t
ext2_group_of_inode(const struct ext2_fs *fs, uint64_t ino)
{
	return (uint32_t)((ino - 1) / fs->inodes_per_group);
}

/** How many blocks @p bytes take. */
static inline uint32_t
ext2_blocks_for(const struct ext2_fs *fs, uint64_t bytes)
{
	return (uint32_t)((bytes + fs->block_size - 1) >> fs->block_shift);
}

/** The number of the block of a file with byte @p offset. */
static inline uint32_t
ext2_block_at(const struct ext2_fs *fs, uint64_t offset)
{
	return (uint32_t)(offset >> fs->block_shift);
}

/* ---- super.c: the mount ---- */

/** Mount the file system of m->device; called by mount_on.
 * @param options  words between commas: data=ordered (the default) or
 * data=journal, errors=remount-ro (what is done anyway)
 * @return 0; -EINVAL: not ext2, or features or options that are not known;
 * -EUCLEAN: damaged; -EIO; -ENOMEM */
int ext2_mount(struct mount *m, const char *options);

/**
 * Begin an operation that changes the disk. What is changed until ext2_end
 * belongs together: a sync sees all of it or nothing. Sleeps while a sync
 * runs; not nested. Vnode locks may be held; no others.
 * @return 0 or -EROFS; then there is nothing to end
 */
int ext2_begin(struct ext2_fs *fs);

/** The same, but -EBUSY where it would have to wait for the journal. */
int ext2_try_begin(struct ext2_fs *fs);

/** End the operation. With @p error -EUCLEAN or -EIO, which have left it
 * unfinished, the file system becomes read-only. @return @p error */
int ext2_end(struct ext2_fs *fs, int error);

/** Take the block for a change of its contents; sleeps. */
void ext2_change(struct ext2_fs *fs, struct buf *b);
/** The change is made: the block is to be written. */
void ext2_changed(struct ext2_fs *fs, struct buf *b);

/**
 * Say, not too often, what is damaged. Any context that may sleep.
 * @return -EUCLEAN
 */
int ext2_damaged(struct ext2_fs *fs, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** A function that reads a block. */
typedef struct buf *ext2_read_fn(struct ext2_fs *fs, uint32_t block,
				 int *error);

/** Read a block of metadata. NULL and *error: -EIO, -ENOMEM. */
struct buf *ext2_read(struct ext2_fs *fs, uint32_t block, int *error);

/** What @p get gives; when there is no memory for it, waits some seconds. */
struct buf *ext2_surely(struct ext2_fs *fs, ext2_read_fn *get, uint32_t block,
			int *error);
/** The same by ext2_read, for what cannot be left half-done. */
struct buf *ext2_read_surely(struct ext2_fs *fs, uint32_t block, int *error);

/** A page, waiting some seconds for memory if need be; or NULL. */
struct page *ext2_page_surely(unsigned flags);

/** A block that has just been allocated for metadata, zeroed, taken by
 * ext2_change. NULL and *error on -ENOMEM, -EIO. */
struct buf *ext2_fresh(struct ext2_fs *fs, uint32_t block, int *error);

/** A file passes 2 GiB: have the superblock say so. In an operation. */
void ext2_note_large_file(struct ext2_fs *fs);

/** Make all on the disk current and consistent. @return 0 or -EIO */
int ext2_sync(struct mount *m);

/** Seconds since 1970 for the disk's fields. */
uint32_t ext2_now(void);

/* ---- ext2_journal.c: the mount's journal ---- */

/** Open the journal of a file system that has one, and replay it if the
 * superblock @p s asks for it. Before anything else is read.
 * @return 0; -EINVAL, -EUCLEAN: it cannot be used; -EIO, -ENOMEM */
int ext2_journal_open(struct ext2_fs *fs, const struct ext2_super *s,
		      struct journal **result);
/** From here on operations go through journal @p j. @return 0, -EINVAL */
int ext2_journal_start(struct ext2_fs *fs, struct journal *j);
/** No more: all is committed and home. @return 0 or -EIO */
int ext2_journal_stop(struct ext2_fs *fs);

/** The running transaction leads to data of @p v that is not on the disk yet:
 * it is to be there first. */
void ext2_ordered_add(struct vnode *v);
/** In an operation: whether a transaction before the running one, which may be
 * committed at any time, leads to data of @p v that is not on the disk yet. */
bool ext2_ordered_before(struct vnode *v);
/** The inode goes away: no commit has to do with it any more. May sleep; not in
 * an operation. */
void ext2_ordered_remove(struct ext2_fs *fs, struct ext2_inode *in);

/** Metadata block @p block is freed: no version of it is to be written any
 * more. In an operation. */
void ext2_forget(struct ext2_fs *fs, uint32_t block);
/** Whether what is left to the running operation does for one more step of
 * allocating or freeing; if not, it is to end, and another to go on. */
bool ext2_has_room(const struct ext2_fs *fs);
/** End the transaction's part of the operation, and go on in another. If the
 * journal has failed meanwhile, what is done from here on stays in memory. */
void ext2_go_on(struct ext2_fs *fs);
/** Times that an operation is tried. */
#define EXT2_TRIES 3u
/** After @p error of an operation that has ended: whether to try it again, as
 * blocks have become free that were not yet. */
bool ext2_try_again(struct ext2_fs *fs, int error);

/* ---- data_journal.c: contents of files in the journal ---- */

/** Log a block of a file as @p data, or as zeros where that is NULL. In an
 * operation, which has room. Sleeps while there is no memory.
 * @return 0 or -ENOMEM */
int ext2_data_log(struct ext2_fs *fs, uint32_t block, const void *data);
/** Copy a block's contents to @p data if the log has them and the disk does
 * not. Not in an operation. @return whether it has */
bool ext2_data_find(struct ext2_fs *fs, uint32_t block, void *data);

/* ---- orphan.c: files that a crash must not leave behind ---- */

/** In an operation; the caller stores the inode. */
void ext2_orphan_add(struct vnode *v);
void ext2_orphan_remove(struct vnode *v);
bool ext2_is_orphan(const struct vnode *v);
/** Free, or cut to their sizes, the files that the last mount left. */
void ext2_orphans_adopt(struct ext2_fs *fs);

/** The superblock in its buffer. (super.c) */
struct ext2_super *ext2_super_of(const struct ext2_fs *fs);
/** Bring the superblock's buffer up to date: counts, state. In an operation,
 * or where none runs. (super.c) */
void ext2_super_update(struct ext2_fs *fs);

/* ---- group.c: descriptors ---- */

/** Whether the group has a copy of superblock and descriptors. */
bool ext2_group_has_super(const struct ext2_super *s, uint32_t group);

/** Read and check all group descriptors. @return 0, -EUCLEAN, -EIO, -ENOMEM */
int ext2_groups_load(struct ext2_fs *fs, const struct ext2_super *s);
/** Free what ext2_groups_load made. */
void ext2_groups_unload(struct ext2_fs *fs);

/** Take or release the lock of @p group: its bitmaps and its counts. Only one
 * group's is held at a time. */
void ext2_group_lock(struct ext2_fs *fs, uint32_t group);
void ext2_group_unlock(struct ext2_fs *fs, uint32_t group);

/** A group's bitmap and its descriptor, both in memory: what a change of the
 * bitmap needs, so that it cannot fail half-way. */
struct ext2_group_bufs {
	struct buf *bitmap, *desc;
};
/** Read them by @p read; @p bitmap is the bitmap's block.
 * @return 0, -EIO, -ENOMEM */
int ext2_group_bufs_get(struct ext2_fs *fs, uint32_t group, uint32_t bitmap,
			ext2_read_fn *read, struct ext2_group_bufs *b);
/** Write the group's counts to its descriptor, and give both back. */
void ext2_group_bufs_changed(struct ext2_fs *fs, uint32_t group,
			     struct ext2_group_bufs *b);
/** Give both back unchanged. */
void ext2_group_bufs_put(struct ext2_group_bufs *b);

/** Whether blocks [first, first + count) can be a file's: on the disk, in one
 * group, and none of the group's metadata (EXT1). */
bool ext2_blocks_ok(const struct ext2_fs *fs, uint32_t first, uint32_t count);

/* ---- balloc.c: blocks ---- */

/**
 * Allocate up to @p want neighbouring blocks, at @p goal or near it. In an
 * operation.
 * @return how many, at least 1, from *first on; or -ENOSPC, -EUCLEAN, -EIO,
 * -ENOMEM
 */
int ext2_blocks_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t want,
		      uint32_t *first);
/** Free blocks that were allocated. In an operation. @return 0 or, leaving
 * them allocated, -EUCLEAN, -EIO, -ENOMEM */
int ext2_blocks_free(struct ext2_fs *fs, uint32_t first, uint32_t count);

/** Transaction @p tid is committed: what it has freed may be allocated. */
void ext2_pending_free(struct ext2_fs *fs, journal_tid tid);

/** A good place for the first block of inode @p ino. */
uint32_t ext2_inode_goal(const struct ext2_fs *fs, uint64_t ino);

/* ---- ialloc.c: inodes ---- */

/**
 * Allocate an inode for a new file in @p dir and make its vnode, its owner the
 * caller, with no links yet: putting it back frees it. In an operation.
 * @param rdev    of a device node
 * @param result  a vnode, referenced, or NULL; also after an error to be put
 *                back, but not before ext2_end
 * @return 0; -ENOSPC, -EUCLEAN, -EIO, -ENOMEM
 */
int ext2_inode_new(struct vnode *dir, uint32_t mode, uint64_t rdev,
		   struct vnode **result);
/** Free inode @p ino. In an operation. @return 0, -EUCLEAN, -EIO, -ENOMEM */
int ext2_inode_free(struct ext2_fs *fs, uint64_t ino, bool is_dir);

/* ---- inode.c: vnodes ---- */

/** Find or read the vnode of inode @p ino, a number from the disk.
 * @return 0 and *result referenced; -EUCLEAN, -EIO, -ENOMEM */
int ext2_inode_get(struct ext2_fs *fs, uint32_t ino, struct vnode **result);

/** The running operation is part of what an fsync of the file waits for.
 * in->lock is held. */
void ext2_inode_logged(struct ext2_fs *fs, struct ext2_inode *in);
/** Write the inode of @p v to its place in the inode table's buffer. */
void ext2_inode_store(struct vnode *v);
/** The same for an inode just allocated: clears what was there before. */
void ext2_inode_store_new(struct vnode *v);

/** Whether the inode in its buffer has the size of regular file @p v. */
bool ext2_size_stored(const struct vnode *v);

/** Add @p delta to the links of @p v; does not store.
 * @return 0, or -EMLINK, or -EUCLEAN where it would go below 0 */
int ext2_links_add(struct vnode *v, int delta);

/** Give @p v its table of operations; it is complete. */
void ext2_inode_ready(struct vnode *v);

/** Read the buffer with inode @p ino. *offset: where in it. NULL and *error:
 * -EIO, -ENOMEM. */
struct buf *ext2_dinode_read(struct ext2_fs *fs, uint64_t ino, uint32_t *offset,
			     int *error);
/** Give @p v its private data, with the buffer that has its inode. */
struct ext2_inode *ext2_inode_attach(struct vnode *v, struct buf *buf,
				     uint32_t offset);

int ext2_setattr(struct vnode *v, const struct vattr *attr);
void ext2_inactive(struct vnode *v);
int ext2_write_inode(struct mount *m, struct vnode *v);
int ext2_fsync(struct vnode *v, bool data_only);

/** Whether the inode's numbers are blocks: not of devices, short links. */
bool ext2_has_blocks(const struct vnode *v);

/** Put a device number into the inode's block numbers. */
void ext2_rdev_encode(struct ext2_inode *in, uint64_t rdev);

/* ---- map.c: a file's blocks ---- */

/**
 * Look up where block @p logical of @p v is. Takes map_lock.
 * @param max  most blocks asked for
 * @return for how many blocks from there on the answer holds: they lie one
 * behind the other from *first on, or are a hole where *first is 0; or
 * -EUCLEAN, -EIO, -ENOMEM
 */
int ext2_map(struct vnode *v, uint32_t logical, uint32_t max, uint32_t *first);

/** Allocate blocks for [logical, logical + count) where there is a hole; the
 * caller stores the inode, also after an error. In an operation; takes
 * map_lock. @return 0; -EAGAIN: not all, the operation has no room for more;
 * -ENOSPC, -EFBIG, -EUCLEAN, -EIO, -ENOMEM */
int ext2_map_alloc(struct vnode *v, uint32_t logical, uint32_t count);

/** Free all blocks from @p logical on, if need be in several operations, of
 * which the last runs on; the caller stores the inode, also after an error. In
 * an operation; takes map_lock. @return 0, -EUCLEAN, -EIO... */
int ext2_map_cut(struct vnode *v, uint32_t logical);

/** Free blocks [first, end), as ext2_map_cut. */
int ext2_map_punch(struct vnode *v, uint32_t first, uint32_t end);

/** Have blocks [first, end) look like a hole, or none where they are equal.
 * Takes map_lock. */
void ext2_map_hide(struct vnode *v, uint32_t first, uint32_t end);
/** Whether block @p logical is hidden. Takes map_lock. */
bool ext2_map_hidden(struct vnode *v, uint32_t logical);

/** Longest file in bytes for blocks of @p block_size. */
uint64_t ext2_map_max_size(uint32_t block_size);

/** The way through the tree to a block: positions from the inode's array
 * down. @return their number, 1 to 4; 0: past what a tree can hold */
unsigned ext2_map_path(const struct ext2_fs *fs, uint32_t logical,
		       unsigned at[4]);

/* ---- dir.c: the entries of a directory ---- */

/** Where an entry is. Holds a reference to its block. */
struct ext2_entry {
	struct buf *buf;
	uint32_t block;	 /**< number within the directory */
	uint32_t offset; /**< in the block */
	uint32_t ino;
};

/** Find a name. *e is to be put back. The directory is locked.
 * @return 0, -ENOENT, -EUCLEAN, -EIO, -ENOMEM */
int ext2_dir_find(struct vnode *dir, const char *name, size_t len,
		  struct ext2_entry *e);
void ext2_entry_put(struct ext2_entry *e);

/* These change a directory, in an operation, and store its inode. */

/** Add an entry for @p v, not there yet. @return 0, -ENOSPC, -EFBIG, ... */
int ext2_dir_add(struct vnode *dir, const char *name, size_t len,
		 const struct vnode *v);
/** Take the entry out; puts it back. @return 0 or, unchanged, -EUCLEAN */
int ext2_dir_remove(struct vnode *dir, struct ext2_entry *e);
/** Have the entry lead to @p v; puts it back. */
void ext2_dir_replace(struct vnode *dir, struct ext2_entry *e,
		      const struct vnode *v);
/** Make the first block of a new directory: "." and "..". */
int ext2_dir_init(struct vnode *dir, uint32_t parent);

/** Find "..", as ext2_dir_find. @return -EUCLEAN where the first two entries
 * are not "." and ".."; 0, -EIO, -ENOMEM */
int ext2_dir_find_parent(struct vnode *dir, struct ext2_entry *e);
/** Read a directory's first two entries. *parent: what ".." says.
 * @return 0, or -EUCLEAN where they are not "." and "..", -EIO, -ENOMEM */
int ext2_dir_check(struct vnode *dir, uint32_t *parent);

int ext2_readdir(struct vnode *dir, uint64_t *pos,
		 bool (*emit)(void *arg, const char *name, size_t len,
			      uint64_t ino, unsigned type, uint64_t next),
		 void *arg);

/* ---- namei.c, file.c: operations on names and on contents ---- */

extern const struct vnode_ops ext2_dir_ops, ext2_file_ops, ext2_link_ops,
	ext2_special_ops;

/** The operations punch and find of files: see struct vnode_ops. (punch.c) */
int ext2_punch(struct vnode *v, uint64_t from, uint64_t to);
int64_t ext2_find(struct vnode *v, uint64_t from, bool data);

/** Before the size of a file changes: whether it may, and zero what it grows
 * past. Not in an operation; the vnode is locked.
 * @return 0, -EINVAL, -EFBIG, -EROFS, -EIO, -ENOMEM */
int ext2_size_check(struct vnode *v, uint64_t size);
/** Then, if it shrinks: set it, and end all use of the blocks to be freed,
 * which are hidden: the caller ends that. Not in an operation. @return 0 or an
 * error of write-back: for the caller to report, not to stop at */
int ext2_size_settle(struct vnode *v, uint64_t size);
/** Change the size, and free what is past it, that being settled. In an
 * operation; the caller stores the inode, also after an error. */
int ext2_size_change(struct vnode *v, uint64_t size);
/** Free the blocks past the size, also those that prepare_write made for a
 * write that then fell short. In an operation; the caller stores. */
int ext2_trim(struct vnode *v);

#endif
