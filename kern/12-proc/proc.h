/*
 * proc: processes. fork, exec, exit and wait; the identities and limits of a
 * process; and /proc, where programs read of them.
 */
#ifndef PROC_H
#define PROC_H

#include "abi/resource.h"
#include "abi/wait.h"
#include "vm.h"

enum proc_state { PROC_ALIVE, PROC_STOPPED, PROC_ZOMBIE };

/** PROC1: every process but init has a parent that is alive or init; a zombie
 * stays until its parent has waited. */
struct proc {
	/* Constant. */
	int pid;
	struct refcount refs;
	uint64_t start_ns; /**< clock_ns at its creation */

	/* Guarded by proc_lock (proc.c), a spinlock over the whole tree. */
	enum proc_state state;
	struct proc *parent;
	struct list children, sibling;
	struct list threads; /**< struct thread.proc_link */
	unsigned nthreads;
	int pgid, sid;
	int exit_status; /**< as wait4 reports it */
	int exit_signal; /**< to the parent, SIGCHLD mostly */
	bool exiting;	 /**< exit_group has begun */
	int stop_report; /**< status for WUNTRACED not yet waited for, or 0 */
	bool continue_report;  /**< for WCONTINUED */
	struct waitq child_wq; /**< the parent waits here for its children */
	struct rusage child_usage;
	struct list all_link;
	struct rbnode pid_node;

	/* Guarded by lock. */
	struct spinlock lock;
	struct rlimit limits[RLIM_NLIMITS];
	struct vnode *executable;
	char name[16];		      /**< comm */
	struct proc_signals *signals; /**< signal: handlers, pending */
	struct tty *tty;	      /**< tty: controlling terminal */
	struct timer *alarm;	      /**< signal */
	bool did_exec;
	uint64_t dead_cpu_ns;  /**< of threads that have ended */
	uint64_t heap_objects; /**< for the killer */
};

/** Process of the running thread; NULL in a kernel thread. */
static inline struct proc *
current_proc(void)
{
	return current()->proc;
}

/** The process with @p pid, referenced, zombies included; or NULL. */
struct proc *proc_find(int pid);
struct proc *proc_get(struct proc *p);
void proc_put(struct proc *p);
/** The thread with @p tid, valid until rcu_read_unlock; or NULL. Called within
 * rcu_read_lock. */
struct thread *thread_find(int tid);
/** Call @p fn for every process, by pid, under proc_lock. */
void proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg);
extern struct spinlock proc_lock;
extern struct proc *init_proc;

/** End the running thread's whole process. @p status as wait4 reports it. */
void proc_exit(int status) __attribute__((noreturn));

/** End the running thread; the last one of its process ends that, with
 * @p status as wait4 reports it. */
void proc_exit_thread(int status) __attribute__((noreturn));

struct proc_ops {
	/** signal: a new process or thread inherits; exec resets; freed. */
	void (*fork)(struct proc *parent, struct proc *child);
	void (*thread_new)(struct thread *parent, struct thread *child);
	void (*exec)(struct proc *p);
	void (*free)(struct proc *p);
	/**
	 * signal: the running thread @p t is about to leave its process, whose
	 * children are still its own. No locks held; called once, in the
	 * thread that ends.
	 */
	void (*thread_exit)(struct thread *t);
	/**
	 * signal: a child has changed state (died, stopped, continued): tell
	 * the parent. proc_lock held.
	 * @return whether the parent does not want to wait for it (it ignores
	 *         SIGCHLD or has SA_NOCLDWAIT): a zombie is reaped at once
	 */
	bool (*child_changed)(struct proc *child);
	/** ipc: wake those who wait on user word @p address, now 0, of the
	 * running thread's address space (clear_tid). */
	void (*futex_wake)(uint32_t *address);
	/** signal: end every other thread of the process (exec, exit). */
	void (*kill_threads)(struct proc *p);
	/** signal: send @p signo to @p p from the kernel. */
	void (*send)(struct proc *p, int signo);
	/** tty: a session leader exits. */
	void (*session_end)(struct proc *leader);
	/** tty: for /proc/PID/stat: device and foreground group, or 0, -1. */
	void (*tty_info)(struct proc *p, int *tty_nr, int *tpgid);
	/** signal: masks for /proc/PID/status. */
	void (*signal_info)(struct proc *p, uint64_t *pending,
			    uint64_t *blocked, uint64_t *ignored,
			    uint64_t *caught);
};
extern struct proc_ops proc_ops;

/** Current limit of the running process (RLIM_INFINITY for kernel threads). */
uint64_t proc_limit(unsigned resource);

/** Add a file to /proc: @p show prints its text to a growing buffer. */
struct text; /* grows on pages */
void text_printf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void procfs_add(const char *name, void (*show)(struct text *t));

#endif
