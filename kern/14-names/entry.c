/*
 * What every change of a directory's entries does, whoever makes it: may it be,
 * and what is to be told once it is.
 */
#include "names.h"
#include "notify.h"
#include "string.h"

int
may_create(struct vnode *dir)
{
	if (dir->nlink == 0)
		return -ENOENT;
	return vnode_access(dir, W_OK | X_OK);
}

/* The parent is set before the cache is told: who finds the directory by the
 * cache may ask for ".." at once. Watchers come last, as they see what is
 * there. */
void
entry_added(struct vnode *dir, const struct name *name, struct vnode *v)
{
	if (v->type == VT_DIR)
		vnode_set_parent(v, dir, name);
	namecache_enter(dir, name, v);
	vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
	notify_entry(dir, name, v, IN_CREATE, 0);
}

/* POSIX.1-2017, "Directory Protection": in a sticky directory only the
 * owner of the file, the owner of the directory, or who is root may remove or
 * rename. */
int
may_remove(struct vnode *dir, const struct vnode *v)
{
	const struct cred *c = current_cred();
	int error = vnode_access(dir, W_OK | X_OK);

	if (error)
		return error;
	if ((dir->mode & S_ISVTX) && !is_root(c) && c->fsuid != v->uid &&
	    c->fsuid != dir->uid)
		return -EPERM;
	return 0;
}

void
entry_removed(struct vnode *dir, const struct name *name, struct vnode *v)
{
	/* Two references are the table's and ours. With more, somebody uses the
	 * file, and may ask for its name yet (/proc/PID/fd), which the name
	 * cache is about to forget. Who finds it there after this look has no
	 * name to show, and that is all that is lost. */
	if (v->type != VT_DIR && ref_count(&v->refs) > 2)
		vnode_set_parent(v, dir, name);
	vnode_touch(v, TOUCH_CTIME);
	vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
}
