/*
 * /proc/PID: what a process looks like from outside. The formats are those of
 * proc(5), to the byte where programs parse them (ps, top, pidof).
 */
#include "abi/sched.h"
#include "abi/elf.h"
#include "format.h"
#include "procfs_internal.h"
#include "string.h"

#define KIB(pages)  ((pages) * (PAGE_SIZE / 1024))
#define NS_PER_TICK (NS_PER_SEC / USER_HZ)
#define PATH_COLUMN 73 /* of a line of maps */

/* ---- A look at a process: everything is read once, under one lock ---- */

struct view {
	char name[16];
	char state;
	int tid, pid, ppid, pgid, sid, exit_signal, exit_status;
	unsigned nthreads, cpu;
	int nice;
	unsigned policy, priority;
	uint64_t start_ns;
	struct rusage self, children;
	cpuset_t affinity;
};

/* @t is NULL where it has ended before others of @p. */
static char
state_of(const struct proc *p, const struct thread *t)
{
	if (p->state == PROC_ZOMBIE || !t)
		return 'Z';
	if (p->state == PROC_STOPPED)
		return 'T';
	if (t->state == THREAD_DEAD)
		return 'X';
	return t->state == THREAD_RUNNABLE ? 'R' : 'S';
}

/* What a thread has by itself. @t: see state_of. */
static void
view_thread(struct view *v, const struct proc *p, const struct thread *t)
{
	v->state = state_of(p, t);
	v->cpu = t ? t->cpu : 0;
	v->nice = t ? t->nice : 0;
	v->policy = t ? t->policy : 0;
	v->priority = t ? t->priority : 0;
	v->affinity = t ? t->affinity & (BIT(cpu_count - 1) * 2 - 1) : 0;
}

/* Of thread @tid; 0: of the first, but what all have used. */
static void
view_get(struct view *v, struct proc *p, int tid)
{
	struct thread *t;

	proc_rusage(p, &v->self);
	spin_lock(&proc_lock);
	v->pid = p->pid;
	v->tid = tid ? tid : p->pid;
	v->ppid = p->ppid;
	v->pgid = p->pgid;
	v->sid = p->sid;
	v->exit_signal = v->tid == p->pid ? p->exit_signal : -1;
	v->exit_status = p->exit_status;
	/* The first counts as long as its number is taken. */
	v->nthreads = p->nthreads + !procfs_thread(p, p->pid);
	v->start_ns = p->start_ns;
	v->children = p->child_usage;
	t = procfs_thread(p, v->tid);
	view_thread(v, p, t);
	if (tid && t)
		thread_rusage(t, &v->self);
	spin_lock(&p->lock);
	strlcpy(v->name, t ? t->name : p->name, sizeof(v->name));
	spin_unlock(&p->lock);
	spin_unlock(&proc_lock);
}

static struct signal_sets
signals_of(struct proc *p, const struct view *v)
{
	struct signal_sets sets = { 0 };

	if (procfs_ops.signal_info && v->state != 'Z')
		procfs_ops.signal_info(p, v->tid, &sets);
	return sets;
}

static uint64_t
ticks(struct timeval tv)
{
	return tv.tv_sec * USER_HZ + tv.tv_usec / (1000000 / USER_HZ);
}

/* ---- stat, statm, status ---- */

/* Who may not look inside is told no addresses: the code's is 1, as on Linux.
 */
static void
stat_memory(struct text *t, const struct vmspace *vm, uint64_t rss_limit,
	    bool inside)
{
	if (!vm) {
		text_printf(t, " 0 0 %lu 0 0 0 0 0", rss_limit);
		return;
	}
	text_printf(t, " %lu %lu %lu %lu %lu %lu 0 0",
		    vm->mapped_pages * PAGE_SIZE, (uint64_t)vm->resident,
		    rss_limit, inside ? vm->code_start : 1,
		    inside ? vm->code_end : 1, inside ? vm->stack_start : 0);
}

