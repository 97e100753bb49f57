/*
 * For exercise 3: a wake-up at every moment of going to sleep. The booted
 * thread sleeps; a timer interrupt strikes a given number of instructions after
 * it set out to, and wakes it, or wakes a thread that does, which gets the CPU
 * at the next instruction that lets it. A sleeper who missed that is found some
 * time later, counted, and woken again.
 *
 * One CPU. A third thread halts in the background, so that there is no idle
 * thread, which would program the timer.
 */
#include "agent.h"
#include "sched_internal.h"

#define RESCUE_NS  2000000
#define TIMER_STEP 16 /* ns: how finely the local APIC's timer can be set */
#define FINE	   8  /* steps in between, by waiting */

enum window {
	WINDOW_LOW,	  /* thread_sleep; an interrupt wakes */
	WINDOW_IRQ,	  /* waitq_wait_irq; the same */
	WINDOW_SPINLOCK,  /* waitq_wait; a thread wakes */
	WINDOW_INTERRUPT, /* the same, which then interrupts the sleeper */
};

uint64_t agent_lost, agent_woken, agent_slept;
uint64_t agent_window(uint64_t kind, uint64_t first, uint64_t n);
uint64_t agent_window_prepare(void);

static enum window window;
static struct thread *sleeper, *waker;
static _Atomic bool go, flag;
static bool struck;
static unsigned woken;
static struct spinlock lock = SPINLOCK("agent window");
static struct waitq wq = WAITQ(wq, "agent window queue");

static void
wake_by_thread(void *arg)
{
	(void)arg;
	for (;;) {
		thread_sleep_prepare();
		if (!go) {
			thread_sleep(WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
			continue;
		}
		thread_sleep_cancel();
		go = false;
		spin_lock(&lock);
		flag = true;
		woken += waitq_wake_one(&wq);
		if (window == WINDOW_INTERRUPT)
			thread_interrupt(sleeper, INTERRUPT_SIGNAL);
		spin_unlock(&lock);
	}
}

static void
stay_in_the_background(void *arg)
{
	(void)arg;
	for (;;)
		sti_hlt();
}

static void
rescue(struct thread *t)
{
	if (t->state == THREAD_SLEEPING && !t->queued) {
		agent_lost++;
		thread_wake(t);
	}
}

/* The wake-up that the sleeper must not miss. */
static void
wake_now(void)
{
	if (window == WINDOW_LOW) {
		flag = true;
		thread_wake(sleeper);
	} else if (window == WINDOW_IRQ) {
		flag = true;
		woken += waitq_wake_one(&wq);
	} else {
		go = true;
		thread_wake(waker);
	}
}

/* Instead of the tick. */
static void
strike(bool user)
{
	(void)user;
	if (!struck)
		wake_now();
	else if (flag || go)
		rescue(go ? waker : sleeper);
	struck = true;
	preempt_ask();
	timer_program(clock_ns() + RESCUE_NS);
}

static void
set_out(uint64_t offset)
{
	uint64_t rflags = irq_save(), delay = offset % FINE;

	struck = false;
	flag = false;
	go = false;
	woken = 0;
	timer_program(clock_ns() + offset / FINE * TIMER_STEP);
	while (delay--)
		asm volatile("" : : : "memory");
	irq_restore(rflags);
}

static int
sleep_low(void)
{
	do {
		thread_sleep_prepare();
		if (flag)
			thread_sleep_cancel();
		else
			thread_sleep(WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	} while (!flag);
	return 0;
}

static int
sleep_irq(void)
{
	uint64_t rflags = spin_lock_irqsave(&wq.lock);

	while (!flag)
		waitq_wait_irq(&wq, &wq.lock, &rflags, WAIT_UNINTERRUPTIBLE,
			       WAIT_FOREVER);
	spin_unlock_irqrestore(&wq.lock, rflags);
	return 0;
}

static int
sleep_spinlock(enum wait_how how)
{
	int error = 0;

	spin_lock(&lock);
	while (!flag && !error)
		error = waitq_wait(&wq, &lock, how, WAIT_FOREVER);
	spin_unlock(&lock);
	thread_clear_interrupt(sleeper, INTERRUPT_SIGNAL);
	return error;
}

static void
one_window(uint64_t offset)
{
	int error;

	set_out(offset);
	if (window == WINDOW_LOW)
		error = sleep_low();
	else if (window == WINDOW_IRQ)
		error = sleep_irq();
	else
		error = sleep_spinlock(window == WINDOW_SPINLOCK
					       ? WAIT_UNINTERRUPTIBLE
					       : WAIT_INTERRUPTIBLE);
	agent_woken += woken;
	agent_slept += woken && !error;
	while (!struck || go)
		thread_yield();
}

/** Sleep @p n times; the wake-ups come from @p first steps of time on, each a
 * step later.
 * @return how many have been lost so far */
uint64_t
agent_window(uint64_t kind, uint64_t first, uint64_t n)
{
	uint64_t i;

	window = kind;
	for (i = 0; i < n; i++)
		one_window(first + i);
	cli();
	timer_program(UINT64_MAX);
	sti();
	return agent_lost;
}

/** Once after the boot. */
uint64_t
agent_window_prepare(void)
{
	cli();
	smp_ops.timer = strike;
	timer_program(UINT64_MAX);
	sti();
	sleeper = current();
	waker = kthread_run("waker", wake_by_thread, NULL);
	kthread_run("background", stay_in_the_background, NULL);
	return 0;
}
