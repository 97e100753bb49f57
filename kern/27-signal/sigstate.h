/*
 * The inside of chapter signal: what a process and a thread remember of
 * signals, and the functions that its files call in each other. Chapter timer,
 * whose timers are a part of this, looks inside, too.
 */
#ifndef SIGSTATE_H
#define SIGSTATE_H

#include "signal.h"

#define SIGNALS_STANDARD 31

/** Signals that no mask blocks and no handler catches. */
#define SIGNALS_UNBLOCKABLE (KSIGMASK(SIGKILL) | KSIGMASK(SIGSTOP))
#define SIGNALS_STOP                                                           \
	(KSIGMASK(SIGSTOP) | KSIGMASK(SIGTSTP) | KSIGMASK(SIGTTIN) |           \
	 KSIGMASK(SIGTTOU))
/** Raised by an instruction: taken before all others, so that the frame shows
 * the instruction that raised them. */
#define SIGNALS_SYNCHRONOUS                                                    \
	(KSIGMASK(SIGSEGV) | KSIGMASK(SIGBUS) | KSIGMASK(SIGILL) |             \
	 KSIGMASK(SIGTRAP) | KSIGMASK(SIGFPE) | KSIGMASK(SIGSYS))

/** What a signal does to a process that has no handler for it. */
enum signal_default { DEFAULT_TERMINATE, DEFAULT_IGNORE, DEFAULT_STOP };

/** SIGCONT counts as ignored: it continues a process when it is sent. */
enum signal_default signal_default(int signo);

/* ---- Pending signals (pending.c): under the lock of the process that they are
 * for. Nothing here sleeps. ---- */

/** A signal's origin: the bytes of siginfo_t that any signal makes use of. */
struct signal_info {
	int32_t error, code;
	uint8_t fields[32];
};

/** From the interface's siginfo_t to what is kept, and back. */
void signal_info_from(struct signal_info *to, const siginfo_t *from);
void signal_info_to(siginfo_t *to, int signo, const struct signal_info *from);

/** A signal in a queue: a real-time one, or a timer's. */
struct queued_signal {
	struct list link;   /* empty: in none */
	struct pending *in; /* valid if it is in one */
	int signo;
	struct signal_info info;
	/** NULL, or it is a timer's own, not counted and not freed; the timer
	 * is told when it is taken, and may add to what that says, or when it
	 * is forgotten (NULL). The process's lock is held, or it has ended. */
	void (*taken)(struct queued_signal *q, struct signal_info *info);
};

/**
 * Signals on their way. A standard signal has a place of its own here, so that
 * sending it needs no memory; it counts once, however often it is sent
 * (SIGNAL1). Real-time signals queue.
 */
struct pending {
	ksigset_t set;
	struct list queue; /* struct queued_signal, oldest first */
	struct signal_info standard[SIGNALS_STANDARD];
};

/** Nothing is pending. */
void pending_init(struct pending *p);

/** Add @p signo; @p q is its queue entry, NULL for standard signals that are no
 * timer's, and for real-time ones without one (they count once). */
void pending_add(struct pending *p, int signo, const struct signal_info *info,
		 struct queued_signal *q);

/** The signal of @p set that is taken first, 0 if none. */
int pending_next(ksigset_t set);

/** Take one @p signo out, which is pending. @return its queue entry, which the
 * caller frees, or NULL: it had none, or it is a timer's */
struct queued_signal *pending_take(struct pending *p, int signo,
				   struct signal_info *info);

/** Forget all signals of @p set. @return entries freed */
unsigned pending_flush(struct pending *p, ksigset_t set);

/** Take the timer's entry @p q out of the queue that it is in. */
void pending_remove(struct queued_signal *q);

/* ---- Of a process, of a thread ---- */

/**
 * Signals of a process. It outlives the process while threads refer to it.
 * `lock` guards all of it and of the sigstates on its list; it is taken by
 * timers, so with interrupts off. Order: proc_lock, then this one.
 */
struct proc_signals {
	struct refcount refs; /* the process's, and one a thread */
	struct spinlock lock;
	struct proc *proc; /**< NULL once it has been freed */

	struct list threads; /* struct sigstate.link */
	unsigned nthreads;
	struct pending pending;
	unsigned nqueued; /**< real-time signals in all its queues */

	/* The end. */
	bool ending;	  /**< a fatal signal was sent, or exit has begun */
	int exit_status;  /**< if ending by a signal */
	bool unprotected; /**< init, after a fault of its own */

	/* Job control. */
	int stop_signo;	    /**< 0: it is not to stop */
	unsigned nstopped;  /**< threads that wait on stop_wq */
	bool stop_reported; /**< the parent has been told */
	bool continued;	    /**< the parent is to be told of SIGCONT */
	unsigned continues; /**< SIGCONTs sent, to notice one in between */
	struct waitq stop_wq;

	struct process_timers *timers; /* timer: freed with this */
	struct ksigaction actions[NSIG - 1];
};
_Static_assert(sizeof(struct proc_signals) <= KALLOC_MAX, "one heap object");

/** Signals of a thread: guarded by signals->lock, but what is said to be the
 * thread's own. */
