/*
 * fork, vfork, clone and clone3: a new process, or a new thread of this one.
 * The parts are made first, and any of them may fail; then the child is put in
 * the tree, where everyone sees it; then it runs.
 */
#include "abi/sched.h"
#include "abi/signal.h"
#include "proc_internal.h"
#include "string.h"

#define CLONE_NEW_ANY                                                          \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |         \
	 CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

struct clone {
	uint64_t flags;	 /* CLONE_*, without the signal */
	int exit_signal; /* clone, not clone3: any byte */
	vaddr_t stack;	 /* 0: the parent's pointer */
	int *parent_tid, *child_tid;
	int *pidfd; /* where the descriptor of CLONE_PIDFD goes */
	uint64_t tls;

	struct thread *thread; /* the child's parts */
	struct proc *proc;
	int tid;
	int fd;			 /* of CLONE_PIDFD */
	struct file *pidfd_file; /* behind it */
	unsigned group_signals;	 /* the parent's when the call began */
	uint16_t account;	 /* 0: a thread's is its process's */
};

/* ---- Threads of user mode ---- */

static void *
fpu_area_new(void)
{
	return knew_array(uint8_t, fpu_area_size);
}

void
user_state_init(vaddr_t entry, vaddr_t stack)
{
	struct md_thread *md = &current()->md;
	struct trapframe *tf = trap_user_frame(current()->kstack_top);
	uint64_t vector = tf->vector, error = tf->error;

	memset(tf, 0, sizeof(*tf));
	tf->vector = vector;
	tf->error = error;
	tf->rip = entry;
	tf->rsp = stack;
	trapframe_sanitize(tf);
	md->user_frame = tf;
	if (!md->fpu)
		md->fpu = fpu_area_new();
	preempt_disable();
	fpu_area_init(md->fpu);
	fpu_restore(md->fpu);
	md->fsbase = md->gsbase = 0;
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	preempt_enable();
}

/* A new thread's first code: what is left is to become the user's. */
static void
enter_user(void *arg)
{
	(void)arg;
	trap_enter_user(current()->md.user_frame);
}

/* The child goes on where the parent made the call, with result 0. */
static void
copy_registers(const struct clone *c, struct thread *t)
{
	struct md_thread *from = &current()->md;
	struct trapframe *tf = trap_user_frame(t->kstack_top);

	*tf = *from->user_frame;
	tf->rax = 0;
	if (c->stack)
		tf->rsp = c->stack;
	t->md.user_frame = tf;
	t->md.fsbase = c->flags & CLONE_SETTLS ? c->tls : from->fsbase;
	t->md.gsbase = from->gsbase;
	if (from->fpu) {
		/* The parent's values are in the registers now. */
		t->md.fpu = fpu_area_new();
		fpu_save(t->md.fpu);
	}
}

void
user_thread_free(struct thread *t)
{
	struct proc *p = t->proc;

	t->proc = NULL;
	proc_put(p);
}

/* What a thread that never ran had been given. */
static void
drop_parts(struct thread *t)
{
	if (t->vmspace)
		vmspace_put(t->vmspace);
	if (t->fdtable)
		fdtable_put(t->fdtable);
	if (t->fs)
		fs_context_put(t->fs);
	t->vmspace = NULL;
	t->fdtable = NULL;
	t->fs = NULL;
}

/* ---- Room for one more ---- */

/* Processes and threads of the real user @uid, but for those of @except.
 * proc_lock held. */
static unsigned
count_of_user(uint32_t uid, const struct proc *except)
{
	struct thread *t;
	struct proc *p;
	unsigned n = 0;

	for (p = proc_next(1); p; p = proc_next(p->pid + 1))
		list_for_each (t, &p->threads, proc_link)
			n += p != except && t->fs && t->fs->cred.uid == uid;
	return n;
}

bool
proc_user_over_limit(const struct proc *except)
{
	uint64_t limit = current_proc()->limits[RLIMIT_NPROC].rlim_cur;
	uint32_t uid = current_cred()->uid;
	bool over;

	if (uid == 0 || limit == RLIM_INFINITY)
		return false;
	spin_lock(&proc_lock);
	over = count_of_user(uid, except) > limit;
	spin_unlock(&proc_lock);
	return over;
}

/* Whether one more thread may be made by the running process: 0 or -EAGAIN.
 * proc_lock held. */
