/*
 * Clocks, sleeping, timers: a system call each, but for the time itself, which
 * the vDSO tells where there is one; and the civil calendar.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

static int
call_clock_gettime(clockid_t clock, struct timespec *ts)
{
	return (int)syscall_raw(NR_clock_gettime, clock, ts);
}

/* As the vDSO answers: negative error numbers. */
static int (*read_clock)(clockid_t clock, struct timespec *ts);

int
clock_gettime(clockid_t clock, struct timespec *ts)
{
	int result;

	if (read_clock == NULL) {
		read_clock =
			(int (*)(clockid_t, struct timespec *))vdso_function(
				"__vdso_clock_gettime", "LINUX_2.6");
		if (read_clock == NULL)
			read_clock = call_clock_gettime;
	}
	result = read_clock(clock, ts);
	if (result < 0) {
		errno = -result;
		return -1;
	}
	return 0;
}

int
clock_settime(clockid_t clock, const struct timespec *ts)
{
	return (int)syscall(NR_clock_settime, clock, ts);
}

int
clock_getres(clockid_t clock, struct timespec *ts)
{
	return (int)syscall(NR_clock_getres, clock, ts);
}

int
nanosleep(const struct timespec *ts, struct timespec *left)
{
	return (int)syscall(NR_nanosleep, ts, left);
}

int
gettimeofday(struct timeval *tv, void *tz)
{
	return (int)syscall(NR_gettimeofday, tv, tz);
}

int
getitimer(int which, struct itimerval *it)
{
	return (int)syscall(NR_getitimer, which, it);
}

int
setitimer(int which, const struct itimerval *it, struct itimerval *old)
{
	return (int)syscall(NR_setitimer, which, it, old);
}

time_t
time(time_t *t)
{
	return syscall(NR_time, t);
}

clock_t
times(struct tms *t)
{
	return syscall(NR_times, t);
}

int
pause(void)
{
	return (int)syscall(NR_pause);
}

unsigned
alarm(unsigned seconds)
{
	return (unsigned)syscall(NR_alarm, seconds);
}

int
clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts,
		struct timespec *left)
{
	return (int)-syscall_raw(NR_clock_nanosleep, clock, flags, ts, left);
}

unsigned
sleep(unsigned seconds)
{
	struct timespec ts = { .tv_sec = seconds };

	return nanosleep(&ts, &ts) < 0 ? (unsigned)ts.tv_sec : 0;
}

int
usleep(useconds_t us)
{
	struct timespec ts = { us / 1000000, us % 1000000 * 1000 };

	return nanosleep(&ts, NULL);
}

/*
 * Days are counted in years that start in March, so that the leap day is the
 * last of its year: then month m starts on day (153 m + 2) / 5, and 400 years
 * are always 146097 days. The idea is Zeller's.
 */
#define DAYS_400Y	  146097
#define DAYS_0000_TO_1970 719468 /* from 1 March of year 0 */

/** Days since 1970 of a date; month from 1. */
static int64_t
days_of(int64_t year, int month, int day)
{
	int64_t y = year - (month <= 2);
	int64_t era = (y >= 0 ? y : y - 399) / 400;
	int64_t yoe = y - era * 400;
	int64_t doy = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return era * DAYS_400Y + yoe * 365 + yoe / 4 - yoe / 100 + doy -
	       DAYS_0000_TO_1970;
}

struct tm *
gmtime_r(const time_t *t, struct tm *tm)
{
	int64_t days = *t / 86400, rest = *t % 86400;
	int64_t era, doe, yoe, doy, month, year;

	if (rest < 0) {
		rest += 86400;
		days--;
	}
	*tm = (struct tm){ .tm_hour = (int)(rest / 3600),
			   .tm_min = (int)(rest / 60 % 60),
			   .tm_sec = (int)(rest % 60) };
	tm->tm_wday = (int)((days % 7 + 11) % 7); /* 1970 began a Thursday */
	era = days + DAYS_0000_TO_1970;
	era = (era >= 0 ? era : era - (DAYS_400Y - 1)) / DAYS_400Y;
	doe = days + DAYS_0000_TO_1970 - era * DAYS_400Y;
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	month = (5 * doy + 2) / 153; /* from March */
	tm->tm_mday = (int)(doy - (153 * month + 2) / 5 + 1);
	tm->tm_mon = (int)((month + 2) % 12);
	year = yoe + era * 400 + (tm->tm_mon < 2);
	tm->tm_year = (int)(year - 1900);
	tm->tm_yday = (int)(days - days_of(year, 1, 1));
	return tm;
}

time_t
timegm(const struct tm *tm)
{
	int64_t year = tm->tm_year + 1900l + tm->tm_mon / 12;
	int month = tm->tm_mon % 12;

	if (month < 0) {
		month += 12;
		year--;
	}
	return days_of(year, month + 1, tm->tm_mday) * 86400 +
	       tm->tm_hour * 3600l + tm->tm_min * 60 + tm->tm_sec;
}
