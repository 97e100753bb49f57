/*
 * makedev, major and minor of device numbers.
 */
#ifndef SYS_SYSMACROS_H
#define SYS_SYSMACROS_H

#include "abi/dev.h"

#define makedev(major, minor) dev_make(major, minor)
#define major(dev)	      dev_major(dev)
#define minor(dev)	      dev_minor(dev)

#endif
