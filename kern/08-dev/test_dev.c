/*
 * Self-tests of chapter dev that need no disk: the bus, the block layer on a
 * disk made of memory, and the decoders. Disks: test_disk.c.
 */
#include "ata.h"
#include "devices.h"
#include "string.h"

/* ---- PCI ---- */

SELFTEST(dev_pci_finds_a_host_bridge)
{
	const struct pci_device *d;
	unsigned i;
	bool found = false;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++)
		found |= d->class == 6 && d->subclass == 0;
	CHECK(found);
}

SELFTEST(dev_pci_finds_nothing_twice)
{
	const struct pci_device *a, *b;
	unsigned i, j;

	for (i = 0; (a = pci_device_get(i)) != NULL; i++)
		for (j = 0; j < i; j++) {
			b = pci_device_get(j);
			CHECK(a->bus != b->bus || a->slot != b->slot ||
			      a->function != b->function);
		}
}

/* Display adapters are left out: the log is being written to them. */
SELFTEST(dev_pci_bar_sizing_keeps_the_registers)
{
	const struct pci_device *d;
	unsigned i, n;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++) {
		uint16_t command = pci_read16(d, PCI_COMMAND);

		for (n = 0; n < 6 && d->class != 3; n++) {
			uint32_t before = pci_read32(d, PCI_BAR0 + 4 * n);
			struct pci_bar bar = pci_bar_get(d, n);

			CHECK(pci_read32(d, PCI_BAR0 + 4 * n) == before);
			CHECK(bar.len == 0 || IS_POW2(bar.len));
			CHECK(bar.len == 0 || bar.base % bar.len == 0);
		}
		CHECK(pci_read16(d, PCI_COMMAND) == command);
	}
}

SELFTEST(dev_pci_narrow_reads_agree)
{
	const struct pci_device *d = pci_device_get(0);
	unsigned i;
	uint32_t v;

	CHECK(d != NULL);
	v = pci_read32(d, 0);
	for (i = 0; i < 4; i++)
		CHECK(pci_read8(d, i) == (v >> 8 * i & 0xff));
	CHECK(pci_read16(d, 2) == v >> 16);
	CHECK(d->vendor == (v & 0xffff) && d->device == v >> 16);
}

SELFTEST(dev_pci_capability)
{
	const struct pci_device *d;
	unsigned i, at;

	for (i = 0; (d = pci_device_get(i)) != NULL; i++) {
		at = pci_capability(d, PCI_CAPABILITY_MSI);
		CHECK(at == 0 || pci_read8(d, at) == PCI_CAPABILITY_MSI);
		CHECK(pci_capability(d, 0xee) == 0);
	}
}

/* ---- Waiting and work ---- */

SELFTEST(dev_wait_gives_up)
{
	unsigned looks = 0;

	CHECK(!device_wait((looks++, false), 2));
	CHECK(looks >= 2);
	CHECK(device_wait(true, 0));
	looks = 0;
	CHECK(device_wait(++looks == 5, 10000));
}

static _Atomic unsigned work_runs;
static _Atomic bool work_hold;

static void
count_run(struct work *w)
{
	(void)w;
	while (work_hold)
		thread_yield();
	work_runs++;
}

SELFTEST(dev_work_runs_once_for_many_calls)
{
	static struct work first, second;

	work_runs = 0;
	work_hold = true;
	work_init(&first, count_run);
	work_init(&second, count_run);
	work_queue(&first); /* keeps the thread busy */
	work_queue(&second);
	work_queue(&second);
	work_hold = false;
	CHECK(device_wait(work_runs >= 2, 10000));
	work_queue(&second);
	CHECK(device_wait(work_runs >= 3, 10000));
	CHECK(work_runs == 3);
}

/* ---- The block layer, on a disk made of memory ---- */

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
	CHECK(ram.disk.writes == ram.disk.reads && ram.disk.reads >= 4);
	CHECK(ram.disk.read_sectors == 2 * len / SECTOR_SIZE);
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

/* ---- ATA's IDENTIFY data ---- */

static uint16_t identify[256];

