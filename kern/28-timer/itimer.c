/*
 * Interval timers: setitimer, getitimer, alarm. ITIMER_REAL runs on the clock.
 * ITIMER_VIRTUAL and ITIMER_PROF run on the CPU time of the process: as that
 * passes no faster than the clock, times the threads that run, a timer is set
 * for the earliest moment at which it can be over, and set again if it is not.
 */
#include "abi/syscall.h"
#include "timer.h"

#define USEC_PER_SEC 1000000L

/* POSIX.1-2017, getitimer(), fixes the signal of each. */
static const uint8_t itimer_signals[NITIMERS] = {
	[ITIMER_REAL] = SIGALRM,
	[ITIMER_VIRTUAL] = SIGVTALRM,
	[ITIMER_PROF] = SIGPROF,
};

/* ---- The clock of a timer; the lock is held ---- */

/* What a running thread has used since it was switched to is in no account yet.
 * Its CPU may switch between the readings here: `slice_start` may then lie
 * after `now`, and counts as nothing. */
uint64_t
process_cpu_time(const struct proc_signals *s)
{
	uint64_t ns = s->proc ? s->proc->dead.cpu_ns : 0, now = clock_ns();
	struct sigstate *ss;

	list_for_each (ss, &s->threads, link) {
		ns += ss->thread->usage.cpu_ns;
		if (ss->thread->on_cpu)
			ns += MAX(now, ss->thread->slice_start) -
			      ss->thread->slice_start;
	}
	return ns;
}

uint64_t
process_user_time(const struct proc_signals *s)
{
	uint64_t ns = s->proc ? s->proc->dead.user_ns : 0;
	struct sigstate *ss;

	list_for_each (ss, &s->threads, link)
		ns += ss->thread->usage.user_ns;
	return ns;
}

/* There is no field for it: a timer is one of three in an array. */
static unsigned
itimer_which(const struct itimer *it)
{
	return it - it->signals->timers->intervals;
}

static uint64_t
itimer_now(const struct itimer *it)
{
	switch (itimer_which(it)) {
	case ITIMER_REAL:
		return clock_ns();
	case ITIMER_VIRTUAL:
		return process_user_time(it->signals);
	default:
		return process_cpu_time(it->signals);
	}
}

/* Not for @p least ns. CPU time that is left cannot be over sooner than if all
 * threads ran all the while; when it goes off too early, it is armed for the
 * rest. The lock is held: nobody else arms it meanwhile (timer_arm). */
static void
itimer_arm(struct itimer *it, uint64_t least)
{
	uint64_t now = itimer_now(it);
	uint64_t left = it->when > now ? it->when - now : 0;

	if (itimer_which(it) != ITIMER_REAL) {
		left /= MAX(it->signals->nthreads, 1u);
		least = MAX(least, CPU_TIMER_GRAIN);
	}
	timer_arm(&it->timer, deadline_after(MAX(left, least)));
}

/* Past what is due now: `when` stays on the grid that was set, however late
 * this is, so the mean interval is exact. Once is once. The lock is held. */
static void
itimer_advance(struct itimer *it)
{
	uint64_t now = itimer_now(it);

	if (!it->interval)
		it->when = 0;
	else if (now >= it->when)
		it->when +=
			it->interval * ((now - it->when) / it->interval + 1);
}

/* In interrupt context. A timer that was turned off stays armed and finds
 * `when` 0 here: disarming would have to wait for this function. While its
 * signal is queued it is not armed: who takes that arms it again. */
