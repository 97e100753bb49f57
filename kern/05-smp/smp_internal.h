/*
 * What the files of chapter smp share among themselves.
 */
#ifndef SMP_INTERNAL_H
#define SMP_INTERNAL_H

#include "smp.h"

/* Fixed vectors; device vectors are allocated between FIRST and LAST. 0x20 to
 * 0x2f are the PICs', which are masked. A higher vector is served first where
 * several wait (SDM vol. 3A, 10.8.3): calls before devices. The spurious one
 * must end in f on old processors. */
enum {
	VECTOR_DEVICE_FIRST = 0x30,
	VECTOR_DEVICE_LAST = 0xdf,
	VECTOR_TIMER = 0xf0,
	VECTOR_RESCHEDULE = 0xf1,
	VECTOR_CALL = 0xf2,
	VECTOR_SPURIOUS = 0xff,
};

/* ---- acpi.c: what the MADT and FADT say ---- */

#define IOAPICS_MAX 8

struct acpi_ioapic {
	paddr_t base;
	uint32_t gsi_base;
};

/** Written by acpi_init, constant after. */
struct acpi_info {
	unsigned ncpus; /**< usable local APICs listed */
	uint32_t apic_ids[NCPU_MAX];
	paddr_t lapic_base; /**< 0: not told */
	unsigned nioapics;
	struct acpi_ioapic ioapics[IOAPICS_MAX];
	struct {
		uint32_t gsi;
		uint16_t flags; /**< MPS INTI flags: polarity, trigger */
	} isa[16];
	uint16_t pm_timer_port; /**< 0: none */
};
extern struct acpi_info acpi_info;

/** Find and read the ACPI tables into acpi_info. */
void acpi_init(void);

/* ---- apic.c: the local APIC ---- */

/** Map the local APIC's registers (once), then enable this CPU's. */
void lapic_init(void);
void lapic_cpu_init(void);
/** This CPU's APIC id. */
uint32_t lapic_id(void);
/** End of interrupt: the local APIC may deliver the next one. Once a vector,
 * but for the spurious one. */
void lapic_eoi(void);
/** Send an interrupt command to one CPU (by APIC id). Any context: the two
 * registers are written with interrupts off. Does not wait for an answer. */
void lapic_send(uint32_t apic_id, uint32_t command);
#define IPI_INIT    0x4500u /* INIT, assert */
#define IPI_STARTUP 0x4600u /* | page number of the start address */
#define IPI_NMI	    0x4400u
#define IPI_FIXED   0x4000u /* | vector */
/** APIC id by CPU number; written by the CPU itself when it starts. */
extern uint32_t cpu_apic_id[NCPU_MAX];

/** Measure the APIC timer against the clock, where there is no TSC deadline.
 * 10 ms; after clock_init. */
void lapic_timer_calibrate(void);

/* ---- clock.c ---- */

/** Measure the TSC against the ACPI timer or the PIT. 20 ms; after acpi_init.
 * Panics where there is nothing to measure by. */
void clock_init(void);
/** Find out whether the CPUs' TSCs agree. All CPUs run. */
void clock_compare_cpus(void);

/* ---- irq.c ---- */

/** Mask the PICs, program the I/O APICs, take over the interrupt hook. */
void irq_init(void);
/** Answer VECTOR_CALL (call.c). */
void call_answer(void);

/* ---- rcu.c ---- */

/** An interrupt came: this CPU may read again, if it was idle. */
void rcu_interrupt_enter(void);

/* ---- start.c ---- */

/** Start the other CPUs; each runs ap_main. */
void cpus_start(void);

#endif
