/*
 * The path walk in its parts, for calls that look up, make or remove the last
 * name of a path; what a change of a directory's entries needs; and paths that
 * come from user space. Whole walks are in vfs.h.
 */
#ifndef WALK_H
#define WALK_H

#include "namecache.h"

/* ---- A walk in progress ---- */

#define WALK_PARENT 0x100 /* stop before the last name */

/** What the last name of a path is: a name, ".", "..", or there is none. */
enum last_type { LAST_NORMAL, LAST_DOT, LAST_DOTDOT, LAST_ROOT };

/** A walk in progress, on the walker's stack. Its `at` is referenced between
 * the calls, and unlocked unless the walker locks it. */
struct walk {
	struct vnode *at; /* where the walk has come; NULL: it did not begin */
	const char *path; /* what is left: the caller's, or in text */
	struct name last; /* WALK_PARENT: the last name ... */
	enum last_type last_type;
	bool slash;		 /* ... and whether a slash follows it */
	unsigned flags, links;	 /* WALK_*; links followed so far */
	const struct cred *cred; /* whose rights to search count */
	struct vnode *victim;	 /* the caller's: what it has removed */
	struct page *text; /* a followed link's target and the rest, or NULL */
};

/** Begin a walk: @p w must be ended by walk_end, even if this fails. @p path
 * stays the caller's, and is there until then. May sleep. @return 0, -ENOENT:
 * an empty path, -EBADF, -ENOTDIR: the file behind @p dirfd has no vnode */
int walk_begin(struct walk *w, int dirfd, const char *path, unsigned flags);
/** Walk to the end, or to the last name: then `at` is its directory, which may
 * be searched, and nothing is said of the name itself; `last` points into the
 * path. No locks are held; may sleep; errors as path_walk's. After
 * walk_follow_last it may be called again. */
int walk_run(struct walk *w);
/** Give back what the walk holds. No locks are held; may sleep. */
void walk_end(struct walk *w);
/** WALK_PARENT: go on through @p link, found under the last name, to which the
 * caller keeps his reference. What is left of the path then is walked by
 * walk_run; if nothing is, `at` is where it led. May sleep. @return 0, -ELOOP,
 * -ENAMETOOLONG, -ENOMEM, -EINTR, or the link's */
int walk_follow_last(struct walk *w, struct vnode *link);
/** path_walk with the credentials @p cred (access(2)): they count for the right
 * to search. */
int path_walk_as(const struct cred *cred, int dirfd, const char *path,
		 unsigned flags, struct vnode **result);

/** What @p name leads to in @p dir, whose lock is held (for reading, or
 * writing): through the cache, or the file system, which the cache is told. *v
 * referenced; mounts are not crossed, and no right is checked. Allocates; may
 * sleep. @return 0, -ENOENT, -ENAMETOOLONG, -EIO */
int name_lookup(struct vnode *dir, const struct name *name, struct vnode **v);
/** The same, taking the lock if the cache does not know. No locks are held;
 * renews the reservation of heap. Also -ENOENT: @p dir has been removed;
 * -EINTR: the thread is to die. */
int name_lookup_unlocked(struct vnode *dir, const struct name *name,
			 struct vnode **v);

/* ---- Entries ---- */

/** Directory @p v is found as @p name in @p dir: remember it, for ".." and
 * getcwd; or a file in use loses this name. @p dir is locked. Allocates. */
void vnode_set_parent(struct vnode *v, struct vnode *dir,
		      const struct name *name);
/** Guards parent and name of all directories. Nothing is taken under it, and
 * nothing that sleeps. */
extern struct spinlock tree_lock;

/** Whether directory @p v, locked for writing, so that it stays so, has no
 * entries. May sleep. @return 0, -ENOTEMPTY, or the error of reading it */
int directory_check_empty(struct vnode *v);

/* ---- Paths and descriptors from user space ---- */

/** A path copied from user space: most fit the buffer, and cost no heap. On the
 * stack of a call; not to be copied, as text may point into it. */
struct user_path {
	char *text;
	char small[120];
};
/** Copy the path at user address @p user. 0, -EFAULT; -ENAMETOOLONG: more than
 * PATH_MAX with the NUL; -ENOMEM; -ENOENT for "" unless @p empty_ok. After 0 it
 * is to be put. No locks are held; may sleep. */
int user_path_get(struct user_path *p, const char *user, bool empty_ok);
void user_path_put(struct user_path *p);

/** Copy a path from user space into a fresh buffer of the heap; free it with
 * path_free (which takes NULL). For who keeps several, or stores it. 0,
 * -EFAULT, -ENAMETOOLONG, -ENOMEM, -ENOENT for "". May sleep. */
int path_copyin(const char *user, char **path);
void path_free(char *path);

/** As path_walk, with "" for @p dirfd's own file (with AT_FDCWD the working
 * directory), which need be no directory; AT_SYMLINK_NOFOLLOW is honoured.
 * Whether "" is allowed, the caller has checked. */
int path_walk_at(int dirfd, const char *path, unsigned at_flags,
		 struct vnode **result);

/** Walk a user's path; with AT_EMPTY_PATH in @p at_flags, "" is @p dirfd's own
 * file, without it -ENOENT; AT_SYMLINK_NOFOLLOW is honoured. *result
 * referenced. No locks are held; may sleep. Errors of user_path_get and
 * path_walk. */
int user_walk(int dirfd, const char *path, unsigned at_flags,
	      struct vnode **result);

/** Vnode of descriptor @p fd (chapter files), referenced; whatever it is open
 * for, O_PATH too. @return 0, -EBADF, -ENOTDIR: the file has none */
int fd_vnode(int fd, struct vnode **v);
/* ---- Heap strings and buffers longer than KALLOC_MAX ---- */

/** Room for @p size bytes, at most a page; never NULL up to KALLOC_MAX. Freed
 * by buffer_free, which takes NULL. Neither sleeps. */
void *buffer_new(size_t size);
void buffer_free(void *buffer);

#endif
