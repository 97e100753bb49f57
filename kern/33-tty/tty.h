/*
 * tty: terminals. A line discipline stands between a device (UART, keyboard and
 * screen) and the programs that read and write it; job control decides which of
 * them may. What only this chapter's files share stands in terminal.h.
 */
#ifndef TTY_H
#define TTY_H

#include "abi/termios.h"
#include "ipc.h"

/** A terminal; its inside is terminal.h. */
struct tty;

/**
 * The terminal that is /dev/console: the one that console= on the command line
 * names, else the first UART, else screen and keyboard. Chosen at start-up and
 * never changed; it needs no reference. Any context.
 * @return NULL: there is none, or this chapter has not started yet
 */
struct tty *tty_console(void);

#endif
