/*
 * What the entry paths of vectors.S call: trap_dispatch for exceptions and
 * interrupts, trap_dispatch_paranoid for those on stacks of their own,
 * syscall_dispatch for system calls. Each leaves through user_return when it
 * goes back to user mode: pending work first, then interrupts off.
 */
#include "abi/signal.h"
#include "asm.h"
#include "trap.h"
#include "x86.h"

/* asm.h cannot include trap.h; so what it says is checked here. */
_Static_assert(sizeof(struct trapframe) == TF_SIZE, "asm.h");
_Static_assert(offsetof(struct trapframe, rip) == TF_RIP, "asm.h");
_Static_assert(offsetof(struct trapframe, cs) == TF_CS, "asm.h");
_Static_assert(offsetof(struct trapframe, rflags) == TF_RFLAGS, "asm.h");
_Static_assert(offsetof(struct trapframe, rcx) == TF_RCX, "asm.h");
_Static_assert(offsetof(struct trapframe, r11) == TF_R11, "asm.h");

/* The linker's tables: FIXUP in asm.h, SYSCALL in trap.h. */
extern const struct {
	uint64_t at, to;
} fixups[], fixups_end[];
extern const struct syscall_entry syscall_entries[], syscall_entries_end[];

/* Called by vectors.S alone; interrupts are off, but for a system call. */
void trap_dispatch(struct trapframe *tf);
void trap_dispatch_paranoid(struct trapframe *tf);
void syscall_dispatch(struct trapframe *tf);

struct trap_ops trap_ops;
static const struct syscall_entry *syscalls[SYSCALLS_MAX]; /* by number */
uint16_t syscall_heap_pages[SYSCALLS_MAX];

static const char *const exception_names[TRAP_INTERRUPTS] = {
	[TRAP_DIVIDE] = "divide error",
	[TRAP_DEBUG] = "debug",
	[TRAP_NMI] = "NMI",
	[TRAP_BREAKPOINT] = "breakpoint",
	[TRAP_OVERFLOW] = "overflow",
	[TRAP_BOUND] = "bound range",
	[TRAP_INVALID_OPCODE] = "invalid opcode",
	[TRAP_NO_FPU] = "no FPU",
	[TRAP_DOUBLE_FAULT] = "double fault",
	[TRAP_INVALID_TSS] = "invalid TSS",
	[TRAP_NO_SEGMENT] = "segment not present",
	[TRAP_STACK] = "stack fault",
	[TRAP_PROTECTION] = "general protection",
	[TRAP_PAGE_FAULT] = "page fault",
	[TRAP_FPU] = "FPU error",
	[TRAP_ALIGNMENT] = "alignment check",
	[TRAP_MACHINE_CHECK] = "machine check",
	[TRAP_SIMD] = "SIMD error",
};

void
trapframe_print(const struct trapframe *tf)
{
	kprintf("  rip %016lx rsp %016lx rflags %08lx cs %02lx error %lx\n",
		tf->rip, tf->rsp, tf->rflags, tf->cs, tf->error);
	kprintf("  rax %016lx rbx %016lx rcx %016lx rdx %016lx\n", tf->rax,
		tf->rbx, tf->rcx, tf->rdx);
	kprintf("  rsi %016lx rdi %016lx rbp %016lx cr2 %016lx\n", tf->rsi,
		tf->rdi, tf->rbp, read_cr2());
	kprintf("  r8  %016lx r9  %016lx r10 %016lx r11 %016lx\n", tf->r8,
		tf->r9, tf->r10, tf->r11);
	kprintf("  r12 %016lx r13 %016lx r14 %016lx r15 %016lx\n", tf->r12,
		tf->r13, tf->r14, tf->r15);
}

void
trapframe_sanitize(struct trapframe *tf)
{
	tf->cs = SEL_USER_CODE;
	tf->ss = SEL_USER_DATA;
	/* 0x3e0000: VM, AC, VIF, VIP, ID; bit 1 always reads as one. */
	tf->rflags &= ~(RFLAGS_IOPL | RFLAGS_NT | RFLAGS_RF | 0x3e0000UL);
	tf->rflags |= RFLAGS_IF | 2;
	ASSERT(tf->rip < USER_TOP);
}

/* ---- Back to user mode ---- */

/*
 * TRAP4. Interrupts are off at the end, and stay off until the exit path is
 * through. Whoever asks for work after the last look sends an interrupt as well
 * (chapter smp); it waits until interrupts are on, which is in user mode, and
 * brings this CPU back here.
 *
 * A loop, since both take time with interrupts on, and more may come meanwhile.
 */
