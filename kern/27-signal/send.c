/*
 * Sending: from "signal S to process P" to a thread that wakes up because of
 * it. Entry points: signal_proc, signal_thread, signal_group, signal_force;
 * all end in signal_send_locked.
 *
 * SIGNAL2: a thread with a deliverable signal has WORK_SIGNAL set; whoever
 * makes a signal deliverable sets it, and the thread alone clears it, under
 * the lock, before it looks (deliver.c).
 */
#include "sigstate.h"
#include "string.h"

/* What the kernel's own signals say of their origin. */
static const struct signal_info from_kernel = { .code = SI_KERNEL };

/* POSIX.1-2017, <signal.h>. Where it says "abnormal termination with additional
 * actions", that would be a core, which is not written here. */
enum signal_default
signal_default(int signo)
{
	switch (signo) {
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH:
		return DEFAULT_IGNORE;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return DEFAULT_STOP;
	default:
		return DEFAULT_TERMINATE;
	}
}

/* ---- Choosing a thread ---- */

ksigset_t
sigstate_deliverable(const struct sigstate *ss)
{
	return (ss->pending.set | ss->signals->pending.set) & ~ss->blocked;
}

/* The bit first: thread_interrupt brings a CPU that is in user mode into the
 * kernel, and it looks at the bit on its way back. */
void
sigstate_wake(struct sigstate *ss, uint32_t how)
{
	atomic_fetch_or(&ss->thread->md.work, WORK_SIGNAL);
	thread_interrupt(ss->thread, how);
}

/* A stopped process takes nothing but SIGKILL until it is continued. */
static bool
wants(const struct sigstate *ss, int signo)
{
	if (ss->dying || (ss->signals->stop_signo && signo != SIGKILL))
		return false;
	return !(KSIGMASK(signo) & ss->blocked & ~ss->awaited);
}

/* The main thread by preference, then any other. */
static struct sigstate *
choose_thread(struct proc_signals *s, int signo)
{
	struct sigstate *ss;

	list_for_each (ss, &s->threads, link)
		if (wants(ss, signo))
			return ss;
	return NULL;
}

/* Each signal is given to the first thread that takes it; who is woken for
 * several may find that another was faster, and goes on. */
void
signal_retarget(struct proc_signals *s, ksigset_t set)
{
	struct sigstate *ss;
	ksigset_t refused;

	set &= s->pending.set;
	if (!set)
		return;
	list_for_each (ss, &s->threads, link) {
		refused = ss->blocked & ~ss->awaited;
		if (set & ~refused) {
			sigstate_wake(ss, INTERRUPT_SIGNAL);
			set &= refused;
		}
	}
}

/* ---- Sending ---- */

/* init has no one to restart it: what it has no handler for does not reach
 * it, SIGKILL included; only a fault of its own ends it. */
static bool
is_protected(const struct proc_signals *s)
{
	return s->proc == init_proc && !s->unprotected;
}

/* Whether nobody would ever see @p signo. What is blocked stays pending: the
 * action may have changed by the time it is unblocked. */
static bool
would_be_ignored(struct proc_signals *s, const struct sigstate *ss, int signo)
{
	void (*handler)(int) = signal_action(s, signo)->handler;

	if (ss && (ss->blocked & KSIGMASK(signo)))
		return false;
	if (handler == SIG_IGN)
		return true;
	return handler == SIG_DFL &&
	       (signal_default(signo) == DEFAULT_IGNORE || is_protected(s));
}

static void
flush_all(struct proc_signals *s, ksigset_t set)
{
	struct sigstate *ss;

	s->nqueued -= pending_flush(&s->pending, set);
	list_for_each (ss, &s->threads, link)
		s->nqueued -= pending_flush(&ss->pending, set);
}

/* Stopping and continuing cancel each other when they are sent, whether they
 * are blocked, caught or ignored. */
static void
cancel_opposites(struct proc_signals *s, int signo)
{
	if (KSIGMASK(signo) & SIGNALS_STOP) {
		flush_all(s, KSIGMASK(SIGCONT));
	} else if (signo == SIGCONT) {
		flush_all(s, SIGNALS_STOP);
		s->continues++;
		job_continue(s);
	}
}

