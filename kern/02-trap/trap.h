/*
 * trap: every way into the kernel and out of it. Exceptions, interrupts and
 * system calls save the interrupted registers in a trap frame and come here;
 * user memory is touched only by the copy routines of this chapter, which
 * survive a fault; and the FPU state is saved and restored here.
 */
#ifndef TRAP_H
#define TRAP_H

#include "abi/errno.h"
#include "boot.h"
#include "percpu.h"

/*
 * Segment selectors; the user ones are those that Linux programs see. Their
 * order is the SYSCALL instruction's: data follows code in the kernel, code
 * follows data for the user (SDM vol. 3A, 5.8.8; set_syscall_msrs in cpu.c).
 */
#define SEL_KERNEL_CODE 0x10
#define SEL_KERNEL_DATA 0x18
#define SEL_USER_DATA	0x2b
#define SEL_USER_CODE	0x33
#define SEL_TSS		0x40
#define SEL_CPU		0x53 /**< its limit is the CPU's number (lsl) */

/* Vectors: 0-31 are the processor's exceptions (SDM vol. 3A, table 6-1). */
enum {
	TRAP_DIVIDE = 0,
	TRAP_DEBUG = 1,
	TRAP_NMI = 2,
	TRAP_BREAKPOINT = 3,
	TRAP_OVERFLOW = 4,
	TRAP_BOUND = 5,
	TRAP_INVALID_OPCODE = 6,
	TRAP_NO_FPU = 7,
	TRAP_DOUBLE_FAULT = 8,
	TRAP_INVALID_TSS = 10,
	TRAP_NO_SEGMENT = 11,
	TRAP_STACK = 12,
	TRAP_PROTECTION = 13,
	TRAP_PAGE_FAULT = 14,
	TRAP_FPU = 16,
	TRAP_ALIGNMENT = 17,
	TRAP_MACHINE_CHECK = 18,
	TRAP_SIMD = 19,
	TRAP_INTERRUPTS = 32, /* first vector for interrupts */
	TRAP_VECTORS = 256,
	TRAP_SYSCALL = 256, /* in a trap frame: came by syscall */
};

/**
 * The interrupted registers, in the order in which vectors.S pushes them: the
 * last pushed is the first here. From rip on, the processor itself has pushed
 * them (SDM vol. 3A, 6.14.2); for a system call the entry path has. asm.h has
 * the offsets, and dispatch.c asserts that they agree.
 */
