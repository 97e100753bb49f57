/*
 * Self-tests, on a disk in memory that has a cache like a real one: what was
 * not flushed is lost when the power is cut.
 */
#include "journal_internal.h"

#define BLOCK	     1024u
#define LOG_BLOCKS   JOURNAL_MIN_BLOCKS
#define HOME	     LOG_BLOCKS /* the first block behind the log */
#define HOME_BLOCKS  64u
#define DISK_ORDER   9 /* 2 MiB */
#define DISK_BLOCKS  ((PAGE_SIZE << DISK_ORDER) / BLOCK)
#define TEST_CREDITS 8

static struct {
	struct block_device device;
	struct page *now_pages, *lasting_pages;
	uint8_t *now, *lasting; /* with what is in the cache; without */
	struct spinlock lock;
	bool broken;	 /* writes fail */
	journal_tid tid; /* while it flushes: does the journal tell who asks */
	bool will_flush; /* that this one's commit is yet to? */
	uint64_t fickle; /* not 0: sector that, read again, revokes more */
	unsigned fickle_reads;
	/* Blocks written since the last flush, and since the last restore. */
	bool unflushed[DISK_BLOCKS], touched[DISK_BLOCKS];
} disk = { .lock = SPINLOCK("journal test disk") };

/* Only these blocks: all would be two megabytes each time. */
static void
copy_blocks(uint8_t *to, const uint8_t *from, bool *which)
{
	unsigned i;

	for (i = 0; i < DISK_BLOCKS; i++)
		if (which[i])
			memcpy(to + i * BLOCK, from + i * BLOCK, BLOCK);
	memset(which, false, DISK_BLOCKS);
}

static void
note_written(uint64_t from, uint64_t len)
{
	for (len += from % BLOCK; len > 0; len -= MIN(len, BLOCK)) {
		disk.unflushed[from / BLOCK] = disk.touched[from / BLOCK] =
			true;
		from += BLOCK;
	}
}

static struct journal *journal;

static void
disk_submit(struct block_device *d, struct block_request *r)
{
	uint8_t *at = disk.now + r->sector * SECTOR_SIZE;
	int error = r->op != BLOCK_READ && disk.broken ? -EIO : 0;
	unsigned i;

	(void)d;
	if (r->op == BLOCK_FLUSH && disk.tid)
		disk.will_flush |= journal_will_flush(journal, disk.tid);
	if (r->op == BLOCK_READ && disk.fickle && r->sector == disk.fickle &&
	    disk.fickle_reads++ == 1)
		((struct journal_revoke *)at)->bytes =
			to_be32(sizeof(struct journal_revoke) + 4);
	spin_lock(&disk.lock);
	for (i = 0; i < r->nsegments && !error; i++) {
		const struct block_segment *s = &r->segments[i];

		if (r->op == BLOCK_READ) {
			memcpy(direct_map(s->pa), at, s->len);
		} else {
			memcpy(at, direct_map(s->pa), s->len);
			note_written((uint64_t)(at - disk.now), s->len);
		}
		at += s->len;
	}
	if (r->op == BLOCK_FLUSH && !error)
		copy_blocks(disk.lasting, disk.now, disk.unflushed);
	spin_unlock(&disk.lock);
	block_finish(r, error);
}

/* As mke2fs makes a journal. */
static void
make_journal(void)
{
	struct journal_super *s = (void *)disk.now;

	s->header.magic = to_be32(JOURNAL_MAGIC);
	s->header.type = to_be32(JOURNAL_SUPER_2);
	s->block_size = to_be32(BLOCK);
	s->blocks = to_be32(LOG_BLOCKS);
	s->first = to_be32(1);
	s->sequence = to_be32(1);
	memcpy(s->uuid, "a journal's UUID", 16);
}

