/*
 * Damaged disks: fields of superblock, descriptors, inodes, directories, trees
 * and bitmaps are set to extremes, then the disk is mounted, everything on it
 * read, and some of it changed. All that may come of it is an error; the
 * sanitizers, the shim's checks and a bound on work see to that.
 */
#include "abi/mount.h"
#include "corrupt.h"
#include "format.h"
#include "shim.h"
#include "string.h"

#define DEPTH_MAX   12
#define ENTRIES_MAX 400 /* of a directory, looked at */
#define READS_MAX   60000

static uint8_t *pristine;
static size_t image_size;
static unsigned visited;
static char data[16384];

/* ---- Where things are on the good disk ---- */

static const struct ext2_super *
super(void)
{
	return (const void *)(pristine + EXT2_SUPER_OFFSET);
}

static uint32_t
block_size(void)
{
	return 1024u << super()->s_log_block_size;
}

static const struct ext2_group_desc *
desc(uint32_t group)
{
	return (const struct ext2_group_desc *)(pristine +
						(super()->s_first_data_block +
						 1) * block_size()) +
	       group;
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
		di = (const void *)(pristine + inode_offset(ino));
		if (di->i_links_count &&
		    (di->i_blocks > 0 || shim_random(8) == 0))
			return ino;
	}
	return EXT2_ROOT_INO;
}

/* ---- Damage ---- */

static uint32_t
extreme(uint32_t now)
{
	static const uint32_t values[] = {
		0,	    1,		2,	    7,		0xff,
		0xffff,	    0x7fff,	0x8000,	    0xffffffff, 0x7fffffff,
		0x80000000, 0xfffffffe, 0x10000000, 12,		1024,
	};

	switch (shim_random(6)) {
	case 0:
		return now + 1;
	case 1:
		return now - 1;
	case 2:
		return now ^ 1u << shim_random(32);
	case 3:
		return shim_random(super()->s_blocks_count + 2);
	case 4:
		return desc(shim_random(ngroups()))->bg_inode_table +
		       shim_random(3) - 1;
	default:
		return values[shim_random(ARRAY_SIZE(values))];
	}
}

/** Set a field of 1, 2 or 4 bytes at or after @p offset, within @p len. */
static void
damage_field(size_t offset, size_t len)
{
	size_t width = 1u << shim_random(3), at;
	uint32_t value = 0;

	at = offset + shim_random((uint32_t)(len / width)) * width;
	if (at + width > image_size)
		return;
	memcpy(&value, shim_image + at, width);
	value = extreme(value);
	memcpy(shim_image + at, &value, width);
}

/** A block that an inode leads to: of a directory, a tree, a link, a file. */
static void
damage_block_of_inode(void)
{
	const struct ext2_dinode *di =
		(const void *)(pristine + inode_offset(some_inode()));
	uint32_t block = di->i_block[shim_random(3) ? 0 : 12 + shim_random(3)];

	if (block && block < super()->s_blocks_count)
		damage_field((size_t)block * block_size(),
			     shim_random(2) ? 64 : block_size());
}

