/*
 * Self-tests of the block layer, on a disk made of memory: requests, merging,
 * batches, partition tables.
 */
#include "devices.h"
#include "string.h"

#define RAM_ORDER   7
#define RAM_SECTORS ((PAGE_SIZE << RAM_ORDER) / SECTOR_SIZE)

static struct {
	struct block_device disk;
	uint8_t *memory;
	struct work work;
	struct list queue;
	struct spinlock lock;
	unsigned submitted, flushes;
	int error;  /* that every request ends with */
	bool later; /* end requests in another thread */
} ram;

static void
ram_run(struct block_request *r)
{
	uint8_t *at = ram.memory + r->sector * SECTOR_SIZE;
	unsigned i;

	for (i = 0; i < r->nsegments; i++) {
		void *to = direct_map(r->segments[i].pa);

		if (r->op == BLOCK_READ)
			memcpy(to, at, r->segments[i].len);
		else
			memcpy(at, to, r->segments[i].len);
		at += r->segments[i].len;
	}
	block_finish(r, ram.error);
}

static void
ram_work(struct work *w)
{
	struct block_request *r;
	uint64_t rflags;

	(void)w;
	for (;;) {
		rflags = spin_lock_irqsave(&ram.lock);
		r = list_first(&ram.queue, struct block_request, link);
		if (r)
			list_del(&r->link);
		spin_unlock_irqrestore(&ram.lock, rflags);
		if (!r)
			return;
		ram_run(r);
	}
}

static void
ram_submit(struct block_device *d, struct block_request *r)
{
	uint64_t rflags;

	(void)d;
	ram.submitted++;
	ram.flushes += r->op == BLOCK_FLUSH;
	if (!ram.later) {
		ram_run(r);
		return;
	}
	rflags = spin_lock_irqsave(&ram.lock);
	list_add_tail(&r->link, &ram.queue);
	spin_unlock_irqrestore(&ram.lock, rflags);
	work_queue(&ram.work);
}

/* A fresh disk of zeros. @return whether there is memory for it */
static bool
ram_open(void)
{
	struct page *page = page_alloc(RAM_ORDER, PAGE_KERNEL, ALLOC_ZERO);

	memset(&ram, 0, sizeof(ram));
	if (!page)
		return false;
	ram.memory = page_address(page);
	ram.disk.sectors = RAM_SECTORS;
	ram.disk.submit = ram_submit;
	strlcpy(ram.disk.name, "ram", sizeof(ram.disk.name));
	list_init(&ram.queue);
	spin_init(&ram.lock, "test disk");
	work_init(&ram.work, ram_work);
	return true;
}

static void
ram_close(void)
{
	page_unref(address_to_page(ram.memory));
}

/* Write longer than a request, read back shifted: does it arrive? */
static bool
ram_round_trip(uint8_t *buf, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = i % 251;
	if (block_transfer(&ram.disk, BLOCK_WRITE, 3, buf, len) != 0)
		return false;
	memset(buf, 0, len);
	if (block_transfer(&ram.disk, BLOCK_READ, 4, buf, len) != 0)
		return false;
	for (i = 0; i < len - SECTOR_SIZE; i++)
		if (buf[i] != (i + SECTOR_SIZE) % 251)
			return false;
	return buf[len - 1] == 0;
}

SELFTEST(dev_block_transfers_more_than_a_request)
{
	const unsigned order = 6; /* 256 KiB */
	size_t len = (PAGE_SIZE << order) - 3 * SECTOR_SIZE;
	struct page *page = page_alloc(order, PAGE_KERNEL, 0);
	uint8_t *buf;
	bool now, later;

	CHECK(page != NULL && ram_open());
	buf = (uint8_t *)page_address(page) + SECTOR_SIZE;
	now = ram_round_trip(buf, len);
	memset(ram.memory, 0, RAM_SECTORS * SECTOR_SIZE);
	ram.later = true;
	later = ram_round_trip(buf, len);
	ram_close();
	page_unref(page);
	CHECK(now);
	CHECK(later);
	CHECK(ram.disk.stats.requests[BLOCK_READ] >= 4);
	CHECK(ram.disk.stats.sectors[BLOCK_READ] == 2 * len / SECTOR_SIZE);
}

SELFTEST(dev_block_refuses_what_is_past_the_end)
{
	static uint8_t buf[2 * SECTOR_SIZE] __attribute__((aligned(1024)));
	unsigned before;
	int last, end, across, far;

	CHECK(ram_open());
	last = block_transfer(&ram.disk, BLOCK_READ, RAM_SECTORS - 1, buf,
			      SECTOR_SIZE);
	before = ram.submitted;
	end = block_transfer(&ram.disk, BLOCK_READ, RAM_SECTORS, buf,
			     SECTOR_SIZE);
	across = block_transfer(&ram.disk, BLOCK_WRITE, RAM_SECTORS - 1, buf,
				2 * SECTOR_SIZE);
	far = block_transfer(&ram.disk, BLOCK_READ, UINT64_MAX, buf,
			     2 * SECTOR_SIZE);
	ram_close();
	CHECK(last == 0);
	CHECK(end == -EIO && across == -EIO && far == -EIO);
	CHECK(ram.submitted == before);
}

SELFTEST(dev_block_errors_reach_the_caller)
{
	static uint8_t buf[SECTOR_SIZE] __attribute__((aligned(512)));
	int read, flush, write, fine;

	CHECK(ram_open());
	ram.later = true;
	fine = block_flush(&ram.disk);
	ram.error = -EIO;
	read = block_transfer(&ram.disk, BLOCK_READ, 0, buf, sizeof(buf));
	flush = block_flush(&ram.disk);
	ram.error = 0;
	ram.disk.read_only = true;
	write = block_transfer(&ram.disk, BLOCK_WRITE, 0, buf, sizeof(buf));
	ram_close();
	CHECK(fine == 0);
	CHECK(read == -EIO);
	CHECK(flush == -EIO && ram.flushes == 2);
	CHECK(write == -EIO && ram.submitted == 3);
}

SELFTEST(dev_block_find)
{
	struct block_device *d = block_get(0);

	CHECK(block_find("nodisk") == NULL);
	CHECK(block_get(12345) == NULL);
	CHECK(d == NULL || (block_find("sda") == d && d->sectors > 0));
}
