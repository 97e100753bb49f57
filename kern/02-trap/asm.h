/*
 * What assembly shares with C: offsets in struct trapframe (checked by
 * static assertions in dispatch.c) and the two tables that code fills.
 */
#ifndef ASM_H
#define ASM_H

#define TF_R11	      48
#define TF_RAX	      80
#define TF_RCX	      88
#define TF_RIP	      136
#define TF_CS	      144
#define TF_RFLAGS     152
#define TF_SIZE	      176

#define RFLAGS_TF_BIT 8 /* single step */

#ifdef __ASSEMBLER__

#define SEL_USER_DATA 0x2b
#define SEL_USER_CODE 0x33
#define TRAP_SYSCALL  256
#define MSR_GS_BASE   0xc0000101

/* Not for clang-format, which takes directives for C. */
/* clang-format off */
#define FUNCTION(name)                                                         \
	.globl name;                                                           \
	.type name, @function;                                                 \
	.balign 16;                                                            \
	name:

/*
 * Three bytes that become `insn` (stac or clac) on a CPU with SMAP: 0f 1f 00
 * is a NOP of that length, and cpu.c writes 0f 01 cb or 0f 01 ca over it. A
 * test of a variable would cost more than the instruction does.
 */
#define SMAP_SITE(insn) SMAP_SITE_##insn
#define SMAP_SITE_stac SMAP_SITE_BYTES(0xcb)
#define SMAP_SITE_clac SMAP_SITE_BYTES(0xca)
#define SMAP_SITE_BYTES(last)                                                  \
	991: .byte 0x0f, 0x1f, 0x00;                                           \
	.pushsection .smap_site, "a";                                          \
	.quad 991b, last;                                                      \
	.popsection

/* A fault at `at` continues at `to` instead of ending in a panic; there, the
 * registers are as they were at the fault. dispatch.c: fix_up. */
#define FIXUP(at, to)                                                          \
	.pushsection .fixup_table, "a";                                        \
	.quad at, to;                                                          \
	.popsection
/* clang-format on */

#endif
#endif
