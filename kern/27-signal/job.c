/*
 * Job control: stopping and continuing a process, telling its parent, and what
 * becomes of stopped groups that no shell is left to continue. Entry points:
 * job_stop and job_continue; job_child_changed; job_orphan_groups.
 *
 * SIGNAL4: a process is reported as stopped once all its threads are, and the
 * report is withdrawn when SIGCONT is sent, not when it is acted upon: a
 * parent that has sent SIGCONT does not see the stop any more.
 */
#include "sigstate.h"

#define NS_PER_TICK (NS_PER_SEC / USER_HZ)

/* ---- Walking the tree of processes ---- */

/* Depth first and without a stack: where a process has no more siblings, its
 * parent's next sibling follows. */
struct proc *
proc_tree_next(struct proc *p)
{
	ASSERT(spin_held(&proc_lock));
	if (p && !list_empty(&p->children))
		return list_first(&p->children, struct proc, sibling);
	for (; p && p != init_proc; p = p->parent)
		if (p->sibling.next != &p->parent->children)
			return list_entry(p->sibling.next, struct proc,
					  sibling);
	return NULL;
}

/* Whether the group would be orphaned if @p leaving were gone (POSIX.1-2017,
 * 3.264). That init is somebody's parent does not count: it continues nobody.
 */
static bool
would_be_orphaned(int pgid, const struct proc *leaving)
{
	struct proc *p, *parent;

	for (p = init_proc; p; p = proc_tree_next(p)) {
		if (p->pgid != pgid || p == leaving || p->state == PROC_ZOMBIE)
			continue;
		parent = p->parent;
		if (parent && parent != leaving && parent != init_proc &&
		    parent->pgid != pgid && parent->sid == p->sid)
			return false;
	}
	return true;
}

bool
group_is_orphaned(int pgid)
{
	return would_be_orphaned(pgid, NULL);
}

/* Of any member: they are all in one. */
int
group_session(int pgid)
{
	struct proc *p;

	for (p = init_proc; p; p = proc_tree_next(p))
		if (p->pgid == pgid)
			return p->sid;
	return -1;
}

/* ---- Telling the parent ---- */

/* A live child tells of itself, a dead one may be told of by others. */
static void
child_info(struct signal_info *info, struct proc *child, int code, int status)
{
	bool dead = child->state == PROC_ZOMBIE;
	siginfo_t full = { .si_code = code };
	struct cputime used = proc_cputime_locked(child);

	full.si_u.chld.pid = child->pid;
	full.si_u.chld.uid = dead ? child->uid : current_cred()->uid;
	full.si_u.chld.status = status;
	full.si_u.chld.utime = used.user_ns / NS_PER_TICK;
	full.si_u.chld.stime = used.kernel_ns / NS_PER_TICK;
	signal_info_from(info, &full);
}

/* SIGCHLD for a stop or a continuation; SA_NOCLDSTOP asks for none. Nor does
 * one who ignores it find it pending because it is blocked, too. */
static void
send_job_change(struct proc_signals *parent, struct proc *child)
{
	const struct ksigaction *action = signal_action(parent, SIGCHLD);
	struct signal_info info;

	if (child->stop_report)
		child_info(&info, child, CLD_STOPPED,
			   WSTOPSIG(child->stop_report));
	else
		child_info(&info, child, CLD_CONTINUED, SIGCONT);
	if (action->handler != SIG_IGN && !(action->flags & SA_NOCLDSTOP))
		signal_send_locked(parent, NULL, SIGCHLD, &info);
}

/* @return whether the parent wants no zombie */
static bool
send_death(struct proc_signals *parent, struct proc *child)
{
	const struct ksigaction *action = signal_action(parent, SIGCHLD);
	int status = child->exit_status, signo = child->exit_signal;
	bool ignored = signo == SIGCHLD && action->handler == SIG_IGN;
	struct signal_info info;

	if (WIFEXITED(status))
		child_info(&info, child, CLD_EXITED, WEXITSTATUS(status));
	else
		child_info(&info, child, CLD_KILLED, WTERMSIG(status));
	if (signo > 0 && signo < NSIG && !ignored)
		signal_send_unqueued_locked(parent, signo, &info);
	return ignored || (signo == SIGCHLD && (action->flags & SA_NOCLDWAIT));
}

