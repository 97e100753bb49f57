/*
 * The calls on whole file systems: mount, umount2, sync.
 */
#include "abi/syscall.h"
#include "tmpfs_internal.h"

/* ---- mount ---- */

/* Flags that a mount keeps; others are for the call (MS_REMOUNT), or mean
 * nothing where there is one kind of mount (MS_SILENT, MS_PRIVATE). */
#define KEPT                                                                   \
	(MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_SYNCHRONOUS |       \
	 MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)
#define ATIMES (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME)
/* What would have a file system stand in two places, or in another one: a mount
 * covers a vnode, and is found by it. */
#define UNSUPPORTED (MS_BIND | MS_MOVE | MS_REC)

static bool
any(struct vnode *v)
{
	(void)v;
	return true;
}

/* Who opens a file for writing counts as a writer before he looks at the flag;
 * here it is the other way round, so one sees the other. Who changes names or
 * attributes has looked at it with the vnode's lock held: wait for those that
 * have seen the old one. Then all that was changed is written. */
static int
stop_writing(struct mount *m)
{
	uint64_t ino = 0;
	struct vnode *v;

	if (mount_has_writers(m))
		return -EBUSY;
	m->flags |= MS_RDONLY;
	atomic_thread_fence(memory_order_seq_cst);
	if (mount_has_writers(m))
		return -EBUSY;
	while ((v = vnode_next(m, ino, any))) {
		ino = v->ino;
		vnode_lock(v, 0);
		vnode_unlock(v);
		vnode_put(v);
	}
	return mount_write_back(m);
}

/* To become read-only it must have no file open for writing (-EBUSY), and all
 * is written before; then the file system marks its disk. It is asked before
 * the other flags change, as it may refuse. */
static int
change_flags(struct mount *m, unsigned flags)
{
	unsigned before;
	int error = 0;

	mutex_lock(&m->remount_lock);
	before = m->flags;
	if ((flags & MS_RDONLY) && !(before & MS_RDONLY))
		error = stop_writing(m);
	else if (!(flags & MS_RDONLY) && m->device && m->device->read_only)
		error = -EROFS;
	if (!error && ((flags ^ before) & MS_RDONLY) && m->ops->remount)
		error = m->ops->remount(m, flags);
	if (!(flags & ATIMES)) /* mount(2): then they stay as they are */
		flags |= before & ATIMES;
	m->flags = error ? before : flags & KEPT;
	mutex_unlock(&m->remount_lock);
	return error;
}

int
vfs_remount(const char *target, unsigned flags)
{
	struct vnode *v;
	int error = path_walk(AT_FDCWD, target, 0, &v);

	if (error)
		return error;
	error = v == v->mount->root ? change_flags(v->mount, flags) : -EINVAL;
	vnode_put(v);
	return error;
}

struct mount_args {
	char *source, *target, *type, *options;
};

/* A string argument; NULL is "", and neither is an error: which of them a type
 * needs is not known here. */
static int
copy_arg(const char *user, char **text)
{
	int error;

	*text = NULL;
	if (!user)
		return 0;
	error = path_copyin(user, text);
	return error == -ENOENT ? 0 : error; /* "" */
}

/* Who may not mount learns first whether the place can be reached, as on Linux:
 * -ENOENT or -EACCES of the path comes before -EPERM. */
static int
refuse(const char *target)
{
	struct vnode *v;
	int error = path_walk(AT_FDCWD, target, 0, &v);

	if (error)
		return error;
	vnode_put(v);
	return -EPERM;
}

/* mount(2). MS_REMOUNT takes neither type nor source, which may be anything. */
static int
do_mount(const struct mount_args *a, unsigned flags)
{
	if (!a->target)
		return -ENOENT;
	if (!is_root(current_cred()))
		return refuse(a->target);
	if (flags & UNSUPPORTED)
		return -EINVAL;
	if (flags & MS_REMOUNT)
		return vfs_remount(a->target, flags);
	return vfs_mount(a->type, a->source ? a->source : "none", a->target,
			 flags & KEPT, a->options);
}

static int64_t
sys_mount(const char *source, const char *target, const char *type,
	  uint64_t flags, const char *options)
{
	struct mount_args a = { .source = NULL };
	int error;

	if (!target)
		return -EFAULT;
	/* mount(2), MS_MGC_VAL: before Linux 2.4 the upper half had to say that
	 * there are flags at all. */
	if ((flags & 0xffff0000) == 0xc0ed0000)
		flags &= 0xffff;
	error = copy_arg(source, &a.source);
	if (!error)
		error = copy_arg(target, &a.target);
	if (!error)
		error = copy_arg(type, &a.type);
	if (!error)
		error = copy_arg(options, &a.options);
	if (!error)
		error = do_mount(&a, flags);
	path_free(a.source);
	path_free(a.target);
	path_free(a.type);
	path_free(a.options);
	return error;
}
SYSCALL(NR_mount, sys_mount);

/* umount2(2). MNT_EXPIRE is of two calls, of which the first marks; MNT_FORCE
 * is taken and does nothing more. */
static int64_t
sys_umount2(const char *target, unsigned flags)
{
	char *path;
	int error;

	if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW))
		return -EINVAL;
	if (flags & MNT_EXPIRE) /* needs mounts to be marked as expired */
		return -EINVAL;
	error = path_copyin(target, &path);
	if (error)
		return error;
	if (is_root(current_cred()))
		error = vfs_unmount(path, flags);
	else
		error = refuse(path);
	path_free(path);
	return error;
}
SYSCALL(NR_umount2, sys_umount2);

/* ---- sync ---- */

/* sync(2): it cannot fail, so what goes wrong is for fsync to tell. As on Linux
 * it returns when all is on the disk; POSIX lets it return before. */
static int64_t
sys_sync(void)
{
	vfs_sync();
	return 0;
}
SYSCALL(NR_sync, sys_sync);
