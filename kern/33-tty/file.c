/*
 * Terminals as files: opening, writing, poll. Reading is in read.c, ioctl in
 * ioctl.c.
 *
 * A terminal has no position, so f->pos keeps the count of hang-ups at the time
 * of the open: a file that was opened before the last one is dead. /dev/console
 * does not die, as the system's first process holds it for good.
 */
#include "abi/poll.h"
#include "terminal.h"

#define IMMORTAL UINT64_MAX /* no count: those are 32 bits */

/* Output is processed in pieces: between them ^C and echo get their turn. */
#define PIECE 512

/* The settings and keys are those that Linux starts a terminal with. The speed
 * is the only one that a UART has here. Keys that are left out are 0, which is
 * off (POSIX_VDISABLE); VTIME is 0 tenths of a second. */
void
tty_init(struct tty *t, const char *name, uint64_t rdev,
	 const struct tty_driver *driver, int device, uint8_t *buffer)
{
	*t = (struct tty){
		.name = name, .rdev = rdev, .driver = driver,
		.device = device, .buffer = buffer,
		.termios = {
			.c_iflag = ICRNL | IXON,
			.c_oflag = OPOST | ONLCR,
			.c_cflag = B115200 | CS8 | CREAD | HUPCL | CLOCAL,
			.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK |
				   ECHOCTL | ECHOKE | IEXTEN,
			.c_cc = {
				[VINTR] = 'C' - '@', [VQUIT] = '\\' - '@',
				[VERASE] = 0x7f, [VKILL] = 'U' - '@',
				[VEOF] = 'D' - '@', [VMIN] = 1,
				[VSTART] = 'Q' - '@', [VSTOP] = 'S' - '@',
				[VSUSP] = 'Z' - '@', [VREPRINT] = 'R' - '@',
				[VDISCARD] = 'O' - '@', [VWERASE] = 'W' - '@',
				[VLNEXT] = 'V' - '@',
			},
		},
	};
	ref_init(&t->refs);
	list_init(&t->link);
	mutex_init(&t->lock, "tty");
	mutex_init(&t->out_lock, "tty output");
	waitq_init(&t->read_wq, "tty readers");
	waitq_init(&t->write_wq, "tty writers");
}

void
tty_put(struct tty *t)
{
	if (ref_put(&t->refs))
		t->driver->free(t);
}

/* f->pos is free for the count, as the file has no positions: has_pos is false.
 */
bool
tty_is_dead(const struct file *f)
{
	const struct tty *t = f->private_data;

	return f->pos != IMMORTAL && f->pos != t->hangups;
}

/* ---- Writing ---- */

/* Wait until some of @p len characters can be written. out_lock held, and
 * `lock` not, or ^Q could not be received. After each wake-up the terminal may
 * have died. @return how many, or write's error */
static int64_t
wait_room(struct tty *t, struct file *f, size_t len)
{
	size_t n;

	for (;;) {
		if (tty_is_dead(f))
			return -EIO;
		n = tty_output_room(t, len);
		if (n)
			return n;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_mutex(&t->write_wq, &t->out_lock,
				     WAIT_INTERRUPTIBLE, WAIT_FOREVER))
			return -ERESTARTSYS;
	}
}

/* Write a piece. Only while it waits for room does another writer come in
 * between, or echo. *done grows by what was written. @return 0 or write's error
 */
static int
write_piece(struct tty *t, struct file *f, const char *piece, size_t len,
	    size_t *done)
{
	int64_t n = 0;

	mutex_lock(&t->out_lock);
	while (len > 0 && (n = wait_room(t, f, len)) > 0) {
		tty_output(t, piece, n);
		piece += n;
		len -= n;
		*done += n;
	}
	mutex_unlock(&t->out_lock);
	return n < 0 ? n : 0;
}

/* From user memory without a lock, in pieces: it may have to be read from disk,
 * and no disk should hold up the echo. A signal ends the call between two
 * pieces. An error after some bytes is the next call's (POSIX.1-2017, write()).
 */
