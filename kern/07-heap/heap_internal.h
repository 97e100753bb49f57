/*
 * What the files of chapter heap share among themselves.
 */
#ifndef HEAP_INTERNAL_H
#define HEAP_INTERNAL_H

#include "heap.h"

/** By a call's number: the pages to reserve for it (bounds.c). */
extern const uint16_t heap_call_bounds[SYSCALLS_MAX];

/** Start the killer thread. */
void killer_start(void);
/** Tell it that a call waits in line. */
void killer_call(void);
/** Fill its part of @p stats. */
void killer_stats(struct heap_stats *stats);
/** Whether calls wait in line. */
bool gate_is_short(void);

#endif
