/*
 * ipc: pipes and FIFOs, and futexes.
 */
#ifndef IPC_H
#define IPC_H

#include "signal.h"

#define PIPE_SIZE 65536 /**< bytes a new pipe holds */

/**
 * Make a pipe.
 *
 * @param flags  O_NONBLOCK or 0, for both ends
 * @param ends   receives open files for reading and for writing
 * @return 0; may sleep
 */
int pipe_new(unsigned flags, struct file *ends[2]);

#endif
