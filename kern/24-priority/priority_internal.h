/*
 * What the files of chapter priority share.
 */
#ifndef PRIORITY_INTERNAL_H
#define PRIORITY_INTERNAL_H

#include "proc.h"

/** Whether the caller may change how @p t is scheduled at all. */
bool may_schedule(const struct thread *t);

/** Whether the caller may give a thread, that has a worse one, @p nice. */
bool may_have_nice(int nice);

/** One thread or many, of which each is asked or changed. */
struct prio {
	int which; /**< PRIO_* */
	uint32_t who;
	void (*each)(struct prio *q, struct thread *t);
	int value; /**< to be set */
	int best;  /**< least found */
	int error;
	bool found;
};

/** Call @p q->each for the threads that it means, under proc_lock.
 * @return q->error; -ESRCH: there is none; -EINVAL: which is unknown */
int prio_apply(struct prio *q);

/** Call @p fn for thread @p tid, or the running one where @p tid is 0, under
 * proc_lock. @return its result; -ESRCH; -EINVAL: @p tid is negative */
int64_t with_thread(int tid, int64_t (*fn)(struct thread *t, uint64_t arg),
		    uint64_t arg);

#endif
