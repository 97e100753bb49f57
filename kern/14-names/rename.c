/*
 * rename. Two directories are locked, and what is moved and replaced: parents
 * before children, and of two unrelated directories the one at the lower
 * address first. A move between directories holds the mount's rename lock, so
 * that meanwhile nothing changes the shape of the tree that this order and the
 * check for cycles go by.
 */
#include "abi/syscall.h"
#include "names.h"
#include "notify.h"
#include "string.h"

/* One call. Both are referenced once they are looked up, and locked once all
 * has been checked. `from.at` and `to.at` are the parents. */
struct renaming {
	struct walk from, to;
	struct vnode *moved,
		*replaced; /* replaced: NULL if nothing was there */
	unsigned flags;	   /* RENAME_* */
};

/* Whether @p v is @p dir or above it. The rename lock is held, so the answer
 * stays true; or both parents are one, and then nothing that is asked can be
 * above it: what stands in a directory is not above that. tree_lock keeps the
 * parents from being freed under our feet. */
static bool
is_above(const struct vnode *v, struct vnode *dir)
{
	bool found;

	spin_lock(&tree_lock);
	while (dir && dir != v)
		dir = dir->parent;
	found = dir != NULL;
	spin_unlock(&tree_lock);
	return found;
}

/* The order among directories' locks is from above to below, which the walk and
 * the other calls keep by themselves: they lock a child after its parent. Who
 * is above whom may change until the rename lock is held, so it is taken first,
 * and alone decides between two moves. Unrelated directories have no order in
 * the tree; the address will do, as nobody else locks two of them. A rename
 * within a directory changes no parents, and does without the rename lock: the
 * usual case (an editor that saves) does not wait for others. */
static void
lock_parents(struct vnode *a, struct vnode *b)
{
	if (a == b) {
		vnode_lock(a, DIR_PARENT);
		return;
	}
	mutex_lock(&a->mount->rename_lock);
	if (is_above(b, a) || (!is_above(a, b) && b < a)) {
		vnode_lock(b, DIR_PARENT);
		vnode_lock(a, DIR_PARENT2);
	} else {
		vnode_lock(a, DIR_PARENT);
		vnode_lock(b, DIR_PARENT2);
	}
}

static void
unlock_parents(struct vnode *a, struct vnode *b)
{
	vnode_unlock(a);
	if (a == b)
		return;
	vnode_unlock(b);
	mutex_unlock(&a->mount->rename_lock);
}

/* Directories' locks come before files', and of two alike the one at the lower
 * address first. */
static bool
locked_before(const struct vnode *a, const struct vnode *b)
{
	bool a_dir = a->type == VT_DIR, b_dir = b->type == VT_DIR;

	return a_dir == b_dir ? a < b : a_dir;
}

/* Lock what is moved and replaced. Neither is one of the parents, nor above the
 * other: check() has refused that; so two directories among them are unrelated,
 * and the address may decide. The levels tell lockcheck what this order is. */
static void
lock_children(struct vnode *moved, struct vnode *replaced)
{
	struct vnode *first = moved, *second = replaced;
	bool first_dir;

	if (replaced && locked_before(replaced, moved)) {
		first = replaced;
		second = moved;
	}
	first_dir = first->type == VT_DIR;
	vnode_lock(first, first_dir ? DIR_VICTIM : 0);
	if (!second)
		return;
	if (second->type == VT_DIR)
		vnode_lock(second, DIR_VICTIM2);
	else
		vnode_lock(second, first_dir ? 0 : FILE_SECOND);
}

/* What is said of the names before permissions are looked at. POSIX.1-2017,
 * rename: -EINVAL where the new name would be below the old one; that what is
 * to be replaced stands above the old name means that it is not empty. In an
 * exchange both are moved, so both ways are -EINVAL. A slash asks for a
 * directory: behind the new name, of what will be there (move), or of what is
 * there now (exchange). */
