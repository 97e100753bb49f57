/*
 * crc32c, the checksum of journals: by the CPU's instruction where there is
 * one, else by a table. The instruction works on general registers, so the
 * kernel may use it without saving any state.
 * Source: Castagnoli, Brauer, Herrmann, "Optimization of Cyclic Redundancy-
 * Check Codes with 24 and 32 Parity Bits", 1993; Intel SDM, CRC32.
 */
#include "journal_internal.h"
#include "x86.h"

#define POLYNOMIAL  0x82f63b78u /* bits reversed */
#define CPUID_SSE42 (1u << 20)

static uint32_t table[256];
static bool has_instruction;

uint32_t
crc32c_by_table(uint32_t crc, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len > 0; len--)
		crc = crc >> 8 ^ table[(crc ^ *p++) & 0xff];
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
			       : crc32c_by_table(crc, data, len);
}

void
crc32c_init(void)
{
	uint32_t i, crc;
	unsigned bit;

	for (i = 0; i < 256; i++) {
		for (crc = i, bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[i] = crc;
	}
	has_instruction = cpuid(1, 0).c & CPUID_SSE42;
}
