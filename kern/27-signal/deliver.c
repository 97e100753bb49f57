/*
 * Delivery: what happens on the way back to user mode when WORK_SIGNAL is set.
 * Entry point: signal_work, called by trap's exit path with interrupts on. It
 * ends, stops or hands over to a handler (frame.c), and makes an interrupted
 * system call start again where that is the rule.
 */
#include "abi/syscall.h"
#include "sigstate.h"

#define SYSCALL_INSN_LEN 2 /* bytes of the SYSCALL instruction */

/* A signal to be acted upon, with all that its handler needs. */
struct delivery {
	int signo;
	struct signal_info info;
	struct ksigaction action;
};

/* ---- System calls that were interrupted ---- */

static void
execute_again(struct trapframe *tf, uint64_t nr)
{
	tf->rax = nr;
	tf->rip -= SYSCALL_INSN_LEN;
}

/*
 * The call ended with a restart code: make it -EINTR or have it executed
 * again. Done once a call: the vector says afterwards that this is no call.
 */
static void
settle_call(struct trapframe *tf, const struct ksigaction *handler)
{
	int64_t result = tf->rax;

	if (tf->vector != TRAP_SYSCALL)
		return;
	switch (-result) {
	case ERESTARTNOINTR:
		execute_again(tf, tf->error);
		break;
	case ERESTARTSYS:
		if (!handler || (handler->flags & SA_RESTART))
			execute_again(tf, tf->error);
		else
			tf->rax = -EINTR;
		break;
	case ERESTARTNOHAND:
		if (!handler)
			execute_again(tf, tf->error);
		else
			tf->rax = -EINTR;
		break;
	case ERESTART_RESTARTBLOCK:
		if (!handler)
			execute_again(tf, NR_restart_syscall);
		else
			tf->rax = -EINTR;
		break;
	default:
		return;
	}
	tf->vector = TRAP_SIGRETURN;
}

int64_t
signal_restart_by(const struct restart *r)
{
	struct sigstate *ss = current_sigstate();

	if (!ss)
		return -EINTR;
	ss->restart = *r;
	return -ERESTART_RESTARTBLOCK;
}

static int64_t
sys_restart_syscall(void)
{
	struct restart r = current_sigstate()->restart;

	current_sigstate()->restart.fn = NULL;
	return r.fn ? r.fn(&r) : -EINTR;
}
SYSCALL(NR_restart_syscall, sys_restart_syscall);

/* ---- Handlers ---- */

/* The frame does not fit: the handler cannot run, nor could one for that. */
static void
force_sigsegv(struct proc_signals *s, int signo)
{
	const struct signal_info info = { .code = SI_KERNEL };
	uint64_t rflags;

	if (signo == SIGSEGV) {
		rflags = spin_lock_irqsave(&s->lock);
		signal_action(s, SIGSEGV)->handler = SIG_DFL;
		spin_unlock_irqrestore(&s->lock, rflags);
	}
	signal_force(SIGSEGV, &info);
}

/* The call is settled first: the frame must hold the instruction pointer that
 * the handler returns to (SIGNAL5). The mask comes last: the frame holds the
 * old one. */
static void
run_handler(struct trapframe *tf, struct sigstate *ss, const struct delivery *d)
{
	ksigset_t blocked = ss->blocked | d->action.mask;

	settle_call(tf, &d->action);
	if (signal_frame_push(tf, d->signo, &d->info, &d->action)) {
		force_sigsegv(ss->signals, d->signo);
		return;
	}
	ss->has_saved_mask = false;
	if (!(d->action.flags & SA_NODEFER))
		blocked |= KSIGMASK(d->signo);
	signal_mask_set(blocked);
}

/* ---- Default actions ---- */

/* Begin to stop the process; the lock is held. A group that nobody could
 * continue does not stop, except for SIGSTOP. @return whether it stops */
