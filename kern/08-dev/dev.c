/*
 * The chapter's start: the drivers' thread, the bus, and then the drivers.
 */
#include "devices.h"

static void
dev_init(void)
{
	heap_begin(HEAP_BOUND(startup));
	work_start();
	pci_init();
	pci_attach_drivers();
	heap_end();
}

CHAPTER_INIT(dev_init);
