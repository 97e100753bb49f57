/*
 * Files in memory that no path leads to (memfd_create): they are in a tmpfs
 * that is mounted nowhere, and go with their last descriptor or mapping. In
 * /proc they look like deleted ones.
 */
#include "tmpfs_internal.h"

static struct mount *nowhere;

/* The root is not locked: no entry is made in it. It is the file's parent only
 * to have the name shown. */
int
tmpfs_nameless(const char *text, uint32_t mode, struct vnode **result)
{
	struct vnode *root = nowhere->root;
	struct name name = name_of(text, strlen(text));
	int error = root->ops->tmpfile(root, mode, result);

	if (!error)
		vnode_set_parent(*result, root, &name);
	return error;
}

bool
vnode_is_nameless(const struct vnode *v)
{
	return v->mount == nowhere && v->type == VT_REG;
}

void
nameless_init(void)
{
	int error =
		mount_nowhere(filesystem_find("tmpfs"), "nowhere", &nowhere);

	if (error)
		panic("tmpfs: no memory for files without names: error %d",
		      error);
}
