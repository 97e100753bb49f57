/*
 * Reading from a terminal: a line at a time, or by MIN and TIME. Entry point:
 * tty_read. POSIX.1-2017, 11.1.5 to 11.1.7.
 */
#include "terminal.h"

#define NS_PER_TENTH 100000000UL /* TIME is in tenths of a second */

/* Input goes to the caller in pieces of this size, so that its memory, which
 * may have to be fetched from disk, is touched without the lock. */
#define PIECE 256

static bool
bit_at(const uint64_t *bits, uint32_t pos)
{
	return bits[pos % TTY_BUFFER / 64] >> pos % 64 & 1;
}

/* Raw, the part of a line that is being typed counts as well. */
size_t
tty_readable(const struct tty *t)
{
	return (tty_lflag(t, ICANON) ? t->line_start : t->head) - t->tail;
}

size_t
tty_eofs(const struct tty *t)
{
	uint32_t pos, end = t->tail + tty_readable(t);
	size_t n = 0;

	for (pos = t->tail; pos != end; pos++)
		n += bit_at(t->is_eof, pos);
	return n;
}

/* ---- Taking from the buffer; locked ---- */

/* ICANON may have been off only since: the typed part of a line can be read,
 * too, and line_start must not fall behind. */
static size_t
take_raw(struct tty *t, char *to, size_t size)
{
	size_t n = MIN((size_t)(t->head - t->tail), size), i;

	for (i = 0; i < n; i++)
		to[i] = t->buffer[t->tail++ % TTY_BUFFER];
	if ((int32_t)(t->line_start - t->tail) < 0)
		t->line_start = t->tail;
	return n;
}

/* Up to the end of a line, which a read does not pass (POSIX.1-2017, 11.1.6).
 * *ended says whether that was reached. An end of file that follows what fits
 * belongs to it: it must not end the next read. Alone it gives 0 bytes, which
 * the caller takes for an end of file. */
static size_t
take_line(struct tty *t, char *to, size_t size, bool *ended)
{
	size_t n = 0;

	*ended = false;
	while (t->tail != t->line_start && !*ended) {
		if (bit_at(t->is_eof, t->tail)) {
			t->tail++;
			*ended = true;
		} else if (n < size) {
			*ended = bit_at(t->line_end, t->tail);
			to[n++] = t->buffer[t->tail++ % TTY_BUFFER];
		} else {
			break;
		}
	}
	return n;
}

/* ---- Waiting ---- */

/* Until when a read waits, and for how much. */
struct patience {
	size_t minimum;	   /* bytes, after which it does not wait any more */
	uint64_t deadline; /* clock_ns, or WAIT_FOREVER; 0: it does not wait */
	uint64_t between;  /* ns allowed between characters; 0: any time */
};

/* POSIX.1-2017, 11.1.7, cases A to D. With MIN the clock runs between
 * characters, so the first is waited for without limit. What holds is what is
 * set as the read begins; read without `lock`, as one number each. */
static struct patience
patience_of(const struct tty *t)
{
	uint64_t time = t->termios.c_cc[VTIME] * NS_PER_TENTH;
	struct patience p = { .minimum = 1, .deadline = WAIT_FOREVER };

	if (tty_lflag(t, ICANON))
		return p;
	if (t->termios.c_cc[VMIN] > 0) {
		p.minimum = t->termios.c_cc[VMIN];
		p.between = time;
	} else {
		p.deadline = time ? deadline_after(time) : 0;
	}
	return p;
}

/* Wait for something to read, which another read that has a part already comes
 * before. A deadline of 0 is asked about before O_NONBLOCK: with MIN and TIME 0
 * a read returns 0 in either case (POSIX leaves it open, 11.1.7; Linux does
 * so). What came just as the time ran out is still read. `lock` held. @return
 * 0; -ETIMEDOUT; 1: the terminal is dead; or the error of read */
static int
wait_input(struct tty *t, struct file *f, uint64_t deadline)
{
	bool busy;
	int error;

	tty_input_wanted(t);
	for (;;) {
		/* First: what there is to read may be the next session's. */
		if (tty_is_dead(f))
			return t->gone ? -EIO : 1;
		busy = t->reader && t->reader != current();
		if (tty_readable(t) && !busy)
			return 0;
		if (!deadline)
			return -ETIMEDOUT;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		error = waitq_wait_mutex(&t->read_wq, &t->lock,
					 WAIT_INTERRUPTIBLE, deadline);
		if (error == -EINTR)
			return -ERESTARTSYS;
		if (error && (busy || !tty_readable(t)))
			return error;
	}
}

/* ---- The read ---- */

/* One piece. *last is set when the read is over with it. The lock is not held
 * while user memory is touched: t->reader keeps what follows for this read, or
 * two readers of a long line would each get a part. What cannot be copied to
 * the user is lost, as it has left the buffer. A dead terminal is an end of
 * file, but for one that is gone for good while the read waits (wait_input).
 * @return bytes, or the error of read */
static int64_t
read_piece(struct tty *t, struct file *f, struct uio *u, uint64_t deadline,
	   bool *last)
{
	char piece[PIECE];
	size_t size = MIN(u->left, sizeof(piece)), n = 0;
	int error;

	mutex_lock(&t->lock);
	error = wait_input(t, f, deadline);
	if (!error && tty_lflag(t, ICANON))
		n = take_line(t, piece, size, last);
	else if (!error)
		n = take_raw(t, piece, size);
	else
		*last = true;
	if (n)
		tty_input_taken(t);
	if (n && !*last && n < u->left)
		t->reader = current();
	mutex_unlock(&t->lock);
	if (error == -ETIMEDOUT || error == 1)
		return 0;
	if (error)
		return error;
	return uio_copy_to(u, piece, n) == n ? (int64_t)n : -EFAULT;
}

/* The read is over: another one may take what is left. Nobody else makes the
 * caller t->reader, or anybody in its place: so the look without the lock. */
static void
end_turn(struct tty *t)
{
	if (__atomic_load_n(&t->reader, __ATOMIC_RELAXED) != current())
		return;
	mutex_lock(&t->lock);
	t->reader = NULL;
	waitq_wake_all(&t->read_wq);
	mutex_unlock(&t->lock);
}

/* After enough has come (MIN, or a line) the deadline is 0: what is there at
 * once is still taken. An error after some bytes is the next read's. */
static int64_t
read_all(struct tty *t, struct file *f, struct uio *u)
{
	struct patience p = patience_of(t);
	bool last = false;
	size_t done = 0;
	int64_t n;

	while (u->left && !last) {
		n = read_piece(t, f, u, p.deadline, &last);
		if (n < 0)
			return done ? (int64_t)done : n;
		done += n;
		/* Enough: what else is there at once is taken as well. */
		if (tty_lflag(t, ICANON) || done >= p.minimum)
			p.deadline = 0;
		else if (p.between)
			p.deadline = deadline_after(p.between);
	}
	return done;
}

/* Death comes before job control: who has lost the terminal is in no background
 * of it. Job control is asked once, before the wait, as on Linux: who is sent
 * to the background while it waits still gets what is typed. */
int64_t
tty_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct tty *t = f->private_data;
	int64_t n;
	int error;

	(void)pos;
	if (tty_is_dead(f))
		return 0;
	error = tty_check_foreground(t, SIGTTIN);
	if (error)
		return error;
	n = read_all(t, f, u);
	end_turn(t);
	return n;
}