static void
stat_layout(struct text *t, const struct vmspace *vm, bool inside)
{
	if (!vm || !inside) {
		text_printf(t, " 0 0 0 0 0 0 0");
		return;
	}
	text_printf(t, " %lu %lu %lu %lu %lu %lu %lu", vm->data_start,
		    vm->data_end, vm->brk_start, vm->arg_start, vm->arg_end,
		    vm->env_start, vm->env_end);
}

static int
show_thread_stat(struct text *t, struct proc *p, int tid)
{
	struct signal_sets signals;
	struct vmspace *vm = proc_vmspace(p);
	bool inside = procfs_may_inspect(p);
	int tty_nr = 0, tpgid = -1;
	struct view v;

	view_get(&v, p, tid);
	signals = signals_of(p, &v);
	if (procfs_ops.tty_info)
		procfs_ops.tty_info(p, &tty_nr, &tpgid);
	text_printf(t, "%d (%s) %c %d %d %d %d %d 0", v.tid, v.name, v.state,
		    v.ppid, v.pgid, v.sid, tty_nr, tpgid);
	text_printf(t, " %ld %ld %ld %ld %lu %lu %lu %lu", v.self.ru_minflt,
		    v.children.ru_minflt, v.self.ru_majflt,
		    v.children.ru_majflt, ticks(v.self.ru_utime),
		    ticks(v.self.ru_stime), ticks(v.children.ru_utime),
		    ticks(v.children.ru_stime));
	text_printf(t, " %d %d %u 0 %lu",
		    v.priority ? -1 - (int)v.priority : 20 + v.nice, v.nice,
		    v.nthreads, v.start_ns / NS_PER_TICK);
	stat_memory(t, vm, proc_limit_of(p, RLIMIT_RSS), inside);
	/* Of the masks only the first 31 signals have a place here. */
	text_printf(t, " %lu %lu %lu %lu 0 0 0 %d %u %u %u 0 0 0",
		    signals.pending & INT32_MAX, signals.blocked & INT32_MAX,
		    signals.ignored & INT32_MAX, signals.caught & INT32_MAX,
		    v.exit_signal, v.cpu, v.priority, v.policy);
	stat_layout(t, vm, inside);
	text_printf(t, " %d\n", v.exit_status);
	vmspace_put(vm);
	return 0;
}

static int
show_stat(struct text *t, struct proc *p)
{
	return show_thread_stat(t, p, 0);
}

static int
show_statm(struct text *t, struct proc *p)
{
	struct vmspace *vm = proc_vmspace(p);
	uint64_t shared, data;

	if (!vm) {
		text_printf(t, "0 0 0 0 0 0 0\n");
		return 0;
	}
	vm_count_pages(vm, &shared, &data);
	text_printf(t, "%lu %lu %lu %lu 0 %lu 0\n", vm->mapped_pages,
		    (uint64_t)vm->resident, shared,
		    (vm->code_end - vm->code_start + PAGE_SIZE - 1) / PAGE_SIZE,
		    data);
	vmspace_put(vm);
	return 0;
}

static void
status_memory(struct text *t, struct vmspace *vm)
{
	uint64_t shared, data, locked, resident = vm->resident;
	const struct mapping *stack;
	uint64_t stack_size;

	rwlock_read_lock(&vm->lock);
	locked = vm_pages_within(vm, 0, USER_TOP, false);
	stack = vm_find(vm, vm->stack_start);
	stack_size = stack ? stack->end - stack->start : 0;
	rwlock_read_unlock(&vm->lock);
	vm_count_pages(vm, &shared, &data);
	text_printf(t, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\n",
		    KIB(vm->mapped_pages), KIB(vm->mapped_pages));
	text_printf(t, "VmLck:\t%8lu kB\nVmPin:\t%8u kB\n", KIB(locked), 0);
	text_printf(t, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n",
		    KIB(vm_peak_resident(vm)), KIB(resident));
	text_printf(t, "RssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n",
		    KIB(resident - MIN(shared, resident)), KIB(shared));
	text_printf(t, "RssShmem:\t%8u kB\nVmData:\t%8lu kB\n", 0, KIB(data));
	text_printf(t, "VmStk:\t%8lu kB\nVmExe:\t%8lu kB\nVmLib:\t%8u kB\n",
		    stack_size / 1024, (vm->code_end - vm->code_start) / 1024,
		    0);
	text_printf(t, "VmPTE:\t%8u kB\nVmSwap:\t%8u kB\n", 0, 0);
}

