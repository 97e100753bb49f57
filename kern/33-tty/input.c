/*
 * The line discipline's input side: each typed character is a key of line
 * editing, of flow control, of a signal, or goes into the buffer. Entry point:
 * tty_receive, called by a kernel thread (console.c), so that echo and ^C work
 * while nobody reads, or by who writes to the other end (pty.c). Rules:
 * POSIX.1-2017, chapter 11, and termios(3).
 */
#include "string.h"
#include "terminal.h"

#define BELL '\a'

/* IXOFF: STOP is sent when less room than this is left, START when there is
 * more again. What the other side has on its way when it sees STOP fits in the
 * first; the second is larger, or they would be sent in turn for each read. */
#define ROOM_LOW  128
#define ROOM_HIGH 1024

/* ---- The buffer ---- */

static uint32_t
held(const struct tty *t)
{
	return t->head - t->tail;
}

static void
set_bit(uint64_t *bits, uint32_t pos, bool value)
{
	uint64_t *word = &bits[pos % TTY_BUFFER / 64];

	*word = (*word & ~(1UL << pos % 64)) | (uint64_t)value << pos % 64;
}

/* Without a whole line to read, input must go on: the keys that end a line or
 * raise a signal would be lost. */
static bool
needs_line(const struct tty *t)
{
	return tty_lflag(t, ICANON) && t->line_start == t->tail;
}

/* What does not fit is dropped (store). */
bool
tty_has_room(const struct tty *t)
{
	uint32_t most = tty_iflag(t, PARMRK) ? 2 : 1; /* a character makes */

	return needs_line(t) || held(t) + most <= TTY_BUFFER - 1;
}

/* TTY1. The last place of a full buffer is the line's end's: without it nobody
 * could read, and no room would come. A character of the line being typed makes
 * place for it: the buffer is full here only if no whole line is in it
 * (tty_has_room), so there is one. Both bits are set each time: an old one of
 * this place may be left. Both locks are held. */
static void
store(struct tty *t, uint8_t c, bool ends_line, bool eof)
{
	if (held(t) == TTY_BUFFER - 1) {
		if (!ends_line) {
			if (tty_iflag(t, IMAXBEL))
				echo_raw(t, BELL);
			return;
		}
		t->head--; /* the last place is for the line's end */
	}
	t->buffer[t->head % TTY_BUFFER] = c;
	set_bit(t->line_end, t->head, ends_line);
	set_bit(t->is_eof, t->head, eof);
	t->head++;
	if (ends_line)
		t->line_start = t->head;
	INVARIANT(TTY1, t->line_start - t->tail <= held(t));
}

void
tty_input_wanted(struct tty *t)
{
	if (t->driver->unthrottle)
		t->driver->unthrottle(t);
}

/* Both locks are held. IXOFF: START, past output processing and past ^S, as it
 * is no output. */
static void
release_sender(struct tty *t)
{
	char start = t->termios.c_cc[VSTART];

	if (!t->stop_sent)
		return;
	t->stop_sent = false;
	t->driver->write(t, &start, 1);
}

/* The positions go on from where they are; nothing need be cleared. */
void
tty_flush_input(struct tty *t)
{
	ASSERT(mutex_held(&t->lock) && mutex_held(&t->out_lock));
	t->tail = t->line_start = t->head;
	t->literal_next = false;
	t->nechoes = 0;
	release_sender(t);
	if (t->driver->notice)
		t->driver->notice(t, TIOCPKT_FLUSHREAD);
	tty_input_wanted(t);
}

void
tty_flush_all_input(struct tty *t)
{
	if (t->driver->flush_input)
		t->driver->flush_input(t);
	tty_flush_input(t);
}

/* From raw to canonical, what is there becomes a line; from canonical to raw,
 * the typed part of a line can be read, and marks of an end of file become
 * characters of 0, as on Linux. With IXON off no key would start output again
 * that ^S has stopped, and with IXOFF off nothing would send START: so both
 * happen here. */
