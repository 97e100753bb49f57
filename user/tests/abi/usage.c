/*
 * What getrusage, times, wait4 and /proc tell of what was used: where CPU time
 * was spent, faults, switches. CPU time is measured in CPU time: how long that
 * takes is of no matter.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include "check.h"

#define MS     1000000l
#define LONG   (100 * MS) /* many ticks, of any kernel */
#define BUFFER (1 << 20)
#define PAGES  16
#define SLEEPS 5

/* Clocks of the own process's CPU time, by kind (linux/posix-timers.h). */
#define BY_TICKS	  (-8 + 0)
#define IN_USER		  (-8 + 1)
#define IN_USER_OF_THREAD (-8 + 4 + 1)

static long
time_of(int clock)
{
	struct timespec ts = { -1, -1 };

	CHECK_EQ(clock_gettime(clock, &ts), 0);
	return ts.tv_sec * 1000 * MS + ts.tv_nsec;
}

/* CPU time used, counted in two ways. What Linux tells of user mode and kernel
 * it counts by ticks, and a tick that comes while the hypervisor runs something
 * else does not count. */
struct used {
	long precisely;
	long by_ticks;
};

/** Counted from here on. The ticks of a busy Linux mostly strike others: half
 * of its time is seen by who is as nice as they, a twentieth by who is nicer,
 * all by real-time processes. */
static struct used
start_use(void)
{
	int priority = 1;

	syscall(NR_sched_setscheduler, 0, SCHED_FIFO, &priority);
	return (struct used){ time_of(CLOCK_PROCESS_CPUTIME_ID),
			      time_of(BY_TICKS) };
}

/** Whether @p ns were used since, by both counts. */
static bool
is_used(struct used since, long ns)
{
	return time_of(CLOCK_PROCESS_CPUTIME_ID) - since.precisely >= ns &&
	       time_of(BY_TICKS) - since.by_ticks >= ns;
}

/** Uses CPU time, all but none of it in the kernel. */
static void
spend_in_user_mode(void)
{
	struct used start = start_use();

	while (!is_used(start, LONG))
		for (volatile int i = 0; i < 1000000; i++)
			;
}

/** All but none of it outside. */
static void
spend_in_kernel(void)
{
	static char buffer[BUFFER];
	struct used start = start_use();
	int fd = open("/dev/zero", O_RDONLY);

	while (!is_used(start, LONG))
		for (int i = 0; i < 8; i++)
			REQUIRE(read(fd, buffer, BUFFER) == BUFFER);
	close(fd);
}

static long
us(struct timeval tv)
{
	return tv.tv_sec * 1000000 + tv.tv_usec;
}

static struct rusage
usage(int who)
{
	struct rusage ru;

	memset(&ru, 0xff, sizeof(ru));
	CHECK_EQ(getrusage(who, &ru), 0);
	return ru;
}

static void
check_time(int who, void (*spend)(void), bool in_kernel)
{
	struct rusage before = usage(who), after;
	long user, kernel;

	spend();
	after = usage(who);
	user = us(after.ru_utime) - us(before.ru_utime);
	kernel = us(after.ru_stime) - us(before.ru_stime);
	CHECK(user >= 0 && kernel >= 0);
	CHECK(in_kernel ? kernel > user : user > kernel);
	CHECK(user + kernel >= LONG / 1000 - 1);
}

TEST(time_in_user_mode)
{
	check_time(RUSAGE_SELF, spend_in_user_mode, false);
	check_time(RUSAGE_THREAD, spend_in_user_mode, false);
}

TEST(time_in_the_kernel)
{
	check_time(RUSAGE_SELF, spend_in_kernel, true);
}

TEST(time_of_a_thread_in_the_kernel)
{
	check_time(RUSAGE_THREAD, spend_in_kernel, true);
}

static void
have_a_child_spend(void)
{
	CHECK_EQ(IN_CHILD(spend_in_kernel()), 0);
}

