/*
 * Self-tests of chapter console: a serial line that talks to itself, and the
 * decoders, fed with bytes.
 */
#include "console_devices.h"
#include "string.h"

/* ---- A serial line ---- */

#define COM2_MCR 0x2fc
#define MCR_LOOP 0x10 /* what is sent is received */

static struct {
	_Atomic unsigned offers;
	_Atomic size_t n, room;
	char text[64];
} heard;

static size_t
hear(enum console_device dev, const char *text, size_t len)
{
	size_t n = MIN(len, heard.room - heard.n);

	if (dev != CONSOLE_COM2)
		return len;
	memcpy(heard.text + heard.n, text, n);
	heard.n += n;
	heard.offers++;
	return n;
}

/* Send 16 bytes to ourselves and listen to none, then three, then all. */
static bool
line_waits_for_its_listener(void)
{
	console_device_resume(CONSOLE_COM2);
	console_device_write(CONSOLE_COM2, "0123456789", 10);
	if (!device_wait(heard.offers > 0, 1000) || heard.n != 0)
		return false;
	heard.room = 3;
	console_device_resume(CONSOLE_COM2);
	console_device_write(CONSOLE_COM2, "abcdef", 6);
	if (device_wait(heard.n != 3, 20))
		return false;
	heard.room = sizeof(heard.text);
	console_device_resume(CONSOLE_COM2);
	return device_wait(heard.n == 16, 1000) &&
	       memcmp(heard.text, "0123456789abcdef", 16) == 0;
}

SELFTEST(console_uart_keeps_what_is_not_taken)
{
	struct console_ops before = console_ops;
	bool ok;

	if (!console_device_present(CONSOLE_COM2))
		return;
	heard.n = 0;
	heard.room = 0;
	heard.offers = 0;
	console_ops.input = hear;
	outb(COM2_MCR, inb(COM2_MCR) | MCR_LOOP);
	ok = line_waits_for_its_listener();
	outb(COM2_MCR, inb(COM2_MCR) & ~MCR_LOOP);
	console_ops = before;
	CHECK(ok);
}

/* ---- Keyboard ---- */

/* Whether scan codes @p codes (ended by 0) type @p text on a fresh keyboard. */
static bool
types(const char *codes, const char *text)
{
	struct keyboard k = { 0 };
	char typed[64];
	size_t n = 0;

	for (; *codes; codes++)
		n += keyboard_decode(&k, *codes, typed + n);
	return n == strlen(text) && memcmp(typed, text, n) == 0;
}

SELFTEST(console_keyboard_characters)
{
	CHECK(types("\x1e\x9e\x30\xb0\x39", "ab "));
	CHECK(types("\x2a\x1e\x9e\xaa\x1e", "Aa"));	 /* shift, released */
	CHECK(types("\x36\x02\x82\xb6\x02", "!1"));	 /* right shift */
	CHECK(types("\x3a\xba\x1e\x02\x2a\x1e", "A1a")); /* caps lock */
	CHECK(types("\x1d\x2e\xae\x9d\x2e", "\x03"
					    "c")); /* control C */
	CHECK(types("\x38\x1e\xb8", "\033a"));	   /* alt */
	/* the other one is still down */
	CHECK(types("\x1d\xe0\x1d\xe0\x9d\x2e\x9d\x2e", "\x03"
							"c"));
	CHECK(types("\xe0\x38\x38\xb8\x1e\xe0\xb8\x1e", "\033aa"));
	CHECK(types("\x0e\x1c\x0f\x01", "\177\r\t\033"));
	CHECK(types("\x2b\x35", "\\/"));
}

SELFTEST(console_keyboard_sequences)
{
	CHECK(types("\xe0\x48\xe0\xc8\xe0\x50", "\033[A\033[B"));
	CHECK(types("\xe0\x2a\xe0\x4b\xe0\xcb\xe0\xaa\x1e", "\033[Da"));
	CHECK(types("\xe0\x47\xe0\x4f\xe0\x53", "\033[1~\033[4~\033[3~"));
	CHECK(types("\x3b\x58", "\033[[A\033[24~"));
	CHECK(types("\x48\x45\xc5\x48", "\033[A8")); /* num lock */
	CHECK(types("\xe0\x35\xe0\x1c", "/\r"));
	CHECK(types("\xe1\x1d\x45\xe1\x9d\xc5\x1e", "a")); /* pause */
	CHECK(types("\x7f\x59\xe0\x10", ""));		   /* unknown */
}

/* Any byte at all: the decoder stays within its buffer. */
SELFTEST(console_keyboard_any_byte)
{
	struct keyboard k = { .num_lock = true };
	char text[KEY_TEXT_MAX];
	uint32_t seed = 1, i;

	for (i = 0; i < 20000; i++) {
		seed = seed * 1664525 + 1013904223;
		CHECK(keyboard_decode(&k, seed >> 24, text) <= KEY_TEXT_MAX);
	}
}

