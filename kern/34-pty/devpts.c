/*
 * The file system devpts: a node for every pseudo-terminal whose master is
 * open, and ptmx, whose opening makes one. Each mount has its own. /dev/ptmx is
 * that of the one on /dev/pts. Options and modes: Linux's
 * Documentation/filesystems/devpts.rst, as mount(8) has them.
 *
 * Entry points: devpts_add, devpts_remove; the file system's operations.
 */
#include "format.h"
#include "pty.h"
#include "string.h"
#include "tmpfs.h"
#include "walk.h"

#define DEVPTS_SUPER_MAGIC 0x1cd1
#define TTYAUX_MAJOR	   5
#define PTMX_MINOR	   2
#define PTS_MAJOR	   136

enum { INO_ROOT = 1, INO_PTMX, INO_FIRST }; /* that of number 0 */

/* Of a mount. */
struct devpts {
	/* Constant. */
	uint32_t uid, gid; /* of nodes; NOBODY: the opener's */
	uint32_t mode, ptmx_mode;
	unsigned max;
	char shown[80];
	struct vnode *ptmx; /* referenced by the table alone */

	struct spinlock lock;
	struct list ptys; /* under lock; by number, also without a name */
	unsigned npty;
};

#define NOBODY UINT32_MAX

static const struct mount_ops devpts_mount_ops;
static const struct vnode_ops node_ops, ptmx_ops, root_ops;

/* ---- Numbers ---- */

/* Put @p p on the list with the least free number. */
static int
take_number(struct devpts *d, struct pty *p)
{
	struct list *at;
	unsigned n = 0;
	int error = 0;

	spin_lock(&d->lock);
	if (d->npty >= d->max) {
		error = -ENOSPC;
	} else {
		for (at = d->ptys.next;
		     at != &d->ptys &&
		     list_entry(at, struct pty, link)->number == n;
		     at = at->next)
			n++;
		p->number = n;
		list_add_tail(&p->link, at);
		d->npty++;
	}
	spin_unlock(&d->lock);
	return error;
}

/* The vnode goes away: with it, the last that used the number. */
static void
node_inactive(struct vnode *v)
{
	struct devpts *d = v->mount->private_data;
	struct pty *p = v->private_data;

	spin_lock(&d->lock);
	list_del(&p->link);
	d->npty--;
	spin_unlock(&d->lock);
	tty_put(&p->tty);
}

/* The node of the first pty from number *n on that has a name, referenced, or
 * NULL; *n is its number. */
static struct vnode *
find_node(struct devpts *d, unsigned *n)
{
	struct vnode *v = NULL;
	struct pty *p;

	spin_lock(&d->lock);
	list_for_each (p, &d->ptys, link) {
		if (p->number < *n || !p->node || p->node->nlink == 0)
			continue;
		v = vnode_get(p->node);
		*n = p->number;
		break;
	}
	spin_unlock(&d->lock);
	return v;
}

/* ---- Nodes ---- */

static struct vnode *
vnode_make(struct mount *m, uint64_t ino, uint32_t mode, uint64_t rdev)
{
	bool is_new;
	struct vnode *v = vnode_lookup(m, ino, &is_new);

	ASSERT(is_new); /* a number is free only after its vnode is gone */
	v->mode = mode;
	v->rdev = rdev;
	v->nlink = S_ISDIR(mode) ? 2 : 1;
	v->atime = v->mtime = v->ctime = timespec_now();
	return v;
}

int
devpts_add(struct mount *m, struct pty *p)
{
	struct devpts *d = m->private_data;
	const struct cred *c = current_cred();
	int error = take_number(d, p);
	struct name name;
	struct vnode *v;
	char text[12];

	if (error)
		return error;
	p->tty.rdev = dev_make(PTS_MAJOR, p->number);
	snformat(text, sizeof(text), "%u", p->number);
	name = name_of(text, strlen(text));
	vnode_lock(m->root, DIR_PARENT);
	v = vnode_make(m, INO_FIRST + p->number, S_IFCHR | d->mode,
		       p->tty.rdev);
	v->uid = d->uid == NOBODY ? c->fsuid : d->uid;
	v->gid = d->gid == NOBODY ? c->fsgid : d->gid;
	v->private_data = tty_get(&p->tty);
	vnode_ready(v, VT_CHR, &node_ops);
	vnode_set_parent(v, m->root, &name); /* how it is called when gone */
	p->node = v;
	entry_added(m->root, &name, v);
	vnode_unlock(m->root);
	return 0;
}

