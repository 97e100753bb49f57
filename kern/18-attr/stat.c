/*
 * The calls that ask: stat, access, readlink, statfs, each with its kin.
 *
 * No lock is held while a vnode is asked: what is told was true at some moment
 * for each field, and need not have been for all at once. To ask needs no right
 * to the file, but that to search the directories that lead to it; so O_PATH
 * descriptors do.
 */
#include "abi/syscall.h"
#include "files.h"

/* ---- stat ---- */

/* A file without a vnode says itself what it is; else it is like Linux's
 * anonymous inodes. */
static int
file_stat(struct file *f, struct stat *st)
{
	if (f->vnode)
		return vnode_stat(f->vnode, st);
	*st = (struct stat){
		.st_nlink = 1,
		.st_mode = S_IRUSR | S_IWUSR,
		.st_blksize = PAGE_SIZE,
	};
	return f->ops->stat ? f->ops->stat(f, st) : 0;
}

/* fstat is frequent (each stdio stream begins with it) and does not keep the
 * file: it borrows it where nobody can close it meanwhile. */
static int64_t
sys_fstat(int fd, struct stat *user)
{
	struct borrowed b = fd_borrow(fd);
	struct stat st;
	int error;

	if (!b.file)
		return -EBADF;
	error = file_stat(b.file, &st);
	fd_return(b);
	return error ? error : copyout(user, &st, sizeof(st));
}
SYSCALL(NR_fstat, sys_fstat);

/* The empty path with AT_EMPTY_PATH is the descriptor's own file, whatever that
 * is, and with AT_FDCWD the working directory (fstatat in stat(2)). */
static int64_t
stat_at(int dirfd, const char *path, struct stat *user, unsigned flags)
{
	struct user_path p;
	struct vnode *v;
	struct stat st;
	int error = user_path_get(&p, path, flags & AT_EMPTY_PATH);

	if (error)
		return error;
	if (!*p.text && dirfd != AT_FDCWD)
		return sys_fstat(dirfd, user);
	error = path_walk(dirfd, *p.text ? p.text : ".",
			  flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0, &v);
	user_path_put(&p);
	if (error)
		return error;
	error = vnode_stat(v, &st);
	vnode_put(v);
	return error ? error : copyout(user, &st, sizeof(st));
}

/* AT_NO_AUTOMOUNT asks for nothing: no walk mounts anything here. */
static int64_t
sys_newfstatat(int dirfd, const char *path, struct stat *user, unsigned flags)
{
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	return stat_at(dirfd, path, user, flags);
}
SYSCALL(NR_newfstatat, sys_newfstatat);

static int64_t
sys_stat(const char *path, struct stat *user)
{
	return stat_at(AT_FDCWD, path, user, 0);
}
SYSCALL(NR_stat, sys_stat);

static int64_t
sys_lstat(const char *path, struct stat *user)
{
	return stat_at(AT_FDCWD, path, user, AT_SYMLINK_NOFOLLOW);
}
SYSCALL(NR_lstat, sys_lstat);

/* ---- statx ---- */

static struct statx_timestamp
statx_time(const struct timespec *t)
{
	return (struct statx_timestamp){ .tv_sec = t->tv_sec,
					 .tv_nsec = (uint32_t)t->tv_nsec };
}

/* The basic fields are filled always, whatever was asked for; statx(2) lets a
 * kernel tell more than was asked, and stx_mask says what it has told. The time
 * of birth is not kept. stx_attributes_mask says which attributes can be known:
 * a bit that is clear in stx_attributes means "no" only if it is set here. @p v
 * NULL: the file has no vnode. */
static void
statx_fill(struct statx *x, const struct stat *st, const struct vnode *v)
{
	*x = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = (uint32_t)st->st_blksize,
		.stx_attributes_mask = STATX_ATTR_MOUNT_ROOT,
		.stx_nlink = (uint32_t)st->st_nlink,
		.stx_uid = st->st_uid,
		.stx_gid = st->st_gid,
		.stx_mode = (uint16_t)st->st_mode,
		.stx_ino = st->st_ino,
		.stx_size = (uint64_t)st->st_size,
		.stx_blocks = (uint64_t)st->st_blocks,
		.stx_atime = statx_time(&st->st_atim),
		.stx_ctime = statx_time(&st->st_ctim),
		.stx_mtime = statx_time(&st->st_mtim),
		.stx_rdev_major = dev_major(st->st_rdev),
		.stx_rdev_minor = dev_minor(st->st_rdev),
		.stx_dev_major = dev_major(st->st_dev),
		.stx_dev_minor = dev_minor(st->st_dev),
	};
	if (v && v == v->mount->root)
		x->stx_attributes |= STATX_ATTR_MOUNT_ROOT;
}

