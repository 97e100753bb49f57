/*
 * The calls that send signals: kill, tkill, tgkill, sigqueue's; and who may
 * send to whom.
 */
#include "abi/syscall.h"
#include "procfs.h"
#include "sigstate.h"

/* Of a broadcast, as many targets get queue entries for a real-time signal;
 * the heap that the call has reserved is for so many. The others get the
 * signal without its origin. */
#define BROADCAST_QUEUED 128

/* ---- Permission ---- */

/* uid and saved uid of a process, from any of its threads; of a zombie, the
 * uid that it had. proc_lock held. */
static void
target_uids(struct proc *p, uint32_t *uid, uint32_t *suid)
{
	struct thread *t = list_first(&p->threads, struct thread, proc_link);

	*uid = *suid = p->uid;
	if (!t || !t->fs)
		return;
	spin_lock(&t->fs->lock);
	*uid = t->fs->cred.uid;
	*suid = t->fs->cred.suid;
	spin_unlock(&t->fs->lock);
}

/* kill(2): the sender's real or effective uid equals the target's real or
 * saved uid; SIGCONT may go anywhere in the session. proc_lock held. */
static bool
may_signal(struct proc *p, int signo)
{
	const struct cred *c = current_cred();
	uint32_t uid, suid;

	if (c->euid == 0 || p == current_proc())
		return true;
	target_uids(p, &uid, &suid);
	if (c->euid == uid || c->euid == suid || c->uid == uid ||
	    c->uid == suid)
		return true;
	return signo == SIGCONT && p->sid == current_proc()->sid;
}

/* ---- kill ---- */

static siginfo_t
user_info(int code)
{
	siginfo_t info = { .si_code = code };

	info.si_pid = current_proc()->pid;
	info.si_uid = current_cred()->uid;
	return info;
}

typedef int (*send_fn)(struct proc *p, int signo, const siginfo_t *info);

/* The number comes after the target: where nobody is, none is wrong. */
static int
check_send(struct proc *p, int signo)
{
	if (signo < 0 || signo >= NSIG)
		return -EINVAL;
	return may_signal(p, signo) ? 0 : -EPERM;
}

/* Signal 0 only asks. */
static int
send_checked(struct proc *p, int signo, const siginfo_t *info, send_fn send)
{
	int error = check_send(p, signo);

	return error || !signo ? error : send(p, signo, info);
}

/* proc_lock while it is sent: the target keeps its credentials and its session
 * meanwhile. */
static int
kill_one(int pid, int signo, const siginfo_t *info)
{
	struct proc *p = proc_find(pid);
	int error;

	if (!p)
		return -ESRCH;
	spin_lock(&proc_lock);
	error = send_checked(p, signo, info, signal_proc);
	spin_unlock(&proc_lock);
	proc_put(p);
	return error;
}

/* Whether kill(-1) means @p p: all but init and the caller. */
static bool
in_broadcast(const struct proc *p)
{
	return p != init_proc && p != current_proc();
}

/* @param pgid  a group, or -1 for all, of whom some are always others': that is
 * no error */
static int
kill_many(int pgid, int signo, const siginfo_t *info)
{
	unsigned found = 0, sent = 0;
	struct proc *p;
	int error = 0, e;

	spin_lock(&proc_lock);
	for (p = init_proc; p; p = proc_tree_next(p)) {
		if (pgid == -1 ? !in_broadcast(p) : p->pgid != pgid)
			continue;
		if (++found <= BROADCAST_QUEUED) {
			HEAP_LOOP(found - 1, BROADCAST_QUEUED);
			e = send_checked(p, signo, info, signal_member);
		} else {
			e = send_checked(p, signo, info,
					 signal_member_unqueued);
		}
		if (!e)
			sent++;
		else
			error = e;
	}
	spin_unlock(&proc_lock);
	if (!found)
		return -ESRCH;
	return sent || (pgid == -1 && error == -EPERM) ? 0 : error;
}

static int64_t
sys_kill(int pid, int signo)
{
	siginfo_t info = user_info(SI_USER);

	if (pid > 0)
		return kill_one(pid, signo, &info);
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid == 0)
		return kill_many(current_proc()->pgid, signo, &info);
	return kill_many(pid == -1 ? -1 : -pid, signo, &info);
}
SYSCALL(NR_kill, sys_kill);

