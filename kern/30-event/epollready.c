/*
 * An epoll's ready list: how a file's wake-up puts a member there, and how
 * epoll_wait takes it off again. Nobody looks at members that have not called:
 * a wait costs what is ready, however large the set is.
 *
 * A hook is called with a queue's lock held, perhaps in an interrupt. It takes
 * the epoll's queue lock, adds the member, and wakes a waiter; if the waiter is
 * another epoll's hook, that does the same one level up (chain_level).
 */
#include "abi/syscall.h"
#include "epoll.h"

#define EVENTS_MAX (INT32_MAX / sizeof(struct epoll_event))

/* ---- Calling ---- */

/* How many epolls' queue locks this CPU holds; interrupts are off then. */
static PERCPU(unsigned, chain_level);

/* The queue's lock is held. @return whether somebody was woken */
static bool
make_ready_locked(struct epoll_member *m)
{
	struct epoll *e = m->epoll;

	if (!(m->events & ~EPOLL_FLAGS) || !list_empty(&m->ready_link))
		return false;
	list_add_tail(&m->ready_link, &e->ready);
	return waitq_wake_held(&e->wq, 1) > 0;
}

void
epoll_make_ready(struct epoll_member *m)
{
	uint64_t rflags = spin_lock_irqsave(&m->epoll->wq.lock);

	this_cpu(chain_level)++;
	make_ready_locked(m);
	this_cpu(chain_level)--;
	spin_unlock_irqrestore(&m->epoll->wq.lock, rflags);
}

/* waitq_watch.wake */
static bool
hook_called(struct waitq_watch *w)
{
	struct epoll_member *m =
		container_of(w, struct epoll_hook, watch)->member;
	struct spinlock *lock = &m->epoll->wq.lock;
	unsigned level = this_cpu(chain_level)++;
	bool woken;

	NESTS(EPOLL_DEPTH_MAX + 1, level <= EPOLL_DEPTH_MAX);
	if (level)
		spin_lock_nested(lock, level);
	else
		spin_lock(lock);
	woken = make_ready_locked(m);
	spin_unlock(lock);
	this_cpu(chain_level)--;
	return woken;
}

/* ---- Hooks ---- */

struct hanging {
	struct poll_table table;
	struct epoll_member *member;
};

/* poll_table.add */
static void
hang_hook(struct poll_table *table, struct waitq *wq)
{
	struct epoll_member *m =
		container_of(table, struct hanging, table)->member;
	struct epoll_hook *h = &m->hooks[m->nhooks];

	ASSERT(m->nhooks < HOOKS_MAX);
	m->nhooks++;
	h->watch.wake = hook_called;
	h->watch.exclusive = m->events & EPOLLEXCLUSIVE;
	h->wq = wq;
	h->member = m;
	waitq_watch(wq, &h->watch);
}

static unsigned poll_epoll(struct epoll *e, struct poll_table *table,
			   unsigned level);

/* Events of a member now that are wanted. @p level: epolls' mutexes held. */
static unsigned
poll_member(struct epoll_member *m, struct poll_table *table, unsigned level)
{
	unsigned events =
		is_epoll(m->file)
			? poll_epoll(m->file->private_data, table, level)
			: m->file->ops->poll(m->file, table);

	return events & m->events;
}

unsigned
epoll_hang(struct epoll_member *m)
{
	struct hanging h = { { hang_hook, m->events }, m };

	return poll_member(m, &h.table, 1);
}

void
epoll_unhang(struct epoll_member *m)
{
	while (m->nhooks > 0) {
		struct epoll_hook *h = &m->hooks[--m->nhooks];

		waitq_unwatch(h->wq, &h->watch);
	}
}

/* ---- Looking through the ready list ---- */

/*
 * A walk looks at the members that stand on the list when it begins; the mutex
 * is held from begin to end, so they stay. The one that is looked at is off the
 * list: it is ready anew if it calls from now on. What calls or is put back
 * meanwhile comes behind `last`.
 */
struct walk_ready {
	struct epoll *e;
	struct epoll_member *m;	   /* that is looked at, NULL: none */
	struct epoll_member *last; /* to be looked at */
	enum { DROP, PUT_FIRST, PUT_LAST } then; /* what becomes of m */
};

