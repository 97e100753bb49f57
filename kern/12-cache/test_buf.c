/*
 * Self-tests of the buffer cache, on a disk that is an array.
 */
#include "cache_internal.h"
#include "string.h"
#include "test_cache.h"

/* ---- A disk ---- */

#define FAKE_SECTORS 64u

static uint8_t sectors[FAKE_SECTORS][SECTOR_SIZE];
static _Atomic unsigned requests, flushes;
static _Atomic bool hold_write;		   /* the next write does not end... */
static struct block_request *_Atomic held; /* ...until the test ends it */

static void
fake_submit(struct block_device *d, struct block_request *r)
{
	uint64_t sector = r->sector;
	unsigned i, n;

	(void)d;
	requests++;
	if (r->op == BLOCK_FLUSH)
		flushes++;
	if (r->op == BLOCK_WRITE && atomic_exchange(&hold_write, false)) {
		held = r;
		return;
	}
	for (i = 0; i < r->nsegments; i++) {
		uint8_t *mem = direct_map(r->segments[i].pa);

		n = r->segments[i].len;
		if (r->op == BLOCK_READ)
			memcpy(mem, sectors[sector], n);
		else
			memcpy(sectors[sector], mem, n);
		sector += n / SECTOR_SIZE;
	}
	block_finish(r, 0);
}

static struct block_device fake_disk = {
	.name = "fake",
	.sectors = FAKE_SECTORS,
	.submit = fake_submit,
};

SELFTEST(buf_is_read_once_and_written_back)
{
	struct buf *a, *b;
	int error = 0;

	sectors[2][5] = 'x';
	requests = flushes = 0;
	a = buf_read(&fake_disk, 1, 1024, &error);
	CHECK(a && ((char *)a->data)[5] == 'x');
	b = buf_read(&fake_disk, 1, 1024, &error);
	CHECK(b == a && requests == 1);
	buf_put(b);
	mutex_lock(&a->lock);
	((char *)a->data)[6] = 'y';
	mutex_unlock(&a->lock);
	buf_dirty(a);
	buf_put(a);
	CHECK(sectors[2][6] != 'y');
	CHECK(buf_sync(&fake_disk) == 0);
	CHECK(sectors[2][6] == 'y' && requests == 3 && flushes == 1);
	CHECK(buf_sync(&fake_disk) == 0);
	CHECK(requests == 4); /* the flush alone */
	buf_invalidate(&fake_disk);
}

SELFTEST(buf_forgotten_is_not_written)
{
	struct buf *b;
	int error = 0;

	b = buf_get(&fake_disk, 3, 1024, &error);
	CHECK(b);
	memset(b->data, 'f', 1024);
	buf_dirty(b);
	buf_put(b);
	buf_forget(&fake_disk, 3, 1024);
	requests = 0;
	CHECK(buf_sync(&fake_disk) == 0);
	CHECK(requests == 1 && sectors[6][0] != 'f');
	buf_invalidate(&fake_disk);
}

SELFTEST(buf_past_the_end_is_an_error)
{
	int error = 0;

	CHECK(buf_read(&fake_disk, FAKE_SECTORS, 512, &error) == NULL);
	CHECK(error == -EIO);
	buf_invalidate(&fake_disk);
}

static int results[2];
static bool early;

/* A sync, another one that comes while the first one's write is under way, and
 * the disk, where that write fails. */
static void
sync_at_once(unsigned number)
{
	while (number > 0 && !held)
		thread_yield();
	if (number < 2) {
		results[number] = buf_sync(&fake_disk);
		early |= held != NULL;
		return;
	}
	thread_sleep_until(clock_ns() + 20000000, WAIT_UNINTERRUPTIBLE);
	block_finish(atomic_exchange(&held, NULL), -EIO);
}

SELFTEST(buf_sync_waits_for_writes_of_others)
{
	struct buf *b;
	int error = 0;

	b = buf_read(&fake_disk, 1, 1024, &error);
	CHECK(b);
	buf_dirty(b);
	buf_put(b);
	early = false;
	hold_write = true;
	test_in_threads(3, sync_at_once);
	CHECK(!early);
	CHECK(results[0] == -EIO && results[1] == -EIO);
	CHECK(buf_sync(&fake_disk) == 0);
	buf_invalidate(&fake_disk);
}

static void
add_to_blocks(unsigned number)
{
	unsigned i;
	struct buf *b;
	int error;

	(void)number;
	for (i = 0; i < 200; i++) {
		b = buf_read(&fake_disk, i % 16, 2048, &error);
		mutex_lock(&b->lock);
		++*(uint32_t *)b->data;
		mutex_unlock(&b->lock);
		buf_dirty(b);
		buf_put(b);
		if (i % 32 == 0)
			buf_sync(&fake_disk);
		if (i % 16 == 0)
			buf_reclaim(4);
	}
}

SELFTEST(buf_changes_by_threads_are_not_lost)
{
	uint32_t sum = 0;
	unsigned i;

	memset(sectors, 0, sizeof(sectors));
	test_in_threads(4, add_to_blocks);
	CHECK(buf_sync(&fake_disk) == 0);
	for (i = 0; i < 16; i++)
		sum += *(uint32_t *)sectors[i * 4];
	CHECK(sum == 4 * 200);
	buf_invalidate(&fake_disk);
}
