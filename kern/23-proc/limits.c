/*
 * Resource limits: getrlimit and its kin. Who is limited asks here; the limit
 * of processor time is chapter signal's.
 */
#include "proc_internal.h"
#include "string.h"

#define STACK_DEFAULT	(8UL << 20)
#define NOFILE_DEFAULT	1024
#define MEMLOCK_DEFAULT (8UL << 20)

/* Init's, and so everybody's. Half of the system's threads for one user, that
 * one alone cannot use up all. No real-time priority, no better nice value but
 * by root. */
static void
first_limits(struct rlimit *limits)
{
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		limits[i] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	limits[RLIMIT_STACK].rlim_cur = STACK_DEFAULT;
	limits[RLIMIT_CORE].rlim_cur = 0;
	limits[RLIMIT_MEMLOCK] =
		(struct rlimit){ MEMLOCK_DEFAULT, MEMLOCK_DEFAULT };
	limits[RLIMIT_NPROC] = limits[RLIMIT_SIGPENDING] =
		(struct rlimit){ threads_max / 2, threads_max / 2 };
	limits[RLIMIT_NOFILE] = (struct rlimit){ NOFILE_DEFAULT, NOFILE_MAX };
	limits[RLIMIT_NICE] = (struct rlimit){ 0, 0 };
	limits[RLIMIT_RTPRIO] = (struct rlimit){ 0, 0 };
}

/* Inherited by fork, kept by exec (POSIX.1-2017, setrlimit()). */
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
proc_limit_of(struct proc *p, unsigned resource)
{
	return __atomic_load_n(&p->limits[resource].rlim_cur, __ATOMIC_RELAXED);
}

uint64_t
proc_limit(unsigned resource)
{
	struct proc *p = current_proc();

	return p ? proc_limit_of(p, resource) : RLIM_INFINITY;
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

/* ---- The calls ---- */

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
SYSCALL(NR_prlimit64, sys_prlimit64);

static int64_t
sys_getrlimit(unsigned resource, struct rlimit *user)
{
	return user ? sys_prlimit64(0, resource, NULL, user) : -EFAULT;
}
SYSCALL(NR_getrlimit, sys_getrlimit);

static int64_t
sys_setrlimit(unsigned resource, const struct rlimit *user)
{
	return user ? sys_prlimit64(0, resource, user, NULL) : -EFAULT;
}
SYSCALL(NR_setrlimit, sys_setrlimit);
