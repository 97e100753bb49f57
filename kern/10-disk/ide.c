/*
 * IDE with bus-master DMA, as on Intel's PIIX: two channels of two drives, one
 * command at a time a channel. Sources: ATA/ATAPI-7 volume 2; Intel 82371SB
 * (PIIX3) data sheet, 2.7: Programming Interface for Bus Master IDE
 * Controller, revision 1.0.
 *
 * The controller has 32 address bits: a request with memory above 4 GiB goes
 * through a buffer below, which each channel with a disk has if there is any.
 */
#include "ata.h"
#include "string.h"

#define CHANNELS 2
#define DRIVES	 2

/* Registers, from the channel's command base. */
#define REG_DATA     0
#define REG_COUNT    2
#define REG_LBA_LOW  3
#define REG_LBA_MID  4
#define REG_LBA_HIGH 5
#define REG_DEVICE   6
#define REG_STATUS   7 /* read; takes the interrupt back */
#define REG_COMMAND  7 /* write */

/* The control register; read, it is the status once more. */
#define CONTROL_NO_IRQ 0x02
#define CONTROL_RESET  0x04 /* SRST: while it stands, of both drives */

#define DEVICE_ALWAYS  0xa0 /* bits that old drives want set */
#define DEVICE_SECOND  0x10

/* Bus-master registers, from the channel's base. In the status, ones clear
 * ERROR and INTERRUPT; the latter comes once what was read is in memory. */
#define BM_COMMAND	0
#define BM_STATUS	2
#define BM_TABLE	4 /* 32 bits: physical address */
#define BM_START	0x1
#define BM_TO_MEMORY	0x8
#define BM_ACTIVE	0x1
#define BM_ERROR	0x2
#define BM_INTERRUPT	0x4

#define SEGMENT_LAST	0x80000000u

#define PRESENT_TIMEOUT 1000  /* ms: to answer IDENTIFY */
#define RESET_TIMEOUT	31000 /* ms: ATA-7, 9.2 */
#define SILENCES_MAX	3     /* resets in a row that it survives */

#define BUFFER_ORDER	5
_Static_assert(PAGE_SIZE << BUFFER_ORDER == BLOCK_REQUEST_PAGES_MAX * PAGE_SIZE,
	       "a request fits");

/* An entry of the bus master's table. */
struct ide_segment {
	uint32_t base;
	uint32_t len_flags; /* bytes, in bits 15:0 */
};

/* Busy: a drive has the active request. Idle: there is none, and so nothing
 * waits. Resetting: it has failed to end; the thread resets both drives. */
enum ide_state { IDE_IDLE, IDE_BUSY, IDE_RESETTING };

/* Constant once attached, but for what is said. */
struct ide_drive {
	struct ide_channel *channel;
	unsigned number; /* 0 or 1 */
	bool dead;	 /* not there, or given up; under the channel's lock */
	struct ata_identity identity;
	struct block_device disk;
};

/* Two drives share the lines and the registers: one command is under way, and
 * a reset is of both. */
struct ide_channel {
	/* Read by the bus master. Aligned so that it crosses no 64 KiB. */
	struct ide_segment table[BLOCK_REQUEST_PAGES_MAX]
		__attribute__((aligned(512)));

	/* Constant once attached. */
	uint16_t command_base, control, bus_master; /* ports */
	uint64_t timeout;			    /* ns for a command */
	uint8_t *buffer; /* of a request's size; NULL: all memory is low */
	struct ide_drive drives[DRIVES];

	/* Guarded by lock, which interrupt handlers take. The registers
	 * belong to the recovery thread while it is IDE_RESETTING. */
	struct spinlock lock;
	enum ide_state state;
	bool again;	   /* the active request has failed once */
	unsigned silences; /* resets since a command has last ended */
	struct block_request *active; /* NULL just when it is IDE_IDLE */
	uint64_t deadline;	      /* clock_ns by which that must end */
	bool timer_armed;	      /* for it, or an earlier moment */
	struct timer timer;
	struct work recovery;
	struct list pending;  /* requests of both drives */
	struct list suspects; /* those of a command that has failed */
};

