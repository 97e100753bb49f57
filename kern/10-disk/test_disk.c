/*
 * Self-tests on a real disk, which they overwrite: only if the command line
 * names one, "scratchdisk=sdb". Without it they pass at once. The disk has
 * 2 MiB at least.
 */
#include "block.h"
#include "string.h"

#define THREADS	    4
#define ROUNDS	    8
#define CHUNK_ORDER 3 /* 32 KiB */
#define CHUNK	    (PAGE_SIZE << CHUNK_ORDER)
#define CHUNK_LEN   (CHUNK / SECTOR_SIZE) /* sectors */

/* The disk to overwrite, or NULL. */
static struct block_device *
scratch(void)
{
	char name[8];
	struct block_device *d;

	if (!command_line_get("scratchdisk", name, sizeof(name)))
		return NULL;
	d = block_find(name);
	if (!d || d->sectors < 2 * 1048576 / SECTOR_SIZE) {
		kprintf("scratchdisk=%s: no such disk, or too small\n", name);
		selftest_fail(__FILE__, __LINE__, "a scratch disk");
		return NULL;
	}
	return d;
}

/* What byte @p i of a chunk holds in round @p round of thread @p thread. */
static uint8_t
pattern(size_t i, unsigned thread, unsigned round)
{
	return i * 7 + (i >> 9) + thread * 31 + round * 101;
}

static void
fill(uint8_t *buf, unsigned thread, unsigned round)
{
	size_t i;

	for (i = 0; i < CHUNK; i++)
		buf[i] = pattern(i, thread, round);
}

static bool
matches(const uint8_t *buf, unsigned thread, unsigned round)
{
	size_t i;

	for (i = 0; i < CHUNK; i++)
		if (buf[i] != pattern(i, thread, round))
			return false;
	return true;
}

/* Write a chunk of thread @p thread, read it back, compare. */
static bool
round_trip(struct block_device *d, uint8_t *buf, unsigned thread,
	   unsigned round)
{
	uint64_t sector = (thread * 2 + round % 2) * CHUNK_LEN;

	fill(buf, thread, round);
	if (block_transfer(d, BLOCK_WRITE, sector, buf, CHUNK) != 0)
		return false;
	memset(buf, 0, CHUNK);
	if (block_transfer(d, BLOCK_READ, sector, buf, CHUNK) != 0)
		return false;
	return matches(buf, thread, round);
}

SELFTEST(disk_round_trip)
{
	struct block_device *d = scratch();
	struct page *page;
	bool ok;

	if (!d)
		return;
	page = page_alloc(CHUNK_ORDER, PAGE_KERNEL, 0);
	CHECK(page != NULL);
	ok = round_trip(d, page_address(page), 0, 0) && block_flush(d) == 0;
	page_unref(page);
	CHECK(ok);
}

/* The last sector of the disk: a 28-bit or 48-bit address in full. */
SELFTEST(disk_last_sector)
{
	static uint8_t buf[SECTOR_SIZE] __attribute__((aligned(512)));
	struct block_device *d = scratch();

	if (!d)
		return;
	memset(buf, 0xa5, sizeof(buf));
	CHECK(block_transfer(d, BLOCK_WRITE, d->sectors - 1, buf,
			     sizeof(buf)) == 0);
	memset(buf, 0, sizeof(buf));
	CHECK(block_transfer(d, BLOCK_READ, d->sectors - 1, buf, sizeof(buf)) ==
	      0);
	CHECK(buf[0] == 0xa5 && buf[SECTOR_SIZE - 1] == 0xa5);
}

SELFTEST(disk_out_of_range)
{
	static uint8_t buf[2 * SECTOR_SIZE] __attribute__((aligned(1024)));
	struct block_device *d = scratch();

	if (!d)
		return;
	CHECK(block_transfer(d, BLOCK_READ, d->sectors, buf, SECTOR_SIZE) ==
	      -EIO);
	CHECK(block_transfer(d, BLOCK_WRITE, d->sectors - 1, buf,
			     sizeof(buf)) == -EIO);
	CHECK(block_transfer(d, BLOCK_READ, d->sectors - 2, buf, sizeof(buf)) ==
	      0);
}

/* ---- Several threads at once ---- */

static struct {
	struct block_device *disk;
	_Atomic unsigned next, finished, wrong;
} crowd;

static void
crowd_thread(void *arg)
{
	unsigned thread = crowd.next++, round;
	struct page *page = page_alloc(CHUNK_ORDER, PAGE_KERNEL, 0);

	(void)arg;
	for (round = 0; round < ROUNDS; round++)
		if (!page ||
		    !round_trip(crowd.disk, page_address(page), thread, round))
			crowd.wrong++;
	if (page)
		page_unref(page);
	crowd.finished++;
	thread_exit();
}

SELFTEST(disk_several_threads)
{
	struct block_device *d = scratch();
	unsigned i;

	if (!d)
		return;
	crowd.disk = d;
	crowd.next = crowd.finished = crowd.wrong = 0;
	for (i = 0; i < THREADS; i++)
		kthread_run("disk test", crowd_thread, NULL);
	CHECK(device_wait(crowd.finished == THREADS, 120000));
	CHECK(crowd.wrong == 0);
}