TEST(time_of_a_child_in_the_kernel)
{
	struct tms before, after;

	CHECK(times(&before) != -1);
	check_time(RUSAGE_CHILDREN, have_a_child_spend, true);
	CHECK(times(&after) != -1);
	CHECK(after.tms_cstime - before.tms_cstime >
	      after.tms_cutime - before.tms_cutime);
}

/** What has been told is not taken back, however the time was spent since. */
TEST(time_does_not_go_back)
{
	struct rusage last = usage(RUSAGE_SELF), next;
	struct used start = start_use();
	int fd = open("/dev/zero", O_RDONLY);
	static char buffer[BUFFER];

	while (!is_used(start, 2 * LONG)) {
		REQUIRE(read(fd, buffer, BUFFER) == BUFFER);
		for (volatile int i = 0; i < 50000; i++)
			;
		next = usage(RUSAGE_SELF);
		REQUIRE(us(next.ru_utime) >= us(last.ru_utime));
		REQUIRE(us(next.ru_stime) >= us(last.ru_stime));
		last = next;
	}
}

static void
nothing(int sig)
{
	(void)sig;
}

/** ITIMER_VIRTUAL counts time in user mode alone. */
TEST(virtual_timer_stands_still_in_the_kernel)
{
	struct itimerval timer = { { 0, 0 }, { 0, LONG / 2000 } };
	struct sigaction act = { .sa_handler = nothing };
	sigset_t pending, set;

	sigaction(SIGVTALRM, &act, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGVTALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	CHECK_EQ(setitimer(ITIMER_VIRTUAL, &timer, NULL), 0);
	spend_in_kernel();
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGVTALRM), 0);
	spend_in_user_mode();
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGVTALRM), 1);
}

/** Writes a byte in each of some pages; how many faults were counted. */
static long
touch(char *pages, int who)
{
	long before = usage(who).ru_minflt;

	for (int i = 0; i < PAGES; i++)
		pages[i * 4096] = 1;
	return usage(who).ru_minflt - before;
}

/** The clocks of kind 1, of the own process and thread. */
TEST(clocks_of_user_time)
{
	static const int clocks[] = { IN_USER, IN_USER_OF_THREAD };

	for (size_t i = 0; i < 2; i++) {
		long before = time_of(clocks[i]), then;

		spend_in_kernel();
		then = time_of(clocks[i]);
		CHECK(then - before < LONG / 2);
		spend_in_user_mode();
		CHECK(time_of(clocks[i]) - then > LONG / 2);
	}
}

