/*
 * File modes and struct stat of the Linux x86-64 ABI.
 */
#ifndef ABI_STAT_H
#define ABI_STAT_H

#include <stdint.h>
#include "abi/time.h"

#define S_IFMT	    0170000
#define S_IFSOCK    0140000
#define S_IFLNK	    0120000
#define S_IFREG	    0100000
#define S_IFBLK	    0060000
#define S_IFDIR	    0040000
#define S_IFCHR	    0020000
#define S_IFIFO	    0010000

#define S_ISSOCK(m) (((m)&S_IFMT) == S_IFSOCK)
#define S_ISLNK(m)  (((m)&S_IFMT) == S_IFLNK)
#define S_ISREG(m)  (((m)&S_IFMT) == S_IFREG)
#define S_ISBLK(m)  (((m)&S_IFMT) == S_IFBLK)
#define S_ISDIR(m)  (((m)&S_IFMT) == S_IFDIR)
#define S_ISCHR(m)  (((m)&S_IFMT) == S_IFCHR)
#define S_ISFIFO(m) (((m)&S_IFMT) == S_IFIFO)

#define S_ISUID	    04000
#define S_ISGID	    02000
#define S_ISVTX	    01000
#define S_IRWXU	    00700
#define S_IRUSR	    00400
#define S_IWUSR	    00200
#define S_IXUSR	    00100
#define S_IRWXG	    00070
#define S_IRGRP	    00040
#define S_IWGRP	    00020
#define S_IXGRP	    00010
#define S_IRWXO	    00007
#define S_IROTH	    00004
#define S_IWOTH	    00002
#define S_IXOTH	    00001

/* The kernel names the three time stamps st_atime, st_atime_nsec and so on; as
   a timespec they take the same bytes. */
#define st_atime st_atim.tv_sec
#define st_mtime st_mtim.tv_sec
#define st_ctime st_ctim.tv_sec

/** What stat, fstat, lstat and newfstatat fill: 144 bytes. */
struct stat {
	uint64_t st_dev; /**< a dev_t in the encoding of abi/dev.h */
	uint64_t st_ino;
	uint64_t st_nlink;
	uint32_t st_mode;
	uint32_t st_uid;
	uint32_t st_gid;
	uint32_t st_pad0;
	uint64_t st_rdev;
	int64_t st_size;
	int64_t st_blksize; /**< the size that suits read and write */
	int64_t st_blocks;  /**< in units of 512 bytes, whatever st_blksize */
	struct timespec st_atim;
	struct timespec st_mtim;
	struct timespec st_ctim;
	int64_t st_pad1[3];
};

_Static_assert(sizeof(struct stat) == 144, "struct stat is fixed by the ABI");

/** A time in struct statx. */
struct statx_timestamp {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t tv_pad;
};

/** What statx fills: 256 bytes. */
struct statx {
	uint32_t stx_mask; /**< STATX_*: which fields are filled */
	uint32_t stx_blksize;
	uint64_t stx_attributes; /**< STATX_ATTR_* */
	uint32_t stx_nlink;
	uint32_t stx_uid;
	uint32_t stx_gid;
	uint16_t stx_mode;
	uint16_t stx_pad0;
	uint64_t stx_ino;
	uint64_t stx_size;
	uint64_t stx_blocks;
	uint64_t stx_attributes_mask; /**< which attributes are known */
	struct statx_timestamp stx_atime;
	struct statx_timestamp stx_btime;
	struct statx_timestamp stx_ctime;
	struct statx_timestamp stx_mtime;
	uint32_t stx_rdev_major;
	uint32_t stx_rdev_minor;
	uint32_t stx_dev_major;
	uint32_t stx_dev_minor;
	uint64_t stx_mnt_id;
	uint64_t stx_pad1[13];
};

_Static_assert(sizeof(struct statx) == 256, "struct statx is fixed by the ABI");

#define STATX_TYPE	      0x1
#define STATX_MODE	      0x2
#define STATX_NLINK	      0x4
#define STATX_UID	      0x8
#define STATX_GID	      0x10
#define STATX_ATIME	      0x20
#define STATX_MTIME	      0x40
#define STATX_CTIME	      0x80
#define STATX_INO	      0x100
#define STATX_SIZE	      0x200
#define STATX_BLOCKS	      0x400
#define STATX_BASIC_STATS     0x7ff
#define STATX_BTIME	      0x800
#define STATX__RESERVED	      0x80000000u

#define STATX_ATTR_IMMUTABLE  0x10
#define STATX_ATTR_APPEND     0x20
#define STATX_ATTR_MOUNT_ROOT 0x2000

/* utimensat(2): these values of tv_nsec stand for the time. */
#define UTIME_NOW  0x3fffffff
#define UTIME_OMIT 0x3ffffffe

#endif