/* The queue's lock is held. */
static void
take_first(struct walk_ready *w)
{
	w->m = list_first(&w->e->ready, struct epoll_member, ready_link);
	w->then = DROP;
	if (w->m)
		list_del(&w->m->ready_link);
}

/* The queue's lock is held. */
static void
put_back(struct walk_ready *w)
{
	if (w->then == DROP || !list_empty(&w->m->ready_link))
		return;
	if (w->then == PUT_LAST)
		list_add_tail(&w->m->ready_link, &w->e->ready);
	else
		list_add(&w->m->ready_link, &w->e->ready);
}

static void
walk_first(struct walk_ready *w)
{
	uint64_t rflags = spin_lock_irqsave(&w->e->wq.lock);

	w->last = list_last(&w->e->ready, struct epoll_member, ready_link);
	take_first(w);
	spin_unlock_irqrestore(&w->e->wq.lock, rflags);
}

/* Go on to the next one, if there is one. @return whether there is */
static bool
walk_next(struct walk_ready *w)
{
	uint64_t rflags;

	if (w->m == w->last)
		return false;
	rflags = spin_lock_irqsave(&w->e->wq.lock);
	put_back(w);
	take_first(w);
	spin_unlock_irqrestore(&w->e->wq.lock, rflags);
	return true;
}

/* If something is left on the list, another waiter can have it. */
static void
walk_ready_end(struct walk_ready *w)
{
	struct epoll *e = w->e;
	uint64_t rflags = spin_lock_irqsave(&e->wq.lock);

	put_back(w);
	if (!list_empty(&e->wq.waiters) && !list_empty(&e->ready)) {
		this_cpu(chain_level)++;
		waitq_wake_held(&e->wq, 1);
		this_cpu(chain_level)--;
	}
	spin_unlock_irqrestore(&e->wq.lock, rflags);
}

/* Whether an epoll is ready itself: one of its members is. Those that are not,
 * any more, leave the list. @p level: epolls' mutexes held. */
static unsigned
poll_epoll(struct epoll *e, struct poll_table *table, unsigned level)
{
	struct walk_ready w = { .e = e };
	unsigned events = 0;

	NESTS(EPOLL_DEPTH_MAX + 1, level <= EPOLL_DEPTH_MAX);
	poll_add(table, &e->wq);
	mutex_lock_nested(&e->mutex, level);
	walk_first(&w);
	if (w.m) {
		do {
			if (poll_member(w.m, NULL, level + 1))
				events = POLLIN | POLLRDNORM;
		} while (!events && walk_next(&w));
	}
	if (events)
		w.then = PUT_FIRST;
	walk_ready_end(&w);
	mutex_unlock(&e->mutex);
	return events;
}

unsigned
epoll_poll(struct file *f, struct poll_table *table)
{
	return poll_epoll(f->private_data, table, 0);
}

/* ---- Telling ---- */

/* A member has been told of. Who wants levels is to be told again, but the
 * others first: so each has its turn. */
static void
told(struct walk_ready *w)
{
	struct epoll *e = w->e;
	uint64_t rflags;

	if (w->m->events & EPOLLONESHOT) {
		rflags = spin_lock_irqsave(&e->wq.lock);
		w->m->events &= EPOLL_FLAGS;
		spin_unlock_irqrestore(&e->wq.lock, rflags);
	} else if (!(w->m->events & EPOLLET)) {
		w->then = PUT_LAST;
	}
}

/* Tell user space of the member that is looked at, if it is ready.
 * @return 1 or 0 events told, or -EFAULT */
static int
tell_one(struct walk_ready *w, struct epoll_event *user)
{
	struct epoll_event event = { poll_member(w->m, NULL, 1), w->m->data };

	if (!event.events)
		return 0;
	if (copyout(user, &event, sizeof(event))) {
		w->then = PUT_FIRST;
		return -EFAULT;
	}
	told(w);
	return 1;
}

