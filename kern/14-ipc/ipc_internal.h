/*
 * How the parts of chapter ipc start.
 */
#ifndef IPC_INTERNAL_H
#define IPC_INTERNAL_H

#include "ipc.h"

void fifo_init(void);
void futex_init(void);

#endif
