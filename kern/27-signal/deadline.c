/*
 * Times from user space as deadlines of the kernel. A deadline is a time of
 * clock_ns; what is past the end of time is never.
 */
#include "signal.h"

bool
timespec_valid(const struct timespec *t)
{
	return t->tv_sec >= 0 && (uint64_t)t->tv_nsec < NS_PER_SEC;
}

uint64_t
timespec_ns(const struct timespec *t)
{
	if ((uint64_t)t->tv_sec >= INT64_MAX / NS_PER_SEC)
		return INT64_MAX;
	return t->tv_sec * NS_PER_SEC + t->tv_nsec;
}

uint64_t
deadline_of_day(uint64_t ns)
{
	int64_t left = (int64_t)ns - (int64_t)clock_realtime_ns();

	return left > 0 ? deadline_after((uint64_t)left) : 0;
}

uint64_t
deadline_after(uint64_t ns)
{
	uint64_t now = clock_ns();

	return ns < WAIT_FOREVER - now ? now + ns : WAIT_FOREVER;
}
