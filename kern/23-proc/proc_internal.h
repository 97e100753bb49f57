/*
 * What the files of chapter proc share. Lock order: proc_lock, then
 * proc->lock; neither is held over anything that sleeps.
 */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include "abi/syscall.h"
#include "proc.h"

/* ---- Pids (pid.c); proc_lock held ---- */

/** A free pid, or -EAGAIN: none is. It stays taken until a pid_clear_... finds
 * that it stands for nothing. Heap: a chunk. */
int pid_alloc(void);
/** Say what @p pid stands for; either may be NULL. */
void pid_set(int pid, struct proc *p, struct thread *t);
/** Take the thread, or the process, away from its pid, which becomes free if
 * it stands for neither. */
void pid_clear_thread(int pid);
void pid_clear_proc(int pid);
/** The process of @p pid, or NULL. */
struct proc *pid_proc(int pid);
/** Pid given out last. */
int pid_last(void);

/* ---- The tree (proc.c) ---- */

/** Processes and threads that there may be at once. */
extern unsigned threads_max;
/** How many there are; under proc_lock. */
extern unsigned threads_now, procs_now;

/** A process without threads and parent, inheriting from @p from (or NULL);
 * not yet in the tree; referenced. Takes @p from's lock. */
struct proc *proc_new(struct proc *from);
/** Forget a process that never came into the tree. May sleep. */
void proc_discard(struct proc *p);
/** Put thread @p t with pid @p tid in @p p; and @p p in the tree below
 * @p parent if it is new. proc_lock held. */
void proc_link_thread(struct proc *p, struct thread *t, int tid);
void proc_link(struct proc *p, struct proc *parent);
/** Take zombie @p p out of the tree; the caller puts the tree's reference.
 * proc_lock held. */
void proc_unlink(struct proc *p);

/* ---- What was used (usage.c); proc_lock held ---- */

/** Add what thread @p t has used to @p u. */
void usage_add_thread(struct usage *u, const struct thread *t);
/** What a process has used whose memory is gone, or not of interest. */
void proc_rusage_locked(struct proc *p, struct rusage *ru);
/** Add @p b to @p a; of ru_maxrss, which is no sum, the larger. */
void rusage_add(struct rusage *a, const struct rusage *b);

/** Tell a parent that the vfork child @p p no longer needs its memory.
 * proc_lock held. */
void proc_release_parent(struct proc *p);
/** The running thread of @p p lets go of its memory: note the most that it has
 * been. proc_lock held. */
void proc_note_peak(struct proc *p, const struct vmspace *vm);

/** The running thread is about to leave its memory (it ends, or has a new
 * program): tell those who wait for it there. No locks held; may sleep. */
void proc_leave_memory(struct thread *t);

/** A fault of user code where no chapter knows signals: the process's end. */
void proc_fault(struct trapframe *tf, int signo, int code, uint64_t address);

/* ---- Threads of user mode (fork.c) ---- */

/** See sched_ops.thread_free. */
void user_thread_free(struct thread *t);

/* ---- Descriptors (pidfd.c) ---- */

/** An open file that stands for @p p, to be closed by exec. @p flags:
 * O_NONBLOCK counts. No locks held. */
struct file *pidfd_new(struct proc *p, unsigned flags);

/* ---- What is called (trace.c) ---- */

/** Set the hook if the command line asks for it. */
void trace_init(void);

/* ---- Memory is short (killer.c) ---- */

/** Have heap and vm ask here when they are short. */
void killer_init(void);

/* ---- Limits (limits.c) ---- */

/** Give @p p the limits of @p from, whose lock is taken, or those of the first
 * process (NULL). Nobody else knows @p p yet. */
void limits_init(struct proc *p, struct proc *from);
/** Have vm and vfs ask here. */
void limits_hook(void);

#endif
