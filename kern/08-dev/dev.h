/*
 * dev: the bus. PCI finds the devices and its drivers attach; drivers wait for
 * hardware, and have threads work for them. What disks have in common is
 * chapter block's.
 */
#ifndef DEV_H
#define DEV_H

#include "heap.h"

/* ---- PCI ---- */

/** A function of a device. Made at start-up and never freed; all but `driver`
 * is constant. */
struct pci_device {
	uint8_t bus, slot, function;
	uint16_t vendor, device;
	uint8_t class, subclass, interface, revision;
	/** Of INTx, as the firmware left them: an ISA line, 255: none; and 1 to
	 * 4 for INTA to INTD, 0: none. */
	uint8_t irq_line, irq_pin;
	const struct driver *driver; /**< that attached to it, or NULL */
	struct list link;
};

/* The standard configuration header, as far as drivers need it: offsets, and
 * bits of the register above them (PCI 3.0, 6.1 and 6.2). */
#define PCI_COMMAND	      0x04
#define PCI_COMMAND_IO	      0x1
#define PCI_COMMAND_MEMORY    0x2
#define PCI_COMMAND_MASTER    0x4
#define PCI_COMMAND_NO_INTX   0x400
#define PCI_STATUS	      0x06
#define PCI_STATUS_CAPABILITY 0x10
#define PCI_HEADER_TYPE	      0x0e
#define PCI_BAR0	      0x10
#define PCI_CAPABILITY_LIST   0x34

#define PCI_CAPABILITY_MSI    0x05

/** Read @p offset of @p d's 256 bytes of configuration space; the offset is a
 * multiple of the width. Any context. */
uint32_t pci_read32(const struct pci_device *d, unsigned offset);
uint16_t pci_read16(const struct pci_device *d, unsigned offset);
uint8_t pci_read8(const struct pci_device *d, unsigned offset);
/** Write there. Any context. */
void pci_write32(const struct pci_device *d, unsigned offset, uint32_t v);
void pci_write16(const struct pci_device *d, unsigned offset, uint16_t v);
void pci_write8(const struct pci_device *d, unsigned offset, uint8_t v);

/** Device number @p index in the order of discovery, or NULL past the last. The
 * list is complete before drivers attach. Any context. */
struct pci_device *pci_device_get(unsigned index);

/** A base address register: where it points and how much it maps. */
struct pci_bar {
	bool io;       /**< port space, not memory */
	uint64_t base; /**< 0: not implemented, or the firmware left it out */
	uint64_t len;  /**< bytes */
};
/** Read and size BAR @p n (0-5). The device decodes nothing meanwhile: only
 * for a device that is not in use yet. One of 64 bits takes the number after it
 * as well, which means nothing by itself. A number that the device has not has
 * len 0. Nobody else writes its configuration space. Does not sleep. */
struct pci_bar pci_bar_get(const struct pci_device *d, unsigned n);

/** Let the device decode its BARs and master the bus: from now on it may write
 * to memory by itself. Not while another thread changes PCI_COMMAND. Does not
 * sleep. */
void pci_enable(const struct pci_device *d);

/** Offset of capability @p id in configuration space, 0: it has none; the
 * first, where there are several. Any context. */
unsigned pci_capability(const struct pci_device *d, uint8_t id);

/** Install an interrupt handler: MSI where the device has it, else its INTx
 * line, which it may share: then @p handler is also called for others'
 * interrupts, and asks its device whether it was one. It may be called before
 * this returns, and is never taken back: @p arg stays. Does not sleep. @return
 * 0; -ENODEV: no line leads to us; -ENOSPC: no vector is left, or too many
 * share the line */
int pci_irq_install(const struct pci_device *d, irq_handler_fn handler,
		    void *arg, const char *name);

/**
 * A PCI driver. @p match says whether it drives the device; @p attach starts
 * it (0, or a negative errno after which the device is left alone). It runs in
 * dev's initialisation, may sleep, and may allocate a few pages of heap. A
 * driver of a later chapter takes the device over there and goes on in its own
 * chapter's initialisation, since no later chapter is up yet. @p match does not
 * sleep, and only reads. Of several that match, the first that attaches has it.
 */
struct driver {
	const char *name;
	bool (*match)(const struct pci_device *d);
	int (*attach)(struct pci_device *d);
};
#define DRIVER(ident, match_fn, attach_fn)                                     \
	static const struct driver driver_##ident LINKED(                      \
		".driver") = { #ident, match_fn, attach_fn }

/* ---- Waiting for hardware ---- */

/**
 * Wait until @p cond is true, looking again and again, for @p ms milliseconds
 * or little more: no device, however broken, holds the kernel up for ever
 * (DEV1). The time is counted in pauses, not by the clock: while a host keeps
 * the whole machine waiting, the device has no chance to answer either.
 * May sleep. @return whether it came true
 */
#define device_wait(cond, ms)                                                  \
	({                                                                     \
		unsigned _round = 0;                                           \
		bool _ok;                                                      \
		while (!(_ok = (cond)) && device_pause(_round++, ms))          \
			;                                                      \
		_ok;                                                           \
	})

/** The pause between two looks: short at first, then asleep for a millisecond,
 * uninterruptibly. May sleep. @return whether there was one: false after @p ms
 * milliseconds of them */
bool device_pause(unsigned round, unsigned ms);

/** Work that an interrupt handler leaves to a kernel thread: what sleeps. */
struct work {
	struct list link; /* on no list: it is not waiting */
	void (*fn)(struct work *w);
};

/** Prepare @p w, which stays as long as it may be queued. Any context. */
void work_init(struct work *w, void (*fn)(struct work *w));

/** Have @p w's function called soon, once, by the drivers' kernel thread; if it
 * is waiting for that already, nothing changes. If it is being called, it is
 * called again after. One thread calls all, in the order of the requests, no
 * locks held: one that sleeps long delays the others. Any context. */
void work_queue(struct work *w);

#endif
