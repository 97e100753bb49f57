/*
 * A CPU's own tables and control registers: GDT, TSS with the stacks for the
 * exceptions that must not use the current one, IDT, the system-call MSRs, and
 * the protections SMEP, SMAP, UMIP. Every CPU calls trap_cpu_init once.
 *
 * Bits of CR4 are set only where CPUID has the feature: an emulator may hang
 * instead of raising an exception otherwise.
 *
 * Sources: Intel SDM vol. 3A, chapters 2.5 (control registers), 3.4.5
 * (descriptors), 6.14.5 (interrupt stack table), 8.7 (TSS).
 */
#include "asm.h"
#include "string.h"
#include "trap.h"
#include "x86.h"

/* SDM vol. 3A, 8.7. In 64-bit mode it holds no task, but stack pointers: rsp[0]
 * for entry from user mode, ist[] for gates that name one. */
struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map; /* past the limit: no port is allowed to user mode */
} __attribute__((packed));

/* SDM vol. 3A, 6.14.1. */
struct idt_gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_mid;
	uint32_t offset_high, reserved;
};

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/*
 * Exceptions that must not use the current stack. Double fault: it may be the
 * stack that is at fault. NMI and machine check: they come at any instruction,
 * also where rsp is still the user's (syscall_entry).
 */
enum { IST_DOUBLE_FAULT = 1, IST_NMI = 2, IST_MACHINE_CHECK = 3, NIST = 3 };

#define IST_STACK_SIZE 8192
#define GATE_INTERRUPT 0x8e /* present, ring 0, interrupts off */
#define GATE_USER      0x60 /* callable by int n in ring 3 */

/* An exception stack with this CPU's GS base on top; see vectors.S. The frame
 * begins right below gs_base, which is 16-aligned, as the processor wants. */
struct ist_stack {
	uint8_t bytes[IST_STACK_SIZE - 16];
	uint64_t gs_base;
	uint64_t reserved;
} __attribute__((aligned(16)));

extern const uint8_t vector_stubs[TRAP_VECTORS][16];
extern void syscall_entry(void);
extern const struct {
	uint64_t at, last_byte;
} smap_sites[], smap_sites_end[];

extern uint8_t percpu_start[], percpu_end[], percpu_template[];

/* For CPU 0 all of these work from the first instruction on (percpu.h). */
uint64_t percpu_offset[NCPU_MAX];
PERCPU(uint64_t, percpu_self);
PERCPU(uint32_t, cpu_number);
PERCPU(uint32_t, preempt_count) = PREEMPT_INITIAL;
PERCPU(struct md_thread *, md_current);
PERCPU(uint64_t, entry_stack_top);
void (*preempt_hook)(void);

static PERCPU(struct tss, cpu_tss);
static PERCPU(struct ist_stack, ist_stacks[NIST]);
/*
 * Each CPU has a GDT of its own because the TSS descriptor, two entries, is
 * its own, and the one that holds its number; the rest is the same. Flat
 * segments: in 64-bit mode only type, privilege and the bit L count.
 */
static PERCPU(uint64_t, gdt[11]) = {
	[SEL_KERNEL_CODE / 8] = 0x00af9b000000ffff,
	[SEL_KERNEL_DATA / 8] = 0x00cf93000000ffff,
	[SEL_USER_DATA / 8] = 0x00cff3000000ffff,
	[SEL_USER_CODE / 8] = 0x00affb000000ffff,
};
static struct idt_gate idt[TRAP_VECTORS]; /* of all CPUs */

struct cpu_features cpu_features;

/* Leaves are asked for only up to what leaf 0 and 0x80000000 say there is: a
 * processor answers for a leaf that it has not with another one's contents. */
