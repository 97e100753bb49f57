/*
 * tty: terminals. A line discipline between a device (UART, keyboard and
 * screen) and the programs that read and write it; job control.
 */
#ifndef TTY_H
#define TTY_H

#include "abi/termios.h"
#include "ipc.h"

#endif
