/*
 * ioctl on terminals: settings, window size, flow, queues; the requests of job
 * control go on to control.c. Numbers and meanings: ioctl_tty(2).
 */
#include "terminal.h"

#define N_TTY 0 /* the only line discipline there is */

/* ---- Settings ---- */

/* A copy under the lock; to the user without it, as its memory may fault and
 * sleep. */
static int
get_settings(struct tty *t, struct termios *user)
{
	struct termios settings;

	mutex_lock(&t->lock);
	settings = t->termios;
	mutex_unlock(&t->lock);
	return copyout(user, &settings, sizeof(settings));
}

/* Output is written at once, so there is none to wait for (TCSETSW). TCSETSF
 * drops input before the change (tcsetattr()'s TCSAFLUSH): it was typed under
 * the old settings. Under both locks, so no character is worked on by half of
 * each. What the terminal cannot do is left out: POSIX has tcsetattr() succeed
 * if it could do any of it. */
static int
set_settings(struct tty *t, const struct termios *user, bool flush)
{
	struct termios new, old;

	if (copyin(&new, user, sizeof(new)))
		return -EFAULT;
	new.c_line = N_TTY;
	new.c_lflag &= ~(uint32_t)EXTPROC; /* editing is done here alone */
	mutex_lock(&t->lock);
	mutex_lock(&t->out_lock);
	if (flush)
		tty_flush_all_input(t);
	old = t->termios;
	t->termios = new;
	tty_settings_changed(t, &old);
	mutex_unlock(&t->out_lock);
	mutex_unlock(&t->lock);
	return 0;
}

static int
get_winsize(struct tty *t, struct winsize *user)
{
	struct winsize size;

	mutex_lock(&t->lock);
	size = t->winsize;
	mutex_unlock(&t->lock);
	return copyout(user, &size, sizeof(size));
}

/* Programs in the foreground are told if it is another one (SIGWINCH), and ask
 * for it then: so it is stored before. The kernel makes no use of it. */
static int
set_winsize(struct tty *t, const struct winsize *user)
{
	struct winsize new, old;

	if (copyin(&new, user, sizeof(new)))
		return -EFAULT;
	mutex_lock(&t->lock);
	old = t->winsize;
	t->winsize = new;
	mutex_unlock(&t->lock);
	if (old.ws_row != new.ws_row || old.ws_col != new.ws_col ||
	    old.ws_xpixel != new.ws_xpixel || old.ws_ypixel != new.ws_ypixel)
		tty_signal(t, SIGWINCH);
	return 0;
}

/* ---- Flow and queues ---- */

/* tcflow()'s TCIOFF and TCION: to the sender of input. A key that is off is not
 * sent. */
static int
send_char(struct tty *t, uint8_t c)
{
	char text = c;

	mutex_lock(&t->out_lock);
	if (c != POSIX_VDISABLE)
		t->driver->write(t, &text, 1);
	mutex_unlock(&t->out_lock);
	return 0;
}

/* tty_start does nothing while `held` is set, so that comes first. TCOON starts
 * what TCOOFF has stopped, and not what ^S has, as on Linux. out_lock held. */
static void
hold(struct tty *t, bool on)
{
	if (t->held == on)
		return;
	t->held = on;
	if (on)
		tty_stop(t);
	else
		tty_start(t);
}

static int
flow(struct tty *t, uint64_t what)
{
	switch (what) {
	case TCOOFF:
	case TCOON:
		mutex_lock(&t->out_lock);
		hold(t, what == TCOOFF);
		mutex_unlock(&t->out_lock);
		return 0;
	case TCIOFF:
		return send_char(t, t->termios.c_cc[VSTOP]);
	case TCION:
		return send_char(t, t->termios.c_cc[VSTART]);
	default:
		return -EINVAL;
	}
}

/* tcflush(). TCOFLUSH has nothing to do for a device: what it was given is
 * sent. */
static int
flush(struct tty *t, uint64_t what)
{
	if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
		return -EINVAL;
	mutex_lock(&t->lock);
	mutex_lock(&t->out_lock);
	if (what != TCOFLUSH)
		tty_flush_all_input(t);
	if (what != TCIFLUSH && t->driver->flush_output)
		t->driver->flush_output(t);
	mutex_unlock(&t->out_lock);
	mutex_unlock(&t->lock);
	return 0;
}

static int
put_int(uint64_t user, int32_t value)
{
	return copyout((void *)user, &value, sizeof(value));
}

/* FIONREAD: what a read would bring, in canonical mode whole lines. A mark of
 * an end of file is no byte of it. */
static int
input_waiting(struct tty *t, uint64_t user)
{
	size_t n;

	mutex_lock(&t->lock);
	tty_input_wanted(t);
	n = tty_readable(t) - tty_eofs(t);
	mutex_unlock(&t->lock);
	return put_int(user, n);
}

static int
set_discipline(uint64_t user)
{
	int32_t which;

	if (copyin(&which, (void *)user, sizeof(which)))
		return -EFAULT;
	return which == N_TTY ? 0 : -EINVAL;
}