static void
check_user_timer(int clock)
{
	struct itimerspec value = { { 0, 0 }, { 0, LONG / 2 } };
	sigset_t pending, set;
	int id = -1;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	REQUIRE(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	REQUIRE(syscall(NR_timer_create, clock, NULL, &id) == 0);
	CHECK_EQ(syscall(NR_timer_settime, id, 0, &value, NULL), 0);
	spend_in_kernel();
	CHECK_EQ(sigpending(&pending), 0);
	CHECK_EQ(sigismember(&pending, SIGALRM), 0);
	do {
		spend_in_user_mode();
		CHECK_EQ(sigpending(&pending), 0);
	} while (!sigismember(&pending, SIGALRM));
}

TEST(timers_of_user_time)
{
	CHECK_EQ(IN_CHILD(check_user_timer(IN_USER)), 0);
	CHECK_EQ(IN_CHILD(check_user_timer(IN_USER_OF_THREAD)), 0);
}

/** What was spent in the kernel does not end such a sleep. */
TEST(sleep_by_user_time)
{
	long until = time_of(IN_USER) + LONG / 2;
	struct timespec ts = { until / (1000 * MS), until % (1000 * MS) };
	struct sigaction act = { .sa_handler = nothing };

	REQUIRE(sigaction(SIGALRM, &act, NULL) == 0);
	spend_in_kernel();
	alarm(1); /* nobody else runs: only the signal ends it */
	CHECK_EQ(clock_nanosleep(IN_USER, TIMER_ABSTIME, &ts, NULL), EINTR);
}

TEST(faults_are_counted)
{
	char *pages = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rusage children;

	REQUIRE(pages != MAP_FAILED);
	madvise(pages, PAGES * 4096, MADV_NOHUGEPAGE);
	usage(RUSAGE_SELF); /* its own pages */
	CHECK_EQ(touch(pages, RUSAGE_SELF), PAGES);
	CHECK_EQ(touch(pages, RUSAGE_SELF), 0);
	REQUIRE(madvise(pages, PAGES * 4096, MADV_DONTNEED) == 0);
	CHECK_EQ(touch(pages, RUSAGE_THREAD), PAGES);
	children = usage(RUSAGE_CHILDREN);
	CHECK_EQ(IN_CHILD(touch(pages, RUSAGE_SELF)), 0); /* copies */
	CHECK(usage(RUSAGE_CHILDREN).ru_minflt - children.ru_minflt >= PAGES);
}

/** One whose time is over before it has begun is none: they are many. */
TEST(sleeps_are_voluntary_switches)
{
	struct timespec ms = { 0, MS };
	struct rusage before = usage(RUSAGE_THREAD), after;

	do {
		nanosleep(&ms, NULL);
		after = usage(RUSAGE_THREAD);
	} while (after.ru_nvcsw < before.ru_nvcsw + SLEEPS);
	CHECK(usage(RUSAGE_SELF).ru_nvcsw >= after.ru_nvcsw);
}

/** Two that never sleep share one CPU: they are made to switch. */
TEST(turns_of_others_are_involuntary_switches)
{
	unsigned long one = 1;
	struct rusage before, after;
	pid_t child;

	REQUIRE(syscall(NR_sched_setaffinity, 0, sizeof(one), &one) == 0);
	child = fork();
	if (child == 0)
		for (;;)
			;
	before = usage(RUSAGE_THREAD);
	do
		after = usage(RUSAGE_THREAD);
	while (after.ru_nivcsw < before.ru_nivcsw + SLEEPS);
	CHECK_EQ(after.ru_nvcsw, before.ru_nvcsw);
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
}

/** The beginning of a file. */
static const char *
beginning(const char *path)
{
	static char text[1024];
	int fd = open(path, O_RDONLY);
	ssize_t got = read(fd, text, sizeof(text) - 1);

	close(fd);
	REQUIRE(got > 0);
	text[got] = '\0';
	return text;
}

/** The number that comes @p n fields later. */
static long
number_after(const char *at, int n)
{
	for (; n > 0; n--)
		at = strchr(at, ' ') + 1;
	return strtol(at, NULL, 10);
}

/** Field @p n of /proc/self/stat, from 3 on. */
static long
stat_field(int n)
{
	return number_after(strrchr(beginning("/proc/self/stat"), ')') + 2,
			    n - 3);
}

TEST(stat_file_tells_the_same)
{
	struct rusage ru;

	spend_in_kernel();
	CHECK_EQ(IN_CHILD(spend_in_kernel()), 0);
	stat_field(3); /* its own pages */
	ru = usage(RUSAGE_SELF);
	CHECK_EQ(stat_field(10), ru.ru_minflt);
	CHECK_EQ(stat_field(11), usage(RUSAGE_CHILDREN).ru_minflt);
	CHECK(stat_field(15) >= us(ru.ru_stime) / 10000);
	CHECK(stat_field(15) > stat_field(14));
	CHECK(stat_field(17) > stat_field(16));
}

/** Time in the kernel of all CPUs, in 1/100 s. */
static long
machine_kernel_time(void)
{
	return number_after(beginning("/proc/stat") + strlen("cpu  "), 2);
}

TEST(machine_time_in_the_kernel)
{
	long before = machine_kernel_time();

	spend_in_kernel();
	CHECK(machine_kernel_time() - before >= LONG / (20 * MS));
}
