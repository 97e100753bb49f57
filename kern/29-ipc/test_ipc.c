/*
 * Self-tests of chapter ipc, with kernel threads at the ends of pipes.
 */
#include "abi/futex.h"
#include "abi/syscall.h"
#include "pipe.h"
#include "string.h"


static struct file *ends[2]; /* of the pipe under test */
static char buffer[PIPE_SIZE + 16];

static int64_t
get(void *to, size_t len)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, to, len);
	uint64_t pos = 0;

	return ends[0]->ops->read(ends[0], &u, &pos);
}

static int64_t
put(const void *from, size_t len)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, (void *)from, len);
	uint64_t pos = 0;

	return ends[1]->ops->write(ends[1], &u, &pos);
}

static void
close_end(unsigned i)
{
	if (ends[i])
		file_put(ends[i]);
	ends[i] = NULL;
}

/* Run @p body on a fresh pipe. */
static bool
with_pipe(unsigned flags, bool (*body)(void))
{
	bool ok;

	heap_begin(HEAP_BOUND(selftest));
	ok = pipe_new(flags, ends) == 0 && body();
	close_end(0);
	close_end(1);
	heap_end();
	return ok;
}

/* ---- One thread ---- */

/* The byte at position @p i of a stream that has no short period. */
static uint8_t
pattern(uint64_t i)
{
	return i * 7 + i / 251;
}

static bool
keeps_order(void)
{
	static uint8_t text[5000], back[5000];
	unsigned i, round;

	for (i = 0; i < sizeof(text); i++)
		text[i] = pattern(i);
	for (round = 0; round < 40; round++) {
		if (put(text, sizeof(text)) != sizeof(text) ||
		    get(back, 10) != 10 ||
		    get(back + 10, sizeof(back)) != sizeof(back) - 10 ||
		    memcmp(text, back, sizeof(text)))
			return false;
		if (put(text, 3) != 3 || get(back, 2) != 2 ||
		    get(back + 2, 5) != 1 || memcmp(text, back, 3))
			return false;
	}
	return true;
}

SELFTEST(ipc_pipe_keeps_bytes_in_order)
{
	CHECK(with_pipe(0, keeps_order));
}

static bool
is_full_at_its_size(void)
{
	return get(buffer, 1) == -EAGAIN &&
	       put(buffer, sizeof(buffer)) == PIPE_SIZE &&
	       put(buffer, 1) == -EAGAIN && get(buffer, 100) == 100 &&
	       /* up to PIPE_BUF all or nothing, above it a part */
	       put(buffer, 200) == -EAGAIN && put(buffer, 100) == 100 &&
	       get(buffer, 100) == 100 && put(buffer, PIPE_BUF + 1) == 100;
}

SELFTEST(ipc_pipe_nonblocking_and_atomic_limits)
{
	CHECK(with_pipe(O_NONBLOCK, is_full_at_its_size));
}

static bool
end_of_file(void)
{
	if (put("abc", 3) != 3)
		return false;
	close_end(1);
	return get(buffer, 10) == 3 && get(buffer, 10) == 0;
}

static bool
broken_pipe(void)
{
	close_end(0);
	return put("abc", 3) == -EPIPE;
}

SELFTEST(ipc_pipe_closed_ends)
{
	CHECK(with_pipe(0, end_of_file));
	CHECK(with_pipe(0, broken_pipe));
}

static unsigned
poll(unsigned end)
{
	return ends[end]->ops->poll(ends[end], NULL);
}

static bool
poll_events(void)
{
	unsigned in = POLLIN | POLLRDNORM, out = POLLOUT | POLLWRNORM;

	if (poll(0) != 0 || poll(1) != out)
		return false;
	put(buffer, PIPE_SIZE - PIPE_BUF + 1);
	if (poll(0) != in || poll(1) != 0)
		return false;
	get(buffer, 1);
	if (poll(1) != out)
		return false;
	close_end(1);
	return poll(0) == (in | POLLHUP);
}

SELFTEST(ipc_pipe_poll_events)
{
	CHECK(with_pipe(0, poll_events));
}

static bool
gives_pages_back(void)
{
	struct pipe *p = ends[0]->private_data;

	if (put(buffer, PIPE_SIZE) != PIPE_SIZE || p->npages != PIPE_PAGES)
		return false;
	return get(buffer, PIPE_SIZE) == PIPE_SIZE && p->npages == 1;
}

SELFTEST(ipc_pipe_gives_its_pages_back)
{
	CHECK(with_pipe(0, gives_pages_back));
}

/* ---- Several threads ---- */

