/*
 * The chapter's start.
 */
#include "vfs_internal.h"

struct vfs_ops vfs_ops;
struct mount *root_mount;

static void
vfs_init(void)
{
	vnode_init();
	namecache_init();
}
CHAPTER_INIT(vfs_init);
