/*
 * Where a file's blocks are. The inode has the numbers of the first twelve;
 * three more lead to trees of one, two and three levels, whose inner blocks
 * are full of block numbers. 0 is a hole: it reads as zeros and takes no
 * space. Numbers from the disk are checked each time they are followed, for
 * the block that holds them may be anything (EXT1).
 */
#include "ext2.h"
#include "string.h"

uint64_t
ext2_map_max_size(uint32_t block_size)
{
	uint64_t p = block_size / 4, most, counted;

	most = EXT2_DIRECT + p + p * p + p * p * p;
	/* i_blocks has 32 bits, and counts the trees' inner blocks too. */
	counted = UINT32_MAX / (block_size / SECTOR_SIZE) - (3 + 2 * p + p * p);
	return MIN(most, counted) * block_size;
}

unsigned
ext2_map_path(const struct ext2_fs *fs, uint32_t logical, unsigned at[4])
{
	unsigned shift = fs->block_shift - 2, depth, level;
	uint64_t per = 1ull << shift, n = logical, span = per;

	if (n < EXT2_DIRECT) {
		at[0] = logical;
		return 1;
	}
	n -= EXT2_DIRECT;
	for (depth = 1; n >= span; span *= per) {
		n -= span;
		if (++depth > 3)
			return 0;
	}
	at[0] = EXT2_DIRECT + depth - 1;
	for (level = depth; level > 0; level--, n >>= shift)
		at[level] = n & (per - 1);
	return depth + 1;
}

/* ---- The array of numbers that has a block's ---- */

struct leaf {
	struct buf *buf; /* NULL: it is the inode's, or there is none */
	uint32_t *slots; /* NULL: it is in a hole of the tree */
	uint32_t at, n;	 /* the block's place, and how many there are */
	uint64_t hole;	 /* without slots: blocks to the hole's end */
};

static void
leaf_put(struct leaf *leaf)
{
	if (leaf->buf)
		buf_put(leaf->buf);
	leaf->buf = NULL;
}

/** Take inner block @p block as the array. */
static int
leaf_load(const struct vnode *v, struct leaf *leaf, uint32_t block)
{
	struct ext2_fs *fs = ext2_fs(v);
	int error = 0;

	if (!ext2_blocks_ok(fs, block, 1))
		return ext2_damaged(fs, "inode %lu: bad tree block %u", v->ino,
				    block);
	leaf->buf = ext2_read_surely(fs, block, &error);
	if (!leaf->buf)
		return error;
	leaf->slots = leaf->buf->data;
	return 0;
}

static void
leaf_start(const struct vnode *v, struct leaf *leaf, unsigned at)
{
	leaf->buf = NULL;
	leaf->slots = ext2_inode(v)->block;
	leaf->at = at;
	leaf->n = EXT2_DIRECT;
}

/** The hole at place @p at[level - 1], which a tree of the levels to come would
 * fill: how many blocks from @p logical on. */
static uint64_t
hole_rest(const struct ext2_fs *fs, const unsigned at[4], unsigned level,
	  unsigned depth)
{
	unsigned shift = fs->block_shift - 2;
	uint64_t span = 1ull << shift * (depth - level), before = 0;

	for (; level < depth; level++)
		before = (before << shift) + at[level];
	return span - before;
}

/** Go to the array for block @p logical. map_lock is held.
 * @return 0, leaf to be put; -EFBIG, -EUCLEAN, -EIO, -ENOMEM */
static int
leaf_find(const struct vnode *v, uint32_t logical, struct leaf *leaf)
{
	const struct ext2_fs *fs = ext2_fs(v);
	unsigned at[4], depth = ext2_map_path(fs, logical, at), i;
	uint32_t block;
	int error = depth ? 0 : -EFBIG;

	leaf_start(v, leaf, at[0]);
	for (i = 1; !error && i < depth; i++) {
		block = leaf->slots ? leaf->slots[leaf->at] : 0;
		leaf_put(leaf);
		leaf->slots = NULL;
		leaf->at = at[i];
		leaf->n = fs->block_size / 4;
		if (block)
			error = leaf_load(v, leaf, block);
		else
			break;
	}
	if (i < depth)
		leaf->hole = hole_rest(fs, at, i, depth);
	return error;
}

