/*
 * Job control from the terminal's side: whose session it controls, which group
 * is in the foreground, and what the others get when they use it. A process's
 * controlling terminal is the one that belongs to its session, so nothing has
 * to be handed down by fork. POSIX.1-2017, 11.1.2 to 11.1.4.
 */
#include "abi/syscall.h"
#include "procfs.h"
#include "terminal.h"

/* proc->tty of a process that has given its session's terminal up; fork hands
 * it down, setsid clears it. In all others the field is NULL. */
#define TTY_NONE ((struct tty *)-1)

static struct list ttys = LIST_INIT(ttys); /* under proc_lock */

void
tty_add(struct tty *t)
{
	spin_lock(&proc_lock);
	list_add_tail(&t->link, &ttys);
	spin_unlock(&proc_lock);
}

void
tty_remove(struct tty *t)
{
	spin_lock(&proc_lock);
	list_del(&t->link);
	spin_unlock(&proc_lock);
}

/* A terminal that has a session is not about to be freed: it was not hung up
 * for good. proc_lock held. */
static struct tty *
tty_of_session(int sid)
{
	struct tty *t;

	list_for_each (t, &ttys, link) {
		if (sid && t->session == sid)
			return t;
	}
	return NULL;
}

struct tty *
tty_of(const struct proc *p)
{
	struct tty *t;

	spin_lock(&proc_lock);
	t = p->tty == TTY_NONE ? NULL : tty_of_session(p->sid);
	if (t)
		tty_get(t);
	spin_unlock(&proc_lock);
	return t;
}

/* A kernel thread is of no process. proc_lock held. */
static bool
controls(const struct tty *t, const struct proc *p)
{
	return p && p->tty != TTY_NONE && t->session && t->session == p->sid;
}

/* The answer may be old at once; the requests that depend on it look again
 * under proc_lock. */
bool
tty_is_controlling(struct tty *t)
{
	bool yes;

	spin_lock(&proc_lock);
	yes = controls(t, current_proc());
	spin_unlock(&proc_lock);
	return yes;
}

/* ---- Signals ---- */

/* 0: there is none, or it has ended: its number may be another session's by
 * now. proc_lock held. */
static int
foreground_group(const struct tty *t)
{
	return t->pgrp && group_session(t->pgrp) == t->session ? t->pgrp : 0;
}

/* The group is read under proc_lock and signalled without: one that has become
 * the foreground since is not meant. */
void
tty_signal(struct tty *t, int signo)
{
	int pgrp;

	spin_lock(&proc_lock);
	pgrp = foreground_group(t);
	spin_unlock(&proc_lock);
	if (pgrp)
		signal_group(pgrp, signo, NULL);
}

/* POSIX.1-2017, 11.1.4: SIGTTOU that is ignored or blocked lets the process
 * through; SIGTTIN cannot, as the input is somebody else's. An orphaned group
 * would be stopped for ever, as no shell looks after it: so the error. Only who
 * is in the terminal's session is asked at all. */
