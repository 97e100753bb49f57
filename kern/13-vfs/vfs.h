/*
 * vfs: vnodes and names. A vnode is a file of whatever file system; a mount is
 * a file system that stands in the tree; a path leads from name to name to a
 * vnode. Here is what a file system provides and what is common to all. How a
 * path is walked step by step, and entries change, is in walk.h.
 */
#ifndef VFS_H
#define VFS_H

#include "abi/dev.h"
#include "abi/dirent.h"
#include "abi/fcntl.h"
#include "abi/limits.h"
#include "abi/mount.h"
#include "abi/stat.h"
#include "abi/statfs.h"
#include "abi/time.h"
#include "abi/unistd.h"
#include "cache.h"

struct vnode;
struct file;
struct fdtable;
struct mount;

/* ---- Vnodes ---- */

enum vnode_type { VT_REG, VT_DIR, VT_LNK, VT_CHR, VT_BLK, VT_FIFO, VT_SOCK };

/** New attributes for setattr: only those whose bit is set; the others are not
 * looked at. */
struct vattr {
	unsigned valid; /**< VATTR_* */
	uint32_t mode;	/**< permission bits, 07777 */
	uint32_t uid, gid;
	uint64_t size; /**< bytes */
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
 * inode dirty: the common part of every setattr. @p v's lock is held for
 * writing. Does not sleep. */
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
	/** The same for a directory, and for a link to @p target, which is
	 * copied. The new file's owner and times are vnode_set_owner's.
	 * -ENOSPC, -EMLINK: the parent has no room for one more ".." */
	int (*mkdir)(struct vnode *dir, const char *name, size_t len,
		     uint32_t mode, struct vnode **result);
	int (*symlink)(struct vnode *dir, const char *name, size_t len,
		       const char *target, struct vnode **result);
	/** Another name for @p target, of this mount and no directory, whose
	 * lock is held for writing; its count of links goes up. -EMLINK,
	 * -ENOSPC. */
	int (*link)(struct vnode *dir, const char *name, size_t len,
		    struct vnode *target);
	/** @p victim is the vnode that @p name leads to; its lock is held for
	 * writing. Its count of links goes down, of a directory to 0; the file
	 * itself goes with its last reference (inactive). */
	int (*unlink)(struct vnode *dir, const char *name, size_t len,
		      struct vnode *victim);
	int (*rmdir)(struct vnode *dir, const char *name, size_t len,
		     struct vnode *victim);
	/** @p replaced, or NULL, is what the new name leads to now; it is empty
	 * if it is a directory. Types agree; no cycle arises. All that are
	 * named are locked for writing; both directories are of one mount. */
	int (*rename)(struct vnode *from_dir, const char *from, size_t from_len,
		      struct vnode *moved, struct vnode *to_dir, const char *to,
		      size_t to_len, struct vnode *replaced);
	/** Have @p a's name lead to @p b and @p b's to @p a; as rename, but
	 * both are there. NULL op: -EINVAL. */
	int (*exchange)(struct vnode *a_dir, const char *a_name, size_t a_len,
			struct vnode *a, struct vnode *b_dir,
			const char *b_name, size_t b_len, struct vnode *b);
	/** Make a regular file without a name, as one of @p dir, which is not
	 * locked. *result referenced. NULL op: -EOPNOTSUPP. */
	int (*tmpfile)(struct vnode *dir, uint32_t mode, struct vnode **result);
	/**
	 * Emit entries from position *pos on through @p emit (false: full,
	 * stop before this one). "." and ".." included. *pos moves behind the
	 * last one emitted; positions are stable while others change.
	 */
	int (*readdir)(struct vnode *dir, uint64_t *pos,
		       bool (*emit)(void *arg, const char *name, size_t len,
				    uint64_t ino, unsigned type, uint64_t next),
		       void *arg);
	/** Copy the link's target to @p buf, at most @p size bytes, without a
	 * NUL; no lock is held. @return its length, or -errno */
	int (*readlink)(struct vnode *v, char *buf, size_t size);
	/** procfs: follow a link that is no path (/proc/self/exe): *result
	 * referenced. NULL op: use readlink. */
	int (*follow)(struct vnode *v, struct vnode **result);

