/*
 * Shared memory without a file (MAP_SHARED | MAP_ANONYMOUS): an object of
 * zeros that all processes forked from its maker share. It is a vnode that has
 * no name: its pages are in the page cache like any file's, are found there by
 * every address space that maps it, and go when the last mapping goes.
 */
#include "mmap_internal.h"

/* Vnodes belong to a mount; this one is in no tree and on no list of mounts, so
 * nobody can walk to it or unmount it. */
static struct mount shared_mount;
/* That there is one says that the pages are all there is of the object: they
 * are neither written back nor reclaimed. It sets no limit of its own. */
static struct page_quota shared_quota = { .max = UINT64_MAX };
/* Never used again: 64 bits do for as long as any machine runs. */
static _Atomic uint64_t next_ino = 1;

/* A page that was never touched is zeros. */
static int
shared_read_page(void *owner, struct page *page)
{
	(void)owner;
	page_clear(page_address(page));
	return 0;
}

static const struct page_cache_ops shared_page_ops = {
	.read_page = shared_read_page,
};

static const struct vnode_ops shared_vnode_ops = {
	.pages = &shared_page_ops,
};

static const struct mount_ops shared_mount_ops = { 0 };
static const struct filesystem shared_filesystem = { .name = "shared" };

static void
mmap_init(void)
{
	shared_mount.fs = &shared_filesystem;
	shared_mount.ops = &shared_mount_ops;
	shared_mount.no_cache = true; /* a vnode goes with its last reference */
	spin_init(&shared_mount.vnodes_lock, "shared objects");
	list_init(&shared_mount.link);
}
CHAPTER_INIT(mmap_init);

/* The number is new, so no other thread finds the vnode before it is returned:
 * no page has been made without the quota. */
int
shared_object_new(uint64_t len, struct vnode **result)
{
	struct vnode *v;
	bool is_new;

	v = vnode_lookup(&shared_mount, next_ino++, &is_new);
	if (!v)
		return -ENOMEM;
	ASSERT(is_new);
	v->mode = S_IFREG | 0777;
	v->nlink = 0;
	v->size = ROUND_UP(len, PAGE_SIZE);
	vnode_ready(v, VT_REG, &shared_vnode_ops);
	v->cache->quota = &shared_quota;
	*result = v;
	return 0;
}