int
tty_check_foreground(struct tty *t, int signo)
{
	struct proc *p = current_proc();
	bool background, orphaned;
	int pgid;

	if (!p)
		return 0;
	spin_lock(&proc_lock);
	pgid = p->pgid;
	background = controls(t, p) && t->pgrp && t->pgrp != pgid;
	orphaned = background && group_is_orphaned(pgid);
	spin_unlock(&proc_lock);
	if (!background)
		return 0;
	if (signal_is_ignored_or_blocked(signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (orphaned)
		return -EIO;
	signal_group(pgid, signo, NULL);
	/* Another of its threads may take the signal: this one's call must not
	 * end with ERESTARTSYS all the same. */
	atomic_fetch_or(&current()->md.work, WORK_SIGNAL);
	return -ERESTARTSYS;
}

/* ---- Taking and giving up ---- */

/* What a terminal lost before has left to tell (hung_up_pgrp) is forgotten with
 * it. proc_lock held. */
static void
give_to(struct tty *t, struct proc *leader)
{
	t->session = leader->sid;
	t->pgrp = leader->pgid;
	leader->tty = NULL;
	leader->hung_up_pgrp = 0;
}

static bool
is_leader(const struct proc *p)
{
	return p && p->pid == p->sid;
}

/* From now on ^C must work, though nobody reads yet. */
static void
begin_session(struct tty *t)
{
	mutex_lock(&t->lock);
	tty_input_wanted(t);
	mutex_unlock(&t->lock);
}

/* POSIX leaves to the system how a leader gets its terminal (11.1.3). System
 * V's rule: one without gets the first that it opens. The look at t->session
 * without the lock is for the many opens that need not take it; all is looked
 * at once more under it. */
void
tty_take_control(struct tty *t)
{
	struct proc *p = current_proc();
	bool taken = false;

	if (!is_leader(p) || t->session)
		return;
	spin_lock(&proc_lock);
	if (!t->session && !t->gone && !tty_of_session(p->sid)) {
		give_to(t, p);
		taken = true;
	}
	spin_unlock(&proc_lock);
	if (taken)
		begin_session(t);
}

/* TIOCSCTTY. Only a leader without a terminal; and only root takes one away
 * from another session, whose processes keep their files but no job control. */
int
tty_set_controlling(struct tty *t, bool steal)
{
	struct proc *p = current_proc();
	int error = 0;

	spin_lock(&proc_lock);
	if (is_leader(p) && t->session == p->sid)
		error = 0; /* it is already */
	else if (!is_leader(p) || t->gone || tty_of_session(p->sid))
		error = -EPERM;
	else if (t->session && !(steal && current_cred()->euid == 0))
		error = -EPERM;
	else
		give_to(t, p);
	spin_unlock(&proc_lock);
	if (!error)
		begin_session(t);
	return error;
}

/* The terminal is not the session's any more; it may have become another's
 * before. @return the foreground group, or 0 */
static int
detach(struct tty *t, int sid)
{
	int pgrp = 0;

	spin_lock(&proc_lock);
	if (t->session == sid) {
		pgrp = foreground_group(t);
		t->session = t->pgrp = 0;
	}
	spin_unlock(&proc_lock);
	return pgrp;
}

/* The terminal is off before anybody is told, so a process that opens /dev/tty
 * in its handler of SIGHUP finds none. SIGCONT is for those that are stopped: a
 * stopped process takes no SIGHUP. */
int
tty_give_up(struct tty *t)
{
	struct proc *p = current_proc();
	int pgrp;

	if (!tty_is_controlling(t))
		return -ENOTTY;
	if (is_leader(p)) {
		pgrp = detach(t, p->sid);
		if (pgrp) {
			signal_group(pgrp, SIGHUP, NULL);
			signal_group(pgrp, SIGCONT, NULL);
		}
		return 0;
	}
	/* The session keeps it; this process has none, nor its children. */
	spin_lock(&proc_lock);
	p->tty = TTY_NONE;
	spin_unlock(&proc_lock);
	return 0;
}

/* ---- Hanging up ---- */

/* TTY3: what has it open now can do nothing with it any more. Who sleeps in a
 * read or write is woken, and finds the count changed; typed input is not the
 * next user's. */
static void
kill_files(struct tty *t)
{
	mutex_lock(&t->lock);
	mutex_lock(&t->out_lock);
	t->hangups++;
	tty_flush_all_input(t);
	t->held = false; /* or tty_start would leave it stopped */
	tty_start(t);
	waitq_wake_all(&t->write_wq);
	mutex_unlock(&t->out_lock);
	waitq_wake_all(&t->read_wq);
	mutex_unlock(&t->lock);
}

/* POSIX.1-2017, 11.1.10: the controlling process gets SIGHUP, and no other;
 * SIGCONT, as Linux has it, wakes one that is stopped. The files first: whoever
 * is told by the signal finds the terminal dead. `gone` before all: who takes
 * the terminal in between loses it again below, who comes later sees it. The
 * group is kept for end_hung_up. */
void
tty_hang_up(struct tty *t, bool for_good)
{
	struct proc *leader;

	if (for_good)
		t->gone = true;
	kill_files(t);
	spin_lock(&proc_lock);
	leader = t->session ? proc_find_locked(t->session) : NULL;
	if (leader) {
		leader->hung_up_pgrp = t->pgrp;
		signal_proc(leader, SIGHUP, NULL);
		signal_proc(leader, SIGCONT, NULL);
	}
	t->session = t->pgrp = 0;
	spin_unlock(&proc_lock);
}

/* The terminal of @p leader was hung up before: now, as it ends, the group that
 * was in the foreground is told. */
static void
end_hung_up(struct proc *leader)
{
	int pgrp;

	spin_lock(&proc_lock);
	pgrp = leader->hung_up_pgrp;
	if (pgrp && group_session(pgrp) != leader->sid)
		pgrp = 0; /* it has ended */
	spin_unlock(&proc_lock);
	if (!pgrp)
		return;
	signal_group(pgrp, SIGHUP, NULL);
	signal_group(pgrp, SIGCONT, NULL);
}

/* proc_ops.session_end. POSIX.1-2017, _Exit(): as the leader ends, the
 * foreground group gets SIGHUP, and the session has no terminal any more. A
 * device is for the next user now: what this session left behind must not read
 * what that one types. So files die first, while nobody else can take the
 * terminal. A pseudo-terminal is not for anybody else, and what runs on in the
 * background can write to it. */
static void
session_end(struct proc *leader)
{
	struct tty *t = tty_of(leader);
	int pgrp;

	if (!t) {
		end_hung_up(leader);
		return;
	}
	if (!t->driver->outlives_session)
		kill_files(t);
	pgrp = detach(t, leader->sid);
	if (pgrp)
		signal_group(pgrp, SIGHUP, NULL);
	tty_put(t);
}

/* vhangup(2): of the caller's own terminal, for root (CAP_SYS_TTY_CONFIG). To
 * have none is no error. The caller's files of it die as well: it opens the
 * terminal anew. */
static int64_t
sys_vhangup(void)
{
	struct tty *t;

	if (current_cred()->euid != 0)
		return -EPERM;
	t = tty_of(current_proc());
	if (t) {
		tty_hang_up(t, false);
		tty_put(t);
	}
	return 0;
}
SYSCALL(NR_vhangup, sys_vhangup);

/* ---- The foreground group ---- */

/* TIOCSPGRP, tcsetpgrp(): any group of the caller's session; from the
 * background it is stopped by SIGTTOU first (ioctl.c). That there is no such
 * group is ESRCH on Linux; to POSIX it is EPERM as well. One step under
 * proc_lock: the group is there as it comes to the foreground. */
int
tty_set_group(struct tty *t, int32_t pgrp)
{
	int error = 0, session;

	spin_lock(&proc_lock);
	session = group_session(pgrp);
	if (!controls(t, current_proc()))
		error = -ENOTTY;
	else if (pgrp < 0)
		error = -EINVAL;
	else if (session < 0)
		error = -ESRCH;
	else if (session != current_proc()->sid)
		error = -EPERM;
	else
		t->pgrp = pgrp;
	spin_unlock(&proc_lock);
	return error;
}

/* ---- For /proc/PID/stat ---- */

/* proc(5): tty_nr and tpgid. A number that is read without the lock is as good
 * as one that is a moment old. */
static void
tty_info(struct proc *p, int *tty_nr, int *tpgid)
{
	struct tty *t = tty_of(p);

	*tty_nr = t ? (int)t->rdev : 0;
	*tpgid = t ? t->pgrp : -1;
	if (t)
		tty_put(t);
}

void
control_init(void)
{
	proc_ops.session_end = session_end;
	procfs_ops.tty_info = tty_info;
}
