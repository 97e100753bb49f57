/*
 * Committing a transaction, by the journal's thread:
 *
 * 1. Close it: no operation joins it any more, those in it end.
 * 2. Copy its blocks. Now the next transaction can begin and change them.
 * 3. Have the data written that its metadata points to.
 * 4. Write to the log: descriptors, the copies, what is revoked.
 * 5. Flush: all that is on the disk before ...
 * 6. the commit block is written, and lasting: it has happened.
 *
 * The order of 5 and 6 is the whole point: a disk writes what is in its cache
 * in any order. Source of the design: Tweedie, "Journaling the Linux ext2fs
 * Filesystem", 1998; Biscuit (OSDI 2018) for copying instead of sharing.
 */
#include "journal_internal.h"

/* ---- 1, 2: closing and copying ---- */

/* Operations wait for nothing that the thread would have to do (LOG3), so this
 * ends. The last one wakes `work`. */
static void
let_end(struct journal *j, struct transaction *t)
{
	spin_lock(&j->lock);
	t->state = TRANSACTION_CLOSING;
	while (t->operations > 0)
		waitq_wait(&j->work, &j->lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&j->lock);
}

/* Copy what is to be logged. No operation runs and none can begin, so nobody
 * changes a block or the list: no lock.
 * @return false: memory does not do for it, so no one may change a block before
 * it has been written */
static bool
copy_blocks(struct journal *j, struct transaction *t)
{
	struct buf *b;
	bool all = true;

	list_for_each (b, &t->bufs, log.running_link) {
		b->log.copy = page_alloc(0, PAGE_KERNEL, 0);
		if (b->log.copy)
			memcpy(page_address(b->log.copy), b->data,
			       j->block_size);
		else
			all = false;
	}
	return all;
}

/* The lock is held. By another link, so that the next transaction may have the
 * same buffer on its list by then (LOG2). */
static void
to_committing(struct list *list, struct transaction *t)
{
	struct list moved = LIST_INIT(moved);
	struct buf *b, *next;

	list_for_each_safe (b, next, list, log.running_link) {
		list_del(&b->log.running_link);
		b->log.running = NULL;
		b->log.committing = t;
		list_add_tail(&b->log.committing_link, &moved);
	}
	list_splice_tail(&moved, list);
}

/* From here on the next transaction can be made; it takes operations once
 * @p open is set. */
static void
become_committing(struct journal *j, struct transaction *t)
{
	struct buf *b;

	spin_lock(&j->lock);
	list_for_each (b, &t->revoked, log.running_link)
		b->log.revoked = false;
	to_committing(&t->bufs, t);
	to_committing(&t->revoked, t);
	t->state = TRANSACTION_COMMITTING;
	t->start = j->head;
	t->blocks = transaction_blocks(j, t->nbufs, t->nrevoked);
	j->free -= t->blocks;
	j->committing = t;
	j->flushed = false;
	spin_unlock(&j->lock);
}

/* From here on journal_begin makes a new transaction. All are woken: how many
 * fit, they find out one after the other. */
static void
open_next(struct journal *j)
{
	spin_lock(&j->lock);
	j->running = NULL;
	j->room_wanted = false;
	waitq_wake_all(&j->room);
	spin_unlock(&j->lock);
}

/* ---- 4: writing the log ---- */

/** Blocks on their way to the log, as a few large requests. */
struct writer {
	struct journal *j;
	struct transaction *t;
	struct block_batch batch;
	struct log_write *write; /* the request that is being put together */
	uint32_t at;		 /* the next log block */
	uint64_t next;		 /* disk sector behind the request's last */
	int error;
};

static void
writer_begin(struct writer *w, struct log_write *write)
{
	w->write = write;
	write->r.op = BLOCK_WRITE;
	write->r.nsegments = 0;
	write->r.segments = write->segments;
}

/* Have all of it written. Then the pages that it was in can be used again.
 * After an error nothing more is started, but what has been is waited for. */
static void
writer_flush(struct writer *w)
{
	int error;

	if (w->write->r.nsegments > 0 && !w->error)
		block_batch_add(&w->batch, &w->write->r);
	error = block_batch_wait(&w->batch);
	if (!w->error)
		w->error = error;
	writer_begin(w, w->j->writes);
}

/* The request is complete: begin another. */
static void
writer_next(struct writer *w)
{
	if (w->write == &w->j->writes[LOG_WRITES - 1]) {
		writer_flush(w);
		return;
	}
	if (!w->error)
		block_batch_add(&w->batch, &w->write->r);
	writer_begin(w, w->write + 1);
}

/* Write a block that lies in @p page, which stays as it is until a flush.
 * Neighbours on the disk go in one request, until it is full or the circle goes
 * round. */
static void
writer_add(struct writer *w, const struct page *page)
{
	struct journal *j = w->j;
	struct block_request *r = &w->write->r;
	uint64_t sector = log_sector(j, w->at);

	if (r->nsegments == BLOCK_REQUEST_PAGES_MAX ||
	    (r->nsegments > 0 && sector != w->next)) {
		writer_next(w);
		r = &w->write->r;
	}
	if (r->nsegments == 0)
		r->sector = sector;
	r->segments[r->nsegments++] =
		(struct block_segment){ page_to_phys(page), j->block_size };
	w->next = sector + j->block_size / SECTOR_SIZE;
	w->at = log_next(j, w->at);
}

