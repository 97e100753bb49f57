/*
 * POSIX timers: timer_create and its kin. A process has as many as it likes, on
 * the clock or on CPU time; each sends a signal of its own choice, and counts
 * the expirations that fell between two of its signals (overruns).
 *
 * A timer has its place in a queue of signals with it, so that it can go off in
 * an interrupt without allocating. While that is queued it is not armed: who
 * takes the signal counts what has expired since, and arms it again. So nobody
 * keeps the machine busy with timers whose signals nobody takes.
 * All fields are guarded by the process's lock, but for those that never
 * change.
 */
#include "abi/syscall.h"
#include "timer.h"

#define OVERRUN_MAX INT32_MAX /* DELAYTIMER_MAX: the count stops there */

/* What a timer counts: clock_ns; CLOCK_REALTIME, which may be set; CPU time of
 * the process, of a thread. Those of CPU time come last. */
enum timer_clock { BY_CLOCK, BY_DAY, BY_PROCESS, BY_THREAD };

struct posix_timer {
	/* Constant once it can be found. */
	int id;
	enum timer_clock clock;
	int clock_tid;	/* BY_THREAD: whose CPU time */
	bool user_time; /* of CPU time, that in user mode alone */
	int notify; /* SIGEV_*; THREAD is the C library's, and SIGNAL here */
	struct proc_signals *signals; /* whose; its timers end before it */
	int notify_tid;		      /* SIGEV_THREAD_ID: who is told */

	/* Guarded by signals->lock. */
	bool absolute;	    /* BY_DAY: `when` is a time of day */
	struct rbnode node; /* of process_timers.posix */
	struct timer timer;
	struct waitq_watch clock_set; /* BY_DAY: on clock_set_wq for life */
	struct queued_signal q;	      /* its signal: queued, or in no list */
	uint64_t when;		      /* in ns of its clock; 0: off */
	uint64_t interval;	      /* 0: once */
	unsigned overrun;	      /* since its signal was queued ... */
	unsigned told;		      /* ... and when its last one was taken */
};

/* ---- Clocks; the lock is held ---- */

/* A thread is remembered by number, not by pointer: a timer does not keep a
 * thread that ends. */
static struct sigstate *
thread_of(struct proc_signals *s, int tid)
{
	struct sigstate *ss;

	list_for_each (ss, &s->threads, link)
		if (ss->thread->tid == tid)
			return ss;
	return NULL;
}

static uint64_t
thread_time(const struct posix_timer *t)
{
	struct sigstate *ss = thread_of(t->signals, t->clock_tid);

	if (!ss)
		return 0;
	return t->user_time ? ss->thread->usage.user_ns
			    : thread_cpu_ns(ss->thread);
}

/* The clock of a thread stops for good with it. */
static bool
clock_is_gone(const struct posix_timer *t)
{
	return t->clock == BY_THREAD && !thread_of(t->signals, t->clock_tid);
}

/* A relative time by CLOCK_REALTIME is one by clock_ns: setting the clock does
 * not change it (POSIX.1-2017, clock_settime()). A day before 1970 counts as 0;
 * `when` is unsigned. */
static uint64_t
timer_now(const struct posix_timer *t)
{
	switch (t->clock) {
	case BY_PROCESS:
		return t->user_time ? process_user_time(t->signals)
				    : process_cpu_time(t->signals);
	case BY_THREAD:
		return thread_time(t);
	case BY_DAY:
		if (t->absolute)
			return MAX(clock_realtime_ns(), 0);
		/* fall through */
	default:
		return clock_ns();
	}
}

/* Not for @p least ns. CPU time passes no faster than the clock, times the
 * threads that run: so it goes off too early rather than too late, and is armed
 * again. No sum wraps: deadline_after ends at WAIT_FOREVER. */
static void
arm(struct posix_timer *t, uint64_t least)
{
	uint64_t now = timer_now(t);
	uint64_t left = t->when > now ? t->when - now : 0;

	if (t->clock == BY_PROCESS)
		left /= MAX(t->signals->nthreads, 1u);
	if (t->clock >= BY_PROCESS)
		least = MAX(least, CPU_TIMER_GRAIN);
	timer_arm(&t->timer, deadline_after(MAX(left, least)));
}

