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

#define DEVPTS_SUPER_MAGIC 0x1cd1 /* statfs(2) */
/* Device numbers: Linux's Documentation/admin-guide/devices.txt. */
#define TTYAUX_MAJOR 5
#define PTMX_MINOR   2
#define PTS_MAJOR    136

/* Inode numbers: INO_FIRST is that of number 0, n's is INO_FIRST + n. */
enum { INO_ROOT = 1, INO_PTMX, INO_FIRST };

/* Of a mount: its mount's private_data, freed by devpts_unmount. */
struct devpts {
	/* Constant once mounted. */
	uint32_t uid, gid; /* of nodes; NOBODY: the opener's */
	uint32_t mode, ptmx_mode;
	unsigned max;	    /* pairs at a time */
	char shown[80];	    /* the longest are 63 */
	struct vnode *ptmx; /* referenced by the table alone */

	struct spinlock lock;
	/* Under lock. Pairs in the order of their numbers; also one whose name
	 * is gone, as long as its vnode is in use (PTY3). */
	struct list ptys;
	unsigned npty; /* on the list */
};

/* No user has this ID: to chown(2) it means "leave it". */
#define NOBODY UINT32_MAX

static const struct mount_ops devpts_mount_ops;
static const struct vnode_ops node_ops, ptmx_ops, root_ops;

/* ---- Numbers ---- */

/* Put @p p on the list with the least free number, as Linux does: names stay
 * short. The first element that has not the number of its place stands behind
 * the gap. @return 0 or -ENOSPC */
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

/* The vnode goes away: with it, the last that used the number. From here on
 * that may be given out, though the old vnode is in the mount's table a moment
 * longer: vnode_lookup waits for it to leave. The pair itself may live on, by
 * its open master. */
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
 * NULL; *n is its number. Called with the root's lock held, under which names
 * come and go: so a node with a link keeps it, and is not being taken down. A
 * pair without a node has its number and is about to get its name. */
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

	ASSERT(is_new); /* an old one of this number was waited for */
	v->mode = mode;
	v->rdev = rdev;
	v->nlink = S_ISDIR(mode) ? 2 : 1;
	v->atime = v->mtime = v->ctime = timespec_now();
	return v;
}

/* The number comes first: it alone can fail, and then nothing has to be undone.
 * The rest is one step under the root's lock, for who looks a name up or reads
 * the directory. The owner is that of a file which the caller makes: fsuid,
 * fsgid (credentials(7)). */
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
	p->node = v; /* with vnode_lookup's reference: the master's */
	entry_added(m->root, &name, v);
	vnode_unlock(m->root);
	return 0;
}

/* What unlink(2) would do, which devpts has not: no user removes a terminal
 * that is in use. With no link the vnode goes as soon as it is not used; with
 * one it would stay, since the file system is in memory. Open files of it live
 * on. */
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

/* Nodes of devices in other file systems are opened by way of tmpfs, which asks
 * for MS_NODEV. This one knows its terminal, and has to ask itself. */
static int
node_open(struct vnode *v, struct file *f)
{
	if (v->mount->flags & MS_NODEV)
		return -EACCES;
	return tty_open(v->private_data, f, false);
}

/* A new pseudo-terminal, whose master @p f becomes. If there is no number left,
 * the pair has been seen by nobody, and goes at once. */
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

/* /dev/ptmx, or a node of its number anywhere. It is the devpts on /dev/pts of
 * the caller's root that it makes a pair in, so that a container with a mount
 * of its own gets none of its host's. (Linux looks for "pts" beside the node
 * that is opened.) The walk is the caller's: a user who may not search /dev has
 * no terminals. */
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

/* A decimal number without leading zeros: each terminal has one name only. Five
 * digits are more than PTYS_MAX has, and cannot overflow. */
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

/* find_node finds the next one if @p name's is not there, which is no answer
 * here. */
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

/* Positions: ".", "..", ptmx, and the numbers from 3 on: terminal n is at 3 +
 * n, whatever others come and go meanwhile. The list's lock is not held while
 * an entry is emitted; the root's is. */
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

/* A number in base 8 or 10, of @p len digits and nothing else. The largest is
 * refused: it is NOBODY. */
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

static bool
is_word(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - p) == len && memcmp(p, word, len) == 0;
}

/* Options are separated by commas; an empty one is none. One that is not known
 * is an error, as mount(2) says, and not passed over: who asks for a mode must
 * not get another. What mode= has beyond permission bits is dropped. */
static int
parse_options(struct devpts *d, const char *options)
{
	uint32_t max = PTYS_MAX;
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
		if (end == p || is_word(p, end, "newinstance"))
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

/* What /proc/mounts shows after the flags, so that a mount with these options
 * would be the same again. What the kernel would choose anyway, and uid and gid
 * that are each opener's, are left out. */
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

/* Nobody is inside: no pair is on the list, and the vnodes are gone. */
static void
devpts_unmount(struct mount *m)
{
	kfree(m->private_data);
}

static const struct mount_ops devpts_mount_ops = {
	.statfs = devpts_statfs,
	.unmount = devpts_unmount,
};

/* After an error the mount is taken down as any other, and that frees
 * private_data: so it and ops are set before anything can fail. ptmx is closed
 * to all (mode 0) unless ptmxmode= says otherwise: most open /dev/ptmx instead,
 * whose mode is devfs's. */
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

/* Everybody may open /dev/ptmx: what one gets is a terminal of one's own. */
static void
pty_chapter_init(void)
{
	devfs_add("ptmx", S_IFCHR | 0666, dev_make(TTYAUX_MAJOR, PTMX_MINOR),
		  open_dev_ptmx);
}
CHAPTER_INIT(pty_chapter_init);
