/*
 * Self-tests of chapter tty: a terminal whose keyboard is a string and whose
 * screen is a buffer.
 */
#include "console.h"
#include "string.h"
#include "terminal.h"

static struct tty tty;
static struct file file;
static uint8_t line_buffer[TTY_BUFFER];
static char screen[8192];
static size_t shown;

static void
show(struct tty *t, const char *text, size_t len)
{
	(void)t;
	len = MIN(len, sizeof(screen) - shown);
	memcpy(screen + shown, text, len);
	shown += len;
}

static const struct tty_driver test_driver = { .write = show };

/* A fresh terminal, with nothing typed and an empty screen. */
static void
start(void)
{
	tty_init(&tty, "test", 0, &test_driver, 0, line_buffer);
	memset(&file, 0, sizeof(file));
	file.private_data = &tty;
	file.flags = O_RDWR | O_NONBLOCK;
	shown = 0;
}

static void
start_raw(unsigned min)
{
	start();
	tty.termios.c_iflag = tty.termios.c_oflag = tty.termios.c_lflag = 0;
	tty.termios.c_cc[VMIN] = min;
}

/* @return how many characters were taken */
static size_t
type_bytes(const char *text, size_t len)
{
	size_t n;

	mutex_lock(&tty.lock);
	n = tty_receive(&tty, text, len);
	mutex_unlock(&tty.lock);
	return n;
}

static void
type(const char *text)
{
	type_bytes(text, strlen(text));
}

static int64_t
get(char *to, size_t len)
{
	struct iovec iov;
	struct uio u = uio_kernel(&iov, to, len);
	uint64_t pos = 0;

	return tty_read(&file, &u, &pos);
}

/* Whether a read of up to 100 bytes gets exactly @p text. */
static bool
reads(const char *text)
{
	char got[100];
	int64_t n = get(got, sizeof(got));

	return n == (int64_t)strlen(text) && memcmp(got, text, n) == 0;
}

/* Whether the screen has got exactly @p text since the last look. */
static bool
shows(const char *text)
{
	bool same = shown == strlen(text) && memcmp(screen, text, shown) == 0;

	shown = 0;
	return same;
}

SELFTEST(tty_canonical_input_comes_by_lines)
{
	char two[2];

	start();
	type("ab");
	CHECK(get(two, 2) == -EAGAIN);
	type("c\rde\n");
	CHECK(get(two, 2) == 2 && two[0] == 'a');
	CHECK(reads("c\n"));
	CHECK(reads("de\n"));
	CHECK(get(two, 2) == -EAGAIN);
	CHECK(shows("abc\r\nde\r\n"));
}

SELFTEST(tty_erase_word_and_line)
{
	start();
	type("ab\x7f");
	CHECK(shows("ab\b \b"));
	type("\x7f\x7f"); /* one more than there is */
	CHECK(shows("\b \b"));
	type("one two_3 \x17");
	CHECK(shows("one two_3 \b \b\b \b\b \b\b \b\b \b\b \b"));
	type("x\n");
	CHECK(reads("one x\n"));
	shown = 0;
	type("abc\x15");
	CHECK(shows("abc\b \b\b \b\b \b"));
	type("d\n");
	CHECK(reads("d\n"));
}

SELFTEST(tty_control_characters_are_shown_and_erased)
{
	start();
	type("\x01\x7f");
	CHECK(shows("^A\b \b\b \b"));
	type("a\t\x7f");
	CHECK(shows("a\t\b\b\b\b\b\b\b"));
	tty.termios.c_iflag |= IUTF8;
	type("\xc3\xa4\x7f");
	CHECK(shows("\xc3\xa4\b \b"));
	type("\n");
	CHECK(reads("a\n"));
}

SELFTEST(tty_end_of_file)
{
	char c;

	start();
	type("\x04");
	CHECK(get(&c, 1) == 0);
	CHECK(get(&c, 1) == -EAGAIN);
	type("ab\x04"
	     "c\n");
	CHECK(reads("ab"));
	CHECK(reads("c\n"));
	type("x\x04");
	CHECK(get(&c, 1) == 1 && c == 'x');
	CHECK(get(&c, 1) == -EAGAIN); /* it was the end of that line */
	shown = 0;
	type("\x04");
	CHECK(shows(""));
}

