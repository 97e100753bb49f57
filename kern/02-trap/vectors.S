/*
 * The entry and exit paths. Each way in builds the same struct trapframe and
 * calls C; each way out undoes it.
 *
 *   vector_N       exceptions and interrupts, 0..255
 *   paranoid       NMI, double fault, machine check: may strike while the GS
 *                  base is the user's although CS says kernel; so they run on
 *                  stacks of their own that hold this CPU's GS base on top
 *   syscall_entry  the SYSCALL instruction
 *
 * SMAP is honoured from the first C instruction on: an interrupt keeps the AC
 * flag of what it interrupted, so CLAC is executed (patched in where the CPU
 * has it; see SMAP_SITE).
 *
 * Sources: Intel SDM vol. 3A, 6.14 (64-bit exceptions) and vol. 2, SYSCALL.
 */
#include "asm.h"

	/* The order is that of struct trapframe, backwards. All fifteen are
	 * saved although C would keep six of them: fork, signals and exec look
	 * for the user's registers in the frame. */
	.macro push_registers
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

	.macro pop_registers
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	.endm

	.text

/* ---- Exceptions and interrupts ---- */

	/*
	 * One stub a vector, 16 bytes each, so that cpu.c finds the n-th by
	 * multiplication. The processor does not say by which gate it came;
	 * each stub pushes its own number, and a zero where an error code is
	 * missing, so that all frames are alike.
	 */
	.balign 16
	.globl vector_stubs
vector_stubs:
	.set n, 0
	.rept 256
	.balign 16
	/* These exceptions push an error code: SDM vol. 3A, table 6-1. */
	.if !(n == 8 || (n >= 10 && n <= 14) || n == 17 || n == 21 || n == 29 || n == 30)
	pushq $0
	.endif
	pushq $n
	.if n == 2 || n == 8 || n == 18
	jmp paranoid_common
	.else
	jmp vector_common
	.endif
	.set n, n + 1
	.endr

/*
 * On the stack: vector, error code, rip, cs, rflags, rsp, ss. All gates are
 * interrupt gates: interrupts are off until C turns them on. CS tells whether
 * the GS base is the user's; it does so for all but the paranoid vectors, for
 * in the few instructions where CS and GS disagree interrupts are off and no
 * instruction faults.
 */
FUNCTION(vector_common)
	testb $3, 24(%rsp)	/* CS: from user mode? */
	jz 1f
	swapgs
1:	push_registers
	SMAP_SITE(clac)
	cld
	xorl %ebp, %ebp		/* a backtrace ends at the frame */
	movq %rsp, %rdi
	call trap_dispatch
	/* fall through */

/* Every way back but sysret. rsp points to the frame. */
FUNCTION(trap_return)
	cli			/* the kernel's GS base goes now: TRAP1 */
	testb $3, TF_CS(%rsp)
	jz 1f
	swapgs
1:	pop_registers
	addq $16, %rsp		/* vector and error code */
	iretq

/*
 * TRAP1 without looking at CS: load what the top of this stack says, and put
 * back what was found, whichever it was. The stack is the exception's own, so
 * a second one of the same kind within the handler would overwrite this frame:
 * the handlers must not fault (an iretq would let the next NMI in).
 */
FUNCTION(paranoid_common)
	push_registers
	SMAP_SITE(clac)
	cld
	xorl %ebp, %ebp
	movl $MSR_GS_BASE, %ecx
	rdmsr			/* edx:eax = the GS base found, kept in rbx */
	shlq $32, %rdx
	movl %eax, %ebx
	orq %rdx, %rbx
	movl TF_SIZE(%rsp), %eax	/* ours: top of this stack */
	movl TF_SIZE+4(%rsp), %edx
	wrmsr
	movq %rsp, %rdi
	call trap_dispatch_paranoid
	movl $MSR_GS_BASE, %ecx
	movl %ebx, %eax
	movq %rbx, %rdx
	shrq $32, %rdx
	wrmsr
	pop_registers
	addq $16, %rsp
	iretq

/* ---- System calls ---- */

/*
 * SYSCALL does not switch stacks. Between swapgs and the load of rsp this is
 * the kernel on the user's stack pointer: nothing is pushed, and interrupts are
 * off. The first word saved goes to a per-CPU variable, for there is no free
 * register and no stack; it is used up before interrupts come on.
 */
FUNCTION(syscall_entry)
	/* rcx = user rip, r11 = user rflags; SFMASK has cleared IF, DF, AC. */
	swapgs
	movq %rsp, %gs:syscall_user_rsp
	movq %gs:entry_stack_top, %rsp
	/* What an interrupt would have pushed: ss, rsp, rflags, cs, rip. */
	pushq $SEL_USER_DATA
	pushq %gs:syscall_user_rsp
	pushq %r11
	pushq $SEL_USER_CODE
	pushq %rcx
	pushq %rax		/* error: the call's number */
	pushq $TRAP_SYSCALL
	push_registers
	xorl %ebp, %ebp
	sti
	movq %rsp, %rdi
	call syscall_dispatch
	/*
	 * Interrupts are off. sysret takes rip from rcx and rflags from r11:
	 * right only if the frame still holds what syscall left there. A
	 * signal or exec has changed it otherwise, and iretq loads all.
	 */
	movq TF_RCX(%rsp), %rcx
	cmpq %rcx, TF_RIP(%rsp)
	jne trap_return
	movq TF_R11(%rsp), %r11
	cmpq %r11, TF_RFLAGS(%rsp)
	jne trap_return
	/* Single step: the trap must come in user mode, after sysret; iretq
	 * has that right on all processors. */
	btq $RFLAGS_TF_BIT, %r11
	jc trap_return
	cmpq $SEL_USER_CODE, TF_CS(%rsp)
	jne trap_return
	swapgs
	pop_registers
	movq 40(%rsp), %rsp	/* vector, error, rip, cs, rflags: rsp */
	sysretq

/* trap_enter_user(tf): the stack becomes the frame. What was on it is given up:
 * the frame is at the very top, and nobody returns. TRAP4 holds here, too. */
FUNCTION(trap_enter_user)
	cli
	movq %rdi, %rsp
	xorl %ebp, %ebp
	call trap_first_return
	jmp trap_return

	.section .percpu, "aw"
	.balign 8
syscall_user_rsp:
	.quad 0

	.section .note.GNU-stack, "", @progbits
