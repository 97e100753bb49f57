/*
 * inotify: what happens to files and directories, as a file of records. A watch
 * hangs on a vnode and names an instance; chapter vfs calls tell() for vnodes
 * that have watches, and the record waits in the instance's queue (inqueue.c).
 * Interface: inotify(7).
 *
 * One mutex guards all watches and queues: it is only taken where somebody
 * watches. It is taken with vnodes' locks held, so under it no user memory is
 * touched, and no vnode is put: that may tell somebody.
 */
#include "abi/ioctl.h"
#include "abi/syscall.h"
#include "inqueue.h"

#define FLAGS                                                                  \
	(IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE |       \
	 IN_MASK_ADD | IN_ONESHOT)
#define ALWAYS (IN_UNMOUNT | IN_IGNORED)

struct inotify {
	struct inqueue queue;
	struct waitq wq;       /* of readers */
	struct rbroot watches; /* by number */
	int last_wd;
};

struct watch {
	struct rbnode node; /* of the instance's */
	struct inotify *instance;
	int wd;
	uint32_t mask;	     /* IN_*: events that are wanted, and flags */
	struct vnode *vnode; /* the watches of a vnode share a reference */
	struct watch **prev; /* what points to this one: vnode->watches, or */
	struct watch *next;  /* ... the one before */
};

static struct mutex lock;

/* ---- Watches; the lock is held ---- */

static int
compare_wd(const void *key, const struct rbnode *node)
{
	int wd = *(const int *)key;
	const struct watch *w = rb_entry(node, struct watch, node);

	return wd < w->wd ? -1 : wd > w->wd;
}

static int
compare_nodes(const struct rbnode *a, const struct rbnode *b)
{
	return compare_wd(&rb_entry(a, struct watch, node)->wd, b);
}

static void
put_record(struct watch *w, uint32_t mask, uint32_t cookie, const char *name,
	   size_t len)
{
	struct inotify *in = w->instance;

	inqueue_put(&in->queue, w->wd, mask, cookie, name, len);
	waitq_wake_all(&in->wq);
}

/* The new watch of @p in on @p v, which is referenced: the first watch keeps
 * that. @return whether it does */
static bool
watch_add(struct inotify *in, struct vnode *v, uint32_t mask)
{
	struct watch *w = knew(struct watch), *first = v->watches;

	w->instance = in;
	w->vnode = v;
	w->wd = ++in->last_wd;
	w->mask = mask;
	w->next = first;
	w->prev = (struct watch **)&v->watches;
	if (first)
		first->prev = &w->next;
	else
		atomic_fetch_add(&vnodes_watched, 1);
	rcu_assign(v->watches, w);
	rb_insert(&in->watches, &w->node, compare_nodes);
	return !first;
}

/* @return the vnode, if its last watch has gone, to be put without the lock */
static struct vnode *
watch_remove(struct watch *w)
{
	struct vnode *v = w->vnode;

	rb_erase(&w->instance->watches, &w->node);
	if (w->next)
		w->next->prev = w->prev;
	rcu_assign(*w->prev, w->next);
	kfree(w);
	if (v->watches)
		return NULL;
	atomic_fetch_sub(&vnodes_watched, 1);
	return v;
}

static struct watch *
watch_of(struct inotify *in, struct vnode *v)
{
	struct watch *w = v->watches;

	while (w && w->instance != in)
		w = w->next;
	return w;
}

/* ---- What vfs tells ---- */

/* Tell one watch. @return whether that was all it was for */
static bool
tell_watch(struct watch *w, uint32_t mask, uint32_t cookie, const char *name,
	   size_t len)
{
	uint32_t events = mask & ~(IN_EXCL_UNLINK | IN_ISDIR);

	if (!(events & (w->mask | ALWAYS)) || (mask & w->mask & IN_EXCL_UNLINK))
		return false;
	put_record(w, mask & ~IN_EXCL_UNLINK, cookie, name, len);
	if (!(w->mask & IN_ONESHOT))
		return false;
	put_record(w, IN_IGNORED, 0, NULL, 0);
	return true;
}

