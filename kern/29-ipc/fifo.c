/*
 * FIFOs: pipes with a name. The pipe exists while somebody has the FIFO open;
 * opening for one direction waits for the other, POSIX.1-2017 open().
 */
#include "pipe.h"

/* Guards vnode->ipc of all FIFOs, and a pipe's going against its being found
 * there: the last to close frees it in one step with taking it off the vnode.
 * Before a pipe's lock; not held while an open waits. */
static struct mutex fifo_lock;

/* The pipe of @p v, counted as open once more: so it stays for the time between
 * this lock and its own. */
static struct pipe *
fifo_enter(struct vnode *v)
{
	struct pipe *p;

	mutex_lock(&fifo_lock);
	p = v->ipc;
	if (!p)
		p = v->ipc = pipe_alloc();
	atomic_fetch_add(&p->files, 1);
	mutex_unlock(&fifo_lock);
	return p;
}

/* The reverse of fifo_enter and of the counts of rendezvous. What was left
 * unread is lost with the last file, POSIX.1-2017 close. */
static void
fifo_leave(struct vnode *v, struct pipe *p, unsigned access)
{
	mutex_lock(&fifo_lock);
	if (pipe_close_end(p, access)) {
		v->ipc = NULL;
		pipe_free(p);
	}
	mutex_unlock(&fifo_lock);
}

void
fifo_release(struct file *f)
{
	fifo_leave(f->vnode, f->private_data, f->flags & O_ACCMODE);
}

/* Wait until *opens is no longer @p seen; locked. */
static int
wait_for_open(struct pipe *p, struct waitq *wq, const uint32_t *opens,
	      uint32_t seen)
{
	while (*opens == seen)
		if (waitq_wait_mutex(wq, &p->lock, WAIT_INTERRUPTIBLE,
				     WAIT_FOREVER))
			return -ERESTARTSYS;
	return 0;
}

/* Count the new file in and wait for the other side if need be; @p p is locked.
 * It is counted before it waits, and so two opens that wait for each other both
 * go on. For both directions it never waits, fifo(7). Without O_NONBLOCK a
 * signal ends the wait, and the open is made again; with it, only who would
 * write to nobody fails (ENXIO), POSIX.1-2017 open. The counts are right even
 * if it fails: fifo_leave takes them back. */
static int
rendezvous(struct pipe *p, struct file *f)
{
	unsigned access = f->flags & O_ACCMODE;
	bool nonblock = f->flags & O_NONBLOCK;

	if (access != O_WRONLY) {
		p->readers++;
		p->reader_opens++;
		waitq_wake_all(&p->write_wq);
	}
	if (access != O_RDONLY) {
		p->writers++;
		p->writer_opens++;
		waitq_wake_all(&p->read_wq);
	}
	if (access == O_RDONLY && !p->writers && !nonblock)
		return wait_for_open(p, &p->read_wq, &p->writer_opens,
				     p->writer_opens);
	if (access == O_WRONLY && !p->readers)
		return nonblock ? -ENXIO
				: wait_for_open(p, &p->write_wq,
						&p->reader_opens,
						p->reader_opens);
	return 0;
}

/* vfs_ops.open_fifo. The file's position, which a pipe has none of, keeps the
 * count of writers' opens: a reader that came before any writer is not told
 * of a hang-up (poll). */
static int
fifo_open(struct vnode *v, struct file *f)
{
	struct pipe *p;
	int error;

	if ((f->flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL; /* neither side, which is for ioctl alone */
	p = fifo_enter(v);
	mutex_lock(&p->lock);
	f->pos = p->writer_opens;
	error = rendezvous(p, f);
	if (p->writers) /* one that is here can hang up */
		f->pos = p->writer_opens - 1;
	mutex_unlock(&p->lock);
	if (error) {
		fifo_leave(v, p, f->flags & O_ACCMODE);
		return error;
	}
	f->private_data = p;
	f->ops = &pipe_file_ops;
	return 0;
}

void
fifo_init(void)
{
	mutex_init(&fifo_lock, "FIFO opens");
	vfs_ops.open_fifo = fifo_open;
}
