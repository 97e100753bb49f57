/*
 * PCI: configuration space through the ports of mechanism #1, finding all
 * functions on all buses, BARs, capabilities, interrupts, and the drivers'
 * attachment. The firmware has numbered the buses and placed the BARs.
 * Source: PCI Local Bus Specification 3.0, chapter 6 and 3.2.2.3.
 */
#include "devices.h"

#define CONFIG_ADDRESS	   0xcf8
#define CONFIG_DATA	   0xcfc
#define CONFIG_ENABLE	   0x80000000u

#define PCI_ID		   0x00
#define PCI_CLASS	   0x08
#define PCI_BRIDGE_BUSES   0x18 /* primary, secondary, subordinate, latency */
#define PCI_INTERRUPT_LINE 0x3c
#define PCI_INTERRUPT_PIN  0x3d
#define HEADER_BRIDGE	   1
#define HEADER_MANY	   0x80 /* more than one function */

#define BAR_IO		   0x1
#define BAR_64		   0x4 /* of the type field, mask 0x6 */

/* PCI 3.0, 6.8.1. */
#define MSI_CONTROL 2 /* offset in the capability */
#define MSI_ENABLE  0x1
#define MSI_MANY    0x70 /* messages enabled, log2 */
#define MSI_64	    0x80

#define BUSES	    256 /* their numbers have 8 bits */
#define DEVICES_MAX 128 /* what the heap reserved at start-up holds */

extern const struct driver drivers[], drivers_end[];

/* Address and data are two ports: nobody may come in between. */
static struct spinlock config_lock = SPINLOCK("pci config");

/* Filled at start-up, constant after. */
static struct list devices = LIST_INIT(devices);
static unsigned ndevices;

/* ---- Configuration space ---- */

/* Select a register; returns the port to read or write it at: the address port
 * takes multiples of four, and the rest is in the data port's own number
 * (3.2.2.3). */
static uint16_t
config_select(const struct pci_device *d, unsigned offset)
{
	ASSERT(offset < 256 && spin_held(&config_lock));
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | d->bus << 16 | d->slot << 11 |
				     d->function << 8 | (offset & 0xfc));
	return CONFIG_DATA + (offset & 3);
}

uint32_t
pci_read32(const struct pci_device *d, unsigned offset)
{
	uint64_t rflags = spin_lock_irqsave(&config_lock);
	uint32_t v = inl(config_select(d, offset));

	spin_unlock_irqrestore(&config_lock, rflags);
	return v;
}

uint16_t
pci_read16(const struct pci_device *d, unsigned offset)
{
	uint64_t rflags = spin_lock_irqsave(&config_lock);
	uint16_t v = inw(config_select(d, offset));

	spin_unlock_irqrestore(&config_lock, rflags);
	return v;
}

uint8_t
pci_read8(const struct pci_device *d, unsigned offset)
{
	uint64_t rflags = spin_lock_irqsave(&config_lock);
	uint8_t v = inb(config_select(d, offset));

	spin_unlock_irqrestore(&config_lock, rflags);
	return v;
}

void
pci_write32(const struct pci_device *d, unsigned offset, uint32_t v)
{
	uint64_t rflags = spin_lock_irqsave(&config_lock);

	outl(config_select(d, offset), v);
	spin_unlock_irqrestore(&config_lock, rflags);
}

void
pci_write16(const struct pci_device *d, unsigned offset, uint16_t v)
{
	uint64_t rflags = spin_lock_irqsave(&config_lock);

	outw(config_select(d, offset), v);
	spin_unlock_irqrestore(&config_lock, rflags);
}

void
pci_write8(const struct pci_device *d, unsigned offset, uint8_t v)
{
	uint64_t rflags = spin_lock_irqsave(&config_lock);

	outb(config_select(d, offset), v);
	spin_unlock_irqrestore(&config_lock, rflags);
}

/* ---- What a device has ---- */

static unsigned
header_type(const struct pci_device *d)
{
	return pci_read8(d, PCI_HEADER_TYPE) & ~HEADER_MANY;
}

/* The bits of a BAR that can be set (6.2.5.1); the register is as before at the
 * end. */
static uint32_t
bar_mask(const struct pci_device *d, unsigned offset)
{
	uint32_t before = pci_read32(d, offset), mask;

	pci_write32(d, offset, 0xffffffff);
	mask = pci_read32(d, offset);
	pci_write32(d, offset, before);
	return mask;
}

