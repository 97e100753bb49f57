/*
 * The calls that make and remove names: mknod, mkdir, symlink, link, unlink,
 * rmdir. Each walks to the last name's directory, locks it, looks the name up,
 * and lets the file system make the change; the name cache is told with the
 * lock still held (VFS2). rename is in rename.c.
 *
 * Heap is reserved anew between the walk and the lock: the walk may have used
 * up what there was, and with a lock held nobody may wait for heap.
 *
 * Where a call that makes a name finds more than one reason to fail, the order
 * is Linux's: what the name is, whether it is there, what a slash behind it
 * asks for, then rights, and last what the file system says. So mkdir of a
 * directory that exists is -EEXIST on a read-only mount, too, which "mkdir -p"
 * goes by.
 */
#include "abi/syscall.h"
#include "names.h"
#include "notify.h"
#include "string.h"

/* ---- Making ---- */

/* What is to be made under a name. */
struct maker {
	enum { MAKE_FILE, MAKE_DIR, MAKE_SYMLINK, MAKE_LINK } what;
	uint32_t mode;
	uint64_t rdev;
	const char *target;  /* MAKE_SYMLINK */
	struct vnode *vnode; /* MAKE_LINK */
	struct vnode **made; /* MAKE_FILE: receives it, or NULL */
};

/* link(2). The directory is locked before the file. A directory gets no second
 * name: ".." could not be told (POSIX.1-2017, link: -EPERM), and loops would
 * have no end. The count is looked at with the file locked, as the last name
 * may have gone since it was found; files made with O_TMPFILE have none yet. */
static int
make_link(struct vnode *dir, const struct name *name, struct vnode *v)
{
	int error;

	if (!dir->ops->link || v->type == VT_DIR)
		return -EPERM;
	vnode_lock(v, 0);
	/* A file without links is on its way out, unless it never had any. */
	if (v->nlink == 0 && !v->linkable)
		error = -ENOENT;
	else
		error = dir->ops->link(dir, name->text, name->len, v);
	if (error == 0) {
		v->linkable = false;
		vnode_touch(v, TOUCH_CTIME);
	}
	vnode_unlock(v);
	if (error == 0) {
		notify_vnode(v, IN_ATTRIB);
		entry_added(dir, name, v);
	}
	return error;
}

/* Devices are root's to make: whoever could make a node could open any disk. */
static bool
may_make(uint32_t mode)
{
	return !(S_ISCHR(mode) || S_ISBLK(mode)) || is_root(current_cred());
}

/* The name is free; the directory is locked, and the caller may write it. A
 * kind that the file system does not have is -EPERM (mknod(2), mkdir(2),
 * symlink(2)). */
static int
make(struct vnode *dir, const struct name *name, const struct maker *m)
{
	const struct vnode_ops *ops = dir->ops;
	struct vnode *v;
	int error = -EPERM;

	if (m->what == MAKE_LINK)
		return make_link(dir, name, m->vnode);
	if (m->what == MAKE_FILE && ops->create && may_make(m->mode))
		error = ops->create(dir, name->text, name->len, m->mode,
				    m->rdev, &v);
	else if (m->what == MAKE_DIR && ops->mkdir)
		error = ops->mkdir(dir, name->text, name->len, m->mode, &v);
	else if (m->what == MAKE_SYMLINK && ops->symlink)
		error = ops->symlink(dir, name->text, name->len, m->target, &v);
	if (error == 0) {
		entry_added(dir, name, v);
		if (m->made)
			*m->made = v;
		else
			vnode_put(v);
	}
	return error;
}

/* `at` is locked. The directory may have been removed since the walk, before it
 * was locked: then nothing is there, and nothing can be made. A slash behind a
 * name that is not there asks for a directory, and so is an error for all but
 * mkdir. */
static int
make_in(struct walk *w, const struct maker *m)
{
	struct vnode *dir = w->at, *there;
	int error;

	error = dir->nlink ? name_lookup(dir, &w->last, &there) : -ENOENT;
	if (error == 0) {
		vnode_put(there);
		return -EEXIST;
	}
	if (error != -ENOENT)
		return error;
	if (w->slash && m->what != MAKE_DIR)
		return -ENOENT;
	if (m->what == MAKE_LINK && dir->mount != m->vnode->mount)
		return -EXDEV;
	error = may_create(dir);
	return error ? error : make(dir, &w->last, m);
}

/* A last name that is no name ("/", ".", "..") is a directory that is there:
 * -EEXIST. */
static int
make_at(int dirfd, const char *path, const struct maker *m)
{
	struct walk w;
	int error = walk_begin(&w, dirfd, path, WALK_PARENT);

	if (!error)
		error = walk_run(&w);
	if (!error && w.last_type != LAST_NORMAL)
		error = -EEXIST;
	if (!error)
		error = heap_again();
	if (!error) {
		vnode_lock(w.at, DIR_PARENT);
		error = make_in(&w, m);
		vnode_unlock(w.at);
	}
	walk_end(&w);
	return error;
}

