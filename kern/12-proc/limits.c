/*
 * Resource limits, usage and priorities: getrlimit and its kin, getrusage,
 * times, nice, and what the scheduler lets a program choose.
 */
#include "abi/sched.h"
#include "proc_internal.h"
#include "string.h"

#define STACK_DEFAULT  (8UL << 20)
#define NOFILE_DEFAULT 1024
#define NOFILE_MAX     4096
#define NS_PER_TICK    (NS_PER_SEC / USER_HZ)

/* ---- Limits ---- */

static void
first_limits(struct rlimit *limits)
{
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		limits[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	limits[RLIMIT_STACK].rlim_cur = STACK_DEFAULT;
	limits[RLIMIT_CORE].rlim_cur = 0;
	limits[RLIMIT_NPROC] =
		(struct rlimit){ threads_max / 2, threads_max / 2 };
	limits[RLIMIT_NOFILE] = (struct rlimit){ NOFILE_DEFAULT, NOFILE_MAX };
	limits[RLIMIT_NICE] = (struct rlimit){ 0, 0 };
	limits[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
}

void
limits_init(struct proc *p, struct proc *from)
{
	if (!from) {
		first_limits(p->limits);
		return;
	}
	spin_lock(&from->lock);
	memcpy(p->limits, from->limits, sizeof(p->limits));
	spin_unlock(&from->lock);
}

uint64_t
limit_of(struct proc *p, unsigned resource)
{
	return __atomic_load_n(&p->limits[resource].rlim_cur, __ATOMIC_RELAXED);
}

uint64_t
proc_limit(unsigned resource)
{
	struct proc *p = current_proc();

	return p ? limit_of(p, resource) : RLIM_INFINITY;
}

/* vfs_ops.nofile_limit */
static unsigned
nofile_limit(void)
{
	return MIN(proc_limit(RLIMIT_NOFILE), (uint64_t)NOFILE_MAX);
}

/* vfs_ops.fsize_limit */
static uint64_t
fsize_limit(void)
{
	return proc_limit(RLIMIT_FSIZE);
}

void
limits_hook(void)
{
	vm_ops.limit = proc_limit;
	vfs_ops.nofile_limit = nofile_limit;
	vfs_ops.fsize_limit = fsize_limit;
}

/* Set and get at once, as prlimit64 wants it. */
static int
exchange_limit(struct proc *p, unsigned resource, const struct rlimit *new,
	       struct rlimit *old)
{
	struct rlimit *limit = &p->limits[resource];
	bool privileged = current_cred()->euid == 0;
	int error = 0;

	spin_lock(&p->lock);
	*old = *limit;
	if (new) {
		if (new->rlim_cur > new->rlim_max)
			error = -EINVAL;
		else if (new->rlim_max > limit->rlim_max && !privileged)
			error = -EPERM;
		else if (resource == RLIMIT_NOFILE &&
			 new->rlim_max > NOFILE_MAX)
			error = -EPERM;
		else
			*limit = *new;
	}
	spin_unlock(&p->lock);
	return error;
}

/* Whether the caller may see and set the limits of @p: all its IDs agree. */
static int
check_same_user(struct proc *p)
{
	const struct cred *mine = current_cred();
	struct fs_context *fs = proc_fs(p);
	int error = -EPERM;

	if (!fs)
		return -ESRCH;
	if (mine->euid == 0 ||
	    (fs->cred.uid == mine->uid && fs->cred.euid == mine->uid &&
	     fs->cred.suid == mine->uid && fs->cred.gid == mine->gid &&
	     fs->cred.egid == mine->gid && fs->cred.sgid == mine->gid))
		error = 0;
	fs_context_put(fs);
	return error;
}

static int64_t
sys_prlimit64(int pid, unsigned resource, const struct rlimit *user_new,
	      struct rlimit *user_old)
{
	struct rlimit new, old;
	struct proc *p;
	int error;

	if (resource >= RLIM_NLIMITS)
		return -EINVAL;
	if (user_new && copyin(&new, user_new, sizeof(new)))
		return -EFAULT;
	p = pid ? proc_find(pid) : proc_get(current_proc());
	if (!p)
		return -ESRCH;
	error = p == current_proc() ? 0 : check_same_user(p);
	if (!error)
		error = exchange_limit(p, resource, user_new ? &new : NULL,
				       &old);
	proc_put(p);
	if (!error && user_old && copyout(user_old, &old, sizeof(old)))
		error = -EFAULT;
	return error;
}
SYSCALL(NR_prlimit64, sys_prlimit64, 4);

static int64_t
sys_getrlimit(unsigned resource, struct rlimit *user)
{
	return user ? sys_prlimit64(0, resource, NULL, user) : -EFAULT;
}
SYSCALL(NR_getrlimit, sys_getrlimit, 4);

static int64_t
sys_setrlimit(unsigned resource, const struct rlimit *user)
{
	return user ? sys_prlimit64(0, resource, user, NULL) : -EFAULT;
}
SYSCALL(NR_setrlimit, sys_setrlimit, 4);

/* ---- Usage ---- */

static void
thread_usage(struct thread *t, struct rusage *ru)
{
	memset(ru, 0, sizeof(*ru));
	ru->ru_utime = timeval_of(t->cpu_ns + clock_ns() - t->slice_start);
	ru->ru_nvcsw = t->switches;
	ru->ru_maxrss = vm_peak_resident(t->vmspace) * (PAGE_SIZE / 1024);
}

static void
children_usage(struct proc *p, struct rusage *ru)
{
	spin_lock(&proc_lock);
	*ru = p->child_usage;
	spin_unlock(&proc_lock);
}

static int64_t
sys_getrusage(int who, struct rusage *user)
{
	struct proc *p = current_proc();
	struct rusage ru;

	if (who == RUSAGE_SELF)
		proc_usage(p, &ru);
	else if (who == RUSAGE_CHILDREN)
		children_usage(p, &ru);
	else if (who == RUSAGE_THREAD)
		thread_usage(current(), &ru);
	else
		return -EINVAL;
	return copyout(user, &ru, sizeof(ru));
}
SYSCALL(NR_getrusage, sys_getrusage, 4);

static int64_t
ticks_of(struct timeval tv)
{
	return tv.tv_sec * USER_HZ + tv.tv_usec / (1000000 / USER_HZ);
}

static int64_t
sys_times(struct tms *user)
{
	struct proc *p = current_proc();
	struct rusage self, children;
	struct tms tms;

	proc_usage(p, &self);
	children_usage(p, &children);
	tms.tms_utime = ticks_of(self.ru_utime);
	tms.tms_stime = ticks_of(self.ru_stime);
	tms.tms_cutime = ticks_of(children.ru_utime);
	tms.tms_cstime = ticks_of(children.ru_stime);
	if (user && copyout(user, &tms, sizeof(tms)))
		return -EFAULT;
	return clock_ns() / NS_PER_TICK;
}
SYSCALL(NR_times, sys_times, 4);

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
