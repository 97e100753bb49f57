/*
 * Operations and the running transaction that they join: who may begin, what
 * they change and free, and waiting for commits. An operation that has begun
 * never waits for room in the log: it is reserved for it when it begins.
 */
#include "journal_internal.h"

/* ---- Room ---- */

/* The 1 is the commit block. Rounded up, so the sum for two is never less than
 * for both together: what operations reserve one by one suffices for all. */
uint32_t
transaction_blocks(const struct journal *j, unsigned nbufs, unsigned nrevoked)
{
	return nbufs + DIV_ROUND_UP(nbufs, j->tags_per_block) +
	       DIV_ROUND_UP(nrevoked, j->revokes_per_block) + 1;
}

/* The lock is held, and nothing is running. NULL: as many are logged as there
 * are slots, and one has to go home first. */
static struct transaction *
transaction_new(struct journal *j)
{
	unsigned i;

	for (i = 0; i < JOURNAL_TRANSACTIONS; i++) {
		struct transaction *t = &j->transactions[i];

		if (t->state != TRANSACTION_FREE)
			continue;
		t->state = TRANSACTION_RUNNING;
		t->tid = j->next_tid++;
		t->began = clock_ns();
		t->nbufs = t->nrevoked = t->operations = 0;
		j->running = t;
		waitq_wake_all(&j->work); /* its time runs from now on */
		return t;
	}
	return NULL;
}

/* Whether one more operation fits: in the transaction, and in the log. Each
 * that runs may yet change all it may, and free as much. */
static bool
has_room(const struct journal *j, const struct transaction *t)
{
	unsigned more = (t->operations + 1) * j->credits;
	unsigned nbufs = t->nbufs + more;

	return nbufs <= j->transaction_max &&
	       transaction_blocks(j, nbufs, t->nrevoked + more) <= j->free;
}

/* The lock is held. What ends the wait of who is refused: the next one is
 * opened (open_next), blocks have gone home, or an operation has ended and used
 * less than was reserved for it.
 * @return whether the running thread's operation has begun */
static bool
join(struct journal *j)
{
	static const struct transaction none;
	struct transaction *t = j->running;

	if (t && t->state != TRANSACTION_RUNNING)
		return false; /* room is told of when it is committing */
	/* None is made that nobody joins: its commit block has room, then. */
	if (!has_room(j, t ? t : &none) || (!t && !(t = transaction_new(j)))) {
		j->room_wanted = true;
		waitq_wake_all(&j->work);
		return false;
	}
	t->operations++;
	current()->transaction = t;
	current()->credits = j->credits;
	return true;
}

/* ---- Operations ---- */

/* join sets the transaction if it succeeds; so an error that comes while
 * waiting leaves NULL. */
int
journal_begin(struct journal *j)
{
	ASSERT(!current()->transaction);
	spin_lock(&j->lock);
	while (!j->error && !join(j))
		waitq_wait(&j->room, &j->lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&j->lock);
	return current()->transaction ? 0 : -EROFS;
}

int
journal_try_begin(struct journal *j)
{
	int error;

	ASSERT(!current()->transaction);
	spin_lock(&j->lock);
	error = j->error ? -EROFS : join(j) ? 0 : -EBUSY;
	spin_unlock(&j->lock);
	return error;
}

/* What the operation has not used of its reservation is free from here on, so
 * another may fit. */
journal_tid
journal_end(struct journal *j)
{
	struct transaction *t = current()->transaction;
	journal_tid tid = t->tid; /* once it has ended, t may become another */

	current()->transaction = NULL;
	spin_lock(&j->lock);
	INVARIANT(LOG1, t == j->running && t->operations > 0);
	if (--t->operations == 0 && t->state == TRANSACTION_CLOSING)
		waitq_wake_all(&j->work);
	else if (!list_empty(&j->room.waiters))
		waitq_wake_all(&j->room);
	spin_unlock(&j->lock);
	return tid;
}

journal_tid
journal_current(void)
{
	return current()->transaction->tid;
}

unsigned
journal_room(void)
{
	return current()->credits;
}

/* ---- Changes ---- */

/* The buffer's lock first (lock order), since changing it takes long. A buffer
 * that an earlier transaction is committing has been copied by then, or no
 * operation has been let in (open_next): the change does not reach that. The
 * cache writes only buffers that are marked dirty, which this does not do. */
