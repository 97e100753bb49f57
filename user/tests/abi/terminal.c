/*
 * The line discipline and job control, through a pseudo-terminal: termios(3),
 * ioctl_tty(2), setpgid(2), POSIX.1-2017 chapter 11. The pairs themselves are
 * in pty.c.
 */
#include <time.h>
#include "pseudo.h"

/* ---- Canonical mode ---- */

TEST(settings_at_first)
{
	struct pair p = open_pair();
	struct termios t;

	CHECK_EQ(tcgetattr(p.slave, &t), 0);
	CHECK_EQ(t.c_iflag, ICRNL | IXON);
	CHECK_EQ(t.c_oflag, OPOST | ONLCR);
	CHECK_EQ(t.c_cflag, B38400 | CS8 | CREAD);
	CHECK_EQ(t.c_lflag, ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL |
				    ECHOKE | IEXTEN);
	CHECK_EQ(memcmp(t.c_cc,
			"\x03\x1c\x7f\x15\x04\x00\x01\x00\x11\x13\x1a\x00\x12"
			"\x0f\x17\x16\x00",
			17),
		 0);
}

TEST(settings_are_set)
{
	struct pair p = open_pair();
	struct termios t, u;

	CHECK_EQ(tcgetattr(p.slave, &t), 0);
	t.c_cflag = B9600 | CS5 | PARENB; /* no wire: 8 bits, no parity */
	t.c_cc[VEOL] = 'x';
	CHECK_EQ(tcsetattr(p.slave, TCSADRAIN, &t), 0);
	CHECK_EQ(tcgetattr(p.master, &u), 0); /* there is but one set */
	CHECK_EQ(u.c_cflag, B9600 | CS8 | CREAD);
	CHECK_EQ(u.c_cc[VEOL], 'x');
	CHECK_ERR(ioctl(p.slave, TCGETS, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TCSETS, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TCSETSW, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TCSETSF, BAD), EFAULT);
}

TEST(lines)
{
	struct pair p = open_pair();
	char c[8];

	set_nonblocking(p.slave);
	put(p.master, "on");
	CHECK(gets_text(p.master, "on"));
	CHECK_ERR(read(p.slave, c, 8), EAGAIN);
	CHECK(!(events_of(p.slave) & POLLIN));
	put(p.master, "e\rtwo\n");
	CHECK(gets_text(p.master, "e\r\ntwo\r\n"));
	CHECK(events_of(p.slave) & POLLIN);
	CHECK_EQ(read(p.slave, c, 2), 2);
	CHECK(reads_text(p.slave, "e\n"));
	CHECK(reads_text(p.slave, "two\n"));
	CHECK_ERR(read(p.slave, c, 8), EAGAIN);
}

TEST(end_of_file)
{
	struct pair p = open_pair();
	char c[8];
	int n;

	put(p.master, "\x04");
	CHECK_EQ(read(p.slave, c, 8), 0);
	put(p.master, "ab\x04"
		      "cd\n");
	CHECK(gets_text(p.master, "abcd\r\n"));
	CHECK_EQ(ioctl(p.slave, FIONREAD, &n), 0);
	CHECK_EQ(n, 5); /* the mark is no character */
	CHECK(reads_text(p.slave, "ab"));
	CHECK(reads_text(p.slave, "cd\n"));
	put(p.master, "ab\x04");
	CHECK_EQ(read(p.slave, c, 2), 2); /* just so: its end goes with it */
	set_nonblocking(p.slave);
	CHECK_ERR(read(p.slave, c, 8), EAGAIN);
}

/** Types a line; whether the program then reads this and the screen shows that.
 */
static bool
line_gives(struct pair *p, const char *typed, const char *read,
	   const char *shown)
{
	put(p->master, typed);
	return reads_text(p->slave, read) && gets_text(p->master, shown);
}

#define RUB "\b \b"

