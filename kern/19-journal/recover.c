/*
 * Replaying a log, in three passes: find its end, the first transaction
 * without a commit block; collect what is revoked; write home what remains.
 * Nothing is written before the end of the log is known. What is read is
 * somebody's claim: each number is checked, and a walk never takes more steps
 * than the log has blocks.
 */
#include "journal_internal.h"

/* One page of pointers to pages of entries, half of them used at most, so that
 * a search ends soon: 65,536 revoked blocks. */
#define REVOKED_PER_PAGE (PAGE_SIZE / sizeof(struct revoked))
#define REVOKED_MAX	 (PAGE_SIZE / sizeof(void *) * REVOKED_PER_PAGE / 2)

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

/** Transactions up to tid, which is the last that has revoked it, have nothing
 * to say of this block. */
struct revoked {
	uint64_t block;
	journal_tid tid;
	bool used;
};

struct recovery {
	struct journal *j;
	enum pass pass;
	/* Where the walk is: the next block, of this transaction, and how many
	 * are left before it would go round. */
	uint32_t at, left;
	journal_tid tid, end; /* end: the first that is not whole */
	struct page *block;   /* one that is replayed */
	unsigned nreplayed;
	bool damaged; /* a committed block is not what its tag says */
	/* A hash table, in pages that this page points to. */
	struct revoked **table;
	struct page *directory;
	uint64_t table_size; /* a power of two, or 0 */
	uint64_t nrevoked;   /* in the log; later: not in the table yet */
};

static bool
later(journal_tid a, journal_tid b)
{
	return (int32_t)(a - b) > 0;
}

/* ---- The table of what is revoked ---- */

static struct revoked *
entry(const struct recovery *r, uint64_t i)
{
	return &r->table[i / REVOKED_PER_PAGE][i % REVOKED_PER_PAGE];
}

static void
table_free(struct recovery *r)
{
	uint64_t i;

	if (!r->directory)
		return;
	for (i = 0; i < PAGE_SIZE / sizeof(void *) && r->table[i]; i++)
		page_unref(address_to_page(r->table[i]));
	page_unref(r->directory);
}

/* Sized by what the first pass has counted, of transactions, too, that have no
 * commit block. On failure table_free frees what there is. */
static int
table_new(struct recovery *r)
{
	uint64_t i, pages;

	if (r->nrevoked == 0)
		return 0;
	if (r->nrevoked > REVOKED_MAX)
		return -ENOMEM;
	r->directory = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	if (!r->directory)
		return -ENOMEM;
	r->table = page_address(r->directory);
	r->table_size = REVOKED_PER_PAGE;
	while (r->table_size < 2 * r->nrevoked)
		r->table_size *= 2;
	pages = r->table_size / REVOKED_PER_PAGE;
	for (i = 0; i < pages; i++) {
		struct page *page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);

		if (!page)
			return -ENOMEM;
		r->table[i] = page_address(page);
	}
	return 0;
}

/* The block's entry, or the free one where it would be: open addressing, by the
 * golden ratio's fraction of 2^64. At least half is free, so it ends. */
static struct revoked *
table_find(const struct recovery *r, uint64_t block)
{
	uint64_t i = block * 0x9e3779b97f4a7c15 >> 32;

	for (;; i++) {
		struct revoked *e = entry(r, i & (r->table_size - 1));

		if (!e->used || e->block == block)
			return e;
	}
}

/* The second pass goes by rising numbers, but a number may come twice. */
static void
revoke(struct recovery *r, uint64_t block)
{
	struct revoked *e = table_find(r, block);

	if (!e->used || later(r->tid, e->tid))
		*e = (struct revoked){ block, r->tid, true };
}

/* Not what was logged later: the block has been allocated as metadata again. */
static bool
is_revoked(const struct recovery *r, uint64_t block)
{
	const struct revoked *e;

	if (r->table_size == 0)
		return false;
	e = table_find(r, block);
	return e->used && !later(r->tid, e->tid);
}

/* ---- Checksums ---- */

static bool
has_tails(const struct journal *j)
{
	return journal_has(j, JOURNAL_INCOMPAT_CSUM2 | JOURNAL_INCOMPAT_CSUM3);
}

/* The block is put back as it was. */
static bool
tail_ok(const struct recovery *r, void *block)
{
	struct journal_tail *tail =
		(void *)((char *)block + r->j->block_size - sizeof(*tail));
	uint32_t said = be32(tail->checksum);
	bool ok;

	if (!has_tails(r->j))
		return true;
	tail->checksum = to_be32(0);
	ok = log_checksum(r->j, block) == said;
	tail->checksum = to_be32(said);
	return ok;
}

