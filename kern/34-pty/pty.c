/*
 * A pseudo-terminal: what a terminal's device would send and receive is written
 * and read by a program, the master: a terminal emulator, sshd, a test. What
 * the master writes is typed: it goes through the line discipline in the
 * writer's own context. What the terminal's programs write waits in a ring for
 * the master to read. Source: pty(7), ioctl_tty(2).
 */
#include "abi/fcntl.h"
#include "files.h"
#include "pty.h"

/* The ring must have more than HANDED_OVER, or no flush would ever call
 * anything back; and its size divides 2^32, as positions are 32 bits. */
#define RING_ORDER 1 /* of pages */
#define RING_SIZE  (PAGE_SIZE << RING_ORDER)

/* The last part of the ring is for echo: a screen full of output must not hide
 * what the user types. */
#define WRITERS_PART (RING_SIZE - 1024)

/* A writer goes on when there is this much room: not for every byte. It is also
 * more than what one character becomes (the eight of a tab), by which room is
 * divided: so tty_output_room is 0 only where slave_room is. */
#define ROOM_WORTH 512

/* What the master could have read by now is not called back by a flush. So many
 * bytes Linux's master has in an input buffer of its own, which the terminal
 * cannot empty. */
#define HANDED_OVER 4096

/* Carried at a time between user memory and what the locks guard: on the stack,
 * as user memory may fault, and a fault may sleep. */
#define PIECE 512

static struct pty *
pty_of(struct tty *t)
{
	return container_of(t, struct pty, tty);
}

/* tty.out_lock held; without it (FIONREAD) the answer may be a moment old. */
static size_t
waiting(const struct pty *p)
{
	return p->head - p->tail;
}

/* ---- The terminal's side: struct tty_driver ---- */

/* Every bit of news for the master. tty.out_lock held. */
static void
wake_master(struct pty *p)
{
	waitq_wake_all(&p->read_wq);
}

/* PTY1. tty_open has read the count of hang-ups before. master_release clears
 * master_open first and counts later: so who finds the master here has the old
 * count at most, and its file dies with the others. EIO is what Linux says, for
 * both reasons. */
static int
slave_open(struct tty *t)
{
	struct pty *p = pty_of(t);

	if (p->locked || !p->master_open)
		return -EIO;
	mutex_lock(&t->out_lock);
	p->nopen++;
	p->was_opened = true;
	mutex_unlock(&t->out_lock);
	return 0;
}

/* The last file: the master's read now ends with EIO and its poll has POLLHUP,
 * for as long as nobody opens the terminal anew. */
static void
slave_close(struct tty *t)
{
	struct pty *p = pty_of(t);

	mutex_lock(&t->out_lock);
	if (--p->nopen == 0)
		wake_master(p);
	mutex_unlock(&t->out_lock);
}

/* A program's text has been cut to slave_room's answer, under the same hold of
 * out_lock, and so fits. Echo that there is no room for is lost: nobody could
 * wait for it. */
static void
slave_write(struct tty *t, const char *text, size_t len)
{
	struct pty *p = pty_of(t);
	size_t i;

	len = MIN(len, RING_SIZE - waiting(p));
	for (i = 0; i < len; i++)
		p->ring[p->head++ % RING_SIZE] = text[i];
	if (len)
		wake_master(p);
}

/* What is below ROOM_WORTH counts as none: then writers sleep until the master
 * has taken enough. */
static size_t
slave_room(struct tty *t)
{
	size_t used = waiting(pty_of(t));

	return used + ROOM_WORTH <= WRITERS_PART ? WRITERS_PART - used : 0;
}

/* Of two that contradict each other the later one holds: the master wants to
 * know how things stand. Without packet mode there is nobody to tell. */
static void
slave_notice(struct tty *t, unsigned bits)
{
	struct pty *p = pty_of(t);

	if (!p->packet)
		return;
	if (bits & (TIOCPKT_STOP | TIOCPKT_START))
		p->notices &= ~(TIOCPKT_STOP | TIOCPKT_START);
	if (bits & (TIOCPKT_DOSTOP | TIOCPKT_NOSTOP))
		p->notices &= ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP);
	p->notices |= bits;
	wake_master(p);
}

/* The oldest bytes stay. Writers have room now, and need not wait for the
 * master to read. */
static void
slave_flush_output(struct tty *t)
{
	struct pty *p = pty_of(t);

	if (waiting(p) > HANDED_OVER)
		p->head = p->tail + HANDED_OVER;
	slave_notice(t, TIOCPKT_FLUSHWRITE);
	waitq_wake_all(&t->write_wq);
}

/* tty.lock is held, under which type_piece looks for room and begins to wait:
 * no wake-up is lost. */
