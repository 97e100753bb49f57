/*
 * timerfd: timers as files. A read takes the number of expirations since the
 * last one. A timer that repeats goes off once and is armed again by who reads:
 * so nobody's interval, however short, keeps the machine busy. Interface:
 * timerfd_create(2).
 */
#include "abi/syscall.h"
#include "timerfd.h"

/* The queue's lock guards what is not constant: the timer's function runs in
 * interrupts. */
struct timerfd {
	bool by_day; /* constant: CLOCK_REALTIME */
	struct waitq wq;
	struct timer timer;
	struct waitq_watch clock_set; /* by_day */
	bool absolute;		      /* by_day: `when` is a time of day */
	bool cancel_on_set;
	bool was_set;	   /* the clock was, since somebody last heard so */
	bool expired;	   /* it went off, and is not armed again */
	uint64_t when;	   /* ns; 0: off */
	uint64_t interval; /* 0: once */
	uint64_t ticks;	   /* expirations not read */
};

/* ---- Time; the lock is held ---- */

static uint64_t
timer_now(const struct timerfd *t)
{
	if (t->absolute)
		return MAX(clock_realtime_ns(), 0);
	return clock_ns();
}

static void
arm(struct timerfd *t)
{
	uint64_t now = timer_now(t);

	timer_arm(&t->timer, deadline_after(t->when > now ? t->when - now : 0));
}

/* Let a timer that has gone off repeat. */
static void
go_on(struct timerfd *t)
{
	uint64_t now = timer_now(t), missed;

	if (!t->expired || !t->interval)
		return;
	missed = now > t->when ? (now - t->when) / t->interval : 0;
	t->ticks += missed;
	t->when += (missed + 1) * t->interval;
	t->expired = false;
	arm(t);
}

/* In interrupt context. What was set anew meanwhile is not yet due. */
static void
fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	uint64_t rflags = spin_lock_irqsave(&t->wq.lock);

	if (t->when && !t->expired) {
		if (timer_now(t) < t->when) {
			arm(t);
		} else {
			t->expired = true;
			t->ticks++;
			waitq_wake_held(&t->wq, UINT32_MAX);
		}
	}
	spin_unlock_irqrestore(&t->wq.lock, rflags);
}

/* waitq_watch.wake of clock_set_wq. */
static bool
clock_was_set(struct waitq_watch *w)
{
	struct timerfd *t = container_of(w, struct timerfd, clock_set);
	uint64_t rflags = spin_lock_irqsave(&t->wq.lock);

	/* Who watches a timer is no timer: two of their locks have no order,
	 * and the lock checker would say so above. */
	NESTS(1, true);
	t->was_set = true;
	if (t->when && t->absolute && !t->expired)
		arm(t);
	if (t->cancel_on_set)
		waitq_wake_held(&t->wq, UINT32_MAX);
	spin_unlock_irqrestore(&t->wq.lock, rflags);
	return false;
}

/* Whether the clock was set under a timer that is cancelled by that; told once.
 */
static bool
cancelled(struct timerfd *t)
{
	if (!t->cancel_on_set || !t->was_set)
		return false;
	t->was_set = false;
	return true;
}

/* ---- The file ---- */

static int64_t
timerfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct timerfd *t = f->private_data;
	uint64_t rflags, ticks = 0;
	int64_t error = 0;

	(void)pos;
	if (u->left < sizeof(ticks))
		return -EINVAL;
	rflags = spin_lock_irqsave(&t->wq.lock);
	while (!t->ticks && !(t->cancel_on_set && t->was_set) && !error) {
		if (f->flags & O_NONBLOCK)
			error = -EAGAIN;
		else if (waitq_wait_irq(&t->wq, &t->wq.lock, &rflags,
					WAIT_INTERRUPTIBLE, WAIT_FOREVER))
			error = -ERESTARTSYS;
	}
	if (!error && cancelled(t)) {
		t->ticks = 0;
		error = -ECANCELED;
	}
	if (!error) {
		go_on(t);
		ticks = t->ticks;
		t->ticks = 0;
	}
	spin_unlock_irqrestore(&t->wq.lock, rflags);
	if (error)
		return error;
	return uio_copy_to(u, &ticks, sizeof(ticks)) == sizeof(ticks)
		       ? (int64_t)sizeof(ticks)
		       : -EFAULT;
}

static unsigned
timerfd_poll(struct file *f, struct poll_table *table)
{
	struct timerfd *t = f->private_data;
	uint64_t rflags;
	bool ready;

	poll_add_for(table, &t->wq, POLLIN);
	rflags = spin_lock_irqsave(&t->wq.lock);
	ready = t->ticks || (t->cancel_on_set && t->was_set);
	spin_unlock_irqrestore(&t->wq.lock, rflags);
	return ready ? POLLIN : 0;
}

