/*
 * The calls by which a thread says what it does with signals: sigaction, masks,
 * and waiting for one (sigsuspend, pause, sigtimedwait).
 */
#include "abi/syscall.h"
#include "sigstate.h"
#include "string.h"

#define SA_KNOWN                                                               \
	(SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_RESTORER | SA_ONSTACK | \
	 SA_RESTART | SA_NODEFER | SA_RESETHAND)

/* ---- sigaction ---- */

/* What is pending and will be ignored from now on is forgotten (POSIX). */
static void
forget_ignored(struct proc_signals *s, int signo)
{
	void (*handler)(int) = signal_action(s, signo)->handler;
	ksigset_t set = KSIGMASK(signo);
	struct sigstate *ss;

	if (handler != SIG_IGN &&
	    (handler != SIG_DFL || signal_default(signo) != DEFAULT_IGNORE))
		return;
	s->nqueued -= pending_flush(&s->pending, set);
	list_for_each (ss, &s->threads, link)
		s->nqueued -= pending_flush(&ss->pending, set);
}

static int64_t
sys_rt_sigaction(int signo, const struct ksigaction *new,
		 struct ksigaction *old, size_t setsize)
{
	struct proc_signals *s = current_sigstate()->signals;
	struct ksigaction new_copy, old_copy;
	uint64_t rflags;

	if (setsize != KSIGSET_SIZE || signo < 1 || signo >= NSIG)
		return -EINVAL;
	if (new &&copyin(&new_copy, new, sizeof(new_copy)))
		return -EFAULT;
	if (new && (KSIGMASK(signo) & SIGNALS_UNBLOCKABLE))
		return -EINVAL;

	rflags = spin_lock_irqsave(&s->lock);
	old_copy = *signal_action(s, signo);
	if (new) {
		new_copy.mask &= ~SIGNALS_UNBLOCKABLE;
		new_copy.flags &= SA_KNOWN;
		*signal_action(s, signo) = new_copy;
		forget_ignored(s, signo);
	}
	spin_unlock_irqrestore(&s->lock, rflags);
	return old ? copyout(old, &old_copy, sizeof(old_copy)) : 0;
}
SYSCALL(NR_rt_sigaction, sys_rt_sigaction);

/* ---- Masks ---- */

static int64_t
sys_rt_sigprocmask(int how, const ksigset_t *new, ksigset_t *old,
		   size_t setsize)
{
	ksigset_t set, before = current_sigstate()->blocked;

	if (setsize != KSIGSET_SIZE)
		return -EINVAL;
	if (new) {
		if (copyin(&set, new, sizeof(set)))
			return -EFAULT;
		switch (how) {
		case SIG_BLOCK:
			signal_mask_set(before | set);
			break;
		case SIG_UNBLOCK:
			signal_mask_set(before & ~set);
			break;
		case SIG_SETMASK:
			signal_mask_set(set);
			break;
		default:
			return -EINVAL;
		}
	}
	return old ? copyout(old, &before, sizeof(before)) : 0;
}
SYSCALL(NR_rt_sigprocmask, sys_rt_sigprocmask);

static int64_t
sys_rt_sigpending(ksigset_t *user, size_t setsize)
{
	struct sigstate *ss = current_sigstate();
	ksigset_t set;

	if (setsize > KSIGSET_SIZE)
		return -EINVAL;
	set = (ss->pending.set | ss->signals->pending.set) & ss->blocked;
	return copyout(user, &set, setsize);
}
SYSCALL(NR_rt_sigpending, sys_rt_sigpending);

/* ---- Waiting for a signal ---- */

/* @return -EINTR: there is one; 0: the time is over */
static int
sleep_until_signal(uint64_t deadline)
{
	return thread_sleep_until(deadline, WAIT_INTERRUPTIBLE);
}

static int64_t
sys_pause(void)
{
	sleep_until_signal(WAIT_FOREVER);
	return -ERESTARTNOHAND;
}
SYSCALL(NR_pause, sys_pause);

static int64_t
sys_rt_sigsuspend(const ksigset_t *user, size_t setsize)
{
	ksigset_t mask;

	if (setsize != KSIGSET_SIZE)
		return -EINVAL;
	if (copyin(&mask, user, sizeof(mask)))
		return -EFAULT;
	signal_mask_swap(mask);
	sleep_until_signal(WAIT_FOREVER);
	return -ERESTARTNOHAND;
}
SYSCALL(NR_rt_sigsuspend, sys_rt_sigsuspend);

