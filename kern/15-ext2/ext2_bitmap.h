/*
 * Bitmaps as they lie on the disk: bit n is bit n % 64 of the little-endian
 * word n / 64; 1 says used. A bitmap fills a block.
 */
#ifndef EXT2_BITMAP_H
#define EXT2_BITMAP_H

#include <stdbool.h>
#include <stdint.h>
#include "bits.h"

static inline bool
bitmap_test(const uint64_t *map, uint32_t bit)
{
	return map[bit / 64] >> bit % 64 & 1;
}

static inline void
bitmap_set(uint64_t *map, uint32_t bit)
{
	map[bit / 64] |= 1ull << bit % 64;
}

static inline void
bitmap_clear(uint64_t *map, uint32_t bit)
{
	map[bit / 64] &= ~(1ull << bit % 64);
}

/** The first 0 bit of [from, end), or @p end. */
static inline uint32_t
bitmap_find_zero(const uint64_t *map, uint32_t from, uint32_t end)
{
	uint64_t free;
	uint32_t word;

	if (from >= end)
		return end;
	free = ~map[from / 64] & ~0ull << from % 64;
	for (word = from / 64; free == 0; free = ~map[word])
		if (++word * 64 >= end)
			return end;
	return MIN(word * 64 + ctz64(free), end);
}

/** The first of 8 zero bits that form a byte, in [from, end), or @p end. */
static inline uint32_t
bitmap_find_zero_byte(const uint64_t *map, uint32_t from, uint32_t end)
{
	const uint8_t *bytes = (const uint8_t *)map;
	uint32_t i;

	for (i = DIV_ROUND_UP(from, 8); (i + 1) * 8 <= end; i++)
		if (bytes[i] == 0)
			return i * 8;
	return end;
}

#endif
