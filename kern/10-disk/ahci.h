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

struct ahci_port_registers {
	uint32_t clb, clbu; /* command list */
	uint32_t fb, fbu;   /* received FISes */
	uint32_t is, ie;    /* interrupts: status, enable */
	uint32_t cmd;
	uint32_t reserved;
	uint32_t tfd; /* the drive's status and error registers */
	uint32_t sig;
	uint32_t ssts, sctl, serr; /* the link: status, control, errors */
	uint32_t sact;
	uint32_t ci; /* commands issued: a bit a slot */
	uint32_t sntf, fbs;
	uint32_t rest[15];
};

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
#define CAP_QUEUED	(1u << 30)
#define CAP_64		(1u << 31)
#define GHC_RESET	0x1
#define GHC_INTERRUPTS	0x2
#define GHC_AHCI	(1u << 31)
#define CAP2_HANDOFF	0x1
#define BOHC_BIOS	0x1
#define BOHC_OS		0x2
#define BOHC_BUSY	0x10

#define CMD_START	0x1
#define CMD_SPIN_UP	0x2
#define CMD_POWER_ON	0x4
#define CMD_FIS_RECEIVE 0x10
#define CMD_FIS_RUNNING 0x4000
#define CMD_RUNNING	0x8000
#define CMD_ACTIVE	(1u << 28) /* link power management: be active */

#define IS_D2H		0x1u
#define IS_QUEUED	0x8u	    /* SDBS: queued commands have ended */
#define IS_LINK		0x00400000u /* PRCS: the link went down or came up */
#define IS_ERRORS	0x7d000010u /* TFES, HBFS, HBDS, IFS, INFS, OFS, UFS */
#define IS_ENABLED	(IS_D2H | IS_QUEUED | IS_LINK | IS_ERRORS)
#define SSTS_DET(ssts)	((ssts)&0xf)
#define DET_NONE	0
#define DET_UP		3
#define SCTL_DET_RESET	0x1
#define SCTL_NO_POWER	0x300 /* no partial or slumber state */
#define SIG_ATA		0x00000101
#define SIG_ATAPI	0xeb140101

/* ---- Memory that the controller reads and writes (4.2) ---- */

struct ahci_header {
	uint16_t flags;
	uint16_t nsegments;
	uint32_t transferred; /* bytes, written by the controller */
	uint32_t table, table_high;
	uint32_t reserved[4];
};

#define HEADER_FIS_DWORDS 5
#define HEADER_WRITE	  0x40

struct ahci_segment {
	uint32_t base, base_high;
	uint32_t reserved;
	uint32_t last; /* length in bytes - 1 */
};

struct ahci_table {
	uint8_t fis[64];
	uint8_t atapi[64];
	struct ahci_segment segments[BLOCK_REQUEST_PAGES_MAX];
};
_Static_assert(sizeof(struct ahci_table) % 128 == 0, "4.2.3");

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

struct ahci_port {
	/* Constant once attached. */
	volatile struct ahci_port_registers *registers;
	struct ahci_memory *memory;
	struct ahci_hba *hba;
	unsigned number;
	struct ata_identity identity;
	struct block_device disk;

	unsigned depth; /* commands in flight at once */
	bool queues;	/* reads and writes are queued commands */

	/* Guarded by lock, which interrupt handlers take. The registers
	 * belong to the recovery thread while it is AHCI_RECOVERING. */
	struct spinlock lock;
	enum ahci_state state;
	uint32_t active; /* slots issued and not finished */
	bool queued;	 /* they are queued commands */
	struct block_request *slots[AHCI_SLOTS];
	uint64_t deadlines[AHCI_SLOTS]; /* clock_ns by which it must end */
	struct list pending;		/* requests that wait for a slot */
	struct list suspects;		/* in flight when a command failed */
	bool alone;			/* what is active was a suspect */
	bool silent;	   /* what is being recovered from is a time-out */
	unsigned silences; /* time-outs since a command has last ended */
	bool timer_armed;
	struct timer timer;
	struct work recovery;
};

struct ahci_hba {
	struct pci_device *device;
	volatile struct ahci_registers *registers;
	unsigned nslots;
	bool wide;	  /* addresses memory above 4 GiB */
	bool queues;	  /* takes queued commands */
	uint64_t timeout; /* ns for a command */
	struct ahci_port *ports[AHCI_PORTS];
};

/* ---- ahci.c ---- */

/** Write @p c into slot @p slot, with the memory of @p r and of what is merged
 * with it. */
void ahci_fill(struct ahci_port *p, unsigned slot, const struct ata_command *c,
	       struct block_request *r);

/** Hand slot @p slot to the controller. */
void ahci_issue(struct ahci_port *p, unsigned slot);

/** Issue what can be issued. Port locked. */
void ahci_issue_waiting(struct ahci_port *p);

/** Set the drive's disk up for requests. */
void ahci_disk_init(struct ahci_port *p);

/** Look at what the port has to say. Interrupt context. */
void ahci_port_interrupt(struct ahci_port *p);

/* ---- ahci_port.c ---- */

/** Power port @p number up, so that the link to a drive can come up. */
void ahci_port_power(volatile struct ahci_port_registers *r);

/** Start the drive on a port whose link is up. May sleep.
 * @return NULL, or why it is not driven */
const char *ahci_port_start(struct ahci_port *p);

/** Restart the port after an error and repeat or fail its commands: struct
 * work's function. */
void ahci_recover(struct work *w);

#endif
