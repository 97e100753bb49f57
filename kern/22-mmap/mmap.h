/*
 * mmap: the memory calls. Later chapters reach them as programs do, by their
 * numbers; here is what they use besides: memory that is shared and has no
 * name.
 */
#ifndef MMAP_H
#define MMAP_H

#include "vm.h"

/**
 * A new object of @p len bytes of zeros, to be mapped shared, or to be filled
 * by way of its page cache. Its pages are neither written back nor reclaimed.
 * It goes with its last reference, the first of which is the caller's. No
 * locks held; may sleep. The caller has the heap reserved. No page is made:
 * that memory is short shows when they are touched.
 *
 * @param len     rounded up to whole pages, which is the object's size then
 * @param result  the object, referenced; unchanged on failure
 * @return 0 or -ENOMEM
 */
int shared_object_new(uint64_t len, struct vnode **result);

#endif
