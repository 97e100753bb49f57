/*
 * The vDSO: a small library that the kernel maps into every program, for what
 * can be answered without entering the kernel: the time, and the CPU. It is
 * user code; the C libraries find it by AT_SYSINFO_EHDR and its functions by
 * name and version. What it cannot answer it passes on to the system call.
 *
 * It is a copy of clock.c's arithmetic, on the page that stands before it.
 * Sources of the interface: vdso(7), clock_gettime(2), getcpu(2).
 */
#include "abi/errno.h"
#include "abi/syscall.h"
#include "abi/time.h"
#include "clockpage.h"

#include <stdbool.h>
#include <stddef.h>

#define NS_PER_SEC 1000000000
#define SEL_CPU	   0x53 /* trap.h */

#define EXPORTED   __attribute__((visibility("default")))

/* In the page before the ELF header; vdso.ld says so. */
extern const struct clock_page clock_page __attribute__((visibility("hidden")));

int EXPORTED __vdso_clock_gettime(int clock, struct timespec *ts);
int EXPORTED __vdso_clock_getres(int clock, struct timespec *ts);
int EXPORTED __vdso_gettimeofday(struct timeval *tv, struct timezone *tz);
long EXPORTED __vdso_time(long *t);
int EXPORTED __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);

static long
syscall2(long nr, long a, long b)
{
	long result;

	asm volatile("syscall"
		     : "=a"(result)
		     : "a"(nr), "D"(a), "S"(b)
		     : "rcx", "r11", "memory");
	return result;
}

/* The counter, once all that stands before has been done: RDTSC by itself may
 * be executed ahead of the loads before it (SDM vol. 2, RDTSC), and then belong
 * to an older page than the one that is checked. */
static uint64_t
rdtsc_in_order(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* The kernel's own formula, clock.c's, and its sequence count. The loads are
 * relaxed between an acquire and a fence: none of them passes the two looks at
 * the count. The product has 96 bits: 64 of ticks, 32 of fraction.
 * @return false: the counter is of no use */
static bool
read_clock(bool realtime, int64_t *ns)
{
	const struct clock_page *p = &clock_page;
	uint64_t ticks;
	uint32_t seq;

	do {
		seq = __atomic_load_n(&p->seq, __ATOMIC_ACQUIRE) & ~1u;
		if (!__atomic_load_n(&p->tsc_steady, __ATOMIC_RELAXED))
			return false;
		ticks = rdtsc_in_order() -
			__atomic_load_n(&p->tsc_start, __ATOMIC_RELAXED);
		*ns = (unsigned __int128)ticks *
			      __atomic_load_n(&p->ns_per_tick,
					      __ATOMIC_RELAXED) >>
		      32;
		if (realtime)
			*ns += __atomic_load_n(&p->realtime_offset,
					       __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		/* An odd count is no one's: the writer is at work. */
	} while (__atomic_load_n(&p->seq, __ATOMIC_RELAXED) != seq);
	return true;
}

/* Which of the two clocks of the page that is; -1: neither. */
static int
clock_kind(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return 1;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return 0;
	default:
		return -1;
	}
}

int
__vdso_clock_gettime(int clock, struct timespec *ts)
{
	int kind = clock_kind(clock);
	int64_t ns;

	if (kind < 0 || !read_clock(kind, &ns))
		return syscall2(NR_clock_gettime, clock, (long)ts);
	ts->tv_sec = (uint64_t)ns / NS_PER_SEC;
	ts->tv_nsec = (uint64_t)ns % NS_PER_SEC;
	return 0;
}

int
__vdso_clock_getres(int clock, struct timespec *ts)
{
	if (clock_kind(clock) < 0)
		return syscall2(NR_clock_getres, clock, (long)ts);
	if (ts)
		*ts = (struct timespec){ 0, 1 };
	return 0;
}

int
__vdso_gettimeofday(struct timeval *tv, struct timezone *tz)
{
	int64_t ns;

	if (!read_clock(true, &ns))
		return syscall2(NR_gettimeofday, (long)tv, (long)tz);
	if (tv) {
		tv->tv_sec = (uint64_t)ns / NS_PER_SEC;
		tv->tv_usec = (uint64_t)ns % NS_PER_SEC / 1000;
	}
	if (tz)
		*tz = (struct timezone){ 0, 0 };
	return 0;
}

long
__vdso_time(long *t)
{
	int64_t ns;

	if (!read_clock(true, &ns))
		return syscall2(NR_time, (long)t, 0);
	ns = (uint64_t)ns / NS_PER_SEC;
	if (t)
		*t = ns;
	return ns;
}

/* The kernel gives each CPU a segment whose limit is its number. */
int
__vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	unsigned limit;

	(void)unused;
	asm volatile("lsl %1, %0" : "=r"(limit) : "r"(SEL_CPU) : "cc");
	if (cpu)
		*cpu = limit;
	if (node)
		*node = 0;
	return 0;
}