/* ---- Many requests at once: more than any drive has slots ---- */

#define REQUESTS 48

static struct many {
	struct block_request requests[REQUESTS];
	struct block_segment segments[REQUESTS][2];
} many;

static _Atomic unsigned crowd_done, crowd_errors;

static void
count_done(struct block_request *r)
{
	if (r->error)
		crowd_errors++;
	crowd_done++;
}

#define BLOCK_LEN (PAGE_SIZE / SECTOR_SIZE)

/* The requests, one block each, from sector @p first on, @p apart blocks from
 * one to the next; two segments each. */
static void
prepare_all(enum block_op op, uint64_t first, unsigned apart, paddr_t pages)
{
	unsigned i;

	for (i = 0; i < REQUESTS; i++) {
		struct block_request *r = &many.requests[i];
		struct block_segment *s = many.segments[i];
		paddr_t page = pages + i * PAGE_SIZE;

		s[0] = (struct block_segment){ page, SECTOR_SIZE };
		s[1] = (struct block_segment){ page + SECTOR_SIZE,
					       PAGE_SIZE - SECTOR_SIZE };
		r->op = op;
		r->sector = first + i * apart * BLOCK_LEN;
		r->nsegments = 2;
		r->segments = s;
		r->done = count_done;
	}
}

/* Start all, each on its own; wait for all. */
static bool
submit_all(struct block_device *d)
{
	unsigned i;

	crowd_done = crowd_errors = 0;
	for (i = 0; i < REQUESTS; i++)
		if (block_submit(d, &many.requests[i]) != 0)
			return false;
	return device_wait(crowd_done == REQUESTS, 120000) && crowd_errors == 0;
}

/* Start all as one batch; wait for it. */
static bool
batch_all(struct block_device *d)
{
	struct block_batch batch;
	unsigned i;

	block_batch_begin(&batch, d);
	for (i = 0; i < REQUESTS; i++)
		block_batch_add(&batch, &many.requests[i]);
	return block_batch_wait(&batch) == 0;
}

/* Write pages of random numbers in one way, read them in the other. */
static bool
many_requests(struct block_device *d, struct page *pages, unsigned apart)
{
	uint8_t *memory = page_address(pages);
	size_t i;

	for (i = 0; i < REQUESTS * PAGE_SIZE; i++)
		memory[i] = i * 13 + (i >> 12);
	prepare_all(BLOCK_WRITE, 0, apart, page_to_phys(pages));
	if (!batch_all(d))
		return false;
	memset(memory, 0, REQUESTS * PAGE_SIZE);
	prepare_all(BLOCK_READ, 0, apart, page_to_phys(pages));
	if (!submit_all(d))
		return false;
	for (i = 0; i < REQUESTS * PAGE_SIZE; i++)
		if (memory[i] != (uint8_t)(i * 13 + (i >> 12)))
			return false;
	return true;
}

SELFTEST(disk_many_requests_at_once)
{
	struct block_device *d = scratch();
	struct page *pages;
	uint64_t merged;
	bool ok, apart;

	if (!d)
		return;
	pages = page_alloc(ilog2_up(REQUESTS), PAGE_KERNEL, 0);
	CHECK(pages);
	merged = d->stats.merged[BLOCK_WRITE];
	ok = many_requests(d, pages, 1);
	/* 16 fill a command. */
	CHECK(!d->merges ||
	      d->stats.merged[BLOCK_WRITE] - merged == REQUESTS - 3);
	merged = d->stats.merged[BLOCK_WRITE];
	apart = many_requests(d, pages, 2);
	page_unref(pages);
	CHECK(ok && apart);
	CHECK(d->stats.merged[BLOCK_WRITE] == merged);
	CHECK(d->stats.in_flight == 0);
}

/* ---- A drive that fails ---- */

/* Whether exactly the request for sector @p bad has failed. */
static bool
only_failed(uint64_t bad)
{
	unsigned i, wrong = 0;

	for (i = 0; i < REQUESTS; i++) {
		const struct block_request *r = &many.requests[i];

		wrong += (r->error == -EIO) != (bad - r->sector < BLOCK_LEN);
	}
	return wrong == 0;
}

/* With "faultysector=N" on the command line the emulator fails writes of that
 * sector, from 1000 on; those around it must not suffer, in a command of their
 * own or in the same. */
SELFTEST(disk_error_hits_the_culprit_alone)
{
	uint64_t bad = command_line_number("faultysector", UINT64_MAX), errors;
	struct block_device *d = scratch();
	bool single, merged;
	struct page *pages;

	if (!d || bad == UINT64_MAX)
		return;
	pages = page_alloc(ilog2_up(REQUESTS), PAGE_KERNEL, ALLOC_ZERO);
	CHECK(pages);
	errors = d->stats.errors;
	prepare_all(BLOCK_WRITE, (bad / BLOCK_LEN - 20) * BLOCK_LEN, 1,
		    page_to_phys(pages));
	submit_all(d);
	CHECK(crowd_done == REQUESTS && crowd_errors == 1);
	single = only_failed(bad);
	merged = !batch_all(d) && only_failed(bad);
	page_unref(pages);
	CHECK(single);
	CHECK(merged);
	CHECK(d->stats.errors == errors + 2);
}
