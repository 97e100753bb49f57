/*
 * Allocating blocks. A file's next block is sought right behind its last one,
 * then near it, where 8 are free together, anywhere in the group, and at last
 * in the other groups: so files lie in one piece while there is room. The
 * order of the search is that of Card, Ts'o and Tweedie's paper.
 */
#include "ext2.h"
#include "ext2_bitmap.h"
#include "string.h"

/** Where to take a block of a bitmap with at least one free. @return @p n:
 * none is free after all */
static uint32_t
choose(const uint64_t *map, uint32_t n, uint32_t goal)
{
	uint32_t near = MIN(ROUND_UP(goal + 1, 64), n), bit;

	if ((bit = bitmap_find_zero(map, goal, near)) < near)
		return bit;
	if ((bit = bitmap_find_zero_byte(map, near, n)) < n)
		return bit;
	if ((bit = bitmap_find_zero(map, goal, n)) < n)
		return bit;
	bit = bitmap_find_zero(map, 0, goal);
	return bit < goal ? bit : n;
}

/** Set up to @p want bits from bit @p bit on, which are free in @p busy too.
 * @return how many */
static uint32_t
take_run(uint64_t *map, const uint64_t *busy, uint32_t n, uint32_t bit,
	 uint32_t want)
{
	uint32_t got = 0;

	while (got < want && bit + got < n && !bitmap_test(busy, bit + got))
		bitmap_set(map, bit + got++);
	return got;
}

/** A page with what must not be allocated: the bitmap, and what is pending.
 * NULL: no memory. */
static struct page *
busy_page(const struct ext2_fs *fs, const struct ext2_group *g,
	  const uint64_t *map)
{
	struct page *page = page_alloc(0, PAGE_KERNEL, 0);
	uint64_t *busy;
	unsigned i, p;

	if (!page)
		return NULL;
	busy = page_address(page);
	memcpy(busy, map, fs->block_size);
	for (p = 0; p < 2; p++) {
		const uint64_t *pending;

		if (!g->pending[p])
			continue;
		pending = page_address(g->pending[p]);
		for (i = 0; i < fs->block_size / sizeof(*busy); i++)
			busy[i] |= pending[i];
	}
	return page;
}

static void
clear_run(uint64_t *map, uint32_t bit, uint32_t count)
{
	while (count--)
		bitmap_clear(map, bit++);
}

/** The part of allocation under the group's lock, bitmap at hand. */
static int
take_free(struct ext2_fs *fs, uint32_t group, uint32_t goal, uint32_t want,
	  uint32_t *first, struct buf *bitmap, const uint64_t *busy)
{
	struct ext2_group *g = &fs->groups[group];
	uint32_t n = ext2_group_blocks(fs, group), bit, got;

	bit = choose(busy, n, goal);
	if (bit == n && busy != bitmap->data)
		return 0; /* not yet */
	if (bit == n)
		return ext2_damaged(fs, "group %u: no block is free, not %u",
				    group, g->free_blocks);
	*first = ext2_group_first(fs, group) + bit;
	ext2_change(fs, bitmap);
	got = take_run(bitmap->data, busy, n, bit, MIN(want, g->free_blocks));
	if (!ext2_blocks_ok(fs, *first, got)) {
		clear_run(bitmap->data, bit, got);
		ext2_changed(fs, bitmap);
		return ext2_damaged(fs, "group %u: metadata at %u is free",
				    group, *first);
	}
	ext2_changed(fs, bitmap);
	g->free_blocks -= got;
	fs->free_blocks -= got;
	return (int)got;
}

static int
take_from(struct ext2_fs *fs, uint32_t group, uint32_t goal, uint32_t want,
	  uint32_t *first, struct buf *bitmap)
{
	const struct ext2_group *g = &fs->groups[group];
	struct page *page;
	int got;

	if (!g->pending[0] && !g->pending[1])
		return take_free(fs, group, goal, want, first, bitmap,
				 bitmap->data);
	page = busy_page(fs, g, bitmap->data);
	if (!page)
		return -ENOMEM;
	got = take_free(fs, group, goal, want, first, bitmap,
			page_address(page));
	page_unref(page);
	return got;
}

/** Allocate in @p group. @return blocks got; 0: none is free; or an error */
static int
group_alloc(struct ext2_fs *fs, uint32_t group, uint32_t goal, uint32_t want,
	    uint32_t *first)
{
	struct ext2_group *g = &fs->groups[group];
	struct ext2_group_bufs b;
	int got = 0;

	if (g->free_blocks == 0)
		return 0;
	ext2_group_lock(fs, group);
	if (g->free_blocks > 0 &&
	    (got = ext2_group_bufs_get(fs, group, g->block_bitmap, ext2_read,
				       &b)) == 0) {
		got = take_from(fs, group, goal, want, first, b.bitmap);
		if (got > 0)
			ext2_group_bufs_changed(fs, group, &b);
		else
			ext2_group_bufs_put(&b);
	}
	ext2_group_unlock(fs, group);
	return got;
}

