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

static struct buf *
data_block(struct ext2_fs *fs, uint32_t block, int *error)
{
	return buf_get(fs->device, block, fs->block_size, error);
}

int
ext2_data_log(struct ext2_fs *fs, uint32_t block, const void *data)
{
	int error = 0;
	struct buf *b = ext2_surely(fs, data_block, block, &error);

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