/* The scratch page as a block of ours, empty. What was in it is written. */
static void *
own_block(struct writer *w, enum journal_block_type type)
{
	struct journal_header *h = page_address(w->j->scratch);

	writer_flush(w);
	memset(h, 0, w->j->block_size);
	h->magic = to_be32(JOURNAL_MAGIC);
	h->type = to_be32(type);
	h->sequence = to_be32(w->t->tid);
	return h;
}

static void
tail_set(const struct journal *j, void *block)
{
	struct journal_tail *tail =
		(void *)((char *)block + j->block_size - sizeof(*tail));

	tail->checksum = to_be32(log_checksum(j, block));
}

/* What is logged of @p b: a block that begins as our own do must not be taken
 * for one. In a copy the word is cleared once, and asked for again it is found
 * cleared; the buffer itself is not touched, but copied to the one page
 * `escape`, which has to be written before it is used again. @p flags is added
 * to. */
static const struct page *
image_of(struct writer *w, struct buf *b, uint32_t *flags)
{
	struct page *page = b->log.copy ? b->log.copy : b->page;
	be32_t *word = page_address(page);

	if (be32(*word) != JOURNAL_MAGIC)
		return page;
	*flags |= JOURNAL_TAG_ESCAPED;
	if (!b->log.copy) {
		writer_flush(w);
		memcpy(page_address(w->j->escape), word, w->j->block_size);
		page = w->j->escape;
		word = page_address(page);
	}
	*word = to_be32(0);
	return page;
}

static void
tag_set(const struct writer *w, struct journal_tag3 *tag, const struct buf *b,
	uint32_t flags, const struct page *image)
{
	tag->block = to_be32((uint32_t)b->block);
	tag->flags = to_be32(flags);
	tag->checksum =
		to_be32(log_tag_checksum(w->j, w->t->tid, page_address(image)));
}

/* Fill a descriptor of blocks from @p b on. The first tag is followed by the
 * UUID, as in all journals of others. The checksums are of the images, so a
 * block must not change between this and its writing: it is a copy, or nobody
 * may change it. @return how many it describes */
static unsigned
describe(struct writer *w, char *block, struct buf *b)
{
	char *at = block + sizeof(struct journal_header);
	uint32_t flags = 0;
	struct buf *next;
	unsigned n;

	for (n = 0; b && n < w->j->tags_per_block; n++, b = next) {
		const struct page *image;

		next = list_next(b, &w->t->bufs, log.committing_link);
		if (!next || n + 1 == w->j->tags_per_block)
			flags |= JOURNAL_TAG_LAST;
		image = image_of(w, b, &flags);
		tag_set(w, (void *)at, b, flags, image);
		at += sizeof(struct journal_tag3);
		if (n == 0) {
			memcpy(at, w->j->super->uuid, 16);
			at += 16;
		}
		flags = JOURNAL_TAG_SAME_UUID;
	}
	tail_set(w->j, block);
	return n;
}

/* A descriptor, then what it describes: blocks from @p b on. @return the block
 * behind the last */
static struct buf *
write_described(struct writer *w, struct buf *b)
{
	char *block = own_block(w, JOURNAL_DESCRIPTOR);
	unsigned n = describe(w, block, b);
	uint32_t flags = 0;

	writer_add(w, w->j->scratch);
	for (; n > 0; n--) {
		const struct page *image = image_of(w, b, &flags);

		writer_add(w, image);
		if (image == w->j->escape)
			writer_flush(w);
		b = list_next(b, &w->t->bufs, log.committing_link);
	}
	return b;
}

/* Behind the blocks, or between: a record counts for its whole transaction and
 * those before it, wherever it lies. */
static void
write_revoked(struct writer *w)
{
	struct buf *b =
		list_first(&w->t->revoked, struct buf, log.committing_link);
	unsigned n;

	while (b) {
		struct journal_revoke *block = own_block(w, JOURNAL_REVOKE);
		be32_t *number = (be32_t *)(block + 1);

		for (n = 0; b && n < w->j->revokes_per_block; n++) {
			*number++ = to_be32((uint32_t)b->block);
			b = list_next(b, &w->t->revoked, log.committing_link);
		}
		block->bytes = to_be32((char *)number - (char *)block);
		tail_set(w->j, block);
		writer_add(w, w->j->scratch);
	}
}

/* The block that makes it true: on the platter when this returns. By a request
 * of its own, after the flush, and through the disk's cache: fsync returns when
 * this has. */
static void
write_commit(struct writer *w)
{
	struct journal_commit *c = own_block(w, JOURNAL_COMMIT);
	uint64_t now = clock_realtime_ns();

	c->seconds = to_be64(now / 1000000000);
	c->nanoseconds = to_be32(now % 1000000000);
	c->checksum[0] = to_be32(log_checksum(w->j, c));
	writer_add(w, w->j->scratch);
	w->error = block_run_through(w->j->device, &w->write->r);
}