/* In the image and not on the heap: the bus master must reach it. */
static struct ide_channel channels[CHANNELS];
static bool taken; /* by the first controller: they are for one */

/* ---- Registers ---- */

static uint8_t
status_now(const struct ide_channel *c)
{
	return inb(c->control); /* leaves the interrupt alone */
}

/* A drive takes 400 ns to show its status: a port read takes 100 at least. */
static void
select_drive(const struct ide_channel *c, uint8_t device)
{
	int i;

	outb(c->command_base + REG_DEVICE, DEVICE_ALWAYS | device);
	for (i = 0; i < 4; i++)
		status_now(c);
}

/* Written with each command, as the device register chooses who takes it. */
static uint8_t
drive_bits(const struct ide_drive *drive)
{
	return drive->number ? DEVICE_SECOND : 0;
}

static void
write_address(const struct ide_channel *c, uint64_t sector, uint32_t nsectors)
{
	outb(c->command_base + REG_COUNT, nsectors);
	outb(c->command_base + REG_LBA_LOW, sector);
	outb(c->command_base + REG_LBA_MID, sector >> 8);
	outb(c->command_base + REG_LBA_HIGH, sector >> 16);
}

/* Put command, address and length into the drive's registers: it starts. A
 * 48-bit command has each register written twice, the upper half first. */
static void
write_command(const struct ide_channel *c, const struct block_request *r)
{
	const struct ide_drive *drive = r->device->driver_data;
	struct ata_command command =
		ata_command_for(r, &drive->identity, NOT_QUEUED);

	select_drive(c, drive_bits(drive) | command.device);
	if (drive->identity.lba48)
		write_address(c, command.address >> 24, command.count >> 8);
	write_address(c, command.address, command.count);
	outb(c->command_base + REG_COMMAND, command.command);
}

/* ---- Running a request; channel locked ---- */

static bool
needs_buffer(struct block_request *r)
{
	block_each_segment(s, part, r) if (s->pa >= 1ull << 32) return true;
	return false;
}

/* Copy between the low buffer and the request's memory. */
static void
copy_buffer(struct ide_channel *c, struct block_request *r)
{
	uint8_t *at = c->buffer;

	block_each_segment(s, part, r)
	{
		if (r->op == BLOCK_READ)
			memcpy(direct_map(s->pa), at, s->len);
		else
			memcpy(at, direct_map(s->pa), s->len);
		at += s->len;
	}
}

/* The bus master's table for @p r. Segments are within a page each: none
 * crosses 64 KiB, which none may. */
static void
fill_table(struct ide_channel *c, struct block_request *r)
{
	struct ide_segment *to = c->table;
	uint32_t at, left = r->nsectors * SECTOR_SIZE;

	if (!needs_buffer(r)) {
		block_each_segment(s, part, r) *to++ =
			(struct ide_segment){ s->pa, s->len };
	} else {
		for (at = 0; at < left; at += PAGE_SIZE)
			*to++ = (struct ide_segment){
				kernel_phys(c->buffer) + at,
				MIN(left - at, (uint32_t)PAGE_SIZE),
			};
		if (r->op == BLOCK_WRITE)
			copy_buffer(c, r);
	}
	to[-1].len_flags |= SEGMENT_LAST;
}

/* A timer that is armed yet, for a request that has ended, strikes early and
 * is set again then: arming it for each would cost more. */
static void
watch(struct ide_channel *c)
{
	if (!c->timer_armed) {
		c->timer_armed = true;
		timer_arm(&c->timer, c->deadline);
	}
}

/* The order is that of the bus master's programming interface: its table and
 * direction, with the old bits of status cleared; the drive's command; and only
 * then the start. A flush moves nothing, and needs the interrupt alone. */
static void
run(struct ide_channel *c)
{
	struct block_request *r = c->active;
	uint8_t direction = r->op == BLOCK_READ ? BM_TO_MEMORY : 0;

	c->state = IDE_BUSY;
	c->deadline = clock_ns() + c->timeout;
	watch(c);
	outb(c->bus_master + BM_COMMAND, 0);
	outb(c->bus_master + BM_STATUS, BM_ERROR | BM_INTERRUPT);
	if (r->op == BLOCK_FLUSH) {
		write_command(c, r);
		return;
	}
	fill_table(c, r);
	outl(c->bus_master + BM_TABLE, kernel_phys(c->table));
	outb(c->bus_master + BM_COMMAND, direction);
	write_command(c, r);
	outb(c->bus_master + BM_COMMAND, direction | BM_START);
}

