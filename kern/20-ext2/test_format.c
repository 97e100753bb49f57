/*
 * Making an ext2 file system: the least there can be, for the self-tests.
 */
#include "ext2_bitmap.h"
#include "string.h"
#include "test_ext2.h"

#define INODES 128

/* Places of the metadata, in blocks. */
struct layout {
	char *image;
	uint32_t block_size, inode_size, blocks, first;
	uint32_t block_bitmap, inode_bitmap, inode_table, root;
};

static void *
block_of(const struct layout *l, uint32_t block)
{
	return l->image + (size_t)block * l->block_size;
}

static void
write_super(const struct layout *l, uint32_t free_blocks)
{
	struct ext2_super *s = (void *)(l->image + EXT2_SUPER_OFFSET);

	*s = (struct ext2_super){
		.s_inodes_count = INODES,
		.s_blocks_count = l->blocks,
		.s_free_blocks_count = free_blocks,
		.s_free_inodes_count = INODES - EXT2_FIRST_INO_0 + 1,
		.s_first_data_block = l->first,
		.s_log_block_size = ilog2(l->block_size / 1024),
		.s_log_frag_size = ilog2(l->block_size / 1024),
		.s_blocks_per_group = l->block_size * 8,
		.s_frags_per_group = l->block_size * 8,
		.s_inodes_per_group = INODES,
		.s_max_mnt_count = UINT16_MAX,
		.s_magic = EXT2_MAGIC,
		.s_state = EXT2_STATE_VALID,
		.s_errors = 1,
		.s_rev_level = 1,
		.s_first_ino = EXT2_FIRST_INO_0,
		.s_inode_size = (uint16_t)l->inode_size,
		.s_feature_incompat = EXT2_INCOMPAT_FILETYPE,
		.s_feature_ro_compat = EXT2_RO_COMPAT_SPARSE_SUPER,
		.s_uuid = { 0x48, 0x61, 0x72, 0x64, 0x74, 0x61, 0x63, 0x6b },
	};
}

static void
write_group(const struct layout *l, uint32_t free_blocks)
{
	struct ext2_group_desc *d = block_of(l, l->first + 1);
	uint64_t *map = block_of(l, l->block_bitmap);
	uint32_t i;

	*d = (struct ext2_group_desc){
		.bg_block_bitmap = l->block_bitmap,
		.bg_inode_bitmap = l->inode_bitmap,
		.bg_inode_table = l->inode_table,
		.bg_free_blocks_count = (uint16_t)free_blocks,
		.bg_free_inodes_count = INODES - EXT2_FIRST_INO_0 + 1,
		.bg_used_dirs_count = 1,
	};
	/* What is used, and what is past the end of the disk. */
	for (i = 0; i < l->block_size * 8; i++)
		if (i + l->first <= l->root || i + l->first >= l->blocks)
			bitmap_set(map, i);
	map = block_of(l, l->inode_bitmap);
	for (i = 0; i < l->block_size * 8; i++)
		if (i < EXT2_FIRST_INO_0 - 1 || i >= INODES)
			bitmap_set(map, i);
}

static void
write_entry(void *at, const char *name, uint32_t rec_len)
{
	struct ext2_dirent *d = at;

	d->inode = EXT2_ROOT_INO;
	d->rec_len = (uint16_t)rec_len;
	d->name_len = (uint8_t)strlen(name);
	d->file_type = EXT2_FT_DIR;
	memcpy(d->name, name, d->name_len);
}

static void
write_root(const struct layout *l)
{
	struct ext2_dinode *di =
		(void *)((char *)block_of(l, l->inode_table) + l->inode_size);
	char *block = block_of(l, l->root);

	di->i_mode = S_IFDIR | 0755;
	di->i_size = l->block_size;
	di->i_links_count = 2;
	di->i_blocks = l->block_size / SECTOR_SIZE;
	di->i_block[0] = l->root;
	if (l->inode_size > EXT2_DINODE_SIZE)
		di->i_extra_isize = EXT2_EXTRA_ISIZE;
	write_entry(block, ".", 12);
	write_entry(block + 12, "..", l->block_size - 12);
}

void
test_format(void *image, size_t size, uint32_t block_size, uint32_t inode_size)
{
	struct layout l = {
		.image = image,
		.block_size = block_size,
		.inode_size = inode_size,
		.blocks = (uint32_t)(size / block_size),
		.first = block_size == 1024,
	};
	uint32_t free_blocks;

	l.block_bitmap = l.first + 2;
	l.inode_bitmap = l.first + 3;
	l.inode_table = l.first + 4;
	l.root = l.inode_table + INODES * inode_size / block_size;
	free_blocks = l.blocks - l.root - 1;
	write_super(&l, free_blocks);
	write_group(&l, free_blocks);
	write_root(&l);
}

/** A free byte by looking at each bit. */
static uint32_t
free_byte(const uint64_t *map, uint32_t from, uint32_t end)
{
	uint32_t at, n;

	for (at = ROUND_UP(from, 8u); at + 8 <= end; at += 8) {
		for (n = 0; n < 8 && !bitmap_test(map, at + n); n++)
			;
		if (n == 8)
			return at;
	}
	return end;
}

SELFTEST(ext2_free_bytes_are_found)
{
	uint64_t map[4];
	uint32_t round, i, from, end;

	for (round = 0; round < 2000; round++) {
		memset(map, 0xff, sizeof(map));
		for (i = 0; i < 4; i++)
			bitmap_clear(map, (uint32_t)random_seed() % 256);
		i = (uint32_t)random_seed() % 256;
		((uint8_t *)map)[i / 8] = (uint8_t)(round % 3 == 0 ? 1 : 0);
		from = (uint32_t)random_seed() % 256;
		end = from + (uint32_t)random_seed() % (257 - from);
		CHECK(bitmap_find_zero_byte(map, from, end) ==
		      free_byte(map, from, end));
	}
}
