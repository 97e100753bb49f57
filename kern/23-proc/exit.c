/*
 * The end of threads and processes. A thread gives back all that it holds;
 * with the last one, the process becomes a zombie: a number and a status, kept
 * for the parent's wait.
 */
#include "abi/signal.h"
#include "proc_internal.h"

/* ---- A thread ---- */

/* Tell those who wait for the thread's end in user memory (pthread_join). A
 * memory that no one else has needs no message. */
static void
clear_tid_word(struct thread *t)
{
	uint32_t *word = t->clear_tid, zero = 0;

	t->clear_tid = NULL;
	if (!word || !t->vmspace || ref_count(&t->vmspace->refs) == 1)
		return;
	if (copyout(word, &zero, sizeof(zero)) == 0 && proc_ops.futex_wake)
		proc_ops.futex_wake(word);
}

void
proc_leave_memory(struct thread *t)
{
	if (t->robust_list && proc_ops.release_robust)
		proc_ops.release_robust(t);
	t->robust_list = NULL;
	clear_tid_word(t);
}

void
proc_note_peak(struct proc *p, const struct vmspace *vm)
{
	p->peak_resident = MAX(p->peak_resident, vm_peak_resident(vm));
}

/* Give memory, descriptors and directories back. proc_lock is what keeps
 * readers of /proc from taking a reference to something freed. */
static void
drop_parts(struct thread *t, struct proc *p)
{
	struct vmspace *vm;
	struct fdtable *files;
	struct fs_context *fs;

	spin_lock(&proc_lock);
	vm = vmspace_switch(NULL);
	if (vm)
		proc_note_peak(p, vm);
	if (p->nthreads == 1)
		proc_release_parent(p);
	files = t->fdtable;
	t->fdtable = NULL;
	spin_unlock(&proc_lock);
	vmspace_put(vm);
	if (files)
		fdtable_put(files);
	spin_lock(&proc_lock);
	fs = t->fs;
	if (fs)
		p->uid = fs->cred.uid;
	t->fs = NULL;
	spin_unlock(&proc_lock);
	if (fs)
		fs_context_put(fs);
}

/* The thread's number and its place in the process go; from here on nobody
 * finds it (PROC4). Its time is kept, or the process's would go backwards.
 * @return whether it was the last thread */
static bool
unlink_thread(struct thread *t, struct proc *p, int status)
{
	bool last;

	spin_lock(&proc_lock);
	list_del(&t->proc_link);
	pid_clear_thread(t->tid);
	threads_now--;
	last = --p->nthreads == 0;
	usage_add_thread(&p->dead, t);
	/* The last thread's status is the process's, if none spoke for all. */
	if (last && !p->exiting)
		p->exit_status = status;
	if (p->exec_thread && p->nthreads == 1)
		waitq_wake_all(&p->child_wq);
	spin_unlock(&proc_lock);
	return last;
}

/* ---- A process ---- */

/* Zombies that nobody will wait for, taken out of the tree under proc_lock. */
static void
put_all(struct list *dead)
{
	struct proc *p, *tmp;

	list_for_each_safe (p, tmp, dead, all_link) {
		list_del(&p->all_link);
		proc_put(p);
	}
}

/* Tell the parent of @p, a zombie; it may not want it (POSIX.1-2017, _exit():
 * SIGCHLD ignored, or SA_NOCLDWAIT). proc_lock held. */
static void
announce(struct proc *p, struct list *dead)
{
	struct proc *parent = p->parent;
	bool unwanted = false;

	if (proc_ops.child_changed)
		unwanted = proc_ops.child_changed(p);
	waitq_wake_all(&parent->child_wq);
	if (unwanted) {
		proc_unlink(p);
		list_add_tail(&p->all_link, dead);
	}
}

/* Who takes the children of @p: the nearest ancestor that wants them, or init.
 * proc_lock held. */
static struct proc *
reaper_of(struct proc *p)
{
	struct proc *up;

	for (up = p->parent; up && up != init_proc; up = up->parent)
		if (up->subreaper && up->state != PROC_ZOMBIE && !up->exiting)
			return up;
	return init_proc;
}

