/*
 * What lies in a journal: the format of JBD2, Linux's, so that its tools replay
 * our journals and we theirs. A journal is an array of blocks. The first is its
 * superblock; the rest is used in a circle. A transaction is one or more
 * descriptor blocks, each followed by the blocks it describes; revoke blocks;
 * and a commit block, without which it never happened. All numbers are
 * big-endian.
 * Source: the Linux kernel's documentation, "ext4 Data Structures and
 * Algorithms", section "Journal (jbd2)".
 */
#ifndef JOURNAL_FORMAT_H
#define JOURNAL_FORMAT_H

#include <stdint.h>

/** A number as it is on the disk: a type of its own, so that the compiler
 * refuses one that was not turned round. */
typedef struct {
	uint16_t raw;
} be16_t;
typedef struct {
	uint32_t raw;
} be32_t;
typedef struct {
	uint64_t raw;
} __attribute__((packed, aligned(4))) be64_t;

static inline uint16_t
be16(be16_t v)
{
	return __builtin_bswap16(v.raw);
}
static inline uint32_t
be32(be32_t v)
{
	return __builtin_bswap32(v.raw);
}
static inline be16_t
to_be16(uint16_t v)
{
	return (be16_t){ __builtin_bswap16(v) };
}
static inline be32_t
to_be32(uint32_t v)
{
	return (be32_t){ __builtin_bswap32(v) };
}
static inline be64_t
to_be64(uint64_t v)
{
	return (be64_t){ __builtin_bswap64(v) };
}

#define JOURNAL_MAGIC	   0xc03b3998u
#define JOURNAL_MIN_BLOCKS 1024 /**< JBD2 refuses smaller ones */

enum journal_block_type {
	JOURNAL_DESCRIPTOR = 1,
	JOURNAL_COMMIT = 2,
	JOURNAL_SUPER_1 = 3, /**< the superblock ends behind `error` */
	JOURNAL_SUPER_2 = 4,
	JOURNAL_REVOKE = 5,
};

/** What every block of the journal's own begins with. */
struct journal_header {
	be32_t magic;
	be32_t type;
	be32_t sequence; /**< of its transaction */
};

#define JOURNAL_SUPER_SIZE 1024

struct journal_super {
	struct journal_header header;
	be32_t block_size;
	be32_t blocks;	 /**< of the journal, this one included */
	be32_t first;	 /**< block of the circle */
	be32_t sequence; /**< of the first transaction in the log */
	be32_t start;	 /**< its block, 0: the log is empty */
	be32_t error;	 /**< with which it was given up, or 0 */
	/* Version 2. Features: what is not known of compat may be ignored, of
	 * ro_compat only by who does not write, of incompat by nobody. */
	be32_t compat, incompat, ro_compat;
	uint8_t uuid[16]; /**< in checksums: a log of another disk's is none */
	/* Of journals that several file systems share, and limits: not used. */
	be32_t users, dynsuper, max_transaction, max_data;
	uint8_t checksum_type;
	uint8_t padding[3];
	be32_t fast_commit_blocks, head;
	be32_t reserved[40];
	be32_t checksum; /**< crc32c of these 1024 bytes, itself 0 */
	uint8_t user_ids[16 * 48];
};
_Static_assert(sizeof(struct journal_super) == JOURNAL_SUPER_SIZE,
	       "on-disk size");

#define JOURNAL_COMPAT_CHECKSUM 0x1 /**< commit blocks have a crc32 */

#define JOURNAL_INCOMPAT_REVOKE 0x1  /**< there may be revoke blocks */
#define JOURNAL_INCOMPAT_64BIT	0x2  /**< block numbers have upper halves */
#define JOURNAL_INCOMPAT_ASYNC	0x4  /**< commit blocks do not wait */
#define JOURNAL_INCOMPAT_CSUM2	0x8  /**< crc32c, half of it in tags */
#define JOURNAL_INCOMPAT_CSUM3	0x10 /**< all of it */
/** Those that we can replay. ASYNC is not: there the commit block may be on the
 * disk before what it vouches for. */
#define JOURNAL_INCOMPAT_KNOWN                                                 \
	(JOURNAL_INCOMPAT_REVOKE | JOURNAL_INCOMPAT_64BIT |                    \
	 JOURNAL_INCOMPAT_CSUM2 | JOURNAL_INCOMPAT_CSUM3)

#define JOURNAL_CRC32C 4 /**< checksum_type */

/** Says where a logged block belongs. This is CSUM3's form, which we write. */
struct journal_tag3 {
	be32_t block;
	be32_t flags;
	be32_t block_high;
	be32_t checksum; /**< crc32c of the journal's, sequence and block */
};

/** The older form; without 64BIT its last field is not there. */
struct journal_tag {
	be32_t block;
	be16_t checksum; /**< CSUM2: the lower half of tag3's */
	be16_t flags;
	be32_t block_high;
};

#define JOURNAL_TAG_ESCAPED                                                    \
	0x1 /**< it began with JOURNAL_MAGIC: put it back                      \
	     */
#define JOURNAL_TAG_SAME_UUID 0x2 /**< else 16 bytes of UUID follow */
#define JOURNAL_TAG_DELETED   0x4 /**< nobody writes it */
#define JOURNAL_TAG_LAST      0x8 /**< of this descriptor */

/** With CSUM2 and 3, the last 4 bytes of descriptor and revoke blocks. */
struct journal_tail {
	be32_t checksum;
};

/** Followed by block numbers of 4 bytes (8 with 64BIT): what this and earlier
 * transactions have logged of these blocks is not to be replayed. */
struct journal_revoke {
	struct journal_header header;
	be32_t bytes; /**< used in this block, with this header */
};

/** Ends a transaction: with it, all has happened. */
struct journal_commit {
	struct journal_header header;
	uint8_t checksum_type, checksum_size, padding[2];
	be32_t checksum[8]; /**< CSUM2, 3: [0] of the block, itself 0 */
	be64_t seconds;	    /**< when, since 1970; for who reads logs */
	be32_t nanoseconds;
};

#endif