/* Whether @p signo ends the process as soon as @p ss is told. Not if the thread
 * waits for it with sigtimedwait: then it is data. */
static bool
is_fatal(struct proc_signals *s, const struct sigstate *ss, int signo)
{
	return signal_action(s, signo)->handler == SIG_DFL &&
	       signal_default(signo) == DEFAULT_TERMINATE &&
	       !((ss->blocked | ss->awaited) & KSIGMASK(signo)) &&
	       !is_protected(s);
}

/* All threads end at once, those in killable sleeps too. */
static void
end_process(struct proc_signals *s, int status)
{
	struct sigstate *ss;

	s->ending = true;
	s->exit_status = status;
	list_for_each (ss, &s->threads, link)
		sigstate_wake(ss, INTERRUPT_SIGNAL | INTERRUPT_KILL);
}

/* A queue entry for a real-time signal, or NULL if it is to have none. Past the
 * limit kill(2) still succeeds, and the signal counts once; sigqueue(3) fails
 * (POSIX.1-2017, 2.4.1). */
static int
make_entry(struct proc_signals *s, int signo, const struct signal_info *info,
	   struct queued_signal **q)
{
	*q = NULL;
	if (signo <= SIGNALS_STANDARD || !info)
		return 0;
	if (s->nqueued >= s->proc->limits[RLIMIT_SIGPENDING].rlim_cur)
		return info->code == SI_USER ? 0 : -EAGAIN;
	*q = knew(struct queued_signal);
	s->nqueued++;
	return 0;
}

/* Generation, POSIX.1-2017, 2.4.1. @p timers: the entry of a timer, or NULL.
 * @p queue: make an entry where one is needed.
 * Who is ending or has left takes nothing any more. signalfd's queue is woken
 * whoever takes the signal: a reader may be any thread. */
static int
send_locked(struct proc_signals *s, struct sigstate *ss, int signo,
	    const struct signal_info *info, struct queued_signal *timers,
	    bool queue)
{
	struct pending *pending = ss ? &ss->pending : &s->pending;
	struct sigstate *main = list_first(&s->threads, struct sigstate, link);
	struct queued_signal *q = timers;
	int error = 0;

	ASSERT(spin_held(&s->lock) && signo > 0 && signo < NSIG);
	if (!s->proc || s->ending || (ss && list_empty(&ss->link)))
		return 0;
	cancel_opposites(s, signo);
	if (would_be_ignored(s, ss ? ss : main, signo))
		return 0;
	if (signo <= SIGNALS_STANDARD && (pending->set & KSIGMASK(signo)))
		return 0; /* SIGNAL1 */
	if (queue)
		error = make_entry(s, signo, info, &q);
	if (error)
		return error;
	pending_add(pending, signo, info ? info : &from_kernel, q);
	waitq_wake_all(signal_waitq_of(s));

	if (!ss)
		ss = choose_thread(s, signo);
	else if (!wants(ss, signo))
		ss = NULL;
	if (!ss)
		return 0;
	if (is_fatal(s, ss, signo))
		end_process(s, signo);
	else
		sigstate_wake(ss, INTERRUPT_SIGNAL);
	return 0;
}

int
signal_send_locked(struct proc_signals *s, struct sigstate *ss, int signo,
		   const struct signal_info *info)
{
	return send_locked(s, ss, signo, info, NULL, true);
}

void
signal_send_unqueued_locked(struct proc_signals *s, int signo,
			    const struct signal_info *info)
{
	send_locked(s, NULL, signo, info, NULL, false);
}

bool
signal_send_timer_locked(struct proc_signals *s, struct sigstate *ss,
			 struct queued_signal *q)
{
	struct signal_info info = q->info;

	send_locked(s, ss, q->signo, &info, q, false);
	return !list_empty(&q->link);
}

/* Send with the siginfo of the interface. */
static int
send(struct proc_signals *s, struct sigstate *ss, int signo,
     const siginfo_t *info, bool queue)
{
	struct signal_info short_info;
	uint64_t rflags;
	int error;

	if (info)
		signal_info_from(&short_info, info);
	rflags = spin_lock_irqsave(&s->lock);
	error = send_locked(s, ss, signo, info ? &short_info : NULL, NULL,
			    queue);
	spin_unlock_irqrestore(&s->lock, rflags);
	return error;
}

