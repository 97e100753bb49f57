/*
 * The VGA's text screen: 80 x 25 cells at 0xb8000 and a cursor. Kernel log and
 * programs write to one screen (screen.c); what changed is copied here, so the
 * slow video memory is only written, never read.
 * Source: IBM VGA Technical Reference: CRT and graphics controllers.
 */
#include "console_devices.h"
#include "string.h"

#define VIDEO_MEMORY	  0xb8000
#define CRTC_INDEX	  0x3d4
#define CRTC_DATA	  0x3d5
#define CRTC_CURSOR_START 0x0a
#define CRTC_START_HIGH	  0x0c
#define CRTC_START_LOW	  0x0d
#define CRTC_CURSOR_HIGH  0x0e
#define CRTC_CURSOR_LOW	  0x0f
#define CURSOR_OFF	  0x20 /* of CURSOR_START */
#define GRAPHICS_INDEX	  0x3ce
#define GRAPHICS_DATA	  0x3cf
#define GRAPHICS_MISC	  0x06
#define MISC_GRAPHICS	  0x01
#define MISC_MAP	  0x0c /* where the video memory is: one of four */
#define MISC_MAP_B8000	  0x0c

/* Constant once started. */
static volatile uint64_t *memory; /* NULL: there is no screen */

/* Not followed by the lock checker: that prints, and this is where to. */
static struct spinlock vga_lock;
/* Under vga_lock, as are the controllers' registers once started. */
static struct screen screen;

/* ---- Hardware ---- */

static uint8_t
crtc_read(uint8_t index)
{
	outb(CRTC_INDEX, index);
	return inb(CRTC_DATA);
}

static void
crtc_write(uint8_t index, uint8_t v)
{
	outb(CRTC_INDEX, index);
	outb(CRTC_DATA, v);
}

/* The rest of CURSOR_START is the cursor's shape, and stays. Just past the end
 * of a row the cursor is shown at the end. vga_lock held. */
static void
show_cursor(void)
{
	int column = MIN(screen.column, SCREEN_COLUMNS - 1);
	unsigned at = screen.row * SCREEN_COLUMNS + column;
	uint8_t start = crtc_read(CRTC_CURSOR_START) & ~CURSOR_OFF;

	crtc_write(CRTC_CURSOR_START,
		   start | (screen.cursor_on ? 0 : CURSOR_OFF));
	crtc_write(CRTC_CURSOR_HIGH, at >> 8);
	crtc_write(CRTC_CURSOR_LOW, at);
}

/* Copy the changed rows, four cells at a time, as each write to video memory
 * takes long; nothing where none has changed. vga_lock held. */
static void
show(void)
{
	uint64_t cells;
	const size_t row = SCREEN_COLUMNS * sizeof(uint16_t) / sizeof(cells);
	size_t i, end = (screen.dirty_last + 1) * row;

	for (i = screen.dirty_first * row; i < end; i++) {
		memcpy(&cells, (char *)screen.cells + i * sizeof(cells),
		       sizeof(cells));
		memory[i] = cells;
	}
	screen.dirty_first = SCREEN_ROWS;
	screen.dirty_last = -1;
	show_cursor();
}

/* ---- Writing ---- */

/* An NMI may have struck this CPU while it held the lock: then its text is only
 * in the log and on the other consoles. */
static bool
lock_for_log(void)
{
	if (nmis_handled)
		return spin_trylock(&vga_lock);
	spin_lock(&vga_lock);
	return true;
}

/* struct console's write: with the log's lock held, so without interrupts; from
 * any context. */
static void
log_to_screen(const char *text, size_t len)
{
	if (!lock_for_log())
		return;
	screen_log(&screen, text, len);
	show();
	spin_unlock(&vga_lock);
}

/* As far as the first answer, which is a copy: the next writer may have one of
 * its own. @return how much was written */
static size_t
write_part(const char *text, size_t len)
{
	char answer[sizeof(screen.answer)];
	size_t answer_len, n;
	uint64_t rflags = spin_lock_irqsave(&vga_lock);

	n = screen_write(&screen, text, len);
	answer_len = screen.answer_len;
	memcpy(answer, screen.answer, answer_len);
	screen.answer_len = 0;
	show();
	spin_unlock_irqrestore(&vga_lock, rflags);
	/* What finds no room is lost, as a key would be. */
	if (answer_len && console_ops.input)
		console_ops.input(CONSOLE_VGA_KEYBOARD, answer, answer_len);
	return n;
}

void
vga_write(const char *text, size_t len)
{
	size_t n;

	for (; len > 0; text += n, len -= n)
		n = write_part(text, len);
}

/* ---- Start ---- */

/* Whether the controllers answer, and show text at VIDEO_MEMORY. A machine
 * without VGA reads all ones; one that UEFI booted shows graphics. The register
 * that is written for the test gets its old value back: it may be in use by
 * others. */
static bool
controllers_found(void)
{
	uint8_t before = crtc_read(CRTC_CURSOR_LOW), misc;
	bool kept;

	crtc_write(CRTC_CURSOR_LOW, 0x5a);
	kept = crtc_read(CRTC_CURSOR_LOW) == 0x5a;
	crtc_write(CRTC_CURSOR_LOW, before);
	if (!kept)
		return false;
	outb(GRAPHICS_INDEX, GRAPHICS_MISC);
	misc = inb(GRAPHICS_DATA);
	return !(misc & MISC_GRAPHICS) && (misc & MISC_MAP) == MISC_MAP_B8000;
}

/* Where no memory is, all ones are read, or what the bus still holds. */
static bool
memory_keeps(volatile uint64_t *at, uint64_t pattern)
{
	*at = pattern;
	return *at == pattern;
}

/* What was logged before there was a screen. No lock is needed yet: nobody else
 * knows of the screen. */
static void
show_log(void)
{
	char text[256];
	uint64_t pos = 0;
	size_t n;

	while ((n = log_read(&pos, text, sizeof(text))) > 0)
		screen_log(&screen, text, n);
	show();
}

/* The patterns are cells as text has them: blanks, and letters in grey. What
 * was shown before is cleared, and the controller shown from the start of the
 * memory, from which firmware may have scrolled away. The console is registered
 * last: from then on the log is shown from any CPU. */
void
vga_init(void)
{
	static struct console console = { .name = "VGA",
					  .write = log_to_screen };
	volatile uint64_t *at;

	if (!controllers_found())
		return;
	at = mmio_map(VIDEO_MEMORY, sizeof(screen.cells));
	if (!memory_keeps(at, 0x0720072007200720) ||
	    !memory_keeps(at, 0x0741075a0741075a))
		return;
	spin_init_unchecked(&vga_lock, "vga");
	screen_init(&screen);
	memory = at;
	crtc_write(CRTC_START_HIGH, 0);
	crtc_write(CRTC_START_LOW, 0);
	show_log();
	console_register(&console);
}

bool
vga_present(void)
{
	return memory != NULL;
}