/** How many slots from the leaf's place on continue what is there, as a hole
 * or as neighbouring blocks; at most @p max. */
static uint32_t
leaf_run(const struct leaf *leaf, uint32_t max)
{
	const uint32_t *slot;
	uint32_t n = MIN(max, leaf->n - leaf->at), i;

	if (!leaf->slots)
		return (uint32_t)MIN(max, leaf->hole);
	slot = leaf->slots + leaf->at;
	for (i = 1; i < n; i++)
		if (slot[i] != (slot[0] ? slot[0] + i : 0))
			break;
	return i;
}

/* ---- Looking up ---- */

void
ext2_map_hide(struct vnode *v, uint32_t first, uint32_t end)
{
	struct ext2_inode *in = ext2_inode(v);

	rwlock_write_lock(&in->map_lock);
	in->hidden_from = first;
	in->hidden_to = end;
	rwlock_write_unlock(&in->map_lock);
}

static bool
is_hidden(const struct ext2_inode *in, uint32_t logical)
{
	return logical >= in->hidden_from && logical < in->hidden_to;
}

bool
ext2_map_hidden(struct vnode *v, uint32_t logical)
{
	struct ext2_inode *in = ext2_inode(v);
	bool hidden;

	rwlock_read_lock(&in->map_lock);
	hidden = is_hidden(in, logical);
	rwlock_read_unlock(&in->map_lock);
	return hidden;
}

static int
map_locked(const struct vnode *v, uint32_t logical, uint32_t max,
	   uint32_t *first)
{
	struct ext2_fs *fs = ext2_fs(v);
	struct leaf leaf;
	uint32_t n;
	int error = leaf_find(v, logical, &leaf);

	if (error)
		return error;
	*first = leaf.slots ? leaf.slots[leaf.at] : 0;
	n = leaf_run(&leaf, max);
	leaf_put(&leaf);
	if (*first && !ext2_blocks_ok(fs, *first, n)) {
		n = 1; /* the run may go on into another group */
		if (!ext2_blocks_ok(fs, *first, n))
			return ext2_damaged(fs, "inode %lu: bad block %u",
					    v->ino, *first);
	}
	return (int)n;
}

int
ext2_map(struct vnode *v, uint32_t logical, uint32_t max, uint32_t *first)
{
	struct ext2_inode *in = ext2_inode(v);
	int n;

	rwlock_read_lock(&in->map_lock);
	if (is_hidden(in, logical)) {
		*first = 0;
		n = (int)MIN(max, in->hidden_to - logical);
	} else {
		if (logical < in->hidden_from)
			max = MIN(max, in->hidden_from - logical);
		n = map_locked(v, logical, max, first);
	}
	rwlock_read_unlock(&in->map_lock);
	return n;
}

/* ---- Allocating ---- */

/** Blocks allocated together, to be used one by one. */
struct window {
	struct vnode *v;
	uint32_t next, left;
	uint32_t goal; /* where to allocate more */
};

/** Have at least one block in the window; @p want would be good. */
static int
window_fill(struct window *w, uint32_t want)
{
	int got;

	if (w->left)
		return 0;
	got = ext2_blocks_alloc(ext2_fs(w->v), w->goal, want, &w->next);
	if (got < 0)
		return got;
	w->left = (uint32_t)got;
	return 0;
}

static uint32_t
window_take(struct window *w, uint32_t n)
{
	uint32_t block = w->next;

	w->next += n;
	w->left -= n;
	w->goal = w->next;
	return block;
}

static void
blocks_count(struct vnode *v, int64_t delta)
{
	struct ext2_inode *in = ext2_inode(v);

	spin_lock(&in->lock);
	v->blocks += (uint64_t)delta * (ext2_fs(v)->block_size / SECTOR_SIZE);
	spin_unlock(&in->lock);
}

/** Write @p n neighbouring blocks into the slots from the leaf's place on, and
 * count them. */
