/*
 * getdents64 of the Linux x86-64 ABI.
 */
#ifndef ABI_DIRENT_H
#define ABI_DIRENT_H

#include <stdint.h>

#define DT_UNKNOWN 0
#define DT_FIFO	   1
#define DT_CHR	   2
#define DT_DIR	   4
#define DT_BLK	   6
#define DT_REG	   8
#define DT_LNK	   10
#define DT_SOCK	   12
#define DT_WHT	   14

/** The DT_ of a mode: the type bits of S_IFMT, shifted. */
#define IFTODT(mode) (((mode)&0170000) >> 12)
#define DTTOIF(type) ((type) << 12)

/** One record; d_reclen, a multiple of 8, leads to the next. */
struct linux_dirent64 {
	uint64_t d_ino;
	int64_t d_off; /**< the seek position of the next record */
	uint16_t d_reclen;
	uint8_t d_type;
	char d_name[]; /**< ends with a 0 byte */
};

#endif
