/*
 * What the files of chapter mmap share.
 */
#ifndef MMAP_INTERNAL_H
#define MMAP_INTERNAL_H

#include "abi/resource.h"
#include "abi/syscall.h"
#include "mmap.h"

/** Set the end of the heap, as brk(2), within @p limit bytes of its start. A
 * new vmspace has no heap until both brk_start and brk are set. May sleep.
 * @return the end of the heap: unchanged where that cannot be done */
vaddr_t mmap_set_brk(struct vmspace *vm, vaddr_t brk, uint64_t limit);

/** Fault [@p start, @p end) in as if the program had touched it, up to the
 * first page that cannot be. No lock held; may sleep. @return 0, -ENOMEM: there
 * was one */
int mmap_populate(struct vmspace *vm, vaddr_t start, vaddr_t end);

/** Whether the caller may lock memory at all: who may not is told so by another
 * error than who has locked enough. */
bool mmap_may_lock(void);

#endif
