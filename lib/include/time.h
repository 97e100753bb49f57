/*
 * The part of C's and POSIX's time.h that asks the kernel and counts days. No
 * time zones: local time is UTC.
 */
#ifndef TIME_H
#define TIME_H

#include "abi/time.h"
#include "sys/types.h"

struct tm {
	int tm_sec;
	int tm_min;
	int tm_hour;
	int tm_mday; /**< from 1 */
	int tm_mon;  /**< from 0 */
	int tm_year; /**< since 1900 */
	int tm_wday; /**< Sunday is 0 */
	int tm_yday; /**< from 0 */
	int tm_isdst;
};

time_t time(time_t *t);
int clock_gettime(clockid_t clock, struct timespec *ts);
int clock_settime(clockid_t clock, const struct timespec *ts);
int clock_getres(clockid_t clock, struct timespec *ts);
int nanosleep(const struct timespec *ts, struct timespec *left);
/** @return an error number, not -1 */
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *ts,
		    struct timespec *left);
struct tm *gmtime_r(const time_t *t, struct tm *tm);
time_t timegm(const struct tm *tm);

#endif
