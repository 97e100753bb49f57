/*
 * Disks and partitions as files: /dev/sda, /dev/sda1. Each has one vnode, in a
 * mount that stands nowhere, whatever nodes lead to it: its page cache. A
 * mounted file system reads the disk by its own ways; so pages are written back
 * and dropped when the last file on the disk is closed, and a mount begins
 * after that. What is mapped then stays until the disk is next opened.
 */
#include "abi/ioctl.h"
#include "tmpfs_internal.h"

/* Of a vnode of `disks`: its private_data, and that of each file open on it.
 * There from the chapter's start for ever, and constant but for the count. */
struct disk {
	struct block_device *device;
	struct vnode *vnode; /* not a node's in /dev */
	unsigned opens;	     /* files; under the vnode's lock */
};

static struct mount disks = {
	.in_memory = true,
	.vnodes_lock = SPINLOCK("mount vnodes"),
	.source = "disks",
};

/* ---- Pages and sectors ---- */

/* A disk may end within a page: what is past its end is not transferred. */
static int
transfer(struct vnode *v, enum block_op op, struct page **pages, unsigned n)
{
	struct disk *disk = v->private_data;
	uint64_t from = pages[0]->index * PAGE_SIZE, bytes;

	if (from >= v->size)
		return -EIO;
	bytes = MIN(v->size - from, n * PAGE_SIZE);
	return block_transfer_pages(disk->device, op, from / SECTOR_SIZE, pages,
				    n, bytes);
}

/* What no sector fills of the last page reads as zeros (page_cache_ops). */
static int
disk_read_pages(void *owner, struct page **pages, unsigned n)
{
	struct vnode *v = owner;
	uint64_t end = (pages[0]->index + n) * PAGE_SIZE;
	size_t past = end > v->size ? end - v->size : 0;

	if (past > 0 && past < PAGE_SIZE)
		memset((char *)page_address(pages[n - 1]) + PAGE_SIZE - past, 0,
		       past);
	return transfer(v, BLOCK_READ, pages, n);
}

static int
disk_read_page(void *owner, struct page *page)
{
	return disk_read_pages(owner, &page, 1);
}

static int
disk_write_pages(void *owner, struct page **pages, unsigned n)
{
	return transfer(owner, BLOCK_WRITE, pages, n);
}

static int
disk_write_page(void *owner, struct page *page)
{
	return transfer(owner, BLOCK_WRITE, &page, 1);
}

static const struct page_cache_ops disk_page_ops = {
	.read_page = disk_read_page,
	.read_pages = disk_read_pages,
	.write_page = disk_write_page,
	.write_pages = disk_write_pages,
};

static const struct vnode_ops disk_vnode_ops;

/* ---- The file ---- */

static int64_t
disk_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct disk *disk = f->private_data;

	return cached_read(disk->vnode->cache, u, pos);
}

/* Then the disk's own cache, too: what was written to it may be in that
 * alone. */
static int
disk_fsync(struct file *f, bool data_only)
{
	struct disk *disk = f->private_data;
	int error = page_cache_sync(disk->vnode->cache);

	(void)data_only;
	return error ? error : block_flush(disk->device);
}

/* A disk does not grow: a write ends at its end, short, and one that begins
 * there is -ENOSPC, as on Linux; to write nothing is no error. The lock keeps
 * the last close from dropping pages meanwhile. O_SYNC: as of a regular
 * file. */
static int64_t
disk_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct disk *disk = f->private_data;
	struct vnode *v = disk->vnode;
	int64_t n;
	int error;

	vnode_lock(v, 0);
	if (*pos >= v->size)
		n = u->left ? -ENOSPC : 0;
	else
		n = cached_write(v->cache, u, pos,
				 MIN(u->left, v->size - *pos));
	vnode_unlock(v);
	if (n > 0 && ((f->flags | u->flags) & O_DSYNC)) {
		error = disk_fsync(f, true);
		if (error)
			return error;
	}
	dirty_balance(v->cache);
	return n;
}

static int64_t
disk_seek(struct file *f, int64_t offset, int whence)
{
	struct disk *disk = f->private_data;
	int64_t base = 0;

	if (whence == SEEK_CUR)
		base = f->pos;
	else if (whence == SEEK_END)
		base = disk->vnode->size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (__builtin_add_overflow(base, offset, &offset) || offset < 0)
		return -EINVAL;
	f->pos = offset;
	return offset;
}

static int
put_number(uint64_t value, size_t size, uint64_t user)
{
	return copyout((void *)user, &value, size);
}

/* BLKGETSIZE is in sectors of 512 bytes whatever the disk's, and the size of
 * the blocks that this file is cached in is a page. BLKFLSBUF is root's (on
 * Linux: CAP_SYS_ADMIN), -EACCES. */