/* The children of @p get another parent (PROC1). proc_lock held. */
static void
hand_children_over(struct proc *p, struct list *dead)
{
	struct proc *child, *tmp, *reaper = reaper_of(p);

	list_for_each_safe (child, tmp, &p->children, sibling) {
		list_del(&child->sibling);
		child->parent = reaper;
		child->ppid = reaper->pid;
		list_add_tail(&child->sibling, &reaper->children);
		if (child->death_signal && proc_ops.send)
			proc_ops.send(child, child->death_signal);
		/* What it is to send was agreed on with who made it. */
		child->exit_signal = SIGCHLD;
		if (child->state == PROC_ZOMBIE)
			announce(child, dead);
	}
}

/*
 * By the last thread, which holds nothing any more (PROC3) and ends a moment
 * later. What may sleep comes first; the rest is one step under proc_lock:
 * nobody sees a zombie whose children are still its own, or whose parent has
 * not been told.
 */
static void
end_process(struct proc *p)
{
	struct list dead = LIST_INIT(dead);
	uint16_t account = p->account;

	if (p == init_proc)
		panic("init exited (status %#x): the system is left without "
		      "its first process",
		      p->exit_status);
	if (p->sid == p->pid && proc_ops.session_end)
		proc_ops.session_end(p);
	proc_set_program(p, NULL);

	spin_lock(&proc_lock);
	proc_release_parent(p);
	__atomic_store_n(&p->state, PROC_ZOMBIE, __ATOMIC_RELEASE);
	p->stop_report = 0;
	waitq_wake_all(&p->end_wq);
	hand_children_over(p, &dead);
	announce(p, &dead);
	spin_unlock(&proc_lock);
	put_all(&dead);
	current()->md.account = 0;
	account_close(account);
}

/* ---- The ways to end ---- */

/* First what lies in the memory that is about to be left; then the signals,
 * while the thread is still found, so that what was meant for it is given to
 * others; then what it holds; last its number. */
void
proc_exit_thread(int status)
{
	struct thread *t = current();
	struct proc *p = t->proc;

	ASSERT(!preempt_disabled());
	heap_release();
	t->md.nsyscall = ENTRY_EXIT;
	heap_reserve_last(HEAP_BOUND(proc_exit_thread));
	proc_leave_memory(t);
	if (proc_ops.thread_exit)
		proc_ops.thread_exit(t);
	drop_parts(t, p);
	if (unlink_thread(t, p, status))
		end_process(p);
	heap_release();
	thread_exit();
}

/* The first who comes decides the status. Others are told to end, not ended:
 * only a thread itself knows what it is in the middle of, and does it on its
 * way to user mode. */
void
proc_exit(int status)
{
	struct proc *p = current_proc();
	bool first = false;

	spin_lock(&proc_lock);
	if (!p->exiting && (!p->exec_thread || p->exec_thread == current())) {
		first = p->exiting = true;
		p->exit_status = status;
	}
	spin_unlock(&proc_lock);
	if (first && p->nthreads > 1 && proc_ops.kill_threads)
		proc_ops.kill_threads(p);
	proc_exit_thread(status);
}

/* trap_ops.user_fault until chapter signal has a better answer. */
void
proc_fault(struct trapframe *tf, int signo, int code, uint64_t address)
{
	(void)code;
	sti();
	kprintf("proc: %s (pid %d): signal %d at %#lx, address %#lx\n",
		current_proc()->name, current_proc()->pid, signo, tf->rip,
		address);
	proc_exit(signo);
}

/* A trace tells of a call when it has ended; of these, before. */
static void
trace_exit(void)
{
	const struct thread *t = current();

	if (trap_ops.trace)
		trap_ops.trace(syscall_lookup(t->md.nsyscall), t->md.user_frame,
			       0);
}

static int64_t
sys_exit(int code)
{
	trace_exit();
	proc_exit_thread(W_EXITCODE(code, 0));
}
SYSCALL(NR_exit, sys_exit);

static int64_t
sys_exit_group(int code)
{
	trace_exit();
	proc_exit(W_EXITCODE(code, 0));
}
SYSCALL(NR_exit_group, sys_exit_group);

static int64_t
sys_set_tid_address(uint32_t *word)
{
	current()->clear_tid = word;
	return current()->tid;
}
SYSCALL(NR_set_tid_address, sys_set_tid_address);