	/** Fill the type-independent rest: called with v's fields valid; no
	 * lock is held. NULL op: they are all there is. */
	int (*getattr)(struct vnode *v, struct stat *st);
	/** Change attributes: vnode_set_attributes, and with VATTR_SIZE set
	 * v->size and free the blocks past it. v->lock is held for writing.
	 * NULL op: the former alone, and no size can be set. */
	int (*setattr)(struct vnode *v, const struct vattr *attr);

	/** VT_REG: of its page cache, whose owner is the vnode; or NULL. */
	const struct page_cache_ops *pages;

	/** VT_REG: free what holds bytes [from, to), which read as zeros from
	 * now on, by way of vnode_drop_range; v->lock is held for writing. At
	 * the end of file, @p to is the end of its last page. NULL op: no holes
	 * can be made (-EOPNOTSUPP). */
	int (*punch)(struct vnode *v, uint64_t from, uint64_t to);
	/** VT_REG: where from byte @p from on, which is before the end, the
	 * first data (@p data) or hole is, or the size. NULL op: all is data.
	 * No lock is held. @return the position or -errno */
	int64_t (*find)(struct vnode *v, uint64_t from, bool data);

	/** Have the file (its metadata too, but with @p data_only only what
	 * leads to the data) reach the disk, after its pages were written.
	 * v->lock is not held. NULL op: nothing to do. */
	int (*fsync)(struct vnode *v, bool data_only);
	/** The vnode is to go: write the inode back, or free the file if it
	 * has no links; then free v's private data. No one else can reach it;
	 * v->lock is not held. It may not allocate kernel heap: it runs when
	 * that is short. */
	void (*inactive)(struct vnode *v);

	/** Open files that are not regular: replace the file's operations
	 * (devices, FIFOs), or refuse. v->lock is not held; f is not known to
	 * anybody yet, and if this fails its `release` is not called. NULL op:
	 * regular_file_ops or dir_file_ops, and by type what vfs_ops has. */
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
	uint64_t serial;    /**< no other vnode has or had it; not 0 */

	struct refcount refs; /**< VFS1: 1 is idle, 0 is going */

	/** Directories: guards the entries. Files: excludes writes and size
	 * changes from each other; reads do not take it. A directory's before a
	 * file's, a parent's before its child's. Mappings and write-back do not
	 * take it either. */
	struct rwlock lock;

	/* Guarded by `lock` for writing; read without it by stat and by who
	 * asks for rights, who may see one field of a change and not yet the
	 * next. Access times are also set without it, by who reads. */
	uint32_t mode; /**< permission bits and file type (S_IF*) */
	uint32_t uid, gid, nlink;
	_Atomic uint64_t size;
	uint64_t blocks; /**< 512-byte units */
	struct timespec atime, mtime, ctime;
	_Atomic bool dirty; /**< the inode differs from the disk's: set after
				 the change, and taken back before it is copied
				 for write_inode */
	bool linkable;	/**< of O_TMPFILE: without a name, may yet get one */
	unsigned seals; /**< files: F_SEAL_*, of a nameless file */

	/** VT_REG: its pages, NULL once it is taken down; VT_BLK: of a disk's
	 * own vnode alone. Else NULL. Read in RCU sections. */
	struct page_cache *cache;
	/** A file system mounted on it, or NULL: VFS3. Under the list of
	 * mounts' lock (tmpfs); read in RCU sections. */
	struct mount *mounted;
	void *ipc; /**< ipc: the pipe behind a FIFO, the segment whose memory
		    * it is; socket: the socket */