SELFTEST(tty_interrupt_flushes_input)
{
	start();
	type("abc\x03");
	CHECK(shows("abc^C"));
	type("d\n");
	CHECK(reads("d\n"));
	tty.termios.c_lflag |= NOFLSH;
	type("abc\x1a"
	     "d\n");
	CHECK(reads("abcd\n"));
	tty.termios.c_lflag &= ~(uint32_t)ISIG;
	type("\x03\n");
	CHECK(reads("\x03\n"));
}

SELFTEST(tty_literal_next_and_reprint)
{
	start();
	type("a\x16\x03\x16\x7f"
	     "b");
	CHECK(shows("a^\b^C^\b^?b"));
	type("\x12");
	CHECK(shows("^R\r\na^C^?b"));
	type("\n");
	CHECK(reads("a\x03\x7f"
		    "b\n"));
}

SELFTEST(tty_input_translation)
{
	start();
	tty.termios.c_iflag = IGNCR | INLCR | ISTRIP | IUCLC;
	tty.termios.c_lflag = IEXTEN;
	tty.termios.c_cc[VMIN] = 1;
	type("\rA\xe2\n");
	CHECK(reads("ab\r"));
	start_raw(1);
	tty.termios.c_iflag = PARMRK;
	type("a\xff");
	CHECK(reads("a\xff\xff"));
	CHECK(shows(""));
}

SELFTEST(tty_output_processing)
{
	static const char tabs[] = "a\tb\n";

	start();
	mutex_lock(&tty.out_lock);
	tty_output(&tty, "x\ny", 3);
	mutex_unlock(&tty.out_lock);
	CHECK(shows("x\r\ny") && tty.column == 1);
	tty.termios.c_oflag = OPOST | XTABS | OCRNL | OLCUC;
	tty.column = 0;
	mutex_lock(&tty.out_lock);
	tty_output(&tty, tabs, strlen(tabs));
	tty_output(&tty, "\r", 1);
	mutex_unlock(&tty.out_lock);
	CHECK(shows("A       B\n\n"));
	tty.termios.c_oflag = 0;
	mutex_lock(&tty.out_lock);
	tty_output(&tty, "\n\t", 2);
	mutex_unlock(&tty.out_lock);
	CHECK(shows("\n\t"));
}

SELFTEST(tty_raw_input_is_exact)
{
	char all[256], got[256];
	unsigned i;

	for (i = 0; i < sizeof(all); i++)
		all[i] = i;
	start_raw(1);
	CHECK(type_bytes(all, sizeof(all)) == sizeof(all));
	CHECK(get(got, sizeof(got)) == sizeof(got));
	CHECK(memcmp(all, got, sizeof(all)) == 0);
	CHECK(shows(""));
	CHECK(get(got, 1) == -EAGAIN);
	start_raw(0); /* MIN = TIME = 0: never waits */
	CHECK(get(got, 1) == 0);
}

SELFTEST(tty_raw_poll_wants_min_characters)
{
	const struct file_ops *ops;

	start_raw(3);
	CHECK(tty_open(&tty, &file, true) == 0);
	ops = file.ops;
	type("ab");
	CHECK(!(ops->poll(&file, NULL) & POLLIN));
	type("c");
	CHECK(ops->poll(&file, NULL) & POLLIN);
	CHECK(ops->poll(&file, NULL) & POLLOUT);
}

SELFTEST(tty_flow_control)
{
	start();
	type("a\x13"
	     "b");
	CHECK(tty.stopped);
	type("\x11\n");
	CHECK(!tty.stopped && reads("ab\n"));
	type("\x13\x03"); /* an interrupt lets the output go on, too */
	CHECK(!tty.stopped);
	tty.termios.c_iflag |= IXANY;
	type("\x13x");
	CHECK(!tty.stopped);
}

SELFTEST(tty_long_line_keeps_its_end)
{
	static char text[TTY_BUFFER];
	unsigned i;

	start();
	tty.termios.c_lflag &= ~(uint32_t)ECHO;
	for (i = 0; i < TTY_BUFFER + 100; i++)
		type("x");
	CHECK(tty_has_room(&tty));
	type("\n");
	CHECK(!tty_has_room(&tty)); /* a line waits: the rest is held back */
	CHECK(get(text, sizeof(text)) == TTY_BUFFER - 1);
	CHECK(text[TTY_BUFFER - 2] == '\n' && text[0] == 'x');
	CHECK(tty_has_room(&tty));
}

