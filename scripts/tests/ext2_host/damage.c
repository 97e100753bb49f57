/*
 * Damaged disks: from a good image, bad ones. Either one field after the other
 * of what is checked at a mount gets each of some extreme values; or fields of
 * superblock, descriptors, inodes, directories, trees, bitmaps and the journal
 * get random ones. What has a checksum is often given a right one, since
 * otherwise only the checksum would be tested.
 */
#include "damage.h"
#include "ext2_format.h"
#include "host.h"
#include "journal_format.h"
#include "shim.h"
#include "string.h"

#define JOURNAL_INO    8
#define JOURNAL_LOOKED 60 /* blocks of the log that are damaged */

static const uint8_t *good;
static size_t image_size;

void
damage_begin(const uint8_t *image, size_t size)
{
	good = image;
	image_size = size;
}

/* ---- Where things are on the good disk ---- */

static const struct ext2_super *
super(void)
{
	return (const void *)(good + EXT2_SUPER_OFFSET);
}

static uint32_t
block_size(void)
{
	return 1024u << super()->s_log_block_size;
}

static size_t
desc_offset(void)
{
	return (super()->s_first_data_block + 1) * block_size();
}

static const struct ext2_group_desc *
desc(uint32_t group)
{
	return (const struct ext2_group_desc *)(good + desc_offset()) + group;
}

static uint32_t
ngroups(void)
{
	return super()->s_inodes_count / super()->s_inodes_per_group;
}

static size_t
inode_offset(uint32_t ino)
{
	uint32_t group = (ino - 1) / super()->s_inodes_per_group;
	uint32_t index = (ino - 1) % super()->s_inodes_per_group;
	uint32_t size = super()->s_rev_level ? super()->s_inode_size : 128;

	return (size_t)desc(group)->bg_inode_table * block_size() +
	       (size_t)index * size;
}

static const struct ext2_dinode *
inode(uint32_t ino)
{
	return (const void *)(good + inode_offset(ino));
}

/** Some inode in use, mostly one with blocks, or the root. */
static uint32_t
some_inode(void)
{
	const struct ext2_dinode *di;
	unsigned tries;
	uint32_t ino;

	for (tries = 0; tries < 60; tries++) {
		ino = 11 + shim_random(90);
		if (ino > super()->s_inodes_count)
			continue;
		di = inode(ino);
		if (di->i_links_count &&
		    (di->i_blocks > 0 || shim_random(8) == 0))
			return ino;
	}
	return EXT2_ROOT_INO;
}

static bool
has_journal(void)
{
	return super()->s_rev_level &&
	       super()->s_feature_compat & EXT2_COMPAT_HAS_JOURNAL;
}

/** Where block @p n of the journal is, n being small; 0: there is none. */
static size_t
journal_offset(uint32_t n)
{
	const uint32_t *block = inode(JOURNAL_INO)->i_block;

	if (n >= EXT2_DIRECT) {
		n -= EXT2_DIRECT;
		block = (const void *)(good + (size_t)block[EXT2_DIRECT] *
						      block_size());
	}
	return (size_t)block[n] * block_size();
}

/* ---- Values ---- */

static const uint32_t extremes[] = {
	0,	    1,		2,	    7,		12,
	0xff,	    1024,	0x7fff,	    0x8000,	0xffff,
	0x10000000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
};
#define VALUES (ARRAY_SIZE(extremes) + 2)

static uint32_t
nth_value(unsigned n, uint32_t now)
{
	if (n < ARRAY_SIZE(extremes))
		return extremes[n];
	return n == ARRAY_SIZE(extremes) ? now + 1 : now - 1;
}

static uint32_t
random_value(uint32_t now)
{
	switch (shim_random(6)) {
	case 0:
		return now ^ 1u << shim_random(32);
	case 1:
		return shim_random(super()->s_blocks_count + 2);
	case 2:
		return desc(shim_random(ngroups()))->bg_inode_table +
		       shim_random(3) - 1;
	default:
		return nth_value(shim_random(VALUES), now);
	}
}

/** The bytes of a field of the disk as a number; journals' are big-endian. */
static uint32_t
turned(uint32_t value, size_t width, bool big)
{
	return !big	    ? value
	       : width == 4 ? __builtin_bswap32(value)
			    : (width == 2 ? __builtin_bswap16((uint16_t)value)
					  : value);
}