	/** VT_REG: open files that may write, or minus the number of programs
	 * that run from it (ETXTBSY): never both, so one number does. */
	_Atomic int writers;
	void *locks; /**< files: record locks (chapter files), or NULL */
	/** event: who watches it, or NULL. While there are watches they hold
	 * one reference, all together. */
	void *watches;

	/* Of directories, and of files that are in use and have lost their
	 * name. Under tree_lock (vnode.c); parent is read in RCU sections. */
	struct vnode *parent; /**< referenced; NULL: root of its mount */
	char *name;	      /**< in the parent, terminated */

	/* Under the name cache's lock. */
	struct list names;    /* its entries that lead here */
	struct list children; /* its entries of this directory */

	/* Under mount->vnodes_lock. */
	struct rbnode table_node;
	bool ready; /* filled by the file system; until then look-ups wait */

	bool recent; /* used since the evictor came by: a hint, no lock */
	struct list clock_link; /* all evictable vnodes, under clock_lock */
	struct rcu_head rcu;
};

/** Take and give back references. vnode_get is for who has one, or a lock that
 * keeps one. vnode_put may sleep (inactive): no spinlock is held. It may be
 * called with vnodes' locks held, as an inactive takes none. */
struct vnode *vnode_get(struct vnode *v);
void vnode_put(struct vnode *v);
/** The same where the caller knows of another reference that stays: does not
 * sleep, and may be called under a spinlock. */
void vnode_put_early(struct vnode *v);
/** Take a reference to a vnode that was found in an RCU section or a locked
 * table. Does not sleep. @return false: it is being taken down */
bool vnode_try_get(struct vnode *v);

/* Levels of directories' locks (lockcheck's subclasses): a rename holds the
 * locks of both parents, and of what it moves and replaces. */
enum { DIR_PARENT, DIR_PARENT2, DIR_VICTIM, DIR_VICTIM2 };
#define FILE_SECOND 1 /* level of the second of two files' locks */
/** Lock for writing, and unlock. @p level: of the list above, for lockcheck; 0
 * where no other of the kind is held. May sleep. */
void vnode_lock(struct vnode *v, unsigned level);
void vnode_unlock(struct vnode *v);

/**
 * Find or make the vnode of inode @p ino, referenced. A new one (*is_new) is
 * hidden from others, who wait for it here, until the file system has filled it
 * and calls vnode_ready (or vnode_abandon if that failed, which also gives the
 * reference back). Who finds one that is going waits until it has gone, and
 * makes a new one. Allocates; may sleep; no lock is held that an `inactive`
 * takes. */
struct vnode *vnode_lookup(struct mount *m, uint64_t ino, bool *is_new);
void vnode_ready(struct vnode *v, enum vnode_type type,
		 const struct vnode_ops *ops);
void vnode_abandon(struct vnode *v);

/** Owner, mode and times of a new file in @p dir: the caller's, the directory's
 * group where that has S_ISGID; now. @p mode has type and permission bits, as
 * far as the umask lets it. Does not sleep; nobody else can reach @p v yet. */
void vnode_set_owner(struct vnode *v, const struct vnode *dir, uint32_t mode);

/** Fill @p st from the vnode's fields and its getattr. Takes no lock; may
 * sleep. @return 0, or getattr's error */
int vnode_stat(struct vnode *v, struct stat *st);

/** Mark times: now. The vnode's lock is held for writing, but for access times.
 * Does not sleep: the inode is dirty, and written later. */
#define TOUCH_ATIME 1
#define TOUCH_MTIME 2
#define TOUCH_CTIME 4
void vnode_touch(struct vnode *v, unsigned which);
struct timespec timespec_now(void);

/** Change attributes by the file system's setattr; @p v's lock is held for
 * writing. Checks no permission; does not touch pages (vnode_resize does). May
 * sleep. @return 0, or the file system's */
int vnode_change_locked(struct vnode *v, const struct vattr *attr);

/** Count as a writer of regular file @p v: meanwhile no program runs from it,
 * and its mount does not become read-only; to be undone as often as it was
 * done. Do not sleep. @return 0; -ETXTBSY: a program runs from it; -EROFS */
