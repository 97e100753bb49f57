/*
 * wait4 and waitid: a parent learns what became of its children, and zombies
 * leave the tree.
 */
#include "abi/signal.h"
#include "proc_internal.h"
#include "string.h"

#define WAIT4_OPTIONS                                                          \
	(WNOHANG | WUNTRACED | WCONTINUED | WNOTHREAD | WCLONE | WALL)
#define WAITID_OPTIONS (WAIT4_OPTIONS | WEXITED | WSTOPPED | WNOWAIT)

/* A question, and its answer. */
struct wait {
	int which, id;		/* P_ALL, P_PID or P_PGID */
	const struct proc *who; /* P_PIDFD: this one, and no other of its pid */
	unsigned options;

	int pid; /* 0: nothing to report */
	int status;
	uint32_t uid;
	struct rusage usage;
	struct proc *reaped; /* to be put once no lock is held */
};

/* A child whose end sends something else than SIGCHLD is a "clone" child, which
 * only __WCLONE or __WALL asks for (wait4(2)). */
static bool
asked_for(const struct wait *w, const struct proc *child)
{
	bool plain = child->exit_signal == SIGCHLD;

	if (w->which == P_PID && child->pid != w->id)
		return false;
	if (w->which == P_PGID && child->pgid != w->id)
		return false;
	if (w->which == P_PIDFD && child != w->who)
		return false;
	if (w->options & WALL)
		return true;
	return plain == !(w->options & WCLONE);
}

/* What a dead child and its waited-for children used. Its threads are gone, so
 * nothing of it changes any more. */
static void
zombie_usage(struct proc *child, struct rusage *ru)
{
	proc_rusage_locked(child, ru);
	rusage_add(ru, &child->child_usage);
}

/* WNOWAIT looks and leaves it a zombie. Else what it used becomes its parent's,
 * once. */
static void
report_zombie(struct wait *w, struct proc *child)
{
	zombie_usage(child, &w->usage);
	w->pid = child->pid;
	w->uid = child->uid;
	w->status = child->exit_status;
	if (w->options & WNOWAIT)
		return;
	rusage_add(&child->parent->child_usage, &w->usage);
	proc_unlink(child);
	w->reaped = child;
}

static uint32_t
proc_uid(const struct proc *p)
{
	struct thread *t = list_first(&p->threads, struct thread, proc_link);

	return t && t->fs ? t->fs->cred.uid : p->uid;
}

/* A stop or a continuation is told once, unless WNOWAIT; a process that lives
 * has usage, but wait4 does not tell it here. */
static void
report_change(struct wait *w, struct proc *child, int status)
{
	w->pid = child->pid;
	w->uid = proc_uid(child);
	w->status = status;
	memset(&w->usage, 0, sizeof(w->usage));
	if (w->options & WNOWAIT)
		return;
	if (status == W_CONTINUED)
		child->continue_report = false;
	else
		child->stop_report = 0;
}

/* Look at one child. proc_lock held. */
static void
look_at(struct wait *w, struct proc *child)
{
	int stopped = __atomic_load_n(&child->stop_report, __ATOMIC_RELAXED);

	if (child->state == PROC_ZOMBIE) {
		if (w->options & WEXITED)
			report_zombie(w, child);
	} else if (stopped && w->options & WUNTRACED) {
		report_change(w, child, stopped);
	} else if (child->continue_report && w->options & WCONTINUED) {
		report_change(w, child, W_CONTINUED);
	}
}

/* @return 0, with w->pid 0 where nothing is to be told yet; or -ECHILD */
static int
look_at_children(struct wait *w, struct proc *self)
{
	int error = -ECHILD;
	struct proc *child;

	list_for_each (child, &self->children, sibling) {
		if (!asked_for(w, child))
			continue;
		error = 0;
		look_at(w, child);
		if (w->pid)
			break;
	}
	return error;
}

