/*
 * Advisory locks. Record locks (fcntl(2)) are on ranges of a file, and belong
 * to a process (its descriptor table: what its threads share) or, F_OFD_*, to
 * an open file. flock(2)'s are on whole files, belong to open files, and know
 * nothing of the others. A file's locks are a list sorted by start; those of
 * one owner and kind do not overlap.
 *
 * Entry points: record_lock, record_locks_release, file_lock_get, flock.
 */
#include "abi/syscall.h"
#include "files_internal.h"

#define END_OF_FILE UINT64_MAX

/* Guarded by locks_lock, like all of these. */
struct lock {
	struct list link;  /* of record_locks.held */
	struct list all;   /* of all_locks; empty for what is only asked for */
	const void *owner; /* LOCK_POSIX: struct fdtable; else struct file */
	enum file_lock_kind kind;
	uint64_t start, end; /* [start, end) */
	int16_t type;	     /* F_RDLCK or F_WRLCK */
	int pid;	     /* -1: of an open file */
	/* Not referenced: a lock is released before its owner lets go of the
	 * file, and the file has one. */
	const struct vnode *vnode;
};

/* Of a vnode, made by its first lock and gone with it. */
struct record_locks {
	struct list held;
};

/* One lock and one queue for all: record locks are rare. A waiter looks again
 * whenever any lock is released. */
static struct spinlock locks_lock = SPINLOCK("record locks");
static struct waitq locks_wq = WAITQ(locks_wq, "record lock queue");
static struct list all_locks = LIST_INIT(all_locks); /* the newest last */
static unsigned nwaiting; /* processes that wait, for the deadlock check */

/* On its thread's stack. */
struct waiting {
	struct list link;   /* of waiters */
	const void *owner;  /* of the lock that it wants */
	const void *holder; /* whom it waits for; NULL: looks anew just now */
};
static struct list waiters = LIST_INIT(waiters);

/* ---- Under locks_lock ---- */

static bool
overlaps(const struct lock *a, const struct lock *b)
{
	return a->start < b->end && b->start < a->end;
}

static bool
same_owner(const struct lock *a, const struct lock *b)
{
	return a->owner == b->owner &&
	       (a->kind == LOCK_FLOCK) == (b->kind == LOCK_FLOCK);
}

