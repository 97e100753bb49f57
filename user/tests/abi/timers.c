/*
 * timer_create and its kin; timerfd; clock_nanosleep by CPU time. Nothing here
 * asks how fast the machine is: only that no timer goes off early, and that
 * none is lost.
 */
#include <poll.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include "check.h"

#define S  1000000000l
#define MS 1000000l

static long
now(clockid_t clock)
{
	struct timespec ts;

	REQUIRE(clock_gettime(clock, &ts) == 0);
	return ts.tv_sec * S + ts.tv_nsec;
}

static struct itimerspec
spec(long value, long interval)
{
	return (struct itimerspec){ { interval / S, interval % S },
				    { value / S, value % S } };
}

static long
left_of(const struct itimerspec *it)
{
	return it->it_value.tv_sec * S + it->it_value.tv_nsec;
}

/* ---- timer_create ---- */

static volatile int caught;
static siginfo_t first, last;

static void
note(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	last = *info;
	if (caught++ == 0)
		first = *info;
}

static void
install(int sig)
{
	struct sigaction act = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
}

static int
create(int clock, int notify, int sig)
{
	struct sigevent ev = { .sigev_notify = notify, .sigev_signo = sig };
	int id = -1;

	ev.sigev_value.sival_int = 4711;
	ev.sigev_u.sigev_tid = (int)syscall(NR_gettid);
	REQUIRE(syscall(NR_timer_create, clock, &ev, &id) == 0);
	return id;
}

static int
set(int id, int flags, long value, long interval)
{
	struct itimerspec it = spec(value, interval);

	return (int)syscall(NR_timer_settime, id, flags, &it, NULL);
}

static void
mask(int how, int sig)
{
	ksigset_t set = KSIGMASK(sig);

	REQUIRE(syscall(NR_rt_sigprocmask, how, &set, NULL, 8) == 0);
}

static void
wait_until_caught(int n)
{
	while (caught < n)
		usleep(1000);
}

TEST(timer_signals)
{
	long start = now(CLOCK_MONOTONIC);
	int id;

	install(SIGRTMIN + 2);
	id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 2);
	CHECK_EQ(set(id, 0, 20 * MS, 0), 0);
	wait_until_caught(1);
	CHECK(now(CLOCK_MONOTONIC) - start >= 20 * MS);
	CHECK_EQ(last.si_signo, SIGRTMIN + 2);
	CHECK_EQ(last.si_code, SI_TIMER);
	CHECK_EQ(last.si_timerid, id);
	CHECK_EQ(last.si_u.timer.value.sival_int, 4711);
	CHECK_EQ(last.si_overrun, 0);
	CHECK_EQ(syscall(NR_timer_getoverrun, id), 0);
	CHECK_EQ(syscall(NR_timer_delete, id), 0);
	CHECK_ERR(syscall(NR_timer_delete, id), EINVAL);
}

TEST(timer_default_is_sigalrm_with_its_number)
{
	int id = -1;

	install(SIGALRM);
	CHECK_EQ(syscall(NR_timer_create, CLOCK_REALTIME, NULL, &id), 0);
	CHECK_EQ(set(id, 0, 1, 0), 0);
	wait_until_caught(1);
	CHECK_EQ(last.si_code, SI_TIMER);
	CHECK_EQ(last.si_u.timer.value.sival_int, id);
}

TEST(timer_repeats)
{
	int id;
	struct itimerspec it;

	install(SIGUSR1);
	id = create(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1);
	CHECK_EQ(set(id, 0, 5 * MS, 5 * MS), 0);
	wait_until_caught(4);
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK_EQ(it.it_interval.tv_nsec, 5 * MS);
	CHECK(left_of(&it) > 0 && left_of(&it) <= 5 * MS);
	CHECK_EQ(set(id, 0, 0, 5 * MS), 0); /* off */
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK_EQ(left_of(&it), 0);
}