static void
find_features(void)
{
	struct cpuid_result top = cpuid(0, 0), one = cpuid(1, 0);
	struct cpuid_result seven = { 0 }, x1, xs = { 0 };
	uint32_t extended = cpuid(0x80000000, 0).a, leaf;
	struct cpu_features *f = &cpu_features;

	memcpy(f->vendor, (uint32_t[]){ top.b, top.d, top.c }, 12);
	if (top.a >= 7)
		seven = cpuid(7, 0);
	if (top.a >= 0xd)
		xs = cpuid(0xd, 1);
	x1 = cpuid(0x80000001, 0);
	f->x2apic = one.c & 1u << 21;
	f->tsc_deadline = one.c & 1u << 24;
	f->xsave = one.c & 1u << 26;
	f->rdrand = one.c & 1u << 30;
	f->hypervisor = one.c & 1u << 31; /* by convention, not by Intel */
	f->pge = one.d & 1u << 13;
	f->fsgsbase = seven.b & 1u << 0;
	f->smep = seven.b & 1u << 7;
	f->smap = seven.b & 1u << 20;
	f->umip = seven.c & 1u << 2;
	f->nx = x1.d & 1u << 20;
	f->gbpages = x1.d & 1u << 26;
	f->xsaveopt = f->xsave && (xs.a & 1u);
	if (extended >= 0x80000004)
		for (leaf = 0; leaf < 3; leaf++) {
			struct cpuid_result r = cpuid(0x80000002 + leaf, 0);
			memcpy(f->brand + 16 * leaf, &r, 16);
		}
	if (extended >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).d & 1u << 8;
}

/* The kernel's text is still writable: mem maps it read-only later. No other
 * CPU runs yet that could execute the bytes half written. */
static void
patch_smap_sites(void)
{
	const __typeof__(smap_sites[0]) *site;

	for (site = smap_sites; site < smap_sites_end; site++) {
		uint8_t *insn = (uint8_t *)site->at;

		insn[0] = 0x0f;
		insn[1] = 0x01;
		insn[2] = site->last_byte;
	}
}

static void
set_gate(unsigned vector, unsigned ist, unsigned type)
{
	uint64_t handler = (uint64_t)vector_stubs[vector];

	idt[vector] = (struct idt_gate){
		.offset_low = handler,
		.selector = SEL_KERNEL_CODE,
		.ist = ist,
		.type = type,
		.offset_mid = handler >> 16,
		.offset_high = handler >> 32,
	};
}

/*
 * All gates are interrupt gates: interrupts are off at entry, or one could come
 * before swapgs. int3 and into may be executed by user programs; any other int
 * n is a general-protection fault there, so a program cannot feign an
 * interrupt.
 */
static void
fill_idt(void)
{
	unsigned vector;

	for (vector = 0; vector < TRAP_VECTORS; vector++)
		set_gate(vector, 0, GATE_INTERRUPT);
	set_gate(TRAP_DOUBLE_FAULT, IST_DOUBLE_FAULT, GATE_INTERRUPT);
	set_gate(TRAP_NMI, IST_NMI, GATE_INTERRUPT);
	set_gate(TRAP_MACHINE_CHECK, IST_MACHINE_CHECK, GATE_INTERRUPT);
	set_gate(TRAP_BREAKPOINT, 0, GATE_INTERRUPT | GATE_USER);
	set_gate(TRAP_OVERFLOW, 0, GATE_INTERRUPT | GATE_USER);
}

/* ltr marks the TSS descriptor busy and faults on a busy one, so each CPU does
 * this once. The descriptor's base is scattered (SDM vol. 3A, figure 8-4). */