/* A drive with LBA48, a write cache, and 0x123456789 sectors. */
static void
identify_good(void)
{
	memset(identify, 0, sizeof(identify));
	identify[27] = 'A' << 8 | 'B';
	identify[28] = 'C' << 8 | 0x07;
	identify[49] = 0x300;
	identify[60] = 0x5678;
	identify[61] = 0x0234;
	identify[83] = 0x4000 | 1 << 10 | 1 << 12;
	identify[100] = 0x6789;
	identify[101] = 0x2345;
	identify[102] = 0x0001;
}

SELFTEST(dev_ata_identity)
{
	struct ata_identity id;

	identify_good();
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.lba48 && id.flush && id.sectors == 0x123456789);
	CHECK(strcmp(id.model, "ABC") == 0);
	identify[83] = 1 << 10; /* not marked valid */
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(!id.lba48 && !id.flush && id.sectors == 0x2345678);
	identify[61] = 0xffff;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.sectors == ATA_LBA28_SECTORS);
}

SELFTEST(dev_ata_identity_refuses)
{
	struct ata_identity id;

	identify_good();
	identify[103] = 0xffff;
	CHECK(ata_identity_read(identify, &id) == NULL);
	CHECK(id.sectors == ATA_LBA48_SECTORS);
	memset(&identify[100], 0, 8);
	CHECK(ata_identity_read(identify, &id) != NULL);
	identify_good();
	identify[49] = 0x200;
	CHECK(ata_identity_read(identify, &id) != NULL);
	identify_good();
	identify[106] = 0x5000;
	identify[117] = 2048; /* sectors of 4096 bytes */
	CHECK(ata_identity_read(identify, &id) != NULL);
	memset(identify, 0xff, sizeof(identify));
	CHECK(ata_identity_read(identify, &id) != NULL);
}

/* ---- Keyboard ---- */

/* Whether scan codes @p codes (ended by 0) type @p text on a fresh keyboard. */
static bool
types(const char *codes, const char *text)
{
	struct keyboard k = { 0 };
	char typed[64];
	size_t n = 0;

	for (; *codes; codes++)
		n += keyboard_decode(&k, *codes, typed + n);
	return n == strlen(text) && memcmp(typed, text, n) == 0;
}

SELFTEST(dev_keyboard_characters)
{
	CHECK(types("\x1e\x9e\x30\xb0\x39", "ab "));
	CHECK(types("\x2a\x1e\x9e\xaa\x1e", "Aa"));	 /* shift, released */
	CHECK(types("\x36\x02\x82\xb6\x02", "!1"));	 /* right shift */
	CHECK(types("\x3a\xba\x1e\x02\x2a\x1e", "A1a")); /* caps lock */
	CHECK(types("\x1d\x2e\xae\x9d\x2e", "\x03"
					    "c")); /* control C */
	CHECK(types("\x38\x1e\xb8", "\033a"));	   /* alt */
	CHECK(types("\x0e\x1c\x0f\x01", "\177\r\t\033"));
	CHECK(types("\x2b\x35", "\\/"));
}

SELFTEST(dev_keyboard_sequences)
{
	CHECK(types("\xe0\x48\xe0\xc8\xe0\x50", "\033[A\033[B"));
	CHECK(types("\xe0\x2a\xe0\x4b\xe0\xcb\xe0\xaa\x1e", "\033[Da"));
	CHECK(types("\xe0\x47\xe0\x4f\xe0\x53", "\033[1~\033[4~\033[3~"));
	CHECK(types("\x3b\x58", "\033[[A\033[24~"));
	CHECK(types("\x48\x45\xc5\x48", "\033[A8")); /* num lock */
	CHECK(types("\xe0\x35\xe0\x1c", "/\r"));
	CHECK(types("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a")); /* pause */
	CHECK(types("\x7f\x59\xe0\x10", ""));		   /* unknown */
}

/* Any byte at all: the decoder stays within its buffer. */
SELFTEST(dev_keyboard_any_byte)
{
	struct keyboard k = { .num_lock = true };
	char text[KEY_TEXT_MAX];
	uint32_t seed = 1, i;

	for (i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		CHECK(keyboard_decode(&k, seed >> 24, text) <= KEY_TEXT_MAX);
	}
}

/* ---- Screen ---- */

static struct screen screen;

static void
shows(const char *text)
{
	screen_init(&screen);
	screen_write(&screen, text, strlen(text));
}

