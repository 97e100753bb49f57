/*
 * Damaged disks (damage.c) are mounted, everything on them is read, and some of
 * it changed. All that may come of it is an error; the sanitizers, the shim's
 * checks and a bound on work see to that.
 */
#include "abi/mount.h"
#include "corrupt.h"
#include "damage.h"
#include "format.h"
#include "shim.h"
#include "string.h"

#define DEPTH_MAX   12
#define ENTRIES_MAX 400 /* of a directory, looked at */
#define READS_MAX   60000

static unsigned visited;
static char data[16384];

/* ---- Use ---- */

struct names {
	unsigned n, seen;
	char name[24][NAME_MAX + 1];
};

static bool
take_name(void *arg, const char *name, size_t len, uint64_t ino, unsigned type,
	  uint64_t next)
{
	struct names *names = arg;

	(void)ino;
	(void)type;
	(void)next;
	if (names->n < ARRAY_SIZE(names->name)) {
		memcpy(names->name[names->n], name, len);
		names->name[names->n++][len] = '\0';
	}
	return ++names->seen < ENTRIES_MAX;
}

/** Punch a hole, or have room. */
static void
change_room(struct vnode *v)
{
	uint64_t from = shim_random(40000);
	uint64_t to = from + 1 + shim_random(shim_random(2) ? 3000 : 400000);

	vnode_lock(v, 0);
	if (shim_random(3))
		vnode_punch(v, from, to);
	else
		vnode_allocate(v, from, MIN(to, from + 20000), false);
	vnode_unlock(v);
}

static void
use_file(struct vnode *v)
{
	uint64_t size = v->size;

	vnode_read(v, data, sizeof(data), 0);
	vnode_read(v, data, sizeof(data), size > 70000 ? size - 9000 : 0);
	vnode_read(v, data, 1, 300000);
	if (shim_random(3) == 0)
		shim_write(v, data, 5000, shim_random(20000), 5000);
	if (shim_random(4) == 0)
		shim_write(v, data, 3000, size > 1 << 20 ? size / 2 : size,
			   shim_random(2) ? 3000 : 100);
	if (shim_random(4) == 0)
		shim_map_write(v, shim_random(10000), 1);
	if (shim_random(4) == 0)
		change_room(v);
	if (shim_random(6) == 0)
		vnode_truncate(v,
			       shim_random(2) ? shim_random(30000) : size / 2);
}

static void
remove_some(struct vnode *dir, const char *name, struct vnode *v)
{
	struct vnode *other = NULL;

	if (v->type != VT_DIR && shim_random(5) == 0)
		dir->ops->unlink(dir, name, strlen(name), v);
	else if (v->type != VT_DIR && shim_random(5) == 0)
		dir->ops->link(dir, "another", 7, v);
	else if (v->type == VT_DIR && shim_random(8) == 0)
		dir->ops->rmdir(dir, name, strlen(name), v);
	else if (shim_random(5) == 0 &&
		 dir->ops->lookup(dir, "moved", 5, &other) == -ENOENT)
		dir->ops->rename(dir, name, strlen(name), v, shim_mount.root,
				 "moved", 5, NULL);
	if (other)
		vnode_put(other);
}

static void
make_some(struct vnode *dir)
{
	struct vnode *v = NULL;
	char name[32], target[200];

	memset(target, 't', sizeof(target));
	target[sizeof(target) - 1] = '\0';
	snformat(name, sizeof(name), "new%u", visited);
	if (shim_random(2) && dir->ops->create(dir, name, strlen(name),
					       S_IFREG | 0644, 0, &v) == 0) {
		use_file(v);
		vnode_put(v);
	}
	if (shim_random(3) == 0 &&
	    dir->ops->mkdir(dir, "newdir", 6, S_IFDIR | 0755, &v) == 0)
		vnode_put(v);
	if (shim_random(3) == 0 &&
	    dir->ops->symlink(dir, "newlink", 7, target, &v) == 0)
		vnode_put(v);
}

static void use_dir(struct vnode *dir, unsigned depth);

static void
use_name(struct vnode *dir, const char *name, unsigned depth)
{
	struct vnode *v;
	struct stat st;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    dir->ops->lookup(dir, name, strlen(name), &v))
		return;
	v->ops->getattr(v, &st);
	if (v->type == VT_DIR)
		use_dir(v, depth + 1);
	else if (v->type == VT_REG)
		use_file(v);
	else if (v->type == VT_LNK)
		v->ops->readlink(v, data, 4096);
	if (dir->nlink > 0 && v->nlink > 0)
		remove_some(dir, name, v);
	vnode_put(v);
}

static void
use_dir(struct vnode *dir, unsigned depth)
{
	struct names *names;
	uint64_t pos = 0;
	unsigned i;

	if (depth > DEPTH_MAX || ++visited > 60)
		return;
	names = host_alloc(sizeof(*names));
	dir->ops->readdir(dir, &pos, take_name, names);
	for (i = 0; i < names->n && dir->nlink > 0; i++)
		use_name(dir, names->name[i], depth);
	host_free(names);
	if (dir->nlink > 0 && shim_random(2))
		make_some(dir);
}

static void
try_one(void)
{
	shim_messages = 0;
	visited = 0;
	shim_reads_max = READS_MAX;
	if (shim_mount_disk(shim_random(8) ? 0 : MS_RDONLY) == 0) {
		use_dir(shim_mount.root, 0);
		if (shim_random(2))
			shim_evict();
		use_dir(shim_mount.root, 0);
		shim_unmount();
	}
}

/** A copy of the good image, for damage.c. */
static uint8_t *
begin(void)
{
	size_t size = shim_disk.sectors * SECTOR_SIZE;
	uint8_t *good = host_alloc(size);

	memcpy(good, shim_image, size);
	damage_begin(good, size);
	return good;
}

static void
make_one(bool each, unsigned long number)
{
	shim_seed = number;
	if (each)
		damage_nth(shim_image, (unsigned)(number % damage_count()));
	else
		damage_random(shim_image);
}

void
corrupt(bool each, unsigned long first, unsigned count, unsigned step)
{
	uint8_t *good = begin();
	unsigned i, mounted = 0;
	char text[80];

	if (each && count == 0)
		count = damage_count() / step;
	for (i = 0; i < count; i++) {
		snformat(text, sizeof(text), "seed %lu\n",
			 first + (unsigned long)i * step);
		host_write(text);
		host_time_limit(20);
		make_one(each, first + (unsigned long)i * step);
		try_one();
		mounted += shim_messages == 0;
	}
	snformat(text, sizeof(text), "done %u, %u without a message\n", count,
		 mounted);
	host_write(text);
	host_free(good);
}

void
corrupt_save(const char *path, bool each, unsigned long first, unsigned count,
	     unsigned step)
{
	uint8_t *good = begin();
	unsigned i;

	for (i = 0; i < count; i++) {
		make_one(each, first + (unsigned long)i * step);
		damage_write(path, shim_image);
	}
	host_free(good);
}
