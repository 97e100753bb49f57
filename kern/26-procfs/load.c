/*
 * The load averages: how many threads run or want to, averaged over 1, 5 and 15
 * minutes.
 */
#include "procfs_internal.h"
#include "string.h"

#define PERIOD_NS (5 * NS_PER_SEC)

/* An average decays by e^(-5 s / minutes) each period; 16 bits of fraction:
 * exp(-5/60), exp(-5/300), exp(-5/900). */
static const uint64_t decay[3] = { 60297, 64453, 65173 };
static uint64_t averages[3];
static struct timer timer;

static void
update(struct timer *t)
{
	uint64_t active = (uint64_t)sched_runnable() << 16;
	unsigned i;

	for (i = 0; i < 3; i++)
		averages[i] = (averages[i] * decay[i] +
			       active * (65536 - decay[i])) >>
			      16;
	timer_arm(t, clock_ns() + PERIOD_NS);
}

void
load_averages(uint64_t load[3])
{
	memcpy(load, averages, sizeof(averages));
}

void
load_init(void)
{
	timer_init(&timer, update);
	timer_arm(&timer, clock_ns() + PERIOD_NS);
}
