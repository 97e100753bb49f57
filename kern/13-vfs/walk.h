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

/* ---- Entries ---- */

/** Directory @p v is found as @p name in @p dir: remember it, for ".." and
 * getcwd; or a file in use loses this name. @p dir is locked. Allocates. */
void vnode_set_parent(struct vnode *v, struct vnode *dir,
		      const struct name *name);
/** Guards parent and name of all directories. */
extern struct spinlock tree_lock;

/** Whether directory @p v, locked, has no entries. @return 0, -ENOTEMPTY, or
 * the error of reading it */
int directory_check_empty(struct vnode *v);

/* ---- Paths and descriptors from user space ---- */

/** A path copied from user space: most fit the buffer. */
struct user_path {
	char *text;
	char small[120];
};
/** 0, -EFAULT, -ENAMETOOLONG; -ENOENT for "" unless @p empty_ok. */
int user_path_get(struct user_path *p, const char *user, bool empty_ok);
void user_path_put(struct user_path *p);

/** Copy a path from user space into a fresh buffer of the heap; free it with
 * path_free. 0, -EFAULT, -ENAMETOOLONG, -ENOENT for "". */
int path_copyin(const char *user, char **path);
void path_free(char *path);

/** As path_walk, with "" for @p dirfd's own file; AT_SYMLINK_NOFOLLOW is
 * honoured. */
int path_walk_at(int dirfd, const char *path, unsigned at_flags,
		 struct vnode **result);

/** Walk a user's path; with AT_EMPTY_PATH in @p at_flags, "" is @p dirfd's own
 * file; AT_SYMLINK_NOFOLLOW is honoured. */
int user_walk(int dirfd, const char *path, unsigned at_flags,
	      struct vnode **result);

/** Vnode of descriptor @p fd (chapter files), referenced. @return 0, -EBADF,
 * -ENOTDIR: the file has none */
int fd_vnode(int fd, struct vnode **v);
/* ---- Heap strings and buffers longer than KALLOC_MAX ---- */

/** Room for @p size bytes, at most a page; never NULL up to KALLOC_MAX. */
void *buffer_new(size_t size);
void buffer_free(void *buffer);

#endif
