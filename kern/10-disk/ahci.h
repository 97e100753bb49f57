/*
 * AHCI, the part that its two files share. ahci.c carries requests in the
 * running state; ahci_port.c starts ports, and recovers them after errors.
 * Source: Serial ATA AHCI 1.3.1; section numbers in comments are its.
 */
#ifndef AHCI_H
#define AHCI_H

#include "ata.h"

#define AHCI_PORTS 32
#define AHCI_SLOTS 32

/* ---- Registers (3.3, 3.1) ---- */

/* In is and serr a one that is written clears the bit, in sact and ci it sets
 * it; zeros do nothing in any of the four. */
struct ahci_port_registers {
	uint32_t clb, clbu; /* command list; aligned to 1 KiB */
	uint32_t fb, fbu;   /* received FISes; aligned to 256 bytes */
	uint32_t is, ie;    /* interrupts: status, enable */
	uint32_t cmd;
	uint32_t reserved;
	uint32_t tfd;		   /* the drive's status and error registers */
	uint32_t sig;		   /* from the drive's first FIS: what it is */
	uint32_t ssts, sctl, serr; /* the link: status, control, errors */
	uint32_t sact; /* queued commands that have not ended: a bit a tag;
			* CMD_START off clears it, and ci */
	uint32_t ci;   /* commands issued: a bit a slot */
	uint32_t sntf, fbs;
	uint32_t rest[15];
};

/* In is, a bit a port that has something to say; in pi, a bit a port that there
 * is, not always the first ones. */
struct ahci_registers {
	uint32_t cap, ghc, is, pi, vs;
	uint32_t ccc_ctl, ccc_ports, em_loc, em_ctl;
	uint32_t cap2, bohc;
	uint32_t rest[53];
	struct ahci_port_registers ports[AHCI_PORTS];
};
_Static_assert(sizeof(struct ahci_port_registers) == 0x80, "3.3");
_Static_assert(offsetof(struct ahci_registers, ports) == 0x100, "3");

#define CAP_SLOTS(cap)	(((cap) >> 8 & 0x1f) + 1)
#define CAP_QUEUED	(1u << 30) /* SNCQ */
#define CAP_64		(1u << 31) /* S64A: has the upper address halves */
#define GHC_RESET	0x1
#define GHC_INTERRUPTS	0x2
#define GHC_AHCI	(1u << 31) /* not as an IDE controller */
#define CAP2_HANDOFF	0x1	   /* has bohc */
#define BOHC_BIOS	0x1	   /* the firmware has it ... */
#define BOHC_OS		0x2	   /* ... the system wants it */
#define BOHC_BUSY	0x10	   /* the firmware has commands in flight */

#define CMD_START	0x1 /* ST: process the command list */
#define CMD_SPIN_UP	0x2
#define CMD_POWER_ON	0x4
#define CMD_FIS_RECEIVE 0x10   /* FRE: write received FISes to memory */
#define CMD_FIS_RUNNING 0x4000 /* FR, CR: follow FRE, ST after a while */
#define CMD_RUNNING	0x8000
#define CMD_ACTIVE	(1u << 28) /* link power management: be active */

#define IS_D2H		0x1u	    /* DHRS: plain commands have ended */
#define IS_QUEUED	0x8u	    /* SDBS: queued commands have ended */
#define IS_LINK		0x00400000u /* PRCS: the link went down or came up */
#define IS_ERRORS	0x7d000010u /* TFES, HBFS, HBDS, IFS, INFS, OFS, UFS */
#define IS_ENABLED	(IS_D2H | IS_QUEUED | IS_LINK | IS_ERRORS)
#define SSTS_DET(ssts)	((ssts)&0xf)
#define DET_NONE	0     /* nothing is plugged in */
#define DET_UP		3     /* a drive, and the link works */
#define SCTL_DET_RESET	0x1   /* as long as it stands: COMRESET */
#define SCTL_NO_POWER	0x300 /* no partial or slumber state */
#define SIG_ATA		0x00000101
#define SIG_ATAPI	0xeb140101

/* ---- Memory that the controller reads and writes (4.2) ---- */

/* One a slot, in the command list (4.2.2). */
struct ahci_header {
	uint16_t flags;
	uint16_t nsegments;
	uint32_t transferred;	    /* bytes, written by the controller */
	uint32_t table, table_high; /* physical; aligned to 128 bytes */
	uint32_t reserved[4];
};

#define HEADER_FIS_DWORDS 5 /* of flags, bits 4:0: the command's length */
#define HEADER_WRITE	  0x40

/* No address may be odd, nor any length: whole sectors never are. */
struct ahci_segment {
	uint32_t base, base_high;
	uint32_t reserved;
	uint32_t last; /* length in bytes - 1; bit 31: interrupt, unused */
};

