/*
 * What a thread asks and sets about itself: its numbers (getpid, gettid,
 * getppid, getcpu), its segment bases (arch_prctl), its list of robust futexes,
 * its personality. prctl is chapter exec's.
 */
#include "abi/sched.h"
#include "proc_internal.h"
#include "string.h"

#define ROBUST_SIZE 24 /* struct robust_list_head */

/* ---- Numbers ---- */

static int64_t
sys_getpid(void)
{
	return current_proc()->pid;
}
SYSCALL(NR_getpid, sys_getpid);

static int64_t
sys_gettid(void)
{
	return current()->tid;
}
SYSCALL(NR_gettid, sys_gettid);

/*
 * The parent may end, be waited for and be freed at any time, so its number
 * must not be read through the pointer without a lock: it is kept in the child.
 */
static int64_t
sys_getppid(void)
{
	return __atomic_load_n(&current_proc()->ppid, __ATOMIC_RELAXED);
}
SYSCALL(NR_getppid, sys_getppid);

static int64_t
sys_getcpu(unsigned *cpu, unsigned *node)
{
	unsigned here = cpu_id(), zero = 0;

	if (cpu && copyout(cpu, &here, sizeof(here)))
		return -EFAULT;
	if (node && copyout(node, &zero, sizeof(zero)))
		return -EFAULT;
	return 0;
}
SYSCALL(NR_getcpu, sys_getcpu);

/* ---- The thread's settings ---- */

static int64_t
set_base(uint64_t *base, uint32_t msr, uint64_t value)
{
	if (value >= USER_TOP)
		return -EPERM; /* not canonical, or the kernel's */
	preempt_disable();
	*base = value;
	wrmsr(msr, value);
	preempt_enable();
	return 0;
}

static int64_t
sys_arch_prctl(int option, uint64_t arg)
{
	struct md_thread *md = &current()->md;

	switch (option) {
	case ARCH_SET_FS:
		return set_base(&md->fsbase, MSR_FS_BASE, arg);
	case ARCH_SET_GS:
		return set_base(&md->gsbase, MSR_KERNEL_GS_BASE, arg);
	case ARCH_GET_FS:
		return copyout((void *)arg, &md->fsbase, sizeof(md->fsbase));
	case ARCH_GET_GS:
		return copyout((void *)arg, &md->gsbase, sizeof(md->gsbase));
	case ARCH_GET_CPUID:
		return 1; /* the instruction may be used */
	case ARCH_SET_CPUID:
		return -ENODEV; /* and cannot be forbidden */
	default:
		return -EINVAL;
	}
}
SYSCALL(NR_arch_prctl, sys_arch_prctl);

/* The head of the thread's list of robust futexes, which its end walks. */
static int64_t
sys_set_robust_list(void *head, size_t size)
{
	if (size != ROBUST_SIZE)
		return -EINVAL;
	current()->robust_list = head;
	return 0;
}
SYSCALL(NR_set_robust_list, sys_set_robust_list);

static int64_t
sys_get_robust_list(int tid, void **user_head, size_t *user_size)
{
	size_t size = ROBUST_SIZE;
	struct thread *t;
	void *head = NULL;
	int error = 0;

	spin_lock(&proc_lock);
	t = tid ? thread_find(tid) : current();
	if (!t)
		error = -ESRCH;
	else if (t->proc != current_proc() && current_cred()->euid != 0)
		error = -EPERM;
	else
		head = t->robust_list;
	spin_unlock(&proc_lock);
	if (error)
		return error;
	if (copyout(user_size, &size, sizeof(size)) ||
	    copyout(user_head, &head, sizeof(head)))
		return -EFAULT;
	return 0;
}
SYSCALL(NR_get_robust_list, sys_get_robust_list);

/* There is one personality, PER_LINUX, with one flag, which exec looks at.
 * 0xffffffff asks for it. */
static int64_t
sys_personality(uint32_t persona)
{
	struct proc *p = current_proc();
	uint32_t old = p->personality;

	if (persona == UINT32_MAX)
		return old;
	if (persona & ~ADDR_NO_RANDOMIZE)
		return -EINVAL;
	p->personality = persona;
	return old;
}
SYSCALL(NR_personality, sys_personality);