TEST(editing)
{
	struct pair p = open_pair();
	struct termios t;

	CHECK(line_gives(&p, "abX\x7f\n", "ab\n", "abX" RUB "\r\n"));
	CHECK(line_gives(&p, "xy\x15z\n", "z\n", "xy" RUB RUB "z\r\n"));
	CHECK(line_gives(&p,
			 "a bc\x17"
			 "d\n",
			 "a d\n", "a bc" RUB RUB "d\r\n"));
	CHECK(line_gives(&p,
			 "a-\xc3z\x17"
			 "d\n",
			 "a-d\n", "a-\xc3z" RUB RUB "d\r\n"));
	REQUIRE(tcgetattr(p.slave, &t) == 0);
	t.c_iflag |= IUTF8;
	REQUIRE(tcsetattr(p.slave, TCSANOW, &t) == 0);
	CHECK(line_gives(&p,
			 "a-z\xc3\xa9\x17"
			 "d\n",
			 "a-d\n", "a-z\xc3\xa9" RUB RUB "d\r\n"));
	CHECK(line_gives(&p, "a\x16\x03\n", "a\x03\n", "a^\b^C\r\n"));
	CHECK(line_gives(&p, "a\x16\n\x7f\n", "a\n", "a^\b^J" RUB RUB "\r\n"));
	CHECK(line_gives(&p, "\x16\x7f\x7fx\n", "x\n",
			 "^\b^?" RUB RUB "x\r\n"));
	CHECK(line_gives(&p,
			 "ab\x12"
			 "c\n",
			 "abc\n", "ab^R\r\nabc\r\n"));
	CHECK(line_gives(&p, "\x7f\x15\x17!\n", "!\n", "!\r\n"));
}

TEST(other_ends_of_lines)
{
	struct pair p = open_pair();
	struct termios t;

	REQUIRE(tcgetattr(p.slave, &t) == 0);
	t.c_cc[VEOL] = ';';
	t.c_cc[VEOL2] = '!';
	REQUIRE(tcsetattr(p.slave, TCSANOW, &t) == 0);
	CHECK(line_gives(&p, "ab;", "ab;", "ab;"));
	CHECK(line_gives(&p, "cd!", "cd!", "cd!"));
	t.c_lflag &= ~IEXTEN; /* EOL2 is not of POSIX */
	REQUIRE(tcsetattr(p.slave, TCSANOW, &t) == 0);
	CHECK(line_gives(&p, "e!\n", "e!\n", "e!\r\n"));
	t.c_cc[VEOL] = POSIX_VDISABLE;
	REQUIRE(tcsetattr(p.slave, TCSANOW, &t) == 0);
	CHECK(line_gives(&p, "f;\n", "f;\n", "f;\r\n"));
}

TEST(translations)
{
	struct pair p = open_pair();
	struct termios t;

	REQUIRE(tcgetattr(p.slave, &t) == 0);
	t.c_iflag = INLCR | IGNCR | ISTRIP | IUCLC;
	t.c_oflag = OPOST | OLCUC | XTABS;
	t.c_lflag = IEXTEN;
	t.c_cc[VMIN] = 1;
	REQUIRE(tcsetattr(p.slave, TCSANOW, &t) == 0);
	put(p.master, "A\r\n\xe2");
	CHECK(gets_text(p.slave, "a\rb"));
	put(p.slave, "x\ty\n");
	CHECK(gets_text(p.master, "X       Y\n"));
}

TEST(without_echo)
{
	struct pair p = open_pair();

	set_flags(p.slave, ECHO, 0);
	put(p.master, "secret\n");
	CHECK(reads_text(p.slave, "secret\n"));
	set_flags(p.slave, 0, ECHONL);
	put(p.master, "secret\n");
	CHECK(reads_text(p.slave, "secret\n"));
	CHECK(gets_text(p.master, "\r\n"));
}

/* ---- MIN and TIME ---- */

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

TEST(min_without_time)
{
	struct pair p = open_pair();
	char c[8];

	set_raw(p.slave, 3, 0);
	put(p.master, "ab");
	CHECK(!(events_of(p.slave) & POLLIN)); /* fewer than MIN */
	CHECK_EQ(read(p.slave, c, 2), 2);      /* but no more are asked for */
	put(p.master, "abcde");
	AWAIT(events_of(p.slave) & POLLIN);
	CHECK_EQ(read(p.slave, c, 8), 5);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQ(read(p.slave, c, 8), 3);
		_exit(check_failures != 0);
	}
	put(p.master, "x");
	usleep(50000);
	put(p.master, "y");
	usleep(50000);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	put(p.master, "z");
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
	set_nonblocking(p.slave);
	CHECK_ERR(read(p.slave, c, 8), EAGAIN);
}