/* Begin with the next request, if there is one; the channel is idle. Suspects
 * first: theirs is the second try, and each is alone anyway. */
static void
run_next(struct ide_channel *c)
{
	struct block_request *r =
		list_first(&c->suspects, struct block_request, link);

	c->again = r != NULL;
	if (!r)
		r = list_first(&c->pending, struct block_request, link);
	if (!r)
		return;
	list_del(&r->link);
	c->active = r;
	block_started(r->device);
	run(c);
}

static void
ide_submit(struct block_device *d, struct block_request *r)
{
	struct ide_drive *drive = d->driver_data;
	struct ide_channel *c = drive->channel;
	uint64_t rflags;
	bool dead;

	if (r->op == BLOCK_FLUSH && !drive->identity.flush) {
		block_finish(r, 0);
		return;
	}
	rflags = spin_lock_irqsave(&c->lock);
	dead = drive->dead;
	if (!dead) {
		if (!block_merge(&c->pending, r))
			list_add_tail(&r->link, &c->pending);
		if (c->state == IDE_IDLE)
			run_next(c);
	}
	spin_unlock_irqrestore(&c->lock, rflags);
	if (dead)
		block_finish(r, -EIO);
}

/* ---- Its end ---- */

/* Leave the channel to the recovery thread, as a reset takes long: until then
 * the request stays active. Channel locked, and busy. */
static void
fail_channel(struct ide_channel *c, const char *what, uint8_t status)
{
	kprintf("%s: %s (status %#x), resetting the channel\n",
		c->active->device->name, what, status);
	c->state = IDE_RESETTING;
	work_queue(&c->recovery);
}

static void
end_active(struct ide_channel *c)
{
	block_ended(c->active->device);
	c->active = NULL;
	c->state = IDE_IDLE;
}

/* The active request has failed. The first time, it and what was merged with
 * it are to be repeated, each alone. @return the request, if that was the
 * second time. Channel locked */
static struct block_request *
fail_active(struct ide_channel *c)
{
	struct block_request *r = c->active;

	end_active(c);
	if (!c->again) {
		block_unmerge(r, &c->suspects);
		return NULL;
	}
	return r;
}

/*
 * The drive has interrupted: take the result. The line may be shared: without
 * the bus master's bit it was another's. During a reset the registers are not
 * ours (DISK1).
 *
 * @return the request, if it has ended. Channel locked
 */
static struct block_request *
take_result(struct ide_channel *c)
{
	uint8_t bus_master = inb(c->bus_master + BM_STATUS);
	struct block_request *r = c->active;
	uint8_t status;

	if (c->state != IDE_BUSY || !(bus_master & BM_INTERRUPT))
		return NULL;
	outb(c->bus_master + BM_COMMAND, 0);
	status = inb(c->command_base + REG_STATUS);
	outb(c->bus_master + BM_STATUS, BM_ERROR | BM_INTERRUPT);
	if (status & (ATA_BSY | ATA_DRQ)) {
		fail_channel(c, "command not ended", status);
		return NULL;
	}
	c->silences = 0;
	/* ACTIVE after the end: the drive moved less than was asked. */
	r->error = (status & (ATA_ERR | ATA_DF)) ||
				   (r->op != BLOCK_FLUSH &&
				    (bus_master & (BM_ERROR | BM_ACTIVE)))
			   ? -EIO
			   : 0;
	if (r->error)
		return fail_active(c);
	if (r->op == BLOCK_READ && needs_buffer(r))
		copy_buffer(c, r);
	end_active(c);
	return r;
}

static void
finish(struct block_request *r, int error)
{
	if (error)
		ata_report_failure(r);
	block_finish(r, error);
}

/* The next command starts before the last one's done is called: the drive need
 * not wait for that. */
