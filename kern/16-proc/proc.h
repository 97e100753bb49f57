/*
 * proc: processes. fork, exec, exit and wait; the identities and limits of a
 * process; the time of day; and /proc, where programs read of all that.
 */
#ifndef PROC_H
#define PROC_H

#include "abi/resource.h"
#include "abi/wait.h"
#include "vm.h"

/** Pids are 1 to PID_MAX - 1, and used again after a turn through all. */
#define PID_MAX 32768

enum proc_state { PROC_ALIVE, PROC_STOPPED, PROC_ZOMBIE };

struct program;

/**
 * PROC1: every process but init has a parent that is alive or init; a zombie
 * stays until its parent has waited, or does not want to.
 * PROC2: a pid is not given out while it is that of a process or thread, or of
 * a process group or session that has members.
 * PROC3: a process is a zombie only after its last thread has given back its
 * memory, its descriptors and its directories.
 */
struct proc {
	/* Constant. */
	int pid;
	struct refcount refs;
	uint64_t start_ns; /**< clock_ns at its creation */

	/* Guarded by proc_lock (proc.c), a spinlock over the whole tree that no
	 * interrupt handler takes. */
	enum proc_state state;
	struct proc *parent;
	int ppid; /**< its pid, 0: none; read without the lock */
	struct list children, sibling;
	struct list threads; /**< struct thread.proc_link */
	unsigned nthreads;
	int pgid, sid;
	int exit_status;	    /**< as wait4 reports it */
	int exit_signal;	    /**< to the parent, SIGCHLD mostly */
	bool exiting;		    /**< exit_group has begun */
	struct thread *exec_thread; /**< in exec: all others have to end */
	bool holds_parent;	    /**< vfork: the parent waits for it */
	int stop_report; /**< status for WUNTRACED not yet waited for, or 0 */
	bool continue_report;  /**< for WCONTINUED */
	struct waitq child_wq; /**< here the process waits for its children, and
				* for its other threads to end */
	struct rusage child_usage;
	struct list all_link;
	bool did_exec;
	bool no_new_privs;
	uint64_t killed_ns; /**< when it was ended for its memory, or 0 */
	uint32_t uid;	    /**< real user ID at its end */

	/* Guarded by lock. */
	struct spinlock lock;
	struct rlimit limits[RLIM_NLIMITS];
	uint64_t cpu_warned;	 /**< signal: seconds at the last SIGXCPU */
	struct program *program; /**< what it runs; NULL: nothing yet */
	char name[16];		 /**< of its program: comm */
	struct tty *tty;	 /**< tty: controlling terminal */
	struct timer *alarm;	 /**< signal */
	uint64_t dead_cpu_ns;	 /**< of threads that have ended */
	uint64_t dead_switches;
	uint64_t peak_resident; /**< pages, of address spaces left */

	struct proc_signals *signals; /**< signal: handlers, pending */
};

/** Process of the running thread; NULL in a kernel thread. */
static inline struct proc *
current_proc(void)
{
	return current()->proc;
}

/** The process with @p pid, referenced, zombies included; or NULL. */
struct proc *proc_find(int pid);
/** The same, with proc_lock held, and not referenced. */
struct proc *proc_find_locked(int pid);
struct proc *proc_get(struct proc *p);
/** Give a reference back. Any context but interrupt handlers. */
void proc_put(struct proc *p);
/** The thread with @p tid, valid until rcu_read_unlock; or NULL. Called within
 * rcu_read_lock. */
struct thread *thread_find(int tid);
/** Call @p fn for every process, by pid, under proc_lock. */
void proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg);
extern struct spinlock proc_lock;
extern struct proc *init_proc;

/** End the running thread's whole process. @p status as wait4 reports it.
 * Where another thread ends the process already, or is in exec, only the
 * running thread ends. No locks held. */
void proc_exit(int status) __attribute__((noreturn));

/** End the running thread; the process ends with its last one. */
void proc_exit_thread(int status) __attribute__((noreturn));

/** CPU time of the process's threads, dead ones too, in ns. */
uint64_t proc_cpu_ns(struct proc *p);

/**
 * Make a process with one thread that runs @p entry(@p arg) in the kernel: the
 * first process, and self-tests. The thread ends by proc_exit, or enters user
 * mode. The caller has the heap reserved (PROC_HEAP_PAGES).
 *
 * @param parent  NULL: it becomes init_proc
 * @return the process, referenced; its thread is not started: thread_start of
 *         *@p thread. NULL: no memory, or too many processes
 */
struct proc *proc_create(struct proc *parent, void (*entry)(void *arg),
			 void *arg, struct thread **thread);

/** Bound on the kernel heap of making a process, in pages. */
#define PROC_HEAP_PAGES 64

/** Replace the running process's program, as execve(2); @p argv and @p envp are
 * kernel arrays of kernel strings, ended by NULL. The registers of the new
 * program are left in the user frame. @return 0 or a negative errno */
int proc_exec(const char *path, const char *const argv[],
	      const char *const envp[]);

struct proc_ops {
	/** signal: a new process inherits; @p parent NULL: the first. */
	void (*fork)(struct proc *parent, struct proc *child);
	/** signal: the same for a thread. child->proc is set. */
	void (*thread_new)(struct thread *parent, struct thread *child);
	/** signal: the running process has got a new program. */
	void (*exec)(struct proc *p);
	/** signal: the process is freed. May not sleep. */
	void (*free)(struct proc *p);
	/** signal: the running thread ends; it still is on its process's list,
	 * and the process in the tree. No locks held. */
	void (*thread_exit)(struct thread *t);
	/** signal: a child has changed state (died, stopped, continued): tell
	 * the parent, and wake its child_wq. proc_lock held.
	 * @return whether the parent wants no zombie of it */
	bool (*child_changed)(struct proc *child);
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
	/** ipc: wake one waiter on the user word @p address (the word that
	 * CLONE_CHILD_CLEARTID names) of the running address space. */
	void (*futex_wake)(uint32_t *address);
};
extern struct proc_ops proc_ops;

/** Soft limit of the running process (RLIM_INFINITY for kernel threads). */
uint64_t proc_limit(unsigned resource);

/* ---- /proc ---- */

/** A text under construction; it grows on pages, not on the heap. */
struct text;
void text_printf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** Append @p len bytes as they are. */
void text_append(struct text *t, const void *bytes, size_t len);

/** Add a file to the root of /proc: @p show prints its text. At start-up. */
void procfs_add(const char *name, void (*show)(struct text *t));

#endif
