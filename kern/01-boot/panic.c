/*
 * The end of the kernel: panic with a symbolised backtrace of every CPU, and
 * powering off. The text is made to be found by scripts: it starts with
 * "panic: " at the start of a line and ends with "panic: end".
 *
 * The symbol table is made from a first link of this image (see Makefile).
 * Frames are found by the frame pointers that the kernel is compiled with.
 */
#include "boot.h"
#include "x86.h"

#define BACKTRACE_MAX 32 /* a corrupt chain may be a circle */
#define NESTED_MAX    4	 /* panics while reporting a panic */

/* Exit devices: QEMU's isa-debug-exit; ACPI's port on QEMU; Bochs. */
#define QEMU_EXIT_PORT	0xf4
#define QEMU_EXIT_OK	0x10 /* QEMU exits with 2 * 0x10 + 1 = 33 */
#define QEMU_EXIT_PANIC 0x7f /* ... 255 */
#define ACPI_PM1A_PORT	0x604
#define ACPI_SLEEP_S5	0x2000
#define BOCHS_EXIT_PORT 0x8900
#define RESET_PORT	0xcf9
#define RESET_HARD	0x6
#define RESET_POLLS	100000
#define DELAY_PORT	0x80

/* As scripts/ksyms writes it: sorted by address. */
struct ksym {
	uint64_t address;
	uint32_t name; /* offset in ksym_names */
	uint32_t reserved;
};
/* Weak: a kernel without the table links and panics too. The first link, from
 * which it is made, holds an empty one. */
extern const struct ksym ksyms[] __attribute__((weak));
extern const uint32_t nksyms __attribute__((weak));
extern const char ksym_names[] __attribute__((weak));

struct panic_ops panic_ops;
bool panicking;

/* Binary search for the last symbol that is not above the address. */
const char *
symbol_lookup(uint64_t address, uint64_t *offset)
{
	uint32_t lo = 0, hi;

	if (!&nksyms || nksyms == 0 || address < ksyms[0].address)
		return NULL;
	/* Invariant: ksyms[lo].address <= address < ksyms[hi].address */
	for (hi = nksyms; hi - lo > 1;) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (ksyms[mid].address <= address)
			lo = mid;
		else
			hi = mid;
	}
	*offset = address - ksyms[lo].address;
	return ksym_names + ksyms[lo].name;
}

void
backtrace_line(uint64_t address)
{
	uint64_t offset = 0;
	const char *name = symbol_lookup(address, &offset);

	kprintf("  %016lx %s+%#lx\n", address, name ? name : "?", offset);
}

/* Whether a frame can lie here: in the kernel's half, aligned, and mapped.
 * Before chapter mem can tell what is mapped, only the image is trusted to be;
 * the stack is in it. A fault in here would be a panic within a panic. */
static bool
frame_readable(uint64_t rbp)
{
	if (rbp < DIRECT_MAP_BASE || rbp % 8)
		return false;
	if (panic_ops.readable)
		return panic_ops.readable(rbp) && panic_ops.readable(rbp + 8);
	return rbp >= KERNBASE;
}

/*
 * A frame, by the convention that -fno-omit-frame-pointer keeps: [rbp] is the
 * caller's rbp, [rbp + 8] the return address. Stacks grow downwards, so each
 * frame is above the last one; a chain that goes down, or leaves the kernel's
 * code, is broken or at its end.
 */
void
backtrace(uint64_t rip, uint64_t rbp)
{
	int depth;

	backtrace_line(rip);
	for (depth = 0; depth < BACKTRACE_MAX && frame_readable(rbp); depth++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		if (frame[1] < KERNBASE)
			break;
		/* The return address may be the next function's first byte,
		 * where the call is the last instruction (it does not come
		 * back: panic). One less is within the call. */
		backtrace_line(frame[1] - 1);
		if (frame[0] <= rbp)
			break;
		rbp = frame[0];
	}
}

static unsigned nested; /* reports that this one has come out of */
static bool begun;	/* panic_begin, and no panic since */

static uint32_t speaker; /* this_cpu_says of the CPU whose text is logged */

/* Not 0. CPUs are told apart by what they say of themselves (their APIC id):
 * the per-CPU data may be what is broken. */
static uint32_t
this_cpu_says(void)
{
	return (cpuid(1, 0).b >> 24) + 1;
}

void
panic_speak(void)
{
	__atomic_store_n(&speaker, this_cpu_says(), __ATOMIC_SEQ_CST);
}

bool
panic_is_elsewhere(void)
{
	return panicking &&
	       __atomic_load_n(&speaker, __ATOMIC_SEQ_CST) != this_cpu_says();
}

/* The first CPU that panics reports; any others stop and wait to be asked where
 * they are (panic_ops.stop_others). */
static void
become_reporter(void)
{
	static uint32_t reporter;
	uint32_t none = 0, me = this_cpu_says();

	cli();
	if (!__atomic_compare_exchange_n(&reporter, &none, me, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) &&
	    none != me)
		for (;;)
			hlt();
	panic_speak();
	panicking = true;
}

void
panic_begin(void)
{
	become_reporter();
	/* A report that faults or panics begins anew, a few times. */
	if (++nested > NESTED_MAX)
		power_off(false);
	begun = true;
}

/* Each step may fail itself, so the most telling one comes first: the message,
 * who runs, the chain of calls here, and then the other CPUs. */
void
panic(const char *fmt, ...)
{
	va_list ap;

	become_reporter();
	if (!begun)
		panic_begin();
	begun = false;
	kprintf("\npanic: ");
	va_start(ap, fmt);
	kvprintf(fmt, ap);
	va_end(ap);
	kprintf("\n");
	if (panic_ops.describe)
		panic_ops.describe();
	backtrace((uint64_t)__builtin_return_address(0) - 1,
		  *(uint64_t *)__builtin_frame_address(0));
	if (panic_ops.stop_others)
		panic_ops.stop_others();
	kprintf("panic: end\n");
	power_off(false);
}

/* Real machines need ACPI's interpreter for this, and are halted instead; the
 * ports are the emulators', and harmless where nothing listens. An orderly end
 * is an odd status that a triple fault, which ends QEMU with 0, cannot give. */
void
power_off(bool ok)
{
	const char *p;

	cli();
	if (ok)
		kprintf("power off\n");
	outb(QEMU_EXIT_PORT, ok ? QEMU_EXIT_OK : QEMU_EXIT_PANIC);
	for (p = "Shutdown"; *p; p++)
		outb(BOCHS_EXIT_PORT, *p);
	if (ok)
		outw(ACPI_PM1A_PORT, ACPI_SLEEP_S5);
	kprintf("the machine can be switched off now\n");
	for (;;)
		hlt();
}

void
machine_reset(void)
{
	const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) no_idt = { 0, 0 };
	unsigned i;

	cli();
	outb(RESET_PORT, RESET_HARD);
	/* Which takes effect soon; meanwhile, reads that take a microsecond. */
	for (i = 0; i < RESET_POLLS; i++)
		inb(DELAY_PORT);
	/* No chipset answered: an exception without an IDT resets the CPU. */
	asm volatile("lidt %0; ud2" : : "m"(no_idt));
	__builtin_unreachable();
}
