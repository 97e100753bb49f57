/*
 * vfs: names and files. A vnode is a file of whatever file system, an open
 * file is a position in one (or a pipe, a terminal), a descriptor is a number
 * in a process's table. The page cache holds the pages of regular files, for
 * read, write and mmap alike.
 */
#ifndef VFS_H
#define VFS_H

#include "abi/dev.h"
#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "abi/time.h"
#include "abi/uio.h"
#include "abi/unistd.h"
#include "dev.h"

struct vnode;
struct file;
struct mount;
struct poll_table;

/* ---- Moving bytes to and from the caller ---- */

/** A buffer of a read or write: user or kernel memory, several pieces. */
struct uio {
	const struct iovec *iov; /**< pieces left; in kernel memory */
	unsigned niov;
	size_t offset; /**< into iov[0] */
	size_t left;   /**< bytes in all */
	bool user;     /**< the pieces are user addresses */
};

/** Copy @p len bytes (at most u->left) from @p from to the uio and advance it.
 * May sleep on user memory. @return bytes copied, less than @p len on a
 * fault */
size_t uio_copy_to(struct uio *u, const void *from, size_t len);
/** The other direction. */
size_t uio_copy_from(struct uio *u, void *to, size_t len);
/** Zero @p len bytes of the uio and advance it. @return bytes done */
size_t uio_zero(struct uio *u, size_t len);
/** A uio over one kernel or user buffer; *iov is its only piece. */
static inline struct uio
uio_kernel(struct iovec *iov, void *buf, size_t len)
{
	*iov = (struct iovec){ buf, len };
	return (struct uio){ .iov = iov, .niov = 1, .left = len };
}

static inline struct uio
uio_user(struct iovec *iov, void *buf, size_t len)
{
	*iov = (struct iovec){ buf, len };
	return (struct uio){ .iov = iov, .niov = 1, .left = len, .user = true };
}

/* ---- Vnodes ---- */

enum vnode_type { VT_REG, VT_DIR, VT_LNK, VT_CHR, VT_BLK, VT_FIFO, VT_SOCK };

/** New attributes for setattr: only those whose bit is set. */
struct vattr {
	unsigned valid; /**< VATTR_* */
	uint32_t mode;	/**< permission bits */
	uint32_t uid, gid;
	uint64_t size;
	struct timespec atime, mtime, ctime;
};
#define VATTR_MODE  0x1
#define VATTR_UID   0x2
#define VATTR_GID   0x4
#define VATTR_SIZE  0x8
#define VATTR_ATIME 0x10
#define VATTR_MTIME 0x20
#define VATTR_CTIME 0x40

/** Copy what @p attr has, but for the size, to the vnode's fields and mark the
 * inode dirty: the common part of every setattr. */
void vnode_set_attributes(struct vnode *v, const struct vattr *attr);

/**
 * What a file system does for a vnode. Directory operations are called with
 * the directory's lock held for writing (lookup, readdir: for reading or
 * writing); they have been permission-checked. A NULL operation is an error
 * that the caller names (mostly -EPERM or -EINVAL). All may sleep.
 * Names are `len` bytes, not terminated, 1..NAME_MAX, never "." or "..".
 *
 * What the caller does, so that no file system has to: it knows the parents of
 * directories (".."), that a directory to be removed or replaced is empty, that
 * a removed directory gets no entries; it sets the times that a change of
 * entries sets, and drops a truncated file's pages.
 */
