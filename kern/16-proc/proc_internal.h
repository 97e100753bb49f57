/*
 * What the files of chapter proc share. Lock order: proc_lock, then
 * proc->lock; neither is held over anything that sleeps.
 */
#ifndef PROC_INTERNAL_H
#define PROC_INTERNAL_H

#include "abi/elf.h"
#include "abi/syscall.h"
#include "proc.h"

#define NS_PER_SEC 1000000000UL

/* ---- Pids (pid.c); proc_lock held ---- */

/** A free pid, or -EAGAIN. It stays taken until pid_release. */
int pid_alloc(void);
/** Say what @p pid stands for; either may be NULL. */
void pid_set(int pid, struct proc *p, struct thread *t);
/** Take the thread, or the process, away from its pid, which becomes free if
 * it stands for neither. */
void pid_clear_thread(int pid);
void pid_clear_proc(int pid);
/** The process of @p pid, or NULL. */
struct proc *pid_proc(int pid);
/** The first process with a pid of at least @p pid, or NULL. */
struct proc *pid_next_proc(int pid);
/** Pid given out last. */
int pid_last(void);

/* ---- The tree (proc.c) ---- */

/** Processes and threads that there may be at once. */
extern unsigned threads_max;
/** How many there are; under proc_lock. */
extern unsigned threads_now, procs_now;
/** Processes and threads made since boot. */
extern uint64_t forks_total;

/** A process without threads and parent, inheriting from @p from (or NULL);
 * not yet in the tree. */
struct proc *proc_new(struct proc *from);
/** Forget a process that never came into the tree. */
void proc_discard(struct proc *p);
/** Put thread @p t with pid @p tid in @p p; and @p p in the tree below
 * @p parent if it is new. proc_lock held. */
void proc_link_thread(struct proc *p, struct thread *t, int tid);
void proc_link(struct proc *p, struct proc *parent);
/** Take zombie @p p out of the tree; the caller puts the tree's reference.
 * proc_lock held. */
void proc_unlink(struct proc *p);

/** Whether one more thread may be made by the running process: 0 or -EAGAIN.
 * proc_lock held. */
int proc_check_room(const struct proc *p);

/** What /proc and others read of another process; referenced, or NULL. */
struct vmspace *proc_vmspace(struct proc *p);
struct fdtable *proc_fdtable(struct proc *p);
struct fs_context *proc_fs(struct proc *p);
struct program *proc_program(struct proc *p);

/** CPU time and so on of a process. */
void proc_usage(struct proc *p, struct rusage *ru);
/** Add @p b to @p a. */
void usage_add(struct rusage *a, const struct rusage *b);

/** Tell a parent that the vfork child @p p no longer needs its memory.
 * proc_lock held. */
void proc_release_parent(struct proc *p);

/** A fault of user code where no chapter knows signals: the end. */
void proc_fault(struct trapframe *tf, int signo, int code, uint64_t address);

/* ---- Threads of user mode (fork.c) ---- */

/** The running thread's FPU area, made if there is none. */
void *fpu_area_new(void);

/** See sched_ops.thread_free. */
void user_thread_free(struct thread *t);

/* ---- Programs (exec.c, elf.c, args.c) ---- */

/** The strings of execve on their way to the new stack: pages that hold its
 * top end, [0] the topmost; filled downwards. */
#define ARG_PAGES_MAX 512

struct exec_args {
	struct page **pages; /**< in one page of its own */
	unsigned npages;
	unsigned max_pages; /**< from RLIMIT_STACK */
	size_t used;	    /**< bytes, from the top */
	unsigned argc, envc;
	vaddr_t exec_fn; /**< address of the path */
	vaddr_t strings; /**< lowest string: argv[0] */
};

/** Where an argument list comes from. */
struct arg_source {
	const char *const *kernel; /**< kernel strings, ended by NULL; or */
	const char *const *user;   /**< user memory */
};