TEST(neither_min_nor_time)
{
	struct pair p = open_pair();
	char c[8];

	set_raw(p.slave, 0, 0);
	CHECK_EQ(read(p.slave, c, 8), 0);
	put(p.master, "ab");
	AWAIT(events_of(p.slave) & POLLIN);
	CHECK_EQ(read(p.slave, c, 8), 2);
	set_nonblocking(p.slave);
	CHECK_EQ(read(p.slave, c, 8), 0);
}

TEST(time_without_min)
{
	struct pair p = open_pair();
	char c[8];
	long start;

	set_raw(p.slave, 0, 2);
	start = now_ms();
	CHECK_EQ(read(p.slave, c, 8), 0);
	CHECK(now_ms() - start >= 199);
	put(p.master, "ab");
	AWAIT(events_of(p.slave) & POLLIN);
	CHECK_EQ(read(p.slave, c, 8), 2);
	set_nonblocking(p.slave);
	CHECK_ERR(read(p.slave, c, 8), EAGAIN);
}

TEST(min_and_time)
{
	struct pair p = open_pair();
	char c[8];
	long start;

	set_raw(p.slave, 3, 2);
	put(p.master, "ab");
	AWAIT(events_of(p.slave) & POLLIN);
	start = now_ms();
	CHECK_EQ(read(p.slave, c, 8), 2); /* nothing came for TIME */
	CHECK(now_ms() - start >= 199);
	put(p.master, "abc");
	CHECK_EQ(read(p.slave, c, 8), 3);
	pid_t child = fork();
	if (child == 0) { /* the time runs from the first character on */
		CHECK_EQ(read(p.slave, c, 8), 1);
		_exit(check_failures != 0);
	}
	usleep(300000);
	CHECK_EQ(waitpid(child, NULL, WNOHANG), 0);
	put(p.master, "x");
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK_EQ(status, 0);
}

/* ---- Queues and flow ---- */

TEST(queues)
{
	struct pair p = open_pair();
	char c[8];
	int n = -1;

	CHECK_EQ(ioctl(p.slave, FIONREAD, &n), 0);
	CHECK_EQ(n, 0);
	put(p.master, "abc\nde");
	CHECK(gets_text(p.master, "abc\r\nde"));
	CHECK_EQ(ioctl(p.slave, FIONREAD, &n), 0);
	CHECK_EQ(n, 4);
	CHECK_EQ(tcflush(p.slave, TCIFLUSH), 0);
	CHECK_EQ(ioctl(p.slave, FIONREAD, &n), 0);
	CHECK_EQ(n, 0);
	put(p.master, "f\n");
	CHECK(reads_text(p.slave, "f\n"));
	CHECK(gets_text(p.master, "f\r\n"));
	put(p.slave, "12345");
	AWAIT(events_of(p.master) & POLLIN);
	CHECK_EQ(ioctl(p.master, FIONREAD, &n), 0);
	CHECK_EQ(n, 5);
	CHECK_EQ(ioctl(p.slave, TIOCOUTQ, &n), 0);
	CHECK_EQ(n, 0);
	CHECK_EQ(tcdrain(p.slave), 0);
	CHECK_EQ(tcsendbreak(p.slave, 0), 0);
	CHECK_EQ(tcflush(p.master, TCIFLUSH), 0);
	set_nonblocking(p.master);
	CHECK_ERR(read(p.master, c, 8), EAGAIN);
	CHECK_EQ(tcflush(p.slave, TCOFLUSH), 0);
	CHECK_EQ(tcflush(p.slave, TCIOFLUSH), 0);
	CHECK_ERR(tcflush(p.slave, 9), EINVAL);
	CHECK_ERR(tcflow(p.slave, 9), EINVAL);
	CHECK_ERR(ioctl(p.slave, FIONREAD, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TIOCOUTQ, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TIOCGETD, BAD), EFAULT);
	CHECK_ERR(ioctl(p.slave, TIOCSETD, BAD), EFAULT);
}

TEST(settings_that_flush)
{
	struct pair p = open_pair();
	struct termios t;

	put(p.master, "old\n");
	REQUIRE(tcgetattr(p.slave, &t) == 0);
	CHECK_EQ(tcsetattr(p.slave, TCSADRAIN, &t), 0);
	put(p.master, "more\n");
	CHECK(gets_text(p.master, "old\r\nmore\r\n"));
	CHECK(reads_text(p.slave, "old\n"));
	CHECK_EQ(tcsetattr(p.slave, TCSAFLUSH, &t), 0);
	put(p.master, "new\n");
	CHECK(reads_text(p.slave, "new\n"));
}

