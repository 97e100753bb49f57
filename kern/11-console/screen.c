/*
 * A screen of characters that understands what TERM=linux programs send:
 * cursor movement, clearing, scrolling regions, inserting and deleting,
 * colours. It is memory only; vga.c copies what changed to the hardware.
 * Sources: ECMA-48; console_codes(4), for what programs expect.
 */
#include "console_devices.h"
#include "format.h"
#include "string.h"

#define BLANK ' '

enum {
	STATE_GROUND,
	STATE_ESCAPE,	 /* after ESC */
	STATE_SEQUENCE,	 /* after ESC [ */
	STATE_FUNCTION,	 /* after ESC [ [: a function key's echo */
	STATE_CHARSET,	 /* after ESC ( and its like: one more */
	STATE_STRING,	 /* after ESC ]: up to BEL or ESC \ */
	STATE_STRING_ESC /* an ESC in it */
};

static const struct screen_pen default_pen = { .foreground = 7 };

/* ---- Cells ---- */

/* ANSI counts red 1 and blue 4, the VGA the other way round. */
static uint8_t
vga_colour(uint8_t ansi)
{
	return (ansi & 2) | (ansi & 1) << 2 | ansi >> 2;
}

/* A cell as the VGA has it: character; bits 8 to 10 foreground, 11 bright, 12
 * to 14 background, 15 blinking. Bright and blink stay where they are when
 * colours are reversed. */
static uint16_t
cell(const struct screen_pen *pen, uint8_t c)
{
	uint8_t fg = vga_colour(pen->foreground) | (pen->bold ? 8 : 0);
	uint8_t bg = vga_colour(pen->background);

	if (pen->underline) /* which a colour VGA cannot show */
		fg = vga_colour(6) | 8;
	if (pen->reverse) {
		uint8_t t = fg & 7;

		fg = bg | (fg & 8);
		bg = t;
	}
	return (fg | bg << 4 | (pen->blink ? 0x80 : 0)) << 8 | c;
}

static void
touch(struct screen *s, int first, int last)
{
	s->dirty_first = MIN(s->dirty_first, first);
	s->dirty_last = MAX(s->dirty_last, last);
}

/* Blank @p n cells from a place in a row, in the pen's background: terminfo's
 * bce. */
static void
blank(struct screen *s, int row, int column, int n)
{
	uint16_t empty = cell(&s->pen, BLANK);
	int i;

	n = MIN(n, SCREEN_COLUMNS - column);
	for (i = 0; i < n; i++)
		s->cells[row][column + i] = empty;
	touch(s, row, row);
}

static void
blank_rows(struct screen *s, int first, int last)
{
	int row;

	for (row = first; row <= last; row++)
		blank(s, row, 0, SCREEN_COLUMNS);
}

/* Move rows @p first to @p last up by @p n; blank ones follow. */
static void
scroll_up(struct screen *s, int first, int last, int n)
{
	int keep;

	n = MIN(n, last - first + 1);
	keep = last - first + 1 - n;
	memmove(s->cells[first], s->cells[first + n],
		keep * sizeof(s->cells[0]));
	blank_rows(s, first + keep, last);
	touch(s, first, last);
}

/* The same down. Neither moves the cursor. */
static void
scroll_down(struct screen *s, int first, int last, int n)
{
	int keep;

	n = MIN(n, last - first + 1);
	keep = last - first + 1 - n;
	memmove(s->cells[first + n], s->cells[first],
		keep * sizeof(s->cells[0]));
	blank_rows(s, first, first + n - 1);
	touch(s, first, last);
}

/* DCH: the rest of the row moves up to the cursor. */
static void
delete_cells(struct screen *s, int n)
{
	uint16_t *row = s->cells[s->row];
	int column = MIN(s->column, SCREEN_COLUMNS - 1), rest;

	n = MIN(n, SCREEN_COLUMNS - column);
	rest = SCREEN_COLUMNS - column - n;
	memmove(row + column, row + column + n, rest * sizeof(*row));
	blank(s, s->row, column + rest, n);
}

