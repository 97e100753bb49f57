/*
 * The first instructions: from a loader's 32-bit protected mode to C in 64-bit
 * long mode. GRUB (multiboot2) and QEMU -kernel (PVH) both enter at _start with
 * paging off and flat segments; eax and ebx say which of the two it was.
 *
 * The page tables below are built by the assembler. They map the first 4 GiB
 * of physical memory three times: at 0 (for these instructions), at the direct
 * map, and its first GiB at -2 GiB, where the kernel is linked. Chapter mem
 * replaces them by tables with exact rights.
 *
 * Sources: Multiboot2 Specification 2.0, sections 3.1 and 3.3; Xen
 * docs/misc/pvh.pandoc (start of day ABI); Intel SDM vol. 3A, 9.8.5 (switching
 * to IA-32e mode).
 */
#define KERNBASE 0xffffffff80000000
#define PHYS(x) ((x) - KERNBASE)

/* Page-table entries, levels 2 to 4: SDM vol. 3A, table 4-15 and following. */
#define PTE_P 1
#define PTE_W 2
#define PTE_PS 0x80

/* Control registers: SDM vol. 3A, 2.5; EFER: 2.2.1. */
#define CR0_PE 1
#define CR0_MP 2
#define CR0_ET 0x10
#define CR0_NE 0x20
#define CR0_WP 0x10000
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800

#define MB2_MAGIC 0xe85250d6
#define MB2_ARCH_I386 0

	/*
	 * Multiboot2 header (3.1.2): magic, architecture, length, and what
	 * makes the sum of the four zero. Then tags, each 8-aligned: type,
	 * flags (bit 0: may be ignored), length.
	 */
	.section .boot.header, "a"
	.balign 8
mb2_header:
	.long MB2_MAGIC, MB2_ARCH_I386, mb2_header_end - mb2_header
	.long -(MB2_MAGIC + MB2_ARCH_I386 + (mb2_header_end - mb2_header))
	/* Information request: command line, memory map, both kinds of RSDP. */
	.balign 8
	.short 1, 0
	.long 24
	.long 1, 6, 14, 15
	/* Load modules on page boundaries. */
	.balign 8
	.short 6, 0
	.long 8
	/* End of tags. */
	.balign 8
	.short 0, 0
	.long 8
mb2_header_end:

	/*
	 * ELF note "Xen", type 18 (XEN_ELFNOTE_PHYS32_ENTRY): lengths of name
	 * and description, type, name, and the physical address to enter at.
	 */
	.section .note.pvh, "a", @note
	.balign 4
	.long 4, 8, 18
	.asciz "Xen"
	.quad PHYS(_start)

	.section .boot.text, "ax"
	.code32
	.globl _start
_start:
	cli			/* there is no IDT: an interrupt would reset */
	cld
	movl $PHYS(boot_stack_top), %esp
	movl %eax, %edi		/* loader magic: boot_main's first argument */
	movl %ebx, %esi		/* loader's information: the second */

	/* Long mode needs a processor that has it: ask before trusting. */
	movl $0x80000000, %eax
	cpuid
	cmpl $0x80000001, %eax
	jb no_long_mode
	movl $0x80000001, %eax
	cpuid			/* edx: bit 29 long mode, bit 20 no-execute */
	movl %edx, %ebp
	btl $29, %edx
	jnc no_long_mode

	/*
	 * In this order (SDM vol. 3A, 9.8.5): PAE, the tables, LME, and then
	 * paging, with which long mode begins. The instructions after that
	 * are fetched through the map at 0.
	 */
	movl %cr4, %eax
	orl $CR4_PAE, %eax
	movl %eax, %cr4
	movl $PHYS(boot_pml4), %eax
	movl %eax, %cr3

	movl $MSR_EFER, %ecx
	rdmsr
	orl $EFER_LME, %eax
	btl $20, %ebp		/* CPUID: no-execute pages */
	jnc 1f
	orl $EFER_NXE, %eax
1:	wrmsr

	/*
	 * Set the whole of CR0: paging, write protection for the kernel too,
	 * native FPU errors; and caches on (Bochs's BIOS leaves CD and NW set).
	 */
	movl $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
	movl %eax, %cr0
	/* Still 32-bit code, until CS is loaded with a descriptor that has L. */
	lgdt PHYS(boot_gdtr)
	ljmp $8, $PHYS(start64)

no_long_mode:
	/* There is no console yet: write to the first UART and stop. */
	movl $PHYS(no_long_mode_text), %ebx
	movw $0x3f8, %dx
1:	movb (%ebx), %al
	testb %al, %al
	jz 2f
	outb %al, %dx
	incl %ebx
	jmp 1b
2:	hlt
	jmp 2b

	.code64
start64:
	/*
	 * Segments other than FS and GS have no base in 64-bit mode; null is
	 * allowed in all but CS at ring 0 (SDM vol. 3A, 3.4.2 and 5.4.1.1).
	 */
	xorl %eax, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	movl %eax, %fs
	movl %eax, %gs
	movabsq $boot_stack_top, %rsp
	xorl %ebp, %ebp		/* ends a backtrace */
	movl %edi, %edi		/* the upper halves are undefined */
	movl %esi, %esi
	/* By its address at -2 GiB: a relative call would stay at 1 MiB. */
	movabsq $boot_main, %rax
	call *%rax
	ud2

	/* Until chapter trap loads its own. Two entries are all that long mode
	 * wants: the null one, and code (SDM vol. 3A, 3.4.5: P, S, type 0xb, L). */
	.section .rodata
	.balign 8
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 64-bit code, ring 0 */
boot_gdtr:
	.short boot_gdtr - boot_gdt - 1
	.long PHYS(boot_gdt)
no_long_mode_text:
	.asciz "panic: this processor has no 64-bit mode; hardtack needs one\r\n"

	/*
	 * The boot page tables. Rights are in the leaves alone; here all is
	 * writable and executable, until chapter mem loads its own. They are
	 * kept: chapter smp starts the other CPUs on them, for it needs a map
	 * at 0 again.
	 */
	.section .data
	.balign 4096
	.globl boot_pml4
boot_pml4:
	.quad PHYS(boot_pdpt_low) + PTE_P + PTE_W
	.fill 255, 8, 0
	.quad PHYS(boot_pdpt_low) + PTE_P + PTE_W	/* slot 256: direct map */
	.fill 254, 8, 0
	.quad PHYS(boot_pdpt_high) + PTE_P + PTE_W	/* slot 511: -512 GiB */
boot_pdpt_low:
	.quad PHYS(boot_pd) + 0x0000 + PTE_P + PTE_W
	.quad PHYS(boot_pd) + 0x1000 + PTE_P + PTE_W
	.quad PHYS(boot_pd) + 0x2000 + PTE_P + PTE_W
	.quad PHYS(boot_pd) + 0x3000 + PTE_P + PTE_W
	.fill 508, 8, 0
boot_pdpt_high:
	.fill 510, 8, 0
	.quad PHYS(boot_pd) + PTE_P + PTE_W		/* slot 510: -2 GiB */
	.quad 0
	/* Four page directories in a row: 2048 entries of 2 MiB are 4 GiB. */
boot_pd:
	.set addr, 0
	.rept 2048
	.quad addr + PTE_P + PTE_W + PTE_PS
	.set addr, addr + 0x200000
	.endr

	/* A guard page that chapter mem unmaps, and the boot stack above it. */
	.section .bss
	.balign 4096
	.globl boot_stack_guard, boot_stack_top
boot_stack_guard:
	.skip 4096
	.skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
