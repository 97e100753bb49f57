/*
 * The root of the tree: at start-up one in memory, so that every kernel has
 * one; then the disk's on top of it.
 *
 * Entry points: vfs_mount_root; the chapter's start.
 */
#include "tmpfs_internal.h"

/* Try each file system that needs a disk. -EINVAL means "none of mine", so any
 * other error is the one to tell: the file system that knows the disk could not
 * mount it. */
static int
mount_disk(const char *name, unsigned flags, const char *options)
{
	const struct filesystem *fs;
	int error = -ENODEV, e;

	for (fs = filesystems; fs < filesystems_end; fs++) {
		if (!fs->needs_device)
			continue;
		e = vfs_mount(fs->name, name, NULL, flags, options);
		if (e == 0)
			return 0;
		if (error == -ENODEV || e != -EINVAL)
			error = e;
	}
	return error;
}

/* Without /dev there are programs yet, but no console for them: so it is said,
 * and the start goes on. A read-only root must have the directory. */
static void
mount_dev(void)
{
	int error = vfs_mkdir(AT_FDCWD, "/dev", 0755);

	if (error && error != -EEXIST)
		kprintf("vfs: there is no /dev, and it cannot be made (error "
			"%d)\n",
			error);
	else if ((error = vfs_mount("devfs", "devfs", "/dev", 0, "")))
		kprintf("vfs: mounting /dev: error %d\n", error);
}

/* Whatever goes wrong, there is a root: the one in memory, which is under the
 * disk's and taken down when that stands. With "tmpfs" it is asked for. */
void
vfs_mount_root(void)
{
	struct mount *first_root = root_mount;
	unsigned flags = command_line_has("ro") ? MS_RDONLY : 0;
	struct block_device *first = block_get(0);
	char name[16] = "", options[64] = "";
	int error;

	command_line_get("root", name, sizeof(name));
	command_line_get("rootflags", options, sizeof(options));
	if (!name[0] && first)
		strlcpy(name, first->name, sizeof(name));
	if (!name[0]) {
		kprintf("vfs: no disk was found: the root file system is in "
			"memory, and empty.\nvfs: Attach a disk (QEMU: -drive "
			"file=root.img,format=raw) or say root=NAME.\n");
	} else if (strcmp(name, "tmpfs") != 0) {
		error = mount_disk(name, flags, options);
		if (error)
			kprintf("vfs: %s cannot be mounted as root (error %d);"
				" going on with an empty one in memory\n",
				name, error);
		else
			kprintf("vfs: root is %s on %s\n", root_mount->fs->name,
				name);
	}
	if (root_mount != first_root)
		mount_drop_covered(first_root);
	mount_dev();
}

/* ---- The chapter's start ---- */

/* The kernel's own threads have "/" from here on; before, no path can be
 * walked. */
static void
mount_first_root(void)
{
	int error = mount_on(filesystem_find("tmpfs"), "rootfs", NULL, 0, "");

	if (error)
		panic("tmpfs: no root in memory: error %d", error);
}

static void
tmpfs_init(void)
{
	mount_init();
	/* The root first: what makes device nodes goes through all mounts. */
	mount_first_root();
	vfs_ops.open_device = devfs_open_rdev;
	devices_init();
	block_files_init();
	nameless_init();
	sync_init();
}
CHAPTER_INIT(tmpfs_init);
