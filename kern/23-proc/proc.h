/*
 * proc: processes and threads. fork, exit and wait; the identities and limits
 * of a process; the time of day. Here is also what chapter exec needs to put
 * another program in a process, and chapter procfs to tell of one.
 */
#ifndef PROC_H
#define PROC_H

#include "abi/resource.h"
#include "abi/wait.h"
#include "vm.h"

/** Pids are 1 to PID_MAX - 1, and used again after a turn through all. */
#define PID_MAX 32768

enum proc_state { PROC_ALIVE, PROC_STOPPED, PROC_ZOMBIE };

/**
 * PROC1: every process but init has a parent that is alive or init; a zombie
 * stays until its parent has waited, or does not want to.
 * PROC2: a pid is not given out while it is that of a process or thread, or of
 * a process group or session that has members.
 * PROC3: a process is a zombie only after its last thread has given back its
 * memory, its descriptors and its directories.
 * PROC4: nobody finds a thread by number after its end began to be final.
 * PROC5: no one writes a file while a process runs it.
 */
struct proc {
	/* Constant. */
	int pid;
	struct refcount refs;
	uint64_t start_ns; /**< clock_ns at its creation */
	uint16_t account;  /**< heap: what it has allocated */

	/* Guarded by proc_lock (proc.c), a spinlock over the whole tree that no
	 * interrupt handler takes. */
	enum proc_state state;
	struct proc *parent;
	int ppid; /**< its pid, 0: none; read without the lock */
	struct list children, sibling;
	struct list threads; /**< struct thread.proc_link */
	unsigned nthreads;
	int pgid, sid;
	unsigned group_signals;	    /**< signal: sent to it as one of several;
				     * counted once they are pending */
	int exit_status;	    /**< as wait4 reports it */
	int exit_signal;	    /**< to the parent, SIGCHLD mostly */
	bool exiting;		    /**< exit_group has begun */
	struct thread *exec_thread; /**< in exec: all others have to end */
	bool holds_parent;	    /**< vfork: the parent waits for it */
	int stop_report; /**< status for WUNTRACED not yet waited for, or 0 */
	bool continue_report;  /**< for WCONTINUED */
	struct waitq child_wq; /**< here the process waits for its children, and
				* for its other threads to end; and its maker in
				* vfork for it */
	struct waitq end_wq;   /**< those who poll for its end (pidfd) */
	struct rusage child_usage; /**< that it has waited for */
	struct list all_link;
	bool did_exec;
	bool no_new_privs;
	uint32_t personality; /**< ADDR_NO_RANDOMIZE or 0 */
	bool over_nproc;      /**< it became one user's process too many */
	bool dumpable;	      /**< others of its user may look inside */
	bool subreaper;	      /**< orphans below it become its children */
	int death_signal;     /**< that it wants when its parent ends, or 0 */
	int hung_up_pgrp;     /**< tty: foreground group of a leader's terminal
			       * that was hung up, or 0 */
	uint64_t killed_ns;   /**< when it was ended for its memory, or 0 */
	uint32_t uid;	      /**< real user ID at its end */
	struct usage dead;    /**< of threads that have ended */
	struct cputime told;  /**< by getrusage, times and their like */
	uint64_t peak_resident; /**< pages, of address spaces left */

	/* Guarded by lock. */
	struct spinlock lock;
	struct rlimit limits[RLIM_NLIMITS];
	struct program *program; /**< what it runs; NULL: nothing yet */
	char name[16];		 /**< of its first thread: comm */
	struct tty *tty;	 /**< tty: controlling terminal */

	struct proc_signals *signals; /**< signal: handlers, pending */
};

/** Process of the running thread; NULL in a kernel thread. */
static inline struct proc *
current_proc(void)
{
	return current()->proc;
}

/* ---- Finding ---- */

extern struct spinlock proc_lock;
extern struct proc *init_proc;

/** The process that descriptor @p fd stands for, referenced; NULL: none
 * (-EBADF). *@p flags receives the open file's. No locks held. */
