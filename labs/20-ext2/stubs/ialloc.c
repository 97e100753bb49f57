/*
 * Stubs of lab ext2 for ialloc.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static int
take_from(struct ext2_fs *fs, uint32_t group, bool is_dir, struct buf *bitmap,
	  uint32_t *ino)
{
	/*
	 * Exercise 3. Take the group's first free inode: its bit and the counts
	 * of group and mount, directories too (EXT6). Inodes count from 1, and
	 * those before fs->first_ino are not for files. None is free, though
	 * the count said so: that is damage.
	 */
	(void)bitmap_find_zero;
	(void)bitmap_set;
	panic("exercise 3: take_from(%p, %u, %u, %p, %p) is yours to write",
	      (void *)fs, group, is_dir, (void *)bitmap, (void *)ino);
}

static int
give_back(struct ext2_fs *fs, uint32_t group, uint64_t ino, bool is_dir,
	  struct buf *bitmap)
{
	/*
	 * Exercise 3. The opposite. An inode that is not in use, or counts that
	 * would pass their bounds, are damage: tell it, change nothing.
	 */
	(void)bitmap_clear;
	(void)bitmap_test;
	panic("exercise 3: give_back(%p, %u, %lu, %u, %p) is yours to write",
	      (void *)fs, group, ino, is_dir, (void *)bitmap);
}
