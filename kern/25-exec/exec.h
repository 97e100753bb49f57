/*
 * exec: programs. execve puts another program in the place of the running
 * process's: an ELF file, or a script and its interpreter. The first one is
 * init, which the kernel itself starts.
 */
#ifndef EXEC_H
#define EXEC_H

#include "abi/capability.h"
#include "proc.h"

/** Entries of the auxiliary vector that a new program finds above its
 * environment, at most; vm->auxv_start and auxv_end say where. */
#define AUXV_MAX 24

/** What is placed at random (randomize_va_space): nothing, all but the heap
 * that brk(2) moves, all. */
extern uint64_t exec_randomize;
#define EXEC_RANDOMIZE_ALL 2

/** The object of which every program maps the clock's page, and the vDSO
 * behind it. */
extern struct vnode *vdso_object;

/**
 * Replace the running process's program, as execve(2) does. The state in which
 * the new one begins is left in the user frame. The caller has the heap
 * reserved, and holds no locks. Sleeps.
 *
 * @param argv, envp  kernel arrays of kernel strings, ended by NULL
 * @return 0; or a negative errno, with the old program as it was: -ENOENT,
 *         -EACCES, -ENOEXEC, -ELIBBAD, -ETXTBSY, -ELOOP, -E2BIG, -ENOMEM,
 *         -EIO; -EAGAIN, -EINTR: see proc_become_single
 */
int exec_program(const char *path, const char *const argv[],
		 const char *const envp[]);

/** What later chapters fill in. Unfilled hooks are not called. */
struct exec_ops {
	/** signal: the running process @p p has got a new program; its other
	 * threads have gone. No locks held. */
	void (*done)(struct proc *p);
};
extern struct exec_ops exec_ops;

/* ---- Capabilities: they follow from the user IDs ---- */

#define CAPS_ALL ((2UL << CAP_LAST_CAP) - 1)

/** The sets of a process with these credentials, a bit for each; what it may
 * inherit is none. */
uint64_t cred_permitted(const struct cred *c);
uint64_t cred_effective(const struct cred *c);

#endif
