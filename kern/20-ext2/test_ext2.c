/*
 * Self-tests of chapter ext2, through the kernel's own calls. That the disk is
 * right in all its details is judged on the host: scripts/tests/test_ext2.py.
 */
#include "abi/mount.h"
#include "format.h"
#include "string.h"
#include "test_ext2.h"
#include "test_files.h"

#define TOP "/ext2"

static const struct format {
	uint32_t block_size, inode_size;
} formats[] = { { 1024, 128 }, { 2048, 256 }, { 4096, 256 } };

static struct block_device *disk;
static char chunk[3 * PAGE_SIZE + 100];

/* ---- Helpers ---- */

static int
mount_disk(unsigned flags)
{
	int error = vfs_mkdir(AT_FDCWD, TOP, 0755);

	if (error && error != -EEXIST)
		return error;
	return vfs_mount("ext2", disk->name, TOP, flags, "");
}

/** Format the disk and mount it. */
static bool
begin(const struct format *f)
{
	disk = test_disk(f->block_size, f->inode_size);
	return disk && mount_disk(0) == 0;
}

/** Unmount it, and look whether it is sound. */
static bool
end(void)
{
	return vfs_unmount(TOP, 0) == 0 && vfs_rmdir(AT_FDCWD, TOP) == 0 &&
	       test_disk_sound(disk);
}

/** Blocks and inodes that are free, as one number. */
static uint64_t
free_now(void)
{
	struct statfs st = { 0 };
	struct vnode *v;

	if (path_walk(AT_FDCWD, TOP, 0, &v))
		return 0;
	v->mount->ops->statfs(v->mount, &st);
	vnode_put(v);
	return st.f_bfree << 32 | st.f_ffree;
}

static void
chunk_fill(unsigned seed)
{
	size_t i;

	for (i = 0; i < sizeof(chunk); i++)
		chunk[i] = (char)(seed * 31 + i * 7 + (i >> 8));
}

/** Write the first @p len bytes of the chunk at @p pos of file @p path. */
static int64_t
put_some(const char *path, unsigned seed, uint64_t pos, size_t len)
{
	struct file *f;
	int64_t n = file_open(AT_FDCWD, path, O_CREAT | O_RDWR, 0644, &f);

	if (n)
		return n;
	chunk_fill(seed);
	n = test_pwrite(f, chunk, len, pos);
	file_put(f);
	return n;
}

static int64_t
put(const char *path, unsigned seed, uint64_t pos)
{
	return put_some(path, seed, pos, sizeof(chunk));
}

/** Append pieces of @p len bytes until one fails. @return its error */
static int64_t
fill_disk(const char *path, uint64_t *pos, size_t len)
{
	int64_t n = 0;

	for (; n >= 0 && *pos < 4 << 20; *pos += (uint64_t)n)
		n = put_some(path, 8, *pos, len);
	*pos -= (uint64_t)n;
	return n;
}

/** Whether the chunk is there. */
static bool
has(const char *path, unsigned seed, uint64_t pos)
{
	static char found[sizeof(chunk)];
	struct file *f;
	int64_t n;

	if (file_open(AT_FDCWD, path, O_RDONLY, 0, &f))
		return false;
	n = test_pread(f, found, sizeof(found), pos);
	file_put(f);
	chunk_fill(seed);
	return n == sizeof(found) && memcmp(found, chunk, n) == 0;
}

/** What the byte at @p pos is, or -1. */
static int
byte_at(const char *path, uint64_t pos)
{
	unsigned char c = 0;
	struct file *f;
	int64_t n;

	if (file_open(AT_FDCWD, path, O_RDONLY, 0, &f))
		return -1;
	n = test_pread(f, &c, 1, pos);
	file_put(f);
	return n == 1 ? c : -1;
}

static int
truncate_to(const char *path, uint64_t size)
{
	struct vnode *v;
	int error = path_walk(AT_FDCWD, path, 0, &v);

	if (error)
		return error;
	error = vnode_truncate(v, size);
	vnode_put(v);
	return error;
}