/* ---- To one thread ---- */

/* @param tgid  the process that the thread must belong to; 0: any */
static int
send_thread(int tgid, int tid, int signo, const siginfo_t *info)
{
	struct thread *t;
	int error = -ESRCH;

	/* proc_lock keeps the thread's process and credentials; RCU would keep
	 * the thread alone. */
	rcu_read_lock();
	spin_lock(&proc_lock);
	t = thread_find(tid);
	if (t && t->proc && (!tgid || t->proc->pid == tgid)) {
		error = check_send(t->proc, signo);
		if (!error && signo)
			error = signal_thread(t, signo, info);
	}
	spin_unlock(&proc_lock);
	rcu_read_unlock();
	return error;
}

static int64_t
sys_tgkill(int tgid, int tid, int signo)
{
	siginfo_t info = user_info(SI_TKILL);

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	return send_thread(tgid, tid, signo, &info);
}
SYSCALL(NR_tgkill, sys_tgkill);

static int64_t
sys_tkill(int tid, int signo)
{
	siginfo_t info = user_info(SI_TKILL);

	if (tid <= 0)
		return -EINVAL;
	return send_thread(0, tid, signo, &info);
}
SYSCALL(NR_tkill, sys_tkill);

/* ---- With a value ---- */

/* Only to oneself may one pretend that a signal comes from the kernel, from
 * kill or from tkill: each thread to its own number. */
static int
copyin_info(siginfo_t *info, const siginfo_t *user, int target)
{
	if (copyin(info, user, sizeof(*info)))
		return -EFAULT;
	if ((info->si_code >= 0 || info->si_code == SI_TKILL) &&
	    target != current()->tid)
		return -EPERM;
	return 0;
}

/* The process that a descriptor stands for, by itself or as its directory in
 * /proc, referenced; NULL and an error if there is none. */
static struct proc *
proc_of_descriptor(int fd, int *error)
{
	unsigned flags;
	struct proc *p = pidfd_proc(fd, &flags);
	int pid = p ? p->pid : procfs_pid_of(fd);

	if (!p && pid > 0)
		p = proc_find(pid);
	*error = p ? 0 : pid < 0 ? pid : -ESRCH;
	return p;
}

/* To the process that a descriptor stands for, as kill or sigqueue would. */
static int64_t
sys_pidfd_send_signal(int fd, int signo, const siginfo_t *user, unsigned flags)
{
	siginfo_t info = user_info(SI_USER);
	struct proc *p;
	int error;

	if (flags)
		return -EINVAL;
	p = proc_of_descriptor(fd, &error);
	if (!p)
		return error;
	if (user)
		error = copyin_info(&info, user, p->pid);
	if (!error && user && info.si_signo != signo)
		error = -EINVAL;
	if (!error) {
		spin_lock(&proc_lock);
		error = proc_find_locked(p->pid) == p
				? send_checked(p, signo, &info, signal_proc)
				: -ESRCH;
		spin_unlock(&proc_lock);
	}
	proc_put(p);
	return error;
}
SYSCALL(NR_pidfd_send_signal, sys_pidfd_send_signal);

static int64_t
sys_rt_sigqueueinfo(int pid, int signo, const siginfo_t *user)
{
	siginfo_t info;
	int error = copyin_info(&info, user, pid);

	if (error)
		return error;
	return pid > 0 ? kill_one(pid, signo, &info) : -ESRCH;
}
SYSCALL(NR_rt_sigqueueinfo, sys_rt_sigqueueinfo);

static int64_t
sys_rt_tgsigqueueinfo(int tgid, int tid, int signo, const siginfo_t *user)
{
	siginfo_t info;
	int error;

	if (tgid <= 0 || tid <= 0)
		return -EINVAL;
	error = copyin_info(&info, user, tid);
	return error ? error : send_thread(tgid, tid, signo, &info);
}
SYSCALL(NR_rt_tgsigqueueinfo, sys_rt_tgsigqueueinfo);
