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
#define GATE_OFF (1 << 30)

/** Start the killer thread. */
void killer_start(void);
/** Tell it that a call waits in line, or that caches are to be evicted. */
void killer_call(void);
/** Fill its part of @p stats. */
void killer_stats(struct heap_stats *stats);
/** Whether calls wait in line. */
bool gate_is_short(void);

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
