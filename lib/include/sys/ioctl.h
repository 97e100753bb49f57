/*
 * ioctl.
 */
#ifndef SYS_IOCTL_H
#define SYS_IOCTL_H

#include "abi/ioctl.h"

int ioctl(int fd, unsigned long request, ...);

#endif
