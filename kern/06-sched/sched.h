/*
 * sched: threads. Each has a kernel stack and is on a CPU's run queue, running,
 * or asleep on a wait queue. All blocking in the kernel is built from wait
 * queues: mutexes, reader-writer locks, sleeping with a time-out.
 */
#ifndef SCHED_H
#define SCHED_H

#include "rbtree.h"
#include "smp.h"

struct proc;
struct vmspace;
struct fdtable;
struct fs_context;
struct sigstate;
struct waitq;

enum thread_state {
	THREAD_RUNNABLE, /**< running, or on a run queue */
	THREAD_SLEEPING, /**< on a wait queue or a timer */
	THREAD_STOPPED,	 /**< job control (signal) */
	THREAD_DEAD,	 /**< its stack is about to be freed */
};

#define NICE_MIN (-20)
#define NICE_MAX 19

/** How a thread's turns are decided; numbered as in sched(7). */
enum sched_policy {
	POLICY_OTHER = 0, /**< fair, by nice */
	POLICY_FIFO = 1,  /**< real-time: runs until it sleeps or yields */
	POLICY_ROUND_ROBIN = 2, /**< real-time: equals take turns */
	POLICY_BATCH = 3,	/**< as POLICY_OTHER */
	POLICY_IDLE = 5,	/**< fair, with less weight than any nice */
};
#define REALTIME_MIN	 1	     /**< priorities of real-time threads */
#define REALTIME_MAX	 99	     /**< the greatest comes first */
#define REALTIME_TURN_NS 100000000UL /**< a turn of POLICY_ROUND_ROBIN */
#define FAIR_TURN_NS	 6000000UL   /**< about a turn of the others */

/** What a thread has used, or all of a process. A thread alone writes its own,
 * and its run queue for it; others read it for statistics. */
struct usage {
	uint64_t cpu_ns;	     /**< time it has run */
	uint64_t user_ns, kernel_ns; /**< of that, up to the last tick: where
				      * the ticks found it */
	uint64_t voluntary, involuntary;     /**< switches: it slept, or not */
	uint64_t minor_faults, major_faults; /**< vm: without the disk, with */
	uint64_t sectors_read, sectors_dirtied; /**< block, cache */
};

/** CPU time as it has been told: neither part ever falls. */
struct cputime {
	uint64_t user_ns, kernel_ns;
};

struct thread {
	struct md_thread md; /**< first: md_current points to it */

	/* Constant while it lives, but for a process's thread's name
	 * (thread_set_name). */
	char name[16];
	int tid; /**< proc gives it; kernel threads have 0 */
	uint64_t kstack_top;
	void (*entry)(void *arg);
	void *entry_arg;

	/* Guarded by the run queue's lock of `cpu`. */
	_Atomic uint32_t state; /**< enum thread_state; see SCHED2 */
	unsigned cpu;		/**< where it runs or ran last */
	bool on_cpu;		/**< its stack is in use right now */
	bool queued;		/**< in one of the run queue's trees */
	struct rbnode run_node;
	uint64_t vruntime;    /**< weighted ns it has run */
	uint64_t slice_start; /**< clock_ns when it was switched to */
	uint64_t saved_rsp;
	int nice;	    /**< NICE_MIN (most CPU) to NICE_MAX */
	uint32_t weight;    /**< share of CPU that nice gives, 1024 at 0 */
	uint8_t policy;	    /**< enum sched_policy */
	uint8_t priority;   /**< real-time, 0: fair; SCHED5 */
	bool reset_on_fork; /**< proc: children are fair */
	uint16_t io_prio;   /**< priority's; guarded by proc_lock */
	uint64_t turn;	    /**< real-time: place in line */
	uint64_t turn_ns;   /**< how much of its turn it has used */
	cpuset_t affinity;

	struct usage usage;

	/* Guarded by the wait queue's lock. */
	struct waitq *waiting_on;
	struct list wait_link;

	/* Interruption: set by thread_interrupt, see there. */
	_Atomic uint32_t interrupt; /**< INTERRUPT_* */

