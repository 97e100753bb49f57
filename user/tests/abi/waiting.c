/*
 * Every call that waits: a signal ends it (signal(7)), and where there is a
 * flag not to wait it does not. Each call is a row of a table, on something
 * that never comes: an empty pipe, a full queue, a lock that is held.
 */
#include <poll.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/uio.h>
#include "events.h"
#include "unix.h"

#define FUTEX_WAIT  0
#define P_ALL	    0
#define PART	    4096
#define INTERVAL_US 20000

static int empty[2], full[2];	 /* pipes */
static int quiet[2], stuffed[2]; /* pairs of sockets */
static int listening, crowded;	 /* listeners: nobody has come; too many have */
static int locked, set;
static char buf[PART];
static int word;

static struct iovec iov = { buf, PART };
static struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
static struct mmsghdr messages;
static struct timespec long_time = { 1000, 0 };
static sigset_t none, usr1 = 1ul << (SIGUSR1 - 1);
static struct flock lock = { .l_type = F_WRLCK };

static long
connect_to_the_crowd(void)
{
	int fd =
		socket(AF_UNIX,
		       SOCK_STREAM | (fcntl(crowded, F_GETFL) & O_NONBLOCK), 0);
	long got = CONNECT(fd, "crowded");
	int error = errno;

	close(fd);
	errno = error;
	return got;
}

static long
select_readable(long call)
{
	unsigned long set_of[16] = { 0 };

	set_of[empty[0] / 64] = 1ul << empty[0] % 64;
	return syscall(call, empty[0] + 1, set_of, NULL, NULL, NULL, 0);
}

static long
poll_readable(long call, long timeout)
{
	struct pollfd pfd = { .fd = empty[0], .events = POLLIN };

	return syscall(call, &pfd, 1, timeout, NULL, 8);
}

/* name, whether it can be told not to wait, call */
#define CALLS(X)                                                               \
	X(read, true, read(empty[0], buf, PART))                               \
	X(readv, true, readv(empty[0], &iov, 1))                               \
	X(preadv2, true, syscall(NR_preadv2, empty[0], &iov, 1, -1L, -1L, 0))  \
	X(write, true, write(full[1], buf, PART))                              \
	X(writev, true, writev(full[1], &iov, 1))                              \
	X(pwritev2, true, syscall(NR_pwritev2, full[1], &iov, 1, -1L, -1L, 0)) \
	X(splice, true, syscall(NR_splice, empty[0], 0, full[1], 0, 10, 0))    \
	X(tee, true, syscall(NR_tee, empty[0], full[1], 10, 0))                \
	X(vmsplice, false, syscall(NR_vmsplice, full[1], &iov, 1, 0))          \
	X(recvfrom, true, recv(quiet[0], buf, PART, 0))                        \
	X(recvmsg, true, recvmsg(quiet[0], &message, 0))                       \
	X(recvmmsg, true, recvmmsg(quiet[0], &messages, 1, 0, NULL))           \
	X(sendto, true, send(stuffed[0], buf, PART, 0))                        \
	X(sendmsg, true, sendmsg(stuffed[0], &message, 0))                     \
	X(sendmmsg, true, sendmmsg(stuffed[0], &messages, 1, 0))               \
	X(accept, true, accept(listening, NULL, NULL))                         \
	X(accept4, true, accept4(listening, NULL, NULL, 0))                    \
	X(connect, true, connect_to_the_crowd())                               \
	X(open, false, open("fifo", O_RDONLY))                                 \
	X(openat, false, openat(AT_FDCWD, "fifo", O_WRONLY))                   \
	X(creat, false, syscall(NR_creat, "fifo", 0600))                       \
	X(flock, false, flock(locked, LOCK_EX))                                \
	X(fcntl, false, fcntl(locked, F_SETLKW, &lock))                        \
	X(poll, false, poll_readable(NR_poll, -1))                             \
	X(ppoll, false, poll_readable(NR_ppoll, 0))                            \
	X(select, false, select_readable(NR_select))                           \
	X(pselect6, false, select_readable(NR_pselect6))                       \
	X(epoll_wait, false, syscall(NR_epoll_wait, set, buf, 1, -1))          \
	X(epoll_pwait, false,                                                  \
	  syscall(NR_epoll_pwait, set, buf, 1, -1, &none, 8))                  \
	X(epoll_pwait2, false,                                                 \
	  syscall(NR_epoll_pwait2, set, buf, 1, NULL, &none, 8))               \
	X(futex, false, syscall(NR_futex, &word, FUTEX_WAIT, 0, NULL))         \
	X(wait4, false, syscall(NR_wait4, -1, NULL, 0, NULL))                  \
	X(waitid, false, syscall(NR_waitid, P_ALL, 0, NULL, WEXITED, NULL))    \
	X(pause, false, syscall(NR_pause))                                     \
	X(rt_sigsuspend, false, syscall(NR_rt_sigsuspend, &none, 8))           \
	X(rt_sigtimedwait, false,                                              \
	  syscall(NR_rt_sigtimedwait, &usr1, NULL, NULL, 8))                   \
	X(nanosleep, false, syscall(NR_nanosleep, &long_time, NULL))           \
	X(clock_nanosleep, false,                                              \
	  syscall(NR_clock_nanosleep, CLOCK_MONOTONIC, 0, &long_time, NULL))