static void
slave_unthrottle(struct tty *t)
{
	waitq_wake_all(&pty_of(t)->input_wq);
}

/* Whether ^S and ^Q stop and start output, so that the user's own machine may
 * do so at once. */
static bool
flow_keys_work(const struct termios *s)
{
	return (s->c_iflag & IXON) && s->c_cc[VSTOP] == 'S' - '@' &&
	       s->c_cc[VSTART] == 'Q' - '@';
}

/* There is no wire that could carry fewer bits, or parity. */
static void
slave_settings(struct tty *t, const struct termios *old)
{
	bool work = flow_keys_work(&t->termios);

	if (work != flow_keys_work(old))
		slave_notice(t, work ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
	t->termios.c_cflag &= ~(CSIZE | PARENB);
	t->termios.c_cflag |= CS8 | CREAD;
}

/* Off the list first: after that nobody finds it. No session has it, as it was
 * hung up for good when the master went, or never got a name. */
static void
pty_free(struct tty *t)
{
	struct pty *p = pty_of(t);

	tty_remove(t);
	page_unref(p->line);
	page_unref(p->output);
	kfree(p);
}

static const struct tty_driver pty_driver = {
	.open = slave_open,
	.close = slave_close,
	.write = slave_write,
	.room = slave_room,
	.flush_output = slave_flush_output,
	.unthrottle = slave_unthrottle,
	.notice = slave_notice,
	.settings = slave_settings,
	.free = pty_free,
	.outlives_session = true, /* the master's end is its end */
};

/* As on Linux, the speed is 38400 and means nothing, and no modem is there to
 * be hung up (HUPCL, CLOCAL are off). The device's number comes with the name.
 */
struct pty *
pty_new(void)
{
	struct page *line = page_alloc(0, PAGE_KERNEL, 0);
	struct page *output = page_alloc(RING_ORDER, PAGE_KERNEL, 0);
	struct pty *p;

	if (!line || !output) {
		if (line)
			page_unref(line);
		if (output)
			page_unref(output);
		return NULL;
	}
	p = knew(struct pty);
	p->line = line;
	p->output = output;
	tty_init(&p->tty, "pts", 0, &pty_driver, 0, page_address(line));
	p->tty.termios.c_cflag = B38400 | CS8 | CREAD;
	p->ring = page_address(output);
	p->locked = p->master_open = true;
	waitq_init(&p->read_wq, "pty output");
	waitq_init(&p->input_wq, "pty input");
	tty_add(&p->tty);
	return p;
}

/* ---- The master reads ---- */

/* All that had the terminal open have closed it. tty.out_lock held. */
static bool
is_abandoned(const struct pty *p)
{
	return p->was_opened && p->nopen == 0;
}

/* tty.out_lock held. */
static bool
has_news(const struct pty *p)
{
	return waiting(p) > 0 || (p->packet && p->notices);
}

/* Wait for output or notices. What is left is read first, and EIO only then:
 * the last words of a shell are often why it ended. Before the terminal was
 * ever opened there is no end to report. tty.out_lock held. @return 0 or read's
 * error */
static int
wait_news(struct pty *p, const struct file *f)
{
	while (!has_news(p)) {
		if (is_abandoned(p))
			return -EIO;
		if (f->flags & O_NONBLOCK)
			return -EAGAIN;
		if (waitq_wait_mutex(&p->read_wq, &p->tty.out_lock,
				     WAIT_INTERRUPTIBLE, WAIT_FOREVER))
			return -ERESTARTSYS;
	}
	return 0;
}

/* Move what is in the ring to @p to. Writers are woken once it is worth it:
 * until then tty_output_room says 0, and they would only go to sleep again.
 * tty.out_lock held. */
static size_t
take(struct pty *p, char *to, size_t size)
{
	size_t n = MIN(waiting(p), size), i;

	for (i = 0; i < n; i++)
		to[i] = p->ring[p->tail++ % RING_SIZE];
	if (n && tty_output_room(&p->tty, PIECE))
		waitq_wake_all(&p->tty.write_wq);
	return n;
}

/* A packet is notices, in one byte; or output, after a byte of 0 (TIOCPKT in
 * ioctl_tty(2)). Notices go before output that is older: what they say of, a
 * flush or a stop, has happened. @p first: the read has got nothing yet, and
 * may wait; a later piece of the same read brings no second such byte.
 * tty.out_lock held. @return bytes, or the error of read */
static int64_t
take_piece(struct pty *p, const struct file *f, char *to, size_t size,
	   bool first)
{
	size_t n = 0;
	int error = first ? wait_news(p, f) : 0;

	if (error)
		return error;
	if (p->packet && p->notices) {
		if (first) {
			to[n++] = p->notices;
			p->notices = 0;
		}
		return n;
	}
	if (p->packet && first)
		to[n++] = TIOCPKT_DATA;
	return n + take(p, to + n, size - n);
}

/* Returns what is there, as read does from any terminal: it waits for the first
 * piece only. Once bytes were moved, an error of a later piece is left to the
 * next call (POSIX.1-2017, read()). */
static int64_t
master_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pty *p = f->private_data;
	char piece[PIECE];
	size_t done = 0, size = 0;
	int64_t n = 0;

	(void)pos;
	/* What is short is the last: notices, too, are a packet of their own.
	 */
	while (u->left > 0 && n == (int64_t)size) {
		size = MIN(u->left, sizeof(piece));
		mutex_lock(&p->tty.out_lock);
		n = take_piece(p, f, piece, size, done == 0);
		mutex_unlock(&p->tty.out_lock);
		if (n > 0 && uio_copy_to(u, piece, n) != (size_t)n)
			n = -EFAULT;
		if (n > 0)
			done += n;
	}
	return done ? (int64_t)done : n;
}