/* Whether @p row, from @p column on, reads @p text. */
static bool
reads(int row, int column, const char *text)
{
	for (; *text; text++)
		if ((uint8_t)screen.cells[row][column++] != (uint8_t)*text)
			return false;
	return true;
}

static bool
cursor_at(int row, int column)
{
	return screen.row == row && screen.column == column;
}

SELFTEST(dev_screen_text_and_controls)
{
	shows("one\r\ntwo\b\bX\tY\nZ");
	CHECK(reads(0, 0, "one "));
	CHECK(reads(1, 0, "tXo     Y"));
	CHECK(reads(2, 9, "Z"));
	CHECK(cursor_at(2, 10));
	CHECK(screen.cells[0][0] == (0x07 << 8 | 'o'));
}

SELFTEST(dev_screen_wraps_and_scrolls)
{
	int i;

	screen_init(&screen);
	for (i = 0; i < SCREEN_COLUMNS; i++)
		screen_write(&screen, "a", 1);
	CHECK(cursor_at(0, SCREEN_COLUMNS)); /* wraps only now: */
	screen_write(&screen, "b", 1);
	CHECK(cursor_at(1, 1) && reads(1, 0, "b "));
	for (i = 0; i < SCREEN_ROWS; i++)
		screen_write(&screen, "\r\nc", 3);
	CHECK(cursor_at(SCREEN_ROWS - 1, 1));
	CHECK(reads(0, 0, "c ") && reads(SCREEN_ROWS - 1, 0, "c "));
}

SELFTEST(dev_screen_cursor_sequences)
{
	shows("\033[5;10Hx\033[2A\033[3Dy\033[Bz\033[99;99Hc");
	CHECK(reads(4, 9, "x"));
	CHECK(reads(2, 7, "y"));
	CHECK(reads(3, 8, "z"));
	CHECK(reads(SCREEN_ROWS - 1, SCREEN_COLUMNS - 1, "c"));
	shows("\033[4d\033[7Gq\0337\033[H\0338r\033[1Es");
	CHECK(reads(3, 6, "qr") && reads(4, 0, "s"));
}

SELFTEST(dev_screen_erases)
{
	shows("abcdef\033[3D\033[K");
	CHECK(reads(0, 0, "abc   "));
	shows("abcdef\033[3D\033[1K");
	CHECK(reads(0, 0, "    ef"));
	shows("a\r\nb\r\nc\033[2;1H\033[J");
	CHECK(reads(0, 0, "a") && reads(1, 0, " ") && reads(2, 0, " "));
	shows("a\r\nb\033[2J");
	CHECK(reads(0, 0, " ") && reads(1, 0, " ") && cursor_at(1, 1));
}

SELFTEST(dev_screen_inserts_and_deletes)
{
	shows("abcd\033[2G\033[2@");
	CHECK(reads(0, 0, "a  bcd"));
	shows("abcd\033[2G\033[2P");
	CHECK(reads(0, 0, "ad  "));
	shows("a\r\nb\r\nc\033[2;1H\033[L");
	CHECK(reads(0, 0, "a") && reads(1, 0, " ") && reads(2, 0, "b"));
	shows("a\r\nb\r\nc\033[1;1H\033[M");
	CHECK(reads(0, 0, "b") && reads(1, 0, "c"));
	shows("ab\033[1;1H\033M");
	CHECK(reads(0, 0, "  ") && reads(1, 0, "ab"));
	/* Only the region scrolls. */
	shows("a\r\nb\r\nc\r\nd\033[2;3r\033[3;1H\n");
	CHECK(reads(0, 0, "a") && reads(1, 0, "c") && reads(2, 0, " ") &&
	      reads(3, 0, "d"));
}

SELFTEST(dev_screen_refuses_no_region)
{
	shows("\033[3;5r\033[7;4r\033[6;6r\033[1;99r");
	CHECK(screen.top == 2 && screen.bottom == 4);
	screen_write(&screen, "\033[r", 3);
	CHECK(screen.top == 0 && screen.bottom == SCREEN_ROWS - 1);
}

