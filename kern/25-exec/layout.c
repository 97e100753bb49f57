/*
 * Where the parts of a new program go: the vDSO at the top, the stack below
 * it, mappings from far below that downwards, a program that can be anywhere at
 * two thirds, its heap behind it. Each place is moved by a random number of
 * pages, so that who can make a program jump does not know where to.
 *
 * The ranges are Linux's. Source: proc(5), randomize_va_space; personality(2).
 */
#include "abi/sched.h"
#include "exec_internal.h"

#define PIE_BASE     0x555555554000UL /* two thirds up */
#define STACK_RANDOM BIT(22)	      /* pages: 16 GiB */
#define MMAP_RANDOM  BIT(28)	      /* pages: 1 TiB */
#define BRK_RANDOM   BIT(13)	      /* pages: 32 MiB */
#define GAP_RANDOM   BIT(8)	      /* pages between stack and vDSO */
#define STACK_LEAST  (128UL << 20)    /* room for a stack, at least */

uint64_t exec_randomize = EXEC_RANDOMIZE_ALL;

/* Bytes: whole pages, fewer than @pages, which is a power of two: 32 random
 * bits are masked, not divided, so no place is likelier than another. */
static uint64_t
some_pages(uint32_t random, uint64_t pages)
{
	return (random & (pages - 1)) * PAGE_SIZE;
}

/* Each place has random bits of its own, so that none follows from another. A
 * secure program's personality is not asked: its caller, who set it, is the one
 * to be kept from knowing. */
void
layout_choose(struct layout *l, bool secure)
{
	bool fixed = current_proc()->personality & ADDR_NO_RANDOMIZE;
	bool randomize = exec_randomize && (secure || !fixed);
	uint64_t stack = MAX(proc_limit(RLIMIT_STACK), STACK_LEAST);
	uint32_t random[5] = { 0 };

	if (randomize)
		random_bytes(random, sizeof(random));
	l->vdso = USER_TOP - vdso_size() - some_pages(random[0], STACK_RANDOM);
	l->stack_top = l->vdso - some_pages(random[1], GAP_RANDOM);
	/* Clear of the stack at its largest; but where that has no limit, the
	 * mappings get the greater part. */
	stack = ROUND_UP(MIN(stack, USER_TOP / 6), PAGE_SIZE);
	l->mmap_top = USER_TOP - stack -
		      2 * STACK_RANDOM * PAGE_SIZE * randomize -
		      some_pages(random[2], MMAP_RANDOM);
	l->pie = PIE_BASE + some_pages(random[3], MMAP_RANDOM);
	l->brk_gap = 0;
	if (exec_randomize == EXEC_RANDOMIZE_ALL)
		l->brk_gap = some_pages(random[4], BRK_RANDOM);
}

void
layout_init(void)
{
	if (command_line_has("norandmaps"))
		exec_randomize = 0;
}