/** A field of an inode that says more than who owns the file and when. */
static void
damage_inode(void)
{
	static const uint8_t fields[] = {
		offsetof(struct ext2_dinode, i_mode),
		offsetof(struct ext2_dinode, i_size),
		offsetof(struct ext2_dinode, i_links_count),
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

	damage_field(inode_offset(some_inode()) +
			     fields[shim_random(ARRAY_SIZE(fields))],
		     4);
}

static void
damage_bitmap(void)
{
	const struct ext2_group_desc *d = desc(shim_random(ngroups()));
	uint32_t block =
		shim_random(2) ? d->bg_block_bitmap : d->bg_inode_bitmap;

	memset(shim_image + (size_t)block * block_size() + shim_random(64),
	       shim_random(2) ? 0xff : 0, 1 + shim_random(64));
}

static void
damage(void)
{
	uint32_t block;
	size_t i;

	switch (shim_random(8)) {
	case 0:
		damage_field(EXT2_SUPER_OFFSET, 112);
		break;
	case 1:
		damage_field((super()->s_first_data_block + 1) * block_size(),
			     ngroups() * sizeof(struct ext2_group_desc));
		break;
	case 2:
	case 3:
		damage_inode();
		break;
	case 4:
	case 5:
		damage_block_of_inode();
		break;
	case 6:
		damage_bitmap();
		break;
	default:
		block = shim_random(super()->s_blocks_count);
		for (i = 0; i < block_size(); i++)
			shim_image[(size_t)block * block_size() + i] =
				(uint8_t)shim_random(256);
	}
}

/* ---- Use ---- */

struct names {
	unsigned n, seen;
	char name[24][NAME_MAX + 1];
};

static bool
take_name(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	  uint64_t next)
{
	struct names *names = arg;

	(void)ino;
	(void)type;
	(void)next;
	if (names->n < ARRAY_SIZE(names->name)) {
		memcpy(names->name[names->n], name, len);
		names->name[names->n++][len] = '\0';
	}
	return ++names->seen < ENTRIES_MAX;
}

static void
use_file(struct vnode *v)
{
	uint64_t size = v->size;

	shim_read(v, data, sizeof(data), 0);
	shim_read(v, data, sizeof(data), size > 70000 ? size - 9000 : 0);
	shim_read(v, data, 1, 300000);
	if (shim_random(3) == 0)
		shim_write(v, data, 5000, shim_random(20000), 5000);
	if (shim_random(4) == 0)
		shim_write(v, data, 3000, size > 1 << 20 ? size / 2 : size,
			   shim_random(2) ? 3000 : 100);
	if (shim_random(4) == 0)
		shim_map_write(v, shim_random(10000), 1);
	if (shim_random(6) == 0)
		shim_set_size(v,
			      shim_random(2) ? shim_random(30000) : size / 2);
}

static void
remove_some(struct vnode *dir, const char *name, struct vnode *v)
{
	struct vnode *other = NULL;

	if (v->type != VT_DIR && shim_random(5) == 0)
		dir->ops->unlink(dir, name, strlen(name), v);
	else if (v->type != VT_DIR && shim_random(5) == 0)
		dir->ops->link(dir, "another", 7, v);
	else if (v->type == VT_DIR && shim_random(8) == 0)
		dir->ops->rmdir(dir, name, strlen(name), v);
	else if (shim_random(5) == 0 &&
		 dir->ops->lookup(dir, "moved", 5, &other) == -ENOENT)
		dir->ops->rename(dir, name, strlen(name), v, shim_mount.root,
				 "moved", 5, NULL);
	if (other)
		vnode_put(other);
}

static void
make_some(struct vnode *dir)
{
	struct vnode *v = NULL;
	char name[32], target[200];

	memset(target, 't', sizeof(target));
	target[sizeof(target) - 1] = '\0';
	snformat(name, sizeof(name), "new%u", visited);
	if (shim_random(2) && dir->ops->create(dir, name, strlen(name),
					       S_IFREG | 0644, 0, &v) == 0) {
		use_file(v);
		vnode_put(v);
	}
	if (shim_random(3) == 0 &&
	    dir->ops->mkdir(dir, "newdir", 6, S_IFDIR | 0755, &v) == 0)
		vnode_put(v);
	if (shim_random(3) == 0 &&
	    dir->ops->symlink(dir, "newlink", 7, target, &v) == 0)
		vnode_put(v);
}

static void use_dir(struct vnode *dir, unsigned depth);

static void
use_name(struct vnode *dir, const char *name, unsigned depth)
{
	struct vnode *v;
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    dir->ops->lookup(dir, name, strlen(name), &v))
		return;
	v->ops->getattr(v, &st);
	if (v->type == VT_DIR)
		use_dir(v, depth + 1);
	else if (v->type == VT_REG)
		use_file(v);
	else if (v->type == VT_LNK)
		v->ops->readlink(v, data, 4096);
	if (dir->nlink > 0 && v->nlink > 0)
		remove_some(dir, name, v);
	vnode_put(v);
}

static void
use_dir(struct vnode *dir, unsigned depth)
{
	struct names *names;
	uint64_t pos = 0;
	unsigned i;

	if (depth > DEPTH_MAX || ++visited > 60)
		return;
	names = host_alloc(sizeof(*names));
	dir->ops->readdir(dir, &pos, take_name, names);
	for (i = 0; i < names->n && dir->nlink > 0; i++)
		use_name(dir, names->name[i], depth);
	host_free(names);
	if (dir->nlink > 0 && shim_random(2))
		make_some(dir);
}

static void
try_one(void)
{
	unsigned i, n = 1 + shim_random(3);

	memcpy(shim_image, pristine, image_size);
	for (i = 0; i < n; i++)
		damage();
	shim_messages = 0;
	visited = 0;
	shim_reads_max = READS_MAX;
	if (shim_mount_disk(shim_random(8) ? 0 : MS_RDONLY) == 0) {
		use_dir(shim_mount.root, 0);
		if (shim_random(2))
			shim_evict();
		use_dir(shim_mount.root, 0);
		shim_unmount();
	}
}

void
corrupt(unsigned long seed, unsigned count)
{
	char text[80];
	unsigned i, mounted = 0;

	image_size = shim_disk.sectors * SECTOR_SIZE;
	pristine = host_alloc(image_size);
	memcpy(pristine, shim_image, image_size);
	for (i = 0; i < count; i++) {
		shim_seed = seed + i;
		snformat(text, sizeof(text), "seed %lu\n", seed + i);
		host_write(text);
		host_time_limit(20);
		try_one();
		mounted += shim_messages == 0;
	}
	snformat(text, sizeof(text), "done %u, %u without a message\n", count,
		 mounted);
	host_write(text);
	host_free(pristine);
}
