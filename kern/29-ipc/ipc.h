/*
 * ipc: pipes and FIFOs, and futexes.
 */
#ifndef IPC_H
#define IPC_H

#include "signal.h"

#define PIPE_SIZE 65536 /**< bytes a new pipe holds */

/**
 * Make a pipe, owned by the running thread's fsuid and fsgid. Allocates from
 * the caller's reservation, three objects; the ring's pages come later, when
 * there are bytes for them. Does not sleep.
 *
 * @param flags  O_NONBLOCK or 0, for both ends
 * @param ends   receives open files for reading and for writing, each with a
 *               reference that is the caller's
 * @return 0: it cannot fail
 */
int pipe_new(unsigned flags, struct file *ends[2]);

#endif
