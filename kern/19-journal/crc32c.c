/*
 * crc32c, the checksum of journals: by the CPU's instruction where there is
 * one, else by tables, eight bytes in a step. The instruction works on general
 * registers, so the kernel may use it without saving any state.
 * Sources: Castagnoli, Brauer, Herrmann, "Optimization of Cyclic Redundancy-
 * Check Codes with 24 and 32 Parity Bits", 1993; Intel SDM, CRC32; Kounavis,
 * Berry, "A Systematic Approach to Building High Performance, Software-based,
 * CRC Generators", 2005 (slicing).
 */
#include "journal_internal.h"
#include "x86.h"

#define POLYNOMIAL  0x82f63b78u /* 0x1edc6f41, bits reversed */
#define CPUID_SSE42 (1u << 20)	/* CPUID.1:ECX; CRC32 came with it */

/* tables[n][i]: what byte i does to the checksum when n bytes follow it. */
static uint32_t tables[8][256];
static bool has_instruction;

/* What the four bytes of @p word do when @p n bytes follow them: zeros,
 * nothing.
 */
static inline uint32_t
slice(uint32_t word, unsigned n)
{
	return tables[n + 3][word & 0xff] ^ tables[n + 2][word >> 8 & 0xff] ^
	       tables[n + 1][word >> 16 & 0xff] ^ tables[n][word >> 24];
}

/* Eight bytes in a step, each by its own table, so that the eight look-ups do
 * not wait for each other. The first four take the checksum so far with them;
 * the others, where they are zeros, add nothing and are passed over: metadata
 * is mostly zeros. */
uint32_t
crc32c_by_tables(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t word[2];

	for (; len >= 8; len -= 8, p += 8) {
		__builtin_memcpy(word, p, 8);
		crc = slice(crc ^ word[0], 4);
		if (word[1])
			crc ^= slice(word[1], 0);
	}
	for (; len > 0; len--)
		crc = crc >> 8 ^ tables[0][(crc ^ *p++) & 0xff];
	return crc;
}

static uint32_t
by_instruction(uint32_t crc, const uint8_t *p, size_t len)
{
	uint64_t wide = crc, word;

	for (; len >= 8; len -= 8, p += 8) {
		__builtin_memcpy(&word, p, 8);
		asm("crc32q %1, %0" : "+r"(wide) : "rm"(word));
	}
	crc = (uint32_t)wide;
	for (; len > 0; len--)
		asm("crc32b %1, %0" : "+r"(crc) : "rm"(*p++));
	return crc;
}

uint32_t
crc32c(uint32_t crc, const void *data, size_t len)
{
	return has_instruction ? by_instruction(crc, data, len)
			       : crc32c_by_tables(crc, data, len);
}

/* tables[0] is the division of one byte, bit by bit; tables[n] that with one
 * more zero byte behind it. */
void
crc32c_init(void)
{
	uint32_t i, crc;
	unsigned bit, n;

	for (i = 0; i < 256; i++) {
		for (crc = i, bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		tables[0][i] = crc;
	}
	for (n = 1; n < 8; n++)
		for (i = 0; i < 256; i++) {
			crc = tables[n - 1][i];
			tables[n][i] = crc >> 8 ^ tables[0][crc & 0xff];
		}
	has_instruction = cpuid(1, 0).c & CPUID_SSE42;
}