struct vnode_ops {
	/** Find @p name; *result referenced. 0, -ENOENT, -EIO. */
	int (*lookup)(struct vnode *dir, const char *name, size_t len,
		      struct vnode **result);
	/** Make a file of any type but directory or link; -EEXIST is checked by
	 * the caller. *result referenced. */
	int (*create)(struct vnode *dir, const char *name, size_t len,
		      uint32_t mode, uint64_t rdev, struct vnode **result);
	int (*mkdir)(struct vnode *dir, const char *name, size_t len,
		     uint32_t mode, struct vnode **result);
	int (*symlink)(struct vnode *dir, const char *name, size_t len,
		       const char *target, struct vnode **result);
	int (*link)(struct vnode *dir, const char *name, size_t len,
		    struct vnode *target);
	/** @p victim is the vnode that @p name leads to. */
	int (*unlink)(struct vnode *dir, const char *name, size_t len,
		      struct vnode *victim);
	int (*rmdir)(struct vnode *dir, const char *name, size_t len,
		     struct vnode *victim);
	/** @p replaced, or NULL, is what the new name leads to now; it is empty
	 * if it is a directory. Types agree; no cycle arises. */
	int (*rename)(struct vnode *from_dir, const char *from, size_t from_len,
		      struct vnode *moved, struct vnode *to_dir, const char *to,
		      size_t to_len, struct vnode *replaced);
	/**
	 * Emit entries from position *pos on through @p emit (false: full,
	 * stop before this one). "." and ".." included. *pos moves behind the
	 * last one emitted; positions are stable while others change.
	 */
	int (*readdir)(struct vnode *dir, uint64_t *pos,
		       bool (*emit)(void *arg, const char *name, size_t len,
				    uint64_t ino, unsigned type, uint64_t next),
		       void *arg);
	/** Copy the link's target to @p buf. @return its length */
	int (*readlink)(struct vnode *v, char *buf, size_t size);
	/** procfs: follow a link that is no path (/proc/self/exe): *result
	 * referenced. NULL op: use readlink. */
	int (*follow)(struct vnode *v, struct vnode **result);

	/** Fill the type-independent rest: called with v's fields valid. */
	int (*getattr)(struct vnode *v, struct stat *st);
	/** Change attributes: vnode_set_attributes, and with VATTR_SIZE set
	 * v->size and free the blocks past it. NULL op: the former alone. */
	int (*setattr)(struct vnode *v, const struct vattr *attr);

	/** Page cache: read page @p page->index (zero past the end, and for
	 * holes). */
	int (*read_page)(struct vnode *v, struct page *page);
	/** Page cache, may be NULL: read @p n pages of consecutive indices, at
	 * most PAGES_AT_ONCE; an error is all pages' error. */
	int (*read_pages)(struct vnode *v, struct page **pages, unsigned n);
	/** Page cache: write a page back to where it is allocated. */
	int (*write_page)(struct vnode *v, struct page *page);
	/** Page cache, may be NULL: the same for consecutive pages. */
	int (*write_pages)(struct vnode *v, struct page **pages, unsigned n);
	/** Before a write to [offset, offset+len): allocate what it needs, so
	 * that write_page cannot run out of space. -ENOSPC, -EDQUOT, -EFBIG. */
	int (*prepare_write)(struct vnode *v, uint64_t offset, uint64_t len);
	/** Have the file (its metadata too) reach the disk. */
	int (*fsync)(struct vnode *v, bool data_only);
	/** The vnode is to go: write the inode back, or free the file if it
	 * has no links; then free v's private data. No one else can reach it;
	 * v->lock is not held. It may not allocate kernel heap: it runs when
	 * that is short. */
	void (*inactive)(struct vnode *v);

	/** Open files that are not regular: replace the file's operations
	 * (devices, FIFOs). NULL op: regular_file_ops or dir_file_ops. */
	int (*open)(struct vnode *v, struct file *f);
};

/**
 * VFS1: there is at most one vnode for an inode of a mount: the one in the
 * mount's table. The table holds one reference; a vnode without others is idle
 * and may be evicted. A count of 0 is final: it is being taken down.
 * Its memory is freed after a grace period (RCU1): look-ups take no lock.
 */
struct vnode {
	/* Constant once it is ready. */
	enum vnode_type type;
	uint64_t ino;
	struct mount *mount;
	const struct vnode_ops *ops;
	void *private_data; /**< the file system's inode */
	uint64_t rdev;	    /**< of a device: abi/dev.h */