void
journal_change(struct journal *j, struct buf *b)
{
	struct transaction *t = current()->transaction;
	struct buf_log *log = &b->log;

	ASSERT(t);
	mutex_lock(&b->lock);
	spin_lock(&j->lock);
	if (log->running != t) {
		INVARIANT(LOG2, !log->running);
		buf_hold(b);
		log->running = t;
		list_add_tail(&log->running_link, &t->bufs);
		t->nbufs++;
		INVARIANT(LOG3, current()->credits > 0);
		current()->credits--;
	}
	INVARIANT(LOG4, !log->revoked);
	spin_unlock(&j->lock);
}

/* Filled, not dirty: the journal writes it, to the log and then home. */
void
journal_changed(struct journal *j, struct buf *b)
{
	(void)j;
	buf_filled(b);
	mutex_unlock(&b->lock);
}

/* The lock is held. Its change was never committed, and need not be: the block
 * is free. The credit that it has cost is not given back. */
static void
leave_running(struct buf *b)
{
	list_del(&b->log.running_link);
	b->log.running->nbufs--;
	b->log.running = NULL;
	buf_put(b);
}

/* What was changed by the running transaction alone has no version in the log:
 * it is forgotten, and no revoke record is needed. If an earlier one has a
 * version, the record is, and the buffer stays with the running transaction: it
 * must not go home either (is_running). */
void
journal_revoke(struct journal *j, uint64_t block)
{
	struct transaction *t = current()->transaction;
	struct buf *b = buf_find(j->device, block, j->block_size);
	struct buf_log *log;

	/* Blocks of which the log has a version are in the cache (LOG6). */
	if (!b)
		return;
	log = &b->log;
	spin_lock(&j->lock);
	if (log->running && !log->revoked)
		leave_running(b);
	if (!log->running && (log->committing || log->logged)) {
		buf_hold(b);
		log->running = t;
		log->revoked = true;
		list_add_tail(&log->running_link, &t->revoked);
		t->nrevoked++;
		INVARIANT(LOG3, current()->credits > 0);
		current()->credits--;
	}
	spin_unlock(&j->lock);
	buf_put(b);
}

/* By LOG6 a block that counts is in the cache. */
struct buf *
journal_find(struct journal *j, uint64_t block)
{
	struct buf *b = buf_find(j->device, block, j->block_size);
	bool counts;

	if (!b)
		return NULL;
	spin_lock(&j->lock);
	counts = b->log.running || b->log.committing || b->log.logged;
	spin_unlock(&j->lock);
	if (counts)
		return b;
	buf_put(b);
	return NULL;
}

/* ---- Waiting for the disk ---- */

/* Committed, it has flushed before now; or its flush has been asked for, and
 * what came into the disk's cache since may not be in it. */
bool
journal_will_flush(struct journal *j, journal_tid tid)
{
	bool will;

	spin_lock(&j->lock);
	will = (int32_t)(j->committed - tid) < 0 &&
	       !(j->flushed && j->committing && j->committing->tid == tid);
	spin_unlock(&j->lock);
	return will;
}

/* The lock is held. The thread is asked once for each higher number; an error
 * that comes later than the commit is not this one's. */
static int
wait_committed(struct journal *j, journal_tid tid)
{
	while (!j->error && (int32_t)(j->committed - tid) < 0) {
		if ((int32_t)(tid - j->wanted) > 0) {
			j->wanted = tid;
			waitq_wake_all(&j->work);
		}
		waitq_wait(&j->done, &j->lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	}
	return (int32_t)(j->committed - tid) >= 0 ? 0 : -EIO;
}

int
journal_commit(struct journal *j, journal_tid tid)
{
	int error;

	ASSERT(!current()->transaction);
	spin_lock(&j->lock);
	error = wait_committed(j, tid);
	spin_unlock(&j->lock);
	return error;
}

/* If nothing runs and nothing is being committed, all that has ended is on the
 * disk. A transaction that runs is waited for even if nobody has changed
 * anything in it yet: it may hold what has ended. */
int
journal_sync(struct journal *j)
{
	int error;

	spin_lock(&j->lock);
	error = wait_committed(j, j->running	  ? j->running->tid
				  : j->committing ? j->committing->tid
						  : j->committed);
	spin_unlock(&j->lock);
	return error;
}
