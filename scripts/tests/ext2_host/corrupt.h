/*
 * Damaged disks: see corrupt.c.
 */
#ifndef CORRUPT_H
#define CORRUPT_H

/** Damage the image @p count times, seeds from @p seed on, each time afresh,
 * and mount, walk and change it. Ends the program at what must not happen. */
void corrupt(unsigned long seed, unsigned count);

#endif
