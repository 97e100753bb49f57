/*
 * Stubs of lab ext2 for dir.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static int
find_in_block(const struct vnode *dir, const struct buf *b, uint32_t n,
	      const char *name, size_t len, struct view *e)
{
	/*
	 * Exercise 2. Look for the name in block n of the directory, which is
	 * in b: step from entry to entry with view_get, and leave the one that
	 * is found in *e. An entry whose inode is 0 has no name.
	 */
	(void)view_get;
	panic("exercise 2: find_in_block(%lu, %p, %u, %.*s, %p) is yours to "
	      "write",
	      dir->ino, (const void *)b, n, (int)len, name, (void *)e);
}

static int
room_in_block(const struct vnode *dir, const struct buf *b, uint32_t n,
	      uint32_t need, struct view *e)
{
	/*
	 * Exercise 2. The first entry of the block that has `need` bytes more
	 * than it uses itself. A free one uses none.
	 */
	panic("exercise 2: room_in_block(%lu, %p, %u, %u, %p) is yours to "
	      "write",
	      dir->ino, (const void *)b, n, need, (void *)e);
}

int
ext2_dir_add(struct vnode *dir, const char *name, size_t len,
	     const struct vnode *v)
{
	/*
	 * Exercise 2. Find room (room_find), and there make an entry: a free
	 * one is used as it is, one in use is split. All of its space must be
	 * some entry's afterwards. Say that the directory has changed.
	 */
	(void)dirent_fill;
	(void)room_find;
	panic("exercise 2: ext2_dir_add(%lu, %.*s, %lu) is yours to write",
	      dir->ino, (int)len, name, v->ino);
}

int
ext2_dir_remove(struct vnode *dir, struct ext2_entry *entry)
{
	/*
	 * Exercise 2. Give the entry's space, and that of a free one right
	 * behind it, to the entry before it (previous_get); the first of a
	 * block becomes a free one. Room has come up in this block: free_hint
	 * must not be behind it. `entry` is put back in any case.
	 */
	(void)previous_get;
	(void)dir_changed;
	panic("exercise 2: ext2_dir_remove(%lu, %p) is yours to write",
	      dir->ino, (void *)entry);
}