/* Tell user space of up to @p max members. @return how many, or -EFAULT */
static int64_t
tell_ready(struct epoll *e, struct epoll_event *user, int max)
{
	struct walk_ready w = { .e = e };
	int n = 0, told = 0;

	mutex_lock(&e->mutex);
	walk_first(&w);
	if (w.m) {
		do {
			told = tell_one(&w, user + n);
			n += MAX(told, 0);
		} while (told >= 0 && n < max && walk_next(&w));
	}
	walk_ready_end(&w);
	mutex_unlock(&e->mutex);
	return n ? n : told;
}

/* ---- Waiting ---- */

/* Sleep until something is on the ready list. @return 0, -EINTR, -ETIMEDOUT */
static int
wait_ready(struct epoll *e, uint64_t deadline)
{
	uint64_t rflags = spin_lock_irqsave(&e->wq.lock);
	int error = 0;

	while (list_empty(&e->ready) && !error)
		error = waitq_wait_irq(&e->wq, &e->wq.lock, &rflags,
				       WAIT_INTERRUPTIBLE, deadline);
	if (!list_empty(&e->ready))
		error = 0;
	spin_unlock_irqrestore(&e->wq.lock, rflags);
	return error;
}

/* @p deadline: 0: only look */
static int64_t
wait(struct epoll *e, struct epoll_event *user, int max, uint64_t deadline)
{
	int64_t n;
	int error;

	for (;;) {
		n = tell_ready(e, user, max);
		if (n || !deadline)
			return n;
		error = wait_ready(e, deadline);
		if (error)
			return error == -EINTR ? -EINTR : 0;
	}
}

static int64_t
epoll_wait_until(int epfd, struct epoll_event *user, int max, uint64_t deadline)
{
	struct borrowed b;
	int64_t n = -EINVAL;

	if (max <= 0 || max > (int)EVENTS_MAX)
		return -EINVAL;
	if (!user_range_ok(user, max * sizeof(*user)))
		return -EFAULT;
	b = fd_borrow(epfd);
	if (!b.file || (b.file->flags & O_PATH))
		n = -EBADF;
	else if (is_epoll(b.file))
		n = wait(b.file->private_data, user, max, deadline);
	fd_return(b);
	return n;
}

static uint64_t
deadline_of_msec(int msec)
{
	if (msec < 0)
		return WAIT_FOREVER;
	return msec ? deadline_after(msec * NS_PER_MSEC) : 0;
}

/* ---- The calls ---- */

static int64_t
sys_epoll_wait(int epfd, struct epoll_event *user, int max, int msec)
{
	return epoll_wait_until(epfd, user, max, deadline_of_msec(msec));
}
SYSCALL(NR_epoll_wait, sys_epoll_wait);

/* With a mask of its own, which an interrupted call keeps until the handler
 * has its frame. */
static int64_t
wait_with_mask(int epfd, struct epoll_event *user, int max, uint64_t deadline,
	       const ksigset_t *user_mask, size_t setsize)
{
	ksigset_t mask;
	int64_t n;

	if (!user_mask)
		return epoll_wait_until(epfd, user, max, deadline);
	if (setsize != KSIGSET_SIZE)
		return -EINVAL;
	if (copyin(&mask, user_mask, sizeof(mask)))
		return -EFAULT;
	signal_mask_swap(mask);
	n = epoll_wait_until(epfd, user, max, deadline);
	if (n != -EINTR)
		signal_mask_restore();
	return n;
}

static int64_t
sys_epoll_pwait(int epfd, struct epoll_event *user, int max, int msec,
		const ksigset_t *mask, size_t setsize)
{
	return wait_with_mask(epfd, user, max, deadline_of_msec(msec), mask,
			      setsize);
}
SYSCALL(NR_epoll_pwait, sys_epoll_pwait);

static int64_t
sys_epoll_pwait2(int epfd, struct epoll_event *user, int max,
		 const struct timespec *timeout, const ksigset_t *mask,
		 size_t setsize)
{
	uint64_t deadline = WAIT_FOREVER;
	struct timespec t;

	if (timeout) {
		if (copyin(&t, timeout, sizeof(t)))
			return -EFAULT;
		if (!timespec_valid(&t))
			return -EINVAL;
		deadline = timespec_ns(&t);
		if (deadline)
			deadline = deadline_after(deadline);
	}
	return wait_with_mask(epfd, user, max, deadline, mask, setsize);
}
SYSCALL(NR_epoll_pwait2, sys_epoll_pwait2);
