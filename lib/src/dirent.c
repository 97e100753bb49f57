/*
 * Directories, read by getdents64 a buffer at a time; and terminals.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

struct dir {
	int fd;
	int at, end; /* the records in buf that are still to be given out */
	char buf[4096] __attribute__((aligned(8)));
};

DIR *
fdopendir(int fd)
{
	struct stat st;
	DIR *d;

	if (fstat(fd, &st) < 0)
		return NULL;
	if (!S_ISDIR(st.st_mode)) {
		errno = ENOTDIR;
		return NULL;
	}
	d = malloc(sizeof(*d));
	if (d == NULL)
		return NULL;
	d->fd = fd;
	d->at = d->end = 0;
	return d;
}

DIR *
opendir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d;

	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (d == NULL)
		close(fd);
	return d;
}

struct dirent *
readdir(DIR *d)
{
	struct dirent *entry;

	if (d->at == d->end) {
		d->at = 0;
		d->end = (int)syscall(NR_getdents64, d->fd, d->buf,
				      sizeof(d->buf));
		if (d->end <= 0) {
			d->end = 0;
			return NULL;
		}
	}
	entry = (struct dirent *)(d->buf + d->at);
	d->at += entry->d_reclen;
	return entry;
}

void
rewinddir(DIR *d)
{
	lseek(d->fd, 0, SEEK_SET);
	d->at = d->end = 0;
}

int
dirfd(DIR *d)
{
	return d->fd;
}

int
closedir(DIR *d)
{
	int result = close(d->fd);

	free(d);
	return result;
}

int
tcgetattr(int fd, struct termios *t)
{
	return ioctl(fd, TCGETS, t);
}

int
tcsetattr(int fd, int when, const struct termios *t)
{
	if (when < TCSANOW || when > TCSAFLUSH) {
		errno = EINVAL;
		return -1;
	}
	return ioctl(fd, TCSETS + (unsigned)when, t);
}

int
tcflush(int fd, int queue)
{
	return ioctl(fd, TCFLSH, (long)queue);
}

int
tcflow(int fd, int action)
{
	return ioctl(fd, TCXONC, (long)action);
}

int
tcdrain(int fd)
{
	return ioctl(fd, TCSBRK, 1L);
}

int
tcsendbreak(int fd, int duration)
{
	(void)duration; /* 0.25 to 0.5 s, whatever it is: tcsendbreak(3) */
	return ioctl(fd, TCSBRK, 0L);
}

pid_t
tcgetpgrp(int fd)
{
	pid_t pgrp;

	return ioctl(fd, TIOCGPGRP, &pgrp) < 0 ? -1 : pgrp;
}

int
tcsetpgrp(int fd, pid_t pgrp)
{
	return ioctl(fd, TIOCSPGRP, &pgrp);
}

void
cfmakeraw(struct termios *t)
{
	t->c_iflag &= ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR |
			ICRNL | IXON);
	t->c_oflag &= ~OPOST;
	t->c_lflag &= ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
	t->c_cflag = (t->c_cflag & ~(CSIZE | PARENB)) | CS8;
	t->c_cc[VMIN] = 1;
	t->c_cc[VTIME] = 0;
}
