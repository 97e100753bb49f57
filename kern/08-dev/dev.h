/*
 * dev: the bus and the devices. PCI finds them and its drivers attach; the
 * block layer gives disks one face, whatever drives them; characters typed at
 * the UARTs and the keyboard go to whoever listens (chapter tty).
 */
#ifndef DEV_H
#define DEV_H

#include "heap.h"

/* ---- PCI ---- */

struct pci_device {
	uint8_t bus, slot, function;
	uint16_t vendor, device;
	uint8_t class, subclass, interface, revision;
	uint8_t irq_line, irq_pin;
	const struct driver *driver;
	struct list link;
};

uint32_t pci_read32(const struct pci_device *d, unsigned offset);
uint16_t pci_read16(const struct pci_device *d, unsigned offset);
uint8_t pci_read8(const struct pci_device *d, unsigned offset);
void pci_write32(const struct pci_device *d, unsigned offset, uint32_t v);
void pci_write16(const struct pci_device *d, unsigned offset, uint16_t v);
void pci_write8(const struct pci_device *d, unsigned offset, uint8_t v);

/** A base address register: where it points and how much it maps. */
struct pci_bar {
	bool io;       /**< port space, not memory */
	uint64_t base; /**< 0: not implemented */
	uint64_t len;  /**< bytes */
};
/** Read and size BAR @p n (0-5). */
struct pci_bar pci_bar_get(const struct pci_device *d, unsigned n);

/** Let the device decode its BARs and master the bus. */
void pci_enable(const struct pci_device *d);

/** Offset of capability @p id in configuration space, 0: it has none. */
unsigned pci_capability(const struct pci_device *d, uint8_t id);

/** Install an interrupt handler: MSI where the device has it, else its INTx
 * line. @return 0 or a negative errno */
int pci_irq_install(const struct pci_device *d, irq_handler_fn handler,
		    void *arg, const char *name);

/**
 * A PCI driver. @p match says whether it drives the device; @p attach starts
 * it (0, or a negative errno after which the device is left alone).
 */
struct driver {
	const char *name;
	bool (*match)(const struct pci_device *d);
	int (*attach)(struct pci_device *d);
};
#define DRIVER(ident, match_fn, attach_fn)                                     \
	static const struct driver driver_##ident LINKED(                      \
		".driver") = { #ident, match_fn, attach_fn }

/* ---- Block devices ---- */

#define SECTOR_SIZE		512
#define BLOCK_REQUEST_PAGES_MAX 32 /**< 128 KiB a request */

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH };

/** A piece of memory of a request: within one page. */
struct block_segment {
	paddr_t pa;
	uint32_t len; /**< bytes, a multiple of SECTOR_SIZE */
};

/** One transfer. The submitter fills the first part and keeps it unchanged
 * until done is called. */
struct block_request {
	enum block_op op;
	uint64_t sector;
	unsigned nsegments;
	struct block_segment segments[BLOCK_REQUEST_PAGES_MAX];
	/** Called at the end, in interrupt context or the submitter's. */
	void (*done)(struct block_request *r);
	void *arg;

	int error;	  /**< result: 0 or -EIO */
	struct list link; /**< driver's queue */
};

struct block_device {
	char name[8];	/**< "sda" */
	unsigned index; /**< order of discovery */
	uint64_t sectors;
	bool read_only;
	/** Driver: start @p r; done comes later or from within. Any context in
	 * which a spinlock may be taken; never fails by return. */
	void (*submit)(struct block_device *d, struct block_request *r);
	void *driver_data;
	uint64_t reads, writes, read_sectors, write_sectors; /**< statistics */
	struct list link;
};

/** Add a disk; its name is chosen here. */
void block_register(struct block_device *d);
/** Disk number @p index, or NULL past the last. */
struct block_device *block_get(unsigned index);
/** Disk called @p name ("sda"), or NULL. */
struct block_device *block_find(const char *name);

/** Check bounds and start a request. @return 0, or -EIO past the end (done is
 * then not called) */
int block_submit(struct block_device *d, struct block_request *r);

/** Transfer @p len bytes (whole sectors) at kernel address @p buf and wait;
 * the buffer is in the direct map. May sleep. @return 0 or -EIO */
int block_transfer(struct block_device *d, enum block_op op, uint64_t sector,
		   void *buf, size_t len);

/** Have what was written reach the platter. May sleep. @return 0 or -EIO */
int block_flush(struct block_device *d);

/* ---- Console input and output devices ---- */

enum console_device {
	CONSOLE_VGA_KEYBOARD,
	CONSOLE_COM1,
	CONSOLE_COM2,
	NCONSOLE
};

struct console_ops {
	/** tty: characters arrived at a device. Interrupt context. */
	void (*input)(enum console_device dev, const char *text, size_t len);
};
extern struct console_ops console_ops;

/** Write to a device, not to the log; may spin while a UART is full. Any
 * context. COM2 carries bytes unchanged; so does COM1 (no CR is added). */
void console_device_write(enum console_device dev, const char *text,
			  size_t len);
/** Whether the device was found. */
bool console_device_present(enum console_device dev);
/** Size of the screen behind a device, in characters (VGA 80 x 25). */
void console_device_size(enum console_device dev, unsigned *columns,
			 unsigned *rows);

/* ---- Clock of the day ---- */

/** Seconds since 1970 UTC from the CMOS clock. */
int64_t rtc_read(void);

#endif