static void
field_set(uint8_t *image, size_t at, size_t width, bool big, bool random,
	  unsigned n)
{
	uint32_t value = 0;

	if (at + width > image_size)
		return;
	memcpy(&value, image + at, width);
	value = turned(value, width, big);
	value = random ? random_value(value) : nth_value(n, value);
	value = turned(value, width, big);
	memcpy(image + at, &value, width);
}

/* ---- The journal's checksums ---- */

static void
checksum_set(uint8_t *block, size_t len, size_t at, uint32_t seed)
{
	be32_t sum = to_be32(0);

	memcpy(block + at, &sum, sizeof(sum));
	sum = to_be32(crc32c(seed, block, len));
	memcpy(block + at, &sum, sizeof(sum));
}

/** Have block @p n of the journal in @p image vouch for what it says. */
static void
journal_vouch(uint8_t *image, uint32_t n)
{
	const struct journal_super *js =
		(const void *)(good + journal_offset(0));
	uint32_t seed = crc32c(~0u, js->uuid, sizeof(js->uuid));
	uint8_t *block = image + journal_offset(n);
	const struct journal_header *h = (const void *)block;

	if (n == 0)
		checksum_set(block, JOURNAL_SUPER_SIZE,
			     offsetof(struct journal_super, checksum), ~0u);
	else if (be32(h->type) == JOURNAL_COMMIT)
		checksum_set(block, block_size(),
			     offsetof(struct journal_commit, checksum), seed);
	else
		checksum_set(block, block_size(),
			     block_size() - sizeof(struct journal_tail), seed);
}

/* ---- One field after the other ---- */

/** A part of the disk in which each field is damaged. */
struct part {
	size_t offset, len;
	bool journal;
};

/** Part number @p n. @return false: there are no more */
static bool
part(unsigned n, struct part *p)
{
	static const uint8_t inos[] = { 2,  7,	8,  11, 12, 13, 14,
					15, 16, 17, 18, 19, 20, 21 };
	uint32_t size = super()->s_rev_level ? super()->s_inode_size : 128;

	*p = (struct part){ EXT2_SUPER_OFFSET, 264, false };
	if (n == 0)
		return true;
	*p = (struct part){ desc_offset(),
			    ngroups() * sizeof(struct ext2_group_desc), false };
	if (n == 1)
		return true;
	n -= 2;
	if (n < ARRAY_SIZE(inos)) {
		*p = (struct part){ inode_offset(inos[n]),
				    MIN(size, sizeof(struct ext2_dinode)),
				    false };
		return true;
	}
	*p = (struct part){ has_journal() ? journal_offset(0) : 0, 96, true };
	return has_journal() && n == ARRAY_SIZE(inos);
}

/** Fields of two bytes, then those of four. */
static unsigned
part_count(const struct part *p)
{
	return (unsigned)(p->len / 2 + p->len / 4) * VALUES;
}

unsigned
damage_count(void)
{
	unsigned n, count = 0;
	struct part p;

	for (n = 0; part(n, &p); n++)
		count += part_count(&p);
	return count;
}

void
damage_nth(uint8_t *image, unsigned n)
{
	unsigned i, field, narrow;
	struct part p;

	memcpy(image, good, image_size);
	for (i = 0; part(i, &p) && n >= part_count(&p); i++)
		n -= part_count(&p);
	field = n / VALUES;
	narrow = (unsigned)p.len / 2;
	if (field < narrow)
		field_set(image, p.offset + field * 2, 2, p.journal, false,
			  n % VALUES);
	else
		field_set(image, p.offset + (field - narrow) * 4, 4, p.journal,
			  false, n % VALUES);
	if (p.journal)
		journal_vouch(image, 0);
}

/* ---- Random damage ---- */

/** A field of 1, 2 or 4 bytes at or after @p offset, within @p len. */
static void
damage_field(uint8_t *image, size_t offset, size_t len, bool big)
{
	size_t width = 1u << shim_random(3);

	offset += shim_random((uint32_t)(len / width)) * width;
	field_set(image, offset, width, big, true, 0);
}