/* ---- Screen ---- */

static struct screen screen;

static void
shows(const char *text)
{
	screen_init(&screen);
	screen_write(&screen, text, strlen(text));
}

/* Whether @p row, from @p column on, reads @p text. */
static bool
reads(int row, int column, const char *text)
{
	for (; *text; text++)
		if ((uint8_t)screen.cells[row][column++] != (uint8_t)*text)
			return false;
	return true;
}

static bool
cursor_at(int row, int column)
{
	return screen.row == row && screen.column == column;
}

SELFTEST(console_screen_text_and_controls)
{
	shows("one\r\ntwo\b\bX\tY\nZ");
	CHECK(reads(0, 0, "one "));
	CHECK(reads(1, 0, "tXo     Y"));
	CHECK(reads(2, 9, "Z"));
	CHECK(cursor_at(2, 10));
	CHECK(screen.cells[0][0] == (0x07 << 8 | 'o'));
}

SELFTEST(console_screen_wraps_and_scrolls)
{
	int i;

	screen_init(&screen);
	for (i = 0; i < SCREEN_COLUMNS; i++)
		screen_write(&screen, "a", 1);
	CHECK(cursor_at(0, SCREEN_COLUMNS)); /* wraps only now: */
	screen_write(&screen, "b", 1);
	CHECK(cursor_at(1, 1) && reads(1, 0, "b "));
	for (i = 0; i < SCREEN_ROWS; i++)
		screen_write(&screen, "\r\nc", 3);
	CHECK(cursor_at(SCREEN_ROWS - 1, 1));
	CHECK(reads(0, 0, "c ") && reads(SCREEN_ROWS - 1, 0, "c "));
}

SELFTEST(console_screen_cursor_sequences)
{
	shows("\033[5;10Hx\033[2A\033[3Dy\033[Bz\033[99;99Hc");
	CHECK(reads(4, 9, "x"));
	CHECK(reads(2, 7, "y"));
	CHECK(reads(3, 8, "z"));
	CHECK(reads(SCREEN_ROWS - 1, SCREEN_COLUMNS - 1, "c"));
	shows("\033[4d\033[7Gq\0337\033[H\0338r\033[1Es");
	CHECK(reads(3, 6, "qr") && reads(4, 0, "s"));
}

SELFTEST(console_screen_erases)
{
	shows("abcdef\033[3D\033[K");
	CHECK(reads(0, 0, "abc   "));
	shows("abcdef\033[3D\033[1K");
	CHECK(reads(0, 0, "    ef"));
	shows("a\r\nb\r\nc\033[2;1H\033[J");
	CHECK(reads(0, 0, "a") && reads(1, 0, " ") && reads(2, 0, " "));
	shows("a\r\nb\033[2J");
	CHECK(reads(0, 0, " ") && reads(1, 0, " ") && cursor_at(1, 1));
}

SELFTEST(console_screen_inserts_and_deletes)
{
	shows("abcd\033[2G\033[2@");
	CHECK(reads(0, 0, "a  bcd"));
	shows("abcd\033[2G\033[2P");
	CHECK(reads(0, 0, "ad  "));
	shows("a\r\nb\r\nc\033[2;1H\033[L");
	CHECK(reads(0, 0, "a") && reads(1, 0, " ") && reads(2, 0, "b"));
	shows("a\r\nb\r\nc\033[1;1H\033[M");
	CHECK(reads(0, 0, "b") && reads(1, 0, "c"));
	shows("ab\033[1;1H\033M");
	CHECK(reads(0, 0, "  ") && reads(1, 0, "ab"));
	/* Only the region scrolls. */
	shows("a\r\nb\r\nc\r\nd\033[2;3r\033[3;1H\n");
	CHECK(reads(0, 0, "a") && reads(1, 0, "c") && reads(2, 0, " ") &&
	      reads(3, 0, "d"));
}

SELFTEST(console_screen_refuses_no_region)
{
	shows("\033[3;5r\033[7;4r\033[6;6r\033[1;99r");
	CHECK(screen.top == 2 && screen.bottom == 4);
	screen_write(&screen, "\033[r", 3);
	CHECK(screen.top == 0 && screen.bottom == SCREEN_ROWS - 1);
}

SELFTEST(console_screen_colours_and_modes)
{
	shows("\033[1;31;44mr\033[0md\033[7mv\033[?25l");
	CHECK(screen.cells[0][0] == (0x1c << 8 | 'r'));
	CHECK(screen.cells[0][1] == (0x07 << 8 | 'd'));
	CHECK(screen.cells[0][2] == (0x70 << 8 | 'v'));
	CHECK(!screen.cursor_on);
	shows("\033[38;5;200mx\033[4hy\rz");
	CHECK(screen.cells[0][0] == (0x07 << 8 | 'z') && reads(0, 1, "xy"));
}

