/*
 * What lab ext2 adds to the agent: a disk in memory, which the host fills with
 * an image while the machine stands and looks at when it stands again; and the
 * kernel's calls on files, with paths and contents that the host has put into
 * memory. Results are returned as they are: a number, or -errno.
 */
#include "agent.h"
#include "ext2.h"
#include "files.h"
#include "journal.h"
#include "string.h"

#define DISK	    "/disk"
#define CHUNK	    (PAGE_SIZE << PAGE_ORDER_MAX)
#define CHUNKS	    4
#define AGENT_TEXT  (128 << 10)
#define AGENT_DATA  (2 << 20)
#define AGENT_RUNS  64
#define WALK_LEVELS 4

char *agent_chunks[CHUNKS]; /* the disk's contents */
char agent_text[AGENT_TEXT];
char agent_data[AGENT_DATA];
struct journal_run agent_runs[AGENT_RUNS];
static struct block_device disk;

void agent_constants_ext2(void);
int64_t agent_disk_make(void);
int64_t agent_insert(uint64_t bytes);
int64_t agent_mount(const char *options);
int64_t agent_unmount(void);
int64_t agent_recover(uint32_t block_size, unsigned nruns);
int64_t agent_path(unsigned block_shift, uint32_t logical, unsigned *at);
int64_t agent_map(uint32_t ino, uint32_t logical, uint32_t max,
		  uint32_t *first);
int64_t agent_read(uint32_t ino, uint64_t pos, uint64_t len, void *data);
int64_t agent_look_up(const char *path);
int64_t agent_make(const char *path);
int64_t agent_write(const char *path, uint64_t pos, uint64_t len,
		    const void *data);
int64_t agent_truncate(const char *path, uint64_t size);
int64_t agent_mkdir(const char *path);
int64_t agent_unlink(const char *path);
int64_t agent_rmdir(const char *path);
int64_t agent_link(const char *from, const char *to);
int64_t agent_rename(const char *from, const char *to);
int64_t agent_sync(void);
int64_t agent_blocks_alloc(uint32_t goal, uint32_t want, uint32_t *first);
int64_t agent_blocks_free(uint32_t first, uint32_t count);

void
agent_constants_ext2(void)
{
	AGENT_CONSTANT(CHUNK, CHUNK);
	AGENT_CONSTANT(CHUNKS, CHUNKS);
	AGENT_CONSTANT(TEXT, AGENT_TEXT);
	AGENT_CONSTANT(DATA, AGENT_DATA);
	AGENT_CONSTANT(RUNS, AGENT_RUNS);
}

/* ---- The disk ---- */

static void
disk_submit(struct block_device *d, struct block_request *r)
{
	uint64_t at = r->sector * SECTOR_SIZE, n;
	unsigned i;

	(void)d;
	for (i = 0; i < r->nsegments; i++) {
		char *data = direct_map(r->segments[i].pa);
		uint64_t left = r->segments[i].len;

		for (; left; left -= n, at += n, data += n) {
			char *here = agent_chunks[at / CHUNK] + at % CHUNK;

			n = MIN(left, CHUNK - at % CHUNK);
			if (r->op == BLOCK_READ)
				memcpy(data, here, n);
			else
				memcpy(here, data, n);
		}
	}
	block_finish(r, 0);
}

/** Make the disk; first of all. */
int64_t
agent_disk_make(void)
{
	struct page *pages;
	unsigned i;

	for (i = 0; i < CHUNKS; i++) {
		pages = page_alloc(PAGE_ORDER_MAX, PAGE_KERNEL, 0);
		if (!pages)
			return -ENOMEM;
		agent_chunks[i] = page_address(pages);
	}
	disk.submit = disk_submit;
	disk.sectors = CHUNKS * CHUNK / SECTOR_SIZE;
	block_register(&disk);
	return 0;
}

/** Have the disk be of @p bytes; its contents are the host's. */
int64_t
agent_insert(uint64_t bytes)
{
	buf_invalidate(&disk);
	disk.sectors = bytes / SECTOR_SIZE;
	return 0;
}

int64_t
agent_mount(const char *options)
{
	int error = vfs_mkdir(AT_FDCWD, DISK, 0755);

	if (error && error != -EEXIST)
		return error;
	return vfs_mount("ext2", disk.name, DISK, 0, options);
}

int64_t
agent_unmount(void)
{
	return vfs_unmount(DISK, 0);
}

/** The mounted file system, NULL: none. It stays until it is unmounted. */
static struct ext2_fs *
mounted(struct vnode **root)
{
	struct vnode *v;

	if (path_walk(AT_FDCWD, DISK, 0, &v))
		return NULL;
	if (strcmp(v->mount->fs->name, "ext2") != 0) {
		vnode_put(v);
		return NULL;
	}
	*root = v;
	return ext2_fs(v);
}

