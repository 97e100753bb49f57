/*
 * The life of a process's and a thread's signal state, and how the chapter
 * hangs itself into those below: what proc's and trap's hooks do at fork, exec
 * and exit.
 */
#include "procfs.h"
#include "sigstate.h"
#include "string.h"

static void (*next_thread_free)(struct thread *t);

struct signal_ops signal_ops;

/* ---- Processes ---- */

static void
timers_end(struct proc_signals *s)
{
	if (signal_ops.end)
		signal_ops.end(s);
}

static struct proc_signals *
proc_signals_new(struct proc *p)
{
	struct proc_signals *s = knew(struct proc_signals);

	ref_init(&s->refs);
	spin_init(&s->lock, "signals");
	s->proc = p;
	list_init(&s->threads);
	pending_init(&s->pending);
	waitq_init(&s->stop_wq, "stopped threads");
	if (signal_ops.begin)
		signal_ops.begin(s);
	return s;
}

void
proc_signals_put(struct proc_signals *s)
{
	if (!ref_put(&s->refs))
		return;
	pending_flush(&s->pending, ~(ksigset_t)0);
	kfree(s->timers);
	kfree(s);
}

/* proc_ops.fork: handlers are inherited; pending signals and timers are not.
 * @p parent is NULL for the first process. */
static void
signal_fork(struct proc *parent, struct proc *child)
{
	struct proc_signals *s = proc_signals_new(child), *from;
	uint64_t rflags;

	if (parent && parent->signals) {
		from = parent->signals;
		rflags = spin_lock_irqsave(&from->lock);
		memcpy(s->actions, from->actions, sizeof(s->actions));
		spin_unlock_irqrestore(&from->lock, rflags);
	}
	child->signals = s;
}

