/*
 * Per-CPU variables, reached through the GS segment in one instruction.
 *
 * A variable defined with PERCPU lies in section .percpu. CPU 0 uses that
 * section in place: its GS base is 0, so per-CPU variables work from the first
 * instruction on, with nothing to set up. Every other CPU has a copy made by
 * chapter smp, and its GS base is the distance from the section to the copy.
 *
 * TRAP1: in the kernel, GS base = percpu_offset[this CPU]. The entry paths of
 * vectors.S swap it in and out; nothing else writes it.
 *
 * Why GS: in 64-bit mode FS and GS are the only segments that still have a base
 * (SDM vol. 3A, 3.4.4), and user programs use FS for their own thread
 * variables.
 */
#ifndef PERCPU_H
#define PERCPU_H

#include <stdbool.h>
#include <stdint.h>

#define NCPU_MAX 64

/** Define a per-CPU variable. Its initial value is every CPU's. */
#define PERCPU(type, name) __attribute__((section(".percpu"))) type name

/**
 * This CPU's copy of per-CPU variable @p var, as an lvalue of one access. The
 * caller has preemption off, or does not mind which CPU answers.
 */
#define this_cpu(var) (*(__typeof__(var) __seg_gs *)(uintptr_t)(&(var)))

/** Pointer to CPU @p cpu's copy of @p var. That CPU may write it at the same
 * time: what others look at is atomic, or a figure that may be old. */
#define percpu_ptr(var, cpu)                                                   \
	((__typeof__(var) *)((uintptr_t)(&(var)) + percpu_offset[cpu]))

/** Pointer to this CPU's copy of @p var; preemption is off while it is used. */
#define this_cpu_ptr(var)                                                      \
	((__typeof__(var) *)((uintptr_t)(&(var)) + this_cpu(percpu_self)))

/** By CPU: the distance from .percpu to its copy; 0 for CPU 0, and for those
 * that do not run. Written by chapter smp before the CPU starts. */
extern uint64_t percpu_offset[NCPU_MAX];
extern uint64_t percpu_self; /**< per-CPU: percpu_offset of this CPU */
extern uint32_t cpu_number;  /**< per-CPU: this CPU's index, 0 at boot */

/** This CPU's index: dense, 0 for the CPU that booted. Old news as soon as it
 * is returned, unless preemption is off. */
static inline unsigned
cpu_id(void)
{
	return this_cpu(cpu_number);
}

/*
 * Preemption count, per CPU: 0 means that the running thread may be switched
 * away. The low bits count preempt_disable (every spinlock held is one); bits
 * 16 and up count interrupt handlers. Bit 31 is set while *no* reschedule is
 * asked for, so that one decrement finds both "last one out" and "asked for".
 *
 * Each operation is one instruction on this CPU's own variable, so neither an
 * interrupt nor a move to another CPU can come into its middle; no lock prefix
 * is needed, for no other CPU writes it (a reschedule on another CPU is asked
 * for by an interrupt: chapter smp).
 */
#define PREEMPT_INTERRUPT 0x10000u
#define PREEMPT_NOT_ASKED 0x80000000u
#define PREEMPT_COUNT(x)  ((x) & ~PREEMPT_NOT_ASKED)
#define PREEMPT_INITIAL	  (PREEMPT_NOT_ASKED | 1)

/** Per-CPU. PREEMPT_INITIAL: one count is the boot's own, until sched has a
 * thread to switch to. */
extern uint32_t preempt_count;

/** Called by preempt_enable when a reschedule waits; sched fills it. */
extern void (*preempt_hook)(void);

/** Keep the running thread on this CPU; nests. Any context. */
static inline void
preempt_disable(void)
{
	asm volatile("incl %%gs:%0" : "+m"(preempt_count) : : "memory");
}

/** Undo one preempt_disable, without looking for a waiting reschedule: for
 * callers that look themselves soon (sched, the exit paths). */
static inline void
preempt_enable_no_resched(void)
{
	asm volatile("decl %%gs:%0" : "+m"(preempt_count) : : "memory");
}

/** Undo one preempt_disable; may switch threads if it was the outermost. With
 * interrupts off the hook returns at once, and the question stays open. */
static inline void
preempt_enable(void)
{
	bool zero;

	asm volatile("decl %%gs:%0"
		     : "+m"(preempt_count), "=@ccz"(zero)
		     :
		     : "memory");
	if (__builtin_expect(zero, 0))
		preempt_hook();
}

/** Ask for a reschedule on this CPU: at the next preempt_enable that ends the
 * outermost region, or at the end of the running interrupt handler. */
static inline void
preempt_ask(void)
{
	asm volatile("andl $0x7fffffff, %%gs:%0"
		     : "+m"(preempt_count)
		     :
		     : "memory");
}

/** Take the question back: sched is choosing a thread now. */
static inline void
preempt_answered(void)
{
	asm volatile("orl $0x80000000, %%gs:%0"
		     : "+m"(preempt_count)
		     :
		     : "memory");
}

/** Whether the running code may not sleep: a spinlock held, or an interrupt. */
static inline bool
preempt_disabled(void)
{
	return PREEMPT_COUNT(this_cpu(preempt_count)) != 0;
}

/** Whether an interrupt handler is running on this CPU. */
static inline bool
in_interrupt(void)
{
	return PREEMPT_COUNT(this_cpu(preempt_count)) >= PREEMPT_INTERRUPT;
}

#endif
