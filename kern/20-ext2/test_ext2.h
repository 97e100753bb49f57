/*
 * A disk for the self-tests: in memory, and formatted here; or, with
 * "ext2disk=sda" on the command line, that one as it is, so that the host can
 * format it before and check it after.
 */
#ifndef TEST_EXT2_H
#define TEST_EXT2_H

#include "ext2.h"

/** Write an empty file system of @p block_size to @p image of @p size bytes,
 * zeroed: one group, 128 inodes of @p inode_size. */
void test_format(void *image, size_t size, uint32_t block_size,
		 uint32_t inode_size);

/** Have the test disk, formatted so if it is in memory. NULL: no memory. */
struct block_device *test_disk(uint32_t block_size, uint32_t inode_size);

/** Whether @p d, not mounted, is marked valid, and its bitmaps and all counts
 * of what is free agree. */
bool test_disk_sound(struct block_device *d);
/** Whether @p d is the disk in memory. */
bool test_disk_in_memory(const struct block_device *d);

#endif
