/*
 * Where a process is: getcwd, chdir, fchdir, chroot; and what is there:
 * getdents64, and getdents of old.
 */
#include "abi/syscall.h"
#include "files.h"
#include "string.h"

/* getcwd(2): the length with the NUL is the result, not a pointer; a path
 * longer than PATH_MAX is -ENAMETOOLONG, one longer than the caller's buffer
 * -ERANGE. The path is made in a buffer of the kernel, under a spinlock, and
 * copied when that is released, as the copy may fault. A directory that is
 * removed has no path: -ENOENT, also if there is another one of the same name
 * by now. */
static int64_t
sys_getcwd(char *user, size_t size)
{
	struct fs_context *c = current_fs();
	struct vnode *cwd;
	char *buf = buffer_new(PATH_MAX);
	int64_t len;

	if (!buf)
		return -ENOMEM;
	spin_lock(&c->lock);
	cwd = vnode_get(c->cwd);
	spin_unlock(&c->lock);
	len = vnode_path_marked(cwd, buf, PATH_MAX);
	vnode_put(cwd);
	if (len == -ERANGE)
		len = -ENAMETOOLONG;
	if (len >= 0)
		len = (size_t)len + 1 > size ? -ERANGE : len + 1;
	if (len > 0 && copyout(user, buf, len))
		len = -EFAULT;
	buffer_free(buf);
	return len;
}
SYSCALL(NR_getcwd, sys_getcwd);

/* Go to directory @p v, whose reference is taken over. POSIX.1-2017, chdir: the
 * right to search the directory itself is asked for, not only those on the way;
 * once inside it is not asked again until a name is looked up. */
static int
change_dir(struct vnode *v)
{
	int error = v->type == VT_DIR ? vnode_access(v, X_OK) : -ENOTDIR;

	if (error)
		vnode_put(v);
	else
		context_set_dir(&current_fs()->cwd, v);
	return error;
}

static int64_t
sys_chdir(const char *path)
{
	struct vnode *v;
	int error = user_walk(AT_FDCWD, path, 0, &v);

	return error ? error : change_dir(v);
}
SYSCALL(NR_chdir, sys_chdir);

/* The descriptor may be open with O_PATH (open(2)): the right is the
 * directory's, not the open file's. What has no vnode is -ENOTDIR, as any other
 * that is none. */
static int64_t
sys_fchdir(int fd)
{
	struct vnode *v;
	int error = fd_vnode(fd, &v);

	return error ? error : change_dir(v);
}
SYSCALL(NR_fchdir, sys_fchdir);

/* chroot(2). That only root may is said last, as on Linux: who may not, learns
 * first whether the path leads to a directory that he can search. The working
 * directory stays where it is, and may be outside of the new root. */
static int64_t
sys_chroot(const char *path)
{
	struct vnode *v;
	int error = user_walk(AT_FDCWD, path, 0, &v);

	if (error)
		return error;
	error = v->type == VT_DIR ? vnode_access(v, X_OK) : -ENOTDIR;
	if (!error && !is_root(current_cred()))
		error = -EPERM;
	if (error)
		vnode_put(v);
	else
		context_set_dir(&current_fs()->root, v);
	return error;
}
SYSCALL(NR_chroot, sys_chroot);

/* ---- Reading a directory ---- */

/* The position is moved by what was read, so its lock is held from the first
 * entry to the last: of two threads with one descriptor each gets other
 * entries. The buffer's address is looked at before anything is read. */
static int64_t
read_directory(int fd, void *dirent, unsigned size)
{
	struct file *f = fd_get(fd);
	int64_t n;

	if (!f)
		return -EBADF;
	if (f->flags & O_PATH)
		n = -EBADF;
	else if (!f->ops->readdir)
		n = -ENOTDIR;
	else if (!user_range_ok(dirent, size))
		n = -EFAULT;
	else {
		mutex_lock(&f->pos_lock);
		n = f->ops->readdir(f, dirent, size);
		mutex_unlock(&f->pos_lock);
	}
	file_put(f);
	return n;
}

/* getdents64(2): 0 at the end; -EINVAL if not even the first entry fits;
 * -ENOENT for a directory that is removed. All these are readdir's (chapter
 * openfile). */
static int64_t
sys_getdents64(int fd, void *dirent, unsigned size)
{
	return read_directory(fd, dirent, size);
}
SYSCALL(NR_getdents64, sys_getdents64);

/* Records of the old form are as long as the new ones: the type is their last
 * byte, and the name begins where the new ones have it (getdents(2)). Each is
 * rewritten in place, in user memory that another thread may change meanwhile:
 * so its length is checked again, and read once, from the copy of the head. At
 * least two bytes follow the new form's head: a name, and its NUL. */
static int
make_old_record(char *user, unsigned *len)
{
	char record[ROUND_UP(sizeof(struct linux_dirent64) + NAME_MAX + 1, 8)];
	struct linux_dirent64 *d = (struct linux_dirent64 *)record;
	size_t head = offsetof(struct linux_dirent64, d_type);
	unsigned type;

	if (copyin(record, user, sizeof(*d)))
		return -EFAULT;
	*len = d->d_reclen;
	if (*len < sizeof(*d) + 2 || *len > sizeof(record))
		return -EFAULT;
	if (copyin(record, user, *len))
		return -EFAULT;
	type = d->d_type;
	memmove(record + head, record + head + 1, *len - head - 1);
	record[*len - 1] = (char)type;
	return copyout(user, record, *len);
}

/* A fault in between leaves records of both forms, and the position moved: the
 * buffer was written to a moment ago, so only a caller that unmaps it meanwhile
 * sees this. */
static int64_t
sys_getdents(int fd, char *dirent, unsigned size)
{
	int64_t n = read_directory(fd, dirent, size), done;
	unsigned len;

	for (done = 0; done < n; done += len)
		if (make_old_record(dirent + done, &len))
			return -EFAULT;
	return n;
}
SYSCALL(NR_getdents, sys_getdents);
