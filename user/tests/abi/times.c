/*
 * clock_gettime, gettimeofday, time, nanosleep, clock_nanosleep, alarm,
 * setitimer, times, getrusage. Nothing here asks how fast the machine is: only
 * that time passes, in order, and that no sleep ends early.
 */
#include <abi/futex.h>
#include <limits.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include "check.h"

#define S  1000000000l
#define MS 1000000l

static long
now(clockid_t clock)
{
	struct timespec ts = { -1, -1 };

	CHECK_EQ(clock_gettime(clock, &ts), 0);
	CHECK(ts.tv_nsec >= 0 && ts.tv_nsec < S);
	return ts.tv_sec * S + ts.tv_nsec;
}

TEST(clocks_go_forward)
{
	static const clockid_t clocks[] = {
		CLOCK_MONOTONIC,	  CLOCK_MONOTONIC_RAW,
		CLOCK_BOOTTIME,		  CLOCK_MONOTONIC_COARSE,
		CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID
	};

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++) {
		long last = now(clocks[i]);

		for (int k = 0; k < 1000; k++) {
			long next = now(clocks[i]);

			REQUIRE(next >= last);
			last = next;
		}
	}
}

TEST(real_time_clocks_agree)
{
	struct timeval tv;
	time_t t = -1;
	long real = now(CLOCK_REALTIME);

	CHECK_EQ(gettimeofday(&tv, NULL), 0);
	CHECK(tv.tv_usec >= 0 && tv.tv_usec < 1000000);
	CHECK_EQ(time(&t), t);
	CHECK(t - real / S >= -1 && t - real / S < 60);
	CHECK(tv.tv_sec - real / S >= 0 && tv.tv_sec - real / S < 60);
	CHECK(t > 1700000000); /* after this was written */
	CHECK(now(CLOCK_REALTIME_COARSE) - real > -S);
}

TEST(clock_errors)
{
	struct timespec ts;

	CHECK_ERR(clock_gettime(77, &ts), EINVAL);
	CHECK_ERR(syscall(NR_clock_gettime, CLOCK_REALTIME, BAD), EFAULT);
	CHECK_ERR(syscall(NR_clock_gettime, CLOCK_MONOTONIC, KERNEL_HALF),
		  EFAULT);
	CHECK_EQ(clock_getres(CLOCK_MONOTONIC, &ts), 0);
	CHECK(ts.tv_sec == 0 && ts.tv_nsec > 0);
	CHECK_ERR(clock_getres(77, &ts), EINVAL);
	CHECK_ERR(gettimeofday(BAD, NULL), EFAULT);
	CHECK_ERR(time(BAD), EFAULT);
	CHECK_EQ(gettimeofday(NULL, NULL), 0);
}

TEST(nanosleep)
{
	struct timespec ts = { 0, 30 * MS }, none = { 0, 0 };
	long start = now(CLOCK_MONOTONIC);

	CHECK_EQ(nanosleep(&ts, NULL), 0);
	CHECK(now(CLOCK_MONOTONIC) - start >= 30 * MS);
	CHECK_EQ(nanosleep(&none, NULL), 0);
}

TEST(nanosleep_errors)
{
	struct timespec ts = { 0, S };

	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
	ts.tv_nsec = -1;
	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
	ts = (struct timespec){ -1, 0 };
	CHECK_ERR(nanosleep(&ts, NULL), EINVAL);
	CHECK_ERR(nanosleep(BAD, NULL), EFAULT);
}

static volatile int caught;

static void
count(int sig)
{
	(void)sig;
	caught++;
}

static void
install(int sig, unsigned flags)
{
	struct sigaction act = { .sa_handler = count, .sa_flags = flags };

	REQUIRE(sigaction(sig, &act, NULL) == 0);
}

TEST(nanosleep_interrupted)
{
	struct timespec ts = { 100, 0 }, left = { -1, -1 };
	struct itimerval it = { { 0, 0 }, { 0, 50000 } };

	install(SIGALRM, SA_RESTART);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	CHECK_ERR(nanosleep(&ts, &left), EINTR);
	CHECK_EQ(caught, 1);
	CHECK(left.tv_sec < 100 && left.tv_sec >= 0);
}

TEST(nanosleep_goes_on_after_stop_and_continue)
{
	long start = now(CLOCK_MONOTONIC);
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct timespec ts = { 0, 200 * MS };

		_exit(nanosleep(&ts, NULL) != 0);
	}
	kill(child, SIGSTOP);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	kill(child, SIGCONT);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	CHECK(now(CLOCK_MONOTONIC) - start >= 200 * MS);
}

TEST(clock_nanosleep)
{
	struct timespec ts = { 0, 20 * MS };
	long start = now(CLOCK_MONOTONIC), until = start + 40 * MS;

	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), 0);
	CHECK(now(CLOCK_MONOTONIC) - start >= 20 * MS);
	ts = (struct timespec){ until / S, until % S };
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK(now(CLOCK_MONOTONIC) >= until);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL), 0);
	CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &(struct timespec){ 0, 1 },
				 NULL),
		 0);
}