void
tty_settings_changed(struct tty *t, const struct termios *old)
{
	if ((old->c_lflag ^ t->termios.c_lflag) & ICANON) {
		memset(t->line_end, 0, sizeof(t->line_end));
		memset(t->is_eof, 0, sizeof(t->is_eof));
		t->line_start = t->tail;
		if (tty_lflag(t, ICANON) && held(t)) {
			set_bit(t->line_end, t->head - 1, true);
			t->line_start = t->head;
		}
		t->literal_next = false;
		waitq_wake_all(&t->read_wq);
	}
	if ((old->c_iflag & IXON) && !tty_iflag(t, IXON))
		tty_start(t);
	if (!tty_iflag(t, IXOFF))
		release_sender(t);
	if (t->driver->settings)
		t->driver->settings(t, old);
	tty_input_wanted(t);
}

/* ---- Keys ---- */

/* POSIX.1-2017, 11.1.9. What has been typed goes with the command that was
 * interrupted (NOFLSH keeps it), and stopped output goes on, so that the prompt
 * is seen. The key is echoed last: with the output that is thrown away it would
 * go, too. */
static bool
receive_signal_key(struct tty *t, uint8_t c)
{
	int signo;

	if (tty_is_cc(t, VINTR, c))
		signo = SIGINT;
	else if (tty_is_cc(t, VQUIT, c))
		signo = SIGQUIT;
	else if (tty_is_cc(t, VSUSP, c))
		signo = SIGTSTP;
	else
		return false;
	tty_signal(t, signo);
	if (!tty_lflag(t, NOFLSH)) {
		if (t->driver->flush_output)
			t->driver->flush_output(t);
		tty_flush_input(t);
	}
	if (tty_iflag(t, IXON))
		tty_start(t);
	if (tty_lflag(t, ECHO))
		echo_char(t, c);
	return true;
}

/* Neither gets into the buffer (POSIX.1-2017, 11.1.9). */
static bool
receive_flow_key(struct tty *t, uint8_t c)
{
	if (tty_is_cc(t, VSTART, c))
		tty_start(t);
	else if (tty_is_cc(t, VSTOP, c))
		tty_stop(t);
	else
		return false;
	return true;
}

/* A mark that the next character will overwrite. */
static void
echo_literal_next(struct tty *t)
{
	if (tty_lflag(t, ECHO) && tty_lflag(t, ECHOCTL))
		echo_text(t, "^\b", 2);
}

/* POSIX.1-2017, 11.1.9 has ERASE and KILL; the others are IEXTEN's: Berkeley's
 * word erase, literal next and reprint. */
static bool
receive_edit_key(struct tty *t, uint8_t c)
{
	bool extended = tty_lflag(t, IEXTEN);

	if (tty_is_cc(t, VERASE, c)) {
		tty_erase(t, VERASE, c);
	} else if (tty_is_cc(t, VKILL, c)) {
		tty_erase(t, VKILL, c);
	} else if (extended && tty_is_cc(t, VWERASE, c)) {
		tty_erase(t, VWERASE, c);
	} else if (extended && tty_is_cc(t, VLNEXT, c)) {
		t->literal_next = true;
		echo_literal_next(t);
	} else if (extended && tty_lflag(t, ECHO) &&
		   tty_is_cc(t, VREPRINT, c)) {
		echo_char(t, c);
		echo_raw(t, '\n');
		echo_line(t);
	} else {
		return false;
	}
	return true;
}

/* Before the character is stored: for the first of a line, it is here that the
 * column is noted where erasing ends. In a line, a newline is but a character
 * that was quoted. */
static void
echo_typed(struct tty *t, uint8_t c)
{
	if (t->head == t->line_start)
		t->line_column = t->column;
	if (c == '\n' && !tty_lflag(t, ICANON))
		echo_raw(t, c);
	else
		echo_char(t, c);
}

/* @return whether @p c ended a line. VEOF stores a place that is no character:
 * the line's end must be somewhere even if nothing was typed. It is not echoed,
 * and does not end the file: the next line can be read after it. ECHONL shows a
 * newline where nothing else is shown, as after a password. */
