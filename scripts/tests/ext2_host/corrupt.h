/*
 * Damaged disks: see corrupt.c.
 */
#ifndef CORRUPT_H
#define CORRUPT_H

#include <stdbool.h>

/**
 * Damage the image, each time afresh, and mount, walk and change it. Ends the
 * program at what must not happen.
 * @param each   one field after the other; else random damage
 * @param first  number of the first damage: a seed, or as in damage_nth
 * @param count  how many; 0 with @p each: all
 * @param step   from one's number to the next
 */
void corrupt(bool each, unsigned long first, unsigned count, unsigned step);

/** Write the same damages to file @p path, for a kernel to try. */
void corrupt_save(const char *path, bool each, unsigned long first,
		  unsigned count, unsigned step);

#endif
