/*
 * Links in /proc: the ones of a process (exe, cwd, fd/N), which lead to a vnode
 * whatever its name is by now. A descriptor's file may have no vnode at all (a
 * pipe): then it gets one here, and opening that makes a file which passes all
 * on to the first.
 */
#include "format.h"
#include "procfs_internal.h"
#include "string.h"

/* ---- Descriptors ---- */

struct file *
procfs_file(struct proc *p, int fd, bool *cloexec)
{
	struct file *f = NULL;
	struct fdtable *table;

	spin_lock(&proc_lock);
	table = proc_fdtable(p);
	if (table) {
		f = fdtable_get_file(table, fd);
		if (cloexec)
			*cloexec = fdtable_get_flags(table, fd) == FD_CLOEXEC;
	}
	spin_unlock(&proc_lock);
	return f;
}

int
procfs_next_fd(struct proc *p, int fd)
{
	struct fdtable *table;

	spin_lock(&proc_lock);
	table = proc_fdtable(p);
	fd = table ? fdtable_next(table, fd) : -1;
	spin_unlock(&proc_lock);
	return fd;
}

/* Descriptor @fd of process @pid, referenced, or NULL. */
static struct file *
file_of(int pid, int fd)
{
	struct proc *p = proc_find(pid);
	struct file *f = p ? procfs_file(p, fd, NULL) : NULL;

	proc_put(p);
	return f;
}

static const struct file_ops nameless_file_ops;

/* Whether opening its link makes a file that stands for it. What was made so
 * stands for the same one as the first: the vnode that it has is a number of
 * the first's, where something else may be by now. */
static bool
is_nameless(const struct file *f)
{
	return !f->vnode || f->ops == &nameless_file_ops;
}

static void
nameless_stat(struct file *f, struct stat *st)
{
	st->st_mode = 0600;
	if (f->ops->stat)
		f->ops->stat(f, st);
}

/* How a link to a file without a name reads. */
static int
nameless_text(struct file *f, char *buf, size_t size)
{
	struct stat st = { 0 };

	nameless_stat(f, &st);
	if (S_ISFIFO(st.st_mode))
		return snformat(buf, size, "pipe:[%lu]", st.st_ino);
	if (S_ISSOCK(st.st_mode))
		return snformat(buf, size, "socket:[%lu]", st.st_ino);
	return snformat(buf, size, "anon_inode:%s", f->ops->name);
}

int
show_fdinfo(struct text *t, struct proc *p, int fd)
{
	bool cloexec;
	struct file *f = procfs_file(p, fd, &cloexec);
	struct stat st = { 0 };
	char lines[64];

	if (!f)
		return -ENOENT;
	if (f->vnode) {
		st.st_ino = f->vnode->ino;
		st.st_dev = f->vnode->mount->dev;
	} else if (f->ops->stat) {
		f->ops->stat(f, &st);
	}
	text_printf(t, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
		    f->pos, f->flags | (cloexec ? O_CLOEXEC : 0),
		    mount_id(st.st_dev), st.st_ino);
	if (f->ops->info)
		text_append(t, lines, f->ops->info(f, lines, sizeof(lines)));
	file_put(f);
	return 0;
}

/* ---- Links ---- */

static int
fd_readlink(struct vnode *link, char *buf, size_t size)
{
	struct file *f = file_of(INO_PID(link->ino), INO_INDEX(link->ino));
	int n;

	if (!f)
		return -ENOENT;
	if (is_nameless(f))
		n = nameless_text(f, buf, size);
	else
		n = vnode_link_text(f->vnode, buf, size);
	file_put(f);
	return n;
}

static int
fd_follow(struct vnode *link, struct proc *p, struct vnode **result)
{
	int pid = INO_PID(link->ino), fd = INO_INDEX(link->ino);
	struct file *f = file_of(pid, fd);

	if (!f)
		return -ENOENT;
	if (is_nameless(f))
		*result = procfs_vnode(link->mount, INO(pid, KIND_NAMELESS, fd),
				       S_IFIFO | 0600, p);
	else
		*result = vnode_get(f->vnode);
	file_put(f);
	return 0;
}

static int
entry_follow(struct vnode *link, struct proc *p, struct vnode **result)
{
	return pid_entries[INO_INDEX(link->ino)].follow(p, result);
}

static int
entry_readlink(struct vnode *link, struct proc *p, char *buf, size_t size)
{
	const struct pid_entry *e = &pid_entries[INO_INDEX(link->ino)];
	struct vnode *target;
	int n;

	if (e->readlink)
		return e->readlink(p, buf, size);
	n = e->follow(p, &target);
	if (n)
		return n;
	n = vnode_link_text(target, buf, size);
	vnode_put(target);
	return n;
}