static bool
receive_line_end(struct tty *t, uint8_t c)
{
	bool extended = tty_lflag(t, IEXTEN);

	if (c == '\n') {
		if (tty_lflag(t, ECHO) || tty_lflag(t, ECHONL))
			echo_raw(t, c);
		store(t, c, true, false);
	} else if (tty_is_cc(t, VEOF, c)) {
		store(t, 0, true, true);
	} else if (tty_is_cc(t, VEOL, c) ||
		   (extended && tty_is_cc(t, VEOL2, c))) {
		if (tty_lflag(t, ECHO))
			echo_typed(t, c);
		store(t, c, true, false);
	} else {
		return false;
	}
	waitq_wake_all(&t->read_wq);
	return true;
}

/* ---- A character ---- */

/* POSIX.1-2017, 11.2.2: with PARMRK a \377 \0 begins a mark, so a \377 that was
 * typed is doubled. tty_has_room has counted two. */
static void
receive_plain(struct tty *t, uint8_t c)
{
	if (tty_lflag(t, ECHO))
		echo_typed(t, c);
	if (tty_iflag(t, PARMRK) && c == 0xff)
		store(t, c, false, false);
	store(t, c, false, false);
}

/* @return whether @p c is to be dropped. After the signal keys: those are
 * compared as they were typed. */
static bool
translate(struct tty *t, uint8_t *c)
{
	if (*c == '\r') {
		if (tty_iflag(t, IGNCR))
			return true;
		if (tty_iflag(t, ICRNL))
			*c = '\n';
	} else if (*c == '\n' && tty_iflag(t, INLCR)) {
		*c = '\r';
	}
	return false;
}

/* The order of the tests is the meaning: what is literal, then flow control,
 * signals, translation, editing, and text at last. ISTRIP and IUCLC come before
 * all of them: they say what was typed. */
static void
receive_char(struct tty *t, uint8_t c)
{
	if (tty_iflag(t, ISTRIP))
		c &= 0x7f;
	if (tty_iflag(t, IUCLC) && tty_lflag(t, IEXTEN) && c >= 'A' && c <= 'Z')
		c += 'a' - 'A';
	if (t->literal_next) {
		t->literal_next = false;
		receive_plain(t, c);
		return;
	}
	if (tty_iflag(t, IXON) && receive_flow_key(t, c))
		return;
	if (tty_lflag(t, ISIG) && receive_signal_key(t, c))
		return;
	if (t->stopped && tty_iflag(t, IXON) && tty_iflag(t, IXANY))
		tty_start(t);
	if (translate(t, &c))
		return;
	if (tty_lflag(t, ICANON) &&
	    (receive_edit_key(t, c) || receive_line_end(t, c)))
		return;
	receive_plain(t, c);
}

/* Ask the other side to wait, before the buffer is full; but not for the end of
 * a line without which nobody reads. Past output processing, as in
 * release_sender. Both locks are held. */
static void
hold_sender(struct tty *t)
{
	char stop = t->termios.c_cc[VSTOP];

	if (!tty_iflag(t, IXOFF) || t->stop_sent || needs_line(t) ||
	    TTY_BUFFER - held(t) >= ROOM_LOW)
		return;
	t->stop_sent = true;
	t->driver->write(t, &stop, 1);
}

/* out_lock is held throughout, so that no program's output comes between a key
 * and its echo, and as signals and flow control change both directions. Readers
 * of lines are woken when one ends; of raw input here, once for all that has
 * come. */
size_t
tty_receive(struct tty *t, const char *text, size_t len)
{
	size_t n;

	mutex_lock(&t->out_lock);
	for (n = 0; n < len && tty_has_room(t); n++)
		receive_char(t, text[n]);
	hold_sender(t);
	mutex_unlock(&t->out_lock);
	if (n && !tty_lflag(t, ICANON) && held(t))
		waitq_wake_all(&t->read_wq);
	return n;
}

/* `lock` is held, and so whoever held characters back has noted it by now. */
void
tty_input_taken(struct tty *t)
{
	if (t->stop_sent &&
	    (needs_line(t) || TTY_BUFFER - held(t) >= ROOM_HIGH)) {
		mutex_lock(&t->out_lock);
		release_sender(t);
		mutex_unlock(&t->out_lock);
	}
	tty_input_wanted(t);
}
