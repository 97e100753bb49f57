/*
 * Calls between CPUs: run a function on others and wait. Each CPU has one call
 * of its own under way at most, and a set of CPUs whose calls it has yet to
 * answer. While it waits it answers the others', so two CPUs may call each
 * other, even with interrupts off.
 */
#include "smp_internal.h"

/* A CPU's call that is under way. fn and arg are written before the set is,
 * which releases them; each CPU that has answered takes its own bit out. */
struct call {
	void (*fn)(void *arg);
	void *arg;
	_Atomic cpuset_t waiting_for;
};

/* One call a CPU is enough, since who calls waits with preemption off. */
static PERCPU(struct call, my_call);
static PERCPU(_Atomic cpuset_t, calls_to_answer);

/* Interrupts are off. The set is taken whole: a caller that comes in during the
 * loop finds it empty, puts itself in again, and its interrupt comes after this
 * one. When the bit has been cleared the caller may be gone, so it comes last.
 */
void
call_answer(void)
{
	_Atomic cpuset_t *set = this_cpu_ptr(calls_to_answer);
	cpuset_t callers = atomic_exchange(set, 0);

	while (callers) {
		unsigned caller = __builtin_ctzl(callers);
		struct call *c = percpu_ptr(my_call, caller);

		callers &= callers - 1;
		c->fn(c->arg);
		atomic_fetch_and(&c->waiting_for, ~(1UL << cpu_id()));
	}
}

/* SMP1. If interrupts are on, theirs do the same and find the set empty. */
static void
answer_while_waiting(void)
{
	uint64_t rflags = irq_save();

	call_answer();
	irq_restore(rflags);
	cpu_pause();
}

/* The bit in the other CPU's set comes before the interrupt that has it looked
 * at; interrupts that find nothing do no harm. */
void
smp_call(cpuset_t cpus, void (*fn)(void *arg), void *arg)
{
	cpuset_t others, set;
	struct call *c;

	preempt_disable();
	ASSERT(!in_interrupt());
	others = cpus & ~(1UL << cpu_id());
	c = this_cpu_ptr(my_call);
	c->fn = fn;
	c->arg = arg;
	atomic_store(&c->waiting_for, others);
	for (set = others; set; set &= set - 1) {
		unsigned cpu = __builtin_ctzl(set);

		atomic_fetch_or(percpu_ptr(calls_to_answer, cpu),
				1UL << cpu_id());
		lapic_send(cpu_apic_id[cpu], IPI_FIXED | VECTOR_CALL);
	}
	if (cpus & 1UL << cpu_id()) {
		uint64_t rflags = irq_save();

		fn(arg);
		irq_restore(rflags);
	}
	while (atomic_load(&c->waiting_for))
		answer_while_waiting();
	preempt_enable();
}

void
smp_reschedule(unsigned cpu)
{
	lapic_send(cpu_apic_id[cpu], IPI_FIXED | VECTOR_RESCHEDULE);
}

/* ---- TLB shootdown ---- */

#define FLUSH_ALL_ABOVE (32 * PAGE_SIZE) /* single flushes cost more */

struct range {
	vaddr_t va;
	size_t len;
};

/* In interrupt context, on each CPU. It flushes whatever address space is
 * loaded: one too many costs time, and no more. */
static void
flush_range(void *arg)
{
	const struct range *r = arg;
	vaddr_t va;

	if (r->len <= FLUSH_ALL_ABOVE) {
		for (va = r->va; va < r->va + r->len; va += PAGE_SIZE)
			invlpg(va);
	} else if (r->va < USER_TOP) {
		write_cr3(read_cr3());
	} else {
		/* Kernel pages are global: only a change of PGE drops them. */
		uint64_t cr4 = read_cr4();

		write_cr4(cr4 & ~CR4_PGE);
		write_cr4(cr4);
	}
}

void
tlb_shootdown(cpuset_t cpus, vaddr_t va, size_t len)
{
	struct range r = { va, len };

	smp_call(cpus, flush_range, &r);
}