/* While its signal is blocked the expirations are counted, and told with it. */
static void
check_overruns(int sig)
{
	long start, interval = MS;
	int id;

	install(sig);
	mask(SIG_BLOCK, sig);
	id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, sig);
	start = now(CLOCK_MONOTONIC);
	CHECK_EQ(set(id, 0, interval, interval), 0);
	usleep(30000);
	mask(SIG_UNBLOCK, sig);
	wait_until_caught(1);
	CHECK_EQ(set(id, 0, 0, 0), 0);
	CHECK(first.si_overrun >= 28);
	CHECK(first.si_overrun <= (now(CLOCK_MONOTONIC) - start) / interval);
}

TEST(timer_overruns)
{
	check_overruns(SIGRTMIN + 3);
}

TEST(timer_overruns_of_a_standard_signal)
{
	check_overruns(SIGUSR2);
}

/* They would go off all the time, if they were armed: nobody takes a signal. */
TEST(timers_whose_signals_wait)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL,
			       .sigev_signo = SIGRTMIN + 1 };
	ksigset_t set_of = KSIGMASK(SIGRTMIN + 1);
	siginfo_t info;
	int id;

	mask(SIG_BLOCK, SIGRTMIN + 1);
	for (int i = 0; i < 1000; i++) { /* or as many as one may have */
		if (syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, &id) < 0)
			break;
		CHECK_EQ(set(id, 0, 1, 1), 0);
	}
	usleep(100000);
	CHECK_EQ(syscall(NR_rt_sigtimedwait, &set_of, &info, NULL, 8),
		 SIGRTMIN + 1);
	CHECK(info.si_overrun > 0);
}

static void
until_pending(int sig)
{
	ksigset_t pending = 0;

	while (!(pending & KSIGMASK(sig))) {
		CHECK_EQ(syscall(NR_rt_sigpending, &pending, 8), 0);
	}
}

TEST(timer_goes_on_after_its_signal_was_ignored)
{
	struct itimerspec it;
	int id;

	mask(SIG_BLOCK, SIGUSR1);
	id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	CHECK_EQ(set(id, 0, MS, MS), 0);
	until_pending(SIGUSR1);
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK(left_of(&it) > 0 && left_of(&it) <= MS);
	signal(SIGUSR1, SIG_IGN); /* what is pending is forgotten */
	install(SIGUSR1);
	mask(SIG_UNBLOCK, SIGUSR1);
	wait_until_caught(3);
}

TEST(itimer_goes_on_after_its_signal_was_blocked)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } };

	mask(SIG_BLOCK, SIGVTALRM);
	install(SIGVTALRM);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &it, NULL), 0);
	until_pending(SIGVTALRM);
	mask(SIG_UNBLOCK, SIGVTALRM);
	while (caught < 3)
		;
}

TEST(timer_getoverrun)
{
	ksigset_t set_of = KSIGMASK(SIGRTMIN + 1);
	siginfo_t info;
	int id;

	mask(SIG_BLOCK, SIGRTMIN + 1);
	id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN + 1);
	CHECK_EQ(set(id, 0, MS, MS), 0);
	usleep(20000);
	CHECK_EQ(syscall(NR_rt_sigtimedwait, &set_of, &info, NULL, 8),
		 SIGRTMIN + 1);
	CHECK(info.si_overrun > 0);
	CHECK_EQ(syscall(NR_timer_getoverrun, id), info.si_overrun);
}

TEST(timer_absolute)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
				      CLOCK_BOOTTIME };

	install(SIGUSR1);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		int id = create(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		long at = now(clocks[i]) + 10 * MS;

		caught = 0;
		CHECK_EQ(set(id, TIMER_ABSTIME, at, 0), 0);
		wait_until_caught(1);
		CHECK(now(clocks[i]) >= at);
		CHECK_EQ(set(id, TIMER_ABSTIME, 1, 0), 0); /* long ago */
		wait_until_caught(2);
	}
}

TEST(timer_to_a_thread)
{
	int id;

	install(SIGUSR1);
	id = create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1);
	CHECK_EQ(set(id, 0, MS, 0), 0);
	wait_until_caught(1);
	CHECK_EQ(last.si_code, SI_TIMER);
}

