/*
 * The most kernel heap that each thread's work can hold, in pages; found in the source
 * by scripts/maxlive, which see. Generated: do not edit; type scripts/maxlive.
 */
#ifndef BOUNDS_H
#define BOUNDS_H

#ifdef DEBUG
#define HEAP_PAGES_OF(release, debug) debug
#else
#define HEAP_PAGES_OF(release, debug) release
#endif

#define HEAP_BOUND_flush_main HEAP_PAGES_OF(0, 0)
#define HEAP_BOUND_killer HEAP_PAGES_OF(0, 0)
#define HEAP_BOUND_meet_need HEAP_PAGES_OF(0, 0)
#define HEAP_BOUND_proc_exit_thread HEAP_PAGES_OF(0, 0)

/** What start-up may hold, when nothing else runs; and a self-test. */
#define HEAP_BOUND_startup  96
#define HEAP_BOUND_selftest 96

#endif
