/*
 * Mounts: which file system stands where. A mount covers a directory; the walk
 * crosses from the covered vnode to the mount's root and back.
 *
 * VFS3: a vnode with `mounted` set is referenced by that mount (`covered`).
 */
#include "tmpfs_internal.h"

/* st_dev of a mount without a disk: major 0, and a minor that no other has. */
#define ANONYMOUS_MAJOR 0

/* Guards what follows, and mount.covered, mount.detached, vnode.mounted, which
 * walks read without it. Comes before all locks of vnodes. */
static struct mutex mounts_lock;
static struct list mounts = LIST_INIT(mounts);
static unsigned last_anonymous;
/* Who has a device, from before the file system reads it until it has written
 * its last. */
static struct list with_device = LIST_INIT(with_device);

const struct filesystem *
filesystem_find(const char *name)
{
	const struct filesystem *fs;

	for (fs = filesystems; fs < filesystems_end; fs++)
		if (strcmp(fs->name, name) == 0)
			return fs;
	return NULL;
}

/* ---- Making and taking down ---- */

/* A mount that stands nowhere yet. */
static struct mount *
mount_new(const struct filesystem *fs, unsigned flags, const char *source)
{
	struct mount *m = knew(struct mount);

	m->fs = fs;
	m->flags = flags;
	strlcpy(m->source, source, sizeof(m->source));
	spin_init(&m->vnodes_lock, "mount vnodes");
	mutex_init(&m->rename_lock, "rename");
	mutex_init(&m->remount_lock, "remount");
	list_init(&m->link);
	list_init(&m->device_link);
	return m;
}

static void
mount_free(struct rcu_head *head)
{
	kfree(container_of(head, struct mount, rcu));
}

/* The file system's part, its vnodes and the mount itself. It stands nowhere
 * any more, and nobody is inside. First the watches, as they hold vnodes; then
 * the vnodes, of which each writes what it has to `ops`; then these. The device
 * is kept until its last write is done: who mounts it next is to find all of
 * it. The walk may still read the struct. */
static void
take_down(struct mount *m)
{
	notify_unmount(m);
	vnode_evict_mount(m);
	if (m->root)
		vnode_drop_root(m);
	if (m->ops && m->ops->unmount)
		m->ops->unmount(m);
	if (m->device) {
		buf_sync(m->device);
		buf_invalidate(m->device);
		mutex_lock(&mounts_lock);
		list_del(&m->device_link);
		mutex_unlock(&mounts_lock);
	}
	rcu_defer(&m->rcu, mount_free);
}

static struct block_device *
find_device(const char *source)
{
	if (strncmp(source, "/dev/", 5) == 0)
		source += 5;
	return block_find(source);
}

/* Also a part of a disk that is mounted whole, and the other way round: two
 * file systems that write the same sectors destroy each other. */
static bool
device_is_mounted(const struct block_device *d)
{
	struct mount *m;

	list_for_each (m, &with_device, device_link) {
		if (block_overlap(m->device, d))
			return true;
	}
	return false;
}

/* Give @p m its device, or a number of its own. What was written to the disk as
 * a file goes there first, and what is cached of it is forgotten: the file
 * system reads what is there now. mounts_lock is held. */
static int
attach_device(struct mount *m)
{
	if (!m->fs->needs_device) {
		m->dev = dev_make(ANONYMOUS_MAJOR, ++last_anonymous);
		return 0;
	}
	m->device = find_device(m->source);
	if (!m->device)
		return -ENOTBLK;
	if (device_is_mounted(m->device)) {
		m->device = NULL;
		return -EBUSY;
	}
	list_add(&m->device_link, &with_device);
	m->dev = dev_make(DISK_MAJOR, m->device->index * DISK_MINORS +
					      m->device->partition);
	if (m->device->read_only)
		m->flags |= MS_RDONLY;
	block_files_sync();
	buf_invalidate(m->device);
	return 0;
}