static void
itimer_fire(struct timer *t)
{
	struct itimer *it = container_of(t, struct itimer, timer);
	struct proc_signals *s = it->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	uint64_t least = TIMER_GRAIN;

	if (it->when && itimer_now(it) >= it->when) {
		if (list_empty(&it->q.link))
			signal_send_timer_locked(s, NULL, &it->q);
		itimer_advance(it);
		least = IGNORED_GRAIN;
	}
	if (it->when && list_empty(&it->q.link))
		itimer_arm(it, least);
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* queued_signal.taken: the signal was taken, or forgotten. Its expirations
 * since are one signal with the next; there are no overruns to tell. The lock
 * is held, or the process has ended, and `when` is 0. */
static void
itimer_taken(struct queued_signal *q, struct signal_info *info)
{
	struct itimer *it = container_of(q, struct itimer, q);

	(void)info;
	if (it->when && it->interval)
		itimer_advance(it);
	if (it->when)
		itimer_arm(it, TIMER_GRAIN);
}

void
itimers_init(struct proc_signals *s)
{
	struct itimer *it;
	unsigned i;

	for (i = 0; i < NITIMERS; i++) {
		it = &s->timers->intervals[i];
		timer_init(&it->timer, itimer_fire);
		it->signals = s;
		list_init(&it->q.link);
		it->q.signo = itimer_signals[i];
		it->q.info.code = SI_KERNEL;
		it->q.taken = itimer_taken;
	}
}

/* Off first, under the lock; then the function, if it runs or begins, finds
 * `when` 0 and does not arm anew; only then is it waited for, without the lock
 * (TIMER2). */
void
itimers_stop(struct proc_signals *s)
{
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	unsigned i;

	for (i = 0; i < NITIMERS; i++)
		s->timers->intervals[i].when = 0;
	spin_unlock_irqrestore(&s->lock, rflags);
	for (i = 0; i < NITIMERS; i++)
		timer_disarm(&s->timers->intervals[i].timer);
}

/* ---- The calls ---- */

/* POSIX.1-2017, setitimer(): EINVAL for microseconds of a second or more. */
static bool
timeval_valid(const struct timeval *t)
{
	return t->tv_sec >= 0 && t->tv_usec >= 0 && t->tv_usec < USEC_PER_SEC;
}

/* A time of centuries is as good as the greatest; sums with the clock do not
 * wrap then. */
static uint64_t
timeval_ns(const struct timeval *t)
{
	uint64_t max = (uint64_t)INT64_MAX / NS_PER_SEC - 1;

	return MIN((uint64_t)t->tv_sec, max) * NS_PER_SEC +
	       (uint64_t)t->tv_usec * NS_PER_USEC;
}

/* Rounded up: a timer that runs never has 0 left. */
static struct timeval
ns_timeval(uint64_t ns)
{
	uint64_t usec = DIV_ROUND_UP(ns, NS_PER_USEC);

	return (struct timeval){ usec / USEC_PER_SEC, usec % USEC_PER_SEC };
}

/* One that is due and has not gone off yet, or whose signal waits, is not
 * armed: where it stands on its grid is computed. 0 would say that it is off.
 * The lock is held. */
static void
itimer_read(const struct itimer *it, struct itimerval *v)
{
	uint64_t now = itimer_now(it), left = 0;

	if (it->when > now)
		left = it->when - now;
	else if (it->when && it->interval)
		left = it->interval - (now - it->when) % it->interval;
	else if (it->when)
		left = 1;
	v->it_value = ns_timeval(left);
	v->it_interval = ns_timeval(it->interval);
}

/* Set timer @p which, in ns, @p value 0: off; @p old receives what it was, read
 * under the same hold of the lock: no expiration is lost or told twice between.
 * A signal that is pending stays so. */
static void
itimer_set(unsigned which, uint64_t value, uint64_t interval,
	   struct itimerval *old)
{
	struct proc_signals *s = current_sigstate()->signals;
	struct itimer *it = &s->timers->intervals[which];
	uint64_t rflags = spin_lock_irqsave(&s->lock);

	itimer_read(it, old);
	it->when = value ? itimer_now(it) + value : 0;
	/* ITIMER_REAL that is off has no interval, by Linux; the others may. */
	it->interval = value || which != ITIMER_REAL ? interval : 0;
	if (it->when)
		itimer_arm(it, TIMER_GRAIN);
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* Without a new value the timer is turned off, as on Linux, where POSIX leaves
 * it open. A fault on the way out comes when the timer has been set already,
 * and does not undo it. */
static int64_t
sys_setitimer(int which, const struct itimerval *user_new,
	      struct itimerval *user_old)
{
	struct itimerval new = { 0 }, old;

	if (which < 0 || which >= NITIMERS)
		return -EINVAL;
	if (user_new && copyin(&new, user_new, sizeof(new)))
		return -EFAULT;
	if (!timeval_valid(&new.it_value) || !timeval_valid(&new.it_interval))
		return -EINVAL;
	itimer_set(which, timeval_ns(&new.it_value),
		   timeval_ns(&new.it_interval), &old);
	return user_old ? copyout(user_old, &old, sizeof(old)) : 0;
}
SYSCALL(NR_setitimer, sys_setitimer);

static int64_t
sys_getitimer(int which, struct itimerval *user)
{
	struct proc_signals *s = current_sigstate()->signals;
	struct itimerval v;
	uint64_t rflags;

	if (which < 0 || which >= NITIMERS)
		return -EINVAL;
	rflags = spin_lock_irqsave(&s->lock);
	itimer_read(&s->timers->intervals[which], &v);
	spin_unlock_irqrestore(&s->lock, rflags);
	return copyout(user, &v, sizeof(v));
}
SYSCALL(NR_getitimer, sys_getitimer);

/* Seconds left of the previous alarm are rounded, but never to 0, which would
 * say that there was none (POSIX.1-2017, alarm()). alarm and ITIMER_REAL are
 * one timer. */
static int64_t
sys_alarm(uint32_t seconds)
{
	struct itimerval old;
	int64_t left;

	itimer_set(ITIMER_REAL, seconds * NS_PER_SEC, 0, &old);
	left = old.it_value.tv_sec;
	if (old.it_value.tv_usec >= USEC_PER_SEC / 2 ||
	    (left == 0 && old.it_value.tv_usec > 0))
		left++;
	return left;
}
SYSCALL(NR_alarm, sys_alarm);