/* notify_ops.tell */
static void
tell(struct vnode *v, uint32_t mask, uint32_t cookie, const char *name,
     size_t len)
{
	struct vnode *unwatched = NULL;
	struct watch *w, *next;

	mutex_lock(&lock);
	for (w = v->watches; w; w = next) {
		next = w->next;
		if (tell_watch(w, mask, cookie, name, len))
			unwatched = watch_remove(w);
	}
	mutex_unlock(&lock);
	if (unwatched)
		vnode_put_early(unwatched); /* the caller has one */
}

/* notify_ops.forget */
static void
forget(struct vnode *v, uint32_t mask)
{
	struct vnode *unwatched = NULL;
	struct watch *w;

	mutex_lock(&lock);
	while ((w = v->watches)) {
		if (mask & (w->mask | ALWAYS))
			put_record(w, mask, 0, NULL, 0);
		put_record(w, IN_IGNORED, 0, NULL, 0);
		unwatched = watch_remove(w);
	}
	mutex_unlock(&lock);
	if (unwatched)
		vnode_put_early(unwatched); /* the caller has one */
}

/* ---- Reading ---- */

/* Take the next record, of at most @p room bytes. @return its bytes; -EAGAIN:
 * none; -EINVAL: it is larger */
static int
take(struct inotify *in, struct inrecord *record, size_t room)
{
	size_t bytes = inqueue_next(&in->queue);

	if (!bytes)
		return -EAGAIN;
	if (bytes > room)
		return -EINVAL;
	inqueue_take(&in->queue, record);
	return bytes;
}

/* The same, waiting for one. */
static int
take_waiting(struct file *f, struct inrecord *record, size_t room, bool wait)
{
	struct inotify *in = f->private_data;
	int n, error = 0;

	mutex_lock(&lock);
	while ((n = take(in, record, room)) == -EAGAIN && wait && !error)
		error = waitq_wait_mutex(&in->wq, &lock, WAIT_INTERRUPTIBLE,
					 WAIT_FOREVER);
	mutex_unlock(&lock);
	return n == -EAGAIN && error ? -ERESTARTSYS : n;
}

static int64_t
inotify_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct inrecord record;
	int64_t done = 0;
	int n;

	(void)pos;
	for (;;) {
		n = take_waiting(f, &record, u->left,
				 !done && !(f->flags & O_NONBLOCK));
		if (n < 0)
			return done ? done : n;
		if (uio_copy_to(u, &record, n) < (size_t)n)
			return done ? done : -EFAULT;
		done += n;
	}
}

static unsigned
inotify_poll(struct file *f, struct poll_table *table)
{
	struct inotify *in = f->private_data;
	unsigned events;

	poll_add_for(table, &in->wq, POLLIN | POLLRDNORM);
	mutex_lock(&lock);
	events = inqueue_next(&in->queue) ? POLLIN | POLLRDNORM : 0;
	mutex_unlock(&lock);
	return events;
}

static int
inotify_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct inotify *in = f->private_data;
	int32_t n;

	if (request != FIONREAD)
		return -ENOTTY;
	mutex_lock(&lock);
	n = inqueue_bytes(&in->queue);
	mutex_unlock(&lock);
	return copyout((void *)arg, &n, sizeof(n));
}

static void
inotify_release(struct file *f)
{
	struct inotify *in = f->private_data;
	struct rbnode *node;
	struct vnode *v;

	do {
		v = NULL;
		mutex_lock(&lock);
		node = rb_first(&in->watches);
		if (node)
			v = watch_remove(rb_entry(node, struct watch, node));
		mutex_unlock(&lock);
		if (v)
			vnode_put(v);
	} while (node);
	mutex_lock(&lock);
	inqueue_free(&in->queue);
	mutex_unlock(&lock);
	kfree(in);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.name = "inotify",
};

/* ---- The calls ---- */

