/*
 * timer: the timers of processes, and the calls that sleep. A timer's whole
 * state is guarded by the lock of its process's signals, under which it sends.
 */
#ifndef TIMER_H
#define TIMER_H

#include "sigstate.h"

#define NITIMERS 3

/** An interval timer of setitimer. */
struct itimer {
	struct timer timer;
	/** When it goes off: clock_ns, or ns of the process's time in user mode
	 * (VIRTUAL) or in all (PROF); 0: off. */
	uint64_t when;
	uint64_t interval; /**< ns; 0: once */
	struct proc_signals *signals;
	struct queued_signal q;
};

/** The timers of a process. */
struct process_timers {
	struct itimer intervals[NITIMERS];
	struct rbroot posix; /* of timer_create, by number */
	unsigned nposix;
	int last_posix; /* number that is to be tried next */
};

/** Clocks of processes and threads have negative numbers: the pid's complement,
 * of 0 for who asks, above three bits that say what is counted (man 3
 * clock_getcpuclockid). There is no kind 3. */
#define CPUCLOCK_THREAD	 4
#define CPUCLOCK_KIND(c) ((c)&3)
#define CPUCLOCK_PID(c)	 (~((c) >> 3))

/** CPU time of all threads. The lock is held. */
uint64_t process_cpu_time(const struct proc_signals *s);

/** CPU time is looked at no more often than this, and no timer repeats more
 * often than that, in ns: others want to run, too; one whose signal is ignored
 * has time. */
#define CPU_TIMER_GRAIN 1000000UL
#define TIMER_GRAIN	50000UL
#define IGNORED_GRAIN	10000000UL

/** itimer.c: the timers of a new process; the process ends, and none goes off
 * any more. No locks are held. */
void itimers_init(struct proc_signals *s);
void itimers_stop(struct proc_signals *s);

/** timer.c: delete all timers of timer_create. No locks are held. */
void posix_timers_end(struct proc_signals *s);

#endif