/* IXOFF: who was asked to wait may go on when there is room, by whatever. */
SELFTEST(tty_sender_that_waits_goes_on)
{
	static char text[TTY_BUFFER];
	struct termios old;
	int i;

	for (i = 0; i < 3; i++) {
		start_raw(1);
		tty.termios.c_iflag = IXOFF;
		type_bytes(text, sizeof(text));
		CHECK(shows("\x13"));
		mutex_lock(&tty.lock);
		mutex_lock(&tty.out_lock);
		old = tty.termios;
		if (i == 0) {
			tty_flush_input(&tty);
		} else if (i == 1) {
			tty.termios.c_iflag = 0;
			tty_settings_changed(&tty, &old);
		}
		mutex_unlock(&tty.out_lock);
		mutex_unlock(&tty.lock);
		if (i == 2)
			get(text, sizeof(text));
		CHECK(shows("\x11"));
	}
}

/* IXOFF: nobody reads an unfinished line, so its sender must not wait. */
SELFTEST(tty_sender_may_finish_its_line)
{
	static char text[TTY_BUFFER - 10];

	start();
	tty.termios.c_iflag = IXOFF;
	tty.termios.c_lflag = ICANON;
	memset(text, 'x', sizeof(text));
	type_bytes(text, sizeof(text));
	CHECK(shows(""));
	type("\n");
	CHECK(shows("\x13"));
	CHECK(get(text, sizeof(text)) == sizeof(text));
	CHECK(shows("\x11"));
	CHECK(reads("\n"));
	type("a\n");
	type_bytes(text, sizeof(text));
	CHECK(shows("\x13"));
	CHECK(reads("a\n"));
	CHECK(shows("\x11"));
}

/* What there is no room for is not taken, and so not lost. */
SELFTEST(tty_takes_what_it_has_room_for)
{
	static char text[TTY_BUFFER];

	start();
	CHECK(type_bytes("ab\n", 3) == 3);
	memset(text, 'x', sizeof(text));
	CHECK(type_bytes(text, sizeof(text)) == TTY_BUFFER - 4);
	CHECK(type_bytes("\n", 1) == 0);
	CHECK(reads("ab\n"));
	CHECK(type_bytes("yz\nw", 4) == 3); /* the w must wait for a reader */
	CHECK(get(text, sizeof(text)) == TTY_BUFFER - 1);
	start_raw(1);
	CHECK(type_bytes(text, sizeof(text)) == TTY_BUFFER - 1);
	CHECK(get(text, 10) == 10);
	CHECK(type_bytes(text, sizeof(text)) == 10);
	tty.termios.c_iflag |= PARMRK;
	CHECK(get(text, 3) == 3);
	CHECK(type_bytes("\xff\xff", 2) == 1); /* it takes two places */
}

static void
change_lflag(uint32_t lflag)
{
	struct termios old;

	mutex_lock(&tty.lock);
	old = tty.termios;
	tty.termios.c_lflag = lflag;
	mutex_lock(&tty.out_lock);
	tty_settings_changed(&tty, &old);
	mutex_unlock(&tty.out_lock);
	mutex_unlock(&tty.lock);
}

SELFTEST(tty_change_of_mode_keeps_input)
{
	start();
	type("ab");
	change_lflag(0);
	CHECK(reads("ab"));
	type("cd");
	change_lflag(ICANON);
	CHECK(reads("cd"));
	type("e\n");
	CHECK(reads("e\n"));
}

/* The system's own: nobody has used it yet, and what is typed waits in the
 * ring (TTY4). */
SELFTEST(tty_hang_up_forgets_what_waits_in_the_ring)
{
	struct tty *t = tty_console();

	if (!t)
		return;
	memset(&file, 0, sizeof(file));
	file.private_data = t;
	file.flags = O_RDWR;
	t->termios.c_lflag &= ~(uint32_t)ECHO;
	CHECK(console_ops.input(t->device, "old\n", 4) == 4);
	tty_hang_up(t, false);
	file.pos = t->hangups;
	CHECK(console_ops.input(t->device, "new\n", 4) == 4);
	CHECK(reads("new\n"));
	t->termios.c_lflag |= ECHO;
}