int
signal_proc(struct proc *p, int signo, const siginfo_t *info)
{
	return p->signals ? send(p->signals, NULL, signo, info, true) : 0;
}

int
signal_thread(struct thread *t, int signo, const siginfo_t *info)
{
	struct sigstate *ss = rcu_deref(t->sigstate);

	return ss ? send(ss->signals, ss, signo, info, true) : 0;
}

/* Counted when it is pending: a fork that finds it counted finds it pending. */
static int
send_member(struct proc *p, int signo, const siginfo_t *info, bool queue)
{
	int error = 0;

	if (p->signals)
		error = send(p->signals, NULL, signo, info, queue);
	__atomic_store_n(&p->group_signals, p->group_signals + 1,
			 __ATOMIC_RELEASE);
	return error;
}

int
signal_member(struct proc *p, int signo, const siginfo_t *info)
{
	return send_member(p, signo, info, true);
}

int
signal_member_unqueued(struct proc *p, int signo, const siginfo_t *info)
{
	return send_member(p, signo, info, false);
}

bool
signal_group(int pgid, int signo, const siginfo_t *info)
{
	struct proc *p;
	bool found = false;

	spin_lock(&proc_lock);
	for (p = init_proc; p; p = proc_tree_next(p)) {
		if (p->pgid == pgid) {
			found = true;
			signal_member_unqueued(p, signo, info);
		}
	}
	spin_unlock(&proc_lock);
	return found;
}

/* Called where no heap is reserved (in a fault): the signals concerned are
 * standard ones and allocate nothing. */
void
signal_force(int signo, const struct signal_info *info)
{
	struct sigstate *ss = current_sigstate();
	struct proc_signals *s = ss->signals;
	struct ksigaction *action = signal_action(s, signo);
	uint64_t rflags = spin_lock_irqsave(&s->lock);

	if ((ss->blocked & KSIGMASK(signo)) || action->handler == SIG_IGN) {
		action->handler = SIG_DFL;
		ss->blocked &= ~KSIGMASK(signo);
	}
	if (action->handler == SIG_DFL)
		s->unprotected = true;
	pending_add(&ss->pending, signo, info, NULL);
	sigstate_wake(ss, INTERRUPT_SIGNAL);
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* ---- Masks ---- */

/* To unblock is this thread's own affair: it looks at once. To block may take
 * the only taker away from a signal that pends for the process: others are
 * told. */
void
signal_mask_set(ksigset_t mask)
{
	struct sigstate *ss = current_sigstate();
	struct proc_signals *s = ss->signals;
	ksigset_t newly_blocked;
	uint64_t rflags;

	mask &= ~SIGNALS_UNBLOCKABLE;
	if (mask == ss->blocked)
		return;
	rflags = spin_lock_irqsave(&s->lock);
	newly_blocked = mask & ~ss->blocked;
	ss->blocked = mask;
	if (sigstate_deliverable(ss))
		sigstate_wake(ss, INTERRUPT_SIGNAL);
	if (newly_blocked & s->pending.set)
		signal_retarget(s, newly_blocked);
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* The old mask is not put back by the call that ends: the signal that was
 * waited for would be blocked again before its handler has run. It goes into
 * the handler's frame, or comes back in signal_work. */
void
signal_mask_swap(ksigset_t mask)
{
	struct sigstate *ss = current_sigstate();

	if (!ss)
		return;
	ss->saved_mask = ss->blocked;
	ss->has_saved_mask = true;
	signal_mask_set(mask);
}

void
signal_mask_restore(void)
{
	struct sigstate *ss = current_sigstate();

	if (!ss || !ss->has_saved_mask)
		return;
	ss->has_saved_mask = false;
	signal_mask_set(ss->saved_mask);
}

bool
signal_is_ignored_or_blocked(int signo)
{
	struct sigstate *ss = current_sigstate();

	return ss && ((ss->blocked & KSIGMASK(signo)) ||
		      signal_action(ss->signals, signo)->handler == SIG_IGN);
}