/* proc_ops.clear_handlers */
static void
signal_clear_handlers(struct proc *p)
{
	struct proc_signals *s = p->signals;
	struct ksigaction *a;
	uint64_t rflags;

	if (signal_ops.exec)
		signal_ops.exec(s);
	rflags = spin_lock_irqsave(&s->lock);
	for (a = s->actions; a < s->actions + ARRAY_SIZE(s->actions); a++)
		*a = (struct ksigaction){ .handler = a->handler == SIG_IGN
							     ? SIG_IGN
							     : SIG_DFL };
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* exec_ops.done: the handlers' code is gone. */
static void
signal_exec(struct proc *p)
{
	struct sigstate *ss = current_sigstate();
	struct proc_signals *s = p->signals;
	uint64_t rflags;

	signal_clear_handlers(p);
	rflags = spin_lock_irqsave(&s->lock);
	ss->altstack = (stack_t){ .ss_flags = SS_DISABLE };
	ss->restart.fn = NULL;
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* proc_ops.free */
static void
signal_free(struct proc *p)
{
	struct proc_signals *s = p->signals;
	uint64_t rflags;

	if (!s)
		return;
	timers_end(s);
	rflags = spin_lock_irqsave(&s->lock);
	s->proc = NULL;
	spin_unlock_irqrestore(&s->lock, rflags);
	p->signals = NULL;
	proc_signals_put(s);
}

/* ---- Threads ---- */

/* Whether two threads never run on the same stack at a time: one has a copy, or
 * sleeps until the other has left the memory (vfork). */
static bool
may_share_altstack(const struct thread *parent, const struct thread *child)
{
	return parent->vmspace != child->vmspace ||
	       (parent->proc != child->proc && child->proc->holds_parent);
}

/* proc_ops.thread_new: the mask is inherited; a thread beside its parent has
 * an alternative stack of its own, a forked one keeps its copy. */
static void
signal_thread_new(struct thread *parent, struct thread *child)
{
	struct sigstate *ss = knew(struct sigstate);
	struct proc_signals *s = child->proc->signals;
	uint64_t rflags;

	ss->signals = s;
	ss->thread = child;
	pending_init(&ss->pending);
	ss->altstack.ss_flags = SS_DISABLE;
	if (parent && parent->sigstate) {
		ss->blocked = parent->sigstate->blocked;
		if (may_share_altstack(parent, child))
			ss->altstack = parent->sigstate->altstack;
	}
	ref_get(&s->refs);
	rflags = spin_lock_irqsave(&s->lock);
	list_add_tail(&ss->link, &s->threads);
	s->nthreads++;
	if (s->ending || s->stop_signo)
		atomic_fetch_or(&child->md.work, WORK_SIGNAL);
	spin_unlock_irqrestore(&s->lock, rflags);
	rcu_assign(child->sigstate, ss);
}

/* What only waited for this thread goes; what pends for the process is for
 * others now. */
void
sigstate_detach(struct sigstate *ss)
{
	struct proc_signals *s = ss->signals;

	if (list_empty(&ss->link))
		return;
	list_del(&ss->link);
	s->nthreads--;
	s->nqueued -= pending_flush(&ss->pending, ~(ksigset_t)0);
	signal_retarget(s, ~ss->blocked);
}

/* What is pending when the last thread ends is nobody's any more, and no more
 * comes (s->ending). It is freed at once, not when the parent takes the zombie:
 * the parent may be waiting for that very memory. */
static void
drop_pending(struct proc_signals *s)
{
	struct pending all;
	uint64_t rflags = spin_lock_irqsave(&s->lock);

	pending_init(&all);
	list_splice_tail(&s->pending.queue, &all.queue);
	s->pending.set = 0;
	spin_unlock_irqrestore(&s->lock, rflags);
	pending_flush(&all, ~(ksigset_t)0);
}

/* proc_ops.thread_exit */
static void
signal_thread_exit(struct thread *t)
{
	struct sigstate *ss = t->sigstate;
	struct proc_signals *s = ss->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	bool last, stopping;

	sigstate_detach(ss);
	last = s->nthreads == 0;
	s->ending |= last;
	stopping = s->stop_signo && !last;
	spin_unlock_irqrestore(&s->lock, rflags);
	if (stopping)
		job_report_stop(s);
	if (last) {
		timers_end(s);
		drop_pending(s);
		job_orphan_groups(t->proc);
	}
}

static void
sigstate_free(struct rcu_head *head)
{
	struct sigstate *ss = container_of(head, struct sigstate, rcu);

	proc_signals_put(ss->signals);
	kfree(ss);
}

/* sched_ops.thread_free. Who found the thread by RCU may still look at its
 * state. */
static void
signal_thread_free(struct thread *t)
{
	struct sigstate *ss = t->sigstate;
	uint64_t rflags;

	NESTS(1, next_thread_free != signal_thread_free);
	if (ss) {
		rflags = spin_lock_irqsave(&ss->signals->lock);
		sigstate_detach(ss); /* if it never ran */
		spin_unlock_irqrestore(&ss->signals->lock, rflags);
		rcu_assign(t->sigstate, NULL);
		rcu_defer(&ss->rcu, sigstate_free);
	}
	if (next_thread_free)
		next_thread_free(t);
}

/* proc_ops.kill_threads: exec and exit end all others. They are told, and end
 * themselves; `dying` has them end alone, whatever the process does. */
static void
signal_kill_threads(struct proc *p)
{
	struct proc_signals *s = p->signals;
	uint64_t rflags = spin_lock_irqsave(&s->lock);
	struct sigstate *ss;

	list_for_each (ss, &s->threads, link) {
		if (ss->thread == current())
			continue;
		ss->dying = true;
		sigstate_wake(ss, INTERRUPT_SIGNAL | INTERRUPT_KILL);
	}
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* ---- For /proc ---- */

static void
signal_info(struct proc *p, int tid, struct signal_sets *sets)
{
	struct proc_signals *s = p->signals;
	struct sigstate *ss;
	uint64_t rflags;
	int signo;

	if (!s)
		return;
	rflags = spin_lock_irqsave(&s->lock);
	sets->shared = s->pending.set;
	list_for_each (ss, &s->threads, link) {
		if (ss->thread->tid != tid)
			continue;
		sets->pending = ss->pending.set;
		sets->blocked = ss->blocked;
	}
	for (signo = 1; signo < NSIG; signo++) {
		if (signal_action(s, signo)->handler == SIG_IGN)
			sets->ignored |= KSIGMASK(signo);
		else if (signal_is_caught(s, signo))
			sets->caught |= KSIGMASK(signo);
	}
	spin_unlock_irqrestore(&s->lock, rflags);
}

/* ---- Start ---- */

static void
kernel_send(struct proc *p, int signo)
{
	signal_proc(p, signo, NULL);
}

/* vfs_ops.fsize_exceeded */
static void
send_sigxfsz(void)
{
	signal_thread(current(), SIGXFSZ, NULL);
}

static void
signal_init(void)
{
	signal_waitqs_init();
	cpu_limit_init();
	trap_ops.user_work = signal_work;
	trap_ops.user_fault = signal_user_fault;
	proc_ops.fork = signal_fork;
	proc_ops.clear_handlers = signal_clear_handlers;
	proc_ops.thread_new = signal_thread_new;
	exec_ops.done = signal_exec;
	proc_ops.free = signal_free;
	proc_ops.thread_exit = signal_thread_exit;
	proc_ops.child_changed = job_child_changed;
	proc_ops.kill_threads = signal_kill_threads;
	proc_ops.send = kernel_send;
	procfs_ops.signal_info = signal_info;
	vfs_ops.fsize_exceeded = send_sigxfsz;
	next_thread_free = sched_ops.thread_free;
	sched_ops.thread_free = signal_thread_free;
}
CHAPTER_INIT(signal_init);