struct trapframe {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint64_t vector;
	uint64_t error; /**< error code; for a system call, its number */
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Page-fault error code (SDM vol. 3A, 4.7). */
#define FAULT_PRESENT 0x1
#define FAULT_WRITE   0x2
#define FAULT_USER    0x4
#define FAULT_RSVD    0x8
#define FAULT_FETCH   0x10

/**
 * First address past user space; the last page is never mapped, so that no
 * system call returns to a non-canonical address (sysret would fault in the
 * kernel, with the user's stack pointer loaded): a SYSCALL instruction is two
 * bytes, and the highest address that follows one is this.
 */
#define USER_TOP 0x00007ffffffff000UL

static inline bool
trapframe_is_user(const struct trapframe *tf)
{
	return tf->cs & 3;
}

/**
 * What the entry and exit paths know of a thread; first member of sched's
 * struct thread. All fields are the thread's own, but for work.
 */
struct md_thread {
	/** WORK_*: set by anyone, atomically; looked at by user_return. */
	_Atomic uint32_t work;
	/** The call it is in, for panic and /proc: its number, or ENTRY_*. */
	uint32_t nsyscall;
	/** heap: on whose account its heap objects are; 0: nobody's. */
	uint16_t account;
	/** User registers, at the top of its kernel stack; NULL: kernel thread.
	 */
	struct trapframe *user_frame;
	/** User segment bases, while it does not run. */
	uint64_t fsbase, gsbase;
	/** fpu_area_size bytes, 64-aligned; NULL: never used. */
	void *fpu;
};

/* Things to do before the return to user mode. */
#define WORK_SIGNAL 0x1 /**< a signal may be deliverable */
#define WORK_NOTIFY 0x2 /**< a limit may have been passed */

/** Per-CPU: the running thread's machine-dependent part. Set by sched at each
 * switch; NULL before the first. */
extern struct md_thread *md_current;

/** Per-CPU: top of the running thread's kernel stack: where entry from user
 * mode begins. Set on every thread switch with trap_set_kernel_stack. */
extern uint64_t entry_stack_top;

/** Tell the CPU (TSS, system-call entry) the running thread's stack top.
 * Preemption off; sched's switch calls it. */
void trap_set_kernel_stack(uint64_t top);

struct syscall_entry;

/** What later chapters fill in at their start. Unfilled hooks are not called,
 * but for user_fault, user_work and reschedule: without the chapters that fill
 * these there is neither a user nor a question that could lead to them. */
struct trap_ops {
	/** smp: an interrupt, vector >= TRAP_INTERRUPTS. Interrupts off. */
	void (*interrupt)(struct trapframe *tf);
	/** smp: an NMI. Interrupts off, any context. */
	void (*nmi)(struct trapframe *tf);
	/**
	 * vm: make user address @p address accessible. May sleep.
	 * @param error  FAULT_* bits
	 * @return 0; -EFAULT: nothing mapped; -EACCES: mapped, not for this;
	 *         -ENXIO: past the end of a mapped file, or an I/O error;
	 *         -ENOMEM: no memory; the thread has been marked to die
	 */
	int (*page_fault)(uint64_t address, uint64_t error);
	/** signal: user code faulted; raise @p signo with si_code @p code. */
	void (*user_fault)(struct trapframe *tf, int signo, int code,
			   uint64_t address);
	/** signal: work bits are set; interrupts on; may sleep. */
	void (*user_work)(struct trapframe *tf);
	/** sched: switch threads; preemption was asked for. Interrupts on. */
	void (*reschedule)(void);
	/** heap: before a system call that needs heap, reserve @p pages of it.
	 * @return 0, or -EINTR: the thread is to die */
	int (*reserve)(unsigned pages);
	/** heap: after such a call, give back what it did not use. */
	void (*release)(void);
	/** proc: the call has ended with @p result; tf->rax has it, too, the
	 * other registers are the caller's. NULL unless asked for. */
	void (*trace)(const struct syscall_entry *call,
		      const struct trapframe *tf, int64_t result);
};
extern struct trap_ops trap_ops;

/**
 * Return into user mode with the registers of @p tf: a new process's or
 * thread's first entry. @p tf is at the top of the running thread's kernel
 * stack. Its rip is below USER_TOP; selectors and rflags are forced to be safe.
 */
void trap_enter_user(struct trapframe *tf) __attribute__((noreturn));

/** The place of the user trap frame on a kernel stack that ends at @p top. */
static inline struct trapframe *
trap_user_frame(uint64_t top)
{
	return (struct trapframe *)top - 1;
}

/** Force what user space may not choose: selectors, IF on, IOPL and NT off. For
 * frames that a user has written (sigreturn) or that are new. The caller has
 * checked rip (TRAP3). */
void trapframe_sanitize(struct trapframe *tf);

/** Print the registers of @p tf, and CR2, to the log. Any context. */
void trapframe_print(const struct trapframe *tf);

/* ---- CPU set-up ---- */

/** Features found by CPUID on CPU 0 (SDM vol. 2, CPUID), taken to be the same
 * on all CPUs. Constant after trap's start. */
struct cpu_features {
	bool nx, smep, smap, umip, fsgsbase, pge, gbpages, xsave, xsaveopt,
		x2apic, tsc_deadline, rdrand, invariant_tsc, hypervisor;
	char vendor[13];
	char brand[49];
};
extern struct cpu_features cpu_features;

/**
 * Load this CPU's segments, TSS, IDT, system-call MSRs, control-register
 * protections (SMEP, SMAP, UMIP, WP) and FPU. Interrupts off. The GS base is
 * already this CPU's (smp's trampoline wrote it); stack checks are safe after.
 */
void trap_cpu_init(void);

/** trap_cpu_init's part for the FPU: enable what is to be saved, find the size
 * of a save area (on the first CPU), reset the registers. Interrupts off. */
void fpu_cpu_init(void);

/* ---- System calls ---- */

#define SYSCALLS_MAX 512

/** Entries to the kernel that are no system calls, numbered behind them. */
enum {
	ENTRY_FAULT = SYSCALLS_MAX, /**< page fault of user code */
	ENTRY_EXIT,		    /**< the end of a thread */
	ENTRY_KERNEL,		    /**< a kernel thread */
	ENTRIES_MAX,
};

/** Arguments arrive as the ABI's six registers; a handler declares the types
 * its manual page has, and reads only the low part of a narrow one. */
typedef int64_t (*syscall_fn)(uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
			      uint64_t);

struct syscall_entry {
	uint32_t number;
	const char *name;
	syscall_fn fn;
};

/**
 * Register a system call: SYSCALL(NR_read, sys_read).
 *
 * @param nr     its number (abi/syscall.h)
 * @param fn     the handler; returns a result, or a negative errno
 */
#define SYSCALL(nr, fn)                                                        \
	static const struct syscall_entry syscall_entry_##nr LINKED(           \
		".syscall_entry") = { nr, #nr, (syscall_fn)(void (*)(void))fn }

/** By number: the most kernel heap that a call can hold at once, in pages; 0: it
 * takes none. Chapter heap fills it, at its start. */
extern uint16_t syscall_heap_pages[SYSCALLS_MAX];

/** Fill the table of calls from the registrations; at start-up. Panics if a
 * number is registered twice. */
void syscall_table_init(void);

/** The entry of call @p nr, or NULL where there is none. */
const struct syscall_entry *syscall_lookup(uint64_t nr);

/* Internal results that never reach user space: signal turns them into a
 * restart of the call or -EINTR (numbers as Linux has them). */
#define ERESTARTSYS	      512 /**< restart if SA_RESTART or no handler */
#define ERESTARTNOINTR	      513 /**< always restart */
#define ERESTARTNOHAND	      514 /**< restart if there is no handler */
#define ERESTART_RESTARTBLOCK 516 /**< restart by restart_syscall */

/* ---- User memory ---- */

/** Where @p field of the user's structure @p user is, which may be anywhere and
 * need not be aligned. */
#define user_field(user, field)                                                \
	((__typeof__(&(user)->field))((uint64_t)(user) +                       \
				      offsetof(__typeof__(*(user)), field)))

/** Whether @p len bytes at @p address lie in user space. */
static inline bool
user_range_ok(const void *address, size_t len)
{
	return len <= USER_TOP && (uint64_t)address <= USER_TOP - len;
}

/*
 * All of these may sleep (the fault may read a disk) unless preemption is off:
 * then a page that is not there is -EFAULT at once. A bad address is -EFAULT,
 * with an unknown part copied. No lock may be held that the page-fault handler
 * takes (chapter vm: the address space's), nor one that sleeps and is taken
 * within a file's read.
 *
 * What was read once may have changed when it is read again: user memory
 * belongs to other threads too. Callers copy first, check the copy, and use it.
 */

/** Copy @p len bytes from user address @p from. @return 0 or -EFAULT */
int copyin(void *to, const void *from, size_t len);

/** Copy @p len bytes to user address @p to. @return 0 or -EFAULT */
int copyout(void *to, const void *from, size_t len);

/** Zero @p len bytes at user address @p to. @return 0 or -EFAULT */
int user_zero(void *to, size_t len);

/**
 * Like copyin and copyout, but for callers that can use a part.
 * @return bytes *not* copied
 */
size_t copyin_partial(void *to, const void *from, size_t len);
size_t copyout_partial(void *to, const void *from, size_t len);

/**
 * Copy a string with its NUL from user space.
 * @param size  bytes at @p to
 * @return      its length without the NUL, -EFAULT, or -ENAMETOOLONG where no
 *              NUL is within @p size bytes
 */
int64_t copyin_string(char *to, const char *from, size_t size);

/**
 * Atomic compare and exchange on a user word (futex).
 * @param old  expected value; receives the value found
 * @return 0 or -EFAULT
 */
int user_cmpxchg32(uint32_t *address, uint32_t *old, uint32_t new);

/* ---- FPU ---- */

extern size_t fpu_area_size; /**< bytes of a thread's save area */
extern uint64_t fpu_xcr0;    /**< enabled XSAVE features, 0: FXSAVE */

/** Write the initial state (as after reset) into a save area of fpu_area_size
 * bytes. */
void fpu_area_init(void *area);

/** Save this CPU's FPU, SSE and AVX registers to @p area, 64-aligned. They stay
 * loaded. Preemption off, or they may be another thread's. */
void fpu_save(void *area);

/** Load them; a corrupt image (from a signal frame) must have been checked
 * (fpu_area_check), or this faults in the kernel. Preemption off. */
void fpu_restore(const void *area);

/**
 * Make an image that came from user space safe to load: reserved bits of MXCSR
 * and the XSAVE header.
 * @return 0, or -EINVAL where it is no valid image
 */
int fpu_area_check(void *area);

#endif
