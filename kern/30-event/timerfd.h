/*
 * Timers as files, for the kernel's own tests.
 */
#ifndef TIMERFD_H
#define TIMERFD_H

#include "event.h"

/** A timer by @p clock, CLOCK_REALTIME, _MONOTONIC or _BOOTTIME; @p flags:
 * O_NONBLOCK. */
struct file *timerfd_new(int clock, int flags);

/**
 * Set it.
 *
 * @param flags  TFD_TIMER_*
 * @param old    receives what it was
 * @return 0, or -ECANCELED: it is set, but the clock has been set before that
 */
int timerfd_set(struct file *f, unsigned flags, const struct itimerspec *new,
		struct itimerspec *old);

#endif