static void
status_ids(struct text *t, struct proc *p)
{
	struct fs_context *fs = proc_fs(p);
	const struct cred *c;

	if (!fs)
		return;
	c = &fs->cred;
	text_printf(t, "Uid:\t%u\t%u\t%u\t%u\n", c->uid, c->euid, c->suid,
		    c->fsuid);
	text_printf(t, "Gid:\t%u\t%u\t%u\t%u\n", c->gid, c->egid, c->sgid,
		    c->fsgid);
	text_printf(t, "FDSize:\t64\nGroups:\t");
	for (unsigned i = 0; i < c->ngroups; i++)
		text_printf(t, "%u ", c->groups[i]);
	text_printf(t, "\n");
	fs_context_put(fs);
}

static void
status_signals(struct text *t, struct proc *p, const struct view *v)
{
	struct signal_sets sets = signals_of(p, v);

	text_printf(t, "Threads:\t%u\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n",
		    v->nthreads, sets.pending, sets.shared);
	text_printf(t, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		    sets.blocked, sets.ignored, sets.caught);
}

static void
status_capabilities(struct text *t, const struct fs_context *fs)
{
	uint64_t permitted = fs ? cred_permitted(&fs->cred) : 0;
	uint64_t effective = fs ? cred_effective(&fs->cred) : 0;

	text_printf(t, "CapInh:\t%016lx\nCapPrm:\t%016lx\n", 0UL, permitted);
	text_printf(t, "CapEff:\t%016lx\nCapBnd:\t%016lx\n", effective,
		    CAPS_ALL);
	text_printf(t, "CapAmb:\t%016lx\n", 0UL);
}

static const char *
state_name(char state)
{
	switch (state) {
	case 'R':
		return "R (running)";
	case 'S':
		return "S (sleeping)";
	case 'T':
		return "T (stopped)";
	case 'Z':
		return "Z (zombie)";
	default:
		return "X (dead)";
	}
}

/* In one line, whatever is in it. */
static void
show_name(struct text *t, const char *name)
{
	for (; *name; name++) {
		if (*name == '\n')
			text_append(t, "\\n", 2);
		else if (*name == '\\')
			text_append(t, "\\\\", 2);
		else
			text_append(t, name, 1);
	}
	text_append(t, "\n", 1);
}

static int
show_thread_status(struct text *t, struct proc *p, int tid)
{
	struct fs_context *fs = proc_fs(p);
	struct vmspace *vm = proc_vmspace(p);
	struct view v;

	view_get(&v, p, tid);
	text_printf(t, "Name:\t");
	show_name(t, v.name);
	if (fs)
		text_printf(t, "Umask:\t%04o\n", fs->umask);
	text_printf(t, "State:\t%s\nTgid:\t%d\nNgid:\t0\n", state_name(v.state),
		    v.pid);
	text_printf(t, "Pid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", v.tid, v.ppid);
	status_ids(t, p);
	if (vm)
		status_memory(t, vm);
	status_signals(t, p, &v);
	status_capabilities(t, fs);
	text_printf(t, "NoNewPrivs:\t%d\nCpus_allowed:\t%lx\n", p->no_new_privs,
		    v.affinity);
	text_printf(t,
		    "voluntary_ctxt_switches:\t%ld\n"
		    "nonvoluntary_ctxt_switches:\t%ld\n",
		    v.self.ru_nvcsw, v.self.ru_nivcsw);
	if (fs)
		fs_context_put(fs);
	vmspace_put(vm);
	return 0;
}

