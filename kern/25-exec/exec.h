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
 * environment, at most, with the last one (AT_NULL); vm->auxv_start and
 * auxv_end say where. procfs has a buffer of so many. */
#define AUXV_MAX 24

/** What is placed at random (randomize_va_space): nothing, all but the heap
 * that brk(2) moves, all: 0 to 2, as in proc(5). Read without a lock, by each
 * exec; set at start-up, and by root in /proc/sys. */
extern uint64_t exec_randomize;
#define EXEC_RANDOMIZE_ALL 2 /**< the greatest value */

/** The object of which every program maps the clock's page, and the vDSO
 * behind it. Made at start-up, and never freed; its address tells procfs the
 * mappings [vvar] and [vdso]. */
extern struct vnode *vdso_object;

/**
 * Replace the running process's program, as execve(2) does. The state in which
 * the new one begins is left in the user frame. The caller has the heap
 * reserved, and holds no locks. Sleeps.
 *
 * @param path        a kernel string; relative to the current directory
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
	 * threads have gone. It has its new memory, IDs and name by then, not
	 * yet its registers. Cannot fail. No locks held. */
	void (*done)(struct proc *p);
};
extern struct exec_ops exec_ops;

/* ---- Capabilities: they follow from the user IDs ---- */

/** Bits 0 to CAP_LAST_CAP. */
#define CAPS_ALL ((2UL << CAP_LAST_CAP) - 1)

/** The sets of a process with these credentials, a bit for each; what it may
 * inherit is none. Permitted: one of the real, effective and saved user is
 * root, so it may become root again. Effective: the effective one is. Any
 * context; @p c does not change meanwhile, or an answer between is good
 * enough. */
uint64_t cred_permitted(const struct cred *c);
uint64_t cred_effective(const struct cred *c);

#endif
