/*
 * The chapter's start: caches, the first root, devices, the flush thread.
 */
#include "pagecache.h"
#include "vfs_internal.h"

struct vfs_ops vfs_ops;

static void
vfs_init(void)
{
	vnode_init();
	namecache_init();
	page_cache_init();
	lru_init();
	buf_init();
	mount_init();
	devices_init();
	block_files_init();
	writeback_init();
}
CHAPTER_INIT(vfs_init);