TEST(timer_that_tells_nobody)
{
	int id = create(CLOCK_MONOTONIC, SIGEV_NONE, 0);
	struct itimerspec it;

	CHECK_EQ(set(id, 0, 100 * S, 7 * S), 0);
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK(left_of(&it) > 0 && left_of(&it) <= 100 * S);
	CHECK_EQ(set(id, 0, 1, 7 * S), 0);
	usleep(1000);
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK(left_of(&it) > 0 && left_of(&it) <= 7 * S);
	CHECK_EQ(set(id, 0, 1, 0), 0);
	usleep(1000);
	CHECK_EQ(syscall(NR_timer_gettime, id, &it), 0);
	CHECK_EQ(left_of(&it), 0);
}

TEST(timer_of_cpu_time)
{
	static const int clocks[] = { CLOCK_PROCESS_CPUTIME_ID,
				      CLOCK_THREAD_CPUTIME_ID };

	install(SIGUSR1);
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		int id = create(clocks[i], SIGEV_SIGNAL, SIGUSR1);
		long start = now(clocks[i]);

		caught = 0;
		CHECK_EQ(set(id, 0, 20 * MS, 0), 0);
		while (!caught)
			;
		CHECK(now(clocks[i]) - start >= 20 * MS);
		CHECK_EQ(syscall(NR_timer_delete, id), 0);
	}
}

TEST(timer_old_value)
{
	struct itimerspec it = spec(50 * S, 3 * S), old;
	int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);

	CHECK_EQ(syscall(NR_timer_settime, id, 0, &it, &old), 0);
	CHECK(left_of(&old) == 0 && old.it_interval.tv_sec == 0);
	CHECK_EQ(syscall(NR_timer_settime, id, 0, &it, &old), 0);
	CHECK(left_of(&old) > 0 && left_of(&old) <= 50 * S);
	CHECK_EQ(old.it_interval.tv_sec, 3);
	CHECK_ERR(syscall(NR_timer_settime, id, 0, &it, BAD), EFAULT);
	it = spec(0, 3 * S);
	CHECK_EQ(syscall(NR_timer_settime, id, 0, &it, NULL), 0);
	CHECK_EQ(syscall(NR_timer_gettime, id, &old), 0);
	CHECK_EQ(old.it_interval.tv_sec, 0); /* off, and nothing is kept */
}

TEST(timer_errors)
{
	struct sigevent ev = { .sigev_signo = SIGUSR1 };
	struct itimerspec it = spec(0, 0);
	int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1), other;

	CHECK_ERR(syscall(NR_timer_create, 77, &ev, &other), EINVAL);
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC_RAW, &ev, &other),
		  EOPNOTSUPP);
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, BAD, &other),
		  EFAULT);
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, BAD), EFAULT);
	ev.sigev_signo = 0;
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, &other),
		  EINVAL);
	ev.sigev_signo = NSIG;
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, &other),
		  EINVAL);
	ev.sigev_signo = SIGUSR1;
	ev.sigev_notify = 3;
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, &other),
		  EINVAL);
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_u.sigev_tid = 1;
	CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, &other),
		  EINVAL); /* another process's */
	CHECK_ERR(syscall(NR_timer_settime, 9999, 0, &it, NULL), EINVAL);
	CHECK_ERR(syscall(NR_timer_settime, id, 0, NULL, NULL), EINVAL);
	CHECK_ERR(syscall(NR_timer_settime, id, 0, BAD, NULL), EFAULT);
	it.it_value.tv_nsec = S;
	CHECK_ERR(syscall(NR_timer_settime, id, 0, &it, NULL), EINVAL);
	it = (struct itimerspec){ { 0, -1 }, { 1, 0 } };
	CHECK_ERR(syscall(NR_timer_settime, id, 0, &it, NULL), EINVAL);
	CHECK_ERR(syscall(NR_timer_gettime, 9999, &it), EINVAL);
	CHECK_ERR(syscall(NR_timer_gettime, id, BAD), EFAULT);
	CHECK_ERR(syscall(NR_timer_getoverrun, 9999), EINVAL);
}

TEST(timer_deleted_with_its_signal_pending)
{
	ksigset_t none = 0;
	int id;

	mask(SIG_BLOCK, SIGRTMIN);
	for (int i = 0; i < 20; i++) {
		id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGRTMIN);
		CHECK_EQ(set(id, 0, 1, 1), 0);
		usleep(500);
		CHECK_EQ(syscall(NR_timer_delete, id), 0);
	}
	install(SIGRTMIN);
	CHECK_EQ(syscall(NR_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8), 0);
}

