/*
 * Stubs of lab sched for switch.S: scripts/lab puts their bodies in place of
 * the chapter's. Never assembled from here.
 */

FUNCTION(switch_stacks)
	/*
	 * Exercise 1. Save on this stack what a function must preserve for its
	 * caller, store the stack pointer where %rdi points to, go over to the
	 * stack that %rsi points to, and restore the same from there. What
	 * first_stack lays down must look as if this had saved it.
	 */
	leaq 1f(%rip), %rdi
	xorl %eax, %eax
	call panic
1:	.asciz "exercise 1: switch_stacks() is yours to write"