struct proc *pidfd_proc(int fd, unsigned *flags);

/** The process with @p pid, or with a thread of that number, referenced,
 * zombies included; or NULL. Takes proc_lock; does not sleep. */
struct proc *proc_find(int pid);
/** The process with @p pid, not referenced; proc_lock held. */
struct proc *proc_find_locked(int pid);
/** The first process with a pid of at least @p pid, or NULL. proc_lock held. */
struct proc *proc_next(int pid);
/** Call @p fn for every process, by pid, under proc_lock: it must not sleep,
 * nor take a process out of the tree. */
void proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg);
/** One more reference to @p p. @return it */
struct proc *proc_get(struct proc *p);
/** Give a reference back. Any context but interrupt handlers. */
void proc_put(struct proc *p);
/** The thread with @p tid, or NULL. Called within rcu_read_lock, or with
 * proc_lock held, and valid as long. */
struct thread *thread_find(int tid);

/** Name thread @p t of a process; of @p name 15 bytes count. The first thread's
 * name is its process's. Does not sleep. */
void thread_set_name(struct thread *t, const char *name);

/* ---- Making, ending ---- */

/**
 * Make a process with one thread that runs @p entry(@p arg) in the kernel: the
 * first process, and self-tests. The thread ends by proc_exit, or enters user
 * mode. The caller has the heap reserved.
 *
 * @param parent  NULL: it becomes init_proc
 * @return the process, referenced; its thread is not started: thread_start of
 *         *@p thread. NULL: no memory, or too many processes
 */
struct proc *proc_create(struct proc *parent, void (*entry)(void *arg),
			 void *arg, struct thread **thread);

/** End the running thread's whole process. @p status as wait4 reports it.
 * Where another thread ends the process already, or is in exec, only the
 * running thread ends. No locks held. */
void proc_exit(int status) __attribute__((noreturn));

/** End the running thread; the process ends with its last one, whose @p status
 * is the process's where proc_exit gave none. No locks held. */
void proc_exit_thread(int status) __attribute__((noreturn));

/* ---- What a process runs: for exec ---- */

/** A program that is being run: shared by a process and those forked from it.
 * While it exists, no one may open its file for writing. */
struct program {
	struct refcount refs;
	struct vnode *vnode;
	char path[]; /**< at the time of exec; "" where it is not known */
};

/** Make one of @p v, whose reference goes with it, as does its
 * vnode_deny_write. Heap: one object. May sleep. @return it, referenced */
struct program *program_new(struct vnode *v);
/** One more reference to @p g. @return it */
struct program *program_get(struct program *g);
/** Give a reference back (NULL: nothing to do); may sleep. */
void program_put(struct program *g);
/** Set what the process runs; the reference goes with it. May sleep. */
void proc_set_program(struct proc *p, struct program *g);

/** Whether the running thread's real user, if not root, has more processes and
 * threads than RLIMIT_NPROC allows this one, those of @p except (or NULL) not
 * counted. Takes proc_lock. */
bool proc_user_over_limit(const struct proc *except);

/**
 * End all other threads of the running process, and give the running one the
 * process's number. On success no thread can be made or end the process until
 * proc_take_memory. No locks held; sleeps.
 * @return 0; -EAGAIN: another thread is in exec, or ends the process; -EINTR:
 *         the thread is to die. Others may have ended then
 */
int proc_become_single(void);

/** After proc_become_single: make @p vm (whose reference goes with it) the
 * process's memory, in the place of what it has; a parent in vfork goes on. No
 * locks held; may sleep. */
void proc_take_memory(struct vmspace *vm);

/** Give the running thread the state in which a program begins (ABI for x86-64,
 * 3.4.1): user frame, FPU, segment bases; all zeros, but for where it begins
 * and its stack pointer. trap_enter_user, or the way out of a system call, then
 * runs it. Heap: fpu_area_size. */
void user_state_init(vaddr_t entry, vaddr_t stack);

