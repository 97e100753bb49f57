/*
 * Clocks: telling the time, of day and of the processor, and setting it.
 */
#include "abi/syscall.h"
#include "abi/time.h"
#include "timer.h"

static struct timespec
timespec_of(int64_t ns)
{
	return (struct timespec){ ns / (int64_t)NS_PER_SEC,
				  ns % (int64_t)NS_PER_SEC };
}

/* ---- CPU-time clocks ---- */

uint64_t
cpu_clock_of_proc(struct proc *p, int kind)
{
	struct usage u = proc_usage(p);

	return kind == CPUCLOCK_USER ? u.user_ns : u.cpu_ns;
}

/* Threads' clocks only of the own process; a process's of any
 * (clock_getcpuclockid(), POSIX.1-2017, leaves permissions open). 0 is who
 * asks. A process is found by its pid only, not by the number of one of its
 * threads. *@ns is set unless there is an error; proc_put and
 * cpu_clock_of_proc take locks, so the process is held by a reference. */
static int
cpu_clock(int id, uint64_t *ns)
{
	int pid = CPUCLOCK_PID(id), kind = CPUCLOCK_KIND(id), error = 0;
	struct thread *t;
	struct proc *p;

	if (kind == 3)
		return -EINVAL;
	if (id & CPUCLOCK_THREAD) {
		spin_lock(&proc_lock);
		t = pid ? thread_find(pid) : current();
		if (!t || t->proc != current_proc())
			error = -EINVAL;
		else
			*ns = kind == CPUCLOCK_USER ? t->usage.user_ns
						    : thread_cpu_ns(t);
		spin_unlock(&proc_lock);
		return error;
	}
	p = pid ? proc_find(pid) : proc_get(current_proc());
	if (!p)
		return -EINVAL;
	error = pid && p->pid != pid ? -EINVAL : 0;
	*ns = cpu_clock_of_proc(p, kind);
	proc_put(p);
	return error;
}

/* ---- Reading ---- */

/* There is one clock that cannot be set, read in ns: RAW, BOOTTIME and the
 * COARSE ones would differ from it by adjustments, by suspension, by a cheaper
 * reading, of which there are none here. TAI is CLOCK_REALTIME, as on a Linux
 * that nobody has told the leap seconds. */
static int
read_clock(int id, int64_t *ns)
{
	uint64_t cpu = 0;
	int error;

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = clock_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_ns();
		return 0;
	case CLOCK_PROCESS_CPUTIME_ID:
		*ns = proc_usage(current_proc()).cpu_ns;
		return 0;
	case CLOCK_THREAD_CPUTIME_ID:
		*ns = thread_cpu_ns(current());
		return 0;
	}
	if (id >= 0)
		return -EINVAL;
	error = cpu_clock(id, &cpu);
	*ns = cpu;
	return error;
}

static int64_t
sys_clock_gettime(int id, struct timespec *user)
{
	struct timespec ts;
	int64_t ns;
	int error = read_clock(id, &ns);

	if (error)
		return error;
	ts = timespec_of(ns);
	return copyout(user, &ts, sizeof(ts));
}
SYSCALL(NR_clock_gettime, sys_clock_gettime);

/* The clock is checked even if there is nowhere to put the answer
 * (clock_getres(2)). All count nanoseconds. */
static int64_t
sys_clock_getres(int id, struct timespec *user)
{
	struct timespec ts = { 0, 1 };
	int64_t ns;
	int error = read_clock(id, &ns);

	if (error || !user)
		return error;
	return copyout(user, &ts, sizeof(ts));
}
SYSCALL(NR_clock_getres, sys_clock_getres);

/* Either may be NULL. The zone is zeros: see settimeofday. */
static int64_t
sys_gettimeofday(struct timeval *user, struct timezone *user_zone)
{
	struct timeval tv = timeval_of(clock_realtime_ns());
	struct timezone zone = { 0, 0 };

	if (user && copyout(user, &tv, sizeof(tv)))
		return -EFAULT;
	if (user_zone && copyout(user_zone, &zone, sizeof(zone)))
		return -EFAULT;
	return 0;
}
SYSCALL(NR_gettimeofday, sys_gettimeofday);

static int64_t
sys_time(int64_t *user)
{
	int64_t now = clock_realtime_ns() / (int64_t)NS_PER_SEC;

	if (user && copyout(user, &now, sizeof(now)))
		return -EFAULT;
	return now;
}
SYSCALL(NR_time, sys_time);

/* ---- Setting ---- */

/* Of CLOCK_REALTIME alone: the clock that deadlines count by cannot be set. Who
 * waits for a time of day is woken by clock_realtime_set to look again. Times
 * that as ns would pass INT64_MAX, or lie before 1970, are refused: all
 * arithmetic is in 64 signed bits. An invalid time is told of before a lack of
 * rights, as on Linux. */
static int
set_time(int64_t sec, int64_t nsec)
{
	if (sec < 0 || sec > INT64_MAX / (int64_t)NS_PER_SEC - 1 || nsec < 0 ||
	    nsec >= (int64_t)NS_PER_SEC)
		return -EINVAL;
	if (current_cred()->euid != 0)
		return -EPERM;
	clock_realtime_set(sec * NS_PER_SEC + nsec);
	return 0;
}

/* clock_settime(2): EINVAL for a clock that cannot be set, and for one that is
 * not there. */
static int64_t
sys_clock_settime(int id, const struct timespec *user)
{
	struct timespec ts;

	if (id != CLOCK_REALTIME)
		return -EINVAL;
	if (copyin(&ts, user, sizeof(ts)))
		return -EFAULT;
	return set_time(ts.tv_sec, ts.tv_nsec);
}
SYSCALL(NR_clock_settime, sys_clock_settime);

/* The kernel keeps UTC; a time zone is accepted from the privileged, as the
 * clock-setting programs insist, and is not kept. */
static int64_t
sys_settimeofday(const struct timeval *user, const struct timezone *user_zone)
{
	struct timezone zone;
	struct timeval tv;

	if (user && copyin(&tv, user, sizeof(tv)))
		return -EFAULT;
	if (user_zone && copyin(&zone, user_zone, sizeof(zone)))
		return -EFAULT;
	if (!user)
		return current_cred()->euid == 0 ? 0 : -EPERM;
	if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
		return -EINVAL;
	return set_time(tv.tv_sec, tv.tv_usec * NS_PER_USEC);
}
SYSCALL(NR_settimeofday, sys_settimeofday);