static void
channel_interrupt(void *arg)
{
	struct ide_channel *c = arg;
	uint64_t rflags = spin_lock_irqsave(&c->lock);
	struct block_request *r = take_result(c);

	if (c->state == IDE_IDLE)
		run_next(c);
	spin_unlock_irqrestore(&c->lock, rflags);
	if (r)
		finish(r, r->error);
}

/* Interrupt context: is the command past its deadline? */
static void
channel_timer(struct timer *t)
{
	struct ide_channel *c = container_of(t, struct ide_channel, timer);
	uint64_t rflags = spin_lock_irqsave(&c->lock);

	c->timer_armed = false;
	if (c->state == IDE_BUSY && c->deadline <= clock_ns())
		fail_channel(c, "no answer", status_now(c));
	else if (c->state == IDE_BUSY)
		watch(c);
	spin_unlock_irqrestore(&c->lock, rflags);
}

/* ---- Recovery ---- */

/* Software reset of both drives (ATA-7, 9.2): the bit for 5 us at least, then
 * 2 ms before the status is looked at. The registers are ours (DISK1). @return
 * whether it ended */
static bool
channel_reset(const struct ide_channel *c)
{
	outb(c->bus_master + BM_COMMAND, 0);
	outb(c->control, CONTROL_RESET | CONTROL_NO_IRQ);
	spin_delay_ns(5000);
	outb(c->control, 0);
	thread_sleep_until(clock_ns() + 2000000, WAIT_UNINTERRUPTIBLE);
	return device_wait(!(status_now(c) & ATA_BSY), RESET_TIMEOUT);
}

/* The channel is beyond help: all that waits fails. Channel locked. */
static void
channel_dead(struct ide_channel *c, struct list *failed)
{
	unsigned i;

	kprintf("%s: reset failed: all requests fail from now on\n",
		c->active->device->name);
	for (i = 0; i < DRIVES; i++)
		c->drives[i].dead = true;
	list_add_tail(&c->active->link, failed);
	list_splice_tail(&c->suspects, failed);
	list_splice_tail(&c->pending, failed);
	end_active(c);
}

/* The state is IDE_RESETTING until fail_active or channel_dead: nobody touches
 * the registers, nor silences, before. Requests that came in between wait in
 * pending. */
static void
channel_recover(struct work *w)
{
	struct ide_channel *c = container_of(w, struct ide_channel, recovery);
	struct list failed = LIST_INIT(failed);
	struct block_request *r, *next;
	bool ok = channel_reset(c) && ++c->silences <= SILENCES_MAX;
	uint64_t rflags = spin_lock_irqsave(&c->lock);

	if (!ok) {
		channel_dead(c, &failed);
	} else {
		r = fail_active(c);
		if (r)
			list_add_tail(&r->link, &failed);
		run_next(c);
	}
	spin_unlock_irqrestore(&c->lock, rflags);
	list_for_each_safe (r, next, &failed, link)
		finish(r, -EIO);
}

/* ---- Attaching ---- */

/* Without DMA and interrupts: the words are read one by one. @return NULL; ""
 * if there is no drive; or why it is not driven */
