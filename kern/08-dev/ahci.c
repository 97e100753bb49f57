/*
 * AHCI, in the running state: the controller is found and reset, requests go
 * into free slots, interrupts finish them. Several commands are in flight; the
 * controller takes the next one by itself while we handle the last (5.3).
 *
 * An error or a time-out hands the port to ahci_port.c's recovery.
 */
#include "ahci.h"
#include "string.h"

#define FIS_H2D	       0x27
#define FIS_IS_COMMAND 0x80

static uint32_t
all_slots(const struct ahci_port *p)
{
	return (uint32_t)(BIT(p->hba->nslots) - 1);
}

/* ---- Issuing ---- */

static void
fill_fis(uint8_t *fis, uint8_t command, uint64_t sector, uint32_t nsectors)
{
	memset(fis, 0, 20);
	fis[0] = FIS_H2D;
	fis[1] = FIS_IS_COMMAND;
	fis[2] = command;
	fis[4] = sector;
	fis[5] = sector >> 8;
	fis[6] = sector >> 16;
	fis[7] = ATA_DEVICE_LBA;
	fis[8] = sector >> 24;
	fis[9] = sector >> 32;
	fis[10] = sector >> 40;
	fis[12] = nsectors;
	fis[13] = nsectors >> 8;
	/* A 28-bit command has its upper four bits in the device register. */
	if (command == ATA_READ_DMA || command == ATA_WRITE_DMA)
		fis[7] |= sector >> 24 & 0xf;
}

void
ahci_fill(struct ahci_port *p, unsigned slot, uint8_t command, uint64_t sector,
	  uint32_t nsectors, const struct block_segment *segments,
	  unsigned nsegments)
{
	struct ahci_table *table = &p->memory->tables[slot];
	struct ahci_header *header = &p->memory->headers[slot];
	bool write = command == ATA_WRITE_DMA || command == ATA_WRITE_DMA_EXT;
	unsigned i;

	fill_fis(table->fis, command, sector, nsectors);
	for (i = 0; i < nsegments; i++)
		table->segments[i] = (struct ahci_segment){
			.base = segments[i].pa,
			.base_high = segments[i].pa >> 32,
			.last = segments[i].len - 1,
		};
	header->flags = HEADER_FIS_DWORDS | (write ? HEADER_WRITE : 0);
	header->nsegments = nsegments;
	header->transferred = 0;
}

void
ahci_issue(struct ahci_port *p, unsigned slot)
{
	/* The controller reads what was written before: x86 keeps the order of
	 * stores, the compiler must too. */
	atomic_signal_fence(memory_order_seq_cst);
	p->registers->ci = 1u << slot;
}

/* Something has moved: the drive has the full time again for the next command
 * to end. It works on one at a time, so how long each has waited says nothing.
 * Port locked. */
static void
watch(struct ahci_port *p)
{
	p->deadline = clock_ns() + p->hba->timeout;
	if (!p->timer_armed) {
		p->timer_armed = true;
		timer_arm(&p->timer, p->deadline);
	}
}

/* Put @p r into a free slot. Port locked. */
static void
start(struct ahci_port *p, struct block_request *r)
{
	unsigned slot = ctz64(~p->active);

	if (!p->active)
		watch(p);
	p->active |= 1u << slot;
	p->slots[slot] = r;
	ahci_fill(p, slot, ata_command(r->op, p->identity.lba48), r->sector,
		  r->nsectors, r->segments, r->nsegments);
	ahci_issue(p, slot);
}

/* The next request that may be issued now, or NULL. Port locked. */
static struct block_request *
next_request(struct ahci_port *p)
{
	struct list *from = &p->pending;
	struct block_request *r;

	if (p->alone && p->active)
		return NULL;
	p->alone = !list_empty(&p->suspects);
	if (p->alone)
		from = &p->suspects;
	if (p->active == all_slots(p) || (p->alone && p->active))
		return NULL;
	r = list_first(from, struct block_request, link);
	if (r)
		list_del(&r->link);
	return r;
}

void
ahci_issue_waiting(struct ahci_port *p)
{
	struct block_request *r;

	while (p->state == AHCI_READY && (r = next_request(p)))
		start(p, r);
}

