/*
 * prctl: what a process says of itself. Its name; what becomes of its rights
 * at exec, of its orphaned descendants, and of it when its parent ends; and the
 * answers about capabilities, which agree with caps.c. prctl(2).
 */
#include "abi/sched.h"
#include "abi/signal.h"
#include "abi/syscall.h"
#include "exec.h"
#include "string.h"

/* Longer names are cut, and that is no error (prctl(2), PR_SET_NAME). A thread
 * writes its own without a lock; the process's, which procfs reads, is that of
 * its first thread. */
static int64_t
set_thread_name(const char *user)
{
	char name[TASK_COMM_LEN] = "";
	int64_t n = copyin_string(name, user, sizeof(name));

	if (n == -EFAULT)
		return n;
	name[sizeof(name) - 1] = '\0';
	thread_set_name(current(), name);
	return 0;
}

/* There is no way back, so that a child cannot undo it; 0 is invalid, as is
 * anything in the arguments that mean nothing yet (prctl(2),
 * PR_SET_NO_NEW_PRIVS). */
static int64_t
set_no_new_privs(uint64_t on, bool rest)
{
	if (on != 1 || rest)
		return -EINVAL;
	current_proc()->no_new_privs = true;
	return 0;
}

/* ---- Relatives ---- */

/* 0: none. If the parent has ended already nothing is sent: programs look at
 * getppid afterwards. */
static int64_t
set_death_signal(uint64_t signo)
{
	if (signo >= NSIG)
		return -EINVAL;
	current_proc()->death_signal = signo;
	return 0;
}

/* 2 (for root alone) is not for programs to set: prctl(2), PR_SET_DUMPABLE. */
static int64_t
set_dumpable(uint64_t value)
{
	if (value > 1)
		return -EINVAL;
	current_proc()->dumpable = value;
	return 0;
}

static int64_t
put_int(uint64_t user, int value)
{
	return copyout((void *)user, &value, sizeof(value));
}

/* ---- Capabilities: all or none, and no way between ---- */

/* To ask for what is so is allowed; a change would not be kept. */
static int64_t
only_zero(uint64_t value, uint64_t most)
{
	if (value > most)
		return -EINVAL;
	return value ? -EPERM : 0;
}

/* The right is looked at before the number, or after, as Linux does for each.
 * The bounding set is full, and cannot be made smaller. */
static int64_t
capability_option(int option, uint64_t a)
{
	switch (option) {
	case PR_CAPBSET_READ:
		return a <= CAP_LAST_CAP ? 1 : -EINVAL;
	case PR_CAPBSET_DROP:
		return current_cred()->euid == 0 && a > CAP_LAST_CAP ? -EINVAL
								     : -EPERM;
	case PR_SET_KEEPCAPS:
		return only_zero(a, 1);
	case PR_SET_SECUREBITS:
		return current_cred()->euid != 0 ? -EPERM
						 : only_zero(a, UINT64_MAX);
	case PR_GET_KEEPCAPS:
	case PR_GET_SECUREBITS:
		return 0;
	default:
		return -EINVAL;
	}
}

/* Ambient capabilities are inheritable ones, of which there are none: to ask
 * and to lower does nothing. */
static int64_t
ambient(uint64_t what, uint64_t cap, bool rest)
{
	if (rest)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_CLEAR_ALL)
		return cap ? -EINVAL : 0;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	switch (what) {
	case PR_CAP_AMBIENT_IS_SET:
	case PR_CAP_AMBIENT_LOWER:
		return 0;
	case PR_CAP_AMBIENT_RAISE: /* it would have to be inheritable */
		return -EPERM;
	default:
		return -EINVAL;
	}
}

/* ---- The call ---- */

/* What takes no argument ignores them, but for those options that say otherwise
 * (prctl(2)): old programs leave them undefined. An unknown option is EINVAL:
 * so programs find out what there is. */
static int64_t
sys_prctl(int option, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	struct proc *p = current_proc();
	char name[TASK_COMM_LEN] = "";

	switch (option) {
	case PR_SET_NAME:
		return set_thread_name((const char *)a);
	case PR_GET_NAME:
		strlcpy(name, current()->name, sizeof(name));
		return copyout((void *)a, name, sizeof(name));
	case PR_SET_NO_NEW_PRIVS:
		return set_no_new_privs(a, b | c | d);
	case PR_GET_NO_NEW_PRIVS:
		return a | b | c | d ? -EINVAL : p->no_new_privs;
	case PR_SET_PDEATHSIG:
		return set_death_signal(a);
	case PR_GET_PDEATHSIG:
		return put_int(a, p->death_signal);
	case PR_SET_CHILD_SUBREAPER:
		p->subreaper = a != 0;
		return 0;
	case PR_GET_CHILD_SUBREAPER:
		return put_int(a, p->subreaper);
	case PR_SET_DUMPABLE:
		return set_dumpable(a);
	case PR_GET_DUMPABLE:
		return p->dumpable;
	case PR_CAP_AMBIENT:
		return ambient(a, b, c | d);
	default:
		return capability_option(option, a);
	}
}
SYSCALL(NR_prctl, sys_prctl);