/* ---- Going off ---- */

/* POSIX.1-2017, timer_getoverrun(): at most DELAYTIMER_MAX. */
static void
count_overruns(struct posix_timer *t, uint64_t n)
{
	t->overrun = MIN(t->overrun + n, OVERRUN_MAX + 0ul);
}

/* @p missed expirations besides this one. While the last signal is queued the
 * timer was set anew and went off again: there is one signal for a timer at a
 * time, the rest are overruns (POSIX.1-2017, timer_getoverrun()). The count
 * begins with the signal that is queued now. */
static void
notify(struct posix_timer *t, uint64_t missed)
{
	struct proc_signals *s = t->signals;
	struct sigstate *ss = NULL;

	if (!list_empty(&t->q.link)) {
		count_overruns(t, missed + 1);
		return;
	}
	if (t->notify == SIGEV_THREAD_ID) {
		ss = thread_of(s, t->notify_tid);
		if (!ss)
			return;
	}
	t->overrun = 0;
	if (signal_send_timer_locked(s, ss, &t->q))
		count_overruns(t, missed);
}

/* Expirations that are due now; the next one lies ahead, on the grid that was
 * set. By a division: the interval may be 1 ns and the timer late by seconds,
 * with interrupts off. */
static uint64_t
expirations(struct posix_timer *t)
{
	uint64_t now = timer_now(t), n;

	if (!t->when || now < t->when)
		return 0;
	if (!t->interval) {
		t->when = 0;
		return 1;
	}
	n = (now - t->when) / t->interval + 1;
	t->when += n * t->interval;
	return n;
}

/* In interrupt context, so nothing is allocated (TIMER1). A timer that was
 * turned off finds `when` 0 here (TIMER2); one that was set anew while this
 * waited for the lock is not due, and is armed for its new time. */
static void
fire(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	struct proc_signals *s = t->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock), n;

	if (clock_is_gone(t))
		t->when = 0;
	n = expirations(t);
	if (n)
		notify(t, n - 1);
	/* A signal that was sent and is not queued is ignored: no hurry. */
	if (t->when && list_empty(&t->q.link))
		arm(t, n ? IGNORED_GRAIN : TIMER_GRAIN);
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* waitq_watch.wake of clock_set_wq, with that queue's lock held: the lock order
 * is clock set, signals. One whose signal is queued is not armed anyway: who
 * takes the signal looks at the clock. Nobody was woken by this: the timer does
 * that, if its time has come. */
static bool
clock_was_set(struct waitq_watch *w)
{
	struct posix_timer *t = container_of(w, struct posix_timer, clock_set);
	uint64_t rflags = spin_lock_irqsave(&t->signals->lock);

	if (t->when && t->absolute && t->notify != SIGEV_NONE &&
	    list_empty(&t->q.link))
		arm(t, TIMER_GRAIN);
	spin_unlock_irqrestore(&t->signals->lock, rflags);
	return false;
}

/* queued_signal.taken, with the lock held. Taken, the signal says how many
 * expirations there were besides its own until this moment (POSIX.1-2017,
 * timer_getoverrun()); from here on the next one counts. Forgotten (@info NULL:
 * a handler's change to SIG_IGN, a flush), it tells nobody, but the timer goes
 * on all the same. It is off the list here, so it may be armed again. */
static void
taken(struct queued_signal *q, struct signal_info *info)
{
	struct posix_timer *t = container_of(q, struct posix_timer, q);
	siginfo_t full;

	if (t->interval)
		count_overruns(t, expirations(t));
	t->told = t->overrun;
	t->overrun = 0;
	if (t->when)
		arm(t, TIMER_GRAIN);
	if (!info)
		return;
	signal_info_to(&full, t->q.signo, info);
	full.si_overrun = t->told;
	signal_info_from(info, &full);
}

/* ---- The timers of a process ---- */

static int
compare_id(const void *key, const struct rbnode *node)
{
	int id = *(const int *)key;
	const struct posix_timer *t = rb_entry(node, struct posix_timer, node);

	return id < t->id ? -1 : id > t->id;
}

