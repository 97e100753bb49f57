/*
 * Signals with a value, to processes and to threads; signals that are taken,
 * not handled; and whom a signal may not reach: rt_sigqueueinfo(2), tkill(2),
 * sigtimedwait(2), signalfd(2).
 */
#include <sched.h>
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
	/* not even one's own thread, where it is another */
	CHECK_ERR(syscall(NR_rt_tgsigqueueinfo, own, INT_MAX, 0, &lie), EPERM);
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

/* ---- Several threads ---- */

#define THREAD                                                                 \
	(CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |    \
	 CLONE_SYSVSEM)

static const ksigset_t both = KSIGMASK(SIGUSR1) | KSIGMASK(SIGUSR2);

static void
start(int (*fn)(void *), void *arg)
{
	static char stack[16384];

	REQUIRE(clone(fn, stack + sizeof(stack), THREAD, arg, NULL, NULL,
		      NULL) > 0);
}

static int
catcher(void *arg)
{
	(void)arg;
	for (;;)
		syscall_raw(NR_pause);
	return 0;
}

static void
send_both_at_once(pid_t pid)
{
	int priority = 1;

	until_asleep(pid);
	/* where that is forbidden it is mostly a single step, too */
	syscall(NR_sched_setscheduler, 0, SCHED_FIFO, &priority);
	kill(pid, SIGUSR2);
	kill(pid, SIGUSR1);
}

/* Two signals, and a thread that waits for one of either kind: the other is for
 * who has a handler. */
TEST(sigtimedwait_leaves_the_rest_to_others)
{
	pid_t own = getpid();
	ksigset_t pending;

	install(SIGUSR1);
	install(SIGUSR2);
	keep_to_one_cpu();
	start(catcher, NULL);
	block(SIGUSR1);
	block(SIGUSR2);
	if (fork() == 0) {
		send_both_at_once(own);
		_exit(0);
	}
	syscall(NR_rt_sigtimedwait, &both, NULL, NULL, 8);
	do {
		usleep(1000);
		CHECK_EQ(syscall(NR_rt_sigpending, &pending, 8), 0);
	} while (pending & both);
}

static volatile int taken;

static int
taker(void *arg)
{
	ksigset_t set = KSIGMASK(SIGUSR2);

	syscall_raw(NR_rt_sigprocmask, SIG_BLOCK, &both, NULL, 8);
	*(volatile int *)arg = 1;
	taken = (int)syscall_raw(NR_rt_sigtimedwait, &set, NULL, NULL, 8);
	for (;;)
		syscall_raw(NR_pause);
	return 0;
}

static void
until_taken(int sig)
{
	(void)sig;
	while (!taken)
		usleep(1000);
}

/* A signal is on its way to a thread that then blocks it: who waits for it gets
 * it. */
TEST(sigtimedwait_gets_what_another_blocks)
{
	struct sigaction act = { .sa_handler = until_taken,
				 .sa_mask = KSIGMASK(SIGUSR2) };
	volatile int ready = 0;

	install(SIGUSR2);
	REQUIRE(sigaction(SIGUSR1, &act, NULL) == 0);
	start(taker, (void *)&ready);
	while (!ready)
		sched_yield();
	usleep(10000);
	if (vfork() == 0) { /* the parent takes neither before it ends */
		kill(getppid(), SIGUSR2);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK_EQ(taken, SIGUSR2);
}
