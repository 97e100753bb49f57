/*
 * Interrupts from devices: the table of handlers by vector, and the I/O APICs
 * that turn lines into vectors. The old PICs are moved out of the way and
 * masked. All device interrupts go to CPU 0.
 *
 * Sources: Intel 82093AA data sheet (I/O APIC); SDM vol. 3A, 10.11 (MSI).
 */
#include "smp_internal.h"

#define PIC1		   0x20
#define PIC2		   0xa0

#define IOAPIC_VERSION	   0x01
#define IOAPIC_REDIR(pin)  (0x10 + 2 * (pin))
#define REDIR_MASKED	   0x10000u
#define REDIR_LEVEL	   0x8000u
#define REDIR_ACTIVE_LOW   0x2000u

#define INTI_POLARITY	   0x3 /* MPS INTI flags (ACPI 5.2.12.5) */
#define INTI_POLARITY_LOW  0x3
#define INTI_TRIGGER	   0xc
#define INTI_TRIGGER_LEVEL 0xc

#define SHARED_MAX	   4

/* Handlers are added, never removed; n is raised after an entry is complete,
 * so the dispatcher needs no lock. */
struct vector { /* one a vector; SHARED_MAX devices on one line is plenty */
	struct {
		irq_handler_fn fn;
		void *arg;
	} handlers[SHARED_MAX];
	_Atomic unsigned n;
	const char *name;
	uint64_t count;
	uint32_t gsi; /* that is routed here, + 1 */
};

/* irq_lock guards the I/O APICs' index registers and the choice of vectors. */
static struct vector vectors[TRAP_VECTORS];
static struct spinlock irq_lock = SPINLOCK("irq"); /* routing changes */
static struct {
	volatile uint32_t *regs;
	uint32_t gsi_base, npins;
} ioapics[IOAPICS_MAX];
static unsigned nioapics;

/* Two registers are visible: which one, at 0, and its contents, at 0x10
 * (82093AA, 3.1). So a pair of accesses must not be torn by another one. */
static uint32_t
ioapic_read(unsigned i, unsigned reg)
{
	ioapics[i].regs[0] = reg;
	return ioapics[i].regs[4];
}

static void
ioapic_write(unsigned i, unsigned reg, uint32_t v)
{
	ioapics[i].regs[0] = reg;
	ioapics[i].regs[4] = v;
}

/* The four bytes that each 8259A wants (ICW1 to ICW4), then the mask. */
static void
pic_disable(void)
{
	/* Remap to 0x20-0x2f, so that a stray one is no exception; mask all. */
	outb(PIC1, 0x11);
	outb(PIC2, 0x11);
	outb(PIC1 + 1, 0x20);
	outb(PIC2 + 1, 0x28);
	outb(PIC1 + 1, 4);
	outb(PIC2 + 1, 2);
	outb(PIC1 + 1, 1);
	outb(PIC2 + 1, 1);
	outb(PIC1 + 1, 0xff);
	outb(PIC2 + 1, 0xff);
}

/* All pins masked: the firmware may have left some on. */
static void
ioapic_init(const struct acpi_ioapic *info)
{
	unsigned i = nioapics++, pin;

	ioapics[i].regs = mmio_map(info->base, 0x20);
	ioapics[i].gsi_base = info->gsi_base;
	ioapics[i].npins = (ioapic_read(i, IOAPIC_VERSION) >> 16 & 0xff) + 1;
	for (pin = 0; pin < ioapics[i].npins; pin++)
		ioapic_write(i, IOAPIC_REDIR(pin), REDIR_MASKED);
}

/* ---- Dispatch ---- */

/* Who shares a line is asked in turn: each handler finds out whether it was its
 * device. */
static void
run_handlers(struct vector *v)
{
	unsigned i, n = atomic_load_explicit(&v->n, memory_order_acquire);

	v->count++;
	for (i = 0; i < n; i++)
		v->handlers[i].fn(v->handlers[i].arg);
}

/*
 * Every interrupt. The count says that this is a handler (in_interrupt), and
 * forbids switching; trap looks for a reschedule after it is back down.
 *
 * The end of interrupt comes first for messages of our own (timer, calls),
 * which do not come again before they are asked for, and last for devices: a
 * line that is still up would raise the interrupt again. A spurious one wants
 * none.
 */
static void
interrupt(struct trapframe *tf)
{
	this_cpu(preempt_count) += PREEMPT_INTERRUPT;
	rcu_interrupt_enter();
	switch (tf->vector) {
	case VECTOR_TIMER:
		lapic_eoi();
		if (smp_ops.timer)
			smp_ops.timer(trapframe_is_user(tf));
		break;
	case VECTOR_RESCHEDULE:
		lapic_eoi();
		preempt_ask();
		break;
	case VECTOR_CALL:
		lapic_eoi();
		call_answer();
		break;
	case VECTOR_SPURIOUS:
		break;
	default:
		run_handlers(&vectors[tf->vector]);
		lapic_eoi();
	}
	this_cpu(preempt_count) -= PREEMPT_INTERRUPT;
}