/* Whatever the parent does with the signal, its wait is woken. */
bool
job_child_changed(struct proc *child)
{
	struct proc *parent = child->parent;
	bool unwanted = false;
	uint64_t rflags;

	ASSERT(spin_held(&proc_lock));
	if (!parent || !parent->signals)
		return false;
	rflags = spin_lock_irqsave(&parent->signals->lock);
	if (child->state == PROC_ZOMBIE)
		unwanted = send_death(parent->signals, child);
	else
		send_job_change(parent->signals, child);
	spin_unlock_irqrestore(&parent->signals->lock, rflags);
	waitq_wake_all(&parent->child_wq);
	return unwanted;
}

/* ---- Stopping ---- */

/* Any thread that leaves or stops may be the one that was waited for, so each
 * asks. proc_lock first: the parent is told under it. */
void
job_report_stop(struct proc_signals *s)
{
	struct proc *p = NULL;
	uint64_t rflags;

	spin_lock(&proc_lock);
	rflags = spin_lock_irqsave(&s->lock);
	if (s->stop_signo && !s->stop_reported && !s->ending && s->nthreads &&
	    s->nstopped == s->nthreads) {
		p = s->proc;
		s->stop_reported = true;
		p->state = PROC_STOPPED;
		p->stop_report = W_STOPCODE(s->stop_signo);
		p->continue_report = false;
	}
	spin_unlock_irqrestore(&s->lock, rflags);
	if (p)
		job_child_changed(p);
	spin_unlock(&proc_lock);
}

/* The last thread to arrive tells the parent, with the lock dropped, as
 * proc_lock comes before it; job_report_stop looks again whether all still are
 * here (SIGNAL4). */
void
job_stop(struct sigstate *ss, uint64_t *rflags)
{
	struct proc_signals *s = ss->signals;
	int error = 0;

	s->nstopped++;
	if (s->nstopped == s->nthreads) {
		spin_unlock_irqrestore(&s->lock, *rflags);
		job_report_stop(s);
		*rflags = spin_lock_irqsave(&s->lock);
	}
	while (s->stop_signo && !s->ending && !ss->dying && !error)
		error = waitq_wait_irq(&s->stop_wq, &s->lock, rflags,
				       WAIT_KILLABLE, WAIT_FOREVER);
	s->nstopped--;
}

/* The fields of struct proc are written here under the signal lock alone, as
 * timers may send: wait4 reads each once, and an old value is one that it
 * could have read a moment before. */
void
job_continue(struct proc_signals *s)
{
	if (!s->stop_signo)
		return;
	if (s->stop_reported) {
		s->proc->state = PROC_ALIVE;
		s->proc->stop_report = 0;
		s->proc->continue_report = true;
		s->continued = true;
	}
	s->stop_signo = 0;
	s->stop_reported = false;
	waitq_wake_all(&s->stop_wq);
}

void
job_report_continue(struct proc_signals *s)
{
	spin_lock(&proc_lock);
	if (s->proc && s->proc->state == PROC_ALIVE)
		job_child_changed(s->proc);
	spin_unlock(&proc_lock);
}

/* ---- Orphaned groups ---- */

static bool
has_stopped_member(int pgid)
{
	struct proc *p;

	for (p = init_proc; p; p = proc_tree_next(p))
		if (p->pgid == pgid && p->state == PROC_STOPPED)
			return true;
	return false;
}

/* POSIX.1-2017, _exit(): SIGHUP first, so that who has a handler finds the news
 * when SIGCONT lets it go on. proc_lock held. */
static void
orphan_group(int pgid, const struct proc *leaving)
{
	struct proc *p;

	if (!has_stopped_member(pgid) || !would_be_orphaned(pgid, leaving))
		return;
	for (p = init_proc; p; p = proc_tree_next(p)) {
		if (p->pgid == pgid && p != leaving) {
			signal_member_unqueued(p, SIGHUP, NULL);
			signal_member_unqueued(p, SIGCONT, NULL);
		}
	}
}

/* Only a parent or child link between two groups of a session keeps a group
 * from being orphaned, so only the groups at such links are looked at. */
void
job_orphan_groups(struct proc *leaving)
{
	struct proc *child, *parent;

	spin_lock(&proc_lock);
	parent = leaving->parent;
	if (parent && parent->sid == leaving->sid &&
	    parent->pgid != leaving->pgid)
		orphan_group(leaving->pgid, leaving);
	list_for_each (child, &leaving->children, sibling)
		if (child->sid == leaving->sid && child->pgid != leaving->pgid)
			orphan_group(child->pgid, leaving);
	spin_unlock(&proc_lock);
}