/** The last blocks are the superuser's: with them, the system can be mended
 * when users have filled the disk. */
static bool
may_allocate(const struct ext2_fs *fs)
{
	uint32_t free = fs->free_blocks, uid;

	if (free > fs->reserved_blocks)
		return true;
	uid = current_cred()->fsuid;
	return free > 0 && (uid == 0 || uid == fs->resuid);
}

int
ext2_blocks_alloc(struct ext2_fs *fs, uint32_t goal, uint32_t want,
		  uint32_t *first)
{
	uint32_t group, i, bit;
	int got;

	INVARIANT(EXT4, ext2_in_operation(fs));
	if (!may_allocate(fs))
		return -ENOSPC;
	if (goal < fs->first_data_block || goal >= fs->blocks_count)
		goal = fs->first_data_block;
	group = ext2_group_of_block(fs, goal);
	bit = goal - ext2_group_first(fs, group);
	for (i = 0; i < fs->ngroups; i++) {
		got = group_alloc(fs, group, bit, want, first);
		if (got != 0)
			return got;
		group = (group + 1) % fs->ngroups;
		bit = 0;
	}
	return -ENOSPC;
}

/** The part of freeing under the group's lock, bitmap at hand. */
static int
give_back(struct ext2_fs *fs, uint32_t group, uint32_t first, uint32_t count,
	  struct buf *bitmap, struct page *pending)
{
	struct ext2_group *g = &fs->groups[group];
	uint32_t bit = first - ext2_group_first(fs, group), i;

	for (i = 0; i < count; i++)
		if (!bitmap_test(bitmap->data, bit + i))
			return ext2_damaged(fs, "block %u is freed twice",
					    first + i);
	if (g->free_blocks + count > ext2_group_blocks(fs, group))
		return ext2_damaged(fs, "group %u: too many blocks free",
				    group);
	if (pending)
		for (i = 0; i < count; i++)
			bitmap_set(page_address(pending), bit + i);
	ext2_change(fs, bitmap);
	clear_run(bitmap->data, bit, count);
	ext2_changed(fs, bitmap);
	g->free_blocks += count;
	fs->free_blocks += count;
	return 0;
}

/** The page that says what of @p group the running transaction has freed;
 * NULL: none is needed, or -ENOMEM in *error. The group is locked. */
static struct page *
pending_page(struct ext2_fs *fs, uint32_t group, int *error)
{
	struct page **pending;

	*error = 0;
	if (!ext2_journaled(fs))
		return NULL;
	pending = &fs->groups[group].pending[journal_current() & 1];
	if (!*pending)
		*pending = ext2_page_surely(ALLOC_ZERO);
	if (!*pending)
		*error = -ENOMEM;
	fs->pending = true;
	return *pending;
}

void
ext2_pending_free(struct ext2_fs *fs, journal_tid tid)
{
	uint32_t group;

	fs->pending = false;
	for (group = 0; group < fs->ngroups; group++) {
		struct ext2_group *g = &fs->groups[group];

		if (!g->pending[0] && !g->pending[1])
			continue;
		ext2_group_lock(fs, group);
		if (g->pending[tid & 1])
			page_unref(g->pending[tid & 1]);
		g->pending[tid & 1] = NULL;
		if (g->pending[~tid & 1])
			fs->pending = true;
		ext2_group_unlock(fs, group);
	}
}

int
ext2_blocks_free(struct ext2_fs *fs, uint32_t first, uint32_t count)
{
	uint32_t group;
	struct ext2_group_bufs b;
	struct page *pending;
	int error;

	INVARIANT(EXT4, ext2_in_operation(fs));
	if (!ext2_blocks_ok(fs, first, count))
		return ext2_damaged(fs, "blocks %u+%u are freed, no file's",
				    first, count);
	group = ext2_group_of_block(fs, first);
	ext2_group_lock(fs, group);
	pending = pending_page(fs, group, &error);
	if (!error)
		error = ext2_group_bufs_get(fs, group,
					    fs->groups[group].block_bitmap,
					    ext2_read_surely, &b);
	if (!error) {
		error = give_back(fs, group, first, count, b.bitmap, pending);
		if (error)
			ext2_group_bufs_put(&b);
		else
			ext2_group_bufs_changed(fs, group, &b);
	}
	ext2_group_unlock(fs, group);
	return error;
}

/* Files of one directory share a group; each starts in its own sixteenth of
 * it, chosen by number, so that two that grow together do not interleave. */
uint32_t
ext2_inode_goal(const struct ext2_fs *fs, uint64_t ino)
{
	uint32_t group = ext2_group_of_inode(fs, ino);
	uint32_t n = ext2_group_blocks(fs, group);

	return ext2_group_first(fs, group) + (uint32_t)(ino % 16) * (n / 16);
}
