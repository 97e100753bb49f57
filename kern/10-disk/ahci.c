/*
 * AHCI, in the running state: the controller is found and reset, requests go
 * into free slots, interrupts finish them. Several commands are in flight; with
 * native command queuing (NCQ) the drive has them all and chooses the order,
 * else the controller hands it the next by itself while we handle the last
 * (5.3).
 *
 * An error or a time-out hands the port to ahci_port.c's recovery.
 */
#include "ahci.h"
#include "string.h"

/* Serial ATA's "Register - Host to Device" FIS. */
#define FIS_H2D	       0x27
#define FIS_IS_COMMAND 0x80 /* bit C: else it is the control register */

/* ---- Issuing ---- */

/* The FIS has the places of the old registers, and then, for what 48-bit
 * commands wrote into each a second time, their places once more. */
static void
fill_fis(uint8_t *fis, const struct ata_command *c)
{
	memset(fis, 0, 20);
	fis[0] = FIS_H2D;
	fis[1] = FIS_IS_COMMAND;
	fis[2] = c->command;
	fis[3] = c->features;
	fis[4] = c->address;
	fis[5] = c->address >> 8;
	fis[6] = c->address >> 16;
	fis[7] = c->device;
	fis[8] = c->address >> 24;
	fis[9] = c->address >> 32;
	fis[10] = c->address >> 40;
	fis[11] = c->features >> 8;
	fis[12] = c->count;
	fis[13] = c->count >> 8;
}

void
ahci_fill(struct ahci_port *p, unsigned slot, const struct ata_command *c,
	  struct block_request *r)
{
	struct ahci_table *table = &p->memory->tables[slot];
	struct ahci_header *header = &p->memory->headers[slot];
	struct ahci_segment *to = table->segments;

	fill_fis(table->fis, c);
	block_each_segment(s, part, r) *to++ = (struct ahci_segment){
		.base = s->pa,
		.base_high = s->pa >> 32,
		.last = s->len - 1,
	};
	header->flags = HEADER_FIS_DWORDS | (c->write ? HEADER_WRITE : 0);
	header->nsegments = to - table->segments;
	header->transferred = 0; /* see whole() */
}

void
ahci_issue(struct ahci_port *p, unsigned slot)
{
	/* The controller reads what was written before: x86 keeps the order of
	 * stores, the compiler must too. */
	atomic_signal_fence(memory_order_seq_cst);
	p->registers->ci = 1u << slot;
}

/* One timer for all slots: time-outs are all the same, so what is issued later
 * is due later, and a timer that runs need not be set again. Port locked. */
static void
watch(struct ahci_port *p, uint64_t deadline)
{
	if (!p->timer_armed) {
		p->timer_armed = true;
		timer_arm(&p->timer, deadline);
	}
}

/* Put @p r into a free slot, whose number is the command's tag. The bit in
 * SACT comes before that in CI (5.3.2.3). Port locked. */
static void
start(struct ahci_port *p, struct block_request *r, bool queued)
{
	unsigned slot = ctz64(~p->active);
	struct ata_command c = ata_command_for(r, &p->identity,
					       queued ? (int)slot : NOT_QUEUED);

	p->active |= 1u << slot;
	p->queued = queued;
	p->slots[slot] = r;
	p->deadlines[slot] = clock_ns() + p->hba->timeout;
	watch(p, p->deadlines[slot]);
	block_started(&p->disk);
	ahci_fill(p, slot, &c, r);
	if (queued)
		p->registers->sact = 1u << slot;
	ahci_issue(p, slot);
}

/* Of the commands used here, FLUSH CACHE alone has no queued form. */
static bool
wants_queue(const struct ahci_port *p, const struct block_request *r)
{
	return p->queues && r->op != BLOCK_FLUSH;
}

/* The next request that may be issued now, or NULL: a queued and a plain
 * command are never in flight together (DISK2), so what waits behind a flush
 * waits for its end. Port locked. */
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
	/* The lowest free slot is taken each time: full means all below. */
	if (p->active == BIT(p->depth) - 1 || (p->alone && p->active))
		return NULL;
	r = list_first(from, struct block_request, link);
	if (!r || (p->active && p->queued != wants_queue(p, r)))
		return NULL;
	list_del(&r->link);
	return r;
}