static void
leaf_set(struct vnode *v, struct leaf *leaf, uint32_t block, uint32_t n)
{
	struct ext2_inode *in = ext2_inode(v);
	uint32_t i;

	if (leaf->buf)
		ext2_change(ext2_fs(v), leaf->buf);
	else
		spin_lock(&in->lock);
	for (i = 0; i < n; i++)
		leaf->slots[leaf->at + i] = block + i;
	if (leaf->buf)
		ext2_changed(ext2_fs(v), leaf->buf);
	else
		spin_unlock(&in->lock);
	blocks_count(v, n);
}

/** Hang a new, empty inner block into the leaf's hole, and go there. */
static int
leaf_grow(struct window *w, struct leaf *leaf, uint32_t want)
{
	struct ext2_fs *fs = ext2_fs(w->v);
	struct buf *b;
	uint32_t block;
	int error = window_fill(w, want + 1);

	if (error)
		return error;
	b = ext2_fresh(fs, w->next, &error);
	if (!b)
		return error;
	ext2_changed(fs, b);
	block = window_take(w, 1);
	leaf_set(w->v, leaf, block, 1);
	leaf_put(leaf);
	leaf->buf = b;
	leaf->slots = b->data;
	return 0;
}

/** leaf_find that makes what is missing. */
static int
leaf_make(struct window *w, uint32_t logical, uint32_t want, struct leaf *leaf)
{
	const struct ext2_fs *fs = ext2_fs(w->v);
	unsigned at[4], depth = ext2_map_path(fs, logical, at), i;
	struct buf *parent;
	uint32_t block;
	int error = depth ? 0 : -EFBIG;

	leaf_start(w->v, leaf, at[0]);
	for (i = 1; !error && i < depth; i++) {
		block = leaf->slots[leaf->at];
		if (block) {
			parent = leaf->buf;
			leaf->buf = NULL;
			error = leaf_load(w->v, leaf, block);
			if (parent)
				buf_put(parent);
		} else {
			error = leaf_grow(w, leaf, want);
		}
		leaf->at = at[i];
		leaf->n = fs->block_size / 4;
	}
	if (error)
		leaf_put(leaf);
	return error;
}

/** Whether the blocks of @p v are contents that go through the journal. */
static bool
logs_data(const struct vnode *v)
{
	return ext2_fs(v)->data_journal && v->type == VT_REG;
}

/** Fill the hole at the leaf's place: some of its @p n slots. @return how many
 * were filled, or an error */
static int
leaf_fill(struct window *w, struct leaf *leaf, uint32_t n)
{
	struct ext2_inode *in = ext2_inode(w->v);
	uint32_t i;
	int error = window_fill(w, n);

	if (error)
		return error;
	n = MIN(n, w->left);
	if (logs_data(w->v)) {
		n = MIN(n, EXT2_DATA_STEP);
		for (i = 0; i < n && !error; i++)
			error = ext2_data_log(ext2_fs(w->v), w->next + i, NULL);
	}
	if (error)
		return error;
	in->last_physical = w->next + n - 1;
	leaf_set(w->v, leaf, window_take(w, n), n);
	return (int)n;
}

/** Where the block @p logical should best be. */
static uint32_t
goal_for(const struct vnode *v, uint32_t logical)
{
	const struct ext2_inode *in = ext2_inode(v);
	struct leaf leaf;
	uint32_t goal = 0;

	if (in->last_physical && logical == in->last_logical + 1)
		return in->last_physical + 1;
	if (logical > 0 && leaf_find(v, logical - 1, &leaf) == 0) {
		if (leaf.slots && leaf.slots[leaf.at])
			goal = leaf.slots[leaf.at] + 1;
		leaf_put(&leaf);
	}
	return goal ? goal : ext2_inode_goal(ext2_fs(v), v->ino);
}

