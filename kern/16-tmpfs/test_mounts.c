/*
 * Self-tests of the name cache, mounts and devfs.
 */
#include "test_tmpfs.h"

/* ---- The name cache ---- */

static enum name_state
cached(const char *dir, const char *text)
{
	struct name name = name_of(text, strlen(text));
	struct vnode *d = test_walk(dir), *v;
	enum name_state state;

	if (!d)
		return NAME_MISS;
	rcu_read_lock();
	state = namecache_lookup(d, &name, &v);
	rcu_read_unlock();
	vnode_put(d);
	return state;
}

SELFTEST(tmpfs_name_cache_agrees_with_the_directory)
{
	CHECK(test_begin());
	CHECK(cached("/t", "a") == NAME_MISS);
	CHECK(test_exists("/t/a") == -ENOENT);
	CHECK(cached("/t", "a") == NAME_NEGATIVE);
	CHECK(test_write_file("/t/a", "") == 0);
	CHECK(cached("/t", "a") == NAME_POSITIVE);
	CHECK(vfs_rename(AT_FDCWD, "/t/a", AT_FDCWD, "/t/b", 0) == 0);
	CHECK(cached("/t", "a") == NAME_NEGATIVE);
	CHECK(cached("/t", "b") == NAME_POSITIVE);
	CHECK(vfs_unlink(AT_FDCWD, "/t/b") == 0);
	CHECK(cached("/t", "b") == NAME_NEGATIVE);
	CHECK(test_end());
}

SELFTEST(tmpfs_name_cache_forgets_removed_directories)
{
	unsigned before;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/d", 0755) == 0);
	before = namecache_count();
	CHECK(test_exists("/t/d/x") == -ENOENT);
	CHECK(test_exists("/t/d/y") == -ENOENT);
	CHECK(namecache_count() == before + 2);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/d") == 0);
	CHECK(namecache_count() == before);
	CHECK(test_end());
}

/* ---- Mounts ---- */

SELFTEST(tmpfs_mount_covers_and_uncovers)
{
	uint64_t t;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m", 0755) == 0);
	CHECK(test_write_file("/t/m/below", "") == 0);
	t = test_stat("/t").st_ino;
	CHECK(vfs_mount("tmpfs", "none", "/t/m", 0, "") == 0);
	CHECK(test_exists("/t/m/below") == -ENOENT);
	CHECK(test_stat("/t/m").st_dev != test_stat("/t").st_dev);
	CHECK(test_stat("/t/m/..").st_ino == t);
	CHECK(test_write_file("/t/m/above", "a") == 0);
	CHECK(vfs_rename(AT_FDCWD, "/t/m/above", AT_FDCWD, "/t/x", 0) ==
	      -EXDEV);
	CHECK(vfs_rmdir(AT_FDCWD, "/t/m") == -EBUSY);
	CHECK(vfs_unmount("/t/m", 0) == 0);
	CHECK(test_exists("/t/m/below") == 0);
	CHECK(test_exists("/t/m/above") == -ENOENT);
	CHECK(vfs_unmount("/t/m", 0) == -EINVAL);
	CHECK(vfs_mount("nosuchfs", "none", "/t/m", 0, "") == -ENODEV);
	CHECK(vfs_mount("tmpfs", "none", "/t/m/below", 0, "") == -ENOTDIR);
	CHECK(test_end());
}

static int second_mount;

/* No file system; but it has its disk mounted again before it says so. */
static int
mount_again(struct mount *m, const char *options)
{
	if (second_mount == 0) {
		second_mount = 1;
		second_mount = mount_on(m->fs, m->source, NULL, 0, options);
	}
	return -EINVAL;
}

SELFTEST(tmpfs_disk_is_mounted_once)
{
	static const struct filesystem fs = { "again", true, mount_again };
	struct block_device *disk = block_get(0);

	if (!disk)
		return;
	second_mount = 0;
	CHECK(mount_on(&fs, disk->name, NULL, 0, "") == -EINVAL);
	CHECK(second_mount == -EBUSY);
	CHECK(mount_on(&fs, disk->name, NULL, 0, "") == -EINVAL);
}

SELFTEST(tmpfs_busy_mount_stays)
{
	struct file *f;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m", 0755) == 0);
	CHECK(vfs_mount("tmpfs", "none", "/t/m", 0, "") == 0);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m/d", 0755) == 0);
	CHECK(test_open_file("/t/m/d/f", O_CREAT | O_RDWR, &f) == 0);
	CHECK(vfs_unmount("/t/m", 0) == -EBUSY);
	CHECK(test_exists("/t/m/d/f") == 0);
	file_put(f);
	CHECK(vfs_unmount("/t/m", 0) == 0);
	CHECK(test_end());
}

