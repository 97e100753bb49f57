/*
 * POSIX termios.h.
 */
#ifndef TERMIOS_H
#define TERMIOS_H

#include "abi/termios.h"

int tcgetattr(int fd, struct termios *t);
/** when: TCSANOW, TCSADRAIN or TCSAFLUSH. */
int tcsetattr(int fd, int when, const struct termios *t);
int tcflush(int fd, int queue);
int tcflow(int fd, int action);
int tcdrain(int fd);
int tcsendbreak(int fd, int duration);
/** Sets the flags for bytes to pass as they are, each at once. */
void cfmakeraw(struct termios *t);

#endif