	struct refcount refs;

	/** Directories: guards the entries. Files: excludes writes and size
	 * changes from each other; reads do not take it. A directory's before
	 * a file's, a parent's before its child's. */
	struct rwlock lock;

	/* Guarded by `lock` for writing; read without it by stat. */
	uint32_t mode; /**< permission bits and file type (S_IF*) */
	uint32_t uid, gid, nlink;
	_Atomic uint64_t size;
	uint64_t blocks; /**< 512-byte units */
	struct timespec atime, mtime, ctime;
	bool dirty; /**< the inode differs from the disk's */

	struct page_cache *cache; /**< VT_REG, VT_BLK: its pages */
	struct mount *mounted;	  /**< a file system mounted on it, or NULL */
	void *ipc;		  /**< ipc: the pipe behind a FIFO */
	struct list mappings;	  /**< vm: address spaces that map it */
	struct spinlock mappings_lock;

	/** Open files that may write, or minus the number of programs that run
	 * from it (ETXTBSY). */
	_Atomic int writers;
	void *locks; /**< record locks (reclock.c) */

	/* Of directories, and of files that are in use and have lost their
	 * name. Under tree_lock (vnode.c); parent is read in RCU sections. */
	struct vnode *parent; /**< referenced; NULL: root of its mount */
	char *name;	      /**< in the parent, terminated */

	/* Under the name cache's lock. */
	struct list names;    /* its entries that lead here */
	struct list children; /* its entries of this directory */

	/* Under mount->vnodes_lock. */
	struct rbnode table_node;
	bool ready; /* filled by the file system */

	bool recent;		/* used since the evictor came by */
	struct list clock_link; /* all evictable vnodes, under clock_lock */
	struct rcu_head rcu;
};

/** Take and give back references. vnode_put may sleep (inactive). */
struct vnode *vnode_get(struct vnode *v);
void vnode_put(struct vnode *v);
/** Take a reference to a vnode that was found in an RCU section or a locked
 * table. @return false: it is being taken down */
bool vnode_try_get(struct vnode *v);

/**
 * Find or make the vnode of inode @p ino, referenced. A new one (*is_new) is
 * hidden from others, who wait for it here, until the file system has filled
 * it and calls vnode_ready (or vnode_abandon if that failed). May sleep; no
 * lock is held that an `inactive` takes.
 */
struct vnode *vnode_lookup(struct mount *m, uint64_t ino, bool *is_new);
void vnode_ready(struct vnode *v, enum vnode_type type,
		 const struct vnode_ops *ops);
void vnode_abandon(struct vnode *v);

/** Owner, mode and times of a new file in @p dir: the caller's, the directory's
 * group where that has S_ISGID; now. @p mode has type and permission bits. */
void vnode_set_owner(struct vnode *v, const struct vnode *dir, uint32_t mode);

/** Fill @p st from the vnode's fields and its getattr. */
int vnode_stat(struct vnode *v, struct stat *st);

/** Mark times: now. */
#define TOUCH_ATIME 1
#define TOUCH_MTIME 2
#define TOUCH_CTIME 4
void vnode_touch(struct vnode *v, unsigned which);
struct timespec timespec_now(void);

/** exec: while a program runs from @p v no one may open it for writing.
 * @return 0, or -ETXTBSY: someone has it open for writing */
int vnode_deny_write(struct vnode *v);
void vnode_allow_write(struct vnode *v);

/* ---- Mounts and file systems ---- */

struct mount_ops {
	int (*statfs)(struct mount *m, struct statfs *st);
	/** Write all dirty inodes and metadata. */
	int (*sync)(struct mount *m);
	/** Write back dirty inode @p v. */
	int (*write_inode)(struct mount *m, struct vnode *v);
	/** MS_RDONLY of @p flags differs from now: all has been written, mark
	 * the disk as unmounted; or prepare it for writing. NULL: nothing to
	 * do. @return 0, -EROFS, -EIO */
	int (*remount)(struct mount *m, unsigned flags);
	void (*unmount)(struct mount *m);
};