/* ICH: the rest of the row moves on, and what passes its end is lost. */
static void
insert_cells(struct screen *s, int n)
{
	uint16_t *row = s->cells[s->row];
	int column = MIN(s->column, SCREEN_COLUMNS - 1), rest;

	n = MIN(n, SCREEN_COLUMNS - column);
	rest = SCREEN_COLUMNS - column - n;
	memmove(row + column + n, row + column, rest * sizeof(*row));
	blank(s, s->row, column, n);
}

/* ---- The cursor ---- */

static int
clamp(int v, int low, int high)
{
	return v < low ? low : v > high ? high : v;
}

static void
move_to(struct screen *s, int row, int column)
{
	s->row = clamp(row, 0, SCREEN_ROWS - 1);
	s->column = clamp(column, 0, SCREEN_COLUMNS - 1);
}

/* Relative moves stop at the scrolling region's edge if they begin in it. */
static void
move_rows(struct screen *s, int n)
{
	int low = s->row >= s->top ? s->top : 0;
	int high = s->row <= s->bottom ? s->bottom : SCREEN_ROWS - 1;

	move_to(s, clamp(s->row + n, low, high), s->column);
}

/* Only the region's last row scrolls. Below the region the cursor stops at the
 * screen's last row, as a status line there must not move. */
static void
line_feed(struct screen *s)
{
	if (s->row == s->bottom)
		scroll_up(s, s->top, s->bottom, 1);
	else if (s->row < SCREEN_ROWS - 1)
		s->row++;
}

static void
reverse_line_feed(struct screen *s)
{
	if (s->row == s->top)
		scroll_down(s, s->top, s->bottom, 1);
	else if (s->row > 0)
		s->row--;
}

/* A character past the last column wraps only when the next one comes. */
static void
put_glyph(struct screen *s, uint8_t c)
{
	if (s->column >= SCREEN_COLUMNS) {
		s->column = SCREEN_COLUMNS - 1;
		if (s->autowrap) {
			s->column = 0;
			line_feed(s);
		}
	}
	if (s->insert)
		insert_cells(s, 1);
	s->cells[s->row][s->column++] = cell(&s->pen, c);
	touch(s, s->row, s->row);
}

static void
save_cursor(struct screen *s)
{
	s->saved.row = s->row;
	s->saved.column = s->column;
	s->saved.pen = s->pen;
}

/* What was saved just past the end of a row comes back at the end. */
static void
restore_cursor(struct screen *s)
{
	move_to(s, s->saved.row, s->saved.column);
	s->pen = s->saved.pen;
}

void
screen_init(struct screen *s)
{
	memset(s, 0, sizeof(*s));
	s->bottom = SCREEN_ROWS - 1;
	s->cursor_on = s->autowrap = true;
	s->pen = default_pen;
	save_cursor(s);
	blank_rows(s, 0, SCREEN_ROWS - 1);
}

/* ---- Escape sequences ---- */

/* Parameter @p i, or @p otherwise where it is 0 or not there: 0 is no count. */
static int
parameter(const struct screen *s, unsigned i, int otherwise)
{
	return i < s->nparameters && s->parameters[i] ? (int)s->parameters[i]
						      : otherwise;
}

/* Colours and attributes, one parameter each (SGR, ECMA-48); 90 to 107 are
 * AIX's bright ones, of which the background has none. */
static void
set_pen(struct screen *s, unsigned v)
{
	struct screen_pen *pen = &s->pen;

	if (v == 0)
		*pen = default_pen;
	else if (v == 1 || v == 22)
		pen->bold = v == 1;
	else if (v == 4 || v == 24)
		pen->underline = v == 4;
	else if (v == 5 || v == 25)
		pen->blink = v == 5;
	else if (v == 7 || v == 27)
		pen->reverse = v == 7;
	else if (v >= 30 && v <= 37)
		pen->foreground = v - 30;
	else if (v == 39)
		pen->foreground = default_pen.foreground;
	else if (v >= 40 && v <= 47)
		pen->background = v - 40;
	else if (v == 49)
		pen->background = default_pen.background;
	else if (v >= 90 && v <= 97) {
		pen->foreground = v - 90;
		pen->bold = true;
	} else if (v >= 100 && v <= 107)
		pen->background = v - 100;
}