static bool
begin_stop(struct proc_signals *s, int signo, uint64_t *rflags)
{
	unsigned continues = s->continues;
	struct sigstate *ss;
	bool orphaned;

	if (signo != SIGSTOP) {
		spin_unlock_irqrestore(&s->lock, *rflags);
		spin_lock(&proc_lock);
		orphaned = group_is_orphaned(current_proc()->pgid);
		spin_unlock(&proc_lock);
		*rflags = spin_lock_irqsave(&s->lock);
		/* A SIGCONT in between cancels the signal. */
		if (orphaned || s->ending || s->continues != continues)
			return false;
	}
	if (!s->stop_signo)
		s->stop_signo = signo;
	list_for_each (ss, &s->threads, link)
		if (ss->thread != current())
			sigstate_wake(ss, INTERRUPT_SIGNAL);
	return true;
}

/* What the kernel does by itself; the lock is held.
 * @return whether a handler is to be run instead */
static bool
act(struct sigstate *ss, struct delivery *d, uint64_t *rflags)
{
	struct proc_signals *s = ss->signals;
	struct ksigaction *action = signal_action(s, d->signo);

	d->action = *action;
	if (action->handler == SIG_IGN)
		return false;
	if (action->handler != SIG_DFL) {
		if (action->flags & SA_RESETHAND)
			action->handler = SIG_DFL;
		return true;
	}
	if (s->proc == init_proc && !s->unprotected)
		return false;
	switch (signal_default(d->signo)) {
	case DEFAULT_IGNORE:
		break;
	case DEFAULT_STOP:
		begin_stop(s, d->signo, rflags);
		break;
	case DEFAULT_TERMINATE:
		/* No core is written, so no status says that there is one. */
		spin_unlock_irqrestore(&s->lock, *rflags);
		proc_exit(d->signo);
	}
	return false;
}

/* ---- The loop ---- */

/* End, stop or continue as others have asked; the lock is held.
 * @return whether something was done and the lock was dropped */
static bool
obey(struct sigstate *ss, uint64_t *rflags)
{
	struct proc_signals *s = ss->signals;

	if (ss->dying) {
		spin_unlock_irqrestore(&s->lock, *rflags);
		proc_exit_thread(0);
	}
	if (s->ending) {
		spin_unlock_irqrestore(&s->lock, *rflags);
		proc_exit(s->exit_status);
	}
	if (s->stop_signo) {
		job_stop(ss, rflags);
		return true;
	}
	if (s->continued) {
		s->continued = false;
		spin_unlock_irqrestore(&s->lock, *rflags);
		job_report_continue(s);
		*rflags = spin_lock_irqsave(&s->lock);
		return true;
	}
	return false;
}

/* Take the next signal out of the sets. @return whether there was one */
static bool
take_next(struct sigstate *ss, struct delivery *d)
{
	struct proc_signals *s = ss->signals;
	struct pending *p = &ss->pending;
	struct queued_signal *q;

	d->signo = pending_next(p->set & ~ss->blocked);
	if (!d->signo) {
		p = &s->pending;
		d->signo = pending_next(p->set & ~ss->blocked);
	}
	if (!d->signo)
		return false;
	q = pending_take(p, d->signo, &d->info);
	if (q)
		s->nqueued--;
	kfree(q);
	return true;
}

/* Take signals until one has a handler; returns with the lock dropped. */
static bool
find_handler(struct sigstate *ss, struct delivery *d)
{
	struct proc_signals *s = ss->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	bool found = false;

	do {
		atomic_fetch_and(&current()->md.work, ~WORK_SIGNAL);
		thread_clear_interrupt(current(), INTERRUPT_SIGNAL);
		while (obey(ss, &rflags))
			;
		if (!take_next(ss, d))
			break;
		found = act(ss, d, &rflags);
	} while (!found);
	if (found && sigstate_deliverable(ss))
		sigstate_wake(ss, INTERRUPT_SIGNAL);
	spin_unlock_irqrestore(&s->lock, rflags);
	return found;
}

/* Interrupts on, at the return to user mode; called again as long as the
 * thread's `work` is not 0. */
void
signal_work(struct trapframe *tf)
{
	struct sigstate *ss = current_sigstate();
	struct delivery d;

	if (ss->thread->md.work & WORK_NOTIFY) {
		atomic_fetch_and(&ss->thread->md.work, ~WORK_NOTIFY);
		cpu_limit_check();
	}
	if (find_handler(ss, &d)) {
		run_handler(tf, ss, &d);
		return;
	}
	settle_call(tf, NULL);
	signal_mask_restore();
}
