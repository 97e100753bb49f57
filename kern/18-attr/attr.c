/*
 * The calls that change attributes: chmod, chown, utimensat, truncate, umask,
 * each with its kin.
 *
 * Who may is asked with the vnode's lock held, together with the change: the
 * owner who was found is the owner whose file is changed. All calls by path or
 * descriptor come to one function for each attribute, which takes a vnode; what
 * has none (pipes, sockets) keeps mode and owner in a struct file_attr.
 *
 * A descriptor that is open with O_PATH names the file and gives no right to
 * it: -EBADF (open(2), O_PATH). Beside that a descriptor may be open for
 * whatever it is, reading only too: the rights are the owner's, not the open
 * file's.
 */
#include "abi/syscall.h"
#include "files.h"
#include "notify.h"

/* ---- Mode ---- */

/* A symbolic link has no mode that anybody looks at. To change it is refused,
 * as Linux does, rather than done without effect; POSIX leaves both open.
 *
 * S_ISGID that is asked for by somebody who is not in the file's group is left
 * out, and that is no error (POSIX.1-2017, chmod): a program of his would run
 * with the rights of a group that is not his. */
static int
change_mode(struct vnode *v, uint32_t mode)
{
	struct vattr attr = { .valid = VATTR_MODE | VATTR_CTIME,
			      .mode = mode & 07777,
			      .ctime = timespec_now() };
	const struct cred *c = current_cred();
	int error;

	if (v->type == VT_LNK)
		return -EOPNOTSUPP;
	vnode_lock(v, 0);
	error = mount_writable(v);
	if (!error)
		error = check_owner(v);
	if (!is_root(c) && !cred_in_group(c, v->gid))
		attr.mode &= ~S_ISGID;
	if (!error)
		error = vnode_change_locked(v, &attr);
	vnode_unlock(v);
	if (!error)
		notify_file(v, IN_ATTRIB);
	return error;
}

/* The same of a pipe or a socket. It has no lock for this: each field is
 * changed in one step, and of two calls at once the later one wins. */
static int
change_nameless_mode(struct file *f, uint32_t mode)
{
	struct file_attr *a = f->ops->attr ? f->ops->attr(f) : NULL;
	const struct cred *c = current_cred();

	if (!a)
		return -EINVAL;
	if (!is_root(c) && c->fsuid != a->uid)
		return -EPERM;
	if (!is_root(c) && !cred_in_group(c, a->gid))
		mode &= ~S_ISGID;
	a->mode = (a->mode & S_IFMT) | (mode & 07777);
	return 0;
}

/* fchmodat(2): Linux's fchmodat has no flags, so a second call was needed to
 * have them (Linux 6.6). */
static int64_t
sys_fchmodat2(int dirfd, const char *path, uint32_t mode, unsigned flags)
{
	struct vnode *v;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = user_walk(dirfd, path, flags, &v);
	if (error)
		return error;
	error = change_mode(v, mode);
	vnode_put(v);
	return error;
}
SYSCALL(NR_fchmodat2, sys_fchmodat2);

static int64_t
sys_fchmodat(int dirfd, const char *path, uint32_t mode)
{
	return sys_fchmodat2(dirfd, path, mode, 0);
}
SYSCALL(NR_fchmodat, sys_fchmodat);

static int64_t
sys_chmod(const char *path, uint32_t mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}
SYSCALL(NR_chmod, sys_chmod);

static int64_t
sys_fchmod(int fd, uint32_t mode)
{
	struct file *f = fd_get(fd);
	int error = -EBADF;

	if (!f)
		return -EBADF;
	if (!(f->flags & O_PATH))
		error = f->vnode ? change_mode(f->vnode, mode)
				 : change_nameless_mode(f, mode);
	file_put(f);
	return error;
}
SYSCALL(NR_fchmod, sys_fchmod);

/* ---- Owner ---- */

#define KEEP_ID 0xffffffffu /* chown(2): -1, leave this one as it is */

