/*
 * AHCI ports: starting them, finding out what drive is there, and recovery.
 *
 * After an error of a queued command the drive has a log that names it, if it
 * has logs. Where nothing tells (a plain command's slot may look as if it had
 * finished), the link is reset and all that was in flight is repeated one at a
 * time: whichever fails again is the culprit, and fails with -EIO; the others
 * had only been near it.
 */
#include "ahci.h"
#include "string.h"

#define IDENTIFY_TIMEOUT 10000 /* ms */
#define READY_TIMEOUT	 10000 /* ms: a drive that spins up */
#define LOG_TIMEOUT	 1000  /* ms: it is in the drive's memory */
#define SILENCES_MAX	 3     /* time-outs in a row that a drive survives */

void
ahci_port_power(volatile struct ahci_port_registers *r)
{
	r->sctl = SCTL_NO_POWER;
	r->cmd |= CMD_SPIN_UP | CMD_POWER_ON | CMD_ACTIVE;
}

/* Stop the engines (10.1.2): each says when it has stopped, within 500 ms.
 * Lists first: they need the received FISes. Drops what was issued: CI and
 * SACT are 0 then. @return whether both have stopped */
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

/* Reset the link and with it the drive (10.4.2): COMRESET for 1 ms at least. */
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

/* Tell the controller where our memory is. Engines stopped: they may be using
 * the firmware's. Once is enough, as a reset of the link leaves them. */
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

/* With the link up: wait until the drive is ready, start the engines. FISes
 * first: by one the drive says that it is ready. The list only when it is
 * (10.3.1). @return NULL, or what the drive does */
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

/* Run a command that answers with 512 bytes, in slot 0, without interrupts: the
 * port's registers are ours, nothing is in flight, and there is no block device
 * or it is being recovered (DISK1). @return NULL, or what the drive does; the
 * command may be in flight then, until the port is stopped */
static const char *
port_ask(struct ahci_port *p, const struct ata_command *c, unsigned ms)
{
	volatile struct ahci_port_registers *r = p->registers;
	struct block_segment to = { kernel_phys(p->memory->answer),
				    sizeof(p->memory->answer) };
	struct block_request request = { .nsegments = 1, .segments = &to };

	ahci_fill(p, 0, c, &request);
	ahci_issue(p, 0);
	if (!device_wait(!(r->ci & 1) || (r->is & IS_ERRORS), ms))
		return "does not answer";
	if ((r->is & IS_ERRORS) || (r->tfd & ATA_ERR))
		return "does not identify itself";
	return NULL;
}

static const char *
port_identify(struct ahci_port *p)
{
	static const struct ata_command identify = { .command = ATA_IDENTIFY };
	const char *why = port_ask(p, &identify, IDENTIFY_TIMEOUT);

	return why ? why : ata_identity_read(p->memory->answer, &p->identity);
}

/* The port may be running yet, by the firmware. The signature is that of the
 * FIS that port_run has waited for. */
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
	p->registers->ie = IS_ENABLED;
	return NULL;
}

/* ---- Recovery ---- */

/* With a reset of the link: the drive has forgotten all commands. It is given
 * up after a row of these in which it has ended nothing, though it seemed to
 * come back each time. @return whether it runs */
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
	if (!why && p->silences > SILENCES_MAX)
		why = "answers no command";
	if (!why)
		return true;
	kprintf("%s: the drive %s: all requests fail from now on\n",
		p->disk.name, why);
	return false;
}

/*
 * After an error in the queue: ask which command it was. By answering, the
 * drive gives up the others, too (ACS-2, 7.24; SATA 3.0, 13.6.2.4): the link
 * needs no reset.
 *
 * @return its slot, and the port runs again; or -1
 */
static int
find_culprit(struct ahci_port *p)
{
	volatile struct ahci_port_registers *r = p->registers;
	struct ata_command c = ata_read_log(ATA_LOG_QUEUED_ERROR);
	int slot;

	if (!p->queued || p->silent || !p->identity.logs || !port_stop(r) ||
	    (r->tfd & (ATA_BSY | ATA_DRQ)) || port_run(p) ||
	    port_ask(p, &c, LOG_TIMEOUT))
		return -1;
	slot = ata_failed_tag((const uint8_t *)p->memory->answer);
	/* That of a command that was not in flight is not believed. */
	if (slot < 0 || !(p->active & 1u << slot))
		return -1;
	r->is = 0xffffffff;
	return slot;
}

/* Take all commands out of their slots. Where the culprit is known the others
 * are issued again as they were; else all are suspects, to be repeated alone;
 * a suspect has failed for the second time. What was in flight goes before what
 * waits, as it came first. A command that had ended before the error,
 * unnoticed, is repeated, too: reads, writes of the same data and flushes can
 * be. Port locked. */
static void
sort_commands(struct ahci_port *p, bool ok, int culprit, struct list *failed)
{
	struct list again = LIST_INIT(again);

	for (; p->active; p->active &= p->active - 1) {
		unsigned slot = ctz64(p->active);
		struct block_request *r = p->slots[slot];

		p->slots[slot] = NULL;
		block_ended(&p->disk);
		if (!ok || p->alone)
			list_add_tail(&r->link, failed);
		else if (culprit >= 0 && slot != (unsigned)culprit)
			list_add_tail(&r->link, &again);
		else
			block_unmerge(r, &p->suspects);
	}
	list_splice_tail(&p->pending, &again);
	list_splice_tail(&again, &p->pending);
}

static void
fail_requests(struct list *failed)
{
	struct block_request *r, *next;

	list_for_each_safe (r, next, failed, link) {
		ata_report_failure(r);
		block_finish(r, -EIO);
	}
}

/* The registers and silences are ours without the lock (DISK1): nothing is
 * issued, and interrupts, which are off, and timer leave the port alone.
 * Requests that come in between wait in pending, and are issued or failed at
 * the end, in the same section as the state changes: none is left behind. */
void
ahci_recover(struct work *w)
{
	struct ahci_port *p = container_of(w, struct ahci_port, recovery);
	struct list failed = LIST_INIT(failed);
	int culprit;
	bool ok;
	uint64_t rflags;

	p->silences += p->silent;
	culprit = find_culprit(p);
	ok = culprit >= 0 || port_restart(p);
	rflags = spin_lock_irqsave(&p->lock);
	p->silent = false;
	p->state = ok ? AHCI_READY : AHCI_DEAD;
	p->registers->ie = ok ? IS_ENABLED : 0;
	sort_commands(p, ok, culprit, &failed);
	if (!ok) {
		list_splice_tail(&p->suspects, &failed);
		list_splice_tail(&p->pending, &failed);
	}
	ahci_issue_waiting(p);
	spin_unlock_irqrestore(&p->lock, rflags);
	fail_requests(&failed);
}
