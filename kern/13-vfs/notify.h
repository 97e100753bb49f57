/*
 * Telling who watches files and directories (inotify, chapter event) what has
 * happened to them. Where nobody watches anything, this costs a test.
 */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "abi/inotify.h"
#include "namecache.h"

/** event fills it. */
struct notify_ops {
	/**
	 * Tell who watches @p v. Locks of vnodes may be held. May sleep.
	 *
	 * @param mask  IN_*; IN_EXCL_UNLINK: the entry is gone, and not all
	 *              want to know what happens to it still
	 * @param name  the entry of directory v that it happened to, or NULL:
	 *              v itself
	 */
	void (*tell)(struct vnode *v, uint32_t mask, uint32_t cookie,
		     const char *name, size_t len);
	/** Forget all watches of @p v, telling @p mask. The caller has a
	 * reference; locks of vnodes may be held. May sleep. */
	void (*forget)(struct vnode *v, uint32_t mask);
};
extern struct notify_ops notify_ops;

/** Vnodes that are watched; 0: nobody wants to know anything. event counts.
 * Read without a lock: what happens while the first watch is made need not be
 * told. */
extern _Atomic unsigned vnodes_watched;

static inline uint32_t
notify_kind(const struct vnode *v)
{
	return v->type == VT_DIR ? IN_ISDIR : 0;
}

/** @p mask has happened to @p v; its directory does not care. */
static inline void
notify_vnode(struct vnode *v, uint32_t mask)
{
	if (rcu_deref(v->watches))
		notify_ops.tell(v, mask | notify_kind(v), 0, NULL, 0);
}

/** @p mask has happened to entry @p name of @p dir, which leads, or led, to
 * @p v. @p cookie: of notify_move, or 0. */
static inline void
notify_entry(struct vnode *dir, const struct name *name, const struct vnode *v,
	     uint32_t mask, uint32_t cookie)
{
	if (rcu_deref(dir->watches))
		notify_ops.tell(dir, mask | notify_kind(v), cookie, name->text,
				name->len);
}

/** @p mask has happened to open file @p v: tell who watches it, and who watches
 * its directory. */
void notify_file_slowly(struct vnode *v, uint32_t mask);
static inline void
notify_file(struct vnode *v, uint32_t mask)
{
	if (vnodes_watched)
		notify_file_slowly(v, mask);
}

/** @p v was @p from in @p from_dir, and is @p to in @p to_dir. The cookie,
 * which tells who watches both that the two events are one, is made here. Locks
 * of vnodes may be held; may sleep. */
void notify_move(struct vnode *from_dir, const struct name *from,
		 struct vnode *to_dir, const struct name *to, struct vnode *v);

/** Mount @p m is going: forget the watches in it, telling IN_UNMOUNT. No locks
 * are held; may sleep. */
void notify_unmount(struct mount *m);

#endif