static bool
disk_new(void)
{
	disk.now_pages = page_alloc(DISK_ORDER, PAGE_KERNEL, ALLOC_ZERO);
	disk.lasting_pages = page_alloc(DISK_ORDER, PAGE_KERNEL, ALLOC_ZERO);
	if (!disk.now_pages || !disk.lasting_pages)
		return false;
	disk.now = page_address(disk.now_pages);
	disk.lasting = page_address(disk.lasting_pages);
	disk.broken = false;
	disk.device = (struct block_device){
		.name = "test",
		.sectors = (PAGE_SIZE << DISK_ORDER) / SECTOR_SIZE,
		.submit = disk_submit,
	};
	make_journal();
	memcpy(disk.lasting, disk.now, PAGE_SIZE << DISK_ORDER);
	heap_begin(HEAP_BOUND(selftest));
	return true;
}

static void
disk_free(void)
{
	heap_end();
	buf_invalidate(&disk.device);
	page_unref(disk.now_pages);
	page_unref(disk.lasting_pages);
}

/* ---- A file system of numbers ---- */

static void
nothing(void *fs)
{
	(void)fs;
}

static void
not_freed(void *fs, uint32_t tid)
{
	(void)fs;
	(void)tid;
}

static void
no_failure(void *fs, int error)
{
	(void)fs;
	(void)error;
}

static const struct journal_ops test_ops = { nothing, not_freed, no_failure };

static bool
mount(void)
{
	/* In two pieces, so that the way to the second is tried. */
	static const struct journal_run runs[] = { { 0, 500, 0 },
						   { 500, 524, 500 } };

	return journal_open(&disk.device, BLOCK, runs, 2, true, &journal) ==
		       0 &&
	       journal_start(journal, TEST_CREDITS, &test_ops, NULL) == 0;
}

/* The machine stops: nothing more is written, and the disk's cache is lost. */
static void
power_cut(void)
{
	disk.broken = true;
	journal_close(journal);
	buf_invalidate(&disk.device);
	copy_blocks(disk.now, disk.lasting, disk.unflushed);
	disk.broken = false;
}

static void
put(unsigned n, uint32_t value)
{
	int error;
	struct buf *b = buf_read(&disk.device, HOME + n, BLOCK, &error);

	if (!b)
		return;
	journal_change(journal, b);
	((uint32_t *)b->data)[0] = value;
	((uint32_t *)b->data)[BLOCK / 4 - 1] = value;
	journal_changed(journal, b);
	buf_put(b);
}

/* An operation that puts the same value into @p count blocks from @p n on. */
static journal_tid
operation(unsigned n, unsigned count, uint32_t value)
{
	if (journal_begin(journal))
		return 0;
	for (; count > 0; count--)
		put(n++, value);
	return journal_end(journal);
}

/* What the disk itself has there. */
static uint32_t
on_disk(unsigned n)
{
	return *(uint32_t *)(disk.now + (HOME + n) * BLOCK);
}

/* ---- The tests ---- */

/* RFC 3720, appendix B.4, gives the value. */
SELFTEST(journal_crc32c_both_ways)
{
	uint8_t zeros[32] = { 0 }, ones[32], rising[32], i;

	for (i = 0; i < 32; i++) {
		ones[i] = 0xff;
		rising[i] = i;
	}
	CHECK((crc32c(~0u, "123456789", 9) ^ ~0u) == 0xe3069283);
	CHECK((crc32c_by_tables(~0u, "123456789", 9) ^ ~0u) == 0xe3069283);
	/* The same appendix: 32 zeros, 32 ones, and all from 0 to 31. */
	CHECK((crc32c_by_tables(~0u, zeros, 32) ^ ~0u) == 0x8a9136aa);
	CHECK((crc32c_by_tables(~0u, ones, 32) ^ ~0u) == 0x62a8ab43);
	CHECK((crc32c_by_tables(~0u, rising, 32) ^ ~0u) == 0x46dd794e);
}

SELFTEST(journal_committed_operations_survive_a_power_cut)
{
	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(0, 3, 11)) == 0);
	CHECK(on_disk(0) == 0); /* not home yet: it is in the log */
	power_cut();
	CHECK(on_disk(0) == 0);
	CHECK(mount() && journal_was_replayed(journal));
	CHECK(on_disk(0) == 11 && on_disk(1) == 11 && on_disk(2) == 11);
	CHECK(journal_close(journal) == 0);
	CHECK(mount() && !journal_was_replayed(journal));
	CHECK(journal_close(journal) == 0);
	disk_free();
}

