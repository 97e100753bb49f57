/*
 * The chapter's start: the drivers' thread, the bus, and then the drivers.
 */
#include "devices.h"

/* What the devices' descriptions take of the heap: bounded by the number of
 * PCI devices, and by the disks of a few controllers. */
#define HEAP_PAGES 24

static void
dev_init(void)
{
	heap_begin(HEAP_PAGES);
	work_start();
	pci_init();
	pci_attach_drivers();
	heap_end();
}

CHAPTER_INIT(dev_init);
