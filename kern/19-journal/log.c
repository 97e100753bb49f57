/*
 * The log as an array of blocks: where they are on the disk, reading and
 * writing them, their checksums, and the superblock.
 */
#include "journal_internal.h"

/* super_check has seen to it that the runs cover the journal. There are few: a
 * search from the first does. */
uint64_t
log_sector(const struct journal *j, uint32_t at)
{
	const struct journal_run *run = j->runs;

	while (at >= run->log + run->count)
		run++;
	return (run->disk + (at - run->log)) * (j->block_size / SECTOR_SIZE);
}

uint32_t
log_next(const struct journal *j, uint32_t at)
{
	return at + 1 == j->end ? j->first : at + 1;
}

int
log_transfer(struct journal *j, enum block_op op, uint32_t at,
	     struct page *page)
{
	return block_transfer(j->device, op, log_sector(j, at),
			      page_address(page), j->block_size);
}

/* Checksum field 0 first: it is a part of what is summed. */
int
log_super_write(struct journal *j, uint32_t start, journal_tid tid)
{
	struct journal_super *s = j->super;

	s->start = to_be32(start);
	s->sequence = to_be32(tid);
	s->checksum = to_be32(0);
	if (journal_has(j, JOURNAL_INCOMPAT_CSUM2 | JOURNAL_INCOMPAT_CSUM3))
		s->checksum = to_be32(crc32c(~0u, s, sizeof(*s)));
	return log_transfer(j, BLOCK_WRITE, 0, j->page);
}

uint32_t
log_checksum(const struct journal *j, const void *block)
{
	return crc32c(j->seed, block, j->block_size);
}

uint32_t
log_tag_checksum(const struct journal *j, journal_tid tid, const void *block)
{
	be32_t sequence = to_be32(tid);

	return crc32c(crc32c(j->seed, &sequence, sizeof(sequence)), block,
		      j->block_size);
}
