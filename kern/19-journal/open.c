/*
 * Opening a journal: its superblock is checked, its log replayed; then
 * operations may begin; and closing it, after which the disk needs no journal.
 */
#include "journal_internal.h"

/* A transaction takes at most 1/n of the log: so one can be committed while
 * another is gathered, and others wait to be written home. */
#define TRANSACTION_SHARE 4
#define JOURNAL_INTERVAL_NS                                                    \
	5000000000ul /* an operation is lost for as long                       \
		      */

static void
say(const struct journal *j, const char *what)
{
	kprintf("journal: %s: %s\n", j->device->name, what);
}

/* ---- The superblock ---- */

/* What the superblock says is the disk's claim (recover.c): after this all
 * numbers fit each other and the runs. It says so on the console, since the
 * errors are few and an administrator has to choose. `first` in the first half
 * leaves a circle worth having. */
static int
super_check(struct journal *j)
{
	struct journal_super *s = j->super;
	uint32_t said = be32(s->checksum), type = be32(s->header.type);
	uint32_t total = be32(s->blocks);
	const struct journal_run *last = &j->runs[j->nruns - 1];

	if (be32(s->header.magic) != JOURNAL_MAGIC ||
	    (type != JOURNAL_SUPER_1 && type != JOURNAL_SUPER_2)) {
		say(j, "there is no journal where it should be");
		return -EUCLEAN;
	}
	if (type == JOURNAL_SUPER_1) { /* what follows is not there */
		memset(&s->compat, 0,
		       sizeof(*s) - offsetof(struct journal_super, compat));
		s->header.type = to_be32(JOURNAL_SUPER_2);
	}
	if (be32(s->incompat) & ~JOURNAL_INCOMPAT_KNOWN || be32(s->ro_compat)) {
		say(j, "the journal has features that are not supported: "
		       "run e2fsck, which replays it");
		return -EINVAL;
	}
	if (journal_has(j, JOURNAL_INCOMPAT_CSUM2 | JOURNAL_INCOMPAT_CSUM3)) {
		s->checksum = to_be32(0);
		if (s->checksum_type != JOURNAL_CRC32C ||
		    crc32c(~0u, s, sizeof(*s)) != said) {
			say(j, "the journal's superblock is damaged");
			return -EUCLEAN;
		}
	}
	j->first = be32(s->first);
	j->end = total;
	if (be32(s->block_size) != j->block_size ||
	    total < JOURNAL_MIN_BLOCKS || j->first == 0 ||
	    j->first > total / 2 || total > last->log + last->count ||
	    be32(s->start) >= total ||
	    (be32(s->start) && be32(s->start) < j->first)) {
		say(j, "the sizes in the journal's superblock cannot be");
		return -EUCLEAN;
	}
	j->seed = crc32c(~0u, s->uuid, sizeof(s->uuid));
	return 0;
}

/* From now on by our form: checksums of everything, and revoke blocks. In
 * memory; on the disk with the first commit, before the first block of this
 * form. The log is empty, so nothing of the former one is left to be read. */
static void
super_upgrade(struct journal *j)
{
	struct journal_super *s = j->super;
	uint32_t set = be32(s->incompat);

	set &= ~(JOURNAL_INCOMPAT_CSUM2 | JOURNAL_INCOMPAT_64BIT);
	s->incompat =
		to_be32(set | JOURNAL_INCOMPAT_REVOKE | JOURNAL_INCOMPAT_CSUM3);
	s->compat = to_be32(be32(s->compat) & ~JOURNAL_COMPAT_CHECKSUM);
	s->checksum_type = JOURNAL_CRC32C;
	s->error = to_be32(0);
}

/* ---- Opening ---- */

/* In any state of being made. */
static void
journal_free(struct journal *j)
{
	if (j->page)
		page_unref(j->page);
	if (j->scratch)
		page_unref(j->scratch);
	if (j->escape)
		page_unref(j->escape);
	kfree(j->writes);
	kfree(j->runs);
	kfree(j);
}

static struct journal *
journal_new(struct block_device *device, uint32_t block_size,
	    const struct journal_run *runs, unsigned nruns)
{
	struct journal *j = knew(struct journal);
	unsigned i;

	j->device = device;
	j->block_size = block_size;
	j->runs = knew_array(struct journal_run, nruns);
	memcpy(j->runs, runs, nruns * sizeof(*runs));
	j->nruns = nruns;
	j->writes = knew_array(struct log_write, LOG_WRITES);
	j->page = page_alloc(0, PAGE_KERNEL, 0);
	j->scratch = page_alloc(0, PAGE_KERNEL, 0);
	j->escape = page_alloc(0, PAGE_KERNEL, 0);
	spin_init(&j->lock, "journal");
	waitq_init(&j->work, "journal work");
	waitq_init(&j->room, "journal room");
	waitq_init(&j->done, "journal done");
	list_init(&j->logged);
	for (i = 0; i < JOURNAL_TRANSACTIONS; i++) {
		struct transaction *t = &j->transactions[i];

		list_init(&t->bufs);
		list_init(&t->revoked);
		list_init(&t->away);
		list_init(&t->home);
	}
	return j;
}

