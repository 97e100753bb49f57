/*
 * Stubs of lab ext2 for balloc.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static uint32_t
choose(const uint64_t *map, uint32_t n, uint32_t goal)
{
	/*
	 * Exercise 3. A zero among the n bits of the map: the first from bit
	 * `goal` on in the goal's own word of 64 bits; else the first whole
	 * byte of zeros behind that word; else the first zero behind the goal;
	 * else the first before it. n: there is none.
	 */
	(void)bitmap_find_zero;
	(void)bitmap_find_zero_byte;
	panic("exercise 3: choose(%p, %u, %u) is yours to write",
	      (const void *)map, n, goal);
}

static uint32_t
take_run(uint64_t *map, const uint64_t *busy, uint32_t n, uint32_t bit,
	 uint32_t want)
{
	/*
	 * Exercise 3. Take blocks from `bit` on, which is free: up to `want`
	 * neighbours that are not busy, and are among the group's n.
	 */
	panic("exercise 3: take_run(%p, %p, %u, %u, %u) is yours to write",
	      (void *)map, (const void *)busy, n, bit, want);
}

int
ext2_blocks_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t want,
		  uint32_t *first)
{
	/*
	 * Exercise 3. Try the goal's group, from the goal on (group_alloc);
	 * then the others, from their first block on, once each. A goal that is
	 * not on the disk is none. may_allocate says who may take the last.
	 */
	(void)may_allocate;
	(void)group_alloc;
	panic("exercise 3: ext2_blocks_alloc(%p, %u, %u, %p) is yours to write",
	      (void *)fs, goal, want, (void *)first);
}

static int
give_back(struct ext2_fs *fs, uint32_t group, uint32_t first, uint32_t count,
	  struct buf *bitmap, struct page *pending)
{
	/*
	 * Exercise 3. Mark the blocks as free, and count them in the group and
	 * in the mount (EXT6). A block that is free already, or more blocks
	 * than the group has, is damage: tell it, and change nothing. Where
	 * `pending` is not NULL, the same bits are set in that page: until the
	 * transaction is committed, no one may have these blocks (EXT7).
	 */
	panic("exercise 3: give_back(%p, %u, %u, %u, %p, %p) is yours to write",
	      (void *)fs, group, first, count, (void *)bitmap, (void *)pending);
}