static int
check_names(const struct renaming *r)
{
	struct vnode *from = r->from.at, *to = r->to.at;
	bool exchange = r->flags & RENAME_EXCHANGE;
	bool moves_dir = r->moved->type == VT_DIR;
	bool to_dir = exchange ? r->replaced->type == VT_DIR : moves_dir;

	if (r->replaced && (r->flags & RENAME_NOREPLACE))
		return -EEXIST;
	if ((r->from.slash && !moves_dir) || (r->to.slash && !to_dir))
		return -ENOTDIR;
	if (r->moved == to || is_above(r->moved, to))
		return -EINVAL;
	if (r->replaced && is_above(r->replaced, from))
		return exchange ? -EINVAL : -ENOTEMPTY;
	return 0;
}

/* POSIX.1-2017, rename: a directory replaces a directory only, and a file only
 * what is none. An exchange takes any two. */
static int
check_types(const struct renaming *r)
{
	bool moves_dir = r->moved->type == VT_DIR;

	if (!r->replaced || (r->flags & RENAME_EXCHANGE))
		return 0;
	if (moves_dir && r->replaced->type != VT_DIR)
		return -ENOTDIR;
	return !moves_dir && r->replaced->type == VT_DIR ? -EISDIR : 0;
}

/* ".." of directory @p v is to change, so it is written to: rename(2),
 * -EACCES. */
static int
check_new_parent(struct vnode *v)
{
	return v->type == VT_DIR ? vnode_access(v, W_OK) : 0;
}

/* Permissions and shape of the tree, with both parents locked. Nothing to do is
 * 1: POSIX.1-2017, rename: two names of one file, and both stay. To replace a
 * name is to remove it (the sticky bit of the new directory counts), to make
 * one is not. */
static int
check(const struct renaming *r)
{
	struct vnode *from = r->from.at, *to = r->to.at;
	int error = check_names(r);

	if (error)
		return error;
	if (r->moved == r->replaced)
		return 1;
	error = may_remove(from, r->moved);
	if (!error)
		error = r->replaced ? may_remove(to, r->replaced)
				    : may_create(to);
	if (!error)
		error = check_types(r);
	if (!error && from != to)
		error = check_new_parent(r->moved);
	if (!error && from != to && (r->flags & RENAME_EXCHANGE))
		error = check_new_parent(r->replaced);
	if (!error &&
	    (r->moved->mounted || (r->replaced && r->replaced->mounted)))
		error = -EBUSY;
	return error;
}

/* @p name in @p dir leads to @p v, which had another one. */
static void
name_leads_to(struct vnode *dir, const struct name *name, struct vnode *v)
{
	if (v->type == VT_DIR)
		vnode_set_parent(v, dir, name);
	namecache_enter(dir, name, v);
	vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
	vnode_touch(v, TOUCH_CTIME);
}

/* What can fail is done first: once the file system has changed the names, the
 * rest only tells. The name cache learns the old name's end before the new
 * name, but with both directories locked, so that whoever asks for a lock sees
 * both changes. A walk without locks may see the old name gone and the new one
 * not yet there, or still leading to what is replaced. */
static int
move(struct renaming *r)
{
	struct vnode *from = r->from.at, *to = r->to.at;
	int error;

	if (!from->ops->rename)
		return -EPERM;
	if (r->replaced && r->replaced->type == VT_DIR) {
		error = directory_check_empty(r->replaced);
		if (error)
			return error;
	}
	error = from->ops->rename(from, r->from.last.text, r->from.last.len,
				  r->moved, to, r->to.last.text, r->to.last.len,
				  r->replaced);
	if (error)
		return error;
	if (r->replaced)
		entry_removed(to, &r->to.last, r->replaced);
	namecache_enter(from, &r->from.last, NULL);
	vnode_touch(from, TOUCH_MTIME | TOUCH_CTIME);
	name_leads_to(to, &r->to.last, r->moved);
	notify_move(from, &r->from.last, to, &r->to.last, r->moved);
	if (r->replaced)
		notify_vnode(r->replaced, IN_ATTRIB);
	return 0;
}

/* NULL op: the file system cannot do it in one step, which is all its worth
 * (renameat2(2): -EINVAL). */