/* Numbers go on where the log has ended. `committed` is the one before: what
 * was before this mount is on the disk. */
static int
load(struct journal *j, bool replay)
{
	int error;

	if (!j->page || !j->scratch || !j->escape)
		return -ENOMEM;
	j->super = page_address(j->page);
	if ((error = log_transfer(j, BLOCK_READ, 0, j->page)) ||
	    (error = super_check(j)) ||
	    (error = replay ? journal_recover(j, &j->next_tid)
			    : journal_forget(j, &j->next_tid))) {
		if (error == -EUCLEAN)
			say(j, "it cannot be replayed: run e2fsck");
		return error;
	}
	j->marked_empty = true;
	j->committed = j->next_tid - 1;
	j->wanted = j->committed;
	j->head = j->first;
	j->free = j->end - j->first;
	return 0;
}

int
journal_open(struct block_device *device, uint32_t block_size,
	     const struct journal_run *runs, unsigned nruns, bool replay,
	     struct journal **result)
{
	struct journal *j;
	int error;

	if (nruns == 0 || nruns > JOURNAL_RUNS_MAX)
		return -EINVAL;
	j = journal_new(device, block_size, runs, nruns);
	error = load(j, replay);
	if (error)
		journal_free(j);
	else
		*result = j;
	return error;
}

bool
journal_was_replayed(const struct journal *j)
{
	return j->replayed;
}

/* ---- The thread ---- */

enum journal_work { WORK_NONE, WORK_COMMIT, WORK_HOME, WORK_STOP };

static bool
is_empty(const struct transaction *t)
{
	return !t || (t->operations == 0 && t->nbufs == 0 && t->nrevoked == 0);
}

/* The lock is held. Where room is wanted, the running transaction is committed
 * first: what it holds cannot go home. Without need blocks go home when half of
 * the log is taken: early enough that seldom anybody waits, late enough that
 * many have been committed again by then. */
static enum journal_work
next_work(const struct journal *j)
{
	const struct transaction *t = j->running;

	if (t && ((int32_t)(j->wanted - t->tid) >= 0 || j->stop ||
		  clock_ns() >= t->began + JOURNAL_INTERVAL_NS))
		return WORK_COMMIT;
	if (j->room_wanted)
		return is_empty(t) ? WORK_HOME : WORK_COMMIT;
	if (j->free < (j->end - j->first) / 2 && !j->half_home)
		return WORK_HOME;
	return j->stop ? WORK_STOP : WORK_NONE;
}

static enum journal_work
wait_for_work(struct journal *j)
{
	enum journal_work work;

	spin_lock(&j->lock);
	while ((work = next_work(j)) == WORK_NONE)
		waitq_wait(&j->work, &j->lock, WAIT_UNINTERRUPTIBLE,
			   j->running ? j->running->began + JOURNAL_INTERVAL_NS
				      : WAIT_FOREVER);
	spin_unlock(&j->lock);
	return work;
}

/* It stops when nothing runs any more: next_work has that committed first.
 * Behind `stopped` it touches the journal no more than to let the lock go. */
static void
journal_main(void *arg)
{
	struct journal *j = arg;
	enum journal_work work;

	while ((work = wait_for_work(j)) != WORK_STOP) {
		if (work == WORK_COMMIT)
			journal_commit_running(j);
		else
			journal_write_home(j);
	}
	journal_write_home(j);
	spin_lock(&j->lock);
	j->stopped = true;
	waitq_wake_all(&j->done);
	spin_unlock(&j->lock);
}

/* The 16 is the UUID behind a descriptor's first tag, the 4 a revoked block's
 * number. An operation needs as many log blocks as it may change, so it must
 * fit in one transaction. */
int
journal_start(struct journal *j, unsigned credits,
	      const struct journal_ops *ops, void *fs)
{
	size_t tail = sizeof(struct journal_tail);

	j->credits = credits;
	j->transaction_max = (j->end - j->first) / TRANSACTION_SHARE;
	if (credits > j->transaction_max)
		return -EINVAL;
	j->tags_per_block =
		(j->block_size - tail - sizeof(struct journal_header) - 16) /
		sizeof(struct journal_tag3);
	j->revokes_per_block =
		(j->block_size - tail - sizeof(struct journal_revoke)) / 4;
	j->ops = ops;
	j->fs = fs;
	super_upgrade(j);
	kthread_run("journal", journal_main, j);
	return 0;
}

int
journal_close(struct journal *j)
{
	int error;

	if (j->ops) {
		spin_lock(&j->lock);
		j->stop = true;
		waitq_wake_all(&j->work);
		while (!j->stopped)
			waitq_wait(&j->done, &j->lock, WAIT_UNINTERRUPTIBLE,
				   WAIT_FOREVER);
		spin_unlock(&j->lock);
	}
	error = j->error;
	journal_free(j);
	return error;
}

static void
journal_init(void)
{
	crc32c_init();
}
CHAPTER_INIT(journal_init);
