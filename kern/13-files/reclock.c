/*
 * Record locks (fcntl(2)): advisory locks of a process on ranges of a file. A
 * file's locks are a list sorted by start; those of one owner do not overlap.
 * The owner is the descriptor table: what threads of a process share.
 *
 * Entry points: record_lock, record_locks_release.
 */
#include "files_internal.h"

#define END_OF_FILE UINT64_MAX

struct lock {
	struct list link; /* of record_locks.held */
	const struct fdtable *owner;
	uint64_t start, end; /* [start, end) */
	int16_t type;	     /* F_RDLCK or F_WRLCK */
	int pid;
};

/* Of a vnode, made by its first lock and gone with it. */
struct record_locks {
	struct list held;
};

/* One lock and one queue for all: record locks are rare. A waiter looks again
 * whenever any lock is released. */
static struct spinlock locks_lock = SPINLOCK("record locks");
static struct waitq locks_wq = WAITQ(locks_wq, "record lock queue");
static unsigned nwaiting; /* processes that wait, for the deadlock check */

struct waiting {
	struct list link;
	const struct fdtable *owner;
	const struct fdtable *holder; /* whom it waits for */
};
static struct list waiters = LIST_INIT(waiters);

/* ---- Under locks_lock ---- */

static bool
overlaps(const struct lock *a, const struct lock *b)
{
	return a->start < b->end && b->start < a->end;
}

static struct record_locks *
locks_of(struct vnode *v)
{
	if (!v->locks) {
		struct record_locks *r = knew(struct record_locks);

		list_init(&r->held);
		v->locks = r;
	}
	return v->locks;
}

/* A lock of another owner that stands against @p want, or NULL. */
static struct lock *
conflict(struct vnode *v, const struct lock *want)
{
	struct record_locks *r = v->locks;
	struct lock *l;

	if (!r)
		return NULL;
	list_for_each (l, &r->held, link) {
		if (l->owner != want->owner && overlaps(l, want) &&
		    (l->type == F_WRLCK || want->type == F_WRLCK))
			return l;
	}
	return NULL;
}

static void
insert(struct record_locks *r, uint64_t start, uint64_t end,
       const struct lock *like)
{
	struct lock *l = knew(struct lock);
	struct list *at = r->held.next;

	*l = *like;
	l->start = start;
	l->end = end;
	while (at != &r->held &&
	       list_entry(at, struct lock, link)->start < start)
		at = at->next;
	list_add_tail(&l->link, at);
}

/* Cut [want->start, want->end) out of the owner's locks. */
static void
cut(struct record_locks *r, const struct lock *want)
{
	struct lock *l, *next;

	list_for_each_safe (l, next, &r->held, link) {
		if (l->owner != want->owner || !overlaps(l, want))
			continue;
		if (l->start < want->start && l->end > want->end)
			insert(r, want->end, l->end, l);
		if (l->start < want->start) {
			l->end = want->start;
		} else if (l->end > want->end) {
			l->start = want->end;
		} else {
			list_del(&l->link);
			kfree(l);
		}
	}
}

/* Join @p want with the owner's neighbours of its type, so that a process that
 * locks byte after byte holds one lock. */
static void
join(struct record_locks *r, struct lock *want)
{
	struct lock *l, *next;

	list_for_each_safe (l, next, &r->held, link) {
		if (l->owner != want->owner || l->type != want->type ||
		    l->end < want->start || l->start > want->end)
			continue;
		want->start = MIN(want->start, l->start);
		want->end = MAX(want->end, l->end);
		list_del(&l->link);
		kfree(l);
	}
}

static void
apply(struct vnode *v, struct lock *want)
{
	struct record_locks *r;

	if (want->type == F_UNLCK && !v->locks)
		return;
	r = locks_of(v);
	cut(r, want);
	if (want->type != F_UNLCK) {
		join(r, want);
		insert(r, want->start, want->end, want);
	}
	if (list_empty(&r->held)) {
		v->locks = NULL;
		kfree(r);
	}
	if (!list_empty(&waiters))
		waitq_wake_all(&locks_wq);
}