/* ---- The master writes ---- */

/* Type a piece. Nobody need have the terminal open for that: what is typed
 * waits for whoever opens it. Holding only `lock` the master sleeps as a reader
 * does; one that takes input wakes it (slave_unthrottle). *done grows by what
 * was taken. @return 0 or write's error */
static int
type_piece(struct pty *p, const struct file *f, const char *piece, size_t len,
	   size_t *done)
{
	struct tty *t = &p->tty;
	size_t n;
	int error = 0;

	mutex_lock(&t->lock);
	for (;;) {
		n = p->held ? 0 : tty_receive(t, piece, len);
		piece += n;
		len -= n;
		*done += n;
		if (len == 0)
			break;
		if (f->flags & O_NONBLOCK)
			error = -EAGAIN;
		else if (waitq_wait_mutex(&p->input_wq, &t->lock,
					  WAIT_INTERRUPTIBLE, WAIT_FOREVER))
			error = -ERESTARTSYS;
		if (error)
			break;
	}
	mutex_unlock(&t->lock);
	return error;
}

/* What was copied from the user and not taken is not counted: the caller writes
 * it again. A signal ends the call between two pieces, so that a program with
 * much to type can be stopped though it never sleeps. */
static int64_t
master_write(struct file *f, struct uio *u, uint64_t *pos)
{
	struct pty *p = f->private_data;
	char piece[PIECE];
	size_t done = 0, n;
	int error = 0;

	(void)pos;
	while (u->left > 0 && !error) {
		n = MIN(u->left, sizeof(piece));
		n = uio_copy_from(u, piece, n);
		error = n ? type_piece(p, f, piece, n, &done) : -EFAULT;
		if (!error && thread_interrupted(INTERRUPT_SIGNAL))
			error = -ERESTARTSYS;
	}
	return done ? (int64_t)done : error;
}

/* ---- Its other operations ---- */

/* POSIX.1-2017 has POLLHUP and POLLOUT exclude each other (poll()). As on Linux
 * they do not here: with all files of the terminal closed the master may still
 * type, for the next who opens it. POLLPRI: there are notices, and read will
 * bring them. */
static unsigned
master_poll(struct file *f, struct poll_table *table)
{
	struct pty *p = f->private_data;
	unsigned events = 0;

	poll_add(table, &p->read_wq);
	poll_add(table, &p->input_wq);
	mutex_lock(&p->tty.lock);
	if (!p->held && tty_has_room(&p->tty))
		events |= POLLOUT | POLLWRNORM;
	mutex_lock(&p->tty.out_lock);
	if (has_news(p))
		events |= POLLIN | POLLRDNORM;
	if (p->packet && p->notices)
		events |= POLLPRI;
	if (is_abandoned(p))
		events |= POLLHUP;
	mutex_unlock(&p->tty.out_lock);
	mutex_unlock(&p->tty.lock);
	return events;
}

static int
get_int(int32_t *value, uint64_t user)
{
	return copyin(value, (void *)user, sizeof(*value));
}

static int
put_int(uint64_t user, int32_t value)
{
	return copyout((void *)user, &value, sizeof(value));
}

/* Open the terminal: no name is looked up, so it does not matter what is on
 * /dev/pts of the caller's root, and no permission is asked: who has the master
 * has the terminal. It has to be unlocked (slave_open). The descriptor
 * takes the file's reference over, or fd_install gives it back. */
