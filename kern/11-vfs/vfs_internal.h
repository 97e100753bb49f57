/*
 * What the files of chapter vfs know of each other and later chapters need not:
 * the tree of directories, the walk's parts, and the small helpers of the
 * system calls.
 */
#ifndef VFS_INTERNAL_H
#define VFS_INTERNAL_H

#include "abi/mount.h"
#include "namecache.h"
#include "string.h"

/* ---- vnode.c ---- */

/* Levels of directories' locks (lockcheck's subclasses): a rename holds the
 * locks of both parents, and of what it moves and replaces. */
enum { DIR_PARENT, DIR_PARENT2, DIR_VICTIM, DIR_VICTIM2 };
#define FILE_SECOND 1 /* level of the second of two files' locks */
void vnode_lock(struct vnode *v, unsigned level);
void vnode_unlock(struct vnode *v);

/** Directory @p v is found as @p name in @p dir: remember it, for ".." and
 * getcwd; or a file in use loses this name. @p dir is locked. Allocates. */
void vnode_set_parent(struct vnode *v, struct vnode *dir,
		      const struct name *name);
/** Guards parent and name of all directories. */
extern struct spinlock tree_lock;

/** The vnode of @p m with the least inode number above @p ino, referenced. */
struct vnode *vnode_next(struct mount *m, uint64_t ino,
			 bool (*want)(struct vnode *v));
/** Take down all idle vnodes of @p m but its root, those with links too. */
void vnode_evict_mount(struct mount *m);
/** Whether vnodes of @p m are referenced from outside. A hint while path walks
 * can enter. */
bool vnode_mount_busy(struct mount *m);
/** Whether a file of @p m is open for writing. */
bool mount_has_writers(struct mount *m);
/** Take down the root: the last vnode of a mount that goes away. */
void vnode_drop_root(struct mount *m);
/** Evict idle vnodes beyond the bound; for the flush thread. */
void vnode_trim(void);
unsigned vnode_count(void);
void vnode_init(void);

/* ---- mount.c ---- */

extern struct mount *root_mount;
struct mount *mount_new(const struct filesystem *fs, unsigned flags,
			const char *source);
void mount_init(void);
/** Write all of @p m and wait until it is on the disk. 0 or -EIO. */
int mount_sync(struct mount *m);
/** Root of the topmost file system that is mounted on @p v, or @p v. */
static inline struct vnode *
mounted_root(struct vnode *v)
{
	struct mount *m;

	while ((m = (struct mount *)rcu_deref(v->mounted)))
		v = m->root;
	return v;
}
/** -EROFS on a read-only mount, else 0. */
static inline int
mount_writable(const struct vnode *v)
{
	return v->mount->flags & MS_RDONLY ? -EROFS : 0;
}

/* ---- walk.c ---- */

#define WALK_PARENT 0x100 /* stop before the last name */

/** A walk in progress. Its `at` is referenced between the calls. */
struct walk {
	struct vnode *at; /* where the walk has come */
	const char *path; /* what is left */
	struct name last; /* WALK_PARENT: the last name ... */
	enum last_type last_type;
	bool slash; /* ... and whether a slash follows it */
	unsigned flags, links;
	const struct cred *cred;
	struct vnode *victim; /* the caller's: what it has removed */
	struct page *text; /* a followed link's target and the rest, or NULL */
};

/** Begin a walk: @p w must be ended by walk_end. */
int walk_begin(struct walk *w, int dirfd, const char *path, unsigned flags);
/** Walk to the end, or to the last name. */
int walk_run(struct walk *w);
void walk_end(struct walk *w);
/** WALK_PARENT: go on through @p link, found under the last name. */
int walk_follow_last(struct walk *w, struct vnode *link);
/** Walk with the credentials @p cred (access(2)). */
int path_walk_as(const struct cred *cred, int dirfd, const char *path,
		 unsigned flags, struct vnode **result);

/** What @p name leads to in @p dir, whose lock is held: through the cache, or
 * the file system. *v referenced; mounts are not crossed. */
int name_lookup(struct vnode *dir, const struct name *name, struct vnode **v);
/** The same, taking the lock if the cache does not know. */
int name_lookup_unlocked(struct vnode *dir, const struct name *name,
			 struct vnode **v);