/* What others write from here on is not part of the flush. */
static void
flush_begins(struct journal *j)
{
	spin_lock(&j->lock);
	j->flushed = true;
	spin_unlock(&j->lock);
}

/* Steps 4 to 6. The superblock says where the log begins as long as it is not
 * empty: it is written before the first transaction, and made lasting by the
 * same flush. If the power fails in between, the log is found to end at once,
 * which is true.
 * @return 0 or -EIO */
static int
write_log(struct journal *j, struct transaction *t)
{
	struct writer w = { .j = j, .t = t, .at = t->start };
	struct buf *b = list_first(&t->bufs, struct buf, log.committing_link);

	block_batch_begin(&w.batch, j->device);
	writer_begin(&w, j->writes);
	if (j->marked_empty) {
		w.error = log_super_write(j, t->start, t->tid);
		j->marked_empty = false;
	}
	while (b && !w.error)
		b = write_described(&w, b);
	write_revoked(&w);
	writer_flush(&w);
	flush_begins(j);
	if (!w.error)
		w.error = block_flush(j->device);
	if (!w.error)
		write_commit(&w);
	j->head = w.at;
	return w.error;
}

/* ---- After it ---- */

void
buf_unlog(struct buf *b)
{
	list_del(&b->log.logged_link);
	b->log.logged = NULL;
	buf_put(b);
}

/* The lock is held. A block that has been revoked is not to go home any more;
 * of others, this version is the one that goes: an older transaction is rid of
 * it. The reference of the committing list becomes that of the logged one. */
static void
settle_bufs(struct transaction *t, struct list *list, bool revoked)
{
	struct buf *b;

	while ((b = list_first(list, struct buf, log.committing_link))) {
		list_del(&b->log.committing_link);
		b->log.committing = NULL;
		if (b->log.logged)
			buf_unlog(b);
		if (revoked) {
			buf_put(b);
			continue;
		}
		b->log.logged = t; /* the reference stays */
		list_add_tail(&b->log.logged_link, &t->away);
	}
}

static void
free_copies(struct transaction *t)
{
	struct buf *b;

	list_for_each (b, &t->bufs, log.committing_link) {
		if (b->log.copy)
			page_unref(b->log.copy);
		b->log.copy = NULL;
	}
}

/* Also after an error: the lists are put away in one manner, and
 * journal_write_home frees them. Nothing is told as committed then. */
static void
become_logged(struct journal *j, struct transaction *t)
{
	free_copies(t);
	spin_lock(&j->lock);
	settle_bufs(t, &t->bufs, false);
	settle_bufs(t, &t->revoked, true);
	t->state = TRANSACTION_LOGGED;
	list_add_tail(&t->link, &j->logged);
	j->committing = NULL;
	j->half_home = false;
	spin_unlock(&j->lock);
}

static void
tell(struct journal *j, journal_tid tid)
{
	spin_lock(&j->lock);
	if (!j->error)
		j->committed = tid;
	waitq_wake_all(&j->done);
	spin_unlock(&j->lock);
}

void
journal_abort(struct journal *j, int error)
{
	spin_lock(&j->lock);
	if (!j->error)
		j->error = error;
	waitq_wake_all(&j->room);
	waitq_wake_all(&j->done);
	spin_unlock(&j->lock);
}

void
journal_fail(struct journal *j, int error)
{
	kprintf("journal: %s: the log cannot be written (error %d)\n",
		j->device->name, error);
	/* In this order: who is woken finds the file system read-only. */
	j->ops->failed(j->fs, error);
	journal_abort(j, error);
}

/* Nothing was changed, and no log runs on to its number. Where one does, a
 * commit block alone is logged: replaying ends where a number is missing. No
 * journal_ops are called: nothing was freed. It is told of before the next is
 * opened, which may have its slot, and so another number in it. */
static void
abandon(struct journal *j, struct transaction *t)
{
	tell(j, t->tid);
	spin_lock(&j->lock);
	t->state = TRANSACTION_FREE;
	spin_unlock(&j->lock);
	open_next(j);
}

/* Only this thread replaces j->running once it is set, so it is read without
 * the lock. Without copies the next transaction begins after the writing. An
 * error does not stop the steps: each gives back what it has. The file system
 * hears of the commit before those who wait for it do: freed blocks can be had
 * again when fsync returns. */
void
journal_commit_running(struct journal *j)
{
	struct transaction *t = j->running;
	bool copied;
	int error;

	let_end(j, t);
	if (t->nbufs == 0 && t->nrevoked == 0 && j->marked_empty) {
		abandon(j, t);
		return;
	}
	copied = copy_blocks(j, t);
	become_committing(j, t);
	if (copied)
		open_next(j);
	j->ops->write_data(j->fs);
	error = j->error ? j->error : write_log(j, t);
	become_logged(j, t);
	if (!copied)
		open_next(j);
	if (error && !j->error)
		journal_fail(j, error);
	if (!error)
		j->ops->committed(j->fs, t->tid);
	tell(j, t->tid);
}
