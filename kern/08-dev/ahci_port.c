/*
 * AHCI ports: starting them, finding out what drive is there, and recovery.
 *
 * After an error the port is stopped, its link reset and its commands repeated
 * one at a time: whichever of them fails again is the culprit, and fails with
 * -EIO; the others had only been near it. Nothing else tells for certain which
 * command it was: some controllers clear the bit of the failed one (QEMU 7.2).
 */
#include "ahci.h"
#include "string.h"

#define IDENTIFY_TIMEOUT 10000 /* ms */
#define READY_TIMEOUT	 10000 /* ms: a drive that spins up */

void
ahci_port_power(volatile struct ahci_port_registers *r)
{
	r->sctl = SCTL_NO_POWER;
	r->cmd |= CMD_SPIN_UP | CMD_POWER_ON | CMD_ACTIVE;
}

/* Stop the engines (10.1.2): each says when it has stopped. */
static bool
port_stop(volatile struct ahci_port_registers *r)
{
	r->ie = 0;
	r->cmd &= ~CMD_START;
	if (!device_wait(!(r->cmd & CMD_RUNNING), 500))
		return false;
	r->cmd &= ~CMD_FIS_RECEIVE;
	return device_wait(!(r->cmd & CMD_FIS_RUNNING), 500);
}

/* Reset the link and with it the drive (10.4.2). */
static void
link_reset(volatile struct ahci_port_registers *r)
{
	r->sctl = SCTL_NO_POWER | SCTL_DET_RESET;
	thread_sleep_until(clock_ns() + 1000000, WAIT_UNINTERRUPTIBLE);
	r->sctl = SCTL_NO_POWER;
}

static void
set_address(volatile uint32_t *low, volatile uint32_t *high, const void *memory)
{
	paddr_t pa = kernel_phys(memory);

	*low = pa;
	*high = pa >> 32;
}

/* Tell the controller where our memory is. Engines stopped. */
static void
port_set_memory(struct ahci_port *p)
{
	volatile struct ahci_port_registers *r = p->registers;
	unsigned i;

	set_address(&r->clb, &r->clbu, p->memory->headers);
	set_address(&r->fb, &r->fbu, p->memory->received);
	for (i = 0; i < AHCI_SLOTS; i++) {
		struct ahci_header *h = &p->memory->headers[i];

		set_address(&h->table, &h->table_high, &p->memory->tables[i]);
	}
}

/* With the link up: wait until the drive is ready, start the engines. */
static const char *
port_run(struct ahci_port *p)
{
	volatile struct ahci_port_registers *r = p->registers;

	if (!device_wait(SSTS_DET(r->ssts) == DET_UP, 1000))
		return "has no link";
	r->serr = 0xffffffff;
	r->cmd |= CMD_FIS_RECEIVE;
	if (!device_wait(!(r->tfd & (ATA_BSY | ATA_DRQ)), READY_TIMEOUT))
		return "does not become ready";
	r->is = 0xffffffff;
	r->cmd |= CMD_START;
	return NULL;
}

/* IDENTIFY in slot 0, without interrupts. */
static const char *
port_identify(struct ahci_port *p)
{
	volatile struct ahci_port_registers *r = p->registers;
	struct block_segment to = { kernel_phys(p->memory->identity),
				    sizeof(p->memory->identity) };

	ahci_fill(p, 0, ATA_IDENTIFY, 0, 0, &to, 1);
	ahci_issue(p, 0);
	if (!device_wait(!(r->ci & 1) || (r->is & IS_ERRORS), IDENTIFY_TIMEOUT))
		return "does not answer";
	if ((r->is & IS_ERRORS) || (r->tfd & ATA_ERR))
		return "does not identify itself";
	return ata_identity_read(p->memory->identity, &p->identity);
}

/* Drop the error that stopped it and look at no more of it. */
static const char *
port_start(struct ahci_port *p)
{
	volatile struct ahci_port_registers *r = p->registers;
	const char *why;

	if (!port_stop(r))
		return "cannot be stopped";
	port_set_memory(p);
	why = port_run(p);
	if (why)
		return why;
	if (r->sig != SIG_ATA)
		return r->sig == SIG_ATAPI ? "is a CD-ROM" : "is no disk";
	return port_identify(p);
}

const char *
ahci_port_start(struct ahci_port *p)
{
	const char *why = port_start(p);

	if (why) {
		/* Its memory is about to be freed. */
		port_stop(p->registers);
		return why;
	}
	p->registers->is = 0xffffffff;
	p->registers->ie = IS_D2H | IS_ERRORS;
	return NULL;
}

/* ---- Recovery ---- */

static bool
port_restart(struct ahci_port *p)
{
	volatile struct ahci_port_registers *r = p->registers;
	const char *why = NULL;

	/* An engine that will not stop is stopped by the reset of the link. */
	port_stop(r);
	link_reset(r);
	if (!device_wait(SSTS_DET(r->ssts) == DET_UP, 1000) || !port_stop(r))
		why = "has gone";
	if (!why)
		why = port_run(p);
	if (!why) {
		r->ie = IS_D2H | IS_ERRORS;
		return true;
	}
	kprintf("%s: the drive %s: all requests fail from now on\n",
		p->disk.name, why);
	return false;
}

/* Take all commands out of their slots: they are suspects, or have failed.
 * Port locked. */
static void
sort_commands(struct ahci_port *p, bool repeat, struct list *failed)
{
	for (; p->active; p->active &= p->active - 1) {
		struct block_request *r = p->slots[ctz64(p->active)];

		list_add_tail(&r->link, repeat ? &p->suspects : failed);
		p->slots[ctz64(p->active)] = NULL;
	}
}

static void
fail_requests(struct ahci_port *p, struct list *failed)
{
	struct block_request *r, *next;

	list_for_each_safe (r, next, failed, link) {
		static const char *const names[] = { "read", "write", "flush" };

		kprintf("%s: %s of %u sectors at %lu failed\n", p->disk.name,
			names[r->op], r->nsectors, r->sector);
		block_finish(r, -EIO);
	}
}

void
ahci_recover(struct work *w)
{
	struct ahci_port *p = container_of(w, struct ahci_port, recovery);
	struct list failed = LIST_INIT(failed);
	bool ok = port_restart(p);
	uint64_t rflags = spin_lock_irqsave(&p->lock);

	p->state = ok ? AHCI_READY : AHCI_DEAD;
	sort_commands(p, ok && !p->alone, &failed);
	if (!ok) {
		list_splice_tail(&p->suspects, &failed);
		list_splice_tail(&p->pending, &failed);
	}
	ahci_issue_waiting(p);
	spin_unlock_irqrestore(&p->lock, rflags);
	fail_requests(p, &failed);
}