/* Let the walk find @p m on @p covered (NULL: it is the root). All is ready
 * before the one store that shows it. The reference to covered is the mount's
 * from now on (VFS3). Who removes a directory looks at `mounted` with its lock
 * held; so with that, too, it is seen whether it is still there. The walk came
 * to the topmost root at the place; that something covers it now means that
 * another mount was quicker. mounts_lock is held. */
static int
attach(struct mount *m, struct vnode *covered)
{
	int error = 0;

	m->covered = covered;
	if (covered) {
		vnode_lock(covered, 0);
		if (covered->nlink == 0)
			error = -ENOENT;
		else if (covered->mounted)
			error = -EBUSY;
		else
			rcu_assign(covered->mounted, m);
		vnode_unlock(covered);
	} else {
		root_mount = m;
		context_set_kernel_root(m->root);
	}
	if (!error)
		list_add_tail(&m->link, &mounts);
	return error;
}

/* The device is taken before the file system reads it, and the place after:
 * between the two the lock is not held, as reading may take long. A failure
 * midway is taken down like a mount: nobody has seen it. */
int
mount_on(const struct filesystem *fs, const char *source, struct vnode *covered,
	 unsigned flags, const char *options)
{
	struct mount *m = mount_new(fs, flags, source);
	int error;

	mutex_lock(&mounts_lock);
	error = attach_device(m);
	mutex_unlock(&mounts_lock);
	/* It may take long, and renews its reservation of heap, which none may
	 * do with a lock held. */
	if (!error)
		error = fs->mount(m, options ? options : "");
	mutex_lock(&mounts_lock);
	if (!error)
		error = attach(m, covered);
	mutex_unlock(&mounts_lock);
	if (error)
		take_down(m);
	return error;
}

int
mount_nowhere(const struct filesystem *fs, const char *source,
	      struct mount **result)
{
	struct mount *m = mount_new(fs, MS_NOSUID | MS_NODEV, source);
	int error;

	mutex_lock(&mounts_lock);
	error = attach_device(m);
	mutex_unlock(&mounts_lock);
	*result = m;
	return error ? error : fs->mount(m, "");
}

/* A path given as source leads to a disk: its node must be there and be one,
 * though the name is what the device is found by. Devices of a MS_NODEV mount
 * do nothing, this included. */
static int
check_source(const char *source)
{
	struct vnode *v;
	int error;

	if (*source != '/')
		return 0;
	error = path_walk(AT_FDCWD, source, 0, &v);
	if (error)
		return error;
	if (v->type != VT_BLK)
		error = -ENOTBLK;
	else if (v->mount->flags & MS_NODEV)
		error = -EACCES;
	vnode_put(v);
	return error;
}

/* Detached mounts whose last user has gone go first: one of them may have the
 * device. */
static int
mount_of_type(const char *type, const char *source, struct vnode *covered,
	      unsigned flags, const char *options)
{
	const struct filesystem *fs = type ? filesystem_find(type) : NULL;
	int error;

	if (!fs)
		return type ? -ENODEV : -EINVAL;
	if (!covered)
		return mount_on(fs, source, NULL, flags, options);
	mount_reap();
	error = fs->needs_device ? check_source(source) : 0;
	if (!error && covered->type != VT_DIR)
		error = -ENOTDIR;
	return error ? error : mount_on(fs, source, covered, flags, options);
}

/* mount(2). As on Linux: whether the place can be reached comes first, and what
 * it is last. */
int
vfs_mount(const char *type, const char *source, const char *target,
	  unsigned flags, const char *options)
{
	struct vnode *covered = NULL;
	int error = target ? path_walk(AT_FDCWD, target, 0, &covered) : 0;

	if (error)
		return error;
	error = mount_of_type(type, source, covered, flags, options);
	if (error && covered)
		vnode_put(covered);
	return error;
}

/* Whether @p m can go: no one is inside, nothing is mounted on it. The walk
 * cannot enter any more: one that came in before has, after a grace period,
 * ended or taken a reference. Idle vnodes of a disk refer to their parents; so
 * they are evicted before references are counted. */