#define STREAM_BYTES 300000
#define WRITERS	     4
#define RECORDS	     100
#define RECORD_SIZE  512

static struct spinlock done_lock = SPINLOCK("ipc test");
static struct waitq done_wq = WAITQ(done_wq, "ipc test queue");
static unsigned done_count;

static void
tell_done(void)
{
	spin_lock(&done_lock);
	done_count++;
	waitq_wake_all(&done_wq);
	spin_unlock(&done_lock);
}

static void
wait_done(unsigned n)
{
	spin_lock(&done_lock);
	while (done_count < n)
		waitq_wait(&done_wq, &done_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	done_count = 0;
	spin_unlock(&done_lock);
}

static void
write_stream(void *arg)
{
	uint8_t piece[700];
	size_t done = 0, n, i;

	(void)arg;
	heap_begin(HEAP_BOUND(selftest));
	while (done < STREAM_BYTES) {
		n = MIN(done % 699 + 1, STREAM_BYTES - done);
		for (i = 0; i < n; i++)
			piece[i] = pattern(done + i);
		if (put(piece, n) != (int64_t)n)
			break;
		done += n;
	}
	heap_end();
	tell_done();
}

static bool
stream_arrives(void)
{
	uint64_t at = 0;
	bool ok = true;
	int64_t n, i;

	kthread_run("pipe writer", write_stream, NULL);
	while (at < STREAM_BYTES) {
		n = get(buffer, at % 1500 + 1);
		if (n <= 0)
			break;
		for (i = 0; i < n; i++)
			ok &= (uint8_t)buffer[i] == pattern(at + i);
		at += n;
	}
	wait_done(1);
	return ok && at == STREAM_BYTES;
}

SELFTEST(ipc_pipe_between_threads)
{
	CHECK(with_pipe(0, stream_arrives));
}

static void
write_records(void *arg)
{
	char record[RECORD_SIZE];
	unsigned i;

	heap_begin(HEAP_BOUND(selftest));
	memset(record, (int)(uintptr_t)arg, sizeof(record));
	for (i = 0; i < RECORDS; i++)
		put(record, sizeof(record));
	heap_end();
	tell_done();
}

/* A record is whole if all its bytes are its writer's. */
static bool
record_is_whole(const char *r)
{
	unsigned i;

	for (i = 1; i < RECORD_SIZE; i++)
		if (r[i] != r[0])
			return false;
	return true;
}

static bool
records_are_whole(void)
{
	unsigned i, n = 0;
	bool ok = true;
	int64_t got;

	for (i = 0; i < WRITERS; i++)
		kthread_run("pipe writer", write_records,
			    (void *)(uintptr_t)('a' + i));
	while (n < WRITERS * RECORDS * RECORD_SIZE) {
		got = get(buffer + n % RECORD_SIZE,
			  RECORD_SIZE - n % RECORD_SIZE);
		if (got <= 0)
			break;
		n += got;
		if (n % RECORD_SIZE == 0)
			ok &= record_is_whole(buffer);
	}
	wait_done(WRITERS);
	return ok && n == WRITERS * RECORDS * RECORD_SIZE;
}

SELFTEST(ipc_pipe_small_writes_are_whole)
{
	CHECK(with_pipe(0, records_are_whole));
}

static void
wait_for_reader_then_close(void *arg)
{
	(void)arg;
	heap_begin(HEAP_BOUND(selftest));
	close_end(1);
	heap_end();
	tell_done();
}

static bool
close_wakes_reader(void)
{
	int64_t n;

	kthread_run("pipe closer", wait_for_reader_then_close, NULL);
	n = get(buffer, 1);
	wait_done(1);
	return n == 0;
}

SELFTEST(ipc_pipe_close_wakes_a_reader)
{
	CHECK(with_pipe(0, close_wakes_reader));
}

/* ---- futex ---- */

static int64_t
futex(uint64_t address, int op, uint64_t value)
{
	return syscall_lookup(NR_futex)->fn(address, op, value, 0, 0, ~0u);
}

SELFTEST(ipc_futex_refuses_bad_words)
{
	const uint64_t nowhere = 0x500000000000;

	CHECK(futex(nowhere + 2, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0) ==
	      -EINVAL);
	CHECK(futex(USER_TOP, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0) == -EFAULT);
	CHECK(futex(nowhere, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0) == -EFAULT);
	CHECK(futex(nowhere, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1) == 0);
	CHECK(futex(nowhere, FUTEX_LOCK_PI, 1) == -ENOSYS);
	CHECK(futex(nowhere, 99, 1) == -ENOSYS);
}
