/*
 * What lies on an ext2 disk. A disk is cut into blocks, blocks into groups of
 * equal size; each group has a bitmap of its blocks, one of its inodes, and
 * its part of the inode table. The superblock and the table of group
 * descriptors stand in group 0, with copies in others. All numbers are
 * little-endian, as is this machine. Names follow the manual: Poirier, "The
 * Second Extended File System: Internal Layout"; Card, Ts'o, Tweedie, "Design
 * and Implementation of the Second Extended Filesystem", 1994.
 */
#ifndef EXT2_FORMAT_H
#define EXT2_FORMAT_H

#include <stdint.h>

#define EXT2_SUPER_OFFSET 1024 /**< bytes from the start of the disk */
#define EXT2_SUPER_SIZE	  1024
#define EXT2_MAGIC	  0xef53
#define EXT2_ROOT_INO	  2
#define EXT2_FIRST_INO_0  11 /**< first ordinary inode, revision 0 */
#define EXT2_LINK_MAX	  32000

/** The superblock. */
struct ext2_super {
	uint32_t s_inodes_count;
	uint32_t s_blocks_count;
	uint32_t s_r_blocks_count; /**< kept for the superuser */
	uint32_t s_free_blocks_count;
	uint32_t s_free_inodes_count;
	uint32_t s_first_data_block; /**< 1 with 1 KiB blocks, else 0 */
	uint32_t s_log_block_size;   /**< block size is 1024 << this */
	uint32_t s_log_frag_size;
	uint32_t s_blocks_per_group;
	uint32_t s_frags_per_group;
	uint32_t s_inodes_per_group;
	uint32_t s_mtime; /**< last mounted, seconds */
	uint32_t s_wtime; /**< last written */
	uint16_t s_mnt_count;
	uint16_t s_max_mnt_count;
	uint16_t s_magic;
	uint16_t s_state;  /**< EXT2_STATE_* */
	uint16_t s_errors; /**< what to do on errors */
	uint16_t s_minor_rev_level;
	uint32_t s_lastcheck;
	uint32_t s_checkinterval;
	uint32_t s_creator_os;
	uint32_t s_rev_level; /**< 0: none of what follows but the next two */
	uint16_t s_def_resuid;
	uint16_t s_def_resgid;
	/* Revision 1. */
	uint32_t s_first_ino;
	uint16_t s_inode_size;
	uint16_t s_block_group_nr;
	uint32_t s_feature_compat;
	uint32_t s_feature_incompat;
	uint32_t s_feature_ro_compat;
	uint8_t s_uuid[16];
	char s_volume_name[16];
	char s_last_mounted[64];
	uint32_t s_algo_bitmap;
	uint8_t s_prealloc_blocks;
	uint8_t s_prealloc_dir_blocks;
	uint16_t s_reserved_gdt_blocks; /**< room for descriptors to come */
	uint8_t s_journal_uuid[16];
	uint32_t s_journal_inum;
	uint32_t s_journal_dev;
	uint32_t s_last_orphan;
	uint32_t s_hash_seed[4];
	uint8_t s_def_hash_version;
	uint8_t s_jnl_backup_type;
	uint16_t s_desc_size;
	uint32_t s_default_mount_opts;
	uint32_t s_first_meta_bg;
	uint32_t s_mkfs_time;
	uint32_t s_jnl_blocks[17];
	uint32_t s_blocks_count_hi;
	uint32_t s_r_blocks_count_hi;
	uint32_t s_free_blocks_hi;
	uint16_t s_min_extra_isize;
	uint16_t s_want_extra_isize; /**< of new inodes */
	uint32_t s_reserved[168];
};
_Static_assert(sizeof(struct ext2_super) == EXT2_SUPER_SIZE, "on-disk size");

#define EXT2_STATE_VALID 0x1 /**< unmounted cleanly */
#define EXT2_STATE_ERROR 0x2 /**< damage was seen */

/* Compatible features change nothing for who does not know them. */
#define EXT2_COMPAT_HAS_JOURNAL 0x4
#define EXT2_COMPAT_DIR_INDEX	0x20

/* Who does not know one of these may only read. */
#define EXT2_RO_COMPAT_SPARSE_SUPER 0x1 /**< fewer superblock copies */
#define EXT2_RO_COMPAT_LARGE_FILE   0x2 /**< some file passes 2 GiB */
#define EXT2_RO_COMPAT_KNOWN                                                   \
	(EXT2_RO_COMPAT_SPARSE_SUPER | EXT2_RO_COMPAT_LARGE_FILE)

