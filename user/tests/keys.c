/*
 * What a key costs on its way through the line discipline, at a
 * pseudo-terminal: in ticks of the time-stamp counter, which are instructions
 * under the instruction clock. The book's chapter on terminals has a table of
 * it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define N 256

static int master, slave;

static long
ticks(void)
{
	unsigned low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (long)((unsigned long)high << 32 | low);
}

static void
open_pair(void)
{
	char name[32];
	int unlock = 0, number;

	master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (master < 0 || ioctl(master, TIOCSPTLCK, &unlock) < 0 ||
	    ioctl(master, TIOCGPTN, &number) < 0) {
		perror("/dev/ptmx");
		exit(2);
	}
	snprintf(name, sizeof(name), "/dev/pts/%d", number);
	slave = open(name, O_RDWR | O_NOCTTY);
	if (slave < 0) {
		perror(name);
		exit(2);
	}
}

static void
set_flags(unsigned local, unsigned output)
{
	struct termios t;

	tcgetattr(slave, &t);
	t.c_lflag = local;
	t.c_oflag = output;
	t.c_cc[VMIN] = 1;
	t.c_cc[VTIME] = 0;
	tcsetattr(slave, TCSAFLUSH, &t);
}

/* Type @keys, then read what the master and the slave have. */
static void
type(const char *what, const char *keys, long n, int shown, int read_line)
{
	char buf[64];
	long t, typed = 0;

	for (int i = 0; i < N; i++) {
		t = ticks();
		write(master, keys, (size_t)n);
		typed += ticks() - t;
		if (shown)
			read(master, buf, sizeof(buf));
		if (read_line)
			read(slave, buf, sizeof(buf));
	}
	printf("%s %ld\n", what, typed / N);
}

int
main(void)
{
	open_pair();
	set_flags(0, 0);
	type("raw, no echo", "a", 1, 0, 1);
	type("raw, no echo, 32 at once", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 32,
	     0, 1);
	set_flags(ECHO, 0);
	type("raw, echo", "a", 1, 1, 1);
	set_flags(ICANON | ISIG | IEXTEN, OPOST | ONLCR);
	type("canonical, no echo", "a", 1, 0, 0);
	set_flags(ICANON | ISIG | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL,
		  OPOST | ONLCR);
	type("canonical, echo", "a", 1, 1, 0);
	set_flags(ICANON | ISIG | IEXTEN | ECHO | ECHOE | ECHOK | ECHOCTL,
		  OPOST | ONLCR);
	type("canonical, echo, a newline", "\n", 1, 1, 1);
	type("a key and its erasure", "a\177", 2, 1, 0);
	return 0;
}