void
ahci_issue_waiting(struct ahci_port *p)
{
	struct block_request *r;

	while (p->state == AHCI_READY && (r = next_request(p)))
		start(p, r, wants_queue(p, r));
}

/* A drive without a cache is not asked to flush it: it would refuse, and a
 * refusal is an error. block_finish is called without the lock: done may submit
 * again. During recovery requests only queue up. */
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
		if (!block_merge(&p->pending, r))
			list_add_tail(&r->link, &p->pending);
		ahci_issue_waiting(p);
	}
	spin_unlock_irqrestore(&p->lock, rflags);
	if (dead)
		block_finish(r, -EIO);
}

/* ---- Finishing ---- */

/* Leave the port to the recovery thread. One error is enough: what comes after
 * it is dealt with there. Until then the port is silent: IS_LINK stands as long
 * as the link's errors do (3.3.5), and a line that stays raised would keep the
 * thread from running. Port locked. */
static void
fail_port(struct ahci_port *p, const char *what, uint32_t status)
{
	if (p->state != AHCI_READY)
		return;
	p->state = AHCI_RECOVERING;
	p->registers->ie = 0;
	kprintf("%s: %s (interrupt status %#x, task file %#x), recovering\n",
		p->disk.name, what, status, p->registers->tfd);
	work_queue(&p->recovery);
}

/* Whether the controller moved as much as was asked: a drive may end a command
 * early without an error. Of queued commands it does not say (4.2.2, PRDBC). */
static bool
whole(const struct ahci_port *p, unsigned slot)
{
	const struct block_request *r = p->slots[slot];

	return p->queued || r->op != BLOCK_READ ||
	       p->memory->headers[slot].transferred ==
		       r->nsectors * SECTOR_SIZE;
}

/* Take the slots that controller and drive are done with: the first clears the
 * bit in CI, the second, of a queued command, that in SACT. Port locked. */
static void
take_finished(struct ahci_port *p, struct list *finished)
{
	uint32_t done = p->active & ~(p->registers->sact | p->registers->ci);

	if (done)
		p->silences = 0;
	while (done) {
		unsigned slot = ctz64(done);
		struct block_request *r = p->slots[slot];

		done &= done - 1;
		r->error = whole(p, slot) ? 0 : -EIO;
		p->active &= ~(1u << slot);
		p->slots[slot] = NULL;
		block_ended(&p->disk);
		list_add_tail(&r->link, finished);
	}
}

/* After an error: a plain command that has failed may look as if finished
 * (QEMU 7.2 clears its bit), a queued one does not. */
static void
look(struct ahci_port *p, uint32_t status, struct list *finished)
{
	if (!(status & (IS_ERRORS | IS_LINK)) || p->queued)
		take_finished(p, finished);
	if (status & IS_ERRORS)
		fail_port(p, "error", status);
	else if (status & IS_LINK)
		fail_port(p, "the link was lost", status);
	ahci_issue_waiting(p);
}

void
ahci_port_interrupt(struct ahci_port *p)
{
	struct list finished = LIST_INIT(finished);
	struct block_request *r, *next;
	uint64_t rflags = spin_lock_irqsave(&p->lock);
	uint32_t status = p->registers->is;

	/* Taken back before the slots are looked at: a command that ends after
	 * the look interrupts once more. */
	p->registers->is = status;
	if (p->state == AHCI_READY)
		look(p, status, &finished);
	spin_unlock_irqrestore(&p->lock, rflags);
	list_for_each_safe (r, next, &finished, link)
		block_finish(r, r->error);
}

/* A line that is shared calls this for others' interrupts, too: then no bit is
 * set. The ports' bits first, then the controller's: a port that has something
 * new sets its bit again, and with MSI that is a new message (5.6.4). */
static void
hba_interrupt(void *arg)
{
	struct ahci_hba *hba = arg;
	uint32_t status = hba->registers->is, rest;

	for (rest = status; rest; rest &= rest - 1) {
		struct ahci_port *p = hba->ports[ctz64(rest)];

		if (p)
			ahci_port_interrupt(p);
	}
	hba->registers->is = status;
}

static uint64_t
first_deadline(const struct ahci_port *p)
{
	uint64_t first = UINT64_MAX;
	uint32_t rest;

	for (rest = p->active; rest; rest &= rest - 1)
		first = MIN(first, p->deadlines[ctz64(rest)]);
	return first;
}

