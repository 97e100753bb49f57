/*
 * devfs: the devices of the machine as files, usually on /dev. A registry says
 * what opens a device number, whatever file system its node stands in; a mount
 * of devfs is a tmpfs with a node for every registered device.
 *
 * Entry points: devfs_add, devfs_open_rdev.
 */
#include "tmpfs_internal.h"

struct device {
	struct list link;
	uint32_t mode; /* S_IFCHR or S_IFBLK, and permissions */
	uint64_t rdev;
	int (*open)(struct vnode *v, struct file *f);
	char name[];
};

/* The lock guards the list against who adds; it only ever grows, so an element
 * that was found stays, and may be used without the lock. */
static struct spinlock devices_lock = SPINLOCK("devices");
static struct list devices = LIST_INIT(devices);

/* What is no device, but expected there: the links by programs (bash, for
 * /dev/fd/N), pts and shm by who mounts file systems on them (glibc's shm_open
 * takes names in /dev/shm). shm is everybody's, as /tmp is. */
static const struct {
	const char *name, *target; /* target NULL: a directory */
	uint32_t mode;
} furniture[] = {
	{ "fd", "/proc/self/fd", 0 },	    { "stdin", "/proc/self/fd/0", 0 },
	{ "stdout", "/proc/self/fd/1", 0 }, { "stderr", "/proc/self/fd/2", 0 },
	{ "pts", NULL, S_IFDIR | 0755 },    { "shm", NULL, S_IFDIR | 01777 },
};

static bool
is_devfs(const struct mount *m)
{
	return strcmp(m->fs->name, "devfs") == 0 ||
	       strcmp(m->fs->name, "devtmpfs") == 0;
}

static int
add_node(struct vnode *root, const struct device *d)
{
	return tmpfs_add(root, d->name, d->mode, d->rdev, NULL);
}

static void
add_to_mount(struct mount *m, void *device)
{
	if (is_devfs(m))
		add_node(m->root, device);
}

/* First the list, then the mounts that there are: those to come find it in the
 * list. A devfs that is being mounted at this moment could miss it, but
 * chapters add their devices when they start, before there is a program to
 * mount anything. */
void
devfs_add(const char *name, uint32_t mode, uint64_t rdev,
	  int (*open)(struct vnode *v, struct file *f))
{
	size_t len = strlen(name);
	struct device *d =
		kalloc(sizeof(*d) + len + 1, ALLOC_SITE(0, "device"));

	d->mode = mode;
	d->rdev = rdev;
	d->open = open;
	memcpy(d->name, name, len + 1);
	spin_lock(&devices_lock);
	list_add_tail(&d->link, &devices);
	spin_unlock(&devices_lock);
	mount_for_each(add_to_mount, d);
}

/* A character and a block device may have the same number. The opener may
 * sleep, so it is called without the lock. */
int
devfs_open_rdev(struct vnode *v, struct file *f)
{
	uint32_t type = v->mode & S_IFMT;
	struct device *d, *found = NULL;

	spin_lock(&devices_lock);
	list_for_each (d, &devices, link) {
		if (d->rdev == v->rdev && (d->mode & S_IFMT) == type) {
			found = d;
			break;
		}
	}
	spin_unlock(&devices_lock);
	return found ? found->open(v, f) : -ENXIO;
}

/* The devices that there are now; none is ever taken off the list. It is gone
 * through without the lock, as heap is reserved anew for each node, which may
 * sleep. */
static int
populate(struct vnode *root)
{
	struct list *at;
	unsigned i;
	int error = 0;

	for (i = 0; i < ARRAY_SIZE(furniture) && !error; i++)
		error = tmpfs_add(root, furniture[i].name, furniture[i].mode, 0,
				  furniture[i].target);
	for (at = devices.next; at != &devices && !error; at = at->next) {
		error = heap_again();
		if (!error)
			error = add_node(root,
					 list_entry(at, struct device, link));
	}
	return error;
}

static int
devfs_mount(struct mount *m, const char *options)
{
	int error;

	(void)options; /* of Linux's devtmpfs: size, mode; none matters here */
	error = tmpfs_setup(m, "", 0755);
	return error ? error : populate(m->root);
}

FILESYSTEM(devfs, false, devfs_mount);
FILESYSTEM(devtmpfs, false, devfs_mount);