struct mount {
	const struct filesystem *fs;
	const struct mount_ops *ops;
	struct vnode *root;
	struct vnode *covered;	     /**< where it is mounted; NULL: the root */
	struct block_device *device; /**< or NULL */
	uint64_t dev;		     /**< st_dev of its files */
	unsigned flags;		     /**< MS_* */
	char source[32];	     /**< for /proc/mounts */
	char target[64];
	void *private_data;
	/** Its vnodes are the files themselves: they stay while they have
	 * links (tmpfs). Set by the file system's mount. */
	bool in_memory;
	/** Names come and go by themselves (proc): no vnode and no name is kept
	 * when nobody uses it. Set by the file system's mount. */
	bool no_cache;
	struct spinlock vnodes_lock;
	struct rbroot vnodes;	  /* by ino */
	struct mutex rename_lock; /* moves between directories, one at a time */
	struct list link;	  /* under mounts_lock */
	struct rcu_head rcu;
};

struct filesystem {
	const char *name;
	bool needs_device;
	/** Fill @p m (ops, root, private_data). 0 or a negative errno. */
	int (*mount)(struct mount *m, const char *options);
};
#define FILESYSTEM(ident, device, mount_fn)                                    \
	static const struct filesystem filesystem_##ident LINKED(              \
		".filesystem") = { #ident, device, mount_fn }

/** Mount a file system of type @p type on path @p target (NULL: as root, over
 * the present one). @p source: "sda", "/dev/sda", or any text. Checks no
 * permission. @return 0, -ENODEV: no such type, -ENOTBLK, -EBUSY... */
int vfs_mount(const char *type, const char *source, const char *target,
	      unsigned flags, const char *options);
int vfs_unmount(const char *target, unsigned flags);
/** proc, before the first program: mount the root file system that root=NAME
 * on the command line names (else the first disk, else memory) and /dev. */
void vfs_mount_root(void);
/** Write everything dirty, of all mounts, to their disks. May sleep. */
int vfs_sync(void);
/** Before the machine stops: write everything, and make all disks read-only
 * and clean. May sleep. */
void vfs_shutdown(void);
/** Call @p fn for every mount, in order. May sleep within. */
void mount_for_each(void (*fn)(struct mount *m, void *arg), void *arg);

/* ---- Whose call it is ---- */

struct cred {
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	unsigned ngroups;
	uint32_t groups[32];
};

/** Of a process (shared by CLONE_FS): guarded by lock. */
struct fs_context {
	struct refcount refs;
	struct spinlock lock;
	struct vnode *root, *cwd;
	uint32_t umask;
	struct cred cred;
};
struct fs_context *fs_context_new(void); /**< at "/", root's, umask 022 */
struct fs_context *fs_context_copy(struct fs_context *from);
struct fs_context *fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);
/** Credentials of the running thread (kernel threads: root's). */
const struct cred *current_cred(void);
bool cred_in_group(const struct cred *c, uint32_t gid);
/** The running thread's context; kernel threads share one. */
struct fs_context *current_fs(void);

/** Whether the caller may access @p v: @p want is of R_OK, W_OK, X_OK.
 * 0, -EACCES, -EROFS. */
int vnode_access(struct vnode *v, int want);
/** The same for other credentials. */
int cred_access(const struct cred *c, struct vnode *v, int want);

/* ---- Path walk ---- */

#define WALK_NOFOLLOW  0x1 /**< do not follow a link at the end */
#define WALK_DIRECTORY 0x2 /**< must be a directory */

/** Bound on kernel heap, in pages, of a call that walks a path: walks top up
 * the reservation to this between components. */
#define PATH_HEAP_PAGES 24

/** Walk @p path (kernel memory) from @p dirfd (AT_FDCWD: cwd). *result
 * referenced. No locks held. @return 0, -ENOENT, -ENOTDIR, -EACCES, -ELOOP,
 * -ENAMETOOLONG, -EBADF, -EIO, -EINTR: the thread is to die */