TEST(output_stops_and_starts)
{
	struct pair p = open_pair();

	set_nonblocking(p.slave);
	put(p.master, "\x13");
	AWAIT(!(events_of(p.slave) & POLLOUT));
	CHECK_ERR(write(p.slave, "x", 1), EAGAIN);
	put(p.master, "\x11");
	AWAIT(events_of(p.slave) & POLLOUT);
	put(p.slave, "1");
	put(p.master, "\x13");
	AWAIT(!(events_of(p.slave) & POLLOUT));
	put(p.master, "\x03"); /* an interrupt starts it, too */
	AWAIT(events_of(p.slave) & POLLOUT);
	put(p.slave, "2");
	CHECK(gets_text(p.master, "1^C2"));
	CHECK_EQ(tcflow(p.slave, TCOOFF), 0);
	put(p.master, "\x11"); /* what a program has stopped it starts */
	usleep(20000);
	CHECK_ERR(write(p.slave, "x", 1), EAGAIN);
	CHECK_EQ(tcflow(p.slave, TCOON), 0);
	set_raw(p.slave, 1, 0); /* now ^S is a character */
	put(p.master, "\x13");
	CHECK(reads_text(p.slave, "\x13"));
	put(p.slave, "3");
	CHECK(gets_text(p.master, "3"));
	CHECK_EQ(tcflow(p.slave, TCIOFF), 0);
	CHECK_EQ(tcflow(p.slave, TCION), 0);
	CHECK(gets_text(p.master, "\x13\x11"));
}

/** Fills an end; how many bytes it took, by whole writes of one. */
static long
fill(int fd)
{
	char c = 'x';
	long n = 0;

	while (n < 1000000 && write(fd, &c, 1) == 1)
		n++;
	CHECK_EQ(errno, EAGAIN);
	return n;
}

TEST(full_queues)
{
	struct pair p = open_pair();
	static char buf[65536];
	long wrote, n, got;

	set_raw(p.slave, 1, 0);
	set_nonblocking(p.slave);
	set_nonblocking(p.master);
	wrote = fill(p.slave);
	CHECK(wrote >= 4000);
	CHECK(!(events_of(p.slave) & POLLOUT));
	for (got = 0; (n = read(p.master, buf, sizeof(buf))) > 0; got += n)
		;
	CHECK_EQ(got, wrote);
	CHECK(events_of(p.slave) & POLLOUT);

	wrote = fill(p.master);
	CHECK(wrote >= 4000);
	for (got = 0; got < wrote; got += n)
		if ((n = read(p.slave, buf, sizeof(buf))) <= 0)
			n = usleep(1000); /* it is on its way */
	CHECK_EQ(got, wrote);
}

/* More than fits goes through, in both directions at once. */
TEST(a_stream)
{
	struct pair p = open_pair();
	enum { MUCH = 300000 };
	char out[700], in[700];
	long sent = 0, echoed = 0, n;

	set_raw(p.slave, 1, 0);
	pid_t child = fork();
	if (child == 0) {
		close(p.master);
		while ((n = read(p.slave, in, sizeof(in))) > 0)
			CHECK_EQ(write(p.slave, in, n), n);
		_exit(0);
	}
	set_nonblocking(p.master);
	while (echoed < MUCH) {
		struct pollfd f = { p.master,
				    POLLIN | (sent < MUCH ? POLLOUT : 0), 0 };

		REQUIRE(poll(&f, 1, -1) == 1);
		if (f.revents & POLLIN) {
			n = read(p.master, in, sizeof(in));
			REQUIRE(n > 0);
			for (long i = 0; i < n; i++)
				REQUIRE((unsigned char)in[i] ==
					(echoed + i) % 251);
			echoed += n;
		}
		if (f.revents & POLLOUT) {
			for (unsigned i = 0; i < sizeof(out); i++)
				out[i] = (sent + i) % 251;
			n = write(p.master, out,
				  MIN((long)sizeof(out), MUCH - sent));
			sent += n > 0 ? n : 0;
		}
	}
	CHECK_EQ(echoed, MUCH);
	kill(child, SIGKILL);
}

