/*
 * ioctl on terminals: settings, window size, flow, queues; the requests of job
 * control go on to control.c. Numbers and meanings: ioctl_tty(2).
 */
#include "terminal.h"

#define N_TTY 0 /* the only line discipline there is */

/* ---- Settings ---- */

static int
get_settings(struct tty *t, struct termios *user)
{
	struct termios settings;

	mutex_lock(&t->lock);
	settings = t->termios;
	mutex_unlock(&t->lock);
	return copyout(user, &settings, sizeof(settings));
}

/* Output is written at once, so there is none to wait for (TCSETSW). */
static int
set_settings(struct tty *t, const struct termios *user, bool flush)
{
	struct termios new, old;

	if (copyin(&new, user, sizeof(new)))
		return -EFAULT;
	new.c_line = N_TTY;
	mutex_lock(&t->lock);
	if (flush)
		tty_flush_input(t);
	old = t->termios;
	t->termios = new;
	tty_settings_changed(t, &old);
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

static int
flow(struct tty *t, uint64_t what)
{
	switch (what) {
	case TCOOFF:
	case TCOON:
		mutex_lock(&t->out_lock);
		if (what == TCOOFF)
			tty_stop(t);
		else
			tty_start(t);
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

static int
flush(struct tty *t, uint64_t what)
{
	if (what != TCIFLUSH && what != TCOFLUSH && what != TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH) {
		mutex_lock(&t->lock);
		tty_flush_input(t);
		mutex_unlock(&t->lock);
	}
	return 0;
}

static int
put_int(uint64_t user, int32_t value)
{
	return copyout((void *)user, &value, sizeof(value));
}

static int
input_waiting(struct tty *t, uint64_t user)
{
	size_t n;

	mutex_lock(&t->lock);
	tty_input_wanted(t);
	n = tty_readable(t);
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

/* ---- Job control ---- */

static int
ioctl_control(struct tty *t, uint64_t request, uint64_t arg)
{
	int32_t id;
	int error;

	switch (request) {
	case TIOCSCTTY:
		return tty_set_controlling(t, arg == 1);
	case TIOCNOTTY:
		return tty_give_up(t);
	case TIOCGPGRP:
		error = tty_get_group(t, &id);
		break;
	case TIOCGSID:
		error = tty_get_session(t, &id);
		break;
	case TIOCSPGRP:
		if (copyin(&id, (void *)arg, sizeof(id)))
			return -EFAULT;
		return tty_set_group(t, id);
	default:
		return -ENOTTY;
	}
	return error ? error : put_int(arg, id);
}

/* ---- The call ---- */

/* Requests that change what the foreground group sees are not for the
 * background. */
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

static int
dispatch(struct tty *t, uint64_t request, uint64_t arg)
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
	case TIOCGETD:
		return put_int(arg, N_TTY);
	case TIOCSETD:
		return set_discipline(arg);
	default:
		return ioctl_control(t, request, arg);
	}
}

int
tty_ioctl(struct file *f, uint64_t request, uint64_t arg)
{
	struct tty *t = f->private_data;
	int error;

	request = (uint32_t)request;
	if (tty_is_dead(f))
		return -EIO;
	if (changes_terminal(request)) {
		error = tty_check_foreground(t, SIGTTOU);
		if (error)
			return error;
	}
	return dispatch(t, request, arg);
}
