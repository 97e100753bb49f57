/*
 * The file system proc: directories of processes, and files that are written
 * when they are read. A vnode holds nothing: its inode number says what it is.
 *
 * See INO in procfs_internal.h.
 */
#include "format.h"
#include "procfs_internal.h"
#include "string.h"

#define NODES_MAX 64
#define ROOT	  1 /* inode number, and index of the root's node */
/* Positions in the root directory: pids follow the files. */
#define PID_POSITION 0x10000

/* A file or directory of the whole system. */
struct node {
	const char *name;
	uint8_t len;
	uint8_t parent;
	uint32_t mode;
	void (*show)(struct text *t); /* files */
	/* Files that root may write a number into: kept here, or given on. */
	uint64_t *number, max;
	int (*store)(uint64_t value);
	int (*link)(char *buf, size_t size); /* symbolic links */
};

static struct node nodes[NODES_MAX] = {
	[ROOT] = { .name = "", .mode = S_IFDIR | 0555 },
};
static unsigned nnodes = ROOT + 1;

struct procfs_ops procfs_ops;

static const struct vnode_ops dir_ops, file_ops, path_link_ops;

/* ---- The files of the whole system ---- */

static unsigned
find_node(unsigned parent, const char *name, size_t len)
{
	for (unsigned i = ROOT + 1; i < nnodes; i++)
		if (nodes[i].parent == parent && nodes[i].len == len &&
		    memcmp(nodes[i].name, name, len) == 0)
			return i;
	return 0;
}

static unsigned
add_node(unsigned parent, const char *name, size_t len, uint32_t mode)
{
	ASSERT(nnodes < NODES_MAX);
	nodes[nnodes] = (struct node){
		.name = name, .len = len, .parent = parent, .mode = mode
	};
	return nnodes++;
}

/* Add a file with the directories that lead to it. */
static struct node *
add_file(const char *name, uint32_t mode)
{
	unsigned parent = ROOT, i;
	const char *slash;

	while ((slash = strchr(name, '/'))) {
		i = find_node(parent, name, slash - name);
		parent = i ? i
			   : add_node(parent, name, slash - name,
				      S_IFDIR | 0555);
		name = slash + 1;
	}
	return &nodes[add_node(parent, name, strlen(name), S_IFREG | mode)];
}

void
procfs_add(const char *name, void (*show)(struct text *t))
{
	add_file(name, 0444)->show = show;
}

void
procfs_add_number(const char *name, uint64_t *number, uint64_t max)
{
	struct node *n = add_file(name, 0644);

	n->number = number;
	n->max = max;
}

void
procfs_add_switch(const char *name, int (*store)(uint64_t value))
{
	add_file(name, 0200)->store = store;
}

static int
link_self(char *buf, size_t size)
{
	return snformat(buf, size, "%d", current_proc()->pid);
}

static void
add_link(const char *name, int (*link)(char *buf, size_t size))
{
	unsigned i = add_node(ROOT, name, strlen(name), S_IFLNK | 0777);

	nodes[i].link = link;
}

/* ---- Vnodes ---- */

static enum vnode_type
type_of(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return VT_DIR;
	case S_IFLNK:
		return VT_LNK;
	case S_IFREG:
		return VT_REG;
	default:
		return VT_FIFO;
	}
}

/* The owner of a process's files: its effective user; root, where others of
 * that user may not look inside. Folders look themselves who asks: the process
 * may always see its own descriptors. */
static void
set_owner(struct vnode *v, struct proc *p)
{
	bool theirs = p && (S_ISDIR(v->mode) || p->dumpable);
	struct fs_context *fs = theirs ? proc_fs(p) : NULL;

	if (fs) {
		v->uid = fs->cred.euid;
		v->gid = fs->cred.egid;
		fs_context_put(fs);
	}
}