static bool
is_unused(struct mount *m)
{
	rcu_synchronize();
	if (!m->in_memory) {
		mount_sync(m);
		vnode_evict_mount(m);
	}
	return !vnode_mount_busy(m);
}

/* A mount on a vnode of a detached one, or NULL. mounts_lock is held. */
static struct mount *
mounted_in_detached(void)
{
	struct mount *m;

	list_for_each (m, &mounts, link) {
		if (m->covered && m->covered->mount->detached)
			return m;
	}
	return NULL;
}

/* No walk may miss it for a try that fails, nor while the disk is written: so
 * what can be known and done before it leaves the tree is. */
static int
detach(struct mount *m)
{
	struct vnode *covered = m->covered;

	if (!covered || vnode_mount_busy(m))
		return -EBUSY;
	mount_sync(m);
	rcu_assign(covered->mounted, NULL);
	if (!is_unused(m)) {
		rcu_assign(covered->mounted, m);
		return -EBUSY;
	}
	list_del(&m->link);
	m->covered = NULL;
	return 0;
}

/* umount2(2), MNT_DETACH: @p m, and what is mounted in it, leave the tree, and
 * are taken down when nobody is inside any more. They stay in the list for
 * that, and for sync: those inside may write. A walk that goes up from the root
 * may have read `covered`; so its reference is kept for a grace period.
 * mounts_lock is held. */
static void
detach_lazily(struct mount *m)
{
	struct vnode *covered;

	while (m) {
		covered = m->covered;
		rcu_assign(covered->mounted, NULL);
		rcu_assign(m->covered, NULL);
		m->detached = true;
		rcu_synchronize();
		vnode_put(covered);
		m = mounted_in_detached();
	}
}

/* One at a time, as taking down needs the lock for a moment itself. The cheap
 * look comes first: is_unused waits for a grace period and for the disk. */
void
mount_reap(void)
{
	struct mount *m, *unused;

	do {
		unused = NULL;
		mutex_lock(&mounts_lock);
		list_for_each (m, &mounts, link) {
			if (m->detached && !vnode_mount_busy(m) &&
			    is_unused(m)) {
				unused = m;
				list_del(&m->link);
				break;
			}
		}
		mutex_unlock(&mounts_lock);
		if (unused)
			take_down(unused);
	} while (unused);
}

/* The reference that the walk took is given back before anybody counts, with
 * the lock held: nobody else can take the mount down in between. MNT_FORCE is
 * for servers that do not answer, of which there are none here. The reference
 * to the covered vnode (VFS3) is given back last. */
int
vfs_unmount(const char *target, unsigned flags)
{
	unsigned walk = flags & UMOUNT_NOFOLLOW ? WALK_NOFOLLOW : 0;
	struct vnode *v, *covered;
	struct mount *m;
	int error = path_walk(AT_FDCWD, target, walk, &v);

	if (error)
		return error;
	m = v->mount;
	mutex_lock(&mounts_lock);
	error = v == m->root && !m->detached ? 0 : -EINVAL;
	covered = m->covered;
	vnode_put(v);
	if (!error && covered && (flags & MNT_DETACH))
		detach_lazily(m);
	else if (!error)
		error = detach(m);
	mutex_unlock(&mounts_lock);
	if (error)
		return error;
	if (flags & MNT_DETACH) {
		mount_reap();
		return 0;
	}
	take_down(m);
	vnode_put(covered);
	return 0;
}

void
mount_for_each(void (*fn)(struct mount *m, void *arg), void *arg)
{
	struct mount *m;

	mutex_lock(&mounts_lock);
	list_for_each (m, &mounts, link) {
		fn(m, arg);
	}
	mutex_unlock(&mounts_lock);
}

void
mount_drop_covered(struct mount *m)
{
	mutex_lock(&mounts_lock);
	/* The new root is what walks begin at: wait for those that did not. */
	rcu_synchronize();
	if (vnode_mount_busy(m))
		m = NULL;
	else
		list_del(&m->link);
	mutex_unlock(&mounts_lock);
	if (m)
		take_down(m);
}

void
mount_init(void)
{
	mutex_init(&mounts_lock, "mounts");
}
