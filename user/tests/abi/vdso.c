/*
 * The vDSO: vdso(7). Its functions are found as a C library finds them, and say
 * what the system calls say.
 */
#include <sched.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/time.h>
#include <time.h>
#include "check.h"

#define S	1000000000l
#define VERSION "LINUX_2.6"

typedef int gettime(clockid_t clock, struct timespec *ts);
typedef int gettimeofday_fn(struct timeval *tv, struct timezone *tz);
typedef time_t time_fn(time_t *t);
typedef int getcpu_fn(unsigned *cpu, unsigned *node, void *cache);

/** A function of it; the test ends where there is no vDSO. */
static void *
function(const char *name)
{
	void *fn = vdso_function(name, VERSION);

	if (getauxval(AT_SYSINFO_EHDR) == 0)
		SKIP("there is no vDSO here");
	REQUIRE(fn != NULL);
	return fn;
}

static long
ns_of(const struct timespec *ts)
{
	return ts->tv_sec * S + ts->tv_nsec;
}

static long
us_of(const struct timeval *tv)
{
	return tv->tv_sec * 1000000 + tv->tv_usec;
}

/** By the system call, whatever the library does. */
static long
called(clockid_t clock)
{
	struct timespec ts = { -1, -1 };

	CHECK_EQ(syscall(NR_clock_gettime, clock, &ts), 0);
	return ns_of(&ts);
}

TEST(vdso_has_its_functions_in_their_version)
{
	static const char *const names[] = { "__vdso_clock_gettime",
					     "__vdso_clock_getres",
					     "__vdso_gettimeofday",
					     "__vdso_time", "__vdso_getcpu" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		function(names[i]);
		CHECK(vdso_function(names[i], "LINUX_2.5") == NULL);
	}
	CHECK(vdso_function("__vdso_reboot", VERSION) == NULL);
}

/** The line of /proc/self/maps that ends so, or false. */
static bool
maps_line(const char *name, unsigned long *start, char *rights)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];
	bool found = false;

	REQUIRE(f != NULL);
	while (!found && fgets(line, sizeof(line), f) != NULL) {
		char *dash, *end = strchr(line, '\n');

		if (end != NULL)
			*end = '\0';
		end = line + strlen(line) - strlen(name);
		found = end > line && strcmp(end, name) == 0;
		*start = strtoul(line, &dash, 16);
		dash = strchr(dash, ' ');
		memcpy(rights, dash + 1, 4);
	}
	fclose(f);
	return found;
}

TEST(vdso_is_in_maps)
{
	unsigned long at = getauxval(AT_SYSINFO_EHDR), start;
	char rights[5] = "";

	function("__vdso_time");
	REQUIRE(maps_line("[vdso]", &start, rights));
	CHECK_EQ(start, at);
	CHECK(strcmp(rights, "r-xp") == 0);
	CHECK(memcmp((void *)at, ELFMAG, SELFMAG) == 0);
	REQUIRE(maps_line("[vvar]", &start, rights));
	CHECK(strcmp(rights, "r--p") == 0);
}

TEST(vdso_cannot_be_written)
{
	unsigned long at = getauxval(AT_SYSINFO_EHDR), clock;
	char rights[5];

	function("__vdso_time");
	REQUIRE(maps_line("[vvar]", &clock, rights));
	CHECK_EQ(WTERMSIG(IN_CHILD(*(volatile char *)at = 1)), SIGSEGV);
	CHECK_EQ(WTERMSIG(IN_CHILD(*(volatile char *)clock = 1)), SIGSEGV);
}

TEST(vdso_clocks_agree_with_the_calls)
{
	static const clockid_t clocks[] = { CLOCK_REALTIME,
					    CLOCK_MONOTONIC,
					    CLOCK_MONOTONIC_RAW,
					    CLOCK_BOOTTIME,
					    CLOCK_TAI,
					    CLOCK_PROCESS_CPUTIME_ID,
					    CLOCK_THREAD_CPUTIME_ID };
	gettime *gettime = function("__vdso_clock_gettime");

	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		for (int k = 0; k < 1000; k++) {
			struct timespec ts = { -1, -1 };
			long before = called(clocks[i]), after;

			REQUIRE(gettime(clocks[i], &ts) == 0);
			after = called(clocks[i]);
			REQUIRE(ts.tv_nsec >= 0 && ts.tv_nsec < S);
			REQUIRE(before <= ns_of(&ts) && ns_of(&ts) <= after);
		}
}

