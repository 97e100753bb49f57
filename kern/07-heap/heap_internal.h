/*
 * What the files of chapter heap share among themselves.
 */
#ifndef HEAP_INTERNAL_H
#define HEAP_INTERNAL_H

#include "heap.h"
#include "string.h"

/** Objects that all interrupt handlers together may have at a time, in pages:
 * kept back from all reservations. */
#define INTERRUPT_PAGES 8

/** A bound that every kernel has room for, in pages; no entry's is below. */
#define BOUND_MIN 32

/** At hand with the gate open: more than there are pages. */
#define GATE_OFF (1L << 40)

/** By a call's number: the pages to reserve for it (bounds.c). */
extern const uint16_t heap_call_bounds[SYSCALLS_MAX];

/** Start the killer thread. */
void killer_start(void);
/** Tell it that a call waits in line, or that caches are to be evicted. */
void killer_call(void);
/** Fill its part of @p stats. */
void killer_stats(struct heap_stats *stats);
/** Whether calls wait in line, or would. */
bool gate_is_short(void);
/** How often somebody who stood in line could go on. */
uint64_t gate_granted(void);
/** Whether the first in line waits for objects to be freed; else the calls in
 * progress hold what it needs, and no more than that. */
bool gate_is_full(void);
/** No call passes at the cost of what CPUs have at hand. Any context. */
void gate_close(void);
/** Look again who in line can go on. */
void gate_open(void);

/** Keep pages for calls that have begun. */
void pages_init(void);
/** Whether some of these had to be given: no call may begin. */
bool pages_are_short(void);
/** How many of them are missing. */
uint64_t pages_missing(void);
/** They are short, and the killer thread is to keep as many again; reclaims.
 * @return whether that could be */
bool pages_refill(void);

/** The running thread's call waits in line: count it. */
void note_wait(void);
/** The heap has taken a page: count it for the running call. Interrupts off. */
void note_page_taken(void);
/** Fill its part of @p stats. */
void check_stats(struct heap_stats *stats);
/** From here on allocations are checked; the running thread is the one that
 * boots. */
void check_init(void);
/** A reservation of @p t, which runs, begins. */
#ifdef DEBUG
void check_begin(struct thread *t);
#else
#define check_begin(t) ((void)(t))
#endif

#endif