int path_walk(int dirfd, const char *path, unsigned flags,
	      struct vnode **result);

/** Walk to the last name's directory: *dir referenced; the last name is left
 * in @p name (NAME_MAX + 1 bytes). -EEXIST... for "." and "/" is the caller's:
 * *last_type says LAST_NORMAL, LAST_DOT, LAST_DOTDOT or LAST_ROOT. */
enum last_type { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };
int path_walk_parent(int dirfd, const char *path, struct vnode **dir,
		     char *name, enum last_type *last_type);

/** Copy a path from user space into a fresh buffer of the heap; free it with
 * path_free. 0, -EFAULT, -ENAMETOOLONG, -ENOENT for "". */
int path_copyin(const char *user, char **path);
void path_free(char *path);

/** The path of @p v from the caller's root, in @p buf: of a directory always,
 * of a file that is in use by the name it was last found by.
 * @return its length, or -ERANGE, -ENOENT (unlinked, or not known) */
int vnode_path(struct vnode *v, char *buf, size_t size);

/** What a link to @p v in /proc shows: its path; the last one and " (deleted)"
 * if that is gone. @return its length, or -ERANGE */
int vnode_link_text(struct vnode *v, char *buf, size_t size);

/* ---- Open files and descriptors ---- */

/**
 * Operations of an open file. All may sleep; NULL is -EINVAL (read, write) or
 * as the call's manual page says.
 */
struct file_ops {
	/** *pos moves by what was transferred. @return bytes or -errno */
	int64_t (*read)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*write)(struct file *f, struct uio *u, uint64_t *pos);
	int64_t (*seek)(struct file *f, int64_t offset, int whence);
	int (*readdir)(struct file *f, void *dirent, size_t size);
	int (*ioctl)(struct file *f, uint64_t request, uint64_t arg);
	/** Ready events (POLLIN...) now. If @p table is not NULL, first
	 * poll_add(table, wq) for each queue that would announce a change. */
	unsigned (*poll)(struct file *f, struct poll_table *table);
	int (*fsync)(struct file *f, bool data_only);
	/** Files without a vnode: what fstat shows. */
	int (*stat)(struct file *f, struct stat *st);
	/** vm: what a mapping of this file maps (NULL: memory of zeros); 0 or
	 * -ENODEV, -EACCES. NULL op: -ENODEV. */
	int (*mmap)(struct file *f, struct vnode **backing);
	/** The last reference is gone. */
	void (*release)(struct file *f);
};

struct file {
	struct refcount refs;
	const struct file_ops *ops;
	struct vnode *vnode;	/**< NULL: pipe, ... */
	_Atomic unsigned flags; /**< O_*: access mode and status flags */
	/** Read and write use pos (regular files, directories, disks), and
	 * hold pos_lock for it. */
	bool has_pos;
	struct mutex pos_lock;
	uint64_t pos;
	void *private_data;
	struct rcu_head rcu; /* fd_get takes no lock */
};

static inline bool
file_readable(const struct file *f)
{
	return !(f->flags & (O_PATH | O_WRONLY));
}

static inline bool
file_writable(const struct file *f)
{
	unsigned flags = f->flags;

	return !(flags & O_PATH) && (flags & O_ACCMODE) - 1u < 2;
}

/** ipc's poll: how a file says what to wait on; NULL table: do not wait. */
struct poll_table {
	void (*add)(struct poll_table *t, struct waitq *wq);
};
static inline void
poll_add(struct poll_table *t, struct waitq *wq)
{
	if (t)
		t->add(t, wq);
}

/** An open file without a vnode. */
struct file *file_new(const struct file_ops *ops, unsigned flags,
		      void *private_data);
/** Open @p v: checks no permission; a reference to v is taken. @return 0,
 * -ETXTBSY, -ENXIO, -EACCES (device on a MS_NODEV mount), the device's */