/* 38 and 48 bring a colour of 256 or of 16 million, which we have not: their
 * own parameters are passed over. */
static void
set_pens(struct screen *s)
{
	unsigned i, v;

	if (s->nparameters == 0)
		set_pen(s, 0);
	for (i = 0; i < s->nparameters; i++) {
		v = s->parameters[i];
		if (v == 38 || v == 48)
			i += parameter(s, i + 1, 0) == 5 ? 2 : 4;
		else
			set_pen(s, v);
	}
}

/* @p how: 0, from the cursor on; 1, up to it; else all (ED). The cursor stays.
 * The next function does the same to its row (EL). */
static void
erase_display(struct screen *s, int how)
{
	int column = MIN(s->column, SCREEN_COLUMNS - 1);

	if (how == 0) {
		blank(s, s->row, column, SCREEN_COLUMNS);
		blank_rows(s, s->row + 1, SCREEN_ROWS - 1);
	} else if (how == 1) {
		blank_rows(s, 0, s->row - 1);
		blank(s, s->row, 0, column + 1);
	} else {
		blank_rows(s, 0, SCREEN_ROWS - 1);
	}
}

static void
erase_line(struct screen *s, int how)
{
	int column = MIN(s->column, SCREEN_COLUMNS - 1);

	if (how == 0)
		blank(s, s->row, column, SCREEN_COLUMNS);
	else if (how == 1)
		blank(s, s->row, 0, column + 1);
	else
		blank(s, s->row, 0, SCREEN_COLUMNS);
}

/* DECSTBM, a VT100's: less than two rows are no region, and it is as if nothing
 * had been sent (CONS2). The cursor goes home. */
static void
set_region(struct screen *s)
{
	int top = parameter(s, 0, 1) - 1;
	int bottom = parameter(s, 1, SCREEN_ROWS) - 1;

	if (top >= bottom || bottom >= SCREEN_ROWS)
		return;
	s->top = top;
	s->bottom = bottom;
	move_to(s, 0, 0);
}

/* Cursor shown, wrapping, inserting (console_codes(4)); others pass. */
static void
set_mode(struct screen *s, bool on)
{
	unsigned i;

	for (i = 0; i < s->nparameters; i++) {
		unsigned v = s->parameters[i];

		if (s->private_mark == '?' && v == 25)
			s->cursor_on = on;
		else if (s->private_mark == '?' && v == 7)
			s->autowrap = on;
		else if (!s->private_mark && v == 4)
			s->insert = on;
	}
}

/* "Where is the cursor?" and "are you well?" (DSR). Counted from 1. */
static void
report(struct screen *s)
{
	int what = parameter(s, 0, 0);

	if (what == 6)
		s->answer_len = snformat(
			s->answer, sizeof(s->answer), "\033[%d;%dR", s->row + 1,
			MIN(s->column, SCREEN_COLUMNS - 1) + 1);
	else if (what == 5)
		s->answer_len =
			snformat(s->answer, sizeof(s->answer), "\033[0n");
}

/* Insert or delete rows at the cursor, within the scrolling region; outside of
 * it nothing happens. */
static void
shift_rows(struct screen *s, bool insert, int n)
{
	if (s->row < s->top || s->row > s->bottom)
		return;
	if (insert)
		scroll_down(s, s->row, s->bottom, n);
	else
		scroll_up(s, s->row, s->bottom, n);
	s->column = 0;
}

