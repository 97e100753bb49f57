/*
 * sysinfo(2) of the Linux x86-64 ABI.
 */
#ifndef ABI_SYSINFO_H
#define ABI_SYSINFO_H

#include <stdint.h>

/** loads[] are fixed-point with this many fraction bits. */
#define SI_LOAD_SHIFT 16

/** Memory is in units of mem_unit bytes. */
struct sysinfo {
	int64_t uptime;	   /**< seconds since boot */
	uint64_t loads[3]; /**< over 1, 5 and 15 minutes */
	uint64_t totalram;
	uint64_t freeram;
	uint64_t sharedram;
	uint64_t bufferram;
	uint64_t totalswap;
	uint64_t freeswap;
	uint16_t procs;
	uint16_t pad;
	uint64_t totalhigh;
	uint64_t freehigh;
	uint32_t mem_unit;
};

_Static_assert(sizeof(struct sysinfo) == 112, "fixed by the ABI");

#endif