void
devpts_remove(struct pty *p)
{
	struct vnode *root = p->node->mount->root;

	vnode_lock(root, DIR_PARENT);
	p->node->nlink = 0;
	namecache_purge(p->node);
	vnode_touch(root, TOUCH_MTIME | TOUCH_CTIME);
	vnode_unlock(root);
}

/* ---- Opening ---- */

static int
node_open(struct vnode *v, struct file *f)
{
	if (v->mount->flags & MS_NODEV)
		return -EACCES;
	return tty_open(v->private_data, f, false);
}

/* A new pseudo-terminal, whose master @p f becomes. */
static int
open_master(struct mount *m, struct file *f)
{
	struct pty *p = pty_new();
	int error;

	if (!p)
		return -ENOMEM;
	error = devpts_add(m, p);
	if (error)
		tty_put(&p->tty);
	else
		pty_open_master(p, f);
	return error;
}

static int
ptmx_open(struct vnode *v, struct file *f)
{
	if (v->mount->flags & MS_NODEV)
		return -EACCES;
	return open_master(v->mount, f);
}

/* /dev/ptmx, or a node of its number anywhere. */
static int
open_dev_ptmx(struct vnode *v, struct file *f)
{
	struct vnode *dir;
	int error = path_walk(AT_FDCWD, "/dev/pts", WALK_DIRECTORY, &dir);

	(void)v;
	if (error)
		return error;
	if (dir->mount->ops == &devpts_mount_ops)
		error = open_master(dir->mount, f);
	else
		error = -ENODEV;
	vnode_put(dir);
	return error;
}

static const struct vnode_ops node_ops = {
	.open = node_open,
	.inactive = node_inactive,
};

static const struct vnode_ops ptmx_ops = {
	.open = ptmx_open,
};

/* ---- The directory ---- */

/* A decimal number without leading zeros. */
static bool
parse_number(const char *text, size_t len, unsigned *n)
{
	if (len == 0 || len > 5 || (len > 1 && *text == '0'))
		return false;
	for (*n = 0; len > 0; text++, len--) {
		if (*text < '0' || *text > '9')
			return false;
		*n = *n * 10 + (*text - '0');
	}
	return true;
}

static int
root_lookup(struct vnode *dir, const char *name, size_t len,
	    struct vnode **result)
{
	struct devpts *d = dir->mount->private_data;
	unsigned n, found;

	if (len == 4 && memcmp(name, "ptmx", 4) == 0) {
		*result = vnode_get(d->ptmx);
		return 0;
	}
	if (!parse_number(name, len, &n))
		return -ENOENT;
	found = n;
	*result = find_node(d, &found);
	if (*result && found != n) {
		vnode_put(*result);
		*result = NULL;
	}
	return *result ? 0 : -ENOENT;
}

/* Positions: ".", "..", ptmx, and the numbers from 3 on. */
static int
root_readdir(struct vnode *dir, uint64_t *pos,
	     bool (*emit)(void *arg, const char *name, size_t len, uint64_t ino,
			  unsigned type, uint64_t next),
	     void *arg)
{
	static const char *const fixed[] = { ".", "..", "ptmx" };
	static const uint8_t inos[] = { INO_ROOT, INO_ROOT, INO_PTMX };
	struct devpts *d = dir->mount->private_data;
	struct vnode *v;
	char text[12];
	unsigned n;

	for (; *pos < ARRAY_SIZE(fixed); ++*pos)
		if (!emit(arg, fixed[*pos], strlen(fixed[*pos]), inos[*pos],
			  *pos < 2 ? S_IFDIR >> 12 : S_IFCHR >> 12, *pos + 1))
			return 0;
	for (;;) {
		n = MIN(*pos - ARRAY_SIZE(fixed), (uint64_t)PTYS_MAX);
		v = find_node(d, &n);
		if (!v)
			return 0;
		vnode_put(v);
		snformat(text, sizeof(text), "%u", n);
		if (!emit(arg, text, strlen(text), INO_FIRST + n, S_IFCHR >> 12,
			  ARRAY_SIZE(fixed) + n + 1))
			return 0;
		*pos = ARRAY_SIZE(fixed) + n + 1;
	}
}