	/* Heap reservation of the call it is in (chapter heap): pages. */
	union {
		struct {
			uint32_t heap_granted;
			uint32_t heap_taken; /**< by slabs for it; release */
		};
		uint64_t heap_begun; /**< both, to set them at once */
	};
	uint32_t heap_asleep; /**< to be reserved again after the sleep */

	struct rcu_head rcu; /**< frees it */
#ifdef DEBUG
	struct held_locks held;
	struct heap_count heap_count;
#endif

	/* Owned by later chapters, which alone look inside. */
	struct proc *proc;	   /**< proc; NULL: kernel thread */
	struct vmspace *vmspace;   /**< vm */
	struct fdtable *fdtable;   /**< files: descriptors */
	struct fs_context *fs;	   /**< vfs: cwd, root, umask, credentials */
	struct sigstate *sigstate; /**< signal */
	struct transaction *transaction; /**< journal: of its operation */
	unsigned credits;      /**< journal: blocks it may yet change */
	struct list proc_link; /**< proc: threads of the process */
	struct cputime told;   /**< proc: by getrusage */
	uint32_t *clear_tid;   /**< proc: user word cleared at exit */
	void *robust_list;     /**< proc: set_robust_list's head */
	struct list all_link;  /**< all threads */
};

/** The running thread; never NULL once sched is up. */
static inline struct thread *
current(void)
{
	return (struct thread *)this_cpu(md_current);
}

struct sched_ops {
	/** vm: switch from @p prev's address space to @p next's. Run queue
	 * locked, interrupts off. */
	void (*switch_vm)(struct thread *prev, struct thread *next);
	/** A thread is freed: release what later chapters hung on it. Called
	 * from an RCU callback: it may not sleep. */
	void (*thread_free)(struct thread *t);
	/** signal: a tick has struck while user thread @p t ran. Interrupt
	 * context. */
	void (*tick)(struct thread *t);
	/** heap: the running thread is about to sleep interruptibly, holding
	 * no locks: its reservation can be given back. */
	void (*sleep_begin)(void);
	/** heap: it is awake, and holds no lock yet: reserve again. */
	void (*sleep_end)(void);
};
extern struct sched_ops sched_ops;

/* ---- Threads ---- */

/**
 * Create a thread that runs @p entry(@p arg) in the kernel. It is not runnable
 * until thread_start.
 * @return the thread, or NULL where there is no memory for its stack
 */
struct thread *thread_create(const char *name, void (*entry)(void *arg),
			     void *arg);

/** Make a created thread runnable. */
void thread_start(struct thread *t);

/** Free a thread that was created but never started. */
void thread_discard(struct thread *t);

/** A kernel thread, created and started; panics where there is no memory:
 * for the kernel's own threads at start-up. */
struct thread *kthread_run(const char *name, void (*entry)(void *arg),
			   void *arg);

/** End the running thread; its memory is freed once another one runs. */
void thread_exit(void) __attribute__((noreturn));

/** Time that @p t has run: of the running thread, up to now; of others, up to
 * their last tick or switch. Any context. */
uint64_t thread_cpu_ns(const struct thread *t);

/** Let others run; returns when it is this thread's turn again. */
void thread_yield(void);

/** Set the nice value of @p t, NICE_MIN to NICE_MAX. */
void thread_set_nice(struct thread *t, int nice);

/** Set the policy of @p t, and its priority: REALTIME_MIN to REALTIME_MAX with
 * a real-time policy, else 0. It is last among its equals then. */
void thread_set_policy(struct thread *t, enum sched_policy policy,
		       unsigned priority);

/** Restrict @p t to @p cpus. Where it waits or sleeps it does not run elsewhere
 * any more; one that runs on another CPU leaves it within an interrupt's time.
 * @return 0; -EINVAL: none of them runs */
int thread_set_affinity(struct thread *t, cpuset_t cpus);

/** Call @p fn for every thread, under the list's lock: it may not sleep. */
void thread_for_each(void (*fn)(struct thread *t, void *arg), void *arg);

/** Threads that run or want to, on all CPUs. Any context. */
unsigned sched_runnable(void);
/** How long @p cpu has been idle, in ns. Any context. */
uint64_t sched_idle_ns(unsigned cpu);
/** How much of the rest it was in the kernel, as its ticks found. */
uint64_t sched_kernel_ns(unsigned cpu);
/** Switches since the start, on all CPUs. */
uint64_t sched_context_switches(void);