static int
statx_fd(int fd, struct statx *x)
{
	struct file *f = fd_get(fd);
	struct stat st;
	int error;

	if (!f)
		return -EBADF;
	error = file_stat(f, &st);
	if (!error)
		statx_fill(x, &st, f->vnode);
	file_put(f);
	return error;
}

static int
statx_path(int dirfd, const char *path, unsigned flags, struct statx *x)
{
	struct vnode *v;
	struct stat st;
	int error =
		path_walk(dirfd, *path ? path : ".",
			  flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0, &v);

	if (error)
		return error;
	error = vnode_stat(v, &st);
	if (!error)
		statx_fill(x, &st, v);
	vnode_put(v);
	return error;
}

/* statx(2). How fresh the answer must be (AT_STATX_*_SYNC) matters to network
 * file systems; here it is always from the vnode. Both at once contradict each
 * other: -EINVAL. So is the bit of the mask that is kept to lengthen the struct
 * one day. */
static int64_t
sys_statx(int dirfd, const char *path, unsigned flags, unsigned mask,
	  struct statx *user)
{
	struct user_path p;
	struct statx x;
	int error;

	if ((mask & STATX__RESERVED) ||
	    (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
	    (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
		       AT_STATX_SYNC_TYPE)))
		return -EINVAL;
	error = user_path_get(&p, path, flags & AT_EMPTY_PATH);
	if (error)
		return error;
	if (!*p.text && dirfd != AT_FDCWD)
		error = statx_fd(dirfd, &x);
	else
		error = statx_path(dirfd, p.text, flags, &x);
	user_path_put(&p);
	return error ? error : copyout(user, &x, sizeof(x));
}
SYSCALL(NR_statx, sys_statx);

/* ---- access ---- */

/* As the real user, unless the caller asks for the effective one: @p cred, for
 * the directories on the way, too. F_OK asks whether the walk comes to an end,
 * no more. */
static int
access_as(const struct cred *cred, int dirfd, const char *path, int want,
	  unsigned flags)
{
	struct vnode *v;
	int error;

	if (*path || dirfd == AT_FDCWD)
		error = path_walk_as(
			cred, dirfd, *path ? path : ".",
			flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0, &v);
	else
		error = fd_vnode(dirfd, &v);
	if (error)
		return error;
	error = want == F_OK ? 0 : cred_access(cred, v, want);
	vnode_put(v);
	return error;
}

/* POSIX.1-2017, access: with the real user and group in place of the effective
 * ones. Here checks go by fsuid and fsgid, which follow the effective ones; so
 * they are what is replaced, in a copy. Supplementary groups stay. Whether the
 * caller is root goes by fsuid, too: a set-user-ID program of root's is not,
 * for this call. */
static int64_t
sys_faccessat2(int dirfd, const char *path, unsigned want, unsigned flags)
{
	struct cred cred = cred_copy();
	struct user_path p;
	int error;

	if ((want & ~(R_OK | W_OK | X_OK)) ||
	    (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)))
		return -EINVAL;
	if (!(flags & AT_EACCESS)) {
		cred.fsuid = cred.uid;
		cred.fsgid = cred.gid;
	}
	error = user_path_get(&p, path, flags & AT_EMPTY_PATH);
	if (error)
		return error;
	error = access_as(&cred, dirfd, p.text, want, flags);
	user_path_put(&p);
	return error;
}
SYSCALL(NR_faccessat2, sys_faccessat2);

/* faccessat(2): Linux's call has no flags; faccessat2 was added for them. */
static int64_t
sys_faccessat(int dirfd, const char *path, unsigned want)
{
	return sys_faccessat2(dirfd, path, want, 0);
}
SYSCALL(NR_faccessat, sys_faccessat);

static int64_t
sys_access(const char *path, unsigned want)
{
	return sys_faccessat2(AT_FDCWD, path, want, 0);
}
SYSCALL(NR_access, sys_access);

/* ---- readlink ---- */

/* POSIX.1-2017, readlink: the target is not terminated, and what does not fit
 * is left out without an error. It is read into a page first: the file system
 * fills kernel memory alone. */