static bool
commit_ok(const struct recovery *r, struct journal_commit *c)
{
	uint32_t said = be32(c->checksum[0]);
	bool ok;

	if (!has_tails(r->j))
		return true;
	c->checksum[0] = to_be32(0);
	ok = log_checksum(r->j, c) == said;
	c->checksum[0] = to_be32(said);
	return ok;
}

/* ---- Tags ---- */

/** A tag of whichever form. */
struct tag {
	uint64_t block;
	uint32_t flags, checksum;
	size_t len; /* with what follows it */
};

static struct tag
tag_read(const struct journal *j, const void *at)
{
	const struct journal_tag3 *t3 = at;
	const struct journal_tag *t = at;
	bool wide = journal_has(j, JOURNAL_INCOMPAT_64BIT);
	/* The room that CSUM2 takes for its checksum comes behind, unused. */
	size_t more = journal_has(j, JOURNAL_INCOMPAT_CSUM2) ? 2 : 0;
	struct tag tag;

	if (journal_has(j, JOURNAL_INCOMPAT_CSUM3)) {
		tag = (struct tag){ be32(t3->block), be32(t3->flags),
				    be32(t3->checksum), sizeof(*t3) };
		if (wide)
			tag.block |= (uint64_t)be32(t3->block_high) << 32;
	} else {
		tag = (struct tag){ be32(t->block), be16(t->flags),
				    be16(t->checksum), (wide ? 12 : 8) + more };
		if (wide)
			tag.block |= (uint64_t)be32(t->block_high) << 32;
	}
	if (!(tag.flags & JOURNAL_TAG_SAME_UUID))
		tag.len += 16;
	return tag;
}

/* Of the block as it lies in the log, before its first word is put back. */
static bool
tag_checksum_ok(const struct recovery *r, const struct tag *tag,
		const void *block)
{
	uint32_t sum;

	if (!has_tails(r->j))
		return true;
	sum = log_tag_checksum(r->j, r->tid, block);
	if (!journal_has(r->j, JOURNAL_INCOMPAT_CSUM3))
		sum &= 0xffff;
	return sum == tag->checksum;
}

/* ---- Walking ---- */

/* Read the next block of the log. */
static int
next_block(struct recovery *r, struct page *page)
{
	int error = log_transfer(r->j, BLOCK_READ, r->at, page);

	r->at = log_next(r->j, r->at);
	return error;
}

/* One that is revoked is passed over before it is judged: it may well be
 * damaged. One that is damaged is not written, but the others are, and the log
 * is kept: e2fsck is to decide. The journal knows no file system, so the limit
 * of block numbers is the device's end. */
static int
replay(struct recovery *r, const struct tag *tag)
{
	struct journal *j = r->j;
	uint32_t each = j->block_size / SECTOR_SIZE;
	struct journal_header *header;
	int error = next_block(r, r->block);

	if (error || is_revoked(r, tag->block))
		return error;
	header = page_address(r->block);
	if (tag->block >= j->device->sectors / each ||
	    !tag_checksum_ok(r, tag, header)) {
		r->damaged = true;
		return 0;
	}
	if (tag->flags & JOURNAL_TAG_ESCAPED)
		header->magic = to_be32(JOURNAL_MAGIC);
	r->nreplayed++;
	return block_transfer(j->device, BLOCK_WRITE, tag->block * each, header,
			      j->block_size);
}

/* The blocks that a descriptor describes. @return 0; -EUCLEAN: there cannot be
 * so many; -EIO */
static int
walk_tags(struct recovery *r, const char *block)
{
	size_t end = r->j->block_size - (has_tails(r->j) ? 4 : 0);
	size_t at = sizeof(struct journal_header);
	struct tag tag;
	int error = 0;

	do {
		if (at + sizeof(struct journal_tag) > end)
			return -EUCLEAN;
		tag = tag_read(r->j, block + at);
		at += tag.len;
		if (at > end || r->left == 0)
			return -EUCLEAN;
		r->left--;
		if (r->pass == PASS_REPLAY)
			error = replay(r, &tag);
		else
			r->at = log_next(r->j, r->at);
	} while (!error && !(tag.flags & JOURNAL_TAG_LAST));
	return error;
}