static int
check_room(const struct proc *p)
{
	const struct cred *cred = current_cred();
	uint64_t limit = p ? p->limits[RLIMIT_NPROC].rlim_cur : RLIM_INFINITY;
	unsigned kept = cred->euid == 0 ? 0 : threads_max / 16;

	/* The last few are for the one who has to clean up. */
	if (threads_now + kept >= threads_max || procs_now >= threads_max)
		return -EAGAIN;
	if (limit != RLIM_INFINITY && cred->uid != 0 && cred->euid != 0 &&
	    count_of_user(cred->uid, NULL) >= limit)
		return -EAGAIN;
	return 0;
}

/* First of all, as this is what is refused most often: then nothing has to be
 * undone. */
static int
take_tid(const struct proc *p)
{
	int tid;

	spin_lock(&proc_lock);
	tid = check_room(p);
	if (!tid)
		tid = pid_alloc();
	spin_unlock(&proc_lock);
	return tid;
}

static void
give_tid_back(int tid)
{
	spin_lock(&proc_lock);
	pid_clear_thread(tid);
	spin_unlock(&proc_lock);
}

/* ---- clone ---- */

/* Combinations that clone(2) refuses, and those that are not there. */
static int
check_flags(const struct clone *c)
{
	uint64_t f = c->flags;

	if ((f & CLONE_SIGHAND && !(f & CLONE_VM)) ||
	    (f & CLONE_THREAD && !(f & CLONE_SIGHAND)))
		return -EINVAL;
	/* Handlers are a process's own here: shared between threads only. */
	if (f & CLONE_SIGHAND && !(f & CLONE_THREAD))
		return -EINVAL;
	if (f & CLONE_SIGHAND && f & CLONE_CLEAR_SIGHAND)
		return -EINVAL;
	/* A descriptor stands for a process, and has a place of its own. */
	if (f & CLONE_PIDFD &&
	    (f & CLONE_THREAD ||
	     (f & CLONE_PARENT_SETTID && c->pidfd == c->parent_tid)))
		return -EINVAL;
	if (f & (CLONE_NEW_ANY | CLONE_PTRACE | CLONE_INTO_CGROUP))
		return -EINVAL;
	if (f & CLONE_SETTLS && c->tls >= USER_TOP)
		return -EPERM;
	return 0;
}

/* Give the child what it shares, or copies. 0 or -ENOMEM */
static int
make_parts(const struct clone *c, struct thread *t)
{
	struct thread *self = current();

	t->fdtable = c->flags & CLONE_FILES ? fdtable_get(self->fdtable)
					    : fdtable_copy(self->fdtable);
	t->fs = c->flags & CLONE_FS ? fs_context_get(self->fs)
				    : fs_context_copy(self->fs);
	t->vmspace = c->flags & CLONE_VM ? vmspace_get(self->vmspace)
					 : vmspace_fork(self->vmspace);
	return t->vmspace ? 0 : -ENOMEM;
}

/* After the descriptors have been copied: the child gets none of itself. */
static int
make_pidfd(struct clone *c)
{
	c->pidfd_file = pidfd_new(c->proc, 0);
	c->fd = fd_install(file_get(c->pidfd_file), 0, true);
	if (c->fd < 0)
		return c->fd;
	return copyout(c->pidfd, &c->fd, sizeof(c->fd));
}

/* Before the child can run: who is woken by it, or makes use of its number,
 * finds it there. The second is in the child's memory, which may be a copy. A
 * bad address is ignored, as by Linux: there the child is seen already. */
static void
write_tids(const struct clone *c)
{
	if (c->flags & CLONE_PARENT_SETTID)
		copyout(c->parent_tid, &c->tid, sizeof(c->tid));
	if (c->flags & CLONE_CHILD_SETTID)
		vm_copy_out(c->thread->vmspace, (vaddr_t)c->child_tid, &c->tid,
			    sizeof(c->tid));
}

/* Nobody has seen the child: what was made is thrown away. */
static void
undo(struct clone *c)
{
	if (c->thread) {
		drop_parts(c->thread);
		thread_discard(c->thread); /* and its reference to proc */
	}
	if (c->proc)
		proc_discard(c->proc);
	if (c->tid > 0)
		give_tid_back(c->tid);
	if (c->fd >= 0)
		fd_uninstall(c->fd, file_get(c->pidfd_file));
	if (c->account)
		account_close(c->account);
}

/* Of a parent that has asked for it (SCHED_RESET_ON_FORK), no privilege. */
static void
inherit_schedule(const struct thread *self, struct thread *t)
{
	bool reset = self->reset_on_fork;

	t->affinity = self->affinity;
	t->io_prio = self->io_prio;
	if (!reset || (!self->priority && self->nice >= 0))
		thread_set_nice(t, self->nice);
	if (self->policy != POLICY_OTHER && !(reset && self->priority))
		thread_set_policy(t, self->policy, self->priority);
}

