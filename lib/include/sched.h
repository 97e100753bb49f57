/*
 * sched_yield and clone.
 */
#ifndef SCHED_H
#define SCHED_H

#include "abi/sched.h"
#include "sys/types.h"

int sched_yield(void);

/**
 * Starts fn(arg) in a new process or thread, on its own stack; it ends with
 * fn's result as status. This library's stdio and malloc take no locks: threads
 * may use neither.
 * @param stack the stack's high end
 * @param flags CLONE_, and the exit signal
 * @param ptid where the parent gets the id, with CLONE_PARENT_SETTID
 * @param tls the new FS base, with CLONE_SETTLS
 * @param ctid the child's word, with CLONE_CHILD_SETTID and _CLEARTID
 * @return the new id, or -1 with errno set
 */
int clone(int (*fn)(void *), void *stack, int flags, void *arg, int *ptid,
	  void *tls, int *ctid);

#endif