/** Fill holes in one array, from @p logical on. @return blocks dealt with */
static int
alloc_step(struct window *w, uint32_t logical, uint32_t count)
{
	struct ext2_inode *in = ext2_inode(w->v);
	struct leaf leaf;
	int n = leaf_make(w, logical, count, &leaf);

	if (n)
		return n;
	n = (int)leaf_run(&leaf, count);
	if (leaf.slots[leaf.at] == 0) {
		n = leaf_fill(w, &leaf, (uint32_t)n);
		if (n > 0)
			in->last_logical = logical + (uint32_t)n - 1;
	}
	leaf_put(&leaf);
	return n;
}

int
ext2_map_alloc(struct vnode *v, uint32_t logical, uint32_t count)
{
	struct ext2_inode *in = ext2_inode(v);
	struct window w = { .v = v };
	int n = 0, error = 0;

	rwlock_write_lock(&in->map_lock);
	w.goal = goal_for(v, logical);
	while (count > 0 && n >= 0) {
		n = ext2_has_room(ext2_fs(v)) ? alloc_step(&w, logical, count)
					      : -EAGAIN;
		if (n > 0) {
			logical += (uint32_t)n;
			count -= (uint32_t)n;
		}
	}
	if (w.left)
		error = ext2_blocks_free(ext2_fs(v), w.next, w.left);
	rwlock_write_unlock(&in->map_lock);
	return n < 0 ? n : error;
}

/* ---- Freeing ---- */

/** Blocks cut off, gathered into runs that are freed together. */
struct cut {
	struct vnode *v;
	struct ext2_fs *fs;
	bool metadata; /* the data blocks are in the buffer cache too */
	uint32_t first, count;
};

static int
cut_flush(struct cut *c)
{
	uint32_t n = c->count;
	int error;

	if (n == 0)
		return 0;
	c->count = 0;
	error = ext2_blocks_free(c->fs, c->first, n);
	if (!error)
		blocks_count(c->v, -(int64_t)n);
	return error;
}

/** Free a block, soon. */
static int
cut_block(struct cut *c, uint32_t block, bool metadata)
{
	int error;

	if (!ext2_blocks_ok(c->fs, block, 1))
		return ext2_damaged(c->fs, "inode %lu: bad block %u to free",
				    c->v->ino, block);
	if (metadata)
		ext2_forget(c->fs, block);
	if (c->count && block == c->first + c->count &&
	    ext2_blocks_ok(c->fs, c->first, c->count + 1)) {
		c->count++;
		return 0;
	}
	error = cut_flush(c);
	c->first = block;
	c->count = 1;
	return error;
}

/** Blocks [from, to) of what hangs from a slot are to be freed. */
struct part {
	uint64_t from, to;
};

/** How many blocks a tree of @p level levels leads to. */
static uint64_t
tree_span(const struct cut *c, unsigned level)
{
	return 1ull << (c->fs->block_shift - 2) * level;
}

/** Of @p all, what is in [start, start + span), counted from there. */
static struct part
part_in(struct part all, uint64_t start, uint64_t span)
{
	struct part p = {
		.from = all.from > start ? MIN(all.from - start, span) : 0,
		.to = all.to > start ? MIN(all.to - start, span) : 0,
	};

	return p;
}

static int cut_tree(struct cut *c, uint32_t block, unsigned level,
		    struct part p);

/**
 * Free what hangs from slots of an inner block, each a tree of @p level
 * levels (0: a data block), as far as it is in @p p.
 * *end: behind the last slot dealt with; slots before it, but for those of
 * which a part remains, are free.
 */
static int
cut_slots(struct cut *c, const uint32_t *slots, unsigned level, struct part p,
	  uint32_t *end)
{
	uint64_t span = tree_span(c, level);
	uint32_t i;
	int error = 0;

	for (i = (uint32_t)(p.from / span); i * span < p.to; i++) {
		if (slots[i] && !ext2_has_room(c->fs))
			error = -EAGAIN;
		else if (slots[i])
			error = cut_tree(c, slots[i], level,
					 part_in(p, i * span, span));
		if (error)
			break;
	}
	*end = i;
	return error;
}

static bool
is_whole(const struct cut *c, unsigned level, struct part p)
{
	return p.from == 0 && p.to == tree_span(c, level);
}

/** Free the blocks below inner block @p block, and clear their numbers if the
 * block itself stays: because a part of it does, or after an error. */
