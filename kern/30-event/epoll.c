/*
 * epoll: a set of files that the kernel remembers. Here the set is made and
 * changed: epoll_create, epoll_ctl. What happens when a file becomes ready, and
 * epoll_wait, are in epollready.c; epolls in epolls in epollnest.c.
 */
#include "abi/syscall.h"
#include "epoll.h"

/* ---- The tree of members, by file and descriptor ---- */

struct key {
	const struct file *file;
	int fd;
};

static int
compare_key(const void *key, const struct rbnode *node)
{
	const struct key *k = key;
	const struct epoll_member *m =
		rb_entry(node, struct epoll_member, node);

	if (k->file != m->file)
		return k->file < m->file ? -1 : 1;
	return k->fd < m->fd ? -1 : k->fd > m->fd;
}

static int
compare_nodes(const struct rbnode *a, const struct rbnode *b)
{
	const struct epoll_member *m = rb_entry(a, struct epoll_member, node);
	struct key k = { m->file, m->fd };

	return compare_key(&k, b);
}

static struct epoll_member *
find(struct epoll *e, struct file *f, int fd)
{
	struct key k = { f, fd };
	struct rbnode *node = rb_find(&e->members, &k, compare_key);

	return node ? rb_entry(node, struct epoll_member, node) : NULL;
}

/* ---- Changing the set; the mutex is held ---- */

/* Hooks go first: while they hang, the file must know of the member. */
static void
member_remove(struct epoll_member *m)
{
	struct epoll *e = m->epoll;
	uint64_t rflags;

	epoll_unhang(m);
	rflags = spin_lock_irqsave(&e->wq.lock);
	list_del(&m->ready_link);
	spin_unlock_irqrestore(&e->wq.lock, rflags);
	rb_erase(&e->members, &m->node);
	epoll_unlink(m);
	kfree(m);
}

static int
member_add(struct epoll *e, struct file *f, int fd,
	   const struct epoll_event *event)
{
	struct epoll_member *m = knew(struct epoll_member);
	int error;

	m->epoll = e;
	m->file = f;
	m->fd = fd;
	m->data = event->data;
	m->events = event->events;
	list_init(&m->ready_link);
	list_init(&m->file_link);
	list_init(&m->child_link);
	error = epoll_link(m);
	if (error) {
		kfree(m);
		return error;
	}
	rb_insert(&e->members, &m->node, compare_nodes);
	if (epoll_hang(m))
		epoll_make_ready(m);
	return 0;
}

/* The hooks are hung anew: they are for the events that are waited for. */
static int
member_change(struct epoll_member *m, const struct epoll_event *event)
{
	uint64_t rflags;

	if (m->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	epoll_unhang(m);
	rflags = spin_lock_irqsave(&m->epoll->wq.lock);
	m->events = event->events;
	list_del(&m->ready_link);
	spin_unlock_irqrestore(&m->epoll->wq.lock, rflags);
	m->data = event->data;
	if (epoll_hang(m))
		epoll_make_ready(m);
	return 0;
}

static int
change_set(struct epoll *e, int op, struct file *f, int fd,
	   const struct epoll_event *event)
{
	struct epoll_member *m = find(e, f, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		return m ? -EEXIST : member_add(e, f, fd, event);
	case EPOLL_CTL_MOD:
		return m ? member_change(m, event) : -ENOENT;
	case EPOLL_CTL_DEL:
		if (!m)
			return -ENOENT;
		member_remove(m);
		return 0;
	default:
		return -EINVAL;
	}
}

/* ---- The end ---- */

void
epoll_put(struct epoll *e)
{
	if (ref_put(&e->refs))
		kfree(e);
}

static void
epoll_release(struct file *f)
{
	struct epoll *e = f->private_data;
	struct rbnode *node;

	mutex_lock(&e->mutex);
	while ((node = rb_first(&e->members)))
		member_remove(rb_entry(node, struct epoll_member, node));
	mutex_unlock(&e->mutex);
	epoll_put(e);
}

/* vfs_ops.file_unwatch. No member is added for @p f any more. */
static void
file_gone(struct file *f)
{
	struct epoll_member *m;
	struct epoll *e;

	while ((e = epoll_of_file(f))) {
		mutex_lock(&e->mutex);
		while ((m = epoll_member_of_file(e, f)))
			member_remove(m);
		mutex_unlock(&e->mutex);
		epoll_put(e);
	}
}

const struct file_ops epoll_file_ops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.name = "[eventpoll]",
};

/* ---- The calls ---- */

struct file *
epoll_new(void)
{
	struct epoll *e = knew(struct epoll);

	ref_init(&e->refs);
	mutex_init(&e->mutex, "epoll set");
	waitq_init(&e->wq, "epoll");
	list_init(&e->ready);
	list_init(&e->children);
	e->file = file_new(&epoll_file_ops, O_RDWR, e);
	return e->file;
}

static int64_t
sys_epoll_create1(int flags)
{
	return flags & ~O_CLOEXEC
		       ? -EINVAL
		       : fd_install(epoll_new(), 0, flags & O_CLOEXEC);
}
SYSCALL(NR_epoll_create1, sys_epoll_create1);

/* @p size was a hint, once. */
static int64_t
sys_epoll_create(int size)
{
	return size > 0 ? sys_epoll_create1(0) : -EINVAL;
}
SYSCALL(NR_epoll_create, sys_epoll_create);

#define EXCLUSIVE_OK                                                           \
	(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET |    \
	 EPOLLEXCLUSIVE)

/* What the manual page says of combinations, whatever the set is. */
static int
check_ctl(const struct file *ep, int op, const struct file *f,
	  const struct epoll_event *event)
{
	if (!f->ops->poll)
		return -EPERM;
	if (ep == f || !is_epoll(ep))
		return -EINVAL;
	if (op == EPOLL_CTL_DEL || !(event->events & EPOLLEXCLUSIVE))
		return 0;
	return op == EPOLL_CTL_MOD || is_epoll(f) ||
			       (event->events & ~EXCLUSIVE_OK)
		       ? -EINVAL
		       : 0;
}

int
epoll_change(struct file *ep, int op, struct file *f, int fd,
	     struct epoll_event *event)
{
	struct epoll *e = ep->private_data;
	int error = check_ctl(ep, op, f, event);

	if (error)
		return error;
	event->events |= EPOLLERR | EPOLLHUP;
	mutex_lock(&e->mutex);
	error = change_set(e, op, f, fd, event);
	mutex_unlock(&e->mutex);
	return error;
}

static int64_t
sys_epoll_ctl(int epfd, int op, int fd, const struct epoll_event *user)
{
	struct epoll_event event = { 0 };
	struct file *ep, *f;
	int64_t error = -EBADF;

	if (op != EPOLL_CTL_DEL && copyin(&event, user, sizeof(event)))
		return -EFAULT;
	ep = fd_get(epfd);
	f = fd_get(fd);
	if (ep && f && !((ep->flags | f->flags) & O_PATH))
		error = epoll_change(ep, op, f, fd, &event);
	if (f)
		file_put(f);
	if (ep)
		file_put(ep);
	return error;
}
SYSCALL(NR_epoll_ctl, sys_epoll_ctl);

void
epoll_init(void)
{
	vfs_ops.file_unwatch = file_gone;
}
