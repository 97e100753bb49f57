/*
 * What the files of chapter console share among themselves; no other chapter
 * looks in here. The screen, the keyboard's decoder and the clock's decoder
 * know no hardware, so that the self-tests can drive them.
 */
#ifndef CONSOLE_DEVICES_H
#define CONSOLE_DEVICES_H

#include "console.h"

/* ---- A screen of characters, as TERM=linux has it (screen.c) ---- */

#define SCREEN_COLUMNS	  80
#define SCREEN_ROWS	  25
#define SCREEN_PARAMETERS 8

struct screen_pen {
	uint8_t foreground, background; /* 0-7, ANSI's order of colours */
	bool bold, reverse, blink, underline;
};

/* Guarded by the owner's lock (vga.c). */
struct screen {
	/* What is shown: character, and attribute in the upper byte as the
	 * VGA has it. Rows dirty_first to dirty_last have changed. */
	uint16_t cells[SCREEN_ROWS][SCREEN_COLUMNS];
	int dirty_first, dirty_last;

	int row, column; /* cursor; column may be SCREEN_COLUMNS: wrap next */
	int top, bottom; /* scrolling region, both inclusive */
	bool cursor_on, autowrap, insert;
	struct screen_pen pen;
	struct {
		int row, column;
		struct screen_pen pen;
	} saved;

	/* The escape sequence being read. */
	uint8_t state;
	char private_mark; /* '?' and its like after "ESC [", or 0 */
	unsigned nparameters;
	unsigned parameters[SCREEN_PARAMETERS];

	/* An answer to the program: a cursor position report. */
	char answer[16];
	size_t answer_len;
};

/** Clear @p s and set everything to its state at power-up. */
void screen_init(struct screen *s);
/** Show text of a program: control characters and escape sequences work. */
void screen_write(struct screen *s, const char *text, size_t len);
/** Show text of the kernel's log: plain, in the default colours, whatever
 * sequence a program is in the middle of. */
void screen_log(struct screen *s, const char *text, size_t len);

/* ---- Keyboard (keyboard.c) ---- */

struct keyboard {
	bool shift_left, shift_right, control, alt, caps_lock, num_lock;
	uint8_t prefix; /* 0, 0xe0, or 0xe1 */
	uint8_t skip;	/* bytes left of the Pause key's sequence */
};

#define KEY_TEXT_MAX 8

/** Take one byte of scan code set 1. @return length of what was typed, put at
 * @p text (at most KEY_TEXT_MAX) */
size_t keyboard_decode(struct keyboard *k, uint8_t code, char *text);

/** Start the keyboard, if there is one. */
void keyboard_init(void);

/* ---- Other devices ---- */

/** Start the screen, if there is one, and show the log on it. */
void vga_init(void);
bool vga_present(void);
void vga_write(const char *text, size_t len);

/** Find and start the UARTs. */
void uart_init(void);
bool uart_present(enum console_device dev);
void uart_write(enum console_device dev, const char *text, size_t len);
void uart_resume(enum console_device dev);

/** The registers of the CMOS clock, as read. */
struct rtc_registers {
	uint8_t second, minute, hour, day, month, year, century, status_b;
	bool has_century;
};

/** @return seconds since 1970 UTC, or 0 where it is no valid date */
int64_t rtc_decode(const struct rtc_registers *r);

/** Set the kernel's clock of the day. */
void rtc_init(void);

#endif