SELFTEST(journal_uncommitted_operations_never_happened)
{
	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(0, 2, 1)) == 0);
	operation(1, 2, 2);
	power_cut();
	CHECK(mount());
	CHECK(on_disk(0) == 1 && on_disk(1) == 1 && on_disk(2) == 0);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

SELFTEST(journal_closing_writes_all_home)
{
	CHECK(disk_new() && mount());
	operation(0, 4, 7);
	CHECK(journal_close(journal) == 0);
	CHECK(on_disk(0) == 7 && on_disk(3) == 7);
	CHECK(be32(((struct journal_super *)disk.lasting)->start) == 0);
	disk_free();
}

/* Block 0 is logged, freed, and used by others without the journal: replaying
 * its old version would destroy what they wrote. */
SELFTEST(journal_revoked_blocks_are_not_replayed)
{
	journal_tid tid;

	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(0, 2, 5)) == 0);
	CHECK(journal_begin(journal) == 0);
	journal_revoke(journal, HOME);
	put(2, 6);
	tid = journal_end(journal);
	CHECK(journal_commit(journal, tid) == 0);
	*(uint32_t *)(disk.now + HOME * BLOCK) = 99;
	CHECK(block_flush(&disk.device) == 0);
	power_cut();
	CHECK(mount());
	CHECK(on_disk(0) == 99 && on_disk(1) == 5 && on_disk(2) == 6);
	CHECK(journal_close(journal) == 0);
	CHECK(on_disk(0) == 99);
	disk_free();
}

/* The numbers of those around it are consecutive all the same. */
SELFTEST(journal_operations_may_change_nothing)
{
	unsigned i;

	CHECK(disk_new() && mount());
	for (i = 1; i <= 3; i++) {
		CHECK(journal_commit(journal, operation(0, 0, 0)) == 0);
		CHECK(journal_commit(journal, operation(i, 1, i)) == 0);
	}
	power_cut();
	CHECK(mount());
	CHECK(on_disk(1) == 1 && on_disk(2) == 2 && on_disk(3) == 3);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

/* A commit is on its way home when the next transaction changes a block of it,
 * and frees it, and is not committed: block 1, being locked, holds it up. */
SELFTEST(journal_what_is_changed_and_freed_stays_away)
{
	struct buf *b;
	unsigned i;

	CHECK(disk_new() && mount());
	CHECK(journal_begin(journal) == 0);
	put(1, 5);
	put(0, 5);
	CHECK(journal_commit(journal, journal_end(journal)) == 0);
	b = buf_find(&disk.device, HOME + 1, BLOCK);
	CHECK(b);
	mutex_lock_nested(&b->lock, 1);
	while (journal->free >= (journal->end - journal->first) / 2) {
		for (i = 2; i < HOME_BLOCKS; i += 8)
			operation(i, 8, i);
		CHECK(journal_sync(journal) == 0);
	}
	CHECK(journal_begin(journal) == 0);
	put(0, 6);
	journal_revoke(journal, HOME);
	journal_end(journal);
	mutex_unlock(&b->lock);
	buf_put(b);
	while (!journal->half_home)
		thread_sleep_until(clock_ns() + 1000000, WAIT_UNINTERRUPTIBLE);
	power_cut();
	CHECK(mount());
	CHECK(on_disk(0) == 5 && on_disk(1) == 5);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

/* Who writes data while it does so must flush it again. */
SELFTEST(journal_flush_under_way_is_no_promise)
{
	CHECK(disk_new() && mount());
	disk.tid = operation(0, 1, 1);
	CHECK(journal_will_flush(journal, disk.tid));
	CHECK(journal_commit(journal, disk.tid) == 0);
	CHECK(!disk.will_flush);
	CHECK(!journal_will_flush(journal, disk.tid));
	disk.tid = 0;
	CHECK(journal_close(journal) == 0);
	disk_free();
}

/* Freed, and then metadata again: the new version is replayed. */
SELFTEST(journal_a_revoked_block_can_be_logged_again)
{
	journal_tid tid;

	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(0, 1, 5)) == 0);
	CHECK(journal_begin(journal) == 0);
	journal_revoke(journal, HOME);
	tid = journal_end(journal);
	CHECK(journal_commit(journal, tid) == 0);
	CHECK(journal_commit(journal, operation(0, 1, 8)) == 0);
	power_cut();
	CHECK(mount());
	CHECK(on_disk(0) == 8);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

SELFTEST(journal_blocks_that_look_like_its_own_pass)
{
	uint32_t magic = to_be32(JOURNAL_MAGIC).raw;

	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(0, 2, magic)) == 0);
	power_cut();
	CHECK(mount());
	CHECK(on_disk(0) == magic && on_disk(1) == magic);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

