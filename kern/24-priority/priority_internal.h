/*
 * What the files of chapter priority share.
 */
#ifndef PRIORITY_INTERNAL_H
#define PRIORITY_INTERNAL_H

#include "proc.h"

/** Whether the caller may change how @p t is scheduled at all: root, or the
 * effective user is @p t's real or effective one (sched_setscheduler(2),
 * setpriority(2)). Called with proc_lock held, or for the running thread;
 * @p t->fs is not NULL. Does not sleep. */
bool may_schedule(const struct thread *t);

/** Whether the caller may give a thread, that has a worse one, @p nice.
 * RLIMIT_NICE counts from 1 (nice 19) to 40 (nice -20), as getrlimit(2) has
 * it, so that a limit need not be negative; 0 allows nothing. Any context but
 * an interrupt; does not sleep. */
bool may_have_nice(int nice);

/** One thread or many, of which each is asked or changed. It is the caller's,
 * on its stack; @p each is called under proc_lock, and must not sleep. */
struct prio {
	int which; /**< PRIO_* */
	/** A thread's number, a process group's or a real user ID; 0: that of
	 * the caller, which prio_apply puts in its place. */
	uint32_t who;
	void (*each)(struct prio *q, struct thread *t);
	int value;  /**< to be set */
	int best;   /**< least found; the caller sets the greatest there is */
	int error;  /**< the last one of a thread; 0: none */
	bool found; /**< there was a thread, be it one that was refused */
};

/** Call @p q->each for the threads that it means, under proc_lock, which it
 * takes. That some are refused does not keep the others from being changed.
 * Does not sleep.
 * @return q->error; -ESRCH: there is none; -EINVAL: which is unknown */
int prio_apply(struct prio *q);

/** Call @p fn for thread @p tid, or the running one where @p tid is 0, under
 * proc_lock, which it takes: so the thread is not freed, nor its fs exchanged
 * for another, while @p fn looks and changes. @p fn must not sleep, so it does
 * not touch user memory; what it answers by is at @p arg. A thread that is at
 * its end may be found, with fs NULL.
 * @return its result; -ESRCH; -EINVAL: @p tid is negative */
int64_t with_thread(int tid, int64_t (*fn)(struct thread *t, uint64_t arg),
		    uint64_t arg);

#endif