static int64_t
write_all(struct tty *t, struct file *f, struct uio *u)
{
	char piece[PIECE];
	size_t done = 0, n;
	int error = 0;

	while (u->left && !error) {
		n = MIN(u->left, sizeof(piece));
		n = uio_copy_from(u, piece, n);
		error = n ? write_piece(t, f, piece, n, &done) : -EFAULT;
		if (!error && thread_interrupted(INTERRUPT_SIGNAL))
			error = -ERESTARTSYS;
	}
	return done ? (int64_t)done : error;
}

/* POSIX.1-2017, 11.1.4: from the background anybody may write, unless TOSTOP is
 * set. It is asked once a call, as on Linux: who falls into the background in
 * the middle of a write completes it. */
static int64_t
tty_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct tty *t = f->private_data;
	int error;

	(void)pos;
	if (tty_is_dead(f))
		return -EIO;
	if (tty_lflag(t, TOSTOP)) {
		error = tty_check_foreground(t, SIGTTOU);
		if (error)
			return error;
	}
	return write_all(t, f, u);
}

/* ---- poll ---- */

/* poll and read agree: with MIN and no TIME a read waits for MIN characters.
 * With TIME the first one is enough, as after it the read has an end. */
static bool
is_readable(const struct tty *t)
{
	size_t minimum = 1;

	if (!tty_lflag(t, ICANON) && !t->termios.c_cc[VTIME] &&
	    t->termios.c_cc[VMIN])
		minimum = t->termios.c_cc[VMIN];
	return tty_readable(t) >= minimum;
}

/* Watches first, then the look under the locks that guard what is looked at
 * (EVENT1). Of a dead file all is reported, as nothing on it would wait. */
static unsigned
tty_poll(struct file *f, struct poll_table *table)
{
	struct tty *t = f->private_data;
	unsigned events = 0;

	poll_add(table, &t->read_wq);
	poll_add(table, &t->write_wq);
	mutex_lock(&t->lock);
	tty_input_wanted(t);
	if (tty_is_dead(f))
		events |= POLLHUP | POLLERR | POLLIN | POLLOUT | POLLRDNORM |
			  POLLWRNORM;
	else if (is_readable(t))
		events |= POLLIN | POLLRDNORM;
	mutex_lock(&t->out_lock);
	if (tty_output_room(t, PIECE))
		events |= POLLOUT | POLLWRNORM;
	mutex_unlock(&t->out_lock);
	mutex_unlock(&t->lock);
	return events;
}

/* ---- Opening ---- */

int64_t
tty_seek(struct file *f, int64_t offset, int whence)
{
	(void)f, (void)offset, (void)whence;
	return -ESPIPE;
}

/* TIOCEXCL does not outlast the last file, or a program that has crashed would
 * lock all others out. */
static void
tty_release(struct file *f)
{
	struct tty *t = f->private_data;

	if (--t->nfiles == 0)
		t->exclusive = false;
	if (t->driver->close)
		t->driver->close(t);
	tty_put(t);
}

static const struct file_ops tty_file_ops = {
	.read = tty_read,
	.write = tty_write,
	.seek = tty_seek,
	.poll = tty_poll,
	.ioctl = tty_ioctl,
	.release = tty_release,
};

/* TIOCEXCL holds for all but root (ioctl_tty(2)). After the driver's open
 * nothing fails, so nothing has to be undone. A file that is only written to
 * does not make the terminal the opener's, as on Linux: a daemon that logs to
 * it wants no ^C from there. */
int
tty_open(struct tty *t, struct file *f, bool never_controls)
{
	int error;

	if (t->exclusive && current_cred()->euid != 0)
		return -EBUSY;
	/* The count is read first: if the line goes down while it is opened,
	 * the file is dead. */
	f->pos = never_controls ? IMMORTAL : t->hangups;
	error = t->driver->open ? t->driver->open(t) : 0;
	if (error)
		return error;
	t->nfiles++;
	f->private_data = tty_get(t);
	f->ops = &tty_file_ops;
	if (!never_controls && !(f->flags & O_NOCTTY) &&
	    (f->flags & O_ACCMODE) != O_WRONLY)
		tty_take_control(t);
	return 0;
}
