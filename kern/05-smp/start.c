/*
 * Starting the other CPUs, one after another: each gets its copy of the per-CPU
 * variables and a stack, and is woken by INIT and start-up messages. And the
 * NMI: it stops the other CPUs at a panic.
 *
 * Source: Intel SDM vol. 3A, 8.4.4.1.
 */
#include "smp_internal.h"
#include "string.h"

/* The manual's waits: 10 ms after INIT, 200 us after each STARTUP. */
#define TRAMPOLINE    0x8000 /* below 1 MiB: mem leaves that alone */
#define INIT_WAIT_NS  10000000
#define SIPI_WAIT_NS  200000
#define START_WAIT_NS 5000000000

extern const uint8_t trampoline_start[], trampoline_end[];
extern uint8_t percpu_start[], percpu_end[], percpu_template[];

/* What trampoline.S loads. Reset-safe: one CPU starts at a time. */
uint32_t ap_efer;
uint64_t ap_cr3, ap_stack, ap_gs_base;
static _Atomic unsigned ap_arrived; /* number of the CPU that is up */
static unsigned ap_number;

unsigned cpu_count = 1;
struct smp_ops smp_ops;

void ap_main(void);

/* A started CPU's first C code. It arrives last of all, when nothing in the
 * shared cells is needed any more: the next CPU's are written then. */
void
ap_main(void)
{
	this_cpu(percpu_self) = ap_gs_base;
	this_cpu(cpu_number) = ap_number;
	trap_cpu_init();
	lapic_cpu_init();
	rcu_quiescent();
	atomic_store(&ap_arrived, ap_number);
	/* sched may come later: wait for it, answering calls. */
	for (;;) {
		void (*cpu_main)(void) =
			__atomic_load_n(&smp_ops.cpu_main, __ATOMIC_ACQUIRE);

		if (cpu_main)
			cpu_main();
		rcu_idle_enter();
		sti_hlt();
		cli();
	}
}

/* The per-CPU variables begin as CPU 0's did, by the copy that was made before
 * any of them changed. */
static bool
prepare(unsigned cpu)
{
	size_t len = percpu_end - percpu_start;
	unsigned order = 0;
	struct page *page;

	while (PAGE_SIZE << order < len)
		order++;
	page = page_alloc(order, PAGE_KERNEL, ALLOC_ZERO);
	ap_stack = kstack_alloc();
	if (!page || !ap_stack)
		return false;
	memcpy(page_address(page), percpu_template, len);
	percpu_offset[cpu] =
		(uint64_t)page_address(page) - (uint64_t)percpu_start;
	ap_gs_base = percpu_offset[cpu];
	ap_number = cpu;
	return true;
}

/* A second STARTUP is sent only where the first was not enough: an old
 * processor may miss one. 5 s: an emulator's host may be busy. */
static bool
wake(unsigned cpu, uint32_t apic_id)
{
	uint64_t deadline;
	int i;

	lapic_send(apic_id, IPI_INIT);
	spin_delay_ns(INIT_WAIT_NS);
	for (i = 0; i < 2 && ap_arrived != cpu; i++) {
		lapic_send(apic_id, IPI_STARTUP | TRAMPOLINE >> PAGE_SHIFT);
		spin_delay_ns(SIPI_WAIT_NS);
	}
	deadline = clock_ns() + START_WAIT_NS;
	while (ap_arrived != cpu && clock_ns() < deadline)
		cpu_pause();
	return ap_arrived == cpu;
}

/* One by one, since they share the cells below ap_efer. The MADT lists this CPU
 * as well. */
void
cpus_start(void)
{
	unsigned i, limit = command_line_number("cpus", NCPU_MAX);

	memcpy(direct_map(TRAMPOLINE), trampoline_start,
	       trampoline_end - trampoline_start);
	ap_efer = (uint32_t)rdmsr(MSR_EFER) & (EFER_LME | EFER_NXE | EFER_SCE);
	ap_cr3 = read_cr3();
	for (i = 0; i < acpi_info.ncpus && cpu_count < limit; i++) {
		if (acpi_info.apic_ids[i] == cpu_apic_id[0])
			continue;
		if (!prepare(cpu_count)) {
			kprintf("smp: no memory for another CPU\n");
			break;
		}
		if (!wake(cpu_count, acpi_info.apic_ids[i])) {
			/* It may still wake up: leave its memory to it, and
			 * start no other, which would use the same cells. */
			kprintf("smp: the CPU with APIC id %u does not start\n",
				acpi_info.apic_ids[i]);
			break;
		}
		cpu_count++;
	}
	kprintf("smp: %u CPU%s\n", cpu_count, cpu_count == 1 ? "" : "s");
}

/* ---- NMI: a panic elsewhere, or somebody who wants to know ---- */

#define STOP_WAIT_TSC 2000000000 /* about a second; the clock may be broken */

static _Atomic unsigned stopped;

/* Prints where this CPU is. At a panic it counts itself as stopped, and stops.
 * Else an NMI may have come to all at once: they print by turns, which a panic
 * ends. */
static void
nmi(struct trapframe *tf)
{
	static _Atomic bool printing;

	while (!panicking && atomic_exchange(&printing, true))
		cpu_pause();
	if (panicking)
		panic_speak();
	kprintf("cpu %u at\n", cpu_id());
	backtrace(tf->rip, tf->rbp);
	if (!panicking) {
		printing = false;
		return;
	}
	atomic_fetch_add(&stopped, 1);
	for (;;)
		hlt();
}

/* One after another, so that their chains of calls are not mixed. A CPU that
 * does not answer an NMI is stuck in one, or gone. */
static void
stop_others(void)
{
	unsigned cpu, before;
	uint64_t start;

	for (cpu = 0; cpu < cpu_count; cpu++) {
		if (cpu == cpu_id())
			continue;
		before = stopped;
		lapic_send(cpu_apic_id[cpu], IPI_NMI);
		start = rdtsc();
		while (stopped == before && rdtsc() - start < STOP_WAIT_TSC)
			cpu_pause();
		panic_speak();
		if (stopped == before)
			kprintf("cpu %u does not answer\n", cpu);
	}
}

/* All CPUs: the kernel's half is loaded on each. The shift is by two steps, for
 * one by 64 is undefined. */
static void
flush_kernel(vaddr_t va, size_t len)
{
	tlb_shootdown((1UL << (cpu_count - 1) << 1) - 1, va, len);
}

/*
 * In order of need: the tables say where the controllers and the timer are; the
 * clock is needed to wait; the local APIC to send; interrupts come on, for the
 * first time, when all that could come has a handler. The hooks are filled
 * last: a panic before that stops nobody else.
 */
static void
smp_init(void)
{
	acpi_init();
	irq_init();
	clock_init();
	lapic_init();
	lapic_timer_calibrate();
	sti();
	cpus_start();
	clock_compare_cpus();
	trap_ops.nmi = nmi;
	panic_ops.stop_others = stop_others;
	kernel_tlb_flush = flush_kernel;
}

CHAPTER_INIT(smp_init);