static const struct vnode_ops *
ops_of(uint64_t ino, uint32_t mode)
{
	if (S_ISDIR(mode))
		return &dir_ops;
	if (S_ISREG(mode))
		return &file_ops;
	if (!S_ISLNK(mode))
		return &procfs_nameless_ops;
	return INO_KIND(ino) == KIND_SYSTEM ? &path_link_ops : &procfs_link_ops;
}

struct vnode *
procfs_vnode(struct mount *m, uint64_t ino, uint32_t mode, struct proc *p)
{
	struct vnode *v;
	bool is_new;

	v = vnode_lookup(m, ino, &is_new);
	if (!is_new)
		return v;
	v->mode = mode;
	v->nlink = S_ISDIR(mode) ? 2 : 1;
	set_owner(v, p);
	v->atime = v->mtime = v->ctime = timespec_now();
	vnode_ready(v, type_of(mode), ops_of(ino, mode));
	return v;
}

/* The process that a vnode belongs to, referenced, or NULL. */
static struct proc *
proc_of(const struct vnode *v)
{
	return proc_find(INO_PID(v->ino));
}

static const struct pid_entry *
entry_of(const struct vnode *v)
{
	INVARIANT(PROCFS1, INO_KIND(v->ino) == KIND_ENTRY &&
				   INO_INDEX(v->ino) < npid_entries);
	return &pid_entries[INO_INDEX(v->ino)];
}

/* What is in the directory, if it is one of descriptors; else 0. */
static enum kind
kind_in(const struct vnode *v)
{
	if (INO_KIND(v->ino) != KIND_ENTRY)
		return 0;
	if (strcmp(entry_of(v)->name, "fd") == 0)
		return KIND_FD;
	return strcmp(entry_of(v)->name, "fdinfo") == 0 ? KIND_FDINFO : 0;
}

static uint32_t
mode_of_fd(enum kind kind)
{
	return kind == KIND_FD ? S_IFLNK | 0700 : S_IFREG | 0444;
}

bool
procfs_may_inspect(struct proc *p)
{
	const struct cred *c = current_cred();
	struct fs_context *fs;
	bool may;

	if (p == current_proc() || c->fsuid == 0)
		return true;
	fs = p->dumpable ? proc_fs(p) : NULL;
	if (!fs)
		return false;
	may = fs->cred.uid == c->fsuid && fs->cred.euid == c->fsuid &&
	      fs->cred.suid == c->fsuid;
	fs_context_put(fs);
	return may;
}

/* ---- Look-up ---- */

/* A decimal number without leading zeros, or -1. */
static int
parse_number(const char *name, size_t len)
{
	int n = 0;

	if (len == 0 || len > 7 || (len > 1 && name[0] == '0'))
		return -1;
	for (; len > 0; len--, name++) {
		if (*name < '0' || *name > '9')
			return -1;
		n = n * 10 + (*name - '0');
	}
	return n;
}

static int
lookup_pid(struct vnode *dir, const char *name, size_t len,
	   struct vnode **result)
{
	int pid = parse_number(name, len);
	struct proc *p = pid > 0 ? proc_find(pid) : NULL;

	if (!p)
		return -ENOENT;
	*result = procfs_vnode(dir->mount, INO(pid, KIND_PID, 0),
			       S_IFDIR | 0555, p);
	proc_put(p);
	return 0;
}

static int
lookup_system(struct vnode *dir, const char *name, size_t len,
	      struct vnode **result)
{
	unsigned i = find_node(INO_INDEX(dir->ino), name, len);

	if (i) {
		*result = procfs_vnode(dir->mount, i, nodes[i].mode, NULL);
		return 0;
	}
	return dir->ino == ROOT ? lookup_pid(dir, name, len, result) : -ENOENT;
}