int vnode_open(struct vnode *v, unsigned flags, struct file **result);
/** open(2) for the kernel: @p path is kernel memory, AT_FDCWD resolved against
 * the running thread's. */
int file_open(int dirfd, const char *path, unsigned flags, uint32_t mode,
	      struct file **result);
struct file *file_get(struct file *f);
void file_put(struct file *f);

extern const struct file_ops regular_file_ops, dir_file_ops;

/** Read or write at *pos, or at the file's own position where @p pos is NULL.
 * Checks the access mode. @return bytes or -errno (-ESPIPE: @p pos given, and
 * the file has no positions) */
int64_t file_read(struct file *f, struct uio *u, uint64_t *pos);
int64_t file_write(struct file *f, struct uio *u, uint64_t *pos);

/** A process's descriptors (shared by CLONE_FILES). */
struct fdtable *fdtable_new(void);
struct fdtable *fdtable_copy(struct fdtable *from);
struct fdtable *fdtable_get(struct fdtable *t);
void fdtable_put(struct fdtable *t);
void fdtable_close_on_exec(struct fdtable *t);

/** The file behind descriptor @p fd of the running thread, referenced; NULL:
 * there is none (-EBADF). */
struct file *fd_get(int fd);
/** The same in another process's table, for /proc/PID/fd. */
struct file *fdtable_get_file(struct fdtable *t, int fd);
/** Next used descriptor >= @p fd, or -1. */
int fdtable_next(struct fdtable *t, int fd);
/** Install @p f at the lowest free descriptor >= @p from; takes over the
 * caller's reference on success. @return fd, or -EMFILE */
int fd_install(struct file *f, int from, bool cloexec);
/** Close. @return 0 or -EBADF */
int fd_close(int fd);

struct vfs_ops {
	/** proc: the limit RLIMIT_NOFILE of the running process. */
	unsigned (*nofile_limit)(void);
	/** proc: the limit RLIMIT_FSIZE of the running process, in bytes. */
	uint64_t (*fsize_limit)(void);
	/** signal: it would be exceeded: SIGXFSZ to the running thread. */
	void (*fsize_exceeded)(void);
	/** vm: pages of @p v from index @p first on are gone: unmap them. */
	void (*unmap_pages)(struct vnode *v, uint64_t first, uint64_t last);
	/** ipc: open a FIFO: install the pipe's operations in @p f. */
	int (*open_fifo)(struct vnode *v, struct file *f);
	/** ipc: F_GETPIPE_SZ and F_SETPIPE_SZ; signal: F_SETOWN and its kin.
	 * -EINVAL where they do not apply. */
	int64_t (*fcntl)(struct file *f, unsigned command, uint64_t arg);
	/** proc: the pid that F_GETLK reports for the running process. */
	int (*pid)(void);
};
extern struct vfs_ops vfs_ops;

/** Read or write a file from the kernel (exec). @return bytes or -errno */
int64_t vnode_read(struct vnode *v, void *buf, size_t len, uint64_t pos);

/* ---- The page cache ---- */

/*
 * VFS2: a page in a cache is referenced by the cache; whoever uses it takes
 * another reference. PG_UPTODATE once its contents are the file's.
 */
#define PG_UPTODATE  0x1
#define PG_DIRTY     0x2
#define PG_LOCKED    0x4 /**< being read or written back */
#define PG_WRITEBACK 0x8
#define PG_ERROR     0x10
#define PG_RECENT    0x20 /**< used since reclaim came by */

/** Most pages that read_pages and write_pages are given. */
#define PAGES_AT_ONCE 16

/** The page of @p v at @p index, read if need be; referenced. NULL and *error:
 * -EIO, -ENOMEM. May sleep. Past the end of file the page is zeros. */
struct page *page_cache_get(struct vnode *v, uint64_t index, int *error);
/** The page if it is there and up to date, else NULL. Does not sleep. */
struct page *page_cache_peek(struct vnode *v, uint64_t index);
/** The page's contents have changed; the caller holds a reference. Any context
 * that may take a spinlock. */