static int
compare_nodes(const struct rbnode *a, const struct rbnode *b)
{
	return compare_id(&rb_entry(a, struct posix_timer, node)->id, b);
}

static struct posix_timer *
find(struct proc_signals *s, int id)
{
	struct rbnode *node = rb_find(&s->timers->posix, &id, compare_id);

	return node ? rb_entry(node, struct posix_timer, node) : NULL;
}

/* Numbers are not used again soon: a signal may still tell of the old one. */
static void
enter(struct proc_signals *s, struct posix_timer *t)
{
	t->id = s->timers->last_posix;
	while (find(s, t->id))
		t->id = (t->id + 1) & INT32_MAX;
	s->timers->last_posix = (t->id + 1) & INT32_MAX;
	s->timers->nposix++;
	rb_insert(&s->timers->posix, &t->node, compare_nodes);
}

/* It is not found any more, and sends nothing: a pending signal of it is taken
 * back (POSIX.1-2017, timer_delete(), leaves that open), for its memory is a
 * part of the timer. The lock is held. */
static void
leave(struct proc_signals *s, struct posix_timer *t)
{
	rb_erase(&s->timers->posix, &t->node);
	s->timers->nposix--;
	t->when = 0;
	if (!list_empty(&t->q.link))
		pending_remove(&t->q);
}

/* No locks are held, and it has left. The watch goes first: its function may
 * arm the timer, though not once `when` is 0; disarming then waits for fire.
 * After both nobody has a pointer to it. */
static void
timer_free(struct posix_timer *t)
{
	if (t->clock == BY_DAY)
		waitq_unwatch(&clock_set_wq, &t->clock_set);
	timer_disarm(&t->timer);
	kfree(t);
}

/* One at a time, as each has to be waited for without the lock. None is added
 * meanwhile: the process has one thread, or none, or it is the one that is
 * here. */
void
posix_timers_end(struct proc_signals *s)
{
	struct posix_timer *t;
	struct rbnode *node;
	uint64_t rflags;

	do {
		rflags = spin_lock_irqsave(&s->lock);
		node = rb_first(&s->timers->posix);
		t = node ? rb_entry(node, struct posix_timer, node) : NULL;
		if (t)
			leave(s, t);
		spin_unlock_irqrestore(&s->lock, rflags);
		if (t)
			timer_free(t);
	} while (t);
}

/* ---- Making one ---- */

/* Only clocks of the own process, whose lock guards the timer; POSIX.1-2017,
 * timer_create(), lets an implementation refuse others. That a thread is one of
 * its own is found out under the lock, in try_enter. */
static int
choose_cpu_clock(struct posix_timer *t, int clock)
{
	int pid = CPUCLOCK_PID(clock);

	if (CPUCLOCK_KIND(clock) == 3)
		return -EINVAL;
	t->user_time = CPUCLOCK_KIND(clock) == CPUCLOCK_USER;
	if (clock & CPUCLOCK_THREAD) {
		t->clock = BY_THREAD;
		t->clock_tid = pid ? pid : current()->tid;
		return 0;
	}
	t->clock = BY_PROCESS;
	return pid == 0 || pid == current_proc()->pid ? 0 : -EINVAL;
}

/* The errors are Linux's: EINVAL, no such clock; EOPNOTSUPP, one that has no
 * timers. CLOCK_TAI may be set like the time of day that it is. */
static int
choose_clock(struct posix_timer *t, int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		t->clock = BY_DAY;
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		t->clock = BY_CLOCK;
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		t->clock = BY_PROCESS;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		t->clock = BY_THREAD;
		t->clock_tid = current()->tid;
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM: /* nothing here wakes from suspension */
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		return clock < 0 ? choose_cpu_clock(t, clock) : -EINVAL;
	}
}

/* SIGEV_THREAD starts a thread in the C library, which asks the kernel for
 * SIGEV_THREAD_ID mostly: what comes here as THREAD is a signal, as on Linux.
 * With NONE the number is not looked at (sigevent(7)). */