/** Replay the log that lies in agent_runs, as journal_open does. */
int64_t
agent_recover(uint32_t block_size, unsigned nruns)
{
	struct journal *j;
	int error =
		journal_open(&disk, block_size, agent_runs, nruns, true, &j);

	return error ? error : journal_close(j);
}

/* ---- Blocks of files ---- */

/** ext2_map_path; at[0..3] of what is not on the way: all bits set. */
int64_t
agent_path(unsigned block_shift, uint32_t logical, unsigned *at)
{
	static struct ext2_fs fs;

	fs.block_shift = block_shift;
	fs.block_size = 1u << block_shift;
	memset(at, 0xff, WALK_LEVELS * sizeof(*at));
	return ext2_map_path(&fs, logical, at);
}

static int64_t
inode_get(uint32_t ino, struct vnode **v)
{
	struct vnode *root;
	struct ext2_fs *fs = mounted(&root);
	int error = fs ? ext2_inode_get(fs, ino, v) : -ENODEV;

	if (fs)
		vnode_put(root);
	return error;
}

int64_t
agent_map(uint32_t ino, uint32_t logical, uint32_t max, uint32_t *first)
{
	struct vnode *v;
	int64_t n = inode_get(ino, &v);

	if (n)
		return n;
	n = ext2_map(v, logical, max, first);
	vnode_put(v);
	return n;
}

int64_t
agent_read(uint32_t ino, uint64_t pos, uint64_t len, void *data)
{
	struct vnode *v;
	int64_t n = inode_get(ino, &v);

	if (n)
		return n;
	n = vnode_read(v, data, len, pos);
	vnode_put(v);
	return n;
}

/* ---- Names ---- */

/** @return the inode's number, or -errno */
int64_t
agent_look_up(const char *path)
{
	struct vnode *v;
	int64_t n = path_walk(AT_FDCWD, path, WALK_NOFOLLOW, &v);

	if (n)
		return n;
	n = (int64_t)v->ino;
	vnode_put(v);
	return n;
}

/** Make an empty file. @return its inode's number, or -errno */
int64_t
agent_make(const char *path)
{
	int error = vfs_mknod(AT_FDCWD, path, S_IFREG | 0644, 0);

	return error ? error : agent_look_up(path);
}

int64_t
agent_write(const char *path, uint64_t pos, uint64_t len, const void *data)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, (void *)data, len);
	struct file *f;
	int64_t n = file_open(AT_FDCWD, path, O_CREAT | O_RDWR, 0644, &f);

	if (n)
		return n;
	n = file_write(f, &u, &pos);
	file_put(f);
	return n;
}

int64_t
agent_truncate(const char *path, uint64_t size)
{
	struct vnode *v;
	int64_t n = path_walk(AT_FDCWD, path, 0, &v);

	if (n)
		return n;
	n = vnode_truncate(v, size);
	vnode_put(v);
	return n;
}

int64_t
agent_mkdir(const char *path)
{
	return vfs_mkdir(AT_FDCWD, path, 0755);
}

int64_t
agent_unlink(const char *path)
{
	return vfs_unlink(AT_FDCWD, path);
}

int64_t
agent_rmdir(const char *path)
{
	return vfs_rmdir(AT_FDCWD, path);
}

int64_t
agent_link(const char *from, const char *to)
{
	return vfs_link(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int64_t
agent_rename(const char *from, const char *to)
{
	return vfs_rename(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int64_t
agent_sync(void)
{
	return vfs_sync();
}

/* ---- Bitmaps: each call an operation of its own ---- */

int64_t
agent_blocks_alloc(uint32_t goal, uint32_t want, uint32_t *first)
{
	struct vnode *root;
	struct ext2_fs *fs = mounted(&root);
	int64_t n = fs ? ext2_begin(fs) : -ENODEV;

	if (!n) {
		n = ext2_blocks_alloc(fs, goal, want, first);
		ext2_end(fs, n < 0 ? (int)n : 0);
	}
	if (fs)
		vnode_put(root);
	return n;
}

int64_t
agent_blocks_free(uint32_t first, uint32_t count)
{
	struct vnode *root;
	struct ext2_fs *fs = mounted(&root);
	int64_t n = fs ? ext2_begin(fs) : -ENODEV;

	if (!n) {
		n = ext2_blocks_free(fs, first, count);
		ext2_end(fs, (int)n);
	}
	if (fs)
		vnode_put(root);
	return n;
}
