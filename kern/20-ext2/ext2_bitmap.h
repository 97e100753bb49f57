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

/** The first of 8 zero bits that form a byte, in [from, end), or @p end. A word
 * has a zero byte where taking 1 from each byte borrows into one whose highest
 * bit was not set; the lowest such byte is zero for sure. */
static inline uint32_t
bitmap_find_zero_byte(const uint64_t *map, uint32_t from, uint32_t end)
{
	const uint64_t low = 0x0101010101010101, high = low << 7;
	uint64_t used, zero;
	uint32_t word, bit;

	from = ROUND_UP(from, 8u);
	for (word = from / 64; word * 64 < end; word++) {
		used = map[word];
		if (word * 64 < from)
			used |= (1ull << from % 64) - 1;
		zero = (used - low) & ~used & high;
		if (zero) {
			bit = word * 64 + ctz64(zero) / 8 * 8;
			return bit + 8 <= end ? bit : end;
		}
	}
	return end;
}

#endif
