/*
 * Self-tests of chapter proc: processes and threads in user mode. Their code is
 * a few instructions, put in a page of a process's memory: there are no
 * programs yet.
 */
#include "abi/signal.h"
#include "test_proc.h"

#define STACK_BASE 0x800000UL
#define STACK_SIZE (4 * PAGE_SIZE)

asm(".section .rodata\n"
    /* fork; the child exits with 41, the parent with one more than it */
    "test_fork:\n"
    "	movl $57, %eax\n"
    "	syscall\n"
    "	testl %eax, %eax\n"
    "	jz 1f\n"
    "	movq $-1, %rdi\n"
    "	leaq -64(%rsp), %rsi\n"
    "	xorl %edx, %edx\n"
    "	xorl %r10d, %r10d\n"
    "	movl $61, %eax\n"
    "	syscall\n"
    "	movzbl -63(%rsp), %edi\n"
    "	incl %edi\n"
    "	jmp 2f\n"
    "1:	movl $41, %edi\n"
    "2:	movl $231, %eax\n"
    "	syscall\n"
    "test_fork_end:\n"
    /* vfork; the child changes a word of the memory that both have */
    "test_vfork:\n"
    "	movq $5, -256(%rsp)\n"
    "	movl $58, %eax\n"
    "	syscall\n"
    "	testl %eax, %eax\n"
    "	jz 1f\n"
    "	movq $-1, %rdi\n"
    "	xorl %esi, %esi\n"
    "	xorl %edx, %edx\n"
    "	xorl %r10d, %r10d\n"
    "	movl $61, %eax\n"
    "	syscall\n"
    "	movl -256(%rsp), %edi\n"
    "	movl $231, %eax\n"
    "	syscall\n"
    "1:	movq $77, -256(%rsp)\n"
    "	xorl %edi, %edi\n"
    "	movl $60, %eax\n"
    "	syscall\n"
    "test_vfork_end:\n"
    /* a thread (VM FS FILES SIGHAND THREAD CHILD_CLEARTID) writes 9 to a word
     * and ends; wait until the kernel has cleared its tid */
    "test_thread:\n"
    "	subq $4096, %rsp\n"
    "	movq $1, 512(%rsp)\n"
    "	movl $0x210f00, %edi\n"
    "	leaq 256(%rsp), %rsi\n"
    "	xorl %edx, %edx\n"
    "	leaq 512(%rsp), %r10\n"
    "	movl $56, %eax\n"
    "	syscall\n"
    "	testq %rax, %rax\n"
    "	jz 2f\n"
    "1:	movl $24, %eax\n"
    "	syscall\n"
    "	cmpl $0, 512(%rsp)\n"
    "	jne 1b\n"
    "	movl 264(%rsp), %edi\n"
    "	movl $231, %eax\n"
    "	syscall\n"
    "2:	movq $9, 8(%rsp)\n"
    "	movl $60, %eax\n"
    "	syscall\n"
    "test_thread_end:\n"
    /* touches nothing's address */
    "test_crash:\n"
    "	movl 8, %eax\n"
    "test_crash_end:\n"
    "	.text\n");

struct code {
	const uint8_t *start, *end;
};

/* Become that code. */
static void
run_code(void *arg)
{
	const struct code *c = arg;

	test_process_begin();
	if (copyout((void *)TEST_BASE, c->start, c->end - c->start))
		test_process_end(false);
	vm_protect(current()->vmspace, TEST_BASE, PAGE_SIZE,
		   PROT_READ | PROT_EXEC);
	vm_map(current()->vmspace, STACK_BASE, STACK_SIZE,
	       PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED, NULL, 0, true);
	user_state_init(TEST_BASE, STACK_BASE + STACK_SIZE);
	heap_end();
	trap_enter_user(current()->md.user_frame);
}

#define RUN(name)                                                              \
	({                                                                     \
		extern const uint8_t test_##name[], test_##name##_end[];       \
		struct code _c = { test_##name, test_##name##_end };           \
		test_run_process(run_code, &_c);                               \
	})

SELFTEST(proc_fork_and_wait_in_user_mode)
{
	CHECK(RUN(fork) == W_EXITCODE(42, 0));
}

SELFTEST(proc_vfork_shares_memory_and_holds_the_parent)
{
	CHECK(RUN(vfork) == W_EXITCODE(77, 0));
}

SELFTEST(proc_thread_shares_memory_and_clears_its_tid)
{
	CHECK(RUN(thread) == W_EXITCODE(9, 0));
}

SELFTEST(proc_fault_in_user_mode_ends_the_process)
{
	CHECK(RUN(crash) == SIGSEGV);
}
