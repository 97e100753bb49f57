/*
 * Who is to be told of what happens to a file: who watches it, and who watches
 * the directory that it has its name in. What the telling is, notify_ops does.
 */
#include "notify.h"
#include "vfs_internal.h"

struct notify_ops notify_ops;
_Atomic unsigned vnodes_watched;

/* The directory of @p v, if that is what is known of it: of directories, and of
 * files that have lost their name. */
static struct vnode *
parent_of(struct vnode *v, char *name)
{
	struct vnode *dir = NULL;

	spin_lock(&tree_lock);
	if (v->parent && v->name && rcu_deref(v->parent->watches)) {
		dir = vnode_get(v->parent);
		strlcpy(name, v->name, NAME_MAX + 1);
	}
	spin_unlock(&tree_lock);
	return dir;
}

/* One event, for two that may watch: the directory is told the name, the file
 * nothing but itself. Of a file with several names the directory that is told
 * is one that is watched, if any is. The walk to the file did not have to
 * remember it: what the name cache knows of it will do, and where it knows
 * nothing, only the file's own watchers are told. */
void
notify_file_slowly(struct vnode *v, uint32_t mask)
{
	char name[NAME_MAX + 1];
	struct vnode *dir = NULL;

	mask |= notify_kind(v);
	if (v->type != VT_DIR)
		dir = namecache_watched(v, name);
	if (!dir && (v->type == VT_DIR || v->nlink == 0))
		dir = parent_of(v, name);
	if (dir) {
		notify_ops.tell(dir, mask | (v->nlink ? 0 : IN_EXCL_UNLINK), 0,
				name, strlen(name));
		vnode_put(dir);
	}
	notify_vnode(v, mask);
}

/* The cookie is a number that no other rename has (inotify(7)); 0 stands for
 * "none", and comes again after 2^32 of them. */
void
notify_move(struct vnode *from_dir, const struct name *from,
	    struct vnode *to_dir, const struct name *to, struct vnode *v)
{
	static _Atomic uint32_t last_cookie;
	uint32_t cookie;

	if (!vnodes_watched)
		return;
	cookie = atomic_fetch_add(&last_cookie, 1) + 1;
	notify_entry(from_dir, from, v, IN_MOVED_FROM, cookie);
	notify_entry(to_dir, to, v, IN_MOVED_TO, cookie);
	if (rcu_deref(v->watches)) /* without IN_ISDIR, as on Linux */
		notify_ops.tell(v, IN_MOVE_SELF, 0, NULL, 0);
}

static bool
is_watched(struct vnode *v)
{
	return rcu_deref(v->watches);
}

void
notify_unmount(struct mount *m)
{
	struct vnode *v;
	uint64_t ino = 0;

	if (!vnodes_watched)
		return;
	/* The watches' own reference keeps each of them in the table (VFS4). */
	while ((v = vnode_next(m, ino, is_watched))) {
		ino = v->ino;
		notify_ops.forget(v, IN_UNMOUNT);
		vnode_put(v);
	}
}