static int
walk_revokes(struct recovery *r, const struct journal_revoke *block)
{
	size_t each = journal_has(r->j, JOURNAL_INCOMPAT_64BIT) ? 8 : 4;
	size_t end = be32(block->bytes), at, n;

	if (end < sizeof(*block) || end > r->j->block_size)
		return -EUCLEAN;
	n = (end - sizeof(*block)) / each;
	if (r->pass == PASS_SCAN)
		r->nrevoked += n;
	if (r->pass != PASS_REVOKE)
		return 0;
	/* More than when it was read first: the table has no room for it. */
	if (n > r->nrevoked)
		return -EUCLEAN;
	r->nrevoked -= n;
	for (at = sizeof(*block); at + each <= end; at += each) {
		const be32_t *nr = (const void *)((const char *)block + at);

		revoke(r, each == 4
				  ? be32(nr[0])
				  : (uint64_t)be32(nr[0]) << 32 | be32(nr[1]));
	}
	return 0;
}

/* One block of the journal's own, and what it describes. A block that is not of
 * this transaction, or whose checksum is wrong, is what the end of the log
 * looks like: the write that it was part of was cut off. In the later passes
 * that cannot be, and walk finds the number missing.
 * @return 1: go on; 0: the log ends before it; or an error */
static int
walk_one(struct recovery *r)
{
	struct journal_header *h = page_address(r->j->scratch);
	int error;

	if (r->left == 0 || (r->pass != PASS_SCAN && r->tid == r->end))
		return 0;
	r->left--;
	if ((error = next_block(r, r->j->scratch)))
		return error;
	if (be32(h->magic) != JOURNAL_MAGIC || be32(h->sequence) != r->tid)
		return 0;
	switch (be32(h->type)) {
	case JOURNAL_DESCRIPTOR:
		if (!tail_ok(r, h))
			return 0;
		error = walk_tags(r, (const char *)h);
		break;
	case JOURNAL_REVOKE:
		if (!tail_ok(r, h))
			return 0;
		error = walk_revokes(r, (const void *)h);
		break;
	case JOURNAL_COMMIT:
		if (!commit_ok(r, (void *)h))
			return 0;
		r->tid++;
		break;
	default:
		return 0;
	}
	return error ? error : 1;
}

/* From where the superblock says. The first pass sets the end; the others must
 * come to the same. */
static int
walk(struct recovery *r, enum pass pass)
{
	int go;

	r->pass = pass;
	r->at = be32(r->j->super->start);
	r->tid = be32(r->j->super->sequence);
	r->left = r->j->end - r->j->first;
	do
		go = walk_one(r);
	while (go > 0);
	/* What has no commit block never happened, however damaged. */
	if (pass == PASS_SCAN) {
		r->end = r->tid;
		return go == -EUCLEAN ? 0 : go;
	}
	return !go && r->tid != r->end ? -EUCLEAN : go;
}

/* All is written and lasting before the superblock says that the log is empty.
 * If the power fails meanwhile, all is done again, with the same result. */
static int
passes(struct recovery *r)
{
	int error = walk(r, PASS_SCAN);

	if (error || (error = table_new(r)) || (error = walk(r, PASS_REVOKE)) ||
	    (error = walk(r, PASS_REPLAY)))
		return error;
	return r->damaged ? -EUCLEAN : block_flush(r->j->device);
}

/* The numbers go on behind all that may lie in the log: each transaction takes
 * one block at least. */
int
journal_forget(struct journal *j, journal_tid *next)
{
	int error;

	*next = be32(j->super->sequence);
	if (be32(j->super->start) == 0)
		return 0;
	*next += j->end;
	error = log_super_write(j, 0, *next);
	return error ? error : block_flush(j->device);
}

int
journal_recover(struct journal *j, journal_tid *next)
{
	struct recovery r = { .j = j };
	int error = -ENOMEM;

	*next = be32(j->super->sequence);
	if (be32(j->super->start) == 0)
		return 0;
	r.block = page_alloc(0, PAGE_KERNEL, 0);
	if (r.block) {
		error = passes(&r);
		page_unref(r.block);
	}
	table_free(&r);
	if (error)
		return error;
	kprintf("journal: %u blocks of %u transactions replayed on %s\n",
		r.nreplayed, r.end - *next, j->device->name);
	j->replayed = true;
	/* Not the number of a transaction of which parts lie in the log. */
	*next = r.end + 1;
	error = log_super_write(j, 0, *next);
	return error ? error : block_flush(j->device);
}
