/*
 * Helpers of the self-tests: files by path, from the kernel.
 */
#include "test_tmpfs.h"

int64_t
test_pwrite(struct file *f, const void *data, size_t len, uint64_t pos)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, (void *)data, len);

	return file_write(f, &u, &pos);
}

int64_t
test_pread(struct file *f, void *data, size_t len, uint64_t pos)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, data, len);

	return file_read(f, &u, &pos);
}

int
test_open_file(const char *path, unsigned flags, struct file **f)
{
	struct vnode *v;
	int error = 0;

	if (flags & O_CREAT)
		error = vfs_mknod(AT_FDCWD, path, S_IFREG | 0644, 0);
	if (error == 0 || error == -EEXIST)
		error = path_walk(AT_FDCWD, path, 0, &v);
	if (error)
		return error;
	error = vnode_open(v, flags & ~O_CREAT, f);
	vnode_put(v);
	return error;
}

int
test_write_file(const char *path, const char *text)
{
	struct file *f;
	int64_t n = 0;
	int error = test_open_file(path, O_CREAT | O_WRONLY, &f);

	if (error)
		return error;
	if (f->vnode->type == VT_REG)
		error = vnode_truncate(f->vnode, 0);
	if (!error)
		n = test_pwrite(f, text, strlen(text), 0);
	file_put(f);
	if (error)
		return error;
	return n == (int64_t)strlen(text) ? 0 : (int)n;
}

bool
test_file_is(const char *path, const char *text)
{
	char buf[256];
	struct file *f;
	int64_t n;

	if (test_open_file(path, O_RDONLY, &f))
		return false;
	n = test_pread(f, buf, sizeof(buf), 0);
	file_put(f);
	return n == (int64_t)strlen(text) && memcmp(buf, text, n) == 0;
}

int
test_exists(const char *path)
{
	struct vnode *v;
	int error = path_walk(AT_FDCWD, path, WALK_NOFOLLOW, &v);

	if (!error)
		vnode_put(v);
	return error;
}

/* ---- Removing a tree ---- */

struct first_entry {
	char name[NAME_MAX + 1];
};

static bool
note_first(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	   uint64_t next)
{
	struct first_entry *first = arg;

	(void)ino;
	(void)type;
	(void)next;
	if (name[0] == '.' && (len == 1 || name[1] == '.'))
		return true;
	memcpy(first->name, name, len);
	first->name[len] = '\0';
	return false;
}

static bool
find_first(const char *path, struct first_entry *first)
{
	struct vnode *v;
	uint64_t pos = 0;

	first->name[0] = '\0';
	if (path_walk(AT_FDCWD, path, WALK_NOFOLLOW | WALK_DIRECTORY, &v))
		return false;
	rwlock_read_lock(&v->lock);
	v->ops->readdir(v, &pos, note_first, first);
	rwlock_read_unlock(&v->lock);
	vnode_put(v);
	return first->name[0];
}

/* Not deep: the tests' trees are not. */
void
test_remove_tree(const char *path)
{
	static struct first_entry first;
	char below[128];

	if (vfs_unlink(AT_FDCWD, path) == 0)
		return;
	while (find_first(path, &first)) {
		if (strlen(path) + strlen(first.name) + 2 > sizeof(below))
			return;
		strlcpy(below, path, sizeof(below));
		strlcat(below, "/", sizeof(below));
		strlcat(below, first.name, sizeof(below));
		test_remove_tree(below);
	}
	vfs_rmdir(AT_FDCWD, path);
}

/* ---- The tests' directory ---- */

bool
test_begin(void)
{
	test_remove_tree("/t");
	return vfs_mkdir(AT_FDCWD, "/t", 0755) == 0;
}

bool
test_end(void)
{
	test_remove_tree("/t");
	return test_exists("/t") == -ENOENT;
}

struct vnode *
test_walk(const char *path)
{
	struct vnode *v = NULL;

	return path_walk(AT_FDCWD, path, 0, &v) ? NULL : v;
}

struct stat
test_stat(const char *path)
{
	struct stat st = { .st_nlink = 0 };
	struct vnode *v;

	if (path_walk(AT_FDCWD, path, WALK_NOFOLLOW, &v))
		return st;
	vnode_stat(v, &st);
	vnode_put(v);
	return st;
}