/* Sequences that move the cursor. @return whether it was one */
static bool
sequence_move(struct screen *s, char final, int n)
{
	int column = MIN(s->column, SCREEN_COLUMNS - 1);

	switch (final) {
	case 'A':
	case 'F':
		move_rows(s, -n);
		break;
	case 'B':
	case 'e':
	case 'E':
		move_rows(s, n);
		break;
	case 'C':
	case 'a':
		move_to(s, s->row, column + n);
		break;
	case 'D':
		move_to(s, s->row, column - n);
		break;
	case 'G':
	case '`':
		move_to(s, s->row, n - 1);
		break;
	case 'd':
		move_to(s, n - 1, s->column);
		break;
	case 'H':
	case 'f':
		move_to(s, n - 1, parameter(s, 1, 1) - 1);
		break;
	default:
		return false;
	}
	if (final == 'E' || final == 'F')
		s->column = 0;
	return true;
}

/* Sequences that change what is shown. @return whether it was one */
static bool
sequence_edit(struct screen *s, char final, int n)
{
	switch (final) {
	case 'J':
		erase_display(s, parameter(s, 0, 0));
		break;
	case 'K':
		erase_line(s, parameter(s, 0, 0));
		break;
	case 'L':
	case 'M':
		shift_rows(s, final == 'L', n);
		break;
	case 'P':
		delete_cells(s, n);
		break;
	case '@':
		insert_cells(s, n);
		break;
	case 'X':
		blank(s, s->row, MIN(s->column, SCREEN_COLUMNS - 1), n);
		break;
	case 'S':
		scroll_up(s, s->top, s->bottom, n);
		break;
	case 'T':
		scroll_down(s, s->top, s->bottom, n);
		break;
	default:
		return false;
	}
	return true;
}

/* A sequence is complete: @p final says which. Unknown ones do nothing. */
static void
sequence_end(struct screen *s, char final)
{
	/* No count is more than the screen: a program's number is not sane. */
	int n = MIN(parameter(s, 0, 1), SCREEN_COLUMNS * SCREEN_ROWS);

	s->state = STATE_GROUND;
	if (final == 'h' || final == 'l') {
		set_mode(s, final == 'h');
		return;
	}
	if (s->private_mark)
		return;
	if (sequence_move(s, final, n) || sequence_edit(s, final, n))
		return;
	switch (final) {
	case 'm':
		set_pens(s);
		break;
	case 'r':
		set_region(s);
		break;
	case 's':
		save_cursor(s);
		break;
	case 'u':
		restore_cursor(s);
		break;
	case 'n':
		report(s);
		break;
	}
}

/* A byte of a sequence after "ESC [". What is too large or too many for what we
 * have is cut here, so no sum of it overflows later. */
static void
sequence_byte(struct screen *s, char c)
{
	if (c >= '0' && c <= '9') {
		unsigned *v;

		if (s->nparameters == 0)
			s->nparameters = 1;
		v = &s->parameters[s->nparameters - 1];
		*v = MIN(*v * 10 + (c - '0'), 9999u);
	} else if (c == ';' || c == ':') {
		if (s->nparameters == 0)
			s->nparameters = 1;
		if (s->nparameters < SCREEN_PARAMETERS)
			s->parameters[s->nparameters++] = 0;
	} else if (c == '[') {
		s->state = STATE_FUNCTION;
	} else if (c >= '<' && c <= '?') {
		s->private_mark = c;
	} else if (c >= '@' && c <= '~') {
		sequence_end(s, c);
	}
}

static void
sequence_begin(struct screen *s)
{
	s->state = STATE_SEQUENCE;
	s->private_mark = 0;
	s->nparameters = 0;
	memset(s->parameters, 0, sizeof(s->parameters));
}

/* The byte after ESC. What chooses a set of characters is read to its end, and
 * nothing more: there is one set. */