/* Make all parts of the child; nobody sees it yet. */
static int
prepare(struct clone *c)
{
	struct thread *self = current(), *t;
	bool is_thread = c->flags & CLONE_THREAD;
	int error;

	c->group_signals =
		__atomic_load_n(&self->proc->group_signals, __ATOMIC_ACQUIRE);
	if (self->md.work & WORK_SIGNAL)
		return -ERESTARTNOINTR;
	c->tid = take_tid(self->proc);
	if (c->tid < 0)
		return c->tid;
	/* What is made for a child is charged to it, not to its parent. */
	if (!is_thread)
		self->md.account = c->account =
			account_open(self->proc->account);
	t = c->thread = thread_create(self->name, enter_user, NULL);
	if (!t)
		return -ENOMEM;
	t->tid = c->tid;
	t->md.account = self->md.account;
	inherit_schedule(self, t);
	copy_registers(c, t);
	if (c->flags & CLONE_CHILD_CLEARTID)
		t->clear_tid = (uint32_t *)c->child_tid;
	error = make_parts(c, t);
	if (error)
		return error;
	if (!is_thread) {
		c->proc = proc_new(self->proc);
		c->proc->account = self->md.account;
		c->proc->pid = c->tid;
		c->proc->exit_signal = c->exit_signal;
		c->proc->holds_parent = c->flags & CLONE_VFORK;
		if (c->flags & CLONE_CLEAR_SIGHAND && proc_ops.clear_handlers)
			proc_ops.clear_handlers(c->proc);
	}
	t->proc = proc_get(is_thread ? self->proc : c->proc);
	if (proc_ops.thread_new)
		proc_ops.thread_new(self, t);
	if (c->flags & CLONE_PIDFD)
		error = make_pidfd(c);
	if (!error)
		write_tids(c);
	return error;
}

/* Put the child where it is seen. A process that is ending gets no more. A
 * signal to a group that the parent has had since the call began was meant for
 * the child too, which nobody saw: the parent acts upon it, and begins again.
 * (Not so one to the parent alone: a timer may be faster than the call.)
 */
static int
link_child(struct clone *c)
{
	struct proc *self = current_proc(), *parent = self;
	int error = 0;

	spin_lock(&proc_lock);
	if (self->exiting ||
	    (self->exec_thread && self->exec_thread != current())) {
		error = -EAGAIN;
	} else if (c->proc && self->group_signals != c->group_signals) {
		atomic_fetch_or(&current()->md.work, WORK_SIGNAL);
		error = -ERESTARTNOINTR;
	} else if (c->proc) {
		if (c->flags & CLONE_PARENT && self->parent) {
			parent = self->parent;
			c->proc->exit_signal = self->exit_signal;
		}
		proc_link(c->proc, parent);
		c->proc->pgid = self->pgid;
		c->proc->sid = self->sid;
		proc_link_thread(c->proc, c->thread, c->tid);
	} else {
		proc_link_thread(self, c->thread, c->tid);
	}
	spin_unlock(&proc_lock);
	return error;
}

/* vfork: wait until @child runs a program of its own, or has ended. In its own
 * queue: its parent may be another (CLONE_PARENT). */
static void
wait_for_release(struct proc *child)
{
	spin_lock(&proc_lock);
	while (child->holds_parent)
		if (waitq_wait(&child->child_wq, &proc_lock, WAIT_KILLABLE,
			       WAIT_FOREVER))
			break;
	spin_unlock(&proc_lock);
}

void
proc_release_parent(struct proc *p)
{
	if (!p->holds_parent)
		return;
	p->holds_parent = false;
	waitq_wake_all(&p->child_wq);
}

/* Once it has been started the child may run, end and be waited for at any
 * time: what is needed of it afterwards, its number and a reference, is taken
 * before. */
static int64_t
kclone(struct clone *c)
{
	int error = check_flags(c), tid;
	struct proc *child;

	c->fd = -1;
	if (error)
		return error;
	error = prepare(c);
	current()->md.account = current_proc()->account;
	if (!error)
		error = link_child(c);
	if (error)
		undo(c);
	if (c->pidfd_file)
		file_put(c->pidfd_file);
	if (error)
		return error;
	tid = c->tid;
	child = c->flags & CLONE_VFORK && c->proc ? proc_get(c->proc) : NULL;
	thread_start(c->thread);
	if (child) {
		wait_for_release(child);
		proc_put(child);
	}
	return tid;
}