/* TIOCSTI: as if @p user had been typed; ioctl_tty(2), since Linux 6.2 for root
 * only. Anybody else's would be a command typed at the shell that started it.
 * What finds no room is lost. */
static int
simulate(struct tty *t, const char *user)
{
	char c;

	if (current_cred()->euid != 0)
		return -EIO;
	if (copyin(&c, user, sizeof(c)))
		return -EFAULT;
	mutex_lock(&t->lock);
	tty_receive(t, &c, 1);
	mutex_unlock(&t->lock);
	return 0;
}

/* ---- Job control ---- */

/* For TIOCGPGRP and TIOCGSID: it is the caller's, or asked from outside.
 * tcgetpgrp() of a terminal without a foreground group is 0 to a master, and a
 * number of no group after that has ended. */
static int
get_id(struct tty *t, uint64_t request, uint64_t user, bool from_master)
{
	int id;

	if (!from_master && !tty_is_controlling(t))
		return -ENOTTY;
	id = request == TIOCGSID ? t->session : t->pgrp;
	if (request == TIOCGSID && !id)
		return -ENOTTY;
	return put_int(user, id);
}

static int
set_group(struct tty *t, uint64_t user)
{
	int32_t id;

	if (copyin(&id, (void *)user, sizeof(id)))
		return -EFAULT;
	return tty_set_group(t, id);
}

/* ioctl_tty(2). Only the caller's own terminal can be given up, and no master
 * is one. TIOCSCTTY's argument is a number: 1 takes the terminal away from
 * another session. */
static int
request_control(struct tty *t, uint64_t request, uint64_t arg, bool from_master)
{
	switch (request) {
	case TIOCSCTTY:
		return tty_set_controlling(t, arg == 1);
	case TIOCNOTTY:
		return from_master ? -ENOTTY : tty_give_up(t);
	case TIOCGPGRP:
	case TIOCGSID:
		return get_id(t, request, arg, from_master);
	case TIOCSPGRP:
		return set_group(t, arg);
	case TIOCEXCL:
	case TIOCNXCL:
		t->exclusive = request == TIOCEXCL;
		return 0;
	case TIOCGEXCL:
		return put_int(arg, t->exclusive);
	case TIOCGPTPEER:
		return -EIO; /* the master is no file of a terminal (pty.c) */
	default:
		return -ENOTTY;
	}
}

/* ---- The call ---- */

/* tcdrain() is TCSBRK, too, with another argument. What is not known is ENOTTY,
 * as of a file that is no terminal: isatty() and tcgetattr() ask so. */
int
tty_request(struct tty *t, uint64_t request, uint64_t arg, bool from_master)
{
	switch (request) {
	case TCGETS:
		return get_settings(t, (struct termios *)arg);
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
		return set_settings(t, (struct termios *)arg,
				    request == TCSETSF);
	case TIOCGWINSZ:
		return get_winsize(t, (struct winsize *)arg);
	case TIOCSWINSZ:
		return set_winsize(t, (struct winsize *)arg);
	case TCXONC:
		return flow(t, arg);
	case TCFLSH:
		return flush(t, arg);
	case TCSBRK:
	case TCSBRKP:
		return 0; /* nothing waits to be sent; a break means nothing */
	case FIONREAD:
		return input_waiting(t, arg);
	case TIOCOUTQ:
		return put_int(arg, 0);
	case TIOCSTI:
		return simulate(t, (const char *)arg);
	case TIOCGETD:
		return put_int(arg, N_TTY);
	case TIOCSETD:
		return set_discipline(arg);
	default:
		return request_control(t, request, arg, from_master);
	}
}

/* Requests that change what the foreground group sees are not for the
 * background: the interfaces of POSIX.1-2017 that are made of them each say so
 * (tcsetattr(), tcflow(), ...). TIOCSWINSZ is not POSIX's, and Linux lets it
 * pass. */
static bool
changes_terminal(uint64_t request)
{
	switch (request) {
	case TCSETS:
	case TCSETSW:
	case TCSETSF:
	case TCSBRK:
	case TCSBRKP:
	case TCXONC:
	case TCFLSH:
	case TIOCSPGRP:
	case TIOCSETD:
		return true;
	default:
		return false;
	}
}

/* The errors are Linux's: TIOCSPGRP has one of its own. A dead file is in no
 * background. A hang-up while the request runs is not looked for: it is as if
 * it had come after. */
int
tty_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct tty *t = f->private_data;
	int error;

	request = (uint32_t)request;
	if (tty_is_dead(f))
		return request == TIOCSPGRP ? -ENOTTY : -EIO;
	/* Who may not read a terminal may not make it its own. */
	if (request == TIOCSCTTY && !file_readable(f) &&
	    current_cred()->euid != 0)
		return -EPERM;
	if (changes_terminal(request)) {
		error = tty_check_foreground(t, SIGTTOU);
		if (error == -EIO && request == TIOCSPGRP)
			return -ENOTTY;
		if (error)
			return error;
	}
	return tty_request(t, request, arg, false);
}