TEST(timer_is_not_inherited)
{
	int id = create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1);
	struct itimerspec it;

	CHECK_EQ(
		IN_CHILD(CHECK_ERR(syscall(NR_timer_gettime, id, &it), EINVAL)),
		0);
}

int
check_exec_role(int argc, char **argv)
{
	struct itimerspec it;
	ksigset_t pending = 0;

	(void)argv;
	if (argc > 2)
		return syscall(NR_rt_sigpending, &pending, 8) || pending;
	usleep(20000); /* SIGUSR1 would end it */
	return syscall(NR_timer_gettime, 0, &it) != -1;
}

static void
nothing(int signo)
{
	(void)signo;
}

/* And a signal of its own that is pending then: exec takes the handler away. */
TEST(timer_is_gone_after_exec)
{
	char *arguments[] = { check_program, "-x", NULL };

	signal(SIGUSR1, nothing);
	CHECK_EQ(IN_CHILD(set(create(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1), 0,
			      MS, MS);
			  execv(check_program, arguments)),
		 0);
}

static int
exec_with_signal_pending(void *arguments)
{
	ksigset_t pending = 0;

	set(create(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGRTMIN), 0, 1, 0);
	while (!pending)
		syscall(NR_rt_sigpending, &pending, 8);
	execv(check_program, arguments);
	return 1;
}

/* A thread's signal, which has the process's number when its timer goes. */
TEST(timer_takes_its_signal_along_at_exec)
{
	static char stack[16384];
	char *arguments[] = { check_program, "-x", "pending", NULL };

	mask(SIG_BLOCK, SIGRTMIN);
	CHECK_EQ(IN_CHILD({
			 clone(exec_with_signal_pending, stack + sizeof(stack),
			       CLONE_VM | CLONE_FS | CLONE_FILES |
				       CLONE_SIGHAND | CLONE_THREAD |
				       CLONE_SYSVSEM,
			       arguments, NULL, NULL, NULL);
			 for (;;)
				 pause();
		 }),
		 0);
}

/* ---- timerfd ---- */

static int
make_fd(int clock, int flags)
{
	int fd = (int)syscall(NR_timerfd_create, clock, flags);

	REQUIRE(fd >= 0);
	return fd;
}

static int
set_fd(int fd, int flags, long value, long interval)
{
	struct itimerspec it = spec(value, interval);

	return (int)syscall(NR_timerfd_settime, fd, flags, &it, NULL);
}

static long
take(int fd)
{
	uint64_t n = 0;

	CHECK_EQ(read(fd, &n, sizeof(n)), sizeof(n));
	return (long)n;
}

TEST(timerfd_reads_expirations)
{
	static const int clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC,
				      CLOCK_BOOTTIME };

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		int fd = make_fd(clocks[i], 0);
		long start = now(CLOCK_MONOTONIC), n;

		CHECK_EQ(set_fd(fd, 0, 10 * MS, 0), 0);
		CHECK_EQ(take(fd), 1);
		CHECK(now(CLOCK_MONOTONIC) - start >= 10 * MS);
		start = now(CLOCK_MONOTONIC);
		CHECK_EQ(set_fd(fd, 0, MS, MS), 0);
		usleep(20000);
		n = take(fd);
		CHECK(n >= 20);
		CHECK(n <= (now(CLOCK_MONOTONIC) - start) / MS);
		CHECK(take(fd) >= 1);
	}
}

TEST(timerfd_absolute)
{
	int fd = make_fd(CLOCK_REALTIME, 0);
	long at = now(CLOCK_REALTIME) + 10 * MS;

	CHECK_EQ(set_fd(fd, TFD_TIMER_ABSTIME, at, 0), 0);
	CHECK_EQ(take(fd), 1);
	CHECK(now(CLOCK_REALTIME) >= at);
	CHECK_EQ(set_fd(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, 1, 0),
		 0);
	CHECK_EQ(take(fd), 1);
}

