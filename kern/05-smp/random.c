/*
 * Random numbers: a ChaCha20 generator with fast key erasure, keyed at boot
 * from RDRAND where the CPU has it, and always from the clocks as well.
 *
 * Sources: RFC 8439, 2.3 (the ChaCha20 block); Bernstein, "Fast-key-erasure
 * random-number generators" (2017).
 */
#include "smp_internal.h"
#include "string.h"

#define KEY_WORDS   8
#define BLOCK_WORDS 16
#define BLOCK_BYTES (BLOCK_WORDS * 4)

static struct spinlock random_lock = SPINLOCK("random");
static uint32_t key[KEY_WORDS]; /* guarded by random_lock */
static bool keyed;

/* RFC 8439, 2.1. */
static void
quarter(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = (*d ^ *a) << 16 | (*d ^ *a) >> 16;
	*c += *d;
	*b = (*b ^ *c) << 12 | (*b ^ *c) >> 20;
	*a += *b;
	*d = (*d ^ *a) << 8 | (*d ^ *a) >> 24;
	*c += *d;
	*b = (*b ^ *c) << 7 | (*b ^ *c) >> 25;
}

/* Twenty rounds, by columns and diagonals in turn; the nonce is zero, for a key
 * is used once. The constants spell "expand 32-byte k". */
static void
chacha20_block(const uint32_t k[KEY_WORDS], uint32_t counter,
	       uint32_t out[BLOCK_WORDS])
{
	uint32_t in[BLOCK_WORDS] = { 0x61707865, 0x3320646e, 0x79622d32,
				     0x6b206574 };
	int i;

	memcpy(in + 4, k, KEY_WORDS * 4);
	in[12] = counter;
	memcpy(out, in, BLOCK_BYTES);
	for (i = 0; i < 10; i++) {
		quarter(&out[0], &out[4], &out[8], &out[12]);
		quarter(&out[1], &out[5], &out[9], &out[13]);
		quarter(&out[2], &out[6], &out[10], &out[14]);
		quarter(&out[3], &out[7], &out[11], &out[15]);
		quarter(&out[0], &out[5], &out[10], &out[15]);
		quarter(&out[1], &out[6], &out[11], &out[12]);
		quarter(&out[2], &out[7], &out[8], &out[13]);
		quarter(&out[3], &out[4], &out[9], &out[14]);
	}
	for (i = 0; i < BLOCK_WORDS; i++)
		out[i] += in[i];
}

/* RDRAND may have nothing ready (carry clear): Intel advises ten tries. The
 * clock is mixed in always, so that a broken RDRAND is no worse than none. */
uint64_t
random_seed(void)
{
	uint64_t v = 0;
	unsigned char ok;
	int tries;

	for (tries = 0; cpu_features.rdrand && tries < 10; tries++) {
		asm volatile("rdrand %0; setc %1" : "=r"(v), "=qm"(ok));
		if (ok)
			break;
	}
	return v ^ rdtsc() * 0x9e3779b97f4a7c15;
}

static void
seed(void)
{
	int i;

	for (i = 0; i < KEY_WORDS; i++)
		key[i] = random_seed() >> 16;
	keyed = true;
}

/* The first half of each block replaces the key: what was put out cannot be
 * computed from what is kept. */
void
random_bytes(void *buf, size_t len)
{
	uint32_t block[BLOCK_WORDS];
	uint8_t *p = buf;

	while (len > 0) {
		size_t n = MIN(len, sizeof(block) / 2);
		uint64_t rflags = spin_lock_irqsave(&random_lock);

		if (!keyed)
			seed();
		chacha20_block(key, 0, block);
		memcpy(key, block, sizeof(key));
		spin_unlock_irqrestore(&random_lock, rflags);
		memcpy(p, block + KEY_WORDS, n);
		p += n;
		len -= n;
	}
	memset(block, 0, sizeof(block));
}
