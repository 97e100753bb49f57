/*
 * What the parts of chapter ipc offer to its start.
 */
#ifndef IPC_INTERNAL_H
#define IPC_INTERNAL_H

#include "ipc.h"

/** vfs_ops.fcntl: the size of a pipe. */
int64_t pipe_fcntl(struct file *f, unsigned command, uint64_t arg);

/** proc_ops.futex_wake. The word may be shared with other processes, so its key
 * is looked up: the C library's waiter did not say that it is private. */
void futex_wake_shared(uint32_t *address);
/** proc_ops.release_robust. */
void robust_release(struct thread *t);

void fifo_init(void);
void futex_init(void);
void shm_init(void);

#endif
