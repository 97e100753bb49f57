/*
 * Self-tests of chapter pty: the two ends of a pair that has no name. What
 * needs processes and names is in user/tests/abi/pty.c.
 */
#include "pty.h"
#include "string.h"


static struct pty *pty;
static struct file master, slave;

/* A new pair; @raw: bytes pass as they are. */
static void
start(bool raw)
{
	struct termios *s;

	heap_begin(HEAP_BOUND(selftest));
	pty = pty_new();
	heap_end();
	CHECK(pty != NULL);
	pty->locked = false;
	memset(&master, 0, sizeof(master));
	memset(&slave, 0, sizeof(slave));
	master.flags = slave.flags = O_RDWR | O_NONBLOCK;
	pty_open_master(pty, &master);
	CHECK(tty_open(&pty->tty, &slave, true) == 0);
	s = &pty->tty.termios;
	if (raw)
		s->c_iflag = s->c_oflag = s->c_lflag = 0;
}

static void
stop(void)
{
	slave.ops->release(&slave);
	tty_put(&pty->tty);
}

static int64_t
get(struct file *f, char *to, size_t len)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, to, len);
	uint64_t pos = 0;

	return f->ops->read(f, &u, &pos);
}

static int64_t
put(struct file *f, const char *text, size_t len)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, (void *)text, len);
	uint64_t pos = 0;

	return f->ops->write(f, &u, &pos);
}

/* Whether a read gets exactly this. */
static bool
reads(struct file *f, const char *text)
{
	char got[100];
	int64_t n = get(f, got, sizeof(got));

	return n == (int64_t)strlen(text) && memcmp(got, text, n) == 0;
}

SELFTEST(pty_carries_both_ways)
{
	start(false);
	CHECK(put(&master, "in\r", 3) == 3);
	CHECK(reads(&slave, "in\n"));
	CHECK(put(&slave, "out\n", 4) == 4);
	CHECK(reads(&master, "in\r\nout\r\n"));
	CHECK(!reads(&master, ""));
	stop();
}

/* Fill the ring with x; @return how many it took. */
static size_t
flood(void)
{
	static char much[1024];
	size_t n = 0;
	int64_t took;

	memset(much, 'x', sizeof(much));
	while ((took = put(&slave, much, sizeof(much))) > 0)
		n += took;
	return took == -EAGAIN ? n : 0;
}

SELFTEST(pty_echo_finds_room_behind_output)
{
	static char got[1024];
	size_t n;
	int64_t last = 0, more;

	start(true);
	n = flood();
	pty->tty.termios.c_lflag = ECHO;
	CHECK(!(slave.ops->poll(&slave, NULL) & POLLOUT));
	CHECK(put(&master, "typed", 5) == 5);
	while ((more = get(&master, got, sizeof(got))) > 0) {
		n -= more;
		last = more;
	}
	CHECK(n == (size_t)-5);
	CHECK(last >= 5 && memcmp(got + last - 5, "typed", 5) == 0);
	CHECK(slave.ops->poll(&slave, NULL) & POLLOUT);
	stop();
}

/* With nobody to read it, echo ends: the writer must not wait for itself. */
SELFTEST(pty_echo_without_a_reader_is_lost)
{
	static char line[100];
	unsigned i;

	start(false);
	memset(line, 'y', sizeof(line));
	line[sizeof(line) - 1] = 'U' - '@'; /* it is erased, with much echo */
	for (i = 0; i < 200; i++)
		CHECK(put(&master, line, sizeof(line)) == sizeof(line));
	stop();
}

/* What the master could have read stays, what it could not is called back. */
SELFTEST(pty_interrupt_calls_output_back)
{
	static char got[1024];
	size_t n, left = 0;
	int64_t more;

	start(true);
	n = flood();
	pty->tty.termios.c_lflag = ISIG;
	CHECK(put(&master, "\x03", 1) == 1);
	while ((more = get(&master, got, sizeof(got))) > 0)
		left += more;
	CHECK(left > 0 && left < n);
	stop();
}

SELFTEST(pty_input_waits_for_room)
{
	static char text[1024];
	size_t n = 0;
	int64_t took;

	start(true);
	while ((took = put(&master, text, sizeof(text))) > 0)
		n += took;
	CHECK(took == -EAGAIN && n == TTY_BUFFER - 1);
	CHECK(!(master.ops->poll(&master, NULL) & POLLOUT));
	CHECK(get(&slave, text, 10) == 10);
	CHECK(master.ops->poll(&master, NULL) & POLLOUT);
	CHECK(put(&master, text, sizeof(text)) == 10);
	stop();
}

SELFTEST(pty_dead_terminal)
{
	char c;

	start(false);
	slave.ops->release(&slave);
	CHECK(tty_open(&pty->tty, &slave, false) == 0);
	CHECK(put(&master, "unread\n", 7) == 7);
	pty->master_open = false;
	tty_hang_up(&pty->tty, true);
	CHECK(get(&slave, &c, 1) == 0);
	CHECK(put(&slave, "x", 1) == -EIO);
	CHECK(slave.ops->poll(&slave, NULL) & POLLHUP);
	CHECK(tty_open(&pty->tty, &master, false) == -EIO);
	stop();
}
