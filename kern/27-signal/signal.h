/*
 * signal: POSIX signals, from the call or fault that raises one to the frame on
 * the user stack; process groups and sessions; job control. What this chapter's
 * files and its timers share stands in sigstate.h.
 */
#ifndef SIGNAL_H
#define SIGNAL_H

#include "abi/signal.h"
#include "proc.h"

/* ---- Sending ---- */

/**
 * Send @p signo to a process: to whichever of its threads can take it.
 *
 * No permission is checked. A standard signal allocates nothing; a real-time
 * signal with an origin takes one object of the heap. Any context, proc_lock
 * held or not; not with a run queue's or a wait queue's lock.
 *
 * @param info  where it comes from; NULL: the kernel
 * @return      0, or -EAGAIN: too many real-time signals are queued
 */
int signal_proc(struct proc *p, int signo, const siginfo_t *info);

/** The same for one of several processes for which the signal is meant: one
 * that is forking begins anew (link_child). proc_lock held. */
int signal_member(struct proc *p, int signo, const siginfo_t *info);

/** The same, taking no heap: a real-time signal counts once, and its origin is
 * lost. For who tells any number of processes under proc_lock. */
int signal_member_unqueued(struct proc *p, int signo, const siginfo_t *info);

/** The same for one thread, which the caller keeps alive (RCU will do): nobody
 * else takes it, not even where that one blocks it. */
int signal_thread(struct thread *t, int signo, const siginfo_t *info);

/**
 * Send @p signo to every process of group @p pgid. proc_lock not held; not
 * from interrupt handlers. Takes no heap (signal_member_unqueued); does not
 * sleep.
 * @return whether the group has a member
 */
bool signal_group(int pgid, int signo, const siginfo_t *info);

/* ---- For calls that wait ---- */

/**
 * Replace the running thread's mask for the length of a call (ppoll, pselect,
 * sigsuspend); the old one comes back at the return to user mode if the call
 * is interrupted, after the handler has been given its frame. Does not sleep,
 * nor does the next. A kernel thread has no mask: nothing is done.
 */
void signal_mask_swap(ksigset_t mask);

/** The call was not interrupted: undo signal_mask_swap. */
void signal_mask_restore(void);

/**
 * Take a pending signal of @p set, blocked or not, the thread's own first
 * (signalfd). No locks held.
 *
 * @param set   may be changed meanwhile, by signal_change_set
 * @param wait  sleep until there is one
 * @return its number; -EAGAIN: there is none; -EINTR
 */
int signal_take(const _Atomic ksigset_t *set, bool wait, siginfo_t *info);

/** Who waits for a signal of @p set in this process waits for @p new. */
void signal_change_set(_Atomic ksigset_t *set, ksigset_t new);

/** Whether signal_take would find one now. Neither this nor the one above
 * sleeps; both take the process's signals lock. */
bool signal_is_pending(const _Atomic ksigset_t *set);

/** Where signals to the running process are announced: a queue that outlives
 * it, and may be shared with others. It is woken under its signals lock. */
struct waitq *signal_waitq(void);

/** How an interrupted call goes on, if no handler was run. */
struct restart {
	int64_t (*fn)(const struct restart *r);
	uint64_t deadline; /**< clock_ns, or WAIT_FOREVER */
	uint64_t args[4];  /**< what fn makes of them */
};

/**
 * End an interrupted call so that restart_syscall calls @p r->fn(r) later:
 * for calls whose time-out must not begin anew.
 * If a handler is run, the call ends with -EINTR instead, whatever SA_RESTART
 * says (signal(7)); so it does in a kernel thread.
 * @return -ERESTART_RESTARTBLOCK, to be returned by the call
 */
int64_t signal_restart_by(const struct restart *r);

/** Whether a time from user space is a valid one: not negative, less than a
 * second of nanoseconds. */
bool timespec_valid(const struct timespec *t);

/** Nanoseconds in @p t, at most INT64_MAX. */
uint64_t timespec_ns(const struct timespec *t);

/** The clock_ns time @p ns from now, WAIT_FOREVER where that is past the end
 * of time. */
uint64_t deadline_after(uint64_t ns);

/** The deadline that is @p ns on CLOCK_REALTIME, until somebody sets that
 * (clock_set_wq); 0 where that is past. */
uint64_t deadline_of_day(uint64_t ns);

/* ---- Job control (tty) ---- */

/** Whether the running thread ignores or blocks @p signo. Takes no lock. */
bool signal_is_ignored_or_blocked(int signo);

/** Whether process group @p pgid is orphaned (POSIX.1-2017, 3.264): nobody in
 * its session but outside the group is parent to a member. proc_lock held. */
bool group_is_orphaned(int pgid);

/** The session of process group @p pgid, which exists as long as a member is
 * not reaped; -1: there is no such group. proc_lock held. */
int group_session(int pgid);

/**
 * The process after @p p in a walk over all processes that are not reaped,
 * NULL at the end; the walk begins with init_proc. proc_lock held throughout.
 */
struct proc *proc_tree_next(struct proc *p);

#endif