static int
show_status(struct text *t, struct proc *p)
{
	return show_thread_status(t, p, 0);
}

/* ---- Texts of the program ---- */

/* Append [@at, @end) of the process's memory; of a title, up to its NUL. */
static void
append_memory(struct text *t, struct vmspace *vm, vaddr_t at, vaddr_t end,
	      bool title)
{
	char chunk[256];
	int64_t n;

	for (; at < end; at += n) {
		n = vm_copy_in(vm, chunk, at, MIN(end - at, sizeof(chunk)));
		if (n <= 0)
			return;
		if (title && memchr(chunk, '\0', n)) {
			text_append(t, chunk, strlen(chunk) + 1);
			return;
		}
		text_append(t, chunk, n);
	}
}

/* A program that has written over the NUL of its last argument has made a title
 * of them, which may go on where its environment was, for a page at most. */
static int
show_cmdline(struct text *t, struct proc *p)
{
	struct vmspace *vm = proc_vmspace(p);
	vaddr_t end;
	char last;

	if (!vm)
		return 0; /* a zombie's is empty */
	end = MIN(vm->env_end, vm->arg_start + PAGE_SIZE);
	if (vm_copy_in(vm, &last, vm->arg_end - 1, 1) == 1 && last)
		append_memory(t, vm, vm->arg_start, end, true);
	else
		append_memory(t, vm, vm->arg_start, vm->arg_end, false);
	vmspace_put(vm);
	return 0;
}

static int
show_environ(struct text *t, struct proc *p)
{
	struct vmspace *vm = proc_vmspace(p);

	if (vm)
		append_memory(t, vm, vm->env_start, vm->env_end, false);
	vmspace_put(vm);
	return 0;
}

static int
show_auxv(struct text *t, struct proc *p)
{
	struct vmspace *vm = proc_vmspace(p);
	Elf64_auxv_t auxv[AUXV_MAX];
	int64_t n;

	if (!vm)
		return 0;
	n = vm_copy_in(vm, auxv, vm->auxv_start,
		       MIN(vm->auxv_end - vm->auxv_start, sizeof(auxv)));
	if (n > 0)
		text_append(t, auxv, n);
	vmspace_put(vm);
	return 0;
}

static int
show_personality(struct text *t, struct proc *p)
{
	text_printf(t, "%08x\n", p->personality);
	return 0;
}

/* ---- The name, which may be set ---- */

static int
show_thread_comm(struct text *t, struct proc *p, int tid)
{
	struct view v;

	view_get(&v, p, tid);
	text_printf(t, "%s\n", v.name);
	return 0;
}

static int
show_comm(struct text *t, struct proc *p)
{
	return show_thread_comm(t, p, 0);
}

/* By a thread of the same process alone, as pthread_setname_np does it. All
 * that is written is the name, as on Linux: a line's end as well. */
static int
store_comm(struct proc *p, int tid, const char *text)
{
	struct thread *t;
	int error = -ESRCH;

	if (p != current_proc())
		return -EINVAL;
	spin_lock(&proc_lock);
	t = procfs_thread(p, tid);
	if (t) {
		thread_set_name(t, text);
		error = 0;
	}
	spin_unlock(&proc_lock);
	return error;
}

/* ---- maps ---- */

struct maps {
	struct text *text;
	const struct vmspace *vm;
	char *path; /* PATH_MAX bytes */
};

