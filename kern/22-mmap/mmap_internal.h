/*
 * What the files of chapter mmap share.
 */
#ifndef MMAP_INTERNAL_H
#define MMAP_INTERNAL_H

#include "abi/resource.h"
#include "abi/syscall.h"
#include "mmap.h"

/** Set the end of the heap, as brk(2), within @p limit bytes of its start
 * (RLIMIT_DATA). A new vmspace has no heap until both brk_start and brk are
 * set. New memory is zeros; what is given back is gone. No lock held; may
 * sleep.
 * @return the end of the heap, in bytes, not rounded: unchanged where that
 * cannot be done, since brk(2) has no error numbers */
vaddr_t mmap_set_brk(struct vmspace *vm, vaddr_t brk, uint64_t limit);

/** Fault [@p start, @p end), page-aligned, in as if the program had touched it,
 * up to the first page that cannot be. The lock is taken for each page anew,
 * so others may map and unmap meanwhile. No lock held; may sleep.
 * @return 0; -ENOMEM: there was one, or the thread is to die */
int mmap_populate(struct vmspace *vm, vaddr_t start, vaddr_t end);

/** Whether the caller may lock memory at all (mlock(2)): root, or a limit that
 * is not 0. Who may not is told so by another error, -EPERM, than who has
 * locked enough. Any lock may be held; does not sleep. */
bool mmap_may_lock(void);

#endif