/* Whether two locks of different owners cannot both be held. */
static bool
exclude(const struct lock *a, const struct lock *b)
{
	return (a->kind == LOCK_FLOCK) == (b->kind == LOCK_FLOCK) &&
	       overlaps(a, b) && (a->type == F_WRLCK || b->type == F_WRLCK);
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

/* A lock of another owner that stands against @p want, or, if that is F_UNLCK,
 * one of its own that would be released; or NULL. */
static struct lock *
conflict(struct vnode *v, const struct lock *want)
{
	struct record_locks *r = v->locks;
	struct lock *l;

	if (!r)
		return NULL;
	list_for_each (l, &r->held, link) {
		if (want->type == F_UNLCK
			    ? same_owner(l, want) && overlaps(l, want)
			    : l->owner != want->owner && exclude(l, want))
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
	list_add_tail(&l->all, &all_locks);
}

static void delete (struct lock *l)
{
	list_del(&l->link);
	list_del(&l->all);
	kfree(l);
}

/* Cut [want->start, want->end) out of the owner's locks, of whatever type: a
 * new lock replaces what it covers (POSIX.1-2017, fcntl()). */
static void
cut(struct record_locks *r, const struct lock *want)
{
	struct lock *l, *next;

	list_for_each_safe (l, next, &r->held, link) {
		if (!same_owner(l, want) || !overlaps(l, want))
			continue;
		if (l->start < want->start && l->end > want->end) {
			/* The owner has no other lock here. */
			insert(r, want->end, l->end, l);
			l->end = want->start;
			return;
		}
		if (l->start < want->start) {
			l->end = want->start;
		} else if (l->end > want->end) {
			l->start = want->end;
		} else {
			delete (l);
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
		if (!same_owner(l, want) || l->type != want->type ||
		    l->end < want->start || l->start > want->end)
			continue;
		want->start = MIN(want->start, l->start);
		want->end = MAX(want->end, l->end);
		delete (l);
	}
}

/* After locks were taken off: without any, the list goes; who waits looks
 * again, and until then it is not known whom it waits for. */
static void
locks_changed(struct vnode *v)
{
	struct record_locks *r = v->locks;
	struct waiting *w;

	if (list_empty(&r->held)) {
		v->locks = NULL;
		kfree(r);
	}
	list_for_each (w, &waiters, link)
		w->holder = NULL;
	if (!list_empty(&waiters))
		waitq_wake_all(&locks_wq);
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
	locks_changed(v);
}

/* Whether @p holder waits, through others, for @p owner. Of a table whose
 * threads wait for several locks one is followed: then a circle may be missed,
 * and the steps are bounded because there may be one without @p owner. */
static bool
waits_for(const void *holder, const void *owner)
{
	struct waiting *w;
	unsigned steps = nwaiting + 1;

	while (steps-- > 0) {
		const void *next = NULL;

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

/* All locks of an owner go: nothing is split, and no heap is needed. */
static void
release(struct vnode *v, const void *owner, enum file_lock_kind kind)
{
	struct record_locks *r;
	struct lock *l, *next;

	spin_lock(&locks_lock);
	r = v->locks;
	if (r) {
		list_for_each_safe (l, next, &r->held, link) {
			if (l->owner == owner && l->kind == kind)
				delete (l);
		}
		locks_changed(v);
	}
	spin_unlock(&locks_lock);
}

void
record_locks_release(struct vnode *v, const struct fdtable *t)
{
	release(v, t, LOCK_POSIX);
}

/* vfs_ops.file_gone */
void
file_locks_release(struct file *f)
{
	release(f->vnode, f, LOCK_OFD);
	release(f->vnode, f, LOCK_FLOCK);
}

bool
file_lock_get(unsigned n, struct file_lock *result)
{
	struct lock *l;
	bool found = false;

	spin_lock(&locks_lock);
	list_for_each (l, &all_locks, all) {
		if (n-- > 0)
			continue;
		*result = (struct file_lock){
			.kind = l->kind,
			.write = l->type == F_WRLCK,
			.pid = l->pid,
			.dev = l->vnode->mount->dev,
			.ino = l->vnode->ino,
			.start = l->start,
			.end = l->end,
		};
		found = true;
		break;
	}
	spin_unlock(&locks_lock);
	return found;
}

/* The range that @p fl means, in bytes from the start of the file. A length of
 * 0 is up to the end, however far the file grows; a negative one, what lies
 * before l_start (POSIX.1-2017, fcntl()). */
static int
range_of(const struct file *f, const struct flock *fl, struct lock *want)
{
	int64_t base = 0, start;

	if (fl->l_whence == SEEK_CUR)
		base = f->pos;
	else if (fl->l_whence == SEEK_END)
		base = f->vnode->size;
	else if (fl->l_whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, fl->l_start, &start))
		return -EOVERFLOW;
	if (start < 0 || start + MIN(fl->l_len, 0) < 0)
		return -EINVAL;
	if (fl->l_len - 1 > INT64_MAX - start)
		return -EOVERFLOW;
	want->start = start + MIN(fl->l_len, 0);
	want->end = start + (uint64_t)MAX(fl->l_len, 0);
	if (fl->l_len == 0 || want->end > INT64_MAX) /* the last byte of all */
		want->end = END_OF_FILE;
	return 0;
}

static int
get_lock(struct vnode *v, const struct lock *want, struct flock *fl)
{
	struct lock *l;

	if (want->type != F_RDLCK && want->type != F_WRLCK &&
	    (want->type != F_UNLCK || want->kind == LOCK_POSIX))
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

/* Wait until nothing stands against @p want. The lock is held, and not let go
 * between the last look and what the caller does: nobody else can be quicker.
 * It is asked anew for each holder: whom one waits for changes. A signal whose
 * handler has SA_RESTART begins the call anew (signal(7)). */
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
		/* Only of processes is known what they wait for. */
		if (want->kind == LOCK_POSIX &&
		    waits_for(l->owner, want->owner))
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

static int
running_pid(void)
{
	return vfs_ops.pid ? vfs_ops.pid() : 0;
}

int64_t
record_lock(struct file *f, unsigned command, struct flock *user)
{
	bool ofd = command >= F_OFD_GETLK, get, wait;
	struct lock want = {
		.owner = ofd ? (const void *)f : current()->fdtable,
		.kind = ofd ? LOCK_OFD : LOCK_POSIX,
		.vnode = f->vnode,
	};
	struct flock fl;
	int error;

	if (copyin(&fl, user, sizeof(fl)))
		return -EFAULT;
	if (!f->vnode || (ofd && fl.l_pid != 0))
		return -EINVAL;
	get = command == F_GETLK || command == F_OFD_GETLK;
	wait = command == F_SETLKW || command == F_OFD_SETLKW;
	want.type = fl.l_type;
	want.pid = ofd ? -1 : running_pid();
	error = range_of(f, &fl, &want);
	if (!error && !get)
		error = check_mode(f, fl.l_type);
	if (error)
		return error;
	if (!get)
		return set_lock(f->vnode, &want, wait);
	error = get_lock(f->vnode, &want, &fl);
	return error ? error : copyout(user, &fl, sizeof(fl));
}

/* ---- flock ---- */

static bool
holds(struct vnode *v, const struct lock *want)
{
	struct record_locks *r = v->locks;
	struct lock *l;

	if (!r)
		return false;
	list_for_each (l, &r->held, link)
		if (same_owner(l, want) && l->type == want->type)
			return true;
	return false;
}

/* flock(2): to change a lock, it is given up first; so of two that both want to
 * change theirs, one can. */
static int
lock_file(struct file *f, int16_t type, bool wait)
{
	struct lock want = {
		.owner = f,
		.kind = LOCK_FLOCK,
		.vnode = f->vnode,
		.type = type,
		.end = END_OF_FILE,
		.pid = running_pid(),
	};
	bool held;

	spin_lock(&locks_lock);
	held = holds(f->vnode, &want);
	spin_unlock(&locks_lock);
	if (held)
		return 0;
	release(f->vnode, f, LOCK_FLOCK);
	return type == F_UNLCK ? 0 : set_lock(f->vnode, &want, wait);
}

static int64_t
sys_flock(int fd, unsigned operation)
{
	static const int16_t types[] = {
		[LOCK_SH] = F_RDLCK, [LOCK_EX] = F_WRLCK, [LOCK_UN] = F_UNLCK
	};
	unsigned what = operation & ~LOCK_NB;
	struct file *f;
	int error;

	if (what != LOCK_SH && what != LOCK_EX && what != LOCK_UN)
		return -EINVAL;
	f = fd_get(fd);
	if (!f)
		return -EBADF;
	if (f->flags & O_PATH)
		error = -EBADF;
	else if (!f->vnode)
		error = -EINVAL;
	else
		error = lock_file(f, types[what], !(operation & LOCK_NB));
	file_put(f);
	return error;
}
SYSCALL(NR_flock, sys_flock);
