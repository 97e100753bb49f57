/*
 * Echo and line editing: showing what is typed, and taking it back, so that
 * the screen agrees with the line. Entry points: echo_char, tty_erase.
 */
#include "string.h"
#include "terminal.h"

#define TAB_WIDTH 8

static uint8_t
char_at(const struct tty *t, uint32_t pos)
{
	return t->buffer[pos % TTY_BUFFER];
}

static bool
is_control(uint8_t c)
{
	return c < ' ' || c == 0x7f;
}

static bool
is_continuation(const struct tty *t, uint8_t c)
{
	return tty_iflag(t, IUTF8) && (c & 0xc0) == 0x80;
}

/* The letters of Latin-1 are the first bytes of UTF-8's longer characters, too;
 * 0xd7 and 0xf7, signs of multiplication and division, are none. */
static bool
is_word(uint8_t c)
{
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c != 0xd7 && c != 0xf7);
}

/* ---- Showing ---- */

void
echo_text(struct tty *t, const char *text, size_t len)
{
	if (!t->stopped) {
		tty_output(t, text, len);
		return;
	}
	len = MIN(len, TTY_ECHOES - t->nechoes);
	memcpy(t->echoes + t->nechoes, text, len);
	t->nechoes += len;
}

void
echo_raw(struct tty *t, uint8_t c)
{
	char text = c;

	echo_text(t, &text, 1);
}

/* A control character is shown as ^X: the other case of bit 6, which makes ^A
 * of 1 and ^? of 0x7f. A tab is itself, as is a newline by way of echo_raw. */
void
echo_char(struct tty *t, uint8_t c)
{
	const char shown[2] = { '^', c ^ 0x40 };

	if (tty_lflag(t, ECHOCTL) && is_control(c) && c != '\t')
		echo_text(t, shown, sizeof(shown));
	else
		echo_raw(t, c);
}

void
echo_line(struct tty *t)
{
	uint32_t pos;

	t->line_column = t->column;
	for (pos = t->line_start; pos != t->head; pos++)
		echo_char(t, char_at(t, pos));
}

/* ---- Taking back ---- */

/* Column behind the typed line, as it stands on the screen: as echo_char has
 * shown each character from the column where the line began. Output of others
 * in between makes it wrong, until VREPRINT sets that right. As it adds up the
 * whole line, a line of n tabs costs n^2 to kill: n is at most TTY_BUFFER. */
static unsigned
column_at_head(const struct tty *t)
{
	unsigned column = t->line_column;
	uint32_t pos;
	uint8_t c;

	for (pos = t->line_start; pos != t->head; pos++) {
		c = char_at(t, pos);
		if (c == '\t')
			column += TAB_WIDTH - column % TAB_WIDTH;
		else if (is_control(c))
			column += tty_lflag(t, ECHOCTL) ? 2 : 0;
		else if (!is_continuation(t, c))
			column++;
	}
	return column;
}

/* The character @p c, just taken off the line, goes from the screen. A tab
 * showed only blanks: the cursor goes back, as far as the tab had come from the
 * column that the rest of the line ends in, and nothing is wiped out. */
static void
unshow(struct tty *t, uint8_t c)
{
	unsigned n;

	if (c == '\t') {
		n = TAB_WIDTH - column_at_head(t) % TAB_WIDTH;
		while (n--)
			echo_text(t, "\b", 1);
	} else if (!is_control(c)) {
		echo_text(t, "\b \b", 3);
	} else if (tty_lflag(t, ECHOCTL)) {
		echo_text(t, "\b \b\b \b", 6);
	}
}

/* Where the line's last character begins: it may be of several bytes, and never
 * reaches back into a line before. The line is not empty. */
static uint32_t
last_begins(const struct tty *t)
{
	uint32_t at = t->head - 1;

	while (is_continuation(t, char_at(t, at)) && at != t->line_start)
		at--;
	return at;
}

/* Without ECHOK, ECHOKE and ECHOE the line stays on the screen: a printer
 * cannot take it back. @return whether the line was killed so */
static bool
kill_unseen(struct tty *t, uint8_t c)
{
	if (tty_lflag(t, ECHO) && tty_lflag(t, ECHOK) && tty_lflag(t, ECHOKE) &&
	    tty_lflag(t, ECHOE))
		return false;
	t->head = t->line_start;
	if (tty_lflag(t, ECHO)) {
		echo_char(t, c);
		if (tty_lflag(t, ECHOK))
			echo_raw(t, '\n');
	}
	return true;
}

/* A word goes with what stands behind it and is no word. Characters go one by
 * one, and each is unshown as it was shown: the column that a tab began in is
 * known only when it has left the line. */
void
tty_erase(struct tty *t, unsigned what, uint8_t c)
{
	bool in_word = false;
	uint8_t erased;
	uint32_t at;

	if (t->head == t->line_start || (what == VKILL && kill_unseen(t, c)))
		return;
	do {
		at = last_begins(t);
		erased = char_at(t, at);
		if (what == VWERASE) {
			if (in_word && !is_word(erased))
				break;
			in_word |= is_word(erased);
		}
		t->head = at;
		if (!tty_lflag(t, ECHO))
			continue;
		if (what == VERASE && !tty_lflag(t, ECHOE))
			echo_char(t, c);
		else
			unshow(t, erased);
	} while (what != VERASE && t->head != t->line_start);
}
