/*
 * Stand-ins for vnodes and the mount.
 */
#include "journal_internal.h"
#include "notify.h"
#include "shim.h"
#include "string.h"

struct mount shim_mount;
struct vfs_ops vfs_ops;

/* Nobody watches. */
_Atomic unsigned vnodes_watched;

void
notify_file_slowly(struct vnode *v, uint32_t mask)
{
	(void)v;
	(void)mask;
}

/* ---- Vnodes ---- */

static struct list vnodes = LIST_INIT(vnodes); /* struct vnode.clock_link */

static struct vnode *
vnode_find(uint64_t ino)
{
	struct vnode *v;

	list_for_each (v, &vnodes, clock_link)
		if (v->ino == ino)
			return v;
	return NULL;
}

struct vnode *
vnode_lookup(struct mount *m, uint64_t ino, bool *is_new)
{
	struct vnode *v;

	shim_may_sleep();
	while ((v = vnode_find(ino)) && !v->ready)
		shim_yield(); /* it comes or goes */
	*is_new = !v;
	if (v)
		return vnode_get(v);
	v = host_alloc(sizeof(*v));
	v->ino = ino;
	v->mount = m;
	v->refs.n = 1;
	list_add(&v->clock_link, &vnodes);
	return v;
}

void
vnode_ready(struct vnode *v, enum vnode_type type, const struct vnode_ops *ops)
{
	v->type = type;
	v->ops = ops;
	v->ready = true;
	rwlock_init(&v->lock, "vnode");
	if (type == VT_REG) {
		v->cache = host_alloc(sizeof(*v->cache));
		v->cache->owner = v;
		v->cache->ops = ops->pages;
		v->cache->size = &v->size;
		list_init(shim_pages_of(v->cache));
	}
}

static void
vnode_free(struct vnode *v)
{
	list_del(&v->clock_link);
	host_free(v);
}

void
vnode_abandon(struct vnode *v)
{
	if (v->private_data)
		host_fail("a vnode is abandoned with private data");
	vnode_free(v);
}

static void
take_down(struct vnode *v)
{
	v->ready = false;
	if (v->cache) {
		if (v->nlink > 0)
			page_cache_sync(v->cache);
		page_cache_drop(v->cache);
	}
	v->ops->inactive(v);
	if (v->private_data)
		host_fail("inactive leaves private data");
	if (v->cache && !list_empty(shim_pages_of(v->cache)))
		host_fail("inactive has read pages");
	host_free(v->cache);
	vnode_free(v);
}

struct vnode *
vnode_get(struct vnode *v)
{
	v->refs.n++;
	return v;
}

void
vnode_put(struct vnode *v)
{
	if (v->refs.n == 0)
		host_fail("vnode put twice");
	if (--v->refs.n == 0 && v->nlink == 0)
		take_down(v);
}

void
vnode_lock(struct vnode *v, unsigned level)
{
	(void)level;
	rwlock_write_lock(&v->lock);
}

void
vnode_unlock(struct vnode *v)
{
	rwlock_write_unlock(&v->lock);
}

bool
cred_in_group(const struct cred *c, uint32_t gid)
{
	return c->fsgid == gid;
}

int
devfs_open_rdev(struct vnode *v, struct file *f)
{
	(void)v;
	(void)f;
	return -ENXIO;
}

/* ---- The mount ---- */

void
shim_init(void *image, size_t size)
{
	shim_image = image;
	shim_disk.sectors = size / SECTOR_SIZE;
	crc32c_init();
	shim_pages_init();
}

char shim_options[64];

int
shim_mount_disk(unsigned flags)
{
	int error;

	memset(&shim_mount, 0, sizeof(shim_mount));
	shim_mount.device = &shim_disk;
	shim_mount.flags = flags;
	shim_reads = 0;
	error = ext2_mount(&shim_mount, shim_options);
	if (error)
		shim_unmount();
	return error;
}

/** Take down vnodes that nobody holds; after inactive a parent can be next. */
void
shim_evict(void)
{
	struct vnode *v;
	bool progress;

	do {
		progress = false;
		list_for_each (v, &vnodes, clock_link) {
			if (v->refs.n == 0) {
				take_down(v);
				progress = true;
				break;
			}
			if (v->cache)
				shim_cache_clean(v->cache);
		}
	} while (progress);
}

/** All vnodes but those that come or go, referenced. */
static struct vnode **
hold_all(unsigned *n)
{
	struct vnode *v, **all = NULL;

	*n = 0;
	list_for_each (v, &vnodes, clock_link)
		if (v->ready) {
			all = host_grow(all, (*n + 1) * sizeof(v));
			all[(*n)++] = vnode_get(v);
		}
	return all;
}

int
shim_sync(void)
{
	unsigned n, i;
	struct vnode **all = hold_all(&n);
	int error = 0;

	for (i = 0; i < n; i++) {
		if (all[i]->cache)
			error = MIN(error, page_cache_sync(all[i]->cache));
		if (all[i]->dirty)
			error = MIN(error, shim_mount.ops->write_inode(
						   &shim_mount, all[i]));
	}
	for (i = 0; i < n; i++)
		vnode_put(all[i]);
	host_free(all);
	return MIN(error, shim_mount.ops->sync(&shim_mount));
}

void
shim_unmount(void)
{
	if (shim_mount.root) {
		shim_sync();
		vnode_put(shim_mount.root);
	}
	shim_evict();
	if (shim_mount.ops)
		shim_mount.ops->unmount(&shim_mount);
	buf_sync(&shim_disk);
	shim_check_idle();
}

void
shim_power_off(void)
{
	static uint8_t *kept;

	kept = host_alloc(shim_disk.sectors * SECTOR_SIZE);
	memcpy(kept, shim_image, shim_disk.sectors * SECTOR_SIZE);
	shim_unmount();
	memcpy(shim_image, kept, shim_disk.sectors * SECTOR_SIZE);
	host_free(kept);
}

void
shim_check_idle(void)
{
	if (!list_empty(&vnodes))
		host_fail("a vnode is still referenced");
	shim_check_buffers();
	shim_check_memory();
	shim_check_threads();
}