/* More than the log holds, many times over; blocks are changed again while
 * their last version is on its way. */
SELFTEST(journal_goes_round_in_its_log)
{
	unsigned i, n;

	CHECK(disk_new() && mount());
	for (i = 1; i <= 1000; i++) {
		journal_tid tid = operation(i * 7 % 58, 6, i);

		if (i % 4 == 0)
			CHECK(journal_commit(journal, tid) == 0);
	}
	power_cut();
	CHECK(mount());
	for (n = 0; n < 6; n++)
		CHECK(on_disk(1000 * 7 % 58 + n) == 1000);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

/* ---- Many at once ---- */

static struct spinlock done_lock = SPINLOCK("journal test threads");
static struct waitq done_wq = WAITQ(done_wq, "journal test threads queue");
static unsigned nrunning;

/* Block 0 counts the operations; each thread's own block its own. */
static void
count_operations(void *arg)
{
	unsigned number = (unsigned)(uint64_t)arg, i;

	heap_begin(HEAP_BOUND(selftest));
	for (i = 1; i <= 200; i++) {
		struct buf *b;
		journal_tid tid;
		int error;

		if (journal_begin(journal))
			break;
		b = buf_read(&disk.device, HOME, BLOCK, &error);
		if (b) {
			journal_change(journal, b);
			++*(uint32_t *)b->data;
			journal_changed(journal, b);
			buf_put(b);
		}
		put(number, i);
		tid = journal_end(journal);
		if (i % 16 == number)
			journal_commit(journal, tid);
	}
	heap_end();
	spin_lock(&done_lock);
	nrunning--;
	waitq_wake_all(&done_wq);
	spin_unlock(&done_lock);
}

static void
run_threads(void)
{
	uint64_t i;

	nrunning = 4;
	for (i = 1; i <= 4; i++)
		kthread_run("test", count_operations, (void *)i);
	spin_lock(&done_lock);
	while (nrunning > 0)
		waitq_wait(&done_wq, &done_lock, WAIT_UNINTERRUPTIBLE,
			   WAIT_FOREVER);
	spin_unlock(&done_lock);
}

SELFTEST(journal_many_operations_at_once_are_whole)
{
	unsigned n, sum = 0;

	CHECK(disk_new() && mount());
	run_threads();
	power_cut();
	CHECK(mount());
	for (n = 1; n <= 4; n++) {
		CHECK(on_disk(n) >= 192);
		sum += on_disk(n);
	}
	CHECK(on_disk(0) == sum);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

/* ---- Trouble ---- */

SELFTEST(journal_that_cannot_be_written_says_so)
{
	journal_tid tid;

	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(0, 2, 3)) == 0);
	tid = operation(0, 2, 4);
	disk.broken = true;
	CHECK(journal_commit(journal, tid) == -EIO);
	CHECK(journal_begin(journal) == -EROFS);
	CHECK(journal_close(journal) == -EIO);
	buf_invalidate(&disk.device);
	disk.broken = false;
	CHECK(mount());
	CHECK(on_disk(0) == 3);
	CHECK(journal_close(journal) == 0);
	disk_free();
}