/** A path copied from user space: most fit the buffer. */
struct user_path {
	char *text;
	char small[120];
};
/** 0, -EFAULT, -ENAMETOOLONG; -ENOENT for "" unless @p empty_ok. */
int user_path_get(struct user_path *p, const char *user, bool empty_ok);
void user_path_put(struct user_path *p);

/** Between two steps of a walk: renew the reservation of heap. No locks are
 * held. @return 0, or -EINTR: the thread is to die */
int walk_checkpoint(void);

/** Walk a user's path; with AT_EMPTY_PATH in @p at_flags, "" is @p dirfd's own
 * file; AT_SYMLINK_NOFOLLOW is honoured. */
int user_walk(int dirfd, const char *path, unsigned at_flags,
	      struct vnode **result);

/** Vnode of descriptor @p fd, referenced. @return 0, -EBADF, -ENOTDIR: the file
 * has none */
int fd_vnode(int fd, struct vnode **v);
/** The same for calls that change the file: O_PATH does not do.
 * @return 0, -EBADF, -EINVAL: it has none */
int fd_real_vnode(int fd, struct vnode **v);

/* ---- context.c ---- */

/** Kernel threads see @p root as "/" from now on. */
void context_set_kernel_root(struct vnode *root);
/** Replace root or cwd of the caller's context; takes @p v's reference. */
void context_set_dir(struct vnode **which, struct vnode *v);

/** Whether the caller owns @p v or is root: -EPERM if not. */
int check_owner(const struct vnode *v);
static inline bool
is_root(const struct cred *c)
{
	return c->fsuid == 0;
}

/* ---- file.c, fd.c ---- */

/** Replace or install the file at exactly @p fd (dup2). */
int fd_replace(int fd, struct file *f, bool cloexec);
int fd_get_flags(int fd);
int fd_set_flags(int fd, bool cloexec);

/* ---- reclock.c ---- */

struct fdtable;
/** Release what the process with table @p t has locked of @p v. */
void record_locks_release(struct vnode *v, const struct fdtable *t);
/** fcntl's F_GETLK, F_SETLK, F_SETLKW. */
int64_t record_lock(struct file *f, unsigned command, struct flock *user);

/* ---- Heap strings and buffers longer than KALLOC_MAX ---- */

/** Room for @p size bytes, at most a page; never NULL up to KALLOC_MAX. */
void *buffer_new(size_t size);
void buffer_free(void *buffer);

/* ---- names.c, attr.c: the calls on kernel paths, for the kernel itself ----
 */

int vfs_mknod(int dirfd, const char *path, uint32_t mode, uint64_t rdev);
int vfs_mkdir(int dirfd, const char *path, uint32_t mode);
int vfs_unlink(int dirfd, const char *path);
int vfs_rmdir(int dirfd, const char *path);
int vfs_symlink(const char *target, int dirfd, const char *path);
int vfs_link(int from_fd, const char *from, int to_fd, const char *to,
	     unsigned at_flags);
int vfs_rename(int from_fd, const char *from, int to_fd, const char *to,
	       unsigned flags);
/** Change the size; @p v's lock is not held. Checks no permission. */
int vnode_truncate(struct vnode *v, uint64_t size);
/** Change attributes by the file system's setattr; @p v's lock is held. */
int vnode_change_locked(struct vnode *v, const struct vattr *attr);

/** Whether the caller may add an entry to @p dir: 0, -ENOENT (removed), -EROFS,
 * -EACCES. The lock is held. */
int may_create(struct vnode *dir);
/** Whether the caller may remove @p v from @p dir: 0, -EROFS, -EACCES, -EPERM
 * (sticky). The lock is held. */
int may_remove(struct vnode *dir, const struct vnode *v);
/** Add an entry: @p name leads to @p v, new in @p dir. The lock is held. */
void entry_added(struct vnode *dir, const struct name *name, struct vnode *v);

/** @p name in @p dir, locked, leads to @p v no more: tell the cache and set the
 * times. The caller has a reference to @p v. */
void entry_removed(struct vnode *dir, const struct name *name, struct vnode *v);

/** Whether directory @p v, locked, has no entries. */
bool directory_is_empty(struct vnode *v);

/* ---- devices ---- */

void devices_init(void);
void block_files_init(void);
/** Write back the pages of disks that are open as files. */
int block_files_sync(void);

#endif