TEST(clock_nanosleep_errors)
{
	struct timespec ts = { 0, S };

	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL), EINVAL);
	ts.tv_nsec = 0;
	CHECK_EQ(clock_nanosleep(77, 0, &ts, NULL), EINVAL);
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, BAD, NULL), EFAULT);
}

TEST(alarm)
{
	install(SIGALRM, 0);
	CHECK(alarm(100) > 0); /* the harness's watchdog */
	CHECK_EQ(alarm(1), 100);
	CHECK_ERR(pause(), EINTR);
	CHECK_EQ(caught, 1);
	CHECK_EQ(alarm(0), 0);
	alarm(50);
	CHECK_EQ(IN_CHILD(CHECK_EQ(alarm(0), 0)), 0); /* not inherited */
}

TEST(alarm_kills_by_default)
{
	CHECK_EQ(WTERMSIG(IN_CHILD(alarm(1); for (;;) pause())), SIGALRM);
}

TEST(setitimer_repeats)
{
	struct itimerval it = { { 0, 10000 }, { 0, 10000 } }, old;

	install(SIGALRM, 0);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, &old), 0);
	CHECK(old.it_value.tv_sec > 0); /* the watchdog */
	while (caught < 3)
		pause();
	CHECK_EQ(getitimer(ITIMER_REAL, &it), 0);
	CHECK_EQ(it.it_interval.tv_usec, 10000);
	CHECK(it.it_value.tv_sec == 0 && it.it_value.tv_usec <= 10000);
	it = (struct itimerval){ 0 };
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &it), 0);
	CHECK(it.it_value.tv_sec == 0 && it.it_value.tv_usec == 0);
	it.it_interval.tv_sec = 5;
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	CHECK_EQ(getitimer(ITIMER_REAL, &it), 0);
	CHECK_EQ(it.it_interval.tv_sec, 0); /* off, and nothing is kept */
}

TEST(itimer_errors)
{
	struct itimerval it = { { 0, 0 }, { 0, 1000000 } };

	CHECK_ERR(setitimer(99, &it, NULL), EINVAL);
	CHECK_ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	it.it_value.tv_usec = -1;
	CHECK_ERR(setitimer(ITIMER_REAL, &it, NULL), EINVAL);
	CHECK_ERR(setitimer(ITIMER_REAL, BAD, NULL), EFAULT);
	CHECK_ERR(getitimer(ITIMER_REAL, BAD), EFAULT);
	CHECK_ERR(getitimer(99, &it), EINVAL);
}

static void
burn(void)
{
	long start = now(CLOCK_PROCESS_CPUTIME_ID);

	while (now(CLOCK_PROCESS_CPUTIME_ID) - start < 30 * MS)
		;
}

TEST(times)
{
	struct tms before, after;
	clock_t start = times(&before);

	CHECK(start != -1);
	CHECK_EQ(IN_CHILD(burn()), 0);
	burn();
	CHECK(times(&after) >= start);
	CHECK(after.tms_utime + after.tms_stime >=
	      before.tms_utime + before.tms_stime);
	CHECK(after.tms_cutime + after.tms_cstime > 0);
	CHECK(times(NULL) != -1);
	CHECK_ERR(times(BAD), EFAULT);
}

/* The limit is not a second more, and goes up with each warning. */
TEST(cpu_limit_of_nothing)
{
	struct rlimit limit = { 0, 50 };

	install(SIGXCPU, 0);
	CHECK_EQ(setrlimit(RLIMIT_CPU, &limit), 0);
	while (!caught && now(CLOCK_PROCESS_CPUTIME_ID) < S)
		;
	CHECK_EQ(caught, 1);
	CHECK_EQ(getrlimit(RLIMIT_CPU, &limit), 0);
	CHECK_EQ(limit.rlim_cur, 1);
}

TEST(getrusage)
{
	struct rusage self, children;

	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &children), 0);
	CHECK_EQ(children.ru_utime.tv_sec + children.ru_utime.tv_usec, 0);
	CHECK_EQ(IN_CHILD(burn()), 0);
	burn();
	CHECK_EQ(getrusage(RUSAGE_SELF, &self), 0);
	CHECK(self.ru_utime.tv_usec + self.ru_stime.tv_usec > 0 ||
	      self.ru_utime.tv_sec + self.ru_stime.tv_sec > 0);
	CHECK(self.ru_utime.tv_usec < 1000000 && self.ru_utime.tv_usec >= 0);
	CHECK(self.ru_maxrss >= 0);
	CHECK_EQ(getrusage(RUSAGE_CHILDREN, &children), 0);
	CHECK(children.ru_utime.tv_usec + children.ru_stime.tv_usec +
		      children.ru_utime.tv_sec + children.ru_stime.tv_sec >
	      0);
	CHECK_ERR(getrusage(99, &self), EINVAL);
	CHECK_ERR(getrusage(RUSAGE_SELF, BAD), EFAULT);
}