static int64_t
sys_inotify_init1(int flags)
{
	struct inotify *in;

	if (flags & ~(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	in = knew(struct inotify);
	waitq_init(&in->wq, "inotify readers");
	return fd_install(
		file_new(&inotify_ops, O_RDONLY | (flags & O_NONBLOCK), in), 0,
		flags & O_CLOEXEC);
}
SYSCALL(NR_inotify_init1, sys_inotify_init1);

static int64_t
sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}
SYSCALL(NR_inotify_init, sys_inotify_init);

/* @return 0, -EBADF, -EINVAL: it is another kind of file */
static int
inotify_get(int fd, struct file **f)
{
	int error;

	*f = fd_get(fd);
	if (!*f)
		return -EBADF;
	if ((*f)->ops == &inotify_ops)
		return 0;
	error = (*f)->flags & O_PATH ? -EBADF : -EINVAL;
	file_put(*f);
	return error;
}

/* @return the watch's number, or an error; *kept: it has @p v's reference */
static int
add_or_change(struct inotify *in, struct vnode *v, uint32_t mask, bool *kept)
{
	struct watch *w = watch_of(in, v);
	uint32_t wanted = mask & (IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT);

	if (w && (mask & IN_MASK_CREATE))
		return -EEXIST;
	if (w) {
		w->mask = mask & IN_MASK_ADD ? w->mask | wanted : wanted;
		return w->wd;
	}
	*kept = watch_add(in, v, wanted);
	return in->last_wd;
}

static int
watch_vnode(struct inotify *in, struct vnode *v, uint32_t mask)
{
	bool kept = false;
	int wd = vnode_access(v, R_OK);

	if (!wd && (mask & IN_ONLYDIR) && v->type != VT_DIR)
		wd = -ENOTDIR;
	if (!wd) {
		mutex_lock(&lock);
		wd = add_or_change(in, v, mask, &kept);
		mutex_unlock(&lock);
	}
	if (!kept)
		vnode_put(v);
	return wd;
}

static int64_t
sys_inotify_add_watch(int fd, const char *path, uint32_t mask)
{
	unsigned at = mask & IN_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
	struct vnode *v;
	struct file *f;
	int error;

	if (!(mask & (IN_ALL_EVENTS | FLAGS)) ||
	    (mask &
	     ~(IN_ALL_EVENTS | FLAGS | ALWAYS | IN_ISDIR | IN_Q_OVERFLOW)) ||
	    (mask & (IN_MASK_ADD | IN_MASK_CREATE)) ==
		    (IN_MASK_ADD | IN_MASK_CREATE))
		return -EINVAL;
	error = inotify_get(fd, &f);
	if (error)
		return error;
	error = user_walk(AT_FDCWD, path, at, &v);
	if (!error)
		error = watch_vnode(f->private_data, v, mask);
	file_put(f);
	return error;
}
SYSCALL(NR_inotify_add_watch, sys_inotify_add_watch);

static int
unwatch(struct inotify *in, int wd)
{
	struct vnode *v = NULL;
	struct rbnode *node;
	struct watch *w;

	mutex_lock(&lock);
	node = rb_find(&in->watches, &wd, compare_wd);
	if (node) {
		w = rb_entry(node, struct watch, node);
		put_record(w, IN_IGNORED, 0, NULL, 0);
		v = watch_remove(w);
	}
	mutex_unlock(&lock);
	if (v)
		vnode_put(v);
	return node ? 0 : -EINVAL;
}

static int64_t
sys_inotify_rm_watch(int fd, int wd)
{
	struct file *f;
	int error = inotify_get(fd, &f);

	if (error)
		return error;
	error = unwatch(f->private_data, wd);
	file_put(f);
	return error;
}
SYSCALL(NR_inotify_rm_watch, sys_inotify_rm_watch);

void
inotify_init(void)
{
	mutex_init(&lock, "inotify");
	notify_ops = (struct notify_ops){ .tell = tell, .forget = forget };
}