static int
link_readlink(struct vnode *link, char *buf, size_t size)
{
	struct proc *p = proc_find(INO_PID(link->ino));
	int n;

	if (!p)
		return -ENOENT;
	if (!procfs_may_inspect(p))
		n = -EACCES;
	else if (INO_KIND(link->ino) == KIND_FD)
		n = fd_readlink(link, buf, size);
	else
		n = entry_readlink(link, p, buf, size);
	proc_put(p);
	return n;
}

static int
link_follow(struct vnode *link, struct vnode **result)
{
	struct proc *p = proc_find(INO_PID(link->ino));
	int error;

	if (!p)
		return -ENOENT;
	if (!procfs_may_inspect(p))
		error = -EACCES;
	else if (INO_KIND(link->ino) == KIND_FD)
		error = fd_follow(link, p, result);
	else
		error = entry_follow(link, p, result);
	proc_put(p);
	return error;
}

/* A descriptor's link says by its mode what the file is open for. */
static int
link_getattr(struct vnode *link, struct stat *st)
{
	struct file *f = NULL;

	if (INO_KIND(link->ino) == KIND_FD)
		f = file_of(INO_PID(link->ino), INO_INDEX(link->ino));
	if (!f)
		return 0;
	st->st_mode = S_IFLNK | (file_readable(f) ? 0500 : 0) |
		      (file_writable(f) ? 0300 : 0);
	file_put(f);
	return 0;
}

const struct vnode_ops procfs_link_ops = {
	.readlink = link_readlink,
	.follow = link_follow,
	.getattr = link_getattr,
};

/* ---- Files without a name ---- */

/* What one of these stands for is none of them: see nameless_of. */

static int64_t
nameless_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct file *to = f->private_data;

	(void)pos;
	NESTS(1, to->ops != &nameless_file_ops);
	return file_read(to, u, NULL);
}

static int64_t
nameless_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct file *to = f->private_data;

	(void)pos;
	NESTS(1, to->ops != &nameless_file_ops);
	return file_write(to, u, NULL);
}

static int
nameless_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct file *to = f->private_data;

	NESTS(1, to->ops != &nameless_file_ops);
	return to->ops->ioctl ? to->ops->ioctl(to, request, arg) : -ENOTTY;
}

static unsigned
nameless_poll(struct file *f, struct poll_table *table)
{
	struct file *to = f->private_data;

	NESTS(1, to->ops != &nameless_file_ops);
	return to->ops->poll ? to->ops->poll(to, table) : POLLIN | POLLOUT;
}

static int
nameless_file_stat(struct file *f, struct stat *st)
{
	struct file *to = f->private_data;

	NESTS(1, to->ops != &nameless_file_ops);
	nameless_stat(to, st);
	return 0;
}

static void
nameless_release(struct file *f)
{
	struct file *to = f->private_data;

	NESTS(1, to->ops != &nameless_file_ops);
	file_put(to);
}

static const struct file_ops nameless_file_ops = {
	.read = nameless_read,
	.write = nameless_write,
	.ioctl = nameless_ioctl,
	.poll = nameless_poll,
	.stat = nameless_file_stat,
	.release = nameless_release,
};

/* The first file that descriptor @fd of process @pid stands for, referenced, or
 * NULL. */
static struct file *
nameless_of(int pid, int fd)
{
	struct file *f = file_of(pid, fd), *first;

	if (!f || f->ops != &nameless_file_ops)
		return f;
	first = file_get(f->private_data);
	file_put(f);
	return first;
}

static int
nameless_open(struct vnode *v, struct file *f)
{
	struct proc *p = proc_find(INO_PID(v->ino));
	bool may = p && procfs_may_inspect(p);
	struct stat st = { 0 };
	struct file *to;

	proc_put(p);
	if (!may)
		return -EACCES;
	to = nameless_of(INO_PID(v->ino), INO_INDEX(v->ino));
	if (!to)
		return -ENXIO;
	nameless_stat(to, &st);
	if (!S_ISFIFO(st.st_mode)) { /* what has no place, as on Linux */
		file_put(to);
		return -ENXIO;
	}
	if (((f->flags & O_ACCMODE) != O_WRONLY && !file_readable(to)) ||
	    ((f->flags & O_ACCMODE) != O_RDONLY && !file_writable(to))) {
		file_put(to);
		return -EACCES;
	}
	f->private_data = to;
	f->ops = &nameless_file_ops;
	return 0;
}

static int
nameless_getattr(struct vnode *v, struct stat *st)
{
	struct file *f = file_of(INO_PID(v->ino), INO_INDEX(v->ino));

	if (!f)
		return 0; /* it has been closed; what the vnode says will do */
	nameless_stat(f, st);
	file_put(f);
	return 0;
}

const struct vnode_ops procfs_nameless_ops = {
	.open = nameless_open,
	.getattr = nameless_getattr,
};