/* ---- The calls ---- */

static int64_t
sys_fork(void)
{
	struct clone c = { .exit_signal = SIGCHLD };

	return kclone(&c);
}
SYSCALL(NR_fork, sys_fork);

static int64_t
sys_vfork(void)
{
	struct clone c = { .flags = CLONE_VM | CLONE_VFORK,
			   .exit_signal = SIGCHLD };

	return kclone(&c);
}
SYSCALL(NR_vfork, sys_vfork);

static int64_t
sys_clone(uint64_t flags, vaddr_t stack, int *parent_tid, int *child_tid,
	  uint64_t tls)
{
	struct clone c = { .flags = (uint32_t)flags & ~CSIGNAL,
			   .exit_signal = flags & CSIGNAL,
			   .stack = stack,
			   .parent_tid = parent_tid,
			   .child_tid = child_tid,
			   .pidfd = parent_tid,
			   .tls = tls };

	if (flags & CLONE_PIDFD && flags & CLONE_DETACHED)
		return -EINVAL;
	return kclone(&c);
}
SYSCALL(NR_clone, sys_clone);

/* What clone3 is told, in a structure that grows with the years: what is not
 * there is 0, and what is there beyond what is known must be 0. */
static int
copy_clone_args(struct clone_args *args, const void *user, size_t size)
{
	vaddr_t rest = (vaddr_t)user; /* any: no pointer to count up */
	uint8_t byte;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	for (size_t i = sizeof(*args); i < size; i++) {
		if (copyin(&byte, (void *)(rest + i), 1))
			return -EFAULT;
		if (byte)
			return -E2BIG;
	}
	memset(args, 0, sizeof(*args));
	return copyin(args, user, MIN(size, sizeof(*args)));
}

/* clone3(2): what clone ignores is refused here, so that it may mean something
 * one day. */
static int
check_clone_args(const struct clone_args *a)
{
	if (a->flags & (CSIGNAL | CLONE_DETACHED) ||
	    a->flags >= CLONE_INTO_CGROUP << 1 || a->exit_signal >= NSIG)
		return -EINVAL;
	if (a->flags & (CLONE_THREAD | CLONE_PARENT) && a->exit_signal)
		return -EINVAL;
	if (!a->stack != !a->stack_size || a->stack > USER_TOP ||
	    a->stack_size > USER_TOP - a->stack)
		return -EINVAL;
	return a->set_tid || a->set_tid_size ? -EINVAL : 0;
}

static int64_t
sys_clone3(const void *user, size_t size)
{
	struct clone_args a;
	int error = copy_clone_args(&a, user, size);

	if (!error)
		error = check_clone_args(&a);
	if (error)
		return error;
	struct clone c = { .flags = a.flags,
			   .exit_signal = a.exit_signal,
			   .stack = a.stack + a.stack_size,
			   .parent_tid = (int *)a.parent_tid,
			   .child_tid = (int *)a.child_tid,
			   .pidfd = (int *)a.pidfd,
			   .tls = a.tls };

	return kclone(&c);
}
SYSCALL(NR_clone3, sys_clone3);

/* ---- Processes made by the kernel ---- */

/* In the order of kclone, without a parent's parts to copy: no memory yet,
 * fresh descriptors, root's directories. */
struct proc *
proc_create(struct proc *parent, void (*entry)(void *arg), void *arg,
	    struct thread **thread)
{
	struct thread *t;
	struct proc *p;
	int tid = take_tid(parent);

	if (tid < 0)
		return NULL;
	t = thread_create(parent ? "child" : "init", entry, arg);
	if (!t) {
		give_tid_back(tid);
		return NULL;
	}
	p = proc_new(parent);
	p->account = account_open(parent ? parent->account : 0);
	t->md.account = p->account;
	p->pid = t->tid = tid;
	t->fdtable = fdtable_new();
	t->fs = fs_context_new();
	t->proc = proc_get(p);
	strlcpy(p->name, t->name, sizeof(p->name));
	if (proc_ops.thread_new)
		proc_ops.thread_new(NULL, t);
	spin_lock(&proc_lock);
	proc_link(p, parent);
	proc_link_thread(p, t, tid);
	if (!parent)
		init_proc = p;
	proc_get(p); /* the tree has the first reference, the caller this */
	spin_unlock(&proc_lock);
	*thread = t;
	return p;
}