#define DEFINE(name, told, expr)                                               \
	static long call_##name(void)                                          \
	{                                                                      \
		return (expr);                                                 \
	}
#define ROW(name, told, expr) { #name, told, call_##name },

CALLS(DEFINE)

static const struct {
	const char *name;
	bool told;
	long (*call)(void);
} calls[] = { CALLS(ROW) };

static void
stuff(int fd, long call)
{
	while (syscall(call, fd, buf, PART, MSG_DONTWAIT, NULL, 0) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
}

/** A child holds the locks, and is there to be waited for. */
static void
hold_locks(void)
{
	char c;

	REQUIRE((locked = open("lock", O_RDWR | O_CREAT, 0600)) >= 0);
	REQUIRE(pipe(full) == 0);
	if (fork() == 0) {
		int own = open("lock", O_RDWR);

		REQUIRE(flock(own, LOCK_EX) == 0);
		REQUIRE(fcntl(own, F_SETLK, &lock) == 0);
		REQUIRE(write(full[1], "x", 1) == 1);
		for (;;)
			pause();
	}
	REQUIRE(read(full[0], &c, 1) == 1);
	close(full[0]);
	close(full[1]);
}

static void
prepare(int flags)
{
	struct epoll_event event = { .events = EPOLLIN };

	messages.msg_hdr = message;
	hold_locks();
	REQUIRE(mkfifo("fifo", 0600) == 0);
	REQUIRE(pipe2(empty, flags) == 0);
	REQUIRE(pipe2(full, O_NONBLOCK) == 0);
	stuff(full[1], NR_write);
	REQUIRE(fcntl(full[1], F_SETFL, flags) == 0);
	REQUIRE(fcntl(full[0], F_SETFL, flags) == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, quiet) == 0);
	REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | flags, 0, stuffed) == 0);
	stuff(stuffed[0], NR_sendto);
	listening = listener(SOCK_STREAM, "listening", 1);
	crowded = listener(SOCK_STREAM, "crowded", 0);
	REQUIRE(fcntl(listening, F_SETFL, flags) == 0);
	REQUIRE(fcntl(crowded, F_SETFL, flags) == 0);
	while (CONNECT(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0),
		       "crowded") == 0)
		;
	CHECK_EQ(errno, EAGAIN);
	REQUIRE((set = (int)syscall(NR_epoll_create1, 0)) >= 0);
	REQUIRE(syscall(NR_epoll_ctl, set, EPOLL_CTL_ADD, empty[0], &event) ==
		0);
}

static void
fails(unsigned i, int error)
{
	long got;

	errno = 0;
	got = calls[i].call();
	if (got != -1 || errno != error)
		FAIL("%s is %ld (errno %d), not errno %d", calls[i].name, got,
		     errno, error);
}

TEST(told_not_to_wait)
{
	prepare(O_NONBLOCK);
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].told)
			fails(i, EAGAIN);
}

static void
handler(int sig)
{
	(void)sig;
}

/* The alarm repeats itself: one may come before the call waits. */
TEST(interrupted)
{
	struct sigaction act = { .sa_handler = handler };
	struct itimerval every = { { 0, INTERVAL_US }, { 0, INTERVAL_US } };

	prepare(0);
	REQUIRE(sigaction(SIGALRM, &act, NULL) == 0);
	for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
		REQUIRE(setitimer(ITIMER_REAL, &every, NULL) == 0);
		fails(i, EINTR);
	}
}