static const char *
mapping_name(const struct mapping *m, struct maps *maps)
{
	const struct vmspace *vm = maps->vm;
	int n;

	if (m->vnode == vdso_object)
		return m->prot & PROT_EXEC ? "[vdso]" : "[vvar]";
	if (m->vnode && !m->vnode->nlink && !m->vnode->parent)
		return "/dev/zero (deleted)";
	if (m->vnode) {
		n = vnode_link_text(m->vnode, maps->path, PATH_MAX);
		return n > 0 ? maps->path : "";
	}
	if (m->start < vm->brk && m->end > vm->brk_start)
		return "[heap]";
	if (m->start <= vm->stack_start && m->end > vm->stack_start)
		return "[stack]";
	return "";
}

static void
show_mapping(const struct mapping *m, void *arg)
{
	struct maps *maps = arg;
	struct text *t = maps->text;
	const char *name = mapping_name(m, maps);
	struct vnode *v = m->vnode == vdso_object ? NULL : m->vnode;
	uint64_t dev = v ? v->mount->dev : 0;
	size_t from = t->len;

	text_printf(t, "%08lx-%08lx %c%c%c%c %08lx %02x:%02x %lu ", m->start,
		    m->end, m->prot & PROT_READ ? 'r' : '-',
		    m->prot & PROT_WRITE ? 'w' : '-',
		    m->prot & PROT_EXEC ? 'x' : '-',
		    m->flags & MAP_SHARED ? 's' : 'p', v ? m->offset : 0,
		    (unsigned)dev_major(dev), (unsigned)dev_minor(dev),
		    v ? v->ino : 0);
	if (*name) {
		text_pad(t, from, PATH_COLUMN);
		text_escape(t, name, "\n");
	}
	text_append(t, "\n", 1);
}

static int
show_maps(struct text *t, struct proc *p)
{
	struct vmspace *vm = proc_vmspace(p);
	struct page *page;
	struct maps maps;

	if (!vm)
		return 0;
	page = page_alloc(0, PAGE_KERNEL, 0);
	if (page) {
		maps = (struct maps){ t, vm, page_address(page) };
		rwlock_read_lock(&vm->lock);
		vm_for_each(vm, show_mapping, &maps);
		rwlock_read_unlock(&vm->lock);
		page_unref(page);
	}
	vmspace_put(vm);
	return page ? 0 : -ENOMEM;
}

/* ---- limits, mounts ---- */

static const struct {
	const char *name, *unit;
} limit_names[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = { "Max cpu time", "seconds" },
	[RLIMIT_FSIZE] = { "Max file size", "bytes" },
	[RLIMIT_DATA] = { "Max data size", "bytes" },
	[RLIMIT_STACK] = { "Max stack size", "bytes" },
	[RLIMIT_CORE] = { "Max core file size", "bytes" },
	[RLIMIT_RSS] = { "Max resident set", "bytes" },
	[RLIMIT_NPROC] = { "Max processes", "processes" },
	[RLIMIT_NOFILE] = { "Max open files", "files" },
	[RLIMIT_MEMLOCK] = { "Max locked memory", "bytes" },
	[RLIMIT_AS] = { "Max address space", "bytes" },
	[RLIMIT_LOCKS] = { "Max file locks", "locks" },
	[RLIMIT_SIGPENDING] = { "Max pending signals", "signals" },
	[RLIMIT_MSGQUEUE] = { "Max msgqueue size", "bytes" },
	[RLIMIT_NICE] = { "Max nice priority", "" },
	[RLIMIT_RTPRIO] = { "Max realtime priority", "" },
	[RLIMIT_RTTIME] = { "Max realtime timeout", "us" },
};

static void
print_limit(struct text *t, uint64_t limit)
{
	if (limit == RLIM_INFINITY)
		text_printf(t, "%-20s ", "unlimited");
	else
		text_printf(t, "%-20lu ", limit);
}