static int
lookup_entry(struct vnode *dir, struct proc *p, const char *name, size_t len,
	     struct vnode **result)
{
	for (unsigned i = 0; i < npid_entries; i++) {
		if (strlen(pid_entries[i].name) != len ||
		    memcmp(pid_entries[i].name, name, len) != 0)
			continue;
		*result = procfs_vnode(dir->mount, INO(p->pid, KIND_ENTRY, i),
				       pid_entries[i].mode, p);
		return 0;
	}
	return -ENOENT;
}

static int
lookup_fd(struct vnode *dir, struct proc *p, const char *name, size_t len,
	  struct vnode **result)
{
	int fd = parse_number(name, len);
	struct file *f = NULL;

	if (fd >= 0 && fd < 0x10000)
		f = procfs_file(p, fd, NULL);
	if (!f)
		return -ENOENT;
	file_put(f);
	*result = procfs_vnode(dir->mount, INO(p->pid, kind_in(dir), fd),
			       mode_of_fd(kind_in(dir)), p);
	return 0;
}

static int
procfs_lookup(struct vnode *dir, const char *name, size_t len,
	      struct vnode **result)
{
	struct proc *p;
	int error;

	if (INO_KIND(dir->ino) == KIND_SYSTEM)
		return lookup_system(dir, name, len, result);
	p = proc_of(dir);
	if (!p)
		return -ENOENT;
	if (INO_KIND(dir->ino) == KIND_PID)
		error = lookup_entry(dir, p, name, len, result);
	else if (kind_in(dir))
		error = procfs_may_inspect(p)
				? lookup_fd(dir, p, name, len, result)
				: -EACCES;
	else
		error = -ENOENT;
	proc_put(p);
	return error;
}

/* ---- Reading directories ---- */

struct listing {
	uint64_t *pos;
	bool (*emit)(void *arg, const char *name, size_t len, uint64_t ino,
		     unsigned type, uint64_t next);
	void *arg;
};

/* Emit one entry, whose position is *l->pos; the next one is at @next. */
static bool
put_entry(struct listing *l, const char *name, uint64_t ino, uint32_t mode,
	  uint64_t next)
{
	if (!l->emit(l->arg, name, strlen(name), ino, mode >> 12, next))
		return false;
	*l->pos = next;
	return true;
}

static bool
put_number(struct listing *l, int n, uint64_t ino, uint32_t mode, uint64_t next)
{
	char name[12];

	snformat(name, sizeof(name), "%d", n);
	return put_entry(l, name, ino, mode, next);
}

static void
list_system(const struct vnode *dir, struct listing *l)
{
	char name[NAME_MAX + 1];
	struct proc *p;
	int pid;

	for (uint64_t i = MAX(*l->pos, (uint64_t)ROOT + 1); i < nnodes; i++) {
		if (nodes[i].parent != INO_INDEX(dir->ino))
			continue;
		strlcpy(name, nodes[i].name, nodes[i].len + 1);
		if (!put_entry(l, name, i, nodes[i].mode, i + 1))
			return;
	}
	if (dir->ino != ROOT)
		return;
	*l->pos = MAX(*l->pos, (uint64_t)PID_POSITION);
	while (*l->pos < PID_POSITION + PID_MAX) {
		spin_lock(&proc_lock);
		p = proc_next(*l->pos - PID_POSITION + 1);
		pid = p ? p->pid : 0;
		spin_unlock(&proc_lock);
		if (!pid || !put_number(l, pid, INO(pid, KIND_PID, 0), S_IFDIR,
					PID_POSITION + pid))
			return;
	}
}

static void
list_entries(struct proc *p, struct listing *l)
{
	for (uint64_t i = *l->pos - 2; i < npid_entries; i++)
		if (!put_entry(l, pid_entries[i].name,
			       INO(p->pid, KIND_ENTRY, i), pid_entries[i].mode,
			       i + 3))
			return;
}

static void
list_fds(struct proc *p, enum kind kind, struct listing *l)
{
	int fd;

	while (*l->pos <= INT32_MAX &&
	       (fd = procfs_next_fd(p, *l->pos - 2)) >= 0)
		if (!put_number(l, fd, INO(p->pid, kind, fd), mode_of_fd(kind),
				fd + 3))
			break;
}

