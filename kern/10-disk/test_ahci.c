/*
 * Self-tests of the AHCI driver with a port that is plain memory: the test
 * plays controller and drive, and sees what no emulator shows: how queued and
 * plain commands are kept apart, and what becomes of requests when a drive is
 * silent and gone.
 */
#include "ahci.h"
#include "string.h"

#define DEPTH	 4
#define REQUESTS 8
#define IS_TEST	 (IS_QUEUED | IS_D2H)

static struct {
	struct ahci_hba hba;
	struct ahci_port port;
	struct ahci_port_registers registers;
	struct block_request requests[REQUESTS];
	struct block_segment segment;
	unsigned started;
	_Atomic unsigned done[REQUESTS], ended;
} fake;

static void
fake_done(struct block_request *r)
{
	fake.done[r - fake.requests]++;
	fake.ended++;
}

/* A drive of @p depth queued commands. @return whether there is memory */
static bool
fake_open(unsigned depth)
{
	struct ahci_port *p = &fake.port;
	struct page *page =
		page_alloc(AHCI_MEMORY_ORDER, PAGE_KERNEL, ALLOC_ZERO);

	if (!page)
		return false;
	memset(&fake, 0, sizeof(fake));
	fake.hba.nslots = AHCI_SLOTS;
	fake.hba.queues = true;
	fake.hba.timeout = 3600ull * 1000000000;
	p->hba = &fake.hba;
	p->registers = &fake.registers;
	p->memory = page_address(page);
	p->identity = (struct ata_identity){
		.sectors = 1000, .lba48 = true, .flush = true, .depth = depth
	};
	strlcpy(p->disk.name, "fake", sizeof(p->disk.name));
	ahci_disk_init(p);
	fake.segment = (struct block_segment){ page_to_phys(page), 512 };
	return true;
}

static void
fake_close(void)
{
	timer_disarm(&fake.port.timer);
	page_unref(address_to_page(fake.port.memory));
}

/* Submit a request that has no neighbour. */
static void
fake_submit(enum block_op op)
{
	struct block_request *r = &fake.requests[fake.started++];

	r->op = op;
	r->sector = op == BLOCK_FLUSH ? 0 : fake.started * 10;
	r->nsegments = op != BLOCK_FLUSH;
	r->segments = &fake.segment;
	r->done = fake_done;
	block_submit(&fake.port.disk, r);
}

/* The drive has ended all that is in flight but slots @p rest. */
static void
fake_end(uint32_t rest)
{
	fake.registers.sact = fake.port.queued ? rest : 0;
	fake.registers.ci = fake.port.queued ? 0 : rest;
	fake.registers.is = IS_TEST;
	ahci_port_interrupt(&fake.port);
}

static uint8_t
command_in(unsigned slot)
{
	return fake.port.memory->tables[slot].fis[2];
}

/* Whether just @p slots are in flight, and @p ended requests have ended. */
static bool
stands(uint32_t slots, bool queued, unsigned ended)
{
	return fake.port.active == slots && fake.port.queued == queued &&
	       fake.ended == ended;
}

SELFTEST(disk_ahci_queued_and_plain_never_mix)
{
	const uint8_t *fis;
	bool full, tag, some, wait, flush, after, all;

	CHECK(fake_open(DEPTH));
	for (unsigned i = 0; i < 6; i++)
		fake_submit(BLOCK_READ);
	full = stands(0xf, true, 0) && fake.port.disk.stats.deepest == DEPTH;
	fis = fake.port.memory->tables[2].fis;
	tag = fis[2] == ATA_READ_QUEUED && fis[3] == 1 && fis[4] == 30 &&
	      fis[12] == 2 << 3 && fake.registers.sact == 8;
	fake_submit(BLOCK_FLUSH);
	fake_submit(BLOCK_WRITE);
	fake_end(0x2);
	some = stands(0x7, true, 3);
	fake_end(0x4);
	wait = stands(0x4, true, 5); /* the flush, for the last read */
	fake_end(0);
	flush = stands(0x1, false, 6) && command_in(0) == ATA_FLUSH_EXT;
	fake_end(0);
	after = stands(0x1, true, 7) && command_in(0) == ATA_WRITE_QUEUED;
	fake_end(0);
	all = stands(0, true, REQUESTS);
	fake_close();
	CHECK(full);
	CHECK(tag);
	CHECK(some);
	CHECK(wait);
	CHECK(flush);
	CHECK(after);
	CHECK(all);
}

SELFTEST(disk_ahci_plain_drive)
{
	bool plain, done;

	CHECK(fake_open(0));
	for (unsigned i = 0; i < 3; i++)
		fake_submit(BLOCK_WRITE);
	fake_submit(BLOCK_FLUSH);
	plain = stands(0xf, false, 0) && command_in(1) == ATA_WRITE_DMA_EXT;
	fake_end(0x8);
	done = stands(0x8, false, 3);
	fake_close();
	CHECK(plain && done);
}

/* The deadline of a command passes while the port recovers from another's
 * error: recovery is to deal with both. */
SELFTEST(disk_ahci_deadline_in_recovery)
{
	bool passed, ended;

	CHECK(fake_open(DEPTH));
	fake.hba.timeout = 5 * 1000000;
	fake_submit(BLOCK_READ);
	fake.port.state = AHCI_RECOVERING;
	passed = device_wait(!fake.port.timer_armed, 1000);
	fake.port.state = AHCI_READY;
	fake_end(0);
	ended = stands(0, true, 1);
	fake_close();
	CHECK(passed && ended);
}

/* No answer, and then no link: all requests fail, in flight or not, each once;
 * and so do those that come later. */
SELFTEST(disk_ahci_drive_that_is_gone)
{
	unsigned i, wrong = 0;
	bool ended, later;

	CHECK(fake_open(DEPTH));
	fake.hba.timeout = 5 * 1000000;
	for (i = 0; i < REQUESTS - 2; i++)
		fake_submit(BLOCK_WRITE);
	fake_submit(BLOCK_FLUSH);
	ended = device_wait(fake.ended == REQUESTS - 1, 60000);
	fake_submit(BLOCK_READ);
	later = fake.ended == REQUESTS;
	for (i = 0; i < REQUESTS; i++)
		wrong += fake.done[i] != 1 || fake.requests[i].error != -EIO;
	CHECK(ended); /* or it may be in use still */
	fake_close();
	CHECK(later && wrong == 0);
	CHECK(fake.port.disk.stats.in_flight == 0);
}

static _Atomic bool recovery_may_run;

/* In the thread `devices`, before the port's recovery. */
static void
hold_up(struct work *w)
{
	(void)w;
	while (!recovery_may_run)
		thread_yield();
}

/* The status of a lost link cannot be cleared by its register alone: the port
 * is not to interrupt until it has been recovered. */
SELFTEST(disk_ahci_lost_link_is_silent)
{
	static struct work w;
	bool silent, ended;

	CHECK(fake_open(DEPTH));
	recovery_may_run = false;
	work_init(&w, hold_up);
	work_queue(&w);
	fake_submit(BLOCK_READ);
	fake.registers.ie = IS_ENABLED;
	fake.registers.is = IS_LINK;
	ahci_port_interrupt(&fake.port);
	silent = fake.registers.ie == 0;
	recovery_may_run = true;
	ended = device_wait(fake.ended == 1, 60000);
	CHECK(ended); /* or it may be in use still */
	fake_close();
	CHECK(silent);
}
