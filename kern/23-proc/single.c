/*
 * The two steps of exec that change the tree of processes: one thread is left,
 * and has the process's number; then the process has other memory. Between the
 * two p->exec_thread keeps others from adding threads (fork.c) and from ending
 * the process (exit.c). Chapter exec calls them.
 */
#include "abi/signal.h"
#include "proc_internal.h"

/* Killable while it waits: who is in exec can be ended like any other. */
int
proc_become_single(void)
{
	struct proc *p = current_proc();
	struct thread *t = current();
	int error = 0;

	spin_lock(&proc_lock);
	if (p->exiting || p->exec_thread) {
		spin_unlock(&proc_lock);
		return -EAGAIN;
	}
	p->exec_thread = t;
	if (p->nthreads > 1 && proc_ops.kill_threads) {
		spin_unlock(&proc_lock);
		proc_ops.kill_threads(p);
		spin_lock(&proc_lock);
	}
	while (p->nthreads > 1 && !error)
		error = waitq_wait(&p->child_wq, &proc_lock, WAIT_KILLABLE,
				   WAIT_FOREVER);
	if (!error && t->tid != p->pid) {
		pid_clear_thread(t->tid);
		t->tid = p->pid;
		pid_set(p->pid, NULL, t);
	}
	if (error)
		p->exec_thread = NULL;
	spin_unlock(&proc_lock);
	return error;
}

/* The old memory is left before it goes: robust locks in it are marked, and its
 * words cleared, while they can be reached. A parent in vfork, whose memory it
 * is, goes on after that. */
void
proc_take_memory(struct vmspace *vm)
{
	struct proc *p = current_proc();
	struct vmspace *old;

	proc_leave_memory(current());
	spin_lock(&proc_lock);
	old = vmspace_switch(vm);
	if (old)
		proc_note_peak(p, old);
	proc_release_parent(p);
	p->did_exec = true;
	p->exit_signal = SIGCHLD; /* clone(2) */
	p->exec_thread = NULL;
	spin_unlock(&proc_lock);
	vmspace_put(old);
}
