/*
 * Operations on names, done in vfs's order of steps and with its locks: paths
 * begin with / and have no "." or "..".
 */
#include "abi/mount.h"
#include "commands.h"
#include "string.h"

static struct mutex rename_mutex;

/* ---- Paths ---- */

static int
lookup(struct vnode *dir, const char *name, size_t len, struct vnode **v)
{
	int error;

	if (dir->type != VT_DIR)
		return -ENOTDIR;
	rwlock_read_lock(&dir->lock);
	error = dir->ops->lookup(dir, name, len, v);
	rwlock_read_unlock(&dir->lock);
	return error;
}

int
walk(const char *path, const char **last, struct vnode **result)
{
	struct vnode *v = command_held(path), *next;
	const char *end;
	int error;

	if (v) {
		*result = vnode_get(v);
		return 0;
	}
	v = vnode_get(shim_mount.root);
	for (path++; *path; path = *end ? end + 1 : end) {
		end = strchrnul(path, '/');
		if (last && !*end)
			break;
		error = lookup(v, path, (size_t)(end - path), &next);
		vnode_put(v);
		if (error)
			return error;
		v = next;
	}
	if (last)
		*last = path;
	*result = v;
	return 0;
}

/* ---- Commands: names ---- */

int
make(const char *path, int what, uint32_t mode, uint64_t rdev,
     const char *target)
{
	struct vnode *dir, *v = NULL;
	const char *name;
	size_t len;
	int error = walk(path, &name, &dir);

	if (error)
		return error;
	len = strlen(name);
	error = lookup(dir, name, len, &v);
	if (error == 0)
		error = -EEXIST;
	if (error == -ENOENT) {
		v = NULL;
		rwlock_write_lock(&dir->lock);
		if (what == MAKE_FILE)
			error = dir->ops->create(dir, name, len, mode, rdev,
						 &v);
		else if (what == MAKE_DIR)
			error = dir->ops->mkdir(dir, name, len, mode, &v);
		else
			error = dir->ops->symlink(dir, name, len, target, &v);
		rwlock_write_unlock(&dir->lock);
		if (error)
			v = NULL;
		else
			vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
	}
	if (v)
		vnode_put(v);
	vnode_put(dir);
	return error;
}

static bool
note_entry(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	   uint64_t next)
{
	(void)ino;
	(void)type;
	(void)next;
	if (len > 2 || name[0] != '.' || (len == 2 && name[1] != '.'))
		*(bool *)arg = false;
	return true;
}

/** Whether a file that is to go is a directory with entries. */
static int
check_empty(struct vnode *v)
{
	bool empty = true;
	uint64_t pos = 0;
	int error;

	if (v->type != VT_DIR)
		return 0;
	error = v->ops->readdir(v, &pos, note_entry, &empty);
	return error ? error : empty ? 0 : -ENOTEMPTY;
}

int
remove_name(const char *path, bool directory)
{
	struct vnode *dir, *v;
	const char *name;
	int error = walk(path, &name, &dir);

	if (error)
		return error;
	error = lookup(dir, name, strlen(name), &v);
	if (!error) {
		rwlock_write_lock(&dir->lock);
		if (directory != (v->type == VT_DIR))
			error = directory ? -ENOTDIR : -EISDIR;
		else if (!(error = check_empty(v)))
			error = (directory ? dir->ops->rmdir
					   : dir->ops->unlink)(dir, name,
							       strlen(name), v);
		if (!error) {
			vnode_touch(v, TOUCH_CTIME);
			vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
		}
		rwlock_write_unlock(&dir->lock);
		vnode_put(v);
	}
	vnode_put(dir);
	return error;
}