int vnode_begin_write(struct vnode *v);
void vnode_end_write(struct vnode *v);
/** exec: while a program runs from @p v no one may open it for writing; to be
 * undone as often as it was done. Do not sleep. @return 0, or -ETXTBSY: someone
 * has it open for writing */
int vnode_deny_write(struct vnode *v);
void vnode_allow_write(struct vnode *v);

/* ---- Mounts and file systems ---- */

/** What a file system does for a mount. All may sleep, and may be NULL: nothing
 * to do. */
struct mount_ops {
	/** Fill type, blocks and files; the rest is there. 0 or -errno. */
	int (*statfs)(struct mount *m, struct statfs *st);
	/** Write all metadata that is not inodes, which were written before, so
	 * that what is on the disk can be mounted. 0 or -EIO. */
	int (*sync)(struct mount *m);
	/** Write back dirty inode @p v, and clear v->dirty first: what changes
	 * meanwhile makes it dirty anew. No lock is held. 0 or -EIO. */
	int (*write_inode)(struct mount *m, struct vnode *v);
	/** MS_RDONLY of @p flags differs from now: all has been written, mark
	 * the disk as unmounted; or prepare it for writing. NULL: nothing to
	 * do. @return 0, -EROFS, -EIO */
	int (*remount)(struct mount *m, unsigned flags);
	/** The last call: there are no vnodes any more. Write what is left and
	 * free private_data. Also after a failed mount, once `ops` is set. */
	void (*unmount)(struct mount *m);
};

/** A file system that stands in the tree. Valid for who has a reference to one
 * of its vnodes, or in an RCU section. */
struct mount {
	/* Constant once it is mounted, but as is said. */
	const struct filesystem *fs;
	const struct mount_ops *ops;
	struct vnode *root; /**< referenced */
	/** Where it is mounted, referenced; NULL: the root, or detached. Under
	 * the list of mounts' lock (tmpfs); read in RCU sections. */
	struct vnode *covered;
	struct block_device *device; /**< or NULL */
	uint64_t dev;		     /**< st_dev of its files */
	unsigned flags;		     /**< MS_*; a remount changes them */
	char source[32];	     /**< for /proc/mounts */
	void *private_data;
	/** Its vnodes are the files themselves: they stay while they have
	 * links (tmpfs). Set by the file system's mount. */
	bool in_memory;
	/** Options in force beside the flags, for /proc/mounts: ",x=y", NULL.
	 */
	const char *shown;
	/** Names come and go by themselves (proc): no vnode and no name is kept
	 * when nobody uses it. Set by the file system's mount. */
	bool no_cache;
	/** No path leads to it any more (MNT_DETACH): it is taken down when
	 * nobody is inside. Under the list of mounts' lock (tmpfs). */
	bool detached;
	struct spinlock vnodes_lock; /* guards the table */
	struct rbroot vnodes;	     /* by ino; each with a reference: VFS1 */
	struct mutex rename_lock; /* moves between directories, one at a time */
	struct mutex remount_lock; /* the same of changes of flags */
	struct list link;	   /* under mounts_lock, as is the next */
	struct list device_link;   /* of those that have a device */
	struct rcu_head rcu;
};

