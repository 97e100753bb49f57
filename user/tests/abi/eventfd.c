/*
 * eventfd, and signalfd: counters and signals as files, alone and in an epoll.
 */
#include <poll.h>
#include <sched.h>
#include "check.h"
#include "events.h"

/* ---- eventfd ---- */

TEST(eventfd_counts)
{
	int fd = counter(5, 0);
	uint64_t n = UINT64_MAX;

	CHECK_EQ(take(fd), 5);
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
	CHECK_ERR(read(fd, &n, 7), EINVAL);
	CHECK_ERR(write(fd, &n, 7), EINVAL);
	n = UINT64_MAX;
	CHECK_ERR(write(fd, &n, sizeof(n)), EINVAL);
	add_to(fd, UINT64_MAX - 2);
	add_to(fd, 1);
	add_to(fd, 0);
	n = 1;
	CHECK_ERR(write(fd, &n, sizeof(n)), EAGAIN);
	CHECK_EQ(take(fd), UINT64_MAX - 1);
	CHECK_ERR(write(fd, BAD, sizeof(n)), EFAULT);
	add_to(fd, 1);
	CHECK_ERR(read(fd, BAD, sizeof(n)), EFAULT);
	CHECK_ERR(syscall(NR_eventfd2, 0, 2), EINVAL);
	CHECK(syscall(NR_eventfd, 0) >= 0);
	CHECK_EQ(fcntl((int)syscall(NR_eventfd2, 0, O_CLOEXEC), F_GETFD),
		 FD_CLOEXEC);
	CHECK_ERR(pread(fd, &n, sizeof(n), 0), ESPIPE);
}

TEST(eventfd_semaphore)
{
	int fd = counter(2, EFD_SEMAPHORE);
	uint64_t n;

	CHECK_EQ(take(fd), 1);
	CHECK_EQ(take(fd), 1);
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
}

TEST(eventfd_poll)
{
	struct pollfd p = { counter(0, 0), POLLIN | POLLOUT, 0 };

	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLOUT);
	add_to(p.fd, UINT64_MAX - 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
}

/* One write for all readers of a semaphore; one reader for a write that must
 * wait for room. */
