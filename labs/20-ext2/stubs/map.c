/*
 * Stubs of lab ext2 for map.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

unsigned
ext2_map_path(const struct ext2_fs *fs, uint32_t logical, unsigned at[4])
{
	/*
	 * Exercise 1. The way to block `logical` of a file: at[0] is a slot of
	 * the inode's array, at[1] one of the inner block that it leads to, and
	 * so on. Return how many there are, or 0 past the largest tree. An
	 * inner block has block_size / 4 slots.
	 */
	panic("exercise 1: ext2_map_path(%p, %u, %p) is yours to write",
	      (const void *)fs, logical, (void *)at);
}

static int
leaf_find(const struct vnode *v, uint32_t logical, struct leaf *leaf)
{
	/*
	 * Exercise 1. Walk that way: leaf_start, then from inner block to inner
	 * block by leaf_load, which checks the number (EXT1). Where a slot on
	 * the way is 0, a whole tree is missing: then the leaf has no slots,
	 * and `hole` says how much is left of it (hole_rest).
	 */
	(void)leaf_start;
	(void)leaf_load;
	(void)hole_rest;
	panic("exercise 1: leaf_find(%lu, %u, %p) is yours to write", v->ino,
	      logical, (void *)leaf);
}

static uint32_t
leaf_run(const struct leaf *leaf, uint32_t max)
{
	/*
	 * Exercise 1. How many slots, from the leaf's place to the array's end
	 * and at most `max`, go on as the first one begins: all holes, or
	 * blocks that are neighbours on the disk? Without slots: the hole.
	 */
	panic("exercise 1: leaf_run(%p, %u) is yours to write",
	      (const void *)leaf, max);
}

static void
leaf_set(struct vnode *v, struct leaf *leaf, uint32_t block, uint32_t n)
{
	/*
	 * Exercise 4. Write block, block + 1, ... into n slots, and count them
	 * (blocks_count). An inner block is changed between ext2_change and
	 * ext2_changed; the inode's array, where leaf->buf is NULL, under its
	 * lock.
	 */
	(void)blocks_count;
	panic("exercise 4: leaf_set(%lu, %p, %u, %u) is yours to write", v->ino,
	      (void *)leaf, block, n);
}

static int
leaf_grow(struct window *w, struct leaf *leaf, uint32_t want)
{
	/*
	 * Exercise 4. The leaf's slot is 0, and an inner block is to hang from
	 * it: take a block from the window, have it zeroed (ext2_fresh), put
	 * its number into the slot, and make it the leaf's array. `want` blocks
	 * of data will be taken next: ask the window for all together.
	 */
	(void)window_fill;
	(void)window_take;
	(void)leaf_set;
	panic("exercise 4: leaf_grow(%p, %p, %u) is yours to write", (void *)w,
	      (void *)leaf, want);
}

static int
leaf_make(struct window *w, uint32_t logical, uint32_t want, struct leaf *leaf)
{
	/*
	 * Exercise 4. As leaf_find, but where a slot on the way is 0, grow. The
	 * buffer that you leave is put back when you have the next one. After
	 * an error, the leaf holds none.
	 */
	(void)leaf_grow;
	panic("exercise 4: leaf_make(%p, %u, %u, %p) is yours to write",
	      (void *)w, logical, want, (void *)leaf);
}