/** The clock set, to what it is: a timer by the old time is cancelled. */
TEST(timerfd_cancelled)
{
	int fd = make_fd(CLOCK_REALTIME, O_NONBLOCK);
	long later = now(CLOCK_REALTIME) + 1000 * S;
	struct itimerspec it = spec(later, 0);
	struct timespec ts;
	uint64_t n;

	CHECK_EQ(set_fd(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, later,
			0),
		 0);
	REQUIRE(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	if (syscall(NR_clock_settime, CLOCK_REALTIME, &ts) < 0)
		SKIP("the clock may not be set here");
	CHECK_ERR(syscall(NR_timerfd_settime, fd,
			  TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &it,
			  NULL),
		  ECANCELED);
	CHECK_ERR(read(fd, &n, sizeof(n)), EAGAIN);
}

/** Each timer has its place in the queue of signals. */
TEST(timer_limit)
{
	struct sigevent ev = { .sigev_signo = SIGUSR1 };
	struct rlimit limit = { 0, 0 };
	int id;

	AS_USER({
		REQUIRE(setrlimit(RLIMIT_SIGPENDING, &limit) == 0);
		CHECK_ERR(syscall(NR_timer_create, CLOCK_MONOTONIC, &ev, &id),
			  EAGAIN);
	});
}

TEST(timerfd_poll)
{
	struct pollfd p = { make_fd(CLOCK_MONOTONIC, O_NONBLOCK), POLLIN, 0 };
	uint64_t n;

	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_ERR(read(p.fd, &n, sizeof(n)), EAGAIN);
	CHECK_EQ(set_fd(p.fd, 0, 5 * MS, 0), 0);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(p.revents, POLLIN);
	CHECK_EQ(take(p.fd), 1);
	CHECK_EQ(poll(&p, 1, 0), 0);
	CHECK_EQ(set_fd(p.fd, 0, 1, 0), 0);
	CHECK_EQ(poll(&p, 1, -1), 1);
	CHECK_EQ(set_fd(p.fd, 0, 100 * S, 0), 0); /* what was, is forgotten */
	CHECK_EQ(poll(&p, 1, 0), 0);
}

TEST(timerfd_gettime)
{
	int fd = make_fd(CLOCK_MONOTONIC, 0);
	struct itimerspec it = spec(50 * S, 3 * S), old;

	CHECK_EQ(syscall(NR_timerfd_gettime, fd, &old), 0);
	CHECK_EQ(left_of(&old), 0);
	CHECK_EQ(syscall(NR_timerfd_settime, fd, 0, &it, &old), 0);
	CHECK_EQ(left_of(&old), 0);
	CHECK_EQ(syscall(NR_timerfd_gettime, fd, &old), 0);
	CHECK(left_of(&old) > 0 && left_of(&old) <= 50 * S);
	CHECK_EQ(old.it_interval.tv_sec, 3);
	CHECK_EQ(set_fd(fd, 0, MS, S), 0);
	CHECK_EQ(take(fd), 1);
	CHECK_EQ(syscall(NR_timerfd_gettime, fd, &old), 0);
	CHECK(left_of(&old) > 0 && left_of(&old) <= S);
	CHECK_EQ(set_fd(fd, 0, 0, S), 0);
	CHECK_EQ(syscall(NR_timerfd_gettime, fd, &old), 0);
	CHECK_EQ(left_of(&old), 0);
}

TEST(timerfd_errors)
{
	int fd = make_fd(CLOCK_MONOTONIC, O_CLOEXEC), other = dup(1);
	struct itimerspec it = spec(0, 0);
	char small[4];

	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERR(syscall(NR_timerfd_create, 77, 0), EINVAL);
	CHECK_ERR(syscall(NR_timerfd_create, CLOCK_PROCESS_CPUTIME_ID, 0),
		  EINVAL);
	CHECK_ERR(syscall(NR_timerfd_create, CLOCK_MONOTONIC, 1), EINVAL);
	AS_USER(CHECK_ERR(syscall(NR_timerfd_create, CLOCK_BOOTTIME_ALARM, 0),
			  EPERM));
	CHECK_ERR(set_fd(-1, 0, 1, 0), EBADF);
	CHECK_ERR(set_fd(other, 0, 1, 0), EINVAL);
	CHECK_ERR(set_fd(open(".", O_PATH), 0, 1, 0), EBADF);
	CHECK_ERR(set_fd(fd, 4, 1, 0), EINVAL);
	CHECK_ERR(syscall(NR_timerfd_settime, fd, 0, BAD, NULL), EFAULT);
	CHECK_ERR(syscall(NR_timerfd_settime, fd, 0, &it, BAD), EFAULT);
	it.it_interval.tv_nsec = S;
	CHECK_ERR(syscall(NR_timerfd_settime, fd, 0, &it, NULL), EINVAL);
	it = (struct itimerspec){ { 0, 0 }, { -1, 0 } };
	CHECK_ERR(syscall(NR_timerfd_settime, fd, 0, &it, NULL), EINVAL);
	CHECK_ERR(syscall(NR_timerfd_gettime, -1, &it), EBADF);
	CHECK_ERR(syscall(NR_timerfd_gettime, other, &it), EINVAL);
	CHECK_ERR(syscall(NR_timerfd_gettime, fd, BAD), EFAULT);
	CHECK_ERR(read(fd, small, sizeof(small)), EINVAL);
	CHECK_ERR(write(fd, small, sizeof(small)), EINVAL);
}

/* A blocked reader is woken; the timer runs on after the fork that set it. */
TEST(timerfd_is_shared_by_fork)
{
	int fd = make_fd(CLOCK_MONOTONIC, 0);

	CHECK_EQ(IN_CHILD(CHECK_EQ(set_fd(fd, 0, 10 * MS, 0), 0)), 0);
	CHECK_EQ(take(fd), 1);
}

/* ---- clock_nanosleep by CPU time ---- */

TEST(clock_nanosleep_by_cpu_time)
{
	long start = now(CLOCK_PROCESS_CPUTIME_ID);
	struct timespec t = { 0, 1 }, left = { -1, 0 };
	struct sigaction act = { .sa_sigaction = note, .sa_flags = SA_SIGINFO };

	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, TIMER_ABSTIME, &t,
				 NULL),
		 0); /* it has had that much */
	REQUIRE(sigaction(SIGALRM, &act, NULL) == 0);
	alarm(1);
	t.tv_sec = 100; /* nobody else runs: only the signal ends it */
	CHECK_EQ(clock_nanosleep(CLOCK_PROCESS_CPUTIME_ID, 0, &t, &left),
		 EINTR);
	CHECK(left.tv_sec >= 90 && left.tv_sec <= 100);
	CHECK(now(CLOCK_PROCESS_CPUTIME_ID) - start < 50 * S);
	CHECK_EQ(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL),
		 EOPNOTSUPP);
	t = (struct timespec){ 0, 1 }; /* the process's, by other numbers */
	CHECK_EQ(clock_nanosleep(-6, TIMER_ABSTIME, &t, NULL), 0);
	CHECK_EQ(clock_nanosleep(~getpid() * 8 + 2, TIMER_ABSTIME, &t, NULL),
		 0);
	CHECK_EQ(clock_nanosleep(-1, TIMER_ABSTIME, &t, NULL), EINVAL);
}

/* A timer of the day that tells nobody, when the clock is set. */
TEST(timer_without_event_when_clock_is_set)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct itimerspec at = { { 0, 0 }, { 0, 0 } };
	struct timespec now;
	int id;

	CHECK_EQ(syscall(NR_timer_create, CLOCK_REALTIME, &none, &id), 0);
	CHECK_EQ(clock_gettime(CLOCK_REALTIME, &now), 0);
	at.it_value = (struct timespec){ now.tv_sec, now.tv_nsec + 1 };
	at.it_interval = (struct timespec){ 0, 1000000 };
	CHECK_EQ(syscall(NR_timer_settime, id, TIMER_ABSTIME, &at, NULL), 0);
	if (clock_settime(CLOCK_REALTIME, &now) < 0)
		SKIP("the clock may not be set here");
	usleep(20000);
	CHECK_EQ(syscall(NR_timer_gettime, id, &at), 0);
	CHECK(at.it_value.tv_nsec > 0);
}