TEST(eventfd_wakes)
{
	int fd = (int)syscall(NR_eventfd2, 0, EFD_SEMAPHORE), status;

	for (int i = 0; i < 3; i++)
		if (fork() == 0)
			_exit(take(fd) != 1);
	usleep(20000); /* let them sleep; else this shows less */
	add_to(fd, 3);
	for (int i = 0; i < 3; i++) {
		CHECK(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	add_to(fd, UINT64_MAX - 1);
	if (fork() == 0) {
		add_to(fd, 2);
		_exit(0);
	}
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(take(fd), 1);
	CHECK(wait(&status) > 0);
	CHECK_EQ(status, 0);
}

/* What no path leads to is shown with its kind, and cannot be opened. */
TEST(eventfd_in_proc)
{
	char path[40], text[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", counter(0, 0));
	CHECK(readlink(path, text, sizeof(text) - 1) > 0);
	CHECK_EQ(strcmp(text, "anon_inode:[eventfd]"), 0);
	CHECK_ERR(open(path, O_RDWR), ENXIO);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", make());
	CHECK_ERR(open(path, O_RDONLY), ENXIO);
}

/* ---- signalfd ---- */

static int
signals_of(int fd, ksigset_t set, int flags)
{
	return (int)syscall(NR_signalfd4, fd, &set, 8, flags);
}

static void
block(ksigset_t set)
{
	REQUIRE(syscall(NR_rt_sigprocmask, SIG_BLOCK, &set, NULL, 8) == 0);
}

TEST(signalfd_reads_signals)
{
	ksigset_t set = KSIGMASK(SIGUSR1) | KSIGMASK(SIGUSR2) |
			KSIGMASK(SIGRTMIN) | KSIGMASK(SIGCHLD);
	struct signalfd_siginfo s[4];
	siginfo_t info = { .si_code = SI_QUEUE };
	struct pollfd p = { 0, POLLIN, 0 };

	block(set);
	p.fd = signals_of(-1, set, O_NONBLOCK);
	REQUIRE(p.fd >= 0);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERR(read(p.fd, s, sizeof(s)), EAGAIN);
	kill(getpid(), SIGUSR2);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR1); /* counts once */
	info.si_pid = getpid();
	info.si_u.kill.value.sival_int = 42;
	syscall(NR_rt_sigqueueinfo, getpid(), SIGRTMIN, &info);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(read(p.fd, s, sizeof(s)), 3 * sizeof(*s));
	CHECK_EQ(s[0].ssi_signo, SIGUSR1);
	CHECK_EQ(s[0].ssi_code, SI_USER);
	CHECK_EQ(s[0].ssi_pid, getpid());
	CHECK_EQ(s[0].ssi_uid, getuid());
	CHECK_EQ(s[1].ssi_signo, SIGUSR2);
	CHECK_EQ(s[2].ssi_signo, SIGRTMIN);
	CHECK_EQ(s[2].ssi_code, SI_QUEUE);
	CHECK_EQ(s[2].ssi_int, 42);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(IN_CHILD(_exit(7)) >> 8, 7);
	CHECK_EQ(read(p.fd, s, sizeof(s)), sizeof(*s));
	CHECK_EQ(s[0].ssi_signo, SIGCHLD);
	CHECK_EQ(s[0].ssi_code, CLD_EXITED);
	CHECK_EQ(s[0].ssi_status, 7);
}

/* The file is the parent's, the signals are the reader's. */
TEST(signalfd_is_of_who_reads)
{
	ksigset_t set = KSIGMASK(SIGUSR1);
	struct signalfd_siginfo s;
	int fd;

	block(set);
	fd = signals_of(-1, set, O_NONBLOCK);
	kill(getpid(), SIGUSR1);
	CHECK_EQ(IN_CHILD(CHECK_ERR(read(fd, &s, sizeof(s)), EAGAIN);
			  kill(getpid(), SIGUSR1);
			  CHECK_EQ(read(fd, &s, sizeof(s)), sizeof(s));
			  CHECK_EQ(s.ssi_pid, getpid())),
		 0);
	CHECK_EQ(read(fd, &s, sizeof(s)), sizeof(s));
	CHECK_EQ(s.ssi_pid, getpid());
}

TEST(signalfd_waits)
{
	ksigset_t set = KSIGMASK(SIGUSR1) | KSIGMASK(SIGKILL);
	struct signalfd_siginfo s;
	pid_t parent = getpid();
	int fd, status;

	block(set);
	fd = signals_of(-1, set, 0);
	if (fork() == 0) {
		kill(parent, SIGUSR1);
		_exit(0);
	}
	CHECK_EQ(read(fd, &s, sizeof(s)), sizeof(s));
	CHECK(wait(&status) > 0);
	CHECK_EQ(s.ssi_signo, SIGUSR1);
}

struct reader {
	int fd;
	volatile long n;
	struct signalfd_siginfo s;
};

static int
read_signal(void *arg)
{
	struct reader *r = arg;

	r->n = syscall_raw(NR_read, r->fd, &r->s, sizeof(r->s));
	for (;;)
		syscall_raw(NR_pause);
	return 0;
}

/* Another thread changes the set of the file that one is reading. */
TEST(signalfd_changed_under_a_reader)
{
	static char stack[16384];
	static struct reader r;
	ksigset_t set = KSIGMASK(SIGUSR1), other = KSIGMASK(SIGUSR2);

	block(set | other);
	r.fd = signals_of(-1, set, 0);
	REQUIRE(clone(read_signal, stack + sizeof(stack),
		      CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND |
			      CLONE_THREAD | CLONE_SYSVSEM,
		      &r, NULL, NULL, NULL) > 0);
	usleep(10000);
	CHECK_EQ(signals_of(r.fd, other, 0), r.fd);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGUSR2);
	while (!r.n)
		usleep(1000);
	CHECK_EQ(r.n, sizeof(r.s));
	CHECK_EQ(r.s.ssi_signo, SIGUSR2);
}

TEST(signalfd_in_an_epoll)
{
	ksigset_t set = KSIGMASK(SIGUSR1), other = KSIGMASK(SIGUSR2);
	struct signalfd_siginfo s;
	struct epoll_event e;
	pid_t parent = getpid();
	int fd, ep = make(), status;

	block(set | other);
	fd = signals_of(-1, set, 0);
	add(ep, fd, EPOLLIN);
	CHECK_EQ(look(ep, fd), 0);
	if (fork() == 0) {
		kill(parent, SIGUSR1);
		_exit(0);
	}
	CHECK_EQ(wait_for(ep, &e, 1, -1), 1);
	CHECK(wait(&status) > 0);
	CHECK_EQ(read(fd, &s, sizeof(s)), sizeof(s));
	kill(parent, SIGUSR2);
	CHECK_EQ(look(ep, fd), 0);
	CHECK_EQ(signals_of(fd, other, 0), fd);
	CHECK_EQ(look(ep, fd), EPOLLIN);
}

TEST(signalfd_errors)
{
	ksigset_t set = KSIGMASK(SIGUSR1);
	int fd = signals_of(-1, set, O_CLOEXEC);
	char small[100];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK(syscall(NR_signalfd, -1, &set, 8) >= 0);
	CHECK_ERR(signals_of(-1, set, 1), EINVAL);
	CHECK_ERR(syscall(NR_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERR(syscall(NR_signalfd4, -1, BAD, 8, 0), EFAULT);
	CHECK_ERR(signals_of(99, set, 0), EBADF);
	CHECK_ERR(signals_of(make(), set, 0), EINVAL);
	CHECK_ERR(signals_of(open(".", O_PATH), set, 0), EBADF);
	CHECK_ERR(read(fd, small, sizeof(small)), EINVAL);
	CHECK_ERR(write(fd, small, sizeof(small)), EINVAL);
}

/* An epoll that outlives the process which added its signalfd. */
TEST(signalfd_outlives_its_process)
{
	ksigset_t set = KSIGMASK(SIGUSR1);
	int fd, ep = make();

	block(set);
	fd = signals_of(-1, set, 0);
	CHECK_EQ(IN_CHILD(add(ep, fd, EPOLLIN)), 0);
	for (int i = 0; i < 20; i++)
		CHECK_EQ(IN_CHILD(kill(getpid(), SIGUSR1)), 0);
	kill(getpid(), SIGUSR1);
	close(fd);
	close(ep);
}