/* ---- Interrupting sleepers ---- */

#define INTERRUPT_SIGNAL 0x1 /**< wakes interruptible sleeps */
#define INTERRUPT_KILL	 0x2 /**< wakes killable sleeps too */

/**
 * Make @p t's interruptible (or, with INTERRUPT_KILL, killable) sleeps return
 * -EINTR, now and until thread_clear_interrupt. Any context.
 */
void thread_interrupt(struct thread *t, uint32_t how);

/** The reason is dealt with: @p t may sleep interruptibly again. */
void thread_clear_interrupt(struct thread *t, uint32_t how);

static inline bool
thread_interrupted(uint32_t how)
{
	return current()->interrupt & how;
}

/** Whether the running thread is to die: long work should be given up. */
static inline bool
thread_killed(void)
{
	return thread_interrupted(INTERRUPT_KILL);
}

/* ---- Wait queues ---- */

/**
 * Threads waiting for a condition. The condition is guarded by the queue's own
 * lock or by another spinlock or mutex that the waiter gives to the wait.
 */
struct waitq {
	struct spinlock lock; /* taken with interrupts off */
	struct list waiters;  /* struct thread.wait_link, first come first */
	struct list watches;  /* struct waitq_watch.link */
};

#define WAITQ(name, lock_name)                                                 \
	{                                                                      \
		SPINLOCK(lock_name), LIST_INIT((name).waiters),                \
			LIST_INIT((name).watches)                              \
	}

/** Initialise an empty queue. @p lock_name names the class of its lock. */
void waitq_init(struct waitq *wq, const char *lock_name);

/** For who waits on several queues at once (poll, epoll): a function that each
 * wake-up of the queue calls. */
struct waitq_watch {
	struct list link;
	/** One of several of which one is enough: once so many of this kind
	 * have woken somebody as are to be woken, no more of them are called.
	 */
	bool exclusive;
	/** Any context, with the queue's lock held, interrupts off: may wake
	 * threads, and queues that come after this one in the lock order.
	 * @return whether somebody was woken */
	bool (*wake)(struct waitq_watch *w);
};

/**
 * Add a watch. To miss nothing, the caller then looks at the condition under
 * the lock that guards it.
 */
void waitq_watch(struct waitq *wq, struct waitq_watch *w);

/** Take a watch off: its function is not running any more on return. */
void waitq_unwatch(struct waitq *wq, struct waitq_watch *w);

enum wait_how {
	WAIT_UNINTERRUPTIBLE, /**< short waits that surely end (disk) */
	WAIT_KILLABLE,	      /**< only a fatal signal ends it early */
	WAIT_INTERRUPTIBLE,   /**< any signal does */
};

#define WAIT_FOREVER UINT64_MAX

/**
 * Wait on @p wq until woken. The caller tests its condition in a loop:
 *
 *	spin_lock(&x->lock);
 *	while (!x->ready)
 *		if ((error = waitq_wait(&x->wq, &x->lock, how, deadline)))
 *			break;
 *
 * Atomically (no wake-up is lost, SCHED1) releases @p lock, sleeps, and takes
 * @p lock again. @p lock is a spinlock held without irqsave, the only lock
 * held. An interruptible wait is a checkpoint of the heap reservation: it is
 * given back while asleep.
 *
 * @param deadline  clock_ns at which to give up, or WAIT_FOREVER
 * @return 0 woken; -EINTR interrupted; -ETIMEDOUT past the deadline
 */
int waitq_wait(struct waitq *wq, struct spinlock *lock, enum wait_how how,
	       uint64_t deadline);

/** The same for a condition that interrupt handlers change: @p lock, which may
 * be the queue's own, was taken with spin_lock_irqsave, whose result is
 * @p rflags; on return it is again. */
int waitq_wait_irq(struct waitq *wq, struct spinlock *lock, uint64_t *rflags,
		   enum wait_how how, uint64_t deadline);

