/*
 * timer: the timers of processes, and the calls that sleep. A timer's whole
 * state is guarded by the lock of its process's signals, under which it sends.
 */
#ifndef TIMER_H
#define TIMER_H

#include "sigstate.h"

#define NITIMERS 3 /**< ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF */

/** An interval timer of setitimer. Guarded by signals->lock, but for what
 * itimers_init has set. */
struct itimer {
	/** May be armed while the timer is off, never while `q` is queued
	 * without having been set anew since (TIMER1, TIMER2). */
	struct timer timer;
	/** When it goes off: clock_ns, or ns of the process's time in user mode
	 * (VIRTUAL) or in all (PROF); 0: off. */
	uint64_t when;
	uint64_t interval;	      /**< ns; 0: once */
	struct proc_signals *signals; /**< whose it is; no reference */
	struct queued_signal q;	      /**< its signal; never freed by itself */
};

/** The timers of a process, a heap object of its own: made and freed with its
 * proc_signals, whose lock guards all of it. */
struct process_timers {
	struct itimer intervals[NITIMERS]; /* by ITIMER_* */
	struct rbroot posix;		   /* of timer_create, by number */
	unsigned nposix; /* in the tree; they count as queued signals */
	int last_posix;	 /* number that is to be tried next */
};

/** Clocks of processes and threads have negative numbers: the pid's complement,
 * of 0 for who asks, above three bits that say what is counted (man 3
 * clock_getcpuclockid): kind 1 is the time in user mode, up to the last tick;
 * 0 and 2 are all of it. There is no kind 3. */
#define CPUCLOCK_THREAD	 4
#define CPUCLOCK_USER	 1
#define CPUCLOCK_KIND(c) ((c)&3)
#define CPUCLOCK_PID(c)	 (~((c) >> 3))

/** CPU time in ns of all threads of the process, those included that have ended
 * or run right now on another CPU. Called with @p s's lock held, in any
 * context. A value may be a little behind: other CPUs account without this
 * lock. */
uint64_t process_cpu_time(const struct proc_signals *s);
/** Of that, time in user mode, up to the threads' last ticks. */
uint64_t process_user_time(const struct proc_signals *s);
/** The same of any process, by a clock of kind @p kind. Takes proc_lock. */
uint64_t cpu_clock_of_proc(struct proc *p, int kind);

/** Grains, in ns: CPU time is looked at no more often than CPU_TIMER_GRAIN, and
 * no timer repeats more often than TIMER_GRAIN: others want to run, too. One
 * whose signal is ignored has time: IGNORED_GRAIN. What falls between is an
 * overrun of the next signal. */
#define CPU_TIMER_GRAIN 1000000UL
#define TIMER_GRAIN	50000UL
#define IGNORED_GRAIN	10000000UL

/** itimer.c: set up the three timers of new process @p s, off; s->timers is
 * there. No locks are needed: nobody else sees it yet. Does not sleep. */
void itimers_init(struct proc_signals *s);
/** The process ends: turn its timers off, and wait until none goes off any
 * more. May be called again. No locks are held: a timer's function takes
 * @p s's. Does not sleep; may spin while a function runs elsewhere. */
void itimers_stop(struct proc_signals *s);

/** timer.c: delete all timers of timer_create, and their pending signals: at
 * exec (POSIX.1-2017, timer_create()) and at the end. No locks are held. */
void posix_timers_end(struct proc_signals *s);

#endif
