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

bool
may_have_nice(int nice)
{
	return current_cred()->euid == 0 ||
	       20 - nice <= (int64_t)MIN(proc_limit(RLIMIT_NICE), 40UL);
}

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

static void
set_nice(struct prio *q, struct thread *t)
{
	int error = check_nice(t, q->value);

	if (error)
		q->error = error;
	else
		thread_set_nice(t, q->value);
}

static void
prio_thread(struct prio *q, struct thread *t)
{
	if (!t->fs)
		return;
	q->found = true;
	q->each(q, t);
}

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

static int64_t
get_affinity(struct thread *t, uint64_t arg)
{
	*(cpuset_t *)arg = t->affinity & (BIT(cpu_count - 1) * 2 - 1);
	return 0;
}

static int64_t
set_affinity(struct thread *t, uint64_t cpus)
{
	if (!t->fs)
		return -ESRCH;
	if (!may_schedule(t))
		return -EPERM;
	return thread_set_affinity(t, cpus);
}

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

static int64_t
sys_sched_setaffinity(int tid, size_t len, const cpuset_t *user)
{
	cpuset_t cpus = 0;

	if (copyin(&cpus, user, MIN(len, sizeof(cpus))))
		return -EFAULT;
	if (tid < 0)
		return -ESRCH;
	cpus &= BIT(cpu_count - 1) * 2 - 1;
	if (tid == 0 || tid == current()->tid) /* it may have to move now */
		return set_affinity(current(), cpus);
	return with_thread(tid, set_affinity, cpus);
}
SYSCALL(NR_sched_setaffinity, sys_sched_setaffinity);
