/*
 * Sleeping for a time: nanosleep and clock_nanosleep. They stand here because a
 * stop and continuation must not lengthen the sleep: it goes on by
 * restart_syscall towards the same deadline.
 */
#include "abi/syscall.h"
#include "timer.h"

/* ---- Relative ---- */

/* Sleep on towards @p r->deadline; args[0] is where the time left goes. Called
 * by nanosleep itself, and by restart_syscall after a stop, with what was
 * noted. The time left is written with each interruption, as no one knows yet
 * whether a handler will run, and the call end with EINTR, or go on. If the
 * deadline has come with the signal, the sleep was complete. */
static int64_t
sleep_on(const struct restart *r)
{
	struct timespec *user_left = (struct timespec *)r->args[0];
	struct timespec left;
	uint64_t now, ns;

	if (!thread_sleep_until(r->deadline, WAIT_INTERRUPTIBLE))
		return 0;
	now = clock_ns();
	if (now >= r->deadline)
		return 0;
	ns = r->deadline - now;
	left = (struct timespec){ ns / NS_PER_SEC, ns % NS_PER_SEC };
	if (user_left && copyout(user_left, &left, sizeof(left)))
		return -EFAULT;
	return signal_restart_by(r);
}

/* By the clock that nobody sets, whichever was named: POSIX.1-2017,
 * clock_settime(), a relative sleep is not changed by setting CLOCK_REALTIME.
 */
static int64_t
sleep_for(const struct timespec *t, struct timespec *user_left)
{
	struct restart r = { .fn = sleep_on,
			     .deadline = deadline_after(timespec_ns(t)),
			     .args = { (uint64_t)user_left } };

	return sleep_on(&r);
}

/* ---- Absolute ---- */

/* Until a time of day, whoever sets that meanwhile: then the queue is woken,
 * and the deadline is computed anew. It is computed with the queue's lock held,
 * under which one joins, so that no setting of the clock falls between. */
static int
sleep_until_day(const struct timespec *t)
{
	uint64_t rflags = spin_lock_irqsave(&clock_set_wq.lock);
	int error;

	do {
		error = waitq_wait_irq(&clock_set_wq, &clock_set_wq.lock,
				       &rflags, WAIT_INTERRUPTIBLE,
				       deadline_of_day(timespec_ns(t)));
	} while (!error);
	spin_unlock_irqrestore(&clock_set_wq.lock, rflags);
	return error == -EINTR ? -EINTR : 0;
}

/* Executed again as it was it means the same moment, so there is nothing to
 * note: -ERESTARTNOHAND. Nor is a time left told (POSIX.1-2017,
 * clock_nanosleep(): with TIMER_ABSTIME rmtp is not used). */
static int64_t
sleep_until(bool realtime, const struct timespec *t)
{
	int error = realtime ? sleep_until_day(t)
			     : thread_sleep_until(timespec_ns(t),
						  WAIT_INTERRUPTIBLE);

	return error ? -ERESTARTNOHAND : 0;
}

/* ---- By CPU time ---- */

/* Sleep until the process has had args[1] ns of CPU time, of kind args[2]: by
 * its other threads. It gets there no sooner than if all of them ran. */
static int64_t
sleep_cpu(const struct restart *r)
{
	struct timespec *user_left = (struct timespec *)r->args[0];
	uint64_t target = r->args[1], now, left;
	struct timespec t;

	for (;;) {
		now = cpu_clock_of_proc(current_proc(), r->args[2]);
		if (now >= target)
			return 0;
		left = target - now;
		if (thread_sleep_until(deadline_after(MAX(left / cpu_count,
							  CPU_TIMER_GRAIN)),
				       WAIT_INTERRUPTIBLE))
			break;
	}
	t = (struct timespec){ left / NS_PER_SEC, left % NS_PER_SEC };
	if (user_left && copyout(user_left, &t, sizeof(t)))
		return -EFAULT;
	return signal_restart_by(r);
}

/* An absolute time is the target itself. restart_syscall is not needed for it,
 * so what sleep_cpu has noted is not used. */
static int64_t
sleep_by_cpu(int kind, bool absolute, const struct timespec *t,
	     struct timespec *user_left)
{
	uint64_t ns = timespec_ns(t);
	struct restart r = { .fn = sleep_cpu, .args = { 0, ns, kind } };
	int64_t result;

	if (!absolute) {
		r.args[0] = (uint64_t)user_left;
		r.args[1] += cpu_clock_of_proc(current_proc(), kind);
	}
	result = sleep_cpu(&r);
	return absolute && result < 0 ? -ERESTARTNOHAND : result;
}

/* ---- The calls ---- */

/* POSIX.1-2017, nanosleep(): EINVAL for a time out of range, and never an
 * earlier return but by a signal. */
static int64_t
sys_nanosleep(const struct timespec *user, struct timespec *user_left)
{
	struct timespec t;

	if (copyin(&t, user, sizeof(t)))
		return -EFAULT;
	if (!timespec_valid(&t))
		return -EINVAL;
	return sleep_for(&t, user_left);
}
SYSCALL(NR_nanosleep, sys_nanosleep);

/* The CPU time of the own process has other numbers, too. */
static bool
is_process_clock(int clock)
{
	int pid = CPUCLOCK_PID(clock);

	if (clock >= 0)
		return clock == CLOCK_PROCESS_CPUTIME_ID;
	return !(clock & CPUCLOCK_THREAD) && CPUCLOCK_KIND(clock) != 3 &&
	       (pid == 0 || pid == current_proc()->pid);
}

/* The errors are Linux's: EINVAL, there is no such clock; EOPNOTSUPP, there is,
 * but one cannot sleep by it. A thread that sleeps by its own CPU time would
 * never wake up: POSIX.1-2017, clock_nanosleep(), has EINVAL for that, Linux
 * EOPNOTSUPP for the clock's own number.
 * @return 0, or the error for a clock that one cannot sleep by */
static int
check_clock(int clock)
{
	if (is_process_clock(clock))
		return 0;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
	case CLOCK_TAI:
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

static int64_t
sys_clock_nanosleep(int clock, int flags, const struct timespec *user,
		    struct timespec *user_left)
{
	struct timespec t;
	int error = check_clock(clock);

	if (error)
		return error;
	if (copyin(&t, user, sizeof(t)))
		return -EFAULT;
	if (!timespec_valid(&t))
		return -EINVAL;
	if (is_process_clock(clock))
		return sleep_by_cpu(CPUCLOCK_KIND(clock), flags & TIMER_ABSTIME,
				    &t, user_left);
	if (flags & TIMER_ABSTIME)
		return sleep_until(
			clock == CLOCK_REALTIME || clock == CLOCK_TAI, &t);
	return sleep_for(&t, user_left);
}
SYSCALL(NR_clock_nanosleep, sys_clock_nanosleep);
