/*
 * System calls by number, and the three that C cannot make: vfork, whose child
 * would overwrite the return address it shares with its parent; clone, whose
 * child starts on an empty stack; and the return from a signal handler.
 */
	.macro	FUNCTION name
	.text
	.balign	16
	.globl	\name
	.type	\name, @function
\name:
	.endm

/* long syscall_raw(long n, a, b, c, d, e, f): C's registers to the kernel's. */
FUNCTION syscall_raw
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	ret

/* long syscall(long n, ...): the same, with errors to errno. */
FUNCTION syscall
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movq	%rcx, %rdx
	movq	%r8, %r10
	movq	%r9, %r8
	movq	8(%rsp), %r9
	syscall
	cmpq	$-4095, %rax		/* unsigned: [-4095, -1] are errors */
	jae	1f
	ret
1:	negl	%eax
	movl	%eax, errno(%rip)
	movq	$-1, %rax
	ret

/* pid_t vfork(void): the return address waits in rdx, which calls keep. */
FUNCTION vfork
	popq	%rdx
	movl	$58, %eax		/* NR_vfork */
	syscall
	pushq	%rdx
	cmpq	$-4095, %rax
	jae	1b
	ret

/*
 * int clone(fn, stack, flags, arg, ptid, tls, [rsp+8] ctid). fn and arg go on
 * the child's stack; only the child finds rax = 0.
 */
FUNCTION clone
	andq	$-16, %rsi
	subq	$16, %rsi
	movq	%rdi, (%rsi)
	movq	%rcx, 8(%rsi)
	movslq	%edx, %rdi		/* flags */
	movl	%edi, %edi
	movq	%r8, %rdx		/* ptid */
	movq	%r9, %r8		/* tls */
	movq	8(%rsp), %r10		/* ctid */
	movl	$56, %eax		/* NR_clone */
	syscall
	testq	%rax, %rax
	jz	2f
	cmpq	$-4095, %rax
	jae	1b
	ret
2:	xorl	%ebp, %ebp
	popq	%rax
	popq	%rdi
	call	*%rax
	movl	%eax, %edi
	movl	$60, %eax		/* NR_exit: this thread alone */
	syscall
	hlt

/* Where a handler returns to; debuggers know a frame by these two opcodes. */
FUNCTION sigrestore
	movq	$15, %rax		/* NR_rt_sigreturn */
	syscall

	.section .note.GNU-stack, "", @progbits