static void
timerfd_release(struct file *f)
{
	struct timerfd *t = f->private_data;
	uint64_t rflags;

	if (t->by_day)
		waitq_unwatch(&clock_set_wq, &t->clock_set);
	rflags = spin_lock_irqsave(&t->wq.lock);
	t->when = 0;
	spin_unlock_irqrestore(&t->wq.lock, rflags);
	timer_disarm(&t->timer);
	kfree(t);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.name = "[timerfd]",
};

/* ---- Setting and reading ---- */

static struct timespec
ns_timespec(uint64_t ns)
{
	return (struct timespec){ ns / NS_PER_SEC, ns % NS_PER_SEC };
}

static void
timer_read(struct timerfd *t, struct itimerspec *value)
{
	uint64_t now, left = 0;

	go_on(t);
	now = timer_now(t);
	if (t->when && !t->expired)
		left = t->when > now ? t->when - now : 1;
	value->it_value = ns_timespec(left);
	value->it_interval = ns_timespec(t->interval);
}

/* @return 0, or -ECANCELED: it is set, but the clock was set before that */
static int
timer_set(struct timerfd *t, unsigned flags, const struct itimerspec *new)
{
	uint64_t value = timespec_ns(&new->it_value);
	bool absolute = flags & TFD_TIMER_ABSTIME;

	t->absolute = absolute && t->by_day;
	t->cancel_on_set = t->absolute && (flags & TFD_TIMER_CANCEL_ON_SET);
	t->interval = timespec_ns(&new->it_interval);
	t->expired = false;
	t->ticks = 0;
	t->when = 0;
	if (!value)
		return 0;
	t->when = absolute ? value : MIN(clock_ns() + value, INT64_MAX + 0ul);
	arm(t);
	return cancelled(t) ? -ECANCELED : 0;
}

int
timerfd_set(struct file *f, unsigned flags, const struct itimerspec *new,
	    struct itimerspec *old)
{
	struct timerfd *t = f->private_data;
	uint64_t rflags = spin_lock_irqsave(&t->wq.lock);
	int error;

	timer_read(t, old);
	error = timer_set(t, flags, new);
	spin_unlock_irqrestore(&t->wq.lock, rflags);
	return error;
}

/* ---- The calls ---- */

struct file *
timerfd_new(int clock, int flags)
{
	struct timerfd *t = knew(struct timerfd);

	t->by_day = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
	waitq_init(&t->wq, "timerfd");
	timer_init(&t->timer, fire);
	t->clock_set.wake = clock_was_set;
	if (t->by_day)
		waitq_watch(&clock_set_wq, &t->clock_set);
	return file_new(&timerfd_ops, O_RDWR | flags, t);
}

static bool
may_use_clock(int clock)
{
	return (clock != CLOCK_REALTIME_ALARM &&
		clock != CLOCK_BOOTTIME_ALARM) ||
	       current_cred()->euid == 0;
}

static int64_t
sys_timerfd_create(int clock, int flags)
{
	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) ||
	    (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC &&
	     clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
	     clock != CLOCK_BOOTTIME_ALARM))
		return -EINVAL;
	if (!may_use_clock(clock))
		return -EPERM;
	return fd_install(timerfd_new(clock, flags & O_NONBLOCK), 0,
			  flags & O_CLOEXEC);
}
SYSCALL(NR_timerfd_create, sys_timerfd_create);

/* The timer of descriptor @p fd. @return its file, referenced, or NULL and
 * *error */
static struct file *
timerfd_get(int fd, int *error)
{
	struct file *f = fd_get(fd);

	*error = -EBADF;
	if (f && f->ops != &timerfd_ops) {
		*error = f->flags & O_PATH ? -EBADF : -EINVAL;
		file_put(f);
		f = NULL;
	}
	return f;
}

static int64_t
sys_timerfd_settime(int fd, unsigned flags, const struct itimerspec *user_new,
		    struct itimerspec *user_old)
{
	struct itimerspec new, old;
	struct file *f;
	int error;

	if (copyin(&new, user_new, sizeof(new)))
		return -EFAULT;
	if ((flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) ||
	    !timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	f = timerfd_get(fd, &error);
	if (!f)
		return error;
	error = timerfd_set(f, flags, &new, &old);
	file_put(f);
	if (user_old && copyout(user_old, &old, sizeof(old)))
		return -EFAULT;
	return error;
}
SYSCALL(NR_timerfd_settime, sys_timerfd_settime);

static int64_t
sys_timerfd_gettime(int fd, struct itimerspec *user)
{
	struct itimerspec value;
	struct timerfd *t;
	uint64_t rflags;
	int error;
	struct file *f = timerfd_get(fd, &error);

	if (!f)
		return error;
	t = f->private_data;
	rflags = spin_lock_irqsave(&t->wq.lock);
	timer_read(t, &value);
	spin_unlock_irqrestore(&t->wq.lock, rflags);
	file_put(f);
	return copyout(user, &value, sizeof(value));
}
SYSCALL(NR_timerfd_gettime, sys_timerfd_gettime);
