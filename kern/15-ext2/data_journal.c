/*
 * Contents of files in the journal (data=journal). What is written goes to the
 * log with the metadata, and to its place later. So after a crash files are as
 * they were at some moment, what was written over other contents included; and
 * a small fsync is one stretch of the log. The price: all is written twice.
 *
 * A block is in the cache twice, then: as part of a page, and until it is home
 * as a buffer, which is what the journal knows. Pages are read from there.
 */
#include "ext2.h"
#include "string.h"

#define MEMORY_WAIT_NS 10000000ul
#define MEMORY_TRIES   500

static struct buf *
block_get_surely(const struct ext2_fs *fs, uint32_t block, int *error)
{
	unsigned tries = MEMORY_TRIES;
	struct buf *b;

	while (!(b = buf_get(fs->device, block, fs->block_size, error)) &&
	       tries-- > 0)
		thread_sleep_until(clock_ns() + MEMORY_WAIT_NS,
				   WAIT_UNINTERRUPTIBLE);
	return b;
}

int
ext2_data_log(struct ext2_fs *fs, uint32_t block, const void *data)
{
	int error = 0;
	struct buf *b = block_get_surely(fs, block, &error);

	if (!b)
		return error;
	ext2_change(fs, b);
	if (data)
		memcpy(b->data, data, fs->block_size);
	else
		memset(b->data, 0, fs->block_size);
	ext2_changed(fs, b);
	buf_put(b);
	return 0;
}

/* The journal does not go away meanwhile: its end needs the lock for writing.
 */
bool
ext2_data_find(struct ext2_fs *fs, uint32_t block, void *data)
{
	struct buf *b = NULL;

	rwlock_read_lock(&fs->op_lock);
	if (fs->journal)
		b = journal_find(fs->journal, block);
	if (b) {
		memcpy(data, b->data, fs->block_size);
		buf_put(b);
	}
	rwlock_read_unlock(&fs->op_lock);
	return b != NULL;
}
