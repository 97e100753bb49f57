/*
 * Output processing: what a program writes becomes what the device gets. Entry
 * points: tty_output; tty_stop and tty_start for flow control. The column is
 * followed, as tabs, erasing and ONLRET need it.
 */
#include "terminal.h"

#define TAB_WIDTH 8

/* Processed text on its way to the device: a call of the driver for each
 * character would cost a UART an empty FIFO each, and the screen a redraw. */
struct outbuf {
	struct tty *tty;
	size_t len;
	char text[128];
};

static void
flush(struct outbuf *b)
{
	if (b->len)
		b->tty->driver->write(b->tty, b->text, b->len);
	b->len = 0;
}

static void
put(struct outbuf *b, char c)
{
	if (b->len == sizeof(b->text))
		flush(b);
	b->text[b->len++] = c;
}

/* XTABS, which is TAB3: by spaces. The other tab types are delays, and none. */
static void
put_tab(struct outbuf *b)
{
	struct tty *t = b->tty;
	unsigned n = TAB_WIDTH - t->column % TAB_WIDTH;

	t->column += n;
	if ((t->termios.c_oflag & TABDLY) != XTABS) {
		put(b, '\t');
		return;
	}
	while (n--)
		put(b, ' ');
}

/* ONLRET: the device itself goes to the first column at a newline, so none need
 * be sent, but the column is 0. */
static void
put_newline(struct outbuf *b)
{
	struct tty *t = b->tty;

	if (t->termios.c_oflag & ONLCR)
		put(b, '\r');
	if (t->termios.c_oflag & (ONLCR | ONLRET))
		t->column = 0;
	put(b, '\n');
}

/* XSI's ONOCR, OCRNL and ONLRET (POSIX.1-2017, 11.2.3). */
static void
put_return(struct outbuf *b)
{
	struct tty *t = b->tty;
	uint32_t oflag = t->termios.c_oflag;

	if ((oflag & ONOCR) && t->column == 0)
		return;
	if (oflag & OCRNL) {
		if (oflag & ONLRET)
			t->column = 0;
		put(b, '\n');
		return;
	}
	t->column = 0;
	put(b, '\r');
}

static bool
is_control(uint8_t c)
{
	return c < ' ' || c == 0x7f;
}

/* A byte that continues a UTF-8 character takes no column of its own. */
static bool
is_continuation(const struct tty *t, uint8_t c)
{
	return (t->termios.c_iflag & IUTF8) && (c & 0xc0) == 0x80;
}

/* The column counts characters that are seen: no control characters, and of
 * UTF-8 the first byte alone. */
static void
put_processed(struct outbuf *b, uint8_t c)
{
	struct tty *t = b->tty;

	switch (c) {
	case '\n':
		put_newline(b);
		return;
	case '\r':
		put_return(b);
		return;
	case '\t':
		put_tab(b);
		return;
	case '\b':
		if (t->column > 0)
			t->column--;
		break;
	default:
		if ((t->termios.c_oflag & OLCUC) && c >= 'a' && c <= 'z')
			c -= 'a' - 'A';
		if (!is_control(c) && !is_continuation(t, c))
			t->column++;
	}
	put(b, c);
}

/* A character becomes two at most (a newline), or the eight of a tab. A
 * driver's room that is not 0 is at least eight, or a writer would wait for
 * more though nobody is going to make it. */
size_t
tty_output_room(const struct tty *t, size_t len)
{
	uint32_t oflag = t->termios.c_oflag;
	size_t room, most = 1;

	if (t->stopped)
		return 0;
	if (!t->driver->room)
		return len;
	room = t->driver->room((struct tty *)t);
	if (oflag & OPOST)
		most = (oflag & TABDLY) == XTABS ? TAB_WIDTH : 2;
	return MIN(len, room / most);
}

/* Without OPOST the column is not followed: bytes mean what the program knows.
 */
void
tty_output(struct tty *t, const char *text, size_t len)
{
	struct outbuf b;
	size_t i;

	ASSERT(mutex_held(&t->out_lock));
	if (!(t->termios.c_oflag & OPOST)) {
		t->driver->write(t, text, len);
		return;
	}
	b.tty = t;
	b.len = 0;
	for (i = 0; i < len; i++)
		put_processed(&b, text[i]);
	flush(&b);
}

/* Writers see it under out_lock when they next ask for room; what a driver has
 * taken is sent. */
void
tty_stop(struct tty *t)
{
	if (t->stopped)
		return;
	t->stopped = true;
	if (t->driver->notice)
		t->driver->notice(t, TIOCPKT_STOP);
}

/* What TCOOFF has stopped no key starts again, as on Linux. */
void
tty_start(struct tty *t)
{
	if (!t->stopped || t->held)
		return;
	t->stopped = false;
	if (t->driver->notice)
		t->driver->notice(t, TIOCPKT_START);
	tty_output(t, t->echoes, t->nechoes);
	t->nechoes = 0;
	waitq_wake_all(&t->write_wq);
}
