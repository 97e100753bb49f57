/*
 * Self-tests of chapter unix: several threads at the same sockets, and the
 * collector. What is checked holds however the threads are scheduled. What one
 * program can see is tested by user/tests/abi/socket.c and unix.c.
 */
#include "test_files.h"
#include "unix.h"

#define THREADS 4

static struct file *ends[4];
static _Atomic unsigned wrong, done;

static struct socket *
sock(unsigned i)
{
	return socket_of(ends[i]);
}

static struct file *
open_socket(int type)
{
	struct socket *s;

	return socket_create(AF_UNIX, type, 0, &s) ? NULL : socket_file(s, 0);
}

static void
open_pair(unsigned i, int type)
{
	ends[i] = open_socket(type);
	ends[i + 1] = open_socket(type);
	sock(i)->ops->pair(sock(i), sock(i + 1));
}

static void
close_end(unsigned i)
{
	if (ends[i])
		file_put(ends[i]);
	ends[i] = NULL;
}

static int64_t
put(struct socket *s, const void *data, size_t n)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, (void *)data, n);
	struct msg m = { .data = &u };

	return s->ops->send(s, &m);
}

static int64_t
get(struct socket *s, void *data, size_t n)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, data, n);
	struct msg m = { .data = &u };

	return s->ops->receive(s, &m);
}

/* Kernel threads that allocate reserve for it. */
static void
in_threads(void (*body)(unsigned number))
{
	wrong = done = 0;
	test_in_threads(THREADS, body);
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++)
		close_end(i);
}

/* ---- Streams ---- */

#define STREAM_BYTES 200000u

static uint8_t
pattern(uint64_t i)
{
	return i * 7 + i / 251;
}

static void
write_pattern(struct socket *s)
{
	uint8_t text[500];
	unsigned at, i, n;

	for (at = 0; at < STREAM_BYTES; at += n) {
		n = MIN(1 + at % sizeof(text), STREAM_BYTES - at);
		for (i = 0; i < n; i++)
			text[i] = pattern(at + i);
		wrong += put(s, text, n) != n;
	}
}

static void
read_pattern(struct socket *s)
{
	uint8_t text[700];
	unsigned at = 0, i;
	int64_t n;

	while ((n = get(s, text, 1 + at % sizeof(text))) > 0)
		for (i = 0; i < n; i++)
			wrong += text[i] != pattern(at++);
	wrong += at != STREAM_BYTES;
	done += at;
}

/* Of two pairs, one thread writes and one reads. */
static void
stream(unsigned number)
{
	if (number % 2) {
		read_pattern(sock(number));
		return;
	}
	write_pattern(sock(number));
	sock(number)->ops->shutdown(sock(number), SOCKET_SEND);
}

SELFTEST(unix_streams_keep_order_when_full)
{
	heap_begin(HEAP_BOUND(selftest));
	for (unsigned i = 0; i < 4; i += 2) {
		open_pair(i, SOCK_STREAM);
		sock(i)->sndbuf = SOCKET_SNDBUF_MIN; /* so they wait often */
	}
	heap_end();
	in_threads(stream);
	CHECK(wrong == 0);
	CHECK(done == 2 * STREAM_BYTES);
}

/* ---- Datagrams ---- */

#define DATAGRAMS 300u

static void
named(unsigned i, int type, const char *name)
{
	struct sockaddr_storage a = { .ss_family = AF_UNIX };

	ends[i] = open_socket(type);
	memcpy(a.ss_data, name, 5); /* "\0name" */
	sock(i)->ops->bind(sock(i), &a, 7);
}

static int
connect_named(struct socket *s, const char *name)
{
	struct sockaddr_storage a = { .ss_family = AF_UNIX };

	memcpy(a.ss_data, name, 5);
	return s->ops->connect(s, &a, 7, false);
}

/* Three send more than the queue of the fourth holds. */
static void
datagrams(unsigned number)
{
	uint32_t n, last[THREADS] = { 0 };

	for (n = 1; number && n <= DATAGRAMS; n++) {
		uint32_t text[2] = { number, n };

		wrong += put(sock(number), text, sizeof(text)) != sizeof(text);
	}
	for (n = 0; !number && n < 3 * DATAGRAMS; n++) {
		uint32_t text[2] = { 0 };

		wrong += get(sock(0), text, 100) != sizeof(text);
		if (text[0] % THREADS)
			wrong += ++last[text[0] % THREADS] != text[1];
		wrong += sock(0)->ops->poll(sock(0), NULL) & POLLERR;
	}
}

