/*
 * Self-tests of chapter smp. They hold with any number of CPUs.
 */
#include "smp_internal.h"
#include "string.h"

static cpuset_t
all_cpus(void)
{
	return (1UL << (cpu_count - 1) << 1) - 1;
}

static _Atomic cpuset_t called;

static void
note_cpu(void *arg)
{
	atomic_fetch_or(&called, 1UL << cpu_id());
	(void)arg;
}

/* And no other: the set is exact. */
SELFTEST(smp_call_reaches_every_cpu)
{
	atomic_store(&called, 0);
	smp_call(all_cpus(), note_cpu, NULL);
	CHECK(called == all_cpus());
	atomic_store(&called, 0);
	smp_call(1, note_cpu, NULL);
	CHECK(called == 1);
}

/* SMP1: numbers are dense, and each CPU's is in its own area. */
SELFTEST(smp_percpu_areas_are_distinct)
{
	unsigned i, j;

	for (i = 0; i < cpu_count; i++) {
		CHECK(*percpu_ptr(cpu_number, i) == i);
		for (j = 0; j < i; j++)
			CHECK(percpu_offset[i] != percpu_offset[j]);
	}
}

/* Every CPU adds to a counter under a lock: none may be lost. */
#define ROUNDS 2000
static struct spinlock count_lock = SPINLOCK("test count");
static uint64_t count;

static void
add_under_lock(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < ROUNDS; i++) {
		uint64_t rflags = spin_lock_irqsave(&count_lock);

		count++;
		spin_unlock_irqrestore(&count_lock, rflags);
	}
}

/* Both ways of waiting; on one lock even at the same time. */
SELFTEST(smp_spinlock_excludes_other_cpus)
{
	bool hypervisor = cpu_features.hypervisor;

	count = 0;
	smp_call(all_cpus(), add_under_lock, NULL);
	cpu_features.hypervisor = !hypervisor;
	smp_call(all_cpus(), add_under_lock, NULL);
	cpu_features.hypervisor = hypervisor;
	CHECK(count == 2ul * ROUNDS * cpu_count);
}

/* CPUs allocate and free heap objects and pages against each other. */
static void
allocate(void *arg)
{
	void *objects[32];
	int round, i;

	for (round = 0; round < 20; round++) {
		for (i = 0; i < 32; i++)
			objects[i] = kalloc(16 << i % 6, arg);
		for (i = 0; i < 32; i++)
			kfree(objects[i]);
		page_unref(page_alloc(round % 3, PAGE_KERNEL, ALLOC_NOWAIT));
	}
}

SELFTEST(smp_allocators_work_on_all_cpus_at_once)
{
	smp_call(all_cpus(), allocate, (void *)ALLOC_SITE(0, "test"));
}

/* A delay is never shorter than asked, and the two conversions agree. */
SELFTEST(smp_clock_moves_forward)
{
	uint64_t a = clock_ns(), b;

	spin_delay_ns(1000);
	b = clock_ns();
	CHECK(b >= a + 1000);
	CHECK(clock_ns_to_tsc(b) <= rdtsc());
}

SELFTEST(smp_wall_clock_can_be_set)
{
	int64_t before = clock_realtime_ns();

	clock_realtime_set(1000000000000);
	CHECK(clock_realtime_ns() >= 1000000000000);
	clock_realtime_set(before);
}

static _Atomic unsigned ticks;

static void
tick(bool user)
{
	(void)user;
	atomic_fetch_add(&ticks, 1);
}

/* One shot: asked once, it ticks once. */
SELFTEST(smp_timer_fires_once)
{
	void (*saved)(bool user) = smp_ops.timer;
	uint64_t rflags = irq_save();

	smp_ops.timer = tick;
	ticks = 0;
	timer_program(clock_ns() + 100000);
	irq_restore(rflags);
	while (ticks == 0)
		cpu_pause();
	CHECK(ticks == 1);
	rflags = irq_save();
	smp_ops.timer = saved;
	timer_program(clock_ns() + 1000);
	irq_restore(rflags);
}

static _Atomic bool rcu_ran;