static int
cut_below(struct cut *c, uint32_t block, unsigned level, struct part p)
{
	uint64_t span = tree_span(c, level - 1);
	uint32_t start = (uint32_t)DIV_ROUND_UP(p.from, span);
	uint32_t end, *slots;
	struct buf *b;
	int error = 0;

	if (!ext2_blocks_ok(c->fs, block, 1))
		return ext2_damaged(c->fs, "inode %lu: bad tree block %u",
				    c->v->ino, block);
	b = ext2_read_surely(c->fs, block, &error);
	if (!b)
		return error;
	slots = b->data;
	error = cut_slots(c, slots, level - 1, p, &end);
	end = MIN(end, (uint32_t)(p.to / span));
	if ((error || !is_whole(c, level, p)) && end > start) {
		ext2_change(c->fs, b);
		memset(slots + start, 0, (end - start) * sizeof(*slots));
		ext2_changed(c->fs, b);
	}
	buf_put(b);
	return error;
}

/** Free part @p p of a tree of @p level levels, or all of it. */
static int
cut_tree(struct cut *c, uint32_t block, unsigned level, struct part p)
{
	int error;

	NESTS(EXT2_NBLOCKS - EXT2_DIRECT + 1,
	      level <= EXT2_NBLOCKS - EXT2_DIRECT);
	error = level ? cut_below(c, block, level, p) : 0;
	if (error || !is_whole(c, level, p))
		return error;
	return cut_block(c, block, level > 0 || c->metadata);
}

/** Cut slot @p i of the inode: a block, or a tree. */
static int
cut_top(struct cut *c, unsigned i, unsigned level, struct part p)
{
	struct ext2_inode *in = ext2_inode(c->v);
	int error;

	if (in->block[i] == 0 || p.from == p.to)
		return 0;
	if (!ext2_has_room(c->fs))
		return -EAGAIN;
	error = cut_tree(c, in->block[i], level, p);
	if (!error && is_whole(c, level, p)) {
		spin_lock(&in->lock);
		in->block[i] = 0;
		spin_unlock(&in->lock);
	}
	return error;
}

static int
cut_locked(struct cut *c, struct part p)
{
	uint64_t start = 0, span;
	unsigned i, level;
	int error = 0;

	for (i = 0; !error && i < EXT2_NBLOCKS; i++, start += span) {
		level = i < EXT2_DIRECT ? 0 : i - EXT2_DIRECT + 1;
		span = tree_span(c, level);
		error = cut_top(c, i, level, part_in(p, start, span));
	}
	return error;
}

/** Free as much as the running operation has room for. */
static int
cut_some(struct vnode *v, struct part p)
{
	struct ext2_inode *in = ext2_inode(v);
	struct cut c = { .v = v,
			 .fs = ext2_fs(v),
			 .metadata = v->type != VT_REG || logs_data(v) };
	int error, last;

	rwlock_write_lock(&in->map_lock);
	in->last_physical = 0;
	error = cut_locked(&c, p);
	last = cut_flush(&c);
	rwlock_write_unlock(&in->map_lock);
	return last ? last : error;
}

/* Between two operations the file is in the list of orphans: if the power
 * fails there, the next mount goes on. */
int
ext2_map_cut(struct vnode *v, uint32_t logical)
{
	struct part p = { logical, UINT64_MAX };
	struct ext2_fs *fs = ext2_fs(v);
	int error;

	while ((error = cut_some(v, p)) == -EAGAIN) {
		ext2_orphan_add(v);
		ext2_inode_store(v);
		ext2_go_on(fs);
	}
	if (v->nlink > 0 && ext2_inode(v)->prepared <= v->size)
		ext2_orphan_remove(v);
	return error;
}

/* Between two operations the hole is smaller than it is to be. */
int
ext2_map_punch(struct vnode *v, uint32_t first, uint32_t end)
{
	struct part p = { first, end };
	int error;

	while ((error = cut_some(v, p)) == -EAGAIN) {
		ext2_inode_store(v);
		ext2_go_on(ext2_fs(v));
	}
	return error;
}
