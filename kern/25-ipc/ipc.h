/*
 * ipc: pipes and FIFOs, futexes, event counters, and waiting for several files
 * at once (poll, select, epoll).
 */
#ifndef IPC_H
#define IPC_H

#include "signal.h"

#define PIPE_SIZE 65536 /**< bytes a pipe holds */

/**
 * Make a pipe.
 *
 * @param flags  O_NONBLOCK or 0, for both ends
 * @param ends   receives open files for reading and for writing
 * @return 0; may sleep
 */
int pipe_new(unsigned flags, struct file *ends[2]);

/**
 * Ready events of an open file now, and where they are announced.
 *
 * @param table  NULL: only look
 * @return POLL* bits; a file without a poll operation is always ready
 */
unsigned file_poll(struct file *f, struct poll_table *table);

#endif