static void
ahci_submit(struct block_device *d, struct block_request *r)
{
	struct ahci_port *p = d->driver_data;
	bool dead, nothing = r->op == BLOCK_FLUSH && !p->identity.flush;
	uint64_t rflags;

	if (nothing) {
		block_finish(r, 0);
		return;
	}
	rflags = spin_lock_irqsave(&p->lock);
	dead = p->state == AHCI_DEAD;
	if (!dead) {
		list_add_tail(&r->link, &p->pending);
		ahci_issue_waiting(p);
	}
	spin_unlock_irqrestore(&p->lock, rflags);
	if (dead)
		block_finish(r, -EIO);
}

/* ---- Finishing ---- */

/* Leave the port to the recovery thread. Port locked. */
static void
fail_port(struct ahci_port *p, const char *what, uint32_t status)
{
	if (p->state != AHCI_READY)
		return;
	p->state = AHCI_RECOVERING;
	kprintf("%s: %s (interrupt status %#x, task file %#x), restarting\n",
		p->disk.name, what, status, p->registers->tfd);
	work_queue(&p->recovery);
}

/* Whether the controller moved as much as was asked. */
static bool
whole(const struct ahci_port *p, unsigned slot)
{
	const struct block_request *r = p->slots[slot];

	return r->op != BLOCK_READ || p->memory->headers[slot].transferred ==
					      r->nsectors * SECTOR_SIZE;
}

/* Take the slots that the controller is done with. Port locked. */
static void
take_finished(struct ahci_port *p, struct list *finished)
{
	uint32_t done = p->active & ~p->registers->ci;

	if (!done)
		return;
	while (done) {
		unsigned slot = ctz64(done);
		struct block_request *r = p->slots[slot];

		done &= done - 1;
		p->active &= ~(1u << slot);
		r->error = whole(p, slot) ? 0 : -EIO;
		p->slots[slot] = NULL;
		list_add_tail(&r->link, finished);
	}
	if (p->active)
		watch(p);
}

static void
port_interrupt(struct ahci_port *p)
{
	struct list finished = LIST_INIT(finished);
	struct block_request *r, *next;
	uint64_t rflags = spin_lock_irqsave(&p->lock);
	uint32_t status = p->registers->is;

	p->registers->is = status;
	if (p->state == AHCI_READY) {
		if (status & IS_ERRORS)
			fail_port(p, "error", status);
		else
			take_finished(p, &finished);
		ahci_issue_waiting(p);
	}
	spin_unlock_irqrestore(&p->lock, rflags);
	list_for_each_safe (r, next, &finished, link)
		block_finish(r, r->error);
}

/* The ports' bits first, then the controller's: a port that has something new
 * sets its bit again, and with MSI that is a new message (5.6.4). */
static void
hba_interrupt(void *arg)
{
	struct ahci_hba *hba = arg;
	uint32_t status = hba->registers->is, rest;

	for (rest = status; rest; rest &= rest - 1) {
		struct ahci_port *p = hba->ports[ctz64(rest)];

		if (p)
			port_interrupt(p);
	}
	hba->registers->is = status;
}

/* Interrupt context: has nothing ended for too long? The timer is armed while
 * something is active, and for an early moment rather than again and again. */
static void
port_timer(struct timer *t)
{
	struct ahci_port *p = container_of(t, struct ahci_port, timer);
	uint64_t rflags = spin_lock_irqsave(&p->lock);

	p->timer_armed = false;
	if (p->active && p->deadline <= clock_ns()) {
		fail_port(p, "no answer", 0);
	} else if (p->active) {
		p->timer_armed = true;
		timer_arm(&p->timer, p->deadline);
	}
	spin_unlock_irqrestore(&p->lock, rflags);
}

/* ---- Attaching ---- */

void
ahci_disk_start(struct ahci_port *p)
{
	spin_init(&p->lock, "ahci port");
	list_init(&p->pending);
	list_init(&p->suspects);
	timer_init(&p->timer, port_timer);
	work_init(&p->recovery, ahci_recover);
	p->state = AHCI_READY;
	p->disk.sectors = p->identity.sectors;
	p->disk.submit = ahci_submit;
	p->disk.driver_data = p;
	p->hba->ports[p->number] = p;
	block_register(&p->disk);
	kprintf("ahci: %s on port %u: %s\n", p->disk.name, p->number,
		p->identity.model);
}

/* Have the firmware let go of the controller (10.6.3). */
static void
take_from_firmware(volatile struct ahci_registers *r)
{
	if (!(r->cap2 & CAP2_HANDOFF))
		return;
	r->bohc |= BOHC_OS;
	if (!device_wait(!(r->bohc & BOHC_BIOS), 25) ||
	    !device_wait(!(r->bohc & BOHC_BUSY), 2000))
		kprintf("ahci: the firmware does not let go; going on\n");
}