/* ---- Setting the clock ---- */

TEST(set_clock_errors)
{
	struct timespec ts = { 0, 0 }, bad = { 0, S };
	struct timeval tv = { 0, 0 }, bad_tv = { 0, 1000000 };

	CHECK_ERR(syscall(NR_clock_settime, CLOCK_REALTIME, BAD), EFAULT);
	CHECK_ERR(syscall(NR_clock_settime, CLOCK_REALTIME, &bad), EINVAL);
	CHECK_ERR(syscall(NR_clock_settime, CLOCK_MONOTONIC, &ts), EINVAL);
	CHECK_ERR(syscall(NR_clock_settime, 77, &ts), EINVAL);
	CHECK_ERR(syscall(NR_settimeofday, BAD, NULL), EFAULT);
	CHECK_ERR(syscall(NR_settimeofday, NULL, BAD), EFAULT);
	CHECK_ERR(syscall(NR_settimeofday, &bad_tv, NULL), EINVAL);
	CHECK_EQ(syscall(NR_settimeofday, NULL, NULL), 0);
	AS_USER(CHECK_ERR(syscall(NR_clock_settime, CLOCK_REALTIME, &ts),
			  EPERM);
		CHECK_ERR(syscall(NR_clock_settime, CLOCK_REALTIME, &bad),
			  EINVAL);
		CHECK_ERR(syscall(NR_settimeofday, &tv, NULL), EPERM);
		CHECK_ERR(syscall(NR_settimeofday, &bad_tv, NULL), EINVAL);
		CHECK_ERR(syscall(NR_settimeofday, BAD, NULL), EFAULT));
}

/** To what it is: nobody else is to notice. */
TEST(set_clock)
{
	struct timespec ts;

	REQUIRE(clock_gettime(CLOCK_REALTIME, &ts) == 0);
	if (syscall(NR_clock_settime, CLOCK_REALTIME, &ts) < 0 &&
	    errno == EPERM)
		SKIP("the clock may not be set here");
	CHECK(now(CLOCK_REALTIME) - (ts.tv_sec * S + ts.tv_nsec) < 60 * S);
}

#define FAR (1000000 * S) /* eleven days */

/** In a child. It waits for days if it does not see the clock being set. */
static int
wait_on_futex_for_a_day(void)
{
	static uint32_t word;
	long day = now(CLOCK_REALTIME) + FAR / 2;
	struct timespec ts = { day / S, 0 };

	CHECK_ERR(syscall(NR_futex, &word,
			  FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0, &ts,
			  NULL, -1),
		  ETIMEDOUT);
	return now(CLOCK_REALTIME) < day;
}

/** The clock is set while somebody waits for a time of day. */
TEST(futex_sees_the_clock_being_set)
{
	long real = now(CLOCK_REALTIME), start = now(CLOCK_MONOTONIC), set;
	int status = -1, i;
	struct timespec ts;
	pid_t child;

	if (!exists("/proc/heap"))
		SKIP("the clock is not ours to set here");
	child = fork();
	if (child == 0)
		_exit(wait_on_futex_for_a_day());
	usleep(50000); /* it waits now */
	set = real + FAR;
	ts = (struct timespec){ set / S, set % S };
	CHECK_EQ(syscall(NR_clock_settime, CLOCK_REALTIME, &ts), 0);
	for (i = 0; i < 500; i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			break;
		usleep(10000);
	}
	set = real + (now(CLOCK_MONOTONIC) - start);
	ts = (struct timespec){ set / S, set % S };
	CHECK_EQ(syscall(NR_clock_settime, CLOCK_REALTIME, &ts), 0);
	CHECK_EQ(status, 0);
	kill(child, SIGKILL);
}

/** Stopped in its sleep, a process goes on with what is left of it. */
TEST(sleep_is_restarted)
{
	char path[64], state = 0;
	struct timespec ts = { 0, 300 * MS };
	int status, fd;
	pid_t child = fork();

	if (child == 0)
		_exit(syscall(NR_nanosleep, &ts, NULL) != 0);
	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	while (state != 'S') {
		char text[200] = "";

		fd = open(path, O_RDONLY);
		REQUIRE(read(fd, text, sizeof(text) - 1) > 0);
		close(fd);
		state = strrchr(text, ')')[2];
		REQUIRE(state != 'Z');
	}
	CHECK_EQ(kill(child, SIGSTOP), 0);
	CHECK_EQ(waitpid(child, &status, WUNTRACED), child);
	CHECK_EQ(kill(child, SIGCONT), 0);
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}
