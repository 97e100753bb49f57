/*
 * Where a started CPU begins: real mode, at a page below 1 MiB to which start.c
 * has copied the code between trampoline_start and trampoline_end. It goes the
 * way of chapter boot's entry.S to long mode, on the boot page tables, and
 * then to the kernel's text, where it takes the kernel's page table, its stack
 * and its GS base.
 *
 * Source: Intel SDM vol. 3A, 8.4.4 (MP initialisation example).
 */
#define KERNBASE 0xffffffff80000000
#define TRAMPOLINE 0x8000
#define AT(x) ((x) - trampoline_start + TRAMPOLINE)

#define CR0_VALUE 0x80010033 /* PG WP NE ET MP PE; caches on */
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define MSR_GS_BASE 0xc0000101

	.section .rodata
	.code16
	.globl trampoline_start, trampoline_end
	/* Real mode: CS is the page number * 256, and IP is 0; addresses of
	 * data are relative to DS, so AT() with DS = 0 is physical. */
trampoline_start:
	cli
	cld
	xorw %ax, %ax
	movw %ax, %ds
	lgdtl AT(gdtr)
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	ljmpl $8, $AT(protected)

	.code32
protected:
	movw $16, %ax
	movw %ax, %ds
	movw %ax, %ss
	/* The kernel's own root may lie above 4 GiB, and has no map at 0; the
	 * boot tables are below and have one. */
	movl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $(boot_pml4 - KERNBASE), %eax
	movl %eax, %cr3
	movl $MSR_EFER, %ecx
	/* CPU 0's EFER: with NXE, or the kernel's tables would have reserved
	 * bits set. LMA is the processor's to set. */
	movl ap_efer - KERNBASE, %eax
	xorl %edx, %edx
	wrmsr
	movl $CR0_VALUE, %eax
	movl %eax, %cr0
	ljmpl $24, $AT(long_mode)

	.code64
long_mode:
	movabsq $ap_entry, %rax
	jmp *%rax

	.balign 8
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 8: 32-bit code */
	.quad 0x00cf93000000ffff	/* 16: data */
	.quad 0x00af9b000000ffff	/* 24: 64-bit code */
gdtr:
	.short gdtr - gdt - 1
	.long AT(gdt)
trampoline_end:

	.text
	/* At the kernel's own address: the map at 0 goes with this CR3. The GS
	 * base comes before any C: compiled code uses per-CPU variables. */
ap_entry:
	movq ap_cr3(%rip), %rax
	movq %rax, %cr3
	movq ap_stack(%rip), %rsp
	movl $MSR_GS_BASE, %ecx
	movl ap_gs_base(%rip), %eax
	movl ap_gs_base + 4(%rip), %edx
	wrmsr
	xorl %ebp, %ebp
	call ap_main
	ud2

	.section .note.GNU-stack, "", @progbits