/* Whether @p holder waits, through others, for @p owner. */
static bool
waits_for(const struct fdtable *holder, const struct fdtable *owner)
{
	struct waiting *w;
	unsigned steps = nwaiting + 1;

	while (steps-- > 0) {
		const struct fdtable *next = NULL;

		if (holder == owner)
			return true;
		list_for_each (w, &waiters, link) {
			if (w->owner == holder)
				next = w->holder;
		}
		if (!next)
			return false;
		holder = next;
	}
	return false;
}

/* ---- Entry points ---- */

void
record_locks_release(struct vnode *v, const struct fdtable *t)
{
	struct lock all = {
		.owner = t, .start = 0, .end = END_OF_FILE, .type = F_UNLCK
	};

	spin_lock(&locks_lock);
	apply(v, &all);
	spin_unlock(&locks_lock);
}

/* The range that @p fl means, in bytes from the start of the file. */
static int
range_of(const struct file *f, const struct flock *fl, struct lock *want)
{
	int64_t base = 0, start, end;

	if (fl->l_whence == SEEK_CUR)
		base = f->pos;
	else if (fl->l_whence == SEEK_END)
		base = f->vnode->size;
	else if (fl->l_whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, fl->l_start, &start) ||
	    __builtin_add_overflow(start, fl->l_len, &end))
		return -EOVERFLOW;
	if (fl->l_len < 0) {
		int64_t swap = start;

		start = end;
		end = swap;
	}
	if (start < 0)
		return -EINVAL;
	want->start = start;
	want->end = fl->l_len ? (uint64_t)end : END_OF_FILE;
	return 0;
}

static int
get_lock(struct vnode *v, const struct lock *want, struct flock *fl)
{
	struct lock *l;

	if (want->type == F_UNLCK)
		return -EINVAL;
	spin_lock(&locks_lock);
	l = conflict(v, want);
	if (l)
		*fl = (struct flock){
			.l_type = l->type,
			.l_whence = SEEK_SET,
			.l_start = l->start,
			.l_len = l->end == END_OF_FILE ? 0 : l->end - l->start,
			.l_pid = l->pid,
		};
	else
		fl->l_type = F_UNLCK;
	spin_unlock(&locks_lock);
	return 0;
}

/* Wait until nothing stands against @p want. The lock is held. */
static int
wait_for_lock(struct vnode *v, const struct lock *want)
{
	struct waiting w = { .owner = want->owner };
	struct lock *l;
	int error = 0;

	list_add(&w.link, &waiters);
	nwaiting++;
	while (!error && (l = conflict(v, want))) {
		w.holder = l->owner;
		if (waits_for(l->owner, want->owner))
			error = -EDEADLK;
		else
			error = waitq_wait(&locks_wq, &locks_lock,
					   WAIT_INTERRUPTIBLE, WAIT_FOREVER);
	}
	nwaiting--;
	list_del(&w.link);
	return error == -EINTR ? -ERESTARTSYS : error;
}

static int
set_lock(struct vnode *v, struct lock *want, bool wait)
{
	int error = 0;

	spin_lock(&locks_lock);
	if (want->type != F_UNLCK && conflict(v, want))
		error = wait ? wait_for_lock(v, want) : -EAGAIN;
	if (!error)
		apply(v, want);
	spin_unlock(&locks_lock);
	return error;
}

/* Reading needs a file open for reading, and so on. */
static int
check_mode(const struct file *f, int type)
{
	switch (type) {
	case F_RDLCK:
		return file_readable(f) ? 0 : -EBADF;
	case F_WRLCK:
		return file_writable(f) ? 0 : -EBADF;
	case F_UNLCK:
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t
record_lock(struct file *f, unsigned command, struct flock *user)
{
	struct lock want = { .owner = current()->fdtable };
	struct flock fl;
	int error;

	if (copyin(&fl, user, sizeof(fl)))
		return -EFAULT;
	if (!f->vnode)
		return -EINVAL;
	want.type = fl.l_type;
	want.pid = vfs_ops.pid ? vfs_ops.pid() : 0;
	error = range_of(f, &fl, &want);
	if (!error && command != F_GETLK)
		error = check_mode(f, fl.l_type);
	if (error)
		return error;
	if (command != F_GETLK)
		return set_lock(f->vnode, &want, command == F_SETLKW);
	error = get_lock(f->vnode, &want, &fl);
	return error ? error : copyout(user, &fl, sizeof(fl));
}
