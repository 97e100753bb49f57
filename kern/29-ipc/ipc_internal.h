/*
 * What the parts of chapter ipc offer to its start.
 */
#ifndef IPC_INTERNAL_H
#define IPC_INTERNAL_H

#include "ipc.h"

/** vfs_ops.fcntl: the size of a pipe. No locks are held; may sleep.
 * @return bytes; -EBADF: @p f is no pipe; -EINVAL: another command, or a size
 * beyond all; -EPERM, -EBUSY: it has more in it; -ENOMEM */
int64_t pipe_fcntl(struct file *f, unsigned command, uint64_t arg);

/** proc_ops.futex_wake: one waiter. The word may be shared with other
 * processes, so its key is looked up: the C library's waiter did not say that
 * it is private. A wrong address wakes nobody. No locks are held; may sleep. */
void futex_wake_shared(uint32_t *address);
/** proc_ops.release_robust. @p t is the running thread, whose memory is still
 * there: this reads and writes it. No locks are held; may sleep. Bounded,
 * whatever the list looks like. */
void robust_release(struct thread *t);

/* At start-up, by ipc.c: nothing else runs. */
void fifo_init(void);
void futex_init(void);
void shm_init(void);

#endif