SELFTEST(tmpfs_read_only_mount)
{
	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m", 0755) == 0);
	CHECK(vfs_mount("tmpfs", "none", "/t/m", MS_RDONLY, "") == 0);
	CHECK(test_write_file("/t/m/f", "") == -EROFS);
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m/d", 0755) == -EROFS);
	CHECK(vfs_unmount("/t/m", 0) == 0);
	CHECK(test_end());
}

static int
zero_page(void *owner, struct page *page)
{
	(void)owner;
	page_clear(page_address(page));
	return 0;
}

static int
fail_page(void *owner, struct page *page)
{
	(void)owner;
	(void)page;
	return -EIO;
}

SELFTEST(tmpfs_sync_leaves_errors_to_fsync)
{
	static const struct page_cache_ops pages = { .read_page = zero_page,
						     .write_page = fail_page };
	static const struct vnode_ops ops = { .pages = &pages };
	static const struct mount_ops none;
	static struct mount m = { .vnodes_lock = SPINLOCK("mount vnodes"),
				  .ops = &none };
	int error = 0, first, again, own, own_again;
	struct page *page;
	bool is_new;
	struct vnode *v = vnode_lookup(&m, 1, &is_new);

	v->size = PAGE_SIZE;
	vnode_ready(v, VT_REG, &ops);
	page = page_cache_get(v->cache, 0, &error);
	page_cache_dirty(v->cache, page);
	page_unref(page);
	first = mount_sync(&m);
	again = mount_sync(&m);
	own = vnode_fsync(v, false);
	own_again = vnode_fsync(v, false);
	vnode_put(v);
	CHECK(first == -EIO && again == 0);
	CHECK(own == -EIO && own_again == 0);
}

static int
open_anything(struct vnode *v, struct file *f)
{
	(void)v;
	(void)f;
	return 0;
}

/* Of a file system whose files have an `open` of their own. */
static const struct vnode_ops own_open = { .open = open_anything };
static struct mount of_another_kind = { .vnodes_lock =
						SPINLOCK("mount vnodes") };

static int
open_and_close(struct vnode *v, unsigned flags)
{
	struct file *f;
	int error = vnode_open(v, flags, &f);

	if (!error)
		file_put(f);
	return error;
}

SELFTEST(tmpfs_nodev_is_for_all_file_systems)
{
	int error, device, path;
	bool is_new;
	struct vnode *v = vnode_lookup(&of_another_kind, 1, &is_new);

	vnode_ready(v, VT_CHR, &own_open);
	of_another_kind.flags = MS_NODEV;
	error = open_and_close(v, O_RDONLY);
	path = open_and_close(v, O_PATH);
	of_another_kind.flags = 0;
	device = open_and_close(v, O_RDONLY);
	vnode_put(v);
	CHECK(error == -EACCES && path == 0 && device == 0);
}

SELFTEST(tmpfs_every_writer_counts_once)
{
	bool is_new;
	struct vnode *v = vnode_lookup(&of_another_kind, 2, &is_new);
	struct file *f;
	int during, after, error;

	vnode_ready(v, VT_REG, &own_open);
	error = vnode_open(v, O_WRONLY, &f);
	during = v->writers;
	if (!error)
		file_put(f);
	after = v->writers;
	vnode_put(v);
	CHECK(error == 0 && during == 1 && after == 0);
}

static int
refuse_change(struct vnode *v, const struct vattr *attr)
{
	(void)v;
	(void)attr;
	return -EPERM;
}

/* As a user, to whom a write costs the set-user-id bit. */
static int64_t
write_as_user(struct vnode *v, const char *text, size_t len)
{
	struct fs_context *c = fs_context_new(), *old = current()->fs;
	struct file *f;
	int64_t n;

	c->cred.fsuid = 1000;
	current()->fs = c;
	n = vnode_open(v, O_WRONLY, &f);
	if (!n) {
		n = test_pwrite(f, text, len, 0);
		file_put(f);
	}
	current()->fs = old;
	fs_context_put(c);
	return n;
}

SELFTEST(tmpfs_set_id_goes_before_a_write)
{
	static const struct page_cache_ops pages = { .read_page = zero_page };
	static const struct vnode_ops ops = { .pages = &pages,
					      .setattr = refuse_change };
	bool is_new;
	struct vnode *v = vnode_lookup(&of_another_kind, 3, &is_new);
	int64_t some, nothing;
	uint64_t size;

	v->mode = S_IFREG | S_ISUID | 0666;
	vnode_ready(v, VT_REG, &ops);
	some = write_as_user(v, "x", 1);
	nothing = write_as_user(v, "x", 0);
	size = v->size;
	vnode_put(v);
	CHECK(some == -EPERM && nothing == 0 && size == 0);
}

static int opened_meanwhile;

static int
open_in_between(struct mount *m, unsigned flags)
{
	struct file *f;

	(void)m;
	(void)flags;
	opened_meanwhile = test_open_file("/t/m/f", O_WRONLY, &f);
	if (!opened_meanwhile)
		file_put(f);
	return 0;
}