static const char *
drive_identify(struct ide_channel *c, unsigned number)
{
	struct ide_drive *drive = &c->drives[number];
	uint16_t words[256];
	unsigned i;

	select_drive(c, drive_bits(drive));
	write_address(c, 0, 0);
	outb(c->command_base + REG_COMMAND, ATA_IDENTIFY);
	/* No drive: nobody drives the lines (0xff), or the other one answers
	 * for it (0). */
	if (status_now(c) == 0 || status_now(c) == 0xff)
		return "";
	if (!device_wait(!(status_now(c) & ATA_BSY), PRESENT_TIMEOUT))
		return "does not answer";
	/* Drives that take packets refuse, and leave their signature. */
	if (inb(c->command_base + REG_LBA_MID) == 0x14 &&
	    inb(c->command_base + REG_LBA_HIGH) == 0xeb)
		return "is a CD-ROM";
	if (!(status_now(c) & ATA_DRQ))
		return "does not identify itself";
	for (i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = inw(c->command_base + REG_DATA);
	inb(c->command_base + REG_STATUS);
	return ata_identity_read(words, &drive->identity);
}

/* Look for a drive. @return whether there is one that can be used */
static bool
drive_find(struct ide_channel *c, unsigned number)
{
	struct ide_drive *drive = &c->drives[number];
	const char *why;

	drive->channel = c;
	drive->number = number;
	why = drive_identify(c, number);
	if (why && *why)
		kprintf("ide: channel %d drive %u %s; left alone\n",
			(int)(c - channels), number, why);
	drive->dead = why != NULL;
	return !why;
}

static void
drive_start(struct ide_channel *c, struct ide_drive *drive)
{
	drive->disk.sectors = drive->identity.sectors;
	drive->disk.merges = true;
	drive->disk.forces = drive->identity.force;
	drive->disk.submit = ide_submit;
	drive->disk.driver_data = drive;
	block_register(&drive->disk);
	kprintf("ide: %s on channel %d: %s\n", drive->disk.name,
		(int)(c - channels), drive->identity.model);
}

static void
channel_init(struct ide_channel *c, uint16_t command, uint16_t control,
	     uint16_t bus_master)
{
	c->command_base = command;
	c->control = control;
	c->bus_master = bus_master;
	c->timeout = ata_timeout_ms() * 1000000;
	spin_init(&c->lock, "ide channel");
	list_init(&c->pending);
	list_init(&c->suspects);
	timer_init(&c->timer, channel_timer);
	work_init(&c->recovery, channel_recover);
}

/* Of a command's size, so that it never has to be waited for: one is under way.
 * @return 0 or -ENOMEM */
static int
buffer_alloc(struct ide_channel *c)
{
	struct page *page;

	if (page_array_len <= 1ull << 32 >> PAGE_SHIFT)
		return 0;
	page = page_alloc(BUFFER_ORDER, PAGE_KERNEL, ALLOC_LOW);
	if (!page)
		return -ENOMEM;
	c->buffer = page_address(page);
	return 0;
}

/* @return 0, also without a drive; or an error, and none is driven */
static int
channel_attach(struct ide_channel *c, unsigned irq)
{
	bool found = false;
	unsigned i;
	int error;

	/* An empty bus reads as all ones, or zeros. */
	select_drive(c, 0);
	if (status_now(c) == 0xff)
		return 0;
	outb(c->control, CONTROL_NO_IRQ);
	for (i = 0; i < DRIVES; i++)
		found |= drive_find(c, i);
	if (!found)
		return 0;
	error = irq_isa_route(irq, channel_interrupt, c, "ide");
	if (!error)
		error = buffer_alloc(c);
	if (error)
		return error;
	/* Interrupts on, with no old one left over from the look. */
	select_drive(c, 0);
	inb(c->command_base + REG_STATUS);
	outb(c->bus_master + BM_STATUS, BM_ERROR | BM_INTERRUPT);
	outb(c->control, 0);
	for (i = 0; i < DRIVES; i++)
		if (!c->drives[i].dead)
			drive_start(c, &c->drives[i]);
	return 0;
}

/* Mass storage, IDE. */
static bool
ide_match(const struct pci_device *d)
{
	return d->class == 1 && d->subclass == 1;
}

/* Bits 0 and 2 of the programming interface: a channel that is not at the
 * legacy ports; bit 7: there is a bus master. Ports and interrupts of the two
 * channels are then those of the PC/AT, which no BAR tells; BAR 4 has the bus
 * master's 8 ports of each. */
static int
ide_attach(struct pci_device *d)
{
	struct pci_bar bar = pci_bar_get(d, 4);
	int error;

	if (taken || (d->interface & 0x5) || !(d->interface & 0x80))
		return -ENXIO;
	if (!bar.io || bar.base == 0 || bar.len < 16)
		return -ENXIO;
	taken = true;
	pci_enable(d);
	channel_init(&channels[0], 0x1f0, 0x3f6, bar.base);
	channel_init(&channels[1], 0x170, 0x376, bar.base + 8);
	error = channel_attach(&channels[0], 14);
	return error ? error : channel_attach(&channels[1], 15);
}

DRIVER(ide, ide_match, ide_attach);