/* Interrupt context: is a command past its deadline? The timer is armed while
 * something is active, and for an early moment rather than again and again. Of
 * a port in recovery the deadlines have no meaning; start() arms anew. */
static void
port_timer(struct timer *t)
{
	struct ahci_port *p = container_of(t, struct ahci_port, timer);
	uint64_t rflags = spin_lock_irqsave(&p->lock);
	uint64_t deadline = first_deadline(p);

	p->timer_armed = false;
	if (p->state == AHCI_READY && deadline <= clock_ns()) {
		p->silent = true;
		fail_port(p, "no answer", 0);
	} else if (p->state == AHCI_READY && p->active) {
		watch(p, deadline);
	}
	spin_unlock_irqrestore(&p->lock, rflags);
}

/* ---- Attaching ---- */

void
ahci_disk_init(struct ahci_port *p)
{
	spin_init(&p->lock, "ahci port");
	list_init(&p->pending);
	list_init(&p->suspects);
	timer_init(&p->timer, port_timer);
	work_init(&p->recovery, ahci_recover);
	p->state = AHCI_READY;
	p->queues = p->hba->queues && p->identity.depth > 0;
	p->depth = p->queues ? MIN(p->hba->nslots, p->identity.depth)
			     : p->hba->nslots;
	p->disk.sectors = p->identity.sectors;
	p->disk.merges = true;
	p->disk.forces = p->identity.force;
	p->disk.submit = ahci_submit;
	p->disk.driver_data = p;
}

static void
disk_start(struct ahci_port *p)
{
	ahci_disk_init(p);
	p->hba->ports[p->number] = p;
	block_register(&p->disk);
	kprintf("ahci: %s on port %u: %s, %u %s commands at once\n",
		p->disk.name, p->number, p->identity.model, p->depth,
		p->queues ? "queued" : "plain");
}

/* Have the firmware let go of the controller (10.6.3), which may use it in
 * system management mode. It has 25 ms, and two seconds where it says by then
 * that it has commands in flight. */
static void
take_from_firmware(volatile struct ahci_registers *r)
{
	if (!(r->cap2 & CAP2_HANDOFF))
		return;
	r->bohc |= BOHC_OS;
	if (!device_wait(!(r->bohc & BOHC_BIOS), 25) &&
	    (!(r->bohc & BOHC_BUSY) ||
	     !device_wait(!(r->bohc & BOHC_BIOS), 2000)))
		kprintf("ahci: the firmware does not let go; going on\n");
}

/* The reset (10.4.3) ends within a second, or never. GHC_AHCI is set before,
 * as other registers may not be touched without it (3.1.2), and after, as the
 * reset may clear it. No 64-bit addresses: nobody copies here, so such a
 * controller is refused where there is memory that it cannot reach.
 * @return 0, -ETIMEDOUT or -ENXIO */
static int
hba_reset(struct ahci_hba *hba)
{
	volatile struct ahci_registers *r = hba->registers;

	r->ghc |= GHC_AHCI;
	take_from_firmware(r);
	r->ghc |= GHC_RESET;
	if (!device_wait(!(r->ghc & GHC_RESET), 1000))
		return -ETIMEDOUT;
	r->ghc |= GHC_AHCI;
	hba->nslots = CAP_SLOTS(r->cap);
	hba->wide = r->cap & CAP_64;
	hba->queues = r->cap & CAP_QUEUED;
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

/* A drive that does not start is no error: its port is left alone, and the next
 * one is tried. @return 0 or -ENOMEM */
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
		disk_start(p);
		return 0;
	}
	kprintf("ahci: port %u: the drive %s; left alone\n", number, why);
	page_unref(page);
	kfree(p);
	return 0;
}

/* Find the drives on all of @p ports. One that is about to come up (DET is
 * neither 0 nor 3) gets a port, too: port_run waits for its link. */
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

/* Mass storage, SATA, AHCI (2.1.5: class code). */
static bool
ahci_match(const struct pci_device *d)
{
	return d->class == 1 && d->subclass == 6 && d->interface == 1;
}

/* Interrupts are turned on last, when the ports are there that the handler
 * looks up. A BAR of 0x180 bytes has the registers of one port. */
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