/* Ports have 16 bits on a PC, and a device may leave the upper half of the
 * register out. */
static struct pci_bar
bar_io(const struct pci_device *d, unsigned offset)
{
	uint32_t mask = bar_mask(d, offset) & 0xfffc;

	return (struct pci_bar){ .io = true,
				 .base = pci_read32(d, offset) & 0xfffc,
				 .len = mask ? 0x10000 - mask : 0 };
}

/* The low bits that cannot be set are the place within the window: the mask's
 * two's complement is its length. The upper half of one that has 32 bits counts
 * as set. Not implemented, the mask is 0, and so is the length. */
static struct pci_bar
bar_memory(const struct pci_device *d, unsigned offset, bool wide)
{
	uint64_t base = pci_read32(d, offset) & ~0xfu;
	uint64_t mask = bar_mask(d, offset) & ~0xfu;

	if (wide) {
		base |= (uint64_t)pci_read32(d, offset + 4) << 32;
		mask |= (uint64_t)bar_mask(d, offset + 4) << 32;
	} else if (mask) {
		mask |= 0xffffffffull << 32;
	}
	return (struct pci_bar){ .base = base, .len = -mask };
}

struct pci_bar
pci_bar_get(const struct pci_device *d, unsigned n)
{
	unsigned offset = PCI_BAR0 + 4 * n;
	unsigned bars = header_type(d) == HEADER_BRIDGE ? 2 : 6;
	struct pci_bar bar = { .base = 0 };
	uint16_t command;
	uint32_t low;

	if (n >= bars)
		return bar;
	low = pci_read32(d, offset);
	/* While it is sized the register points anywhere: decode nothing. */
	command = pci_read16(d, PCI_COMMAND);
	pci_write16(d, PCI_COMMAND,
		    command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
	if (low & BAR_IO)
		bar = bar_io(d, offset);
	else
		bar = bar_memory(d, offset,
				 (low & 0x6) == BAR_64 && n + 1 < bars);
	pci_write16(d, PCI_COMMAND, command);
	return bar;
}

void
pci_enable(const struct pci_device *d)
{
	pci_write16(d, PCI_COMMAND,
		    pci_read16(d, PCI_COMMAND) | PCI_COMMAND_IO |
			    PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* The lower two bits of each pointer are reserved (6.7); below 0x40 is the
 * header, and 0 ends the list. */
unsigned
pci_capability(const struct pci_device *d, uint8_t id)
{
	unsigned at, n;

	if (!(pci_read16(d, PCI_STATUS) & PCI_STATUS_CAPABILITY))
		return 0;
	at = pci_read8(d, PCI_CAPABILITY_LIST) & ~3;
	/* Each takes 4 bytes at least: a longer chain than this is a loop. */
	for (n = 0; at >= 0x40 && n < (256 - 0x40) / 4; n++) {
		if (pci_read8(d, at) == id)
			return at;
		at = pci_read8(d, at + 1) & ~3;
	}
	return 0;
}

/* ---- Interrupts ---- */

/* One message, though the device may have several: we have one handler. The
 * address is complete before the device may send to it, and INTx is off before
 * that, so that no interrupt comes by both ways. */
static int
msi_install(const struct pci_device *d, unsigned msi, irq_handler_fn handler,
	    void *arg, const char *name)
{
	int vector = irq_vector_alloc(handler, arg, name);
	uint16_t control = pci_read16(d, msi + MSI_CONTROL);
	uint64_t address;
	uint32_t data;

	if (vector < 0)
		return vector;
	irq_msi_message(vector, &address, &data);
	pci_write32(d, msi + 4, address);
	if (control & MSI_64) {
		pci_write32(d, msi + 8, address >> 32);
		pci_write16(d, msi + 12, data);
	} else {
		pci_write16(d, msi + 8, data);
	}
	pci_write16(d, PCI_COMMAND,
		    pci_read16(d, PCI_COMMAND) | PCI_COMMAND_NO_INTX);
	pci_write16(d, msi + MSI_CONTROL, (control & ~MSI_MANY) | MSI_ENABLE);
	return 0;
}

/* MSI needs no knowledge of how lines are wired on the board, and shares
 * nothing. For INTx we use what the firmware has chosen for the PC's old
 * controllers (6.2.4), of which ACPI's overrides say how it reaches the I/O
 * APIC. */
int
pci_irq_install(const struct pci_device *d, irq_handler_fn handler, void *arg,
		const char *name)
{
	unsigned msi = pci_capability(d, PCI_CAPABILITY_MSI);

	if (msi)
		return msi_install(d, msi, handler, arg, name);
	/* 0 and 255: the firmware gave it none; above 15: no ISA line. */
	if (d->irq_pin == 0 || d->irq_line == 0 || d->irq_line > 15)
		return -ENODEV;
	return irq_isa_route(d->irq_line, handler, arg, name);
}

/* ---- Finding devices ---- */

static void
device_add(const struct pci_device *found)
{
	struct pci_device *d = knew(struct pci_device);
	uint32_t class = pci_read32(found, PCI_CLASS);

	*d = *found;
	d->revision = class;
	d->interface = class >> 8;
	d->subclass = class >> 16;
	d->class = class >> 24;
	d->irq_line = pci_read8(d, PCI_INTERRUPT_LINE);
	d->irq_pin = pci_read8(d, PCI_INTERRUPT_PIN);
	list_add_tail(&d->link, &devices);
	ndevices++;
	kprintf("pci: %02x:%02x.%u %04x:%04x class %02x%02x\n", d->bus, d->slot,
		d->function, d->vendor, d->device, d->class, d->subclass);
}

/* Look at one function. @return whether there is one */
static bool
function_probe(struct pci_device *d, bool buses[BUSES])
{
	uint32_t id = pci_read32(d, PCI_ID);

	/* No vendor has this number: nobody has answered. */
	if ((id & 0xffff) == 0xffff)
		return false;
	d->vendor = id;
	d->device = id >> 16;
	if (ndevices == DEVICES_MAX) {
		kprintf("pci: %02x:%02x.%u and what follows left out: more "
			"than %u devices\n",
			d->bus, d->slot, d->function, DEVICES_MAX);
		return false;
	}
	device_add(d);
	if (header_type(d) == HEADER_BRIDGE)
		buses[pci_read32(d, PCI_BRIDGE_BUSES) >> 8 & 0xff] = true;
	return true;
}

/* Functions may be left out but for 0. The others are looked for only where 0
 * says that there are some: a device of one may answer for all eight. */
static void
slot_probe(unsigned bus, unsigned slot, bool buses[BUSES])
{
	struct pci_device d = { .bus = bus, .slot = slot };

	if (!function_probe(&d, buses) ||
	    !(pci_read8(&d, PCI_HEADER_TYPE) & HEADER_MANY))
		return;
	for (d.function = 1; d.function < 8; d.function++)
		function_probe(&d, buses);
}

/* Mechanism #1 keeps what is written to its address port; where nothing is, all
 * ones are read. The address is that of bus 0, slot 0. */
void
pci_init(void)
{
	/* Buses that are there. A bridge's secondary bus has a higher number
	 * than the bridge's own: one round finds all, and none twice. */
	static bool buses[BUSES] = { true };
	unsigned bus, slot;

	outl(CONFIG_ADDRESS, CONFIG_ENABLE);
	if (inl(CONFIG_ADDRESS) != CONFIG_ENABLE) {
		kprintf("pci: no bus found\n");
		return;
	}
	for (bus = 0; bus < BUSES; bus++)
		for (slot = 0; buses[bus] && slot < 32; slot++)
			slot_probe(bus, slot, buses);
}

struct pci_device *
pci_device_get(unsigned index)
{
	struct pci_device *d;

	list_for_each (d, &devices, link)
		if (index-- == 0)
			return d;
	return NULL;
}

/* ---- Drivers ---- */

static void
attach(const struct driver *driver, struct pci_device *d)
{
	int error = driver->attach(d);

	if (error)
		kprintf("pci: %02x:%02x.%u: %s cannot drive it (error %d)\n",
			d->bus, d->slot, d->function, driver->name, -error);
	else
		d->driver = driver;
}

/* A driver that fails leaves the device to the next that matches. */
void
pci_attach_drivers(void)
{
	const struct driver *driver;
	struct pci_device *d;

	list_for_each (d, &devices, link)
		for (driver = drivers; driver < drivers_end; driver++)
			if (!d->driver && driver->match(d))
				attach(driver, d);
}