struct mutex;
/** The same under a mutex, as with a condition variable. */
int waitq_wait_mutex(struct waitq *wq, struct mutex *mutex, enum wait_how how,
		     uint64_t deadline);

/** Wake one waiter, or all. Any context. @return how many were woken */
unsigned waitq_wake_one(struct waitq *wq);
unsigned waitq_wake_all(struct waitq *wq);

/** The same, up to @p limit waiters, for a condition that the queue's own lock
 * guards: it is held, taken with irqsave. */
unsigned waitq_wake_held(struct waitq *wq, unsigned limit);

/** Woken, all, after CLOCK_REALTIME has been set: for who waits for a time of
 * day. Its lock comes before those of what its watches wake. */
extern struct waitq clock_set_wq;

/** Sleep until clock_ns is @p deadline. @return 0, or -EINTR */
int thread_sleep_until(uint64_t deadline, enum wait_how how);

/**
 * Low-level sleep, for waiting on several things at once (poll): announce the
 * sleep, then test, then thread_sleep; thread_wake in between cancels it.
 */
void thread_sleep_prepare(void);
/** Take the announcement back. */
void thread_sleep_cancel(void);
/** Sleep unless woken since thread_sleep_prepare.
 * @return 0, -EINTR, -ETIMEDOUT */
int thread_sleep(enum wait_how how, uint64_t deadline);
/** Wake @p t from any sleep that it has announced. Any context. */
void thread_wake(struct thread *t);

/* ---- Locks that sleep ---- */

struct mutex {
	_Atomic uintptr_t owner; /**< struct thread *, | 1: there are waiters */
	struct waitq waiters;
#ifdef DEBUG
	struct lock_debug debug;
#endif
};

/** Initialise a free mutex of lock class @p name (a string that stays). */
void mutex_init(struct mutex *m, const char *name);
/** Take @p m; may sleep. Not recursive. */
void mutex_lock(struct mutex *m);
/** The same while another of its class is held: @p subclass, from 1 on, says
 * to the lock checker which of them it is. */
void mutex_lock_nested(struct mutex *m, unsigned subclass);
/** Take @p m if it is free; does not sleep. @return whether it was */
bool mutex_trylock(struct mutex *m);
/** Let @p m go, which the running thread holds, and wake one waiter. */
void mutex_unlock(struct mutex *m);
/** Whether the running thread holds @p m. */
bool mutex_held(const struct mutex *m);

/** Many readers or one writer; a waiting writer holds off new readers. */
struct rwlock {
	_Atomic uint32_t state;	  /**< RW_* flags and the number of readers */
	unsigned writers_waiting; /* guarded by wq.lock */
	struct waitq wq;
#ifdef DEBUG
	struct lock_debug debug;
#endif
};

/** Initialise a free lock of class @p name (a string that stays). */
void rwlock_init(struct rwlock *l, const char *name);
/** Take @p l for reading; may sleep. Not recursive: a writer that waits in
 * between would hold the second one off. */
void rwlock_read_lock(struct rwlock *l);
/** The same without waiting. @return whether it was to be had */
bool rwlock_read_trylock(struct rwlock *l);
/** Let go of it; the last reader wakes who waits. */
void rwlock_read_unlock(struct rwlock *l);
/** Take @p l for writing; may sleep. */
void rwlock_write_lock(struct rwlock *l);
/** The same while another of its class is held; see mutex_lock_nested. */
void rwlock_write_lock_nested(struct rwlock *l, unsigned subclass);
/** Let go of it, and wake all who wait. */
void rwlock_write_unlock(struct rwlock *l);

/* ---- Timers ---- */

/** A function called at a time, in interrupt context on some CPU. */
struct timer {
	struct rbnode node;
	uint64_t when;
	void (*fn)(struct timer *t);
	unsigned cpu;
	bool armed;
};

void timer_init(struct timer *t, void (*fn)(struct timer *t));
/** Arm @p t for clock_ns @p when; re-arms if it is armed. Any context. The
 * caller sees to it that nobody else arms it meanwhile. */
void timer_arm(struct timer *t, uint64_t when);
/** Disarm @p t and wait until its function is not running (not from within
 * it). @return whether it was armed */
bool timer_disarm(struct timer *t);

#endif