static int
mount_interrupted(struct mount *m, const char *options)
{
	static struct mount_ops ops;
	int error = tmpfs_setup(m, options, 0755);

	if (error)
		return error;
	ops = *m->ops;
	ops.remount = open_in_between;
	m->ops = &ops;
	return 0;
}

SELFTEST(tmpfs_no_writer_slips_into_a_remount)
{
	static const struct filesystem fs = { "interrupted", false,
					      mount_interrupted };
	struct vnode *covered;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m", 0755) == 0);
	CHECK((covered = test_walk("/t/m")));
	CHECK(mount_on(&fs, "none", covered, 0, "") == 0);
	CHECK(test_write_file("/t/m/f", "x") == 0);
	CHECK(vfs_remount("/t/m", MS_RDONLY) == 0);
	CHECK(opened_meanwhile == -EROFS);
	CHECK(vfs_unmount("/t/m", 0) == 0);
	CHECK(test_end());
}

/* What is written was read there, from a disk that nothing is mounted from. */
SELFTEST(tmpfs_disk_as_file_is_written_through)
{
	struct block_device *disk = block_get(0);
	char path[32] = "/t/", sector[SECTOR_SIZE];
	struct vnode *v;
	struct file *f;
	bool dirty;

	if (!disk || root_mount->device)
		return;
	CHECK(test_begin());
	strlcat(path, disk->name, sizeof(path));
	CHECK(vfs_mount("devfs", "none", "/t", 0, "") == 0);
	CHECK(test_open_file(path, O_RDWR | O_DSYNC, &f) == 0);
	CHECK(test_pread(f, sector, SECTOR_SIZE, 0) == SECTOR_SIZE);
	CHECK(test_pwrite(f, sector, SECTOR_SIZE, 0) == SECTOR_SIZE);
	CHECK(f->ops->mmap(f, &v) == 0);
	dirty = page_cache_has_dirty(v->cache);
	file_put(f);
	CHECK(vfs_unmount("/t", 0) == 0);
	CHECK(!dirty);
	CHECK(test_end());
}

SELFTEST(tmpfs_size_is_a_limit)
{
	static char page[PAGE_SIZE];
	struct file *f;

	CHECK(test_begin());
	CHECK(vfs_mkdir(AT_FDCWD, "/t/m", 0755) == 0);
	CHECK(vfs_mount("tmpfs", "none", "/t/m", 0, "size=12x") == -EINVAL);
	CHECK(vfs_mount("tmpfs", "none", "/t/m", 0, "size=12k,mode=700") == 0);
	CHECK((test_stat("/t/m").st_mode & 07777) == 0700);
	CHECK(test_open_file("/t/m/f", O_CREAT | O_RDWR, &f) == 0);
	CHECK(test_pwrite(f, page, PAGE_SIZE, 0) == (int64_t)PAGE_SIZE);
	CHECK(test_pwrite(f, page, PAGE_SIZE, 8192) == (int64_t)PAGE_SIZE);
	CHECK(test_pwrite(f, page, PAGE_SIZE, 2048) == (int64_t)PAGE_SIZE);
	CHECK(test_pwrite(f, page, PAGE_SIZE, 12288) == -ENOSPC);
	CHECK(test_pwrite(f, page, PAGE_SIZE, 10240) == 2048);
	CHECK(vnode_truncate(f->vnode, 0) == 0);
	CHECK(test_pwrite(f, page, PAGE_SIZE, 12288) == (int64_t)PAGE_SIZE);
	file_put(f);
	CHECK(vfs_unmount("/t/m", 0) == 0);
	CHECK(test_end());
}

SELFTEST(tmpfs_devfs_has_the_devices)
{
	char buf[5] = "aaaa";
	struct file *f;

	CHECK(test_begin());
	CHECK(vfs_mount("devfs", "none", "/t", 0, "") == 0);
	CHECK(S_ISCHR(test_stat("/t/null").st_mode));
	CHECK(test_stat("/t/zero").st_rdev == dev_make(1, 5));
	CHECK(S_ISLNK(test_stat("/t/stdin").st_mode));
	CHECK(test_open_file("/t/zero", O_RDWR, &f) == 0);
	CHECK(test_pread(f, buf, 4, 0) == 4 && memcmp(buf, "\0\0\0\0", 4) == 0);
	CHECK(test_pwrite(f, buf, 4, 0) == 4);
	file_put(f);
	CHECK(test_open_file("/t/full", O_RDWR, &f) == 0);
	CHECK(test_pwrite(f, buf, 4, 0) == -ENOSPC);
	file_put(f);
	CHECK(test_open_file("/t/urandom", O_RDONLY, &f) == 0);
	CHECK(test_pread(f, buf, 4, 0) == 4);
	file_put(f);
	CHECK(vfs_unmount("/t", 0) == 0);
	CHECK(test_end());
}