static inline void
user_return(struct trapframe *tf)
{
	cli();
	while (__builtin_expect(this_cpu(md_current)->work ||
					this_cpu(preempt_count) == 0,
				0)) {
		sti();
		if (this_cpu(preempt_count) == 0)
			trap_ops.reschedule();
		if (this_cpu(md_current)->work)
			trap_ops.user_work(tf);
		cli();
	}
}

/* ---- Exceptions ---- */

/* An exception that the kernel itself has caused, and not by way of a user
 * copy. Two call chains: that of the fault, and panic's own, which shows by
 * which entry it came here. */
static void __attribute__((noreturn))
kernel_fault(struct trapframe *tf, const char *why)
{
	const char *name = tf->vector < TRAP_INTERRUPTS
				   ? exception_names[tf->vector]
				   : NULL;

	panic_begin();
	kprintf("\ntrap: %s in the kernel%s%s\n", name ? name : "trap",
		*why ? ": " : "", why);
	trapframe_print(tf);
	backtrace(tf->rip, tf->rbp);
	panic("%s (%lu, error %#lx) at %#lx%s%s", name ? name : "trap",
	      tf->vector, tf->error, tf->rip, *why ? ": " : "", why);
}

/* If the instruction at rip may fault, go on where its table entry says. The
 * table has six entries: looking through it costs less than keeping order. */
static bool
fix_up(struct trapframe *tf)
{
	const __typeof__(fixups[0]) *f;

	for (f = fixups; f < fixups_end; f++) {
		if (f->at == tf->rip) {
			tf->rip = f->to;
			return true;
		}
	}
	return false;
}

static bool
has_fixup(uint64_t rip)
{
	struct trapframe probe = { .rip = rip };

	return fix_up(&probe);
}

/* A fault of user code, or of a user copy on its behalf. With preemption off
 * nothing may sleep, so the page is not fetched: the copy fails, and its caller
 * tries again without the lock (trap.h). */
static int
user_page_fault(struct trapframe *tf, uint64_t address)
{
	int error = -EFAULT;

	if (trap_ops.page_fault && address < USER_TOP && !preempt_disabled()) {
		sti();
		error = trap_ops.page_fault(address, tf->error);
		cli();
	}
	return error;
}

/*
 * Three cases. The kernel faulted at an instruction that is not a user copy, or
 * on an address that is no user's: its own bug, but for a copy that reached the
 * border, which fails. A user copy faulted on a user address: fetch the page,
 * or fail the copy. User code faulted: fetch the page, or a signal.
 *
 * CR2 is read before interrupts can come on: the next fault overwrites it.
 */
static void
page_fault(struct trapframe *tf)
{
	uint64_t address = read_cr2();
	int error;

	if (!trapframe_is_user(tf) &&
	    (address >= USER_TOP || !has_fixup(tf->rip))) {
		if (!fix_up(tf))
			kernel_fault(tf,
				     address < PAGE_SIZE ? "null pointer" : "");
		return;
	}
	error = user_page_fault(tf, address);
	if (error == 0)
		return;
	if (!trapframe_is_user(tf))
		fix_up(tf);
	else if (error == -ENXIO)
		trap_ops.user_fault(tf, SIGBUS, BUS_ADRERR, address);
	else if (error == -EACCES)
		trap_ops.user_fault(tf, SIGSEGV, SEGV_ACCERR, address);
	else if (error == -EFAULT)
		trap_ops.user_fault(tf, SIGSEGV, SEGV_MAPERR, address);
}

/* Exceptions of user code other than page faults, as signals. */
static const struct {
	uint8_t signo, code;
} exception_signals[TRAP_INTERRUPTS] = {
	[TRAP_DIVIDE] = { SIGFPE, FPE_INTDIV },
	[TRAP_DEBUG] = { SIGTRAP, TRAP_TRACE },
	[TRAP_BREAKPOINT] = { SIGTRAP, TRAP_BRKPT },
	[TRAP_OVERFLOW] = { SIGSEGV, SEGV_MAPERR },
	[TRAP_BOUND] = { SIGSEGV, SEGV_MAPERR },
	[TRAP_INVALID_OPCODE] = { SIGILL, ILL_ILLOPN },
	[TRAP_NO_SEGMENT] = { SIGBUS, BUS_ADRALN },
	[TRAP_STACK] = { SIGBUS, BUS_ADRALN },
	[TRAP_PROTECTION] = { SIGSEGV, SEGV_MAPERR },
	[TRAP_FPU] = { SIGFPE, FPE_FLTINV },
	[TRAP_ALIGNMENT] = { SIGBUS, BUS_ADRALN },
	[TRAP_SIMD] = { SIGFPE, FPE_FLTINV },
};

