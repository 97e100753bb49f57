/*
 * smp: all the processors, and time. ACPI says what CPUs and interrupt
 * controllers there are; the local APICs carry timer ticks and the CPUs' calls
 * to each other; the I/O APIC brings in devices. TLB shootdown and
 * read-copy-update stand here because both are agreements among CPUs.
 */
#ifndef SMP_H
#define SMP_H

#include "clockpage.h"
#include "mem.h"

/* ---- CPUs ---- */

/** CPUs that run, at least 1: numbers 0 to cpu_count - 1 (SMP1). Constant after
 * smp's start. */
extern unsigned cpu_count;

/** A set of CPUs: bit i is CPU i. NCPU_MAX is its width. */
typedef uint64_t cpuset_t;

/** What later chapters fill in at their start. */
struct smp_ops {
	/** sched: a started CPU calls it, once, on its boot stack; it does not
	 * return. Until sched fills it, started CPUs halt in a loop that
	 * answers calls. */
	void (*cpu_main)(void);
	/** sched: this CPU's timer; @p user: it struck in user mode. Interrupts
	 * off. */
	void (*timer)(bool user);
	/** sched: CLOCK_REALTIME has been set. The context of who set it. */
	void (*clock_set)(void);
};
extern struct smp_ops smp_ops;

/**
 * Run @p fn(@p arg) on all CPUs of @p cpus (this one included if it is in the
 * set) in interrupt context, and wait until all have. Interrupts on, or the
 * caller holds no lock that an interrupt handler takes: two CPUs may call each
 * other, and this one runs the others' functions while it waits (SMP1). Not
 * from an interrupt handler. @p fn does not sleep, nor call smp_call.
 */
void smp_call(cpuset_t cpus, void (*fn)(void *arg), void *arg);

/** Interrupt @p cpu so that it looks for a waiting reschedule, and for work if
 * it is in user mode (TRAP4). Any context; does not wait. */
void smp_reschedule(unsigned cpu);

/** Flush [@p va, @p va + @p len) of the current user address space, or of the
 * kernel, from the TLBs of @p cpus, and wait. Preemption off; no lock held
 * that an interrupt handler takes. */
void tlb_shootdown(cpuset_t cpus, vaddr_t va, size_t len);

/* ---- Interrupts ---- */

/** An interrupt handler: interrupts off, may not sleep. */
typedef void (*irq_handler_fn)(void *arg);

/**
 * Choose a free vector and install a handler for it (MSI).
 * @return the vector, or -ENOSPC
 */
int irq_vector_alloc(irq_handler_fn handler, void *arg, const char *name);

/** Message address and data that make a device raise @p vector on CPU 0: a
 * write to memory that the local APIC listens to (SDM vol. 3A, 10.11). */
void irq_msi_message(unsigned vector, uint64_t *address, uint32_t *data);

/**
 * Route legacy ISA interrupt line @p irq (0-15) through the I/O APIC to a
 * handler, honouring ACPI's overrides.
 * @return 0, -ENODEV where no I/O APIC has the line, -ENOSPC where there is no
 *         vector left or SHARED_MAX handlers share the line
 */
int irq_isa_route(unsigned irq, irq_handler_fn handler, void *arg,
		  const char *name);

/** The same for I/O APIC pin @p gsi, level-triggered, active low (PCI INTx);
 * several handlers may share one. */
int irq_gsi_route(unsigned gsi, irq_handler_fn handler, void *arg,
		  const char *name);

/** For /proc/interrupts: describe vector @p v. @return NULL: not used */
const char *irq_describe(unsigned v, uint64_t *count);

/* ---- Time ---- */

#define NS_PER_SEC  1000000000UL
#define NS_PER_MSEC 1000000UL
#define NS_PER_USEC 1000UL

/** Nanoseconds since boot: CLOCK_MONOTONIC. Any context; never goes back, from
 * one CPU to another neither (SMP2). */
uint64_t clock_ns(void);

/** The TSC value at clock_ns @p ns. */
uint64_t clock_ns_to_tsc(uint64_t ns);

/** Nanoseconds since 1970 UTC: CLOCK_REALTIME. Any context but an NMI (it may
 * have interrupted the writer). It jumps when it is set. */
int64_t clock_realtime_ns(void);

/** Set CLOCK_REALTIME to @p ns since 1970, and tell sched. */
void clock_realtime_set(int64_t ns);

/** Keep @p page, which is zeros, as programs need it to tell the time: from now
 * on, for good. */
void clock_share(struct clock_page *page);

/**
 * Have smp_ops.timer called on this CPU at @p when (clock_ns), or soon after;
 * replaces an earlier request. UINT64_MAX: none. Interrupts off. It may come
 * early, where the hardware's counter is too short: the handler looks at the
 * clock and asks again.
 */
void timer_program(uint64_t when);

/** Wait, spinning, for @p ns nanoseconds: device set-up only. */
void spin_delay_ns(uint64_t ns);

/** A 64-bit number from RDRAND, or else mixed from the clocks; for seeds, not
 * for secrets. Any context. */
uint64_t random_seed(void);

/** Fill @p buf with output of a generator keyed at boot (getrandom). Any
 * context that may take a spinlock. */
void random_bytes(void *buf, size_t len);

/* ---- Read-copy-update ---- */

/*
 * RCU1: an object that readers can reach between rcu_read_lock and
 * rcu_read_unlock is freed only after every CPU has passed through a state in
 * which it reads nothing. Readers do not sleep; they are not preempted.
 * Whatever else has preemption off (a spinlock held, an interrupt handler) is a
 * reader's section too.
 *
 * A writer, under a lock of its own: builds the new object, publishes it by
 * rcu_assign, and frees the old one by rcu_defer or after rcu_synchronize.
 */
static inline void
rcu_read_lock(void)
{
	preempt_disable();
}

static inline void
rcu_read_unlock(void)
{
	preempt_enable();
}

/** Embedded in what is freed by rcu_defer, so that freeing needs no memory. */
struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

/** Call @p fn(@p head) after a grace period, from a timer tick or an idle CPU,
 * preemption off. Any context. */
void rcu_defer(struct rcu_head *head, void (*fn)(struct rcu_head *head));

/** Wait, spinning, for a grace period: readers are short. Not within one, nor
 * in an interrupt. */
void rcu_synchronize(void);

/** This CPU reads nothing now: sched says so at each switch, tick in user
 * mode, and idle round. Interrupts off. */
void rcu_quiescent(void);

/** This CPU is about to halt: it reads nothing until its next interrupt, or
 * rcu_idle_exit. Interrupts off. */
void rcu_idle_enter(void);
/** The CPU goes on without an interrupt having come: it may read again. */
void rcu_idle_exit(void);

/** Whether this CPU has callbacks that wait: it must not halt for long. */
bool rcu_pending(void);

/** Run this CPU's callbacks whose grace period is over: from its timer tick
 * and its idle loop. Interrupts off. */
void rcu_run_callbacks(void);

/** Publish pointer @p value in @p p / read it, for lock-free readers: what was
 * written to the object before is seen by who follows the pointer. */
#define rcu_assign(p, value) __atomic_store_n(&(p), value, __ATOMIC_RELEASE)
#define rcu_deref(p)	     __atomic_load_n(&(p), __ATOMIC_ACQUIRE)

/* ---- ACPI ---- */

/**
 * Find an ACPI table by its four-letter signature.
 * @return its address, checked and mapped, or NULL
 */
const void *acpi_table(const char *signature);

#endif
