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
#define SCREEN_PARAMETERS 8 /* of a sequence; more are read and forgotten */

/** How characters are written from now on. */
struct screen_pen {
	uint8_t foreground, background; /* 0-7, ANSI's order of colours */
	bool bold, reverse, blink, underline;
};

/* Guarded by the owner's lock (vga.c). */
struct screen {
	/* What is shown: character, and attribute in the upper byte as the
	 * VGA has it. Rows dirty_first to dirty_last have changed since the
	 * owner has last shown them, which resets the two; first > last: none.
	 */
	uint16_t cells[SCREEN_ROWS][SCREEN_COLUMNS];
	int dirty_first, dirty_last;

	int row, column; /* cursor; column may be SCREEN_COLUMNS: wrap next */
	int top, bottom; /* scrolling region, both inclusive */
	bool cursor_on, autowrap, insert; /* modes: DECTCEM, DECAWM, IRM */
	struct screen_pen pen;
	struct { /* ESC 7, or ESC [ s */
		int row, column;
		struct screen_pen pen;
	} saved;

	/* The escape sequence being read. */
	uint8_t state;	   /* STATE_*, screen.c */
	char private_mark; /* '?' and its like after "ESC [", or 0 */
	unsigned nparameters;
	unsigned parameters[SCREEN_PARAMETERS];

	/* An answer to the program, until the owner has taken it: a cursor
	 * position report. There is room for one: nothing more is shown before
	 * it was taken. */
	char answer[16];
	size_t answer_len;
};

/** Clear @p s, whatever it holds, and set everything to its state at power-up.
 */
void screen_init(struct screen *s);
/** Show text of a program: control characters and escape sequences work, also
 * one that began in an earlier call. Any context, with the owner's lock held;
 * so is the next one. @return how much: up to what has made an answer, which
 * the owner takes before it goes on */
size_t screen_write(struct screen *s, const char *text, size_t len);
/** Show text of the kernel's log: plain, in the default colours, wrapped and
 * not inserted, whatever sequence a program is in the middle of, which goes on
 * after it, as do its modes. The scrolling region stays the program's. */
void screen_log(struct screen *s, const char *text, size_t len);

/* ---- Keyboard (keyboard.c) ---- */

/** What is down, and what was sent of a key so far. All zero: at power-up. */
struct keyboard {
	bool shift_left, shift_right, caps_lock, num_lock;
	uint8_t control, alt; /* a bit for each side */
	uint8_t prefix;	      /* 0, 0xe0, or 0xe1 */
	uint8_t skip;	      /* bytes left of the Pause key's sequence */
};

/* Most that a key types (CONS3); the sequences have five. */
#define KEY_TEXT_MAX 8

/** Take one byte of scan code set 1. Any byte is allowed: what is no key types
 * nothing. @return length of what was typed, put at @p text (at most
 * KEY_TEXT_MAX) */
size_t keyboard_decode(struct keyboard *k, uint8_t code, char *text);

/** Start the keyboard, if there is one. Waits for it, asleep in between. */
void keyboard_init(void);

/* ---- Other devices ---- */

/** Start the screen, if there is one, and show the log on it. */
void vga_init(void);
bool vga_present(void);
/** Show text of a program. What it asks of the screen is answered by way of
 * console_ops.input, after vga's lock was given back. Any context. */
void vga_write(const char *text, size_t len);

/** Find and start the UARTs. */
void uart_init(void);
bool uart_present(enum console_device dev);
/** For @p dev that is present: as console_device_write, console_device_resume.
 */
void uart_write(enum console_device dev, const char *text, size_t len);
void uart_resume(enum console_device dev);

/** The registers of the CMOS clock, as read: two digits each, binary or BCD, as
 * status_b says. Bytes without gaps: readings are compared as memory. */
struct rtc_registers {
	uint8_t second, minute, hour, day, month, year, century, status_b;
	bool has_century;
};

/** @return seconds since 1970 UTC, or 0 where it is no valid date */
int64_t rtc_decode(const struct rtc_registers *r);

/** Set the kernel's clock of the day; where the CMOS clock has none, say so and
 * leave it at 1970. May sleep. */
void rtc_init(void);

#endif