static void
load_segments(void)
{
	struct tss *tss = this_cpu_ptr(cpu_tss);
	uint64_t *table = (uint64_t *)this_cpu_ptr(gdt);
	uint64_t base = (uint64_t)tss, limit = sizeof(*tss) - 1;
	struct table_register gdtr = { sizeof(gdt) - 1, (uint64_t)table };
	struct table_register idtr = { sizeof(idt) - 1, (uint64_t)idt };
	unsigned i;

	for (i = 0; i < NIST; i++) {
		struct ist_stack *stack = &(*this_cpu_ptr(ist_stacks))[i];

		stack->gs_base = this_cpu(percpu_self);
		tss->ist[i] = (uint64_t)&stack->gs_base;
	}
	tss->io_map = sizeof(*tss);
	table[SEL_TSS / 8] = limit | (base & 0xffffff) << 16 | 0x89UL << 40 |
			     (base >> 24 & 0xff) << 56;
	table[SEL_TSS / 8 + 1] = base >> 32;
	/* For programs that ask where they run (__vdso_getcpu): data,
	 * read-only, ring 3. 64-bit code has no other use for a segment's
	 * limit. */
	table[SEL_CPU / 8] = this_cpu(cpu_number) | 0xf1UL << 40;
	asm volatile("lgdt %0; lidt %1; ltr %w2"
		     :
		     : "m"(gdtr), "m"(idtr), "r"(SEL_TSS));
	/* Reload CS by a far return; the data segments are null in ring 0. */
	asm volatile("pushq %0; leaq 1f(%%rip), %%rax; pushq %%rax; lretq; 1:"
		     :
		     : "i"(SEL_KERNEL_CODE)
		     : "rax", "memory");
	asm volatile("movw %w0, %%ss" : : "r"(SEL_KERNEL_DATA));
}

/*
 * SMEP: the kernel does not execute user pages. SMAP: nor touch them by
 * mistake. UMIP: user programs cannot read the tables' addresses (sgdt). WP:
 * read-only holds for the kernel. TS and EM off: using the FPU does not trap.
 * FSGSBASE stays off: a user who could write the GS base could not harm the
 * kernel, but fsbase and gsbase would have to be read at each switch.
 */
static void
set_control_registers(void)
{
	uint64_t cr4 = read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT;

	if (cpu_features.pge)
		cr4 |= CR4_PGE;
	if (cpu_features.smep)
		cr4 |= CR4_SMEP;
	if (cpu_features.smap)
		cr4 |= CR4_SMAP;
	if (cpu_features.umip)
		cr4 |= CR4_UMIP;
	if (cpu_features.xsave)
		cr4 |= CR4_OSXSAVE;
	write_cr4(cr4);
	write_cr0((read_cr0() | CR0_WP | CR0_NE | CR0_MP) & ~(CR0_EM | CR0_TS));
}

static void
set_syscall_msrs(void)
{
	/*
	 * STAR (SDM vol. 3A, 5.8.8): syscall loads CS with bits 47:32, 0x10,
	 * and SS with 8 more. sysret loads CS with bits 63:48 plus 16 and SS
	 * with them plus 8, both with privilege 3: 0x33 and 0x2b.
	 *
	 * SFMASK: flags that are off on entry. IF: the stack is not ours yet.
	 * DF: C expects it off. AC: SMAP is closed. TF: no single step into
	 * the kernel. NT: iretq would fault.
	 */
	wrmsr(MSR_STAR, (uint64_t)SEL_KERNEL_CODE << 32 | 0x23UL << 48);
	wrmsr(MSR_LSTAR, (uint64_t)syscall_entry);
	wrmsr(MSR_SFMASK, RFLAGS_IF | RFLAGS_DF | RFLAGS_TF | RFLAGS_AC |
				  RFLAGS_NT | RFLAGS_IOPL);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE);
}

void
trap_cpu_init(void)
{
	load_segments();
	set_control_registers();
	set_syscall_msrs();
	fpu_cpu_init();
}

/* Two places, because the two ways in look in different ones. */
void
trap_set_kernel_stack(uint64_t top)
{
	this_cpu(entry_stack_top) = top;
	this_cpu(cpu_tss).rsp[0] = top;
}

static void
trap_init(void)
{
	/* Before anything here changes: the initial values for other CPUs. */
	memcpy(percpu_template, percpu_start, percpu_end - percpu_start);
	find_features();
	if (cpu_features.smap)
		patch_smap_sites();
	fill_idt();
	syscall_table_init();
	trap_cpu_init();
	kprintf("trap: %s, %s\n", cpu_features.vendor, cpu_features.brand);
}

CHAPTER_INIT(trap_init);
