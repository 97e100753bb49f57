/*
 * What the parts of chapter ipc offer to its start.
 */
#ifndef IPC_INTERNAL_H
#define IPC_INTERNAL_H

#include "ipc.h"

/** vfs_ops.fcntl: the size of a pipe. */
int64_t pipe_fcntl(struct file *f, unsigned command, uint64_t arg);

void fifo_init(void);
void futex_init(void);

#endif
