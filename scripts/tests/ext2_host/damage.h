/*
 * Damage to a disk image: see damage.c.
 */
#ifndef DAMAGE_H
#define DAMAGE_H

#include <stddef.h>
#include <stdint.h>

/** The good image from which all damage begins; it stays the caller's. */
void damage_begin(const uint8_t *image, size_t size);

/** How many fields times values damage_nth knows. */
unsigned damage_count(void);

/** Make @p image a copy of the good one with damage number @p n: one field of
 * the superblock, a descriptor, an inode or the journal's superblock has an
 * extreme value. */
void damage_nth(uint8_t *image, unsigned n);

/** Make it a copy with one to three random damages, by shim_random. */
void damage_random(uint8_t *image);

/** Add to file @p path how @p image differs from the good one: the number of
 * sectors, and each sector's number and contents. */
void damage_write(const char *path, const uint8_t *image);

#endif
