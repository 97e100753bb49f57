/*
 * ioctl numbers that are not a terminal's: block devices. Those of ttys and of
 * every descriptor (FIONREAD, FIONBIO, FIOCLEX) are in abi/termios.h.
 */
#ifndef ABI_IOCTL_H
#define ABI_IOCTL_H

#include "abi/termios.h"

#define BLKROSET     0x125d
#define BLKROGET     0x125e
#define BLKRRPART    0x125f
#define BLKGETSIZE   0x1260 /* uint64_t: sectors of 512 bytes */
#define BLKFLSBUF    0x1261
#define BLKSSZGET    0x1268	 /* int32_t: logical sector size */
#define BLKBSZGET    0x80081270u /* int32_t: the cache's block size */
#define BLKGETSIZE64 0x80081272u /* uint64_t: bytes */
#define BLKPBSZGET   0x127b	 /* uint32_t: physical sector size */

#endif
