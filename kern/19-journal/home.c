/*
 * Writing committed blocks home, to where they belong on the disk, and so
 * making room in the log: a transaction's part of it is free when all of its
 * blocks are home, or committed again by a later one. (Others call this
 * checkpointing.) What a running operation has changed since stays away: its
 * new contents are not committed.
 */
#include "journal_internal.h"

#define HOME_AT_ONCE 16 /* buffers locked at a time: who wants one waits */

/* Also one that is revoked: it may have been changed before. */
static bool
is_running(struct journal *j, const struct buf *b)
{
	bool is;

	spin_lock(&j->lock);
	is = b->log.running != NULL;
	spin_unlock(&j->lock);
	return is;
}

/** Blocks on their way home, locked. */
struct home {
	struct transaction *t;
	struct block_batch batch;
	struct buf *bufs[HOME_AT_ONCE];
	unsigned n;
};

/* Those that were written are home; one that failed stays away, and so does its
 * transaction's part of the log. The locks go only now: the contents must not
 * change while the disk reads them. */
static void
home_wait(struct home *h, int *error)
{
	int e = block_batch_wait(&h->batch);
	unsigned i;

	for (i = 0; i < h->n; i++) {
		struct buf *b = h->bufs[i];

		mutex_unlock(&b->lock);
		if (b->io.error)
			continue;
		list_del(&b->log.logged_link);
		list_add_tail(&b->log.logged_link, &h->t->home);
	}
	h->n = 0;
	if (!*error)
		*error = e;
}

/* Start a block on its way, unless it is being changed again. Its lock is
 * waited for only while none is held: who has it may want one of ours. */
static void
home_add(struct journal *j, struct home *h, struct buf *b, int *error)
{
	if (h->n == HOME_AT_ONCE)
		home_wait(h, error);
	if (!mutex_trylock(&b->lock)) {
		home_wait(h, error);
		mutex_lock(&b->lock);
	}
	if (is_running(j, b) || *error) {
		mutex_unlock(&b->lock);
		return;
	}
	buf_write_start(b, &h->batch);
	h->bufs[h->n++] = b;
}

/* Oldest first or not does not matter within one: each buffer is in one logged
 * transaction only, the last that has changed it. */
static void
write_transaction(struct journal *j, struct transaction *t, int *error)
{
	struct home h = { .t = t };
	struct buf *b, *next;

	block_batch_begin(&h.batch, j->device);
	list_for_each_safe (b, next, &t->away, log.logged_link)
		home_add(j, &h, b, error);
	home_wait(&h, error);
}

/* The lock is held. */
static void
transaction_free(struct journal *j, struct transaction *t)
{
	struct buf *b;

	while ((b = list_first(&t->home, struct buf, log.logged_link)))
		buf_unlog(b);
	INVARIANT(LOG5, list_empty(&t->away));
	list_del(&t->link);
	j->free += t->blocks;
	t->state = TRANSACTION_FREE;
}

/* The oldest that is not home yet, which the log has to begin with: younger
 * ones that are home stay in it, and are replayed for nothing. */
static struct transaction *
first_away(struct journal *j)
{
	struct transaction *t;

	list_for_each (t, &j->logged, link)
		if (!list_empty(&t->away))
			return t;
	return NULL;
}

/* Two flushes. The first: what went home is on the platter before the log no
 * longer has it. The second: the superblock is, before what it has given up is
 * written over (LOG5). With nothing away the log is empty, and the next commit
 * writes the superblock again. */
static int
move_start(struct journal *j)
{
	struct transaction *t = first_away(j);
	int error = block_flush(j->device);

	if (!error)
		error = t ? log_super_write(j, t->start, t->tid)
			  : log_super_write(j, 0, j->next_tid);
	j->marked_empty = !t;
	return error ? error : block_flush(j->device);
}

/* The list is changed by this thread alone, so it is walked without the lock
 * while the disk is waited for. What is freed is a beginning of it: the log is
 * a circle, and its free part has to be in one piece. Whether it has helped or
 * not, those who wait look again, and half_home keeps the thread from trying in
 * vain until something has been committed. */
void
journal_write_home(struct journal *j)
{
	struct transaction *t, *next, *first;
	int error = j->error;

	list_for_each (t, &j->logged, link)
		if (!error)
			write_transaction(j, t, &error);
	if (!error && !list_empty(&j->logged))
		error = move_start(j);
	if (error && !j->error)
		journal_fail(j, error);
	spin_lock(&j->lock);
	first = first_away(j);
	list_for_each_safe (t, next, &j->logged, link) {
		if (t == first && !j->error)
			break;
		if (j->error) /* nothing can be done for them any more */
			list_splice_tail(&t->away, &t->home);
		transaction_free(j, t);
	}
	j->room_wanted = false;
	j->half_home = true;
	waitq_wake_all(&j->room);
	spin_unlock(&j->lock);
}