static int
try_open(void)
{
	static const struct journal_run run = { 0, LOG_BLOCKS, 0 };
	int error = journal_open(&disk.device, BLOCK, &run, 1, true, &journal);

	if (error == 0)
		journal_close(journal);
	return error;
}

/* As many as the file system may find. */
SELFTEST(journal_in_many_pieces)
{
	static struct journal_run runs[256];
	uint32_t each = LOG_BLOCKS / ARRAY_SIZE(runs), i;
	int error;

	for (i = 0; i < ARRAY_SIZE(runs); i++)
		runs[i] = (struct journal_run){ i * each, each, i * each };
	CHECK(disk_new());
	error = journal_open(&disk.device, BLOCK, runs, ARRAY_SIZE(runs), true,
			     &journal);
	if (error == 0)
		journal_close(journal);
	disk_free();
	CHECK(error == 0);
}

/* Whatever byte is wrong, opening ends; magic, type and sizes must be right. */
SELFTEST(journal_damaged_superblocks_are_refused)
{
	struct journal_super *s;
	unsigned i;

	CHECK(disk_new());
	s = (void *)disk.now;
	CHECK(try_open() == 0);
	for (i = 0; i < offsetof(struct journal_super, error); i++) {
		bool vital = i < 8 || (i >= 12 && i < 20);
		int error;

		disk.now[i] ^= 0x55;
		error = try_open();
		disk.now[i] ^= 0x55;
		CHECK(error == -EUCLEAN || (error == 0 && !vital));
	}
	s->incompat = to_be32(JOURNAL_INCOMPAT_ASYNC);
	CHECK(try_open() == -EINVAL);
	disk_free();
}

/* Any bit of a committed log may be wrong: the mount succeeds or is refused,
 * and block 1, which the log does not name, stays. */
SELFTEST(journal_damaged_logs_are_survived)
{
	uint8_t *copy;
	struct page *pages;
	unsigned i;

	CHECK(disk_new() && mount());
	CHECK(journal_commit(journal, operation(2, 4, 5)) == 0);
	CHECK(journal_begin(journal) == 0);
	journal_revoke(journal, HOME + 2);
	CHECK(journal_commit(journal, journal_end(journal)) == 0);
	power_cut();
	pages = page_alloc(DISK_ORDER, PAGE_KERNEL, 0);
	CHECK(pages);
	copy = page_address(pages);
	memcpy(copy, disk.now, PAGE_SIZE << DISK_ORDER);
	for (i = 0; i < 400; i++) {
		unsigned at = BLOCK + i * 37 % (9 * BLOCK);

		copy_blocks(disk.now, copy, disk.touched);
		disk.now[at] ^= 1u << i % 8;
		disk.touched[at / BLOCK] = true;
		try_open();
		CHECK(on_disk(1) == 0);
	}
	page_unref(pages);
	disk_free();
}

static void
make_header(unsigned block, enum journal_block_type type)
{
	struct journal_header *h = (void *)(disk.now + block * BLOCK);

	h->magic = to_be32(JOURNAL_MAGIC);
	h->type = to_be32(type);
	h->sequence = to_be32(1);
}

/* Without checksums nothing else tells that it is not what it was. */
SELFTEST(journal_log_that_changes_while_it_is_read)
{
	struct journal_super *s;
	struct journal_revoke *revoke;
	int error;

	CHECK(disk_new());
	s = (void *)disk.now;
	s->start = to_be32(1);
	s->incompat = to_be32(JOURNAL_INCOMPAT_REVOKE);
	make_header(1, JOURNAL_REVOKE);
	revoke = (void *)(disk.now + BLOCK);
	revoke->bytes = to_be32(sizeof(*revoke));
	make_header(2, JOURNAL_COMMIT);
	disk.fickle = BLOCK / SECTOR_SIZE;
	disk.fickle_reads = 0;
	error = try_open();
	disk.fickle = 0;
	disk_free();
	CHECK(disk.fickle_reads == 2);
	CHECK(error == -EUCLEAN);
}