/* ---- Tests ---- */

static bool
survives_remount(const struct format *f)
{
	bool good;

	good = begin(f) && vfs_mkdir(AT_FDCWD, TOP "/d", 0750) == 0 &&
	       put(TOP "/d/file", 1, 0) == sizeof(chunk) &&
	       put(TOP "/d/file", 2, 500000) == sizeof(chunk) &&
	       vfs_symlink("d/file", AT_FDCWD, TOP "/short") == 0 &&
	       vfs_link(AT_FDCWD, TOP "/d/file", AT_FDCWD, TOP "/hard", 0) ==
		       0 &&
	       vfs_rename(AT_FDCWD, TOP "/d", AT_FDCWD, TOP "/e", 0) == 0;
	good = good && vfs_unmount(TOP, 0) == 0 && test_disk_sound(disk) &&
	       mount_disk(0) == 0;
	good = good && has(TOP "/e/file", 1, 0) &&
	       has(TOP "/hard", 2, 500000) &&
	       byte_at(TOP "/hard", 100000) == 0 &&
	       test_exists(TOP "/d") == -ENOENT &&
	       test_exists(TOP "/short") == 0;
	test_remove_tree(TOP "/e");
	vfs_unlink(AT_FDCWD, TOP "/short");
	vfs_unlink(AT_FDCWD, TOP "/hard");
	return end() && good;
}

SELFTEST(ext2_survives_remount)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		CHECK(survives_remount(&formats[i]));
}

SELFTEST(ext2_all_is_freed)
{
	uint64_t before;

	CHECK(begin(&formats[0]));
	before = free_now();
	CHECK(before > 0);
	CHECK(put(TOP "/a", 3, 0) > 0);
	CHECK(put(TOP "/a", 4, 300000) > 0);   /* a tree of two levels */
	CHECK(put(TOP "/a", 5, 80 << 20) > 0); /* and of three */
	CHECK(vfs_mkdir(AT_FDCWD, TOP "/d", 0755) == 0);
	CHECK(free_now() != before);
	CHECK(truncate_to(TOP "/a", 300000) == 0);
	CHECK(byte_at(TOP "/a", 299999) == 0);
	CHECK(vfs_unlink(AT_FDCWD, TOP "/a") == 0);
	CHECK(vfs_rmdir(AT_FDCWD, TOP "/d") == 0);
	CHECK(free_now() == before);
	CHECK(end());
}

SELFTEST(ext2_open_file_outlives_name)
{
	uint64_t before;
	struct file *f;
	char c;

	CHECK(begin(&formats[1]));
	before = free_now();
	CHECK(put(TOP "/a", 6, 0) > 0);
	CHECK(file_open(AT_FDCWD, TOP "/a", O_RDONLY, 0, &f) == 0);
	CHECK(vfs_unlink(AT_FDCWD, TOP "/a") == 0);
	CHECK(test_exists(TOP "/a") == -ENOENT);
	CHECK(free_now() != before);
	CHECK(test_pread(f, &c, 1, 700) == 1 && c == chunk[700]);
	file_put(f);
	CHECK(free_now() == before);
	CHECK(end());
}

SELFTEST(ext2_cut_off_is_not_seen_again)
{
	CHECK(begin(&formats[0]));
	CHECK(put(TOP "/a", 7, 0) > 0);
	CHECK(truncate_to(TOP "/a", 100) == 0);
	CHECK(truncate_to(TOP "/a", 9000) == 0);
	CHECK(vfs_sync() == 0);
	CHECK(byte_at(TOP "/a", 99) == (unsigned char)chunk[99]);
	CHECK(byte_at(TOP "/a", 100) == 0);
	CHECK(byte_at(TOP "/a", 5000) == 0);
	CHECK(byte_at(TOP "/a", 9000) == -1);
	CHECK(vfs_unlink(AT_FDCWD, TOP "/a") == 0);
	CHECK(end());
}

