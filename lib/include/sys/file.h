/*
 * BSD sys/file.h: locks of whole files.
 */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "abi/fcntl.h"

int flock(int fd, int operation);

#endif
