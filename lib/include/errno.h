/*
 * errno: the number of the last error of this program's library calls.
 */
#ifndef ERRNO_H
#define ERRNO_H

#include "abi/errno.h"

extern int errno;

/** The name the program was started by, for messages (GNU). */
extern char *program_invocation_name;

#endif