int
link_name(const char *from, const char *to)
{
	struct vnode *v, *dir;
	const char *name;
	int error = walk(from, NULL, &v);

	if (error)
		return error;
	error = walk(to, &name, &dir);
	if (!error) {
		rwlock_write_lock(&dir->lock);
		vnode_lock(v, 0);
		error = dir->ops->link(dir, name, strlen(name), v);
		if (!error) {
			vnode_touch(v, TOUCH_CTIME);
			vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
		}
		vnode_unlock(v);
		rwlock_write_unlock(&dir->lock);
		vnode_put(dir);
	}
	vnode_put(v);
	return error;
}

/** Lock two directories, or one, in the order of their numbers. */
static void
lock_both(struct vnode *a, struct vnode *b)
{
	rwlock_write_lock(a->ino < b->ino ? &a->lock : &b->lock);
	if (a != b)
		rwlock_write_lock(a->ino < b->ino ? &b->lock : &a->lock);
}

static void
unlock_both(struct vnode *a, struct vnode *b)
{
	rwlock_write_unlock(&a->lock);
	if (a != b)
		rwlock_write_unlock(&b->lock);
}

static int
rename_in(struct vnode *from_dir, const char *from, struct vnode *to_dir,
	  const char *to)
{
	struct vnode *moved, *replaced = NULL;
	int error = lookup(from_dir, from, strlen(from), &moved);

	if (error)
		return error;
	error = lookup(to_dir, to, strlen(to), &replaced);
	if (error)
		replaced = NULL;
	if (error == -ENOENT || error == 0)
		error = replaced ? check_empty(replaced) : 0;
	if (!error && moved != replaced) {
		lock_both(from_dir, to_dir);
		error = from_dir->ops->rename(from_dir, from, strlen(from),
					      moved, to_dir, to, strlen(to),
					      replaced);
		if (!error) {
			vnode_touch(from_dir, TOUCH_MTIME | TOUCH_CTIME);
			vnode_touch(to_dir, TOUCH_MTIME | TOUCH_CTIME);
			vnode_touch(moved, TOUCH_CTIME);
		}
		unlock_both(from_dir, to_dir);
	}
	vnode_put(moved);
	if (replaced)
		vnode_put(replaced);
	return error;
}

static int
exchange_in(struct vnode *a_dir, const char *a_name, struct vnode *b_dir,
	    const char *b_name)
{
	struct vnode *a, *b;
	int error = lookup(a_dir, a_name, strlen(a_name), &a);

	if (error)
		return error;
	error = lookup(b_dir, b_name, strlen(b_name), &b);
	if (error) {
		vnode_put(a);
		return error;
	}
	lock_both(a_dir, b_dir);
	error = a_dir->ops->exchange(a_dir, a_name, strlen(a_name), a, b_dir,
				     b_name, strlen(b_name), b);
	if (!error) {
		vnode_touch(a_dir, TOUCH_MTIME | TOUCH_CTIME);
		vnode_touch(b_dir, TOUCH_MTIME | TOUCH_CTIME);
		vnode_touch(a, TOUCH_CTIME);
		vnode_touch(b, TOUCH_CTIME);
	}
	unlock_both(a_dir, b_dir);
	vnode_put(a);
	vnode_put(b);
	return error;
}

/** Do something with two names, alone: the shape of the tree may change. */
static int
with_both(const char *a, const char *b,
	  int (*fn)(struct vnode *a_dir, const char *a_name,
		    struct vnode *b_dir, const char *b_name))
{
	struct vnode *a_dir, *b_dir;
	const char *a_name, *b_name;
	int error = walk(a, &a_name, &a_dir);

	if (error)
		return error;
	error = walk(b, &b_name, &b_dir);
	if (!error) {
		mutex_lock(&rename_mutex);
		error = fn(a_dir, a_name, b_dir, b_name);
		mutex_unlock(&rename_mutex);
		vnode_put(b_dir);
	}
	vnode_put(a_dir);
	return error;
}

int
rename_name(const char *from, const char *to)
{
	return with_both(from, to, rename_in);
}

int
exchange_names(const char *a, const char *b)
{
	return with_both(a, b, exchange_in);
}
