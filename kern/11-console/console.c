/*
 * The console devices under one name, COM1, COM2, and the screen with its
 * keyboard; and the chapter's start.
 */
#include "console_devices.h"

struct console_ops console_ops;

void
console_device_write(enum console_device dev, const char *text, size_t len)
{
	if (!console_device_present(dev))
		return;
	if (dev == CONSOLE_VGA_KEYBOARD)
		vga_write(text, len);
	else
		uart_write(dev, text, len);
}

void
console_device_resume(enum console_device dev)
{
	if (dev != CONSOLE_VGA_KEYBOARD && uart_present(dev))
		uart_resume(dev);
}

bool
console_device_present(enum console_device dev)
{
	if (dev == CONSOLE_VGA_KEYBOARD)
		return vga_present();
	return uart_present(dev);
}

/* 24 rows are those of a VT100: what a program takes who does not know better.
 */
void
console_device_size(enum console_device dev, unsigned *columns, unsigned *rows)
{
	*columns = SCREEN_COLUMNS;
	*rows = dev == CONSOLE_VGA_KEYBOARD ? SCREEN_ROWS : 24;
}

/* The screen first: what the others have to say is seen on it, and on a machine
 * without serial lines nowhere else. */
static void
console_devices_init(void)
{
	vga_init();
	uart_init();
	keyboard_init();
	rtc_init();
}

CHAPTER_INIT(console_devices_init);
