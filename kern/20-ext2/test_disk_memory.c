/*
 * The self-tests' disk in memory, and the check that a disk is sound.
 */
#include "ext2_bitmap.h"
#include "string.h"
#include "test_ext2.h"

#define DISK_ORDER 9 /* 2 MiB */
#define DISK_SIZE  (PAGE_SIZE << DISK_ORDER)

static struct block_device memory_disk;
static char *memory;

/* ---- The disk ---- */

static void
memory_submit(struct block_device *d, struct block_request *r)
{
	char *at = memory + r->sector * SECTOR_SIZE, *data;
	unsigned i;

	(void)d;
	for (i = 0; i < r->nsegments; i++, at += r->segments[i - 1].len) {
		data = direct_map(r->segments[i].pa);
		if (r->op == BLOCK_READ)
			memcpy(data, at, r->segments[i].len);
		else
			memcpy(at, data, r->segments[i].len);
	}
	block_finish(r, 0);
}

/** A disk is registered for good; so is this one, at its first use. */
static bool
memory_disk_make(void)
{
	struct page *pages;

	if (memory)
		return true;
	pages = page_alloc(DISK_ORDER, PAGE_KERNEL, 0);
	if (!pages)
		return false;
	memory = page_address(pages);
	memory_disk.sectors = DISK_SIZE / SECTOR_SIZE;
	memory_disk.submit = memory_submit;
	block_register(&memory_disk);
	return true;
}

struct block_device *
test_disk(uint32_t block_size, uint32_t inode_size)
{
	char name[8];

	if (command_line_get("ext2disk", name, sizeof(name)))
		return block_find(name);
	if (!memory_disk_make())
		return NULL;
	memset(memory, 0, DISK_SIZE);
	test_format(memory, DISK_SIZE, block_size, inode_size);
	return &memory_disk;
}

bool
test_disk_in_memory(const struct block_device *d)
{
	return d == &memory_disk;
}

/* ---- Soundness ---- */

/** Whether a bitmap has @p expected zeros among its first @p n bits. */
static bool
zeros_are(struct block_device *d, uint32_t block, uint32_t size, uint32_t n,
	  uint32_t expected)
{
	uint32_t bit = 0, zeros = 0;
	struct buf *b;
	int error;

	b = buf_read(d, block, size, &error);
	if (!b)
		return false;
	while ((bit = bitmap_find_zero(b->data, bit, n)) < n) {
		zeros++;
		bit++;
	}
	buf_put(b);
	if (zeros != expected)
		kprintf("bitmap at %u: %u are free, not %u\n", block, zeros,
			expected);
	return zeros == expected;
}

/** Check a group and add up what it has. */
static bool
group_sound(struct block_device *d, const struct ext2_super *s, uint32_t group,
	    uint32_t *blocks, uint32_t *inodes)
{
	uint32_t size = 1024u << s->s_log_block_size, n;
	uint32_t at = group * sizeof(struct ext2_group_desc);
	struct ext2_group_desc desc;
	struct buf *b;
	int error;

	b = buf_read(d, s->s_first_data_block + 1 + at / size, size, &error);
	if (!b)
		return false;
	memcpy(&desc, (char *)b->data + at % size, sizeof(desc));
	buf_put(b);
	*blocks += desc.bg_free_blocks_count;
	*inodes += desc.bg_free_inodes_count;
	n = s->s_blocks_count - s->s_first_data_block -
	    group * s->s_blocks_per_group;
	return zeros_are(d, desc.bg_block_bitmap, size,
			 MIN(n, s->s_blocks_per_group),
			 desc.bg_free_blocks_count) &&
	       zeros_are(d, desc.bg_inode_bitmap, size, s->s_inodes_per_group,
			 desc.bg_free_inodes_count);
}

bool
test_disk_sound(struct block_device *d)
{
	uint32_t blocks = 0, inodes = 0, group = 0;
	struct ext2_super *s;
	struct buf *b;
	bool sound = true;
	int error;

	buf_invalidate(d);
	b = buf_read(d, 1, EXT2_SUPER_SIZE, &error);
	if (!b)
		return false;
	s = b->data;
	for (; sound && group < s->s_inodes_count / s->s_inodes_per_group;
	     group++)
		sound = group_sound(d, s, group, &blocks, &inodes);
	sound = sound && s->s_state == EXT2_STATE_VALID &&
		s->s_free_blocks_count == blocks &&
		s->s_free_inodes_count == inodes;
	buf_put(b);
	buf_invalidate(d);
	return sound;
}