static int
procfs_readdir(struct vnode *dir, uint64_t *pos,
	       bool (*emit)(void *arg, const char *name, size_t len,
			    uint64_t ino, unsigned type, uint64_t next),
	       void *arg)
{
	struct listing l = { pos, emit, arg };
	struct proc *p;
	int error = 0;

	if (*pos == 0 && !put_entry(&l, ".", dir->ino, S_IFDIR, 1))
		return 0;
	if (*pos == 1 && !put_entry(&l, "..", ROOT, S_IFDIR, 2))
		return 0;
	if (INO_KIND(dir->ino) == KIND_SYSTEM) {
		list_system(dir, &l);
		return 0;
	}
	p = proc_of(dir);
	if (!p)
		return -ENOENT;
	if (INO_KIND(dir->ino) == KIND_PID)
		list_entries(p, &l);
	else if (kind_in(dir) && procfs_may_inspect(p))
		list_fds(p, kind_in(dir), &l);
	else if (kind_in(dir))
		error = -EACCES;
	proc_put(p);
	return error;
}

/* self is a path, unlike the links of a process. */
static int
path_readlink(struct vnode *v, char *buf, size_t size)
{
	return nodes[INO_INDEX(v->ino)].link(buf, size);
}

/* ---- Files ---- */

/* An open file: its text as it was when it was read from the start. */
struct procfs_file {
	struct mutex lock;
	struct text text;
	bool written;
};

/* Whether the caller may not see what process @p's file says. */
static bool
is_secret(const struct vnode *v, struct proc *p)
{
	return (INO_KIND(v->ino) == KIND_FDINFO || entry_of(v)->restricted) &&
	       !procfs_may_inspect(p);
}

static int
write_text(const struct vnode *v, struct text *t)
{
	struct proc *p;
	int error;

	t->len = 0;
	if (INO_KIND(v->ino) == KIND_SYSTEM) {
		const struct node *n = &nodes[INO_INDEX(v->ino)];

		if (n->number)
			text_printf(
				t, "%lu\n",
				__atomic_load_n(n->number, __ATOMIC_RELAXED));
		else
			n->show(t);
		return 0;
	}
	p = proc_of(v);
	if (!p)
		return -ESRCH;
	if (is_secret(v, p))
		error = -EACCES;
	else if (INO_KIND(v->ino) == KIND_FDINFO)
		error = show_fdinfo(t, p, INO_INDEX(v->ino));
	else
		error = entry_of(v)->show(t, p);
	proc_put(p);
	return error;
}

static int64_t
procfs_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct procfs_file *pf = f->private_data;
	size_t n;
	int error = 0;

	mutex_lock(&pf->lock);
	if (!pf->written || *pos == 0) {
		error = write_text(f->vnode, &pf->text);
		pf->written = !error;
	}
	INVARIANT(PROCFS2, error || pf->written);
	n = *pos < pf->text.len ? MIN(pf->text.len - *pos, u->left) : 0;
	if (!error && n > 0) {
		size_t done = uio_copy_to(u, pf->text.buf + *pos, n);

		error = done ? 0 : -EFAULT;
		n = done;
		*pos += done;
	}
	mutex_unlock(&pf->lock);
	return error ? error : (int64_t)n;
}

/* The node of a system's file, or NULL. */
static struct node *
system_node(const struct vnode *v)
{
	return INO_KIND(v->ino) == KIND_SYSTEM ? &nodes[INO_INDEX(v->ino)]
					       : NULL;
}