/** Free bytes that a new stack has below what is in it. */
#define STACK_ROOM 0x20000
#define AUXV_MAX   24

int args_init(struct exec_args *a);
void args_free(struct exec_args *a);
/** Count a list. @return the number, or -EFAULT, -E2BIG */
int args_count(const struct arg_source *s);
/** Push the strings of a list, the last one first. 0, -EFAULT, -E2BIG,
 * -ENOMEM */
int args_push_list(struct exec_args *a, const struct arg_source *s, unsigned n);
/** Push one kernel string, or bytes. */
int args_push(struct exec_args *a, const char *text);
int args_push_bytes(struct exec_args *a, const void *bytes, size_t len);
/** Move the bottom down by @p len bytes of zeros; then write within them. */
int args_reserve(struct exec_args *a, size_t len);
void args_write(struct exec_args *a, vaddr_t to, const void *from, size_t len);
/** Take the first string (argv[0]) off again. */
void args_pop(struct exec_args *a);

/** Bytes of a file that tell what it is: an ELF header, or a script's line. */
#define IMAGE_HEAD 256

/** A program file, opened for execution. */
struct image {
	struct vnode *vnode; /**< referenced; no one may write it meanwhile */
	uint8_t head[IMAGE_HEAD]; /**< its first bytes, zeros past the end */
};

/** Open @p path for execution. 0, -EACCES, -ENOENT, -ETXTBSY... */
int image_open(const char *path, struct image *image);
void image_close(struct image *image);

/** A program that is being run: shared by a process and those forked from it.
 * While it exists, no one may open its file for writing. */
struct program {
	struct refcount refs;
	struct vnode *vnode;
	char path[]; /**< at the time of exec; "" where it is not known */
};

/** Make one of an image, whose reference goes with it. */
struct program *program_new(struct image *image);
struct program *program_get(struct program *g);
/** Give a reference back; may sleep. */
void program_put(struct program *g);
/** Set what the process runs; the reference goes with it. May sleep. */
void proc_set_program(struct proc *p, struct program *g);

/** What the loader found out, for the auxiliary vector and the registers. */
struct elf_info {
	vaddr_t entry;	    /**< where to begin: the interpreter's, if any */
	vaddr_t prog_entry; /**< of the program itself */
	vaddr_t base;	    /**< the interpreter's, 0 without */
	vaddr_t phdr;	    /**< its program headers in memory */
	unsigned phnum;
	bool exec_stack;
};

/** Map the ELF file @p image, and its interpreter, into @p vm. @return 0, or
 * -ENOEXEC: it is none, or a damaged one; -ELIBBAD, -ENOMEM, -EIO... */
int elf_load(struct vmspace *vm, struct image *image, struct elf_info *info);

/** Build the stack of a new program in @p vm from its strings; the pages of
 * @p a become its. *@p rsp receives the stack pointer. */
int stack_build(struct vmspace *vm, struct exec_args *a,
		const struct elf_info *info, const struct cred *c, bool secure,
		vaddr_t *rsp);

/* ---- Identity (cred.c) ---- */

/** Credentials with which @p image would run: the set-user-ID bits.
 * @return whether they differ from the caller's (AT_SECURE) */
bool cred_for_exec(const struct image *image, struct cred *cred);

/* ---- Memory is short (killer.c) ---- */

void killer_init(void);

/* ---- Limits (limits.c) ---- */

void limits_init(struct proc *p, struct proc *from);
/** Have vm and vfs ask here. */
void limits_hook(void);
/** Soft limit of any process. */
uint64_t limit_of(struct proc *p, unsigned resource);

/* ---- Start (start.c), /proc (procfs.c) ---- */

/** boot_ops.start_user. */
void start_user(void);
void procfs_init(void);

/* ---- Time (time.c), names (misc.c) ---- */

struct timeval timeval_of(uint64_t ns);
/** The host's name, as uname tells it; copied. */
void hostname_get(char *name, size_t size);
extern const char kernel_release[], kernel_version[], machine_name[];

#endif
