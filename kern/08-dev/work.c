/*
 * Work that sleeps, done for interrupt handlers by one kernel thread, and the
 * pause of device_wait. A driver's recovery from an error runs here: it waits
 * for hardware, which an interrupt handler may not.
 */
#include "devices.h"

/* Most devices answer within these; they do not count as time. */
#define SHORT_ROUNDS 1000
#define LONG_PAUSE   1000000 /* ns: one millisecond */

/* Taken by interrupt handlers, with a driver's lock held. */
static struct spinlock work_lock = SPINLOCK("device work");
static struct list work_list = LIST_INIT(work_list);
static struct waitq work_wq = WAITQ(work_wq, "device work wait");

/* A signal does not cut it short: half a reset is worse than a late one. It
 * needs a thread to sleep in: so drivers wait in their attach or in work, not
 * in a handler. */
bool
device_pause(unsigned round, unsigned ms)
{
	if (round >= SHORT_ROUNDS + ms)
		return false;
	if (round < SHORT_ROUNDS)
		cpu_pause();
	else
		thread_sleep_until(clock_ns() + LONG_PAUSE,
				   WAIT_UNINTERRUPTIBLE);
	return true;
}

void
work_init(struct work *w, void (*fn)(struct work *w))
{
	list_init(&w->link);
	w->fn = fn;
}

void
work_queue(struct work *w)
{
	uint64_t rflags = spin_lock_irqsave(&work_lock);

	if (list_empty(&w->link)) {
		list_add_tail(&w->link, &work_list);
		waitq_wake_one(&work_wq);
	}
	spin_unlock_irqrestore(&work_lock, rflags);
}

/* It is off the list before its function is called: what is asked for during
 * the call is done again, as the call may have looked too early for it. */
static struct work *
work_take(void)
{
	uint64_t rflags = spin_lock_irqsave(&work_lock);
	struct work *w;

	while (list_empty(&work_list))
		waitq_wait_irq(&work_wq, &work_lock, &rflags,
			       WAIT_UNINTERRUPTIBLE, WAIT_FOREVER);
	w = list_first(&work_list, struct work, link);
	list_del(&w->link);
	spin_unlock_irqrestore(&work_lock, rflags);
	return w;
}

static void
work_main(void *arg)
{
	(void)arg;
	for (;;) {
		struct work *w = work_take();

		w->fn(w);
	}
}

void
work_start(void)
{
	kthread_run("devices", work_main, NULL);
}
