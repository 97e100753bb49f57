/*
 * POSIX sys/un.h.
 */
#ifndef SYS_UN_H
#define SYS_UN_H

#include "abi/socket.h"

#endif