/* A number in decimal, in one write; white space may surround it. */
static int64_t
procfs_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct node *node = system_node(f->vnode);
	char text[24], *p, *digits;
	uint64_t value = 0;
	size_t len = u->left;
	int error = 0;

	if (*pos != 0 || len >= sizeof(text))
		return -EINVAL;
	if (uio_copy_from(u, text, len) < len)
		return -EFAULT;
	text[len] = '\0';
	p = digits = text + strspn(text, " ");
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -EINVAL;
	if (p == digits || p[strspn(p, " \n")])
		return -EINVAL;
	if (node->store)
		error = node->store(value);
	else if (value > node->max)
		error = -EINVAL;
	else
		__atomic_store_n(node->number, value, __ATOMIC_RELAXED);
	if (error)
		return error;
	*pos += len;
	return len;
}

static void
procfs_release(struct file *f)
{
	struct procfs_file *pf = f->private_data;

	text_free(&pf->text);
	kfree(pf);
}

static const struct file_ops procfs_file_ops = {
	.read = procfs_read,
	.write = procfs_write,
	.release = procfs_release,
};

/* Only some files take what is written, and of these some give nothing. What is
 * for a process's user alone is opened by that user and by root. */
static bool
may_open(const struct file *f, const struct vnode *v)
{
	const struct node *n = system_node(v);
	struct proc *p = n ? NULL : proc_of(v);
	bool secret = p && is_secret(v, p);

	if (p)
		proc_put(p);
	if (secret)
		return false;
	if (file_writable(f) && !(n && (n->number || n->store)))
		return false;
	return !file_readable(f) || !n || !n->store;
}

static int
procfs_open(struct vnode *v, struct file *f)
{
	struct procfs_file *pf;

	if (!may_open(f, v))
		return -EACCES;
	pf = knew_shared(struct procfs_file);
	mutex_init(&pf->lock, "proc text");
	f->private_data = pf;
	f->ops = &procfs_file_ops;
	f->has_pos = true;
	return 0;
}

static int
open_dir(struct vnode *v, struct file *f)
{
	struct proc *p = kind_in(v) ? proc_of(v) : NULL;
	bool may = !p || procfs_may_inspect(p);

	proc_put(p);
	if (!may)
		return -EACCES;
	f->ops = &dir_file_ops;
	f->has_pos = true;
	return 0;
}

static const struct vnode_ops dir_ops = {
	.lookup = procfs_lookup,
	.readdir = procfs_readdir,
	.open = open_dir,
};

static const struct vnode_ops file_ops = {
	.open = procfs_open,
};

static const struct vnode_ops path_link_ops = {
	.readlink = path_readlink,
};

int
procfs_pid_of(int fd)
{
	struct file *f = fd_get(fd);
	int pid = -EBADF;

	if (!f)
		return -EBADF;
	if (!(f->flags & O_PATH) && f->vnode && f->vnode->ops == &dir_ops &&
	    INO_KIND(f->vnode->ino) == KIND_PID)
		pid = INO_PID(f->vnode->ino);
	file_put(f);
	return pid;
}

/* ---- Mounting ---- */

static int
procfs_statfs(struct mount *m, struct statfs *st)
{
	(void)m;
	memset(st, 0, sizeof(*st));
	st->f_type = PROC_SUPER_MAGIC;
	st->f_bsize = st->f_frsize = PAGE_SIZE;
	st->f_namelen = NAME_MAX;
	return 0;
}

static const struct mount_ops procfs_mount_ops = {
	.statfs = procfs_statfs,
};

static int
procfs_mount(struct mount *m, const char *options)
{
	(void)options;
	m->ops = &procfs_mount_ops;
	m->no_cache = true;
	m->root = procfs_vnode(m, ROOT, nodes[ROOT].mode, NULL);
	return 0;
}
FILESYSTEM(proc, false, procfs_mount);

static void
procfs_init(void)
{
	add_link("self", link_self);
	/* Threads have no directories of their own. */
	add_link("thread-self", link_self);
	procfs_system_init();
	procfs_disks_init();
	load_init();
}
CHAPTER_INIT(procfs_init);
