/*
 * The tree of processes: making and freeing struct proc, linking and finding,
 * what others may read of a process that is not the running one, and the
 * chapter's start-up. The life itself is in fork.c, exit.c, wait.c.
 */
#include "abi/signal.h"
#include "proc_internal.h"
#include "string.h"

struct spinlock proc_lock = SPINLOCK("processes");
struct proc *init_proc;
struct proc_ops proc_ops;
unsigned threads_max, threads_now, procs_now;
static uint64_t forks; /* since boot */

/* ---- References ---- */

struct proc *
proc_get(struct proc *p)
{
	ref_get(&p->refs);
	return p;
}

void
proc_put(struct proc *p)
{
	if (!p || !ref_put(&p->refs))
		return;
	ASSERT(!p->program && !p->nthreads);
	if (proc_ops.free)
		proc_ops.free(p);
	kfree(p);
}

struct proc *
proc_find_locked(int pid)
{
	return pid_proc(pid);
}

struct proc *
proc_find(int pid)
{
	struct thread *t;
	struct proc *p;

	spin_lock(&proc_lock);
	t = thread_find(pid);
	p = t ? t->proc : pid_proc(pid);
	if (p)
		proc_get(p);
	spin_unlock(&proc_lock);
	return p;
}

void
thread_set_name(struct thread *t, const char *name)
{
	struct proc *p = t->proc;

	spin_lock(&p->lock);
	strlcpy(t->name, name, sizeof(t->name));
	if (t->tid == p->pid)
		strlcpy(p->name, name, sizeof(p->name));
	spin_unlock(&p->lock);
}

void
proc_for_each(void (*fn)(struct proc *p, void *arg), void *arg)
{
	struct proc *p;

	spin_lock(&proc_lock);
	for (p = proc_next(1); p; p = proc_next(p->pid + 1))
		fn(p, arg);
	spin_unlock(&proc_lock);
}

/* ---- Making, linking ---- */

/* What fork inherits, of a process that may be changing: under its lock. The
 * tree's part is proc_link's. */
struct proc *
proc_new(struct proc *from)
{
	struct proc *p = knew(struct proc);

	ref_init(&p->refs);
	p->start_ns = clock_ns();
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->threads);
	list_init(&p->all_link);
	waitq_init(&p->child_wq, "children");
	waitq_init(&p->end_wq, "end of a process");
	spin_init(&p->lock, "process");
	p->exit_signal = SIGCHLD;
	limits_init(p, from);
	if (from) {
		spin_lock(&from->lock);
		memcpy(p->name, current()->name, sizeof(p->name));
		if (from->program)
			p->program = program_get(from->program);
		p->tty = from->tty;
		spin_unlock(&from->lock);
		p->no_new_privs = from->no_new_privs;
		p->personality = from->personality;
		p->dumpable = from->dumpable;
	}
	if (proc_ops.fork)
		proc_ops.fork(from, p);
	return p;
}

void
proc_discard(struct proc *p)
{
	proc_set_program(p, NULL);
	proc_put(p);
}

void
proc_link_thread(struct proc *p, struct thread *t, int tid)
{
	list_add_tail(&t->proc_link, &p->threads);
	p->nthreads++;
	threads_now++;
	forks++;
	pid_set(tid, NULL, t);
}

/* The tree has the first reference. From here on everyone sees the process
 * (PROC1). */
void
proc_link(struct proc *p, struct proc *parent)
{
	p->parent = parent;
	if (parent) {
		p->ppid = parent->pid;
		p->pgid = parent->pgid;
		p->sid = parent->sid;
		list_add_tail(&p->sibling, &parent->children);
	} else {
		p->pgid = p->sid = p->pid;
	}
	procs_now++;
	pid_set(p->pid, p, NULL);
}

/* Its pid is free for others from here on, unless a group or session has it as
 * its number (PROC2). */
void
proc_unlink(struct proc *p)
{
	list_del(&p->sibling);
	p->parent = NULL;
	procs_now--;
	pid_clear_proc(p->pid);
}

/* ---- What others read ---- */

/* A thread of the process that still has what is asked for; a process's
 * threads share all of it, or had best do so. proc_lock held. */
#define FIRST_WITH(p, field)                                                   \
	({                                                                     \
		struct thread *_t, *_found = NULL;                             \
		list_for_each (_t, &(p)->threads, proc_link)                   \
			if (_t->field) {                                       \
				_found = _t;                                   \
				break;                                         \
			}                                                      \
		_found;                                                        \
	})

/* proc_lock is what a thread takes to let go of its parts; so what is found
 * under it is not freed before it has been referenced. The same holds for the
 * next ones. */
struct vmspace *
proc_vmspace(struct proc *p)
{
	struct vmspace *vm = NULL;
	struct thread *t;

	spin_lock(&proc_lock);
	t = FIRST_WITH(p, vmspace);
	if (t)
		vm = vmspace_get(t->vmspace);
	spin_unlock(&proc_lock);
	return vm;
}

struct fdtable *
proc_fdtable(struct proc *p)
{
	struct thread *t = FIRST_WITH(p, fdtable);

	return t ? t->fdtable : NULL;
}

/* vfs_ops.set_fdtable */
static void
set_fdtable(struct fdtable *t)
{
	spin_lock(&proc_lock);
	current()->fdtable = t;
	spin_unlock(&proc_lock);
}

struct fs_context *
proc_fs(struct proc *p)
{
	struct fs_context *fs = NULL;
	struct thread *t;

	spin_lock(&proc_lock);
	t = FIRST_WITH(p, fs);
	if (t)
		fs = fs_context_get(t->fs);
	spin_unlock(&proc_lock);
	return fs;
}

/* ---- Statistics ---- */

void
proc_stats_get(struct proc_stats *s)
{
	spin_lock(&proc_lock);
	s->threads = threads_now;
	s->last_pid = pid_last();
	s->forks = forks;
	spin_unlock(&proc_lock);
}

/* ---- Start-up ---- */

/* How many threads the machine can carry: each takes a kernel stack, page
 * tables and a few pages of kernel heap. */
static unsigned
count_threads_max(void)
{
	struct mem_stats stats;

	mem_stats_get(&stats);
	return MAX(64UL, MIN(MIN(stats.total / 32, stats.heap_max / 4),
			     PID_MAX / 2UL));
}

static void (*describe_thread)(void);

/* panic_ops.describe: what runs here; sched tells the thread. */
static void
describe(void)
{
	struct proc *p = current_proc();

	if (describe_thread)
		describe_thread();
	if (p)
		kprintf("process %d \"%s\"\n", p->pid, p->name);
}

static int
running_pid(void)
{
	struct proc *p = current_proc();

	return p ? p->pid : 0;
}

static void
proc_init(void)
{
	threads_max = count_threads_max();
	describe_thread = panic_ops.describe;
	panic_ops.describe = describe;
	sched_ops.thread_free = user_thread_free;
	trap_ops.user_fault = proc_fault;
	limits_hook();
	vfs_ops.pid = running_pid;
	vfs_ops.set_fdtable = set_fdtable;
	killer_init();
	trace_init();
}
CHAPTER_INIT(proc_init);
