/*
 * What it takes to tell the time from the TSC: the kernel keeps it in a page
 * that programs may read, so that they need not ask (chapter exec, vdso/).
 * Both sides include this header; it includes nothing of the kernel's.
 */
#ifndef CLOCKPAGE_H
#define CLOCKPAGE_H

#include <stdint.h>

/** Nanoseconds since boot are (TSC - tsc_start) * ns_per_tick / 2^32. */
struct clock_page {
	uint32_t seq;	     /**< odd while the others change; see seqcount */
	uint32_t tsc_steady; /**< 0: the TSC says nothing; ask the kernel */
	uint64_t tsc_start;
	uint64_t ns_per_tick;	 /**< fixed point, 32 bits of fraction */
	int64_t realtime_offset; /**< nanoseconds from boot's clock to 1970's */
};

#endif