static void
escape_byte(struct screen *s, char c)
{
	s->state = STATE_GROUND;
	switch (c) {
	case '[':
		sequence_begin(s);
		break;
	case ']':
		s->state = STATE_STRING;
		break;
	case '(':
	case ')':
	case '%':
	case '#':
		s->state = STATE_CHARSET;
		break;
	case '7':
		save_cursor(s);
		break;
	case '8':
		restore_cursor(s);
		break;
	case 'D':
		line_feed(s);
		break;
	case 'E':
		s->column = 0;
		line_feed(s);
		break;
	case 'M':
		reverse_line_feed(s);
		break;
	case 'c':
		screen_init(s);
		break;
	}
}

/* ---- Characters ---- */

/* Those below space work within sequences too; CAN and SUB end one. */
static void
control_byte(struct screen *s, char c)
{
	switch (c) {
	case '\b':
		if (s->column > 0)
			s->column = MIN(s->column, SCREEN_COLUMNS - 1) - 1;
		break;
	case '\t':
		s->column = MIN((s->column | 7) + 1, SCREEN_COLUMNS - 1);
		break;
	case '\n':
	case '\v':
	case '\f':
		line_feed(s);
		break;
	case '\r':
		s->column = 0;
		break;
	case '\030':
	case '\032':
		s->state = STATE_GROUND;
		break;
	case '\033':
		s->state = STATE_ESCAPE;
		break;
	}
}

/* The font has 256 characters, ASCII among them; of UTF-8's longer ones one
 * mark is shown, for the first byte. */
static void
ground_byte(struct screen *s, char c)
{
	uint8_t byte = c;

	if (byte == 0x7f || (byte & 0xc0) == 0x80)
		return;
	put_glyph(s, byte < 0x80 ? byte : '?');
}

/* Up to BEL, as xterm has it, or ESC \ (ST): a title for a window that there is
 * not. */
static void
string_byte(struct screen *s, char c)
{
	if (c == '\a' || (s->state == STATE_STRING_ESC && c == '\\'))
		s->state = STATE_GROUND;
	else
		s->state = c == '\033' ? STATE_STRING_ESC : STATE_STRING;
}

/* A string may have any byte in it; elsewhere control characters work at once,
 * also in the middle of a sequence. STATE_FUNCTION and STATE_CHARSET swallow
 * one byte. */
static void
put_byte(struct screen *s, char c)
{
	if (s->state == STATE_STRING || s->state == STATE_STRING_ESC) {
		string_byte(s, c);
		return;
	}
	if ((uint8_t)c < ' ') {
		control_byte(s, c);
		return;
	}
	switch (s->state) {
	case STATE_GROUND:
		ground_byte(s, c);
		break;
	case STATE_ESCAPE:
		escape_byte(s, c);
		break;
	case STATE_SEQUENCE:
		sequence_byte(s, c);
		break;
	default:
		s->state = STATE_GROUND;
	}
}

size_t
screen_write(struct screen *s, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len && !s->answer_len; i++) {
		put_byte(s, text[i]);
		INVARIANT(CONS2, s->row >= 0 && s->row < SCREEN_ROWS);
		INVARIANT(CONS2, s->column >= 0 && s->column <= SCREEN_COLUMNS);
		INVARIANT(CONS2, s->top >= 0 && s->top < s->bottom &&
					 s->bottom < SCREEN_ROWS);
	}
	return i;
}

void
screen_log(struct screen *s, const char *text, size_t len)
{
	struct screen_pen pen = s->pen;
	bool autowrap = s->autowrap, insert = s->insert;
	uint8_t state = s->state;
	size_t i;

	s->pen = default_pen;
	s->autowrap = true;
	s->insert = false;
	s->state = STATE_GROUND;
	for (i = 0; i < len; i++) {
		if (text[i] == '\n')
			s->column = 0;
		if (text[i] == '\n' || text[i] == '\t')
			control_byte(s, text[i]);
		else if (text[i] >= ' ')
			ground_byte(s, text[i]);
	}
	s->pen = pen;
	s->autowrap = autowrap;
	s->insert = insert;
	s->state = state;
}
