/*
 * Scheduling policies: sched_setscheduler, sched_setattr and their kin. What a
 * policy does is chapter sched's; here is who may have which (sched(7)).
 */
#include "abi/sched.h"
#include "abi/syscall.h"
#include "priority_internal.h"

/* No policy has this number, and a program cannot give it: the calls that take
 * a policy refuse negative ones. */
#define KEEP_POLICY (-1)

/* What is to be set: what the calls have in common, made before the thread is
 * known. What is to be kept is filled in by apply, under proc_lock. */
struct change {
	int policy;	    /* or KEEP_POLICY */
	unsigned priority;  /* 0 for a policy that is not real-time */
	bool reset_on_fork; /* children begin without privilege */
	bool set_nice;	    /* else `nice` means nothing */
	bool keep_params;   /* priority and nice */
	int nice;
};

static bool
is_realtime(int policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* By nice values: SCHED_IDLE is below them all. */
static bool
is_fair(int policy)
{
	return policy == SCHED_OTHER || policy == SCHED_BATCH;
}

static bool
is_policy(int policy)
{
	return is_realtime(policy) || is_fair(policy) || policy == SCHED_IDLE;
}

/* For who is not root; each line is about a change, since what one has may be
 * kept. Real time: no way in without a limit, no way up past it; but with a
 * limit of 0 a thread that has FIFO already may lower its priority. SCHED_IDLE
 * counts as less than nice 19, so leaving it is becoming less nice: RLIMIT_NICE
 * has to allow the nice value that the thread would have again. The mark that
 * children lose the privilege cannot be taken off (sched(7)). */
static bool
may_have(const struct thread *t, const struct change *c)
{
	uint64_t limit = proc_limit(RLIMIT_RTPRIO);

	if (is_realtime(c->policy)) {
		if (c->policy != t->policy && limit == 0)
			return false;
		if (c->priority > t->priority && c->priority > limit)
			return false;
	} else if (c->set_nice && is_fair(c->policy) && c->nice < t->nice &&
		   !may_have_nice(c->nice)) {
		return false;
	}
	if (t->policy == POLICY_IDLE && c->policy != SCHED_IDLE &&
	    !may_have_nice(t->nice))
		return false;
	return may_schedule(t) && (c->reset_on_fork || !t->reset_on_fork);
}

/* with_thread's function, under proc_lock. All is checked before anything is
 * set, so an error leaves the thread as it was. A real-time policy has
 * priorities 1 to 99 and no other has any (sched_setscheduler(2)): a policy
 * that does not fit its priority is invalid for root, too, and that comes
 * before the question of rights.
 * thread_set_policy is called only if something changes, for it puts the thread
 * behind its equals. */
static int64_t
apply(struct thread *t, uint64_t arg)
{
	struct change c = *(const struct change *)arg;

	if (!t->fs)
		return -ESRCH;
	if (c.policy == KEEP_POLICY) {
		c.policy = t->policy;
		c.reset_on_fork = t->reset_on_fork;
	}
	if (c.keep_params) {
		c.priority = t->priority;
		c.set_nice = false;
	}
	if (!is_policy(c.policy) || c.priority > REALTIME_MAX ||
	    is_realtime(c.policy) != (c.priority != 0))
		return -EINVAL;
	if (current_cred()->euid != 0 && !may_have(t, &c))
		return -EPERM;
	t->reset_on_fork = c.reset_on_fork;
	if (c.set_nice && is_fair(c.policy))
		thread_set_nice(t, c.nice);
	if (c.policy != t->policy || c.priority != t->priority)
		thread_set_policy(t, c.policy, c.priority);
	return 0;
}

/* sched_setscheduler and sched_setparam: these have no nice value, so that is
 * kept. The flag in the policy's number is taken out before it is looked at;
 * KEEP_POLICY, as all ones, has that bit, too. */
static int64_t
set_policy(int tid, int policy, const struct sched_param *user)
{
	struct sched_param param;
	struct change c = { .policy = policy };

	if (!user || tid < 0)
		return -EINVAL;
	if (copyin(&param, user, sizeof(param)))
		return -EFAULT;
	if (policy != KEEP_POLICY && policy & SCHED_RESET_ON_FORK) {
		c.reset_on_fork = true;
		c.policy &= ~SCHED_RESET_ON_FORK;
	}
	c.priority = (unsigned)param.sched_priority;
	return with_thread(tid, apply, (uint64_t)&c);
}

static int64_t
sys_sched_setscheduler(int tid, int policy, const struct sched_param *user)
{
	return policy < 0 ? -EINVAL : set_policy(tid, policy, user);
}
SYSCALL(NR_sched_setscheduler, sys_sched_setscheduler);

static int64_t
sys_sched_setparam(int tid, const struct sched_param *user)
{
	return set_policy(tid, KEEP_POLICY, user);
}
SYSCALL(NR_sched_setparam, sys_sched_setparam);

/* ---- Asking ---- */

/* Does not ask whose it is: POSIX would allow EPERM, Linux lets all see all. A
 * real-time thread tells nice 0, since nice does nothing for it. */
static int64_t
get_attr(struct thread *t, uint64_t arg)
{
	*(struct sched_attr *)arg = (struct sched_attr){
		.sched_policy = t->policy,
		.sched_flags = t->reset_on_fork ? SCHED_FLAG_RESET_ON_FORK : 0,
		.sched_nice = t->priority ? 0 : t->nice,
		.sched_priority = t->priority,
	};
	return 0;
}

static int64_t
sys_sched_getscheduler(int tid)
{
	struct sched_attr a;
	int64_t error = with_thread(tid, get_attr, (uint64_t)&a);

	if (error)
		return error;
	return a.sched_policy | (a.sched_flags ? SCHED_RESET_ON_FORK : 0);
}
SYSCALL(NR_sched_getscheduler, sys_sched_getscheduler);

static int64_t
sys_sched_getparam(int tid, struct sched_param *user)
{
	struct sched_param param;
	struct sched_attr a;
	int64_t error =
		user ? with_thread(tid, get_attr, (uint64_t)&a) : -EINVAL;

	if (error)
		return error;
	param.sched_priority = (int32_t)a.sched_priority;
	return copyout(user, &param, sizeof(param));
}
SYSCALL(NR_sched_getparam, sys_sched_getparam);

/* sched_rr_get_interval(2) means SCHED_RR's turn. Of the others it tells, as on
 * Linux: 0, a FIFO thread's turn has no end; and about what a fair thread gets
 * while others want the CPU. */
static int64_t
sys_sched_rr_get_interval(int tid, struct timespec *user)
{
	struct timespec turn = { 0, 0 };
	struct sched_attr a;
	int64_t error = with_thread(tid, get_attr, (uint64_t)&a);

	if (error)
		return error;
	if (a.sched_policy == SCHED_RR)
		turn.tv_nsec = REALTIME_TURN_NS;
	else if (a.sched_policy != SCHED_FIFO)
		turn.tv_nsec = FAIR_TURN_NS;
	return copyout(user, &turn, sizeof(turn));
}
SYSCALL(NR_sched_rr_get_interval, sys_sched_rr_get_interval);

/* ---- Attributes: all of it in one structure, whose size may grow ---- */

/* The size in the structure says which version of it the caller was built for
 * (sched_setattr(2)). Smaller than ours: the rest is zeros, which is "not asked
 * for" in all fields to come. Larger: what is behind ours must be zeros, or
 * something is asked for that we would silently leave out. At most a page, so
 * that the look ends; 0 counts as the first version. The size is read twice,
 * and only the first is used: another thread may change it in between.
 * @return 0; -E2BIG: the caller asks for what is not known here, and is told
 * how much is; -EFAULT */
static int
copyin_attr(struct sched_attr *a, struct sched_attr *user)
{
	uint32_t size, known = sizeof(*a);
	uint8_t rest[64];

	*a = (struct sched_attr){ 0 };
	if (copyin(&size, user_field(user, size), sizeof(size)))
		return -EFAULT;
	if (size == 0)
		size = SCHED_ATTR_SIZE_VER0;
	if (size < SCHED_ATTR_SIZE_VER0 || size > PAGE_SIZE)
		goto too_big;
	if (copyin(a, user, MIN(size, known)))
		return -EFAULT;
	for (uint32_t at = known, n; at < size; at += n) {
		n = MIN(size - at, (uint32_t)sizeof(rest));
		if (copyin(rest, (uint8_t *)user + at, n))
			return -EFAULT;
		for (uint32_t i = 0; i < n; i++)
			if (rest[i])
				goto too_big;
	}
	return 0;
too_big:
	return copyout(user_field(user, size), &known, sizeof(known)) ? -EFAULT
								      : -E2BIG;
}

/* SCHED_DEADLINE's flags (RECLAIM, DL_OVERRUN) and those of utilization are not
 * known, and refused: to accept them would be to promise something. A nice
 * value out of range is the nearest, as with setpriority. Nice is set by this
 * call always, since the structure has no way to say "none", but with
 * KEEP_PARAMS. */
static int64_t
sys_sched_setattr(int tid, struct sched_attr *user, unsigned flags)
{
	struct sched_attr a;
	struct change c;
	int error;

	if (!user || tid < 0 || flags)
		return -EINVAL;
	error = copyin_attr(&a, user);
	if (error)
		return error;
	if ((int32_t)a.sched_policy < 0 ||
	    a.sched_flags & ~(uint64_t)(SCHED_FLAG_RESET_ON_FORK |
					SCHED_FLAG_KEEP_POLICY |
					SCHED_FLAG_KEEP_PARAMS))
		return -EINVAL;
	c = (struct change){
		.policy = a.sched_flags & SCHED_FLAG_KEEP_POLICY
				  ? KEEP_POLICY
				  : (int)a.sched_policy,
		.priority = a.sched_priority,
		.reset_on_fork = a.sched_flags & SCHED_FLAG_RESET_ON_FORK,
		.set_nice = true,
		.keep_params = a.sched_flags & SCHED_FLAG_KEEP_PARAMS,
		.nice = MIN(MAX(a.sched_nice, NICE_MIN), NICE_MAX),
	};
	return with_thread(tid, apply, (uint64_t)&c);
}
SYSCALL(NR_sched_setattr, sys_sched_setattr);

/* The caller says how much room it has. The first version must fit; ours has no
 * more fields, so nothing is ever cut. `size` tells how much was written. */
static int64_t
sys_sched_getattr(int tid, struct sched_attr *user, unsigned size,
		  unsigned flags)
{
	struct sched_attr a;
	int64_t error;

	if (!user || tid < 0 || size > PAGE_SIZE ||
	    size < SCHED_ATTR_SIZE_VER0 || flags)
		return -EINVAL;
	error = with_thread(tid, get_attr, (uint64_t)&a);
	if (error)
		return error;
	a.size = MIN(size, (unsigned)sizeof(a));
	return copyout(user, &a, a.size);
}
SYSCALL(NR_sched_getattr, sys_sched_getattr);

/* POSIX.1-2017, sched_get_priority_max(): an error for an unknown policy alone;
 * one without priorities has the range 0 to 0. */
static int64_t
priority_range(int policy, int of_real_time)
{
	if (is_realtime(policy))
		return of_real_time;
	return is_policy(policy) ? 0 : -EINVAL;
}

static int64_t
sys_sched_get_priority_max(int policy)
{
	return priority_range(policy, REALTIME_MAX);
}
SYSCALL(NR_sched_get_priority_max, sys_sched_get_priority_max);

static int64_t
sys_sched_get_priority_min(int policy)
{
	return priority_range(policy, REALTIME_MIN);
}
SYSCALL(NR_sched_get_priority_min, sys_sched_get_priority_min);
