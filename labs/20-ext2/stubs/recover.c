/*
 * Stubs of lab ext2 for recover.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

static void
revoke(struct recovery *r, uint64_t block)
{
	/*
	 * Exercise 5. Transaction r->tid revokes the block. It may be in the
	 * table already, by an earlier or a later one: the latest counts.
	 */
	(void)table_find;
	panic("exercise 5: revoke(%p, %lu) is yours to write", (void *)r,
	      block);
}

static bool
is_revoked(const struct recovery *r, uint64_t block)
{
	/*
	 * Exercise 5. Whether what transaction r->tid logged of the block is
	 * not to be replayed: it, or a later one, has revoked it.
	 */
	(void)later;
	panic("exercise 5: is_revoked(%p, %lu) is yours to write",
	      (const void *)r, block);
}

static int
replay(struct recovery *r, const struct tag *tag)
{
	/*
	 * Exercise 5. Read the log's next block, and write it to where its tag
	 * says, unless it is revoked. What lies beyond the disk's end, or has
	 * another checksum than its tag says, is damage: note it and go on with
	 * the next. A block that began with the journal's magic number was
	 * logged without it (ESCAPED).
	 */
	(void)is_revoked;
	(void)tag_checksum_ok;
	(void)next_block;
	panic("exercise 5: replay(%p, %p) is yours to write", (void *)r,
	      (const void *)tag);
}

static int
walk_tags(struct recovery *r, const char *block)
{
	/*
	 * Exercise 5. Go through the tags of a descriptor, which begin behind
	 * its header and end with one that is LAST; with checksums, the block's
	 * last four bytes are not theirs. Each stands for one block of the log:
	 * replay it in PASS_REPLAY, step over it in others. Tags past the
	 * block's end, or more blocks than are left of the log, cannot be.
	 */
	(void)has_tails;
	(void)tag_read;
	(void)replay;
	panic("exercise 5: walk_tags(%p, %p) is yours to write", (void *)r,
	      (const void *)block);
}

static int
walk_one(struct recovery *r)
{
	/*
	 * Exercise 5. Read the log's next block, one of the journal's own, and
	 * deal with it. The log ends where a block is not what transaction
	 * r->tid would have there: by its magic number, its number, its type or
	 * its checksum. Passes but the first go as far as that came, and no
	 * walk goes round.
	 */
	(void)tail_ok;
	(void)commit_ok;
	(void)walk_tags;
	(void)walk_revokes;
	(void)revoke;
	panic("exercise 5: walk_one(%p) is yours to write", (void *)r);
}

static int
walk(struct recovery *r, enum pass pass)
{
	/*
	 * Exercise 5. One pass over the log: from where its superblock says
	 * that it begins, with the transaction that it says, to its end. The
	 * first pass finds that end: r->end is the first transaction that has
	 * no commit block; what is wrong behind it never happened. A later pass
	 * that does not get there has met damage.
	 */
	(void)walk_one;
	panic("exercise 5: walk(%p, %d) is yours to write", (void *)r, pass);
}
