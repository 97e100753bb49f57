/*
 * What the files of chapter mmap share. No later chapter calls this one but
 * through system calls, so there is no other header.
 */
#ifndef MMAP_INTERNAL_H
#define MMAP_INTERNAL_H

#include "abi/resource.h"
#include "abi/syscall.h"
#include "vm.h"

/** Set the end of the heap, as brk(2), within @p limit bytes of its start. A
 * new vmspace has no heap until both brk_start and brk are set. May sleep.
 * @return the end of the heap: unchanged where that cannot be done */
vaddr_t mmap_set_brk(struct vmspace *vm, vaddr_t brk, uint64_t limit);

/** A new object of @p len bytes of zeros, to be mapped shared. It goes with
 * its last reference, the first of which is the caller's. May sleep.
 * @return 0 or -ENOMEM */
int shared_object_new(uint64_t len, struct vnode **result);

#endif