/* Who is not root may give his own file to a group that he is in: the rule that
 * POSIX.1-2017 (chown) calls _POSIX_CHOWN_RESTRICTED. To say what the file's
 * owner or group is already is no giving. Where both are kept anyone may call;
 * what else it would change, change_owner asks for. */
static int
may_give(uint32_t owner, uint32_t group, uint32_t uid, uint32_t gid)
{
	const struct cred *c = current_cred();

	if (is_root(c) || (uid == KEEP_ID && gid == KEEP_ID))
		return 0;
	if (c->fsuid != owner || (uid != KEEP_ID && uid != owner))
		return -EPERM;
	if (gid != KEEP_ID && gid != group && !cred_in_group(c, gid))
		return -EPERM;
	return 0;
}

/* chown(2). The set-user-ID and set-group-ID bits go with the change, and even
 * where both ids are kept: so that is a change of mode, for which one must own
 * the file. POSIX asks for it of callers without privileges only, Linux does it
 * for root, too. A directory's bits stay: S_ISGID there says which group new
 * files get, and lends nobody any rights. */
static int
change_owner(struct vnode *v, uint32_t uid, uint32_t gid)
{
	struct vattr attr = { .valid = VATTR_CTIME,
			      .uid = uid,
			      .gid = gid,
			      .ctime = timespec_now() };
	int error;

	if (uid != KEEP_ID)
		attr.valid |= VATTR_UID;
	if (gid != KEEP_ID)
		attr.valid |= VATTR_GID;
	vnode_lock(v, 0);
	error = mount_writable(v);
	if (!error)
		error = may_give(v->uid, v->gid, uid, gid);
	/* The new owner did not say that it may run with his rights. */
	attr.mode = plain_mode(v->mode, v->gid);
	if (v->type != VT_DIR && attr.mode != v->mode)
		attr.valid |= VATTR_MODE;
	if (!error && (attr.valid & VATTR_MODE))
		error = check_owner(v);
	if (!error)
		error = vnode_change_locked(v, &attr);
	vnode_unlock(v);
	if (!error)
		notify_file(v, IN_ATTRIB);
	return error;
}

/* The same of a pipe or a socket, which nobody executes: the bits go without
 * being asked for. */
static int
change_nameless_owner(struct file *f, uint32_t uid, uint32_t gid)
{
	struct file_attr *a = f->ops->attr ? f->ops->attr(f) : NULL;
	int error = a ? may_give(a->uid, a->gid, uid, gid) : -EINVAL;

	if (error)
		return error;
	a->mode = plain_mode(a->mode, a->gid);
	if (uid != KEEP_ID)
		a->uid = uid;
	if (gid != KEEP_ID)
		a->gid = gid;
	return 0;
}

static int64_t
sys_fchownat(int dirfd, const char *path, uint32_t uid, uint32_t gid,
	     unsigned flags)
{
	struct vnode *v;
	int error;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	error = user_walk(dirfd, path, flags, &v);
	if (error)
		return error;
	error = change_owner(v, uid, gid);
	vnode_put(v);
	return error;
}
SYSCALL(NR_fchownat, sys_fchownat);

static int64_t
sys_chown(const char *path, uint32_t uid, uint32_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}
SYSCALL(NR_chown, sys_chown);

static int64_t
sys_lchown(const char *path, uint32_t uid, uint32_t gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}
SYSCALL(NR_lchown, sys_lchown);

static int64_t
sys_fchown(int fd, uint32_t uid, uint32_t gid)
{
	struct file *f = fd_get(fd);
	int error = -EBADF;

	if (!f)
		return -EBADF;
	if (!(f->flags & O_PATH))
		error = f->vnode ? change_owner(f->vnode, uid, gid)
				 : change_nameless_owner(f, uid, gid);
	file_put(f);
	return error;
}
SYSCALL(NR_fchown, sys_fchown);

/* ---- Times ---- */

