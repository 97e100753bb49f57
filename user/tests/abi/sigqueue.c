/*
 * Signals with a value, to processes and to threads; signals that are taken,
 * not handled; and whom a signal may not reach: rt_sigqueueinfo(2), tkill(2),
 * sigtimedwait(2), signalfd(2).
 */
#include <sys/resource.h>
#include <time.h>
#include "check.h"

#define RT (SIGRTMIN + 5)

static volatile siginfo_t caught;

static void
keep(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	caught = *info;
}

static siginfo_t
value(int code, int number)
{
	siginfo_t info = { .si_code = code };

	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_int = number;
	return info;
}

static void
install(int sig)
{
	struct sigaction act = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
}

static void
block(int sig)
{
	sigset_t set = KSIGMASK(sig);

	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
}

TEST(sigqueue_carries_a_value)
{
	siginfo_t info = value(SI_QUEUE, 42);

	install(SIGUSR1);
	CHECK_EQ(syscall(NR_rt_sigqueueinfo, getpid(), SIGUSR1, &info), 0);
	CHECK_EQ(caught.si_code, SI_QUEUE);
	CHECK_EQ(caught.si_signo, SIGUSR1);
	CHECK_EQ(caught.si_int, 42);
	CHECK_EQ(caught.si_pid, getpid());
	info.si_int = 43;
	CHECK_EQ(syscall(NR_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1,
			 &info),
		 0);
	CHECK_EQ(caught.si_int, 43);
}

TEST(sigqueue_errors)
{
	siginfo_t info = value(SI_QUEUE, 1), lie = value(SI_USER, 1);
	pid_t own = getpid();

	CHECK_ERR(syscall(NR_rt_sigqueueinfo, own, 99, &info), EINVAL);
	CHECK_ERR(syscall(NR_rt_sigqueueinfo, own, -1, &info), EINVAL);
	CHECK_ERR(syscall(NR_rt_sigqueueinfo, INT_MAX, SIGUSR1, &info), ESRCH);
	CHECK_ERR(syscall(NR_rt_sigqueueinfo, own, SIGUSR1, BAD), EFAULT);
	/* nobody may look like the kernel, or like another's kill */
	CHECK_ERR(syscall(NR_rt_sigqueueinfo, getppid(), 0, &lie), EPERM);
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, own, 99, &info), EINVAL);
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, -1, own, 0, &info), EINVAL);
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, 0, 0, &info), EINVAL);
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, INT_MAX, 0, &info), ESRCH);
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, getppid(), getppid(), 0, &lie),
		  EPERM);
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, own, 0, BAD), EFAULT);
	AS_USER(CHECK_ERR(syscall(NR_rt_sigqueueinfo, own, 0, &info), EPERM);
		CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, own, 0, &info),
			  EPERM);
		CHECK_ERR(syscall(NR_tkill, own, 0), EPERM);
		CHECK_ERR(syscall(NR_tgkill, own, own, 0), EPERM));
}

/** A real-time signal is not lost: where the queue is full one is told. */
TEST(a_full_queue)
{
	siginfo_t info = value(SI_QUEUE, 1);
	struct rlimit limit = { 0, 0 };
	pid_t own;

	AS_USER({
		own = getpid();
		block(RT);
		REQUIRE(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
		CHECK_ERR(syscall(NR_rt_sigqueueinfo, own, RT, &info), EAGAIN);
		CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, own, RT, &info),
			  EAGAIN);
		CHECK_ERR(syscall(NR_tkill, own, RT), EAGAIN);
		CHECK_ERR(syscall(NR_tgkill, own, own, RT), EAGAIN);
		CHECK_EQ(kill(own, RT), 0); /* of that one only the fact */
	});
}

TEST(sigtimedwait)
{
	sigset_t set = KSIGMASK(RT);
	siginfo_t info = value(SI_QUEUE, 7), got;
	struct timespec none = { 0, 0 };

	block(RT);
	CHECK_ERR(syscall(NR_rt_sigtimedwait, &set, &got, &none, 8), EAGAIN);
	CHECK_EQ(syscall(NR_rt_sigqueueinfo, getpid(), RT, &info), 0);
	CHECK_EQ(syscall(NR_rt_sigtimedwait, &set, &got, &none, 8), RT);
	CHECK_EQ(got.si_int, 7);
	none.tv_nsec = -1;
	CHECK_ERR(syscall(NR_rt_sigtimedwait, &set, &got, &none, 8), EINVAL);
	CHECK_ERR(syscall(NR_rt_sigtimedwait, &set, &got, NULL, 4), EINVAL);
	CHECK_ERR(syscall(NR_rt_sigtimedwait, BAD, &got, NULL, 8), EFAULT);
	CHECK_ERR(syscall(NR_rt_sigtimedwait, &set, &got, BAD, 8), EFAULT);
}

/** The call without flags. */
TEST(signalfd_of_old)
{
	sigset_t set = KSIGMASK(SIGUSR1);
	int fd = (int)syscall(NR_signalfd, -1, &set, 8);

	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	CHECK_EQ(syscall(NR_signalfd, fd, &set, 8), fd);
	CHECK_ERR(syscall(NR_signalfd, 99, &set, 8), EBADF);
	CHECK_ERR(syscall(NR_signalfd, 1, &set, 8), EINVAL);
	CHECK_ERR(syscall(NR_signalfd, -1, &set, 4), EINVAL);
	CHECK_ERR(syscall(NR_signalfd, -1, BAD, 8), EFAULT);
}