SELFTEST(unix_datagrams_of_many_senders_all_arrive)
{
	heap_begin(HEAP_BOUND(selftest));
	named(0, SOCK_DGRAM, "\0test");
	for (unsigned i = 1; i < THREADS; i++) {
		ends[i] = open_socket(SOCK_DGRAM);
		CHECK(connect_named(sock(i), "\0test") == 0);
	}
	heap_end();
	in_threads(datagrams);
	CHECK(wrong == 0);
}

/* ---- Connections ---- */

#define CONNECTIONS 100u

static void
accept_one(void)
{
	struct socket *s;
	struct file *f;
	char c;

	if (sock(0)->ops->accept(sock(0), false, &s)) {
		wrong++;
		return;
	}
	f = socket_file(s, 0);
	wrong += get(s, &c, 1) != 1 || c != 'x';
	wrong += get(s, &c, 1) != 0; /* it closes without reading: no reset */
	file_put(f);
}

static void
connect_and_send(void)
{
	struct file *f = open_socket(SOCK_STREAM);
	struct socket *s = socket_of(f);

	if (connect_named(s, "\0lstn") || put(s, "x", 1) != 1)
		wrong++;
	file_put(f);
}

static void
connections(unsigned number)
{
	unsigned i;

	for (i = 0; number && i < CONNECTIONS; i++)
		connect_and_send();
	for (i = 0; !number && i < 3 * CONNECTIONS; i++)
		accept_one();
}

static void
open_listener(void)
{
	heap_begin(HEAP_BOUND(selftest));
	named(0, SOCK_STREAM, "\0lstn");
	CHECK(sock(0)->ops->listen(sock(0), 2) == 0);
	heap_end();
}

SELFTEST(unix_connections_wait_for_the_backlog)
{
	open_listener();
	in_threads(connections);
	CHECK(wrong == 0);
}

/* The listener goes while others connect: each is accepted, or refused, or
 * learns later that nobody will accept it; none hangs. */
static void
last_connections(unsigned number)
{
	struct file *f;
	unsigned i;
	char c;

	for (i = 0; number && i < CONNECTIONS; i++) {
		f = open_socket(SOCK_STREAM);
		if (connect_named(socket_of(f), "\0lstn") == 0 &&
		    get(socket_of(f), &c, 1) > 0)
			wrong++;
		file_put(f);
	}
	for (i = 0; !number && i < CONNECTIONS; i++) {
		struct socket *s;

		if (sock(0)->ops->accept(sock(0), false, &s) == 0)
			file_put(socket_file(s, 0));
	}
	if (!number)
		close_end(0);
}

SELFTEST(unix_listener_that_closes_leaves_nobody_waiting)
{
	open_listener();
	in_threads(last_connections);
	CHECK(wrong == 0);
}

/* ---- The collector ---- */

static _Atomic unsigned released;

static void
count_release(struct file *f)
{
	(void)f;
	released++;
}

/* Send descriptor @p fd from @p s. */
static int64_t
put_file(struct socket *s, int fd)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, "x", 1);
	char control[CMSG_SPACE(sizeof(int))];
	struct cmsghdr h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
	struct msg m = {
		.data = &u,
		.control = control,
		.control_len = sizeof(control),
	};

	memcpy(control, &h, sizeof(h));
	memcpy(CMSG_DATA(control), &fd, sizeof(fd));
	return s->ops->send(s, &m);
}

/* Two pairs, of which one end of each is in the other's queue, and a file that
 * counts; then nobody has any of them. No last reference goes. */
static void
make_cycle(void)
{
	static const struct file_ops counting = { .release = count_release };
	int fd[5];

	open_pair(0, SOCK_DGRAM);
	open_pair(2, SOCK_DGRAM);
	for (unsigned i = 0; i < 4; i++) {
		fd[i] = fd_install(ends[i], 0, false);
		CHECK(fd[i] >= 0);
	}
	fd[4] = fd_install(file_new(&counting, O_RDONLY, NULL), 0, false);
	CHECK(put_file(sock(0), fd[2]) == 1);
	CHECK(put_file(sock(0), fd[3]) == 1);
	CHECK(put_file(sock(2), fd[0]) == 1);
	CHECK(put_file(sock(2), fd[1]) == 1);
	CHECK(put_file(sock(0), fd[4]) == 1);
	for (unsigned i = 0; i < 5; i++)
		fd_close(fd[i]);
	memset(ends, 0, sizeof(ends));
}