TEST(typing_for_the_program)
{
	struct pair p = open_pair();

	set_flags(p.slave, ECHO, 0);
	CHECK_EQ(ioctl(p.slave, TIOCSTI, "a"), 0);
	CHECK_EQ(ioctl(p.slave, TIOCSTI, "\n"), 0);
	CHECK(reads_text(p.slave, "a\n"));
	CHECK_ERR(ioctl(p.slave, TIOCSTI, BAD), EFAULT);
	/* EPERM where dev.tty.legacy_tiocsti still lets it happen */
	AS_USER(CHECK_EQ(ioctl(p.slave, TIOCSTI, "a"), -1);
		CHECK(errno == EIO || errno == EPERM));
}

/* ---- Signals ---- */

static volatile int got_signal;

static void
note(int signo)
{
	got_signal = signo;
}

/** A session's child that leads it on the terminal, and waits. */
static pid_t
waiting_leader(struct pair *p)
{
	pid_t child = fork();

	if (child == 0) {
		close(p->master);
		lead_session(p);
		put(p->slave, "r");
		for (;;)
			pause();
	}
	CHECK(gets_text(p->master, "r"));
	return child;
}

static int
death_by(struct pair *p, const char *key)
{
	pid_t child = waiting_leader(p);
	int status = 0;

	put(p->master, key);
	CHECK_EQ(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(keys_that_kill)
{
	struct pair p = open_pair();
	char c;

	CHECK_EQ(death_by(&p, "abc\x03"), SIGINT);
	do /* the flush may take echo, too */
		REQUIRE(read(p.master, &c, 1) == 1);
	while (c != 'C');
	CHECK_EQ(death_by(&p, "\x1c"), SIGQUIT);
	put(p.master, "z\n");
	CHECK(reads_text(p.slave, "z\n")); /* the rest was thrown away */
}

TEST(keys_that_do_not)
{
	struct pair p = open_pair();

	set_flags(p.slave, 0, NOFLSH);
	put(p.master, "ab\x03"
		      "c\n");
	CHECK(reads_text(p.slave, "abc\n"));
	set_flags(p.slave, ISIG, 0);
	put(p.master, "\x03\x1a\n");
	CHECK(reads_text(p.slave, "\x03\x1a\n"));
}

TEST(the_key_that_stops)
{
	struct pair p = open_pair();
	int status;
	char c;

	pid_t leader = fork();
	if (leader == 0) {
		lead_session(&p);
		signal(SIGTTOU, SIG_IGN);
		signal(SIGTSTP, SIG_IGN);
		pid_t job = fork();
		if (job == 0) {
			signal(SIGTSTP, SIG_DFL);
			setpgid(0, 0);
			tcsetpgrp(p.slave, getpid());
			put(p.slave, "r");
			for (;;)
				pause();
		}
		CHECK_EQ(waitpid(job, &status, WUNTRACED), job);
		CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
		kill(job, SIGKILL);
		_exit(check_failures != 0);
	}
	CHECK_EQ(read(p.master, &c, 1), 1);
	put(p.master, "\x1a");
	CHECK_EQ(waitpid(leader, &status, 0), leader);
	CHECK_EQ(status, 0);
}

/* ---- In the background ---- */

/**
 * Runs statements in a background group of a session on the terminal. @return
 * the job's wait status, of its first stop or its end
 */
#define IN_BACKGROUND(p, ...)                                                  \
	({                                                                     \
		int where_[2], status_ = -1;                                   \
		REQUIRE(pipe(where_) == 0);                                    \
		IN_CHILD({                                                     \
			lead_session(p);                                       \
			pid_t job_ = fork();                                   \
			if (job_ == 0) {                                       \
				setpgid(0, 0);                                 \
				__VA_ARGS__;                                   \
				_exit(check_failures != 0);                    \
			}                                                      \
			waitpid(job_, &status_, WUNTRACED);                    \
			write(where_[1], &status_, sizeof(status_));           \
			kill(job_, SIGKILL);                                   \
		});                                                            \
		read(where_[0], &status_, sizeof(status_));                    \
		close(where_[0]);                                              \
		close(where_[1]);                                              \
		status_;                                                       \
	})

#define STOPPED_BY(signo) ((signo) << 8 | 0x7f)

TEST(background_reads)
{
	struct pair p = open_pair();
	char c;

	put(p.master, "x\n");
	CHECK_EQ(IN_BACKGROUND(&p, read(p.slave, &c, 1)), STOPPED_BY(SIGTTIN));
	CHECK_EQ(IN_BACKGROUND(&p,
			       {
				       signal(SIGTTIN, SIG_IGN);
				       CHECK_ERR(read(p.slave, &c, 1), EIO);
			       }),
		 0);
	CHECK_EQ(IN_BACKGROUND(&p,
			       {
				       sigset_t set;

				       sigemptyset(&set);
				       sigaddset(&set, SIGTTIN);
				       sigprocmask(SIG_BLOCK, &set, NULL);
				       CHECK_ERR(read(p.slave, &c, 1), EIO);
			       }),
		 0);
	CHECK_EQ(IN_BACKGROUND(&p,
			       {
				       struct sigaction a = { .sa_handler =
								      note };

				       sigaction(SIGTTIN, &a, NULL);
				       CHECK_ERR(read(p.slave, &c, 1), EINTR);
				       CHECK_EQ(got_signal, SIGTTIN);
			       }),
		 0);
}

TEST(background_writes)
{
	struct pair p = open_pair();

	CHECK_EQ(IN_BACKGROUND(&p, put(p.slave, "x")), 0);
	set_flags(p.slave, 0, TOSTOP);
	CHECK_EQ(IN_BACKGROUND(&p, put(p.slave, "x")), STOPPED_BY(SIGTTOU));
	CHECK_EQ(IN_BACKGROUND(&p,
			       {
				       signal(SIGTTOU, SIG_IGN);
				       put(p.slave, "y");
			       }),
		 0);
}

TEST(background_changes)
{
	struct pair p = open_pair();
	struct termios t;

	REQUIRE(tcgetattr(p.slave, &t) == 0);
	CHECK_EQ(IN_BACKGROUND(&p, tcgetattr(p.slave, &t)), 0);
	CHECK_EQ(IN_BACKGROUND(&p, tcsetattr(p.slave, TCSANOW, &t)),
		 STOPPED_BY(SIGTTOU));
	CHECK_EQ(IN_BACKGROUND(&p, tcsetpgrp(p.slave, getpid())),
		 STOPPED_BY(SIGTTOU));
	CHECK_EQ(IN_BACKGROUND(&p, tcflush(p.slave, TCIFLUSH)),
		 STOPPED_BY(SIGTTOU));
	CHECK_EQ(IN_BACKGROUND(&p, tcflow(p.slave, TCOON)),
		 STOPPED_BY(SIGTTOU));
	CHECK_EQ(IN_BACKGROUND(&p, tcdrain(p.slave)), STOPPED_BY(SIGTTOU));
	CHECK_EQ(IN_BACKGROUND(&p,
			       {
				       signal(SIGTTOU, SIG_IGN);
				       CHECK_EQ(tcsetpgrp(p.slave, getpid()),
						0);
				       CHECK_EQ(tcgetpgrp(p.slave), getpid());
			       }),
		 0);
}

/* Nobody could continue an orphaned group: an error instead of a stop. */
TEST(orphans_in_the_background)
{
	struct pair p = open_pair();
	int up[2];
	char c = 0;

	REQUIRE(pipe(up) == 0);
	set_flags(p.slave, 0, TOSTOP);
	pid_t leader = fork();
	if (leader == 0) {
		lead_session(&p);
		if (fork() == 0) {
			pid_t parent = getpid();

			if (fork() > 0)
				_exit(0);
			setpgid(0, 0);
			while (getppid() == parent)
				usleep(1000);
			CHECK_ERR(read(p.slave, &c, 1), EIO);
			CHECK_ERR(write(p.slave, &c, 1), EIO);
			CHECK_ERR(tcsetpgrp(p.slave, getpid()), ENOTTY);
			CHECK_ERR(tcflow(p.slave, TCOON), EIO);
			c = check_failures ? 'n' : 'y';
			write(up[1], &c, 1);
			_exit(0);
		}
		for (;;)
			pause();
	}
	CHECK_EQ(read(up[0], &c, 1), 1);
	CHECK_EQ(c, 'y');
	kill(leader, SIGKILL);
}
