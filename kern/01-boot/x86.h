/*
 * The instructions that C has no word for. Sources: Intel SDM vol. 2; each
 * function is one instruction, named after it.
 */
#ifndef X86_H
#define X86_H

#include <stdint.h>

/* Flags: SDM vol. 1, 3.4.3. */
#define RFLAGS_CF   0x1
#define RFLAGS_TF   0x100
#define RFLAGS_IF   0x200
#define RFLAGS_DF   0x400
#define RFLAGS_IOPL 0x3000
#define RFLAGS_NT   0x4000
#define RFLAGS_RF   0x10000
#define RFLAGS_AC   0x40000

/* Control registers: SDM vol. 3A, 2.5. */
#define CR0_MP	       0x2
#define CR0_EM	       0x4
#define CR0_TS	       0x8
#define CR0_NE	       0x20
#define CR0_WP	       0x10000

#define CR4_PGE	       0x80
#define CR4_OSFXSR     0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP       0x800
#define CR4_FSGSBASE   0x10000
#define CR4_OSXSAVE    0x40000
#define CR4_SMEP       0x100000
#define CR4_SMAP       0x200000

/* Model-specific registers: SDM vol. 4, 2.1. */
#define MSR_APIC_BASE	   0x1b
#define MSR_PAT		   0x277
#define MSR_EFER	   0xc0000080
#define MSR_STAR	   0xc0000081
#define MSR_LSTAR	   0xc0000082
#define MSR_CSTAR	   0xc0000083
#define MSR_SFMASK	   0xc0000084
#define MSR_FS_BASE	   0xc0000100
#define MSR_GS_BASE	   0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102

#define EFER_SCE	   0x1
#define EFER_LME	   0x100
#define EFER_NXE	   0x800

/*
 * All are volatile: the compiler neither drops nor repeats them. Those with a
 * "memory" clobber are compiler barriers as well: loads and stores stay on
 * their side of them. Port accesses have none; a driver that needs order
 * between a port and memory says so itself.
 */

static inline uint8_t
inb(uint16_t port)
{
	uint8_t v;
	asm volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint16_t
inw(uint16_t port)
{
	uint16_t v;
	asm volatile("inw %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline uint32_t
inl(uint16_t port)
{
	uint32_t v;
	asm volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static inline void
outb(uint16_t port, uint8_t v)
{
	asm volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
outw(uint16_t port, uint16_t v)
{
	asm volatile("outw %0, %1" : : "a"(v), "Nd"(port));
}

static inline void
outl(uint16_t port, uint32_t v)
{
	asm volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

/* A barrier: what stands after it is done with interrupts off. */
static inline void
cli(void)
{
	asm volatile("cli" : : : "memory");
}

static inline void
sti(void)
{
	asm volatile("sti" : : : "memory");
}

static inline void
hlt(void)
{
	asm volatile("hlt" : : : "memory");
}

/** Enable interrupts and halt; none can slip in between: STI takes effect
 * after the next instruction (SDM vol. 2, STI). With the two apart, the
 * interrupt that was to end the halt could come before it. */
static inline void
sti_hlt(void)
{
	asm volatile("sti; hlt" : : : "memory");
}

/* In a loop that waits: lets the other hyper-thread run, and a barrier, so that
 * the loop's condition is read anew. */
static inline void
cpu_pause(void)
{
	asm volatile("pause" : : : "memory");
}

static inline uint64_t
read_rflags(void)
{
	uint64_t v;
	asm volatile("pushfq; popq %0" : "=r"(v) : : "memory");
	return v;
}

static inline uint64_t
read_cr0(void)
{
	uint64_t v;
	asm volatile("movq %%cr0, %0" : "=r"(v));
	return v;
}

static inline void
write_cr0(uint64_t v)
{
	asm volatile("movq %0, %%cr0" : : "r"(v) : "memory");
}

/* The address of the last page fault (SDM vol. 3A, 4.7). */
static inline uint64_t
read_cr2(void)
{
	uint64_t v;
	asm volatile("movq %%cr2, %0" : "=r"(v));
	return v;
}

static inline uint64_t
read_cr3(void)
{
	uint64_t v;
	asm volatile("movq %%cr3, %0" : "=r"(v) : : "memory");
	return v;
}

/* Changes the page table, and drops all of this CPU's TLB but global pages. */
static inline void
write_cr3(uint64_t v)
{
	asm volatile("movq %0, %%cr3" : : "r"(v) : "memory");
}

static inline uint64_t
read_cr4(void)
{
	uint64_t v;
	asm volatile("movq %%cr4, %0" : "=r"(v));
	return v;
}

static inline void
write_cr4(uint64_t v)
{
	asm volatile("movq %0, %%cr4" : : "r"(v) : "memory");
}

/* Drops one page's entry, global or not, from this CPU's TLB alone. */
static inline void
invlpg(uint64_t va)
{
	asm volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline uint64_t
rdmsr(uint32_t msr)
{
	uint32_t lo, hi;
	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (uint64_t)hi << 32 | lo;
}

static inline void
wrmsr(uint32_t msr, uint64_t v)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
		     : "memory");
}

/* Not serialising: it may be done before what stands ahead of it is finished.
 */
static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;
	asm volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static inline void
xsetbv(uint32_t reg, uint64_t v)
{
	asm volatile("xsetbv"
		     :
		     : "c"(reg), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
}

struct cpuid_result {
	uint32_t a, b, c, d;
};

static inline struct cpuid_result
cpuid(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid_result r;
	asm volatile("cpuid"
		     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
		     : "a"(leaf), "c"(subleaf));
	return r;
}

#endif