static int64_t
read_link(struct vnode *v, char *user, size_t size)
{
	struct page *page;
	int n;

	if (v->type != VT_LNK || !v->ops->readlink)
		return -EINVAL;
	page = page_alloc(0, PAGE_KERNEL, 0);
	if (!page)
		return -ENOMEM;
	n = v->ops->readlink(v, page_address(page), PATH_MAX);
	if (n > 0 && (size_t)n > size)
		n = size;
	if (n > 0 && copyout(user, page_address(page), n))
		n = -EFAULT;
	page_unref(page);
	return n;
}

/* A size of 0 is an error (readlink(2)), though nothing else would be asked. */
static int64_t
sys_readlinkat(int dirfd, const char *path, char *user, int size)
{
	struct user_path p;
	struct vnode *v;
	bool empty;
	int64_t n;

	if (size <= 0)
		return -EINVAL;
	n = user_path_get(&p, path, true);
	if (n)
		return n;
	/* "" is a link that is open with O_PATH itself. */
	empty = !*p.text;
	if (!empty)
		n = path_walk(dirfd, p.text, WALK_NOFOLLOW, &v);
	else
		n = dirfd == AT_FDCWD ? -ENOENT : fd_vnode(dirfd, &v);
	user_path_put(&p);
	if (n)
		return n;
	n = read_link(v, user, size);
	vnode_put(v);
	return empty && n == -EINVAL ? -ENOENT : n;
}
SYSCALL(NR_readlinkat, sys_readlinkat);

static int64_t
sys_readlink(const char *path, char *user, int size)
{
	return sys_readlinkat(AT_FDCWD, path, user, size);
}
SYSCALL(NR_readlink, sys_readlink);

/* ---- statfs ---- */

/* MS_ and ST_ flags are alike but for "relative access times", which is what a
 * mount has that was not told otherwise. ST_VALID: that this field is
 * filled. */
static uint64_t
statfs_flags(const struct mount *m)
{
	uint64_t flags =
		m->flags & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC |
			    ST_SYNCHRONOUS | ST_NOATIME | ST_NODIRATIME);

	if (!(flags & ST_NOATIME))
		flags |= ST_RELATIME;
	return flags | ST_VALID;
}

/* What is common is filled here; sizes in units of f_frsize and the file
 * system's type are filled by its statfs. One without sizes says nothing
 * (0). */
static int
vnode_statfs(struct vnode *v, struct statfs *user)
{
	struct mount *m = v->mount;
	struct statfs st = {
		.f_bsize = PAGE_SIZE,
		.f_frsize = PAGE_SIZE,
		.f_namelen = NAME_MAX,
		.f_fsid = { (int32_t)m->dev, (int32_t)(m->dev >> 32) },
		.f_flags = statfs_flags(m),
	};
	int error = m->ops->statfs ? m->ops->statfs(m, &st) : 0;

	return error ? error : copyout(user, &st, sizeof(st));
}

static int64_t
sys_statfs(const char *path, struct statfs *user)
{
	struct vnode *v;
	int error = user_walk(AT_FDCWD, path, 0, &v);

	if (error)
		return error;
	error = vnode_statfs(v, user);
	vnode_put(v);
	return error;
}
SYSCALL(NR_statfs, sys_statfs);

/* What has no vnode is on a file system of its kind that nobody sees, as on
 * Linux. */
static int
nameless_statfs(struct file *f, struct statfs *user)
{
	struct statfs fs = { .f_type = ANON_INODE_FS_MAGIC,
			     .f_bsize = PAGE_SIZE,
			     .f_frsize = PAGE_SIZE,
			     .f_namelen = NAME_MAX,
			     .f_flags = ST_VALID };
	struct stat st;
	int error = file_stat(f, &st);

	if (error)
		return error;
	if (S_ISFIFO(st.st_mode))
		fs.f_type = PIPEFS_MAGIC;
	else if (S_ISSOCK(st.st_mode))
		fs.f_type = SOCKFS_MAGIC;
	return copyout(user, &fs, sizeof(fs));
}

static int64_t
sys_fstatfs(int fd, struct statfs *user)
{
	struct file *f = fd_get(fd);
	int error;

	if (!f)
		return -EBADF;
	error = f->vnode ? vnode_statfs(f->vnode, user)
			 : nameless_statfs(f, user);
	file_put(f);
	return error;
}
SYSCALL(NR_fstatfs, sys_fstatfs);
