/*
 * What the files of chapter dev share among themselves; no other chapter looks
 * in here.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include "dev.h"

/** Find the PCI devices, and let the drivers attach to them. */
void pci_init(void);
void pci_attach_drivers(void);

/** Start the thread that does struct work. */
void work_start(void);

#endif