/* One a slot, apart from the list: what a command is, and where its data go. */
struct ahci_table {
	uint8_t fis[64];   /* "frame information structure": to the drive */
	uint8_t atapi[64]; /* for drives that take packets; the rest reserved */
	struct ahci_segment segments[BLOCK_REQUEST_PAGES_MAX];
};
_Static_assert(sizeof(struct ahci_table) % 128 == 0, "4.2.3");

/* A port's memory for the controller, of page_alloc: aligned to its size, so
 * the order of fields gives each its alignment. */
struct ahci_memory {
	struct ahci_header headers[AHCI_SLOTS];
	uint8_t received[256];
	uint16_t answer[256]; /* to IDENTIFY and READ LOG */
	uint8_t pad[256];
	struct ahci_table tables[AHCI_SLOTS] __attribute__((aligned(128)));
};
#define AHCI_MEMORY_ORDER 3
_Static_assert(sizeof(struct ahci_memory) <= PAGE_SIZE << AHCI_MEMORY_ORDER,
	       "allocation");

/* ---- The driver's own ---- */

enum ahci_state {
	AHCI_READY,	 /* commands can be issued */
	AHCI_RECOVERING, /* an error: the thread will restart the port */
	AHCI_DEAD,	 /* it could not: every request fails */
};

/* A port with a drive. It is never freed once its disk is registered. */
struct ahci_port {
	/* Constant once attached. */
	volatile struct ahci_port_registers *registers;
	struct ahci_memory *memory; /* of the slots that are free, ours */
	struct ahci_hba *hba;
	unsigned number; /* of the controller's ports */
	struct ata_identity identity;
	struct block_device disk;

	unsigned depth; /* commands in flight at once: slots 0 to depth - 1 */
	bool queues;	/* reads and writes are queued commands */

	/* Guarded by lock, which interrupt handlers take. The registers
	 * belong to the recovery thread while it is AHCI_RECOVERING. */
	struct spinlock lock;
	enum ahci_state state;
	uint32_t active; /* slots issued and not finished */
	bool queued;	 /* they, or if there are none the last ones, are queued
			  * commands */
	struct block_request *slots[AHCI_SLOTS]; /* of active ones */
	uint64_t deadlines[AHCI_SLOTS]; /* clock_ns by which it must end */
	struct list pending;		/* requests that wait for a slot */
	struct list suspects;		/* in flight when a command failed */
	bool alone;			/* what is active was a suspect */
	bool silent;	   /* what is being recovered from is a time-out */
	unsigned silences; /* time-outs since a command has last ended */
	bool timer_armed;  /* for a deadline, or an earlier moment */
	struct timer timer;
	struct work recovery; /* queued when it becomes AHCI_RECOVERING */
};

/* A controller. All is constant once its interrupts are on, which they are not
 * before its ports are attached: so the handler takes no lock for it. */
struct ahci_hba {
	struct pci_device *device;
	volatile struct ahci_registers *registers;
	unsigned nslots;		     /* that each port has */
	bool wide;			     /* addresses memory above 4 GiB */
	bool queues;			     /* takes queued commands */
	uint64_t timeout;		     /* ns for a command */
	struct ahci_port *ports[AHCI_PORTS]; /* by number; NULL: no disk */
};

/* ---- ahci.c ---- */

/** Write @p c into slot @p slot, which is not in flight, with the memory of
 * @p r and of what is merged with it: at most BLOCK_REQUEST_PAGES_MAX segments.
 * Port locked, or its registers the caller's (DISK1). */
void ahci_fill(struct ahci_port *p, unsigned slot, const struct ata_command *c,
	       struct block_request *r);

/** Hand slot @p slot to the controller, whose engine runs. What it is to read
 * has been written. Locks as for ahci_fill. */
void ahci_issue(struct ahci_port *p, unsigned slot);

/** Issue what can be issued: nothing unless the port is AHCI_READY. Port
 * locked. */
void ahci_issue_waiting(struct ahci_port *p);

/** Set the drive's disk up for requests: locks, lists, how many commands at
 * once. @p p is zero but for the port's constants, identity among them. Nobody
 * else knows of it yet. */
void ahci_disk_init(struct ahci_port *p);

/** Look at what the port has to say, and end the requests that have. Interrupt
 * context; the port is not locked. */
void ahci_port_interrupt(struct ahci_port *p);

/* ---- ahci_port.c ---- */

/** Power a port up, so that the link to a drive can come up. Does not wait for
 * that: ports can do it all at once. */
void ahci_port_power(volatile struct ahci_port_registers *r);

/** Start the drive on a port that has one, and fill in p->identity; the port
 * may interrupt from then on. Only while nobody else knows of @p p. Sleeps, up
 * to the time-outs of a drive that does not answer.
 * @return NULL; or why it is not driven, to be printed behind "the drive": then
 * the port has been told to stop, and p->memory can be freed */
const char *ahci_port_start(struct ahci_port *p);

/** Restart the port after an error and repeat or fail its commands: struct
 * work's function. The port is AHCI_RECOVERING. No locks are held. Sleeps. */
void ahci_recover(struct work *w);

#endif
