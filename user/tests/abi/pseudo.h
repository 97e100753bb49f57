/*
 * A pseudo-terminal of a test's own, for the tests of terminals. All reads
 * have an end: a byte that does not come shows by the watchdog.
 */
#ifndef PSEUDO_H
#define PSEUDO_H

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include "check.h"

struct pair {
	int master, slave;
	unsigned number;
	char path[32];
};

/** The master alone, unlocked. */
static inline struct pair
open_master(void)
{
	struct pair p = { .slave = -1 };
	int off = 0;

	p.master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	REQUIRE(p.master >= 0);
	REQUIRE(ioctl(p.master, TIOCSPTLCK, &off) == 0);
	REQUIRE(ioctl(p.master, TIOCGPTN, &p.number) == 0);
	snprintf(p.path, sizeof(p.path), "/dev/pts/%u", p.number);
	return p;
}

/** Both ends; the terminal is nobody's. */
static inline struct pair
open_pair(void)
{
	struct pair p = open_master();

	p.slave = open(p.path, O_RDWR | O_NOCTTY);
	REQUIRE(p.slave >= 0);
	return p;
}

/** Write all of a text. */
static inline void
put(int fd, const char *text)
{
	CHECK_EQ(write(fd, text, strlen(text)), strlen(text));
}

/** Whether exactly this comes, however many reads it takes. */
static inline bool
gets_text(int fd, const char *text)
{
	size_t want = strlen(text), got = 0;
	char buf[600];
	ssize_t n;

	while (got < want && (n = read(fd, buf + got, want - got)) > 0)
		got += n;
	if (got == want && memcmp(buf, text, want) == 0)
		return true;
	dprintf(1, "got %d bytes:", (int)got);
	for (size_t i = 0; i < got; i++)
		dprintf(1, " %02x", (unsigned char)buf[i]);
	dprintf(1, "\n");
	return false;
}

/** Whether one read gets exactly this. */
static inline bool
reads_text(int fd, const char *text)
{
	char buf[600];
	ssize_t n = read(fd, buf, sizeof(buf));

	return n == (ssize_t)strlen(text) && memcmp(buf, text, n) == 0;
}

static inline void
set_nonblocking(int fd)
{
	REQUIRE(fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) == 0);
}

/** Change the settings: flags off, then on. */
static inline void
set_flags(int fd, uint32_t lflag_off, uint32_t lflag_on)
{
	struct termios t;

	REQUIRE(tcgetattr(fd, &t) == 0);
	t.c_lflag = (t.c_lflag & ~lflag_off) | lflag_on;
	REQUIRE(tcsetattr(fd, TCSANOW, &t) == 0);
}

static inline void
set_raw(int fd, int min, int time)
{
	struct termios t;

	REQUIRE(tcgetattr(fd, &t) == 0);
	t.c_iflag = t.c_oflag = t.c_lflag = 0;
	t.c_cc[VMIN] = min;
	t.c_cc[VTIME] = time;
	REQUIRE(tcsetattr(fd, TCSANOW, &t) == 0);
}

/** Ready events now. */
static inline int
events_of(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLPRI, 0 };

	CHECK(poll(&p, 1, 0) >= 0);
	return p.revents;
}

/** Wait for this to become true: Linux carries what the master writes to the
 * terminal a little later. */
#define AWAIT(expr)                                                            \
	do                                                                     \
		usleep(1000);                                                  \
	while (!(expr))

/** The caller becomes leader of a session that has the terminal. */
static inline void
lead_session(const struct pair *p)
{
	REQUIRE(setsid() == getpid());
	REQUIRE(ioctl(p->slave, TIOCSCTTY, 0) == 0);
}

/** Whether a child's checks have all passed. */
static inline bool
ends_well(pid_t child)
{
	int status = -1;

	return waitpid(child, &status, 0) == child && status == 0;
}

#endif