/* ---- Registration ---- */

/* The lock is held. @return the vector, or -ENOSPC */
static int
new_vector(const char *name)
{
	int v;

	for (v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++) {
		if (!vectors[v].name) {
			vectors[v].name = name;
			return v;
		}
	}
	return -ENOSPC;
}

/* The lock is held. A vector below 0 is passed on: an error of new_vector. */
static int
add_handler(int v, irq_handler_fn fn, void *arg)
{
	unsigned n;

	if (v < 0)
		return v;
	n = vectors[v].n;
	if (n == SHARED_MAX)
		return -ENOSPC;
	vectors[v].handlers[n].fn = fn;
	vectors[v].handlers[n].arg = arg;
	atomic_store_explicit(&vectors[v].n, n + 1, memory_order_release);
	return v;
}

int
irq_vector_alloc(irq_handler_fn handler, void *arg, const char *name)
{
	uint64_t rflags = spin_lock_irqsave(&irq_lock);
	int v = add_handler(new_vector(name), handler, arg);

	spin_unlock_irqrestore(&irq_lock, rflags);
	return v;
}

void
irq_msi_message(unsigned vector, uint64_t *address, uint32_t *data)
{
	*address = 0xfee00000 | cpu_apic_id[0] << 12;
	*data = vector;
}

/* Route gsi to a vector of its own, or share the one it has. The upper half of
 * the redirection entry, the CPU, is written before the lower one, which has
 * the mask bit. */
static int
route(uint32_t gsi, uint32_t mode, irq_handler_fn handler, void *arg,
      const char *name)
{
	uint64_t rflags = spin_lock_irqsave(&irq_lock);
	int v, error = -ENODEV;
	unsigned i, pin;

	for (v = VECTOR_DEVICE_FIRST; v <= VECTOR_DEVICE_LAST; v++) {
		if (vectors[v].gsi == gsi + 1) {
			error = add_handler(v, handler, arg);
			goto out;
		}
	}
	for (i = 0; i < nioapics; i++) {
		pin = gsi - ioapics[i].gsi_base;
		if (gsi < ioapics[i].gsi_base || pin >= ioapics[i].npins)
			continue;
		error = v = add_handler(new_vector(name), handler, arg);
		if (v < 0)
			break;
		vectors[v].gsi = gsi + 1;
		ioapic_write(i, IOAPIC_REDIR(pin) + 1, cpu_apic_id[0] << 24);
		ioapic_write(i, IOAPIC_REDIR(pin), mode | v);
		break;
	}
out:
	spin_unlock_irqrestore(&irq_lock, rflags);
	return error < 0 ? error : 0;
}

/* ISA lines are edge-triggered and active high, but for those that the MADT's
 * overrides say are not (in QEMU: 5, 9, 10, 11, which PCI uses, and 0 on pin
 * 2). */
int
irq_isa_route(unsigned irq, irq_handler_fn handler, void *arg, const char *name)
{
	uint16_t flags;
	uint32_t mode = 0; /* ISA: edge, active high */

	if (irq >= 16)
		return -ENODEV;
	flags = acpi_info.isa[irq].flags;
	if ((flags & INTI_POLARITY) == INTI_POLARITY_LOW)
		mode |= REDIR_ACTIVE_LOW;
	if ((flags & INTI_TRIGGER) == INTI_TRIGGER_LEVEL)
		mode |= REDIR_LEVEL;
	return route(acpi_info.isa[irq].gsi, mode, handler, arg, name);
}

int
irq_gsi_route(unsigned gsi, irq_handler_fn handler, void *arg, const char *name)
{
	return route(gsi, REDIR_LEVEL | REDIR_ACTIVE_LOW, handler, arg, name);
}

/* Counts are read while CPU 0 may raise them: a figure for people. */
const char *
irq_describe(unsigned v, uint64_t *count)
{
	if (v >= TRAP_VECTORS || !vectors[v].name)
		return NULL;
	*count = vectors[v].count;
	return vectors[v].name;
}

/* From here on an interrupt has somewhere to go; none comes yet, for all is
 * masked and the flag is off. */
void
irq_init(void)
{
	unsigned i;

	pic_disable();
	for (i = 0; i < acpi_info.nioapics; i++)
		ioapic_init(&acpi_info.ioapics[i]);
	trap_ops.interrupt = interrupt;
}