static int
open_peer(struct pty *p, unsigned flags)
{
	struct file *f;
	int error;

	error = vnode_open(p->node, flags & (O_ACCMODE | O_NOCTTY | O_NONBLOCK),
			   &f);
	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

/* Notices from before do not concern the new mode; turned on twice, it keeps
 * those that wait. */
static int
set_packet_mode(struct pty *p, uint64_t user)
{
	int32_t on;

	if (get_int(&on, user))
		return -EFAULT;
	mutex_lock(&p->tty.out_lock);
	if (on && !p->packet)
		p->notices = 0;
	p->packet = on;
	mutex_unlock(&p->tty.out_lock);
	return 0;
}

/* unlockpt(3), after the owner and mode of the node are right. To lock again
 * later stops new opens only. */
static int
set_lock(struct pty *p, uint64_t user)
{
	int32_t on;

	if (get_int(&on, user))
		return -EFAULT;
	p->locked = on;
	return 0;
}

/* Send a signal as if its key had been typed, whatever key that is, and with
 * ISIG off too; nothing is flushed or echoed. The argument is the number itself
 * and no address, and a signal without a key is refused. */
static int
send_signal(struct pty *p, uint64_t signo)
{
	if (signo != SIGINT && signo != SIGQUIT && signo != SIGTSTP)
		return -EINVAL;
	tty_signal(&p->tty, signo);
	return 0;
}

/* Input of the master is the terminal's output. What it has written is typed
 * already, so TCOFLUSH finds nothing. All of the ring goes, HANDED_OVER too: it
 * is the reader who asks. */
static int
flush_master(struct pty *p, uint64_t what)
{
	if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&p->tty.out_lock);
	if (what != TCOFLUSH)
		p->tail = p->head;
	waitq_wake_all(&p->tty.write_wq);
	mutex_unlock(&p->tty.out_lock);
	return 0;
}

/* tcflow(): the master's output is what it types; STOP and START are for who
 * sends to it, and so are keys of the terminal. */
static int
flow_master(struct pty *p, uint64_t what)
{
	struct tty *t = &p->tty;
	char key;

	if (what != TCOOFF && what != TCOON && what != TCIOFF && what != TCION)
		return -EINVAL;
	mutex_lock(&t->lock);
	if (what == TCOOFF || what == TCOON) {
		p->held = what == TCOOFF;
		waitq_wake_all(&p->input_wq);
	} else {
		key = t->termios.c_cc[what == TCIOFF ? VSTOP : VSTART];
		if (key != POSIX_VDISABLE)
			tty_receive(t, &key, 1);
	}
	mutex_unlock(&t->lock);
	return 0;
}

/* What is not the master's own is asked of the terminal, so that tcgetattr and
 * TIOCSWINSZ work at either end; but without tty_ioctl's rules for the
 * background and the dead, which are for the terminal's files. FIONREAD, TCFLSH
 * and TCXONC come before that: they mean the other direction here; TIOCEXCL,
 * too, which is of the master that nobody opens again. */
static int
master_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct pty *p = f->private_data;

	switch ((uint32_t)request) {
	case TIOCGPTN:
		return put_int(arg, p->number);
	case TIOCSPTLCK:
		return set_lock(p, arg);
	case TIOCGPTLCK:
		return put_int(arg, p->locked);
	case TIOCGPTPEER:
		return open_peer(p, arg);
	case TIOCPKT:
		return set_packet_mode(p, arg);
	case TIOCGPKT:
		return put_int(arg, p->packet);
	case TIOCSIG:
		return send_signal(p, arg);
	case FIONREAD:
		return put_int(arg, waiting(p));
	case TCFLSH:
		return flush_master(p, arg);
	case TCXONC:
		return flow_master(p, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		p->exclusive = (uint32_t)request == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		return put_int(arg, p->exclusive);
	default:
		return tty_request(&p->tty, (uint32_t)request, arg, true);
	}
}

/* The user has gone. From the first line on no open succeeds (slave_open). The
 * name goes before the files die, as the root's lock comes before the
 * terminal's, and so that a shell that gets SIGHUP finds no name either. The
 * node next: if no file has the terminal open, that frees the number. Its
 * reference to the pair goes with it, so the master's own comes last. */
static void
master_release(struct file *f)
{
	struct pty *p = f->private_data;

	p->master_open = false;
	devpts_remove(p);
	tty_hang_up(&p->tty, true);
	vnode_put(p->node);
	tty_put(&p->tty);
}

static const struct file_ops master_ops = {
	.read = master_read,
	.write = master_write,
	.seek = tty_seek,
	.poll = master_poll,
	.ioctl = master_ioctl,
	.release = master_release,
};

void
pty_open_master(struct pty *p, struct file *f)
{
	f->private_data = p;
	f->ops = &master_ops;
}
