/*
 * The calls that make and remove names: mknod, mkdir, symlink, link, unlink,
 * rmdir. Each walks to the last name's directory, locks it, looks the name up,
 * and lets the file system make the change; the name cache is told with the
 * lock still held (VFS2). rename is in rename.c.
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

/* Devices are root's to make. */
static bool
may_make(uint32_t mode)
{
	return !(S_ISCHR(mode) || S_ISBLK(mode)) || is_root(current_cred());
}

/* The name is free; the directory is locked. */
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

/* Whether the caller may make a node of this type, were it not for the path. */
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

static int
check_kind(const struct walk *w, const struct vnode *v, bool directory)
{
	if (directory)
		return v->type == VT_DIR ? 0 : -ENOTDIR;
	if (v->type == VT_DIR)
		return -EISDIR;
	return w->slash ? -ENOTDIR : 0;
}

static int
remove_from(struct walk *w, bool directory)
{
	struct vnode *v;
	int error = name_lookup(w->at, &w->last, &v);

	if (error)
		return error;
	/* A slash says what is meant, before it is asked whether it may be. */
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
	/* Without a name only root may link what is open. */
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