static const struct vnode_ops root_ops = {
	.lookup = root_lookup,
	.readdir = root_readdir,
};

/* ---- Mounting ---- */

static bool
parse_value(const char *text, size_t len, unsigned base, uint32_t *value)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] >= (char)('0' + base))
			return false;
		n = n * base + (text[i] - '0');
		if (n >= UINT32_MAX)
			return false;
	}
	*value = n;
	return len > 0;
}

static int
parse_options(struct devpts *d, const char *options)
{
	uint32_t max = PTYS_MAX, ignored;
	const struct {
		const char *name;
		unsigned base;
		uint32_t *value;
	} known[] = {
		{ "uid=", 10, &d->uid },  { "gid=", 10, &d->gid },
		{ "mode=", 8, &d->mode }, { "ptmxmode=", 8, &d->ptmx_mode },
		{ "max=", 10, &max },
	};
	const char *p = options, *end;
	unsigned i;

	for (; *p; p = *end ? end + 1 : end) {
		end = strchrnul(p, ',');
		ignored = end - p;
		if (ignored == 0 || strncmp(p, "newinstance", ignored) == 0)
			continue; /* every mount is one */
		for (i = 0; i < ARRAY_SIZE(known); i++)
			if (strncmp(p, known[i].name, strlen(known[i].name)) ==
			    0)
				break;
		if (i == ARRAY_SIZE(known))
			return -EINVAL;
		p += strlen(known[i].name);
		if (!parse_value(p, end - p, known[i].base, known[i].value))
			return -EINVAL;
	}
	if (max > PTYS_MAX)
		return -EINVAL;
	d->max = max;
	d->mode &= 07777;
	d->ptmx_mode &= 07777;
	return 0;
}

static void
show_options(struct devpts *d)
{
	size_t n = 0, size = sizeof(d->shown);

	if (d->uid != NOBODY)
		n += snformat(d->shown + n, size - n, ",uid=%u", d->uid);
	if (d->gid != NOBODY)
		n += snformat(d->shown + n, size - n, ",gid=%u", d->gid);
	n += snformat(d->shown + n, size - n, ",mode=%03o,ptmxmode=%03o",
		      d->mode, d->ptmx_mode);
	if (d->max < PTYS_MAX)
		snformat(d->shown + n, size - n, ",max=%u", d->max);
}

static int
devpts_statfs(struct mount *m, struct statfs *st)
{
	(void)m;
	st->f_type = DEVPTS_SUPER_MAGIC;
	return 0;
}

static void
devpts_unmount(struct mount *m)
{
	kfree(m->private_data);
}

static const struct mount_ops devpts_mount_ops = {
	.statfs = devpts_statfs,
	.unmount = devpts_unmount,
};

static int
devpts_mount(struct mount *m, const char *options)
{
	struct devpts *d = knew(struct devpts);
	int error;

	d->uid = d->gid = NOBODY;
	d->mode = 0600;
	spin_init(&d->lock, "devpts");
	list_init(&d->ptys);
	m->private_data = d;
	m->ops = &devpts_mount_ops;
	m->in_memory = true;
	m->shown = d->shown;
	error = parse_options(d, options);
	if (error)
		return error;
	show_options(d);
	m->root = vnode_make(m, INO_ROOT, S_IFDIR | 0755, 0);
	vnode_ready(m->root, VT_DIR, &root_ops);
	d->ptmx = vnode_make(m, INO_PTMX, S_IFCHR | d->ptmx_mode,
			     dev_make(TTYAUX_MAJOR, PTMX_MINOR));
	vnode_ready(d->ptmx, VT_CHR, &ptmx_ops);
	vnode_put(d->ptmx); /* it has a link: it stays until the mount goes */
	return 0;
}
FILESYSTEM(devpts, false, devpts_mount);

static void
pty_chapter_init(void)
{
	devfs_add("ptmx", S_IFCHR | 0666, dev_make(TTYAUX_MAJOR, PTMX_MINOR),
		  open_dev_ptmx);
}
CHAPTER_INIT(pty_chapter_init);
