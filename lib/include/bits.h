/*
 * Small arithmetic on addresses, sizes and bits, shared by kernel and library.
 * Where a macro says "power of two" nothing checks it.
 */
#ifndef BITS_H
#define BITS_H

#include <stddef.h>
#include <stdint.h>

/** The struct of this type whose member this pointer points to. */
#define container_of(ptr, type, member)                                        \
	((type *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once; not usable in constant expressions. */
#define MIN(a, b)                                                              \
	({                                                                     \
		__auto_type _a = (a);                                          \
		__auto_type _b = (b);                                          \
		_a < _b ? _a : _b;                                             \
	})
#define MAX(a, b)                                                              \
	({                                                                     \
		__auto_type _a = (a);                                          \
		__auto_type _b = (b);                                          \
		_a > _b ? _a : _b;                                             \
	})

/** To a multiple of n, a power of two; in the type of x. */
#define ROUND_DOWN(x, n) ((x) & ~((__typeof__(x))(n)-1))
#define ROUND_UP(x, n)	 ROUND_DOWN((x) + ((__typeof__(x))(n)-1), n)
#define IS_ALIGNED(x, n) (((x) & ((__typeof__(x))(n)-1)) == 0)

/** n any positive number. */
#define DIV_ROUND_UP(x, n) (((x) + (n)-1) / (n))

#define IS_POW2(x)	   ((x) != 0 && ((x) & ((x)-1)) == 0)
#define BIT(n)		   (1ul << (n))

/** The lowest set bit's number; x must not be 0. */
static inline unsigned
ctz64(uint64_t x)
{
	return (unsigned)__builtin_ctzll(x);
}

/** The number of zero bits above the highest set one; x must not be 0. */
static inline unsigned
clz64(uint64_t x)
{
	return (unsigned)__builtin_clzll(x);
}

/** floor(log2(x)): the highest set bit's number; x must not be 0. */
static inline unsigned
ilog2(uint64_t x)
{
	return 63 - clz64(x);
}

/** ceil(log2(x)): the least n with 2^n >= x; x must not be 0. */
static inline unsigned
ilog2_up(uint64_t x)
{
	return x == 1 ? 0 : ilog2(x - 1) + 1;
}

/** The number of set bits. Without POPCNT in the baseline: by halves. */
static inline unsigned
popcount64(uint64_t x)
{
	x -= (x >> 1) & 0x5555555555555555;
	x = (x & 0x3333333333333333) + ((x >> 2) & 0x3333333333333333);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned)((x * 0x0101010101010101) >> 56);
}

#endif