static int
exchange(struct renaming *r)
{
	struct vnode *from = r->from.at, *to = r->to.at;
	int error;

	if (!from->ops->exchange)
		return -EINVAL;
	error = from->ops->exchange(from, r->from.last.text, r->from.last.len,
				    r->moved, to, r->to.last.text,
				    r->to.last.len, r->replaced);
	if (error)
		return error;
	name_leads_to(from, &r->from.last, r->replaced);
	name_leads_to(to, &r->to.last, r->moved);
	notify_move(from, &r->from.last, to, &r->to.last, r->moved);
	notify_move(to, &r->to.last, from, &r->from.last, r->replaced);
	return 0;
}

/* Both parents are locked. A parent that was removed before it was locked has
 * no names. With RENAME_EXCHANGE both names must be there. */
static int
rename_locked(struct renaming *r)
{
	int error = r->from.at->nlink && r->to.at->nlink ? 0 : -ENOENT;

	if (!error)
		error = name_lookup(r->from.at, &r->from.last, &r->moved);
	if (!error) {
		error = name_lookup(r->to.at, &r->to.last, &r->replaced);
		if (error == -ENOENT && !(r->flags & RENAME_EXCHANGE))
			error = 0;
	}
	if (!error)
		error = check(r);
	if (error)
		return MIN(error, 0);
	lock_children(r->moved, r->replaced);
	error = r->flags & RENAME_EXCHANGE ? exchange(r) : move(r);
	vnode_unlock(r->moved);
	if (r->replaced)
		vnode_unlock(r->replaced);
	return error;
}

/* The walks are done: both last names are known. The order of the errors is
 * Linux's: -EXDEV before what is wrong with the last names, and a read-only
 * mount before the names are looked up. References are given back without
 * locks. */
static int
rename_walked(struct renaming *r)
{
	struct vnode *from = r->from.at, *to = r->to.at;
	int error;

	if (from->mount != to->mount)
		return -EXDEV;
	if (r->from.last_type != LAST_NORMAL)
		return -EBUSY;
	if (r->to.last_type != LAST_NORMAL)
		return r->flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	error = mount_writable(from);
	if (!error)
		error = heap_again();
	if (error)
		return error;
	lock_parents(from, to);
	error = rename_locked(r);
	unlock_parents(from, to);
	if (r->moved)
		vnode_put(r->moved);
	if (r->replaced)
		vnode_put(r->replaced);
	return error;
}

/* Both walks are done before any lock is taken: the second one may need the
 * locks of any directory on its way. */
int
vfs_rename(int from_fd, const char *from, int to_fd, const char *to,
	   unsigned flags)
{
	struct renaming r = { .flags = flags };
	int error;

	error = walk_begin(&r.from, from_fd, from, WALK_PARENT);
	if (!error)
		error = walk_run(&r.from);
	if (!error) {
		error = walk_begin(&r.to, to_fd, to, WALK_PARENT);
		if (!error)
			error = walk_run(&r.to);
		if (!error)
			error = rename_walked(&r);
		walk_end(&r.to);
	}
	walk_end(&r.from);
	return error;
}

/* ---- System calls ---- */

static int64_t
sys_renameat2(int from_fd, const char *from, int to_fd, const char *to,
	      unsigned flags)
{
	struct user_path f, t;
	int error;

	/* renameat2(2): RENAME_WHITEOUT is for overlays, which are not here;
	 * and to exchange is to replace, which cannot be forbidden. */
	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) ||
	    flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	error = user_path_get(&f, from, false);
	if (error)
		return error;
	error = user_path_get(&t, to, false);
	if (!error) {
		error = vfs_rename(from_fd, f.text, to_fd, t.text, flags);
		user_path_put(&t);
	}
	user_path_put(&f);
	return error;
}
SYSCALL(NR_renameat2, sys_renameat2);

static int64_t
sys_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return sys_renameat2(from_fd, from, to_fd, to, 0);
}
SYSCALL(NR_renameat, sys_renameat);

static int64_t
sys_rename(const char *from, const char *to)
{
	return sys_renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
SYSCALL(NR_rename, sys_rename);