static int
choose_signal(struct posix_timer *t, const struct sigevent *ev)
{
	siginfo_t info = { .si_code = SI_TIMER, .si_u = { .timer = { 0 } } };

	t->notify = ev->sigev_notify;
	t->notify_tid = ev->sigev_u.sigev_tid;
	if (t->notify == SIGEV_NONE)
		return 0;
	if (t->notify == SIGEV_THREAD)
		t->notify = SIGEV_SIGNAL;
	if (t->notify != SIGEV_SIGNAL && t->notify != SIGEV_THREAD_ID)
		return -EINVAL;
	if (ev->sigev_signo < 1 || ev->sigev_signo >= NSIG)
		return -EINVAL;
	t->q.signo = ev->sigev_signo;
	info.si_u.timer.value = ev->sigev_value;
	signal_info_from(&t->q.info, &info);
	return 0;
}

/* Enter @p t, made as asked, if its threads are this process's. The lock is
 * held, so they cannot end in between. Each timer counts as a queued signal,
 * for it may have one queued at any time (timer_create(2), NOTES:
 * RLIMIT_SIGPENDING). The number is known only here, and goes into the signal:
 * si_timerid, and as the value if the caller gave no sigevent (POSIX.1-2017,
 * timer_create()). */
static int
try_enter(struct proc_signals *s, struct posix_timer *t, bool value_is_id)
{
	siginfo_t info;

	if ((t->notify == SIGEV_THREAD_ID && !thread_of(s, t->notify_tid)) ||
	    (t->clock == BY_THREAD && !thread_of(s, t->clock_tid)))
		return -EINVAL;
	if (s->timers->nposix + s->nqueued >=
	    s->proc->limits[RLIMIT_SIGPENDING].rlim_cur)
		return -EAGAIN;
	enter(s, t);
	signal_info_to(&info, t->q.signo, &t->q.info);
	info.si_timerid = t->id;
	if (value_is_id)
		info.si_u.timer.value.sival_int = t->id;
	signal_info_from(&t->q.info, &info);
	return 0;
}

/* All is made before the lock is taken, and thrown away if it does not fit. The
 * watch may call at once: it finds `when` 0. The number is read under the lock:
 * another thread may guess it and delete the timer. */
static int
timer_new(int clock, const struct sigevent *ev, bool value_is_id)
{
	struct proc_signals *s = current_sigstate()->signals;
	struct posix_timer *t = knew(struct posix_timer);
	uint64_t rflags;
	int error, id;

	t->signals = s;
	t->q.taken = taken;
	list_init(&t->q.link);
	timer_init(&t->timer, fire);
	t->clock_set.wake = clock_was_set;
	error = choose_clock(t, clock);
	if (!error)
		error = choose_signal(t, ev);
	if (error) {
		kfree(t);
		return error;
	}
	if (t->clock == BY_DAY)
		waitq_watch(&clock_set_wq, &t->clock_set);
	rflags = spin_lock_irqsave(&s->lock);
	error = try_enter(s, t, value_is_id);
	id = t->id;
	spin_unlock_irqrestore(&s->lock, rflags);
	if (error)
		timer_free(t);
	return error ? error : id;
}

static int
timer_remove(int id)
{
	struct proc_signals *s = current_sigstate()->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	struct posix_timer *t = find(s, id);

	if (t)
		leave(s, t);
	spin_unlock_irqrestore(&s->lock, rflags);
	if (!t)
		return -EINVAL;
	timer_free(t);
	return 0;
}

/* ---- Setting and reading; the lock is held ---- */

static struct timespec
ns_timespec(uint64_t ns)
{
	return (struct timespec){ ns / NS_PER_SEC, ns % NS_PER_SEC };
}

/* What is left is never 0 while the timer runs (POSIX.1-2017, timer_gettime():
 * 0 is "disarmed"). One that tells nobody is not armed, nor is one whose signal
 * is queued: where they stand is worked out here. */
static void
timer_read(const struct posix_timer *t, struct itimerspec *value)
{
	uint64_t now = timer_now(t), left = 0;

	if (clock_is_gone(t))
		left = 0;
	else if (t->when > now)
		left = t->when - now;
	else if (t->when && t->interval)
		left = t->interval - (now - t->when) % t->interval;
	else if (t->when && t->notify != SIGEV_NONE)
		left = 1;
	value->it_value = ns_timespec(left);
	value->it_interval = ns_timespec(t->interval);
}

