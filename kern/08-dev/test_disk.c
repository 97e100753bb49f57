/*
 * Self-tests on a real disk, which they overwrite: only if the command line
 * names one, "scratchdisk=sdb". Without it they pass at once. The disk has
 * 2 MiB at least.
 */
#include "dev.h"
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

#define REQUESTS       48
#define REQUESTS_ORDER 3

_Static_assert(REQUESTS * sizeof(struct block_request) <=
		       PAGE_SIZE << REQUESTS_ORDER,
	       "allocation");

static _Atomic unsigned crowd_done, crowd_errors;

static void
count_done(struct block_request *r)
{
	if (r->error)
		crowd_errors++;
	crowd_done++;
}

/* Start a request for each page of @p pages, one block each; wait for all. */
static bool
submit_all(struct block_device *d, struct block_request *requests,
	   enum block_op op, paddr_t pages)
{
	unsigned i;

	crowd_done = crowd_errors = 0;
	for (i = 0; i < REQUESTS; i++) {
		struct block_request *r = &requests[i];

		r->op = op;
		r->sector = i * (PAGE_SIZE / SECTOR_SIZE);
		r->nsegments = 2;
		r->segments[0] = (struct block_segment){ pages + i * PAGE_SIZE,
							 SECTOR_SIZE };
		r->segments[1] =
			(struct block_segment){ pages + i * PAGE_SIZE +
							SECTOR_SIZE,
						PAGE_SIZE - SECTOR_SIZE };
		r->done = count_done;
		if (block_submit(d, r) != 0)
			return false;
	}
	return device_wait(crowd_done == REQUESTS, 120000) && crowd_errors == 0;
}

static bool
many_requests(struct block_device *d, struct page *requests, struct page *pages)
{
	struct block_request *r = page_address(requests);
	uint8_t *memory = page_address(pages);
	size_t i;

	for (i = 0; i < REQUESTS * PAGE_SIZE; i++)
		memory[i] = i * 13 + (i >> 12);
	if (!submit_all(d, r, BLOCK_WRITE, page_to_phys(pages)))
		return false;
	memset(memory, 0, REQUESTS * PAGE_SIZE);
	if (!submit_all(d, r, BLOCK_READ, page_to_phys(pages)))
		return false;
	for (i = 0; i < REQUESTS * PAGE_SIZE; i++)
		if (memory[i] != (uint8_t)(i * 13 + (i >> 12)))
			return false;
	return true;
}

SELFTEST(disk_many_requests_at_once)
{
	struct block_device *d = scratch();
	struct page *requests, *pages;
	bool ok;

	if (!d)
		return;
	requests = page_alloc(REQUESTS_ORDER, PAGE_KERNEL, 0);
	pages = page_alloc(ilog2_up(REQUESTS), PAGE_KERNEL, 0);
	CHECK(requests && pages);
	ok = many_requests(d, requests, pages);
	page_unref(requests);
	page_unref(pages);
	CHECK(ok);
}

/* ---- A drive that fails ---- */

/* With "faultysector=N" on the command line the emulator fails transfers of
 * that sector; those around it must not suffer. */
SELFTEST(disk_error_hits_the_culprit_alone)
{
	uint64_t bad = command_line_number("faultysector", UINT64_MAX);
	struct block_device *d = scratch();
	struct page *requests, *pages;
	unsigned i, wrong = 0;
	struct block_request *r;

	if (!d || bad == UINT64_MAX)
		return;
	requests = page_alloc(REQUESTS_ORDER, PAGE_KERNEL, 0);
	pages = page_alloc(ilog2_up(REQUESTS), PAGE_KERNEL, ALLOC_ZERO);
	CHECK(requests && pages);
	submit_all(d, page_address(requests), BLOCK_WRITE, page_to_phys(pages));
	CHECK(crowd_done == REQUESTS);
	for (i = 0; i < REQUESTS; i++) {
		r = (struct block_request *)page_address(requests) + i;
		wrong += (r->error == -EIO) !=
			 (bad - r->sector < PAGE_SIZE / SECTOR_SIZE);
	}
	page_unref(requests);
	page_unref(pages);
	CHECK(wrong == 0);
	CHECK(crowd_errors == 1);
}