static void
rcu_callback(struct rcu_head *head)
{
	(void)head;
	rcu_ran = true;
}

/* RCU1: with a reader on this CPU the callback waits, and without it comes. */
SELFTEST(smp_rcu_waits_for_readers)
{
	static struct rcu_head head;
	uint64_t rflags;

	rcu_synchronize(); /* returns: nobody reads */
	rcu_ran = false;
	preempt_disable();
	rcu_defer(&head, rcu_callback);
	rflags = irq_save();
	rcu_run_callbacks(); /* begins the grace period */
	rcu_run_callbacks();
	CHECK(!rcu_ran); /* this CPU still reads */
	irq_restore(rflags);
	preempt_enable();
	while (!rcu_ran) {
		rcu_synchronize();
		rflags = irq_save();
		rcu_run_callbacks();
		irq_restore(rflags);
	}
}

/* What it sees is the table; what other CPUs remember it cannot ask. */
SELFTEST(smp_shootdown_makes_a_change_visible)
{
	struct page *a = page_alloc(0, PAGE_KERNEL, ALLOC_ZERO);
	volatile uint64_t *p = mmio_map(page_to_phys(a), PAGE_SIZE);
	pte_t *entry = pt_walk(kernel_pml4, (vaddr_t)p, false);

	*(uint64_t *)page_address(a) = 42;
	CHECK(*p == 42);
	*entry &= ~PTE_P;
	tlb_shootdown(all_cpus(), (vaddr_t)p, PAGE_SIZE);
	CHECK(!kernel_address_readable((vaddr_t)p));
	page_unref(a);
}

/* The key goes on with each block: no two outputs, nor two parts of one, agree.
 */
SELFTEST(smp_random_bytes_differ)
{
	uint8_t a[40] = { 0 }, b[40] = { 0 };

	random_bytes(a, sizeof(a));
	random_bytes(b, sizeof(b));
	CHECK(memcmp(a, b, sizeof(a)) != 0);
	CHECK(memcmp(a, a + 20, 20) != 0);
}

SELFTEST(smp_acpi_tables_are_found)
{
	CHECK(acpi_table("FACP") != NULL);
	CHECK(acpi_table("none") == NULL);
	CHECK(acpi_info.ncpus >= cpu_count);
}

/* ---- NMI ---- */

static bool strike;

static void
write_and_strike(const char *text, size_t len)
{
	(void)text;
	(void)len;
	if (!strike)
		return;
	strike = false;
	lapic_send(cpu_apic_id[cpu_id()], IPI_NMI);
}

/* Who wants to know where a CPU is may find it in kprintf. */
SELFTEST(smp_nmi_inside_kprintf_ends)
{
	static struct console striker = { .name = "test",
					  .write = write_and_strike };

	console_register(&striker);
	preempt_disable();
	strike = true;
	kprintf("smp: a text that an NMI interrupts\n");
	preempt_enable();
	CHECK(!strike && nmis_handled == 0);
}

static _Atomic unsigned asked_by; /* plus 1; 0: nobody asks */
static unsigned last_writer, turns;

/* Slow, so that the others come meanwhile. */
static void
count_turns(const char *text, size_t len)
{
	(void)text;
	(void)len;
	if (asked_by == 0 || asked_by == cpu_id() + 1)
		return;
	turns += last_writer != cpu_id() + 1;
	last_writer = cpu_id() + 1;
	for (int i = 0; i < 10000; i++)
		cpu_pause();
}

/* scripts/run asks all CPUs at once where they are. */
SELFTEST(smp_nmis_are_reported_by_turns)
{
	static struct console counter = { .name = "turns",
					  .write = count_turns };

	console_register(&counter);
	preempt_disable();
	asked_by = cpu_id() + 1;
	for (unsigned cpu = 0; cpu < cpu_count; cpu++)
		if (cpu != cpu_id())
			lapic_send(cpu_apic_id[cpu], IPI_NMI);
	while (turns < cpu_count - 1 || nmis_handled > 0)
		cpu_pause();
	asked_by = 0;
	preempt_enable();
	CHECK(turns == cpu_count - 1);
}
