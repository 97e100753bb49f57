/*
 * setjmp and longjmp: the registers that a function must keep, the stack as it
 * is after the return, and the return address. sigsetjmp goes on in C.
 */
	.text
	.balign	16
	.globl	setjmp
	.type	setjmp, @function
setjmp:
	xorl	%esi, %esi
	.globl	sigsetjmp
	.type	sigsetjmp, @function
sigsetjmp:
	movq	%rbx, 0(%rdi)
	movq	%rbp, 8(%rdi)
	movq	%r12, 16(%rdi)
	movq	%r13, 24(%rdi)
	movq	%r14, 32(%rdi)
	movq	%r15, 40(%rdi)
	leaq	8(%rsp), %rax
	movq	%rax, 48(%rdi)
	movq	(%rsp), %rax
	movq	%rax, 56(%rdi)
	movslq	%esi, %rax
	movq	%rax, 64(%rdi)
	testl	%esi, %esi
	jnz	sigsetjmp_save		/* it returns 0 to our caller */
	xorl	%eax, %eax
	ret

	.balign	16
	.globl	longjmp_registers
	.type	longjmp_registers, @function
longjmp_registers:
	movl	%esi, %eax
	testl	%eax, %eax
	jnz	1f
	incl	%eax			/* longjmp(env, 0) gives 1 */
1:	movq	0(%rdi), %rbx
	movq	8(%rdi), %rbp
	movq	16(%rdi), %r12
	movq	24(%rdi), %r13
	movq	32(%rdi), %r14
	movq	40(%rdi), %r15
	movq	48(%rdi), %rsp
	jmp	*56(%rdi)
	.section .note.GNU-stack, "", @progbits
