/*
 * Nice values, affinity and sched_yield. Policies are policy.c's.
 */
#include "abi/sched.h"
#include "abi/syscall.h"
#include "priority_internal.h"

/* ---- Priorities ---- */

bool
may_schedule(const struct thread *t)
{
	const struct cred *mine = current_cred(), *its = &t->fs->cred;

	return mine->euid == 0 || mine->euid == its->uid ||
	       mine->euid == its->euid;
}

/* MIN first: the limit may be RLIM_INFINITY, which is no int64_t. 40 allows all
 * there is. */
bool
may_have_nice(int nice)
{
	return current_cred()->euid == 0 ||
	       20 - nice <= (int64_t)MIN(proc_limit(RLIMIT_NICE), 40UL);
}

/* The two errors are apart in setpriority(2): EPERM, it is another user's;
 * EACCES, it is one's own, but would become less nice than the limit allows. To
 * keep what it has, or to make it nicer, needs no permission. */
static int
check_nice(const struct thread *t, int nice)
{
	if (!may_schedule(t))
		return -EPERM;
	return nice < t->nice && !may_have_nice(nice) ? -EACCES : 0;
}

static void
get_nice(struct prio *q, struct thread *t)
{
	q->best = MIN(q->best, t->nice);
}

/* An error of one thread does not end the walk: as on Linux, those that may be
 * changed are, and the call fails nevertheless. */
static void
set_nice(struct prio *q, struct thread *t)
{
	int error = check_nice(t, q->value);

	if (error)
		q->error = error;
	else
		thread_set_nice(t, q->value);
}

/* fs is NULL once the thread has begun to end: no one is there to ask whose it
 * is, and it counts as not found. */
static void
prio_thread(struct prio *q, struct thread *t)
{
	if (!t->fs)
		return;
	q->found = true;
	q->each(q, t);
}

/* A user's threads are those of the real user ID, as in setpriority(2). The IDs
 * are those of the thread's process, of which each thread may in principle have
 * another fs (CLONE_FS): so it is asked thread by thread. */
static bool
prio_matches(const struct prio *q, const struct proc *p, const struct thread *t)
{
	if (q->which == PRIO_PGRP)
		return p->pgid == (int)q->who;
	return t->fs && t->fs->cred.uid == q->who;
}

static void
prio_proc(struct proc *p, void *arg)
{
	struct prio *q = arg;
	struct thread *t;

	list_for_each (t, &p->threads, proc_link) {
		if (prio_matches(q, p, t))
			prio_thread(q, t);
	}
}

/* PRIO_PROCESS means one thread alone, as on Linux: POSIX has a nice value for
 * each process, but programs have come to renice single threads by their
 * number. */
int
prio_apply(struct prio *q)
{
	struct thread *t;

	if (q->which == PRIO_PROCESS) {
		spin_lock(&proc_lock);
		t = q->who ? thread_find(q->who) : current();
		if (t)
			prio_thread(q, t);
		spin_unlock(&proc_lock);
	} else if (q->which == PRIO_PGRP || q->which == PRIO_USER) {
		if (!q->who)
			q->who = q->which == PRIO_PGRP
					 ? (uint32_t)current_proc()->pgid
					 : current_cred()->uid;
		proc_for_each(prio_proc, q);
	} else {
		return -EINVAL;
	}
	return q->found ? q->error : -ESRCH;
}

/* The best (least) nice value among them. The call answers 20 - nice, 1 to 40,
 * so that no answer looks like an error; the C library turns it back
 * (getpriority(2), "C library/kernel differences"). */
static int64_t
sys_getpriority(int which, uint32_t who)
{
	struct prio q = {
		.which = which, .who = who, .each = get_nice, .best = NICE_MAX
	};
	int error = prio_apply(&q);

	return error ? error : 20 - q.best;
}
SYSCALL(NR_getpriority, sys_getpriority);

/* A value that is out of range is no error: the nearest one is set
 * (setpriority(2)). */
static int64_t
sys_setpriority(int which, uint32_t who, int nice)
{
	struct prio q = { .which = which,
			  .who = who,
			  .each = set_nice,
			  .value = MIN(MAX(nice, NICE_MIN), NICE_MAX) };

	return prio_apply(&q);
}
SYSCALL(NR_setpriority, sys_setpriority);

/* ---- Scheduling ---- */

static int64_t
sys_sched_yield(void)
{
	thread_yield();
	return 0;
}
SYSCALL(NR_sched_yield, sys_sched_yield);

int64_t
with_thread(int tid, int64_t (*fn)(struct thread *t, uint64_t arg),
	    uint64_t arg)
{
	int64_t result = -ESRCH;
	struct thread *t;

	if (tid < 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	t = tid ? thread_find(tid) : current();
	if (t)
		result = fn(t, arg);
	spin_unlock(&proc_lock);
	return result;
}

/* Only CPUs that there are: the mask of a thread that was never bound is all
 * ones. BIT(cpu_count) would be a shift by 64 on a full machine. */
static int64_t
get_affinity(struct thread *t, uint64_t arg)
{
	*(cpuset_t *)arg = t->affinity & (BIT(cpu_count - 1) * 2 - 1);
	return 0;
}

/* In the order of Linux: who may not is told -EPERM, even if the set is empty;
 * then thread_set_affinity finds -EINVAL. */
static int64_t
set_affinity(struct thread *t, uint64_t cpus)
{
	if (!t->fs)
		return -ESRCH;
	if (!may_schedule(t))
		return -EPERM;
	return thread_set_affinity(t, cpus);
}

/* The system call returns how many bytes it has written, which the C library
 * hides: it clears the rest of its caller's set. The length is in whole words,
 * and one word holds all CPUs that there can be. A negative number is nobody's,
 * -ESRCH, and not with_thread's -EINVAL: sched_setaffinity(2) knows no invalid
 * number. */
static int64_t
sys_sched_getaffinity(int tid, size_t len, cpuset_t *user)
{
	cpuset_t cpus;
	int64_t error;

	if (len < sizeof(cpus) || len % sizeof(cpus))
		return -EINVAL;
	if (tid < 0)
		return -ESRCH;
	error = with_thread(tid, get_affinity, (uint64_t)&cpus);
	if (!error && copyout(user, &cpus, sizeof(cpus)))
		error = -EFAULT;
	return error ? error : (int64_t)sizeof(cpus);
}
SYSCALL(NR_sched_getaffinity, sys_sched_getaffinity);

/* A shorter set than ours has zeros behind it; of a longer one the rest is not
 * looked at, for there are no such CPUs. The set is read before the thread is
 * looked for, since that is done under a spinlock. */
static int64_t
sys_sched_setaffinity(int tid, size_t len, const cpuset_t *user)
{
	cpuset_t cpus = 0;

	if (copyin(&cpus, user, MIN(len, sizeof(cpus))))
		return -EFAULT;
	if (tid < 0)
		return -ESRCH;
	cpus &= BIT(cpu_count - 1) * 2 - 1;
	/* It need not be looked for, and may have to move now, which would wait
	 * for the end of proc_lock. */
	if (tid == 0 || tid == current()->tid)
		return set_affinity(current(), cpus);
	return with_thread(tid, set_affinity, cpus);
}
SYSCALL(NR_sched_setaffinity, sys_sched_setaffinity);
