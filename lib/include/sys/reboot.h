/*
 * Linux's sys/reboot.h.
 */
#ifndef SYS_REBOOT_H
#define SYS_REBOOT_H

#include "abi/reboot.h"

/** Restarts, halts or powers off: a LINUX_REBOOT_CMD_. */
int reboot(unsigned cmd);

#endif
