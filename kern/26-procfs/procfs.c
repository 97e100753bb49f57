/*
 * The file system proc: its tree, of the system's files and the directories of
 * processes and threads. A vnode holds nothing: its inode number says what it
 * is, see INO in procfs_internal.h. What is in the files: file.c.
 */
#include "format.h"
#include "procfs_internal.h"
#include "string.h"

#define NODES_MAX 64
#define ROOT	  1 /* inode number, and index of the root's node */
/* Positions in the root directory: pids follow the files. */
#define PID_POSITION 0x10000

static struct node nodes[NODES_MAX] = {
	[ROOT] = { .name = "", .mode = S_IFDIR | 0555 },
};
static unsigned nnodes = ROOT + 1;

struct procfs_ops procfs_ops;

static const struct vnode_ops dir_ops, path_link_ops;

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

static int
link_thread_self(char *buf, size_t size)
{
	return snformat(buf, size, "%d/task/%d", current_proc()->pid,
			current()->tid);
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
		return &procfs_file_ops;
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

struct thread *
procfs_thread(struct proc *p, int tid)
{
	struct thread *t = thread_find(tid);

	return t && t->proc == p ? t : NULL;
}

/* Whether it is the directory of a process or of a thread. */
static bool
has_entries(const struct vnode *v)
{
	return INO_KIND(v->ino) == KIND_PID || INO_KIND(v->ino) == KIND_THREAD;
}

/* What numbers stand for in the directory of an entry. */
static enum kind
kind_in(const struct vnode *v)
{
	if (!is_entry(v))
		return 0;
	if (strcmp(entry_of(v)->name, "fd") == 0)
		return KIND_FD;
	if (strcmp(entry_of(v)->name, "fdinfo") == 0)
		return KIND_FDINFO;
	return KIND_THREAD;
}

static uint32_t
mode_of(enum kind kind)
{
	if (kind == KIND_THREAD)
		return S_IFDIR | 0555;
	return kind == KIND_FD ? S_IFLNK | 0700 : S_IFREG | 0444;
}

/* Whether the caller may look into the directory of an entry. */
static bool
may_look_into(const struct vnode *dir, struct proc *p)
{
	return !entry_of(dir)->restricted || procfs_may_inspect(p);
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

struct node *
procfs_node(const struct vnode *v)
{
	return INO_KIND(v->ino) == KIND_SYSTEM ? &nodes[INO_INDEX(v->ino)]
					       : NULL;
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

/* A thread has what a process has, but for threads. */
static bool
is_listed(const struct vnode *dir, const struct pid_entry *e)
{
	return INO_KIND(dir->ino) == KIND_PID || strcmp(e->name, "task") != 0;
}

static uint64_t
ino_of_entry(const struct vnode *dir, unsigned i)
{
	return INO(INO_PID(dir->ino),
		   INO_KIND(dir->ino) == KIND_PID ? KIND_ENTRY : KIND_OF_THREAD,
		   i);
}

static int
lookup_entry(struct vnode *dir, struct proc *p, const char *name, size_t len,
	     struct vnode **result)
{
	const struct pid_entry *e = pid_entries;

	while (strlen(e->name) != len || memcmp(e->name, name, len) != 0)
		if (++e == pid_entries + npid_entries)
			return -ENOENT;
	if (!is_listed(dir, e))
		return -ENOENT;
	*result = procfs_vnode(dir->mount, ino_of_entry(dir, e - pid_entries),
			       e->mode, p);
	return 0;
}

static bool
has_fd(struct proc *p, int fd)
{
	struct file *f = fd < 0x10000 ? procfs_file(p, fd, NULL) : NULL;

	if (f)
		file_put(f);
	return f;
}

/* The first thread is there as long as its process. */
static bool
has_thread(struct proc *p, int tid)
{
	bool found;

	spin_lock(&proc_lock);
	found = tid == p->pid || procfs_thread(p, tid);
	spin_unlock(&proc_lock);
	return found;
}

static int
lookup_number(struct vnode *dir, struct proc *p, const char *name, size_t len,
	      struct vnode **result)
{
	enum kind kind = kind_in(dir);
	int n = parse_number(name, len);
	uint64_t ino;

	if (n < 0 || !(kind == KIND_THREAD ? has_thread(p, n) : has_fd(p, n)))
		return -ENOENT;
	ino = kind == KIND_THREAD ? INO(n, kind, 0) : INO(p->pid, kind, n);
	*result = procfs_vnode(dir->mount, ino, mode_of(kind), p);
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
	if (has_entries(dir))
		error = lookup_entry(dir, p, name, len, result);
	else if (may_look_into(dir, p))
		error = lookup_number(dir, p, name, len, result);
	else
		error = -EACCES;
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
list_entries(const struct vnode *dir, struct listing *l)
{
	for (uint64_t i = *l->pos - 2; i < npid_entries; i++)
		if (is_listed(dir, &pid_entries[i]) &&
		    !put_entry(l, pid_entries[i].name, ino_of_entry(dir, i),
			       pid_entries[i].mode, i + 3))
			return;
}

static void
list_fds(struct proc *p, enum kind kind, struct listing *l)
{
	int fd;

	while (*l->pos <= INT32_MAX &&
	       (fd = procfs_next_fd(p, *l->pos - 2)) >= 0)
		if (!put_number(l, fd, INO(p->pid, kind, fd), mode_of(kind),
				fd + 3))
			break;
}

/* The thread with the least number from @tid on, or 0. */
static int
next_thread(struct proc *p, int tid)
{
	int next = p->pid >= tid ? p->pid : 0;
	struct thread *t;

	spin_lock(&proc_lock);
	list_for_each (t, &p->threads, proc_link)
		if (t->tid >= tid && (!next || t->tid < next))
			next = t->tid;
	spin_unlock(&proc_lock);
	return next;
}

static void
list_threads(struct proc *p, struct listing *l)
{
	int tid;

	while (*l->pos <= PID_MAX && (tid = next_thread(p, *l->pos - 1)))
		if (!put_number(l, tid, INO(tid, KIND_THREAD, 0), S_IFDIR,
				tid + 2))
			break;
}

static void
list_numbers(const struct vnode *dir, struct proc *p, struct listing *l)
{
	if (kind_in(dir) == KIND_THREAD)
		list_threads(p, l);
	else
		list_fds(p, kind_in(dir), l);
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
	if (has_entries(dir))
		list_entries(dir, &l);
	else if (may_look_into(dir, p))
		list_numbers(dir, p, &l);
	else
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

/* ---- Operations ---- */

static int
open_dir(struct vnode *v, struct file *f)
{
	struct proc *p = is_entry(v) ? proc_of(v) : NULL;
	bool may = !p || may_look_into(v, p);

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
	add_link("thread-self", link_thread_self);
	procfs_system_init();
	procfs_disks_init();
	load_init();
}
CHAPTER_INIT(procfs_init);
