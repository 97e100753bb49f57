/*
 * Descriptors of processes: a file that stands for one process as long as it is
 * open, where a number may be another's by the next call. It can be polled for
 * the process's end. Such files come from clone (CLONE_PIDFD) and pidfd_open.
 *
 * Source of the interface: pidfd_open(2), clone(2), waitid(2).
 */
#include "format.h"
#include "proc_internal.h"

static unsigned
pidfd_poll(struct file *f, struct poll_table *table)
{
	struct proc *p = f->private_data;
	bool ended;

	poll_add_for(table, &p->end_wq, POLLIN);
	/* The lock: who ended before this look has its wake-up to come. */
	spin_lock(&proc_lock);
	ended = p->state == PROC_ZOMBIE;
	spin_unlock(&proc_lock);
	return ended ? POLLIN : 0;
}

/* The lines of proc(5): -1 of a process that has been waited for. */
static int
pidfd_info(struct file *f, char *buf, size_t size)
{
	struct proc *p = f->private_data;
	int pid;

	spin_lock(&proc_lock);
	pid = proc_find_locked(p->pid) == p ? p->pid : -1;
	spin_unlock(&proc_lock);
	return snformat(buf, size, "Pid:\t%d\nNSpid:\t%d\n", pid, pid);
}

static void
pidfd_release(struct file *f)
{
	proc_put(f->private_data);
}

static const struct file_ops pidfd_ops = {
	.poll = pidfd_poll,
	.info = pidfd_info,
	.release = pidfd_release,
	.name = "[pidfd]",
};

struct file *
pidfd_new(struct proc *p, unsigned flags)
{
	return file_new(&pidfd_ops, O_RDWR | flags, proc_get(p));
}

struct proc *
pidfd_proc(int fd, unsigned *flags)
{
	struct file *f = fd_get(fd);
	struct proc *p = NULL;

	if (!f)
		return NULL;
	if (f->ops == &pidfd_ops) {
		p = proc_get(f->private_data);
		*flags = f->flags;
	}
	file_put(f);
	return p;
}

static int64_t
sys_pidfd_open(int pid, unsigned flags)
{
	struct proc *p;
	bool is_thread;
	int fd;

	if (flags & ~PIDFD_NONBLOCK || pid <= 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	if (p)
		proc_get(p);
	is_thread = !p && thread_find(pid);
	spin_unlock(&proc_lock);
	if (!p)
		return is_thread ? -EINVAL : -ESRCH;
	fd = fd_install(pidfd_new(p, flags), 0, true);
	proc_put(p);
	return fd;
}
SYSCALL(NR_pidfd_open, sys_pidfd_open);
