/*
 * signalfd: signals as a file. A read takes pending signals of the set that the
 * file names: those of who reads, not of who made the file. They should be
 * blocked, or a handler may be quicker. Interface: signalfd(2).
 */
#include "abi/syscall.h"
#include "event.h"

struct signalfd {
	_Atomic ksigset_t set;
};

/* ---- siginfo, as a read shows it ---- */

static void
show_fault(struct signalfd_siginfo *to, const siginfo_t *from)
{
	to->ssi_addr = (uint64_t)from->si_addr;
	to->ssi_addr_lsb = from->si_u.fault.addr_lsb;
}

static void
show_child(struct signalfd_siginfo *to, const siginfo_t *from)
{
	to->ssi_pid = from->si_u.chld.pid;
	to->ssi_uid = from->si_u.chld.uid;
	to->ssi_status = from->si_status;
	to->ssi_utime = from->si_utime;
	to->ssi_stime = from->si_stime;
}

static void
show_sender(struct signalfd_siginfo *to, const siginfo_t *from)
{
	to->ssi_pid = from->si_pid;
	to->ssi_uid = from->si_uid;
	to->ssi_int = from->si_int;
	to->ssi_ptr = (uint64_t)from->si_ptr;
}

static void
show_timer(struct signalfd_siginfo *to, const siginfo_t *from)
{
	to->ssi_tid = from->si_timerid;
	to->ssi_overrun = from->si_overrun;
	to->ssi_int = from->si_u.timer.value.sival_int;
	to->ssi_ptr = (uint64_t)from->si_u.timer.value.sival_ptr;
}

/* Which fields a signal has, its code and number tell (sigaction(2)). */
static void
show(struct signalfd_siginfo *to, const siginfo_t *from)
{
	*to = (struct signalfd_siginfo){ .ssi_signo = from->si_signo,
					 .ssi_errno = from->si_errno,
					 .ssi_code = from->si_code };
	if (from->si_code == SI_TIMER) {
		show_timer(to, from);
		return;
	}
	if (from->si_code <= 0 || from->si_code == SI_KERNEL) {
		show_sender(to, from);
		return;
	}
	switch (from->si_signo) {
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
		show_fault(to, from);
		break;
	case SIGCHLD:
		show_child(to, from);
		break;
	case SIGPOLL:
		to->ssi_band = from->si_band;
		to->ssi_fd = from->si_fd;
		break;
	default:
		show_sender(to, from);
	}
}

/* ---- The file ---- */

static int64_t
signalfd_read(struct file *f, struct uio *u, uint64_t *pos)
{
	struct signalfd *s = f->private_data;
	struct signalfd_siginfo shown;
	int64_t done = 0, signo;
	siginfo_t info;

	(void)pos;
	if (u->left < sizeof(shown))
		return -EINVAL;
	while (u->left >= sizeof(shown)) {
		signo = signal_take(&s->set, !done && !(f->flags & O_NONBLOCK),
				    &info);
		if (signo < 0 && !done)
			return signo == -EINTR ? -ERESTARTSYS : signo;
		if (signo < 0)
			break;
		show(&shown, &info);
		if (uio_copy_to(u, &shown, sizeof(shown)) < sizeof(shown))
			return done ? done : -EFAULT;
		done += sizeof(shown);
	}
	return done;
}

static unsigned
signalfd_poll(struct file *f, struct poll_table *table)
{
	struct signalfd *s = f->private_data;

	poll_add_for(table, signal_waitq(), POLLIN);
	return signal_is_pending(&s->set) ? POLLIN : 0;
}

static void
signalfd_release(struct file *f)
{
	kfree(f->private_data);
}

static const struct file_ops signalfd_ops = {
	.read = signalfd_read,
	.poll = signalfd_poll,
	.release = signalfd_release,
	.name = "[signalfd]",
};

/* ---- The calls ---- */

static int64_t
signalfd_new(ksigset_t set, int flags)
{
	struct signalfd *s = knew(struct signalfd);

	s->set = set;
	return fd_install(
		file_new(&signalfd_ops, O_RDWR | (flags & O_NONBLOCK), s), 0,
		flags & O_CLOEXEC);
}

/* Who waits for the file looks at the new set. */
static int64_t
signalfd_change(int fd, ksigset_t set)
{
	struct file *f = fd_get(fd);
	struct signalfd *s;
	int64_t result = -EINVAL;

	if (!f)
		return -EBADF;
	if (f->ops == &signalfd_ops) {
		s = f->private_data;
		signal_change_set(&s->set, set);
		result = fd;
	} else if (f->flags & O_PATH) {
		result = -EBADF;
	}
	file_put(f);
	return result;
}

static int64_t
sys_signalfd4(int fd, const ksigset_t *user, size_t setsize, int flags)
{
	ksigset_t set;

	if ((flags & ~(O_CLOEXEC | O_NONBLOCK)) || setsize != KSIGSET_SIZE)
		return -EINVAL;
	if (copyin(&set, user, sizeof(set)))
		return -EFAULT;
	set &= ~(KSIGMASK(SIGKILL) | KSIGMASK(SIGSTOP));
	return fd == -1 ? signalfd_new(set, flags) : signalfd_change(fd, set);
}
SYSCALL(NR_signalfd4, sys_signalfd4);

static int64_t
sys_signalfd(int fd, const ksigset_t *user, size_t setsize)
{
	return sys_signalfd4(fd, user, setsize, 0);
}
SYSCALL(NR_signalfd, sys_signalfd);
