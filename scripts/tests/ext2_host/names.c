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
	struct vnode *v = vnode_get(shim_mount.root), *next;
	const char *end;
	int error;

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
		error = dir->ops->link(dir, name, strlen(name), v);
		if (!error) {
			vnode_touch(v, TOUCH_CTIME);
			vnode_touch(dir, TOUCH_MTIME | TOUCH_CTIME);
		}
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

int
rename_name(const char *from, const char *to)
{
	struct vnode *from_dir, *to_dir;
	const char *from_name, *to_name;
	int error = walk(from, &from_name, &from_dir);

	if (error)
		return error;
	error = walk(to, &to_name, &to_dir);
	if (!error) {
		mutex_lock(&rename_mutex);
		error = rename_in(from_dir, from_name, to_dir, to_name);
		mutex_unlock(&rename_mutex);
		vnode_put(to_dir);
	}
	vnode_put(from_dir);
	return error;
}