/* Children change and announce it under proc_lock, under which this looks and
 * goes to sleep: no change is missed. The last reference to a reaped child is
 * put with no lock held. */
static int
kwait(struct wait *w)
{
	struct proc *self = current_proc();
	int error;

	if (w->which == P_PGID && w->id == 0)
		w->id = self->pgid;
	spin_lock(&proc_lock);
	for (;;) {
		error = look_at_children(w, self);
		if (error || w->pid || w->options & WNOHANG)
			break;
		error = waitq_wait(&self->child_wq, &proc_lock,
				   WAIT_INTERRUPTIBLE, WAIT_FOREVER);
		if (error) {
			error = -ERESTARTSYS;
			break;
		}
	}
	spin_unlock(&proc_lock);
	proc_put(w->reaped);
	return error;
}

static int64_t
sys_wait4(int pid, int *status, int options, struct rusage *usage)
{
	struct wait w = { .options = options | WEXITED };
	int error;

	if (options & ~WAIT4_OPTIONS)
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid > 0) {
		w.which = P_PID;
		w.id = pid;
	} else if (pid != -1) {
		w.which = P_PGID;
		w.id = -pid;
	}
	error = kwait(&w);
	if (error || !w.pid)
		return error;
	if (status && copyout(status, &w.status, sizeof(w.status)))
		return -EFAULT;
	if (usage && copyout(usage, &w.usage, sizeof(w.usage)))
		return -EFAULT;
	return w.pid;
}
SYSCALL(NR_wait4, sys_wait4);

/* The siginfo_t of waitid: as for SIGCHLD. All zeros where none changed. */
static void
fill_info(siginfo_t *info, const struct wait *w)
{
	memset(info, 0, sizeof(*info));
	if (!w->pid)
		return;
	info->si_signo = SIGCHLD;
	info->si_pid = w->pid;
	info->si_uid = w->uid;
	if (w->status == W_CONTINUED) {
		info->si_code = CLD_CONTINUED;
		info->si_status = SIGCONT;
	} else if (WIFSTOPPED(w->status)) {
		info->si_code = CLD_STOPPED;
		info->si_status = WSTOPSIG(w->status);
	} else if (WIFEXITED(w->status)) {
		info->si_code = CLD_EXITED;
		info->si_status = WEXITSTATUS(w->status);
	} else {
		info->si_code = CLD_KILLED;
		info->si_status = WTERMSIG(w->status);
	}
}

/* kwait for the process that @w->id is a descriptor of. Where the descriptor is
 * non-blocking, so is this, and says so. */
static int
wait_pidfd(struct wait *w)
{
	bool nohang = w->options & WNOHANG;
	unsigned flags;
	struct proc *p;
	int error;

	if (w->id < 0)
		return -EINVAL;
	p = pidfd_proc(w->id, &flags);
	if (!p)
		return -EBADF;
	w->who = p;
	if (flags & O_NONBLOCK)
		w->options |= WNOHANG;
	error = kwait(w);
	if (!error && !w->pid && !nohang)
		error = -EAGAIN;
	proc_put(p);
	return error;
}

static int64_t
sys_waitid(int which, int id, siginfo_t *info, int options,
	   struct rusage *usage)
{
	struct wait w = { .which = which, .id = id, .options = options };
	siginfo_t told;
	int error;

	if (options & ~WAITID_OPTIONS ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (which < P_ALL || which > P_PIDFD || (which == P_PID && id <= 0) ||
	    (which == P_PGID && id < 0))
		return -EINVAL;
	error = which == P_PIDFD ? wait_pidfd(&w) : kwait(&w);
	fill_info(&told, &w); /* of an error, too: nobody */
	if (info && copyout(info, &told, sizeof(told)))
		return -EFAULT;
	if (w.pid && usage && copyout(usage, &w.usage, sizeof(w.usage)))
		return -EFAULT;
	return error;
}
SYSCALL(NR_waitid, sys_waitid);