SELFTEST(dev_screen_colours_and_modes)
{
	shows("\033[1;31;44mr\033[0md\033[7mv\033[?25l");
	CHECK(screen.cells[0][0] == (0x1c << 8 | 'r'));
	CHECK(screen.cells[0][1] == (0x07 << 8 | 'd'));
	CHECK(screen.cells[0][2] == (0x70 << 8 | 'v'));
	CHECK(!screen.cursor_on);
	shows("\033[38;5;200mx\033[4hy\rz");
	CHECK(screen.cells[0][0] == (0x07 << 8 | 'z') && reads(0, 1, "xy"));
}

SELFTEST(dev_screen_answers)
{
	shows("\033[3;7H\033[6n");
	CHECK(screen.answer_len == 6);
	CHECK(memcmp(screen.answer, "\033[3;7R", 6) == 0);
}

SELFTEST(dev_screen_log_is_plain)
{
	shows("\033[31mab\033[3");
	screen_log(&screen, "c\n\033[2Jd", 7);
	screen_write(&screen, "2me", 3);
	CHECK(reads(0, 0, "abc") && reads(1, 0, "[2Jde"));
	CHECK(screen.cells[0][2] == (0x07 << 8 | 'c'));
	CHECK(screen.cells[1][4] == (0x02 << 8 | 'e'));
}

/* Any bytes: cursor and region stay on the screen. */
SELFTEST(dev_screen_any_bytes)
{
	static const char often[] = "\033[]?;0123456789ABCDHJKLMPX@Srmhl";
	uint32_t seed = 7, i;
	char c;

	screen_init(&screen);
	for (i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		c = seed & 0x8000 ? often[(seed >> 16) % (sizeof(often) - 1)]
				  : (char)(seed >> 24);
		screen_write(&screen, &c, 1);
		CHECK(screen.row >= 0 && screen.row < SCREEN_ROWS);
		CHECK(screen.column >= 0 && screen.column <= SCREEN_COLUMNS);
		CHECK(screen.top >= 0 && screen.top < screen.bottom &&
		      screen.bottom < SCREEN_ROWS);
		CHECK(screen.answer_len <= sizeof(screen.answer));
	}
}

/* ---- Clock ---- */

/* 2024-02-29 23:59:58, in binary, 24 hours. */
static const struct rtc_registers leap_day = { .second = 58,
					       .minute = 59,
					       .hour = 23,
					       .day = 29,
					       .month = 2,
					       .year = 24,
					       .century = 20,
					       .status_b = 6,
					       .has_century = true };

SELFTEST(dev_rtc_decodes)
{
	struct rtc_registers r = leap_day;

	CHECK(rtc_decode(&r) == 1709251198);
	r.has_century = false;
	CHECK(rtc_decode(&r) == 1709251198);
	r = (struct rtc_registers){ 0x58, 0x59, 0x91, 0x29, 0x02,
				    0x24, 0x20, 0,    true };
	CHECK(rtc_decode(&r) == 1709251198); /* BCD, 11 pm */
	r.hour = 0x12;			     /* 12 am */
	CHECK(rtc_decode(&r) == 1709251198 - 23 * 3600);
	r = (struct rtc_registers){ 0, 0, 0, 1, 1, 70, 19, 6, true };
	CHECK(rtc_decode(&r) == 0);
	r.day = 2;
	CHECK(rtc_decode(&r) == 86400);
}

SELFTEST(dev_rtc_refuses_no_date)
{
	struct rtc_registers r = leap_day;

	r.year = 23;
	CHECK(rtc_decode(&r) == 0); /* no leap year */
	r = leap_day;
	r.month = 13;
	CHECK(rtc_decode(&r) == 0);
	r.month = 0;
	CHECK(rtc_decode(&r) == 0);
	r = leap_day;
	r.hour = 24;
	CHECK(rtc_decode(&r) == 0);
	memset(&r, 0xff, offsetof(struct rtc_registers, has_century));
	CHECK(rtc_decode(&r) == 0);
}

SELFTEST(dev_rtc_is_plausible)
{
	int64_t now = rtc_read();

	/* 0: no clock, or a battery that ran out. Else 2020 to 2100. */
	CHECK(now == 0 || (now > 1577836800 && now < 4102444800));
	CHECK(now == 0 || clock_realtime_ns() / 1000000000 >= 1577836800);
}