struct sigstate {
	struct proc_signals *signals;
	struct thread *thread;
	struct list link; /* of signals->threads; empty once it has left */
	/** Changed by the thread alone, which so reads it without the lock. */
	ksigset_t blocked;
	ksigset_t awaited; /**< by sigtimedwait, though blocked */
	bool dying;	   /**< the thread is to end, not the process */
	struct pending pending;

	/* The thread's own. */
	ksigset_t saved_mask; /**< valid if has_saved_mask */
	bool has_saved_mask;
	stack_t altstack;
	/** Of its last fault, as a handler's frame shows them (sigcontext). */
	uint64_t fault_vector, fault_error, fault_address;
	struct restart restart;
	struct rcu_head rcu;
};

/** State of the running thread; NULL in kernel threads. */
static inline struct sigstate *
current_sigstate(void)
{
	return current()->sigstate;
}

/** Give a reference to @p s back. Any context. */
void proc_signals_put(struct proc_signals *s);

/** Take @p ss off its process's list: it gets no more signals. Its process's
 * lock held. */
void sigstate_detach(struct sigstate *ss);

static inline struct ksigaction *
signal_action(struct proc_signals *s, int signo)
{
	return s->actions + (signo - 1);
}

/** A handler is to be run for @p signo. */
static inline bool
signal_is_caught(struct proc_signals *s, int signo)
{
	void (*handler)(int) = signal_action(s, signo)->handler;

	return handler != SIG_DFL && handler != SIG_IGN;
}

/* ---- send.c ---- */

/** Send with the lock of @p s held. @p ss: to this thread; NULL: to any.
 * @return as signal_proc */
int signal_send_locked(struct proc_signals *s, struct sigstate *ss, int signo,
		       const struct signal_info *info);

/** Send to any thread without an entry: takes no heap. A real-time signal
 * counts once, and its origin is lost. */
void signal_send_unqueued_locked(struct proc_signals *s, int signo,
				 const struct signal_info *info);

/** The same for a timer's entry, which is in no queue. @return whether it is in
 * one now; not if the signal is ignored, or is pending already and counts once
 */
bool signal_send_timer_locked(struct proc_signals *s, struct sigstate *ss,
			      struct queued_signal *q);

/** A fault of the running thread: it cannot be ignored, and what would be
 * blocked or ignored ends the process. */
void signal_force(int signo, const struct signal_info *info);

/** Make the thread look at its signals soon; INTERRUPT_* says which sleeps
 * end. Lock held. */
void sigstate_wake(struct sigstate *ss, uint32_t how);

/** Signals that the thread can take now. Lock held. */
ksigset_t sigstate_deliverable(const struct sigstate *ss);

/** Some threads of @p s no longer take signals of @p set: wake others for
 * those that are pending. Lock held. */
void signal_retarget(struct proc_signals *s, ksigset_t set);

/** Set the running thread's mask; SIGKILL and SIGSTOP are left out. */
void signal_mask_set(ksigset_t mask);

/* ---- job.c ---- */

/** SIGCONT has been sent: let the process go on. Lock held. */
void job_continue(struct proc_signals *s);

/** The running thread takes part in the stop of its process, until it is
 * continued or ended. Lock held, and released in between. */
void job_stop(struct sigstate *ss, uint64_t *rflags);

/** Threads left or stopped: if all are stopped now, tell the parent. No locks
 * held. */
void job_report_stop(struct proc_signals *s);

/** Tell the parent that the process goes on. No locks held. */
void job_report_continue(struct proc_signals *s);

/** A process ends: stopped groups that it orphans get SIGHUP and SIGCONT. No
 * locks held. */
void job_orphan_groups(struct proc *leaving);

/** proc_ops.child_changed: SIGCHLD to the parent, and wake its wait4. */
bool job_child_changed(struct proc *child);

/* ---- action.c ---- */

/** As signal_waitq, for any process. */
struct waitq *signal_waitq_of(const struct proc_signals *s);
void signal_waitqs_init(void);

/* ---- frame.c ---- */

/**
 * Build the frame of @p signo on the user stack and have @p tf enter its
 * handler. No locks held; may sleep. If it fails, only user memory has changed.
 * @return 0, or -EFAULT: no room for the frame
 */
int signal_frame_push(struct trapframe *tf, int signo,
		      const struct signal_info *info,
		      const struct ksigaction *action);

/** trap_ops.user_fault. */
void signal_user_fault(struct trapframe *tf, int signo, int code,
		       uint64_t address);

/** In a frame's vector: restored by rt_sigreturn, no call to restart. */
#define TRAP_SIGRETURN (TRAP_SYSCALL + 1)

/* ---- deliver.c ---- */

/** trap_ops.user_work. No locks held; may sleep, in a stop until it is over. It
 * does not return where the thread ends. */
void signal_work(struct trapframe *tf);

/* ---- For chapter timer ---- */

/** What a process's life means to its timers; NULL: nothing. No locks are held.
 */
struct signal_ops {
	/** A process is new, and has no threads yet. */
	void (*begin)(struct proc_signals *s);
	/** It runs another program. */
	void (*exec)(struct proc_signals *s);
	/** It has no threads any more, and gets no signals; maybe told again.
	 */
	void (*end)(struct proc_signals *s);
};
extern struct signal_ops signal_ops;

/* ---- cpulimit.c ---- */

/** Signal the running process if it is past RLIMIT_CPU. No locks held; does not
 * sleep. */
void cpu_limit_check(void);
void cpu_limit_init(void);

#endif
