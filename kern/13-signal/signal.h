/*
 * signal: POSIX signals, process groups and sessions, interval timers.
 */
#ifndef SIGNAL_H
#define SIGNAL_H

#include "abi/signal.h"
#include "proc.h"

/** Send @p signo to a process, a thread, a process group. @p info: its origin
 * (NULL: from the kernel). No permission check. Any context that may take
 * proc_lock; interrupts may be off. */
void signal_proc(struct proc *p, int signo, const siginfo_t *info);
void signal_thread(struct thread *t, int signo, const siginfo_t *info);
/** @return whether the group has a member */
bool signal_group(int pgid, int signo, const siginfo_t *info);

/** Whether a signal of the running thread would be ignored or is blocked
 * (tty's rules for background reads and writes). */
bool signal_is_ignored_or_blocked(int signo);

/** Whether process group @p pgid is orphaned (POSIX 3.264); proc_lock held. */
bool group_is_orphaned(int pgid);

/** For poll and sigsuspend: replace the mask until the return to user mode. */
void signal_mask_swap(uint64_t mask);

#endif
