/*
 * Self-tests of vnodes, the name cache and permissions, on a file system that
 * is nothing but vnodes. What needs names and files is tested in the chapters
 * that have them.
 */
#include "test_cache.h"
#include "vfs_internal.h"

#define THREADS 4

static unsigned gone; /* vnodes taken down */

static void
fake_inactive(struct vnode *v)
{
	(void)v;
	gone++;
}

static int read_error;

/* A directory of one file, which cannot be read sometimes. */
static int
fake_readdir(struct vnode *dir, uint64_t *pos,
	     bool (*emit)(void *arg, const char *name, size_t len, uint64_t ino,
			  unsigned type, uint64_t next),
	     void *arg)
{
	if (read_error)
		return read_error;
	if (emit(arg, ".", 1, dir->ino, DT_DIR, 1) && dir->size > 0 &&
	    emit(arg, "file", 4, 99, DT_REG, 2))
		*pos = 2;
	return 0;
}

static const struct vnode_ops fake_ops = {
	.readdir = fake_readdir,
	.inactive = fake_inactive,
};
static struct mount fake_mount = { .vnodes_lock = SPINLOCK("mount vnodes") };

static struct vnode *
fake_vnode(uint64_t ino, enum vnode_type type)
{
	bool is_new;
	struct vnode *v = vnode_lookup(&fake_mount, ino, &is_new);

	if (!is_new)
		return v;
	v->nlink = 1;
	v->mode = type == VT_DIR ? S_IFDIR | 0755 : S_IFREG | 0644;
	vnode_ready(v, type, &fake_ops);
	return v;
}

/* Take all vnodes down. @return whether none was in use */
static bool
fake_end(void)
{
	vnode_evict_mount(&fake_mount);
	return rb_empty(&fake_mount.vnodes);
}

/* ---- Vnodes ---- */

SELFTEST(vfs_an_inode_has_one_vnode)
{
	struct vnode *a = fake_vnode(7, VT_REG), *b = fake_vnode(8, VT_REG);

	CHECK(fake_vnode(7, VT_REG) == a && a != b);
	CHECK(a->cache && a->cache->owner == a);
	gone = 0;
	vnode_put(a);
	vnode_put(a);
	vnode_put(b);
	CHECK(gone == 0); /* they have links: idle, and kept */
	CHECK(fake_vnode(7, VT_REG) == a);
	CHECK(!fake_end()); /* 7 is in use */
	CHECK(gone == 1);
	vnode_put(a);
	CHECK(fake_end() && gone == 2);
}

SELFTEST(vfs_vnode_without_links_goes_with_its_last_user)
{
	struct vnode *v = fake_vnode(7, VT_REG);

	gone = 0;
	vnode_get(v);
	v->nlink = 0;
	vnode_put(v);
	CHECK(gone == 0);
	vnode_put(v);
	CHECK(gone == 1 && rb_empty(&fake_mount.vnodes));
}

static _Atomic unsigned made, unready;

static void
look_up(unsigned number)
{
	struct vnode *v;
	bool is_new;
	unsigned i;

	(void)number;
	v = vnode_lookup(&fake_mount, 7, &is_new);
	if (is_new) {
		made++;
		for (i = 0; i < 20; i++) /* as if a disk were read */
			thread_yield();
		v->nlink = 1;
		v->size = 77;
		vnode_ready(v, VT_REG, &fake_ops);
	} else if (v->size != 77) {
		unready++;
	}
	vnode_put(v);
}

SELFTEST(vfs_vnode_is_seen_when_it_is_ready)
{
	made = unready = 0;
	test_in_threads(THREADS, look_up);
	CHECK(made == 1 && unready == 0);
	CHECK(fake_end());
}

/* ---- Names ---- */

static enum name_state
cached(const struct vnode *dir, const char *text, struct vnode **v)
{
	struct name name = name_of(text, strlen(text));
	enum name_state state;

	rcu_read_lock();
	state = namecache_lookup(dir, &name, v);
	rcu_read_unlock();
	return state;
}

SELFTEST(vfs_name_cache_finds_what_was_entered)
{
	struct vnode *dir = fake_vnode(2, VT_DIR), *f = fake_vnode(7, VT_REG);
	struct name name = name_of("name", 4), none = name_of("none", 4);
	struct vnode *v = NULL;

	CHECK(cached(dir, "name", &v) == NAME_MISS);
	vnode_lock(dir, DIR_PARENT);
	namecache_enter(dir, &name, f);
	namecache_enter(dir, &none, NULL);
	vnode_unlock(dir);
	CHECK(cached(dir, "name", &v) == NAME_POSITIVE && v == f);
	CHECK(cached(dir, "none", &v) == NAME_NEGATIVE);
	CHECK(cached(dir, "nam", &v) == NAME_MISS);
	CHECK(cached(f, "name", &v) == NAME_MISS);
	CHECK(namecache_children_in_use(dir));
	f->nlink = 0;
	vnode_put(f); /* and takes its names along */
	CHECK(cached(dir, "name", &v) == NAME_MISS);
	CHECK(!namecache_children_in_use(dir));
	vnode_put(dir);
	CHECK(fake_end());
}

SELFTEST(vfs_directory_that_cannot_be_read_is_not_called_full)
{
	struct vnode *dir = fake_vnode(2, VT_DIR);
	int error[3];

	vnode_lock(dir, DIR_PARENT);
	error[0] = directory_check_empty(dir);
	dir->size = 1;
	error[1] = directory_check_empty(dir);
	read_error = -EIO;
	error[2] = directory_check_empty(dir);
	read_error = 0;
	vnode_unlock(dir);
	vnode_put(dir);
	CHECK(fake_end());
	CHECK(error[0] == 0);
	CHECK(error[1] == -ENOTEMPTY);
	CHECK(error[2] == -EIO);
}

/* ---- Permissions ---- */

SELFTEST(vfs_permissions_are_the_first_that_apply)
{
	struct cred c = {
		.fsuid = 1000, .fsgid = 100, .ngroups = 1, .groups = { 200 }
	};
	struct cred root = { 0 };
	struct vnode *v = fake_vnode(7, VT_REG);
	int error[6];

	v->mode = S_IFREG | 0047;
	v->uid = 1000;
	error[0] = cred_access(&c, v, R_OK); /* the owner's count, not */
	v->uid = 1;			     /* what all others may */
	v->gid = 200;
	error[1] = cred_access(&c, v, R_OK);
	error[2] = cred_access(&c, v, W_OK);
	v->gid = 1;
	error[3] = cred_access(&c, v, R_OK | W_OK | X_OK);
	v->mode = S_IFREG | 0600;
	error[4] = cred_access(&root, v, R_OK | W_OK);
	error[5] = cred_access(&root, v, X_OK);
	vnode_put(v);
	CHECK(fake_end());
	CHECK(error[0] == -EACCES);
	CHECK(error[1] == 0 && error[2] == -EACCES);
	CHECK(error[3] == 0);
	CHECK(error[4] == 0 && error[5] == -EACCES);
}
