/*
 * Linux's sys/sendfile.h.
 */
#ifndef SYS_SENDFILE_H
#define SYS_SENDFILE_H

#include "sys/types.h"

ssize_t sendfile(int out, int in, off_t *pos, size_t n);

#endif