static int
hba_reset(struct ahci_hba *hba)
{
	volatile struct ahci_registers *r = hba->registers;

	take_from_firmware(r);
	r->ghc |= GHC_AHCI;
	r->ghc |= GHC_RESET;
	if (!device_wait(!(r->ghc & GHC_RESET), 1000))
		return -ETIMEDOUT;
	r->ghc |= GHC_AHCI;
	hba->nslots = CAP_SLOTS(r->cap);
	hba->wide = r->cap & CAP_64;
	if (!hba->wide && page_array_len > (1ull << 32 >> PAGE_SHIFT)) {
		kprintf("ahci: the controller cannot reach memory above "
			"4 GiB\n");
		return -ENXIO;
	}
	return 0;
}

/* Whether every port of @p ports has a link; a port without a drive never
 * has one. */
static bool
links_up(volatile struct ahci_registers *r, uint32_t ports)
{
	for (; ports; ports &= ports - 1)
		if (SSTS_DET(r->ports[ctz64(ports)].ssts) != DET_UP)
			return false;
	return true;
}

static int
port_attach(struct ahci_hba *hba, unsigned number)
{
	struct ahci_port *p = knew(struct ahci_port);
	struct page *page =
		page_alloc(AHCI_MEMORY_ORDER, PAGE_KERNEL, ALLOC_ZERO);
	const char *why;

	if (!page) {
		kfree(p);
		return -ENOMEM;
	}
	p->hba = hba;
	p->number = number;
	p->registers = &hba->registers->ports[number];
	p->memory = page_address(page);
	why = ahci_port_start(p);
	if (!why) {
		ahci_disk_start(p);
		return 0;
	}
	kprintf("ahci: port %u: the drive %s; left alone\n", number, why);
	page_unref(page);
	kfree(p);
	return 0;
}

/* Find the drives on all of @p ports. */
static int
ports_attach(struct ahci_hba *hba, uint32_t ports)
{
	volatile struct ahci_registers *r = hba->registers;
	int error = 0;
	uint32_t rest;

	for (rest = ports; rest; rest &= rest - 1)
		ahci_port_power(&r->ports[ctz64(rest)]);
	/* A drive answers a reset of the link within 10 ms (SATA 3.0,
	 * 8.4.1), and then may take its time. */
	device_wait(links_up(r, ports), 10);
	for (rest = ports; rest && !error; rest &= rest - 1)
		if (SSTS_DET(r->ports[ctz64(rest)].ssts) != DET_NONE)
			error = port_attach(hba, ctz64(rest));
	return error;
}

/* The ports that there are: those that the controller names and that lie
 * within its registers' window. */
static uint32_t
ports_implemented(const struct ahci_hba *hba, uint64_t window)
{
	uint64_t fit = (window - offsetof(struct ahci_registers, ports)) /
		       sizeof(struct ahci_port_registers);

	return hba->registers->pi &
	       (fit >= AHCI_PORTS ? 0xffffffffu : (uint32_t)(BIT(fit) - 1));
}

static bool
ahci_match(const struct pci_device *d)
{
	return d->class == 1 && d->subclass == 6 && d->interface == 1;
}

static int
ahci_attach(struct pci_device *d)
{
	struct pci_bar bar = pci_bar_get(d, 5);
	struct ahci_hba *hba;
	int error;

	if (bar.io || bar.base == 0 || bar.len < 0x180)
		return -ENXIO;
	pci_enable(d);
	hba = knew(struct ahci_hba);
	hba->device = d;
	hba->timeout = ata_timeout_ms() * 1000000;
	hba->registers =
		mmio_map(bar.base, MIN(bar.len, sizeof(struct ahci_registers)));
	error = hba_reset(hba);
	if (!error)
		error = pci_irq_install(d, hba_interrupt, hba, "ahci");
	/* From here on the handler knows hba: it stays, also after an error. */
	if (error) {
		kfree(hba);
		return error;
	}
	hba->registers->is = 0xffffffff;
	error = ports_attach(hba, ports_implemented(hba, bar.len));
	hba->registers->ghc |= GHC_INTERRUPTS;
	return error;
}

DRIVER(ahci, ahci_match, ahci_attach);