/* Overruns of the former setting are forgotten; its signal, if queued, stays
 * (POSIX.1-2017, timer_settime(), leaves that open). A time in the past goes
 * off at once. With SIGEV_NONE there is nothing to do at any time: it is read
 * only. */
static void
timer_set(struct posix_timer *t, bool absolute, const struct itimerspec *new)
{
	uint64_t value = timespec_ns(&new->it_value);

	t->absolute = absolute;
	t->interval = value ? timespec_ns(&new->it_interval) : 0;
	t->overrun = t->told = 0;
	t->when = 0;
	if (!value)
		return;
	t->when = absolute ? value : MIN(timer_now(t) + value, INT64_MAX + 0ul);
	if (t->notify != SIGEV_NONE)
		arm(t, TIMER_GRAIN);
}

/* ---- The calls ---- */

/* POSIX.1-2017, timer_create(): without a sigevent, SIGALRM with the timer's
 * number as its value. The number is told last: if that faults, nobody knows
 * the timer, and it is deleted again. */
static int64_t
sys_timer_create(int clock, const struct sigevent *user_event, int *user_id)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL,
				  .sigev_signo = SIGALRM };
	int id;

	if (user_event && copyin(&event, user_event, sizeof(event)))
		return -EFAULT;
	id = timer_new(clock, &event, !user_event);
	if (id < 0)
		return id;
	if (copyout(user_id, &id, sizeof(id))) {
		timer_remove(id);
		return -EFAULT;
	}
	return 0;
}
SYSCALL(NR_timer_create, sys_timer_create);

/* All values are read and checked before the timer is looked for, since that is
 * done under a spinlock, and under that the old one is read and the new one set
 * in one step. The interval must be valid even if the timer is turned off. A
 * fault on the way out does not undo the setting. */
static int64_t
sys_timer_settime(int id, int flags, const struct itimerspec *user_new,
		  struct itimerspec *user_old)
{
	struct proc_signals *s = current_sigstate()->signals;
	struct itimerspec new, old;
	struct posix_timer *t;
	uint64_t rflags;
	int error = -EINVAL;

	if (!user_new)
		return -EINVAL;
	if (copyin(&new, user_new, sizeof(new)))
		return -EFAULT;
	if (!timespec_valid(&new.it_value) || !timespec_valid(&new.it_interval))
		return -EINVAL;
	rflags = spin_lock_irqsave(&s->lock);
	t = find(s, id);
	if (t)
		error = clock_is_gone(t) ? -ESRCH : 0;
	if (!error) {
		timer_read(t, &old);
		timer_set(t, flags & TIMER_ABSTIME, &new);
	}
	spin_unlock_irqrestore(&s->lock, rflags);
	if (error)
		return error;
	return user_old ? copyout(user_old, &old, sizeof(old)) : 0;
}
SYSCALL(NR_timer_settime, sys_timer_settime);

static int64_t
sys_timer_gettime(int id, struct itimerspec *user)
{
	struct proc_signals *s = current_sigstate()->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	struct posix_timer *t = find(s, id);
	struct itimerspec value;

	if (t)
		timer_read(t, &value);
	spin_unlock_irqrestore(&s->lock, rflags);
	return t ? copyout(user, &value, sizeof(value)) : -EINVAL;
}
SYSCALL(NR_timer_gettime, sys_timer_gettime);

/* Of the last signal that was taken, not of the one that is queued. */
static int64_t
sys_timer_getoverrun(int id)
{
	struct proc_signals *s = current_sigstate()->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	struct posix_timer *t = find(s, id);
	int64_t told = t ? (int64_t)t->told : -EINVAL;

	spin_unlock_irqrestore(&s->lock, rflags);
	return told;
}
SYSCALL(NR_timer_getoverrun, sys_timer_getoverrun);

static int64_t
sys_timer_delete(int id)
{
	return timer_remove(id);
}
SYSCALL(NR_timer_delete, sys_timer_delete);