/** A type of file systems, named in mount(2). */
struct filesystem {
	const char *name;
	bool needs_device; /**< m->device is set before `mount` */
	/** Fill @p m (ops, root, private_data). No locks held; may sleep.
	 * @p options: "x=y,...", or "". 0; -EINVAL: not a disk of this type, or
	 * an unknown option; a negative errno, after which `unmount` is called
	 * if ops is set. */
	int (*mount)(struct mount *m, const char *options);
};
#define FILESYSTEM(ident, device, mount_fn)                                    \
	static const struct filesystem filesystem_##ident LINKED(              \
		".filesystem") = { #ident, device, mount_fn }

/** The mount at the root of the tree; NULL before there is one. It is set once
 * more, when the disk's root covers the one in memory, before there is a
 * program. */
extern struct mount *root_mount;
/** -EROFS on a read-only mount, else 0: for changes that ask for no right to
 * write (of owner, mode, times, names). A file that is open for writing keeps
 * its mount from becoming one. */
static inline int
mount_writable(const struct vnode *v)
{
	return v->mount->flags & MS_RDONLY ? -EROFS : 0;
}

/* The table of a mount's vnodes, for who mounts and writes back. */

/** The vnode of @p m with the least inode number above @p ino that @p want
 * accepts (under the table's spinlock: it must not sleep), referenced, or NULL.
 * So a table is gone through that changes meanwhile: go on from the last one's
 * number. */
struct vnode *vnode_next(struct mount *m, uint64_t ino,
			 bool (*want)(struct vnode *v));
/** Take down all idle vnodes of @p m but its root, those with links too; dirty
 * ones are written by that. May sleep; no vnode's lock is held. */
void vnode_evict_mount(struct mount *m);
/** Whether vnodes of @p m are referenced from outside: by who has them open,
 * stands in them, or is mounted there. A hint while path walks can enter. Does
 * not sleep. */
bool vnode_mount_busy(struct mount *m);
/** Whether a file of @p m is open for writing: now, and the next moment may
 * differ. Does not sleep. */
bool mount_has_writers(struct mount *m);
/** Take down the root: the last vnode of a mount that goes away. Nobody refers
 * to it (VFS3). May sleep. */
void vnode_drop_root(struct mount *m);
/** Evict idle vnodes beyond the bound; for the flush thread. May sleep; no
 * locks are held. */
void vnode_trim(void);

/* ---- Whose call it is ---- */

/** Credentials (credentials(7)): real, effective, saved; the ones that files
 * are checked by follow the effective ones, unless setfsuid(2) parts them. */
struct cred {
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	unsigned ngroups; /**< supplementary ones, in groups */
	uint32_t groups[32];
};

/** Of a process (shared by CLONE_FS): guarded by lock. */
struct fs_context {
	struct refcount refs;
	struct spinlock lock;
	struct vnode *root, *cwd; /**< referenced; read in RCU sections, too */
	uint32_t umask;		  /**< permission bits that new files lack */
	struct cred cred; /**< read without the lock by who checks rights */
};
/* They allocate, but for get and put; put may sleep (vnode_put). A copy is what
 * it was copied from at one moment. */
struct fs_context *fs_context_new(void); /**< at "/", root's, umask 022 */
struct fs_context *fs_context_copy(struct fs_context *from);
struct fs_context *fs_context_get(struct fs_context *c);
void fs_context_put(struct fs_context *c);
/** Credentials of the running thread (kernel threads: root's). */
const struct cred *current_cred(void);
/** A copy of them as they were at one moment. Takes the context's lock. */
struct cred cred_copy(void);
/** Whether @p gid is @p c's group or one of the others. Does not sleep. */
bool cred_in_group(const struct cred *c, uint32_t gid);
/** The running thread's context; kernel threads share one. */
struct fs_context *current_fs(void);
/** Kernel threads see @p root as "/" from now on. */
void context_set_kernel_root(struct vnode *root);
/** Replace root or cwd of the caller's context (@p which points to the field);
 * takes @p v's reference. May sleep. */
void context_set_dir(struct vnode **which, struct vnode *v);
static inline bool
is_root(const struct cred *c)
{
	return c->fsuid == 0;
}

/** Whether the caller may access @p v: @p want is of R_OK, W_OK, X_OK. Takes no
 * lock; does not sleep. 0, -EACCES; -EROFS: to write on a read-only mount, but
 * for devices, FIFOs and sockets, whose data are not there. */
int vnode_access(struct vnode *v, int want);
/** The same for other credentials. */
int cred_access(const struct cred *c, struct vnode *v, int want);
/** Whether the caller owns @p v or is root: -EPERM if not. The lock of @p v is
 * held where a change is to follow. */
int check_owner(const struct vnode *v);

/* ---- Path walk ---- */

#define WALK_NOFOLLOW  0x1 /**< do not follow a link at the end */
#define WALK_DIRECTORY 0x2 /**< must be a directory */

/** Walk @p path (kernel memory) from @p dirfd (AT_FDCWD: cwd; not looked at if
 * the path begins with a slash). *result referenced; it is of the topmost mount
 * at that place. No locks held; may sleep; renews the running thread's
 * reservation of heap. @return 0, -ENOENT (also for ""), -ENOTDIR, -EACCES,
 * -ELOOP, -ENAMETOOLONG, -EBADF, -ENOMEM, -EIO, -EINTR: the thread is to die */
int path_walk(int dirfd, const char *path, unsigned flags,
	      struct vnode **result);

/** The path of @p v from the caller's root, in @p buf: of a directory always,
 * of a file that is in use by the name it was last found by. Where the caller's
 * root does not lead to it, from the top of its tree. Takes no vnode's lock;
 * may sleep. @return its length without the NUL, or -ERANGE: @p size bytes are
 * too few; -ENOENT (unlinked, or not known) */
int vnode_path(struct vnode *v, char *buf, size_t size);
/** The same of directory @p v, with "(unreachable)" in front, as on Linux,
 * where the caller's root does not lead to it. */
int vnode_path_marked(struct vnode *v, char *buf, size_t size);

/** What a link to @p v in /proc shows: its path; the last one and " (deleted)"
 * if that is gone. As vnode_path. @return its length, or -ERANGE */
int vnode_link_text(struct vnode *v, char *buf, size_t size);

/* ---- What later chapters do for vfs, openfile, tmpfs and files ---- */

/** NULL: nothing, or as if there were no limit. */
struct vfs_ops {
	/** proc: the limit RLIMIT_NOFILE of the running process. */
	unsigned (*nofile_limit)(void);
	/** proc: the limit RLIMIT_FSIZE of the running process, in bytes. */
	uint64_t (*fsize_limit)(void);
	/** signal: it would be exceeded: SIGXFSZ to the running thread. A
	 * vnode's lock may be held; does not sleep. */
	void (*fsize_exceeded)(void);
	/** vm: pages @p first to @p last of @p v are gone, or are about to be:
	 * unmap them. v's lock is held for writing; does not sleep. */
	void (*unmap_pages)(struct vnode *v, uint64_t first, uint64_t last);
	/** vm: whether a shared mapping may write @p v, whose lock is held. */
	bool (*written_by_mapping)(struct vnode *v);
	/** tmpfs: open the device of node @p v: install its operations. May
	 * sleep, as may open_fifo, which waits for the other end. */
	int (*open_device)(struct vnode *v, struct file *f);
	/** ipc: open a FIFO: install the pipe's operations in @p f. */
	int (*open_fifo)(struct vnode *v, struct file *f);
	/** ipc: F_GETPIPE_SZ and F_SETPIPE_SZ; signal: F_SETOWN and its kin.
	 * -EINVAL where they do not apply. */
	int64_t (*fcntl)(struct file *f, unsigned command, uint64_t arg);
	/** files: see fd_vnode (walk.h). */
	int (*fd_vnode)(int fd, struct vnode **v);
	/** proc: @p t is the running thread's table from now on; the reference
	 * to the old one is the caller's. */
	void (*set_fdtable)(struct fdtable *t);
	/** files: the last reference to @p f is going, and its vnode has record
	 * locks: drop those of the file. */
	void (*file_gone)(struct file *f);
	/** event: the last reference to @p f is going, and epolls wait for it.
	 * May sleep. */
	void (*file_unwatch)(struct file *f);
	/** proc: the pid that F_GETLK reports for the running process. */
	int (*pid)(void);
};
extern struct vfs_ops vfs_ops;

#endif