/* Take a signal of @p set although it is blocked. @return its number or 0 */
static int
take_of_set(struct sigstate *ss, ksigset_t set, struct signal_info *info)
{
	struct pending *p = &ss->pending;
	struct queued_signal *q;
	int signo = pending_next(p->set & set);

	if (!signo) {
		p = &ss->signals->pending;
		signo = pending_next(p->set & set);
	}
	if (!signo)
		return 0;
	q = pending_take(p, signo, info);
	if (q)
		ss->signals->nqueued--;
	kfree(q);
	return signo;
}

/*
 * Wait for a signal of @p set. While it sleeps they are "awaited": a sender
 * wakes this thread for them although they are blocked, and they do not end
 * the process. It may have been chosen for several, and takes one: the others
 * are told to another thread.
 *
 * @return its number; -EINTR: another signal came; -EAGAIN: the time is over
 */
static int
wait_of_set(struct sigstate *ss, ksigset_t set, uint64_t deadline,
	    struct signal_info *info)
{
	struct proc_signals *s = ss->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	int signo = take_of_set(ss, set, info), interrupted = 0;

	if (!signo && deadline) {
		ss->awaited = set;
		spin_unlock_irqrestore(&s->lock, rflags);
		interrupted = sleep_until_signal(deadline);
		rflags = spin_lock_irqsave(&s->lock);
		ss->awaited = 0;
		signo = take_of_set(ss, set, info);
		signal_retarget(s, set);
	}
	spin_unlock_irqrestore(&s->lock, rflags);
	if (signo)
		return signo;
	return interrupted ? -EINTR : -EAGAIN;
}

/* ---- For signalfd ---- */

/* Which processes share a queue does not matter; that the queue stays does: who
 * has hung a watch there may outlive the process. */
#define WAITQS 64u

static struct waitq waitqs[WAITQS];

struct waitq *
signal_waitq_of(const struct proc_signals *s)
{
	return &waitqs[(uintptr_t)s / sizeof(*s) % WAITQS];
}

struct waitq *
signal_waitq(void)
{
	return signal_waitq_of(current_sigstate()->signals);
}

void
signal_waitqs_init(void)
{
	unsigned i;

	for (i = 0; i < WAITQS; i++)
		waitq_init(&waitqs[i], "signalfd");
}

/* The queue is woken under this lock by every sender (send.c), and by who
 * changes the set, so the look and the sleep are one step. */
int
signal_take(const _Atomic ksigset_t *set, bool wait, siginfo_t *info)
{
	struct sigstate *ss = current_sigstate();
	struct proc_signals *s = ss->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	struct signal_info short_info;
	int signo, error = 0;

	while (!(signo = take_of_set(ss, *set, &short_info)) && !error)
		error = wait ? waitq_wait_irq(signal_waitq_of(s), &s->lock,
					      &rflags, WAIT_INTERRUPTIBLE,
					      WAIT_FOREVER)
			     : -EAGAIN;
	spin_unlock_irqrestore(&s->lock, rflags);
	if (!signo)
		return error;
	signal_info_to(info, signo, &short_info);
	return signo;
}

void
signal_change_set(_Atomic ksigset_t *set, ksigset_t new)
{
	struct proc_signals *s = current_sigstate()->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);

	*set = new;
	waitq_wake_all(signal_waitq_of(s));
	spin_unlock_irqrestore(&s->lock, rflags);
}

bool
signal_is_pending(const _Atomic ksigset_t *set)
{
	struct sigstate *ss = current_sigstate();
	struct proc_signals *s = ss->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	bool found = (ss->pending.set | s->pending.set) & *set;

	spin_unlock_irqrestore(&s->lock, rflags);
	return found;
}

/* ---- sigtimedwait ---- */

static int64_t
sys_rt_sigtimedwait(const ksigset_t *user_set, siginfo_t *user_info,
		    const struct timespec *user_timeout, size_t setsize)
{
	struct sigstate *ss = current_sigstate();
	struct timespec timeout;
	struct signal_info info;
	uint64_t deadline = WAIT_FOREVER;
	siginfo_t full;
	ksigset_t set;
	int signo;

	if (setsize != KSIGSET_SIZE)
		return -EINVAL;
	if (copyin(&set, user_set, sizeof(set)))
		return -EFAULT;
	if (user_timeout) {
		if (copyin(&timeout, user_timeout, sizeof(timeout)))
			return -EFAULT;
		if (!timespec_valid(&timeout))
			return -EINVAL;
		deadline = timespec_ns(&timeout);
		if (deadline) /* else 0: only look */
			deadline = deadline_after(deadline);
	}
	signo = wait_of_set(ss, set & ~SIGNALS_UNBLOCKABLE, deadline, &info);
	if (signo < 0)
		return signo;
	signal_info_to(&full, signo, &info);
	if (user_info && copyout(user_info, &full, sizeof(full)))
		return -EFAULT;
	return signo;
}
SYSCALL(NR_rt_sigtimedwait, sys_rt_sigtimedwait);
