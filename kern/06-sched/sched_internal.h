/*
 * What the files of chapter sched share among themselves.
 */
#ifndef SCHED_INTERNAL_H
#define SCHED_INTERNAL_H

#include "sched.h"

/** SCHED1: a thread that has announced its sleep (state SLEEPING) and is woken
 * before it sleeps does not sleep.
 * SCHED2: a thread is in at most one run queue, that of t->cpu; the queue's
 * lock guards its state, its cpu and on_cpu. */
struct runqueue {
	struct spinlock lock;
	/* The running thread is in no tree. */
	struct rbroot fair;	/* by vruntime */
	struct rbroot realtime; /* by priority and turn: SCHED5 */
	unsigned nqueued;	/* in both */
	unsigned nrealtime;
	unsigned priority; /* the running thread's, 0: fair or idle */
	struct thread *running, *idle;
	struct thread *previous; /* being switched away from */
	uint64_t min_vruntime;	 /* of the fair ones here; never goes back */
	uint64_t next_turn;	 /* real-time threads' places in line */
	uint64_t period_start;	 /* real-time threads have used ... */
	uint64_t realtime_ns;	 /* ... so much since then */
	uint64_t idle_ns, switches;
	uint64_t ticks;
};
extern struct runqueue runqueue; /* per-CPU */

#define TICK_NS 10000000UL /* 100 a second, while a thread runs */

/** Charge the running thread for its time until @p now. The lock is held. */
void account(struct runqueue *rq, uint64_t now);

/** Switch to another thread. Preemption off once, interrupts off.
 * @param preempted  the thread did not ask: it stays runnable */
void schedule(bool preempted);

/** Have an idle CPU, if there is one, look for work to take. */
void call_idle_cpu(void);

/** A new thread's part of a switch: the old thread is off its stack. */
void finish_switch(void);

/** Make the boot flow a thread and let the other CPUs schedule. */
struct thread *sched_start(void);

/** Top of the stack that the boot flow runs on; it is not from kstack_alloc. */
extern uint8_t boot_stack_top[];

/** Put runnable @p t, which is on no queue, on the queue of the best CPU. */
void place(struct thread *t);

/** Take queued @p t off its queue. The lock is held. */
void runqueue_remove(struct runqueue *rq, struct thread *t);
/** @p t, which slept or ran elsewhere, joins a queue: a real-time thread behind
 * its equals, another near the front, not far ahead: sleeping saves up no
 * claim. The lock is held. */
void runqueue_join(struct runqueue *rq, struct thread *t);

/** Whether @p t may run on this CPU. */
static inline bool
allowed_here(const struct thread *t)
{
	return t->affinity >> cpu_id() & 1;
}

/** Take a thread from the busiest other CPU onto this one's queue.
 * @return whether there was one */
bool steal(unsigned at_least);

/** Take a real-time thread that waits on another CPU, if it comes before what
 * runs here. @return whether there was one */
bool steal_realtime(void);

/** A tick has struck: a second, or a turn of SCHED_RR, may be over. The lock is
 * held. */
void realtime_tick(struct runqueue *rq, uint64_t now);

/** Wake up to @p limit waiters; wq->lock is held. @return how many */
unsigned waitq_wake_locked(struct waitq *wq, unsigned limit);

/** Timers of this CPU: run what is due / the time of the next. Interrupts
 * off. */
void timers_run(uint64_t now);
uint64_t timers_next(void);

/** Program this CPU's next timer interrupt. Interrupts off. */
void tick_program(void);

/** Weight of a nice value; of thread @p t. */
uint32_t nice_weight(int nice);
uint32_t thread_weight(const struct thread *t);

/** Recompute the load averages; every 5 s on CPU 0. */
void load_update(void);

#endif
