/*
 * The chapter's start, and the console devices under one name: COM1, COM2, and
 * the screen with its keyboard.
 */
#include "devices.h"

struct console_ops console_ops;

/* What the devices' descriptions take of the heap: bounded by the number of
 * PCI devices, and by the disks of a few controllers. */
#define HEAP_PAGES 24

static void
dev_init(void)
{
	heap_begin(HEAP_PAGES);
	vga_init();
	uart_init();
	keyboard_init();
	rtc_init();
	work_start();
	pci_init();
	pci_attach_drivers();
	heap_end();
	if (!block_get(0))
		kprintf("dev: no disk found. AHCI and IDE disks are looked "
			"for; with QEMU, add: -drive file=IMAGE,format=raw\n");
}

CHAPTER_INIT(dev_init);

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

bool
console_device_present(enum console_device dev)
{
	if (dev == CONSOLE_VGA_KEYBOARD)
		return vga_present();
	return uart_present(dev);
}

void
console_device_size(enum console_device dev, unsigned *columns, unsigned *rows)
{
	*columns = SCREEN_COLUMNS;
	*rows = dev == CONSOLE_VGA_KEYBOARD ? SCREEN_ROWS : 24;
}
