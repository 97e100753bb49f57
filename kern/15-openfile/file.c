/*
 * Open files: made by open and its kin, shared by dup and fork, gone with the
 * last reference. What reading and writing do is the file's operations'.
 */
#include "file.h"
#include "notify.h"
#include "string.h"

/* A file opened with O_PATH names a place and does nothing: what a call may do
 * with it, it does with the vnode (open(2), O_PATH). */
static const struct file_ops path_file_ops;

struct file *
file_new(const struct file_ops *ops, unsigned flags, void *private_data)
{
	struct file *f = knew(struct file);

	ref_init(&f->refs);
	f->ops = ops;
	f->flags = flags;
	f->private_data = private_data;
	list_init(&f->epolls);
	mutex_init(&f->pos_lock, "file position");
	return f;
}

struct file *
file_get(struct file *f)
{
	ref_get(&f->refs);
	return f;
}

void
file_take(struct file *f)
{
	uint16_t account = current()->md.account;

	kcharge(f, account);
	kcharge(f->private_data, account);
}

/* While it is open no program runs from its file (vnode_begin_write). */
static bool
is_writer(const struct file *f)
{
	return f->vnode && f->vnode->type == VT_REG && file_writable(f);
}

static void
file_free(struct rcu_head *head)
{
	kfree(container_of(head, struct file, rcu));
}

/* No one else can reach the file, but look-ups of its descriptor that still run
 * in an RCU section, which will find its count 0: so its memory goes after a
 * grace period. Epolls and record locks know it by its address and go first.
 * The vnode stays until last, as all of them ask for it. */
static void
file_release(struct file *f)
{
	struct vnode *v = f->vnode;

	if (!list_empty(&f->epolls))
		vfs_ops.file_unwatch(f);
	if (v && v->locks && vfs_ops.file_gone)
		vfs_ops.file_gone(f);
	if (f->ops->release)
		f->ops->release(f);
	if (v) {
		if (!(f->flags & O_PATH))
			notify_file(v, file_writable(f) ? IN_CLOSE_WRITE
							: IN_CLOSE_NOWRITE);
		if (is_writer(f))
			vnode_end_write(v);
		vnode_put(v);
	}
	rcu_defer(&f->rcu, file_free);
}

void
file_put(struct file *f)
{
	if (ref_put(&f->refs))
		file_release(f);
}

/* ---- Opening a vnode ---- */

/* POSIX.1-2017, open: a socket cannot be opened. */
static int
open_special(struct vnode *v, struct file *f)
{
	switch (v->type) {
	case VT_CHR:
	case VT_BLK:
		return vfs_ops.open_device(v, f);
	case VT_FIFO:
		return vfs_ops.open_fifo ? vfs_ops.open_fifo(v, f) : -ENXIO;
	case VT_LNK:
		return -ELOOP;
	default:
		return -ENXIO; /* a socket is connected to, not opened */
	}
}

/* What is behind @p v decides. A file system may have its own way, and then
 * decides all: procfs has regular files whose contents are made when they are
 * read. Whatever fails here leaves nothing to be undone. */
static int
set_operations(struct vnode *v, struct file *f)
{
	if (f->flags & O_PATH) {
		f->ops = &path_file_ops;
		return 0;
	}
	/* For each open, as a remount may change it. */
	if ((v->type == VT_CHR || v->type == VT_BLK) &&
	    (v->mount->flags & MS_NODEV))
		return -EACCES;
	if (v->ops->open)
		return v->ops->open(v, f);
	if (v->type == VT_REG) {
		f->ops = &regular_file_ops;
		f->has_pos = true;
		return 0;
	}
	if (v->type == VT_DIR) {
		f->ops = &dir_file_ops;
		f->has_pos = true;
		return 0;
	}
	return open_special(v, f);
}

int
vnode_open(struct vnode *v, unsigned flags, struct file **result)
{
	struct file *f = file_new(&path_file_ops, flags, NULL);
	int error;

	f->vnode = v;
	error = is_writer(f) ? vnode_begin_write(v) : 0;
	if (!error) {
		error = set_operations(v, f);
		if (error && is_writer(f))
			vnode_end_write(v);
	}
	if (error) {
		kfree(f); /* no one has seen it; v was not referenced */
		return error;
	}
	f->flags &= ~O_NOCTTY; /* it was for a terminal's open alone */
	vnode_get(v);
	*result = f;
	return 0;
}

/* ---- Reading and writing ---- */

bool
file_has_positions(struct file *f)
{
	if (f->has_pos)
		return true;
	return f->ops->seek && f->ops->seek(f, 0, SEEK_CUR) >= 0;
}

typedef int64_t (*transfer_fn)(struct file *f, struct uio *u, uint64_t *pos);

/* Two threads that read by one open file get different bytes (POSIX.1-2017,
 * 2.9.7): so the position's lock is held for the whole transfer, and the second
 * one gets what follows. With a position of the caller's own (pread)
 * nothing is shared. Without positions there is none to guard, and a reader
 * that waits for data must not keep a writer waiting for the lock. */
static inline int64_t
do_transfer(struct file *f, struct uio *u, uint64_t *pos, transfer_fn fn)
{
	int64_t n;

	if (!fn)
		return -EINVAL;
	if (pos)
		return file_has_positions(f) ? fn(f, u, pos) : -ESPIPE;
	if (!f->has_pos)
		return fn(f, u, &f->pos);
	mutex_lock(&f->pos_lock);
	n = fn(f, u, &f->pos);
	mutex_unlock(&f->pos_lock);
	return n;
}

/* Of several errors, -EBADF is first, as it is what the descriptor is. Watchers
 * are told once for each call, whatever the number of its pieces. */
int64_t
file_read(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n = file_readable(f) ? do_transfer(f, u, pos, f->ops->read)
				     : -EBADF;

	if (n > 0 && f->vnode)
		notify_file(f->vnode, IN_ACCESS);
	return n;
}

int64_t
file_write(struct file *f, struct uio *u, uint64_t *pos)
{
	int64_t n = file_writable(f) ? do_transfer(f, u, pos, f->ops->write)
				     : -EBADF;

	if (n > 0 && f->vnode)
		notify_file(f->vnode, IN_MODIFY);
	return n;
}