SELFTEST(ext2_full_disk)
{
	uint64_t before, pos = 0;

	disk = test_disk(1024, 128);
	CHECK(disk);
	if (!test_disk_in_memory(disk))
		return; /* too large to fill */
	CHECK(mount_disk(0) == 0);
	before = free_now();
	CHECK(fill_disk(TOP "/a", &pos, sizeof(chunk)) == -ENOSPC);
	CHECK(fill_disk(TOP "/a", &pos, 100) == -ENOSPC);
	CHECK(pos > 1 << 20);
	CHECK(vfs_mkdir(AT_FDCWD, TOP "/d", 0755) == -ENOSPC);
	CHECK(has(TOP "/a", 8, sizeof(chunk) * 20));
	CHECK(vfs_unlink(AT_FDCWD, TOP "/a") == 0);
	CHECK(free_now() == before);
	CHECK(end());
}

/** Overwrite 4 bytes of the disk. */
static bool
wreck(uint64_t offset, uint32_t value)
{
	uint64_t block = offset / 1024;
	struct buf *b;
	int error;

	b = buf_read(disk, block, 1024, &error);
	if (!b)
		return false;
	mutex_lock(&b->lock);
	memcpy((char *)b->data + offset % 1024, &value, sizeof(value));
	buf_dirty(b);
	mutex_unlock(&b->lock);
	buf_put(b);
	error = buf_sync(disk);
	buf_invalidate(disk);
	return error == 0;
}

SELFTEST(ext2_refuses_a_damaged_superblock)
{
	static const struct {
		size_t field;
		uint32_t value;
		int error;
	} cases[] = {
		{ offsetof(struct ext2_super, s_magic), 0, -EINVAL },
		{ offsetof(struct ext2_super, s_feature_incompat), 0x40,
		  -EINVAL },
		{ offsetof(struct ext2_super, s_blocks_count), 0xffffffff,
		  -EUCLEAN },
		{ offsetof(struct ext2_super, s_log_block_size), 31, -EUCLEAN },
		{ offsetof(struct ext2_super, s_inodes_per_group), 0,
		  -EUCLEAN },
	};
	unsigned i;

	disk = test_disk(1024, 128);
	CHECK(disk);
	for (i = 0; i < ARRAY_SIZE(cases) && test_disk_in_memory(disk); i++) {
		test_disk(1024, 128);
		CHECK(wreck(EXT2_SUPER_OFFSET + cases[i].field,
			    cases[i].value));
		CHECK(mount_disk(0) == cases[i].error);
		CHECK(vfs_rmdir(AT_FDCWD, TOP) == 0);
	}
}

/* A directory entry of impossible length: the directory is an error, the rest
 * goes on. */
SELFTEST(ext2_lives_with_a_damaged_directory)
{
	disk = test_disk(1024, 128);
	CHECK(disk);
	if (!test_disk_in_memory(disk))
		return;
	CHECK(mount_disk(0) == 0);
	CHECK(vfs_mkdir(AT_FDCWD, TOP "/d", 0755) == 0);
	CHECK(vfs_unmount(TOP, 0) == 0);
	/* The root's block is behind 16 blocks of inodes from 5 on. */
	CHECK(wreck(21 * 1024 + 24 + 4, 3));
	CHECK(mount_disk(0) == 0);
	CHECK(test_exists(TOP "/d") == -EUCLEAN);
	CHECK(vfs_mkdir(AT_FDCWD, TOP "/e", 0755) == -EUCLEAN);
	CHECK(vfs_unmount(TOP, 0) == 0);
	CHECK(vfs_rmdir(AT_FDCWD, TOP) == 0);
}

