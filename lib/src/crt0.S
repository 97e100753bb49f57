/*
 * The program's first instructions. The kernel leaves at rsp: argc, the
 * arguments, NULL, the environment, NULL, the auxiliary vector (System V ABI
 * for x86-64, 3.4.1). rbp = 0 ends a debugger's backtrace.
 */
	.section .text.start, "ax"
	.globl	_start
	.type	_start, @function
_start:
	xorl	%ebp, %ebp
	movq	%rsp, %rdi
	andq	$-16, %rsp
	call	start_c
	hlt
	.size	_start, . - _start
	.section .note.GNU-stack, "", @progbits