static bool
valid_nsec(const struct timespec *t)
{
	return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
	       (t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

/* Have @p attr set time @p which, its field @p to, unless it is to be kept. */
static void
set_time(struct vattr *attr, unsigned which, struct timespec *to,
	 const struct timespec *t, const struct timespec *now)
{
	if (t->tv_nsec == UTIME_OMIT)
		return;
	*to = t->tv_nsec == UTIME_NOW ? *now : *t;
	attr->valid |= which;
}

/* POSIX.1-2017, utimensat: to set both to now, writing suffices, as a write
 * would do the same; to set them otherwise, one must own the file. One that is
 * set to now beside one that is kept is "otherwise", too. A file system that is
 * mounted read-only comes first: -EROFS is told to everybody. */
static int
may_set_times(struct vnode *v, bool both_now)
{
	int error = mount_writable(v);

	if (error)
		return error;
	if (check_owner(v) == 0)
		return 0;
	return both_now ? vnode_access(v, W_OK) : -EPERM;
}

/* What setting one time alone stands for (tar sets both): as a read or a write
 * would be told. With both it is the attributes that were changed. */
static uint32_t
times_event(unsigned set)
{
	if (!(set & VATTR_MTIME))
		return IN_ACCESS;
	return set & VATTR_ATIME ? IN_ATTRIB : IN_MODIFY;
}

/* @p times: atime and mtime, or NULL: now. The clock is read once: where both
 * are set to now, all three times are the same. ctime is always now, so a file
 * whose mtime was set back is still seen to have changed. Nanoseconds are
 * looked at after the file was found, as on Linux: -ENOENT comes before this
 * -EINVAL. */
static int
change_times(struct vnode *v, const struct timespec *times)
{
	struct timespec now = timespec_now(),
			both[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct vattr attr = { .valid = VATTR_CTIME, .ctime = now };
	const struct timespec *t = times ? times : both;
	int error;

	if (!valid_nsec(&t[0]) || !valid_nsec(&t[1]))
		return -EINVAL;
	set_time(&attr, VATTR_ATIME, &attr.atime, &t[0], &now);
	set_time(&attr, VATTR_MTIME, &attr.mtime, &t[1], &now);
	vnode_lock(v, 0);
	error = may_set_times(v, t[0].tv_nsec == UTIME_NOW &&
					 t[1].tv_nsec == UTIME_NOW);
	if (!error)
		error = vnode_change_locked(v, &attr);
	vnode_unlock(v);
	if (!error)
		notify_file(v, times_event(attr.valid));
	return error;
}

/* @p path NULL: the file of @p dirfd itself, which must be one (this is how
 * futimens is called). With AT_FDCWD there is none to take, and NULL is a bad
 * address. */
static int
utimens_at(int dirfd, const char *path, const struct timespec *times,
	   unsigned flags)
{
	struct vnode *v;
	int error;

	if (path || dirfd == AT_FDCWD)
		error = user_walk(dirfd, path, flags, &v);
	else
		error = fd_real_vnode(dirfd, &v);
	if (error)
		return error;
	error = change_times(v, times);
	vnode_put(v);
	return error;
}

/* utimensat(2). The order is Linux's: the times are copied first (-EFAULT); two
 * UTIME_OMIT end the call before flags and path are looked at. */
static int64_t
sys_utimensat(int dirfd, const char *path, const struct timespec *user,
	      unsigned flags)
{
	struct timespec times[2];

	if (user && copyin(times, user, sizeof(times)))
		return -EFAULT;
	/* Nothing to do: not even the file need be there. */
	if (user && times[0].tv_nsec == UTIME_OMIT &&
	    times[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!path && dirfd != AT_FDCWD && flags)
		return -EINVAL;
	return utimens_at(dirfd, path, user ? times : NULL, flags);
}
SYSCALL(NR_utimensat, sys_utimensat);

/* The older calls. Microseconds are in range before they are multiplied, so
 * none becomes UTIME_NOW or UTIME_OMIT, which are above 999,999,999. Unlike
 * utimensat they say -EINVAL for them before the path is walked. */
static int64_t
sys_futimesat(int dirfd, const char *path, const struct timeval *user)
{
	struct timeval tv[2];
	struct timespec times[2];
	unsigned i;

	if (!user)
		return utimens_at(dirfd, path, NULL, 0);
	if (copyin(tv, user, sizeof(tv)))
		return -EFAULT;
	for (i = 0; i < 2; i++) {
		if (tv[i].tv_usec < 0 || tv[i].tv_usec >= 1000000)
			return -EINVAL;
		times[i].tv_sec = tv[i].tv_sec;
		times[i].tv_nsec = tv[i].tv_usec * 1000;
	}
	return utimens_at(dirfd, path, times, 0);
}
SYSCALL(NR_futimesat, sys_futimesat);

static int64_t
sys_utimes(const char *path, const struct timeval *user)
{
	return sys_futimesat(AT_FDCWD, path, user);
}
SYSCALL(NR_utimes, sys_utimes);

static int64_t
sys_utime(const char *path, const struct utimbuf *user)
{
	struct timespec times[2] = { { 0, 0 }, { 0, 0 } };
	struct utimbuf t;

	if (!user)
		return utimens_at(AT_FDCWD, path, NULL, 0);
	if (copyin(&t, user, sizeof(t)))
		return -EFAULT;
	times[0].tv_sec = t.actime;
	times[1].tv_sec = t.modtime;
	return utimens_at(AT_FDCWD, path, times, 0);
}
SYSCALL(NR_utime, sys_utime);

/* ---- Size ---- */

/* By path there is no open file that was checked: so the right to write is
 * asked for here, and it is a writer for as long as it takes: no program begins
 * to run from the file meanwhile. The kind comes first (truncate(2)). */
static int
truncate_path(struct vnode *v, uint64_t size)
{
	int error;

	if (v->type == VT_DIR)
		return -EISDIR;
	if (v->type != VT_REG)
		return -EINVAL;
	error = vnode_access(v, W_OK);
	if (!error)
		error = vnode_begin_write(v);
	if (error)
		return error;
	error = vnode_truncate(v, size);
	vnode_end_write(v);
	return error;
}

/* A negative size is refused before the path is looked at. */
static int64_t
sys_truncate(const char *path, int64_t size)
{
	struct vnode *v;
	int error;

	if (size < 0)
		return -EINVAL;
	error = user_walk(AT_FDCWD, path, 0, &v);
	if (error)
		return error;
	error = truncate_path(v, size);
	vnode_put(v);
	return error;
}
SYSCALL(NR_truncate, sys_truncate);

/* The right to write is the open file's: what the mode says now is not asked
 * again, so a file that was made read-only by its own writer can be cut
 * (POSIX.1-2017, ftruncate). A file not open for writing is -EINVAL, of the
 * two errors that POSIX allows the one that Linux has; so is what is no regular
 * file. */
static int64_t
sys_ftruncate(int fd, int64_t size)
{
	struct file *f;
	int error = -EINVAL;

	if (size < 0)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->flags & O_PATH)
		error = -EBADF;
	else if (f->vnode && f->vnode->type == VT_REG && file_writable(f))
		error = vnode_truncate(f->vnode, size);
	file_put(f);
	return error;
}
SYSCALL(NR_ftruncate, sys_ftruncate);

/* ---- umask ---- */

/* umask(2): always succeeds; bits beside the permissions are left out. The old
 * mask is read and the new one set in one step, as threads may share it. */
static int64_t
sys_umask(uint32_t mask)
{
	struct fs_context *c = current_fs();
	uint32_t old;

	spin_lock(&c->lock);
	old = c->umask;
	c->umask = mask & 0777;
	spin_unlock(&c->lock);
	return old;
}
SYSCALL(NR_umask, sys_umask);
