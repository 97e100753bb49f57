/*
 * Process groups and sessions: setpgid, setsid and the calls that ask. Rules:
 * POSIX.1-2017, setpgid() and setsid().
 */
#include "abi/syscall.h"
#include "sigstate.h"

/* Whether the caller may move @p p into group @p pgid. proc_lock held. */
static int
check_setpgid(const struct proc *p, int pgid)
{
	const struct proc *self = current_proc();

	if (p != self) {
		if (p->parent != self)
			return -ESRCH;
		if (p->sid != self->sid)
			return -EPERM;
		if (p->did_exec)
			return -EACCES;
	}
	if (p->sid == p->pid)
		return -EPERM; /* a session leader leads its group for good */
	if (pgid != p->pid && group_session(pgid) != self->sid)
		return -EPERM;
	return 0;
}

static int64_t
sys_setpgid(int pid, int pgid)
{
	struct proc *p;
	int error;

	if (!pid)
		pid = current_proc()->pid;
	if (!pgid)
		pgid = pid;
	if (pgid < 0)
		return -EINVAL;
	p = proc_find(pid);
	if (!p)
		return -ESRCH;
	spin_lock(&proc_lock);
	error = p->pid == pid ? check_setpgid(p, pgid) : -EINVAL;
	if (!error)
		p->pgid = pgid;
	spin_unlock(&proc_lock);
	proc_put(p);
	return error;
}
SYSCALL(NR_setpgid, sys_setpgid);

/* Refused to the leader of a group: the session's number would be that of a
 * group that is in another session. */
static int64_t
sys_setsid(void)
{
	struct proc *p = current_proc();
	int64_t result = -EPERM;

	spin_lock(&proc_lock);
	if (group_session(p->pid) < 0) {
		p->sid = p->pgid = p->pid;
		p->tty = NULL;
		result = p->pid;
	}
	spin_unlock(&proc_lock);
	return result;
}
SYSCALL(NR_setsid, sys_setsid);

static int64_t
get_id(int pid, bool session)
{
	struct proc *p = proc_find(pid ? pid : current_proc()->pid);
	int id;

	if (!p)
		return -ESRCH;
	id = session ? p->sid : p->pgid;
	proc_put(p);
	return id;
}

static int64_t
sys_getpgid(int pid)
{
	return get_id(pid, false);
}
SYSCALL(NR_getpgid, sys_getpgid);

static int64_t
sys_getsid(int pid)
{
	return get_id(pid, true);
}
SYSCALL(NR_getsid, sys_getsid);

static int64_t
sys_getpgrp(void)
{
	return current_proc()->pgid;
}
SYSCALL(NR_getpgrp, sys_getpgrp);
