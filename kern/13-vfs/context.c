/*
 * Whose call it is: root and current directory, umask and credentials of a
 * process, and what these credentials allow.
 */
#include "vfs_internal.h"

/* Kernel threads': root's, at the root of the topmost root file system. All of
 * them share it, and it is what the first process is a copy of. */
static struct fs_context kernel_context = {
	.refs = { 1 },
	.lock = SPINLOCK("fs context"),
	.umask = 022,
};

struct fs_context *
current_fs(void)
{
	struct fs_context *c = current()->fs;

	return c ? c : &kernel_context;
}

const struct cred *
current_cred(void)
{
	return &current_fs()->cred;
}

struct cred
cred_copy(void)
{
	struct fs_context *fs = current_fs();
	struct cred c;

	spin_lock(&fs->lock);
	c = fs->cred;
	spin_unlock(&fs->lock);
	return c;
}

void
context_set_kernel_root(struct vnode *root)
{
	struct vnode *old[2];

	spin_lock(&kernel_context.lock);
	old[0] = kernel_context.root;
	old[1] = kernel_context.cwd;
	rcu_assign(kernel_context.root, vnode_get(root));
	rcu_assign(kernel_context.cwd, vnode_get(root));
	spin_unlock(&kernel_context.lock);
	if (old[0]) {
		vnode_put(old[0]);
		vnode_put(old[1]);
	}
}

struct fs_context *
fs_context_new(void)
{
	return fs_context_copy(&kernel_context);
}

struct fs_context *
fs_context_copy(struct fs_context *from)
{
	struct fs_context *c = knew(struct fs_context);

	ref_init(&c->refs);
	spin_init(&c->lock, "fs context");
	spin_lock(&from->lock);
	c->root = vnode_get(from->root);
	c->cwd = vnode_get(from->cwd);
	c->umask = from->umask;
	c->cred = from->cred;
	spin_unlock(&from->lock);
	return c;
}

struct fs_context *
fs_context_get(struct fs_context *c)
{
	ref_get(&c->refs);
	return c;
}

void
fs_context_put(struct fs_context *c)
{
	if (!ref_put(&c->refs))
		return;
	vnode_put(c->root);
	vnode_put(c->cwd);
	kfree(c);
}

/* Walks read root in RCU sections, without the lock and without a reference; so
 * it is one store, and the old one is put after it, which frees it no sooner
 * than after a grace period. */
void
context_set_dir(struct vnode **which, struct vnode *v)
{
	struct fs_context *c = current_fs();
	struct vnode *old;

	spin_lock(&c->lock);
	old = *which;
	rcu_assign(*which, v);
	spin_unlock(&c->lock);
	vnode_put(old);
}

/* ---- Permissions ---- */

bool
cred_in_group(const struct cred *c, uint32_t gid)
{
	unsigned i;

	if (c->fsgid == gid)
		return true;
	for (i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

/* POSIX.1-2017, "File Access Permissions": root may read and write all, and
 * execute what anyone may; a directory it may always search. */
static bool
root_may(const struct vnode *v, int want)
{
	return !(want & X_OK) || S_ISDIR(v->mode) ||
	       (v->mode & (S_IXUSR | S_IXGRP | S_IXOTH));
}

/* POSIX.1-2017, "File Access Permissions": of the owner's, the group's and the
 * others' bits the first that apply decide alone; an owner without a right does
 * not get it as one of the others. R_OK, W_OK and X_OK are the bits of
 * "others", so shifting will do. */
static bool
mode_allows(const struct cred *c, const struct vnode *v, unsigned want)
{
	unsigned bits = v->mode;

	if (c->fsuid == v->uid)
		bits >>= 6;
	else if (cred_in_group(c, v->gid))
		bits >>= 3;
	return (bits & want) == want;
}

/* Root, too, writes nothing that is read-only and executes nothing where
 * MS_NOEXEC forbids it. What a device, a FIFO or a socket gets is not kept by
 * the mount. */
int
cred_access(const struct cred *c, struct vnode *v, int want)
{
	if ((want & W_OK) && (v->mount->flags & MS_RDONLY) &&
	    (S_ISREG(v->mode) || S_ISDIR(v->mode) || S_ISLNK(v->mode)))
		return -EROFS;
	if ((want & X_OK) && S_ISREG(v->mode) && (v->mount->flags & MS_NOEXEC))
		return -EACCES;
	if (is_root(c) ? root_may(v, want) : mode_allows(c, v, want))
		return 0;
	return -EACCES;
}

int
vnode_access(struct vnode *v, int want)
{
	return cred_access(current_cred(), v, want);
}

/* The uid that files are checked by, as for all that is asked of files: an NFS
 * server that has set it acts for its client (setfsuid(2)). */
int
check_owner(const struct vnode *v)
{
	const struct cred *c = current_cred();

	return is_root(c) || c->fsuid == v->uid ? 0 : -EPERM;
}
