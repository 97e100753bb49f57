/*
 * ipc: pipes, FIFOs, futexes, and waiting for several files at once (poll,
 * select).
 */
#ifndef IPC_H
#define IPC_H

#include "signal.h"

#define PIPE_SIZE 65536 /**< bytes a pipe holds */

/** Make a pipe. *ends are open files for reading and for writing. */
int pipe_new(unsigned flags, struct file *ends[2]);

#endif