TEST(vdso_times_agree_with_the_calls)
{
	gettimeofday_fn *timeofday = function("__vdso_gettimeofday");
	time_fn *seconds = function("__vdso_time");
	struct timeval before, tv, after;
	struct timezone tz = { 7, 7 };
	time_t t, same;

	syscall(NR_gettimeofday, &before, NULL);
	CHECK_EQ(timeofday(&tv, &tz), 0);
	t = seconds(&same);
	syscall(NR_gettimeofday, &after, NULL);
	CHECK(us_of(&before) <= us_of(&tv) && us_of(&tv) <= us_of(&after));
	/* the call may look at a clock that ticks */
	CHECK(t >= before.tv_sec - 1 && t <= after.tv_sec);
	CHECK_EQ(t, same);
	CHECK(seconds(NULL) >= t);
	CHECK_EQ(tz.tz_dsttime, 0);
	CHECK_EQ(timeofday(NULL, &tz), 0);
	CHECK_EQ(timeofday(NULL, NULL), 0);
}

TEST(vdso_refuses_what_the_calls_refuse)
{
	gettime *gettime = function("__vdso_clock_gettime");
	int (*getres)(clockid_t, struct timespec *) =
		function("__vdso_clock_getres");
	struct timespec ts, same;

	CHECK_EQ(gettime(77, &ts), -EINVAL);
	CHECK_EQ(gettime(-1, &ts), syscall_raw(NR_clock_gettime, -1, &ts));
	CHECK_EQ(getres(77, &ts), -EINVAL);
	CHECK_EQ(getres(CLOCK_MONOTONIC, NULL), 0);
	CHECK_EQ(getres(CLOCK_MONOTONIC, &ts), 0);
	CHECK_EQ(syscall(NR_clock_getres, CLOCK_MONOTONIC, &same), 0);
	CHECK_EQ(ns_of(&ts), ns_of(&same));
	CHECK_EQ(getres(CLOCK_PROCESS_CPUTIME_ID, &ts), 0);
}

TEST(vdso_knows_the_cpu)
{
	getcpu_fn *getcpu = function("__vdso_getcpu");
	unsigned long all = 0, one;
	unsigned cpu, node, found = 0;

	REQUIRE(syscall(NR_sched_getaffinity, 0, sizeof(all), &all) > 0);
	for (unsigned i = 0; i < 64; i++) {
		one = 1ul << i;
		if (!(all & one))
			continue;
		REQUIRE(syscall(NR_sched_setaffinity, 0, sizeof(one), &one) ==
			0);
		cpu = node = 99;
		CHECK_EQ(getcpu(&cpu, &node, NULL), 0);
		CHECK_EQ(cpu, i);
		CHECK_EQ(node, 0);
		found++;
	}
	CHECK(found > 0);
	CHECK_EQ(getcpu(NULL, NULL, NULL), 0);
}

TEST(vdso_sees_the_clock_set)
{
	gettime *gettime = function("__vdso_clock_gettime");
	struct timespec ts, back;
	long before;

	if (!exists("/proc/heap"))
		SKIP("the clock is not ours to set here");
	REQUIRE(gettime(CLOCK_REALTIME, &ts) == 0);
	before = ns_of(&ts);
	ts.tv_sec += 5000;
	REQUIRE(clock_settime(CLOCK_REALTIME, &ts) == 0);
	CHECK_EQ(gettime(CLOCK_REALTIME, &ts), 0);
	CHECK(ns_of(&ts) >= before + 5000 * S);
	CHECK(ns_of(&ts) <= called(CLOCK_REALTIME));
	back = (struct timespec){ ts.tv_sec - 5000, ts.tv_nsec };
	CHECK_EQ(clock_settime(CLOCK_REALTIME, &back), 0);
	CHECK_EQ(gettime(CLOCK_REALTIME, &ts), 0);
	CHECK(ns_of(&ts) < before + 5000 * S);
}

static volatile int signals;

static void
count_signal(int signo)
{
	(void)signo;
	signals++;
}

TEST(vdso_is_interrupted_by_signals)
{
	struct itimerval it = { { 0, 1000 }, { 0, 1000 } };
	gettime *gettime = function("__vdso_clock_gettime");
	struct timespec ts;
	long last = 0;

	signal(SIGALRM, count_signal);
	CHECK_EQ(setitimer(ITIMER_REAL, &it, NULL), 0);
	while (signals < 20) {
		REQUIRE(gettime(CLOCK_MONOTONIC, &ts) == 0);
		REQUIRE(ns_of(&ts) >= last);
		last = ns_of(&ts);
	}
}

TEST(vdso_is_inherited)
{
	gettime *gettime = function("__vdso_clock_gettime");
	struct timespec ts;

	CHECK_EQ(IN_CHILD({
			 CHECK_EQ(gettime(CLOCK_MONOTONIC, &ts), 0);
			 CHECK(ns_of(&ts) <= called(CLOCK_MONOTONIC));
		 }),
		 0);
}
