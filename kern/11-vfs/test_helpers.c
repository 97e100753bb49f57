/*
 * Helpers of the self-tests.
 */
#include "test_vfs.h"

#define THREAD_HEAP_PAGES 32

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
test_write_file(const char *path, const char *text)
{
	struct file *f;
	int64_t n;
	int error = file_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC,
			      0644, &f);

	if (error)
		return error;
	n = test_pwrite(f, text, strlen(text), 0);
	file_put(f);
	return n == (int64_t)strlen(text) ? 0 : (int)n;
}

bool
test_file_is(const char *path, const char *text)
{
	char buf[256];
	struct file *f;
	int64_t n;

	if (file_open(AT_FDCWD, path, O_RDONLY, 0, &f))
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

int
test_open(const char *path, unsigned flags)
{
	struct file *f;
	int error = file_open(AT_FDCWD, path, flags, 0644, &f);

	if (!error)
		file_put(f);
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

/* ---- Threads ---- */

static struct spinlock done_lock = SPINLOCK("vfs test threads");
static struct waitq done_wq = WAITQ(done_wq, "vfs test threads queue");
static unsigned running;
static void (*thread_fn)(unsigned number);

static void
thread_main(void *arg)
{
	heap_begin(THREAD_HEAP_PAGES);
	thread_fn((unsigned)(uint64_t)arg);
	heap_end();
	spin_lock(&done_lock);
	running--;
	waitq_wake_all(&done_wq);
	spin_unlock(&done_lock);
}

void
test_in_threads(unsigned n, void (*fn)(unsigned number))
{
	uint64_t i;

	thread_fn = fn;
	running = n;
	for (i = 0; i < n; i++)
		kthread_run("vfs test", thread_main, (void *)i);
	spin_lock(&done_lock);
	while (running > 0)
		waitq_wait(&done_wq, &done_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&done_lock);
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
