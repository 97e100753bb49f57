/*
 * What the files of chapter dev share among themselves; no other chapter looks
 * in here.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "dev.h"

/* All at start-up, in a reservation of heap; may sleep. */

/** Find the PCI devices. */
void pci_init(void);
/** Let the drivers attach to those that have none. Errors are logged: the
 * machine goes on without that device. */
void pci_attach_drivers(void);

/** Start the thread that does struct work: before the drivers, which may need
 * it to attach. */
void work_start(void);

#endif