static uint32_t
masked(uint32_t mode)
{
	return mode & ~current_fs()->umask & 07777;
}

/* Whether a node of this type can be made at all, whoever asks and wherever. */
static int
check_node(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFCHR:
	case S_IFBLK:
	case 0:
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

int
vfs_mknod(int dirfd, const char *path, uint32_t mode, uint64_t rdev)
{
	uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	bool device = type == S_IFCHR || type == S_IFBLK;
	struct maker m = { .what = MAKE_FILE,
			   .mode = type | masked(mode),
			   .rdev = device ? rdev : 0 };
	int error = check_node(mode);

	return error ? error : make_at(dirfd, path, &m);
}

int
vfs_make_socket(const char *path, uint32_t mode, struct vnode **v)
{
	struct maker m = { .what = MAKE_FILE,
			   .mode = S_IFSOCK | masked(mode),
			   .made = v };

	return make_at(AT_FDCWD, path, &m);
}

/* mkdir(2): of the special bits the caller sets S_ISVTX alone; S_ISGID comes
 * from the directory above (vnode_set_owner). */
int
vfs_mkdir(int dirfd, const char *path, uint32_t mode)
{
	struct maker m = {
		.what = MAKE_DIR,
		.mode = S_IFDIR | (masked(mode) & 01777),
	};

	return make_at(dirfd, path, &m);
}

int
vfs_symlink(const char *target, int dirfd, const char *path)
{
	struct maker m = { .what = MAKE_SYMLINK, .target = target };

	return *target ? make_at(dirfd, path, &m) : -ENOENT;
}

static int
link_vnode(struct vnode *v, int to_fd, const char *to)
{
	struct maker m = { .what = MAKE_LINK, .vnode = v };

	return make_at(to_fd, to, &m);
}

/* POSIX leaves open whether a link at the end is followed; Linux does so only
 * if told. */
int
vfs_link(int from_fd, const char *from, int to_fd, const char *to,
	 unsigned at_flags)
{
	unsigned walk = at_flags & AT_SYMLINK_FOLLOW ? 0 : WALK_NOFOLLOW;
	struct vnode *v;
	int error = path_walk(from_fd, from, walk, &v);

	if (error)
		return error;
	error = link_vnode(v, to_fd, to);
	vnode_put(v);
	return error;
}

/* ---- Removing ---- */

/* Both are locked, so the directory stays empty: to make an entry in it needs
 * its lock, and once it has no links it gets none. The cache is told at once
 * that the name leads nowhere, as who removes a name often looks for it next.
 * The file loses a link (IN_ATTRIB) before the name is told to be gone; that it
 * goes itself (IN_DELETE_SELF) is told by its last reference. */
static int
remove_locked(struct vnode *dir, const struct name *name, struct vnode *v,
	      bool directory)
{
	int (*op)(struct vnode *, const char *, size_t, struct vnode *) =
		directory ? dir->ops->rmdir : dir->ops->unlink;
	int error;

	if (!op)
		return -EPERM;
	if (v->mounted)
		return -EBUSY;
	error = directory ? directory_check_empty(v) : 0;
	if (!error)
		error = op(dir, name->text, name->len, v);
	if (error)
		return error;
	entry_removed(dir, name, v);
	namecache_enter(dir, name, NULL);
	if (!directory)
		notify_vnode(v, IN_ATTRIB);
	notify_entry(dir, name, v, IN_DELETE, 0);
	return 0;
}

/* unlink(2): a directory is -EISDIR (POSIX says -EPERM). */
static int
check_kind(const struct walk *w, const struct vnode *v, bool directory)
{
	if (directory)
		return v->type == VT_DIR ? 0 : -ENOTDIR;
	if (v->type == VT_DIR)
		return -EISDIR;
	return w->slash ? -ENOTDIR : 0;
}

/* On a read-only mount -EROFS comes first, as on Linux, whether the name is
 * there or not. */
static int
remove_from(struct walk *w, bool directory)
{
	struct vnode *v;
	int error = mount_writable(w->at);

	if (!error)
		error = name_lookup(w->at, &w->last, &v);
	if (error)
		return error;
	/* A slash says what is meant, before it is asked whether it may be:
	 * unlink("file/") is -ENOTDIR to those, too, who may not remove it. */
	error = w->slash && !directory ? check_kind(w, v, false) : 0;
	if (!error)
		error = may_remove(w->at, v);
	if (!error)
		error = check_kind(w, v, directory);
	if (!error) {
		vnode_lock(v, directory ? DIR_VICTIM : 0);
		error = remove_locked(w->at, &w->last, v, directory);
		vnode_unlock(v);
	}
	w->victim = v; /* to be put when the directory is unlocked: slow */
	return error;
}

/* POSIX.1-2017, rmdir: "." is -EINVAL, and ".." cannot be empty; "/" is in use.
 * For unlink all three are directories. The victim's reference is given back
 * last: if its file has no other names that frees it, which may take long, and
 * nobody has to wait for the directory meanwhile. */
static int
remove_at(int dirfd, const char *path, bool directory)
{
	struct walk w;
	int error = walk_begin(&w, dirfd, path, WALK_PARENT);

	w.victim = NULL;
	if (!error)
		error = walk_run(&w);
	if (!error && w.last_type != LAST_NORMAL) {
		if (!directory)
			error = -EISDIR;
		else if (w.last_type == LAST_DOT)
			error = -EINVAL;
		else
			error = w.last_type == LAST_DOTDOT ? -ENOTEMPTY
							   : -EBUSY;
	}
	if (!error)
		error = heap_again();
	if (!error) {
		vnode_lock(w.at, DIR_PARENT);
		error = remove_from(&w, directory);
		vnode_unlock(w.at);
	}
	if (w.victim)
		vnode_put(w.victim);
	walk_end(&w);
	return error;
}

int
vfs_unlink(int dirfd, const char *path)
{
	return remove_at(dirfd, path, false);
}

int
vfs_rmdir(int dirfd, const char *path)
{
	return remove_at(dirfd, path, true);
}

/* ---- System calls ---- */

/* The type is looked at before the path, as on Linux. @p rdev: the call has 32
 * bits for it, which hold majors below 4096 and minors below 2^20 in the way of
 * stat's number (abi/dev.h, dev_encode32). */
static int64_t
sys_mknodat(int dirfd, const char *path, uint32_t mode, uint32_t rdev)
{
	struct user_path p;
	int error = check_node(mode);

	if (!error)
		error = user_path_get(&p, path, false);
	if (error)
		return error;
	error = vfs_mknod(dirfd, p.text, mode, rdev);
	user_path_put(&p);
	return error;
}
SYSCALL(NR_mknodat, sys_mknodat);

static int64_t
sys_mknod(const char *path, uint32_t mode, uint32_t rdev)
{
	return sys_mknodat(AT_FDCWD, path, mode, rdev);
}
SYSCALL(NR_mknod, sys_mknod);

static int64_t
sys_mkdirat(int dirfd, const char *path, uint32_t mode)
{
	struct user_path p;
	int error = user_path_get(&p, path, false);

	if (error)
		return error;
	error = vfs_mkdir(dirfd, p.text, mode);
	user_path_put(&p);
	return error;
}
SYSCALL(NR_mkdirat, sys_mkdirat);

static int64_t
sys_mkdir(const char *path, uint32_t mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}
SYSCALL(NR_mkdir, sys_mkdir);

/* unlinkat(2): with AT_REMOVEDIR it is rmdir, errors and all. */
static int64_t
sys_unlinkat(int dirfd, const char *path, unsigned flags)
{
	struct user_path p;
	int error;

	if (flags & ~AT_REMOVEDIR)
		return -EINVAL;
	error = user_path_get(&p, path, false);
	if (error)
		return error;
	error = remove_at(dirfd, p.text, flags & AT_REMOVEDIR);
	user_path_put(&p);
	return error;
}
SYSCALL(NR_unlinkat, sys_unlinkat);

static int64_t
sys_unlink(const char *path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}
SYSCALL(NR_unlink, sys_unlink);

static int64_t
sys_rmdir(const char *path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}
SYSCALL(NR_rmdir, sys_rmdir);

/* The target is copied and kept, and not looked at: it may lead nowhere, now or
 * ever. */
static int64_t
sys_symlinkat(const char *target, int dirfd, const char *path)
{
	struct user_path t, p;
	int error = user_path_get(&t, target, false);

	if (error)
		return error;
	error = user_path_get(&p, path, false);
	if (!error) {
		error = vfs_symlink(t.text, dirfd, p.text);
		user_path_put(&p);
	}
	user_path_put(&t);
	return error;
}
SYSCALL(NR_symlinkat, sys_symlinkat);

static int64_t
sys_symlink(const char *target, const char *path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}
SYSCALL(NR_symlink, sys_symlink);

/* linkat(2). AT_EMPTY_PATH gives a name to a file that is known by a descriptor
 * alone: Linux wants CAP_DAC_READ_SEARCH for it, which is root's, since whoever
 * was handed a descriptor would else get round the directories that keep him
 * from the file. Others are told -ENOENT, for the empty path. The new path is
 * copied after the old one was walked, as on Linux: of two bad paths, the old
 * one's error is told. */
static int64_t
sys_linkat(int from_fd, const char *from, int to_fd, const char *to,
	   unsigned flags)
{
	struct user_path p;
	struct vnode *v;
	unsigned empty;
	int error;

	if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	empty = is_root(current_cred()) ? flags & AT_EMPTY_PATH : 0;
	error = user_walk(
		from_fd, from,
		empty | (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW),
		&v);
	if (error)
		return error;
	error = user_path_get(&p, to, false);
	if (!error) {
		error = link_vnode(v, to_fd, p.text);
		user_path_put(&p);
	}
	vnode_put(v);
	return error;
}
SYSCALL(NR_linkat, sys_linkat);

static int64_t
sys_link(const char *from, const char *to)
{
	return sys_linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
SYSCALL(NR_link, sys_link);
