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

enum console_device {
	CONSOLE_VGA_KEYBOARD,
	CONSOLE_COM1,
	CONSOLE_COM2,
	NCONSOLE
};

struct console_ops {
	/**
	 * tty: @p len characters have arrived at a device. Interrupt context
	 * or console_device_resume's, with a lock of the device held; or that
	 * of a writer to the screen who asked where the cursor is.
	 *
	 * @return how many it takes, from the first on. A UART keeps the rest
	 *         and is not read until console_device_resume; of the keyboard
	 *         and the screen the rest is lost
	 */
	size_t (*input)(enum console_device dev, const char *text, size_t len);
};
extern struct console_ops console_ops;

/** Write to a device, not to the log; may spin while a UART is full. Any
 * context. COM2 carries bytes unchanged; so does COM1 (no CR is added). The
 * screen takes what TERM=linux programs send. */
void console_device_write(enum console_device dev, const char *text,
			  size_t len);
/** There is room again for input that was not taken: it is offered once more,
 * and the device goes on. Also to be called for each device once console_ops is
 * filled: until then nothing is taken. Any context, holding no lock that input
 * takes. */
void console_device_resume(enum console_device dev);
/** Whether the device was found. */
bool console_device_present(enum console_device dev);
/** Size of the screen behind a device, in characters (VGA 80 x 25; a UART
 * cannot tell: 80 x 24). */
void console_device_size(enum console_device dev, unsigned *columns,
			 unsigned *rows);

/* ---- Clock of the day ---- */

/** Seconds since 1970 UTC from the CMOS clock; 0: none, or it shows no valid
 * date. May sleep. */
int64_t rtc_read(void);

#endif