SELFTEST(ext2_read_only_mount_writes_nothing)
{
	CHECK(begin(&formats[0]));
	CHECK(put(TOP "/a", 9, 0) > 0);
	CHECK(vfs_unmount(TOP, 0) == 0);
	CHECK(mount_disk(MS_RDONLY) == 0);
	CHECK(has(TOP "/a", 9, 0));
	CHECK(vfs_unlink(AT_FDCWD, TOP "/a") == -EROFS);
	CHECK(put(TOP "/b", 9, 0) == -EROFS);
	CHECK(vfs_unmount(TOP, 0) == 0);
	CHECK(test_disk_sound(disk));
	CHECK(mount_disk(0) == 0);
	CHECK(vfs_unlink(AT_FDCWD, TOP "/a") == 0);
	CHECK(end());
}

/* ---- Several threads ---- */

#define THREADS 4
#define ROUNDS	12

static _Atomic unsigned wrong;

/** Each thread has files of its own in one directory, and moves and removes
 * them; one syncs now and then. */
static void
work(unsigned number)
{
	char name[] = TOP "/w/fNx", other[] = TOP "/w/fN/y";
	unsigned i;

	name[sizeof(name) - 3] = (char)('0' + number);
	other[sizeof(other) - 4] = (char)('0' + number);
	other[sizeof(other) - 3] = '\0';
	for (i = 0; i < ROUNDS; i++) {
		name[sizeof(name) - 2] = (char)('a' + i % 3);
		if (test_write_file(name, "words") ||
		    vfs_rename(AT_FDCWD, name, AT_FDCWD, other, 0) ||
		    !test_file_is(other, "words") ||
		    vfs_link(AT_FDCWD, other, AT_FDCWD, name, 0) ||
		    truncate_to(other, 5000 * i))
			wrong++;
		if (number == 0 && vfs_sync())
			wrong++;
		if (vfs_unlink(AT_FDCWD, name) || vfs_unlink(AT_FDCWD, other) ||
		    vfs_mkdir(AT_FDCWD, name, 0700) ||
		    vfs_rename(AT_FDCWD, name, AT_FDCWD, other, 0) ||
		    vfs_rmdir(AT_FDCWD, other))
			wrong++;
	}
}

SELFTEST(ext2_threads)
{
	uint64_t before;
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		CHECK(begin(&formats[i]));
		CHECK(vfs_mkdir(AT_FDCWD, TOP "/w", 0755) == 0);
		before = free_now();
		wrong = 0;
		test_in_threads(THREADS, work);
		CHECK(wrong == 0);
		CHECK(free_now() == before);
		CHECK(vfs_rmdir(AT_FDCWD, TOP "/w") == 0);
		CHECK(end());
	}
}

/* ---- Power off ---- */

/** A tree of directories, files in them large and small. */
static void
plant(unsigned number)
{
	unsigned i, n = test_disk_in_memory(disk) ? 6 : 20;
	char path[64];

	snformat(path, sizeof(path), TOP "/t%u", number);
	wrong += vfs_mkdir(AT_FDCWD, path, 0755) != 0;
	for (i = 0; i < n; i++) {
		snformat(path, sizeof(path), TOP "/t%u/d%u", number, i);
		wrong += vfs_mkdir(AT_FDCWD, path, 0755) != 0;
		snformat(path, sizeof(path), TOP "/t%u/d%u/f", number, i);
		wrong += test_write_file(path, "planted") != 0;
		wrong += truncate_to(path, i * 3000) != 0;
		snformat(path, sizeof(path), TOP "/t%u/d%u/l", number, i / 2);
		if (i % 2)
			wrong += vfs_symlink(path, AT_FDCWD, path) != 0;
	}
}

/** After sync, the disk is right as it is: on a real one, leave it so. */
SELFTEST(ext2_synced_is_sound)
{
	unsigned i;
	char path[64];

	CHECK(begin(&formats[1]));
	wrong = 0;
	test_in_threads(THREADS, plant);
	CHECK(wrong == 0);
	CHECK(vfs_sync() == 0);
	if (!test_disk_in_memory(disk))
		return;
	for (i = 0; i < THREADS; i++) {
		snformat(path, sizeof(path), TOP "/t%u", i);
		test_remove_tree(path);
	}
	CHECK(end());
}
