/*
 * Self-tests of epoll on several CPUs: wake-ups through nested epolls while
 * members come and go, and files that are closed in the middle.
 */
#include "epoll.h"
#include "poll.h"
#include "test_event.h"

#define WRITERS 3
#define BYTES	300
#define ROUNDS	200

static struct file *outer, *inner;

static int
change(struct file *ep, int op, struct file *f, int fd, unsigned events)
{
	struct epoll_event e = { events, 0 };

	return epoll_change(ep, op, f, fd, &e);
}

/* poll_wait's scan: whether @p arg, a file, is ready. */
static int
scan_file(struct poller *p, void *arg)
{
	struct file *f = arg;

	p->file = f;
	return file_poll(f, p->hang ? &p->table : NULL) & POLLIN ? 1 : 0;
}

/* Run @p body with outer, which waits for inner, which waits for the pipe. */
static bool
nested(bool (*body)(void))
{
	bool ok;

	outer = epoll_new();
	inner = epoll_new();
	ok = change(outer, EPOLL_CTL_ADD, inner, 0, EPOLLIN) == 0 &&
	     change(inner, EPOLL_CTL_ADD, test_ends[0], 0, EPOLLIN) == 0 &&
	     body();
	file_put(outer);
	file_put(inner);
	return ok;
}

static void
write_bytes(void *arg)
{
	unsigned i;

	(void)arg;
	heap_begin(HEAP_BOUND(selftest));
	for (i = 0; i < BYTES; i++)
		while (test_put() != 1)
			thread_yield();
	heap_end();
	test_tell_done();
}

/* The same file again and again, under another number. */
static void
add_and_remove(void *arg)
{
	unsigned i;

	(void)arg;
	heap_begin(HEAP_BOUND(selftest));
	for (i = 0; i < ROUNDS; i++) {
		change(inner, EPOLL_CTL_ADD, test_ends[0], 1, EPOLLIN);
		change(inner, EPOLL_CTL_MOD, test_ends[0], 1,
		       EPOLLIN | EPOLLET);
		change(inner, EPOLL_CTL_DEL, test_ends[0], 1, 0);
	}
	heap_end();
	test_tell_done();
}

/* The reader empties the pipe before it waits: each wait ends by a wake-up that
 * must not be lost on its way through two epolls. */
static bool
bytes_arrive(void)
{
	unsigned i, got = 0;

	for (i = 0; i < WRITERS; i++)
		kthread_run("epoll writer", write_bytes, NULL);
	kthread_run("epoll changer", add_and_remove, NULL);
	while (got < WRITERS * BYTES) {
		poll_wait(scan_file, outer, WAIT_FOREVER);
		while (test_get() == 1)
			got++;
	}
	test_wait_done(WRITERS + 1);
	return file_poll(outer, NULL) == 0 && list_empty(&outer->epolls);
}

static bool
through_two_epolls(void)
{
	return nested(bytes_arrive);
}

SELFTEST(event_epoll_loses_no_wake_up_in_a_nest)
{
	CHECK(test_with_pipe(through_two_epolls));
}

/* ---- Closing ---- */

/* Files that become ready and are closed while the epoll is looked at. */
static void
close_files(void *arg)
{
	struct file *ends[2];
	unsigned i;

	heap_begin(HEAP_BOUND(selftest));
	for (i = 0; i < ROUNDS; i++) {
		pipe_new(O_NONBLOCK, ends);
		change(inner, EPOLL_CTL_ADD, ends[0], (int)(uintptr_t)arg,
		       EPOLLIN);
		file_put(ends[1]); /* a hang-up: it is ready */
		file_put(ends[0]);
	}
	heap_end();
	test_tell_done();
}

static bool
files_go(void)
{
	struct epoll *e = inner->private_data;
	unsigned i;

	for (i = 0; i < WRITERS; i++)
		kthread_run("epoll closer", close_files,
			    (void *)(uintptr_t)(i + 1));
	for (i = 0; i < ROUNDS; i++) {
		file_poll(outer, NULL);
		thread_yield();
	}
	test_wait_done(WRITERS);
	/* the pipe of the test is left */
	return change(inner, EPOLL_CTL_DEL, test_ends[0], 0, 0) == 0 &&
	       rb_empty(&e->members) && list_empty(&e->ready) &&
	       list_empty(&test_ends[0]->epolls);
}

static bool
while_it_is_looked_at(void)
{
	return nested(files_go);
}

SELFTEST(event_epoll_forgets_files_that_are_closed)
{
	CHECK(test_with_pipe(while_it_is_looked_at));
}

/* An epoll is closed while its members call, and its epoll looks. */
static bool
epolls_go(void)
{
	struct file *ep;
	unsigned i;

	kthread_run("epoll writer", write_bytes, NULL);
	for (i = 0; i < ROUNDS; i++) {
		ep = epoll_new();
		change(ep, EPOLL_CTL_ADD, test_ends[0], 0, EPOLLIN);
		change(outer, EPOLL_CTL_ADD, ep, 0, EPOLLIN);
		file_poll(outer, NULL);
		file_put(ep);
		test_get();
	}
	while (file_poll(outer, NULL))
		test_get();
	test_wait_done(1);
	return true;
}

static bool
epolls_are_closed(void)
{
	return nested(epolls_go);
}

SELFTEST(event_epoll_is_closed_while_its_members_call)
{
	CHECK(test_with_pipe(epolls_are_closed));
}