void page_cache_dirty(struct vnode *v, struct page *page);
/** Drop pages from @p first on (truncate) and zero the rest of a partial one:
 * @p size is the new size in bytes. */
void page_cache_truncate(struct vnode *v, uint64_t size);
/** Write dirty pages back and wait. @return 0 or -EIO */
int page_cache_sync(struct vnode *v);
/** Drop all pages and the cache itself (the vnode goes away). */
void page_cache_destroy(struct vnode *v);
/** Pages in all caches, and dirty ones. */
void page_cache_stats(uint64_t *cached, uint64_t *dirty);

/** Transfer @p bytes between consecutive sectors and @p n pages (at most
 * BLOCK_REQUEST_PAGES_MAX) in one request, and wait: for read_pages and
 * write_pages. May sleep. @return 0 or -EIO */
int block_transfer_pages(struct block_device *d, enum block_op op,
			 uint64_t sector, struct page **pages, unsigned n,
			 uint64_t bytes);

/* ---- Blocks of a disk, for file systems' metadata ---- */

/** A block of a device, cached. */
struct transaction;

/** Where a buffer stands in a journal: chapter journal's, guarded by its lock.
 * Each transaction named holds a reference to the buffer. */
struct buf_log {
	struct transaction *running;	/**< being changed in this one */
	struct transaction *committing; /**< being written to the log */
	struct transaction *logged;	/**< in the log, and not home */
	struct list running_link, committing_link, logged_link;
	bool revoked;	   /**< in the running one: freed, not changed */
	struct page *copy; /**< what is committed; the thread's */
};

struct buf {
	struct block_device *device;
	uint64_t block; /**< in units of size */
	uint32_t size;	/**< bytes: 1024 to 4096 */
	void *data;
	struct refcount refs;
	_Atomic uint32_t flags;
	struct mutex lock; /**< guards data; held by who changes it */
	struct buf *hash_next;
	struct list lru; /* free, clean (by use) or dirty (by age) */
	struct page *page;
	struct buf_log log;
};
/** Read block @p block; referenced. The headers come from pages, not from the
 * kernel heap: faults read blocks, too. NULL and *error on -EIO, -ENOMEM. */
struct buf *buf_read(struct block_device *d, uint64_t block, uint32_t size,
		     int *error);
/** The block without reading it, for one that will be overwritten whole. */
struct buf *buf_get(struct block_device *d, uint64_t block, uint32_t size,
		    int *error);
void buf_put(struct buf *b);
/** One more reference to a buffer that has one. */
void buf_hold(struct buf *b);
/** The block if it is in the cache, referenced; or NULL. */
struct buf *buf_find(struct block_device *d, uint64_t block, uint32_t size);
void buf_dirty(struct buf *b);
/** Its contents are whole, but are not to be written by the cache. */
void buf_filled(struct buf *b);
/** Write it now; its lock is held. @return 0 or -EIO */
int buf_write(struct buf *b);
/** Forget a block that has been freed: it is not to be written any more, and
 * no write of it is under way. May sleep. */
void buf_forget(struct block_device *d, uint64_t block, uint32_t size);
/** Write all dirty blocks of @p d and flush it. @return 0 or -EIO */
int buf_sync(struct block_device *d);
/** Forget all clean blocks of @p d that nobody holds: before a mount, when
 * the disk may have been written to as a file. */
void buf_invalidate(struct block_device *d);

/* ---- Devices as files ---- */

/**
 * Make a device file /dev/@p name. @p mode is S_IFCHR or S_IFBLK and
 * permission bits. Opening it calls @p open with a file whose operations it
 * sets (and may refuse).
 */
void devfs_add(const char *name, uint32_t mode, uint64_t rdev,
	       int (*open)(struct vnode *v, struct file *f));
/** Open device @p rdev: for device nodes in other file systems (mknod). */
int devfs_open_rdev(struct vnode *v, struct file *f);

#endif