/* Who does not know one of these must not touch the disk. */
#define EXT2_INCOMPAT_FILETYPE 0x2 /**< entries say the file's type */
#define EXT2_INCOMPAT_RECOVER  0x4 /**< the journal must be replayed first */
#define EXT2_INCOMPAT_KNOWN    (EXT2_INCOMPAT_FILETYPE | EXT2_INCOMPAT_RECOVER)

/** A group descriptor. */
struct ext2_group_desc {
	uint32_t bg_block_bitmap; /**< block numbers */
	uint32_t bg_inode_bitmap;
	uint32_t bg_inode_table;
	uint16_t bg_free_blocks_count;
	uint16_t bg_free_inodes_count;
	uint16_t bg_used_dirs_count;
	uint16_t bg_flags;
	uint32_t bg_reserved[3];
};
_Static_assert(sizeof(struct ext2_group_desc) == 32, "on-disk size");

#define EXT2_DIRECT  12		       /**< block numbers in the inode itself */
#define EXT2_NBLOCKS (EXT2_DIRECT + 3) /**< and three trees */

/** Bytes of a link's target that fit in the inode instead of the numbers. */
#define EXT2_FAST_LINK_MAX (EXT2_NBLOCKS * 4 - 1)

/** An inode: the first 128 bytes, and what larger ones add. */
struct ext2_dinode {
	uint16_t i_mode;
	uint16_t i_uid;
	uint32_t i_size;
	uint32_t i_atime;
	uint32_t i_ctime;
	uint32_t i_mtime;
	uint32_t i_dtime; /**< when it was deleted; 0: in use */
	uint16_t i_gid;
	uint16_t i_links_count;
	uint32_t i_blocks; /**< of 512 bytes, those of the trees included */
	uint32_t i_flags;
	uint32_t i_osd1;
	uint32_t i_block[EXT2_NBLOCKS];
	uint32_t i_generation;
	uint32_t i_file_acl;  /**< a block of extended attributes, or 0 */
	uint32_t i_size_high; /**< regular files; of others an ACL, unused */
	uint32_t i_faddr;
	uint16_t i_blocks_high;
	uint16_t i_file_acl_high;
	uint16_t i_uid_high;
	uint16_t i_gid_high;
	uint32_t i_osd2;
	/* Present as far as i_extra_isize says, in inodes over 128 bytes. */
	uint16_t i_extra_isize;
	uint16_t i_checksum_high;
	uint32_t i_ctime_extra; /**< 30 bits of ns, 2 more bits of seconds */
	uint32_t i_mtime_extra;
	uint32_t i_atime_extra;
	uint32_t i_crtime;
	uint32_t i_crtime_extra;
};
#define EXT2_DINODE_SIZE  128
#define EXT2_EXTRA_ISIZE  (sizeof(struct ext2_dinode) - EXT2_DINODE_SIZE)

#define EXT2_APPEND_FL	  0x00000020 /**< data may only be added */
#define EXT2_IMMUTABLE_FL 0x00000010 /**< may not change at all */
#define EXT2_INDEX_FL	  0x00001000 /**< directory with a hash tree */
/* Flags that change what i_block means: encrypted, extents, data inside. */
#define EXT2_FOREIGN_FL (0x00000800 | 0x00080000 | 0x10000000)

/** A directory entry. Entries fill each block of a directory exactly. */
struct ext2_dirent {
	uint32_t inode;	  /**< 0: the space is free */
	uint16_t rec_len; /**< bytes to the next, a multiple of 4 */
	uint8_t name_len;
	uint8_t file_type; /**< EXT2_FT_*, with the filetype feature */
	char name[];
};
#define EXT2_DIRENT_HEADER 8
/** Bytes that an entry with a name of @p len bytes needs. */
#define EXT2_DIRENT_SIZE(len) (((len) + EXT2_DIRENT_HEADER + 3u) & ~3u)

enum ext2_file_type {
	EXT2_FT_UNKNOWN,
	EXT2_FT_REG,
	EXT2_FT_DIR,
	EXT2_FT_CHR,
	EXT2_FT_BLK,
	EXT2_FT_FIFO,
	EXT2_FT_SOCK,
	EXT2_FT_LNK,
	EXT2_FT_COUNT
};

/** Start of a block of extended attributes; several inodes may share it. */
struct ext2_xattr_header {
	uint32_t h_magic;
	uint32_t h_refcount;
	uint32_t h_blocks;
	uint32_t h_hash;
};
#define EXT2_XATTR_MAGIC 0xea020000

#endif
