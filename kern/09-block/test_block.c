/*
 * Self-tests of the block layer, on a disk made of memory: requests, merging,
 * batches, partition tables.
 */
#include "block_internal.h"
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
static bool passed; /* what was queued before has run */

static void
ram_run(struct block_request *r)
{
	uint8_t *at = ram.memory + r->sector * SECTOR_SIZE;

	block_each_segment(s, part, r)
	{
		void *to = direct_map(s->pa);

		if (r->op == BLOCK_READ)
			memcpy(to, at, s->len);
		else
			memcpy(at, to, s->len);
		at += s->len;
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
note_passed(struct work *w)
{
	(void)w;
	__atomic_store_n(&passed, true, __ATOMIC_RELEASE);
}

/* The disk's work may be queued once more than there was something to do: it
 * must have come and gone before the next test makes a disk of the memory. */
static void
ram_close(void)
{
	static struct work last;

	passed = false;
	work_init(&last, note_passed);
	work_queue(&last);
	while (!__atomic_load_n(&passed, __ATOMIC_ACQUIRE))
		thread_yield();
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

SELFTEST(block_transfers_more_than_a_request)
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

SELFTEST(block_refuses_what_is_past_the_end)
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

SELFTEST(block_errors_reach_the_caller)
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

SELFTEST(block_find)
{
	struct block_device *d = block_get(0);

	CHECK(block_find("nodisk") == NULL);
	CHECK(block_get(12345) == NULL);
	CHECK(d == NULL || (block_find("sda") == d && d->sectors > 0));
}

/* ---- Merging and batches ---- */

#define NREQUESTS 6

static struct {
	struct block_request requests[NREQUESTS];
	struct block_segment segments[NREQUESTS];
} many;

/* Requests of a sector each, at the given places, out of one page. */
static void
requests_make(paddr_t page, enum block_op op, const unsigned *sectors)
{
	unsigned i;

	for (i = 0; i < NREQUESTS; i++) {
		many.segments[i] =
			(struct block_segment){ page + i * SECTOR_SIZE,
						SECTOR_SIZE };
		many.requests[i] = (struct block_request){
			.op = op,
			.sector = sectors[i],
			.nsegments = 1,
			.segments = &many.segments[i],
		};
	}
}

static int
batch_run(void)
{
	struct block_batch batch;
	unsigned i;

	block_batch_begin(&batch, &ram.disk);
	for (i = 0; i < NREQUESTS; i++)
		block_batch_add(&batch, &many.requests[i]);
	return block_batch_wait(&batch);
}

/* Neighbours before, behind and between become one command, and each request
 * has its own memory and its own end. */
SELFTEST(block_batch_merges_neighbours)
{
	static const unsigned places[] = { 10, 11, 9, 20, 13, 12 };
	struct page *page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	uint8_t *memory;
	unsigned i, right = 0, submitted;

	CHECK(page != NULL && ram_open());
	ram.disk.merges = ram.later = true;
	memory = page_address(page);
	for (i = 0; i < NREQUESTS; i++)
		memory[i * SECTOR_SIZE] = i + 1;
	requests_make(page_to_phys(page), BLOCK_WRITE, places);
	CHECK(batch_run() == 0);
	submitted = ram.submitted;
	for (i = 0; i < NREQUESTS; i++)
		right += ram.memory[places[i] * SECTOR_SIZE] == i + 1 &&
			 many.requests[i].sector == places[i];
	ram_close();
	page_unref(page);
	/* 9-11, 12-13 (which came too late to join it), 20. */
	CHECK(submitted == 3);
	CHECK(right == NREQUESTS);
	CHECK(ram.disk.stats.merged[BLOCK_WRITE] == 3);
	CHECK(ram.disk.stats.requests[BLOCK_WRITE] == NREQUESTS);
}

/* What is past the end fails alone; a driver's error is each request's. */
SELFTEST(block_batch_errors_are_each_requests_own)
{
	static const unsigned places[] = { 0, RAM_SECTORS, 1, 2, 3, 4 };
	struct page *page = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	int first, second;
	unsigned i, failed = 0, submitted;
	bool alone;

	CHECK(page != NULL && ram_open());
	ram.disk.merges = true;
	requests_make(page_to_phys(page), BLOCK_READ, places);
	first = batch_run();
	alone = many.requests[1].error == -EIO && many.requests[2].error == 0;
	submitted = ram.submitted;
	ram.error = -EIO;
	second = batch_run();
	for (i = 0; i < NREQUESTS; i++)
		failed += many.requests[i].error == -EIO;
	ram_close();
	page_unref(page);
	CHECK(first == -EIO && alone && submitted == 1);
	CHECK(second == -EIO && failed == NREQUESTS);
	CHECK(ram.disk.stats.errors == NREQUESTS - 1);
}

/* Not merged: other operations, more segments than a command has, and what is
 * to be forced. Unmerging gives all back as they were. */
SELFTEST(block_merge_has_limits)
{
	static const unsigned places[] = { 0, 1, 2, 3, 4, 5 };
	struct list queue = LIST_INIT(queue), apart = LIST_INIT(apart);
	struct block_request *r = many.requests;
	bool read, forced, full, yes;

	CHECK(ram_open());
	requests_make(0, BLOCK_WRITE, places);
	r[1].op = BLOCK_READ;
	for (unsigned i = 0; i < 4; i++)
		CHECK(block_prepare(&ram.disk, &r[i]) == 0);
	list_add_tail(&r[0].link, &queue);
	read = block_merge(&queue, &r[1]);
	r[1].op = BLOCK_WRITE;
	r[1].through = true;
	forced = block_merge(&queue, &r[1]);
	r[1].through = false;
	r[0].total_segments = BLOCK_REQUEST_PAGES_MAX;
	full = block_merge(&queue, &r[1]);
	r[0].total_segments = 1;
	yes = block_merge(&queue, &r[1]) && block_merge(&queue, &r[2]) &&
	      r[0].nsectors == 3;
	block_unmerge(list_first(&queue, struct block_request, link), &apart);
	ram_close();
	CHECK(!read && !forced && !full && yes);
	CHECK(list_length(&apart) == 3 && r[0].nsectors == 1 && !r[0].next);
}

/* A write that is to last: forced where the disk can, else with a flush. */
SELFTEST(block_write_through)
{
	static uint8_t buf[SECTOR_SIZE] __attribute__((aligned(512)));
	struct block_segment s = { kernel_phys(buf), sizeof(buf) };
	struct block_request r = { .op = BLOCK_WRITE,
				   .nsegments = 1,
				   .segments = &s };
	unsigned flushes, forced;

	CHECK(ram_open());
	CHECK(block_run_through(&ram.disk, &r) == 0 && !r.through);
	flushes = ram.flushes;
	ram.disk.forces = true;
	CHECK(block_run_through(&ram.disk, &r) == 0 && r.through);
	forced = ram.flushes - flushes;
	ram.error = -EIO;
	ram.disk.forces = false;
	CHECK(block_run_through(&ram.disk, &r) == -EIO);
	ram_close();
	CHECK(flushes == 1 && forced == 0 && ram.flushes == 1);
}

/* ---- Partition tables ---- */

static struct partitions table;

static void
put(uint64_t at, unsigned bytes, uint64_t value)
{
	memcpy(ram.memory + at, &value, bytes);
}

/* Entry @p i of the MBR, or of a link of the chain, in sector @p at. */
static void
put_mbr(uint64_t at, unsigned i, uint8_t type, uint32_t start, uint32_t len)
{
	uint64_t entry = at * SECTOR_SIZE + 446 + 16 * i;

	put(at * SECTOR_SIZE + 510, 2, 0xaa55);
	put(entry + 4, 1, type);
	put(entry + 8, 4, start);
	put(entry + 12, 4, len);
}

/* Whether the table's partition @p i is this one. */
static bool
is(unsigned i, unsigned number, uint64_t start, uint64_t sectors)
{
	const struct partition *p = &table.list[i];

	return i < table.n && p->number == number && p->start == start &&
	       p->sectors == sectors;
}

/* Empty the disk and the table. */
static void
start_table(void)
{
	memset(ram.memory, 0, RAM_SECTORS * SECTOR_SIZE);
}

static unsigned
read_table(void)
{
	partitions_read(&ram.disk, &table);
	return table.n;
}

SELFTEST(block_mbr)
{
	bool none, program, good;

	CHECK(ram_open());
	none = read_table() == 0 && !table.kind;
	put_mbr(0, 0, 0x83, 10, 20);
	put_mbr(0, 1, 0x05, 100, 200);
	put_mbr(0, 3, 0x83, 30, 70);
	put_mbr(100, 0, 0x83, 1, 9);
	put_mbr(100, 1, 0x05, 50, 20);
	put_mbr(150, 0, 0x83, 2, 18);
	good = read_table() == 4 && is(0, 1, 10, 20) && is(1, 4, 30, 70) &&
	       is(2, 5, 101, 9) && is(3, 6, 152, 18);
	put(446, 1, 0xeb); /* a boot sector's program */
	program = read_table() == 0;
	ram_close();
	CHECK(none && good && program);
}

/* What cannot be so is refused, the rest stands. */
SELFTEST(block_mbr_refuses)
{
	bool lies, loop, outside;

	CHECK(ram_open());
	put_mbr(0, 0, 0x83, RAM_SECTORS - 10, 11); /* past the end */
	put_mbr(0, 1, 0x83, 50, 50);
	put_mbr(0, 2, 0x83, 99, 5); /* overlaps */
	put_mbr(0, 3, 0x83, 200, 0);
	lies = read_table() == 1 && is(0, 2, 50, 50);
	start_table();
	put_mbr(0, 0, 0x83, 0, 10); /* with the table in it */
	put_mbr(0, 1, 0x0f, 100, 100);
	put_mbr(100, 0, 0x83, 1, 9);
	put_mbr(100, 1, 0x05, 20, 20);
	put_mbr(120, 0, 0x83, 1, 9);
	put_mbr(120, 1, 0x05, 0, 20); /* back to the first */
	loop = read_table() == 2 && is(0, 5, 101, 9) && is(1, 6, 121, 9);
	put_mbr(120, 1, 0x05, 0xffffffff, 20);
	put_mbr(120, 0, 0x83, 1, 100); /* leaves the chain's part */
	outside = read_table() == 1 && is(0, 5, 101, 9);
	ram_close();
	CHECK(lies);
	CHECK(loop);
	CHECK(outside);
}

#define GPT_LEN 32 /* sectors of entries, as sfdisk makes them */

static uint32_t
crc(const uint8_t *p, size_t len)
{
	uint32_t c = ~0u;

	while (len-- > 0) {
		c ^= *p++;
		for (unsigned i = 0; i < 8; i++)
			c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
	}
	return ~c;
}

/* Seal the table with its header in sector @p at and entries from @p entries
 * on. */
static void
seal(uint64_t at, uint64_t entries)
{
	uint64_t h = at * SECTOR_SIZE;

	memcpy(ram.memory + h, "EFI PART", 8);
	put(h + 8, 4, 0x10000);
	put(h + 12, 4, 92);
	put(h + 24, 8, at);
	put(h + 40, 8, 2 + GPT_LEN);
	put(h + 48, 8, RAM_SECTORS - 2 - GPT_LEN);
	put(h + 72, 8, entries);
	put(h + 80, 4, GPT_LEN * 4);
	put(h + 84, 4, 128);
	put(h + 88, 4,
	    crc(ram.memory + entries * SECTOR_SIZE, GPT_LEN * SECTOR_SIZE));
	put(h + 16, 4, 0);
	put(h + 16, 4, crc(ram.memory + h, 92));
}

static void
put_gpt(unsigned i, uint64_t first, uint64_t last)
{
	uint64_t entry = 2 * SECTOR_SIZE + i * 128;

	put(entry, 8, 1); /* its type */
	put(entry + 32, 8, first);
	put(entry + 40, 8, last);
}

/* Both tables, from the entries of the first. */
static void
seal_both(void)
{
	put_mbr(0, 0, 0xee, 1, 0xffffffff);
	memcpy(ram.memory + (RAM_SECTORS - 1 - GPT_LEN) * SECTOR_SIZE,
	       ram.memory + 2 * SECTOR_SIZE, GPT_LEN * SECTOR_SIZE);
	seal(1, 2);
	seal(RAM_SECTORS - 1, RAM_SECTORS - 1 - GPT_LEN);
}

SELFTEST(block_gpt)
{
	bool good, backup, entries, neither;

	CHECK(ram_open());
	put_gpt(0, 40, 59);
	put_gpt(4, 100, 100);
	seal_both();
	good = read_table() == 2 && is(0, 1, 40, 20) && is(1, 5, 100, 1) &&
	       strcmp(table.kind, "GPT") == 0;
	ram.memory[SECTOR_SIZE + 60]++; /* the disk's name: the checksum */
	backup = read_table() == 2;
	ram.memory[SECTOR_SIZE + 60]--;
	ram.memory[3 * SECTOR_SIZE]++; /* an entry */
	entries = read_table() == 2;
	ram.memory[(RAM_SECTORS - 1) * SECTOR_SIZE] = 0;
	neither = read_table() == 0;
	ram_close();
	CHECK(good);
	CHECK(backup);
	CHECK(entries);
	CHECK(neither);
}

SELFTEST(block_gpt_refuses)
{
	bool lies, far, large;

	CHECK(ram_open());
	put_gpt(0, 33, 40); /* in the table itself */
	put_gpt(1, 0, UINT64_MAX);
	put_gpt(2, 60, 50);
	put_gpt(3, 50, 70);
	put_gpt(5, 70, 80);
	put_gpt(6, UINT64_MAX, UINT64_MAX);
	put_gpt(7, 90, RAM_SECTORS - 1);
	put_gpt(20, 200, 300); /* has no device number */
	seal_both();
	lies = read_table() == 1 && is(0, 4, 50, 21);
	put(SECTOR_SIZE + 72, 8, UINT64_MAX - 3);
	put(SECTOR_SIZE + 16, 4, 0);
	put(SECTOR_SIZE + 16, 4, crc(ram.memory + SECTOR_SIZE, 92));
	ram.memory[(RAM_SECTORS - 1) * SECTOR_SIZE] = 0;
	far = read_table() == 0;
	seal(1, 2);
	put(SECTOR_SIZE + 80, 4, 0x02000001); /* 2^32 + 128 bytes */
	put(SECTOR_SIZE + 16, 4, 0);
	put(SECTOR_SIZE + 16, 4, crc(ram.memory + SECTOR_SIZE, 92));
	large = read_table() == 0;
	ram_close();
	CHECK(lies);
	CHECK(far);
	CHECK(large);
}

/* A partition's sectors are the disk's, moved; and it ends where it ends. */
SELFTEST(block_partition_moves_and_ends)
{
	static uint8_t buf[SECTOR_SIZE] __attribute__((aligned(512)));
	struct block_device part = { .name = "ram1",
				     .disk = &ram.disk,
				     .partition = 1,
				     .start = 64,
				     .sectors = 8 };
	struct block_segment s = { kernel_phys(buf), sizeof(buf) };
	struct block_request r = {
		.op = BLOCK_READ, .sector = 7, .nsegments = 1, .segments = &s
	};
	int last, end;
	bool moved, back;

	CHECK(ram_open());
	buf[0] = 0x5a;
	last = block_transfer(&part, BLOCK_WRITE, 7, buf, sizeof(buf));
	end = block_transfer(&part, BLOCK_WRITE, 8, buf, sizeof(buf));
	/* The submitter's request comes back as it was. */
	buf[0] = 0;
	back = block_run(&part, &r) == 0 && buf[0] == 0x5a && r.sector == 7;
	moved = ram.memory[71 * SECTOR_SIZE] == 0x5a &&
		ram.memory[72 * SECTOR_SIZE] == 0;
	ram_close();
	CHECK(last == 0 && end == -EIO && moved);
	CHECK(back);
	CHECK(part.stats.requests[BLOCK_WRITE] == 1);
	CHECK(ram.disk.stats.requests[BLOCK_WRITE] == 1);
	CHECK(block_overlap(&part, &ram.disk) && block_overlap(&part, &part));
}
