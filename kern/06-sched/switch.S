/*
 * Switching kernel stacks. Only what a function call must preserve is saved;
 * the rest is on the stack of whoever called. Between the two halves a thread
 * sleeps for however long.
 */
#include "asm.h"

	.text

/* void switch_stacks(uint64_t *save_rsp, uint64_t load_rsp) */
FUNCTION(switch_stacks)
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* Where a new thread's first switch returns to. */
FUNCTION(thread_first)
	xorl %ebp, %ebp
	call thread_begin
	ud2

	.section .note.GNU-stack, "", @progbits
