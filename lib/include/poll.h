/*
 * POSIX poll.h.
 */
#ifndef POLL_H
#define POLL_H

#include "abi/poll.h"

typedef unsigned long nfds_t;

int poll(struct pollfd *fds, nfds_t n, int ms);

#endif
