/*
 * open and creat: walk to the file, or make it; check what the caller may do;
 * make an open file.
 */
#include "abi/syscall.h"
#include "files_internal.h"
#include "format.h"

/* Flags that say how to open, not what the open file is like: F_GETFL does not
 * show them. */
#define OPEN_ONLY   (O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC)
#define TMPFILE_BIT (O_TMPFILE & ~O_DIRECTORY)

struct opening {
	unsigned flags; /* O_* */
	uint32_t mode;	/* of a file that is made, less the umask */
	bool created;	/* by this call: it may be opened whatever its mode */
};

/* open(2). O_PATH has all flags ignored but three. O_TMPFILE has the bit of
 * O_DIRECTORY in it, so that a kernel which does not know it fails at the
 * directory; and a file without a name that nobody can write is of no use.
 * O_CREAT with O_DIRECTORY would make a regular file, and has been an error
 * since Linux 6.4. Bits that are not known are ignored: openat2 came for that.
 */
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

/* Access mode 3 wants both rights, and gives neither: such a file is for ioctl
 * (open(2)). O_TRUNC changes the file, whatever it is opened for; with O_RDONLY
 * POSIX leaves it undefined, and Linux cuts. */
static int
wanted_access(unsigned flags)
{
	static const uint8_t wanted[] = { R_OK, W_OK, R_OK | W_OK,
					  R_OK | W_OK };

	return wanted[flags & O_ACCMODE] | (flags & O_TRUNC ? W_OK : 0);
}

/* Whether the caller may open @p v, which was there before. A link is here only
 * where it was not to be followed. Types come before permissions, as on Linux.
 */
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

/* The last name was not there when it was looked up. Its directory's lock is
 * held: what is found or made now is so at once for all. A removed directory is
 * empty for ever. */
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

/* First without the lock: mostly the file is there. A file that is made needs a
 * reservation of heap of its own, for which no lock may be held (HEAP3), so it
 * is had whether or not somebody else makes the file meanwhile. */
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

/* The file behind the last name, following links: of one that leads to nothing,
 * the file that it names is made. With O_EXCL the link itself is what is there,
 * wherever it leads (POSIX.1-2017, open()). "." and "name/" could only be
 * directories, which open does not make. */
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
 * name. The directory is not locked, as it gets no entry; the right to make one
 * is asked for all the same. */
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

/* Who made the file may open it in any way: its mode is for those who come
 * later (open(2)). It is cut only once it is open: a program that runs must not
 * be written (-ETXTBSY), nor cut. What is no regular file is never cut
 * (POSIX.1-2017, open(): FIFOs, terminals). */
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

/* Without a number that is left nothing is looked up, made, cut or waited for.
 * That one is left now may no longer be so in the end, if threads share the
 * table: then the file that was made stays. */
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
	if (!fd_available())
		error = -EMFILE;
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
