/*
 * Device numbers of the Linux ABI. A dev_t of user space has 64 bits: 32 of
 * minor and 32 of major, interleaved. Kernel calls (mknod, st_rdev, ext2's new
 * form) use the low 32 of them: 12 bits of major, 20 of minor.
 */
#ifndef ABI_DEV_H
#define ABI_DEV_H

#include <stdint.h>

/** The user's 64-bit encoding. */
static inline uint64_t
dev_make(uint32_t major, uint32_t minor)
{
	return ((uint64_t)(major & 0xfffff000) << 32) |
	       ((uint64_t)(major & 0x00000fff) << 8) |
	       ((uint64_t)(minor & 0xffffff00) << 12) | (minor & 0x000000ff);
}

static inline uint32_t
dev_major(uint64_t dev)
{
	return ((dev >> 32) & 0xfffff000) | ((dev >> 8) & 0x00000fff);
}

static inline uint32_t
dev_minor(uint64_t dev)
{
	return ((dev >> 12) & 0xffffff00) | (dev & 0x000000ff);
}

/**
 * The 32-bit encoding of the system calls and of ext2: major below 4096, minor
 * below 1048576. On those it equals dev_make.
 */
static inline uint32_t
dev_encode32(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | ((major & 0xfff) << 8) |
	       ((minor & 0xfff00) << 12);
}

/** The old 16-bit encoding: 8 bits each. What ext2 keeps for small numbers. */
static inline uint16_t
dev_encode16(uint32_t major, uint32_t minor)
{
	return ((major & 0xff) << 8) | (minor & 0xff);
}

#endif