/** A block that an inode leads to: of a directory, a tree, a link, a file. */
static void
damage_block_of_inode(uint8_t *image)
{
	const uint32_t *numbers = inode(some_inode())->i_block;
	uint32_t block = numbers[shim_random(3) ? 0 : 12 + shim_random(3)];

	if (block && block < super()->s_blocks_count)
		damage_field(image, (size_t)block * block_size(),
			     shim_random(2) ? 64 : block_size(), false);
}

/** A field of an inode that says more than who owns the file and when. */
static void
damage_inode(uint8_t *image)
{
	static const uint8_t fields[] = {
		offsetof(struct ext2_dinode, i_mode),
		offsetof(struct ext2_dinode, i_size),
		offsetof(struct ext2_dinode, i_links_count),
		offsetof(struct ext2_dinode, i_dtime),
		offsetof(struct ext2_dinode, i_blocks),
		offsetof(struct ext2_dinode, i_flags),
		offsetof(struct ext2_dinode, i_block),
		offsetof(struct ext2_dinode, i_block) + 48,
		offsetof(struct ext2_dinode, i_block) + 52,
		offsetof(struct ext2_dinode, i_block) + 56,
		offsetof(struct ext2_dinode, i_file_acl),
		offsetof(struct ext2_dinode, i_size_high),
		offsetof(struct ext2_dinode, i_extra_isize),
	};

	damage_field(image,
		     inode_offset(some_inode()) +
			     fields[shim_random(ARRAY_SIZE(fields))],
		     4, false);
}

static void
damage_bitmap(uint8_t *image)
{
	const struct ext2_group_desc *d = desc(shim_random(ngroups()));
	uint32_t block =
		shim_random(2) ? d->bg_block_bitmap : d->bg_inode_bitmap;

	memset(image + (size_t)block * block_size() + shim_random(64),
	       shim_random(2) ? 0xff : 0, 1 + shim_random(64));
}

static void
damage_journal(uint8_t *image)
{
	uint32_t n = shim_random(4) ? shim_random(JOURNAL_LOOKED) : 0;

	damage_field(image, journal_offset(n),
		     n == 0	      ? 96
		     : shim_random(2) ? 64
				      : block_size(),
		     true);
	if (shim_random(4))
		journal_vouch(image, n);
}

static void
damage_block(uint8_t *image)
{
	uint8_t *block = image + (size_t)shim_random(super()->s_blocks_count) *
					 block_size();
	uint32_t i;

	for (i = 0; i < block_size(); i++)
		block[i] = (uint8_t)shim_random(256);
}

static void
damage(uint8_t *image)
{
	if (has_journal() && shim_random(2)) {
		damage_journal(image);
		return;
	}
	switch (shim_random(8)) {
	case 0:
		damage_field(image, EXT2_SUPER_OFFSET, 264, false);
		break;
	case 1:
		damage_field(image, desc_offset(),
			     ngroups() * sizeof(struct ext2_group_desc), false);
		break;
	case 2:
	case 3:
		damage_inode(image);
		break;
	case 4:
	case 5:
		damage_block_of_inode(image);
		break;
	case 6:
		damage_bitmap(image);
		break;
	default:
		damage_block(image);
	}
}

void
damage_random(uint8_t *image)
{
	unsigned i, n = 1 + shim_random(3);

	memcpy(image, good, image_size);
	for (i = 0; i < n; i++)
		damage(image);
}

/* ---- For a kernel to try ---- */

void
damage_write(const char *path, const uint8_t *image)
{
	uint32_t n = 0, sector, nsectors = (uint32_t)(image_size / SECTOR_SIZE);

	for (sector = 0; sector < nsectors; sector++)
		n += memcmp(image + sector * SECTOR_SIZE,
			    good + sector * SECTOR_SIZE, SECTOR_SIZE) != 0;
	host_append(path, &n, sizeof(n));
	for (sector = 0; sector < nsectors; sector++) {
		if (memcmp(image + sector * SECTOR_SIZE,
			   good + sector * SECTOR_SIZE, SECTOR_SIZE) == 0)
			continue;
		host_append(path, &sector, sizeof(sector));
		host_append(path, image + sector * SECTOR_SIZE, SECTOR_SIZE);
	}
}
