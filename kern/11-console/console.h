/*
 * console: the devices of characters, and the clock of the day. Serial lines,
 * and screen with keyboard, under one name; what is typed at them goes to
 * whoever listens (chapter tty). Where the kernel's log is shown is not told
 * here but in boot.h (struct console).
 */
#ifndef CONSOLE_H
#define CONSOLE_H

#include "dev.h"

/* ---- Console input and output devices ---- */

/** In the order in which their input is carried on (chapter tty). */
enum console_device {
	CONSOLE_VGA_KEYBOARD,
	CONSOLE_COM1,
	CONSOLE_COM2,
	NCONSOLE
};

/** What chapter tty does for this one. Filled in once, at its start. */
struct console_ops {
	/**
	 * tty: @p len characters have arrived at a device. Interrupt context
	 * or console_device_resume's, with a lock of the device held; or that
	 * of a writer to the screen who asked where the cursor is. It does
	 * not sleep. NULL: nothing is taken.
	 *
	 * @return how many it takes, from the first on. A UART keeps the rest
	 *         and is not read until console_device_resume; of the keyboard
	 *         and the screen the rest is lost
	 */
	size_t (*input)(enum console_device dev, const char *text, size_t len);
};
extern struct console_ops console_ops;

/** Write to a device, not to the log; may spin while a UART is full, at most a
 * tenth of a second for each FIFO's worth, which is lost then. Any context,
 * holding no lock that input takes. COM2 carries bytes unchanged; so does COM1
 * (no CR is added). The screen takes what TERM=linux programs send. To a device
 * that is not there nothing is written. */
void console_device_write(enum console_device dev, const char *text,
			  size_t len);
/** There is room again for input that was not taken: it is offered once more,
 * and the device goes on. Also to be called for each device once console_ops is
 * filled: until then nothing is taken. Without effect on the keyboard, which is
 * never held up, and on what is not there. Any context, holding no lock that
 * input takes; may call input. */
void console_device_resume(enum console_device dev);
/** Whether the device was found: constant once this chapter has started. Any
 * context. */
bool console_device_present(enum console_device dev);
/** Size of the screen behind a device, in characters (VGA 80 x 25; a UART
 * cannot tell: 80 x 24). */
void console_device_size(enum console_device dev, unsigned *columns,
			 unsigned *rows);

/* ---- Clock of the day ---- */

/** Seconds since 1970 UTC from the CMOS clock, which is taken to show UTC; 0:
 * none, or it shows no valid date. No locks held. May sleep. */
int64_t rtc_read(void);

#endif