static int
show_limits(struct text *t, struct proc *p)
{
	struct rlimit limits[RLIM_NLIMITS];

	spin_lock(&p->lock);
	memcpy(limits, p->limits, sizeof(limits));
	spin_unlock(&p->lock);
	text_printf(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
		    "Hard Limit", "Units");
	for (unsigned i = 0; i < RLIM_NLIMITS; i++) {
		text_printf(t, "%-25s ", limit_names[i].name);
		print_limit(t, limits[i].rlim_cur);
		print_limit(t, limits[i].rlim_max);
		text_printf(t, "%-10s\n", limit_names[i].unit);
	}
	return 0;
}

static int
show_pid_mounts(struct text *t, struct proc *p)
{
	(void)p;
	show_mounts(t);
	return 0;
}

static int
show_pid_mount_info(struct text *t, struct proc *p)
{
	(void)p;
	show_mount_info(t);
	return 0;
}

/* ---- Links ---- */

static int
follow_exe(struct proc *p, struct vnode **result)
{
	struct program *g = proc_program(p);

	if (!g)
		return -ENOENT;
	*result = vnode_get(g->vnode);
	program_put(g);
	return 0;
}

static int
follow_dir(struct proc *p, struct vnode **result, bool root)
{
	struct fs_context *fs = proc_fs(p);

	if (!fs)
		return -ENOENT;
	spin_lock(&fs->lock);
	*result = vnode_get(root ? fs->root : fs->cwd);
	spin_unlock(&fs->lock);
	fs_context_put(fs);
	return 0;
}

static int
follow_cwd(struct proc *p, struct vnode **result)
{
	return follow_dir(p, result, false);
}

static int
follow_root(struct proc *p, struct vnode **result)
{
	return follow_dir(p, result, true);
}

/* The path of the program, also after its file has been removed. */
static int
readlink_exe(struct proc *p, char *buf, size_t size)
{
	struct program *g = proc_program(p);
	int n;

	if (!g)
		return -ENOENT;
	n = vnode_path(g->vnode, buf, size);
	if (n == -ENOENT)
		n = snformat(buf, size, "%s (deleted)", g->path);
	program_put(g);
	return n;
}

/* No one has logged in: that is what audit's "not set" says. */
static int
show_loginuid(struct text *t, struct proc *p)
{
	(void)p;
	text_printf(t, "%u", UINT32_MAX);
	return 0;
}

#define FILE(file, print) .name = file, .mode = S_IFREG | 0444, .show = print
#define SECRET(file, print)                                                    \
	.name = file, .mode = S_IFREG | 0400, .show = print, .restricted = true
#define LINK(link, to)                                                         \
	.name = link, .mode = S_IFLNK | 0777, .follow = to, .restricted = true
#define FOLDER(folder, bits) .name = folder, .mode = S_IFDIR | (bits)

/* The order is that of readdir. */
const struct pid_entry pid_entries[] = {
	{ SECRET("auxv", show_auxv) },
	{ FILE("cmdline", show_cmdline) },
	{ .name = "comm",
	  .mode = S_IFREG | 0644,
	  .show = show_comm,
	  .show_thread = show_thread_comm,
	  .store = store_comm },
	{ LINK("cwd", follow_cwd) },
	{ SECRET("environ", show_environ) },
	{ LINK("exe", follow_exe), .readlink = readlink_exe },
	{ FOLDER("fd", 0500), .restricted = true },
	{ FOLDER("fdinfo", 0555), .restricted = true },
	{ FILE("limits", show_limits) },
	{ FILE("loginuid", show_loginuid) },
	{ FILE("maps", show_maps), .restricted = true },
	{ FILE("mountinfo", show_pid_mount_info) },
	{ FILE("mounts", show_pid_mounts) },
	{ SECRET("personality", show_personality) },
	{ LINK("root", follow_root) },
	{ FILE("stat", show_stat), .show_thread = show_thread_stat },
	{ FILE("statm", show_statm) },
	{ FILE("status", show_status), .show_thread = show_thread_status },
	{ FOLDER("task", 0555) },
};
const unsigned npid_entries = ARRAY_SIZE(pid_entries);
