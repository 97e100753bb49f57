/*
 * Self-tests of chapter event, with kernel threads at the ends of pipes.
 */
#include "inqueue.h"
#include "pipe.h"
#include "poll.h"
#include "string.h"
#include "timerfd.h"
#include "test_event.h"

struct file *test_ends[2];

int64_t
test_get(void)
{
	char byte;
	struct iovec iov;
	struct uio u = uio_kernel(&iov, &byte, 1);

	return file_read(test_ends[0], &u, NULL);
}

int64_t
test_put(void)
{
	char byte = 'x';
	struct iovec iov;
	struct uio u = uio_kernel(&iov, &byte, 1);

	return file_write(test_ends[1], &u, NULL);
}

bool
test_with_pipe(bool (*body)(void))
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	ok = pipe_new(O_NONBLOCK, test_ends) == 0 && body();
	file_put(test_ends[0]);
	file_put(test_ends[1]);
	heap_end();
	return ok;
}

static struct spinlock done_lock = SPINLOCK("event test");
static struct waitq done_wq = WAITQ(done_wq, "event test queue");
static unsigned done_count;

void
test_tell_done(void)
{
	spin_lock(&done_lock);
	done_count++;
	waitq_wake_all(&done_wq);
	spin_unlock(&done_lock);
}

void
test_wait_done(unsigned n)
{
	spin_lock(&done_lock);
	while (done_count < n)
		waitq_wait(&done_wq, &done_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	done_count = 0;
	spin_unlock(&done_lock);
}

static void
write_one(void *arg)
{
	(void)arg;
	test_put();
	test_tell_done();
}

/* ---- poll ---- */

static int
scan_read_end(struct poller *p, void *arg)
{
	struct poll_table *table = p->hang ? &p->table : NULL;

	(void)arg;
	p->file = test_ends[0];
	return file_poll(test_ends[0], table) & POLLIN ? 1 : 0;
}

static bool
poll_sees_write(void)
{
	int before, after;

	before = poll_wait(scan_read_end, NULL, 0);
	kthread_run("pipe writer", write_one, NULL);
	after = poll_wait(scan_read_end, NULL, WAIT_FOREVER);
	test_wait_done(1);
	return before == 0 && after == 1 &&
	       poll_wait(scan_read_end, NULL, clock_ns()) == 1;
}

SELFTEST(event_poll_wakes_on_a_write)
{
	CHECK(test_with_pipe(poll_sees_write));
}

/* So many watches on one file that they need several pages. */
static int
scan_many_times(struct poller *p, void *arg)
{
	unsigned i;

	for (i = 0; i < 500; i++)
		scan_read_end(p, arg);
	return 0;
}

static bool
many_watches(void)
{
	struct pipe *p = test_ends[0]->private_data;
	uint32_t refs = ref_count(&test_ends[0]->refs);

	return poll_wait(scan_many_times, NULL, clock_ns() + 1) == 0 &&
	       list_empty(&p->read_wq.watches) &&
	       ref_count(&test_ends[0]->refs) == refs;
}

SELFTEST(event_poll_with_many_watches_leaves_none)
{
	CHECK(test_with_pipe(many_watches));
}

/* ---- timerfd, when the clock is set ---- */

#define HOUR 3600l

static int64_t
read_timer(struct file *f)
{
	uint64_t ticks = 0;
	struct iovec iov;
	struct uio u = uio_kernel(&iov, &ticks, sizeof(ticks));
	int64_t n = file_read(f, &u, NULL);

	return n < 0 ? n : (int64_t)ticks;
}

/* A timer for the time of day in an hour, and the clock set two hours ahead.
 * @return what a read says then */
static int64_t
set_clock_under(unsigned flags)
{
	struct file *f = timerfd_new(CLOCK_REALTIME, O_NONBLOCK);
	int64_t day = clock_realtime_ns(), n = -EAGAIN;
	struct itimerspec new = { .it_value.tv_sec =
					  day / (int64_t)NS_PER_SEC + HOUR };
	struct itimerspec old;

	timerfd_set(f, flags | TFD_TIMER_ABSTIME, &new, &old);
	if (read_timer(f) == -EAGAIN) {
		clock_realtime_set(day + 2 * HOUR * (int64_t)NS_PER_SEC);
		while (!(file_poll(f, NULL) & POLLIN))
			thread_yield();
		n = read_timer(f);
		clock_realtime_set(clock_realtime_ns() -
				   2 * HOUR * (int64_t)NS_PER_SEC);
	}
	file_put(f);
	return n;
}

SELFTEST(event_timer_follows_the_clock_of_the_day)
{
	heap_begin(HEAP_BOUND(selftest));
	CHECK(set_clock_under(0) == 1);
	CHECK(set_clock_under(TFD_TIMER_CANCEL_ON_SET) == -ECANCELED);
	CHECK(list_empty(&clock_set_wq.watches));
	heap_end();
}

/* ---- inotify's queue ---- */

SELFTEST(event_inotify_queue_keeps_order_over_pages)
{
	struct inqueue q = { 0 };
	struct inrecord r;
	unsigned i;
	bool ok = true;

	for (i = 0; i < 1000; i++) {
		inqueue_put(&q, i, IN_CREATE, 0, "0123456789abcdef", i % 17);
		inqueue_put(&q, i, IN_CREATE, 0, "0123456789abcdef", i % 17);
	}
	for (i = 0; i < 1000; i++) {
		ok &= inqueue_next(&q) ==
		      sizeof(r.event) + (i % 17 < 16 ? 16 : 32);
		inqueue_take(&q, &r);
		ok &= r.event.wd == (int)i && strlen(r.name) == i % 17;
	}
	CHECK(ok);
	CHECK(inqueue_next(&q) == 0 && inqueue_bytes(&q) == 0 && !q.first);
}