SELFTEST(console_screen_answers)
{
	shows("\033[3;7H\033[6n");
	CHECK(screen.answer_len == 6);
	CHECK(memcmp(screen.answer, "\033[3;7R", 6) == 0);
}

/* Each that is asked for, in order, though all are asked for at once. */
SELFTEST(console_screen_waits_for_its_answer_to_be_taken)
{
	static const char ask[] = "\033[5n\033[2;3H\033[6n";
	size_t n;

	screen_init(&screen);
	n = screen_write(&screen, ask, sizeof(ask) - 1);
	CHECK(n == 4 && screen.answer_len == 4);
	CHECK(memcmp(screen.answer, "\033[0n", 4) == 0);
	screen.answer_len = 0;
	CHECK(screen_write(&screen, ask + n, sizeof(ask) - 1 - n) == 10);
	CHECK(screen.answer_len == 6);
	CHECK(memcmp(screen.answer, "\033[2;3R", 6) == 0);
}

SELFTEST(console_screen_log_is_plain)
{
	shows("\033[31mab\033[3");
	screen_log(&screen, "c\n\033[2Jd", 7);
	screen_write(&screen, "2me", 3);
	CHECK(reads(0, 0, "abc") && reads(1, 0, "[2Jde"));
	CHECK(screen.cells[0][2] == (0x07 << 8 | 'c'));
	CHECK(screen.cells[1][4] == (0x02 << 8 | 'e'));
	shows("left\r\033[4h\033[?7l");
	screen_log(&screen, "log", 3);
	CHECK(reads(0, 0, "logt"));
	CHECK(screen.insert && !screen.autowrap);
	shows("\033[80G\033[?7l");
	screen_log(&screen, "log", 3);
	CHECK(reads(0, 79, "l") && reads(1, 0, "og"));
}

/* Any bytes: cursor and region stay on the screen. */
SELFTEST(console_screen_any_bytes)
{
	static const char often[] = "\033[]?;0123456789ABCDHJKLMPX@Srmhl";
	uint32_t seed = 7, i;
	char c;

	screen_init(&screen);
	for (i = 0; i < 200000; i++) {
		seed = seed * 1664525 + 1013904223;
		c = seed & 0x8000 ? often[(seed >> 16) % (sizeof(often) - 1)]
				  : (char)(seed >> 24);
		screen.answer_len = 0;
		screen_write(&screen, &c, 1);
		CHECK(screen.row >= 0 && screen.row < SCREEN_ROWS);
		CHECK(screen.column >= 0 && screen.column <= SCREEN_COLUMNS);
		CHECK(screen.top >= 0 && screen.top < screen.bottom &&
		      screen.bottom < SCREEN_ROWS);
		CHECK(screen.answer_len <= sizeof(screen.answer));
	}
}

/* ---- Clock ---- */

/* 2024-02-29 23:59:58, in binary, 24 hours. */
static const struct rtc_registers leap_day = { .second = 58,
					       .minute = 59,
					       .hour = 23,
					       .day = 29,
					       .month = 2,
					       .year = 24,
					       .century = 20,
					       .status_b = 6,
					       .has_century = true };

SELFTEST(console_rtc_decodes)
{
	struct rtc_registers r = leap_day;

	CHECK(rtc_decode(&r) == 1709251198);
	r.has_century = false;
	CHECK(rtc_decode(&r) == 1709251198);
	r = (struct rtc_registers){ 0x58, 0x59, 0x91, 0x29, 0x02,
				    0x24, 0x20, 0,    true };
	CHECK(rtc_decode(&r) == 1709251198); /* BCD, 11 pm */
	r.hour = 0x12;			     /* 12 am */
	CHECK(rtc_decode(&r) == 1709251198 - 23 * 3600);
	r = (struct rtc_registers){ 0, 0, 0, 1, 1, 70, 19, 6, true };
	CHECK(rtc_decode(&r) == 0);
	r.day = 2;
	CHECK(rtc_decode(&r) == 86400);
}

SELFTEST(console_rtc_refuses_no_date)
{
	struct rtc_registers r = leap_day;

	r.year = 23;
	CHECK(rtc_decode(&r) == 0); /* no leap year */
	r = leap_day;
	r.month = 13;
	CHECK(rtc_decode(&r) == 0);
	r.month = 0;
	CHECK(rtc_decode(&r) == 0);
	r = leap_day;
	r.hour = 24;
	CHECK(rtc_decode(&r) == 0);
	memset(&r, 0xff, offsetof(struct rtc_registers, has_century));
	CHECK(rtc_decode(&r) == 0);
}

SELFTEST(console_rtc_is_plausible)
{
	int64_t now = rtc_read();

	/* 0: no clock, or a battery that ran out. Else 2020 to 2100. */
	CHECK(now == 0 || (now > 1577836800 && now < 4102444800));
	CHECK(now == 0 || clock_realtime_ns() / 1000000000 >= 1577836800);
}
