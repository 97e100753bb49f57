/*
 * statfs and fstatfs of the Linux x86-64 ABI.
 */
#ifndef ABI_STATFS_H
#define ABI_STATFS_H

#include <stdint.h>

struct statfs {
	int64_t f_type; /**< a magic number, below */
	int64_t f_bsize;
	uint64_t f_blocks; /**< in units of f_bsize, as the next two */
	uint64_t f_bfree;
	uint64_t f_bavail; /**< free to users without privilege */
	uint64_t f_files;
	uint64_t f_ffree;
	int32_t f_fsid[2];
	int64_t f_namelen;
	int64_t f_frsize;
	int64_t f_flags; /**< ST_ */
	int64_t f_spare[4];
};

_Static_assert(sizeof(struct statfs) == 120, "fixed by the ABI");

#define ST_RDONLY	    0x0001
#define ST_NOSUID	    0x0002
#define ST_NODEV	    0x0004
#define ST_NOEXEC	    0x0008
#define ST_SYNCHRONOUS	    0x0010
#define ST_VALID	    0x0020
#define ST_NOATIME	    0x0400
#define ST_NODIRATIME	    0x0800
#define ST_RELATIME	    0x1000

#define EXT2_SUPER_MAGIC    0xef53
#define TMPFS_MAGIC	    0x01021994
#define PROC_SUPER_MAGIC    0x9fa0
#define DEVPTS_SUPER_MAGIC  0x1cd1
#define MSDOS_SUPER_MAGIC   0x4d44
#define PIPEFS_MAGIC	    0x50495045
#define SOCKFS_MAGIC	    0x534f434b
#define ANON_INODE_FS_MAGIC 0x09041934

#endif
