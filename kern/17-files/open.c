/*
 * open and creat: walk to the file, or make it; check what the caller may do;
 * make an open file.
 */
#include "abi/syscall.h"
#include "files_internal.h"
#include "format.h"

/* Flags that say how to open, not what the open file is like. */
#define OPEN_ONLY   (O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

struct opening {
	unsigned flags;
	uint32_t mode; /* of a file that is made */
	bool created;
};

static int
check_flags(unsigned *flags)
{
	if (*flags & O_PATH) {
		*flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
		return 0;
	}
	if (*flags & TMPFILE_BIT)
		return (*flags & (O_TMPFILE | O_CREAT)) == O_TMPFILE &&
				       (*flags & O_ACCMODE)
			       ? 0
			       : -EINVAL;
	if ((*flags & (O_CREAT | O_DIRECTORY)) == (O_CREAT | O_DIRECTORY))
		return -EINVAL;
	return 0;
}

static int
wanted_access(unsigned flags)
{
	static const uint8_t wanted[] = { R_OK, W_OK, R_OK | W_OK,
					  R_OK | W_OK };

	return wanted[flags & O_ACCMODE] | (flags & O_TRUNC ? W_OK : 0);
}

/* Whether the caller may open @p v, which was there before. */
static int
check_open(struct vnode *v, unsigned flags)
{
	int want = wanted_access(flags), error;

	if (v->type == VT_LNK)
		return flags & O_PATH ? 0 : -ELOOP;
	if (flags & O_PATH)
		return 0;
	if (v->type == VT_DIR && ((want & W_OK) || (flags & O_CREAT)))
		return -EISDIR;
	error = vnode_access(v, want);
	return !error && (flags & O_NOATIME) ? check_owner(v) : error;
}

/* ---- Making the file ---- */

/* The last name was not there when it was looked up. */
static int
create(struct walk *w, struct opening *o, struct vnode **v)
{
	struct vnode *dir = w->at;
	int error;

	if (dir->nlink == 0)
		return -ENOENT;
	error = name_lookup(dir, &w->last, v);
	if (error != -ENOENT)
		return error; /* it is there now */
	error = may_create(dir);
	if (error)
		return error;
	if (!dir->ops->create)
		return -EACCES;
	error = dir->ops->create(dir, w->last.text, w->last.len,
				 S_IFREG | o->mode, 0, v);
	if (error == 0) {
		entry_added(dir, &w->last, *v);
		o->created = true;
	}
	return error;
}

static int
find_or_create(struct walk *w, struct opening *o, struct vnode **v)
{
	int error = name_lookup_unlocked(w->at, &w->last, v);

	if (error != -ENOENT)
		return error;
	error = heap_again();
	if (error)
		return error;
	vnode_lock(w->at, DIR_PARENT);
	error = create(w, o, v);
	vnode_unlock(w->at);
	return error;
}

/* The file behind the last name, following links. */
static int
open_last(struct walk *w, struct opening *o, struct vnode **v)
{
	int error;

	for (;;) {
		error = walk_run(w);
		if (error)
			return error;
		if (w->last_type != LAST_NORMAL)
			return o->flags & O_EXCL ? -EEXIST : -EISDIR;
		if (w->slash)
			return -EISDIR;
		error = find_or_create(w, o, v);
		if (error || o->created)
			return error;
		if (o->flags & O_EXCL)
			break;
		if ((*v)->type != VT_LNK || (o->flags & O_NOFOLLOW))
			return 0;
		error = walk_follow_last(w, *v);
		vnode_put(*v);
		if (error)
			return error;
		if (!*w->path) { /* it led to a file, not to a path */
			*v = vnode_get(w->at);
			return 0;
		}
	}
	vnode_put(*v);
	return -EEXIST;
}

static int
walk_creating(int dirfd, const char *path, struct opening *o, struct vnode **v)
{
	struct walk w;
	int error = walk_begin(&w, dirfd, path, WALK_PARENT);

	if (!error)
		error = open_last(&w, o, v);
	walk_end(&w);
	return error;
}

/* ---- A file without a name ---- */

/* What /proc shows of it: no name, but one that tells them apart. */
static void
name_for_show(struct vnode *v, struct vnode *dir)
{
	char text[24];
	struct name name = name_of(
		text, (size_t)snformat(text, sizeof(text), "#%lu", v->ino));

	vnode_set_parent(v, dir, &name);
}

/* open(2), O_TMPFILE: @p path is a directory. With O_EXCL it never gets a
 * name. */
static int
make_unnamed(int dirfd, const char *path, struct opening *o, struct vnode **v)
{
	struct vnode *dir;
	int error = path_walk(dirfd, path, WALK_DIRECTORY, &dir);

	if (error)
		return error;
	error = may_create(dir);
	if (!error && !dir->ops->tmpfile)
		error = -EOPNOTSUPP;
	if (!error)
		error = dir->ops->tmpfile(dir, S_IFREG | o->mode, v);
	if (!error) {
		(*v)->linkable = !(o->flags & O_EXCL);
		name_for_show(*v, dir);
		o->created = true;
	}
	vnode_put(dir);
	return error;
}

/* ---- Opening ---- */

static int
open_found(struct vnode *v, const struct opening *o, struct file **result)
{
	unsigned flags = o->flags & ~OPEN_ONLY;
	int error = o->created ? 0 : check_open(v, o->flags);

	if (!(flags & O_PATH))
		flags |= O_LARGEFILE;
	if (!error)
		error = vnode_open(v, flags, result);
	if (!error && !(o->flags & O_PATH))
		notify_file(v, IN_OPEN);
	/* A file whose size is not its own (proc's) is not cut off. */
	if (!error && (o->flags & O_TRUNC) && !o->created &&
	    v->type == VT_REG && v->ops->setattr) {
		error = vnode_truncate(v, 0);
		if (error)
			file_put(*result);
	}
	return error;
}

int
file_open(int dirfd, const char *path, unsigned flags, uint32_t mode,
	  struct file **result)
{
	struct opening o = { .mode = mode & ~current_fs()->umask & 07777 };
	unsigned walk = (flags & O_NOFOLLOW ? WALK_NOFOLLOW : 0) |
			(flags & O_DIRECTORY ? WALK_DIRECTORY : 0);
	struct vnode *v;
	int error;

	o.flags = flags;
	if (flags & TMPFILE_BIT)
		error = make_unnamed(dirfd, path, &o, &v);
	else if (flags & O_CREAT)
		error = walk_creating(dirfd, path, &o, &v);
	else
		error = path_walk(dirfd, path, walk, &v);
	if (error)
		return error;
	error = open_found(v, &o, result);
	vnode_put(v);
	return error;
}

static int64_t
sys_openat(int dirfd, const char *path, unsigned flags, uint32_t mode)
{
	struct user_path p;
	struct file *f;
	int error = check_flags(&flags);

	if (!error)
		error = user_path_get(&p, path, false);
	if (error)
		return error;
	if ((flags & (O_CREAT | O_TRUNC)) && !fd_available())
		error = -EMFILE; /* before anything is made or cut */
	else
		error = file_open(dirfd, p.text, flags, mode, &f);
	user_path_put(&p);
	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}
SYSCALL(NR_openat, sys_openat);

static int64_t
sys_open(const char *path, unsigned flags, uint32_t mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}
SYSCALL(NR_open, sys_open);

static int64_t
sys_creat(const char *path, uint32_t mode)
{
	return sys_openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}
SYSCALL(NR_creat, sys_creat);