static int
disk_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct disk *disk = f->private_data;

	switch (request) {
	case BLKGETSIZE:
		return put_number(disk->device->sectors, 8, arg);
	case BLKGETSIZE64:
		return put_number(disk->vnode->size, 8, arg);
	case BLKSSZGET:
	case BLKPBSZGET:
		return put_number(SECTOR_SIZE, 4, arg);
	case BLKBSZGET:
		return put_number(PAGE_SIZE, 4, arg);
	case BLKROGET:
		return put_number(disk->device->read_only, 4, arg);
	case BLKFLSBUF:
		return is_root(current_cred())
			       ? page_cache_sync(disk->vnode->cache)
			       : -EACCES;
	default:
		return -ENOTTY;
	}
}

static int
disk_mmap(struct file *f, struct vnode **backing)
{
	*backing = ((struct disk *)f->private_data)->vnode;
	return 0;
}

/* Nobody has the disk open, nor can, as its vnode's lock is held; but a mapping
 * outlives its file, and may write yet. */
static void
forget_pages(struct vnode *v)
{
	page_cache_settle(v->cache);
	if (list_empty(&v->cache->mappings))
		vnode_drop_range(v, 0, ROUND_UP((uint64_t)v->size, PAGE_SIZE));
}

static void
disk_release(struct file *f)
{
	struct disk *disk = f->private_data;
	struct vnode *v = disk->vnode;

	page_cache_settle(v->cache); /* most of it, without the lock */
	vnode_lock(v, 0);
	if (--disk->opens == 0)
		forget_pages(v);
	vnode_unlock(v);
}

static const struct file_ops disk_file_ops = {
	.read = disk_read,
	.write = disk_write,
	.seek = disk_seek,
	.ioctl = disk_ioctl,
	.fsync = disk_fsync,
	.mmap = disk_mmap,
	.release = disk_release,
};

/* Minors go to disks in ranges: the first of each is the disk, the others its
 * partitions. */
static struct block_device *
device_of(unsigned minor)
{
	struct block_device *disk = block_get(minor / DISK_MINORS);

	return disk ? block_partition(disk, minor % DISK_MINORS) : NULL;
}

/* Have what a mounted file system holds in memory of @p d, of a part of it or
 * of the whole that it is part of, be on the disk. */
static void
show_file_system(struct block_device *d)
{
	struct block_device *other;
	unsigned i;

	for (i = 0; (other = block_nth(i)); i++)
		if (block_overlap(d, other))
			buf_sync(other);
}

/* The device, not the node, says which vnode: all nodes of one number share its
 * pages. The table needs no lock, as it was filled before the first open. The
 * first file on the disk finds no old pages: since the last close a file system
 * may have written. */
static int
disk_open(struct vnode *v, struct file *f)
{
	struct block_device *d = device_of(dev_minor(v->rdev));
	struct rbnode *node;
	struct disk *disk;

	if (!d)
		return -ENXIO;
	if (file_writable(f) && d->read_only)
		return -EROFS;
	show_file_system(d);
	for (node = rb_first(&disks.vnodes); node; node = rb_next(node)) {
		disk = rb_entry(node, struct vnode, table_node)->private_data;
		if (disk->device == d)
			break;
	}
	if (!node)
		return -ENXIO;
	vnode_lock(disk->vnode, 0);
	if (disk->opens++ == 0)
		forget_pages(disk->vnode);
	vnode_unlock(disk->vnode);
	f->private_data = disk;
	f->ops = &disk_file_ops;
	f->has_pos = true;
	return 0;
}

/* To settle, not to sync: who wrote is told of errors by his own fsync. */
int
block_files_sync(void)
{
	struct rbnode *node;
	struct vnode *v;
	int error = 0, e;

	for (node = rb_first(&disks.vnodes); node; node = rb_next(node)) {
		v = rb_entry(node, struct vnode, table_node);
		e = page_cache_settle(v->cache);
		if (e && !error)
			error = e;
	}
	return error;
}

/* The disks are all there when this chapter begins; their vnodes stay: the
 * count of links keeps them in the table, and the caller's reference is never
 * given back. Inode numbers are minors plus 1, as 0 is none. vnode_ready makes
 * caches for regular files only; so it is made here. */
static void
add_disk(struct block_device *d)
{
	unsigned minor = d->index * DISK_MINORS + d->partition;
	uint64_t rdev = dev_make(DISK_MAJOR, minor);
	struct disk *disk = knew(struct disk);
	bool is_new;
	struct vnode *v = vnode_lookup(&disks, minor + 1, &is_new);

	disk->device = d;
	disk->vnode = v;
	v->private_data = disk;
	v->nlink = 1;
	v->mode = S_IFBLK | 0660;
	v->rdev = rdev;
	v->size = d->sectors * SECTOR_SIZE;
	v->cache = page_cache_new(v, &disk_page_ops, &v->size);
	vnode_ready(v, VT_BLK, &disk_vnode_ops);
	devfs_add(d->name, S_IFBLK | 0660, rdev, disk_open);
}

void
block_files_init(void)
{
	struct block_device *d;
	unsigned i;

	for (i = 0; (d = block_nth(i)); i++)
		add_disk(d);
}
