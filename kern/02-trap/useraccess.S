/*
 * The only instructions of the kernel that touch user memory. Each may fault:
 * the page-fault handler makes the page accessible and resumes, or jumps to
 * the fix-up that is registered for the instruction (FIXUP). Callers in
 * usercopy.c have checked that the range is in user space.
 *
 * rep movsq copies 8 bytes an iteration; where it faults, rcx and rdx say what
 * was not copied, and that is tried byte by byte: some of the 8 may lie before
 * the page that is not there, and they count. The processor keeps rcx, rsi and
 * rdi up to date at each iteration (SDM vol. 1, 7.3.9.2), so a fault in the
 * middle resumes there.
 *
 * SMAP is open from stac to clac and for nothing else (TRAP2). An exception in
 * between saves the AC flag with rflags and closes it for its handler; a thread
 * that sleeps in the fault so takes its open door along with its frame.
 */
#include "asm.h"

	.text

/* size_t usercopy(void *to, const void *from, size_t len): bytes not copied */
FUNCTION(usercopy)
	movq %rdx, %rcx
	shrq $3, %rcx
	andl $7, %edx
	SMAP_SITE(stac)
1:	rep movsq
	movl %edx, %ecx
2:	rep movsb
3:	SMAP_SITE(clac)
	movq %rcx, %rax
	ret
4:	leaq (%rdx, %rcx, 8), %rcx	/* words left and odd bytes, in bytes */
	jmp 2b
	FIXUP(1b, 4b)
	FIXUP(2b, 3b)

/* size_t userzero(void *to, size_t len): bytes not zeroed */
FUNCTION(userzero)
	movq %rsi, %rcx
	shrq $3, %rcx
	andl $7, %esi
	xorl %eax, %eax
	SMAP_SITE(stac)
1:	rep stosq
	movl %esi, %ecx
2:	rep stosb
3:	SMAP_SITE(clac)
	movq %rcx, %rax
	ret
4:	leaq (%rsi, %rcx, 8), %rcx
	jmp 2b
	FIXUP(1b, 4b)
	FIXUP(2b, 3b)

/*
 * int64_t userstring(char *to, const char *from, size_t size): length without
 * the NUL; size if there is no NUL; -1 on a fault.
 */
FUNCTION(userstring)
	xorl %eax, %eax
	SMAP_SITE(stac)
1:	cmpq %rdx, %rax
	je 3f
2:	movb (%rsi, %rax), %cl
	movb %cl, (%rdi, %rax)
	testb %cl, %cl
	jz 3f
	incq %rax
	jmp 1b
3:	SMAP_SITE(clac)
	ret
4:	movq $-1, %rax
	jmp 3b
	FIXUP(2b, 4b)

/*
 * int usercmpxchg(uint32_t *at, uint32_t *old, uint32_t new): 0, -1 on fault.
 * `old` is the kernel's memory, touched outside of the open region.
 */
FUNCTION(usercmpxchg)
	movl (%rsi), %eax
	SMAP_SITE(stac)
1:	lock cmpxchgl %edx, (%rdi)
	SMAP_SITE(clac)
	movl %eax, (%rsi)
	xorl %eax, %eax
	ret
2:	SMAP_SITE(clac)
	movl $-1, %eax
	ret
	FIXUP(1b, 2b)

	.section .note.GNU-stack, "", @progbits