#define CYCLES 200u

/* A socket that is in its own queue, and nowhere else. */
static void
make_own_cycle(void)
{
	struct sockaddr_storage a = { .ss_family = AF_UNIX };
	int fd, len;

	ends[0] = open_socket(SOCK_DGRAM);
	CHECK(sock(0)->ops->bind(sock(0), &a, sizeof(a.ss_family)) == 0);
	len = sock(0)->ops->name(sock(0), false, &a);
	CHECK(sock(0)->ops->connect(sock(0), &a, len, false) == 0);
	fd = fd_install(ends[0], 0, false);
	CHECK(put_file(sock(0), fd) == 1);
	fd_close(fd);
	ends[0] = NULL;
}

/* UNIX4: what a collection has closed does not raise the bound of the next,
 * even if nothing was in flight but that. */
SELFTEST(unix_garbage_does_not_make_room_for_more)
{
	struct fdtable *old = current()->fdtable;
	unsigned i, most = 0;

	heap_begin(HEAP_BOUND(selftest));
	current()->fdtable = fdtable_new();
	for (i = 0; i < CYCLES; i++) {
		make_own_cycle();
		most = MAX(most, flight_count());
		heap_again();
	}
	CHECK(most == 64 + 1);
	flight_collect();
	CHECK(flight_count() == 0);
	fdtable_put(current()->fdtable);
	current()->fdtable = old;
	heap_end();
}

/* UNIX4: without a socket ever being closed, the garbage stays below a bound;
 * and when memory is short, nothing of it stays. */
SELFTEST(unix_cycles_are_collected)
{
	struct fdtable *old = current()->fdtable;
	unsigned i, most = 0;

	released = 0;
	heap_begin(HEAP_BOUND(selftest));
	current()->fdtable = fdtable_new();
	CHECK(flight_count() == 0);
	for (i = 0; i < CYCLES; i++) {
		make_cycle();
		most = MAX(most, flight_count());
		heap_again();
	}
	CHECK(most >= 4 && most <= 64 + 4);
	CHECK(released > CYCLES / 2);
	flight_collect();
	CHECK(flight_count() == 0);
	CHECK(released == CYCLES);
	fdtable_put(current()->fdtable);
	current()->fdtable = old;
	heap_end();
}

/* What a descriptor leads to stays, however deep, and is whole: here a socket
 * that is in its own queue, and in that of one in a queue that can be read. */
SELFTEST(unix_collector_spares_what_can_be_reached)
{
	struct fdtable *old = current()->fdtable;
	struct file *far, *deep;
	int fd[2];
	char c = 0;

	heap_begin(HEAP_BOUND(selftest));
	current()->fdtable = fdtable_new();
	far = open_socket(SOCK_DGRAM);
	deep = open_socket(SOCK_DGRAM);
	socket_of(far)->ops->pair(socket_of(far), socket_of(deep));
	open_pair(0, SOCK_DGRAM);
	open_pair(2, SOCK_DGRAM);
	fd[0] = fd_install(deep, 0, false);
	fd[1] = fd_install(ends[3], 0, false);
	CHECK(put(socket_of(far), "y", 1) == 1);
	CHECK(put_file(socket_of(far), fd[0]) == 1);
	CHECK(put_file(sock(2), fd[0]) == 1);
	CHECK(put_file(sock(0), fd[1]) == 1);
	ends[3] = NULL;
	fd_close(fd[0]);
	fd_close(fd[1]);
	close_end(2); /* it collects */
	CHECK(flight_count() == 2);
	CHECK(get(socket_of(deep), &c, 1) == 1 && c == 'y');
	file_put(far);
	close_end(1);
	CHECK(flight_count() == 0); /* now nothing led to them */
	close_end(0);
	fdtable_put(current()->fdtable);
	current()->fdtable = old;
	heap_end();
}