/* ---- What others read of a process ---- */

/** Its memory, directories and program; referenced, or NULL: it has given them
 * back, or has had none. proc_lock and p's lock are not held; do not sleep, but
 * to give back what they return may. */
struct vmspace *proc_vmspace(struct proc *p);
struct fs_context *proc_fs(struct proc *p);
struct program *proc_program(struct proc *p);
/** Its descriptors, not referenced: good as long as proc_lock is held. (With a
 * reference they would seem to be shared, and exec would copy them and lose
 * their record locks.) */
struct fdtable *proc_fdtable(struct proc *p);

/** @p ns as seconds and microseconds. */
static inline struct timeval
timeval_of(uint64_t ns)
{
	return (struct timeval){ ns / NS_PER_SEC,
				 ns % NS_PER_SEC / NS_PER_USEC };
}

/** What the process's threads have used, dead ones too. Takes proc_lock. */
struct usage proc_usage(struct proc *p);
/** CPU time of it by where it was spent; proc_lock held. Neither part is ever
 * less than it was. */
struct cputime proc_cputime_locked(struct proc *p);
/** What the process has used, as getrusage() tells it; without its children.
 * No locks held; may sleep. */
void proc_rusage(struct proc *p, struct rusage *ru);
/** What thread @p t has used; ru_maxrss, which is not its alone, is 0.
 * proc_lock held. */
void thread_rusage(struct thread *t, struct rusage *ru);

#define NOFILE_MAX 4096 /**< RLIMIT_NOFILE can be no higher */
/** Soft limit of the running process (RLIM_INFINITY for kernel threads), in the
 * unit of getrlimit(2). Takes no lock: another thread may be setting it. */
uint64_t proc_limit(unsigned resource);
/** Soft limit of any process. */
uint64_t proc_limit_of(struct proc *p, unsigned resource);

struct proc_stats {
	unsigned threads; /**< there are */
	int last_pid;	  /**< given out last */
	uint64_t forks;	  /**< processes and threads made since boot */
};
/** Read them, under proc_lock. */
void proc_stats_get(struct proc_stats *s);

/* ---- Hooks ---- */

/** What later chapters fill in. Unfilled hooks are not called. */
struct proc_ops {
	/** signal: a new process inherits; @p parent NULL: the first. Nobody
	 * else knows @p child yet. No locks held. */
	void (*fork)(struct proc *parent, struct proc *child);
	/** signal: handlers of @p p become the default, ignored signals stay
	 * so. */
	void (*clear_handlers)(struct proc *p);
	/** signal: the same for a thread. child->proc is set. */
	void (*thread_new)(struct thread *parent, struct thread *child);
	/** signal: the process is freed: the last reference to it is going.
	 * May not sleep. */
	void (*free)(struct proc *p);
	/** signal: the running thread ends; it still is on its process's list,
	 * and the process in the tree. No locks held. */
	void (*thread_exit)(struct thread *t);
	/** signal: a child has changed state (died, stopped, continued): tell
	 * the parent, and wake its child_wq. proc_lock held.
	 * @return whether the parent wants no zombie of it */
	bool (*child_changed)(struct proc *child);
	/** signal: end every other thread of the process (exec, exit): they are
	 * told, and end later. No locks held. */
	void (*kill_threads)(struct proc *p);
	/** signal: send @p signo to @p p from the kernel. proc_lock held. */
	void (*send)(struct proc *p, int signo);
	/** tty: a session leader exits. No locks held; may sleep. */
	void (*session_end)(struct proc *leader);
	/** ipc: wake one waiter on the user word @p address (the word that
	 * CLONE_CHILD_CLEARTID names) of the running address space. No locks
	 * held. */
	void (*futex_wake)(uint32_t *address);
	/** ipc: the running thread, which has a robust list, is leaving its
	 * memory: mark the locks on it, and wake. May sleep. */
	void (*release_robust)(struct thread *t);
};
extern struct proc_ops proc_ops;

#endif
