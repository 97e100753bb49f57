/*
 * Job control from the terminal's side: whose session it controls, which group
 * is in the foreground, and what the others get when they use it. A process's
 * controlling terminal is the one that belongs to its session, so nothing has
 * to be handed down by fork. POSIX.1-2017, 11.1.2 to 11.1.4.
 */
#include "procfs.h"
#include "terminal.h"

#define TTYS_MAX 8

/* proc->tty of a process that has given its session's terminal up. */
#define TTY_NONE ((struct tty *)-1)

static struct tty *ttys[TTYS_MAX]; /* filled at start-up */
static unsigned nttys;

void
tty_add(struct tty *t)
{
	ASSERT(nttys < TTYS_MAX);
	ttys[nttys++] = t;
}

/* proc_lock held. */
static struct tty *
tty_of_session(int sid)
{
	unsigned i;

	for (i = 0; i < nttys; i++)
		if (sid && ttys[i]->session == sid)
			return ttys[i];
	return NULL;
}

struct tty *
tty_of(const struct proc *p)
{
	struct tty *t;

	spin_lock(&proc_lock);
	t = p->tty == TTY_NONE ? NULL : tty_of_session(p->sid);
	spin_unlock(&proc_lock);
	return t;
}

bool
tty_is_controlling(struct tty *t)
{
	return current_proc() && tty_of(current_proc()) == t;
}

/* ---- Signals ---- */

void
tty_signal(struct tty *t, int signo)
{
	int pgrp;

	spin_lock(&proc_lock);
	pgrp = t->pgrp;
	spin_unlock(&proc_lock);
	if (pgrp)
		signal_group(pgrp, signo, NULL);
}

/* SIGTTOU that is ignored or blocked lets the process through; SIGTTIN cannot,
 * as the input is somebody else's. */
int
tty_check_foreground(struct tty *t, int signo)
{
	struct proc *p = current_proc();
	bool background, orphaned;
	int pgid;

	if (!p || !tty_is_controlling(t))
		return 0;
	spin_lock(&proc_lock);
	pgid = p->pgid;
	background = t->pgrp && t->pgrp != pgid;
	orphaned = background && group_is_orphaned(pgid);
	spin_unlock(&proc_lock);
	if (!background)
		return 0;
	if (signal_is_ignored_or_blocked(signo))
		return signo == SIGTTIN ? -EIO : 0;
	if (orphaned)
		return -EIO;
	signal_group(pgid, signo, NULL);
	return -ERESTARTSYS;
}

/* ---- Taking and giving up ---- */

/* proc_lock held. */
static void
give_to(struct tty *t, struct proc *leader)
{
	t->session = leader->sid;
	t->pgrp = leader->pgid;
	leader->tty = NULL;
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

void
tty_take_control(struct tty *t)
{
	struct proc *p = current_proc();
	bool taken = false;

	if (!is_leader(p) || t->session)
		return;
	spin_lock(&proc_lock);
	if (!t->session && !tty_of_session(p->sid)) {
		give_to(t, p);
		taken = true;
	}
	spin_unlock(&proc_lock);
	if (taken)
		begin_session(t);
}

int
tty_set_controlling(struct tty *t, bool steal)
{
	struct proc *p = current_proc();
	int error = 0;

	spin_lock(&proc_lock);
	if (is_leader(p) && t->session == p->sid)
		error = 0; /* it is already */
	else if (!is_leader(p) || tty_of_session(p->sid))
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

/* The terminal is nobody's any more. @return its foreground group */
static int
detach(struct tty *t)
{
	int pgrp;

	spin_lock(&proc_lock);
	pgrp = t->pgrp;
	t->session = t->pgrp = 0;
	spin_unlock(&proc_lock);
	return pgrp;
}

static void
hang_up_group(int pgrp)
{
	if (!pgrp)
		return;
	signal_group(pgrp, SIGHUP, NULL);
	signal_group(pgrp, SIGCONT, NULL);
}

int
tty_give_up(struct tty *t)
{
	struct proc *p = current_proc();

	if (!tty_is_controlling(t))
		return -ENOTTY;
	if (is_leader(p)) {
		hang_up_group(detach(t));
		return 0;
	}
	spin_lock(&proc_lock);
	p->tty = TTY_NONE;
	spin_unlock(&proc_lock);
	return 0;
}

/* proc_ops.session_end: files of the session are dead from now on, so that
 * what it left behind cannot read what the next user types. */
static void
session_end(struct proc *leader)
{
	struct tty *t = tty_of(leader);
	int pgrp;

	if (!t)
		return;
	pgrp = detach(t);
	mutex_lock(&t->lock);
	t->hangups++;
	tty_flush_input(t);
	mutex_lock(&t->out_lock);
	tty_start(t);
	mutex_unlock(&t->out_lock);
	waitq_wake_all(&t->read_wq);
	mutex_unlock(&t->lock);
	hang_up_group(pgrp);
}

/* ---- The foreground group ---- */

int
tty_get_group(struct tty *t, int32_t *pgrp)
{
	if (!tty_is_controlling(t))
		return -ENOTTY;
	*pgrp = t->pgrp;
	return 0;
}

int
tty_get_session(struct tty *t, int32_t *sid)
{
	if (!tty_is_controlling(t))
		return -ENOTTY;
	*sid = t->session;
	return 0;
}

static bool
group_exists(int pgid)
{
	struct proc *p;

	for (p = init_proc; p; p = proc_tree_next(p))
		if (p->pgid == pgid)
			return true;
	return false;
}

int
tty_set_group(struct tty *t, int32_t pgrp)
{
	int error = 0;

	if (!tty_is_controlling(t))
		return -ENOTTY;
	if (pgrp < 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	if (!group_exists(pgrp))
		error = -ESRCH;
	else if (!group_in_session(pgrp, current_proc()->sid))
		error = -EPERM;
	else
		t->pgrp = pgrp;
	spin_unlock(&proc_lock);
	return error;
}

/* ---- For /proc/PID/stat ---- */

static void
tty_info(struct proc *p, int *tty_nr, int *tpgid)
{
	struct tty *t = tty_of(p);

	*tty_nr = t ? (int)t->rdev : 0;
	*tpgid = t ? t->pgrp : -1;
}

void
control_init(void)
{
	proc_ops.session_end = session_end;
	procfs_ops.tty_info = tty_info;
}