/* What has no signal of its own (a machine that does what the manual leaves
 * out) is a SIGSEGV. */
static void
exception(struct trapframe *tf)
{
	int signo;

	if (tf->vector == TRAP_PAGE_FAULT) {
		page_fault(tf);
	} else if (trapframe_is_user(tf)) {
		signo = exception_signals[tf->vector].signo;
		trap_ops.user_fault(tf, signo ? signo : SIGSEGV,
				    exception_signals[tf->vector].code,
				    tf->rip);
	} else if (!fix_up(tf)) {
		kernel_fault(tf, "");
	}
}

/* ---- Entries from vectors.S ---- */

void
trap_dispatch(struct trapframe *tf)
{
	if (tf->vector < TRAP_INTERRUPTS)
		exception(tf);
	else if (trap_ops.interrupt)
		trap_ops.interrupt(tf);

	/* In the kernel a switch is right only where it was at the interrupted
	 * instruction: preemption and interrupts on. */
	if (trapframe_is_user(tf))
		user_return(tf);
	else if (this_cpu(preempt_count) == 0 && (tf->rflags & RFLAGS_IF))
		trap_ops.reschedule();
}

/* From trap_enter_user: a new thread may be told to end or to stop before its
 * first instruction. */
void
trap_first_return(struct trapframe *tf)
{
	user_return(tf);
}

static void
handle_nmi(struct trapframe *tf)
{
	nmis_handled++;
	if (trap_ops.nmi)
		trap_ops.nmi(tf);
	else
		kprintf("trap: NMI at %#lx\n", tf->rip);
	nmis_handled--;
}

/* No way back through user_return: this stack is not a thread's, and a switch
 * from it would leave it to the next NMI. */
void
trap_dispatch_paranoid(struct trapframe *tf)
{
	if (tf->vector == TRAP_NMI)
		handle_nmi(tf);
	else if (tf->vector == TRAP_DOUBLE_FAULT)
		kernel_fault(tf, "the kernel stack has overflowed?");
	else
		kernel_fault(tf, "");
}

void
syscall_table_init(void)
{
	const struct syscall_entry *e;

	for (e = syscall_entries; e < syscall_entries_end; e++) {
		if (e->number >= SYSCALLS_MAX || syscalls[e->number])
			panic("trap: system call %s registered twice", e->name);
		syscalls[e->number] = e;
	}
}

const struct syscall_entry *
syscall_lookup(uint64_t nr)
{
	return nr < SYSCALLS_MAX ? syscalls[nr] : NULL;
}

/* Programs try calls to see whether they are there: that is no news but to who
 * asks, and once. Two CPUs may both say it; that does no harm. Not inline: it
 * would spread over the path that all calls take. */
static int64_t __attribute__((noinline)) no_syscall(uint64_t nr)
{
	static uint64_t told[SYSCALLS_MAX / 64];

	if (nr < SYSCALLS_MAX && !(told[nr / 64] & 1UL << nr % 64) &&
	    command_line_has("trace")) {
		told[nr / 64] |= 1UL << nr % 64;
		kprintf("trap: no system call %lu\n", nr);
	}
	return -ENOSYS;
}

/*
 * The gate of chapter heap stands around every call that needs heap: it
 * reserves what the call can need, so that no allocation inside it can fail.
 * Such calls are of later chapters than heap: the hooks are filled. The result
 * goes into the frame's rax, from where the exit path loads it; the number
 * stays in tf->error, for a call that is restarted.
 */
void
syscall_dispatch(struct trapframe *tf)
{
	const struct syscall_entry *call = syscall_lookup(tf->error);
	unsigned pages;
	int64_t error = 0;

	this_cpu(md_current)->nsyscall = tf->error;
	if (__builtin_expect(!call, 0)) {
		tf->rax = no_syscall(tf->error);
		user_return(tf);
		return;
	}
	pages = syscall_heap_pages[call->number];
	if (pages)
		error = trap_ops.reserve(pages);
	tf->rax = error ? error
			: call->fn(tf->rdi, tf->rsi, tf->rdx, tf->r10, tf->r8,
				   tf->r9);
	if (__builtin_expect(trap_ops.trace != NULL, 0))
		trap_ops.trace(call, tf, tf->rax);
	if (pages)
		trap_ops.release();
	user_return(tf);
}
