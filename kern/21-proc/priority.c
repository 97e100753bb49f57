/*
 * Priorities and scheduling: getpriority and setpriority, sched_yield,
 * affinity, and the policies, of which there is one.
 */
#include "abi/sched.h"
#include "proc_internal.h"

/* ---- Priorities ---- */

struct prio {
	int which;
	uint32_t who;
	bool set;
	int nice; /* to be set */
	int best; /* least found */
	bool found;
	int error;
};

/* Whether the caller may change the priority of a thread of @cred to @nice. */
static int
check_nice(const struct thread *t, int nice)
{
	const struct cred *mine = current_cred(), *its = &t->fs->cred;

	if (mine->euid != 0 && mine->euid != its->uid &&
	    mine->euid != its->euid)
		return -EPERM;
	if (nice < t->nice && mine->euid != 0 &&
	    20 - nice > (int64_t)MIN(proc_limit(RLIMIT_NICE), 40UL))
		return -EACCES;
	return 0;
}

static void
prio_thread(struct prio *q, struct thread *t)
{
	int error;

	if (!t->fs)
		return;
	q->found = true;
	if (!q->set) {
		q->best = MIN(q->best, t->nice);
		return;
	}
	error = check_nice(t, q->nice);
	if (error)
		q->error = error;
	else
		thread_set_nice(t, q->nice);
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

static int
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
	struct prio q = { .which = which, .who = who, .best = NICE_MAX };
	int error = prio_apply(&q);

	return error ? error : 20 - q.best;
}
SYSCALL(NR_getpriority, sys_getpriority, 0);

static int64_t
sys_setpriority(int which, uint32_t who, int nice)
{
	struct prio q = { .which = which,
			  .who = who,
			  .set = true,
			  .nice = MIN(MAX(nice, NICE_MIN), NICE_MAX) };

	return prio_apply(&q);
}
SYSCALL(NR_setpriority, sys_setpriority, 0);

/* ---- Scheduling ---- */

static int64_t
sys_sched_yield(void)
{
	thread_yield();
	return 0;
}
SYSCALL(NR_sched_yield, sys_sched_yield, 0);

/* Call @fn for thread @tid, or the running one where @tid is 0, under
 * proc_lock. @return its result, or -ESRCH */
static int64_t
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
	int error = t->fs ? check_nice(t, t->nice) : -ESRCH;

	return error ? error : thread_set_affinity(t, cpus);
}

static int64_t
sys_sched_getaffinity(int tid, size_t len, cpuset_t *user)
{
	cpuset_t cpus;
	int64_t error;

	if (len < sizeof(cpus) || len % sizeof(cpus))
		return -EINVAL;
	error = with_thread(tid, get_affinity, (uint64_t)&cpus);
	if (!error && copyout(user, &cpus, sizeof(cpus)))
		error = -EFAULT;
	return error ? error : (int64_t)sizeof(cpus);
}
SYSCALL(NR_sched_getaffinity, sys_sched_getaffinity, 0);

static int64_t
sys_sched_setaffinity(int tid, size_t len, const cpuset_t *user)
{
	cpuset_t cpus = 0;

	if (copyin(&cpus, user, MIN(len, sizeof(cpus))))
		return -EFAULT;
	cpus &= BIT(cpu_count - 1) * 2 - 1;
	if (!cpus)
		return -EINVAL;
	if (tid == 0 || tid == current()->tid) /* it may have to move now */
		return thread_set_affinity(current(), cpus);
	return with_thread(tid, set_affinity, cpus);
}
SYSCALL(NR_sched_setaffinity, sys_sched_setaffinity, 0);

static int64_t
policy_of(struct thread *t, uint64_t arg)
{
	(void)t;
	(void)arg;
	return SCHED_OTHER; /* there is no other */
}

static int64_t
sys_sched_getscheduler(int tid)
{
	return with_thread(tid, policy_of, 0);
}
SYSCALL(NR_sched_getscheduler, sys_sched_getscheduler, 0);

static int64_t
sys_sched_getparam(int tid, struct sched_param *user)
{
	struct sched_param param = { 0 };
	int64_t error;

	if (!user)
		return -EINVAL;
	error = with_thread(tid, policy_of, 0);
	return error ? error : copyout(user, &param, sizeof(param));
}
SYSCALL(NR_sched_getparam, sys_sched_getparam, 0);

/* Only what is the case already can be set. */
static int64_t
set_policy(int tid, int policy, const struct sched_param *user)
{
	struct sched_param param;

	if (!user)
		return -EINVAL;
	if (copyin(&param, user, sizeof(param)))
		return -EFAULT;
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return -EPERM;
	if (policy != SCHED_OTHER || param.sched_priority != 0)
		return -EINVAL;
	return with_thread(tid, policy_of, 0);
}

static int64_t
sys_sched_setscheduler(int tid, int policy, const struct sched_param *user)
{
	return set_policy(tid, policy, user);
}
SYSCALL(NR_sched_setscheduler, sys_sched_setscheduler, 0);

static int64_t
sys_sched_setparam(int tid, const struct sched_param *user)
{
	return set_policy(tid, SCHED_OTHER, user);
}
SYSCALL(NR_sched_setparam, sys_sched_setparam, 0);

static int64_t
priority_range(int policy, int of_real_time)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return of_real_time;
	if (policy == SCHED_OTHER || policy == SCHED_BATCH ||
	    policy == SCHED_IDLE)
		return 0;
	return -EINVAL;
}

static int64_t
sys_sched_get_priority_max(int policy)
{
	return priority_range(policy, 99);
}
SYSCALL(NR_sched_get_priority_max, sys_sched_get_priority_max, 0);

static int64_t
sys_sched_get_priority_min(int policy)
{
	return priority_range(policy, 1);
}
SYSCALL(NR_sched_get_priority_min, sys_sched_get_priority_min, 0);
