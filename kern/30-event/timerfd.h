/*
 * Timers as files, for the kernel's own tests.
 */
#ifndef TIMERFD_H
#define TIMERFD_H

#include "event.h"

/** A timer by @p clock, CLOCK_REALTIME (_ALARM), _MONOTONIC or _BOOTTIME
 * (_ALARM), that is off. @p flags: O_NONBLOCK. Heap: two objects. Does not
 * sleep. @return its file, referenced */
struct file *timerfd_new(int clock, int flags);

/**
 * Set it. Expirations that nobody has read are forgotten. Does not sleep.
 *
 * @param flags  TFD_TIMER_*
 * @param new    valid times; an it_value of 0: off
 * @param old    receives what it was; it_value: the time left
 * @return 0, or -ECANCELED: it is set, but the clock has been set before that
 */
int timerfd_set(struct file *f, unsigned flags, const struct itimerspec *new,
		struct itimerspec *old);

#endif
