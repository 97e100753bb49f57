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
	unsigned waiting;  /* the first real-time thread's priority, or 0 */
	unsigned priority; /* the running thread's, 0: fair or idle */
	struct thread *running, *idle;
	struct thread *previous; /* being switched away from */
	uint64_t min_vruntime;	 /* of the fair ones here; never goes back */
	uint64_t next_turn;	 /* real-time threads' places in line */
	uint64_t period_start;	 /* real-time threads have used ... */
	uint64_t realtime_ns;	 /* ... so much since then */
	uint64_t idle_ns, kernel_ns, switches;
	uint64_t ticks;
	uint64_t next_tick; /* ns; of no meaning while the CPU is idle */
};
extern struct runqueue runqueue; /* per-CPU */

/** Real-time threads in all queues. */
extern _Atomic unsigned realtime_waiting;

/* Of each second, what real-time threads may keep from the others. */
#define REALTIME_SHARE_NS 950000000

#define TICK_NS		  10000000UL /* 100 a second, while a thread runs */

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

/** Put runnable @p t, which is on no queue, on the queue of the best CPU.
 * @p rq, the queue of t->cpu, is locked; it is not any more on return. */
void place(struct runqueue *rq, struct thread *t);

/** Lock the queue of t->cpu, and thereby who may change @p t's place, policy
 * and affinity. Interrupts off. */
struct runqueue *lock_queue_of(struct thread *t);

/** Give @p t, which is on no queue, to @p cpu: let go of the lock of its old
 * queue, @p rq. @return the new one, locked */
struct runqueue *give_to(struct runqueue *rq, struct thread *t, unsigned cpu);

/** Have the CPU of @p rq, which is locked, switch when it may. */
void ask_to_switch(const struct runqueue *rq);

/** Take queued @p t off its queue. The lock is held. */
void runqueue_remove(struct runqueue *rq, struct thread *t);
/** @p t, which slept or ran elsewhere, joins a queue: a real-time thread behind
 * its equals, another near the front, not far ahead: sleeping saves up no
 * claim. The lock is held. */
void runqueue_join(struct runqueue *rq, struct thread *t);

/** Whether @p t may run on @p cpu; on this one. */
static inline bool
allowed_on(const struct thread *t, unsigned cpu)
{
	return t->affinity >> cpu & 1;
}

static inline bool
allowed_here(const struct thread *t)
{
	return allowed_on(t, cpu_id());
}

/** Take a thread from the busiest other CPU onto this one's queue.
 * @return whether there was one */
bool steal(unsigned at_least);

/** Take real-time threads that wait on other CPUs, of a priority above @p
 * priority, until the greatest is here. @return whether there was one */
bool steal_realtime(unsigned priority);

/** Of the CPUs where @p t may run, that where the least urgent runs; @p best,
 * if no other's is less. */
unsigned least_urgent_cpu(const struct thread *t, unsigned best);

/** Real-time @p t has to wait where it is queued: have a CPU where it would not
 * switch, and so take it over. The lock is held. */
void offer(const struct thread *t);

/** A tick has struck: a turn of SCHED_RR may be over. The lock is held. */
void realtime_tick(struct runqueue *rq);

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

#endif
